//! Each fragment of `postfix/` in a real Postfix keeps what its first two lines promise: with suppressd up, down,
//! restarted within an SMTP session, and with the database locked by another process.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may panic, as tests do"
)]

#[path = "e2e/harness.rs"]
#[allow(dead_code, reason = "shared with the story")]
mod harness;

use std::cell::Cell;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use harness::{Smtp, World};
use nix::sys::signal::Signal;
use suppressd::lookup::{Map, Mode};
use suppressd::store::{Suppression, TableEntry};
use suppressd::tables::{self, Answers, Form};

const BOB: &str = "bob@example.com";
const ALICE: &str = "alice@example.com";
const SENDER: &str = "sender@local.example";
const LISTED: &str = "5.7.1 Recipient is on the suppression list (added on ";
const SECOND: Duration = Duration::from_secs(1);

/// A mail system with bob on the list.
fn world(fragments: &[&str], settings: &str) -> World {
    let world = World::new(fragments, settings);
    world.suppressd(&["add", BOB]);
    world
}

fn refused(reply: &str) -> bool {
    reply.starts_with("550 5.7.1 ") && reply.contains(&format!(" Recipient address rejected: {}", &LISTED[6..]))
}

#[track_caller]
fn assert_refuses_only_bob(session: &mut Smtp) {
    for (recipient, listed) in [(BOB, true), (ALICE, false), ("BOB@Example.COM", true), ("bob+tag@example.com", false)]
    {
        let reply = session.rcpt(recipient);
        assert!(if listed { refused(&reply) } else { reply.starts_with("250 ") }, "{recipient}: {reply}");
    }
}

#[test]
fn every_fragment_opens_with_two_lines_that_say_what_happens_when_suppressd_is_down() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/postfix");
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        if name.ends_with(".cf") {
            let lines: Vec<_> = text.lines().take_while(|line| line.starts_with("# ")).collect();
            assert_eq!(lines.len(), 2, "{name}");
            let says = lines.join(" ").replace(" # ", " ");
            assert!(
                ["While suppressd is down, ", "needs no running daemon"].iter().any(|phrase| says.contains(phrase)),
                "{name}"
            );
        }
    }
}

#[test]
fn access_map_fails_closed_and_recovers_at_once() {
    let mut world = world(&["access-fail-closed.cf"], "");
    let mut session = world.smtp(SENDER);
    assert_refuses_only_bob(&mut session);
    world.stop_daemon();
    for recipient in [ALICE, BOB, "other@example.com"] {
        let (reply, took) = session.timed_rcpt(recipient);
        assert!(reply.starts_with("451 4.3.5 ") && took < SECOND, "{reply} after {took:?}");
    }
    world.start_daemon();
    assert_refuses_only_bob(&mut session);
}

#[test]
fn policy_service_fails_open_and_recovers_within_the_session() {
    let mut world = world(&["policy-fail-open.cf"], "");
    let mut session = world.smtp(SENDER);
    assert_refuses_only_bob(&mut session);
    world.stop_daemon();
    for recipient in [ALICE, BOB] {
        let (reply, took) = session.timed_rcpt(recipient);
        assert!(reply.starts_with("250 ") && took < 3 * SECOND, "{reply} after {took:?}");
    }
    world.start_daemon();
    assert_refuses_only_bob(&mut session);
}

#[test]
fn policy_service_that_restarted_unseen_refuses_the_next_recipient() {
    let mut world = world(&["policy-fail-open.cf"], "");
    let mut session = world.smtp(SENDER);
    assert_refuses_only_bob(&mut session);
    world.stop_daemon();
    world.start_daemon();
    assert_refuses_only_bob(&mut session);
}

#[test]
fn policy_service_that_hangs_costs_five_seconds_and_lets_mail_flow() {
    let world = world(&["policy-fail-open.cf"], "");
    let mut session = world.smtp(SENDER);
    assert_refuses_only_bob(&mut session);
    world.signal_daemon(Signal::SIGSTOP);
    let (reply, took) = session.timed_rcpt(ALICE);
    world.signal_daemon(Signal::SIGCONT);
    assert!(reply.starts_with("250 ") && took < 8 * SECOND, "{reply} after {took:?}");
    assert_refuses_only_bob(&mut session);
}

