//! Our own form, both ways: CSV and JSON lines, as `export` and `list` print them. What is exported and imported again is
//! the same list.

use super::csv_rows::is_formula;
use super::row::{Names, Row, taken};
use super::{Form, Format, Reading, Wishes, is_stream};
use crate::event::{Kind, MAX_DIAGNOSTIC, MAX_NAME, Reason, is_unprintable, printable};
use crate::status::EnhancedStatus;
use crate::store::{ImportedEntry, Suppression};

pub(super) const FORMAT: Format = Format {
    name: "suppressd",
    about: "suppressd export or list, JSON or CSV",
    form: Form::Rows { needs: &["address", "kind", "since"], knows, entry },
};

/// The heading of our CSV.
pub const CSV_HEADER: &str = "address,stream,kind,reason,status,since,until,source,note";

/// An entry as JSON.
#[derive(Debug, serde::Serialize)]
pub struct Exported<'a> {
    /// The address, `@domain` or `@.domain`.
    pub address: &'a str,
    /// The stream, `""` for all mail.
    pub stream: &'a str,
    /// What put it on the list.
    pub kind: &'a str,
    /// Why.
    pub reason: &'a str,
    /// RFC 3463 code.
    pub status: Option<&'a str>,
    /// Since when, UTC.
    pub since: &'a str,
    /// Until when, UTC.
    pub until: Option<&'a str>,
    /// Where the report came from.
    pub source: &'a str,
    /// An operator's note.
    pub note: Option<&'a str>,
}

impl<'a> Exported<'a> {
    /// An entry of a stream.
    #[must_use]
    pub fn new(stream: &'a str, entry: &'a Suppression) -> Self {
        Self {
            address: &entry.address,
            stream,
            kind: &entry.kind,
            reason: &entry.reason,
            status: entry.status.as_deref(),
            since: &entry.since,
            until: entry.until.as_deref(),
            source: &entry.source,
            note: entry.note.as_deref(),
        }
    }
}

/// An entry as a line of CSV (RFC 4180), without its end. Control characters, which a terminal could obey, become `?`.
#[must_use]
pub fn csv_line(stream: &str, entry: &Suppression) -> String {
    let e = Exported::new(stream, entry);
    let always = [e.stream, e.kind, e.reason].map(Some);
    let others = always.into_iter().chain([e.status, Some(e.since), e.until, Some(e.source), e.note]);
    let others = others.map(|text| guarded(&printable(text.unwrap_or_default(), MAX_DIAGNOSTIC)));
    // Two spaces within quotes are another mailbox than one.
    let address = e.address.chars().map(|c| if is_unprintable(c) { '?' } else { c }).collect();
    let fields = std::iter::once(address).chain(others);
    fields.map(field).collect::<Vec<_>>().join(",")
}

/// With a quote before what a spreadsheet would take for a formula.
fn guarded(text: &str) -> String {
    if is_formula(text) { format!("'{text}") } else { text.to_owned() }
}

/// Quoted where it must be.
fn field(text: String) -> String {
    if text.contains(['"', ',']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn knows(names: &Names<'_>) -> bool {
    names.has(&["address", "kind", "reason", "since"])
}

fn entry(row: &Row<'_>, _: &Wishes) -> Reading {
    let kind = row.get("kind").and_then(Kind::parse).filter(|kind| {
        matches!(kind, Kind::HardBounce | Kind::SoftBounce | Kind::Complaint | Kind::Unsubscribe | Kind::Added)
    });
    let kind = kind.ok_or("its kind is none of hard_bounce, soft_bounce, complaint, unsubscribe and added")?;
    let status = row.get("status").map(|text| EnhancedStatus::parse(text).ok_or("its status is not like 5.1.1"));
    let stream = row.get("stream").unwrap_or_default();
    if !is_stream(stream) {
        return Err("its stream is not of small letters, digits, - and _".into());
    }
    let entry = row.entry_or_domain("address", kind, Reason::Undefined)?;
    taken(ImportedEntry {
        reason: row.get("reason").map_or(entry.reason, |text| printable(text, MAX_NAME)),
        status: status.transpose()?,
        since: row.time("since")?,
        until: row.time("until")?,
        note: row.get("note").map(|text| printable(text, MAX_DIAGNOSTIC)),
        stream: stream.to_owned(),
        ..entry
    })
}
