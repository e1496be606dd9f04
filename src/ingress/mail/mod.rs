//! Reads bounce mail: who, what happened, whose fault.
//!
//! [`read`] takes a whole mail and gives one [`Finding`] for each recipient that it is about, judged by
//! [`super::classify`]. Formats are tried from the most to the least certain: a feedback report, a delivery status part, an SES
//! event in JSON, a disposition notification, a status report pasted into text, the wordings of mail programs, an
//! automatic answer. Only the outermost report counts: what a returned message quotes is not read, and a report within
//! a forward is read only if the forward itself names nobody.
//!
//! Limits: [`MAX_RECIPIENTS`] recipients, those of [`mime`], and [`MAX_FORWARDS`] forwards deep; all in linear time.
//! Never fails and drops nothing silently: a recipient that cannot be understood is in [`Reading::unnamed`] with the
//! reason. Says nothing of where the mail came from: anybody can write one.

pub mod arf;
pub mod autoreply;
pub mod dkim;
pub mod dsn;
pub mod fields;
pub mod html;
pub mod mime;
pub mod nonstandard;
pub mod origin;
pub mod original;
mod phrases;
mod recipient;
mod report;
pub mod session;
pub mod sns_json;
pub mod submission;
mod verdict;

use jiff::Timestamp;

use crate::address::Address;
use crate::event::{EventId, Evidence, Kind, Source};
use crate::return_path::verp::Pattern;
use mime::{Mail, PartKind};

/// Most recipients taken from one mail.
pub const MAX_RECIPIENTS: usize = 1000;
/// How many forwards deep a report is looked for.
pub const MAX_FORWARDS: usize = 3;

/// What kind of mail it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nature {
    /// A delivery status notification (RFC 3464).
    Dsn,
    /// A feedback report (RFC 5965).
    Arf,
    /// An SES event by mail.
    SnsJson,
    /// A bounce in words.
    Nonstandard,
    /// An automatic answer.
    AutoReply,
    /// A disposition notification (RFC 8098).
    Disposition,
    /// A request to be taken off, sent by the recipient's mail program (RFC 2369 `mailto:`).
    Unsubscribe,
    /// None of these.
    #[default]
    NotABounce,
}

impl Nature {
    /// The word for people and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dsn => "delivery status notification",
            Self::Arf => "feedback report",
            Self::SnsJson => "SES event",
            Self::Nonstandard => "bounce in words",
            Self::AutoReply => "automatic answer",
            Self::Disposition => "disposition notification",
            Self::Unsubscribe => "unsubscribe request",
            Self::NotABounce => "not a bounce",
        }
    }
}

/// What a mail says.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// What kind of mail it is.
    pub nature: Nature,
    /// Which parser or family understood it.
    pub family: &'static str,
    /// One entry for each recipient.
    pub findings: Vec<Finding>,
    /// What was reported about somebody whom we cannot name.
    pub unnamed: Vec<Unnamed>,
}

/// What happened to one recipient.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The report's own id, where it has one that is worth more than the mail's text.
    pub id: Option<EventId>,
    /// What happened.
    pub kind: Kind,
    /// Who.
    pub recipient: Address,
    /// The recipient as the reporter wrote it.
    pub reported: String,
    /// When, by the reporter's clock.
    pub at: Option<Timestamp>,
    /// What the report is.
    pub source: Source,
    /// The facts behind it.
    pub evidence: Evidence,
}

/// What happened to a recipient without a usable address.
#[derive(Clone, Debug)]
pub struct Unnamed {
    /// What happened.
    pub kind: Kind,
    /// What the report has in place of an address.
    pub reported: String,
    /// Why it is no address.
    pub why: String,
    /// The facts behind it.
    pub evidence: Evidence,
}

/// Reads a mail, with the common pattern of return paths.
#[must_use]
pub fn read(mail: &[u8]) -> Reading {
    read_with(mail, &[], false)
}

/// Reads a mail; `verp` are the patterns of our own return paths, beside the common one. With `from_nobody` it came from the null
/// sender, whatever its header says.
#[must_use]
pub fn read_with(mail: &[u8], verp: &[Pattern], from_nobody: bool) -> Reading {
    read_forwarded(mail, verp, from_nobody, MAX_FORWARDS)
}

/// Reads a payload that is no mail: an SES event, bare or in its SNS envelope; `None` if it is none.
#[must_use]
pub fn read_payload(text: &str) -> Option<Reading> {
    if text.trim_start().starts_with('{') { sns_json::read(text, None) } else { None }
}

fn read_forwarded(bytes: &[u8], verp: &[Pattern], from_nobody: bool, depth: usize) -> Reading {
    let mail = Mail::read(bytes);
    let reading = report::read(&mail, verp, from_nobody);
    let names_somebody = !reading.findings.is_empty();
    if names_somebody || depth == 0 || !matches!(reading.nature, Nature::NotABounce | Nature::Nonstandard) {
        return reading;
    }
    let forwarded = mail.parts.iter().filter(|p| p.kind == PartKind::Original).take(MAX_FORWARDS);
    let inner = forwarded.map(|p| read_forwarded(p.text.as_bytes(), verp, false, depth - 1));
    let is_report = |r: &Reading| {
        !r.findings.is_empty() && matches!(r.nature, Nature::Dsn | Nature::Arf | Nature::SnsJson | Nature::Nonstandard)
    };
    inner.into_iter().find(is_report).unwrap_or(reading)
}

#[cfg(test)]
mod tests;
