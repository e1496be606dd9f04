//! The doors by which reports come in: each parses, proves the origin, judges, and hands over what it understood.
//!
//! A door acknowledges only what [`Sink::submit`] has returned `Ok` for, so that acknowledged means durable. What is
//! proved but not understood is handed over too, as [`crate::store::Quarantined`]: nothing is dropped silently.

pub mod classify;
pub mod http;
pub mod lmtp;
pub mod mail;
pub mod pairs;
pub mod pipe;
pub mod sns;

use crate::store::{Receipt, StoreError, Submission, TopicState};

/// Where a webhook hands in what it took: the daemon's store, or one in trouble in a test.
pub trait Sink: Send + Sync + 'static {
    /// Commits everything in `submission`, or nothing. Submitting the same thing again changes nothing.
    ///
    /// # Errors
    /// Our own trouble; nothing was recorded, and whoever handed it in is to try again.
    fn submit(&self, submission: Submission) -> impl Future<Output = Result<Receipt, StoreError>> + Send;

    /// What an operator said about an SNS topic; `None` where nobody has decided.
    ///
    /// # Errors
    /// Where the store can't tell: that is never `None`, or events would be lost.
    fn topic_state(&self, arn: &str) -> Result<Option<TopicState>, StoreError>;
}
