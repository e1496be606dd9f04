//! `suppressd allow`: let mail pass whatever the list says, for a time.

use std::io::Write;

use jiff::SignedDuration;

use super::{EXIT_NOT, Failure, add, json, now, operator, shown};
use crate::event::timestamp_text;
use crate::store::Store;

/// Let mail pass for a time, whatever the list says
///
/// An entry beats every suppression of the address, the domain's included, until it runs out; then the list holds again. Reports
/// that come meanwhile are recorded and count as ever. Without an address, what is allowed now is shown.
///
/// Let somebody have mail for a week:
///
/// suppressd allow --for 7d --note "asked by phone" bob@example.com
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// user@domain, @domain for a whole domain, or @.domain for all its subdomains; without any, what is allowed is shown
    addresses: Vec<String>,
    /// For how long, as 30d
    #[arg(long = "for", value_name = "TIME", value_parser = crate::config::parse_duration, default_value = "30d")]
    time: SignedDuration,
    /// End it now
    #[arg(long, conflicts_with = "time", requires = "addresses")]
    end: bool,
    /// Why, for those who ask later
    #[arg(long, conflicts_with = "end")]
    note: Option<String>,
    /// Show what is allowed as one JSON object a line
    #[arg(long, conflicts_with = "addresses")]
    json: bool,
}

/// 0, or 1 if there was nothing to end.
pub(super) fn run(args: &Args, store: &mut Store, out: &mut dyn Write) -> Result<u8, Failure> {
    if args.addresses.is_empty() {
        return show(args, store, out);
    }
    let mut status = 0;
    let until = now().checked_add(args.time).map_err(|_| Failure::Usage("--for reaches beyond all time".into()))?;
    let keys = if args.end { add::keys(&args.addresses)? } else { add::new_keys(&args.addresses)? };
    for key in keys {
        if !args.end {
            store.allow(&key, until, &operator(args.note.as_ref()), now())?;
            writeln!(out, "{} allowed until {}", key.as_str(), timestamp_text(until))?;
        } else if store.disallow(&key)? {
            writeln!(out, "{} no longer allowed", key.as_str())?;
        } else {
            writeln!(out, "{} was not allowed", key.as_str())?;
            status = EXIT_NOT;
        }
    }
    Ok(status)
}

fn show(args: &Args, store: &Store, out: &mut dyn Write) -> Result<u8, Failure> {
    for allowed in store.allowed(now())? {
        if args.json {
            json(out, &allowed)?;
            continue;
        }
        let note = allowed.note.as_deref().map_or_else(String::new, |note| format!("  {}", shown(note)));
        writeln!(out, "{:<40} since {} until {}{note}", shown(&allowed.address), allowed.since, allowed.until)?;
    }
    Ok(0)
}
