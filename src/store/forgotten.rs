//! Forgotten addresses: everything about a person is deleted, and only a keyed hash keeps the address blocked.
//!
//! HMAC-SHA256 of the canonical address. The key is made at the first use and kept in table `setting`: the hash tells nothing
//! to whom the database is not at hand, and whoever has it can still try addresses. Deleted content is overwritten
//! (`secure_delete`). Not promised: copies elsewhere, as in logs, backups and mailboxes, or an address that a mail in
//! quarantine has in an encoding.

use jiff::Timestamp;
use ring::hmac;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Store, StoreError, history};
use crate::address::Address;
use crate::event::timestamp_text;
use crate::policy::Listed;

/// What was deleted, and what is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// What mail to it is refused from now on.
    pub blocks: Vec<Block>,
    /// Entries of the list.
    pub entries: usize,
    /// Events.
    pub events: usize,
    /// Mails and messages in quarantine.
    pub quarantined: usize,
}

/// What stays of an entry of the list when its address is forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The stream of mail that is refused; empty for all mail.
    pub stream: String,
    /// Since when, as in table `forgotten`.
    pub since: String,
    /// Until when; `None` for until it is removed.
    pub until: Option<String>,
}

impl Block {
    /// Whether mail of a stream is refused, of none where the name is empty.
    pub(super) fn refuses(&self, stream: &str) -> bool {
        self.stream.is_empty() || self.stream == stream
    }
}

impl Store {
    /// Deletes everything about an address. What mail of his was refused by entries of his own stays refused; all of it if
    /// `block` says so.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is deleted then.
    pub fn forget(&mut self, address: &Address, block: bool, now: Timestamp) -> Result<Forgotten, StoreError> {
        self.connection.pragma_update(None, "secure_delete", true)?;
        let transaction = self.begin()?;
        let listed = history::listed(&transaction, address.as_str())?;
        let mut forgotten = delete(&transaction, address, &listed)?;
        let in_force = listed.into_iter().filter(|listed| listed.entry.in_force(now));
        let of_entries = in_force.map(|listed| (listed.stream, listed.entry.until));
        for (stream, until) in of_entries.chain(block.then(|| (String::new(), None))) {
            keep(&transaction, address, &stream, until, now)?;
        }
        forgotten.blocks = blocks(&transaction, address.as_str(), now)?;
        transaction.commit()?;
        // Else the old pages would stay in the log for a while. A reader may be in the way: the daemon does it later.
        let _ = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        Ok(forgotten)
    }
}

/// Blocks mail of a stream, for the longer time where it is blocked already.
fn keep(
    connection: &Connection,
    address: &Address,
    stream: &str,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO setting (name, value) VALUES ('forget-key', randomblob(32)) ON CONFLICT (name) DO NOTHING";
    connection.execute(sql, [])?;
    let sql = "INSERT INTO forgotten (hash, stream, since, until) \
                 SELECT keyed_hash(value, ?1), ?2, ?3, ?4 FROM setting WHERE name = 'forget-key' \
               ON CONFLICT (hash, stream) DO UPDATE SET until = nullif(max(coalesce(until, '~'), coalesce(excluded.until, '~')), '~')";
    connection.execute(sql, params![address.as_str(), stream, timestamp_text(now), until.map(timestamp_text)])?;
    Ok(())
}

fn delete(connection: &Connection, address: &Address, listed: &[Listed]) -> Result<Forgotten, StoreError> {
    let text = address.as_str();
    let mut forgotten = Forgotten::default();
    for listed in listed {
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

/// What blocks an address that is forgotten.
pub(super) fn blocks(connection: &Connection, address: &str, now: Timestamp) -> Result<Vec<Block>, StoreError> {
    let sql = "SELECT stream, since, until FROM forgotten \
               WHERE hash = CASE WHEN EXISTS (SELECT 1 FROM forgotten) \
                       THEN keyed_hash((SELECT value FROM setting WHERE name = 'forget-key'), ?1) END \
                 AND (until IS NULL OR until > ?2) ORDER BY stream";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([address, &timestamp_text(now)], |row| {
        Ok(Block { stream: row.get(0)?, since: row.get(1)?, until: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Ends what blocks a forgotten address in a stream, or in all where the name is empty; returns what that was.
pub(super) fn unblock(
    connection: &Connection,
    address: &str,
    stream: &str,
    now: Timestamp,
) -> Result<Vec<Block>, StoreError> {
    let mut ended = blocks(connection, address, now)?;
    ended.retain(|block| stream.is_empty() || block.stream == stream);
    let sql = "DELETE FROM forgotten WHERE stream = ?2 AND hash = \
                 (SELECT keyed_hash(value, ?1) FROM setting WHERE name = 'forget-key')";
    for block in &ended {
        connection.execute(sql, [address, &block.stream])?;
    }
    Ok(ended)
}

/// The key that addresses are hashed with.
pub(super) struct HashKey(hmac::Key);

impl HashKey {
    /// The key of a database where any address is forgotten.
    pub(super) fn of(connection: &Connection) -> Result<Option<Self>, StoreError> {
        let sql = "SELECT value FROM setting WHERE name = 'forget-key' AND EXISTS (SELECT 1 FROM forgotten)";
        let key = |row: &Row<'_>| Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, row.get_ref(0)?.as_bytes()?)));
        Ok(connection.prepare_cached(sql)?.query_row([], key).optional()?)
    }

    /// What is kept of an address, in small hexadecimal digits.
    pub(super) fn hash(&self, address: &str) -> String {
        let hash = hmac::sign(&self.0, address.as_bytes());
        let digits = hash.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
    }
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
