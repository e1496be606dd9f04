//! SES events that come as mail: an SNS topic with an e-mail or e-mail-JSON subscription.
//!
//! The JSON may be the event, or an SNS envelope around it; pretty-printed; wrapped by a mail program; followed by SNS's
//! unsubscribe notice. What it says is read by [`ses`], as at the webhook: only the recipients that the event is about,
//! never `mail.source`. A signature in the envelope is not looked at: the origin of the mail has to be proved.
//!
//! Limits: one event per mail, and those of [`ses`]. What is no SES event is `None`.

use jiff::Timestamp;
use serde_json::{Deserializer, Value};

use super::{Finding, Nature, Reading, Unnamed};
use crate::event::{Event, Evidence, Kind, MAX_NAME, Origin, printable};
use crate::ingress::sns::ses::{self, Context, Understood};

/// Reads the SES event in the words of a mail or in a payload; `at` stands in for times that SES leaves out.
#[must_use]
pub fn read(words: &str, at: Option<Timestamp>) -> Option<Reading> {
    if !["notificationType", "eventType", "\"Message\""].iter().any(|w| words.contains(w)) {
        return None;
    }
    let text = words.get(words.find('{')?..)?;
    let value = first_value(text).or_else(|| first_value(&text.replace(['\r', '\n'], "")))?;
    let field = |name: &str| value.get(name).and_then(Value::as_str);
    let message = field("Message").map_or_else(|| value.to_string(), str::to_owned);
    // A bare event has no id of its own.
    let message_id =
        field("MessageId").map_or_else(|| super::submission::digest(message.as_bytes()), |id| printable(id, MAX_NAME));
    let topic = printable(field("TopicArn").unwrap_or_default(), MAX_NAME);
    let context = Context {
        message_id: &message_id,
        topic: &topic,
        origin: Origin::Unproved,
        at: at.unwrap_or(Timestamp::UNIX_EPOCH),
    };
    ses::events(&message, &context).ok().map(reading)
}

fn first_value(text: &str) -> Option<Value> {
    Deserializer::from_str(text).into_iter::<Value>().next()?.ok()
}

fn reading(understood: Understood) -> Reading {
    let unnamed = |why| Unnamed { kind: Kind::Notice, reported: String::new(), why, evidence: Evidence::default() };
    Reading {
        nature: Nature::SnsJson,
        family: "ses-event",
        findings: understood.events.into_iter().map(finding).collect(),
        unnamed: understood.unreadable.into_iter().map(unnamed).collect(),
    }
}

fn finding(event: Event) -> Finding {
    let Event { id, kind, at, recipient, reported, source, mut evidence, .. } = event;
    evidence.channel = evidence.channel.filter(|topic| !topic.is_empty());
    let at = Some(at).filter(|at| *at != Timestamp::UNIX_EPOCH);
    Finding { id: Some(id), kind, recipient, reported, at, source, evidence }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounce(kind: &str, sub: &str, recipient: &str) -> String {
        format!(
            r#"{{"notificationType":"Bounce","bounce":{{"bounceType":"{kind}","bounceSubType":"{sub}","timestamp":"2026-11-21T08:46:25Z",
            "bouncedRecipients":[{recipient}]}},"mail":{{"source":"us@example.net","destination":["dave@example.com"],"messageId":"01"}}}}"#
        )
    }

    fn only(words: &str) -> Finding {
        let mut reading = read(words, None).unwrap();
        assert_eq!(reading.findings.len(), 1);
        reading.findings.remove(0)
    }

    #[test]
    fn the_recipient_that_bounced_is_found_and_nobody_else() {
        let finding = only(&bounce("Permanent", "General", r#"{"emailAddress":"bob@example.com"}"#));
        assert_eq!((finding.kind, finding.recipient.as_str()), (Kind::HardBounce, "bob@example.com"));
        assert_eq!(finding.at.unwrap().to_string(), "2026-11-21T08:46:25Z");
    }

    #[test]
    fn wrapped_json_and_an_envelope_around_it_are_read() {
        let inner = bounce("Permanent", "General", r#"{"emailAddress":"bob@example.com"}"#);
        let envelope = serde_json::json!({"Type": "Notification", "MessageId": "m-1", "TopicArn": "arn:aws:sns:x:1:t", "Message": inner});
        let envelope = envelope.to_string();
        let finding = only(&envelope);
        assert_eq!(finding.evidence.channel.as_deref(), Some("arn:aws:sns:x:1:t"));
        assert_eq!(finding.id.unwrap().0, "sns:m-1:hard_bounce:bob@example.com");
        let wrapped = envelope.replace("emailAddress", "email\nAddress")
            + "\n--\nIf you wish to stop receiving notifications {…}";
        assert_eq!(only(&wrapped).recipient.as_str(), "bob@example.com");
    }

    #[test]
    fn hostile_json_is_no_event() {
        for text in
            ["", "{", "{\"eventType\":1}", "{\"Message\":\"{\"}", &format!("eventType{}", "{\"a\":".repeat(5000))]
        {
            assert!(read(text, None).is_none());
        }
    }
}
