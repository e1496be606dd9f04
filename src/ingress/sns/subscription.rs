//! The URL that confirms a subscription.
//!
//! Visiting a URL because a message says so is how webhooks are made to call inside addresses. So: the host is the
//! topic's own SNS to the letter (as for its certificate), https, path `/`, and the query is exactly
//! `Action=ConfirmSubscription`, `TopicArn` and `Token` of the signed message, each once. An `UnsubscribeConfirmation`
//! carries such a URL too; visiting it subscribes again, so it is never visited by itself.

use super::message::Confirmation;
use super::refusal::Forged;
use crate::topic::TopicArn;

/// A URL that confirms a subscription of one topic and does nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribeUrl(String);

impl SubscribeUrl {
    /// Checks the URL of a signed message.
    ///
    /// # Errors
    /// [`Forged::SubscribeUrl`] with what is wrong.
    pub fn parse(confirmation: &Confirmation, topic: &TopicArn) -> Result<Self, Forged> {
        let (url, token) = Self::split(&confirmation.subscribe_url, topic)?;
        if token == confirmation.token {
            Ok(url)
        } else {
            Err(Forged::SubscribeUrl("has another token than the message"))
        }
    }

    /// Checks a URL that was kept, before an operator's command visits it.
    ///
    /// # Errors
    /// [`Forged::SubscribeUrl`] with what is wrong.
    pub fn parse_kept(url: &str, topic: &TopicArn) -> Result<Self, Forged> {
        Self::split(url, topic).map(|(url, _)| url)
    }

    fn split(url: &str, topic: &TopicArn) -> Result<(Self, String), Forged> {
        let query = url
            .strip_prefix("https://")
            .and_then(|rest| rest.strip_prefix(topic.sns_host().as_str()))
            .and_then(|rest| rest.strip_prefix("/?"))
            .ok_or(Forged::SubscribeUrl("does not lead to the topic's own SNS"))?;
        if !query.bytes().all(is_query_byte) {
            return Err(Forged::SubscribeUrl("has a character that SNS does not write"));
        }
        let parameter = |name: &str| sole(query, name);
        if url::form_urlencoded::parse(query.as_bytes()).count() != 3 {
            return Err(Forged::SubscribeUrl("has other parameters than action, topic and token"));
        }
        if parameter("Action").as_deref() != Some("ConfirmSubscription") {
            return Err(Forged::SubscribeUrl("does something else than confirm"));
        }
        if parameter("TopicArn").as_deref() != Some(topic.as_str()) {
            return Err(Forged::SubscribeUrl("is for another topic"));
        }
        match parameter("Token") {
            Some(token) if !token.is_empty() => Ok((Self(url.to_owned()), token)),
            _ => Err(Forged::SubscribeUrl("has no token")),
        }
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The value of the only parameter called `name`.
fn sole(query: &str, name: &str) -> Option<String> {
    let mut values = url::form_urlencoded::parse(query.as_bytes()).filter(|(n, _)| n == name);
    let (_, value) = values.next()?;
    values.next().is_none().then(|| value.into_owned())
}

fn is_query_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'=' | b'&' | b'%' | b':' | b'-' | b'_' | b'.' | b'~' | b'+' | b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:sns:us-east-1:123456789012:t";

    fn parse(url: &str) -> Result<SubscribeUrl, Forged> {
        let confirmation = Confirmation { token: "abc".into(), subscribe_url: url.into() };
        SubscribeUrl::parse(&confirmation, &TopicArn::parse(ARN).unwrap())
    }

    #[test]
    fn sns_own_urls_are_taken_in_any_order_and_encoding() {
        for query in [
            format!("Action=ConfirmSubscription&TopicArn={ARN}&Token=abc"),
            format!("Token=abc&TopicArn={}&Action=ConfirmSubscription", ARN.replace(':', "%3A")),
        ] {
            assert!(parse(&format!("https://sns.us-east-1.amazonaws.com/?{query}")).is_ok(), "{query}");
        }
    }

    #[test]
    fn a_url_that_does_anything_else_is_refused() {
        let good = format!("https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={ARN}&Token=abc");
        assert!(parse(&good).is_ok());
        for (from, to) in [
            ("https://", "http://"),
            ("https://sns.us-east-1.amazonaws.com", "https://169.254.169.254"),
            ("amazonaws.com/", "amazonaws.com@127.0.0.1/"),
            ("amazonaws.com/", "amazonaws.com:8443/"),
            ("amazonaws.com/", "amazonaws.com.evil.example/"),
            ("https://sns.", "https://sqs."),
            ("us-east-1.amazonaws", "eu-west-1.amazonaws"),
            ("/?", "/x?"),
            ("/?", "?"),
            ("ConfirmSubscription", "Unsubscribe"),
            ("ConfirmSubscription", "confirmsubscription"),
            ("Action=", "action="),
            ("&Token=abc", "&Token=abcd"),
            ("&Token=abc", "&Token="),
            ("&Token=abc", ""),
            ("&Token=abc", "&Token=abc&Token=abc"),
            ("&Token=abc", "&Token=abc&AuthenticateOnUnsubscribe=true"),
            ("&Token=abc", "&Token=abc&Action=Publish"),
            ("&Token=abc", "&Token=abc#x"),
            ("&Token=abc", "&Token=abc\r\nX: y"),
            (":t&", ":T&"),
            (":t&", ":t2&"),
        ] {
            assert!(parse(&good.replacen(from, to, 1)).is_err(), "{from} -> {to}");
        }
    }
}
