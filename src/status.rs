//! Enhanced mail system status codes: RFC 3463, with the meanings of the IANA registry.

use std::fmt;

/// `class.subject.detail`, as in `5.1.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct EnhancedStatus {
    /// 2 success, 4 persistent transient failure, 5 permanent failure.
    pub class: u8,
    /// What the status is about: 1 address, 2 mailbox, 3 system, 4 network, 5 protocol, 6 content, 7 policy.
    pub subject: u16,
    /// The precise condition within the subject.
    pub detail: u16,
}

impl EnhancedStatus {
    /// A status from its three numbers.
    #[must_use]
    pub const fn new(class: u8, subject: u16, detail: u16) -> Self {
        Self { class, subject, detail }
    }

    /// Parses exactly `d.ddd.ddd` with class 2, 4 or 5 (RFC 3463 §2); `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.as_bytes().split(|byte| *byte == b'.');
        let class = match parts.next()? {
            [class @ (b'2' | b'4' | b'5')] => class - b'0',
            _ => return None,
        };
        let (subject, detail) = (number(parts.next()?)?, number(parts.next()?)?);
        if parts.next().is_some() { None } else { Some(Self { class, subject, detail }) }
    }

    /// Parses the status at the start of a `Status:` field, where comments and text may follow (`5.1.1 (unknown user)`).
    #[must_use]
    pub fn parse_prefix(text: &str) -> Option<Self> {
        let text = text.trim_start();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        Self::parse(text.get(..end)?.trim_end_matches('.'))
    }

    /// Whether the reporting system gave up for good.
    #[must_use]
    pub const fn is_permanent(self) -> bool {
        self.class == 5
    }

    /// The registry's short text, for people; empty where the code is not registered.
    #[must_use]
    pub fn text(self) -> &'static str {
        REGISTRY
            .iter()
            .find(|(subject, detail, _)| (*subject, *detail) == (self.subject, self.detail))
            .map_or("", |(_, _, text)| text)
    }
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Self { class, subject, detail } = self;
        let digit = |number: u16| u8::try_from(number).ok().filter(|number| *number < 10).map(|number| b'0' + number);
        match (digit(class.into()), digit(subject), digit(detail)) {
            // Nearly always.
            (Some(class), Some(subject), Some(detail)) => {
                f.write_str(std::str::from_utf8(&[class, b'.', subject, b'.', detail]).unwrap_or_default())
            }
            _ => write!(f, "{class}.{subject}.{detail}"),
        }
    }
}

fn number(digits: &[u8]) -> Option<u16> {
    let valid = (1..=3).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    valid.then(|| digits.iter().fold(0, |number, digit| 10 * number + u16::from(digit - b'0')))
}

