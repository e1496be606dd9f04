//! What an SES event means for one recipient.
//!
//! `bounceType` and `bounceSubType` first; a sub-type that is not known is judged by its type. Then what the receiving
//! system itself said may override: SES calls dead addresses Transient, and lists recipients that are merely delayed
//! in a Permanent bounce.
//! A Transient/General bounce without action, status or diagnostic is no DSN: SES reports vacation notices so. It is a
//! [`Kind::Notice`], because nobody may ever be suppressed for being on holiday.

use super::json::Json;
use crate::event::{Kind, Reason, Side};
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

impl Verdict {
    fn new(kind: Kind, reason: Reason, side: Side, rule: impl Into<String>) -> Self {
        Self { kind, reason, side, status: None, rule: rule.into() }
    }
}

/// Sub-types of a bounce, and what they mean.
const SUBTYPES: &[(&str, Kind, Reason, Side)] = &[
    ("NoEmail", Kind::HardBounce, Reason::UserUnknown, Side::Recipient),
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
pub(super) fn bounce(event: Json<'_>, entry: Json<'_>, _: usize) -> Verdict {
    let text = |name: &str| event.text(name).unwrap_or_default();
    let (bounce_type, subtype) = (text("bounceType"), text("bounceSubType"));
    let rule = format!("ses:{bounce_type}/{subtype}");
    let permanent = bounce_type == "Permanent";
    let known = SUBTYPES.iter().find(|(name, kind, ..)| *name == subtype && (*kind == Kind::HardBounce) == permanent);
    let said = Said::of(entry);
    let verdict = match known {
        Some((_, kind, reason, side)) => Verdict::new(*kind, *reason, *side, rule),
        None if said.is_nothing() && bounce_type == "Transient" => {
            Verdict::new(Kind::Notice, Reason::AutoReply, Side::Unknown, rule)
        }
        None if permanent => Verdict::new(Kind::HardBounce, said.reason(), Side::Recipient, rule),
        None => Verdict::new(Kind::SoftBounce, Reason::Undefined, Side::Unknown, rule),
    };
    Verdict { status: said.status, ..override_by(&said, verdict) }
}

/// What the receiving system said, so far as SES passes it on.
struct Said<'a> {
    action: Option<&'a str>,
    status: Option<EnhancedStatus>,
    diagnostic: Option<&'a str>,
}

impl<'a> Said<'a> {
    fn of(entry: Json<'a>) -> Self {
        let diagnostic = entry.text("diagnosticCode");
        let field = entry.text("status").and_then(EnhancedStatus::parse_prefix);
        // x.0.0 says nothing; what the reply says is nearer to the truth.
        let vague = field.is_none_or(|s| (s.subject, s.detail) == (0, 0));
        let in_text = diagnostic.filter(|_| vague).and_then(enhanced_status);
        Self { action: entry.text("action"), status: in_text.or(field), diagnostic }
    }

    fn is_nothing(&self) -> bool {
        self.action.is_none() && self.status.is_none() && self.diagnostic.is_none()
    }

    fn is_not_failed(&self) -> bool {
        let not_permanent = self.status.is_some_and(|status| !status.is_permanent());
        let action = self.action.is_some_and(|action| !action.eq_ignore_ascii_case("failed"));
        action || not_permanent
    }

    fn reason(&self) -> Reason {
        match self.status.map(|s| (s.subject, s.detail)) {
            Some((1, 1 | 3)) => Reason::UserUnknown,
            Some((1, 2 | 10) | (4, 4)) => Reason::HostUnknown,
            Some((1, 6)) => Reason::HasMoved,
            Some((2, 1)) => Reason::Suspended,
            Some((2, 2)) => Reason::MailboxFull,
            _ => Reason::Undefined,
        }
    }
}

/// Sub-types of a list of SES and of the message itself stand, whatever the status says.
fn override_by(said: &Said<'_>, verdict: Verdict) -> Verdict {
    let of_message = matches!(verdict.reason, Reason::ContentError | Reason::TooBig);
    if verdict.reason == Reason::Suppressed || of_message {
        return verdict;
    }
    if verdict.kind == Kind::HardBounce && said.is_not_failed() {
        let rule = format!("{}, not failed", verdict.rule);
        return Verdict::new(Kind::SoftBounce, Reason::Undefined, Side::Unknown, rule);
    }
    match reclassify(said.status, said.diagnostic) {
        Some((kind, reason, side)) => Verdict::new(kind, reason, side, format!("{}, by status", verdict.rule)),
        None => verdict,
    }
}

