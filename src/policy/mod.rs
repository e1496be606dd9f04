//! Decides what one event does to the list: pure, so that every rule can be tested at a fixed time.
//!
//! Three kinds of event can suppress: a hard bounce, a soft bounce, a complaint. Each has a [`Rule`]: how many events,
//! within what time, on how many different days, and for how long the address is then refused. Nothing else ever
//! suppresses: not an unproved report, not what was the sender's fault, not a report older than the release of the
//! address by an operator.

use std::collections::BTreeSet;
use std::fmt;

use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};

use crate::event::{Event, Kind, Side, timestamp_text};

/// The rules of the configuration, `[policy.*]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Addresses that do not work.
    pub hard: Rule,
    /// Messages that did not arrive.
    pub soft: Rule,
    /// Messages called spam.
    pub complaint: Rule,
}

/// When events of one kind suppress, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Number of events that suppress; 0 never does.
    pub after: u32,
    /// The events lie within this time of the newest.
    pub within: SignedDuration,
    /// The events fall on at least so many different days (UTC).
    pub on_days: u32,
    /// How long, for the first time, the second time, …; the last holds for all further times. Not empty.
    pub suppress_for: Vec<Term>,
}

/// How long an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// A time from the event on.
    For(SignedDuration),
    /// Until an operator releases it.
    Forever,
}

/// What is known of an address before the event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Times of earlier events of the same kind that could still count; see `History::counts_from`.
    pub occurrences: Vec<Timestamp>,
    /// The newest delivery.
    pub last_delivery: Option<Timestamp>,
    /// When an operator last took it off the list.
    pub released: Option<Timestamp>,
    /// The newest event of this kind that suppressed: its predecessors are used up.
    pub last_suppressed: Option<Timestamp>,
    /// How often events of this kind have suppressed it since then and the last delivery.
    pub times_suppressed: u32,
    /// The entry in force.
    pub current: Option<Current>,
}

/// An entry in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current {
    /// Its end; `None` for until released.
    pub until: Option<Timestamp>,
}

/// What an event does, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What it does to the list.
    pub action: Action,
    /// Why, for `suppressd why` and the log.
    pub reason: String,
}

/// What an event does to the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Refuse mail to the recipient until then; `None` until released.
    Suppress {
        /// End of the entry.
        until: Option<Timestamp>,
    },
    /// Keep the event and change nothing.
    Record,
}

impl Action {
    /// The word for it in the database, the log and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suppress { .. } => "suppressed",
            Self::Record => "recorded",
        }
    }
}

impl Rules {
    /// The rule for a kind of event; `None` where no number of such events suppresses.
    #[must_use]
    pub const fn for_kind(&self, kind: Kind) -> Option<&Rule> {
        match kind {
            Kind::HardBounce => Some(&self.hard),
            Kind::SoftBounce => Some(&self.soft),
            Kind::Complaint => Some(&self.complaint),
            _ => None,
        }
    }
}

impl Default for Rules {
    /// The defaults of the configuration.
    fn default() -> Self {
        let days = |n: i64| SignedDuration::from_hours(24 * n);
        let at_once = Rule { after: 1, within: days(14), on_days: 1, suppress_for: vec![Term::Forever] };
        Self {
            hard: at_once.clone(),
            complaint: at_once,
            soft: Rule {
                after: 5,
                within: days(14),
                on_days: 3,
                suppress_for: vec![Term::For(days(7)), Term::For(days(30)), Term::Forever],
            },
        }
    }
}

impl History {
    /// Events before this time no longer count: a delivery (for soft bounces), a release or an earlier suppression
    /// has settled them.
    fn counts_from(&self, kind: Kind) -> Option<Timestamp> {
        let delivery = self.last_delivery.filter(|_| kind == Kind::SoftBounce);
        delivery.max(self.released).max(self.last_suppressed)
    }
}

/// Decides what `event` does to the list.
#[must_use]
pub fn decide(event: &Event, history: &History, rules: &Rules, now: Timestamp) -> Decision {
    match verdict(event, history, rules, now) {
        Ok((until, reason)) => Decision { action: Action::Suppress { until }, reason },
        Err(reason) => Decision { action: Action::Record, reason },
    }
}

/// The end of the suppression and its reason, or why there is none.
fn verdict(
    event: &Event,
    history: &History,
    rules: &Rules,
    now: Timestamp,
) -> Result<(Option<Timestamp>, String), String> {
    let rule = rules.for_kind(event.kind).ok_or_else(|| format!("{} never suppresses", Words(event.kind)))?;
    if !event.origin.is_proved() {
        return Err("its origin is not proved".into());
    }
    if event.evidence.side == Side::Sender {
        return Err("not the recipient's fault".into());
    }
    // A reporter's clock may run ahead; nothing has happened later than now.
    let at = event.at.min(now);
    if let Some(released) = history.released.filter(|released| at <= *released) {
        return Err(format!("older than the release of {}", timestamp_text(released)));
    }
    let why = enough(event.kind, at, history, rule)?;
    let until = end(rule, history.times_suppressed, at);
    if until.is_some_and(|until| until <= now) {
        return Err(format!("{why}, but its time is over"));
    }
    match history.current {
        Some(Current { until: None }) => Err("suppressed already".into()),
        Some(Current { until: Some(current) }) if until.is_some_and(|until| until <= current) => {
            Err(format!("suppressed already until {}", timestamp_text(current)))
        }
        _ => Ok((until, why)),
    }
}

/// Whether the events that count reach the rule's number and days.
fn enough(kind: Kind, at: Timestamp, history: &History, rule: &Rule) -> Result<String, String> {
    let from = history.counts_from(kind);
    if from.is_some_and(|from| at < from) {
        return Err(format!("{} before a delivery or an earlier suppression", Words(kind)));
    }
    let times = || history.occurrences.iter().copied().chain([at]).filter(|t| from.is_none_or(|from| *t > from));
    let newest = times().fold(at, Timestamp::max);
    let window: Vec<_> = times().filter(|t| newest.duration_since(*t) < rule.within).collect();
    let days = window.iter().map(|t| Zoned::new(*t, TimeZone::UTC).date()).collect::<BTreeSet<_>>().len();
    let count = window.len().max(1);
    if rule.after == 0 {
        return Err(format!("{} never suppresses", Words(kind)));
    }
    if count < rule.after as usize || days.max(1) < rule.on_days as usize {
        return Err(format!("{} {count} of {}, on day {days} of {}", Words(kind), rule.after, rule.on_days));
    }
    Ok(match rule.after {
        1 => Words(kind).to_string(),
        _ => format!("{} {count} of {} on {days} days", Words(kind), rule.after),
    })
}

fn end(rule: &Rule, times_suppressed: u32, at: Timestamp) -> Option<Timestamp> {
    let term = rule.suppress_for.get(times_suppressed as usize).or(rule.suppress_for.last());
    match term {
        Some(Term::For(time)) => at.checked_add(*time).ok(),
        Some(Term::Forever) | None => None,
    }
}

/// A kind in words, as in "hard bounce".
pub struct Words(pub Kind);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.as_str().replace('_', " "))
    }
}

#[cfg(test)]
mod tests;
