//! What an SES event means for one recipient.
//!
//! `bounceType` and `bounceSubType` first; a sub-type that is not known is judged by its type. Then what the receiving
//! system itself said, as [`crate::ingress::classify`] judges it, goes before: SES calls dead addresses Transient, full
//! mailboxes and our own faults Permanent, and lists recipients that are merely delayed in a Permanent bounce. Where the
//! receiving system said nothing that tells, `Permanent` is hard.
//! A Transient/General bounce without action, status or diagnostic is no DSN: SES reports vacation notices so. It is a
//! [`Kind::Notice`], because nobody may ever be suppressed for being on holiday.

use super::json::Json;
use crate::event::{Kind, Reason, Side};
use crate::ingress::classify::{self, Action, Class, Facts, Speaker, judge};
use crate::status::EnhancedStatus;

/// What happened to one recipient, and why we say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub kind: Kind,
    pub reason: Reason,
    pub side: Side,
    pub status: Option<EnhancedStatus>,
    pub rule: String,
}

/// What is known of the message that something happened to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    /// How many recipients the event has.
    pub recipients: usize,
    /// The address that it came from, if that is told.
    pub senders: &'a [String],
}

impl Verdict {
    fn new(kind: Kind, reason: Reason, side: Side, rule: impl Into<String>) -> Self {
        Self { kind, reason, side, status: None, rule: rule.into() }
    }
}

/// Sub-types that stand whatever the receiving system said, and what they mean: lists of SES, and the message itself.
const SUBTYPES: &[(&str, Kind, Reason, Side)] = &[
    ("Suppressed", Kind::HardBounce, Reason::Suppressed, Side::Recipient),
    ("OnAccountSuppressionList", Kind::HardBounce, Reason::Suppressed, Side::Recipient),
    ("OnTenantSuppressionList", Kind::HardBounce, Reason::Suppressed, Side::Recipient),
    ("EmailValidationSuppressed", Kind::HardBounce, Reason::Suppressed, Side::Recipient),
    ("MailboxFull", Kind::SoftBounce, Reason::MailboxFull, Side::Recipient),
    ("MessageTooLarge", Kind::SoftBounce, Reason::TooBig, Side::Sender),
    ("ContentRejected", Kind::SoftBounce, Reason::ContentError, Side::Sender),
    ("AttachmentRejected", Kind::SoftBounce, Reason::ContentError, Side::Sender),
    ("CustomTimeoutExceeded", Kind::SoftBounce, Reason::Expired, Side::Transport),
];

/// A recipient of a bounce.
pub(super) fn bounce(event: Json<'_>, entry: Json<'_>, message: Message<'_>) -> Verdict {
    let text = |name: &str| event.text(name).unwrap_or_default();
    let (bounce_type, subtype) = (text("bounceType"), text("bounceSubType"));
    let rule = format!("ses:{bounce_type}/{subtype}");
    let permanent = bounce_type == "Permanent";
    let known = SUBTYPES.iter().find(|(name, kind, ..)| *name == subtype && (*kind == Kind::HardBounce) == permanent);
    let facts = facts(entry, message);
    let said = judge(&facts);
    let verdict = match known {
        Some((_, kind, reason, side)) => Verdict::new(*kind, *reason, *side, rule),
        None if says_nothing(entry) && bounce_type == "Transient" => {
            Verdict::new(Kind::Notice, Reason::AutoReply, Side::Unknown, rule)
        }
        None if names_dead_host(&said) => {
            Verdict::new(Kind::HardBounce, Reason::HostUnknown, Side::Recipient, format!("{rule}, 5.4.4"))
        }
        None if permanent && is_dead(&said, facts.action) => {
            Verdict::new(Kind::HardBounce, reason(&said, subtype), Side::Recipient, rule)
        }
        None => Verdict::new(kind(&said, facts.action), said.reason, said.side, format!("{rule}, {}", said.rule)),
    };
    Verdict { status: said.status, ..verdict }
}