#[test]
fn tcp_table_fails_closed_after_nine_seconds_and_recovers() {
    let mut world = world(&["tcp-table.cf"], "");
    let mut session = world.smtp(SENDER);
    assert_refuses_only_bob(&mut session);
    world.stop_daemon();
    let (reply, took) = session.timed_rcpt(ALICE);
    assert!(reply.starts_with("451 4.3.5 ") && took < 15 * SECOND, "{reply} after {took:?}");
    world.start_daemon();
    assert_refuses_only_bob(&mut session);
}

#[test]
fn transport_map_refuses_at_rcpt_and_defers_everything_while_down() {
    let mut world = world(&["transport.cf"], "");
    let mut session = world.smtp(SENDER);
    assert_refuses_only_bob(&mut session);
    world.stop_daemon();
    for recipient in ["another@example.com", "user@local.example"] {
        let (reply, took) = session.timed_rcpt(recipient);
        assert!(reply.starts_with("451 4.3.0 ") && took < SECOND, "{reply} after {took:?}");
    }
    world.start_daemon();
    world.eventually("bob is refused again", || refused(&world.smtp(SENDER).rcpt("Bob@example.com")));
    assert_refuses_only_bob(&mut session);
}

/// Files that the daemon keeps, looked at every second.
const FILES: &str = "export.every = \"1s\"\nexport.files = [\
    { path = \"/var/lib/suppressd/transport.cdb\", map = \"transport\" }, \
    { path = \"/var/lib/suppressd/transport.lmdb\", map = \"transport\" }, \
    { path = \"/var/lib/suppressd/access.cdb\", map = \"access\" }, \
    { path = \"/var/lib/suppressd/access.lmdb\", map = \"access\" }]";

/// As systemd makes it: for suppressd alone.
fn close_directory(world: &World) {
    std::fs::set_permissions(world.path("db"), std::os::unix::fs::PermissionsExt::from_mode(0o750)).unwrap();
}

#[test]
fn a_file_in_transport_maps_refuses_while_suppressd_is_down_and_everybody_else_gets_mail() {
    for form in ["cdb", "lmdb"] {
        let main_cf = if form == "lmdb" { "transport_maps = lmdb:$queue_directory/../db/transport\n" } else { "" };
        let mut world = World::with_choosy_relay(&["transport-file.cf"], FILES, main_cf);
        close_directory(&world);
        world.suppressd(&["add", BOB]);
        let asked = Cell::new(0);
        world.eventually("bob is refused", || refused(&world.smtp(SENDER).rcpt(&spelled(BOB, &asked))));
        world.stop_daemon();
        let mut session = world.smtp(SENDER);
        assert_refuses_only_bob(&mut session);
        let (reply, took) = session.timed_rcpt("user@local.example");
        assert!(reply.starts_with("250 ") && took < SECOND, "{reply} after {took:?}");
        world.sendmail(SENDER, BOB);
        world.eventually("bob's bounce at its sender", || world.inbox().contains(&LISTED[6..]));
        world.eventually("nothing waits", || world.queue().is_empty());
        world.start_daemon();
        world.suppressd(&["remove", BOB]);
        world.eventually("bob gets mail again", || world.smtp(SENDER).rcpt(&spelled(BOB, &asked)).starts_with("250 "));
    }
}

/// An address in letters that it has not been asked for in: smtpd remembers each that trivial-rewrite has told it.
fn spelled(address: &str, asked: &Cell<u32>) -> String {
    asked.set(asked.get() + 1);
    let mut bits = asked.get();
    let mut letter = |c: char| {
        let upper = c.is_ascii_alphabetic() && bits & 1 == 1;
        bits >>= u32::from(c.is_ascii_alphabetic());
        if upper { c.to_ascii_uppercase() } else { c }
    };
    address.chars().map(&mut letter).collect()
}

