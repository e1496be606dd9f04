//! Decides what one event does to the list: pure, so that every rule can be tested at a fixed time.
//!
//! Four kinds of event can suppress: a hard bounce, a soft bounce, a complaint, an unsubscribe. Each has a [`Rule`]: how many
//! events, within what time, on how many different days, and for how long mail is then refused, a ladder that climbs with each
//! relapse. Nothing else ever suppresses: not an unproved report, not what was the sender's fault, not a report older than
//! the release of the address by an operator, not one about a protected address.
//!
//! The list is what the events of an address come to ([`standing`]): [`decide`] compares that without and with the new event, and
//! the difference is what changes. So what an operator changed by hand stays as he made it until an event really
//! says something new, and other rules count from the next event on that they make a difference to.

mod fingerprint;
mod pattern;
mod rules;
mod standing;
pub mod stream;

use std::fmt;

use jiff::Timestamp;

pub use fingerprint::fingerprint;
pub use pattern::Pattern;
pub use rules::{IncidentRule, Rule, Rules, Scope, Term, Then};
pub use standing::{Entries, Entry, Held, Occurrence};
pub use stream::Stream;

use crate::address::Address;
use crate::event::{Kind, timestamp_text};

/// What the database knows of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Its events that can count, in any order.
    pub occurrences: Vec<Occurrence>,
    /// Its entries, in force or not.
    pub listed: Vec<Listed>,
    /// Events from before this time are deleted, and a late one no longer counts.
    pub horizon: Option<Timestamp>,
}

/// An entry of the list as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The stream that it refuses; empty for all mail.
    pub stream: String,
    /// What it is.
    pub entry: Entry,
    /// An operator put it there, by command, import or SQL.
    pub by_operator: bool,
}

/// A change of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The entry of this stream is to be that.
    Put(String, Entry),
    /// The entry of this stream is to go: the events no longer come to it.
    Drop(String),
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
    /// It would suppress, but is part of an incident that nobody has settled.
    Hold,
    /// Keep the event and refuse no more than before.
    Record,
}

impl Action {
    /// The word for it in the database, the log and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suppress { .. } => "suppressed",
            Self::Hold => "held",
            Self::Record => "recorded",
        }
    }
}

impl History {
    /// What holds whatever the events say: entries that come from before the horizon.
    fn start(&self) -> Entries {
        let old = |listed: &&Listed| !listed.by_operator && self.horizon.is_some_and(|h| listed.entry.since < h);
        self.listed.iter().filter(old).map(|listed| (listed.stream.clone(), listed.entry.clone())).collect()
    }

    fn listed(&self, stream: &str) -> Option<&Listed> {
        self.listed.iter().find(|listed| listed.stream == stream)
    }
}

/// Whether events of this kind can change what an address comes to.
#[must_use]
pub const fn counts(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::HardBounce | Kind::SoftBounce | Kind::Complaint | Kind::Unsubscribe | Kind::Delivery | Kind::Removed
    )
}

/// Decides what a new event of an address does to the list.
#[must_use]
pub fn decide(
    address: &Address,
    event: Occurrence,
    mut history: History,
    rules: &Rules,
    now: Timestamp,
) -> (Decision, Vec<Change>) {
    let record = |reason: String| (Decision { action: Action::Record, reason }, Vec::new());
    if !counts(event.kind) {
        return record(format!("{} never suppresses", Words(event.kind)));
    }
    if let Some(horizon) = history.horizon.filter(|horizon| event.at < *horizon) {
        return record(format!("older than what is kept, since {}", timestamp_text(horizon)));
    }
    let start = history.start();
    let before = standing::standing(address, &start, &history.occurrences, rules, event.number).entries;
    let number = event.number;
    history.occurrences.push(event);
    let after = standing::standing(address, &start, &history.occurrences, rules, number);
    let (text, known_in) = after.remark.map_or_else(Default::default, |remark| (remark.text, remark.known_in));
    let changes = changes(&before, &after.entries, &history, known_in.as_deref());
    (decision(number, &changes, &history, text, now), changes)
}

/// The entries that the events of an address come to, whatever the list says now.
#[must_use]
pub fn outcome(address: &Address, history: &History, rules: &Rules) -> Entries {
    standing::standing(address, &history.start(), &history.occurrences, rules, 0).entries
}

/// What is to change when what the events come to changes from `before` to `after`. In the stream `known_in` an event found
/// the recipient suppressed already; if the list does not say so, somebody ended the entry by hand, and it begins anew.
#[must_use]
pub fn changes(before: &Entries, after: &Entries, history: &History, known_in: Option<&str>) -> Vec<Change> {
    let mut changes = Vec::new();
    for (stream, entry) in after {
        let listed = history.listed(stream);
        let covered = listed.is_some_and(|listed| covers(&listed.entry, entry));
        let known = before.get(stream);
        if known.is_some_and(|known| known != entry && known.is_at_another_step_of(entry)) {
            // Nothing but the step is new: what an operator changed by hand stays.
            let same = listed.filter(|listed| !listed.by_operator && listed.entry.is_at_another_step_of(entry));
            changes.extend(same.map(|_| Change::Put(stream.clone(), entry.clone())));
            continue;
        }
        let new = known != Some(entry);
        let stays = if listed.is_none_or(|listed| listed.by_operator) { covered } else { !new && covered };
        if !stays && (new || known_in == Some(stream)) {
            changes.push(Change::Put(stream.clone(), entry.clone()));
        }
    }
    let gone = before.keys().filter(|stream| !after.contains_key(*stream));
    changes.extend(
        gone.filter(|stream| history.listed(stream).is_some_and(|listed| !listed.by_operator))
            .map(|stream| Change::Drop(stream.clone())),
    );
    changes
}

/// Whether an entry lasts at least as long as another.
fn covers(entry: &Entry, other: &Entry) -> bool {
    match (entry.until, other.until) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(until), Some(other)) => until >= other,
    }
}

fn decision(number: i64, changes: &[Change], history: &History, remark: String, now: Timestamp) -> Decision {
    let put = || {
        changes
            .iter()
            .filter_map(|change| if let Change::Put(stream, entry) = change { Some((stream, entry)) } else { None })
    };
    let more = |stream: &str, entry: &Entry| history.listed(stream).is_none_or(|listed| !covers(&listed.entry, entry));
    if let Some((_, entry)) = put().find(|(stream, entry)| entry.in_force(now) && more(stream, entry)) {
        return Decision { action: Action::Suppress { until: entry.until }, reason: entry.why.clone() };
    }
    let reason = match put().find(|(_, entry)| entry.event == number) {
        Some((_, entry)) if entry.in_force(now) => format!("{remark}, suppressed already"),
        Some(_) => format!("{remark}, but its time is over"),
        None => remark,
    };
    Decision { action: Action::Record, reason }
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
