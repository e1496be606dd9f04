//! What happened to one recipient, as every door reports it and the store keeps it.
//!
//! An [`Event`] is the only thing that crosses from `ingress` to `policy` and `store`. Provider words stop at the
//! doors; what is here are the terms of RFC 3464, RFC 5965 and Postfix. Texts that strangers wrote are cut to a
//! length and freed of control characters by [`printable`] before they get in.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::Offset;
use memchr::memchr2;

use crate::address::Address;
use crate::status::EnhancedStatus;

/// Longest diagnostic kept, in characters. Postfix folds a diagnostic, but never cuts it below this.
pub const MAX_DIAGNOSTIC: usize = 1000;
/// Longest name, id or host kept, in characters.
pub const MAX_NAME: usize = 255;
/// Most bytes kept of the list headers of one message.
pub const MAX_HEADERS: usize = 2000;

/// Header fields that are kept of a message, for they tell which list, campaign or subscriber it was for; `*` stands for any
/// end of a name.
pub const KEPT_HEADERS: &[&str] = &[
    "List-Id",
    "List-Unsubscribe",
    "Feedback-ID",
    "Precedence",
    "X-App-Campaign",
    "X-Campaign",
    "X-Campaign-ID",
    "X-CiviMail-*",
    "X-Discourse-Reply-Key",
    "X-EmailID",
    "X-Entity-Ref-ID",
    "X-Listmonk-*",
    "X-ListMember",
    "X-Mailer",
    "X-Mailer-RecptId",
    "X-Mailman-*",
    "X-Mautic-*",
    "X-MessageID",
    "X-SES-Configuration-Set",
    "X-SES-Message-Tags",
];
/// Further fields of every message (RFC 5322 §3.6) that are not kept.
const OTHER_HEADERS: &[&str] = &[
    "Cc",
    "Content-Type",
    "Date",
    "From",
    "Message-ID",
    "Received",
    "Reply-To",
    "Return-Path",
    "Sender",
    "Subject",
    "To",
];

/// One thing that happened to one recipient.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Event {
    /// What makes a second report of the same thing a duplicate.
    pub id: EventId,
    /// What happened.
    pub kind: Kind,
    /// When it happened, by the reporter's clock; when it was received, where the report does not say.
    pub at: Timestamp,
    /// Who, in canonical form.
    pub recipient: Address,
    /// The recipient as the reporter wrote it; SES's suppression list wants the exact case.
    pub reported: String,
    /// Where the report came from and how far it is to be trusted.
    pub source: Source,
    /// How its origin is proved.
    pub origin: Origin,
    /// The facts behind the verdict.
    pub evidence: Evidence,
}

/// Idempotency key. Two reports with one key are one event.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct EventId(pub String);

/// The facts behind a verdict. All texts are [`printable`].
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    /// Why, in the field's vocabulary.
    pub reason: Reason,
    /// Whose fault.
    pub side: Side,
    /// RFC 3463 code, the innermost where one reply wraps another.
    pub status: Option<EnhancedStatus>,
    /// The receiving system's own words (RFC 3464 `Diagnostic-Code`, without its type).
    pub diagnostic: Option<String>,
    /// Who reports (RFC 3464 `Reporting-MTA`).
    pub reporting_mta: Option<String>,
    /// Who refused (RFC 3464 `Remote-MTA`).
    pub remote_mta: Option<String>,
    /// Envelope sender of the message that bounced.
    pub sender: Option<String>,
    /// Message-ID header of the message that bounced.
    pub message_id: Option<String>,
    /// The provider's own id of that message; SES returns it in `250 Ok <id>`, which Postfix logs.
    pub provider_id: Option<String>,
    /// Postfix queue id of the message that bounced (`X-Postfix-Queue-ID`).
    pub queue_id: Option<String>,
    /// Where it came in: TopicArn, or the address that the report was sent to.
    pub channel: Option<String>,
    /// List headers of the message that bounced (`List-Id`, campaign and subscriber headers), one `Name: value` a line.
    pub headers: Option<String>,
    /// The classification rule that fired.
    pub rule: Option<String>,
}

