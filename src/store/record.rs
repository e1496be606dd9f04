//! Records a submission: dedupe, history, decision, suppression, in the caller's one transaction.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::{Bounds, Quarantined, StoreError, TopicChange, quarantine, topic};
use crate::event::{Event, Kind, timestamp_text};
use crate::policy::{Action, Current, Decision, History, Rules, decide};

/// Everything that one message handed in, recorded together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Submission {
    /// What happened, one for each recipient.
    pub events: Vec<Event>,
    /// What could not be understood or trusted.
    pub quarantined: Vec<Quarantined>,
    /// What changes about an SNS topic.
    #[serde(skip)]
    pub topic: Option<TopicChange>,
    /// Refusals answered to Postfix, as address and number since the last submission.
    #[serde(skip)]
    pub refusals: Vec<(String, u64)>,
}

/// What became of a submission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// One for each event, in order.
    pub events: Vec<Recorded>,
    /// How many of the quarantined texts are new.
    pub quarantined: usize,
}

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its number in the database.
    pub number: i64,
    /// What it did to the list; `None` for a duplicate, which does nothing.
    pub decision: Option<Decision>,
}

impl Receipt {
    /// Whether all of it was known before.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        self.quarantined == 0 && !self.events.is_empty() && self.events.iter().all(|event| event.decision.is_none())
    }
}

impl Recorded {
    /// The word for what it did: suppressed, recorded or duplicate.
    #[must_use]
    pub fn action(&self) -> &'static str {
        self.decision.as_ref().map_or("duplicate", |decision| decision.action.as_str())
    }
}

/// Records a submission in the caller's transaction.
pub(super) fn submit(
    connection: &Connection,
    submission: &Submission,
    rules: &Rules,
    bounds: &Bounds,
    now: Timestamp,
) -> Result<Receipt, StoreError> {
    let events = submission.events.iter().map(|event| record(connection, event, rules, now));
    let events = events.collect::<Result<_, _>>()?;
    let mut quarantined = 0;
    for entry in &submission.quarantined {
        quarantined += quarantine::keep(connection, entry, bounds, now)?;
    }
    if let Some(change) = &submission.topic {
        topic::apply(connection, change, now)?;
    }
    for (address, count) in &submission.refusals {
        count_refusals(connection, address, *count, now)?;
    }
    Ok(Receipt { events, quarantined })
}

fn record(connection: &Connection, event: &Event, rules: &Rules, now: Timestamp) -> Result<Recorded, StoreError> {
    let known = "SELECT number FROM event WHERE id = ?1";
    let known = connection.prepare_cached(known)?.query_row([&event.id.0], |row| row.get(0)).optional()?;
    if let Some(number) = known {
        return Ok(Recorded { number, decision: None });
    }
    let history = history(connection, event, rules, now)?;
    let decision = decide(event, &history, rules, now);
    let number = insert(connection, event, decision.action.as_str(), &decision.reason, now)?;
    if let Action::Suppress { until } = decision.action {
        suppress(connection, event, number, until, now)?;
    }
    Ok(Recorded { number, decision: Some(decision) })
}

/// Writes the event's row.
pub(super) fn insert(
    connection: &Connection,
    event: &Event,
    action: &str,
    decision: &str,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let e = &event.evidence;
    let sql = "INSERT INTO event (id, received, at, address, reported, kind, reason, side, status, diagnostic, source, \
               origin, reporting_mta, remote_mta, sender, message_id, provider_id, queue_id, channel, headers, rule, \
               action, decision) \
               VALUES (:id, :received, :at, :address, :reported, :kind, :reason, :side, :status, :diagnostic, :source, \
               :origin, :reporting_mta, :remote_mta, :sender, :message_id, :provider_id, :queue_id, :channel, :headers, \
               :rule, :action, :decision)";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":id": event.id.0,
        ":received": timestamp_text(now),
        ":at": timestamp_text(event.at),
        ":address": event.recipient.as_str(),
        ":reported": event.reported,
        ":kind": event.kind.as_str(),
        ":reason": e.reason.as_str(),
        ":side": e.side.as_str(),
        ":status": e.status.map(|status| status.to_string()),
        ":diagnostic": e.diagnostic,
        ":source": event.source.as_str(),
        ":origin": event.origin.as_str(),
        ":reporting_mta": e.reporting_mta,
        ":remote_mta": e.remote_mta,
        ":sender": e.sender,
        ":message_id": e.message_id,
        ":provider_id": e.provider_id,
        ":queue_id": e.queue_id,
        ":channel": e.channel,
        ":headers": e.headers,
        ":rule": e.rule,
        ":action": action,
        ":decision": decision,
    })?;
    Ok(connection.last_insert_rowid())
}

