//! What we tell Postfix, and so the sender of a message, about a suppressed recipient: our own words only.
//!
//! `5.1.1 Recipient is on the suppression list (hard bounce since 2026-11-21)`. Nothing that a stranger wrote gets in:
//! an administrator may write rows by hand, so even our own columns are used only where they hold a word, code or date
//! that we know. The result is one line of printable ASCII.

use std::fmt::{self, Write as _};

use crate::event::{Kind, Reason};
use crate::outcome::MARKER;
use crate::status::EnhancedStatus;
use crate::store::Suppression;

/// Statuses of a hard bounce that are about the recipient and may be passed on. RFC 3463 §3.2, §3.3; 5.1.7 and 5.1.8
/// are about the sender, 5.1.5 is a success.
const ABOUT_RECIPIENT: &[(u16, u16)] = &[(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (1, 6), (1, 10), (2, 0), (2, 1)];

/// What nearly all texts are shorter than, in bytes.
const USUAL: usize = 120;

/// Why a recipient is refused, in the form that goes into an SMTP reply. Its text is status, space, sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What put it on the list.
    pub kind: Kind,
    /// Enhanced status code, always of class 5.
    pub status: EnhancedStatus,
    /// Day it came on the list (UTC); `None` where the row does not tell.
    pub since: Option<Day>,
    /// Whether the whole domain is on the list.
    pub whole_domain: bool,
}

/// A day as times of the database begin with it, `2026-11-21`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day([u8; 10]);

impl Day {
    /// The day of a time; `None` if it does not start with one.
    fn of(time: &str) -> Option<Self> {
        let day = *time.as_bytes().first_chunk()?;
        let is_right = |(at, byte): (usize, u8)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() };
        day.into_iter().enumerate().all(is_right).then_some(Self(day))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default() // digits and hyphens
    }
}

impl Refusal {
    /// The refusal for an entry.
    #[must_use]
    pub fn of(entry: &Suppression) -> Self {
        let kind = Kind::parse(&entry.kind).unwrap_or(Kind::Added);
        Self {
            kind,
            status: status(kind, entry),
            since: Day::of(&entry.since),
            whole_domain: entry.address.starts_with('@'),
        }
    }

    /// Its text behind what Postfix wants before it: `550 `, `error:`.
    #[must_use]
    pub fn behind(&self, prefix: &str) -> String {
        let mut text = String::with_capacity(USUAL);
        text.push_str(prefix);
        let _ = write!(text, "{self}"); // a string takes everything
        text
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = if self.whole_domain { "whole domain, " } else { "" };
        let (what, joint) = match self.kind {
            Kind::HardBounce => ("hard bounce", "since"),
            Kind::SoftBounce => ("soft bounces", "since"),
            Kind::Complaint => ("complaint", "since"),
            Kind::Unsubscribe => ("unsubscribed", "since"),
            _ => ("added", "on"),
        };
        self.status.fmt(f)?;
        let since: &[&str] = match &self.since {
            Some(day) => &[" ", joint, " ", day.as_str(), ")"],
            None => &[")"],
        };
        [" ", MARKER, scope, what].iter().chain(since).try_for_each(|text| f.write_str(text))
    }
}

fn status(kind: Kind, entry: &Suppression) -> EnhancedStatus {
    let own = entry.status.as_deref().and_then(EnhancedStatus::parse).filter(|status| {
        let about = (status.subject, status.detail);
        status.is_permanent() && ABOUT_RECIPIENT.contains(&about)
    });
    match kind {
        Kind::HardBounce => own.unwrap_or(EnhancedStatus::new(5, 1, 1)),
        Kind::SoftBounce if entry.reason == Reason::MailboxFull.as_str() => EnhancedStatus::new(5, 2, 2),
        Kind::SoftBounce => EnhancedStatus::new(5, 2, 0),
        _ => EnhancedStatus::new(5, 7, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str, reason: &str, status: Option<&str>) -> Suppression {
        Suppression {
            address: "bob@example.com".into(),
            stream: String::new(),
            kind: kind.into(),
            reason: reason.into(),
            status: status.map(Into::into),
            since: "2026-11-21T08:46:25Z".into(),
            until: None,
            source: "ses".into(),
            event: None,
            note: Some("550 never shown".into()),
        }
    }

    #[test]
    fn every_kind_has_its_status_and_words() {
        for (kind, reason, status, text) in [
            ("hard_bounce", "userunknown", Some("5.1.1"), "5.1.1 hard bounce since"),
            ("hard_bounce", "hostunknown", Some("5.1.2"), "5.1.2 hard bounce since"),
            ("hard_bounce", "suspended", Some("5.2.1"), "5.2.1 hard bounce since"),
            ("hard_bounce", "userunknown", Some("5.7.1"), "5.1.1 hard bounce since"),
            ("hard_bounce", "userunknown", Some("4.1.1"), "5.1.1 hard bounce since"),
            ("hard_bounce", "userunknown", None, "5.1.1 hard bounce since"),
            ("soft_bounce", "mailboxfull", Some("4.2.2"), "5.2.2 soft bounces since"),
            ("soft_bounce", "expired", Some("4.4.7"), "5.2.0 soft bounces since"),
            ("complaint", "abuse", None, "5.7.1 complaint since"),
            ("unsubscribe", "undefined", None, "5.7.1 unsubscribed since"),
            ("added", "manual", Some("5.1.1"), "5.7.1 added on"),
        ] {
            let (code, words) = text.split_once(' ').unwrap();
            let refusal = Refusal::of(&entry(kind, reason, status)).to_string();
            assert_eq!(refusal, format!("{code} Recipient is on the suppression list ({words} 2026-11-21)"));
        }
    }

    #[test]
    fn a_domain_entry_says_so() {
        let domain = Suppression { address: "@example.com".into(), ..entry("added", "manual", None) };
        let text = Refusal::of(&domain).to_string();
        assert_eq!(text, "5.7.1 Recipient is on the suppression list (whole domain, added on 2026-11-21)");
    }

    #[test]
    fn hand_written_columns_never_get_into_the_reply() {
        let hostile = "x\r\n250 OK\nDUNNO";
        let mut row = entry(hostile, hostile, Some(hostile));
        row.since = format!("2026-11-2\n{hostile}");
        assert_eq!(Refusal::of(&row).to_string(), "5.7.1 Recipient is on the suppression list (added)");
        row.since = "ümlaut-1-1".into();
        assert!(Refusal::of(&row).to_string().is_ascii());
    }
}
