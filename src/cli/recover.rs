//! `suppressd recover`: make a new database of what can be read of a damaged one.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Failure, counted, now, shown};
use crate::config::Config;
use crate::store::{Recovery, Salvaged, StoreError, recover};

/// Findings that are shown.
const SHOWN: usize = 3;

/// Make a new database of what can be read of a damaged one
///
/// The database is checked; if nothing is wrong with it, nothing is done. Otherwise a new one takes its place, with every row that
/// can be read, and the damaged one is kept beside it, with the time in its name. Indexes and counters are made anew, and so are
/// lost entries of the list, if the event that made them is still there. What else was lost must come from a backup. A
/// changed byte in the middle of a text can't be seen.
///
/// Stop suppressd before: while another process has the database open, nothing is done. Bounce mail for pipe(8) waits in Postfix
/// meanwhile. There must be space for three times the size of the database.
///
/// The damaged copy may hold what was deleted since, such as forgotten addresses. Delete it when nobody needs it any more.
///
/// systemctl stop suppressd && suppressd recover && systemctl start suppressd
///
/// Exit status 0 if the database is sound or there is a new one, 2 otherwise.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Write the new database there, and leave the damaged one in its place
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

pub(super) fn run(args: &Args, config: &Config, out: &mut dyn Write) -> Result<u8, Failure> {
    let path = &config.database;
    if let Some(to) = args.to.as_deref().filter(|to| to.exists()) {
        return Err(Failure::Usage(format!("{} is there already; name another file", to.display())));
    }
    let recovery = recover(path, args.to.as_deref(), &config.policy, now()).map_err(|error| failure(path, &error))?;
    match recovery {
        Recovery::Sound => writeln!(out, "{}: no damage found; nothing was done", path.display())?,
        Recovery::Recovered { findings, tables, rebuilt, kept, new } => {
            writeln!(out, "{} is damaged:", path.display())?;
            for finding in findings.iter().flat_map(|finding| finding.lines()).filter(|line| *line != "ok").take(SHOWN)
            {
                writeln!(out, "  {}", shown(finding))?;
            }
            for salvaged in tables.iter().filter(|salvaged| salvaged.rows > 0 || salvaged.lost() != Some(0)) {
                writeln!(out, "{:<14} {:>9} rows, {}", salvaged.table, salvaged.rows, lost(salvaged))?;
            }
            if rebuilt > 0 {
                let entries = counted(usize::try_from(rebuilt).unwrap_or(usize::MAX), "lost entry", "lost entries");
                writeln!(out, "{entries} of the list made again from events")?;
            }
            writeln!(out, "new: {}", new.display())?;
            writeln!(out, "the damaged one: {}", kept.display())?;
        }
    }
    Ok(0)
}

fn lost(salvaged: &Salvaged) -> String {
    match salvaged.lost() {
        Some(lost) => format!("{lost} lost"),
        None => "some lost, nothing tells how many".into(),
    }
}

fn failure(path: &Path, error: &StoreError) -> Failure {
    let what = match error {
        StoreError::Busy => "another process has it open; stop suppressd first, and whoever else reads it".to_owned(),
        other => other.to_string(),
    };
    Failure::Store(format!("{}: {what}", path.display()))
}