/// From nothing to a tree of three levels, and around the places where a page of it is just full.
#[test]
fn a_table_of_any_size_holds_every_entry() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("main.cf"), "compatibility_level = 3.6\n").unwrap();
    let sizes = [0, 1, 2, 33, 34, 35, 36, 37, 60_000].into_iter().chain((3_000..4_600).step_by(33));
    for size in sizes {
        let keys: Vec<_> = (0..size).map(|number| format!("user{:06}@example.com", number * 7_919 % 999_983)).collect();
        let list = |each: &mut dyn FnMut(TableEntry<'_>) -> bool| {
            keys.iter().all(|key| each(TableEntry::Listed(&entry(key))));
            Ok(())
        };
        for form in [Form::Lmdb, Form::Cdb] {
            let (name, path) = match form {
                Form::Lmdb => ("lmdb", dir.path().join("t.lmdb")),
                _ => ("cdb", dir.path().join("t.cdb")),
            };
            let answers = Answers { map: Map::Access, mode: Mode::Enforce };
            tables::write(&path, form, answers, &list).unwrap();
            let mut postmap = Command::new("/usr/sbin/postmap");
            postmap.arg("-c").arg(dir.path()).args(["-q", "-", &format!("{name}:{}", dir.path().join("t").display())]);
            let mut child = postmap.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            let others = ["a@example.com", "user5@example.com", "z@example.com"].map(str::to_owned);
            let asked: String = keys.iter().chain(&others).map(|key| format!("{key}\n")).collect();
            let asking = std::thread::spawn(move || drop(stdin.write_all(asked.as_bytes())));
            let found = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
            asking.join().unwrap();
            let found: Vec<_> = found.lines().map(|line| line.split('\t').next().unwrap()).collect();
            assert!(found == keys, "{name} of {size}: {} found", found.len());
        }
    }
}

fn entry(address: &str) -> Suppression {
    Suppression {
        address: address.into(),
        stream: String::new(),
        kind: "hard_bounce".into(),
        reason: "userunknown".into(),
        status: None,
        since: "2026-11-21T08:46:25Z".into(),
        until: None,
        source: "ses".into(),
        event: None,
        note: None,
    }
}

#[test]
fn a_file_answers_what_the_socketmap_answers_in_the_same_words() {
    let world = World::new(&["transport.cf"], FILES);
    world.suppressd(&["add", BOB, "\"two words\"@example.com", "jörg@bücher.example"]);
    world.sqlite3(
        "INSERT INTO suppression (address, kind, reason, status, since) VALUES \
           ('dead@example.com', 'hard_bounce', 'userunknown', '5.1.1', '2026-11-21T08:46:25Z'), \
           ('Full@example.com', 'soft_bounce', 'mailboxfull', '4.2.2', '2026-11-21T08:46:25Z'), \
           ('erin@example.com', 'complaint', 'abuse', NULL, '2026-11-21T08:46:25Z'), \
           ('@gone.example', 'added', 'manual', NULL, '2026-11-21T08:46:25Z'); \
         INSERT INTO suppression (address, until) VALUES ('past@example.com', '2020-01-01T00:00:00Z')",
    );
    // What Postfix tries one after the other in a file, and asks the socketmap as one.
    let keys = [
        (BOB, BOB),
        ("\"two words\"@example.com", "\"two words\"@example.com"),
        ("jörg@bücher.example", "jörg@bücher.example"),
        ("jörg@xn--bcher-kva.example", "jörg@xn--bcher-kva.example"),
        ("dead@example.com", "dead@example.com"),
        ("Full@Example.com", "full@example.com"),
        ("erin@example.com", "erin@example.com"),
        ("gone.example", "anybody@gone.example"),
        (ALICE, ALICE),
        ("past@example.com", "past@example.com"),
    ];
    world.eventually("the files are fresh", || {
        ["access.cdb", "access.lmdb", "transport.cdb", "transport.lmdb"].iter().all(|file| {
            let (map, form) = file.split_once('.').unwrap();
            !world.postmap(&format!("{form}:{}", world.path(&format!("db/{map}"))), "gone.example").is_empty()
        })
    });
    for map in ["access", "transport"] {
        for (key, address) in keys {
            let answer = world.postmap(&format!("socketmap:unix:suppressd/lookup.sock:{map}"), address);
            for form in ["cdb", "lmdb"] {
                let table = format!("{form}:{}", world.path(&format!("db/{map}")));
                assert_eq!(world.postmap(&table, key), answer, "{table} {key}");
            }
        }
    }
    // And postmap(1) makes the same of the text.
    for map in ["access", "transport"] {
        let text = world.path(&format!("{map}.txt"));
        world.suppressd(&["export", "--format", map, "-o", &text]);
        world.make_table(&format!("cdb:{text}"));
        for (key, _) in keys {
            let made = world.postmap(&format!("cdb:{text}"), key);
            assert_eq!(made, world.postmap(&format!("cdb:{}", world.path(&format!("db/{map}"))), key), "{map} {key}");
        }
    }
}

