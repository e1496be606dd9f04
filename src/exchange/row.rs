//! One row of CSV or one object of JSON: names and texts.

use jiff::Timestamp;

use super::{Reading, Taken, Wishes, time};
use crate::address::{AddressError, MAX_ADDRESS};
use crate::event::{Kind, MAX_DIAGNOSTIC, MAX_NAME, Reason, printable};
use crate::status::EnhancedStatus;
use crate::store::{ImportedEntry, Key};

/// Why soft bounces are left out.
pub(super) const SOFT: &str = "soft bounce; --soft takes it";

/// The names that rows have, and where they were found.
#[derive(Debug)]
pub(super) struct Names<'a> {
    /// As [`plain_name`] makes them.
    pub names: &'a [String],
    /// The JSON member whose list they are in.
    pub list: Option<&'a str>,
}

impl Names<'_> {
    /// Whether all of these are there.
    pub fn has(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.names.iter().any(|n| n == name))
    }

    /// Whether none of these is there.
    pub fn lacks(&self, names: &[&str]) -> bool {
        !names.iter().any(|name| self.names.iter().any(|n| n == name))
    }
}

/// `EmailAddress`, `email_address` and `Email Address` are one name.
pub(super) fn plain_name(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub names: &'a [String],
    pub values: &'a [String],
}

impl<'a> Row<'a> {
    /// A value without spaces around it; `None` if it is empty or not there.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let at = self.names.iter().position(|n| n == name)?;
        self.values.get(at).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether a row has what its format needs.
    pub fn has(&self, needs: &[&str]) -> Result<(), String> {
        match needs.iter().find(|name| !self.names.iter().any(|n| n == *name)) {
            Some(name) => Err(format!("has no \"{name}\"")),
            None => Ok(()),
        }
    }

    /// A time; what can't be read is an error, what is not there is none.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, String> {
        let Some(text) = self.get(name) else { return Ok(None) };
        time::parse(text).map(Some).ok_or_else(|| format!("\"{}\" is not a time", printable(text, 60)))
    }

    /// An entry for the address in a column; a whole domain is none, for what others list are mailboxes.
    pub fn entry(&self, address: &str, kind: Kind, reason: Reason) -> Result<ImportedEntry, String> {
        let entry = self.entry_or_domain(address, kind, reason)?;
        match entry.key.as_str().starts_with('@') {
            true => Err(format!("\"{}\" has nothing before the @", printable(entry.key.as_str(), 80))),
            false => Ok(entry),
        }
    }

    /// An entry for the address or the domain in a column.
    pub fn entry_or_domain(&self, address: &str, kind: Kind, reason: Reason) -> Result<ImportedEntry, String> {
        let text = self.get(address).ok_or_else(|| format!("has no \"{address}\""))?;
        entry(text, kind, reason)
    }

    /// The words of a receiving system.
    pub fn words(&self, name: &str) -> Option<String> {
        self.get(name).map(|text| printable(text, MAX_DIAGNOSTIC))
    }
}

/// An entry for an address as somebody writes it.
pub(super) fn entry(text: &str, kind: Kind, reason: Reason) -> Result<ImportedEntry, String> {
    let key = Key::parse(text).map_err(|what| format!("\"{}\" {what}", printable(text, 80)))?;
    if key.as_str().len() > MAX_ADDRESS {
        return Err(format!("\"{}\" {}", printable(text, 80), AddressError::TooLong));
    }
    let written = text.rsplit_once('<').map_or(text, |(_, inner)| inner.trim_end_matches('>'));
    Ok(ImportedEntry {
        key,
        reported: printable(written, MAX_NAME),
        stream: String::new(),
        kind,
        reason: reason.as_str().to_owned(),
        status: None,
        since: None,
        until: None,
        note: None,
        diagnostic: None,
    })
}

pub(super) fn taken(entry: ImportedEntry) -> Reading {
    Ok(Taken::Entry(Box::new(entry)))
}

/// A bounce with its status, or else with the status in its words: hard, or soft if the status says that it is temporary.
pub(super) fn bounce(
    entry: ImportedEntry,
    status: Option<EnhancedStatus>,
    code: Option<&str>,
    wishes: &Wishes,
) -> Reading {
    let status = status.or_else(|| in_words(entry.diagnostic.as_deref()?));
    let temporary = match (status, code) {
        (Some(status), _) => !status.is_permanent(),
        (None, Some(code)) => code.starts_with('4'),
        (None, None) => entry.diagnostic.as_deref().is_some_and(|words| words.starts_with('4')),
    };
    let reason = reason(status).as_str().to_owned();
    let entry = ImportedEntry { status, reason, ..entry };
    if temporary { soft(entry, wishes) } else { taken(entry) }
}

/// A soft bounce, if it is wanted.
pub(super) fn soft(entry: ImportedEntry, wishes: &Wishes) -> Reading {
    if wishes.soft { taken(ImportedEntry { kind: Kind::SoftBounce, ..entry }) } else { Ok(Taken::Skipped(SOFT)) }
}

/// The first enhanced status in a reply.
fn in_words(words: &str) -> Option<EnhancedStatus> {
    words.split([' ', '-', '(', ')', '#', ';', ',', ':']).take(8).find_map(EnhancedStatus::parse)
}

/// What a status says. RFC 3463 §3.2, §3.3.
pub(super) fn reason(status: Option<EnhancedStatus>) -> Reason {
    match status.map(|status| (status.subject, status.detail)) {
        Some((1, 1)) => Reason::UserUnknown,
        Some((1, 2 | 10)) => Reason::HostUnknown,
        Some((1, 6)) => Reason::HasMoved,
        Some((2, 1)) => Reason::Suspended,
        Some((2, 2)) => Reason::MailboxFull,
        Some((7, _)) => Reason::Policy,
        _ => Reason::Undefined,
    }
}
