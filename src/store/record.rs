//! Records a submission: dedupe, history, decision, suppression, in the caller's one transaction.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::incident::{self, Joined, Opened};
use super::{Keeping, Quarantined, StoreError, TopicChange, forgotten, history, quarantine, topic};
use crate::event::{Event, Kind, Reason, Side, timestamp_text};
use crate::policy::{Action, Change, Decision, History, Occurrence, Rules, counts, decide, fingerprint, stream};

/// The same refusal of the relay is told again after so long.
const ALARM_INTERVAL: SignedDuration = SignedDuration::from_mins(10);

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
    /// Its number in the database; 0 for one that is not kept.
    pub number: i64,
    /// What it did to the list; `None` for a duplicate, which does nothing.
    pub decision: Option<Decision>,
    /// What an operator should hear of.
    pub alarm: Option<Alarm>,
}

/// What an operator should hear of, beyond the event itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// A burst of one wording: its suppressions are held back.
    Incident(Opened),
    /// The relay does not take our mail.
    Relay(Reason),
    /// An event about a protected address would have counted.
    Protected,
    /// The address is forgotten, and mail of the stream to it refused: nothing of the event is kept.
    Forgotten,
}

impl Receipt {
    /// Whether all of it was known before.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        self.quarantined == 0 && !self.events.is_empty() && self.events.iter().all(|event| event.decision.is_none())
    }

    /// Whether it was about forgotten addresses only, so that nothing of it is kept.
    #[must_use]
    pub fn is_forgotten(&self) -> bool {
        let mut alarms = self.events.iter().map(|event| &event.alarm);
        !self.events.is_empty() && alarms.all(|alarm| *alarm == Some(Alarm::Forgotten))
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
    keeping: &Keeping,
    now: Timestamp,
) -> Result<Receipt, StoreError> {
    let recorder = Recorder { connection, rules, mask: keeping.mask_addresses, now };
    let events = submission.events.iter().map(|event| recorder.record(event)).collect::<Result<Vec<_>, _>>()?;
    let mut receipt = Receipt { events, quarantined: 0 };
    let is_forgotten = receipt.is_forgotten();
    for entry in submission.quarantined.iter().filter(|_| !is_forgotten) {
        receipt.quarantined += quarantine::keep(connection, entry, &keeping.quarantine, now)?;
    }
    if let Some(change) = &submission.topic {
        topic::apply(connection, change, now)?;
    }
    for (address, count) in &submission.refusals {
        count_refusals(connection, address, *count, now)?;
    }
    Ok(receipt)
}

/// What is needed to record one event.
struct Recorder<'a> {
    connection: &'a Connection,
    rules: &'a Rules,
    mask: bool,
    now: Timestamp,
}

/// A row of table event, besides the event itself.
struct Judged {
    number: i64,
    stream: String,
    fingerprint: Option<String>,
    incident: Option<i64>,
    decision: Decision,
}

impl Judged {
    fn of(occurrence: &Occurrence) -> Self {
        let reason = "its origin is not proved".to_owned();
        Self {
            number: occurrence.number,
            stream: occurrence.stream.clone(),
            fingerprint: None,
            incident: None,
            decision: Decision { action: Action::Record, reason },
        }
    }
}

