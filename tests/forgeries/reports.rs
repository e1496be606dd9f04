//! What forged bounce mail may say: about whom, in whose name, by which return path, and with what words for the log.

use serde_json::json;

use crate::mail::{BOUNCES, HOP, Kept, Mail, POSTFIX, STRANGER, UNPROVED, dsn, dsn_about, keeps};
use crate::sns::pki::Pki;
use crate::sns::signer::{Draft, bounce};
use crate::watch::Watch;
use crate::world::World;

fn recipient(address: &str) -> String {
    format!(
        "Final-Recipient: rfc822; {address}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\n"
    )
}

/// A stranger's report with these fields for the recipient.
fn about(fields: &str) -> String {
    dsn_about(HOP, fields)
}

fn many(count: usize) -> String {
    (0..count).map(|n| recipient(&format!("victim{n}@example.com"))).collect::<Vec<_>>().join("\n")
}

fn other_people() -> Vec<Kept> {
    let kept = |says, mails| Kept { says, mails };
    vec![
        kept(
            "nothing proves where it comes from; it is about <postmaster@example.org>",
            vec![Mail::of("a protected address", about(&recipient("postmaster@example.org")))],
        ),
        kept(
            "nothing proves where it comes from; it is about <bounces@example.org>",
            vec![Mail::of("the bounce address itself", about(&recipient(BOUNCES)))],
        ),
        kept(
            "nothing proves where it comes from; it is about <victim0@example.com> and 299 more",
            vec![Mail::of("three hundred at once", about(&many(300)))],
        ),
        kept(
            "nothing proves where it comes from; it is about <known@example.com>",
            vec![Mail::of("somebody on the list", about(&recipient("known@example.com")))],
        ),
        kept(
            "nothing proves where it comes from; it is about <ceo@elsewhere.example>",
            vec![Mail::of("somebody we never wrote to", about(&recipient("ceo@elsewhere.example")))],
        ),
        kept(
            "nothing proves where it comes from; it is about <victim@example.com>",
            vec![
                Mail::of("a genuine report within a stranger's mail", {
                    let within = dsn(POSTFIX);
                    format!(
                        "{HOP}From: eve@evil.example\nTo: {BOUNCES}\nSubject: Fwd\nMIME-Version: 1.0\n\
                             Content-Type: multipart/report; report-type=delivery-status; boundary=\"o\"\n\n--o\n\
                             Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n{}\n--o\n\
                             Content-Type: message/rfc822\n\n{within}\n--o--\n",
                        recipient("victim@example.com")
                    )
                }),
                Mail::of(
                    "that the relay refuses us",
                    about(
                        "Final-Recipient: rfc822; victim@example.com\nAction: failed\nStatus: 5.0.0\n\
                     Remote-MTA: dns; email-smtp.eu-west-1.amazonaws.com\n\
                     Diagnostic-Code: smtp; 554 Message rejected: Email address is not verified. The following identities \
                     failed the check in region EU-WEST-1: news@example.org\n",
                    ),
                ),
                Mail::of(
                    "a delivery, to free somebody",
                    about("Final-Recipient: rfc822; victim@example.com\nAction: delivered\nStatus: 2.0.0\n"),
                ),
                Mail::of(
                    "qmail's words",
                    format!(
                        "{HOP}From: MAILER-DAEMON@mx.evil.example\nTo: {BOUNCES}\nSubject: failure notice\n\n\
                     Hi. This is the qmail-send program at mx.evil.example.\n\
                     I'm afraid I wasn't able to deliver your message to the following addresses.\n\
                     This is a permanent error; I've given up. Sorry it didn't work out.\n\n\
                     <victim@example.com>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n\
                     --- Below this line is a copy of the message.\n\nReturn-Path: <{BOUNCES}>\nFrom: news@example.org\n"
                    ),
                ),
                Mail::of(
                    "a complaint",
                    format!(
                        "{HOP}From: complaints@isp.example\nTo: {BOUNCES}\nMIME-Version: 1.0\n\
                     Content-Type: multipart/report; report-type=feedback-report; boundary=\"b\"\n\n\
                     --b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\n\
                     Original-Rcpt-To: victim@example.com\nOriginal-Mail-From: {BOUNCES}\n\n\
                     --b\nContent-Type: message/rfc822\n\nFrom: news@example.org\nTo: victim@example.com\n\n--b--\n"
                    ),
                ),
                Mail::of("SES's words by mail", by_mail(&bounce("victim@example.com"))),
                Mail::of("SNS's own envelope by mail, with its signature", {
                    by_mail(&Draft::notification(&bounce("victim@example.com")).sign(&Pki::shared().good).body())
                }),
            ],
        ),
    ]
}

