//! Arguments in, exit status out; everything else is in the library.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show what would be understood of mails and payloads, recording nothing.
    Inspect {
        /// One JSON object for each recipient.
        #[arg(long)]
        json: bool,
        /// Mails, payloads or directories of them; `-` or nothing for the standard input.
        files: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    let Verb::Inspect { json, files } = Arguments::parse().verb;
    let mut out = BufWriter::new(io::stdout().lock());
    match suppressd::cli::inspect::run(&files, json, &mut out).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
