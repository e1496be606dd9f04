//! Lookups: read-only connections that never wait for a writer.
//!
//! What anybody commits, `sqlite3` by hand included, counts from the next lookup on. A database that can't answer is
//! an error and never "not found".

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::{StoreError, TopicState, schema, topic};
use crate::address::Address;
use crate::event::timestamp_text;

/// A pool of reading connections; each lookup borrows one.
pub struct Readers {
    path: PathBuf,
    deadline: Duration,
    idle: Mutex<Vec<Connection>>,
    /// Counts renewals; a connection that was borrowed before the last is not taken back.
    epoch: AtomicU64,
}

/// An entry of the list that is in force.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Suppression {
    /// The address, or `@domain`.
    pub address: String,
    /// What put it there: `hard_bounce`, `soft_bounce`, `complaint`, `unsubscribe`, `added`.
    pub kind: String,
    /// Why, in the vocabulary of `event::Reason`, or an operator's word.
    pub reason: String,
    /// RFC 3463 code.
    pub status: Option<String>,
    /// Since when, UTC.
    pub since: String,
    /// Until when, UTC; `None` until released.
    pub until: Option<String>,
    /// Where the report came from.
    pub source: String,
    /// Number of the event behind it.
    pub event: Option<i64>,
    /// An operator's note.
    pub note: Option<String>,
}

impl Suppression {
    pub(super) const COLUMNS: &'static str = "address, kind, reason, status, since, until, source, event, note";

    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            address: row.get(0)?,
            kind: row.get(1)?,
            reason: row.get(2)?,
            status: row.get(3)?,
            since: row.get(4)?,
            until: row.get(5)?,
            source: row.get(6)?,
            event: row.get(7)?,
            note: row.get(8)?,
        })
    }
}

impl Readers {
    /// Opens the database for reading; `deadline` bounds the wait for a lock of one lookup.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be opened.
    pub fn open(path: PathBuf, deadline: Duration) -> Result<Self, StoreError> {
        let readers = Self { path, deadline, idle: Mutex::default(), epoch: AtomicU64::new(0) };
        readers.with(|_| Ok(()))?;
        Ok(readers)
    }

    /// The entry for an address, or else for its domain; `None` if neither is on the list.
    ///
    /// # Errors
    /// [`StoreError`]: the caller must not take it for "not found".
    pub fn find(&self, address: &Address, now: Timestamp) -> Result<Option<Suppression>, StoreError> {
        self.with(|connection| find(connection, address, now))
    }

    /// What the database knows of an SNS topic.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn topic(&self, arn: &str) -> Result<Option<TopicState>, StoreError> {
        self.with(|connection| topic::state(connection, arn))
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn ping(&self) -> Result<(), StoreError> {
        self.with(|connection| {
            Ok(connection.query_row("SELECT 1 FROM suppression LIMIT 1", [], |_| Ok(())).optional().map(drop)?)
        })
    }

    /// Uses new connections from now on. SQLite shares what it knows of a file among the connections of a process, "can only
    /// be read" included: the writer gets no better connection before the last of the old ones is gone.
    pub fn renew(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
        self.idle().clear();
    }

    /// Lends a connection; one that made trouble is not used again.
    fn with<T>(&self, f: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let epoch = self.epoch.load(Ordering::Relaxed);
        let connection = match self.idle().pop() {
            Some(connection) => connection,
            None => schema::open_reader(&self.path, self.deadline)?,
        };
        let result = f(&connection);
        if result.is_ok() && self.epoch.load(Ordering::Relaxed) == epoch {
            self.idle().push(connection);
        }
        result
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn find(
    connection: &Connection,
    address: &Address,
    now: Timestamp,
) -> Result<Option<Suppression>, StoreError> {
    // One statement, one snapshot: the address itself goes before its domain. UNION ALL and LIMIT look for the domain
    // only where the address is not there, and nothing is sorted.
    const SQL: &str = "SELECT address, kind, reason, status, since, until, source, event, note FROM suppression \
                       WHERE address = ?1 AND (until IS NULL OR until > ?3) \
                       UNION ALL \
                       SELECT address, kind, reason, status, since, until, source, event, note FROM suppression \
                       WHERE address = ?2 AND (until IS NULL OR until > ?3) \
                       LIMIT 1";
    let mut statement = connection.prepare_cached(SQL)?;
    let key = [address.as_str(), address.domain_key(), &timestamp_text(now)];
    Ok(statement.query_row(key, Suppression::from_row).optional()?)
}
