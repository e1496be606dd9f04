//! What the database knows of an address, as `policy` wants it, and the changes that it decides.
//!
//! Deliveries are read only where a bounce came before them: most addresses have thousands of them and nothing else.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::StoreError;
use crate::address::Address;
use crate::event::{Kind, Side, timestamp_text};
use crate::policy::{Change, Entries, Entry, Held, History, Listed, Occurrence, Rules, changes, outcome};

/// Events of an address that are looked at, the newest. What came before a thousand bounces is settled.
const MAX_EVENTS: u32 = 1000;
/// The sources of an operator's entries.
const BY_OPERATOR: [&str; 2] = ["manual", "import"];

/// Columns of an [`Occurrence`].
const COLUMNS: &str = "event.number, event.id, min(event.at, event.received), event.kind, event.side, \
    event.provider_id, event.message_id, event.stream, \
    CASE WHEN incident.state IN ('open', 'released') THEN incident.number END, incident.state = 'released'";

/// All that is known of an address; `event` is a new one that is about to be judged.
pub(super) fn load(connection: &Connection, address: &str, event: Option<&Occurrence>) -> Result<History, StoreError> {
    let horizon = horizon(connection)?;
    load_from(connection, address, event, horizon, horizon.map(timestamp_text).unwrap_or_default())
}

/// The same of events since a time.
fn load_from(
    connection: &Connection,
    address: &str,
    event: Option<&Occurrence>,
    horizon: Option<Timestamp>,
    from: String,
) -> Result<History, StoreError> {
    let listed = listed(connection, address)?;
    if !is_known(connection, address)? {
        return Ok(History { occurrences: Vec::new(), listed, horizon });
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM event LEFT JOIN incident ON incident.number = event.incident \
         WHERE event.address = ?1 AND event.at >= ?2 AND event.origin <> 'unproved' \
           AND event.kind IN ('hard_bounce', 'soft_bounce', 'complaint', 'unsubscribe', 'removed') \
         ORDER BY event.at DESC LIMIT {MAX_EVENTS}"
    );
    let mut occurrences = query(connection, &sql, address, &from)?;
    let bounces = occurrences.iter().chain(event).filter(|o| matches!(o.kind, Kind::HardBounce | Kind::SoftBounce));
    if let Some(oldest) = bounces.map(|bounce| bounce.at).min() {
        let sql = format!(
            "SELECT {COLUMNS} FROM event LEFT JOIN incident ON incident.number = event.incident \
             WHERE event.address = ?1 AND event.at >= ?2 AND event.origin <> 'unproved' AND event.kind = 'delivery' \
             ORDER BY event.at DESC LIMIT {MAX_EVENTS}"
        );
        occurrences.extend(query(connection, &sql, address, &timestamp_text(oldest).max(from))?);
    }
    Ok(History { occurrences, listed, horizon })
}

/// Whether there is any event of an address. Most of those that bounce have none, and this is a tenth of what the rest costs.
fn is_known(connection: &Connection, address: &str) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM event WHERE address = ?1)";
    Ok(connection.prepare_cached(sql)?.query_row([address], |row| row.get(0))?)
}

fn query(connection: &Connection, sql: &str, address: &str, from: &str) -> Result<Vec<Occurrence>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([address, from], occurrence)?;
    Ok(rows.filter_map(Result::transpose).collect::<Result<_, _>>()?)
}

/// `None` for a row that no event of ours can be.
pub(super) fn occurrence(row: &Row<'_>) -> rusqlite::Result<Option<Occurrence>> {
    let at = row.get_ref(2)?.as_str()?.parse().ok();
    let kind = Kind::parse(row.get_ref(3)?.as_str()?);
    let side = Side::parse(row.get_ref(4)?.as_str()?).unwrap_or_default();
    let Some((at, kind)) = at.zip(kind) else { return Ok(None) };
    let (number, id) = (row.get(0)?, row.get(1)?);
    let ids: [Option<String>; 2] = [row.get(5)?, row.get(6)?];
    let message = ids.into_iter().flatten().collect();
    let incident: Option<i64> = row.get(8)?;
    let released = row.get::<_, Option<bool>>(9)?.unwrap_or_default();
    let held_by = incident.map(|incident| Held { incident, released });
    Ok(Some(Occurrence { number, id, at, kind, side, message, stream: row.get(7)?, held_by }))
}

