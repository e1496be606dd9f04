//! A database of an earlier version is brought up to date whole; one of a later version is left alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(dead_code, missing_docs, unreachable_pub)]

#[path = "support/process.rs"]
mod process;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};

use process::{Home, PATIENCE, Ran, eventually, read_all, wait};
use rusqlite::Connection;
use rusqlite::types::Value;

const SCHEMA_1: &str = include_str!("../src/store/schema/1.sql");
/// A whole database of schema 1, as sqlite3's `.dump` would have it.
const DATABASE_1: &str = include_str!("database_1.sql");

/// A home with that database.
fn home() -> Home {
    let home = Home::new();
    let connection = home.database();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.execute_batch(&format!("BEGIN; {DATABASE_1}; COMMIT")).unwrap();
    home
}

/// All rows that a SELECT gives, as one text each.
fn rows(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| {
        Ok((0..columns).map(|i| format!("{:?}", row.get::<_, Value>(i).unwrap())).collect::<Vec<_>>().join(" "))
    };
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}

/// Each table of a database, and a SELECT of all its columns.
fn tables(connection: &Connection) -> Vec<String> {
    let sql = "SELECT 'SELECT ' || (SELECT group_concat(name) FROM pragma_table_info(t.name)) || ' FROM ' || t.name || ' ORDER BY 1, 2' \
               FROM sqlite_schema AS t WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn the_copy_of_schema_1_is_the_one_that_was_shipped() {
    assert!(DATABASE_1.starts_with(SCHEMA_1));
}

#[test]
fn every_row_of_schema_1_is_found_again() {
    let home = home();
    let connection = home.database();
    let tables = tables(&connection);
    assert_eq!(tables.len(), 6);
    let before: Vec<_> = tables.iter().map(|sql| rows(&connection, sql)).collect();
    assert!(before.iter().all(|rows| !rows.is_empty()));
    let rates = rows(&connection, "SELECT * FROM bounce_rates");
    assert_eq!(rates.len(), 5);
    drop(connection);
    assert_eq!(home.ok(&["list"]).lines().count(), 5);
    let connection = home.database();
    for (sql, before) in tables.iter().zip(before) {
        assert_eq!(rows(&connection, sql), before, "{sql}");
    }
    assert_eq!(rows(&connection, "SELECT * FROM bounce_rates"), rates);
    assert_eq!(home.select("PRAGMA user_version"), "2");
    assert_eq!(home.select("PRAGMA integrity_check"), "ok");
    assert_eq!(home.select("SELECT count(*) FROM suppression WHERE stream = '' AND step = 1"), "6");
    assert_eq!(home.select("SELECT count(*) FROM suppressed"), "5");
    assert_eq!(home.select("SELECT count(*) FROM recent_events"), "7");
}

#[test]
fn a_migrated_database_has_the_schema_of_a_new_one() {
    let (old, new) = (home(), Home::new());
    old.ok(&["list"]);
    new.ok(&["list"]);
    let sql = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name";
    assert_eq!(rows(&old.database(), sql), rows(&new.database(), sql));
}

#[test]
fn counts_that_later_versions_keep_are_those_of_the_rows_before() {
    let home = home();
    home.ok(&["list"]);
    let all = |sql| rows(&home.database(), sql);
    assert_eq!(
        all("SELECT * FROM suppression_total ORDER BY kind"),
        all("SELECT kind, count(*) FROM suppression GROUP BY kind")
    );
    assert_eq!(home.select("SELECT sum(events) FROM daily"), "7");
    assert_eq!(
        all("SELECT day, domain, events FROM daily_domain ORDER BY day"),
        all(
            "SELECT substr(at, 1, 10), domain, count(*) FROM event WHERE origin NOT IN ('operator', 'unproved') GROUP BY 1, 2"
        )
    );
    assert!(home.ok(&["stats", "--days", "36500"]).contains("example.org"));
}

