//! The LMTP door of the real daemon, over its unix socket.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "helpers of tests may panic, as tests do")]

#[path = "support/lmtp.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest")]
mod client;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use client::Client;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longest wait for anything here.
const PATIENCE: Duration = Duration::from_secs(20);

/// A daemon with nothing but an LMTP door.
struct Daemon {
    dir: tempfile::TempDir,
    child: Child,
}

impl Daemon {
    fn start() -> Self {
        Self::with_deadline("20s")
    }

    /// `deadline` is how long a mail may be read.
    fn with_deadline(deadline: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().display();
        let text = format!(
            "database = \"{at}/suppressd.db\"\n[http]\nlisten = []\n[admin]\nlisten = []\n[lookup]\nsocketmap = []\n\
             policy = []\n[mail]\nlmtp = [\"unix:{at}/lmtp.sock\"]\ndeadline = \"{deadline}\"\n\
             return-path-key-file = \"{at}/keys\"\nreturn-path-domains = [\"example.org\"]\n[log]\nto = \"stderr\"\n"
        );
        fs::write(dir.path().join("suppressd.toml"), text).unwrap();
        fs::write(dir.path().join("keys"), "k1 0123456789abcdef0123456789abcdef\n").unwrap();
        fs::set_permissions(dir.path().join("keys"), fs::Permissions::from_mode(0o600)).unwrap();
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_suppressd"))
            .arg("--config")
            .arg(dir.path().join("suppressd.toml"))
            .arg("serve")
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let daemon = Self { dir, child };
        eventually("the daemon listens", || UnixStream::connect(daemon.path("lmtp.sock")).is_ok());
        daemon
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    fn connect(&self) -> Client {
        Client::connect(&self.path("lmtp.sock"))
    }

    fn count(&self, sql: &str) -> i64 {
        let connection = rusqlite::Connection::open(self.path("suppressd.db")).unwrap();
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// The processes that read mail.
    fn children(&self) -> Vec<Pid> {
        let list = format!("/proc/{0}/task/{0}/children", self.child.id());
        let mut all = fs::read_to_string(list).unwrap_or_default();
        // The thread that started a child is its parent in this list.
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap() {
            all += &fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default();
        }
        all.split_whitespace().map(|pid| Pid::from_raw(pid.parse().unwrap())).collect()
    }

    fn signal_children(&self, signal: Signal) {
        for child in self.children() {
            let _ = kill(child, signal);
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.signal_children(Signal::SIGKILL);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A report as this Postfix writes it.
fn report(recipient: &str) -> String {
    format!(
        "Received: by mta.example.org (Postfix)\n\tid 8A8D89; Sat, 21 Nov 2026 09:18:05 +0000 (UTC)\n\
         From: MAILER-DAEMON@example.org\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mta.example.org\n\n\
         Final-Recipient: rfc822; {recipient}\nAction: failed\nStatus: 5.1.1\nRemote-MTA: dns; mx.example.com\n\
         Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: user unknown\n\n--b--\n"
    )
}

fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

const SUPPRESSED: &str = "SELECT count(*) FROM suppression";

#[test]
fn a_mail_that_got_250_is_recorded_and_a_second_copy_changes_nothing() {
    let daemon = Daemon::start();
    let mut client = daemon.connect();
    for _ in 0..2 {
        assert_eq!(client.send(&report("bob@example.com")), "250");
        assert_eq!(daemon.count(SUPPRESSED), 1);
        assert_eq!(daemon.count("SELECT count(*) FROM event"), 1);
    }
    client.say("QUIT", "221");
}

#[test]
fn each_recipient_gets_his_own_reply() {
    let daemon = Daemon::start();
    let mut client = daemon.connect();
    client.begin(&["bounces@example.org", "bounces+x@example.org"]);
    client
        .stream
        .write_all(format!("{}\r\n.\r\n", report("bob@example.com").replace('\n', "\r\n")).as_bytes())
        .unwrap();
    assert_eq!((client.code(), client.code()), ("250".into(), "250".into()));
    client.say("NOOP", "250");
}

#[test]
fn pipelined_commands_are_answered_in_order() {
    let daemon = Daemon::start();
    let mut client = daemon.connect();
    let all = "XFORWARD SOURCE=LOCAL\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nBOGUS\r\nDATA\r\n";
    client.stream.write_all(all.as_bytes()).unwrap();
    let codes: Vec<_> = (0..5).map(|_| client.code()).collect();
    assert_eq!(codes, ["250", "250", "250", "500", "354"]);
    client.stream.write_all(b".\r\nQUIT\r\n").unwrap();
    assert_eq!((client.code(), client.code()), ("250".into(), "221".into()));
}

#[test]
fn a_child_that_was_killed_while_idle_costs_nothing() {
    let daemon = Daemon::start();
    let mut client = daemon.connect();
    assert_eq!(client.send(&report("bob@example.com")), "250");
    daemon.signal_children(Signal::SIGKILL);
    eventually("the child is gone", || daemon.children().iter().all(|child| is_dead(*child)));
    assert_eq!(client.send(&report("eve@example.com")), "250");
}

#[test]
fn a_mail_that_hangs_its_reader_three_times_goes_to_quarantine_unread() {
    let daemon = Daemon::with_deadline("5s");
    let mut client = daemon.connect();
    for _ in 0..3 {
        // A stopped child is what one in an endless loop looks like from here.
        assert_eq!(client.send(&report("warm-up@example.com")), "250");
        daemon.signal_children(Signal::SIGSTOP);
        assert_eq!(client.send(&report("bob@example.com")), "451");
    }
    assert_eq!(client.send(&report("bob@example.com")), "250");
    assert_eq!(daemon.count("SELECT count(*) FROM quarantine WHERE why = 'malformed' AND door = 'lmtp'"), 1);
    assert_eq!(client.send(&report("eve@example.com")), "250", "others are read as before");
    assert_eq!(daemon.count("SELECT count(*) FROM suppression WHERE address = 'eve@example.com'"), 1);
}

#[test]
fn what_the_database_refuses_is_kept_and_defers_nothing() {
    let daemon = Daemon::start();
    let picky = "CREATE TRIGGER picky BEFORE INSERT ON event WHEN new.address = 'bob@example.com' \
                 BEGIN SELECT raise(ABORT, 'no bobs'); END";
    rusqlite::Connection::open(daemon.path("suppressd.db")).unwrap().execute_batch(picky).unwrap();
    let mut client = daemon.connect();
    assert_eq!(client.send(&report("bob@example.com")), "250");
    assert_eq!(daemon.count("SELECT count(*) FROM quarantine WHERE detail = 'the database refuses it: no bobs'"), 1);
    assert_eq!(client.send(&report("eve@example.com")), "250");
    assert_eq!((daemon.count(SUPPRESSED), daemon.count("SELECT count(*) FROM event")), (1, 1));
}

#[test]
fn a_file_broken_meanwhile_changes_nothing_and_keys_that_are_gone_defer_mail_and_blame_none() {
    let daemon = Daemon::start();
    fs::write(daemon.path("suppressd.toml"), "bogus = 1\n").unwrap();
    let mut client = daemon.connect();
    fs::rename(daemon.path("keys"), daemon.path("away")).unwrap();
    for _ in 0..4 {
        assert_eq!(client.send(&report("bob@example.com")), "451");
    }
    assert!(daemon.log().contains("cannot start a process to read mail"), "{}", daemon.log());
    fs::rename(daemon.path("away"), daemon.path("keys")).unwrap();
    assert_eq!(client.send(&report("bob@example.com")), "250");
    assert_eq!(daemon.count(SUPPRESSED), 1);
}

#[test]
fn mail_of_any_size_and_any_bytes_is_taken() {
    let daemon = Daemon::start();
    let mut client = daemon.connect();
    client.begin(&["bounces@example.org"]);
    for _ in 0..20 {
        client.stream.write_all(&[0xff; 1 << 20]).unwrap();
    }
    client.stream.write_all(b"\r\n.\r\n").unwrap();
    assert_eq!(client.code(), "250");
    assert_eq!(daemon.count("SELECT count(*) FROM quarantine"), 1);
}

#[test]
fn a_connection_that_ends_within_a_mail_records_nothing() {
    let daemon = Daemon::start();
    let mut client = daemon.connect();
    client.begin(&["bounces@example.org"]);
    client.stream.write_all(report("bob@example.com").replace('\n', "\r\n").as_bytes()).unwrap();
    drop(client);
    let mut client = daemon.connect();
    assert_eq!(client.send(&report("eve@example.com")), "250");
    assert_eq!(daemon.count("SELECT count(*) FROM event WHERE address = 'bob@example.com'"), 0);
}

fn is_dead(process: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.is_empty() || stat.contains(") Z ")
}
