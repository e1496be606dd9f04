//! Bounce mail is believed for a DKIM signature only if Amazon, or a domain of one's own, wrote it to us: real keys, real
//! signatures, and a DNS server on loopback.
#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may panic, as tests do"
)]

#[path = "support/dns.rs"]
mod dns;
#[path = "support/dkim.rs"]
#[allow(unreachable_pub, reason = "other tests use it too")]
mod signer;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dns::{Dns, Mood};
use jiff::Timestamp;
use openssl::rsa::Rsa;
use signer::{AMAZON, SIGNING, Signing, record, report, signed};
use suppressd::event::{Door, Origin};
use suppressd::ingress::mail::dkim::Settings;
use suppressd::ingress::mail::origin::{Envelope, NoAnswer, Trust};
use suppressd::ingress::mail::submission::{outcome, submission};
use suppressd::outcome::Outcome;
use suppressd::store::Submission;

const BOUNCE: (&str, &str) = ("MAILER-DAEMON@eu-west-1.amazonses.com", "bounces+42@example.org");

fn genuine() -> String {
    signed(&report(BOUNCE.0, BOUNCE.1), &SIGNING)
}

fn take_at(mail: &str, dns: &Dns, domains: &[&str], now: &str) -> Result<Submission, NoAnswer> {
    let domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
    let dkim = Settings { domains, dns: vec![dns.at], time: Duration::from_secs(2) };
    let trust = Trust { dkim, ..Trust::default() };
    let envelope = Envelope {
        recipient: "bounces@example.org".into(),
        client_address: Some("192.0.2.66".into()),
        ..Envelope::default()
    };
    submission(mail.as_bytes(), &envelope, &trust, Door::Pipe, now.parse::<Timestamp>().unwrap())
}

fn take(mail: &str, dns: &Dns) -> Result<Submission, NoAnswer> {
    take_at(mail, dns, &["amazonses.com", "example.net"], "2026-11-21T09:00:00Z")
}

fn origin(mail: &str, dns: &Dns) -> Origin {
    let submission = take(mail, dns).expect("the DNS answers");
    assert_eq!(submission.events.len(), 1);
    assert_eq!(submission.events[0].recipient.as_str(), "bob@example.com");
    let expected = if submission.events[0].origin.is_proved() { Outcome::Accepted } else { Outcome::Forged };
    assert_eq!(outcome(&submission), expected);
    submission.events[0].origin
}

fn amazons() -> Dns {
    Dns::start(Mood::Well, &[(AMAZON, &record()), ("s1._domainkey.example.net", &record())])
}

#[test]
fn a_report_that_amazon_signed_to_us_counts() {
    let dns = amazons();
    assert_eq!(origin(&genuine(), &dns), Origin::Dkim);
    assert_eq!(origin(&genuine().replace('\n', "\r\n"), &dns), Origin::Dkim, "with CRLF");
    assert_eq!(origin(&format!("From MAILER-DAEMON  Sat Nov 21 08:46:25 2026\n{}", genuine()), &dns), Origin::Dkim);
    let travelled = format!("Return-Path: <>\nReceived: from a (b [192.0.2.1]) by mx (Postfix)\n{}", genuine());
    assert_eq!(origin(&travelled, &dns), Origin::Dkim);
}

#[test]
fn what_another_customer_wrote_under_amazons_signature_does_not_count_and_asks_nobody() {
    let dns = amazons();
    for from in [
        "eve@evil.example",
        "MAILER-DAEMON@amazonses.com.evil.example",
        "MAILER-DAEMON@evil-amazonses.com",
        "\"MAILER-DAEMON@amazonses.com\" <eve@evil.example>",
        "MAILER-DAEMON@amazonses.com, eve@evil.example",
    ] {
        assert_eq!(origin(&signed(&report(from, BOUNCE.1), &SIGNING), &dns), Origin::Unproved, "{from}");
    }
    assert_eq!(dns.asked(), 0);
}

