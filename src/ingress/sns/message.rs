//! The SNS envelope: one JSON object, and the text that its signature covers.
//!
//! Protocol: SNS Developer Guide, "Parsing Amazon SNS message formats" and "Verifying the signatures of Amazon SNS
//! messages". `SigningCertUrl` and `SubscribeUrl`, as AWS Lambda spells them, are accepted too.
//! Strict where leniency would let two readers see two messages: no key twice, every known field a string, no control
//! characters in any of them but `Message`. The last is what makes the signed text unambiguous: it is a list of lines,
//! and a line break in `MessageId` or `Subject` would move the border between fields without breaking the signature.
//! On failure: [`Malformed`]; the sender is not SNS, or something in between changed the body.

use std::collections::HashSet;
use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::event::{MAX_NAME, printable};
use crate::topic::TopicArn;

/// Longest field except `Message`, in bytes.
const MAX_FIELD: usize = 4096;
/// Longest `MessageId`, in bytes; SNS's are UUIDs of 36.
const MAX_ID: usize = 128;

/// What an SNS message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// Something was published to the topic.
    Notification,
    /// The topic asks whether we want its messages.
    SubscriptionConfirmation,
    /// The topic tells that our subscription has ended.
    UnsubscribeConfirmation,
}

/// An SNS message in the right form. Whether it is genuine is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is about.
    pub kind: MessageType,
    /// SNS's id; the same when SNS tries again.
    pub message_id: String,
    /// The topic it claims to come from.
    pub topic: TopicArn,
    /// Present on most notifications.
    pub subject: Option<String>,
    /// What was published.
    pub message: String,
    /// When SNS took it, as written: this is what is signed.
    pub timestamp: String,
    /// When SNS took it.
    pub at: Timestamp,
    /// Present on subscription and unsubscribe confirmations.
    pub confirmation: Option<Confirmation>,
    /// `1` or `2` if genuine. Not signed.
    pub signature_version: String,
    /// Base64. Not signed.
    pub signature: String,
    /// Not signed.
    pub signing_cert_url: String,
}

/// What it takes to confirm a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// The secret of this request.
    pub token: String,
    /// What to visit.
    pub subscribe_url: String,
}

/// What the headers of the request say about the message; none of it is signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// `x-amz-sns-message-type`
    pub message_type: Option<String>,
    /// `x-amz-sns-message-id`
    pub message_id: Option<String>,
    /// `x-amz-sns-topic-arn`
    pub topic_arn: Option<String>,
    /// Whether `x-amz-sns-rawdelivery` is `true`.
    pub raw: bool,
}

/// Why a body is no SNS message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Not one JSON object with string fields, each key once; with the parser's words.
    Json(String),
    /// A field that its type must have is not there.
    Missing(&'static str),
    /// A field is not what it must be.
    Field(&'static str),
    /// A header contradicts the body.
    Header(&'static str),
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(what) => write!(f, "the body is not an SNS message: {what}"),
            Self::Missing(field) => write!(f, "{field} is missing"),
            Self::Field(field) => write!(f, "{field} is not in the form that SNS writes"),
            Self::Header(name) => write!(f, "header {name} contradicts the body"),
        }
    }
}

impl std::error::Error for Malformed {}

impl MessageType {
    /// The word in field `Type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notification => "Notification",
            Self::SubscriptionConfirmation => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation => "UnsubscribeConfirmation",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Notification, Self::SubscriptionConfirmation, Self::UnsubscribeConfirmation]
            .into_iter()
            .find(|t| t.as_str() == word)
    }
}

impl Message {
    /// Parses a request body and holds it against the request's headers.
    ///
    /// # Errors
    /// [`Malformed`], with the first thing that is wrong.
    pub fn parse(body: &[u8], headers: &Headers) -> Result<Self, Malformed> {
        let mut fields: Fields =
            serde_json::from_slice(body).map_err(|e| Malformed::Json(printable(&e.to_string(), MAX_NAME)))?;
        let kind = MessageType::parse(&fields.line("Type")?).ok_or(Malformed::Field("Type"))?;
        let topic = TopicArn::parse(&fields.line("TopicArn")?).ok_or(Malformed::Field("TopicArn"))?;
        let timestamp = fields.line("Timestamp")?;
        let message = Self {
            kind,
            message_id: fields.message_id()?,
            topic,
            subject: fields.optional_line("Subject")?,
            message: fields.take("Message").ok_or(Malformed::Missing("Message"))?,
            at: timestamp.parse().map_err(|_| Malformed::Field("Timestamp"))?,
            timestamp,
            confirmation: fields.confirmation(kind)?,
            signature_version: fields.line("SignatureVersion")?,
            signature: fields.line("Signature")?,
            signing_cert_url: fields.line("SigningCertURL")?,
        };
        message.agrees_with(headers)?;
        Ok(message)
    }

