//! What Amazon SES says in an SNS message, as events.
//!
//! Protocol: SES Developer Guide, "Amazon SNS notification contents" (`notificationType`) and "event data that Amazon
//! SES publishes to Amazon SNS" (`eventType`). Every field but the type may be missing or null.
//!
//! Each recipient is judged by itself. A complaint's recipients are *candidates*: SES lists everybody the message went
//! to at the complaining domain. With more than one candidate nobody is called a complainant; all get a
//! [`Kind::Notice`], because one of them never complained. The same holds for opens, clicks and subscription changes,
//! which name no recipient but those of the message.
//!
//! On failure: [`Misunderstood`]. Recipients that are no addresses are returned beside the events of the others.
//! Not promised: anything about who sent it; that is proved before.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use self::json::Json;
use self::verdict::{Message, Verdict};
use crate::address::{Address, AddressError};
use crate::event::{Event, EventId, Evidence, Kind, MAX_NAME, Origin, Source, printable};

mod json;
mod mail;
mod verdict;

/// Recipients read from one message; SES allows 50.
const MAX_RECIPIENTS: usize = 1000;
/// What SNS and SES send to try out a new topic.
const VALIDATIONS: [&str; 2] = [
    "Successfully validated SNS topic for Amazon SES event publishing.",
    "Successfully validated SNS topic for Amazon SES notification publishing.",
];

/// What is known of a message besides its text.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// SNS's id of the message.
    pub message_id: &'a str,
    /// The topic it came by.
    pub topic: &'a str,
    /// How its origin is proved.
    pub origin: Origin,
    /// When SNS took it; stands in for times that SES leaves out.
    pub at: Timestamp,
}

/// What a message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Understood {
    /// One for each recipient. None for a validation message.
    pub events: Vec<Event>,
    /// Recipients that are no addresses, printable, each with what is wrong.
    pub unreadable: Vec<String>,
}

/// Why a message says nothing we know; printable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misunderstood(pub String);

impl fmt::Display for Misunderstood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misunderstood {}

/// Reads the text of an SNS message.
///
/// # Errors
/// [`Misunderstood`]: it is no event of SES, or one that names nobody.
pub fn events(message: &str, context: &Context<'_>) -> Result<Understood, Misunderstood> {
    if VALIDATIONS.contains(&message.trim()) {
        return Ok(Understood::default());
    }
    let value: Value = serde_json::from_str(message).map_err(|_| Misunderstood("not JSON".to_owned()))?;
    let root = Json(&value);
    let name = event_name(root).ok_or_else(|| Misunderstood("neither notificationType nor eventType".to_owned()))?;
    match name {
        "AmazonSnsSubscriptionSucceeded" => Ok(Understood::default()),
        "Bounce" => read(root, context, "bounce", "bouncedRecipients", verdict::bounce),
        "Complaint" => read(root, context, "complaint", "complainedRecipients", verdict::complaint),
        "Delivery" => read(root, context, "delivery", "recipients", verdict::delivery),
        "DeliveryDelay" => read(root, context, "deliveryDelay", "delayedRecipients", verdict::delay),
        "Send" => read(root, context, "send", "", verdict::send),
        "Reject" => read(root, context, "reject", "", verdict::reject),
        "Rendering Failure" => read(root, context, "failure", "", verdict::rendering_failure),
        "Open" => read(root, context, "open", "", verdict::open),
        "Click" => read(root, context, "click", "", verdict::click),
        "Subscription" => read(root, context, "subscription", "", verdict::subscription),
        other => Err(Misunderstood(format!("event type {} is not known", printable(other, 100)))),
    }
}

/// Whether a body is an SES event without an SNS envelope around it: what raw delivery sends.
#[must_use]
pub fn is_bare(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|value| event_name(Json(&value)).is_some())
}

fn event_name(root: Json<'_>) -> Option<&str> {
    root.text("eventType").or_else(|| root.text("notificationType"))
}

