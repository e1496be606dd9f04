//! What the events of one address come to: a fold over them in the order of their own times.
//!
//! Because the order is that of the events and not that of their arrival, a late report counts where it belongs, and
//! neither order nor duplication of reports changes what comes out. Of two events of one second, the smaller id goes first,
//! and a release last.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{Timestamp, Zoned, tz::TimeZone};

use super::{Rule, Rules, Scope, Term, Then, Words};
use crate::address::Address;
use crate::event::{Kind, Side, timestamp_text};

/// One event of an address, as far as the rules look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Its number in the database.
    pub number: i64,
    /// Its idempotency key.
    pub id: String,
    /// When it happened; never later than when it was received.
    pub at: Timestamp,
    /// What happened.
    pub kind: Kind,
    /// Whose fault.
    pub side: Side,
    /// The message that it is about, by each of its ids: SES's and its own; several reports of one message count once.
    pub message: Vec<String>,
    /// The stream of the message; of a release, the only stream that it is about. Empty for none.
    pub stream: String,
    /// The incident by which it does not count.
    pub held_by: Option<Held>,
}

/// An incident by which an event does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its number.
    pub incident: i64,
    /// An operator has released it; otherwise nobody has settled it yet.
    pub released: bool,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { incident, released: false } => write!(f, "held back by incident {incident}"),
            Self { incident, released: true } => write!(f, "incident {incident} released"),
        }
    }
}