/// Gives an enum its one text form, both ways; the same words stand in the database, the log and `--json`.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it in the database, the log and JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value for a word; `None` for a word that is not one of ours.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                Self::parse(&word).ok_or_else(|| serde::de::Error::custom(concat!("unknown ", stringify!($name))))
            }
        }
    };
}

words! {
    /// What happened.
    Kind {
        /// The address does not work and will not.
        HardBounce = "hard_bounce",
        /// The message did not arrive; another might.
        SoftBounce = "soft_bounce",
        /// The recipient called the message spam.
        Complaint = "complaint",
        /// The recipient does not want this kind of mail any more.
        Unsubscribe = "unsubscribe",
        /// The receiving system took the message.
        Delivery = "delivery",
        /// Not yet delivered; nothing is decided.
        Delay = "delay",
        /// Handed to the relay.
        Send = "send",
        /// The relay did not accept the message (SES `Reject`: a virus).
        Reject = "reject",
        /// Opened by the recipient.
        Open = "open",
        /// A link was followed.
        Click = "click",
        /// The relay could not build the message from its template.
        RenderingFailure = "rendering_failure",
        /// The recipient changed what he subscribes to.
        Subscription = "subscription",
        /// A report that says nothing about an address: a vacation notice, our own refusal coming back.
        Notice = "notice",
        /// An operator put the address on the list.
        Added = "added",
        /// An operator took the address off the list.
        Removed = "removed",
    }
}

words! {
    /// Why, in the vocabulary that bounce tools share.
    #[derive(Default)]
    Reason {
        /// No such mailbox.
        UserUnknown = "userunknown",
        /// No such domain, or one that takes no mail (null MX).
        HostUnknown = "hostunknown",
        /// Over quota.
        MailboxFull = "mailboxfull",
        /// Mailbox disabled or suspended.
        Suspended = "suspended",
        /// Moved, with or without a new address.
        HasMoved = "hasmoved",
        /// Refused for this recipient after DATA, without a telling text.
        Filtered = "filtered",
        /// Refused because of the sender's address or domain.
        Rejected = "rejected",
        /// Refused because of the client's address or reputation.
        Blocked = "blocked",
        /// Refused by a rule of the receiving system.
        Policy = "policy",
        /// Taken for spam.
        SpamDetected = "spamdetected",
        /// Taken for a virus.
        VirusDetected = "virusdetected",
        /// Refused for its content or format.
        ContentError = "contenterror",
        /// Too big for the system or mailbox.
        TooBig = "toobig",
        /// Not delivered within the queue's lifetime.
        Expired = "expired",
        /// Host, route or connection trouble.
        NetworkError = "networkerror",
        /// Trouble of the receiving system.
        SystemError = "systemerror",
        /// The receiving system is full.
        SystemFull = "systemfull",
        /// Too many messages or connections.
        Throttled = "throttled",
        /// SPF, DKIM or DMARC failed.
        AuthFailure = "authfailure",
        /// The relay has not verified the sender.
        NotVerified = "notverified",
        /// The relay does not let us send: not authenticated, paused, over quota.
        RelayRefused = "relayrefused",
        /// A mail loop.
        MailLoop = "mailloop",
        /// SMTP went wrong.
        ProtocolError = "protocolerror",
        /// Greylisting or another request to come back.
        Greylisted = "greylisted",
        /// On the relay's own suppression list.
        Suppressed = "suppressed",
        /// Our own refusal, coming back.
        OwnRefusal = "ownrefusal",
        /// Complaint: abuse (RFC 5965).
        Abuse = "abuse",
        /// Complaint: fraud or phishing.
        Fraud = "fraud",
        /// Complaint: a virus.
        Virus = "virus",
        /// Feedback that is no complaint: moved out of the spam folder.
        NotSpam = "notspam",
        /// A vacation notice or another automatic answer.
        AutoReply = "autoreply",
        /// What an operator said.
        Manual = "manual",
        /// Other feedback.
        Other = "other",
        /// Failed for a reason that its text does not tell.
        OnHold = "onhold",
        /// Nothing known.
        #[default]
        Undefined = "undefined",
    }
}

