//! What was kept in quarantine is read again by the program and configuration of now: through the real command line.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may panic, as tests do"
)]

use std::io::Write;
use std::process::{Command, Stdio};

const REPORT: &str = "From: MAILER-DAEMON@mx.example.com\nTo: bounces@example.org\nSubject: Undelivered\nMIME-Version: 1.0\n\
    Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
    --b\nContent-Type: text/plain\n\nIt failed.\n\n--b\nContent-Type: message/delivery-status\n\n\
    Reporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; bob@example.com\n\
    Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\n\n--b--\n";

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.configure("");
        place
    }

    fn configure(&self, settings: &str) {
        let database = self.0.path().join("suppressd.db");
        let text = format!("database = \"{}\"\n{settings}", database.display());
        std::fs::write(self.0.path().join("suppressd.toml"), text).unwrap();
    }

    /// Exit status and output.
    fn run(&self, args: &[&str], input: &str) -> (i32, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_suppressd"))
            .arg("--config")
            .arg(self.0.path().join("suppressd.toml"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }

    fn take(&self, mail: &str) {
        let args = ["pipe", "--recipient", "bounces@example.org", "--client-address", "192.0.2.1", "--queue-id", "4B1"];
        assert_eq!(self.run(&args, mail).0, 0);
    }

    fn is_suppressed(&self) -> bool {
        self.run(&["why", "bob@example.com"], "").0 == 0
    }

    fn replay(&self, args: &[&str]) -> (i32, String) {
        self.run(&[&["quarantine", "replay"], args].concat(), "")
    }
}

#[test]
fn an_unproved_report_suppresses_nobody_until_an_operator_vouches_for_it() {
    let place = Place::new();
    place.take(REPORT);
    assert!(!place.is_suppressed());
    let (status, text) = place.replay(&["1"]);
    assert_eq!((status, place.is_suppressed()), (1, false));
    assert!(text.contains("1 stays: delivery status notification, and nothing proves where it comes from"), "{text}");

    let (status, text) = place.replay(&["--trust", "1"]);
    assert_eq!((status, place.is_suppressed()), (0, true), "{text}");
    assert!(text.contains("bob@example.com: hard_bounce, suppressed, origin operator"), "{text}");
    assert_eq!(place.run(&["quarantine"], "").1, "", "it is gone");
    assert_eq!(place.replay(&["--trust", "1"]).0, 1, "there is no number 1 any more");
}

#[test]
fn a_report_that_the_configuration_of_now_proves_counts_when_all_are_replayed() {
    let place = Place::new();
    place.take(REPORT);
    place.take("Subject: lunch\n\nToday?\n");
    assert_eq!(place.replay(&["--all"]).0, 1);
    place.configure("[mail]\ntrusted-networks = [\"192.0.2.0/24\"]\n");
    let (status, text) = place.replay(&["--all"]);
    assert_eq!((status, place.is_suppressed()), (1, true), "{text}");
    assert!(text.contains("1 is done and dropped\n2 stays: not a bounce"), "{text}");
    place.take(REPORT);
    let (_, list) = place.run(&["quarantine"], "");
    assert_eq!(list.lines().count(), 1, "the same mail again is a duplicate: {list}");
}

#[test]
fn replaying_needs_a_number_or_all_of_them_but_never_trusts_all() {
    let place = Place::new();
    assert_eq!(place.replay(&["7"]).0, 1);
    for wrong in [&[][..], &["1", "--all"], &["--all", "--trust"]] {
        assert_eq!(place.replay(wrong).0, 2, "{wrong:?}");
    }
    assert_eq!(place.replay(&["--all"]).0, 0, "nothing there is nothing wrong");
}

#[test]
fn the_quarantine_keeps_no_more_than_the_configuration_says() {
    let place = Place::new();
    place.configure("[quarantine]\nmax-entries = 2\n");
    for number in 1..=4 {
        place.take(&format!("Subject: lunch {number}\n\nToday?\n"));
    }
    let (_, list) = place.run(&["quarantine", "--json"], "");
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(list.contains("\"envelope\":\"{\\\"sender\\\""), "{list}");
}
