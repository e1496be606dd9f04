//! A database under a configuration, and reports in short words.

use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use suppressd::address::Address;
use suppressd::config::Config;
use suppressd::event::{Event, EventId, Evidence, Kind, Origin, Reason, Side, Source};
use suppressd::store::{Change, Filter, Key, Readers, Recorded, Store, Submission, Suppression};

pub const WAIT: Duration = Duration::from_secs(5);
pub const NOW: &str = "2026-11-21T12:00:00Z";

pub struct Bench {
    pub dir: tempfile::TempDir,
    pub config: Config,
    pub store: Store,
    pub now: Timestamp,
    next: u32,
}

/// `2026-11-21T08` or a whole time.
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|_| format!("{text}:00:00Z").parse().unwrap())
}

pub fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

impl Bench {
    pub fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::parse(config, "suppressd.toml").unwrap();
        let store = Store::open(&dir.path().join("suppressd.db"), WAIT).unwrap().keeping(config.keeping());
        Self { dir, config, store, now: NOW.parse().unwrap(), next: 1 }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("suppressd.db")
    }

    pub fn sql(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    /// A report of its own message.
    pub fn event(&mut self, kind: Kind, who: &str, when: &str) -> Event {
        let number = self.next;
        self.next += 1;
        Event {
            id: EventId(format!("event-{number:05}")),
            kind,
            at: at(when),
            recipient: address(who),
            reported: who.into(),
            source: Source::Ses,
            origin: Origin::SnsSignature,
            evidence: Evidence {
                reason: Reason::UserUnknown,
                side: Side::Recipient,
                message_id: Some(format!("<{number}@example.org>")),
                ..Evidence::default()
            },
        }
    }

    pub fn take(&mut self, event: Event) -> Recorded {
        let submission = Submission { events: vec![event], ..Submission::default() };
        self.store.submit(&submission, &self.config.policy, self.now).unwrap().events.remove(0)
    }

    /// What became of it: `suppressed: hard bounce`.
    pub fn see(&mut self, kind: Kind, who: &str, when: &str) -> String {
        let event = self.event(kind, who, when);
        said(&self.take(event))
    }

    /// Whether the next lookup refuses mail of a stream.
    pub fn refused(&self, who: &str, stream: &str) -> bool {
        let readers = Readers::open(self.path(), WAIT).unwrap();
        readers.find(&address(who), stream, self.now).unwrap().is_some()
    }

    pub fn until(&self, who: &str) -> Option<String> {
        self.store.find(&address(who), self.now).unwrap().and_then(|entry| entry.until)
    }

    /// The entries, each as `address stream kind since until step event-id`.
    pub fn list(&self) -> Vec<String> {
        let sql = "SELECT concat_ws(' ', s.address, s.stream, s.kind, s.since, coalesce(s.until, '-'), s.step, e.id) \
                   FROM suppression AS s LEFT JOIN event AS e ON e.number = s.event ORDER BY 1";
        let connection = self.sql();
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// Removes what a filter selects.
    pub fn remove_all(&mut self, filter: &Filter) -> usize {
        let mut selected = Vec::new();
        let each = |entry: Suppression| {
            selected.push((Key::parse(&entry.address).unwrap(), entry.stream));
            true
        };
        self.store.list(filter, self.now, each).unwrap();
        self.store.remove_all(&selected, &Change::default(), self.now).unwrap()
    }

    pub fn remove(&mut self, who: &str) -> usize {
        let change = Change { who: "root".into(), note: Some("asked for".into()), ..Change::default() };
        self.store.remove(&Key::parse(who).unwrap(), &change, self.now).unwrap().len()
    }

    /// Deletes events that are older than so many days, and returns the number of batches.
    pub fn expire(&mut self, days: i64) -> usize {
        let mut cursor = Some(self.store.begin_expiry(SignedDuration::from_hours(24 * days), self.now).unwrap());
        let mut batches = 0;
        while let Some(from) = cursor {
            cursor = self.store.expire(&from).unwrap();
            batches += 1;
        }
        batches
    }

    pub fn count(&self, sql: &str) -> i64 {
        self.sql().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

pub fn said(recorded: &Recorded) -> String {
    let reason = recorded.decision.as_ref().map_or("", |decision| decision.reason.as_str());
    format!("{}: {reason}", recorded.action())
}