/// What `decide` needs to know; nothing is read for a kind that has no rule.
fn history(connection: &Connection, event: &Event, rules: &Rules, now: Timestamp) -> Result<History, StoreError> {
    let Some(rule) = rules.for_kind(event.kind).filter(|_| event.origin.is_proved()) else {
        return Ok(History::default());
    };
    let address = event.recipient.as_str();
    let newest = |condition: &str| -> Result<Option<Timestamp>, StoreError> {
        let sql = format!("SELECT max(at) FROM event WHERE address = ?1 AND {condition}");
        let at: Option<String> = connection.prepare_cached(&sql)?.query_row([address], |row| row.get(0))?;
        Ok(at.and_then(|at| at.parse().ok()))
    };
    let kind = event.kind.as_str();
    let last_delivery = newest("kind = 'delivery'")?;
    let released = newest("kind = 'removed'")?;
    let last_suppressed = newest(&format!("action = 'suppressed' AND kind = '{kind}'"))?;
    Ok(History {
        occurrences: if rule.after > 1 { occurrences(connection, address, event, rule.within)? } else { Vec::new() },
        last_delivery,
        released,
        last_suppressed: if event.kind == Kind::SoftBounce { last_suppressed } else { None },
        times_suppressed: times_suppressed(connection, address, kind, last_delivery.max(released))?,
        current: current(connection, address, now)?,
    })
}

/// Times of the events of the same kind around this one that are the recipient's fault, one for each message.
fn occurrences(
    connection: &Connection,
    address: &str,
    event: &Event,
    within: jiff::SignedDuration,
) -> Result<Vec<Timestamp>, StoreError> {
    let from = event.at.checked_sub(within).unwrap_or(Timestamp::MIN);
    let to = event.at.checked_add(within).unwrap_or(Timestamp::MAX);
    // Retries of one message are one occurrence; an event without the message's id stands for itself.
    let sql = "SELECT max(at) FROM event \
               WHERE address = ?1 AND at BETWEEN ?2 AND ?3 AND kind = ?4 AND side <> 'sender' AND origin <> 'unproved' \
                 AND coalesce(provider_id, message_id, '') <> coalesce(?5, ?6, '-') \
               GROUP BY coalesce(provider_id, message_id, id)";
    let mut statement = connection.prepare_cached(sql)?;
    let e = &event.evidence;
    let row =
        params![address, timestamp_text(from), timestamp_text(to), event.kind.as_str(), e.provider_id, e.message_id];
    let times = statement.query_map(row, |row| row.get::<_, String>(0))?;
    Ok(times.collect::<Result<Vec<_>, _>>()?.iter().filter_map(|at| at.parse().ok()).collect())
}

fn times_suppressed(
    connection: &Connection,
    address: &str,
    kind: &str,
    since: Option<Timestamp>,
) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM event WHERE address = ?1 AND kind = ?2 AND action = 'suppressed' AND at > ?3";
    let since = since.map(timestamp_text).unwrap_or_default();
    Ok(connection.prepare_cached(sql)?.query_row([address, kind, &since], |row| row.get(0))?)
}

fn current(connection: &Connection, address: &str, now: Timestamp) -> Result<Option<Current>, StoreError> {
    let sql = "SELECT until FROM suppression WHERE address = ?1 AND (until IS NULL OR until > ?2)";
    let found = connection
        .prepare_cached(sql)?
        .query_row([address, &timestamp_text(now)], |row| row.get::<_, Option<String>>(0))
        .optional()?;
    Ok(found.map(|until| Current { until: until.and_then(|until| until.parse().ok()) }))
}

fn suppress(
    connection: &Connection,
    event: &Event,
    number: i64,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO suppression (address, kind, reason, status, since, until, source, event) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
               ON CONFLICT (address, stream) DO UPDATE SET kind = excluded.kind, reason = excluded.reason, \
                 status = excluded.status, since = excluded.since, until = excluded.until, source = excluded.source, \
                 event = excluded.event";
    connection.prepare_cached(sql)?.execute(params![
        event.recipient.as_str(),
        event.kind.as_str(),
        event.evidence.reason.as_str(),
        event.evidence.status.map(|status| status.to_string()),
        timestamp_text(event.at.min(now)),
        until.map(timestamp_text),
        event.source.as_str(),
        number,
    ])?;
    Ok(())
}

fn count_refusals(connection: &Connection, address: &str, count: u64, now: Timestamp) -> Result<(), StoreError> {
    let last = timestamp_text(now);
    let sql = "INSERT INTO refusal (address, day, count, last) VALUES (?1, substr(?3, 1, 10), ?2, ?3) \
               ON CONFLICT (address, day) DO UPDATE SET count = count + excluded.count, last = excluded.last";
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    connection.prepare_cached(sql)?.execute(params![address, count, last])?;
    Ok(())
}
