//! Bounce mail that somebody else wrote: it comes in by LMTP and by pipe(8), is kept for the operator, and suppresses nobody.

use crate::dns::{Dns, Mood};
use crate::signer::{AMAZON, SIGNING, Signing, record, report, signed};
use crate::watch::Watch;

/// The address that bounces come to.
pub const BOUNCES: &str = "bounces@example.org";
pub const STRANGER: &str = "NAME=evil ADDR=192.0.2.66 SOURCE=REMOTE IDENT=4ABC";
const AMAZONS: &str = "MAILER-DAEMON@eu-west-1.amazonses.com";

/// A mail as Postfix hands it over.
pub struct Mail {
    name: &'static str,
    /// What XFORWARD says.
    from: &'static str,
    to: String,
    text: Vec<u8>,
}

impl Mail {
    /// From a stranger to the bounce address.
    pub fn of(name: &'static str, text: impl Into<Vec<u8>>) -> Self {
        Self { name, from: STRANGER, to: BOUNCES.into(), text: text.into() }
    }

    pub fn from(self, from: &'static str) -> Self {
        Self { from, ..self }
    }

    pub fn to(self, to: &str) -> Self {
        Self { to: to.into(), ..self }
    }

    /// The arguments of pipe(8) for the same.
    fn pipe(&self) -> Vec<String> {
        let attribute = |name: &str| self.from.split(' ').find_map(|word| word.strip_prefix(name)).map(str::to_owned);
        let mut arguments = vec!["pipe".to_owned(), format!("--recipient={}", self.to)];
        arguments
            .extend(attribute("ADDR=").filter(|at| at != "[UNAVAILABLE]").map(|at| format!("--client-address={at}")));
        arguments.extend(attribute("IDENT=").map(|id| format!("--queue-id={id}")));
        arguments
    }
}

/// Mails that have the same words in the log.
pub struct Kept {
    pub says: &'static str,
    pub mails: Vec<Mail>,
}

/// A report that bob's mail bounced; `top` stands above it, as other systems write there what they did.
pub fn dsn(top: &str) -> String {
    dsn_about(
        top,
        "Final-Recipient: rfc822; victim@example.com\nAction: failed\nStatus: 5.1.1\n\
                    Diagnostic-Code: smtp; 550 5.1.1 user unknown\n",
    )
}

pub fn dsn_about(top: &str, recipients: &str) -> String {
    format!(
        "{top}From: Mail Delivery System <MAILER-DAEMON@example.org>\nTo: {BOUNCES}\n\
         Subject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
         --b\nContent-Type: text/plain\n\nI'm sorry.\n\n--b\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; mta.example.org\nX-Postfix-Queue-ID: 4ABC\n\n{recipients}\n\
         --b\nContent-Type: text/rfc822-headers\n\nFrom: news@example.org\nTo: victim@example.com\n\
         Message-ID: <1@example.org>\n\n--b--\n"
    )
}

pub const POSTFIX: &str =
    "Received: by mta.example.org (Postfix)\n\tid 8A8D89; Sat, 21 Nov 2026 09:18:05 +0000 (UTC)\n";
pub const HOP: &str =
    "Received: from evil.example (evil.example [192.0.2.66])\n\tby mx.example.org (Postfix) with ESMTP id 4ABC\n";

/// As the server in front of us verifies it, and we don't.
const SIGNATURE: &str = "DKIM-Signature: v=1; a=rsa-sha256; d=amazonses.com; s=x; h=From:To; bh=eA==; b=eA==\n";

pub const UNPROVED: &str = "kept in quarantine, untrusted: delivery status notification, and nothing proves where it comes \
                        from; it is about <victim@example.com>";

