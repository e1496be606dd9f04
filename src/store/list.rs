//! The list as an operator sees and changes it. Every change leaves an event that says who and why.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{Store, StoreError, StoredEvent, Suppression, reader};
use crate::address::{Address, AddressError, canonical_domain};
use crate::event::{Kind, timestamp_text};

/// An entry's key: one address, or a whole domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Parses `user@domain`, `Name <user@domain>`, `@domain` or `@.domain`, which stands for all its subdomains.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        match text.trim().strip_prefix('@') {
            Some(domain) => {
                let (dot, domain) = domain.strip_prefix('.').map_or(("", domain), |domain| (".", domain));
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
}

/// Which entries to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only of this kind, as `hard_bounce`.
    pub kind: Option<String>,
    /// Only of this domain.
    pub domain: Option<String>,
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
             WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR address LIKE '%@' || ?2) \
               AND (?3 OR until IS NULL OR until > ?4) \
             ORDER BY address",
            Suppression::COLUMNS
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query(params![filter.kind, filter.domain, filter.expired, timestamp_text(now)])?;
        while let Some(row) = rows.next()? {
            if !each(Suppression::from_row(row)?) {
                break;
            }
        }
        Ok(())
    }

    /// The entry that refuses mail to an address: its own, or its domain's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn find(&self, address: &Address, now: Timestamp) -> Result<Option<Suppression>, StoreError> {
        reader::find(&self.connection, address, now)
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
        let known = take(&transaction, key)?.is_some();
        let sql = "INSERT INTO suppression (address, since, until, event, note) VALUES (?1, ?2, ?3, ?4, ?5)";
        let until = change.until.map(timestamp_text);
        transaction.execute(sql, params![key.as_str(), timestamp_text(now), until, event, change.note])?;
        transaction.commit()?;
        Ok(!known)
    }

    /// Takes an entry off the list and returns it; `None` if it was not there. Reports older than this no longer count.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remove(&mut self, key: &Key, change: &Change, now: Timestamp) -> Result<Option<Suppression>, StoreError> {
        let transaction = self.begin()?;
        let entry = take(&transaction, key)?;
        if entry.is_some() {
            trace(&transaction, key, Kind::Removed, change, now)?;
        }
        transaction.commit()?;
        Ok(entry)
    }
}

fn take(transaction: &Transaction<'_>, key: &Key) -> Result<Option<Suppression>, StoreError> {
    let sql = format!("SELECT {} FROM suppression WHERE address = ?1 AND stream = ''", Suppression::COLUMNS);
    let entry = transaction.query_row(&sql, [key.as_str()], Suppression::from_row).optional()?;
    // An entry in force that is deleted counts as a release by hand; who asks for this one leaves his own trace.
    transaction.execute("UPDATE suppression SET until = since WHERE address = ?1 AND stream = ''", [key.as_str()])?;
    transaction.execute("DELETE FROM suppression WHERE address = ?1 AND stream = ''", [key.as_str()])?;
    Ok(entry)
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
                 sender, action, decision) \
               VALUES ('operator:' || hex(randomblob(16)), ?1, ?1, ?2, ?2, ?3, 'manual', 'unknown', ?4, 'manual', \
                 'operator', ?5, ?3, 'by ' || ?5)";
    let row = params![timestamp_text(now), key.as_str(), kind.as_str(), change.note, change.who];
    transaction.execute(sql, row)?;
    Ok(transaction.last_insert_rowid())
}