impl Recorder<'_> {
    fn record(&self, event: &Event) -> Result<Recorded, StoreError> {
        if let Some(number) = self.known(event)? {
            return Ok(Recorded { number, decision: None, alarm: None });
        }
        let blocks = forgotten::blocks(self.connection, event.recipient.as_str(), self.now)?;
        if blocks.iter().any(|block| block.refuses(self.stream(event))) {
            let decision = Decision { action: Action::Record, reason: "forgotten, so not kept".into() };
            return Ok(Recorded { number: 0, decision: Some(decision), alarm: Some(Alarm::Forgotten) });
        }
        let (judged, alarm) = self.judge(event)?;
        Ok(Recorded { number: judged.number, decision: Some(judged.decision), alarm })
    }

    fn known(&self, event: &Event) -> Result<Option<i64>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT number FROM event WHERE id = ?1")?;
        Ok(statement.query_row([&event.id.0], |row| row.get(0)).optional()?)
    }

    /// Decides, and writes the event's row and what changes on the list.
    fn judge(&self, event: &Event) -> Result<(Judged, Option<Alarm>), StoreError> {
        let occurrence = self.occurrence(event, self.stream(event))?;
        let mut judged = Judged::of(&occurrence);
        if !event.origin.is_proved() {
            self.insert(event, &judged)?;
            return Ok((judged, None));
        }
        let (changes, opened) = self.decide(event, occurrence, &mut judged)?;
        self.insert(event, &judged)?;
        history::apply(self.connection, event.recipient.as_str(), &changes)?;
        let alarm = match opened {
            Some(opened) => Some(Alarm::Incident(opened)),
            None => self.alarm(event, &judged)?,
        };
        Ok((judged, alarm))
    }

    /// What the event does to the list; what an incident holds back is decided anew without it.
    fn decide(
        &self,
        event: &Event,
        mut occurrence: Occurrence,
        judged: &mut Judged,
    ) -> Result<(Vec<Change>, Option<Opened>), StoreError> {
        let history = match counts(event.kind) {
            true => history::load(self.connection, event.recipient.as_str(), Some(&occurrence))?,
            false => History::default(),
        };
        let decide = |occurrence, history| decide(&event.recipient, occurrence, history, self.rules, self.now);
        let (decision, changes) = decide(occurrence.clone(), history.clone());
        judged.decision = decision;
        let Some(Joined { held, opened, .. }) = self.incident(event, judged)? else { return Ok((changes, None)) };
        let Some(held) = held else { return Ok((changes, opened)) };
        occurrence.held_by = Some(held);
        let (decision, changes) = decide(occurrence, history);
        let action = if held.released { Action::Record } else { Action::Hold };
        judged.decision = Decision { action, ..decision };
        Ok((changes, opened))
    }

    /// The stream of the mail that an event is about.
    fn stream(&self, event: &Event) -> &str {
        let mail = stream::Mail {
            sender: event.evidence.sender.as_deref(),
            sasl_user: None,
            headers: event.evidence.headers.as_deref(),
        };
        stream::of(&self.rules.streams, &mail)
    }

    fn occurrence(&self, event: &Event, stream: &str) -> Result<Occurrence, StoreError> {
        let next = "SELECT coalesce(max(number), 0) + 1 FROM event";
        let e = &event.evidence;
        Ok(Occurrence {
            number: self.connection.prepare_cached(next)?.query_row([], |row| row.get(0))?,
            id: event.id.0.clone(),
            // A reporter's clock may run ahead; nothing has happened later than now.
            at: event.at.min(self.now),
            kind: event.kind,
            side: e.side,
            message: [&e.provider_id, &e.message_id].into_iter().flatten().cloned().collect(),
            stream: stream.to_owned(),
            held_by: None,
        })
    }

    /// The incident that a suppression is part of.
    fn incident(&self, event: &Event, judged: &mut Judged) -> Result<Option<Joined>, StoreError> {
        let bounced = matches!(event.kind, Kind::HardBounce | Kind::SoftBounce);
        let Some(diagnostic) = event.evidence.diagnostic.as_deref().filter(|_| bounced) else { return Ok(None) };
        if !matches!(judged.decision.action, Action::Suppress { .. }) {
            return Ok(None);
        }
        judged.fingerprint = fingerprint(diagnostic, &event.recipient);
        let Some(fingerprint) = &judged.fingerprint else { return Ok(None) };
        let joined = incident::join(self.connection, event, fingerprint, self.rules)?;
        judged.incident = joined.as_ref().map(|joined| joined.number);
        Ok(joined)
    }

    fn alarm(&self, event: &Event, judged: &Judged) -> Result<Option<Alarm>, StoreError> {
        if judged.decision.reason.ends_with(" is protected") {
            return Ok(Some(Alarm::Protected));
        }
        let reason = event.evidence.reason;
        if !refuses_us(event) {
            return Ok(None);
        }
        let since = timestamp_text(self.now.checked_sub(ALARM_INTERVAL).unwrap_or(Timestamp::MIN));
        let sql = "SELECT EXISTS (SELECT 1 FROM event WHERE reason = ?1 AND received > ?2 AND number < ?3 \
                     AND side = 'sender' AND (reason = 'notverified' OR reason = 'relayrefused' OR reason = 'throttled') \
                     AND origin <> 'unproved')";
        let row = params![reason.as_str(), since, judged.number];
        let told: bool = self.connection.prepare_cached(sql)?.query_row(row, |row| row.get(0))?;
        Ok((!told).then_some(Alarm::Relay(reason)))
    }

    /// Writes the event's row.
    fn insert(&self, event: &Event, judged: &Judged) -> Result<(), StoreError> {
        let e = &event.evidence;
        let row: [(&str, &dyn ToSql); 27] = [
            ("number", &judged.number),
            ("id", &event.id.0),
            ("received", &timestamp_text(self.now)),
            ("at", &timestamp_text(event.at)),
            ("address", &event.recipient.as_str()),
            ("reported", &event.reported),
            ("kind", &event.kind.as_str()),
            ("reason", &e.reason.as_str()),
            ("side", &e.side.as_str()),
            ("status", &e.status.map(|status| status.to_string())),
            ("diagnostic", &self.diagnostic(event)),
            ("source", &event.source.as_str()),
            ("origin", &event.origin.as_str()),
            ("reporting_mta", &e.reporting_mta),
            ("remote_mta", &e.remote_mta),
            ("sender", &e.sender),
            ("message_id", &e.message_id),
            ("provider_id", &e.provider_id),
            ("queue_id", &e.queue_id),
            ("channel", &e.channel),
            ("headers", &e.headers),
            ("rule", &e.rule),
            ("stream", &judged.stream),
            ("fingerprint", &judged.fingerprint),
            ("incident", &judged.incident),
            ("action", &judged.decision.action.as_str()),
            ("decision", &judged.decision.reason),
        ];
        let columns = row.map(|(column, _)| column).join(", ");
        let sql = format!("INSERT INTO event ({columns}) VALUES (?{})", ", ?".repeat(row.len() - 1));
        self.connection.prepare_cached(&sql)?.execute(&row.map(|(_, value)| value)[..])?;
        Ok(())
    }

    fn diagnostic(&self, event: &Event) -> Option<String> {
        let diagnostic = event.evidence.diagnostic.as_deref()?;
        Some(if self.mask { without_addresses(diagnostic) } else { diagnostic.to_owned() })
    }
}

