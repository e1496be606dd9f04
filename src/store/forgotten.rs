//! Forgotten addresses: everything about a person is deleted, and only a keyed hash keeps the address blocked.
//!
//! HMAC-SHA256 of the canonical address. The key is made at the first use and kept in table `setting`: the hash tells nothing
//! to whom the database is not at hand, and whoever has it can still try addresses. Deleted content is overwritten
//! (`secure_delete`). Not promised: copies elsewhere, as in logs, backups and mailboxes, or an address that a mail in
//! quarantine has in an encoding.

use ring::hmac;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, StoreError, history};
use crate::address::Address;
use crate::event::timestamp_text;

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Forgotten {
    /// Whether mail to it is refused from now on.
    pub blocked: bool,
    /// Entries of the list.
    pub entries: usize,
    /// Events.
    pub events: usize,
    /// Mails and messages in quarantine.
    pub quarantined: usize,
}

impl Store {
    /// Deletes everything about an address. It stays blocked if it was suppressed, or if `block` says so.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is deleted then.
    pub fn forget(&mut self, address: &Address, block: bool, now: jiff::Timestamp) -> Result<Forgotten, StoreError> {
        let suppressed = super::reader::find(&self.connection, address, None, now)?.is_some();
        self.connection.pragma_update(None, "secure_delete", true)?;
        let transaction = self.begin()?;
        let mut forgotten = delete(&transaction, address)?;
        forgotten.blocked = block || suppressed;
        if forgotten.blocked {
            transaction.execute(
                "INSERT INTO setting (name, value) VALUES ('forget-key', randomblob(32)) ON CONFLICT (name) DO NOTHING",
                [],
            )?;
            let sql = "INSERT INTO forgotten (hash, since) \
                       SELECT keyed_hash(value, ?1), ?2 FROM setting WHERE name = 'forget-key' ON CONFLICT DO NOTHING";
            transaction.execute(sql, params![address.as_str(), timestamp_text(now)])?;
        }
        transaction.commit()?;
        // Else the old pages would stay in the log for a while. A reader may be in the way: the daemon does it later.
        let _ = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        Ok(forgotten)
    }
}

fn delete(connection: &Connection, address: &Address) -> Result<Forgotten, StoreError> {
    let text = address.as_str();
    let mut forgotten = Forgotten::default();
    for listed in history::listed(connection, text)? {
        forgotten.entries += usize::from(history::delete(connection, text, &listed.stream)?);
    }
    forgotten.events = connection.execute("DELETE FROM event WHERE address = ?1", [text])?;
    connection.execute("DELETE FROM refusal WHERE address = ?1", [text])?;
    connection.execute("DELETE FROM allow WHERE address = ?1", [text])?;
    // The row stays: numbers without gaps tell a reader that it has missed nothing.
    connection.execute("UPDATE listed SET address = '' WHERE address = ?1 COLLATE NOCASE", [text])?;
    let sql = "UPDATE event SET diagnostic = '(forgotten)' WHERE instr(lower(diagnostic), ?1) > 0";
    connection.execute(sql, [text])?;
    let sql = "DELETE FROM quarantine WHERE instr(lower(CAST(content AS TEXT)), ?1) > 0 OR instr(lower(detail), ?1) > 0 \
                 OR instr(lower(envelope), ?1) > 0";
    forgotten.quarantined = connection.execute(sql, [text])?;
    Ok(forgotten)
}

/// Whether an address is forgotten and blocked.
pub(super) fn is_forgotten(connection: &Connection, address: &str) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM forgotten WHERE hash = CASE WHEN EXISTS (SELECT 1 FROM forgotten) \
                 THEN keyed_hash((SELECT value FROM setting WHERE name = 'forget-key'), ?1) END)";
    Ok(connection.prepare_cached(sql)?.query_row([address], |row| row.get(0))?)
}

/// Ends the block of a forgotten address; whether there was one.
pub(super) fn unblock(connection: &Connection, address: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM forgotten WHERE hash = \
                 (SELECT keyed_hash(value, ?1) FROM setting WHERE name = 'forget-key') RETURNING 1";
    Ok(connection.query_row(sql, [address], |_| Ok(())).optional()?.is_some())
}

/// Lets SQL use `keyed_hash(key, address)`.
pub(super) fn register(connection: &Connection) -> Result<(), StoreError> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("keyed_hash", 2, flags, |context| {
        let key = context.get_raw(0).as_blob_or_null()?;
        let address = context.get_raw(1).as_str()?;
        Ok(key.map(|key| keyed_hash(key, address)))
    })?;
    Ok(())
}

fn keyed_hash(key: &[u8], address: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), address.as_bytes()).as_ref().to_vec()
}
