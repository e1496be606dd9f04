//! One line for each mail event, in Postfix's manner: a stable language that log tools can read.
//!
//! `to=<bob@example.com>, kind=hard_bounce, status=5.1.1, source=ses, action=suppressed, event=7`

use std::fmt::Write as _;

use crate::event::{Event, MAX_DIAGNOSTIC, MAX_NAME, bracketed, printable};
use crate::store::{Alarm, Recorded, StoredEvent};

/// Logs an event that was recorded, and what an operator should hear of beyond it.
pub fn report(event: &Event, recorded: &Recorded) {
    match &recorded.alarm {
        Some(Alarm::Forgotten) => return log::info!("kind={}, action=recorded (forgotten, so not kept)", event.kind),
        Some(Alarm::Incident(opened)) => log::warn!(
            "incident {}: one diagnostic for {} recipients at {}: their suppressions are held back; see suppressd incidents",
            opened.number,
            opened.recipients,
            word(&opened.place)
        ),
        Some(Alarm::Relay(reason)) => log::error!(
            "the relay does not take our mail ({reason}): {}; nobody is suppressed for it",
            event.evidence.diagnostic.as_deref().unwrap_or("no reason given")
        ),
        Some(Alarm::Protected) => {
            log::warn!("a report would suppress protected {}", bracketed(event.recipient.as_str()))
        }
        None => {}
    }
    log::info!("{}", line(event, recorded));
}

/// The line for an event that was recorded.
#[must_use]
pub fn line(event: &Event, recorded: &Recorded) -> String {
    let mut line = format!("to={}, kind={}", bracketed(event.recipient.as_str()), event.kind);
    if let Some(status) = event.evidence.status {
        let _ = write!(line, ", status={status}");
    }
    let _ = write!(line, ", reason={}, source={}, origin={}", event.evidence.reason, event.source, event.origin);
    if let Some(queue_id) = &event.evidence.queue_id {
        let _ = write!(line, ", queue_id={}", word(queue_id));
    }
    let _ = write!(line, ", action={}", recorded.action());
    if let Some(decision) = &recorded.decision {
        let _ = write!(line, " ({})", decision.reason);
    }
    let _ = write!(line, ", event={}", recorded.number);
    line
}

/// The line for an event of the database, which anybody may have written; with its time in front, and what the receiving
/// system said, to the end of the line.
#[must_use]
pub fn stored_line(event: &StoredEvent) -> String {
    let mut line = format!("{} to={}, kind={}", word(&event.at), bracketed(&event.address), word(&event.kind));
    let words = [
        ("status", event.status.as_deref()),
        ("reason", Some(event.reason.as_str())),
        ("source", Some(&event.source)),
        ("origin", Some(&event.origin)),
        ("stream", Some(event.stream.as_str()).filter(|stream| !stream.is_empty())),
        ("queue_id", event.queue_id.as_deref()),
        ("provider_id", event.provider_id.as_deref()),
    ];
    for (name, text) in words {
        if let Some(text) = text {
            let _ = write!(line, ", {name}={}", word(text));
        }
    }
    let _ = write!(line, ", action={} ({})", word(&event.action), printable(&event.decision, MAX_NAME));
    if let Some(incident) = event.incident {
        let _ = write!(line, ", incident={incident}");
    }
    let _ = write!(line, ", event={}", event.number);
    if let Some(diagnostic) = &event.diagnostic {
        let _ = write!(line, ", said={}", printable(diagnostic, MAX_DIAGNOSTIC));
    }
    line
}

/// A stranger's text as one word of a line: what could be taken for the line's own syntax is replaced.
#[must_use]
pub fn word(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.@+:/".contains(c) { c } else { '?' }).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::event::{EventId, Evidence, Kind, Origin, Reason, Side, Source};
    use crate::policy::{Action, Decision};
    use crate::status::EnhancedStatus;

    #[test]
    fn a_line_is_postfix_like_and_cannot_be_forged() {
        let event = Event {
            id: EventId("1".into()),
            kind: Kind::HardBounce,
            at: jiff::Timestamp::UNIX_EPOCH,
            recipient: Address::parse("bob@example.com").unwrap(),
            reported: "Bob@example.com".into(),
            source: Source::Dsn,
            origin: Origin::Local,
            evidence: Evidence {
                reason: Reason::UserUnknown,
                side: Side::Recipient,
                status: Some(EnhancedStatus::new(5, 1, 1)),
                queue_id: Some("8A8D, action=x\n".into()),
                ..Evidence::default()
            },
        };
        let decision = Decision { action: Action::Suppress { until: None }, reason: "hard bounce".into() };
        assert_eq!(
            line(&event, &Recorded { number: 7, decision: Some(decision), alarm: None }),
            "to=<bob@example.com>, kind=hard_bounce, status=5.1.1, reason=userunknown, source=dsn, origin=local, \
             queue_id=8A8D??action?x?, action=suppressed (hard bounce), event=7"
        );
    }
}
