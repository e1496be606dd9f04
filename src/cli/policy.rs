//! `suppressd policy try`: what the rules of a configuration would make of the events that are here.

use std::io::Write;

use serde_json::json;

use super::{Failure, counted, json as write_json, now, open_of, shown};
use crate::config::Config;
use crate::event::timestamp_text;
use crate::policy::Entry;
use crate::store::Difference;

/// Show what other rules would do
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Try(Try),
}

/// Show who would be added and who released under the rules of another configuration
///
/// All events of the database are judged by the rules, streams and protected addresses of the file that --config names, and the
/// entries that would come of it are compared with those in force. Nothing is written. What an operator added stays, and so does what
/// incidents hold back.
///
/// What would another file do:
///
/// suppressd policy try --config /etc/suppressd/new.toml
#[derive(Debug, clap::Args)]
struct Try {
    /// So many of each are shown
    #[arg(long, default_value_t = 10, value_name = "N")]
    sample: usize,
    /// Every difference as one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Counts and some of each sort of difference.
#[derive(Default)]
struct Tally {
    added: Vec<Difference>,
    released: Vec<Difference>,
    changed: Vec<Difference>,
    counts: [u64; 3],
}

pub(super) fn run(args: &Args, config: &Config, out: &mut dyn Write) -> Result<u8, Failure> {
    let What::Try(args) = &args.what;
    let mut store = open_of(config)?;
    let (mut tally, mut failure) = (Tally::default(), None);
    let looked = store.try_rules(&config.policy, now(), |difference| {
        let written = if args.json { write_json(out, &as_json(&difference)) } else { Ok(()) };
        tally.count(difference, args.sample);
        written.map_err(|error| failure = Some(error)).is_ok()
    })?;
    if let Some(failure) = failure {
        return Err(failure);
    }
    if !args.json {
        let events = counted(looked.events, "event", "events");
        let addresses = counted(looked.addresses, "address", "addresses");
        writeln!(out, "{events} of {addresses} looked at; nothing was changed")?;
        tally.print(out)?;
    }
    Ok(0)
}

impl Tally {
    fn count(&mut self, difference: Difference, sample: usize) {
        let (kept, count) = match (&difference.now, &difference.then) {
            (None, _) => (&mut self.added, 0),
            (_, None) => (&mut self.released, 1),
            _ => (&mut self.changed, 2),
        };
        if kept.len() < sample {
            kept.push(difference);
        }
        if let Some(count) = self.counts.get_mut(count) {
            *count += 1;
        }
    }

    fn print(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let sorts = [
            ("would be added", &self.added),
            ("would be released", &self.released),
            ("would end otherwise", &self.changed),
        ];
        for ((what, sample), count) in sorts.into_iter().zip(self.counts) {
            writeln!(out, "{count} {what}{}", if sample.is_empty() { "" } else { ":" })?;
            for difference in sample {
                writeln!(out, "  {}", sentence(difference))?;
            }
            if count > sample.len() as u64 && !sample.is_empty() {
                writeln!(out, "  and {} more", count - sample.len() as u64)?;
            }
        }
        Ok(())
    }
}

fn sentence(difference: &Difference) -> String {
    let stream = if difference.stream.is_empty() { String::new() } else { format!(" ({})", shown(&difference.stream)) };
    let then = difference.then.as_ref().map(|entry| format!("{}, until {}", entry.why, until(entry)));
    let now = difference.now.as_ref().map(|entry| format!("now until {}", until(entry)));
    let facts: Vec<_> = [then, now].into_iter().flatten().collect();
    format!("{}{stream}: {}", shown(&difference.address), facts.join("; "))
}

fn until(entry: &Entry) -> String {
    entry.until.map_or_else(|| "released".to_owned(), timestamp_text)
}

fn as_json(difference: &Difference) -> serde_json::Value {
    let entry = |entry: &Option<Entry>| {
        entry.as_ref().map(|entry| {
            let until = entry.until.map(timestamp_text);
            json!({"kind": entry.kind.as_str(), "since": timestamp_text(entry.since), "until": until, "step": entry.step, "why": entry.why})
        })
    };
    json!({"address": difference.address, "stream": difference.stream, "now": entry(&difference.now), "then": entry(&difference.then)})
}