/// Subject, detail, text: IANA "SMTP Enhanced Status Codes".
const REGISTRY: &[(u16, u16, &str)] = &[
    (0, 0, "other undefined status"),
    (1, 0, "other address status"),
    (1, 1, "bad destination mailbox address"),
    (1, 2, "bad destination system address"),
    (1, 3, "bad destination mailbox address syntax"),
    (1, 4, "destination mailbox address ambiguous"),
    (1, 5, "destination address valid"),
    (1, 6, "destination mailbox has moved, no forwarding address"),
    (1, 7, "bad sender's mailbox address syntax"),
    (1, 8, "bad sender's system address"),
    (1, 9, "message relayed to non-compliant mailer"),
    (1, 10, "recipient address has null MX"),
    (2, 0, "other or undefined mailbox status"),
    (2, 1, "mailbox disabled, not accepting messages"),
    (2, 2, "mailbox full"),
    (2, 3, "message length exceeds administrative limit"),
    (2, 4, "mailing list expansion problem"),
    (3, 0, "other or undefined mail system status"),
    (3, 1, "mail system full"),
    (3, 2, "system not accepting network messages"),
    (3, 3, "system not capable of selected features"),
    (3, 4, "message too big for system"),
    (3, 5, "system incorrectly configured"),
    (3, 6, "requested priority was changed"),
    (4, 0, "other or undefined network or routing status"),
    (4, 1, "no answer from host"),
    (4, 2, "bad connection"),
    (4, 3, "directory server failure"),
    (4, 4, "unable to route"),
    (4, 5, "mail system congestion"),
    (4, 6, "routing loop detected"),
    (4, 7, "delivery time expired"),
    (5, 0, "other or undefined protocol status"),
    (5, 1, "invalid command"),
    (5, 2, "syntax error"),
    (5, 3, "too many recipients"),
    (5, 4, "invalid command arguments"),
    (5, 5, "wrong protocol version"),
    (5, 6, "authentication exchange line is too long"),
    (6, 0, "other or undefined media error"),
    (6, 1, "media not supported"),
    (6, 2, "conversion required and prohibited"),
    (6, 3, "conversion required but not supported"),
    (6, 4, "conversion with loss performed"),
    (6, 5, "conversion failed"),
    (6, 6, "message content not available"),
    (6, 7, "non-ASCII addresses not permitted for that sender or recipient"),
    (6, 8, "UTF-8 string reply is required"),
    (6, 9, "UTF-8 header message cannot be transferred"),
    (7, 0, "other or undefined security status"),
    (7, 1, "delivery not authorized, message refused"),
    (7, 2, "mailing list expansion prohibited"),
    (7, 3, "security conversion required but not possible"),
    (7, 4, "security features not supported"),
    (7, 5, "cryptographic failure"),
    (7, 6, "cryptographic algorithm not supported"),
    (7, 7, "message integrity failure"),
    (7, 8, "authentication credentials invalid"),
    (7, 9, "authentication mechanism is too weak"),
    (7, 10, "encryption needed"),
    (7, 11, "encryption required for requested authentication mechanism"),
    (7, 12, "a password transition is needed"),
    (7, 13, "user account disabled"),
    (7, 14, "trust relationship required"),
    (7, 15, "priority level is too low"),
    (7, 16, "message is too big for the specified priority"),
    (7, 17, "mailbox owner has changed"),
    (7, 18, "domain owner has changed"),
    (7, 19, "RRVS test cannot be completed"),
    (7, 20, "no passing DKIM signature found"),
    (7, 21, "no acceptable DKIM signature found"),
    (7, 22, "no valid author-matched DKIM signature found"),
    (7, 23, "SPF validation failed"),
    (7, 24, "SPF validation error"),
    (7, 25, "reverse DNS validation failed"),
    (7, 26, "multiple authentication checks failed"),
    (7, 27, "sender address has null MX"),
    (7, 28, "mail flood detected"),
    (7, 29, "ARC validation failure"),
    (7, 30, "REQUIRETLS support required"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_rfc_3463_allows_and_nothing_else() {
        assert_eq!(EnhancedStatus::parse("5.1.1"), Some(EnhancedStatus::new(5, 1, 1)));
        assert_eq!(EnhancedStatus::parse("5.7.999").map(|s| s.to_string()).as_deref(), Some("5.7.999"));
        for bad in ["", "5", "5.1", "5.1.1.1", "3.1.1", "5.1.1000", "5..1", "5.1.x", "55.1.1", "5.1.+1", "٥.1.1"] {
            assert_eq!(EnhancedStatus::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn status_fields_may_carry_text_behind() {
        for text in ["5.1.1", " 5.1.1 (user unknown)", "5.1.1.", "5.1.1; gone"] {
            assert_eq!(EnhancedStatus::parse_prefix(text), Some(EnhancedStatus::new(5, 1, 1)), "{text}");
        }
        assert_eq!(EnhancedStatus::parse_prefix("failed"), None);
    }

    #[test]
    fn meanings_come_from_the_registry() {
        assert_eq!(EnhancedStatus::new(5, 1, 1).text(), "bad destination mailbox address");
        assert_eq!(EnhancedStatus::new(5, 9, 9).text(), "");
    }
}
