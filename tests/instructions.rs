//! What the hot paths cost, in instructions, so that nobody makes one dearer without noticing.
//!
//! valgrind counts what one more turn of a path costs, in the build that all tests use: the figures say nothing about speed,
//! which is for `make bench`, but a change of one tenth shows. Where a change is meant, put the figure that is told here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::indexing_slicing, reason = "a test")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use suppressd::event::Origin;
use suppressd::ingress::mail;
use suppressd::ingress::sns::certificate::{CertificateUrl, Roots, SigningCertificate};
use suppressd::ingress::sns::message::{Headers, Message};
use suppressd::ingress::sns::ses::{self, Context};
use suppressd::ingress::sns::signature::VerifiedMessage;
use suppressd::lookup::{Lookup, Protocol, Settings, Step};
use suppressd::store::{Change, Key, Readers, Store};

#[path = "support/sns/mod.rs"]
#[allow(dead_code)]
mod sns;

use sns::pki::Pki;
use sns::signer::{Draft, bounce};

/// Instructions of one turn.
const LIMITS: &[(&str, f64)] = &[
    ("lookup_of_a_stranger", 20_100.0),
    ("lookup_of_a_listed_one", 110_000.0),
    ("lookup_of_a_listed_one_again", 46_600.0),
    ("signed_message_to_event", 1_090_000.0),
    ("delivery_report_to_event", 2_980_000.0),
    ("hostile_mails_to_event", 7_440_000.0),
];
/// How much more is too much.
const TOLERANCE: f64 = 1.10;
/// Turns: few, and more; the searches of phrases have settled before.
const TURNS: (u32, u32) = (40, 140);
const WAIT: Duration = Duration::from_secs(30);
/// Where a child finds what was made for it, and how often it is to go through its path.
const PLACE: &str = "INSTRUCTIONS_OF";

#[test]
fn no_hot_path_costs_a_tenth_more_than_it_did() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path());
    let dearer: Vec<_> = LIMITS
        .iter()
        .filter_map(|(path, limit)| {
            let [few, many] = [TURNS.0, TURNS.1].map(|turns| count(dir.path(), path, turns));
            let each = (many - few) / f64::from(TURNS.1 - TURNS.0);
            println!("{path}: {each:.0} instructions, limit {limit:.0}");
            (each > limit * TOLERANCE).then(|| format!("{path} costs {each:.0} instructions, not {limit:.0}"))
        })
        .collect();
    assert!(dearer.is_empty(), "{dearer:?}");
}

