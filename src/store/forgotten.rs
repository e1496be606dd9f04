//! Forgotten addresses: everything about a person is deleted, and only a keyed hash keeps the address blocked.
//!
//! HMAC-SHA256 of the canonical address. The key is made at the first use and kept in table `setting`: the hash tells nothing
//! to whom the database is not at hand, and whoever has it can still try addresses. Deleted content is overwritten
//! (`secure_delete`, for every connection that writes). Not promised: copies elsewhere, as in logs, backups and mailboxes,
//! or an address that a mail in quarantine has in an encoding.

use jiff::Timestamp;
use memchr::memmem;
use ring::hmac;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Store, StoreError, allow, history};
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
    /// `block` says so. Large tables are read before others have to wait.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is deleted then.
    pub fn forget(&mut self, address: &Address, block: bool, now: Timestamp) -> Result<Forgotten, StoreError> {
        let naming = Naming::find(&self.connection, address.as_str())?;
        let transaction = self.begin()?;
        let listed = history::listed(&transaction, address.as_str())?;
        let allowed = allow::find(&transaction, address, now)?.is_some();
        let mut forgotten = delete(&transaction, address, &listed, &naming)?;
        let in_force = listed.into_iter().filter(|listed| !allowed && listed.entry.in_force(now));
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

/// Rows in which a text names an address, as JSON lists of their numbers, and the highest number that was looked at.
struct Naming {
    events: (String, i64),
    quarantined: (String, i64),
}

impl Naming {
    const EVENT: &str = "names(diagnostic, ?1)";
    const QUARANTINE: &str = "(names(content, ?1) OR names(detail, ?1) OR names(envelope, ?1))";

    fn find(connection: &Connection, address: &str) -> Result<Self, StoreError> {
        let find = |table: &str, condition: &str| {
            let highest = format!("SELECT coalesce(max(number), 0) FROM {table}");
            let highest = connection.query_row(&highest, [], |row| row.get(0))?;
            let sql = format!("SELECT json_group_array(number) FROM {table} WHERE {condition}");
            Ok::<_, StoreError>((connection.query_row(&sql, [address], |row| row.get(0))?, highest))
        };
        Ok(Self { events: find("event", Self::EVENT)?, quarantined: find("quarantine", Self::QUARANTINE)? })
    }
}

fn delete(
    connection: &Connection,
    address: &Address,
    listed: &[Listed],
    naming: &Naming,
) -> Result<Forgotten, StoreError> {
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
    let change = |sql: &str, condition: &str, (numbers, highest): &(String, i64)| {
        let rows = "(number > ?2 OR number IN (SELECT value FROM json_each(?3)))";
        connection.execute(&format!("{sql} WHERE {rows} AND {condition}"), params![text, highest, numbers])
    };
    change("UPDATE event SET diagnostic = '(forgotten)'", Naming::EVENT, &naming.events)?;
    forgotten.quarantined = change("DELETE FROM quarantine", Naming::QUARANTINE, &naming.quarantined)?;
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

/// Lets SQL use `keyed_hash(key, address)` and `names(text, address)`.
pub(super) fn register(connection: &Connection) -> Result<(), StoreError> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("keyed_hash", 2, flags, |context| {
        let key = context.get_raw(0).as_blob_or_null()?;
        let address = context.get_raw(1).as_str()?;
        Ok(key.map(|key| keyed_hash(key, address)))
    })?;
    connection.create_scalar_function("names", 2, flags, |context| {
        let text = context.get_raw(0).as_bytes_or_null()?;
        let address = context.get_raw(1).as_str()?;
        Ok(text.is_some_and(|text| names(text, address)))
    })?;
    Ok(())
}

/// Whether an address stands in a text, in any case, and not as a part of another one.
fn names(text: &[u8], address: &str) -> bool {
    let text = text.to_ascii_lowercase();
    memmem::find_iter(&text, address).any(|at| {
        let (before, after) = text.split_at(at);
        ends_before(before) && begins_after(after.get(address.len()..).unwrap_or_default())
    })
}

/// Whether no address that began before goes on.
fn ends_before(text: &[u8]) -> bool {
    match text {
        // line breaks and tabs of JSON
        [.., b'\\', b'n' | b'r' | b't'] | [] => true,
        [.., last] => !(last.is_ascii_alphanumeric() || !last.is_ascii() || b".-_+".contains(last)),
    }
}

/// Whether the domain is not one below this.
fn begins_after(text: &[u8]) -> bool {
    match text {
        [b'.', next, ..] => !next.is_ascii_alphanumeric(),
        [next, ..] => !(next.is_ascii_alphanumeric() || !next.is_ascii() || b"-_".contains(next)),
        [] => true,
    }
}

fn keyed_hash(key: &[u8], address: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), address.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_named_where_it_is_not_part_of_another_one() {
        for text in [
            "bob@example.com",
            "to=<Bob@Example.com>, and more",
            "Final-Recipient: rfc822;bob@example.com\r\n",
            "no mailbox 'bob@example.com'.",
            "write to bob@example.com.",
            r#"{"text":"gone:\nbob@example.com"}"#,
            "jimbob@example.com and bob@example.com",
        ] {
            assert!(names(text.as_bytes(), "bob@example.com"), "{text}");
        }
        for text in [
            "jimbob@example.com",
            "jim.bob@example.com",
            "jim+bob@example.com",
            "ubob@example.com \u{fc}bob@example.com",
            "bob@example.com.br",
            "bob@example.community",
            "bob@example.com-mail.example",
            "bob at example.com",
            "",
        ] {
            assert!(!names(text.as_bytes(), "bob@example.com"), "{text}");
        }
    }
}
