//! `suppressd incidents`: bursts of one diagnostic, whose suppressions are held back until somebody settles them.

use std::io::Write;

use super::{EXIT_NOT, Failure, json, now, open_of, operator, shown};
use crate::config::Config;
use crate::store::{Incident, Settlement, Store};

/// Show bursts of one diagnostic and settle what they hold back
///
/// One wording from one receiving system for many recipients within a short time (see policy.incident in suppressd.toml(5)) says more
/// about that system than about its users. Their suppressions are held back until the incident is confirmed or released; it can be
/// settled otherwise later. Each line has its number, its state, how many recipients it concerns, where and when, and the wording, with
/// what differs from recipient to recipient masked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// Settled ones too
    #[arg(long)]
    all: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show the recipients of an incident
    Show {
        /// Its number
        number: i64,
    },
    /// The addresses are dead: suppress them all
    Confirm(Settle),
    /// The receiving system erred: nothing of it counts
    Release(Settle),
}

#[derive(Debug, clap::Args)]
struct Settle {
    /// Its number
    number: i64,
    /// Why, for those who ask later
    #[arg(long)]
    note: Option<String>,
}

/// 0, or 1 if there is no such incident.
pub(super) fn run(args: &Args, config: &Config, out: &mut dyn Write) -> Result<u8, Failure> {
    let mut store = open_of(config)?;
    match &args.what {
        None => show_all(args, &store, out),
        Some(What::Show { number }) => show(*number, &store, out),
        Some(What::Confirm(settle)) => settled(settle, Settlement::Confirmed, &mut store, config, out),
        Some(What::Release(settle)) => settled(settle, Settlement::Released, &mut store, config, out),
    }
}

fn show_all(args: &Args, store: &Store, out: &mut dyn Write) -> Result<u8, Failure> {
    for incident in store.incidents(!args.all)? {
        if args.json { json(out, &incident)? } else { print(&incident, out)? }
    }
    Ok(0)
}

fn print(incident: &Incident, out: &mut dyn Write) -> Result<(), Failure> {
    let Incident { number, recipients, first, last, state, .. } = incident;
    let place = shown(&incident.place);
    writeln!(out, "{number}  {state:<9}  {recipients} recipients at {place}, {first} to {last}")?;
    writeln!(out, "   {}", shown(&incident.fingerprint))?;
    if let (Some(settled), Some(who)) = (&incident.settled, &incident.settled_by) {
        let note = incident.note.as_deref().map_or_else(String::new, |note| format!(": {}", shown(note)));
        writeln!(out, "   settled {} by {}{note}", shown(settled), shown(who))?;
    }
    Ok(())
}

fn show(number: i64, store: &Store, out: &mut dyn Write) -> Result<u8, Failure> {
    let Some(incident) = store.incidents(false)?.into_iter().find(|incident| incident.number == number) else {
        return no_such(number, out);
    };
    print(&incident, out)?;
    for address in store.concerned(number)? {
        writeln!(out, "   {}", shown(&address))?;
    }
    Ok(0)
}

fn settled(
    settle: &Settle,
    settlement: Settlement,
    store: &mut Store,
    config: &Config,
    out: &mut dyn Write,
) -> Result<u8, Failure> {
    let change = operator(settle.note.as_ref());
    let Some(incident) = store.settle(settle.number, settlement, &change, &config.policy, now())? else {
        return no_such(settle.number, out);
    };
    let what = match settlement {
        Settlement::Confirmed => "suppressed",
        Settlement::Released => "not suppressed by it",
    };
    writeln!(out, "incident {} {}: {} recipients {what}", incident.number, settlement.as_str(), incident.recipients)?;
    Ok(0)
}

fn no_such(number: i64, out: &mut dyn Write) -> Result<u8, Failure> {
    writeln!(out, "there is no incident {number}")?;
    Ok(EXIT_NOT)
}
