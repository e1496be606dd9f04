//! SES events that come as mail: an SNS topic with an e-mail or e-mail-JSON subscription.
//!
//! The JSON may be the event, or an SNS envelope around it; pretty-printed; wrapped by a mail program; followed by SNS's
//! unsubscribe notice. Only the lists of recipients that the event is about are read (`bouncedRecipients`,
//! `complainedRecipients`, `delayedRecipients`, `delivery.recipients`), never `mail.source` or `mail.destination`.
//!
//! Limits: one event per mail, [`super::MAX_RECIPIENTS`] recipients. What is no SES event is `None`.

use jiff::Timestamp;
use serde_json::{Deserializer, Value};

use super::arf;
use crate::event::{Kind, Reason, Side};
use crate::ingress::classify::{Action, Class, Facts, Speaker, Verdict, judge};
use crate::status::EnhancedStatus;

/// An SES event.
#[derive(Clone, Debug, Default)]
pub struct Notice {
    /// When it happened.
    pub at: Option<Timestamp>,
    /// SES's id of the message.
    pub provider_id: Option<String>,
    /// The message's own `Message-ID`.
    pub message_id: Option<String>,
    /// Who reported to SES.
    pub reporting_mta: Option<String>,
    /// The topic.
    pub topic: Option<String>,
    /// One entry for each recipient; none for an event that is about no recipient.
    pub recipients: Vec<Recipient>,
}

/// What the event says about one recipient.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The address as SES writes it.
    pub address: String,
    /// What happened.
    pub kind: Kind,
    /// The judgement.
    pub verdict: Verdict,
    /// The receiving system's words.
    pub diagnostic: Option<String>,
}

/// Reads the SES event in the words of a mail or in a payload.
#[must_use]
pub fn read(words: &str) -> Option<Notice> {
    if !["notificationType", "eventType", "\"Message\""].iter().any(|w| words.contains(w)) {
        return None;
    }
    let start = words.find('{')?;
    let text = words.get(start..)?;
    let value = first_value(text).or_else(|| first_value(&text.replace(['\r', '\n'], "")))?;
    let topic = string(&value, "TopicArn");
    let event = match value.get("Message").and_then(Value::as_str) {
        Some(inner) => first_value(inner)?,
        None => value,
    };
    parse(&event).map(|notice| Notice { topic, ..notice })
}

fn first_value(text: &str) -> Option<Value> {
    Deserializer::from_str(text).into_iter::<Value>().next()?.ok()
}

/// Reads one SES event. To be replaced by `sns::ses::parse`.
fn parse(event: &Value) -> Option<Notice> {
    let kind = event.get("notificationType").or(event.get("eventType"))?.as_str()?;
    let mail = event.get("mail").unwrap_or(&Value::Null);
    let (part, recipients) = match kind {
        "Bounce" => part(event, "bounce", bounced),
        "Complaint" => part(event, "complaint", complained),
        "Delivery" => part(event, "delivery", delivered),
        "DeliveryDelay" => part(event, "deliveryDelay", delayed),
        _ => (mail, Vec::new()),
    };
    Some(Notice {
        at: string(part, "timestamp").and_then(|t| t.parse().ok()),
        provider_id: string(mail, "messageId"),
        message_id: string(mail.get("commonHeaders").unwrap_or(&Value::Null), "messageId"),
        reporting_mta: string(part, "reportingMTA"),
        topic: None,
        recipients,
    })
}

fn part<'v>(event: &'v Value, name: &str, read: fn(&Value) -> Vec<Recipient>) -> (&'v Value, Vec<Recipient>) {
    let part = event.get(name).unwrap_or(&Value::Null);
    (part, read(part))
}

fn list<'v>(part: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    part.get(name).and_then(Value::as_array).into_iter().flatten().take(super::MAX_RECIPIENTS)
}

