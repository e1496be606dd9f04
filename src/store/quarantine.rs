//! What could not be understood or trusted, kept whole with the reason, so that it can be looked at and replayed.
//!
//! Bounded by [`Bounds`]: whenever an entry comes in, the oldest go until the rest is within them, [`MAX_DROPPED`] at most
//! in one transaction. One text is kept once. An entry that is larger than all bounds is kept until the next one comes.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Receipt, Store, StoreError, Submission, record};
use crate::event::{Door, Origin, Why, timestamp_text};
use crate::policy::Rules;

/// Most old entries dropped in one transaction, so that none takes long after the bounds were lowered.
const MAX_DROPPED: usize = 1000;

/// How much is kept: `[quarantine]` of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Most entries.
    pub entries: u32,
    /// Most content altogether, in bytes.
    pub bytes: u64,
    /// For how long.
    pub age: SignedDuration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { entries: 10_000, bytes: 256 << 20, age: SignedDuration::from_hours(90 * 24) }
    }
}

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
    /// What was known of it besides its content, as JSON, for the door that reads it again.
    pub envelope: Option<String>,
    /// All of it, as it was handed in.
    pub content: Vec<u8>,
}

/// An entry as kept, without its content.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct QuarantineEntry {
    /// Its number.
    pub number: i64,
    /// Its idempotency key.
    pub id: String,
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
    /// What was known of it besides its content, as JSON.
    pub envelope: Option<String>,
    /// Size of the content, in bytes.
    pub size: i64,
}

impl Store {
    /// All entries, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn quarantine(&self) -> Result<Vec<QuarantineEntry>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM quarantine ORDER BY number DESC");
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map([], entry)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One entry and its content; `None` if there is none of that number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn quarantined(&self, number: i64) -> Result<Option<(QuarantineEntry, Vec<u8>)>, StoreError> {
        let sql = format!("SELECT {COLUMNS}, content FROM quarantine WHERE number = ?1");
        let mut statement = self.connection.prepare(&sql)?;
        Ok(statement.query_row([number], |row| Ok((entry(row)?, row.get("content")?))).optional()?)
    }

    /// Drops an entry; whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn drop_quarantined(&mut self, number: i64) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM quarantine WHERE number = ?1", [number])? > 0)
    }

    /// Records what reading an entry again gave, in one transaction with its fate: it stays, for the reason that holds now,
    /// if it would go to quarantine again, and is dropped otherwise.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is changed then.
    pub fn replay(
        &mut self,
        number: i64,
        submission: &Submission,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Receipt, StoreError> {
        let keeping = self.keeping;
        let transaction = self.begin()?;
        let events = Submission { quarantined: Vec::new(), ..submission.clone() };
        let receipt = record::submit(&transaction, &events, rules, &keeping, now)?;
        match submission.quarantined.first() {
            None => transaction.execute("DELETE FROM quarantine WHERE number = ?1", [number])?,
            Some(again) => transaction.execute(
                "UPDATE quarantine SET why = ?2, detail = ?3, origin = ?4 WHERE number = ?1",
                params![number, again.why.as_str(), again.detail, again.origin.as_str()],
            )?,
        };
        transaction.commit()?;
        Ok(receipt)
    }
}

const COLUMNS: &str = "number, id, received, door, why, detail, origin, envelope, length(content) AS size";

fn entry(row: &Row<'_>) -> rusqlite::Result<QuarantineEntry> {
    Ok(QuarantineEntry {
        number: row.get("number")?,
        id: row.get("id")?,
        received: row.get("received")?,
        door: row.get("door")?,
        why: row.get("why")?,
        detail: row.get("detail")?,
        origin: row.get("origin")?,
        envelope: row.get("envelope")?,
        size: row.get("size")?,
    })
}

/// Keeps an entry; the number of new ones, 0 or 1.
pub(super) fn keep(
    connection: &Connection,
    entry: &Quarantined,
    bounds: &Bounds,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let sql = "INSERT INTO quarantine (id, received, door, why, detail, origin, envelope, content) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO NOTHING";
    let kept = connection.prepare_cached(sql)?.execute(params![
        entry.id,
        timestamp_text(now),
        entry.door.as_str(),
        entry.why.as_str(),
        entry.detail,
        entry.origin.as_str(),
        entry.envelope,
        entry.content,
    ])?;
    if kept > 0 {
        drop_excess(connection, bounds, now)?;
    }
    Ok(kept)
}

/// Drops the oldest while they are too old, too many or too large; never the newest.
fn drop_excess(connection: &Connection, bounds: &Bounds, now: Timestamp) -> Result<(), StoreError> {
    let oldest_allowed = now.saturating_sub(bounds.age).map_or_else(|_| String::new(), timestamp_text);
    let sql = "DELETE FROM quarantine WHERE number = (SELECT min(number) FROM quarantine) \
               AND number <> (SELECT max(number) FROM quarantine) \
               AND (received < ?1 OR (SELECT entries > ?2 OR bytes > ?3 FROM quarantine_total))";
    let mut statement = connection.prepare_cached(sql)?;
    let bytes = i64::try_from(bounds.bytes).unwrap_or(i64::MAX);
    for _ in 0..MAX_DROPPED {
        if statement.execute(params![oldest_allowed, bounds.entries, bytes])? == 0 {
            break;
        }
    }
    Ok(())
}
