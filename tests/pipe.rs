//! `suppressd pipe` as pipe(8) runs it: exit status 0 or 75 and nothing else, whatever it is given.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(dead_code, missing_docs, unreachable_pub)]

#[path = "support/process.rs"]
mod process;

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use process::{Home, Ran, finish, wait};

/// A bounce of bob@example.com, as Postfix makes it.
const BOUNCE: &str = "Return-Path: <>\r\n\
    Received: by mail.example.org (Postfix) id 4XYZ; Sat, 21 Nov 2026 08:46:25 +0000 (UTC)\r\n\
    From: MAILER-DAEMON@mail.example.org (Mail Delivery System)\r\n\
    To: news@sender.example\r\n\
    Subject: Undelivered Mail Returned to Sender\r\n\
    Auto-Submitted: auto-replied\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/report; report-type=delivery-status; boundary=\"B\"\r\n\
    \r\n\
    --B\r\nContent-Type: text/plain\r\n\r\nI'm sorry.\r\n\
    --B\r\nContent-Type: message/delivery-status\r\n\r\n\
    Reporting-MTA: dns; mail.example.org\r\n\
    X-Postfix-Queue-ID: 4ABC\r\n\
    Arrival-Date: Sat, 21 Nov 2026 08:46:24 +0000 (UTC)\r\n\
    \r\n\
    Final-Recipient: rfc822; bob@example.com\r\n\
    Action: failed\r\n\
    Status: 5.1.1\r\n\
    Remote-MTA: dns; mx.example.com\r\n\
    Diagnostic-Code: smtp; 550 5.1.1 <bob@example.com>: user unknown\r\n\
    \r\n\
    --B\r\nContent-Type: text/rfc822-headers\r\n\r\n\
    From: news@sender.example\r\nTo: bob@example.com\r\nMessage-ID: <1@sender.example>\r\n\
    \r\n--B--\r\n";

/// The arguments of `postfix/pipe.master.cf`, with values for its macros.
fn argv(values: &[(&str, &str)]) -> Vec<String> {
    let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/postfix/pipe.master.cf")).unwrap();
    let text: Vec<_> = file.lines().filter(|line| !line.starts_with('#')).collect();
    let text = text.join(" ");
    let (_, command) = text.split_once("argv=").unwrap();
    let mut words = command.split_whitespace().map(|word| {
        values.iter().fold(word.to_owned(), |word, (name, value)| word.replace(&format!("${{{name}}}"), value))
    });
    assert_eq!(words.next().as_deref(), Some("/usr/bin/suppressd"));
    let words: Vec<_> = words.collect();
    assert!(!words.iter().any(|word| word.contains("${")), "{words:?}");
    words
}

/// The mail comes from this Postfix itself.
fn local() -> Vec<String> {
    argv(&[
        ("sender", ""),
        ("recipient", "bounces@example.org"),
        ("original_recipient", "bounces@example.org"),
        ("queue_id", "4XYZ"),
        ("client_address", ""),
    ])
}

fn pipe(home: &Home, mail: &[u8]) -> Ran {
    let args = local();
    home.run_with(&args.iter().map(String::as_str).collect::<Vec<_>>(), mail)
}

/// Taken in: exit status 0 and not a word, because Postfix takes words for trouble.
#[track_caller]
fn taken(ran: &Ran) {
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""), "{ran:?}");
}

/// Postfix keeps the mail: 75, and at most one short line.
#[track_caller]
fn deferred(ran: &Ran) {
    assert_eq!((ran.status, ran.err.as_str()), (Some(75), ""), "{ran:?}");
    assert!(ran.out.starts_with("4.3.0 suppressd: ") && ran.out.ends_with('\n'), "{ran:?}");
    assert!(ran.out.lines().count() == 1 && ran.out.len() < 400, "{ran:?}");
}

fn quarantined(home: &Home) -> String {
    home.select("SELECT count(*) FROM quarantine")
}

