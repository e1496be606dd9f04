//! `suppressd remove`: take addresses or domains off the list. Reports from before that no longer count.

use std::io::Write;

use super::{EXIT_NOT, Failure, add, now, operator, why};
use crate::store::{Key, Store, Suppression};

/// Take addresses or domains off the list
///
/// Reports of things that happened before no longer count. If the entry came from the suppression list of SES, it is told how
/// to remove the address there.
///
/// Exit status 1 if one of them was not on the list.
///
/// Release somebody who has a mailbox again:
///
/// suppressd remove --note "mailbox is back, ticket 4711" alice@example.com
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// user@domain, or @domain for a domain's own entry
    #[arg(required = true)]
    addresses: Vec<String>,
    /// Why, for those who ask later
    #[arg(long)]
    note: Option<String>,
}

/// 0 if all were there, else 1.
pub(super) fn run(args: &Args, store: &mut Store, out: &mut dyn Write) -> Result<u8, Failure> {
    let change = operator(args.note.as_ref());
    let mut status = 0;
    for key in add::keys(&args.addresses)? {
        match store.remove(&key, &change, now())? {
            Some(entry) => report(&key, &entry, store, out)?,
            None => {
                writeln!(out, "{} is not on the list", key.as_str())?;
                status = EXIT_NOT;
            }
        }
    }
    Ok(status)
}

fn report(key: &Key, entry: &Suppression, store: &Store, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "{} removed ({} since {})", key.as_str(), entry.kind.replace('_', " "), entry.since)?;
    if entry.reason == "suppressed" {
        let events = store.events(key)?;
        let reported = events.iter().rev().find(|event| event.reason == "suppressed").map(|event| &event.reported);
        writeln!(out, "{}", why::ses_advice(reported.map_or(key.as_str(), String::as_str)))?;
    }
    Ok(())
}