#[test]
fn transport_map_bounces_sendmail_to_its_sender_and_the_relay_never_sees_it() {
    let mut world = world(&["transport.cf"], "");
    world.sendmail(SENDER, BOB);
    world.sendmail(SENDER, ALICE);
    world.eventually("alice's mail at the relay", || world.relayed().contains("hello alice@example.com"));
    world.eventually("bob's bounce at its sender", || world.inbox().contains(&LISTED[6..]));
    assert!(!world.relayed().contains(BOB), "{}", world.relayed());
    world.stop_daemon();
    world.sendmail(SENDER, BOB);
    world.sendmail(SENDER, "late@example.com");
    world.eventually("both wait", || world.queue().lines().count() == 2);
    world.start_daemon();
    world.eventually("late mail at the relay", || {
        world.flush();
        std::thread::sleep(SECOND);
        world.relayed().contains("hello late@example.com")
    });
    world.eventually("two bounces", || world.inbox().matches(&format!("hello {BOB}")).count() >= 2);
    assert!(!world.relayed().contains(BOB));
}

#[test]
fn sendmail_mail_is_checked_while_suppressd_is_up_and_flows_while_it_is_down() {
    let mut world = world(&["policy-fail-open.cf", "sendmail-fail-open.master.cf"], "");
    world.sendmail(SENDER, BOB);
    world.sendmail(SENDER, ALICE);
    world.eventually("alice's mail at the relay", || world.relayed().contains("hello alice@example.com"));
    world.eventually("bob's bounce at its sender", || world.inbox().contains(&LISTED[6..]));
    assert!(!world.relayed().contains(BOB), "{}", world.relayed());
    world.stop_daemon();
    world.sendmail(SENDER, BOB);
    world.eventually("bob's mail at the relay", || world.relayed().contains(&format!("hello {BOB}")));
}

/// A relay that knows no recipient, in the place of one behind SES.
const NOBODY_HOME: &[&str] = &["-f", "RCPT", "-B", "550 5.1.1 user unknown"];

#[track_caller]
fn assert_bob_is_refused_eventually(world: &World) {
    world.eventually("bob on the list", || {
        world.smtp(SENDER).rcpt(BOB).contains("5.1.1 <bob@example.com>: Recipient address rejected: Recipient is on")
    });
}

#[test]
fn piped_bounce_mail_suppresses_with_the_daemon_down_and_waits_while_the_database_is_locked() {
    let fragments = ["access-fail-closed.cf", "pipe.cf", "pipe.master.cf"];
    let mut world = World::with_relay(&fragments, "mail.deadline = \"3s\"", NOBODY_HOME);
    world.stop_daemon();
    world.sendmail("bounces+42@example.org", BOB);
    world.eventually("the bounce in suppressd", || world.log().contains("relay=suppressd") && world.queue().is_empty());
    world.start_daemon();
    assert_bob_is_refused_eventually(&world);

    let locked = world.lock_database();
    world.sendmail("bounces@example.org", ALICE);
    world.eventually("a deferral", || world.log().contains("dsn=4.3.0, status=deferred"));
    assert!(world.smtp(SENDER).rcpt(ALICE).starts_with("250 "));
    drop(locked);
    world.flush();
    world.eventually("alice on the list", || world.smtp(SENDER).rcpt(ALICE).starts_with("550 5.1.1 "));
    assert!(!world.log().contains("status=bounced (Command"), "{}", world.log());
}

