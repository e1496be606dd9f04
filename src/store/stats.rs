//! Numbers for `suppressd stats` and for monitoring.
//!
//! Nothing here reads all of a large table: what is counted by day, domain and kind is kept by triggers of the schema,
//! and what has run out or was refused by the relay has an index of its own.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Params, Row, params};

use super::{Store, StoreError, schema};
use crate::event::timestamp_text;

/// Most events that one call of [`Figures::read`] counts; the next call goes on from there.
const MAX_COUNTED: i64 = 1_000_000;
/// How far back the relay's refusals count.
const RELAY_WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// Most sender domains that are looked at; those with the most bounces and complaints.
const MAX_SENDERS: u32 = 1000;

/// What happened in some days.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    /// The first of these days, UTC.
    pub from: String,
    /// One for each day on which something happened, oldest first.
    pub days: Vec<DayCount>,
    /// Why, with the most frequent first; operators' changes and unproved reports are left out.
    pub reasons: Vec<ReasonCount>,
    /// Where reports came from, the most frequent first.
    pub sources: Vec<SourceCount>,
    /// Receiving domains, those with the most bounces and complaints first.
    pub domains: Vec<DomainCount>,
    /// Sender domains, those with the most bounces and complaints first.
    pub senders: Vec<SenderRates>,
    /// Reports that nothing proves; they suppress nobody.
    pub unproved: i64,
    /// Times that mail was refused.
    pub refused: i64,
}

/// What happened on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct DayCount {
    /// The day, UTC.
    pub day: String,
    /// Hard bounces.
    pub hard_bounces: i64,
    /// Soft bounces.
    pub soft_bounces: i64,
    /// Complaints.
    pub complaints: i64,
    /// Deliveries.
    pub deliveries: i64,
    /// All other reports.
    pub other: i64,
    /// Times that mail was refused.
    pub refused: i64,
}

/// How often something happened for one reason.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ReasonCount {
    /// What happened.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// How often.
    pub events: i64,
}

/// How many reports came from one source.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SourceCount {
    /// From where.
    pub source: String,
    /// How many.
    pub events: i64,
}

/// What happened to recipients of one domain.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DomainCount {
    /// The domain.
    pub domain: String,
    /// Hard bounces.
    pub hard_bounces: i64,
    /// Soft bounces.
    pub soft_bounces: i64,
    /// Complaints.
    pub complaints: i64,
    /// Deliveries.
    pub deliveries: i64,
}

/// What happened to mail of one sender domain.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SenderRates {
    /// Domain of the envelope sender.
    pub sender_domain: String,
    /// Deliveries reported.
    pub delivered: i64,
    /// Hard bounces.
    pub hard_bounced: i64,
    /// Complaints.
    pub complained: i64,
}

impl Store {
    /// What happened since the day of `from`, with so many receiving domains.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stats(&self, from: Timestamp, now: Timestamp, domains: u32) -> Result<Stats, StoreError> {
        let snapshot = self.connection.unchecked_transaction()?;
        let from = day(from);
        // A reporter's clock may be ahead of ours.
        let to = day(now.checked_add(SignedDuration::from_hours(24)).unwrap_or(now));
        let days = params![from, to];
        let one = |sql: &str| snapshot.query_row(sql, days, |row| row.get(0));
        Ok(Stats {
            days: rows(&snapshot, DAYS, days, day_count)?,
            reasons: rows(&snapshot, REASONS, days, |row| {
                Ok(ReasonCount { kind: row.get(0)?, reason: row.get(1)?, events: row.get(2)? })
            })?,
            sources: rows(&snapshot, SOURCES, days, |row| {
                Ok(SourceCount { source: row.get(0)?, events: row.get(1)? })
            })?,
            domains: rows(&snapshot, DOMAINS, params![from, to, domains], domain_count)?,
            senders: rows(&snapshot, SENDERS, params![from, to, MAX_SENDERS], sender_rates)?,
            unproved: one(UNPROVED)?,
            refused: one(REFUSED)?,
            from,
        })
    }

    /// How much there is now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn figures(&self, now: Timestamp) -> Result<Figures, StoreError> {
        let snapshot = self.connection.unchecked_transaction()?;
        figures(&snapshot, now)
    }
}

