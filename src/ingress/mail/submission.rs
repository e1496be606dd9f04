//! From a mail to what the store records: one place for pipe(8), LMTP and the replay of the quarantine.
//!
//! A report of a proved origin gives events that count. An unproved one gives events that suppress nobody, and the mail
//! itself goes to quarantine as untrusted, except an automatic answer that says nothing. What is no report, or names nobody,
//! goes to quarantine as not understood.
//! Where only the DNS is missing to prove a report, there is no submission yet: the mail is to come again.

use jiff::Timestamp;
use openssl::sha::sha256;

use super::origin::{Envelope, NoAnswer, Proof, Trust, prove};
use super::{Finding, Nature, Reading, read_with};
use crate::event::{Door, Event, EventId, Kind, Origin, Reason, Side, Why, bracketed, printable};
use crate::log_limit::LogLimit;
use crate::outcome::Outcome;
use crate::store::{Alarm, QuarantineEntry, Quarantined, Receipt, StoreError, Submission};
use crate::telemetry::maillog;

/// What the id of a mail in quarantine begins with; its digest follows.
pub const ID: &str = "mail:";
/// Most bytes of a mail that are kept in quarantine. Postfix returns 50,000 bytes of a message (`bounce_size_limit`).
pub const MAX_KEPT: usize = 256 * 1024;

/// What is recorded about a mail.
///
/// # Errors
/// [`NoAnswer`]: nothing is to be recorded now.
pub fn submission(
    mail: &[u8],
    envelope: &Envelope,
    trust: &Trust,
    door: Door,
    now: Timestamp,
) -> Result<Submission, NoAnswer> {
    known_as(&digest(mail), mail, envelope, trust, door, now)
}

/// The same for a mail of which only a part may be left, under the digest that it had as a whole.
///
/// # Errors
/// [`NoAnswer`].
pub fn known_as(
    digest: &str,
    mail: &[u8],
    envelope: &Envelope,
    trust: &Trust,
    door: Door,
    now: Timestamp,
) -> Result<Submission, NoAnswer> {
    // Postfix's pipe(8) has a name for the null sender; without one, whoever runs us there need not have told.
    let from_nobody = envelope.sender == "MAILER-DAEMON" || envelope.sender.is_empty() && door == Door::Lmtp;
    let reading = read_with(mail, &trust.verp, from_nobody);
    let proof = prove(mail, !reading.findings.is_empty(), envelope, trust, now)?;
    let events = events(&reading, &proof, digest, envelope, now);
    let all_proved = events.iter().all(|event| event.origin.is_proved());
    let quarantined = kept(&reading, &proof, all_proved).map(|(why, detail)| Quarantined {
        id: format!("{ID}{digest}"),
        door,
        why,
        detail,
        origin: if all_proved { proof.origin() } else { Origin::Unproved },
        envelope: serde_json::to_string(envelope).ok(),
        content: mail.get(..MAX_KEPT).unwrap_or(mail).to_vec(),
    });
    Ok(Submission { events, quarantined: quarantined.into_iter().collect(), ..Submission::default() })
}

/// A mail that says nothing which could be recorded: it is kept for an operator.
#[must_use]
pub fn unrecordable(mail: &[u8], envelope: &Envelope, door: Door, detail: String) -> Submission {
    let kept = Quarantined {
        id: format!("{ID}{}", digest(mail)),
        door,
        why: Why::Malformed,
        detail,
        origin: Origin::Unproved,
        envelope: serde_json::to_string(envelope).ok(),
        content: mail.get(..MAX_KEPT).unwrap_or(mail).to_vec(),
    };
    Submission { quarantined: vec![kept], ..Submission::default() }
}

