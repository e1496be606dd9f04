//! `suppressd config`: the configuration, effective, checked or by default.

use std::io::Write;
use std::path::Path;

use super::Failure;
use crate::config::{Config, sample, show};
use crate::server::webhooks::Named;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show the value of every setting, marked where it is the default
    Show,
    /// Report everything that is wrong with the file and those it names; exit status 78 if anything is
    Check,
    /// Print a sample file with every setting, its meaning and its default
    Default,
}

pub(super) fn run(args: &Args, path: &Path, out: &mut dyn Write) -> Result<u8, Failure> {
    match args.what {
        What::Default => write!(out, "{}", sample())?,
        What::Check => {
            Named::load(&Config::load(path)?)?;
            writeln!(out, "{}: no errors", path.display())?;
        }
        What::Show => {
            Config::load(path)?;
            write!(out, "{}", show(&std::fs::read_to_string(path)?))?;
        }
    }
    Ok(0)
}
