//! A table of Postfix in its source form, access(5): `address 550 5.1.1 text`, `domain REJECT text`.
//!
//! A bare domain stands for itself, `.domain` for its subdomains. What lets mail pass, defers it or does something else
//! with it is left out, and so are keys that are no recipient. Of our own text, the kind and day are read back.

use jiff::Timestamp;

use super::row::{entry, soft, taken};
use super::{Form, Format, Reading, Taken, Wishes, time};
use crate::event::{Kind, MAX_DIAGNOSTIC, Reason, printable};
use crate::outcome::MARKER;
use crate::status::EnhancedStatus;
use crate::store::ImportedEntry;

pub(super) const FORMAT: Format = Format {
    name: "access",
    about: "a Postfix access(5) table, as text",
    form: Form::Lines { continued: true, entry: read },
};

/// What an action does with mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Refuse,
    Skip(&'static str),
}

/// Whether a line could be of such a table.
pub(super) fn looks_like(line: &str) -> bool {
    split(line).is_some_and(|(_, value)| action(value).is_some())
}

fn read(line: &str, wishes: &Wishes) -> Reading {
    let (key, value) = split(line).ok_or("has a key and no action")?;
    match action(value).ok_or("has an action that access(5) does not have")? {
        Action::Skip(why) => return Ok(Taken::Skipped(why)),
        Action::Refuse => {}
    }
    let key = key.trim_matches(['<', '>']);
    let address = match key {
        "" => return Ok(Taken::Skipped("no recipient")),
        key if key.parse::<std::net::IpAddr>().is_ok() || key.parse::<ipnet::IpNet>().is_ok() => {
            return Ok(Taken::Skipped("a network, no recipient"));
        }
        key if key.ends_with('@') => return Ok(Taken::Skipped("a user in every domain")),
        key if key.contains('@') => key.to_owned(),
        domain => format!("@{domain}"),
    };
    refused(entry(&address, Kind::Added, Reason::Manual)?, value, wishes)
}

fn refused(entry: ImportedEntry, value: &str, wishes: &Wishes) -> Reading {
    let status = value.split_whitespace().nth(1).and_then(EnhancedStatus::parse).filter(|status| status.is_permanent());
    let (kind, since) = ours(value).unwrap_or((Kind::Added, None));
    let note = (kind == Kind::Added && since.is_none()).then(|| printable(value, MAX_DIAGNOSTIC));
    let reason = if kind == Kind::Added { Reason::Manual } else { super::row::reason(status) };
    let entry = ImportedEntry { kind, since, note, status, reason: reason.as_str().to_owned(), ..entry };
    // Its end does not stand there.
    if kind == Kind::SoftBounce { soft(entry, wishes) } else { taken(entry) }
}

/// Kind and day of our own refusal: `(whole domain, hard bounce since 2026-11-21)`.
fn ours(value: &str) -> Option<(Kind, Option<Timestamp>)> {
    let (_, rest) = value.split_once(MARKER)?;
    let inner = rest.split(')').next()?.rsplit(", ").next()?;
    let (what, day) = inner.split_once(" since ").or_else(|| inner.split_once(" on ")).unwrap_or((inner, ""));
    let kind = match what {
        "hard bounce" => Kind::HardBounce,
        "soft bounces" => Kind::SoftBounce,
        "complaint" => Kind::Complaint,
        "unsubscribed" => Kind::Unsubscribe,
        _ => Kind::Added,
    };
    Some((kind, time::parse(day)))
}

/// Key and value; a space within a quoted local part is none between them.
fn split(line: &str) -> Option<(&str, &str)> {
    let (mut quoted, mut escaped) = (false, false);
    let end = line.char_indices().find(|(_, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            c => return c.is_whitespace() && !quoted,
        }
        false
    });
    let (key, value) = line.split_at_checked(end?.0)?;
    Some((key, value.trim())).filter(|(_, value)| !value.is_empty())
}

fn action(value: &str) -> Option<Action> {
    let word = value.split_whitespace().next()?.to_ascii_uppercase();
    let digits = word.bytes().all(|b| b.is_ascii_digit());
    Some(match word.as_str() {
        "REJECT" => Action::Refuse,
        "OK" | "DUNNO" | "RELAY" | "PERMIT" => Action::Skip("lets mail pass"),
        "DEFER" | "DEFER_IF_REJECT" | "DEFER_IF_PERMIT" => Action::Skip("only defers mail"),
        "DISCARD" | "HOLD" | "WARN" | "INFO" | "FILTER" | "BCC" | "PREPEND" | "REDIRECT" => Action::Skip("no refusal"),
        word if digits && word.len() == 3 && word.starts_with('5') => Action::Refuse,
        word if digits && word.len() == 3 && word.starts_with('4') => Action::Skip("only defers mail"),
        _ if digits => Action::Skip("lets mail pass"),
        _ => return None,
    })
}
