//! Postal's suppression list (table `suppressions` of a mail server): type, address, reason, timestamp and keep_until in
//! Unix seconds, as CSV or JSON.
//!
//! What Postal calls a soft fail has an end, and keeps it.

use super::row::{Names, Row, soft, taken};
use super::{Form, Format, Reading, Taken, Wishes};
use crate::event::{Kind, Reason};
use crate::store::ImportedEntry;

pub(super) const FORMAT: Format = Format {
    name: "postal",
    about: "Postal suppressions, CSV or JSON: type, address, reason, timestamp, keep_until",
    form: Form::Rows { needs: &["address", "type"], knows, entry },
};

fn knows(names: &Names<'_>) -> bool {
    names.has(&["address", "type", "reason", "timestamp"])
}

fn entry(row: &Row<'_>, wishes: &Wishes) -> Reading {
    if row.get("type") != Some("recipient") {
        return Ok(Taken::Skipped("no recipient"));
    }
    let (since, until) = (row.time("timestamp")?, row.time("keepuntil")?);
    let entry = row.entry("address", Kind::HardBounce, Reason::Undefined)?;
    let entry = ImportedEntry { since, until, diagnostic: row.words("reason"), ..entry };
    match row.get("reason") {
        Some(reason) if reason.contains("soft") && until.is_some() => {
            taken(ImportedEntry { kind: Kind::SoftBounce, ..entry })
        }
        Some(reason) if reason.contains("soft") => soft(entry, wishes),
        _ => taken(entry),
    }
}
