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
    ("admin", "The private door: health and numbers for monitoring. Never open it to the world."),
    ("sns", "Amazon SNS notifications about SES mail."),
    ("lookup", "What Postfix asks. A unix socket is created with the mode and group below."),
    ("export", "The list as files that Postfix reads by itself. They answer while suppressd is down too."),
    ("mail", "Bounce mail, by pipe(8) and LMTP."),
    (
        "quarantine",
        "What could not be understood or trusted, kept to be looked at and replayed. When it is full, the oldest go.",
    ),
    ("policy", "What events do to the list."),
    ("policy.hard", "Hard bounces: addresses that do not work. They hold for all mail."),
    (
        "policy.soft",
        "Soft bounces: messages that did not arrive. They hold for all mail. What was the sender's fault never counts.",
    ),
    ("policy.complaint", "Complaints: the recipient called a message spam."),
    ("policy.unsubscribe", "Unsubscribe requests that SES or a feedback loop reports."),
    (
        "policy.incident",
        "A burst of one diagnostic from one receiving system says more about that system than about its users: the \
         suppressions are held back until \"suppressd incidents\" settles them.",
    ),
    (
        "stream",
        "Kinds of mail, each written under a line [[stream]] of its own; the first that matches counts. A complaint about \
         one kind does not refuse the others.",
    ),
    ("privacy", "What is kept about people."),
    ("log", "Where log lines go."),
];

/// The section that may stand there several times.
pub const STREAM: &str = "stream";