    /// The text that the signature covers: names and decoded values, a line each, in byte order of the names.
    #[must_use]
    pub fn string_to_sign(&self) -> String {
        let mut pairs = vec![("Message", self.message.as_str()), ("MessageId", &self.message_id)];
        match &self.confirmation {
            None => pairs.extend(self.subject.as_deref().map(|s| ("Subject", s))),
            Some(c) => pairs.push(("SubscribeURL", &c.subscribe_url)),
        }
        pairs.push(("Timestamp", &self.timestamp));
        pairs.extend(self.confirmation.as_ref().map(|c| ("Token", c.token.as_str())));
        pairs.extend([("TopicArn", self.topic.as_str()), ("Type", self.kind.as_str())]);
        pairs.iter().flat_map(|(name, value)| [*name, "\n", *value, "\n"]).collect()
    }

    fn agrees_with(&self, headers: &Headers) -> Result<(), Malformed> {
        let agrees = |header: &Option<String>, value: &str| header.as_deref().is_none_or(|h| h == value);
        if headers.message_type.as_deref() != Some(self.kind.as_str()) {
            return Err(Malformed::Header("x-amz-sns-message-type"));
        }
        if !agrees(&headers.topic_arn, self.topic.as_str()) {
            return Err(Malformed::Header("x-amz-sns-topic-arn"));
        }
        if agrees(&headers.message_id, &self.message_id) {
            Ok(())
        } else {
            Err(Malformed::Header("x-amz-sns-message-id"))
        }
    }
}

/// The fields of [`KNOWN`], in its order; of one that is there and null, `Some(None)`.
#[derive(Default)]
struct Fields([Option<Option<String>>; KNOWN.len()]);

/// Names in SNS's spelling. `Subject` alone may be null, as AWS Lambda writes an absent one.
const KNOWN: [&str; 11] = [
    "Message",
    "MessageId",
    "Signature",
    "SignatureVersion",
    "SigningCertURL",
    "Subject",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
];

/// Where a key stands in [`KNOWN`].
fn place(key: &str) -> Option<usize> {
    let key = match key {
        "SigningCertUrl" => "SigningCertURL",
        "SubscribeUrl" => "SubscribeURL",
        other => other,
    };
    KNOWN.into_iter().position(|known| known == key)
}

impl Fields {
    fn take(&mut self, name: &'static str) -> Option<String> {
        self.0.get_mut(place(name)?)?.take()?
    }

    fn optional_line(&mut self, name: &'static str) -> Result<Option<String>, Malformed> {
        match self.take(name) {
            Some(value) if value.len() > MAX_FIELD || has_control(&value) => Err(Malformed::Field(name)),
            value => Ok(value),
        }
    }

    fn line(&mut self, name: &'static str) -> Result<String, Malformed> {
        self.optional_line(name)?.ok_or(Malformed::Missing(name))
    }

    fn message_id(&mut self) -> Result<String, Malformed> {
        let id = self.line("MessageId")?;
        if is_message_id(&id) { Ok(id) } else { Err(Malformed::Field("MessageId")) }
    }

    fn confirmation(&mut self, kind: MessageType) -> Result<Option<Confirmation>, Malformed> {
        if kind == MessageType::Notification {
            return Ok(None);
        }
        let (token, subscribe_url) = (self.line("Token")?, self.line("SubscribeURL")?);
        Ok(Some(Confirmation { token, subscribe_url }))
    }
}

/// Whether a text has control characters; most are ASCII, of which that is soon told.
fn has_control(text: &str) -> bool {
    !text.bytes().all(|b| matches!(b, b' '..=b'~')) && text.chars().any(char::is_control)
}