fn spoofed_received() -> Kept {
    let trusted_hop =
        "Received: from localhost (localhost [127.0.0.1])\n\tby mx.example.org (Postfix) with ESMTP id 4ABC\n";
    let nameless = "Received: from evil by mx.example.org with SMTP\n";
    let helo = "Received: from [192.0.2.66] (helo=[127.0.0.1]) by mx.example.org with smtp (Exim 4.96)\n\tid 1abc\n";
    let root = POSTFIX.replace("(Postfix)", "(Postfix, from userid 0)");
    let user = POSTFIX.replace("(Postfix)", "(Postfix, from userid 1000)");
    Kept {
        says: UNPROVED,
        mails: vec![
            Mail::of("a stranger's report", dsn(HOP)),
            Mail::of("no trace at all", dsn("")),
            Mail::of("as if this Postfix had made it", dsn(POSTFIX)),
            Mail::of("as if this Postfix had made it, below the true line", dsn(&format!("{HOP}{POSTFIX}"))),
            Mail::of("as if root had written it", dsn(&root)),
            Mail::of("as if it came from this machine", dsn(trusted_hop)),
            Mail::of("as if it came from a trusted network", dsn(&trusted_hop.replace("127.0.0.1", "IPv6:::1"))),
            Mail::of("nobody says who handed it in", dsn(POSTFIX)).from("ADDR=[UNAVAILABLE] IDENT=4ABC"),
            Mail::of("a client that is no address", dsn(POSTFIX)).from("ADDR=localhost IDENT=4ABC"),
            Mail::of("a client with a network behind it", dsn(HOP)).from("ADDR=127.0.0.1/8 IDENT=4ABC"),
            Mail::of("a client in octal", dsn(HOP)).from("ADDR=0177.0.0.1 IDENT=4ABC"),
            Mail::of("a filter of this machine hands a stranger's on", dsn(HOP)).from("ADDR=127.0.0.1 IDENT=4ABC"),
            Mail::of("the same over two hops", dsn(&format!("{trusted_hop}{HOP}"))).from("ADDR=127.0.0.1 IDENT=4ABC"),
            Mail::of("the same, the stranger unnamed", dsn(nameless)).from("ADDR=127.0.0.1 IDENT=4ABC"),
            Mail::of("the same, the stranger called by an address of ours", dsn(helo))
                .from("ADDR=127.0.0.1 IDENT=4ABC"),
            Mail::of("a user of this machine", dsn(&user)).from("ADDR= IDENT=4ABC"),
            Mail::of("a field that the mail brought along", dsn(&format!("X-Received: x\n{HOP}")))
                .from("ADDR= IDENT=4ABC"),
        ],
    }
}

/// By a mail server in front of us, or so they say.
fn invented_results() -> Kept {
    let result = |id: &str, result: &str| format!("Authentication-Results: {id}; {result}\n");
    let from_amazon = |top: &str| dsn(top).replace("MAILER-DAEMON@example.org", AMAZONS);
    let pass = "dkim=pass header.d=amazonses.com header.i=@amazonses.com";
    let above = |id: &str, words: &str| from_amazon(&format!("{}{HOP}{SIGNATURE}", result(id, words)));
    let ours = result("mx.example.org", pass);
    Kept {
        says: UNPROVED,
        mails: vec![
            Mail::of("below the line of who took it in", from_amazon(&format!("{HOP}{ours}{SIGNATURE}"))),
            Mail::of("by another server", above("mx.evil.example", pass)),
            Mail::of("by a server with our name in front", above("mx.example.org.evil.example", pass)),
            Mail::of("with our name in a comment", above("(mx.example.org) mx.evil.example", pass)),
            Mail::of("with our name behind", above("mx.evil.example", &format!("{pass}; mx.example.org; {pass}"))),
            Mail::of("it did not pass", above("mx.example.org", "dkim=fail header.d=amazonses.com")),
            Mail::of(
                "it passed in words only",
                above("mx.example.org", "dkim=fail reason=\"dkim=pass header.d=amazonses.com\""),
            ),
            Mail::of("it passed in a comment", above("mx.example.org", "dkim=none (dkim=pass header.d=amazonses.com)")),
            Mail::of(
                "it passed in the sender's name",
                above("mx.example.org", "spf=none smtp.mailfrom=\"; dkim=pass header.d=amazonses.com \"@evil.example"),
            ),
            Mail::of("nothing is signed", from_amazon(&format!("{ours}{HOP}"))),
            Mail::of(
                "SPF passed",
                above("mx.example.org", "spf=pass smtp.mailfrom=amazonses.com header.d=amazonses.com"),
            ),
            Mail::of("it passed for another domain", above("mx.example.org", "dkim=pass header.d=evil.example")),
            Mail::of("for a domain with that end", above("mx.example.org", "dkim=pass header.d=evil-amazonses.com")),
            Mail::of(
                "for a domain with that start",
                above("mx.example.org", "dkim=pass header.d=amazonses.com.evil.example"),
            ),
            Mail::of(
                "two results, each half right",
                above("mx.example.org", "dkim=pass header.d=evil.example; dkim=fail header.d=amazonses.com"),
            ),
            Mail::of(
                "another customer of SES wrote it",
                dsn(&format!("{ours}{HOP}{SIGNATURE}")).replace("MAILER-DAEMON@example.org", "eve@evil.example"),
            ),
            Mail::of("two authors", format!("From: {AMAZONS}\n{}", dsn(&format!("{ours}{HOP}{SIGNATURE}")))),
            Mail::of(
                "to somebody else",
                above("mx.example.org", pass).replace(&format!("To: {BOUNCES}"), "To: eve@evil.example"),
            ),
            Mail::of("to two", format!("To: eve@evil.example\n{}", above("mx.example.org", pass))),
            Mail::of(
                "an old name of the field",
                above("mx.example.org", pass).replace("Authentication-Results", "X-Authentication-Results"),
            ),
        ],
    }
}