#[test]
fn bounce_mail_by_lmtp_suppresses_and_waits_while_the_daemon_is_down() {
    let mut world = World::with_relay(&["access-fail-closed.cf", "lmtp.cf"], "", NOBODY_HOME);
    world.sendmail("bounces+42@example.org", BOB);
    assert_bob_is_refused_eventually(&world);
    world.stop_daemon();
    world.sendmail("bounces@example.org", ALICE);
    world.eventually("a deferral", || world.log().contains("to=<bounces@example.org>, relay=none"));
    assert!(
        world.log().contains("status=deferred (connect to mx.local.example[suppressd/lmtp.sock]"),
        "{}",
        world.log()
    );
    world.start_daemon();
    world.eventually("alice on the list", || {
        world.flush();
        std::thread::sleep(SECOND);
        world.smtp(SENDER).rcpt(ALICE).starts_with("550 5.1.1 ")
    });
}

/// A bounce that somebody outside invented, with everything that could make it look right.
const FORGED: &str = "Authentication-Results: mx.local.example; dkim=pass header.d=amazonses.com\r\n\
    Received: by mx.local.example (Postfix)\r\n\tid 8A8D89; Sat, 21 Nov 2026 09:18:05 +0000 (UTC)\r\n\
    From: MAILER-DAEMON@mx.local.example\r\nTo: bounces@example.org\r\nSubject: Undelivered Mail Returned to Sender\r\n\
    MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
    --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.local.example\r\n\r\n\
    Final-Recipient: rfc822; victim@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\
    Diagnostic-Code: smtp; 550 5.1.1 user unknown\r\n\r\n--b--\r\n.";

const VACATION: &str = "From: carol@example.com\r\nTo: bounces@example.org\r\nSubject: Out of office: hello\r\n\
    Auto-Submitted: auto-replied\r\n\r\nI am on holiday until Monday.\r\n.";

/// Everything that comes to a bounce address, by whichever door.
fn assert_every_bounce_is_understood(fragments: &[&str]) {
    let impatient = "delay_warning_time = 1s\nqueue_run_delay = 1s\nminimal_backoff_time = 1s\n\
                     maximal_backoff_time = 1s\nmaximal_queue_lifetime = 4s\n\
                     virtual_alias_maps = inline:{{alias@example.com=unknown4@example.com}}\n";
    // The forger comes by the loopback too, so nobody's network is trusted here.
    let world = World::with_choosy_relay(fragments, "mail.trusted-networks = []", impatient);
    world.sendmail("bounces@example.org", "unknown1@example.com");
    world.sendmail("bounces@example.org", "unknown2@example.com,good@example.com");
    world.sendmail("bounces@example.org", "alias@example.com");
    world.sendmail("bounces@example.org", "unverified@example.com");
    world.sendmail("bounces@example.org", "later@example.com");
    // ORCPT is whatever the client says.
    let mut inside = world.smtp("bounces@example.org");
    let named = "RCPT TO:<unknown3@example.com> ORCPT=rfc822;victim@example.com";
    assert!(inside.say(named).starts_with("250 "));
    assert!(inside.say("DATA").starts_with("354 "));
    assert!(inside.say("Subject: hello\r\n\r\nhello\r\n.").starts_with("250 "));
    for text in [FORGED, VACATION] {
        let mut outside = world.smtp("");
        assert!(outside.rcpt("bounces@example.org").starts_with("250 "));
        assert!(outside.say("DATA").starts_with("354 "));
        assert!(outside.say(text).starts_with("250 "));
    }
    let wanted = [
        "alias@example.com|hard_bounce|userunknown|local|suppressed",
        "carol@example.com|notice|autoreply|unproved|recorded",
        "later@example.com|delay|systemerror|local|recorded",
        "later@example.com|soft_bounce|systemerror|local|recorded",
        "unknown1@example.com|hard_bounce|userunknown|local|suppressed",
        "unknown2@example.com|hard_bounce|userunknown|local|suppressed",
        "unknown3@example.com|hard_bounce|userunknown|local|suppressed",
        "unverified@example.com|soft_bounce|notverified|local|recorded",
        "victim@example.com|hard_bounce|userunknown|unproved|recorded",
    ];
    let events = "SELECT DISTINCT address, kind, reason, origin, action FROM event ORDER BY 1, 2";
    let count = "SELECT count(DISTINCT address || kind) FROM event";
    world.eventually("every bounce", || {
        // The queue manager does not always come back by itself to a mail that it skipped as "still being delivered".
        world.flush();
        std::thread::sleep(SECOND);
        world.sqlite3(count).trim() == wanted.len().to_string()
    });
    assert_eq!(world.sqlite3(events).lines().collect::<Vec<_>>(), wanted, "{}", world.log());
    assert_eq!(
        world.sqlite3("SELECT address FROM suppression ORDER BY 1").trim(),
        "alias@example.com\nunknown1@example.com\nunknown2@example.com\nunknown3@example.com"
    );
    assert_eq!(world.sqlite3("SELECT DISTINCT why FROM quarantine").trim(), "untrusted");
    assert!(!world.log().contains("status=bounced (Command"), "{}", world.log());
}

