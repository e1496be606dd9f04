//! The store as the webhook door sees it: hands in, and logs what became of each event.

use std::sync::{Arc, PoisonError, RwLock};

use crate::ingress::Sink;
use crate::store::{Readers, Receipt, StoreError, Submission, TopicState, Writer};
use crate::telemetry::maillog;

/// The daemon's writer and readers, and the topics of its configuration.
pub(super) struct Ledger {
    writer: Writer,
    readers: Arc<Readers>,
    topics: RwLock<Vec<String>>,
}

impl Ledger {
    pub(super) fn new(writer: Writer, readers: Arc<Readers>, topics: Vec<String>) -> Self {
        Self { writer, readers, topics: RwLock::new(topics) }
    }

    /// Applies other topics of the configuration.
    pub(super) fn set_topics(&self, topics: Vec<String>) {
        *self.topics.write().unwrap_or_else(PoisonError::into_inner) = topics;
    }

    fn is_configured(&self, arn: &str) -> bool {
        self.topics.read().unwrap_or_else(PoisonError::into_inner).iter().any(|topic| topic == arn)
    }
}

impl Sink for Ledger {
    async fn submit(&self, submission: Submission) -> Result<Receipt, StoreError> {
        let submission = Arc::new(submission);
        let receipt = self.writer.submit(Arc::clone(&submission)).await?;
        for (event, recorded) in submission.events.iter().zip(&receipt.events) {
            maillog::report(event, recorded);
        }
        Ok(receipt)
    }

    /// What an operator decided at the command line goes before the configuration.
    fn topic_state(&self, arn: &str) -> Result<Option<TopicState>, StoreError> {
        Ok(match self.readers.topic(arn)? {
            Some(TopicState::Pending) | None if self.is_configured(arn) => Some(TopicState::Allowed),
            state => state,
        })
    }
}
