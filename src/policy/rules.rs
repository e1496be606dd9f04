//! The rules as the configuration has them, and their defaults.

use jiff::SignedDuration;

use super::{Pattern, Stream};
use crate::event::Kind;

/// `[policy]` and `[[stream]]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Addresses that do not work.
    pub hard: Rule,
    /// Messages that did not arrive.
    pub soft: Rule,
    /// Messages called spam.
    pub complaint: Rule,
    /// Recipients who want no more.
    pub unsubscribe: Rule,
    /// Whom no event ever suppresses.
    pub protected: Vec<Pattern>,
    /// The kinds of mail.
    pub streams: Vec<Stream>,
    /// When suppressions are held back.
    pub incident: IncidentRule,
}

/// When events of one kind suppress, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Number of events of different messages that suppress; 0 never does.
    pub after: u32,
    /// The events lie within this time of the newest.
    pub within: SignedDuration,
    /// The events fall on at least so many different days (UTC).
    pub on_days: u32,
    /// What then happens.
    pub then: Then,
    /// How long, for the first time, the second time, …; the last holds for all further times. Not empty.
    pub suppress_for: Vec<Term>,
    /// So long after the end of a suppression without a new one, the ladder starts at its bottom again.
    pub quiet: SignedDuration,
    /// Which mail is refused.
    pub scope: Scope,
}

/// What happens when a rule is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Mail to the recipient is refused.
    Suppress,
    /// Nothing but that the event says so.
    Record,
}

/// Which mail a suppression refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All mail.
    All,
    /// Mail of the stream that the event came from; all mail, where it is in none.
    Stream,
}

/// How long an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// A time from the event on.
    For(SignedDuration),
    /// Until an operator releases it.
    Forever,
}

/// When a burst of one diagnostic is an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncidentRule {
    /// More recipients than this; 0 for never.
    pub recipients: u32,
    /// Within this time.
    pub within: SignedDuration,
}

impl Rules {
    /// The rule for a kind of event; `None` where no number of such events suppresses.
    #[must_use]
    pub const fn for_kind(&self, kind: Kind) -> Option<&Rule> {
        match kind {
            Kind::HardBounce => Some(&self.hard),
            Kind::SoftBounce => Some(&self.soft),
            Kind::Complaint => Some(&self.complaint),
            Kind::Unsubscribe => Some(&self.unsubscribe),
            _ => None,
        }
    }
}

impl Default for Rules {
    /// The defaults of the configuration.
    fn default() -> Self {
        let days = |n: i64| SignedDuration::from_hours(24 * n);
        let hard = Rule {
            after: 1,
            within: days(14),
            on_days: 1,
            then: Then::Suppress,
            suppress_for: vec![Term::Forever],
            quiet: days(90),
            scope: Scope::All,
        };
        Self {
            soft: Rule {
                after: 5,
                on_days: 3,
                suppress_for: vec![Term::For(days(7)), Term::For(days(30)), Term::Forever],
                ..hard.clone()
            },
            complaint: Rule { scope: Scope::Stream, ..hard.clone() },
            unsubscribe: Rule { then: Then::Record, scope: Scope::Stream, ..hard.clone() },
            hard,
            protected: ["postmaster@", "abuse@"].iter().filter_map(|text| Pattern::parse(text)).collect(),
            streams: Vec::new(),
            incident: IncidentRule { recipients: 10, within: SignedDuration::from_mins(15) },
        }
    }
}