#[test]
fn every_bounce_is_understood_by_pipe() {
    assert_every_bounce_is_understood(&["pipe.cf", "pipe.master.cf"]);
}

#[test]
fn every_bounce_is_understood_by_lmtp() {
    assert_every_bounce_is_understood(&["lmtp.cf"]);
}

#[test]
fn a_database_locked_by_another_process_changes_no_answer() {
    let world = world(&["access-fail-closed.cf", "transport.cf"], "");
    let locked = world.lock_database();
    assert_refuses_only_bob(&mut world.smtp(SENDER));
    let map = "socketmap:unix:suppressd/lookup.sock:access";
    assert!(world.postmap(map, BOB).starts_with(&format!("550 {LISTED}")));
    drop(locked);
    assert_refuses_only_bob(&mut world.smtp(SENDER));
}

#[test]
fn a_database_locked_by_another_process_changes_no_answer_of_policy_and_tcp_table() {
    for fragment in ["policy-fail-open.cf", "tcp-table.cf"] {
        let world = world(&[fragment], "");
        let mut session = world.smtp(SENDER);
        let _locked = world.lock_database();
        assert_refuses_only_bob(&mut session);
    }
}

#[test]
fn running_out_of_descriptors_ends_neither_the_daemon_nor_its_connections() {
    let world = world(&["access-fail-closed.cf"], "");
    let mut session = world.smtp(SENDER);
    assert_refuses_only_bob(&mut session);
    world.limit_descriptors(5);
    let crowd: Vec<_> = (0..20).map(|_| world.connect()).collect();
    world.eventually("the line in the log", || world.log().contains("cannot accept connections: Too many open files"));
    assert_refuses_only_bob(&mut session);
    drop(crowd);
    assert_refuses_only_bob(&mut world.smtp(SENDER));
}

#[test]
fn what_sqlite3_changes_counts_at_the_next_lookup() {
    let world = world(&["access-fail-closed.cf"], "");
    let (access, transport) =
        ("socketmap:unix:suppressd/lookup.sock:access", "socketmap:unix:suppressd/lookup.sock:transport");
    let mut session = world.smtp(SENDER);
    assert_eq!(world.postmap(access, ALICE), "");
    world.sqlite3("INSERT INTO suppression (address) VALUES ('alice@example.com')");
    assert!(world.postmap(access, ALICE).starts_with(&format!("550 {LISTED}")));
    assert!(world.postmap(transport, "Alice@Example.com").starts_with(&format!("error:{LISTED}")));
    assert!(refused(&session.rcpt(ALICE)));
    world.sqlite3("DELETE FROM suppression");
    assert_eq!(world.postmap(access, ALICE), "");
    assert!(session.rcpt(BOB).starts_with("250 "));
}

#[test]
fn an_unreadable_database_defers_or_accepts_as_the_operator_chose() {
    for (fragment, settings, reply) in [
        ("access-fail-closed.cf", "", "451 4.3.5 "),
        ("policy-fail-open.cf", "", "450 4.3.5 "),
        ("transport.cf", "", "451 4.3.0 "),
        ("tcp-table.cf", "", "451 4.3.5 "),
        ("access-fail-closed.cf", "lookup.on-error = \"accept\"", "250 "),
        ("policy-fail-open.cf", "lookup.on-error = \"accept\"", "250 "),
    ] {
        let world = world(&[fragment], settings);
        world.damage_database();
        let seen = world.smtp(SENDER).rcpt(BOB);
        assert!(seen.starts_with(reply), "{fragment} {settings}: {seen}");
    }
}

