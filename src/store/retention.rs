//! Deletes events that are older than what is to be kept, in small batches, so that neither lookups nor reports wait.
//!
//! Kept for longer: the event behind an entry of the list, that of a whole import, those of an open incident, and the last release of an
//! address, so that no import brings it back. The time before which events are
//! deleted is written down first (`horizon`): from then on a late report from before it no longer counts, and entries
//! from before it hold by themselves.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError};
use crate::event::timestamp_text;

/// Events looked at in one transaction; that takes a few milliseconds.
pub const BATCH: u32 = 500;

/// Where the next batch goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    at: String,
    number: i64,
}

impl Store {
    /// Begins to delete what is older than `keep`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn begin_expiry(&mut self, keep: SignedDuration, now: Timestamp) -> Result<Cursor, StoreError> {
        let horizon = timestamp_text(now.checked_sub(keep).unwrap_or(Timestamp::MIN));
        let sql = "INSERT INTO setting (name, value) VALUES ('horizon', ?1) \
                   ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)";
        self.connection.execute(sql, [&horizon])?;
        self.connection.execute("DELETE FROM forgotten WHERE until <= ?1", [timestamp_text(now)])?;
        let day = horizon.get(..10).unwrap_or_default();
        for table in ["refusal", "daily_domain"] {
            self.connection.execute(&format!("DELETE FROM {table} WHERE day < ?1"), [day])?;
        }
        Ok(Cursor::default())
    }

    /// Deletes of the next [`BATCH`] events those that may go; `None` when all are done.
    ///
    /// # Errors
    /// [`StoreError`]; the batch is whole in the database then.
    pub fn expire(&mut self, cursor: &Cursor) -> Result<Option<Cursor>, StoreError> {
        let transaction = self.begin()?;
        let sql = "SELECT at, number FROM event \
                   WHERE (at, number) > (?1, ?2) AND at < (SELECT value FROM setting WHERE name = 'horizon') \
                   ORDER BY at, number LIMIT 1 OFFSET ?3";
        let end = |offset: u32| {
            let row = params![cursor.at, cursor.number, offset];
            let mut statement = transaction.prepare_cached(sql)?;
            statement.query_row(row, |row| Ok(Cursor { at: row.get(0)?, number: row.get(1)? })).optional()
        };
        let next = end(BATCH - 1)?;
        let last = match &next {
            Some(next) => next.clone(),
            None => Cursor { at: "~".into(), number: 0 },
        };
        let sql = "DELETE FROM event WHERE (at, number) > (?1, ?2) AND (at, number) <= (?3, ?4) \
                     AND at < (SELECT value FROM setting WHERE name = 'horizon') \
                     AND address <> '*' AND NOT EXISTS (SELECT 1 FROM suppression \
                                     WHERE suppression.address = event.address AND suppression.event = event.number) \
                     AND (kind <> 'removed' OR EXISTS (SELECT 1 FROM event AS later WHERE later.address = event.address \
                                     AND later.kind = 'removed' AND later.stream = event.stream \
                                     AND (later.at, later.number) > (event.at, event.number))) \
                     AND NOT EXISTS (SELECT 1 FROM incident WHERE incident.number = event.incident AND state = 'open')";
        transaction.execute(sql, params![cursor.at, cursor.number, last.at, last.number])?;
        transaction.commit()?;
        Ok(next)
    }
}
