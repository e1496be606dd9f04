//! `suppressd config`: the configuration, effective, checked or by default.

use std::ffi::CString;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Uid, User, geteuid, initgroups, setgid, setuid};

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
    /// Each error is told with its line, all of them at once. Root checks with the rights of whoever owns the directory of the
    /// database, since the daemon has no others.
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
            let config = Config::load(path)?;
            become_owner(&config.database)?;
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

/// Gives up root's rights for those of whoever owns the directory of the database; root if nobody else does.
fn become_owner(database: &Path) -> Result<(), Failure> {
    let owner =
        database.parent().and_then(|directory| std::fs::metadata(directory).ok()).map(|directory| directory.uid());
    let Some(uid) = owner.filter(|uid| *uid != 0 && geteuid().is_root()) else { return Ok(()) };
    let user = User::from_uid(Uid::from_raw(uid)).map_err(io::Error::from)?;
    let Some(user) = user else { return Ok(()) };
    let name = CString::new(user.name).map_err(io::Error::from)?;
    initgroups(&name, user.gid)
        .and_then(|()| setgid(user.gid))
        .and_then(|()| setuid(user.uid))
        .map_err(io::Error::from)?;
    Ok(())
}
