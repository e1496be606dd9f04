//! `suppressd lmtp-worker`: reads and records mail for the daemon's LMTP door; nobody else runs it.

use std::path::Path;

use super::{Failure, now, open_of};
use crate::config::Config;
use crate::ingress::lmtp::worker;
use crate::ingress::pipe;
use crate::outcome::Outcome;
use crate::telemetry;

/// 0 when the daemon has closed the pipe.
pub(super) fn run(path: &Path) -> Result<u8, Failure> {
    let config = Config::load(path)?;
    telemetry::log::init(config.log_to, config.log_level);
    let mut store = open_of(&config)?;
    let record = |envelope: &_, mail: &[u8]| {
        pipe::record(mail, envelope, &config, &mut store, "lmtp", now()).unwrap_or_else(|error| {
            log::error!("lmtp: cannot record a mail, Postfix is told to try again: {error}");
            Outcome::TryAgain
        })
    };
    worker::answer(&mut std::io::stdin().lock(), &mut std::io::stdout().lock(), record)?;
    Ok(0)
}
