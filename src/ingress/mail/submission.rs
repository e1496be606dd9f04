//! From a mail to what the store records: one place for pipe(8), LMTP and the replay of the quarantine.
//!
//! A report of a proved origin gives events that count. An unproved one gives events that suppress nobody, and the mail
//! itself goes to quarantine as untrusted. What is no report, or names nobody, goes to quarantine as not understood.

use jiff::Timestamp;

use super::origin::{Envelope, Trust, prove};
use super::{Finding, Nature, Reading, mime::Mail, read_with};
use crate::address::Address;
use crate::event::{Door, Event, EventId, Kind, Origin, Reason, Side, Why, printable};
use crate::outcome::Outcome;
use crate::store::{Quarantined, Receipt, Submission};
use crate::telemetry::maillog;

/// Most bytes of a mail that are kept in quarantine. Postfix returns 50,000 bytes of a message (`bounce_size_limit`).
pub const MAX_KEPT: usize = 256 * 1024;

/// What is recorded about a mail.
#[must_use]
pub fn submission(mail: &[u8], envelope: &Envelope, trust: &Trust, door: Door, now: Timestamp) -> Submission {
    let origin = prove(&Mail::read(mail).header(), envelope, trust);
    let reading = read_with(mail, &trust.verp);
    let digest = digest(mail);
    let own = [&envelope.recipient, &envelope.original_recipient].map(|own| Address::parse(own).ok());
    let events = reading.findings.iter().map(|finding| {
        let is_own = own.iter().flatten().any(|own| *own == finding.recipient);
        event(finding, is_own, origin, &digest, envelope, now)
    });
    let events = events.collect();
    let quarantined = quarantine(&reading, origin).map(|(why, detail)| Quarantined {
        id: format!("mail:{digest}"),
        door,
        why,
        detail,
        origin,
        content: mail.get(..MAX_KEPT).unwrap_or(mail).to_vec(),
    });
    Submission { events, quarantined: quarantined.into_iter().collect(), ..Submission::default() }
}

/// What the door answers once the submission is recorded.
#[must_use]
pub fn outcome(submission: &Submission) -> Outcome {
    match submission.quarantined.first().map(|kept| kept.why) {
        Some(Why::Untrusted) => Outcome::Forged,
        Some(Why::Malformed | Why::NotUnderstood) => Outcome::Malformed,
        None => Outcome::Accepted,
    }
}

fn event(finding: &Finding, is_own: bool, origin: Origin, digest: &str, envelope: &Envelope, now: Timestamp) -> Event {
    let mut evidence = finding.evidence.clone();
    evidence.channel.get_or_insert_with(|| printable(&envelope.recipient, crate::event::MAX_NAME));
    let mut kind = finding.kind;
    if is_own {
        // A report about the bounce address itself must not cut us off from all others.
        kind = Kind::Notice;
        evidence.side = Side::Sender;
        evidence.reason = Reason::MailLoop;
        evidence.rule = Some("bounce-address".into());
    }
    let id = match &finding.id {
        Some(id) => id.0.clone(),
        None => format!("mail:{digest}:{kind}:{}", finding.recipient),
    };
    // A copy that nothing proves must not make the genuine one a duplicate.
    let scope = if origin.is_proved() { "" } else { "unproved:" };
    Event {
        id: EventId(format!("{scope}{id}")),
        kind,
        at: finding.at.unwrap_or(now),
        recipient: finding.recipient.clone(),
        reported: printable(&finding.reported, 320),
        source: finding.source,
        origin,
        evidence,
    }
}

/// Logs what became of a mail.
pub fn report(submission: &Submission, receipt: &Receipt, envelope: &Envelope) {
    for (event, recorded) in submission.events.iter().zip(&receipt.events) {
        log::info!("{}", maillog::line(event, recorded));
    }
    for kept in submission.quarantined.iter().filter(|_| receipt.quarantined > 0) {
        let queue_id = printable(&envelope.queue_id, 20);
        log::warn!("{}: {queue_id}: kept in quarantine, {}: {}", kept.door, kept.why, kept.detail);
    }
}

/// Whether the mail itself is kept, and why.
fn quarantine(reading: &Reading, origin: Origin) -> Option<(Why, String)> {
    let says_something = !reading.findings.is_empty();
    if says_something && !origin.is_proved() {
        return Some((Why::Untrusted, format!("{}, and nothing proves where it comes from", reading.nature.as_str())));
    }
    if let Some(unnamed) = reading.unnamed.first() {
        let what = format!("{} about somebody unnamed: {}", reading.nature.as_str(), unnamed.why);
        return Some((Why::NotUnderstood, printable(&what, 300)));
    }
    let expected = matches!(reading.nature, Nature::AutoReply | Nature::Disposition);
    (!says_something && !expected)
        .then(|| (Why::NotUnderstood, format!("{}: no recipient in it", reading.nature.as_str())))
}

/// The same mail, handed in again by Postfix, has the same digest.
#[must_use]
pub fn digest(mail: &[u8]) -> String {
    openssl::sha::sha256(mail).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
