//! Whom the list does not hold for, for a time: an allow entry beats every suppression until it runs out.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::dossier::covering;
use super::{Change, Key, Store, StoreError};
use crate::address::Address;
use crate::event::timestamp_text;

/// An allow entry in force.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Allowed {
    /// The address, `@domain` or `@.domain`.
    pub address: String,
    /// Since when, UTC.
    pub since: String,
    /// Until when, UTC.
    pub until: String,
    /// Why.
    pub note: Option<String>,
}

impl Store {
    /// Allow entries in force, in order of address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn allowed(&self, now: Timestamp) -> Result<Vec<Allowed>, StoreError> {
        let sql = "SELECT address, since, until, note FROM allow WHERE until > ?1 ORDER BY address";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([timestamp_text(now)], |row| {
            Ok(Allowed { address: row.get(0)?, since: row.get(1)?, until: row.get(2)?, note: row.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Lets mail to an address or domain pass until a time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn allow(&mut self, key: &Key, until: Timestamp, change: &Change, now: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO allow (address, since, until, note) VALUES (?1, ?2, ?3, ?4) \
                   ON CONFLICT (address) DO UPDATE SET until = excluded.until, note = coalesce(excluded.note, note)";
        let row = params![key.as_str(), timestamp_text(now), timestamp_text(until), note(change)];
        self.connection.execute(sql, row)?;
        Ok(())
    }

    /// Ends an allow entry; whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn disallow(&mut self, key: &Key) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM allow WHERE address = ?1", [key.as_str()])? > 0)
    }
}

fn note(change: &Change) -> String {
    match &change.note {
        Some(note) => format!("by {}: {note}", change.who),
        None => format!("by {}", change.who),
    }
}

/// The allow entry for an address, its domain or a domain above it.
pub(super) fn find(connection: &Connection, address: &Address, now: Timestamp) -> Result<Option<Allowed>, StoreError> {
    let sql = "SELECT address, since, until, note FROM allow WHERE address = ?1 AND until > ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let now = timestamp_text(now);
    for key in covering(address.as_str()) {
        let found = statement.query_row([&key, &now], |row| {
            Ok(Allowed { address: row.get(0)?, since: row.get(1)?, until: row.get(2)?, note: row.get(3)? })
        });
        if let Some(allowed) = found.optional()? {
            return Ok(Some(allowed));
        }
    }
    Ok(None)
}
