//! `suppressd remove`: take addresses or domains off the list. Reports from before that no longer count.

use std::io::Write;

use jiff::Timestamp;

use super::list::{kinds, since};
use super::{EXIT_NOT, Failure, add, counted, now, operator, shown, why};
use crate::address::{AddressError, canonical_domain};
use crate::store::{Change, Filter, Key, Store, Suppression};

/// Entries shown before many are removed.
const SAMPLE: usize = 10;

/// Take addresses or domains off the list
///
/// Reports of things that happened before no longer count. If the entry came from the suppression list of SES, it is told how
/// to remove the address there. With --domain, --reason, --kind or --since many are removed at once, and other entries of the
/// same addresses stay: without --yes they are only counted, and some of them shown.
///
/// Exit status 1 if one of them was not on the list, or if they were only counted.
///
/// Release somebody who has a mailbox again:
///
/// suppressd remove --note "mailbox is back, ticket 4711" alice@example.com
///
/// Undo what a broken server at a domain did in the last two hours:
///
/// suppressd remove --domain example.net --since 2h --yes
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// user@domain, or @domain or @.domain for a domain's own entry
    #[arg(required_unless_present_any = ["domain", "reason", "kind", "since"])]
    addresses: Vec<String>,
    /// Why, for those who ask later
    #[arg(long)]
    note: Option<String>,
    /// Only entries of this stream; those for all mail refuse it as well and are not removed
    #[arg(long)]
    stream: Option<String>,
    /// Remove all entries of this domain
    #[arg(long, conflicts_with = "addresses")]
    domain: Option<String>,
    /// Remove all entries with this reason, as userunknown
    #[arg(long, conflicts_with = "addresses")]
    reason: Option<String>,
    /// Remove all entries of this kind
    #[arg(long, conflicts_with = "addresses", value_parser = kinds())]
    kind: Option<String>,
    /// Remove all entries that came on the list since then: a date, a time, or how long ago, as 2h
    #[arg(long, conflicts_with = "addresses", value_parser = since)]
    since: Option<Timestamp>,
    /// Do it. Without this, the entries that the options above select are only counted and some of them shown
    #[arg(long)]
    yes: bool,
}

/// 0 if all were there, else 1.
pub(super) fn run(args: &Args, store: &mut Store, out: &mut dyn Write) -> Result<u8, Failure> {
    let change = Change { stream: args.stream.clone().unwrap_or_default(), ..operator(args.note.as_ref()) };
    if args.addresses.is_empty() {
        return many(args, &change, store, out);
    }
    let mut status = 0;
    for key in add::keys(&args.addresses)? {
        let removed = store.remove(&key, &change, now())?;
        if removed.is_empty() {
            writeln!(out, "{} {}", key.as_str(), missing(&key, &change.stream, store)?)?;
            status = EXIT_NOT;
        }
        for entry in removed {
            report(&key, &entry, store, out)?;
        }
    }
    Ok(status)
}

/// Why nothing was removed. An entry for all mail refuses a stream too, and is not one of it.
fn missing(key: &Key, stream: &str, store: &Store) -> Result<String, Failure> {
    if stream.is_empty() || !store.refuses_all_mail(key, now())? {
        return Ok("is not on the list".into());
    }
    Ok(format!("has no entry of stream {}; one for all mail refuses it, see suppressd why", shown(stream)))
}

fn many(args: &Args, change: &Change, store: &mut Store, out: &mut dyn Write) -> Result<u8, Failure> {
    let domain = args.domain.as_deref().map(|domain| canonical_domain(domain.trim_start_matches('@'))).transpose();
    let filter = Filter {
        kind: args.kind.clone(),
        domain: domain.map_err(|what| Failure::Usage(format!("--domain {what}")))?,
        reason: args.reason.clone(),
        stream: args.stream.clone(),
        since: args.since,
        expired: false,
    };
    let mut entries = Vec::new();
    store.list(&filter, now(), |entry| {
        entries.push(entry);
        true
    })?;
    if !args.yes {
        return count(&entries, out);
    }
    let selected = |entry: &Suppression| Ok((Key::parse(&entry.address)?, entry.stream.clone()));
    let selected = entries.iter().map(selected).collect::<Result<Vec<_>, AddressError>>();
    let selected =
        selected.map_err(|what| Failure::Usage(format!("an entry of the database {what}; see suppressd.db(5)")))?;
    let removed = store.remove_all(&selected, change, now())?;
    writeln!(out, "{} removed", counted(removed, "entry", "entries"))?;
    let at_ses = entries.iter().filter(|entry| entry.reason == "suppressed").count();
    if at_ses > 0 {
        writeln!(
            out,
            "{at_ses} of them are on SES's own suppression list too; \"suppressd why\" tells how to take each off"
        )?;
    }
    Ok(if removed == 0 { EXIT_NOT } else { 0 })
}

fn count(entries: &[Suppression], out: &mut dyn Write) -> Result<u8, Failure> {
    for entry in entries.iter().take(SAMPLE) {
        writeln!(
            out,
            "{} ({} since {})",
            shown(&entry.address),
            shown(&entry.kind.replace('_', " ")),
            shown(&entry.since)
        )?;
    }
    if entries.len() > SAMPLE {
        writeln!(out, "and {} more", entries.len() - SAMPLE)?;
    }
    writeln!(out, "{} would be removed; write --yes to do it", counted(entries.len(), "entry", "entries"))?;
    Ok(EXIT_NOT)
}

fn report(key: &Key, entry: &Suppression, store: &Store, out: &mut dyn Write) -> Result<(), Failure> {
    let stream = if entry.stream.is_empty() { String::new() } else { format!(", stream {}", shown(&entry.stream)) };
    let kind = shown(&entry.kind.replace('_', " "));
    writeln!(out, "{} removed ({kind} since {}{stream})", key.as_str(), shown(&entry.since))?;
    if entry.reason == "suppressed" {
        let events = store.events(key)?;
        let reported = events.iter().rev().find(|event| event.reason == "suppressed").map(|event| &event.reported);
        writeln!(out, "{}", why::ses_advice(reported.map_or(key.as_str(), String::as_str)))?;
    }
    Ok(())
}