/// Signatures of Amazon's domain, or with its name.
fn wrong_dkim() -> Kept {
    let sign = |from: &str, to: &str, signing: &Signing| signed(&report(from, to).replace("bob@", "victim@"), signing);
    let genuine = sign(AMAZONS, BOUNCES, &SIGNING);
    let evil = Signing { domain: "evil.example", ..SIGNING };
    let a_part = Signing { length: true, ..SIGNING };
    let no_to = Signing { headers: &["Date", "From", "Subject"], ..SIGNING };
    Kept {
        says: UNPROVED,
        mails: vec![
            Mail::of(
                "Amazon's name without signature",
                report(AMAZONS, BOUNCES).replace("bob@", "victim@").replace('\r', ""),
            ),
            Mail::of("another customer's mail under Amazon's signature", sign("eve@evil.example", BOUNCES, &SIGNING)),
            Mail::of(
                "Amazon in the name shown",
                sign("\"MAILER-DAEMON@amazonses.com\" <eve@evil.example>", BOUNCES, &SIGNING),
            ),
            Mail::of("a signature of one's own", sign(AMAZONS, BOUNCES, &evil)),
            Mail::of("a genuine report to somebody else", sign(AMAZONS, "eve@evil.example", &SIGNING)),
            Mail::of("the address is not signed", sign(AMAZONS, BOUNCES, &no_to)),
            Mail::of("a part is signed", sign(AMAZONS, BOUNCES, &a_part)),
            Mail::of("the recipient changed", signed(&report(AMAZONS, BOUNCES), &SIGNING).replace("bob@", "victim@")),
            Mail::of("an author added", format!("From: {AMAZONS}\n{genuine}")),
            Mail::of("the signature cut", genuine.replacen("b=", "b=AAAA", 1)),
            Mail::of("an unknown algorithm", genuine.replacen("a=rsa-sha256", "a=none", 1)),
            Mail::of("signed by way of SHA-1", genuine.replacen("a=rsa-sha256", "a=rsa-sha1", 1)),
            Mail::of("another selector", genuine.replacen("s=s1", "s=s2", 1)),
        ],
    }
}

#[test]
fn mail_with_invented_traces_results_and_signatures_suppresses_nobody() {
    let dns = Dns::start(Mood::Well, &[(AMAZON, &record()), ("s1._domainkey.evil.example", &record())]);
    let mut watch = Watch::start(&[
        ("mail.dns", &format!("[\"{}\"]", dns.at)),
        ("mail.trusted-authserv-ids", "[\"mx.example.org\"]"),
    ]);
    keeps(&mut watch, &[spoofed_received(), invented_results(), wrong_dkim()]);
    // The same without what is wrong with it counts.
    let ours = "Authentication-Results: mx.example.org; dkim=pass header.d=amazonses.com\n";
    let passed = dsn(&format!("{ours}{HOP}{SIGNATURE}")).replace("MAILER-DAEMON@example.org", AMAZONS);
    for (from, text, address) in [
        ("SOURCE=LOCAL", dsn(POSTFIX).replace("victim@", "ann@"), "ann@example.com"),
        (STRANGER, passed.replace("victim@", "eve@"), "eve@example.com"),
        (STRANGER, signed(&report(AMAZONS, BOUNCES), &SIGNING), "bob@example.com"),
    ] {
        let mut client = crate::lmtp::Client::connect(&watch.world.home.path("lmtp.sock"));
        client.begin_from(from, &[BOUNCES]);
        client.end(text.as_bytes());
        assert_eq!(client.reply(), "250 2.0.0 recorded", "{address}");
        assert!(watch.world.refuses(address), "{address}");
    }
}

/// Hands each mail in by LMTP, and the same once more by pipe(8).
pub fn keeps(watch: &mut Watch, classes: &[Kept]) {
    for Kept { says, mails } in classes {
        for mail in mails {
            // Some are the same but for the envelope; what came before would be kept already.
            let text = [format!("X-Forgery: {}\n", mail.name).as_bytes(), &mail.text].concat();
            watch.attempt(mail.name, says, |world| {
                let mut client = crate::lmtp::Client::connect(&world.home.path("lmtp.sock"));
                client.begin_from(mail.from, &[&mail.to]);
                client.end(&text);
                assert_eq!(client.reply(), "250 2.0.0 kept in quarantine", "{}", mail.name);
                let arguments = mail.pipe();
                let ran = world.home.run_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &text);
                assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""), "{}", mail.name);
            });
        }
    }
}
