//! What could not be understood or trusted, kept whole with the reason, so that it can be looked at and replayed.
//!
//! Bounded: when more than [`MAX_ENTRIES`] are kept, the oldest go. One text is kept once.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Store, StoreError};
use crate::event::{Door, Origin, Why, timestamp_text};

/// Most entries kept.
pub const MAX_ENTRIES: u32 = 10_000;

/// Something to be kept.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Quarantined {
    /// Idempotency key: the same text handed in twice is kept once.
    pub id: String,
    /// The door it came in by.
    pub door: Door,
    /// Why it did not count.
    pub why: Why,
    /// That in one sentence.
    pub detail: String,
    /// How its origin is proved.
    pub origin: Origin,
    /// All of it, as it was handed in.
    pub content: Vec<u8>,
}

/// An entry as kept, without its content.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct QuarantineEntry {
    /// Its number.
    pub number: i64,
    /// When it came.
    pub received: String,
    /// The door.
    pub door: String,
    /// malformed, untrusted or not-understood.
    pub why: String,
    /// That in one sentence.
    pub detail: String,
    /// How its origin is proved.
    pub origin: String,
    /// Size of the content, in bytes.
    pub size: i64,
}

impl Store {
    /// All entries, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn quarantine(&self) -> Result<Vec<QuarantineEntry>, StoreError> {
        let sql =
            "SELECT number, received, door, why, detail, origin, length(content) FROM quarantine ORDER BY number DESC";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], entry)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One entry and its content; `None` if there is none of that number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn quarantined(&self, number: i64) -> Result<Option<(QuarantineEntry, Vec<u8>)>, StoreError> {
        let sql = "SELECT number, received, door, why, detail, origin, length(content), content FROM quarantine WHERE number = ?1";
        let mut statement = self.connection.prepare(sql)?;
        Ok(statement.query_row([number], |row| Ok((entry(row)?, row.get(7)?))).optional()?)
    }

    /// Drops an entry; whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn drop_quarantined(&mut self, number: i64) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM quarantine WHERE number = ?1", [number])? > 0)
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<QuarantineEntry> {
    Ok(QuarantineEntry {
        number: row.get(0)?,
        received: row.get(1)?,
        door: row.get(2)?,
        why: row.get(3)?,
        detail: row.get(4)?,
        origin: row.get(5)?,
        size: row.get(6)?,
    })
}

/// Keeps an entry; the number of new ones, 0 or 1.
pub(super) fn keep(connection: &Connection, entry: &Quarantined, now: Timestamp) -> Result<usize, StoreError> {
    let sql = "INSERT INTO quarantine (id, received, door, why, detail, origin, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
               ON CONFLICT (id) DO NOTHING";
    let kept = connection.prepare_cached(sql)?.execute(params![
        entry.id,
        timestamp_text(now),
        entry.door.as_str(),
        entry.why.as_str(),
        entry.detail,
        entry.origin.as_str(),
        entry.content,
    ])?;
    let excess = "DELETE FROM quarantine WHERE number <= (SELECT max(number) FROM quarantine) - ?1";
    connection.prepare_cached(excess)?.execute([MAX_ENTRIES])?;
    Ok(kept)
}