words! {
    /// Whose fault it was.
    #[derive(Default)]
    Side {
        /// The mailbox or its domain.
        Recipient = "recipient",
        /// Us: content, size, rate, reputation, authentication, relay account.
        Sender = "sender",
        /// Neither: network, time-out, trouble of a system in between.
        Transport = "transport",
        /// The report does not tell.
        #[default]
        Unknown = "unknown",
    }
}

words! {
    /// Where a report came from.
    Source {
        /// Amazon SES, by SNS over HTTP or mail, or by feedback forwarding.
        Ses = "ses",
        /// A delivery status notification (RFC 3464).
        Dsn = "dsn",
        /// A feedback report (RFC 5965).
        Arf = "arf",
        /// Bounce mail in no standard form.
        Mail = "mail",
        /// An operator at the command line, or SQL by hand.
        Manual = "manual",
        /// A file that an operator imported.
        Import = "import",
    }
}

words! {
    /// The doors.
    Door {
        /// A topic's webhook.
        Sns = "sns",
        /// A mail by pipe(8).
        Pipe = "pipe",
        /// A mail by LMTP.
        Lmtp = "lmtp",
    }
}

words! {
    /// How the origin of a report is proved.
    Origin {
        /// A verified SNS signature from an allowed topic.
        SnsSignature = "sns-signature",
        /// The credentials configured for this door.
        Credentials = "credentials",
        /// Made by this Postfix itself.
        Local = "local",
        /// Handed in by a client of a trusted network.
        TrustedNetwork = "trusted-network",
        /// A valid DKIM signature of a trusted domain.
        Dkim = "dkim",
        /// An Authentication-Results header of a trusted authserv-id.
        AuthenticationResults = "authentication-results",
        /// A return path that we signed.
        ReturnPath = "return-path",
        /// Somebody with access to the database.
        Operator = "operator",
        /// Nothing: recorded, and suppresses nobody.
        Unproved = "unproved",
    }
}

words! {
    /// Why something that came in did not count.
    Why {
        /// Not in the form of the door.
        Malformed = "malformed",
        /// Not proved to come from whom it says.
        Untrusted = "untrusted",
        /// Well formed, and nothing that we know.
        NotUnderstood = "not-understood",
    }
}

