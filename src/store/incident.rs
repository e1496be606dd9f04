//! Incidents: one wording for many recipients of one receiving system, within a short time.
//!
//! Such a burst says more about that system than about its users. What it would suppress is held back, those included that
//! were suppressed before it was seen to be one, until an operator confirms it (all of it counts) or releases it
//! (none of it counts). Later events of the same wording join it while they follow within the time; each of them prolongs it
//! until it is settled, and none from then on: what still comes after the time is a burst of its own, or none.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Change, Store, StoreError, history};
use crate::event::{Event, printable, timestamp_text};
use crate::policy::{Held, IncidentRule, Rules};

/// Events looked at to find a burst.
const MAX_BURST: usize = 1000;

/// An incident, as kept.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Incident {
    /// Its number.
    pub number: i64,
    /// The receiving domain, or the host that refused.
    pub place: String,
    /// The wording, masked.
    pub fingerprint: String,
    /// Its oldest event, UTC.
    pub first: String,
    /// Its newest event, UTC.
    pub last: String,
    /// open, confirmed or released.
    pub state: String,
    /// When it was settled, UTC.
    pub settled: Option<String>,
    /// By whom.
    pub settled_by: Option<String>,
    /// His note.
    pub note: Option<String>,
    /// Recipients concerned.
    pub recipients: i64,
}

/// What an operator says of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The addresses are dead: suppress them.
    Confirmed,
    /// The receiving system erred: nothing of it counts.
    Released,
}

impl Settlement {
    /// The word for it in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Released => "released",
        }
    }
}

/// The incident that an event belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub number: i64,
    /// Why it does not count; `None` where the incident was confirmed.
    pub held: Option<Held>,
    /// This event made it one.
    pub opened: Option<Opened>,
}

/// An incident that has just begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its number.
    pub number: i64,
    /// The receiving domain or host.
    pub place: String,
    /// Its recipients so far.
    pub recipients: usize,
}

impl Store {
    /// Incidents, newest first; `open` for those only that nobody has settled.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn incidents(&self, open: bool) -> Result<Vec<Incident>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM incident WHERE state = 'open' OR NOT ?1 ORDER BY number DESC");
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map([open], incident)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The recipients of an incident, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn concerned(&self, number: i64) -> Result<Vec<String>, StoreError> {
        members(&self.connection, number)
    }