/// Judges one recipient: the event's object, the recipient's entry, the message.
type Judge = fn(Json<'_>, Json<'_>, Message<'_>) -> Verdict;

/// Reads the recipients under `list` of the event's object `object`; of the message itself, where `list` is empty.
fn read(
    root: Json<'_>,
    context: &Context<'_>,
    object: &str,
    list: &str,
    judge: Judge,
) -> Result<Understood, Misunderstood> {
    let (event, mail) = (root.get(object), root.get("mail"));
    let recipients = if list.is_empty() { mail.get("destination") } else { event.get(list) };
    let recipients = distinct(recipients.list().take(MAX_RECIPIENTS));
    let mut understood = Understood::default();
    let reader =
        Reader { context, event, evidence: mail::evidence(mail, context), at: at(event, mail, context, object) };
    let senders: Vec<_> = reader.evidence.sender.iter().cloned().collect();
    let message = Message { recipients: recipients.len(), senders: &senders };
    let is_empty = recipients.is_empty();
    for (entry, reported, address) in recipients {
        match address {
            Ok(address) => {
                let verdict = judge(event, entry, message);
                understood.events.push(reader.event(address, reported, entry, verdict));
            }
            Err(why) => understood.unreadable.push(format!("recipient \"{}\" {why}", printable(reported, MAX_NAME))),
        }
    }
    if is_empty { Err(Misunderstood(format!("{object} names no recipient"))) } else { Ok(understood) }
}

/// An entry, whom it names as it is written there, and as we write him.
type Named<'a> = (Json<'a>, &'a str, Result<Address, AddressError>);

/// Entries with the address that each names; an address named twice counts once.
fn distinct<'a>(entries: impl Iterator<Item = Json<'a>>) -> Vec<Named<'a>> {
    let mut seen = std::collections::HashSet::new();
    let named = |entry: Json<'a>| {
        let text = entry.as_text().or_else(|| entry.text("emailAddress")).unwrap_or_default();
        (entry, text, Address::parse_reported(text))
    };
    let mut is_new = |text: &str, address: &Result<Address, AddressError>| {
        seen.insert(address.as_ref().map_or(text, Address::as_str).to_owned())
    };
    entries.map(named).filter(|(_, text, address)| is_new(text, address)).collect()
}

/// When it happened. `send`, `reject` and `failure` have no time of their own: theirs is that of the message.
fn at(event: Json<'_>, mail: Json<'_>, context: &Context<'_>, object: &str) -> Timestamp {
    let of_message = matches!(object, "send" | "reject" | "failure").then(|| mail.time("timestamp")).flatten();
    event.time("timestamp").or(of_message).unwrap_or(context.at)
}

/// What all events of one message share.
struct Reader<'a> {
    context: &'a Context<'a>,
    event: Json<'a>,
    evidence: Evidence,
    at: Timestamp,
}

impl Reader<'_> {
    fn event(&self, recipient: Address, reported: &str, entry: Json<'_>, verdict: Verdict) -> Event {
        let mta = |name: &str| self.event.text(name).map(|text| printable(&without_type(text, "dns"), MAX_NAME));
        let diagnostic = entry.text("diagnosticCode").map(|text| without_type(text, "smtp"));
        Event {
            id: self.id(verdict.kind, &recipient),
            kind: verdict.kind,
            at: self.at,
            recipient,
            reported: printable(reported, MAX_NAME),
            source: Source::Ses,
            origin: self.context.origin,
            evidence: Evidence {
                reason: verdict.reason,
                side: verdict.side,
                status: verdict.status,
                diagnostic: diagnostic.or_else(|| self.event.text("smtpResponse").map(diagnostic_text)),
                reporting_mta: mta("reportingMTA"),
                remote_mta: mta("remoteMtaIp"),
                rule: Some(printable(&verdict.rule, MAX_NAME)),
                ..self.evidence.clone()
            },
        }
    }

    /// `feedbackId` is the same when one bounce comes by both shapes; `mail.messageId` is shared by all that ever
    /// happens to a message, so it is never used.
    fn id(&self, kind: Kind, recipient: &Address) -> EventId {
        let id = match self.event.text("feedbackId") {
            Some(feedback) if !feedback.is_empty() => format!("ses:{}", printable(feedback, MAX_NAME)),
            _ => format!("sns:{}", self.context.message_id),
        };
        EventId(format!("{id}:{kind}:{recipient}"))
    }
}

/// A field of RFC 3464 without its type: `smtp; 550 …` is `550 …`.
fn without_type(text: &str, kind: &str) -> String {
    let text = match text.split_once(';') {
        Some((before, rest)) if before.trim().eq_ignore_ascii_case(kind) => rest,
        _ => text,
    };
    diagnostic_text(text)
}

fn diagnostic_text(text: &str) -> String {
    printable(text, crate::event::MAX_DIAGNOSTIC)
}

#[cfg(test)]
mod tests;