/// What a profile other than "ses" sets otherwise: profile, section, name, default as TOML.
pub const PROFILES: &[(&str, &str, &str, &str)] = &[
    ("listmonk", "policy.soft", "after", "2"),
    ("listmonk", "policy.soft", "on-days", "1"),
    ("listmonk", "policy.soft", "then", r#""record""#),
    ("gentle", "policy.hard", "after", "2"),
    ("gentle", "policy.hard", "within", r#""30d""#),
    ("gentle", "policy.hard", "on-days", "2"),
    ("gentle", "policy.hard", "suppress-for", r#"["30d", "90d", "forever"]"#),
    ("gentle", "policy.soft", "after", "8"),
    ("gentle", "policy.soft", "within", r#""30d""#),
    ("gentle", "policy.soft", "on-days", "5"),
    ("gentle", "policy.soft", "suppress-for", r#"["3d", "7d", "30d"]"#),
];

/// The default of a parameter under a profile, as TOML; `None` where there is no such parameter.
#[must_use]
pub fn default(profile: &str, section: &str, name: &str) -> Option<&'static str> {
    let of_profile = PROFILES.iter().find(|(p, s, n, _)| *p == profile && *s == section && *n == name);
    let parameter = || PARAMETERS.iter().find(|p| p.section == section && p.name == name);
    of_profile.map(|(.., default)| *default).or_else(|| parameter().map(|p| p.default))
}

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
        "Where to take webhooks: ADDRESS:PORT. An IPv6 address takes no clients of IPv4: name both, as \"0.0.0.0:8443\" and \"[::]:8443\"."),
    row("http", "tls", "table", "", r#"{ certificate = "/etc/suppressd/fullchain.pem", key = "/etc/suppressd/privkey.pem" }"#,
        "Speak TLS with this certificate chain and key (PEM). Both are read again on reload."),
    row("http", "max-connections", "number from 1", "512", "",
        "Connections served at once; further ones wait. For each that waits, one leaves that has said nothing for 100 ms, or sent no whole request within half a second."),
    row("http", "header-timeout", "duration", r#""10s""#, "",
        "Time for the header of a request; also how long an idle connection is kept."),
    row("http", "body-timeout", "duration", r#""10s""#, "",
        "Time for the body of a request."),

    row("admin", "listen", "list of addresses", r#"["127.0.0.1:8026"]"#, "",
        "Where to answer GET /health, with 200 while the database answers, else 503, and GET /metrics, with numbers for Prometheus."),

    row("sns", "path", "text", r#""/sns""#, "",
        "The path of the endpoint."),
    row("sns", "topics", "list of ARNs", "[]", r#"["arn:aws:sns:eu-west-1:123456789012:ses-feedback"]"#,
        "Topics whose messages count. \"suppressd topics allow\" adds to them. A valid signature only proves that some AWS account sent a message; this list proves that it is yours."),
    row("sns", "require-version-2", "true or false", "false", "",
        "Refuse signatures of version 1 (SHA-1). Set the topic's SignatureVersion attribute to 2 before."),
    row("sns", "credentials-file", "path", "", r#""/etc/suppressd/sns.credentials""#,
        "A file with one line user:password, not readable for everybody. The endpoint then asks for basic authentication, and raw message delivery, which has no signature, is accepted with it."),
    row("sns", "proxy", "URL", "", r#""http://127.0.0.1:3128""#,
        "Proxy for fetching signing certificates and confirming subscriptions; else the environment's HTTPS_PROXY. It may have user:password@ before the host; \"suppressd config show\" does not show them."),
    row("sns", "ca-file", "path", "", r#""/etc/suppressd/ca.pem""#,
        "More certificate authorities (PEM) to trust for that, beside the system's."),
    row("sns", "fetch-timeout", "duration", r#""5s""#, "",
        "Time for one such fetch. SNS itself waits 15 seconds."),

    row("lookup", "socketmap", "list of addresses", r#"["unix:/var/spool/postfix/suppressd/lookup.sock"]"#, "",
        "Where to answer socketmap_table(5): unix:PATH or ADDRESS:PORT. The maps are \"access\", \"transport\", these with the name of a stream behind them as \"access/marketing\", and \"return-path\"."),
    row("lookup", "tcp-table", "list of tables", "[]", r#"[{ listen = "127.0.0.1:8027", map = "access" }]"#,
        "Where to answer tcp_table(5), one map for each port, with the name of a stream behind it as \"access/marketing\" for mail of that stream."),
    row("lookup", "policy", "list of addresses", r#"["unix:/var/spool/postfix/suppressd/policy.sock"]"#, "",
        "Where to answer the policy delegation protocol."),
    row("lookup", "mode", r#""enforce" or "warn""#, r#""enforce""#, "",
        "\"warn\" refuses nothing: Postfix logs a warning for each recipient that would be refused."),
    row("lookup", "on-error", r#""defer" or "accept""#, r#""defer""#, "",
        "What Postfix hears while the database can't answer: come back later, or not on the list."),
    row("lookup", "deadline", "duration", r#""1s""#, "",
        "Longest wait for the database in one lookup."),
    row("lookup", "max-connections", "number from 1", "1024", "",
        "Connections served at once by each socket; further ones are closed at once, so that Postfix does not wait for its time-out."),
    row("lookup", "socket-mode", "octal number in quotes", r#""0660""#, "",
        "Mode of unix sockets. Postfix asks as user postfix."),
    row("lookup", "socket-owner", "user name", "", r#""suppressd""#,
        "Owner of unix sockets; else the user that suppressd runs as."),
    row("lookup", "socket-group", "group name", r#""postfix""#, "",
        "Group of unix sockets."),

    row("export", "files", "list of tables", "[]", r#"[{ path = "/var/lib/suppressd/transport.cdb", map = "transport" }]"#,
        "Files to keep fresh, and the map that each answers, \"access\" or \"transport\", with the name of a stream behind it as \"access/marketing\" for mail of that stream. One whose name ends with .cdb or .lmdb is for Postfix as it is; any other is text for postmap(1). Each is replaced as a whole. As a service, suppressd may write below /var/lib/suppressd only. Postfix looks up more in a file than in a socketmap; suppressd-export(1) says what."),
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

    row("policy", "profile", r#""ses", "listmonk" or "gentle""#, r#""ses""#, "",
        "Which defaults the rules below have. \"listmonk\" does what listmonk does by default: soft bounces are recorded only, a hard bounce and a complaint suppress at once. \"gentle\" waits for a second hard bounce on another day, forgives it after 30, then 90 days, and for eight soft bounces on five days within 30 days."),
    row("policy", "protected", "list of patterns", r#"["postmaster@", "abuse@"]"#, r#"["postmaster@", "abuse@", "@example.org", "@.example.org"]"#,
        "Whom no event ever suppresses: user@domain, @domain, @.domain for its subdomains, or user@ for any domain; a * stands for nothing here, and an extension (+tag) does not matter. Name your own domains and the address that bounces come to. What an operator adds counts all the same; an import leaves them out, and whole domains that they are in. An attempt is logged."),

    row("policy.hard", "after", "number", "1", "",
        "So many hard bounces of different messages suppress; 0 never does."),
    row("policy.hard", "within", "duration", r#""14d""#, "",
        "They lie within this time."),
    row("policy.hard", "on-days", "number", "1", "",
        "They fall on so many different days (UTC), no more than that time can touch."),
    row("policy.hard", "then", r#""suppress" or "record""#, r#""suppress""#, "",
        "Refuse mail, or only note that the rule was met."),
    row("policy.hard", "suppress-for", r#"duration or "forever", or a list of them"#, r#""forever""#, "",
        "For how long mail is refused. Of a list, the first holds for the first time, the second for the next, the last from then on."),
    row("policy.hard", "quiet", "duration", r#""90d""#, "",
        "After so long without another suppression the list above starts at its first again. A delivery does the same."),

    row("policy.soft", "after", "number", "5", "",
        "So many soft bounces of different messages suppress; 0 never does. A delivery sets the count to zero, and ends a suppression by soft bounces."),
    row("policy.soft", "within", "duration", r#""14d""#, "",
        "They lie within this time."),
    row("policy.soft", "on-days", "number", "3", "",
        "They fall on so many different days (UTC), no more than that time can touch."),
    row("policy.soft", "then", r#""suppress" or "record""#, r#""suppress""#, "",
        "Refuse mail, or only note that the rule was met."),
    row("policy.soft", "suppress-for", r#"duration or "forever", or a list of them"#, r#"["7d", "30d", "forever"]"#, "",
        "For how long mail is refused. Of a list, the first holds for the first time, the second for the next, the last from then on."),
    row("policy.soft", "quiet", "duration", r#""90d""#, "",
        "After so long without another suppression the list above starts at its first again. A delivery does the same."),

    row("policy.complaint", "after", "number", "1", "",
        "So many complaints of different messages suppress; 0 never does."),
    row("policy.complaint", "within", "duration", r#""14d""#, "",
        "They lie within this time."),
    row("policy.complaint", "on-days", "number", "1", "",
        "They fall on so many different days (UTC), no more than that time can touch."),
    row("policy.complaint", "then", r#""suppress" or "record""#, r#""suppress""#, "",
        "Refuse mail, or only note that the rule was met."),
    row("policy.complaint", "suppress-for", r#"duration or "forever", or a list of them"#, r#""forever""#, "",
        "For how long mail is refused. Of a list, the first holds for the first time, the second for the next, the last from then on."),
    row("policy.complaint", "quiet", "duration", r#""90d""#, "",
        "After so long without another suppression the list above starts at its first again."),
    row("policy.complaint", "scope", r#""stream" or "all""#, r#""stream""#, "",
        "Refuse mail of the same [[stream]] only, or all mail. A report about mail that is in no stream refuses all mail."),

    row("policy.unsubscribe", "after", "number", "1", "",
        "So many unsubscribe requests of different messages suppress; 0 never does."),
    row("policy.unsubscribe", "within", "duration", r#""14d""#, "",
        "They lie within this time."),
    row("policy.unsubscribe", "on-days", "number", "1", "",
        "They fall on so many different days (UTC), no more than that time can touch."),
    row("policy.unsubscribe", "then", r#""suppress" or "record""#, r#""record""#, "",
        "Refuse mail, or only note that the rule was met."),
    row("policy.unsubscribe", "suppress-for", r#"duration or "forever", or a list of them"#, r#""forever""#, "",
        "For how long mail is refused. Of a list, the first holds for the first time, the second for the next, the last from then on."),
    row("policy.unsubscribe", "quiet", "duration", r#""90d""#, "",
        "After so long without another suppression the list above starts at its first again."),
    row("policy.unsubscribe", "scope", r#""stream" or "all""#, r#""stream""#, "",
        "Refuse mail of the same [[stream]] only, or all mail. A report about mail that is in no stream refuses all mail."),

    row("policy.incident", "recipients", "number", "10", "",
        "One wording for more recipients than this at one domain or host is an incident; 0 for never."),
    row("policy.incident", "within", "duration", r#""15m""#, "",
        "They lie within this time."),

    row("stream", "name", "small letters, digits, - and _", "", r#""marketing""#,
        "Its name, for the maps \"access/NAME\" and \"transport/NAME\"."),
    row("stream", "senders", "list of patterns", "[]", r#"["news@example.org", "@news.example.org"]"#,
        "Mail of these envelope senders, written as in policy.protected."),
    row("stream", "sasl-users", "list of names", "[]", r#"["newsletter"]"#,
        "Mail that was handed in with these SASL login names. Only Postfix's policy service tells them."),
    row("stream", "headers", "list of fields", "[]", r#"["ses:configuration-set: marketing", "List-Id: *<news.example.org>"]"#,
        "Reports about mail with these header fields or SES tags; * stands for any text. Of the fields, these are kept: List-Id, List-Unsubscribe, Feedback-ID, Precedence, X-App-Campaign, X-Campaign, X-Campaign-ID, X-CiviMail-*, X-Discourse-Reply-Key, X-EmailID, X-Entity-Ref-ID, X-Listmonk-*, X-ListMember, X-Mailer, X-Mailer-RecptId, X-Mailman-*, X-Mautic-*, X-MessageID, X-SES-Configuration-Set and X-SES-Message-Tags. Of the tags, your own are, and ses:configuration-set and ses:from-domain."),

    row("privacy", "keep", "duration", r#""90d""#, "",
        "How long events are kept. Entries of the list stay, and so do the event behind each and the last release of an address."),
    row("privacy", "mask-addresses", "true or false", "false", "",
        "Keep the receiving systems' words (diagnostics) without the addresses in them."),

    row("log", "to", r#""auto", "stderr", "journal" or "syslog""#, r#""auto""#, "",
        "\"auto\" is stderr on a terminal, the journal under systemd, and else syslog with facility mail."),
    row("log", "level", r#""error", "warn", "info" or "debug""#, r#""info""#, "",
        "The least important lines to log. Mail events are \"info\"."),
];