fn facts<'a>(entry: Json<'a>, message: Message<'a>) -> Facts<'a> {
    Facts {
        status: entry.text("status").and_then(EnhancedStatus::parse_prefix),
        text: entry.text("diagnosticCode").map(|text| text.trim_start_matches("smtp;")).unwrap_or_default(),
        recipient: entry.text("emailAddress").unwrap_or_default(),
        speaker: Speaker::Receiver,
        senders: message.senders,
        action: action(entry.text("action").unwrap_or_default()),
        ..Facts::default()
    }
}

fn action(word: &str) -> Action {
    match word.to_ascii_lowercase().as_str() {
        "failed" => Action::Failed,
        "delayed" => Action::Delayed,
        "delivered" => Action::Delivered,
        "relayed" => Action::Relayed,
        "expanded" => Action::Expanded,
        _ => Action::Unknown,
    }
}

fn says_nothing(entry: Json<'_>) -> bool {
    ["action", "status", "diagnosticCode"].iter().all(|name| entry.text(name).is_none())
}

/// Whether a permanent bounce stays one: a text or code about us, the way or a full mailbox makes no dead address.
fn is_dead(said: &classify::Verdict, action: Action) -> bool {
    let failed = matches!(action, Action::Failed | Action::Unknown);
    let transient = said.status.is_some_and(|status| !status.is_permanent());
    let untold = matches!(said.reason, Reason::OnHold | Reason::Undefined | Reason::Suspended);
    let is_about_address = matches!(said.side, Side::Recipient | Side::Unknown)
        && said.status.is_none_or(|status| status.subject != 7 && status.subject != 2);
    let untold = untold && said.status.is_none_or(|status| status.subject != 3);
    let unread = !said.is_by_text() && is_about_address;
    failed && (said.class == Class::Hard || said.class == Class::Soft && !transient && (untold || unread))
}

/// 5.4.4 of SES itself: the domain has no mail exchanger, whatever SES calls the bounce.
fn names_dead_host(said: &classify::Verdict) -> bool {
    said.status == Some(EnhancedStatus::new(5, 4, 4)) && !said.is_by_text()
}

/// The receiving system's reason, where it gave one that is about the address.
fn reason(said: &classify::Verdict, subtype: &str) -> Reason {
    match said.reason {
        told if said.class == Class::Hard => told,
        Reason::Suspended => Reason::Suspended,
        _ if subtype == "NoEmail" => Reason::UserUnknown,
        _ => Reason::Undefined,
    }
}

fn kind(said: &classify::Verdict, action: Action) -> Kind {
    match said.class {
        Class::Hard => Kind::HardBounce,
        Class::Soft if action == Action::Delayed => Kind::Delay,
        Class::Soft => Kind::SoftBounce,
        Class::Complaint => Kind::Complaint,
        Class::None => Kind::Notice,
    }
}

/// The first enhanced status in a reply.
fn enhanced_status(text: &str) -> Option<EnhancedStatus> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.').map(|word| word.trim_matches('.'));
    words.into_iter().find_map(EnhancedStatus::parse)
}

/// A candidate of a complaint; see the module above for why more than one makes none of them a complainant.
pub(super) fn complaint(event: Json<'_>, _: Json<'_>, message: Message<'_>) -> Verdict {
    if event.text("complaintSubType") == Some("OnAccountSuppressionList") {
        return Verdict::new(
            Kind::Notice,
            Reason::Suppressed,
            Side::Recipient,
            "ses:Complaint/OnAccountSuppressionList",
        );
    }
    let feedback = event.text("complaintFeedbackType").unwrap_or_default();
    let rule = format!("ses:Complaint/{feedback}");
    let (kind, reason) = match feedback {
        "not-spam" => (Kind::Notice, Reason::NotSpam),
        "auth-failure" => (Kind::Notice, Reason::AuthFailure),
        "abuse" => (Kind::Complaint, Reason::Abuse),
        "fraud" => (Kind::Complaint, Reason::Fraud),
        "virus" => (Kind::Complaint, Reason::Virus),
        _ => (Kind::Complaint, Reason::Other),
    };
    let candidates = message.recipients;
    if kind == Kind::Complaint && candidates > 1 {
        return Verdict::new(Kind::Notice, reason, Side::Unknown, format!("{rule}, one of {candidates} candidates"));
    }
    Verdict::new(kind, reason, Side::Unknown, rule)
}