const DAYS: &str = "SELECT day, sum(hard), sum(soft), sum(complaint), sum(delivery), sum(other), sum(refused) FROM ( \
      SELECT day, sum(events) FILTER (WHERE kind = 'hard_bounce') AS hard, \
             sum(events) FILTER (WHERE kind = 'soft_bounce') AS soft, \
             sum(events) FILTER (WHERE kind = 'complaint') AS complaint, \
             sum(events) FILTER (WHERE kind = 'delivery') AS delivery, \
             sum(events) FILTER (WHERE kind NOT IN ('hard_bounce', 'soft_bounce', 'complaint', 'delivery')) AS other, \
             NULL AS refused \
      FROM daily WHERE day BETWEEN ?1 AND ?2 AND origin NOT IN ('operator', 'unproved') GROUP BY day \
      UNION ALL \
      SELECT day, NULL, NULL, NULL, NULL, NULL, sum(count) FROM refusal WHERE day BETWEEN ?1 AND ?2 GROUP BY day \
    ) GROUP BY day ORDER BY day";
const REASONS: &str = "SELECT kind, reason, sum(events) AS n FROM daily \
    WHERE day BETWEEN ?1 AND ?2 AND origin NOT IN ('operator', 'unproved') \
      AND kind IN ('hard_bounce', 'soft_bounce', 'complaint', 'delay', 'reject', 'unsubscribe') \
    GROUP BY kind, reason ORDER BY n DESC, kind, reason";
const SOURCES: &str = "SELECT source, sum(events) AS n FROM daily \
    WHERE day BETWEEN ?1 AND ?2 AND origin NOT IN ('operator', 'unproved') GROUP BY source ORDER BY n DESC, source";
const DOMAINS: &str = "SELECT domain, coalesce(sum(events) FILTER (WHERE kind = 'hard_bounce'), 0), \
      coalesce(sum(events) FILTER (WHERE kind = 'soft_bounce'), 0), \
      coalesce(sum(events) FILTER (WHERE kind = 'complaint'), 0), \
      coalesce(sum(events) FILTER (WHERE kind = 'delivery'), 0) \
    FROM daily_domain WHERE day BETWEEN ?1 AND ?2 GROUP BY domain \
    ORDER BY coalesce(sum(events) FILTER (WHERE kind IN ('hard_bounce', 'soft_bounce', 'complaint')), 0) DESC, \
      sum(events) DESC, domain LIMIT ?3";
const SENDERS: &str = "SELECT sender_domain, coalesce(sum(events) FILTER (WHERE kind = 'delivery'), 0), \
      coalesce(sum(events) FILTER (WHERE kind = 'hard_bounce'), 0), \
      coalesce(sum(events) FILTER (WHERE kind = 'complaint'), 0) \
    FROM daily WHERE day BETWEEN ?1 AND ?2 AND sender_domain <> '' \
      AND kind IN ('delivery', 'hard_bounce', 'complaint') GROUP BY sender_domain \
    ORDER BY coalesce(sum(events) FILTER (WHERE kind <> 'delivery'), 0) DESC, sum(events) DESC, sender_domain LIMIT ?3";
const UNPROVED: &str = "SELECT coalesce(sum(events), 0) FROM daily WHERE day BETWEEN ?1 AND ?2 AND origin = 'unproved'";
const REFUSED: &str = "SELECT coalesce(sum(count), 0) FROM refusal WHERE day BETWEEN ?1 AND ?2";

fn day_count(row: &Row<'_>) -> rusqlite::Result<DayCount> {
    let count = |column| row.get::<_, Option<i64>>(column).map(Option::unwrap_or_default);
    Ok(DayCount {
        day: row.get(0)?,
        hard_bounces: count(1)?,
        soft_bounces: count(2)?,
        complaints: count(3)?,
        deliveries: count(4)?,
        other: count(5)?,
        refused: count(6)?,
    })
}

fn domain_count(row: &Row<'_>) -> rusqlite::Result<DomainCount> {
    Ok(DomainCount {
        domain: row.get(0)?,
        hard_bounces: row.get(1)?,
        soft_bounces: row.get(2)?,
        complaints: row.get(3)?,
        deliveries: row.get(4)?,
    })
}