#[test]
fn a_genuine_report_to_somebody_else_does_not_count_when_he_sends_it_on() {
    let dns = amazons();
    assert_eq!(origin(&signed(&report(BOUNCE.0, "eve@evil.example"), &SIGNING), &dns), Origin::Unproved);
    let to_unsigned = Signing { headers: &["Date", "From", "Subject"], ..SIGNING };
    assert_eq!(origin(&signed(&report(BOUNCE.0, BOUNCE.1), &to_unsigned), &dns), Origin::Unproved);
    assert_eq!(
        origin(&format!("To: {}\n{}", BOUNCE.1, signed(&report(BOUNCE.0, "eve@evil.example"), &SIGNING)), &dns),
        Origin::Unproved
    );
    assert_eq!(dns.asked(), 0);
}

#[test]
fn a_changed_mail_does_not_count() {
    let dns = amazons();
    for (what, other) in
        [("5.1.1 user", "5.1.1 no user"), ("Date: Sat, 21", "Date: Sun, 22"), ("It failed.", "It  failed.")]
    {
        assert_eq!(origin(&genuine().replace(what, other), &dns), Origin::Unproved, "{what}");
    }
    assert_eq!(origin(&format!("From: {}\n{}", BOUNCE.0, genuine()), &dns), Origin::Unproved, "two authors");
    let appended = signed(&report(BOUNCE.0, BOUNCE.1), &Signing { length: true, ..SIGNING });
    assert!(appended.contains("l="), "{appended}");
    assert_eq!(origin(&appended, &dns), Origin::Unproved, "a signature over a part of the body");
}

#[test]
fn a_signature_of_another_key_or_domain_or_time_does_not_count() {
    let dns = amazons();
    let other = openssl::base64::encode_block(&Rsa::generate(2048).unwrap().public_key_to_der().unwrap());
    let others = Dns::start(Mood::Well, &[(AMAZON, &format!("v=DKIM1; p={other}"))]);
    assert_eq!(origin(&genuine(), &others), Origin::Unproved);
    let revoked = Dns::start(Mood::Well, &[(AMAZON, "v=DKIM1; p=")]);
    assert_eq!(origin(&genuine(), &revoked), Origin::Unproved);
    let missing = Dns::start(Mood::Well, &[]);
    assert_eq!(origin(&genuine(), &missing), Origin::Unproved, "no such name is an answer");
    assert!(missing.asked() > 0);
    let evil = Signing { domain: "evil.example", ..SIGNING };
    assert_eq!(origin(&signed(&report(BOUNCE.0, BOUNCE.1), &evil), &dns), Origin::Unproved);
    let short = signed(&report(BOUNCE.0, BOUNCE.1), &Signing { expires: 60, ..SIGNING });
    let late = take_at(&short, &dns, &["amazonses.com"], "2100-01-01T00:00:00Z").unwrap();
    assert_eq!(late.events[0].origin, Origin::Unproved, "expired");
    assert_eq!(dns.asked(), 0);
}

#[test]
fn a_configured_domain_counts_for_its_own_authors_only() {
    let dns = amazons();
    let own = Signing { domain: "example.net", ..SIGNING };
    let from = |from: &str| origin(&signed(&report(from, BOUNCE.1), &own), &dns);
    assert_eq!(from("MAILER-DAEMON@example.net"), Origin::Dkim);
    assert_eq!(from("MAILER-DAEMON@mx.example.net"), Origin::Dkim);
    assert_eq!(from("MAILER-DAEMON@amazonses.com"), Origin::Unproved);
    assert_eq!(from("MAILER-DAEMON@example.com"), Origin::Unproved);
}

#[test]
fn mail_that_is_no_report_asks_nobody() {
    let dns = amazons();
    let lunch = format!("From: {}\r\nTo: {}\r\nSubject: lunch\r\n\r\nToday?\r\n", BOUNCE.0, BOUNCE.1);
    let taken = take(&signed(&lunch, &SIGNING), &dns).unwrap();
    assert_eq!((taken.events.len(), dns.asked()), (0, 0));
}

