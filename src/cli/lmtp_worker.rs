//! `suppressd lmtp-worker`: reads mail for the daemon's LMTP door; nobody else runs it.

use std::io::{stdin, stdout};

use super::{Failure, now};
use crate::config::Config;
use crate::event::Door;
use crate::ingress::lmtp::worker;
use crate::ingress::mail::submission::submission;
use crate::ingress::pipe;

/// 0 when the daemon has closed the pipe.
pub(super) fn run() -> Result<u8, Failure> {
    let mut input = stdin().lock();
    let config = Config::parse(&worker::config(&mut input)?, "the daemon's configuration")?;
    let trust = pipe::trust(&config).map_err(Failure::Usage)?;
    let read = |envelope: &_, mail: &[u8]| submission(mail, envelope, &trust, Door::Lmtp, now()).ok();
    worker::answer(&mut input, &mut stdout().lock(), read)?;
    Ok(0)
}
