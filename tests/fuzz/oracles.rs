//! What must hold for any input: one function for each fuzz target, each panics where it does not.
//!
//! Shared by the targets and by the test that runs every seed through every function.

mod files;
mod lookups;
mod webhook;

pub use files::{config, import};
pub use lookups::{policy, socketmap, tcp_table};
pub use webhook::webhook;

use jiff::Timestamp;
use serde_json::Value;
use suppressd::address::Address;
use suppressd::event::{Event, Evidence, Kind, MAX_DIAGNOSTIC, MAX_NAME, Origin, printable};
use suppressd::ingress::classify::{Action, Class, Facts, judge};
use suppressd::ingress::mail::{self, MAX_RECIPIENTS, Nature, Reading, arf, dsn};
use suppressd::ingress::sns::{message, ses};
use suppressd::return_path::verp;
use suppressd::status::EnhancedStatus;

/// A whole mail; half of them with a pattern of return paths, as reading each twice would halve the speed.
pub fn mail(data: &[u8]) {
    let patterns = verp::Pattern::parse("return-{user}={domain}").into_iter().filter(|_| data.len() % 2 == 1);
    check_reading(&mail::read_with(data, &patterns.collect::<Vec<_>>(), data.len() % 2 == 1));
}

/// The fields of a delivery status notification, and the judge of what they say.
pub fn dsn(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for report in [Some(dsn::Dsn::read(&text)), dsn::Dsn::in_words(&text)].into_iter().flatten() {
        assert!(report.recipients.len() <= MAX_RECIPIENTS);
        for recipient in &report.recipients {
            let who = recipient.addresses().next().unwrap_or_default();
            assert!(!who.is_empty());
            check_verdict(&recipient.diagnostic, who, recipient.status, recipient.action);
        }
    }
    check_verdict(&text, "bob@example.com", None, Action::Failed);
}

/// The fields of a feedback report.
pub fn arf(data: &[u8]) {
    let Some(feedback) = arf::Feedback::read(&String::from_utf8_lossy(data)) else { return };
    assert!(feedback.recipients.len() <= MAX_RECIPIENTS);
    assert!(matches!(feedback.kind, Kind::Complaint | Kind::Notice | Kind::Unsubscribe));
    assert!(feedback.recipients.iter().all(|r| r.contains('@') && !arf::is_redacted(r)));
}

/// An SNS envelope, and how its text is signed: every field that counts is in it.
pub fn sns(data: &[u8]) {
    for kind in ["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"] {
        let headers = message::Headers { message_type: Some(kind.to_owned()), ..message::Headers::default() };
        let Ok(message) = message::Message::parse(data, &headers) else { continue };
        let signed = message.string_to_sign();
        for part in [&message.message, &message.message_id, message.topic.as_str()] {
            assert!(signed.contains(&format!("\n{part}\n")), "{part} is not signed in {signed}");
        }
    }
    if let Some(reading) = mail::read_payload(&String::from_utf8_lossy(data)) {
        check_reading(&reading);
    }
}

/// What SES says in JSON: nobody is named who is not in it, and a bounce or complaint is called so there.
pub fn ses(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let context = ses::Context { message_id: "m", topic: "t", origin: Origin::Unproved, at: Timestamp::UNIX_EPOCH };
    let Ok(understood) = ses::events(&text, &context) else { return };
    assert!(understood.unreadable.iter().all(|text| !text.contains(char::is_control)));
    let mut said = Vec::new();
    texts(&serde_json::from_str(&text).unwrap_or_default(), &mut said);
    let says = |wanted: &str| said.iter().any(|text| text == wanted);
    for Event { recipient, evidence, reported, kind, origin, id, .. } in &understood.events {
        check_address(recipient);
        check_evidence(evidence);
        assert!(says(reported), "{reported} is not named");
        assert_eq!(*origin, Origin::Unproved);
        assert!(id.0.ends_with(&format!(":{kind}:{recipient}")));
        match kind {
            Kind::HardBounce | Kind::SoftBounce => assert!(says("Bounce"), "{kind} in {text}"),
            Kind::Complaint => assert!(says("Complaint") && understood.events.len() == 1, "{kind} in {text}"),
            _ => {}
        }
    }
}

/// Every text of a document, as the store would keep it.
fn texts(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(printable(text, MAX_NAME)),
        Value::Array(values) => values.iter().for_each(|value| texts(value, all)),
        Value::Object(members) => members.values().for_each(|value| texts(value, all)),
        _ => {}
    }
}

/// An address, as each door takes it.
pub fn address(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for parse in [Address::parse, Address::parse_reported, Address::parse_mailbox] {
        if let Ok(address) = parse(&text) {
            check_address(&address);
        }
    }
    // Only this one has any length.
    if let Ok(address) = Address::parse_lookup_key(&text) {
        assert_eq!(Address::parse_lookup_key(address.as_str()).as_ref(), Ok(&address));
    }
}

fn check_reading(reading: &Reading) {
    assert!(reading.findings.len() <= MAX_RECIPIENTS * 2 && reading.unnamed.len() <= MAX_RECIPIENTS * 2);
    for finding in &reading.findings {
        check_address(&finding.recipient);
        check_evidence(&finding.evidence);
        let transient = finding.evidence.status.is_some_and(is_transient);
        let by_words = reading.nature != Nature::SnsJson;
        assert!(!(by_words && transient && finding.kind == Kind::HardBounce), "hard by {finding:?}");
    }
    reading.unnamed.iter().for_each(|unnamed| check_evidence(&unnamed.evidence));
    let mut who: Vec<_> = reading.findings.iter().map(|f| f.recipient.as_str()).collect();
    who.sort_unstable();
    who.dedup();
    assert!(who.len() == reading.findings.len() || reading.nature == Nature::SnsJson, "named twice");
}

/// `x.0.0` says nothing; the reply code may still be permanent.
fn is_transient(status: EnhancedStatus) -> bool {
    status.class == 4 && (status.subject, status.detail) != (0, 0)
}

fn check_verdict(text: &str, recipient: &str, status: Option<EnhancedStatus>, action: Action) {
    let verdict = judge(&Facts { text, recipient, status, action, ..Facts::default() });
    if verdict.class == Class::Hard && verdict.reason != suppressd::event::Reason::Suppressed {
        assert!(!verdict.status.is_some_and(is_transient), "hard by {verdict:?}");
        assert!(action != Action::Delayed, "hard by {verdict:?}");
    }
}

/// The canonical form is a fixed point.
fn check_address(address: &Address) {
    let again = Address::parse(address.as_str());
    assert_eq!(again.as_ref().map(Address::as_str), Ok(address.as_str()));
}

fn check_evidence(evidence: &Evidence) {
    let long = |text: &Option<String>, most: usize| text.as_ref().is_some_and(|t| t.chars().count() > most + 1);
    assert!(!long(&evidence.diagnostic, MAX_DIAGNOSTIC));
    for name in [&evidence.reporting_mta, &evidence.remote_mta, &evidence.sender, &evidence.channel] {
        assert!(!long(name, MAX_NAME), "{name:?}");
    }
    assert!(!long(&evidence.headers, 3000));
    let texts = [&evidence.diagnostic, &evidence.reporting_mta, &evidence.remote_mta, &evidence.sender];
    assert!(texts.into_iter().flatten().all(|t| !t.contains(char::is_control)), "{evidence:?}");
}
