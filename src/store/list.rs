//! The list as an operator sees and changes it. Every change leaves an event that says who and why.

use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::{Store, StoreError, StoredEvent, Suppression, forgotten, history, reader};
use crate::address::{Address, AddressError, canonical_domain};
use crate::event::{Kind, timestamp_text};

/// Entries removed in one transaction.
const REMOVED_AT_ONCE: usize = 1000;

/// An entry's key: one address, a whole domain, or all subdomains of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Parses `user@domain`, `Name <user@domain>`, `@domain`, or `@.domain` for all subdomains.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        match text.trim().strip_prefix('@') {
            Some(domain) => {
                let dot = if domain.starts_with('.') { "." } else { "" };
                let domain = domain.strip_prefix('.').unwrap_or(domain);
                Ok(Self(format!("@{dot}{}", canonical_domain(domain)?)))
            }
            None => Ok(Self(Address::parse_mailbox(text)?.as_str().to_owned())),
        }
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who changes the list, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Login name of the operator.
    pub who: String,
    /// His note.
    pub note: Option<String>,
    /// End of an added entry; `None` until released.
    pub until: Option<Timestamp>,
    /// The stream that is meant: of an added entry, that which is refused, empty for all mail; of a removal, the only one
    /// that is released, empty for all.
    pub stream: String,
}

/// Which entries to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only of this kind, as `hard_bounce`.
    pub kind: Option<String>,
    /// Only of this domain.
    pub domain: Option<String>,
    /// Only for this reason, as `userunknown`.
    pub reason: Option<String>,
    /// Only of this stream; empty for entries that hold for all mail.
    pub stream: Option<String>,
    /// Only entries that came on the list at or after this time.
    pub since: Option<Timestamp>,
    /// Entries that have run out too.
    pub expired: bool,
}

/// How often mail to an address was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Refusals {
    /// Times.
    pub count: i64,
    /// The last time, UTC.
    pub last: Option<String>,
}