#[test]
fn a_dns_that_does_not_answer_makes_the_mail_come_again_but_not_for_ever() {
    for mood in [Mood::Silent, Mood::Broken] {
        let dns = Dns::start(mood, &[]);
        let begun = Instant::now();
        assert_eq!(take(&genuine(), &dns), Err(NoAnswer));
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        let old = take_at(&genuine(), &dns, &["amazonses.com"], "2026-11-23T09:00:00Z").unwrap();
        assert_eq!((old.events[0].origin, outcome(&old)), (Origin::Unproved, Outcome::Forged), "kept after two days");
    }
}

#[test]
fn a_dns_that_does_not_answer_delays_no_mail_that_it_could_not_prove() {
    let dns = Dns::start(Mood::Silent, &[]);
    assert_eq!(origin(&signed(&report("eve@evil.example", BOUNCE.1), &SIGNING), &dns), Origin::Unproved);
    assert_eq!(origin(&report(BOUNCE.0, BOUNCE.1), &dns), Origin::Unproved);
    assert_eq!(origin(&genuine().replace("5.1.1 user", "5.1.1 no user"), &dns), Origin::Unproved);
    assert_eq!(dns.asked(), 0);
}

#[test]
fn no_more_than_five_signatures_are_checked() {
    let dns = amazons();
    let genuine = genuine();
    let (signature, _) = genuine.split_once("\nFrom:").unwrap();
    let broken = format!("{}\n", signature.replace("s=s1", "s=s2"));
    let many = |count| format!("{}{genuine}", broken.repeat(count));
    assert_eq!(origin(&many(4), &dns), Origin::Dkim);
    let before = dns.asked();
    assert_eq!(origin(&many(5), &dns), Origin::Unproved);
    assert!(dns.asked() - before <= 10, "{}", dns.asked());
}

/// Runs a command on a mail; its exit status and what it prints.
fn run(command: &[&str], mail: &str, dns: &Dns) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    let (config, database) = (dir.path().join("suppressd.toml"), dir.path().join("suppressd.db"));
    let text = format!("database = \"{}\"\n[mail]\ndns = [\"{}\"]\n", database.display(), dns.at);
    std::fs::write(&config, text).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_suppressd"))
        .arg("--config")
        .arg(&config)
        .args(command)
        .args(["--recipient", "bounces@example.org", "--client-address", "192.0.2.66"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(mail.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn pipe_says_75_while_the_dns_is_silent_and_0_once_it_answers() {
    let date = jiff::fmt::rfc2822::to_string(&jiff::Zoned::now()).unwrap();
    let mail = report(BOUNCE.0, BOUNCE.1).replace("Sat, 21 Nov 2026 08:46:25 +0000", &date);
    let mail = signed(&mail, &SIGNING);
    let (status, line) = run(&["pipe"], &mail, &Dns::start(Mood::Silent, &[]));
    assert_eq!(status, Some(75));
    assert!(line.starts_with("4.3.0 suppressd: the DNS does not answer"), "{line}");
    assert_eq!(run(&["pipe"], &mail, &amazons()).0, Some(0));
}

#[test]
fn inspect_asks_the_dns_only_if_it_is_told_to() {
    let dns = amazons();
    let origin = |args: &[&str], dns: &Dns| {
        let (status, line) = run(args, &genuine(), dns);
        assert_eq!(status, Some(0));
        serde_json::from_str::<serde_json::Value>(&line).unwrap()["origin"].as_str().unwrap().to_owned()
    };
    assert_eq!(origin(&["inspect", "--json"], &dns), "unproved");
    assert_eq!(dns.asked(), 0);
    assert_eq!(origin(&["inspect", "--json", "--dns"], &dns), "dkim");
    let date = jiff::fmt::rfc2822::to_string(&jiff::Zoned::now()).unwrap();
    let young = report(BOUNCE.0, BOUNCE.1).replace("Sat, 21 Nov 2026 08:46:25 +0000", &date);
    let (status, told) = run(&["inspect", "--dns"], &signed(&young, &SIGNING), &Dns::start(Mood::Silent, &[]));
    assert_eq!(status, Some(0));
    assert!(told.contains("the DNS does not answer: Postfix would be told to come again"), "{told}");
    assert!(!told.contains("quarantine"), "{told}");
}
