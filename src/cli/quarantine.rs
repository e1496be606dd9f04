//! `suppressd quarantine`: what could not be understood or trusted.

use std::io::{self, IsTerminal, Write};

use super::{EXIT_NOT, Failure, json, open_of};
use crate::config::Config;
use crate::event::{is_unprintable, printable};
use crate::store::{QuarantineEntry, Store};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print one entry as it came in
    Show {
        /// Its number
        number: i64,
    },
    /// Throw one entry away
    Drop {
        /// Its number
        number: i64,
    },
}

pub(super) fn run(args: &Args, config: &Config, out: &mut dyn Write) -> Result<u8, Failure> {
    let mut store = open_of(config)?;
    match args.what {
        None => list(&store, args.json, out),
        Some(What::Show { number }) => show(&store, number, out),
        Some(What::Drop { number }) => {
            let dropped = store.drop_quarantined(number)?;
            writeln!(out, "{number} {}", if dropped { "dropped" } else { "is not there" })?;
            Ok(if dropped { 0 } else { EXIT_NOT })
        }
    }
}

fn list(store: &Store, as_json: bool, out: &mut dyn Write) -> Result<u8, Failure> {
    for entry in store.quarantine()? {
        if as_json {
            json(out, &entry)?;
        } else {
            let QuarantineEntry { number, size, .. } = entry;
            let texts = [entry.received, entry.door, entry.why, entry.origin, entry.detail];
            let [received, door, why, origin, detail] = texts.map(|text| printable(&text, 200));
            writeln!(out, "{number:>6} {received} {door:<5} {why:<14} {origin:<15} {size:>8} {detail}")?;
        }
    }
    Ok(0)
}

fn show(store: &Store, number: i64, out: &mut dyn Write) -> Result<u8, Failure> {
    match store.quarantined(number)? {
        Some((_, content)) if io::stdout().is_terminal() => {
            Ok(out.write_all(visible(&content).as_bytes()).map(|()| 0)?)
        }
        Some((_, content)) => Ok(out.write_all(&content).map(|()| 0)?),
        None => Err(Failure::Usage(format!("quarantine has no number {number}"))),
    }
}

/// For a terminal, which obeys what strangers write.
fn visible(content: &[u8]) -> String {
    let text = String::from_utf8_lossy(content).replace("\r\n", "\n");
    text.chars().map(|c| if is_unprintable(c) && !matches!(c, '\n' | '\t') { '?' } else { c }).collect()
}
