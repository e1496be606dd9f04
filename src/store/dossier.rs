//! All that is known of one recipient, in one snapshot: for `suppressd why`.
//!
//! An entry holds for a recipient if it is his own (`user@domain`), his domain's (`@domain`), or one for the subdomains of
//! a domain above his (`@.domain`). An allow entry holds for him by the same rule, and beats all of them.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::{Allowed, Key, Refusals, Store, StoreError, StoredEvent, Suppression, forgotten};
use crate::event::timestamp_text;

/// All that is known of a recipient.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Dossier {
    /// Entries that hold for him, those that have run out too; his own before his domain's.
    pub entries: Vec<Entry>,
    /// The allow entry in force that lasts longest.
    pub allowed: Option<Allowed>,
    /// What was reported of him, and every change of these entries, oldest first.
    pub events: Vec<StoredEvent>,
    /// The incidents that these events are part of.
    pub incidents: Vec<IncidentState>,
    /// How often mail to him was refused.
    pub refusals: Refusals,
}

/// A row of table suppression.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// The entry itself.
    #[serde(flatten)]
    pub listed: Suppression,
    /// How often it has come to this.
    pub step: i64,
    /// Whether it has not run out.
    pub in_force: bool,
}

/// What of an incident matters for one recipient.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct IncidentState {
    /// Its number.
    pub number: i64,
    /// The receiving domain, or the host that refused.
    pub place: String,
    /// open, confirmed or released.
    pub state: String,
}

impl Dossier {
    /// The entries that refuse mail to him now, were it not for an allow entry.
    pub fn in_force(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.in_force)
    }

    /// Whether mail to him is refused, at least in one stream.
    #[must_use]
    pub fn is_suppressed(&self) -> bool {
        self.allowed.is_none() && self.in_force().next().is_some()
    }
}

impl Store {
    /// All that is known of a recipient, or of a domain.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn dossier(&self, key: &Key, now: Timestamp) -> Result<Dossier, StoreError> {
        let snapshot = self.connection.unchecked_transaction()?;
        let covering = serde_json::to_string(&covering(key.as_str())).unwrap_or_default();
        let blocks = blocks(&snapshot, key.as_str(), now)?;
        let now = timestamp_text(now);
        let mut entries = entries(&snapshot, &covering, &now)?;
        entries.extend(blocks);
        Ok(Dossier {
            entries,
            allowed: allowed(&snapshot, &covering, &now)?,
            events: events(&snapshot, &covering)?,
            incidents: incidents(&snapshot, &covering)?,
            refusals: self.refusals(key)?,
        })
    }
}

/// The keys of entries that hold for a key, itself first.
pub(super) fn covering(key: &str) -> Vec<String> {
    let domain = key.rsplit_once('@').map_or(key, |(_, domain)| domain);
    let mut keys = vec![key.to_owned()];
    if !key.starts_with('@') {
        keys.push(format!("@{domain}"));
    }
    let above = |domain: &str| domain.split_once('.').map(|(_, above)| above.to_owned());
    let start = above(domain.strip_prefix('.').unwrap_or(domain));
    keys.extend(std::iter::successors(start, |domain| above(domain)).map(|domain| format!("@.{domain}")));
    keys
}

fn entries(connection: &Connection, covering: &str, now: &str) -> Result<Vec<Entry>, StoreError> {
    let sql = format!(
        "SELECT {}, step, until IS NULL OR until > ?2 AS in_force FROM suppression \
         WHERE address IN (SELECT value FROM json_each(?1)) \
         ORDER BY address GLOB '@*', address GLOB '@.*', length(address) DESC, stream",
        Suppression::COLUMNS
    );
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([covering, now], entry)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What blocks a forgotten address, as if it were entries.
fn blocks(connection: &Connection, key: &str, now: Timestamp) -> Result<Vec<Entry>, StoreError> {
    let blocks = forgotten::blocks(connection, key, now)?.into_iter();
    Ok(blocks.map(|block| Entry { listed: Suppression::forgotten(key, block), step: 1, in_force: true }).collect())
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry { listed: Suppression::from_row(row)?, step: row.get("step")?, in_force: row.get("in_force")? })
}

fn allowed(connection: &Connection, covering: &str, now: &str) -> Result<Option<Allowed>, StoreError> {
    let sql = "SELECT address, since, until, note FROM allow \
               WHERE address IN (SELECT value FROM json_each(?1)) AND until > ?2 ORDER BY until DESC LIMIT 1";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query_map([covering, now], |row| {
        Ok(Allowed { address: row.get(0)?, since: row.get(1)?, until: row.get(2)?, note: row.get(3)? })
    })?;
    Ok(rows.next().transpose()?)
}

fn events(connection: &Connection, covering: &str) -> Result<Vec<StoredEvent>, StoreError> {
    let sql = format!(
        "SELECT {} FROM event WHERE address IN (SELECT value FROM json_each(?1)) OR number IN \
           (SELECT event FROM suppression WHERE address IN (SELECT value FROM json_each(?1))) ORDER BY at, number",
        StoredEvent::COLUMNS
    );
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([covering], StoredEvent::from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn incidents(connection: &Connection, covering: &str) -> Result<Vec<IncidentState>, StoreError> {
    let sql = "SELECT number, place, state FROM incident WHERE number IN \
                 (SELECT incident FROM event WHERE address IN (SELECT value FROM json_each(?1))) ORDER BY number";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map(params![covering], |row| {
        Ok(IncidentState { number: row.get(0)?, place: row.get(1)?, state: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::covering;

    #[test]
    fn an_address_is_covered_by_itself_its_domain_and_the_subdomains_of_those_above() {
        assert_eq!(covering("bob@a.b.example"), ["bob@a.b.example", "@a.b.example", "@.b.example", "@.example"]);
        assert_eq!(covering("@b.example"), ["@b.example", "@.example"]);
        assert_eq!(covering("@.b.example"), ["@.b.example", "@.example"]);
        assert_eq!(covering("\"a@b\"@example"), ["\"a@b\"@example", "@example"]);
    }
}