/// Whether the relay itself does not take our mail: the account, its limits, its identities.
fn refuses_us(event: &Event) -> bool {
    let e = &event.evidence;
    let by_ses = || e.remote_mta.as_deref().is_some_and(|mta| mta.contains("amazonaws.com"));
    e.side == Side::Sender
        && match e.reason {
            Reason::NotVerified | Reason::RelayRefused => true,
            Reason::Throttled => by_ses(),
            _ => false,
        }
}

/// A text with `<address>` for each address in it.
pub(super) fn without_addresses(text: &str) -> String {
    let masked = text.split(' ').map(|word| if word.contains('@') { "<address>" } else { word });
    masked.collect::<Vec<_>>().join(" ")
}

fn count_refusals(connection: &Connection, address: &str, count: u64, now: Timestamp) -> Result<(), StoreError> {
    if !forgotten::blocks(connection, address, now)?.is_empty() {
        return Ok(());
    }
    let last = timestamp_text(now);
    let sql = "INSERT INTO refusal (address, day, count, last) VALUES (?1, substr(?3, 1, 10), ?2, ?3) \
               ON CONFLICT (address, day) DO UPDATE SET count = count + excluded.count, last = excluded.last";
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    connection.prepare_cached(sql)?.execute(params![address, count, last])?;
    Ok(())
}