fn string(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn bounced(bounce: &Value) -> Vec<Recipient> {
    let (kind, sub) =
        (string(bounce, "bounceType").unwrap_or_default(), string(bounce, "bounceSubType").unwrap_or_default());
    let one = |r: &Value| {
        let address = string(r, "emailAddress")?;
        let diagnostic = string(r, "diagnosticCode");
        let text = diagnostic.as_deref().unwrap_or_default();
        let facts = Facts {
            status: string(r, "status").and_then(|s| EnhancedStatus::parse_prefix(&s)),
            text: super::dsn::typed(text).1,
            recipient: &address,
            speaker: Speaker::Receiver,
            action: action(&string(r, "action").unwrap_or_default()),
            ..Facts::default()
        };
        let verdict = weigh(&kind, &sub, &facts);
        Some(Recipient { kind: kind_of(verdict.class, facts.action), verdict, diagnostic: diagnostic.clone(), address })
    };
    list(bounce, "bouncedRecipients").filter_map(one).collect()
}

fn action(word: &str) -> Action {
    match word.to_ascii_lowercase().as_str() {
        "delayed" => Action::Delayed,
        "delivered" | "relayed" => Action::Delivered,
        "expanded" => Action::Expanded,
        "failed" => Action::Failed,
        _ => Action::Unknown,
    }
}

fn kind_of(class: Class, action: Action) -> Kind {
    match class {
        Class::Hard => Kind::HardBounce,
        Class::Soft if action == Action::Delayed => Kind::Delay,
        Class::Soft => Kind::SoftBounce,
        Class::Complaint => Kind::Complaint,
        Class::None if action == Action::Delivered => Kind::Delivery,
        Class::None => Kind::Notice,
    }
}

/// SES's word and the receiving system's. SES calls some dead addresses transient and some policies permanent, so a
/// telling text or code goes before its word; where there is none, `Permanent` is hard.
fn weigh(kind: &str, sub: &str, facts: &Facts<'_>) -> Verdict {
    let said = judge(facts);
    let with = |class, reason, side, rule| Verdict { class, reason, side, rule, ..said };
    let permanent = kind == "Permanent";
    match sub {
        "Suppressed" | "OnAccountSuppressionList" | "OnTenantSuppressionList" | "EmailValidationSuppressed"
            if permanent =>
        {
            with(Class::Hard, Reason::Suppressed, Side::Recipient, "ses-suppressed")
        }
        "MailboxFull" => with(Class::Soft, Reason::MailboxFull, Side::Recipient, "ses-mailbox-full"),
        "MessageTooLarge" => with(Class::Soft, Reason::TooBig, Side::Sender, "ses-too-large"),
        "ContentRejected" | "AttachmentRejected" => {
            with(Class::Soft, Reason::ContentError, Side::Sender, "ses-content")
        }
        "CustomTimeoutExceeded" => with(Class::Soft, Reason::Expired, Side::Transport, "ses-timeout"),
        _ if !permanent || said.class != Class::Soft || facts.action == Action::Delayed => said,
        _ if is_about_recipient(&said) => with(Class::Hard, telling(&said), Side::Recipient, "ses-permanent"),
        _ => said,
    }
}

/// A permanent bounce whose text is about us, the way or a full mailbox is no dead address.
fn is_about_recipient(said: &Verdict) -> bool {
    let transient = said.status.is_some_and(|s| !s.is_permanent());
    let untold = matches!(said.reason, Reason::OnHold | Reason::Undefined | Reason::Suspended);
    let unread = !said.is_by_text() && said.status.is_none_or(|s| s.subject != 7 && s.subject != 2);
    !transient && (untold || unread)
}

fn telling(said: &Verdict) -> Reason {
    if said.reason == Reason::Suspended { Reason::Suspended } else { Reason::UserUnknown }
}

fn complained(complaint: &Value) -> Vec<Recipient> {
    let feedback = string(complaint, "complaintFeedbackType").unwrap_or_default();
    let listed =
        string(complaint, "complaintSubType").is_some_and(|s| s.starts_with("On") && s.ends_with("SuppressionList"));
    let (kind, reason) = if listed { (Kind::Notice, Reason::Suppressed) } else { arf::meaning(&feedback) };
    let class = if kind == Kind::Complaint { Class::Complaint } else { Class::None };
    let reason = if feedback.is_empty() && !listed { Reason::Abuse } else { reason };
    let verdict = Verdict { class, reason, side: Side::Recipient, status: None, rule: "ses-complaint" };
    simple(complaint, "complainedRecipients", kind, verdict)
}

fn delivered(delivery: &Value) -> Vec<Recipient> {
    let verdict = Verdict {
        class: Class::None,
        reason: Reason::Undefined,
        side: Side::Unknown,
        status: None,
        rule: "ses-delivery",
    };
    let one = |v: &Value| {
        Some(Recipient { address: v.as_str()?.to_owned(), kind: Kind::Delivery, verdict, diagnostic: None })
    };
    list(delivery, "recipients").filter_map(one).collect()
}

fn delayed(delay: &Value) -> Vec<Recipient> {
    let verdict =
        Verdict { class: Class::Soft, reason: Reason::Expired, side: Side::Transport, status: None, rule: "ses-delay" };
    simple(delay, "delayedRecipients", Kind::Delay, verdict)
}

fn simple(part: &Value, name: &str, kind: Kind, verdict: Verdict) -> Vec<Recipient> {
    let one = |v: &Value| {
        let diagnostic = string(v, "diagnosticCode");
        let status = string(v, "status").and_then(|s| EnhancedStatus::parse_prefix(&s));
        Some(Recipient {
            address: string(v, "emailAddress")?,
            kind,
            verdict: Verdict { status, ..verdict },
            diagnostic,
        })
    };
    list(part, name).filter_map(one).collect()
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

    fn class(kind: &str, sub: &str, recipient: &str) -> (Class, Reason) {
        let notice = read(&bounce(kind, sub, recipient)).unwrap();
        assert_eq!(notice.recipients.len(), 1);
        (notice.recipients[0].verdict.class, notice.recipients[0].verdict.reason)
    }

    #[test]
    fn what_ses_says_counts_where_the_receiver_says_nothing() {
        let bare = r#"{"emailAddress":"bob@example.com"}"#;
        assert_eq!(class("Permanent", "General", bare), (Class::Hard, Reason::UserUnknown));
        assert_eq!(class("Permanent", "OnAccountSuppressionList", bare), (Class::Hard, Reason::Suppressed));
        assert_eq!(class("Transient", "MailboxFull", bare).0, Class::Soft);
        assert_eq!(class("Transient", "General", bare).0, Class::Soft);
        assert_eq!(class("Undetermined", "Undetermined", bare).0, Class::Soft);
        assert_eq!(class("Permanent", "SomethingNew", bare).0, Class::Hard);
    }

    #[test]
    fn what_the_receiver_says_goes_before_the_word_of_ses() {
        let said = |status: &str, text: &str| {
            format!(r#"{{"emailAddress":"bob@example.com","status":"{status}","diagnosticCode":"smtp; {text}"}}"#)
        };
        assert_eq!(class("Permanent", "General", &said("5.7.1", "550 5.7.1 blocked by policy")).0, Class::Soft);
        assert_eq!(class("Permanent", "General", &said("5.2.2", "550 5.2.2 over quota")).0, Class::Soft);
        assert_eq!(class("Transient", "General", &said("5.1.1", "550 5.1.1 user unknown")).0, Class::Hard);
        assert_eq!(
            class("Permanent", "General", r#"{"emailAddress":"b@example.com","action":"delayed","status":"4.0.0"}"#).0,
            Class::Soft
        );
    }

    #[test]
    fn wrapped_json_and_an_envelope_around_it_are_read() {
        let inner = bounce("Permanent", "General", r#"{"emailAddress":"bob@example.com"}"#);
        let envelope =
            serde_json::json!({"Type": "Notification", "TopicArn": "arn:aws:sns:x:1:t", "Message": inner}).to_string();
        assert_eq!(read(&envelope).unwrap().topic.as_deref(), Some("arn:aws:sns:x:1:t"));
        let wrapped = envelope.replace("emailAddress", "email\nAddress")
            + "\n--\nIf you wish to stop receiving notifications {…}";
        assert_eq!(read(&wrapped).unwrap().recipients[0].address, "bob@example.com");
    }

    #[test]
    fn a_listed_or_withdrawn_complaint_is_none() {
        let complaint = |extra: &str| {
            let text = format!(
                r#"{{"eventType":"Complaint","complaint":{{{extra}"complainedRecipients":[{{"emailAddress":"b@example.com"}}]}}}}"#
            );
            read(&text).unwrap().recipients[0].kind
        };
        assert_eq!(complaint(""), Kind::Complaint);
        assert_eq!(complaint(r#""complaintFeedbackType":"not-spam","#), Kind::Notice);
        assert_eq!(complaint(r#""complaintSubType":"OnAccountSuppressionList","#), Kind::Notice);
    }

    #[test]
    fn hostile_json_is_no_event() {
        for text in
            ["", "{", "{\"eventType\":1}", "{\"Message\":\"{\"}", &format!("eventType{}", "{\"a\":".repeat(5000))]
        {
            assert!(read(text).is_none());
        }
    }
}