/// The same for a mail that the store refused and will always refuse; `None` where `error` may pass.
#[must_use]
pub fn refused(mail: &[u8], envelope: &Envelope, door: Door, error: &StoreError) -> Option<Submission> {
    (!error.is_temporary()).then(|| unrecordable(mail, envelope, door, format!("the database refuses it: {error}")))
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

/// What a mail says, as the store takes it: one event for each recipient.
#[must_use]
pub fn events(reading: &Reading, proof: &Proof, digest: &str, envelope: &Envelope, now: Timestamp) -> Vec<Event> {
    reading.findings.iter().map(|finding| event(finding, proof, digest, envelope, now)).collect()
}

fn event(finding: &Finding, proof: &Proof, digest: &str, envelope: &Envelope, now: Timestamp) -> Event {
    let origin = proof.about(&finding.recipient);
    let mut evidence = finding.evidence.clone();
    evidence.channel.get_or_insert_with(|| printable(&envelope.recipient, crate::event::MAX_NAME));
    let mut kind = finding.kind;
    if envelope.came_to(finding.recipient.as_str()) {
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

/// Logs what became of a mail: a line for each event that counts, and one for a mail that is kept in quarantine, however
/// many it speaks about.
pub fn report(submission: &Submission, receipt: &Receipt, envelope: &Envelope, limit: &LogLimit) {
    for (event, recorded) in submission.events.iter().zip(&receipt.events) {
        if event.origin.is_proved() || recorded.alarm == Some(Alarm::Forgotten) {
            maillog::report(event, recorded);
        }
    }
    for kept in submission.quarantined.iter().filter(|_| !receipt.is_forgotten()) {
        let before = if receipt.quarantined > 0 { "" } else { " before" };
        let (queue_id, about) = (maillog::word(&envelope.queue_id), about(submission, receipt));
        let line =
            format!("{}: {queue_id}: kept in quarantine{before}, {}: {}{about}", kept.door, kept.why, kept.detail);
        limit.warn(kept.why.as_str(), &line);
    }
}

/// Whom the events that don't count speak about, at the end of a line.
fn about(submission: &Submission, receipt: &Receipt) -> String {
    let known = submission.events.iter().zip(&receipt.events);
    let known = known.filter(|(_, recorded)| recorded.alarm != Some(Alarm::Forgotten)).map(|(event, _)| event);
    let mut unproved = known.filter(|event| !event.origin.is_proved());
    match (unproved.next(), unproved.count()) {
        (None, _) => String::new(),
        (Some(event), 0) => format!("; it is about {}", bracketed(event.recipient.as_str())),
        (Some(event), more) => format!("; it is about {} and {more} more", bracketed(event.recipient.as_str())),
    }
}

/// Whether the mail itself is kept in quarantine, and why.
#[must_use]
pub fn kept(reading: &Reading, proof: &Proof, all_proved: bool) -> Option<(Why, String)> {
    let says_something = !reading.findings.is_empty();
    let expected = matches!(reading.nature, Nature::AutoReply | Nature::Disposition)
        && reading.findings.iter().all(|finding| finding.kind == Kind::Notice);
    if says_something && !all_proved && !expected {
        let nature = reading.nature.as_str();
        let why = match proof.origin() {
            Origin::ReturnPath => "its return path speaks for another recipient only",
            _ => "nothing proves where it comes from",
        };
        return Some((Why::Untrusted, format!("{nature}, and {why}")));
    }
    if let Some(unnamed) = reading.unnamed.first() {
        let what = format!("{} about somebody unnamed: {}", reading.nature.as_str(), unnamed.why);
        return Some((Why::NotUnderstood, printable(&what, 300)));
    }
    (!says_something && !expected)
        .then(|| (Why::NotUnderstood, format!("{}: no recipient in it", reading.nature.as_str())))
}

/// The same mail, handed in again by Postfix, has the same digest.
#[must_use]
pub fn digest(mail: &[u8]) -> String {
    sha256(mail).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Why an entry of the quarantine can't be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReplayed {
    /// It is no mail of ours, or its envelope is lost.
    NoEnvelope,
    /// The DNS does not answer now.
    NoAnswer,
}

/// Reads a mail of the quarantine again, by the program and configuration of now, as if it came in when it did.
///
/// # Errors
/// [`NotReplayed`].
pub fn replay(entry: &QuarantineEntry, mail: &[u8], trust: &Trust) -> Result<Submission, NotReplayed> {
    let envelope = entry.envelope.as_deref().and_then(|json| serde_json::from_str(json).ok());
    let digest = entry.id.strip_prefix(ID);
    let (envelope, digest) = envelope.zip(digest).ok_or(NotReplayed::NoEnvelope)?;
    let received = entry.received.parse().map_err(|_| NotReplayed::NoEnvelope)?;
    let door = Door::parse(&entry.door).ok_or(NotReplayed::NoEnvelope)?;
    known_as(digest, mail, &envelope, trust, door, received).map_err(|NoAnswer| NotReplayed::NoAnswer)
}
