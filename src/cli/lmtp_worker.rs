//! `suppressd lmtp-worker`: reads mail for the daemon's LMTP door; nobody else runs it.

use std::path::Path;

use super::{Failure, now};
use crate::config::Config;
use crate::event::Door;
use crate::ingress::lmtp::worker;
use crate::ingress::mail::submission::submission;
use crate::ingress::pipe;

/// 0 when the daemon has closed the pipe.
pub(super) fn run(path: &Path) -> Result<u8, Failure> {
    let trust = pipe::trust(&Config::load(path)?).map_err(Failure::Usage)?;
    let read = |envelope: &_, mail: &[u8]| submission(mail, envelope, &trust, Door::Lmtp, now()).ok();
    worker::answer(&mut std::io::stdin().lock(), &mut std::io::stdout().lock(), read)?;
    Ok(0)
}