/// What status and diagnostic say by themselves, where they are plain enough to override SES; `None` where not.
///
/// This is the place to ask the classifier that bounce mail uses.
fn reclassify(status: Option<EnhancedStatus>, diagnostic: Option<&str>) -> Option<(Kind, Reason, Side)> {
    let reply = diagnostic.map(reply_code).unwrap_or_default();
    let in_text = diagnostic.and_then(enhanced_status).filter(|_| reply == Some(550));
    let dead = |s: EnhancedStatus| match (s.class, s.subject, s.detail) {
        (5, 1, 1) => Some((Kind::HardBounce, Reason::UserUnknown, Side::Recipient)),
        (5, 4, 4) | (5, 1, 2 | 10) => Some((Kind::HardBounce, Reason::HostUnknown, Side::Recipient)),
        (5, 7, _) => Some((Kind::SoftBounce, Reason::Policy, Side::Sender)),
        _ => None,
    };
    in_text.and_then(dead).or_else(|| status.and_then(dead))
}

/// The first enhanced status in a reply.
fn enhanced_status(text: &str) -> Option<EnhancedStatus> {
    words(text).find_map(EnhancedStatus::parse)
}

/// The SMTP code of a reply: its first three digits that stand alone.
fn reply_code(text: &str) -> Option<u16> {
    words(text).find(|word| word.len() == 3).and_then(|word| word.parse().ok())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.').map(|word| word.trim_matches('.'))
}

/// A candidate of a complaint; see the module above for why more than one makes none of them a complainant.
pub(super) fn complaint(event: Json<'_>, _: Json<'_>, candidates: usize) -> Verdict {
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
    if kind == Kind::Complaint && candidates > 1 {
        return Verdict::new(Kind::Notice, reason, Side::Unknown, format!("{rule}, one of {candidates} candidates"));
    }
    Verdict::new(kind, reason, Side::Unknown, rule)
}

/// A recipient of a delivery.
pub(super) fn delivery(event: Json<'_>, _: Json<'_>, _: usize) -> Verdict {
    let status = event.text("smtpResponse").and_then(enhanced_status);
    Verdict { status, ..Verdict::new(Kind::Delivery, Reason::Undefined, Side::Unknown, "ses:Delivery") }
}

/// A recipient that SES still tries to reach.
pub(super) fn delay(event: Json<'_>, entry: Json<'_>, _: usize) -> Verdict {
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
    let status = Said::of(entry).status;
    Verdict { status, ..Verdict::new(Kind::Delay, reason, side, format!("ses:DeliveryDelay/{delay_type}")) }
}

/// A recipient of a message that SES took.
pub(super) fn send(_: Json<'_>, _: Json<'_>, _: usize) -> Verdict {
    Verdict::new(Kind::Send, Reason::Undefined, Side::Unknown, "ses:Send")
}

/// A recipient of a message that SES did not take; it knows one reason, a virus.
pub(super) fn reject(_: Json<'_>, _: Json<'_>, _: usize) -> Verdict {
    Verdict::new(Kind::Reject, Reason::VirusDetected, Side::Sender, "ses:Reject")
}

/// A recipient of a message that could not be built.
pub(super) fn rendering_failure(_: Json<'_>, _: Json<'_>, _: usize) -> Verdict {
    Verdict::new(Kind::RenderingFailure, Reason::ContentError, Side::Sender, "ses:RenderingFailure")
}

/// A recipient of a message that somebody opened.
pub(super) fn open(_: Json<'_>, _: Json<'_>, candidates: usize) -> Verdict {
    one_of(Kind::Open, "ses:Open", candidates)
}

/// A recipient of a message in which somebody followed a link.
pub(super) fn click(_: Json<'_>, _: Json<'_>, candidates: usize) -> Verdict {
    one_of(Kind::Click, "ses:Click", candidates)
}

/// A recipient who changed what he subscribes to; out of everything is an unsubscription.
pub(super) fn subscription(event: Json<'_>, _: Json<'_>, candidates: usize) -> Verdict {
    let all = event.get("newTopicPreferences").is_true("unsubscribeAll");
    one_of(if all { Kind::Unsubscribe } else { Kind::Subscription }, "ses:Subscription", candidates)
}

fn one_of(kind: Kind, rule: &str, candidates: usize) -> Verdict {
    if candidates > 1 {
        let rule = format!("{rule}, one of {candidates} candidates");
        return Verdict::new(Kind::Notice, Reason::Undefined, Side::Unknown, rule);
    }
    Verdict::new(kind, Reason::Undefined, Side::Unknown, rule)
}
