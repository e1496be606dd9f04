//! `suppressd quarantine`: what could not be understood or trusted.
//!
//! `replay` reads an entry again, by the program and configuration of now. What counts now is recorded and the entry
//! goes; what does not stays. Exit status 0 if something counted of each, 1 if not, 2 in trouble.

use std::io::{self, IsTerminal, Write};

use super::{EXIT_NOT, Failure, json, now, open_of, shown};
use crate::config::Config;
use crate::event::{is_unprintable, printable};
use crate::ingress::mail::origin::Trust;
use crate::ingress::mail::submission::{self, NotReplayed};
use crate::ingress::pipe;
use crate::ingress::sns;
use crate::store::{QuarantineEntry, Store, Submission};

/// Show what could not be understood or trusted
///
/// What could not be understood, or not be trusted, is kept whole, within the bounds of section "quarantine" of suppressd.toml(5); of a mail
/// at most 256 KiB. Without a command it is listed, newest first: number, time, door, why, how the origin is proved, size, and a
/// sentence.
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
    ///
    /// It is a stranger's text. On a terminal, what the terminal could take for a command is replaced.
    ///
    /// Read it at leisure:
    ///
    /// suppressd quarantine show 12 | less
    Show {
        /// The number of the entry
        number: i64,
    },
    /// Read entries again, and record what counts now
    ///
    /// One entry, or all of them, are read by the program and configuration of now. What counts now is recorded, and the entry goes; what
    /// does not stays.
    ///
    /// Exit status 1 if any stays.
    ///
    /// Count everything again, after a trusted network was added:
    ///
    /// suppressd quarantine replay --all
    Replay {
        /// The number of the entry
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        number: Option<i64>,
        /// Every entry, the oldest first
        #[arg(long)]
        all: bool,
        /// Count this one entry as genuine, although nothing proves it
        ///
        /// Look at it before.
        #[arg(long, conflicts_with = "all")]
        trust: bool,
    },
    /// Throw one entry away
    ///
    /// Exit status 1 if it is not there.
    Drop {
        /// The number of the entry
        number: i64,
    },
}

pub(super) fn run(args: &Args, config: &Config, out: &mut dyn Write) -> Result<u8, Failure> {
    let mut store = open_of(config)?;
    match args.what {
        None => list(&store, args.json, out),
        Some(What::Show { number }) => show(&store, number, out),
        Some(What::Replay { number, trust, .. }) => replay(&mut store, config, number, trust, out),
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
    let (_, content) = entry(store, number)?;
    if io::stdout().is_terminal() {
        return Ok(out.write_all(visible(&content).as_bytes()).map(|()| 0)?);
    }
    Ok(out.write_all(&content).map(|()| 0)?)
}

fn entry(store: &Store, number: i64) -> Result<(QuarantineEntry, Vec<u8>), Failure> {
    store.quarantined(number)?.ok_or_else(|| Failure::NotThere(format!("quarantine has no number {number}")))
}

/// One entry, or all of them.
fn replay(
    store: &mut Store,
    config: &Config,
    number: Option<i64>,
    operator: bool,
    out: &mut dyn Write,
) -> Result<u8, Failure> {
    let trust = Trust { operator, ..pipe::trust(config).map_err(Failure::Usage)? };
    if let Some(number) = number {
        return Ok(if replay_one(store, config, number, &trust, out)? { 0 } else { EXIT_NOT });
    }
    let numbers: Vec<_> = store.quarantine()?.iter().rev().map(|entry| entry.number).collect();
    let mut all_counted = true;
    for number in numbers {
        match replay_one(store, config, number, &trust, out) {
            // It made room for another meanwhile.
            Err(Failure::NotThere(_)) => {}
            counted => all_counted &= counted?,
        }
    }
    Ok(if all_counted { 0 } else { EXIT_NOT })
}

/// Whether the entry counts now.
fn replay_one(
    store: &mut Store,
    config: &Config,
    number: i64,
    trust: &Trust,
    out: &mut dyn Write,
) -> Result<bool, Failure> {
    let (entry, content) = entry(store, number)?;
    let submission = match read_again(&entry, &content, trust) {
        Ok(submission) => submission,
        Err(why) => {
            writeln!(out, "{number} stays: {why}")?;
            return Ok(false);
        }
    };
    let receipt = store.replay(number, &submission, &config.policy, now())?;
    for (event, recorded) in submission.events.iter().zip(&receipt.events) {
        let (kind, origin) = (event.kind, event.origin);
        let recipient = shown(event.recipient.as_str());
        writeln!(out, "{number} {recipient}: {kind}, {}, origin {origin}", recorded.action())?;
    }
    match submission.quarantined.first() {
        Some(again) => writeln!(out, "{number} stays: {}", printable(&again.detail, 300))?,
        None => writeln!(out, "{number} is done and dropped")?,
    }
    Ok(submission.quarantined.is_empty())
}

fn read_again(entry: &QuarantineEntry, content: &[u8], trust: &Trust) -> Result<Submission, &'static str> {
    if let Some(submission) = sns::replay::replay(entry, content) {
        return Ok(submission);
    }
    submission::replay(entry, content, trust).map_err(|why| match why {
        NotReplayed::NoEnvelope => "what is needed to read it again was not kept with it",
        NotReplayed::NoAnswer => "the DNS does not answer for the key of its DKIM signature; try again later",
    })
}

/// For a terminal, which obeys what strangers write.
fn visible(content: &[u8]) -> String {
    let text = String::from_utf8_lossy(content).replace("\r\n", "\n");
    text.chars().map(|c| if is_unprintable(c) && !matches!(c, '\n' | '\t') { '?' } else { c }).collect()
}