#[test]
fn a_bounce_is_taken_with_the_shipped_arguments_and_counts_once() {
    let home = Home::new();
    for _ in 0..3 {
        taken(&pipe(&home, BOUNCE.as_bytes()));
    }
    assert_eq!(home.run(&["why", "bob@example.com"]).status, Some(0));
    assert_eq!(home.select("SELECT count(*) FROM event"), "1");
}

#[test]
fn it_says_nothing_even_where_the_log_is_stderr() {
    let mut home = Home::new();
    for to in ["stderr", "journal", "auto"] {
        home.set("log.to", &format!("\"{to}\""));
        home.set("log.level", "\"debug\"");
        taken(&pipe(&home, format!("X-Nonce: {to}\r\n{BOUNCE}").as_bytes()));
        taken(&pipe(&home, format!("garbage {to}").as_bytes()));
    }
}

#[test]
fn a_mistake_in_master_cf_defers() {
    let home = Home::new();
    for args in [&["pipe", "--nonsense"][..], &["pipe", "extra"], &["pipe", "--sender"], &["--nonsense", "pipe"]] {
        deferred(&home.run_with(args, BOUNCE.as_bytes()));
    }
}

#[test]
fn a_configuration_that_is_missing_or_bad_defers() {
    let home = Home::new();
    home.write_config("nonsense = 1\nlookup.mode = \"dry\"\n");
    deferred(&pipe(&home, BOUNCE.as_bytes()));
    std::fs::remove_file(home.path("suppressd.toml")).unwrap();
    deferred(&pipe(&home, BOUNCE.as_bytes()));
}

#[test]
fn a_database_that_cannot_be_had_defers() {
    let mut home = Home::new();
    home.set("database", "\"/nonexistent/suppressd.db\"");
    deferred(&pipe(&home, BOUNCE.as_bytes()));
    let junk = home.quoted("junk.db");
    std::fs::write(home.path("junk.db"), "not a database at all, just some text that is long enough").unwrap();
    home.set("database", &junk);
    deferred(&pipe(&home, BOUNCE.as_bytes()));
}

#[test]
fn a_locked_database_defers_within_the_deadline() {
    let mut home = Home::new();
    home.ok(&["list"]);
    home.set("mail.deadline", "\"2s\"");
    let lock = home.lock();
    let begun = Instant::now();
    deferred(&pipe(&home, BOUNCE.as_bytes()));
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    drop(lock);
    taken(&pipe(&home, BOUNCE.as_bytes()));
    assert_eq!(home.select("SELECT count(*) FROM event"), "1");
}

#[test]
fn a_mail_that_never_ends_defers_at_the_deadline() {
    let mut home = Home::new();
    home.set("mail.deadline", "\"1s\"");
    let mut command = home.command(&["pipe"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&BOUNCE.as_bytes()[..200]).unwrap();
    let begun = Instant::now();
    let status = wait(&mut child);
    assert!(begun.elapsed() < Duration::from_secs(5));
    let read = |stream: Box<dyn std::io::Read>| process::read_all(stream);
    let (out, err) = (read(Box::new(child.stdout.take().unwrap())), read(Box::new(child.stderr.take().unwrap())));
    deferred(&Ran { status: status.code(), out, err });
    drop(stdin);
}

#[test]
fn garbage_is_kept_in_quarantine() {
    let home = Home::new();
    let binary: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let report = format!("{}{}", &BOUNCE[..BOUNCE.find("Final-Recipient").unwrap()], "\u{0}\u{1b}");
    let cases: [&[u8]; 5] = [
        b"",
        b"garbage",
        &binary,
        report.as_bytes(),
        b"Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n--\r\n",
    ];
    for (n, mail) in cases.iter().enumerate() {
        taken(&pipe(&home, mail));
        assert_eq!(quarantined(&home), (n + 1).to_string());
    }
    assert_eq!(home.select("SELECT count(*) FROM event"), "0");
}

#[test]
fn what_the_database_refuses_is_kept_and_can_be_replayed() {
    let home = Home::new();
    home.ok(&["list"]);
    home.sql(
        "CREATE TRIGGER picky BEFORE INSERT ON event WHEN new.address = 'bob@example.com' \
         BEGIN SELECT raise(ABORT, 'no bobs'); END",
    );
    taken(&pipe(&home, BOUNCE.as_bytes()));
    let kept = home.select("SELECT why || ': ' || detail FROM quarantine");
    assert_eq!(kept, "malformed: the database refuses it: no bobs");
    assert_eq!(home.select("SELECT count(*) FROM event"), "0");
    home.sql("DROP TRIGGER picky");
    home.ok(&["quarantine", "replay", "--all"]);
    assert_eq!(home.run(&["why", "bob@example.com"]).status, Some(0));
    assert_eq!(quarantined(&home), "0");
}

#[test]
fn twenty_megabytes_are_read_to_the_end_and_the_report_counts() {
    let home = Home::new();
    let mut mail = BOUNCE.replace("--B--", "--B\r\nContent-Type: application/octet-stream").into_bytes();
    mail.resize(20_000_000, b'x');
    let args = local();
    let mut command = home.command(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Postfix takes a pipe that breaks for a failure.
    child.stdin.take().unwrap().write_all(&mail).expect("all of it is read");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout, output.stderr), (Some(0), vec![], vec![]));
    assert_eq!(home.run(&["why", "bob@example.com"]).status, Some(0));
}

