//! `suppressd config`: the configuration, effective, checked or by default.

use std::io::Write;
use std::path::Path;

use super::Failure;
use crate::config::{Config, sample, show};
use crate::server::webhooks::Named;

/// Show or check the configuration
///
/// The settings themselves are explained in suppressd.toml(5).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show the value of every setting, marked where it is the default
    Show,
    /// Report everything that is wrong with the file and those it names
    ///
    /// Each error is told with its line, all of them at once.
    ///
    /// Exit status 78 if anything is wrong.
    ///
    /// Before a reload:
    ///
    /// suppressd config check && systemctl reload suppressd
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
