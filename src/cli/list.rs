//! `suppressd list`: the list, with filters.

use std::io::Write;

use clap::builder::{PossibleValue, PossibleValuesParser};
use jiff::Timestamp;

use super::{Failure, json, now};
use crate::address::canonical_domain;
use crate::event::printable;
use crate::exchange::{CSV_HEADER, csv_line};
use crate::store::{Filter, Store, Suppression};

/// Show the suppression list
///
/// It is printed in the order of the addresses: address, kind, reason, status, since when and until when, where it came from, and
/// the note.
///
/// All addresses that complained:
///
/// suppressd list --kind complaint --csv
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only entries of this kind
    #[arg(long, value_parser = kinds())]
    kind: Option<String>,
    /// Only entries with this reason, as userunknown
    #[arg(long)]
    reason: Option<String>,
    /// Only entries of this stream; those for all mail refuse it as well and are not shown
    #[arg(long)]
    stream: Option<String>,
    /// Only entries that came on the list since then: a date, a time, or how long ago, as 7d
    #[arg(long, value_parser = since)]
    since: Option<Timestamp>,
    /// Only entries of this domain
    #[arg(long)]
    domain: Option<String>,
    /// Entries that have run out too
    #[arg(long)]
    expired: bool,
    /// One JSON object a line
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// CSV (RFC 4180) with a header line
    ///
    /// A field that a spreadsheet would take for a formula begins with a quote, but for an address.
    #[arg(long)]
    csv: bool,
}

/// The kinds of entries, for clap.
pub(super) fn kinds() -> PossibleValuesParser {
    let kinds = [
        ("hard_bounce", "The address is dead, or was said to be"),
        ("soft_bounce", "Too many temporary failures"),
        ("complaint", "The recipient complained"),
        ("unsubscribe", "The recipient wants no more of this mail"),
        ("added", "Put there by hand"),
    ];
    PossibleValuesParser::new(kinds.map(|(kind, what)| PossibleValue::new(kind).help(what)))
}

/// A point in time: `2026-11-21`, `2026-11-21T08:46:25Z`, or `7d` for so long ago.
///
/// # Errors
/// A sentence that says what to write.
pub(super) fn since(text: &str) -> Result<Timestamp, String> {
    let ago = crate::config::parse_duration(text).ok().and_then(|ago| now().checked_sub(ago).ok());
    let day = || format!("{text}T00:00:00Z").parse().ok();
    let time = ago.or_else(|| text.parse().ok()).or_else(day);
    time.ok_or_else(|| "write a date as 2026-11-21, a time as 2026-11-21T08:46:25Z, or how long ago, as 7d".into())
}

pub(super) fn run(args: &Args, store: &Store, out: &mut dyn Write) -> Result<u8, Failure> {
    let domain = args.domain.as_deref().map(|d| canonical_domain(d.trim_start_matches('@'))).transpose();
    let domain = domain.map_err(|what| Failure::Usage(format!("--domain {what}")))?;
    let filter = Filter {
        kind: args.kind.clone(),
        domain,
        reason: args.reason.clone(),
        stream: args.stream.clone(),
        since: args.since,
        expired: args.expired,
    };
    let mut out = std::io::BufWriter::new(out);
    if args.csv {
        writeln!(out, "{CSV_HEADER}")?;
    }
    let mut failure = None;
    store.list(&filter, now(), |entry| {
        let written = match (args.json, args.csv) {
            (true, _) => json(&mut out, &entry),
            (_, true) => writeln!(out, "{}", csv_line(&entry.stream, &entry)).map_err(Into::into),
            _ => print(&entry, &mut out),
        };
        written.map_err(|error| failure = Some(error)).is_ok()
    })?;
    match failure {
        Some(failure) => Err(failure),
        None => Ok(out.flush().map(|()| 0)?),
    }
}

fn print(entry: &Suppression, out: &mut dyn Write) -> Result<(), Failure> {
    let until = entry.until.as_deref();
    let stream = Some(entry.stream.as_str()).filter(|stream| !stream.is_empty());
    let columns = [
        Some(entry.address.as_str()),
        stream,
        Some(entry.kind.as_str()),
        Some(entry.reason.as_str()),
        entry.status.as_deref(),
        Some(entry.since.as_str()),
        until.or(Some("released")),
        Some(entry.source.as_str()),
        entry.note.as_deref(),
    ];
    let columns = columns.map(|column| column.map_or_else(|| "-".into(), |text| printable(text, 254)));
    let [address, stream, kind, reason, status, since, until, source, note] = columns;
    let stream = if stream == "-" { String::new() } else { format!("  stream {stream}") };
    let note = if note == "-" { stream } else { format!("{stream}  {note}") };
    Ok(writeln!(out, "{address:<40} {kind:<11} {reason:<12} {status:<6} {since} until {until:<20} {source}{note}")?)
}