impl Origin {
    /// Whether an event of this origin may change the list.
    #[must_use]
    pub const fn is_proved(self) -> bool {
        !matches!(self, Self::Unproved)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A time as the database, the log and JSON write it: `2026-11-21T08:46:25Z`, to the second.
#[must_use]
pub fn timestamp_text(at: Timestamp) -> String {
    let time = Offset::UTC.to_datetime(at);
    if time.year() < 0 {
        return at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    }
    // Some for each event and lookup: strftime is ten times as dear.
    let digit = |number: i16| b'0' + (number % 10) as u8;
    let two = |number: i16| [digit(number / 10), digit(number)];
    let [month, day, hour, minute, second] =
        [time.month(), time.day(), time.hour(), time.minute(), time.second()].map(|number| two(number.into()));
    let (century, year) = (two(time.year() / 100), two(time.year()));
    let text =
        [&century, &year, &b"-"[..], &month, b"-", &day, b"T", &hour, b":", &minute, b":", &second, b"Z"].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// Whether a header field is one of [`KEPT_HEADERS`].
#[must_use]
pub fn is_kept_header(name: &str) -> bool {
    let begins = |with: &str| name.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    KEPT_HEADERS.iter().any(|kept| kept.strip_suffix('*').map_or(kept.eq_ignore_ascii_case(name), begins))
}

/// Whether a name can only be that of a header field which is not kept; any other may be that of a tag.
#[must_use]
pub fn is_lost_header(name: &str) -> bool {
    let is_header = name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("x-"))
        || OTHER_HEADERS.iter().any(|other| other.eq_ignore_ascii_case(name));
    is_header && !is_kept_header(name)
}

/// Header lines that tell which list or campaign a message was for, as many as there is room for in [`MAX_HEADERS`] bytes;
/// `None` for none.
pub(crate) fn kept_headers(lines: impl Iterator<Item = String>) -> Option<String> {
    let mut kept = String::new();
    for line in lines {
        if kept.len() + line.len() < MAX_HEADERS {
            kept.push_str(if kept.is_empty() { "" } else { "\n" });
            kept.push_str(&line);
        }
    }
    (!kept.is_empty()).then_some(kept)
}

/// A stranger's text, safe to keep and show: white space folded to one space, control and invisible direction
/// characters replaced by `?`, cut after `max` characters.
#[must_use]
pub fn printable(text: &str, max: usize) -> String {
    if text.len() <= max && is_plain(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len().min(max));
    let mut length = 0;
    for word in text.split_whitespace() {
        let space = if out.is_empty() { None } else { Some(' ') };
        for c in space.into_iter().chain(word.chars()) {
            if length == max {
                // Cut behind a word, it reads the same the next time.
                out.truncate(out.trim_end_matches(' ').len());
                return out;
            }
            out.push(if is_unprintable(c) { '?' } else { c });
            length += 1;
        }
    }
    out
}

/// Visible ASCII, with single spaces between: nearly all texts are, and they stay as they are.
fn is_plain(text: &str) -> bool {
    let mut before = b' ';
    let plain = text.bytes().all(|b| {
        let last = std::mem::replace(&mut before, b);
        b.is_ascii_graphic() || (b == b' ' && last != b' ')
    });
    plain && before != b' '
}

/// An address for a line of the log: printable, in the only angle brackets there. A quoted local part may hold some too.
#[must_use]
pub fn bracketed(address: &str) -> String {
    if address.len() <= MAX_NAME && is_plain(address) && memchr2(b'<', b'>', address.as_bytes()).is_none() {
        return ["<", address, ">"].concat();
    }
    ["<", &printable(address, MAX_NAME).replace(['<', '>'], "?"), ">"].concat()
}

/// Control characters, and the formatting characters that can reorder or hide text on a terminal.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_to_the_second() {
        for text in [
            "2026-11-21T08:46:25.999Z",
            "1969-12-31T23:59:59.5Z",
            "0000-01-01T00:00:00Z",
            "-000001-12-31T23:59:59Z",
            "9999-12-30T22:00:00Z",
            "2024-02-29T10:20:30Z",
        ] {
            let at: Timestamp = text.parse().unwrap();
            assert_eq!(timestamp_text(at), at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        }
    }

    #[test]
    fn words_go_both_ways() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(*kind));
        }
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.as_str()), Some(*reason));
        }
        assert_eq!(Kind::parse("nonsense"), None);
    }

    #[test]
    fn only_a_proved_origin_may_change_the_list() {
        let unproved: Vec<_> = Origin::ALL.iter().filter(|o| !o.is_proved()).collect();
        assert_eq!(unproved, [&Origin::Unproved]);
    }

    #[test]
    fn strangers_texts_are_folded_and_cut() {
        assert_eq!(printable("550 no\r\n\tsuch  user", 100), "550 no such user");
        assert_eq!(printable("a\x1b[31mb\0c\u{202e}d", 100), "a?[31mb?c?d");
        assert_eq!(printable("äöü äöü", 5), "äöü ä");
        assert_eq!(printable("äöü äöü", 4), "äöü");
        assert_eq!(printable("", 5), "");
    }

    #[test]
    fn times_are_utc_to_the_second() {
        let at: Timestamp = "2026-11-21T09:46:25.75+01:00".parse().unwrap();
        assert_eq!(timestamp_text(at), "2026-11-21T08:46:25Z");
    }
}
