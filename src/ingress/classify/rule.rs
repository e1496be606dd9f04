//! What a row of the table is, and short ways to write one.

use super::{Class, Speaker, Stage};
use crate::event::{Reason, Side};

/// Where a rule applies.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// Everywhere.
    Always,
    /// Said to RCPT TO, or with a status about the address.
    AtRcpt,
    /// Said to DATA or at its end.
    AtData,
    /// Said to MAIL FROM.
    AtMailFrom,
    /// Said before MAIL FROM.
    AtConnect,
    /// Said by the relay.
    Relay,
    /// With a 5xx or 5.x.x.
    Permanent,
    /// With a 4xx or 4.x.x.
    Transient,
    /// With this SMTP reply code.
    Reply(u16),
    /// With one of these codes; class 0 stands for 4 and 5.
    Status(&'static [(u8, u16, u16)]),
}

/// A text that a rule must fire on, with the circumstances it needs.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The words.
    pub text: &'static str,
    /// The `Status` field.
    pub status: &'static str,
    /// When it was said.
    pub stage: Stage,
    /// Who said it.
    pub speaker: Speaker,
}

/// One row: pattern, where it applies, verdict, an example.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name, in the database and in every explanation.
    pub name: &'static str,
    /// Any of these fits.
    pub phrases: &'static [&'static str],
    /// Where it applies.
    pub when: When,
    /// What it means for the address.
    pub class: Class,
    /// Why.
    pub reason: Reason,
    /// Whose fault.
    pub side: Side,
    /// A text that it fires on.
    pub example: Example,
}

pub(super) const fn rule(
    name: &'static str,
    when: When,
    class: Class,
    reason: Reason,
    side: Side,
    example: Example,
    phrases: &'static [&'static str],
) -> Rule {
    Rule { name, phrases, when, class, reason, side, example }
}

pub(super) const fn said(text: &'static str) -> Example {
    Example { text, status: "", stage: Stage::Unknown, speaker: Speaker::Unknown }
}

pub(super) const fn said_at(stage: Stage, text: &'static str) -> Example {
    Example { text, status: "", stage, speaker: Speaker::Unknown }
}

pub(super) const fn coded(status: &'static str) -> Example {
    Example { text: "", status, stage: Stage::Unknown, speaker: Speaker::Unknown }
}

pub(super) const fn relay_said(text: &'static str) -> Example {
    Example { text, status: "", stage: Stage::Unknown, speaker: Speaker::Relay }
}
