//! The whole list, read at one moment: for files.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{Store, StoreError, Suppression, schema};
use crate::event::timestamp_text;

/// Which entries to export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only of this kind, as `hard_bounce`.
    pub kind: Option<String>,
    /// Only of this stream.
    pub stream: Option<String>,
}

/// One line of a table that answers for the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableEntry<'a> {
    /// Refused.
    Listed(&'a Suppression),
    /// An address or domain that is allowed while a domain around it is refused.
    Allowed(&'a str),
}

/// A connection that only reads the list, and knows when it changed.
pub struct ListReader {
    connection: Connection,
}

/// What the list looks like at one moment. Equal states are equal lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListState {
    /// Over every entry in force, of every stream, and every allow entry.
    pub digest: u64,
    /// When the next entry runs out by itself.
    pub next_end: Option<Timestamp>,
}

impl Store {
    /// Calls `each` with the stream and the entries in force that are selected, in order of address, until it returns
    /// false.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn export(
        &self,
        selection: &Selection,
        now: Timestamp,
        mut each: impl FnMut(&str, Suppression) -> bool,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT {} FROM suppression \
             WHERE (until IS NULL OR until > ?1) AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR stream = ?3) \
             ORDER BY address, stream",
            Suppression::COLUMNS
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query(params![timestamp_text(now), selection.kind, selection.stream])?;
        while let Some(row) = rows.next()? {
            let stream: String = row.get("stream")?;
            if !each(&stream, Suppression::from_row(row)?) {
                break;
            }
        }
        Ok(())
    }

    /// Calls `each` with what a table has to say, in no order, until it returns false: the entries in force that no allow
    /// entry beats, of all mail and of the selected stream, each address once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn table(
        &self,
        selection: &Selection,
        now: Timestamp,
        each: impl FnMut(TableEntry<'_>) -> bool,
    ) -> Result<(), StoreError> {
        table(&self.connection, selection, now, each)
    }
}

impl ListReader {
    /// Opens the database for reading.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(path: &Path, busy_timeout: Duration) -> Result<Self, StoreError> {
        Ok(Self { connection: schema::open_reader(path, busy_timeout)? })
    }

    /// A number that differs from the last one if anybody else committed anything in between.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn data_version(&self) -> Result<i64, StoreError> {
        Ok(self.connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// What the list looks like now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn state(&self, now: Timestamp) -> Result<ListState, StoreError> {
        let (snapshot, text) = (self.connection.unchecked_transaction()?, timestamp_text(now));
        let mut digest = Fnv::default();
        for sql in [
            "SELECT address, stream, kind, reason, coalesce(status, ''), since FROM suppression \
             WHERE until IS NULL OR until > ?1 ORDER BY address, stream",
            "SELECT address, 'allowed' FROM allow WHERE until > ?1 ORDER BY address",
        ] {
            let mut statement = snapshot.prepare(sql)?;
            let columns = statement.column_count();
            let mut rows = statement.query([&text])?;
            while let Some(row) = rows.next()? {
                for column in 0..columns {
                    digest.text(row.get_ref(column)?.as_bytes().unwrap_or_default());
                }
            }
        }
        let sql = "SELECT min(until) FROM (SELECT until FROM suppression WHERE until > ?1 \
                   UNION ALL SELECT until FROM allow WHERE until > ?1)";
        let next: Option<String> = snapshot.query_row(sql, [text], |row| row.get(0))?;
        Ok(ListState { digest: digest.0, next_end: next.and_then(|next| next.parse().ok()) })
    }

    /// As [`Store::table`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn table(
        &self,
        selection: &Selection,
        now: Timestamp,
        each: impl FnMut(TableEntry<'_>) -> bool,
    ) -> Result<(), StoreError> {
        table(&self.connection, selection, now, each)
    }
}

fn table(
    connection: &Connection,
    selection: &Selection,
    now: Timestamp,
    mut each: impl FnMut(TableEntry<'_>) -> bool,
) -> Result<(), StoreError> {
    let snapshot = connection.unchecked_transaction()?;
    let now = timestamp_text(now);
    let allowed = keys(&snapshot, "SELECT address FROM allow WHERE until > ?1", &now)?;
    let sql = format!(
        "SELECT {} FROM suppression \
         WHERE (until IS NULL OR until > ?1) AND (?2 IS NULL OR kind = ?2) AND stream IN ('', ?3) \
         ORDER BY address, stream",
        Suppression::COLUMNS
    );
    let mut statement = snapshot.prepare(&sql)?;
    let mut rows = statement.query(params![now, selection.kind, selection.stream])?;
    let mut domains = BTreeSet::new();
    let mut last = String::new();
    while let Some(row) = rows.next()? {
        let entry = Suppression { address: row.get::<_, String>(0)?.to_lowercase(), ..Suppression::from_row(row)? };
        if entry.address == last || covered(&entry.address, &allowed) {
            continue;
        }
        last.clone_from(&entry.address);
        if entry.address.starts_with('@') {
            domains.insert(entry.address.clone());
        }
        if !each(TableEntry::Listed(&entry)) {
            return Ok(());
        }
    }
    for address in allowed.iter().filter(|address| covered(address, &domains)) {
        if !each(TableEntry::Allowed(address)) {
            break;
        }
    }
    Ok(())
}

fn keys(connection: &Connection, sql: &str, now: &str) -> Result<BTreeSet<String>, StoreError> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([now], |row| row.get::<_, String>(0))?;
    Ok(rows.map(|address| address.map(|address| address.to_lowercase())).collect::<Result<_, _>>()?)
}

/// Whether an address, `@domain` or `@.domain` is among the keys itself, or by one for its domain or for the subdomains of
/// a domain above.
fn covered(address: &str, keys: &BTreeSet<String>) -> bool {
    if keys.is_empty() {
        return false;
    }
    let (_, domain) = address.rsplit_once('@').unwrap_or_default();
    let own = domain.strip_prefix('.').unwrap_or(domain);
    let parents = own.match_indices('.').filter_map(|(at, _)| own.get(at..));
    keys.contains(address)
        || (!domain.starts_with('.') && keys.contains(&format!("@{domain}")))
        || parents.map(|parent| format!("@{parent}")).any(|key| keys.contains(&key))
}

/// FNV-1a: tells two lists apart, and need not withstand anybody.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn text(&mut self, text: &[u8]) {
        for byte in text.iter().chain(&[0xff]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