    /// Settles an incident and returns it; `None` if there is none of that number. An incident may be settled otherwise later.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is changed then.
    pub fn settle(
        &mut self,
        number: i64,
        settlement: Settlement,
        change: &Change,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Option<Incident>, StoreError> {
        let transaction = self.begin()?;
        let came_to = |address: String| Ok((history::came_to(&transaction, &address, rules)?, address));
        let before: Vec<_> =
            members(&transaction, number)?.into_iter().map(came_to).collect::<Result<_, StoreError>>()?;
        let sql = "UPDATE incident SET state = ?2, settled = ?3, settled_by = ?4, note = coalesce(?5, note) WHERE number = ?1";
        transaction.execute(sql, params![number, settlement.as_str(), timestamp_text(now), change.who, change.note])?;
        mark(&transaction, number, settlement)?;
        for (entries, address) in &before {
            history::update(&transaction, address, entries, rules)?;
        }
        let sql = format!("SELECT {COLUMNS} FROM incident WHERE number = ?1");
        let settled = transaction.query_row(&sql, [number], incident).optional()?;
        transaction.commit()?;
        Ok(settled)
    }
}

const COLUMNS: &str = "number, place, fingerprint, first, last, state, settled, settled_by, note, \
    (SELECT count(DISTINCT address) FROM event WHERE event.incident = incident.number) AS recipients";

fn incident(row: &Row<'_>) -> rusqlite::Result<Incident> {
    Ok(Incident {
        number: row.get("number")?,
        place: row.get("place")?,
        fingerprint: row.get("fingerprint")?,
        first: row.get("first")?,
        last: row.get("last")?,
        state: row.get("state")?,
        settled: row.get("settled")?,
        settled_by: row.get("settled_by")?,
        note: row.get("note")?,
        recipients: row.get("recipients")?,
    })
}

fn members(connection: &Connection, number: i64) -> Result<Vec<String>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT DISTINCT address FROM event WHERE incident = ?1 ORDER BY address")?;
    let rows = statement.query_map([number], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn mark(connection: &Connection, number: i64, settlement: Settlement) -> Result<(), StoreError> {
    let action = match settlement {
        Settlement::Confirmed => "suppressed",
        Settlement::Released => "recorded",
    };
    let sql = "UPDATE event SET action = ?2, \
                 decision = substr(decision, 1, instr(decision || ', held back', ', held back') - 1) || ', incident ' || ?1 || ' ' || ?3 \
               WHERE incident = ?1";
    connection.execute(sql, params![number, action, settlement.as_str()])?;
    Ok(())
}

/// The incident that an event belongs to which would suppress; `None` for none.
pub(super) fn join(
    connection: &Connection,
    event: &Event,
    fingerprint: &str,
    rules: &Rules,
) -> Result<Option<Joined>, StoreError> {
    let rule = &rules.incident;
    if rule.recipients == 0 {
        return Ok(None);
    }
    let mta = event.evidence.remote_mta.as_deref();
    let places = [Some(("domain", event.recipient.domain())), mta.map(|mta| ("remote_mta", mta))];
    for (_, place) in places.into_iter().flatten() {
        if let Some(known) = known(connection, event.at, fingerprint, place, rule)? {
            return Ok(Some(known));
        }
    }
    for (column, place) in places.into_iter().flatten() {
        let burst = burst(connection, event, fingerprint, column, place, rule)?;
        if !burst.is_empty() {
            return open(connection, event, fingerprint, place, &burst, rules).map(Some);
        }
    }
    Ok(None)
}

fn around(at: Timestamp, within: SignedDuration) -> (String, String) {
    let from = at.checked_sub(within).unwrap_or(Timestamp::MIN);
    let to = at.checked_add(within).unwrap_or(Timestamp::MAX);
    (timestamp_text(from), timestamp_text(to))
}

fn known(
    connection: &Connection,
    at: Timestamp,
    fingerprint: &str,
    place: &str,
    rule: &IncidentRule,
) -> Result<Option<Joined>, StoreError> {
    let (from, to) = around(at, rule.within);
    let sql = "SELECT number, state FROM incident \
               WHERE fingerprint = ?1 AND place = ?2 AND first <= ?4 AND last >= ?3 ORDER BY number DESC LIMIT 1";
    let found = connection.prepare_cached(sql)?.query_row(params![fingerprint, place, from, to], |row| {
        let (number, state) = (row.get(0)?, row.get_ref(1)?.as_str()?);
        let held = (state != "confirmed").then(|| Held { incident: number, released: state == "released" });
        Ok(Joined { number, held, opened: None })
    });
    let found = found.optional()?;
    if let Some(incident) = &found {
        // What is settled would go on for ever where the wording is a usual one, and swallow what nobody has looked at.
        let sql =
            "UPDATE incident SET first = min(first, ?2), last = max(last, ?2) WHERE number = ?1 AND state = 'open'";
        connection.prepare_cached(sql)?.execute(params![incident.number, timestamp_text(at)])?;
    }
    Ok(found)
}

/// An event of a burst.
struct Member {
    number: i64,
    address: String,
    at: Timestamp,
}

/// The events that make an incident together with this one; none if they are too few.
fn burst(
    connection: &Connection,
    event: &Event,
    fingerprint: &str,
    column: &str,
    place: &str,
    rule: &IncidentRule,
) -> Result<Vec<Member>, StoreError> {
    let (from, to) = around(event.at, rule.within);
    let sql = format!(
        "SELECT number, address, at FROM event WHERE fingerprint = ?1 AND {column} = ?2 AND at BETWEEN ?3 AND ?4 \
         AND action = 'suppressed' AND incident IS NULL ORDER BY at LIMIT {MAX_BURST}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([fingerprint, place, &from, &to], |row| {
        let at: String = row.get(2)?;
        Ok(Member { number: row.get(0)?, address: row.get(1)?, at: at.parse().unwrap_or(event.at) })
    })?;
    let members = rows.collect::<Result<Vec<_>, _>>()?;
    let starts = members.iter().map(|member| member.at).filter(|at| *at <= event.at).chain([event.at]);
    let window = starts.map(|start| (start, start.checked_add(rule.within).unwrap_or(Timestamp::MAX)));
    let inside = |(start, end): (Timestamp, Timestamp)| members.iter().filter(move |m| m.at >= start && m.at <= end);
    let enough = |window: &(Timestamp, Timestamp)| {
        let own = event.recipient.as_str();
        let others: BTreeSet<_> = inside(*window).map(|m| m.address.as_str()).filter(|a| *a != own).collect();
        event.at <= window.1 && others.len() + 1 > rule.recipients as usize
    };
    let found = window.clone().find(enough);
    Ok(found
        .map_or_else(Vec::new, |(start, end)| members.into_iter().filter(|m| m.at >= start && m.at <= end).collect()))
}

/// Opens an incident with the events so far, and takes back what they suppressed.
fn open(
    connection: &Connection,
    event: &Event,
    fingerprint: &str,
    place: &str,
    burst: &[Member],
    rules: &Rules,
) -> Result<Joined, StoreError> {
    let times = || burst.iter().map(|member| member.at).chain([event.at]);
    let first = times().min().unwrap_or(event.at);
    let last = times().max().unwrap_or(event.at);
    let sql = "INSERT INTO incident (fingerprint, place, first, last) VALUES (?1, ?2, ?3, ?4)";
    let place = printable(place, crate::event::MAX_NAME);
    connection.execute(sql, params![fingerprint, place, timestamp_text(first), timestamp_text(last)])?;
    let number = connection.last_insert_rowid();
    for member in burst {
        let before = history::came_to(connection, &member.address, rules)?;
        let sql = "UPDATE event SET incident = ?2, action = 'held', \
                     decision = decision || ', held back by incident ' || ?2 WHERE number = ?1";
        connection.prepare_cached(sql)?.execute([member.number, number])?;
        history::update(connection, &member.address, &before, rules)?;
    }
    let recipients = burst.iter().map(|member| &member.address).collect::<BTreeSet<_>>().len() + 1;
    let held = Some(Held { incident: number, released: false });
    Ok(Joined { number, held, opened: Some(Opened { number, place, recipients }) })
}
