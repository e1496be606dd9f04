//! The one table of the configuration's parameters.
//!
//! The parser, the sample file, suppressd.toml(5) and `suppressd config` all come from here; a parameter that has no
//! row does not exist, and a test holds that every row is read.

/// One parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its section, as `policy.soft`; empty for the top of the file.
    pub section: &'static str,
    /// Its name within the section.
    pub name: &'static str,
    /// What may be written, in words.
    pub syntax: &'static str,
    /// The default, as TOML; empty for none.
    pub default: &'static str,
    /// An example for the sample file, where the default does not show the form.
    pub example: &'static str,
    /// What it does, in full sentences.
    pub text: &'static str,
}

/// A section and what it is about.
pub const SECTIONS: &[(&str, &str)] = &[
    ("", "The database."),
    ("http", "The public door for webhooks. Put nginx in front of it, or let it speak TLS itself."),
    ("admin", "The private door: health for monitoring. Never open it to the world."),
    ("sns", "Amazon SNS notifications about SES mail."),
    ("lookup", "What Postfix asks. A unix socket is created with the mode and group below."),
    ("export", "The list as files that Postfix reads by itself. They answer while suppressd is down too."),
    ("mail", "Bounce mail, by pipe(8) and LMTP."),
    (
        "quarantine",
        "What could not be understood or trusted, kept to be looked at and replayed. When it is full, the oldest go.",
    ),
    ("policy.hard", "Hard bounces: addresses that do not work."),
    ("policy.soft", "Soft bounces: messages that did not arrive. What was the sender's fault never counts."),
    ("policy.complaint", "Complaints: the recipient called a message spam."),
    ("log", "Where log lines go."),
];

const fn row(
    section: &'static str,
    name: &'static str,
    syntax: &'static str,
    default: &'static str,
    example: &'static str,
    text: &'static str,
) -> Parameter {
    Parameter { section, name, syntax, default, example, text }
}

