//! Tells when the write-ahead log grows because somebody reads an old state of the database and does not end.
//!
//! SQLite begins the log anew only when nobody needs what is in it. Meanwhile nothing is lost and nobody waits, but the
//! disk fills up. Afterwards the log shrinks by itself ([`super::schema::open`]).

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::file::beside;

/// Above this, in bytes, it is asked whether somebody holds the log: more than what is left when it begins anew.
const LARGE: u64 = 48 << 20;
/// How often that is asked.
const INTERVAL: Duration = Duration::from_secs(60);

/// What was seen, and told.
#[derive(Default)]
pub(super) struct Growth {
    next: Option<Instant>,
    told: bool,
}

impl Growth {
    /// Looks after a commit, and says once that the log is held, and once that it is not any more.
    pub(super) fn look(&mut self, connection: &Connection, database: &Path) {
        let log = beside(database, "-wal");
        let size = fs::metadata(&log).map_or(0, |log| log.len());
        if size < LARGE {
            self.next = None;
            if std::mem::take(&mut self.told) {
                log::info!("{} is small again", log.display());
            }
            return;
        }
        let now = Instant::now();
        if self.next.is_some_and(|next| now < next) {
            return;
        }
        self.next = Some(now + INTERVAL);
        if !self.told && is_held(connection) {
            self.told = true;
            log::warn!(
                "{} has grown to {} MiB and grows on: a process has been reading an old state of the database since then; \
                 \"fuser -v {}\" names it, let it end",
                log.display(),
                size >> 20,
                database.display()
            );
        }
    }
}

/// Whether the log has pages that can't be moved into the file.
fn is_held(connection: &Connection) -> bool {
    let pages = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>("log")?, row.get::<_, i64>("checkpointed")?));
    let pages = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], pages);
    pages.is_ok_and(|(log, moved)| moved < log)
}