impl Store {
    /// Calls `each` with the entries that match, in order of address, until it returns false.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn list(
        &self,
        filter: &Filter,
        now: Timestamp,
        mut each: impl FnMut(Suppression) -> bool,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT {} FROM suppression \
             WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR substr(address, -length(?2) - 1) = '@' || ?2 COLLATE NOCASE) \
               AND (?3 OR until IS NULL OR until > ?4) \
               AND (?5 IS NULL OR reason = ?5) AND (?6 IS NULL OR stream = ?6) AND (?7 IS NULL OR since >= ?7) \
             ORDER BY address, stream",
            Suppression::COLUMNS
        );
        let mut statement = self.connection.prepare(&sql)?;
        let since = filter.since.map(timestamp_text);
        let row = params![
            filter.kind,
            filter.domain,
            filter.expired,
            timestamp_text(now),
            filter.reason,
            filter.stream,
            since
        ];
        let mut rows = statement.query(row)?;
        while let Some(row) = rows.next()? {
            if !each(Suppression::from_row(row)?) {
                break;
            }
        }
        Ok(())
    }

    /// The entry that refuses mail to an address, of any stream: its own, or its domain's, or that of a domain above. Says
    /// nothing of allow entries.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn find(&self, address: &Address, now: Timestamp) -> Result<Option<Suppression>, StoreError> {
        reader::find(&self.connection, address, None, now)
    }

    /// Whether an entry of just this address or domain refuses all mail.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn refuses_all_mail(&self, key: &Key, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM suppression \
                     WHERE address = ?1 AND stream = '' AND (until IS NULL OR until > ?2))";
        Ok(self.connection.query_row(sql, [key.as_str(), &timestamp_text(now)], |row| row.get(0))?)
    }

    /// All events of an address, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn events(&self, key: &Key) -> Result<Vec<StoredEvent>, StoreError> {
        let sql = format!("SELECT {} FROM event WHERE address = ?1 ORDER BY at, number", StoredEvent::COLUMNS);
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map([key.as_str()], StoredEvent::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How often mail to an address was refused, and when last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn refusals(&self, key: &Key) -> Result<Refusals, StoreError> {
        let sql = "SELECT coalesce(sum(count), 0), max(last) FROM refusal WHERE address = ?1";
        Ok(self
            .connection
            .query_row(sql, [key.as_str()], |row| Ok(Refusals { count: row.get(0)?, last: row.get(1)? }))?)
    }

    /// Puts an entry on the list, or changes the one that is there; whether it is new.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add(&mut self, key: &Key, change: &Change, now: Timestamp) -> Result<bool, StoreError> {
        let transaction = self.begin()?;
        let event = trace(&transaction, key, Kind::Added, change, now)?;
        let known = history::delete(&transaction, key.as_str(), &change.stream)?;
        let sql =
            "INSERT INTO suppression (address, stream, since, until, event, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let until = change.until.map(timestamp_text);
        let row = params![key.as_str(), change.stream, timestamp_text(now), until, event, change.note];
        transaction.execute(sql, row)?;
        transaction.commit()?;
        Ok(!known)
    }

    /// Takes the entries of an address or domain off the list and returns them; none if none was there. Reports older than
    /// this no longer count. A forgotten address is no longer blocked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remove(&mut self, key: &Key, change: &Change, now: Timestamp) -> Result<Vec<Suppression>, StoreError> {
        let transaction = self.begin()?;
        let removed = release(&transaction, key, change, now)?;
        transaction.commit()?;
        Ok(removed)
    }

    /// Takes entries, by key and stream, off the list and returns how many were still there; some at a time, so that others come
    /// to write in between. What else refuses mail to the same addresses stays.
    ///
    /// # Errors
    /// [`StoreError`]; those before are removed then.
    pub fn remove_all(
        &mut self,
        entries: &[(Key, String)],
        change: &Change,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut removed = 0;
        for entries in entries.chunks(REMOVED_AT_ONCE) {
            let transaction = self.begin()?;
            for (key, stream) in entries {
                if history::delete(&transaction, key.as_str(), stream)? {
                    trace(&transaction, key, Kind::Removed, &Change { stream: stream.clone(), ..change.clone() }, now)?;
                    removed += 1;
                }
            }
            transaction.commit()?;
        }
        Ok(removed)
    }
}

fn release(
    transaction: &Transaction<'_>,
    key: &Key,
    change: &Change,
    now: Timestamp,
) -> Result<Vec<Suppression>, StoreError> {
    let sql = format!(
        "SELECT {} FROM suppression WHERE address = ?1 AND (?2 = '' OR stream = ?2) ORDER BY stream",
        Suppression::COLUMNS
    );
    let mut statement = transaction.prepare_cached(&sql)?;
    let rows = statement.query_map([key.as_str(), &change.stream], Suppression::from_row)?;
    let mut entries = rows.collect::<Result<Vec<_>, _>>()?;
    for entry in &entries {
        history::delete(transaction, &entry.address, &entry.stream)?;
    }
    for block in forgotten::unblock(transaction, key.as_str(), &change.stream, now)? {
        if !entries.iter().any(|entry| entry.stream == block.stream) {
            entries.push(Suppression::forgotten(key.as_str(), block));
        }
    }
    if !entries.is_empty() {
        trace(transaction, key, Kind::Removed, change, now)?;
    }
    Ok(entries)
}

/// The event that says who changed the list and why.
fn trace(
    transaction: &Transaction<'_>,
    key: &Key,
    kind: Kind,
    change: &Change,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let sql = "INSERT INTO event (id, received, at, address, reported, kind, reason, side, diagnostic, source, origin, \
                 sender, stream, action, decision) \
               VALUES ('operator:' || hex(randomblob(16)), ?1, ?1, ?2, ?2, ?3, 'manual', 'unknown', ?4, 'manual', \
                 'operator', ?5, ?6, ?3, 'by ' || ?5)";
    let row = params![timestamp_text(now), key.as_str(), kind.as_str(), change.note, change.who, change.stream];
    transaction.prepare_cached(sql)?.execute(row)?;
    Ok(transaction.last_insert_rowid())
}