/// The entries of an address.
pub(super) fn listed(connection: &Connection, address: &str) -> Result<Vec<Listed>, StoreError> {
    let sql = "SELECT stream, kind, since, until, event, step, source FROM suppression WHERE address = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([address], entry)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Listed> {
    let kind = Kind::parse(row.get_ref("kind")?.as_str()?).unwrap_or(Kind::Added);
    let source = row.get_ref("source")?.as_str()?;
    let time = |text: &str| text.parse().unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(Listed {
        stream: row.get("stream")?,
        by_operator: kind == Kind::Added || BY_OPERATOR.contains(&source),
        entry: Entry {
            kind,
            since: time(row.get_ref("since")?.as_str()?),
            until: row.get_ref("until")?.as_str_or_null()?.map(time),
            event: row.get::<_, Option<i64>>("event")?.unwrap_or_default(),
            step: row.get("step")?,
            why: String::new(),
        },
    })
}

/// Before this time, events are deleted; `None` while none is.
pub(super) fn horizon(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT value FROM setting WHERE name = 'horizon'";
    let text: Option<String> = connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// Makes the changes; the events behind the entries are recorded already.
pub(super) fn apply(connection: &Connection, address: &str, changes: &[Change]) -> Result<(), StoreError> {
    for change in changes {
        match change {
            Change::Put(stream, entry) => put(connection, address, stream, entry)?,
            Change::Drop(stream) => drop(delete(connection, address, stream)?),
        }
    }
    Ok(())
}

fn put(connection: &Connection, address: &str, stream: &str, entry: &Entry) -> Result<(), StoreError> {
    let until = entry.until.map(timestamp_text);
    let sql = "SELECT reason, status, source FROM event WHERE number = ?1";
    let behind = connection.prepare_cached(sql)?.query_row([entry.event], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, String>(2)?))
    });
    let Some((reason, status, source)) = behind.optional()? else {
        // Its event is deleted, and so there is nothing to change but its end and step.
        let sql = "UPDATE suppression SET until = ?3, step = ?4 WHERE address = ?1 AND stream = ?2";
        connection.prepare_cached(sql)?.execute(params![address, stream, until, entry.step])?;
        return Ok(());
    };
    let sql = "INSERT INTO suppression (address, stream, kind, reason, status, since, until, source, event, step) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
               ON CONFLICT (address, stream) DO UPDATE SET kind = excluded.kind, reason = excluded.reason, \
                 status = excluded.status, since = excluded.since, until = excluded.until, source = excluded.source, \
                 event = excluded.event, step = excluded.step";
    let (kind, since) = (entry.kind.as_str(), timestamp_text(entry.since));
    let row = params![address, stream, kind, reason, status, since, until, source, entry.event, entry.step];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Deletes an entry without the trace that a DELETE by hand leaves; whether it was there.
pub(super) fn delete(connection: &Connection, address: &str, stream: &str) -> Result<bool, StoreError> {
    let end = "UPDATE suppression SET until = '1970-01-01T00:00:00Z' WHERE address = ?1 AND stream = ?2";
    let there = connection.prepare_cached(end)?.execute([address, stream])? > 0;
    let delete = "DELETE FROM suppression WHERE address = ?1 AND stream = ?2";
    connection.prepare_cached(delete)?.execute([address, stream])?;
    Ok(there)
}

/// All that is known of somebody in an incident, whose events are kept beyond the horizon until it is settled.
fn concerned(connection: &Connection, address: &str) -> Result<History, StoreError> {
    load_from(connection, address, None, horizon(connection)?, String::new())
}

/// What the events of an address in an incident come to.
pub(super) fn came_to(connection: &Connection, address: &str, rules: &Rules) -> Result<Entries, StoreError> {
    let history = concerned(connection, address)?;
    Ok(Address::parse(address).map_or_else(|_| Entries::new(), |canonical| outcome(&canonical, &history, rules)))
}

/// Changes the list where the events of an address in an incident now come to something else than before.
pub(super) fn update(
    connection: &Connection,
    address: &str,
    before: &Entries,
    rules: &Rules,
) -> Result<(), StoreError> {
    let Ok(canonical) = Address::parse(address) else { return Ok(()) };
    let history = concerned(connection, address)?;
    let after = outcome(&canonical, &history, rules);
    apply(connection, address, &changes(before, &after, &history, None))
}
