//! How fast it is, beside what it is measured against: `make bench`.
//!
//! `cargo bench --bench bench -- [--quick] [SUITE…]`. Each figure is the median of some rounds, in which ours and the peer
//! take turns; client and server share the machine, so only ratios say something. The table is also written to
//! `target/bench.json`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a benchmark"
)]

mod daemon;
#[path = "../../tests/e2e/harness.rs"]
#[allow(dead_code)]
mod e2e;
mod growth;
mod ingest;
mod lists;
mod load;
mod lookup;
mod mail;
mod peers;
mod postfix;
#[path = "../../tests/support/process.rs"]
#[allow(dead_code)]
mod process;
mod retention;
mod size;
#[path = "../../tests/support/sns/mod.rs"]
#[allow(dead_code)]
mod sns;
mod table;

use std::path::Path;
use std::time::Duration;

use table::Table;

/// How thoroughly to measure.
pub struct Options {
    quick: bool,
    /// Turns that each side has.
    rounds: usize,
    /// Of one turn.
    time: Duration,
}

type Suite = fn(&Options, &mut Table);
/// Those that are only run where they are named.
const LONG: &[(&str, Suite)] = &[("growth", growth::run), ("retention", retention::run)];
const SUITES: &[(&str, Suite)] = &[
    ("lookup", lookup::run),
    ("ingest", ingest::run),
    ("mail", mail::run),
    ("postfix", postfix::run),
    ("size", size::run),
];

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [flag, config] = arguments.as_slice()
        && flag == "--weigh"
    {
        return mail::weigh(config);
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let wanted: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    for name in &wanted {
        assert!(SUITES.iter().chain(LONG).any(|(suite, _)| suite == name), "there is no suite {name}");
    }
    let options = if quick {
        Options { quick, rounds: 3, time: Duration::from_millis(150) }
    } else {
        Options { quick, rounds: 5, time: Duration::from_millis(500) }
    };
    let mut table = Table::default();
    for (name, suite) in SUITES.iter().chain(LONG) {
        let is_wanted = wanted.iter().any(|wanted| wanted == name);
        if is_wanted || (wanted.is_empty() && !LONG.iter().any(|(long, _)| long == name)) {
            println!("{name}:");
            suite(&options, &mut table);
        }
    }
    table.finish(&Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench.json"));
}