/// An SNS topic with an e-mail subscription, or somebody who writes like one.
fn by_mail(json: &str) -> String {
    format!(
        "{HOP}From: AWS Notifications <no-reply@sns.amazonaws.com>\nTo: {BOUNCES}\nSubject: AWS Notification Message\n\n{json}\n"
    )
}

#[test]
fn forged_reports_change_nothing_whomever_they_are_about() {
    keeps(&mut Watch::start(&[]), &other_people());
}

/// A copy with the ids of a message that is still to come must not take its place.
#[test]
fn a_forged_copy_by_mail_does_not_make_the_genuine_message_a_duplicate() {
    let mut watch = Watch::start(&[]);
    let genuine = Draft::notification(&bounce("victim@example.com")).sign(&Pki::shared().good);
    keeps(&mut watch, &[Kept { says: "untrusted", mails: vec![Mail::of("its copy", by_mail(&genuine.body()))] }]);
    assert!(!watch.world.refuses("victim@example.com"));
    assert_eq!(watch.world.post(&genuine), 200);
    assert!(watch.world.refuses("victim@example.com"));
}

/// Nor may one that says the relay refuses us keep the operator from hearing of it when it does.
#[test]
fn a_forged_refusal_of_the_relay_alarms_nobody_and_silences_no_alarm() {
    let mut watch = Watch::start(&[]);
    let words = "554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1";
    let fields = format!(
        "Final-Recipient: rfc822; victim@example.com\nAction: failed\nStatus: 5.0.0\n\
         Remote-MTA: dns; email-smtp.eu-west-1.amazonaws.com\nDiagnostic-Code: smtp; {words}\n"
    );
    keeps(&mut watch, &[Kept { says: UNPROVED, mails: vec![Mail::of("a refusal", about(&fields))] }]);
    let alarm = "the relay does not take our mail (notverified)";
    assert!(!watch.world.log().contains(alarm), "{}", watch.world.log());
    let genuine = bounce("victim@example.com").replace("550 5.1.1 user unknown", words);
    assert_eq!(watch.world.post(&Draft::notification(&genuine).sign(&Pki::shared().good)), 200);
    assert_eq!(watch.world.log().matches(alarm).count(), 1, "{}", watch.world.log());
}

/// The signed form of a return path that names bob.
fn signed_path(world: &World, named: &str) -> String {
    let socket = std::os::unix::net::UnixStream::connect(world.home.path("lookup.sock")).unwrap();
    let reply = crate::world::ask_map(socket, "return-path", &format!("bounces+{named}@example.org"));
    let signed = reply.strip_prefix("OK ").unwrap_or_else(|| panic!("{reply}")).to_owned();
    assert!(signed.starts_with("bounces+k1--") && signed.ends_with(&format!("={named}@example.org")), "{signed}");
    signed
}

#[test]
fn a_return_path_speaks_for_nobody_but_whom_we_signed_it_for() {
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), "k1 0123456789abcdef0123456789abcdef\n").unwrap();
    let mut watch = Watch::start(&[
        ("mail.return-path-key-file", &format!("\"{}\"", keys.path().display())),
        ("mail.return-path-domains", "[\"example.org\"]"),
    ]);
    let signed = signed_path(&watch.world, "bob=example.com");
    // The mailbox 42 with a tag, which looks like mail 42 to somebody else.
    let numbered = signed_path(&watch.world, "42+victim=example.com");
    let code = signed.split_once("--").unwrap().1.split_once('=').unwrap().0.to_owned();
    let to = |name, path: &str| Mail::of(name, dsn(HOP)).to(path);
    let hidden = about("Final-Recipient: rfc822; hidden\nAction: failed\nStatus: 5.1.1\n");
    let poisoned = [
        to("another recipient's name under the signature", &signed.replace("bob=example.com", "victim=example.com")),
        to("another domain of the recipient", &signed.replace("bob=example.com", "victim=example.com.evil.example")),
        to("another mailbox of ours", &signed.replace("bounces+", "news+")),
        to("another domain of ours", &signed.replace("@example.org", "@example.net")),
        to("an unknown key", &signed.replace("k1--", "k2--")),
        to("no code", &signed.replace(&code, "")),
        to("a code cut short", &signed.replace(&code, &code[..15])),
        to("a code of zeros", &signed.replace(&code, &"a".repeat(16))),
        to("another day", &signed.replace(&code, &format!("aaa{}", &code[3..]))),
        to("the recipient taken out", &signed.replace("=bob=example.com", "")),
        to("unsigned", "bounces+victim=example.com@example.org"),
        to("a list's token", "list-bounces+victim=example.com@example.org"),
    ];
    let path = "bounces+victim=example.com@example.org";
    let hidden = hidden.replacen(BOUNCES, path, 1);
    let unsigned = |name| Mail::of(name, hidden.clone()).to(path);
    keeps(
        &mut watch,
        &[
            Kept { says: UNPROVED, mails: poisoned.into() },
            Kept {
                says: "untrusted: delivery status notification, and its return path speaks for another recipient only; it is \
                       about <victim@example.com>",
                mails: vec![
                    to("signed for bob, about somebody else", &signed),
                    to("signed for 42+victim, about victim", &numbered),
                ],
            },
            Kept { says: UNPROVED, mails: vec![unsigned("an unsigned path names whom the report hides")] },
        ],
    );
    let mut client = crate::lmtp::Client::connect(&watch.world.home.path("lmtp.sock"));
    client.begin_from(STRANGER, &[&signed]);
    client.end(about(&recipient("bob@example.com")).as_bytes());
    assert_eq!(client.reply(), "250 2.0.0 recorded", "about bob it counts, {}", watch.world.log());
    assert!(watch.world.refuses("bob@example.com"));
}

