//! Tells when the write-ahead log grows because somebody reads an old state of the database and does not end.
//!
//! SQLite begins the log anew only when nobody needs what is in it. Meanwhile nothing is lost and nobody waits, but the
//! disk fills up. Afterwards the log shrinks by itself ([`super::schema::open`]).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::file::companion;

/// Above this, in bytes, it is asked whether somebody holds the log: more than what is left when it begins anew.
const LARGE: u64 = 48 << 20;
/// How often that is asked. Whoever reads for a moment only is through by the next time.
const INTERVAL: Duration = Duration::from_secs(5);

/// What was seen, and told.
pub(super) struct Growth {
    log: PathBuf,
    /// When it was asked last, and how many pages had been moved into the file then.
    last: Option<(Instant, i64)>,
    told: bool,
}

impl Growth {
    /// Of a database that is there.
    pub(super) fn of(database: &Path) -> Self {
        Self { log: companion(database, "-wal"), last: None, told: false }
    }

    /// Looks after a commit, and says once that the log is held, and once that it is not any more.
    pub(super) fn look(&mut self, connection: &Connection) {
        let size = fs::metadata(&self.log).map_or(0, |log| log.len());
        if size < LARGE {
            self.last = None;
            if std::mem::take(&mut self.told) {
                log::info!("{} is small again", self.log.display());
            }
            return;
        }
        if self.last.is_some_and(|(at, _)| at.elapsed() < INTERVAL) {
            return;
        }
        let Ok((pages, moved)) = move_pages(connection) else { return };
        let stands = moved < pages && self.last.is_some_and(|(_, before)| before == moved);
        self.last = Some((Instant::now(), moved));
        if stands && !self.told {
            self.told = true;
            log::warn!(
                "{} has grown to {} MiB and grows on: a process has been reading an old state of the database since then; \
                 \"fuser -v {}\" names it, let it end",
                self.log.display(),
                size >> 20,
                self.log.display()
            );
        }
    }
}

/// Moves what can be moved into the file; how many pages the log has, and how many of them are there by now.
fn move_pages(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get("log")?, row.get("checkpointed")?)))
}