/// A suppression that events come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What put it there.
    pub kind: Kind,
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None` until released.
    pub until: Option<Timestamp>,
    /// Number of the event that completed it.
    pub event: i64,
    /// How often it has come to this; 0 once a delivery has shown that the mailbox works.
    pub step: u32,
    /// The rule that was met, in words.
    pub why: String,
}

impl Occurrence {
    /// Whether it is a release of what is refused in this stream.
    fn releases(&self, stream: &str) -> bool {
        self.kind == Kind::Removed && (self.stream.is_empty() || self.stream == stream)
    }
}

impl Rules {
    /// The stream in which an event counts.
    fn stream_of<'e>(&self, event: &'e Occurrence) -> &'e str {
        let in_stream = self.for_kind(event.kind).is_some_and(|rule| rule.scope == Scope::Stream);
        if in_stream { &event.stream } else { "" }
    }
}

impl Entry {
    /// Whether both are one suppression, whatever step each says.
    pub(super) fn is_at_another_step_of(&self, other: &Self) -> bool {
        (self.kind, self.since, self.until, self.event) == (other.kind, other.since, other.until, other.event)
    }

    /// Whether it refuses mail at a time.
    #[must_use]
    pub fn in_force(&self, at: Timestamp) -> bool {
        self.until.is_none_or(|until| until > at)
    }
}

/// Entries by stream; the empty name is all mail.
pub type Entries = BTreeMap<String, Entry>;

/// What an event meant when its turn came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remark {
    /// In words.
    pub text: String,
    /// The stream in which it found the recipient suppressed before.
    pub known_in: Option<String>,
}

/// What events come to, and what one of them meant.
pub(super) struct Standing {
    pub entries: Entries,
    pub remark: Option<Remark>,
}

/// Goes through the events of an address. `start` is what is left of events that are no longer there; `watched` is the
/// number of the event to remark on.
pub(super) fn standing(
    address: &Address,
    start: &Entries,
    occurrences: &[Occurrence],
    rules: &Rules,
    watched: i64,
) -> Standing {
    let mut order: Vec<&Occurrence> = occurrences.iter().collect();
    order.sort_by(|a, b| (a.at, a.kind == Kind::Removed, &a.id).cmp(&(b.at, b.kind == Kind::Removed, &b.id)));
    let protected = rules.protected.iter().find(|pattern| pattern.matches(address)).map(ToString::to_string);
    let mut fold = Fold { rules, protected, entries: start.clone(), counters: BTreeMap::new() };
    for (stream, entry) in start {
        let counter = fold.counters.entry((entry.kind, stream.clone())).or_default();
        (counter.climbed, counter.ended) = (entry.step, entry.until);
    }
    let mut remark = None;
    let mut watched_stream = "";
    for occurrence in order {
        let made = fold.take(occurrence);
        if occurrence.number == watched {
            (remark, watched_stream) = (Some(made), rules.stream_of(occurrence));
        } else if remark.is_some() && occurrence.releases(watched_stream) {
            let text = format!("older than the release of {}", timestamp_text(occurrence.at));
            remark = Some(Remark { text, known_in: None });
        }
    }
    Standing { entries: fold.entries, remark }
}

struct Fold<'a> {
    rules: &'a Rules,
    protected: Option<String>,
    entries: Entries,
    counters: BTreeMap<(Kind, String), Counter>,
}

/// Events of one kind on the way to a suppression.
#[derive(Default)]
struct Counter {
    times: Vec<Timestamp>,
    messages: BTreeSet<String>,
    /// Steps of the ladder climbed.
    climbed: u32,
    /// End of the last suppression.
    ended: Option<Timestamp>,
}

impl Fold<'_> {
    fn take(&mut self, event: &Occurrence) -> Remark {
        match event.kind {
            Kind::Delivery => self.delivered(event.at),
            Kind::Removed => self.released(event),
            kind => match self.rules.for_kind(kind) {
                Some(rule) => self.report(event, rule),
                None => says(format!("{} never suppresses", Words(kind))),
            },
        }
    }

    /// The mailbox works: soft bounces before do not count, and the ladders start at their bottom.
    fn delivered(&mut self, at: Timestamp) -> Remark {
        for ((kind, _), counter) in &mut self.counters {
            match kind {
                Kind::SoftBounce => *counter = Counter::default(),
                Kind::HardBounce => counter.climbed = 0,
                _ => {}
            }
        }
        let soft = self.entries.values_mut().filter(|entry| entry.kind == Kind::SoftBounce && entry.in_force(at));
        let mut ended = 0;
        for entry in soft {
            entry.until = Some(at);
            ended += 1;
        }
        // The row remembers it when the delivery is deleted.
        let climbed =
            |entry: &&mut Entry| matches!(entry.kind, Kind::SoftBounce | Kind::HardBounce) && entry.until.is_some();
        self.entries.values_mut().filter(climbed).for_each(|entry| entry.step = 0);
        says(if ended > 0 { "delivery ends the suppression" } else { "delivery never suppresses" })
    }

    fn released(&mut self, event: &Occurrence) -> Remark {
        self.entries.retain(|stream, _| !event.releases(stream));
        self.counters.retain(|(_, stream), _| !event.releases(stream));
        says("released")
    }

    fn report(&mut self, event: &Occurrence, rule: &Rule) -> Remark {
        if event.side == Side::Sender {
            return says("not the recipient's fault");
        }
        if let Some(pattern) = &self.protected {
            return says(format!("{}, but {pattern} is protected", Words(event.kind)));
        }
        if let Some(held) = event.held_by {
            return says(format!("{}, {held}", Words(event.kind)));
        }
        let stream = self.rules.stream_of(event).to_owned();
        if let Some(remark) = self.suppressed_already(event, &stream) {
            return remark;
        }
        let counter = self.counters.entry((event.kind, stream.clone())).or_default();
        match counter.count(event, rule) {
            Err(text) => says(text),
            Ok(why) if rule.then == Then::Record => says(format!("{why}, to be recorded only")),
            Ok(why) => {
                let (step, until) = counter.climb(event.at, rule);
                let entry = Entry { kind: event.kind, since: event.at, until, event: event.number, step, why };
                let remark = says(&entry.why);
                self.enter(stream, entry);
                remark
            }
        }
    }

    fn suppressed_already(&self, event: &Occurrence, stream: &str) -> Option<Remark> {
        let entry = self.entries.get(stream).filter(|entry| entry.in_force(event.at))?;
        let text = match entry.until {
            None => "suppressed already".to_owned(),
            Some(until) if entry.kind == event.kind => format!("suppressed already until {}", timestamp_text(until)),
            Some(_) => return None,
        };
        Some(Remark { text, known_in: Some(stream.to_owned()) })
    }

    /// The entry that lasts longer stays.
    fn enter(&mut self, stream: String, entry: Entry) {
        let lasts = |entry: &Entry| entry.until.unwrap_or(Timestamp::MAX);
        match self.entries.get(&stream) {
            Some(known) if known.in_force(entry.since) && lasts(known) >= lasts(&entry) => {}
            _ => drop(self.entries.insert(stream, entry)),
        }
    }
}

impl Counter {
    /// Counts one more event: the rule that it meets, or how far it is from that.
    fn count(&mut self, event: &Occurrence, rule: &Rule) -> Result<String, String> {
        let kind = Words(event.kind);
        if rule.after == 0 {
            return Err(format!("{kind} never suppresses"));
        }
        let is_known = event.message.iter().any(|id| self.messages.contains(id));
        self.messages.extend(event.message.iter().cloned());
        if is_known {
            return Err(format!("{kind} of a message that counts already"));
        }
        self.times.retain(|time| event.at.duration_since(*time) < rule.within);
        self.times.push(event.at);
        let days: BTreeSet<_> = self.times.iter().map(|time| Zoned::new(*time, TimeZone::UTC).date()).collect();
        let (count, days) = (self.times.len(), days.len());
        if count < rule.after as usize || days < rule.on_days as usize {
            return Err(format!("{kind} {count} of {}, on day {days} of {}", rule.after, rule.on_days));
        }
        Ok(if rule.after == 1 { kind.to_string() } else { format!("{kind} {count} of {} on {days} days", rule.after) })
    }

    /// The step of the ladder that is reached, and until when it lasts. What led there is used up.
    fn climb(&mut self, at: Timestamp, rule: &Rule) -> (u32, Option<Timestamp>) {
        if self.ended.is_some_and(|ended| at.duration_since(ended) >= rule.quiet) {
            self.climbed = 0;
        }
        let term = rule.suppress_for.get(self.climbed as usize).or(rule.suppress_for.last());
        let until = match term {
            Some(Term::For(time)) => at.checked_add(*time).ok(),
            Some(Term::Forever) | None => None,
        };
        self.times.clear();
        self.climbed = self.climbed.saturating_add(1);
        self.ended = until;
        (self.climbed, until)
    }
}

fn says(text: impl Into<String>) -> Remark {
    Remark { text: text.into(), known_in: None }
}