/// Words that would make two lines of one, or hide one on a terminal.
#[test]
fn nothing_in_a_mail_writes_a_line_of_its_own_into_the_log() {
    let forged = "\nsuppressd: to=<bob@example.com>, action=suppressed (hard bounce), event=1";
    let folded = forged.replace('\n', "\r\n\t");
    let hostile = format!("{folded} \u{1b}[2J\u{9b}31m\u{202e}\u{2028}\u{0}");
    let headers = |name: &str| format!("{HOP}{name}: {hostile}\n");
    let field = |field: &str| about(&recipient("victim@example.com").replace(field, &format!("{field}{hostile}")));
    let unnamed = |text: &str| about(&format!("Final-Recipient: rfc822; {text}\nAction: failed\nStatus: 5.1.1\n"));
    let mut long = Mail::of("a mail's id of 4000 letters", dsn(HOP));
    long = long.from(Box::leak(format!("ADDR=192.0.2.66 IDENT={}", "x".repeat(3900)).into_boxed_str()));
    keeps(
        &mut Watch::start(&[]),
        &[
            Kept {
                says: UNPROVED,
                mails: vec![
                    Mail::of("in the subject", dsn(&headers("Subject"))),
                    Mail::of("in a field's name", dsn(&format!("{HOP}X{}: y\n", "\u{1b}[2J"))),
                    Mail::of("in the author", dsn(&headers("From"))),
                    Mail::of("in an id", dsn(&headers("Message-ID"))),
                    Mail::of("in the diagnostic", field("550 5.1.1 user unknown")),
                    Mail::of("in the status", field("Status: 5.1.1")),
                    Mail::of("in the reporting system", dsn(HOP).replace("mta.example.org\nX-Postfix", &format!("x {hostile}\nX-Postfix"))),
                    Mail::of("in the queue id of the report", dsn(HOP).replace("Queue-ID: 4ABC", &format!("Queue-ID: 4ABC{hostile}"))),
                    Mail::of("encoded", dsn(&format!("{HOP}Subject: =?utf-8?q?=0Asuppressd:_to=3D<bob@example.com>?=\n"))),
                    Mail::of("in Postfix's id of the mail", dsn(HOP))
                        .from("ADDR=192.0.2.66 IDENT=4ABC:to=<bob@example.com>,action=suppressed\u{1b}[2J\u{202e}"),
                    long,
                ],
            },
            Kept {
                says: "kept in quarantine, ",
                mails: vec![
                    Mail::of("in the recipient", unnamed(&format!("victim@example.com{hostile}"))),
                    Mail::of("in the recipient's name", unnamed(&format!("\"{hostile}\"@example.com"))),
                    Mail::of("a recipient turned around", unnamed("victim\u{202e}@example.com")),
                    Mail::of("a recipient of 20 KB", unnamed(&format!("{}@example.com", "v".repeat(20_000)))),
                    Mail::of("in the type", format!("{HOP}Content-Type: multipart/report; report-type=\"{hostile}\"; boundary=\"{hostile}\"\n\nx\n")),
                    Mail::of("in the report's words", format!("{HOP}From: eve@evil.example\n\n{forged}{hostile}\n")),
                    Mail::of("nothing else", format!("{hostile}\n")),
                    Mail::of("a message of SNS", by_mail(&json!({
                        "Type": "Notification", "MessageId": hostile, "TopicArn": hostile, "Message": bounce("victim@example.com"),
                    }).to_string())),
                    Mail::of("an event of SES", by_mail(&bounce("victim@example.com").replace("user unknown", "\\nsuppressd: forged\\u001b[2J"))),
                    Mail::of("bytes of all kinds", (0..=255).cycle().take(5000).collect::<Vec<u8>>()),
                ],
            },
        ],
    );
}
