//! Bounce mail from pipe(8): one mail on the standard input, one process.
//!
//! LIMITS: [`MAX_MAIL`] bytes are kept, the rest is thrown away: a report stands at its start. One mail takes at most the configured deadline; the process then ends with 75 by itself, because at its own time limit Postfix
//! kills the command and *bounces* the mail.
//! On failure: exit status 75 and one short line; Postfix keeps the mail and tries again. Never another status than 0
//! and 75: on nearly every other, 101 of a Rust panic included, pipe(8) bounces the mail. Never sends mail.

use std::io::{self, Read};
use std::process;
use std::time::Duration;

use jiff::Timestamp;

use super::mail::dkim;
use super::mail::mime::MAX_MAIL;
use super::mail::origin::{Envelope, ReturnPath, Trust};
use super::mail::submission;
use crate::config::Config;
use crate::event::Door;
use crate::log_limit::LogLimit;
use crate::outcome::Outcome;
use crate::store::Store;

/// How long to wait for another writer; below the deadline.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest time for the DKIM signatures of one mail; well below the deadline.
const DKIM_TIME: Duration = Duration::from_secs(5);

/// Takes a mail in; `Err` is the short line for Postfix's log.
///
/// # Errors
/// Nothing was recorded, and Postfix shall try again.
pub fn take(input: &mut dyn Read, envelope: &Envelope, config: &Config, now: Timestamp) -> Result<Outcome, String> {
    let mail = read_all(input).map_err(|error| format!("cannot read the mail: {error}"))?;
    let submission = submission::submission(&mail, envelope, &trust(config)?, Door::Pipe, now);
    let mut submission = submission.map_err(|error| error.to_string())?;
    let mut store = Store::open(&config.database, BUSY_TIMEOUT).map_err(|error| error.to_string())?;
    store = store.keeping(config.keeping());
    let mut receipt = store.submit(&submission, &config.policy, now);
    let kept = receipt.as_ref().err().and_then(|error| submission::refused(&mail, envelope, Door::Pipe, error));
    if let Some(kept) = kept {
        receipt = store.submit(&kept, &config.policy, now);
        submission = kept;
    }
    submission::report(&submission, &receipt.map_err(|error| error.to_string())?, envelope, &LogLimit::default());
    Ok(submission::outcome(&submission))
}

/// Whom the configuration says to believe.
///
/// # Errors
/// What is wrong with the file of keys.
pub fn trust(config: &Config) -> Result<Trust, String> {
    let mail = &config.mail;
    let keys = mail.return_path_keys()?;
    let return_path = |keys| ReturnPath { keys, days: mail.return_path_days, named: mail.return_path_trust };
    Ok(Trust {
        networks: mail.trusted_networks.clone(),
        authserv_ids: mail.trusted_authserv_ids.clone(),
        dkim: dkim::Settings { domains: mail.dkim_domains.clone(), dns: mail.dns.clone(), time: DKIM_TIME },
        return_path: keys.map(return_path),
        verp: mail.verp.clone(),
        operator: false,
    })
}

/// Calls `late` and ends the process with 75 when the deadline has passed, whatever it is doing: a commit that is under way is either
/// whole or not there, and the mail that comes again is a duplicate then.
///
/// # Errors
/// The system's, when it has no thread to spare.
pub fn watch(deadline: Duration, late: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let watch = move || {
        std::thread::sleep(deadline);
        late();
        process::exit(i32::from(Outcome::TryAgain.exit_status()));
    };
    std::thread::Builder::new().name("deadline".into()).spawn(watch).map(drop)
}

fn read_all(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut mail = Vec::new();
    input.take(MAX_MAIL as u64).read_to_end(&mut mail)?;
    // Postfix takes a pipe that closes early for a failure.
    io::copy(input, &mut io::sink())?;
    Ok(mail)
}