#[test]
fn warn_mode_refuses_nothing_and_says_so_in_both_logs() {
    for (fragment, in_maillog) in
        [("access-fail-closed.cf", true), ("policy-fail-open.cf", true), ("transport.cf", false)]
    {
        let world = world(&[fragment], "lookup.mode = \"warn\"");
        assert!(world.smtp(SENDER).rcpt(BOB).starts_with("250 "));
        world.eventually("our own line", || world.log().contains("would refuse: to=<bob@example.com>"));
        if in_maillog {
            world.eventually("Postfix's line", || world.log().contains(&format!("would refuse: {LISTED}")));
        }
    }
}

#[test]
fn utf8_and_quoted_recipients_are_refused_in_each_writing() {
    for fragment in ["access-fail-closed.cf", "policy-fail-open.cf", "transport.cf", "tcp-table.cf"] {
        let world = World::new(&[fragment], "");
        world.suppressd(&["add", "jörg@bücher.example"]);
        world.suppressd(&["add", "\"quoted user\"@example.com"]);
        let mut session = world.smtp_utf8(SENDER);
        for recipient in ["JÖRG@Bücher.Example", "jörg@xn--bcher-kva.example", "\"Quoted User\"@example.com"] {
            let reply = session.rcpt(recipient);
            assert!(refused(&reply), "{fragment}: {recipient}: {reply}");
        }
        assert!(session.rcpt("jorg@bücher.example").starts_with("250 "));
    }
}

/// What postfix/README says of it.
#[test]
fn a_sharp_s_is_told_from_two_by_the_policy_service_and_transport_maps() {
    for (fragment, told_apart) in [
        ("access-fail-closed.cf", false),
        ("tcp-table.cf", false),
        ("policy-fail-open.cf", true),
        ("transport.cf", true),
    ] {
        let world = World::new(&[fragment], "");
        world.suppressd(&["add", "straße@example.com", "gasse@example.com"]);
        let mut session = world.smtp_utf8(SENDER);
        assert_eq!(refused(&session.rcpt("straße@example.com")), told_apart, "{fragment}");
        assert_eq!(refused(&session.rcpt("gaße@example.com")), !told_apart, "{fragment}");
    }
}

#[test]
fn return_paths_are_signed_once_on_their_way_out_and_mail_waits_while_suppressd_is_down() {
    use std::os::unix::fs::PermissionsExt;
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&keys, "k1 0123456789abcdef0123\n").unwrap();
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = keys.path().display();
    let settings = format!("mail.return-path-key-file = \"{file}\"\nmail.return-path-domains = [\"local.example\"]\n");
    let mut world = World::new(&["return-path.cf"], &settings);

    world.sendmail("bounces+bob=example.com@local.example", BOB);
    world.eventually("the signed sender", || world.relayed().contains("=bob=example.com@local.example>"));
    let relayed = world.relayed();
    assert_eq!(relayed.matches("--").count(), 1, "signed more than once: {relayed}");
    assert!(relayed.contains("X-Mail-Args: <bounces+k1--"), "{relayed}");
    assert!(relayed.contains("From: bounces+bob=example.com@local.example"), "the header is not touched: {relayed}");

    world.sendmail("other@remote.example", ALICE);
    world.eventually("the other sender", || world.relayed().contains("X-Mail-Args: <other@remote.example>"));

    world.stop_daemon();
    world.sendmail(SENDER, "carol@example.com");
    let mut session = world.smtp(SENDER);
    let replies = [session.rcpt("dave@example.com"), session.say("DATA"), session.say("Subject: x\r\n\r\nx\r\n.")];
    assert!(replies.iter().any(|reply| reply.starts_with("451 ")), "{replies:?}");
    assert!(replies.iter().all(|reply| !reply.starts_with('5')), "{replies:?}");
    world.start_daemon();
    world.flush();
    world.eventually("what waited", || world.relayed().contains("To: carol@example.com"));
}