#[test]
fn whoever_was_refused_is_refused_by_the_daemon_of_now() {
    let home = home();
    let log = std::fs::File::create(home.path("log")).unwrap();
    let mut daemon =
        Daemon(home.command(&["serve"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
    eventually("the daemon answers", || UnixStream::connect(home.path("lookup.sock")).is_ok());
    for (address, reply) in [
        ("bob@example.com", "OK 550 5.1.1 Recipient is on the suppression list (hard bounce since 2026-11-01)"),
        ("Carol@Example.com", "OK 550 5.7.1 Recipient is on the suppression list (complaint since 2026-11-02)"),
        ("dave@example.com", "NOTFOUND "),
        (
            "\"o'neil ü\"@xn--bcher-kva.example",
            "OK 550 5.7.1 Recipient is on the suppression list (added on 2026-11-05)",
        ),
        (
            "anybody@dead.example",
            "OK 550 5.7.1 Recipient is on the suppression list (whole domain, added on 2026-11-06)",
        ),
        ("anybody@sub.dead.example", "NOTFOUND "),
        ("alice@example.com", "NOTFOUND "),
        ("frank@example.com", "NOTFOUND "),
    ] {
        assert_eq!(ask(&home, address), reply, "{address}");
    }
    assert!(ask(&home, "erin@example.com").starts_with("OK 550 "));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(daemon.0.id().cast_signed()), nix::sys::signal::Signal::SIGTERM)
        .unwrap();
    assert_eq!(wait(&mut daemon.0).code(), Some(0));
}

/// Ends with the test, whatever comes of it.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What Postfix hears of a recipient.
fn ask(home: &Home, address: &str) -> String {
    let mut stream = UnixStream::connect(home.path("lookup.sock")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let key = format!("access {address}");
    stream.write_all(format!("{}:{key},", key.len()).as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply.split_once(':').unwrap().1.trim_end_matches(',').to_owned()
}

#[test]
fn history_and_quarantine_of_schema_1_still_count() {
    let home = home();
    let why = home.ok(&["why", "bob@example.com"]);
    for part in
        ["by event 1, rule ses:Permanent/General", "refused 4 times, last 2026-11-08T10:00:00Z", "queue id 4Wq1Yx2Zz3"]
    {
        assert!(why.contains(part), "{why}");
    }
    assert_eq!(home.run(&["why", "dave@example.com"]).status, Some(1));
    assert_eq!(home.ok(&["quarantine"]).lines().count(), 2);
    let topics = home.ok(&["topics"]);
    assert!(topics.contains("allowed ") && topics.contains("pending ") && topics.contains("denied "), "{topics}");
}

#[test]
fn processes_that_migrate_at_once_migrate_once() {
    let home = home();
    let lock = home.database();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = |_| home.command(&["list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut children: Vec<_> = (0..6).map(start).collect();
    // They have seen schema 1, most likely, and wait for the lock; right it must be in any case.
    std::thread::sleep(std::time::Duration::from_millis(500));
    lock.execute_batch("COMMIT").unwrap();
    for child in &mut children {
        let (status, err) = (wait(child), read_all(child.stderr.take().unwrap()));
        assert_eq!((status.code(), err.as_str()), (Some(0), ""));
        assert_eq!(read_all(child.stdout.take().unwrap()).lines().count(), 5);
    }
    assert_eq!(home.select("SELECT count(*) FROM suppression"), "6");
    assert_eq!(home.select("SELECT sum(entries) FROM suppression_total"), "6");
    assert_eq!(home.select("PRAGMA integrity_check"), "ok");
}

#[test]
fn processes_that_make_the_database_at_once_make_one() {
    let home = Home::new();
    let address = |n: usize| format!("user{n}@example.com");
    let start = |n| home.command(&["add", &address(n)]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut children: Vec<_> = (0..8).map(start).collect();
    for child in &mut children {
        let (status, err) = (wait(child), read_all(child.stderr.take().unwrap()));
        assert_eq!((status.code(), err.as_str()), (Some(0), ""));
    }
    assert_eq!(home.select("SELECT count(*) FROM suppression"), "8");
}

#[test]
fn a_newer_database_is_refused_in_one_sentence_by_every_verb_and_left_alone() {
    let home = home();
    home.ok(&["list"]);
    home.sql("PRAGMA user_version = 99; CREATE TABLE what_comes_later (x)");
    let sentence = format!(
        "{}: the database has schema version 99, this suppressd knows 2; install the newer suppressd\n",
        home.path("suppressd.db").display()
    );
    let refused = |args: &[&str], status: i32| {
        let Ran { status: found, out, err } = home.run_with(args, b"From: x\n\nx\n");
        assert_eq!((found, out.as_str()), (Some(status), ""), "{args:?}: {err}");
        assert!(err.ends_with(&sentence) && err.lines().count() == 1, "{args:?}: {err}");
    };
    for args in [
        &["why", "bob@example.com"][..],
        &["allow", "bob@example.com"],
        &["incidents"],
        &["policy", "try"],
        &["forget", "bob@example.com"],
        &["list"],
        &["events"],
        &["events", "--follow"],
        &["stats"],
        &["add", "x@example.com"],
        &["remove", "bob@example.com"],
        &["topics"],
        &["topics", "allow", "arn:aws:sns:eu-west-1:123456789012:ses-feedback"],
        &["quarantine"],
        &["quarantine", "replay", "--all"],
        &["serve"],
    ] {
        refused(args, 2);
    }
    let piped = home.run_with(&["pipe"], b"From: x\n\nx\n");
    assert_eq!((piped.status, piped.err.lines().count()), (Some(75), 0), "Postfix keeps the mail: {piped:?}");
    assert_eq!(piped.out.lines().count(), 1);
    assert_eq!(home.select("PRAGMA user_version"), "99");
    assert_eq!(home.select("SELECT count(*) FROM suppression"), "6");
}