/// A recipient of a delivery.
pub(super) fn delivery(event: Json<'_>, _: Json<'_>, _: Message<'_>) -> Verdict {
    let status = event.text("smtpResponse").and_then(enhanced_status);
    Verdict { status, ..Verdict::new(Kind::Delivery, Reason::Undefined, Side::Unknown, "ses:Delivery") }
}

/// A recipient that SES still tries to reach.
pub(super) fn delay(event: Json<'_>, entry: Json<'_>, message: Message<'_>) -> Verdict {
    let delay_type = event.text("delayType").unwrap_or_default();
    let (reason, side) = match delay_type {
        "MailboxFull" => (Reason::MailboxFull, Side::Recipient),
        "SpamDetected" => (Reason::SpamDetected, Side::Sender),
        "IPFailure" => (Reason::Blocked, Side::Sender),
        "SendingDeferral" => (Reason::Throttled, Side::Sender),
        "BYOIPHostNameLookupUnavailable" => (Reason::NetworkError, Side::Sender),
        "RecipientServerError" | "InternalFailure" => (Reason::SystemError, Side::Transport),
        "TransientCommunicationFailure" => (Reason::NetworkError, Side::Transport),
        _ => (Reason::Undefined, Side::Unknown),
    };
    let status = facts(entry, message).status;
    Verdict { status, ..Verdict::new(Kind::Delay, reason, side, format!("ses:DeliveryDelay/{delay_type}")) }
}

/// A recipient of a message that SES took.
pub(super) fn send(_: Json<'_>, _: Json<'_>, _: Message<'_>) -> Verdict {
    Verdict::new(Kind::Send, Reason::Undefined, Side::Unknown, "ses:Send")
}

/// A recipient of a message that SES did not take; it knows one reason, a virus.
pub(super) fn reject(_: Json<'_>, _: Json<'_>, _: Message<'_>) -> Verdict {
    Verdict::new(Kind::Reject, Reason::VirusDetected, Side::Sender, "ses:Reject")
}

/// A recipient of a message that could not be built.
pub(super) fn rendering_failure(_: Json<'_>, _: Json<'_>, _: Message<'_>) -> Verdict {
    Verdict::new(Kind::RenderingFailure, Reason::ContentError, Side::Sender, "ses:RenderingFailure")
}

/// A recipient of a message that somebody opened.
pub(super) fn open(_: Json<'_>, _: Json<'_>, message: Message<'_>) -> Verdict {
    one_of(Kind::Open, "ses:Open", message.recipients)
}

/// A recipient of a message in which somebody followed a link.
pub(super) fn click(_: Json<'_>, _: Json<'_>, message: Message<'_>) -> Verdict {
    one_of(Kind::Click, "ses:Click", message.recipients)
}

/// A recipient who changed what he subscribes to; out of everything is an unsubscription.
pub(super) fn subscription(event: Json<'_>, _: Json<'_>, message: Message<'_>) -> Verdict {
    let all = event.get("newTopicPreferences").is_true("unsubscribeAll");
    one_of(if all { Kind::Unsubscribe } else { Kind::Subscription }, "ses:Subscription", message.recipients)
}

fn one_of(kind: Kind, rule: &str, candidates: usize) -> Verdict {
    if candidates > 1 {
        let rule = format!("{rule}, one of {candidates} candidates");
        return Verdict::new(Kind::Notice, Reason::Undefined, Side::Unknown, rule);
    }
    Verdict::new(kind, Reason::Undefined, Side::Unknown, rule)
}