#[test]
fn whatever_stands_in_the_envelope_is_taken() {
    let home = Home::new();
    for (n, hostile) in
        ["-", "--", "--help", "-rf /", "$(reboot)", "a b\"c'd", "\u{1b}[2J", "ü@ä.example", &"x".repeat(5000)]
            .iter()
            .enumerate()
    {
        let args = argv(&[
            ("sender", hostile),
            ("recipient", hostile),
            ("original_recipient", hostile),
            ("queue_id", hostile),
            ("client_address", hostile),
        ]);
        taken(&home.run_with(&args.iter().map(String::as_str).collect::<Vec<_>>(), format!("garbage {n}").as_bytes()));
        assert_eq!(quarantined(&home), (n + 1).to_string());
    }
}

/// Without SMTPUTF8, Postfix passes on a sender in any bytes.
#[test]
fn a_sender_that_is_not_utf_8_is_no_mistake_of_the_operator() {
    let home = Home::new();
    let mut command = home.command(&["pipe"]);
    for option in ["sender", "recipient", "original-recipient"] {
        let arg = [format!("--{option}=").as_bytes(), b"caf\xe9@example.com"].concat();
        command.arg(OsStr::from_bytes(&arg));
    }
    taken(&finish(&mut command, BOUNCE.as_bytes()));
    assert_eq!(home.select("SELECT count(*) FROM event"), "1");
}

#[test]
fn nobody_who_reads_its_words_is_no_trouble() {
    let home = Home::new();
    home.write_config("nonsense = 1\n");
    let mut command = home.command(&["pipe"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(wait(&mut child).code(), Some(75));
    assert_eq!(process::read_all(child.stderr.take().unwrap()), "");
}

/// The first of them make the database.
#[test]
fn many_at_once_are_all_taken() {
    for _ in 0..8 {
        let mut home = Home::new();
        home.set("policy.incident.recipients", "0");
        let home = home;
        std::thread::scope(|scope| {
            for n in 0..12 {
                let home = &home;
                scope.spawn(move || {
                    let mail = BOUNCE.replace("bob@", &format!("bob{n}@")).replace("<1@", &format!("<{n}@"));
                    taken(&pipe(home, mail.replace("4ABC", &format!("4ABC{n}")).as_bytes()));
                });
            }
        });
        assert_eq!(home.select("SELECT count(*) FROM suppression"), "12");
    }
}

/// A library more would be loaded, and its symbols looked up, for each mail.
#[test]
fn the_c_library_is_all_that_it_loads() {
    let ran = Command::new("ldd").arg(process::SUPPRESSD).output().unwrap();
    let listed = String::from_utf8(ran.stdout).unwrap();
    let names: Vec<_> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let is_of_system =
        |name: &&str| ["linux-vdso.", "libc.", "libm.", "/lib"].iter().any(|begin| name.starts_with(begin));
    assert!(names.contains(&"libc.so.6") && names.iter().all(is_of_system), "{listed}");
}
