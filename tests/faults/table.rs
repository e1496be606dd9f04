//! What was tried and what came of it, one line a test, in `target/tmp/faults.tsv`; `make faults` prints it.

use std::fs::File;
use std::io::Write;

/// A line of the table.
pub struct Line<'a> {
    pub fault: &'a str,
    /// How often, or how long.
    pub tried: String,
    /// What each door answered.
    pub answers: String,
    /// What came of the rest: lookups, the log, healing.
    pub beside: String,
    /// Acknowledged and not there, there twice, or refused and never reported.
    pub lost: u64,
}

impl Line<'_> {
    pub fn add(&self) {
        let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/faults.tsv");
        let mut file = File::options().create(true).append(true).open(path).unwrap();
        let line = format!("{}\t{}\t{}\t{}\t{}\n", self.fault, self.tried, self.answers, self.beside, self.lost);
        file.write_all(line.as_bytes()).unwrap();
    }
}