/// Every parameter, in the order of the sample file.
#[rustfmt::skip]
pub const PARAMETERS: &[Parameter] = &[
    row("", "database", "path", r#""/var/lib/suppressd/suppressd.db""#, "",
        "The SQLite database. Its directory must be writable for the user that suppressd runs as."),

    row("http", "listen", "list of addresses", r#"["127.0.0.1:8025"]"#, "",
        "Where to take webhooks: ADDRESS:PORT."),
    row("http", "tls", "table", "", r#"{ certificate = "/etc/suppressd/fullchain.pem", key = "/etc/suppressd/privkey.pem" }"#,
        "Speak TLS with this certificate chain and key (PEM). Both are read again on reload."),
    row("http", "max-connections", "number", "512", "",
        "Connections served at once; further ones wait."),
    row("http", "header-timeout", "duration", r#""10s""#, "",
        "Time for the header of a request; also how long an idle connection is kept."),
    row("http", "body-timeout", "duration", r#""10s""#, "",
        "Time for the body of a request."),

    row("admin", "listen", "list of addresses", r#"["127.0.0.1:8026"]"#, "",
        "Where to answer GET /health: 200 while the database answers, else 503."),

    row("sns", "path", "text", r#""/sns""#, "",
        "The path of the endpoint."),
    row("sns", "topics", "list of ARNs", "[]", r#"["arn:aws:sns:eu-west-1:123456789012:ses-feedback"]"#,
        "Topics whose messages count. \"suppressd topics allow\" adds to them. A valid signature only proves that some AWS account sent a message; this list proves that it is yours."),
    row("sns", "require-version-2", "true or false", "false", "",
        "Refuse signatures of version 1 (SHA-1). Set the topic's SignatureVersion attribute to 2 before."),
    row("sns", "credentials-file", "path", "", r#""/etc/suppressd/sns.credentials""#,
        "A file with one line user:password. The endpoint then asks for basic authentication, and raw message delivery, which has no signature, is accepted with it."),
    row("sns", "proxy", "URL", "", r#""http://127.0.0.1:3128""#,
        "Proxy for fetching signing certificates and confirming subscriptions; else the environment's HTTPS_PROXY."),
    row("sns", "ca-file", "path", "", r#""/etc/suppressd/ca.pem""#,
        "More certificate authorities (PEM) to trust for that, beside the system's."),
    row("sns", "fetch-timeout", "duration", r#""5s""#, "",
        "Time for one such fetch. SNS itself waits 15 seconds."),

    row("lookup", "socketmap", "list of addresses", r#"["unix:/var/spool/postfix/suppressd/lookup.sock"]"#, "",
        "Where to answer socketmap_table(5): unix:PATH or ADDRESS:PORT. The maps are \"access\", \"transport\" and \"return-path\"."),
    row("lookup", "tcp-table", "list of tables", "[]", r#"[{ listen = "127.0.0.1:8027", map = "access" }]"#,
        "Where to answer tcp_table(5), one map for each port."),
    row("lookup", "policy", "list of addresses", r#"["unix:/var/spool/postfix/suppressd/policy.sock"]"#, "",
        "Where to answer the policy delegation protocol."),
    row("lookup", "mode", r#""enforce" or "warn""#, r#""enforce""#, "",
        "\"warn\" refuses nothing: Postfix logs a warning for each recipient that would be refused."),
    row("lookup", "on-error", r#""defer" or "accept""#, r#""defer""#, "",
        "What Postfix hears while the database can't answer: come back later, or not on the list."),
    row("lookup", "deadline", "duration", r#""1s""#, "",
        "Longest wait for the database in one lookup."),
    row("lookup", "max-connections", "number", "1024", "",
        "Connections served at once by each socket; further ones are closed at once, so that Postfix does not wait for its time-out."),
    row("lookup", "socket-mode", "octal number in quotes", r#""0660""#, "",
        "Mode of unix sockets. Postfix asks as user postfix."),
    row("lookup", "socket-owner", "user name", "", r#""suppressd""#,
        "Owner of unix sockets; else the user that suppressd runs as."),
    row("lookup", "socket-group", "group name", r#""postfix""#, "",
        "Group of unix sockets."),

    row("export", "files", "list of tables", "[]", r#"[{ path = "/var/lib/suppressd/transport.cdb", map = "transport" }]"#,
        "Files to keep fresh, and the map that each answers, \"access\" or \"transport\". One whose name ends with .cdb or .lmdb is for Postfix as it is; any other is text for postmap(1). Each is replaced as a whole. As a service, suppressd may write below /var/lib/suppressd only. Postfix looks up more in a file than in a socketmap; the command \"export\" in suppressd(1) says what."),
    row("export", "every", "duration", r#""1m""#, "",
        "So long after the list changed, by whomever, or an entry ran out, the files are written anew at the latest. Nothing is written while the list stays the same. Postfix itself notices a new file within 10 seconds."),

    row("mail", "lmtp", "list of addresses", "[]", r#"["unix:/var/spool/postfix/suppressd/lmtp.sock"]"#,
        "Where to take bounce mail by LMTP: unix:PATH or ADDRESS:PORT. The recommended door. Unix sockets have the mode and group of [lookup]."),
    row("mail", "trusted-networks", "list of networks", r#"["127.0.0.0/8", "::1/128"]"#, "",
        "Bounce mail that a client of these networks handed to Postfix counts, like bounce mail that Postfix made itself."),
    row("mail", "trusted-authserv-ids", "list of names", "[]", r#"["mx.example.org"]"#,
        "Names by which your own mail servers sign Authentication-Results headers. Bounce mail that such a header says was signed (DKIM) by amazonses.com counts. Your border must remove such headers from mail that comes in."),
    row("mail", "dkim-domains", "list of domains", r#"["amazonses.com"]"#, "",
        "Bounce mail that nothing else proves counts if it is signed (DKIM) by one of these domains, its author is of the same domain, and it came to the address in its To. amazonses.com stands for Amazon's own reports, never for what SES's customers send. Name no domain under which strangers can write mail. An empty list checks no signatures and asks the DNS nothing."),
    row("mail", "dns", "list of addresses", "[]", r#"["127.0.0.1:53"]"#,
        "DNS servers to ask for the keys of such signatures: ADDRESS:PORT, or ADDRESS for port 53. Without any, those of /etc/resolv.conf. While they don't answer, a signed report waits in Postfix's queue; after two days it goes to quarantine instead."),
    row("mail", "verp", "list of patterns", "[]", r#"["return-{user}={domain}"]"#,
        "How return paths of your own name the recipient (VERP), beside bounces+USER=DOMAIN, LIST-bounces+USER=DOMAIN and Sympa's, which are always known. It names the recipient where a report hides him."),
    row("mail", "deadline", "duration", r#""60s""#, "",
        "Longest time for one mail, before Postfix is asked to come back. For pipe(8), keep it shorter than Postfix's time limit for the transport: Postfix throws a mail away at its own."),
    row("mail", "return-path-key-file", "path", "", r#""/etc/suppressd/return-path.keys""#,
        "Secrets for signed return paths: lines \"key-id secret\", the first signs, all verify. Not readable for everybody. The map \"return-path\" of lookup.socketmap then signs envelope senders for Postfix's sender_canonical_maps, and a report to a signed address counts. While suppressd is down, mail that Postfix has to look a sender up for waits; while this file is wrong, suppressd does not start, a reload keeps the old keys, and pipe and lmtp-worker ask Postfix to come back."),
    row("mail", "return-path-domains", "list of domains", "[]", r#"["example.org"]"#,
        "Envelope senders of these domains are signed; subdomains are not meant. Without any, none is signed."),
    row("mail", "return-path-days", "number", "15", "",
        "So many days a signed return path is valid. Postfix keeps mail for 5 days, and so may the last system that bounces it."),
    row("mail", "return-path-trust", r#""recipient" or "anybody""#, r#""recipient""#, "",
        "About whom a report to a signed return path counts. Whoever received mail straight from this Postfix knows such an address and can write any report to it; so by default only the recipient counts that the signed address itself names, as in bounces+SIG=bob=example.com@example.org. \"anybody\" is right where all mail goes through SES, which shows its own return path to recipients."),

    row("quarantine", "max-entries", "number", "10000", "",
        "Most entries kept."),
    row("quarantine", "max-size", "size", r#""256M""#, "",
        "Most bytes of mail and messages kept altogether, with K, M or G behind the number."),
    row("quarantine", "keep", "duration", r#""90d""#, "",
        "How long an entry is kept. What is older goes when the next entry comes in."),

    row("policy.hard", "after", "number", "1", "",
        "So many hard bounces suppress; 0 never does."),
    row("policy.hard", "within", "duration", r#""14d""#, "",
        "They lie within this time."),
    row("policy.hard", "on-days", "number", "1", "",
        "They fall on so many different days (UTC)."),
    row("policy.hard", "suppress-for", r#"duration or "forever", or a list of them"#, r#""forever""#, "",
        "For how long mail is refused. Of a list, the first holds for the first time, the second for the second, the last from then on."),

    row("policy.soft", "after", "number", "5", "",
        "So many soft bounces of different messages suppress; 0 never does. A delivery sets the count to zero."),
    row("policy.soft", "within", "duration", r#""14d""#, "",
        "They lie within this time."),
    row("policy.soft", "on-days", "number", "3", "",
        "They fall on so many different days (UTC)."),
    row("policy.soft", "suppress-for", r#"duration or "forever", or a list of them"#, r#"["7d", "30d", "forever"]"#, "",
        "For how long mail is refused, the first time, the second time and so on."),

    row("policy.complaint", "after", "number", "1", "",
        "So many complaints suppress; 0 never does."),
    row("policy.complaint", "within", "duration", r#""14d""#, "",
        "They lie within this time."),
    row("policy.complaint", "on-days", "number", "1", "",
        "They fall on so many different days (UTC)."),
    row("policy.complaint", "suppress-for", r#"duration or "forever", or a list of them"#, r#""forever""#, "",
        "For how long mail is refused, the first time, the second time and so on."),

    row("log", "to", r#""auto", "stderr", "journal" or "syslog""#, r#""auto""#, "",
        "\"auto\" is stderr on a terminal, the journal under systemd, and else syslog with facility mail."),
    row("log", "level", r#""error", "warn", "info" or "debug""#, r#""info""#, "",
        "The least important lines to log. Mail events are \"info\"."),
];
