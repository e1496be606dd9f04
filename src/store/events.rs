//! Events as they are kept, newest first for a person and in the order of their recording for whoever follows.
//!
//! The newest of many millions cost as little as those of a few: one index is read from its end. What is rare takes as
//! long as reading what lies between: a filter by address, kind or time has an index, the others have none.

use jiff::Timestamp;
use rusqlite::types::ToSql;
use rusqlite::{Row, params_from_iter};

use super::{Key, Store, StoreError};
use crate::event::{Kind, Reason, Source, timestamp_text};

/// An event as the database keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct StoredEvent {
    /// Its number.
    pub number: i64,
    /// When it happened.
    pub at: String,
    /// When it was recorded.
    pub received: String,
    /// The recipient, canonical.
    pub address: String,
    /// The recipient as reported.
    pub reported: String,
    /// What happened.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// Whose fault.
    pub side: String,
    /// RFC 3463 code.
    pub status: Option<String>,
    /// The receiving system's words.
    pub diagnostic: Option<String>,
    /// Where the report came from.
    pub source: String,
    /// How its origin is proved.
    pub origin: String,
    /// The stream of mail that it is about; empty for all mail.
    pub stream: String,
    /// Who reported.
    pub reporting_mta: Option<String>,
    /// Who refused.
    pub remote_mta: Option<String>,
    /// Envelope sender of the message.
    pub sender: Option<String>,
    /// Message-ID of the message.
    pub message_id: Option<String>,
    /// The provider's id of the message.
    pub provider_id: Option<String>,
    /// Postfix queue id of the message.
    pub queue_id: Option<String>,
    /// Topic or address that it came in by.
    pub channel: Option<String>,
    /// List headers of the message, one a line.
    pub headers: Option<String>,
    /// The classification rule that fired.
    pub rule: Option<String>,
    /// suppressed, held, recorded, added or removed.
    pub action: String,
    /// Why that.
    pub decision: String,
    /// Number of the incident that it is part of.
    pub incident: Option<i64>,
}

impl StoredEvent {
    /// The columns of a [`StoredEvent`], for a SELECT.
    pub(super) const COLUMNS: &'static str = "number, at, received, address, reported, kind, reason, side, status, \
        diagnostic, source, origin, stream, reporting_mta, remote_mta, sender, message_id, provider_id, queue_id, \
        channel, headers, rule, action, decision, incident";

    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get("number")?,
            at: row.get("at")?,
            received: row.get("received")?,
            address: row.get("address")?,
            reported: row.get("reported")?,
            kind: row.get("kind")?,
            reason: row.get("reason")?,
            side: row.get("side")?,
            status: row.get("status")?,
            diagnostic: row.get("diagnostic")?,
            source: row.get("source")?,
            origin: row.get("origin")?,
            stream: row.get("stream")?,
            reporting_mta: row.get("reporting_mta")?,
            remote_mta: row.get("remote_mta")?,
            sender: row.get("sender")?,
            message_id: row.get("message_id")?,
            provider_id: row.get("provider_id")?,
            queue_id: row.get("queue_id")?,
            channel: row.get("channel")?,
            headers: row.get("headers")?,
            rule: row.get("rule")?,
            action: row.get("action")?,
            decision: row.get("decision")?,
            incident: row.get("incident")?,
        })
    }
}

/// Which events to show; all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of this recipient, or of this domain's own entry.
    pub address: Option<Key>,
    /// Of recipients in this domain, in its canonical form.
    pub domain: Option<String>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// For this reason.
    pub reason: Option<Reason>,
    /// From this source.
    pub source: Option<Source>,
    /// That did this: suppressed, held, recorded, added, removed.
    pub action: Option<String>,
    /// Of this stream; empty for all mail.
    pub stream: Option<String>,
    /// That happened at this time or later.
    pub since: Option<Timestamp>,
}

/// Conditions with the values of their parameters.
#[derive(Default)]
struct Conditions {
    sql: Vec<&'static str>,
    values: Vec<Box<dyn ToSql>>,
}

impl Conditions {
    fn of(filter: &EventFilter) -> Self {
        let mut conditions = Self::default();
        conditions.add("address = ?", filter.address.as_ref().map(|key| key.as_str().to_owned()));
        conditions.add("domain = ?", filter.domain.clone());
        conditions.add("kind = ?", filter.kind.map(|kind| kind.as_str()));
        conditions.add("reason = ?", filter.reason.map(|reason| reason.as_str()));
        conditions.add("source = ?", filter.source.map(|source| source.as_str()));
        conditions.add("action = ?", filter.action.clone());
        conditions.add("stream = ?", filter.stream.clone());
        conditions.add("at >= ?", filter.since.map(timestamp_text));
        let common = [Kind::Delivery, Kind::Send, Kind::Open, Kind::Click];
        if filter.kind.is_some_and(|kind| !common.contains(&kind)) {
            // The very words of the index event_kind, so that it is used.
            conditions.sql.push("kind <> 'delivery' AND kind <> 'send' AND kind <> 'open' AND kind <> 'click'");
        }
        conditions
    }

    fn add(&mut self, sql: &'static str, value: Option<impl ToSql + 'static>) {
        if let Some(value) = value {
            self.sql.push(sql);
            self.values.push(Box::new(value));
        }
    }

    fn text(&self) -> String {
        self.sql.join(" AND ")
    }
}

impl Store {
    /// Calls `each` with the newest events that match, `limit` at most, in the order in which they happened, until it returns
    /// false. Events after number `last` are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn newest_events(
        &self,
        filter: &EventFilter,
        last: i64,
        limit: u32,
        each: impl FnMut(StoredEvent) -> bool,
    ) -> Result<(), StoreError> {
        let mut conditions = Conditions::of(filter);
        conditions.add("+number <= ?", Some(last));
        let sql = format!(
            "SELECT * FROM (SELECT {} FROM event WHERE {} ORDER BY at DESC, number DESC LIMIT {limit}) ORDER BY at, number",
            StoredEvent::COLUMNS,
            conditions.text()
        );
        self.each_event(&sql, &conditions, each)
    }

    /// Calls `each` with the events of these numbers that match, in the order in which they were recorded, until it returns
    /// false.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn events_between(
        &self,
        filter: &EventFilter,
        after: i64,
        last: i64,
        each: impl FnMut(StoredEvent) -> bool,
    ) -> Result<(), StoreError> {
        let mut conditions = Conditions::of(filter);
        conditions.add("number > ?", Some(after));
        conditions.add("number <= ?", Some(last));
        let sql = format!(
            "SELECT {} FROM event NOT INDEXED WHERE {} ORDER BY number",
            StoredEvent::COLUMNS,
            conditions.text()
        );
        self.each_event(&sql, &conditions, each)
    }

    /// The number of the event that was recorded last; 0 if there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn last_event(&self) -> Result<i64, StoreError> {
        let sql = "SELECT coalesce(max(number), 0) FROM event";
        Ok(self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
    }

    fn each_event(
        &self,
        sql: &str,
        conditions: &Conditions,
        mut each: impl FnMut(StoredEvent) -> bool,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(&conditions.values))?;
        while let Some(row) = rows.next()? {
            if !each(StoredEvent::from_row(row)?) {
                break;
            }
        }
        Ok(())
    }
}
