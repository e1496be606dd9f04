//! Lookups while old events are deleted. Not part of "make bench": ONLY=retention, with EVENTS=10000000 for as many.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use suppressd::store::Store;

use crate::Options;
use crate::daemon::Daemon;
use crate::load::{self, Framing};
use crate::table::{Goal, Table};

/// Longest time that a pass may take to begin.
const BEGINS: Duration = Duration::from_secs(90);

pub fn run(_: &Options, table: &mut Table) {
    let events = std::env::var("EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(300_000_u64);
    let dir = tempfile::tempdir_in(crate::lists::cache()).unwrap();
    let path = dir.path().join("suppressd.db");
    fill(&path, events);
    let daemon = Daemon::with(&path, |home| home.set("privacy.keep", "\"30d\""));
    let requests = load::socketmap(&["gone5@example.com".to_owned(), "nobody@example.com".to_owned()]);
    let ask = || load::ask(&daemon.socketmap(), &requests, Framing::Until(b','), 8, Duration::from_secs(1));
    let left = || {
        let sql = "SELECT coalesce(max(number) - min(number) + 1, 0) FROM event";
        Connection::open(&path).and_then(|database| database.query_row(sql, [], |row| row.get::<_, i64>(0))).unwrap()
    };
    let before = ask();
    let begun = Instant::now();
    while left() == i64::try_from(events).unwrap() {
        assert!(begun.elapsed() < BEGINS, "nothing is deleted");
        std::thread::sleep(Duration::from_millis(100));
    }
    let begun = Instant::now();
    let (mut p99, mut longest) = (0.0_f64, 0.0_f64);
    while left() > 0 {
        let during = ask();
        p99 = p99.max(during.per_mille(990));
        longest = longest.max(during.per_mille(1000));
    }
    let rate = events as f64 / begun.elapsed().as_secs_f64();
    table.figure(format!("{events} events deleted, beside lookups on 8 connections"), rate, "/s", Goal::None);
    table.figure("lookup p99, before", before.per_mille(990), "ms", Goal::None);
    table.figure("lookup p99 of the worst second, during", p99, "ms", Goal::AtMost(5.0));
    table.figure("longest lookup, during", longest, "ms", Goal::AtMost(5.0));
}

fn fill(path: &std::path::Path, events: u64) {
    drop(Store::open(path, Duration::from_secs(1)).unwrap());
    let connection = Connection::open(path).unwrap();
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; BEGIN; \
             INSERT INTO suppression (address) VALUES ('gone5@example.com'); \
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {events}) \
             INSERT INTO event (id, received, at, address, reported, kind, reason, side, status, diagnostic, source, origin, \
                                sender, provider_id, action, decision) \
               SELECT printf('ses:%010d', i), t, t, a, a, 'soft_bounce', 'mailboxfull', 'recipient', '4.2.2', \
                      'smtp; 452 4.2.2 The email account that you tried to reach is over quota', 'ses', 'sns-signature', \
                      'news@example.org', printf('0102%010d', i), 'recorded', 'soft bounce 1 of 5' \
               FROM (SELECT i, strftime('%Y-%m-%dT%H:%M:%SZ', 1700000000 + i / 10, 'unixepoch') AS t, \
                            printf('user%09d@d%03d.example.com', i, i % 1000) AS a FROM n); \
             COMMIT; PRAGMA wal_checkpoint(TRUNCATE);"
        ))
        .unwrap();
}