/// Whether `id` can be an id that SNS gave.
#[must_use]
pub(super) fn is_message_id(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        let mut others = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let is_new = match place(&key).and_then(|place| fields.0.get_mut(place)) {
                Some(field) if key == "Subject" => field.replace(map.next_value()?).is_none(),
                Some(field) => field.replace(Some(map.next_value()?)).is_none(),
                None => {
                    map.next_value::<IgnoredAny>()?;
                    others.insert(key)
                }
            };
            if !is_new {
                return Err(A::Error::custom("a key stands there twice"));
            }
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTIFICATION: &str = r#"{"Type":"Notification","MessageId":"m-1","TopicArn":"arn:aws:sns:us-east-1:123456789012:t",
        "Subject":"s","Message":"line 1\nline \u00e4","Timestamp":"2026-11-21T08:46:25.123Z","SignatureVersion":"1",
        "Signature":"AA==","SigningCertURL":"https://x/","UnsubscribeURL":"https://y/","MessageAttributes":{"k":{"Type":"String"}}}"#;

    fn headers(kind: &str) -> Headers {
        Headers { message_type: Some(kind.to_owned()), ..Headers::default() }
    }

    fn parse(body: &str) -> Result<Message, Malformed> {
        Message::parse(body.as_bytes(), &headers("Notification"))
    }

    #[test]
    fn the_signed_text_of_a_notification_has_its_subject_only_if_there_is_one() {
        let signed = "Message\nline 1\nline ä\nMessageId\nm-1\nSubject\ns\nTimestamp\n2026-11-21T08:46:25.123Z\n\
                      TopicArn\narn:aws:sns:us-east-1:123456789012:t\nType\nNotification\n";
        assert_eq!(parse(NOTIFICATION).unwrap().string_to_sign(), signed);
        let without = signed.replace("Subject\ns\n", "");
        assert_eq!(parse(&NOTIFICATION.replace("\"Subject\":\"s\",", "")).unwrap().string_to_sign(), without);
        assert_eq!(
            parse(&NOTIFICATION.replace("\"Subject\":\"s\"", "\"Subject\":null")).unwrap().string_to_sign(),
            without
        );
    }

    #[test]
    fn the_signed_text_of_a_subscription_has_its_token_and_url() {
        let body = NOTIFICATION.replace(
            "\"Type\":\"Notification\"",
            "\"Type\":\"UnsubscribeConfirmation\",\"Token\":\"t\",\"SubscribeUrl\":\"u\"",
        );
        let message = Message::parse(body.as_bytes(), &headers("UnsubscribeConfirmation")).unwrap();
        let signed = message.string_to_sign();
        assert!(
            signed
                .contains("MessageId\nm-1\nSubscribeURL\nu\nTimestamp\n2026-11-21T08:46:25.123Z\nToken\nt\nTopicArn\n")
        );
        assert!(!signed.contains("Subject"));
    }

    #[test]
    fn no_key_may_stand_there_twice_in_any_spelling() {
        for extra in [
            r#""Type":"Notification""#,
            r#""SigningCertUrl":"https://z/""#,
            r#""UnsubscribeURL":"""#,
            r#""\u0054ype":"x""#,
        ] {
            let body = NOTIFICATION.replacen('{', &format!("{{{extra},"), 1);
            assert!(matches!(parse(&body), Err(Malformed::Json(why)) if why.contains("twice")), "{extra}");
        }
    }

    #[test]
    fn wrong_types_and_wrong_forms_are_refused() {
        for (from, to) in [
            ("\"m-1\"", "1"),
            ("\"m-1\"", "[\"m-1\"]"),
            ("\"m-1\"", "null"),
            ("\"m-1\"", "\"m-1\\nSubject\""),
            ("\"m-1\"", "\"\""),
            ("\"s\"", "\"s\\nTimestamp\\nx\""),
            ("\"s\"", "{}"),
            ("\"Notification\"", "\"notification\""),
            ("us-east-1", "us-east-1\\u0000"),
            ("2026-11-21T08:46:25.123Z", "yesterday"),
            ("\"Message\"", "\"message\""),
            ("\"AA==\"", "true"),
        ] {
            assert!(parse(&NOTIFICATION.replacen(from, to, 1)).is_err(), "{from} -> {to}");
        }
        for body in ["", "[]", "\"x\"", "{}", "{", "null", &format!("{NOTIFICATION} {{}}"), &"[".repeat(100_000)] {
            assert!(parse(body).is_err());
        }
    }

    #[test]
    fn headers_must_agree_with_the_body() {
        let with = |headers: Headers| Message::parse(NOTIFICATION.as_bytes(), &headers);
        assert_eq!(with(headers("SubscriptionConfirmation")), Err(Malformed::Header("x-amz-sns-message-type")));
        assert_eq!(with(Headers::default()), Err(Malformed::Header("x-amz-sns-message-type")));
        let other =
            Headers { topic_arn: Some("arn:aws:sns:us-east-1:123456789012:T".into()), ..headers("Notification") };
        assert_eq!(with(other), Err(Malformed::Header("x-amz-sns-topic-arn")));
        let other = Headers { message_id: Some("m-2".into()), ..headers("Notification") };
        assert_eq!(with(other), Err(Malformed::Header("x-amz-sns-message-id")));
    }
}