fn sender_rates(row: &Row<'_>) -> rusqlite::Result<SenderRates> {
    Ok(SenderRates {
        sender_domain: row.get(0)?,
        delivered: row.get(1)?,
        hard_bounced: row.get(2)?,
        complained: row.get(3)?,
    })
}

/// How much there is at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Figures {
    /// Entries in force by kind.
    pub entries: Vec<(String, i64)>,
    /// Allow entries in force.
    pub allowed: i64,
    /// Texts in quarantine.
    pub quarantine_entries: i64,
    /// Their bytes.
    pub quarantine_bytes: i64,
    /// Incidents that wait for an operator.
    pub open_incidents: i64,
    /// Recipients whose suppression they hold back.
    pub held_back: i64,
    /// Messages that the relay refused in the last hour because of us, by reason.
    pub relay_refusals: Vec<(String, i64)>,
}

/// Events that were recorded, by whichever process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The number of the last of them.
    pub last: i64,
    /// How many of each kind and action.
    pub events: Vec<(String, String, i64)>,
}

impl Figures {
    /// Reads them by a connection of its own, with the events recorded after number `after`; with `None`, only the number of
    /// the last one. `deadline` bounds the wait for a lock.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read(
        path: &Path,
        deadline: Duration,
        after: Option<i64>,
        now: Timestamp,
    ) -> Result<(Self, Progress), StoreError> {
        let mut connection = schema::open_reader(path, deadline)?;
        let snapshot = connection.transaction()?;
        Ok((figures(&snapshot, now)?, progress(&snapshot, after)?))
    }
}

fn figures(connection: &Connection, now: Timestamp) -> Result<Figures, StoreError> {
    let hour_ago = timestamp_text(now.checked_sub(RELAY_WINDOW).unwrap_or(Timestamp::MIN));
    let now = timestamp_text(now);
    let one =
        |sql: &str, values: &[&str]| connection.query_row(sql, rusqlite::params_from_iter(values), |row| row.get(0));
    let pair = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    Ok(Figures {
        entries: rows(connection, ENTRIES, [&now], pair)?,
        allowed: one("SELECT count(*) FROM allow WHERE until > ?1", &[&now])?,
        quarantine_entries: one("SELECT entries FROM quarantine_total", &[])?,
        quarantine_bytes: one("SELECT bytes FROM quarantine_total", &[])?,
        open_incidents: one("SELECT count(*) FROM incident WHERE state = 'open'", &[])?,
        held_back: one("SELECT coalesce(sum(recipients), 0) FROM open_incidents", &[])?,
        relay_refusals: rows(connection, RELAY_REFUSALS, [&hour_ago], pair)?,
    })
}

const ENTRIES: &str = "SELECT kind, entries - (SELECT count(*) FROM suppression AS ended \
      WHERE ended.until IS NOT NULL AND ended.until <= ?1 AND ended.kind = suppression_total.kind) AS n \
    FROM suppression_total WHERE n > 0 ORDER BY kind";
// The conditions are those of the index event_relay.
const RELAY_REFUSALS: &str = "SELECT reason, count(*) FROM event WHERE side = 'sender' \
      AND (reason = 'notverified' OR reason = 'relayrefused' OR reason = 'throttled') AND received > ?1 AND origin <> 'unproved' \
    GROUP BY reason ORDER BY reason";

fn progress(connection: &Connection, after: Option<i64>) -> Result<Progress, StoreError> {
    let newest: i64 = connection.query_row("SELECT coalesce(max(number), 0) FROM event", [], |row| row.get(0))?;
    // Old numbers come again when the newest events are deleted.
    let after = after.unwrap_or(newest).min(newest);
    let last = newest.min(after.saturating_add(MAX_COUNTED));
    let sql = "SELECT kind, action, count(*) FROM event NOT INDEXED WHERE number > ?1 AND number <= ?2 \
               GROUP BY kind, action";
    let events = rows(connection, sql, [after, last], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(Progress { last, events })
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(values, row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}
