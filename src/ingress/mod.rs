//! The doors by which reports come in: each parses, proves the origin, and hands over what it understood.
//!
//! A door acknowledges only what [`Sink::submit`] has returned `Ok` for, so that acknowledged means durable. What is
//! proved but not understood is handed over too, as [`Quarantined`]: nothing is dropped silently.

use std::fmt;
use std::future::Future;

use jiff::Timestamp;

use crate::event::{Event, Origin};

pub mod http;
pub mod log_limit;
pub mod sns;

/// Where a door hands in what it took: the store's writer, or a stand-in in a test.
pub trait Sink: Send + Sync + 'static {
    /// Commits everything in `submission`, or nothing. Submitting the same thing again changes nothing.
    ///
    /// # Errors
    /// [`SubmitError`]: our own trouble; nothing was recorded, and whoever handed it in is to try again.
    fn submit(&self, submission: Submission) -> impl Future<Output = Result<Receipt, SubmitError>> + Send;

    /// Whether events of the SNS topic `arn` count.
    ///
    /// # Errors
    /// [`SubmitError`], where the store can't tell: that is never [`TopicState::Unknown`], or events would be lost.
    fn topic_state(&self, arn: &str) -> impl Future<Output = Result<TopicState, SubmitError>> + Send;
}

/// What one request, mail or command hands in; committed as one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submission {
    /// What was understood.
    pub events: Vec<Event>,
    /// What was not.
    pub quarantine: Vec<Quarantined>,
    /// What became of an SNS subscription.
    pub topic: Option<TopicChange>,
}

/// Something that came in and is kept for an operator to look at, or to replay after an upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The door's name.
    pub door: &'static str,
    /// Why it is here.
    pub why: Why,
    /// What was wrong, for a person; printable.
    pub detail: String,
    /// What came in, byte for byte.
    pub content: Vec<u8>,
    /// How its origin is proved.
    pub origin: Origin,
    /// What makes a second copy a duplicate.
    pub key: String,
}

/// Why something is in quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Not in the form that the door takes.
    Malformed,
    /// Its origin is not proved.
    Untrusted,
    /// Proved and well formed, but it says nothing we know.
    NotUnderstood,
}

/// What became of the subscription of an SNS topic to our endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicChange {
    /// A genuine request of a topic that is not allowed yet. The store keeps at most 100 of these, the newest per topic.
    Pending {
        /// The topic.
        arn: String,
        /// What to visit to confirm it; checked by [`sns::subscription`] and to be checked again before the visit.
        subscribe_url: String,
        /// SNS's id of the request.
        message_id: String,
        /// When SNS sent it.
        at: Timestamp,
    },
    /// An allowed topic's subscription was confirmed.
    Confirmed {
        /// The topic.
        arn: String,
    },
    /// Somebody ended the subscription of an allowed topic.
    Unsubscribed {
        /// The topic.
        arn: String,
    },
}

/// What the operator said about a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicState {
    /// Its events count, and its subscription is confirmed at once.
    Allowed,
    /// Refused, and not kept as pending.
    Denied,
    /// Refused; a genuine subscription request is kept as pending.
    Unknown,
}

/// What the store did with a submission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Events that were new.
    pub recorded: usize,
    /// Events known already.
    pub duplicates: usize,
}

/// Why the store did not take a submission. All of these are our own trouble and pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// Another process holds the database, or too much is waiting.
    Busy,
    /// No space left.
    Full,
    /// The database can't be written.
    ReadOnly,
    /// The daemon is about to end.
    ShuttingDown,
    /// Anything else; the store has logged it.
    Failed,
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "the database is busy",
            Self::Full => "no space left for the database",
            Self::ReadOnly => "the database is read-only",
            Self::ShuttingDown => "shutting down",
            Self::Failed => "the database failed",
        })
    }
}

impl std::error::Error for SubmitError {}