/// Instructions of a whole process that goes through a path so often.
fn count(dir: &Path, path: &str, turns: u32) -> f64 {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", path, "--ignored", "--nocapture"]);
    command.env(PLACE, format!("{turns} {}", dir.display()));
    // The same on every processor.
    command.env("OPENSSL_ia32cap", "0:0").env("RUST_TEST_THREADS", "1");
    let output = command.output().unwrap_or_else(|error| panic!("valgrind: {error}"));
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let collected = text.split_once("Collected : ").map(|(_, rest)| rest.split_whitespace().next().unwrap_or_default());
    assert!(output.status.success(), "{text}");
    collected.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

/// What would cost more than the path itself.
fn prepare(dir: &Path) {
    let mut store = Store::open(&dir.join("suppressd.db"), WAIT).unwrap();
    for n in 0..1000 {
        let key = Key::parse(&format!("user{n}@example.com")).unwrap();
        store.add(&key, &Change::default(), Timestamp::now()).unwrap();
    }
    Pki::shared().save(dir);
    let post = Draft::notification(&bounce("bob@example.com")).sign(&Pki::shared().good);
    std::fs::write(dir.join("message"), post.body()).unwrap();
    std::fs::write(dir.join("url"), post.text("SigningCertURL")).unwrap();
}

/// Goes through a path as often as the parent wants, with what it made.
fn turns(path: impl FnOnce(&Path, u32)) {
    let place = std::env::var(PLACE).unwrap();
    let (turns, dir) = place.split_once(' ').unwrap();
    path(Path::new(dir), turns.parse().unwrap());
}

fn lookups(dir: &Path, turns: u32, key: fn(u32) -> String, reply: &str) {
    let readers = Arc::new(Readers::open(dir.join("suppressd.db"), WAIT).unwrap());
    let lookup = Lookup::new(Arc::clone(&readers), Settings::default());
    while !readers.is_indexed() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut output = Vec::new();
    for turn in 0..turns {
        output.clear();
        let key = key(turn);
        let request = format!("{}:access {key},", key.len() + 7);
        let step = Protocol::Socketmap.step(request.as_bytes(), &lookup, Timestamp::now(), &mut output);
        assert!(matches!(step, Step::Answered(_)) && String::from_utf8_lossy(&output).contains(reply));
    }
}

#[test]
#[ignore = "counted by the test above"]
fn lookup_of_a_stranger() {
    turns(|dir, turns| lookups(dir, turns, |turn| format!("nobody{turn}@example.com"), "NOTFOUND"));
}

#[test]
#[ignore = "counted by the test above"]
fn lookup_of_a_listed_one() {
    turns(|dir, turns| lookups(dir, turns, |turn| format!("user{turn}@example.com"), "OK 550"));
}

#[test]
#[ignore = "counted by the test above"]
fn lookup_of_a_listed_one_again() {
    turns(|dir, turns| lookups(dir, turns, |turn| format!("user{}@example.com", turn % 8), "OK 550"));
}

#[test]
#[ignore = "counted by the test above"]
fn signed_message_to_event() {
    turns(|dir, turns| {
        let read = |name: &str| std::fs::read(dir.join(name)).unwrap();
        let (body, now) = (read("message"), Timestamp::now());
        let headers = Headers { message_type: Some("Notification".into()), ..Headers::default() };
        let message = || Message::parse(&body, &headers).unwrap();
        let url = CertificateUrl::parse(&String::from_utf8(read("url")).unwrap(), &message().topic).unwrap();
        let ca = openssl::x509::X509::from_pem(&read("ca.pem")).unwrap().to_der().unwrap();
        let roots = Roots::from_der([ca.as_slice()]);
        let certificate = SigningCertificate::verify(&read("sign.pem"), &[], &url, &roots, now).unwrap();
        for _ in 0..turns {
            let message = VerifiedMessage::verify(message(), &certificate).unwrap();
            let (message_id, topic) = (message.message_id.as_str(), message.topic.as_str());
            let context = Context { message_id, topic, origin: Origin::SnsSignature, at: message.at };
            assert_eq!(ses::events(&message.message, &context).unwrap().events.len(), 1);
        }
    });
}

#[test]
#[ignore = "counted by the test above"]
fn delivery_report_to_event() {
    turns(|_, turns| {
        let mail = include_bytes!("corpus/unknown.eml");
        for _ in 0..turns {
            std::hint::black_box(mail::read(mail));
        }
    });
}

/// A turn more makes each of the mails longer by as much: what costs more than linear time shows.
#[test]
#[ignore = "counted by the test above"]
fn hostile_mails_to_event() {
    turns(|_, turns| {
        for mail in hostile(turns as usize) {
            assert!(mail::read(mail.as_bytes()).findings.len() <= mail::MAX_RECIPIENTS);
        }
    });
}

/// Mails that are made to take long, their length in proportion to `size`.
fn hostile(size: usize) -> [String; 6] {
    let mail = |head: &str, body: &str| format!("Subject: failed\nTo: bounces@example.net\n{head}\n\n{body}");
    let report = |words: &str, fields: &str| {
        let head =
            "From: MAILER-DAEMON@example.net\nContent-Type: multipart/report; report-type=delivery-status; boundary=b";
        mail(
            head,
            &format!(
                "--b\n\n{words}\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a.example\n\n{fields}\n--b--\n"
            ),
        )
    };
    let each = |make: fn(usize) -> String| (0..size).map(make).collect::<String>();
    let words = "word ".repeat(100 * size);
    let recipient = "Final-Recipient: rfc822; bob@example.com\nAction: failed\n";
    let commas = format!("{recipient}Diagnostic-Code: smtp; 550 one or more recipients ({}", ",".repeat(100 * size));
    let two_names = each(|n| {
        format!(
            "Final-Recipient: rfc822; u{n}@x.example\nOriginal-Recipient: rfc822; v{n}@x.example\nAction: failed\n\n"
        )
    });
    let long_names = each(|n| format!("Final-Recipient: rfc822; {}{n}@x.example\nAction: failed\n\n", "y".repeat(200)));
    let listed = each(|n| format!("<u{n}@x.example>: 550 no\n"));
    let author = format!("From: {}<x@y.example>\nAuto-Submitted: auto-replied", each(|n| format!("abc{n} ")));
    let to_many = format!("From: MAILER-DAEMON@example.net\nTo: {}", "a, ".repeat(100 * size));
    [
        report("", &commas),
        report(&words, &format!("X-Postfix-Queue-ID: 4A\n\n{two_names}")),
        report(&listed, &long_names),
        mail(&to_many, &format!("cannot deliver to bob@example.com\n{}", "q ".repeat(100 * size))),
        mail(&author, &format!("x@y.example has left the company. {}", "Zed has left the company. ".repeat(10 * size))),
        mail("From: MAILER-DAEMON@example.net", &format!("{listed}550 no such {words}")),
    ]
}
