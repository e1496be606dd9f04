//! Lookups while old events are deleted. Not part of "make bench": ONLY=retention, with EVENTS=10000000 for as many.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use suppressd::store::Store;

use crate::Options;
use crate::daemon::Daemon;
use crate::load::{self, Framing, Measured};
use crate::table::{Goal, Table};

/// Longest time that a pass may take to begin.
const BEGINS: Duration = Duration::from_secs(90);
/// A lookup that takes longer is one too many.
const SLOW: Duration = Duration::from_millis(5);

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
    let (mut before, mut during) = (Seen::default(), Seen::default());
    let begun = Instant::now();
    while left() == i64::try_from(events).unwrap() {
        assert!(begun.elapsed() < BEGINS, "nothing is deleted");
        before.take(&ask());
    }
    let begun = Instant::now();
    while left() > 0 {
        during.take(&ask());
    }
    let rate = events as f64 / begun.elapsed().as_secs_f64();
    table.figure(format!("{events} events deleted, beside lookups on 8 connections"), rate, "/s", Goal::None);
    before.tell("before", Goal::None, table);
    during.tell("during", Goal::AtMost(5.0), table);
}

/// Lookups, second by second.
#[derive(Default)]
struct Seen {
    /// Of the worst second, in milliseconds.
    p99: f64,
    longest: f64,
    lookups: usize,
    slow: usize,
}

impl Seen {
    fn take(&mut self, second: &Measured) {
        self.p99 = self.p99.max(second.per_mille(990));
        self.longest = self.longest.max(second.per_mille(1000));
        let (lookups, slow) = second.above(SLOW);
        self.lookups += lookups;
        self.slow += slow;
    }

    fn tell(&self, when: &str, goal: Goal, table: &mut Table) {
        let share = self.slow as f64 * 1e6 / self.lookups as f64;
        table.figure(format!("lookup p99 of the worst second, {when}"), self.p99, "ms", goal);
        table.figure(format!("longest lookup, {when}"), self.longest, "ms", goal);
        table.figure(format!("of a million lookups, longer than 5 ms, {when}"), share, "", Goal::None);
    }
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
