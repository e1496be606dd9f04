//! The database: one SQLite file that the daemon, the pipe, the command line and the administrator's `sqlite3` share.
//!
//! Every writer takes `BEGIN IMMEDIATE` with a busy timeout, and history, decision and write are one transaction, so
//! that two bounces can't both see "the first one". A commit is on disk when it returns (WAL, `synchronous=FULL`).
//! The layout of the file is documented in suppressd.db(5).
//!
//! - [`Writer`]: the daemon's one writer thread; whatever arrives while a commit is under way shares the next.
//! - [`Store`]: one connection of one process: the pipe and the command line.
//! - [`Readers`]: lookups, which never wait for a writer.

mod allow;
mod bulk;
mod dossier;
mod error;
mod events;
mod export;
mod file;
mod forgotten;
mod growth;
mod history;
mod incident;
mod index;
mod leaves;
mod list;
mod members;
mod quarantine;
mod reader;
mod record;
mod recover;
mod retention;
mod salvage;
mod schema;
mod stats;
mod topic;
mod trial;
mod writer;

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use allow::Allowed;
pub use bulk::{CHUNK, Fate, Import, ImportRules, ImportedEntry, PAUSE, Plan};
pub use dossier::{Dossier, Entry, IncidentState};
pub use error::StoreError;
pub use events::{EventFilter, StoredEvent};
pub use export::{ListReader, ListState, Selection, TableEntry};
pub use forgotten::{Block, Forgotten};
pub use incident::{Incident, Opened, Settlement};
pub use list::{Change, Filter, Key, Refusals};
pub use quarantine::{Bounds, QuarantineEntry, Quarantined};
pub use reader::{Readers, Suppression};
pub use record::{Alarm, Receipt, Recorded, Submission};
pub use recover::{Recovery, recover};
pub use retention::Cursor;
pub use salvage::Salvaged;
pub use stats::{DayCount, DomainCount, Figures, Progress, SenderRates, Stats};
pub use topic::{MAX_PENDING, TopicChange, TopicEntry, TopicState};
pub use trial::{Difference, Looked};
pub use writer::Writer;

use crate::policy::Rules;

/// Largest write-ahead log that a process leaves to the next, in bytes.
const MAX_LOG_LEFT: u64 = 1 << 20;

/// What of reports is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keeping {
    /// Of those that could not be understood or trusted.
    pub quarantine: Bounds,
    /// Diagnostics without the addresses in them.
    pub mask_addresses: bool,
}

/// One writing connection.
pub struct Store {
    connection: Connection,
    keeping: Keeping,
}

impl Store {
    /// Opens the database, creating and migrating it where needed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(path: &Path, busy_timeout: Duration) -> Result<Self, StoreError> {
        Ok(Self { connection: schema::open(path, busy_timeout)?, keeping: Keeping::default() })
    }

    /// Keeps that from now on.
    #[must_use]
    pub const fn keeping(mut self, keeping: Keeping) -> Self {
        self.keeping = keeping;
        self
    }

    /// Records one submission in a transaction of its own; it is durable when this returns.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is recorded then.
    pub fn submit(&mut self, submission: &Submission, rules: &Rules, now: Timestamp) -> Result<Receipt, StoreError> {
        let keeping = self.keeping;
        let transaction = self.begin()?;
        let receipt = record::submit(&transaction, submission, rules, &keeping, now)?;
        transaction.commit()?;
        Ok(receipt)
    }

    fn begin(&mut self) -> Result<Transaction<'_>, StoreError> {
        Ok(self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
    }
}

impl Drop for Store {
    /// The last connection to a log that has grown moves it into the file. Otherwise each process that comes alone would have to
    /// read all of it, and none would ever begin it anew.
    fn drop(&mut self) {
        if schema::log_length(&self.connection) > MAX_LOG_LEFT {
            let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
        }
    }
}

#[cfg(test)]
mod tests;
