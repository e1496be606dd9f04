//! Reads an SNS message of the quarantine again, by the program of now.
//!
//! Its origin was proved when it came in, or it would not be there; that is not checked again.

use serde::{Deserialize, Serialize};

use super::ses::{self, Context, Understood};
use crate::event::{Door, Origin, Why, timestamp_text};
use crate::store::{QuarantineEntry, Quarantined, Submission};

/// What is kept of a [`Context`] beside the text.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    message_id: String,
    topic: String,
    at: String,
}

/// A context as the quarantine keeps it; `None` never, but JSON says it could.
pub(super) fn envelope(context: &Context<'_>) -> Option<String> {
    let kept =
        Kept { message_id: context.message_id.into(), topic: context.topic.into(), at: timestamp_text(context.at) };
    serde_json::to_string(&kept).ok()
}

/// What is recorded about an entry now; `None` if it is no SNS message of ours. It stays in quarantine while anything in
/// it is not understood.
#[must_use]
pub fn replay(entry: &QuarantineEntry, content: &[u8]) -> Option<Submission> {
    let kept: Kept =
        serde_json::from_str(entry.envelope.as_deref().filter(|_| entry.door == Door::Sns.as_str())?).ok()?;
    let (origin, text) = (Origin::parse(&entry.origin)?, String::from_utf8_lossy(content));
    let context = Context { message_id: &kept.message_id, topic: &kept.topic, origin, at: kept.at.parse().ok()? };
    let (events, why) = match ses::events(&text, &context) {
        Ok(Understood { events, unreadable }) => (events, unreadable.into_iter().next()),
        Err(why) => (Vec::new(), Some(why.0)),
    };
    let again = why.map(|detail| Quarantined {
        id: entry.id.clone(),
        door: Door::Sns,
        why: Why::NotUnderstood,
        detail,
        origin,
        envelope: entry.envelope.clone(),
        content: content.to_vec(),
    });
    Some(Submission { events, quarantined: again.into_iter().collect(), ..Submission::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> QuarantineEntry {
        let at = "2026-11-21T09:00:00Z".parse().unwrap();
        let context = Context { message_id: "m1", topic: "arn", origin: Origin::SnsSignature, at };
        QuarantineEntry {
            number: 1,
            id: "sns:m1".into(),
            received: "2026-11-21T09:00:01Z".into(),
            door: Door::Sns.as_str().into(),
            why: "not-understood".into(),
            detail: "not known then".into(),
            origin: "sns-signature".into(),
            envelope: envelope(&context),
            size: i64::try_from(text.len()).unwrap(),
        }
    }

    #[test]
    fn a_message_that_is_understood_now_gives_its_events_and_leaves() {
        let text = include_str!("ses/sample_bounce.json");
        let submission = replay(&entry(text), text.as_bytes()).unwrap();
        assert!(!submission.events.is_empty() && submission.quarantined.is_empty());
        assert!(submission.events.iter().all(|event| event.origin == Origin::SnsSignature));
    }

    #[test]
    fn a_message_that_is_not_understood_stays() {
        let submission = replay(&entry("{}"), b"{}").unwrap();
        assert_eq!((submission.events.len(), submission.quarantined.len()), (0, 1));
        assert_eq!(replay(&QuarantineEntry { envelope: None, ..entry("{}") }, b"{}"), None);
        assert_eq!(replay(&QuarantineEntry { door: "pipe".into(), ..entry("{}") }, b"{}"), None);
    }
}
