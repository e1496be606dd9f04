//! `suppressd why ADDRESS`: the entry, the evidence, the way back.

use std::io::Write;

use super::{EXIT_NOT, Failure, json, now, shown};
use crate::address::Address;
use crate::event::printable;
use crate::store::{Key, Refusals, Store, StoredEvent, Suppression};

/// Tell whether an address is suppressed, since when, on what evidence, and how to undo it
///
/// An entry for its domain is found too. By which rule the entry came about and how often mail was refused is told, then all
/// events about the address follow, the oldest first.
///
/// Exit status 0 if the address is suppressed, 1 if not.
///
/// Why does nobody get through to her?
///
/// suppressd why alice@example.com
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// user@domain or 'Name <user@domain>', in any case
    ///
    /// An international domain may be written either way.
    address: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// All that is known of an address.
#[derive(serde::Serialize)]
struct Dossier {
    address: String,
    suppressed: bool,
    entry: Option<Suppression>,
    refusals: Refusals,
    events: Vec<StoredEvent>,
    undo: Option<String>,
}

/// 0 if it is suppressed, else 1.
pub(super) fn run(args: &Args, store: &Store, out: &mut dyn Write) -> Result<u8, Failure> {
    let dossier = dossier(&args.address, store)?;
    if args.json {
        json(out, &dossier)?;
    } else {
        print(&dossier, out)?;
    }
    Ok(if dossier.suppressed { 0 } else { EXIT_NOT })
}

fn dossier(text: &str, store: &Store) -> Result<Dossier, Failure> {
    let wrong = |what| Failure::Usage(format!("\"{}\" {what}", printable(text, 80)));
    let address = Address::parse_mailbox(text).map_err(wrong)?;
    let key = Key::parse(address.as_str()).map_err(wrong)?;
    let entry = store.find(&address, now())?;
    Ok(Dossier {
        address: address.to_string(),
        suppressed: entry.is_some(),
        refusals: store.refusals(&key)?,
        events: store.events(&key)?,
        undo: entry.as_ref().map(|entry| format!("suppressd remove '{}'", entry.address.replace('\'', "'\\''"))),
        entry,
    })
}

fn print(dossier: &Dossier, out: &mut dyn Write) -> Result<(), Failure> {
    let address = &shown(&dossier.address);
    match &dossier.entry {
        None => writeln!(out, "{address} is not suppressed")?,
        Some(entry) => print_entry(address, entry, out)?,
    }
    if let Some(last) = &dossier.refusals.last {
        writeln!(out, "  refused {} times, last {}", dossier.refusals.count, shown(last))?;
    }
    if !dossier.events.is_empty() {
        writeln!(out, "\nevents, oldest first:")?;
    }
    for event in &dossier.events {
        print_event(event, out)?;
    }
    if let Some(undo) = &dossier.undo {
        writeln!(out, "\nto release it: {}", shown(undo))?;
    }
    if dossier.entry.as_ref().is_some_and(|entry| entry.reason == "suppressed") {
        writeln!(out, "\n{}", ses_advice(dossier.events.last().map_or(address, |event| &event.reported)))?;
    }
    Ok(())
}

fn print_entry(address: &str, entry: &Suppression, out: &mut dyn Write) -> Result<(), Failure> {
    let until = entry.until.as_deref().unwrap_or("released");
    let domain =
        if entry.address.starts_with('@') { format!(" (entry {})", shown(&entry.address)) } else { String::new() };
    writeln!(out, "{address} is suppressed since {} until {until}{domain}", entry.since)?;
    let status = entry.status.as_ref().map_or_else(String::new, |status| format!(" {}", shown(status)));
    let [kind, reason, source] = [&entry.kind.replace('_', " "), &entry.reason, &entry.source].map(|text| shown(text));
    writeln!(out, "  {kind}{status}, reason {reason}, source {source}")?;
    if let Some(note) = &entry.note {
        writeln!(out, "  note: {}", shown(note))?;
    }
    Ok(())
}

fn print_event(event: &StoredEvent, out: &mut dyn Write) -> Result<(), Failure> {
    let [at, kind, reason, action, decision] =
        [&event.at, &event.kind, &event.reason, &event.action, &event.decision].map(|text| shown(text));
    let status = event.status.as_deref().map_or_else(|| "-".to_owned(), shown);
    let from = shown(&format!("{}/{}", event.source, event.origin));
    writeln!(out, "  {at}  {kind:<11} {status:<6} {reason:<12} {from:<20} {action}: {decision}")?;
    let facts = [
        ("", &event.diagnostic),
        ("reported by ", &event.reporting_mta),
        ("refused by ", &event.remote_mta),
        ("sender ", &event.sender),
        ("message ", &event.message_id),
        ("provider's id ", &event.provider_id),
        ("queue id ", &event.queue_id),
        ("by ", &event.channel),
        ("rule ", &event.rule),
    ];
    for (label, fact) in facts {
        if let Some(fact) = fact {
            writeln!(out, "      {label}{}", shown(fact))?;
        }
    }
    Ok(())
}

/// What to do about an address that SES itself suppresses; SES compares case.
pub(super) fn ses_advice(reported: &str) -> String {
    format!(
        "SES keeps this address on its own suppression list; take it off there too:\n  \
         aws sesv2 delete-suppressed-destination --email-address '{}'",
        printable(reported, 320).replace('\'', "'\\''")
    )
}
