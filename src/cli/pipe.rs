//! `suppressd pipe`: what master.cf runs for bounce mail.

use std::io;
use std::path::Path;

use clap::builder::{OsStringValueParser, TypedValueParser};

use crate::config::Config;
use crate::event::printable;
use crate::ingress::mail::origin::Envelope;
use crate::ingress::pipe;
use crate::outcome::Outcome;
use crate::telemetry;

use super::now;

/// Take one bounce mail from pipe(8) on the standard input
///
/// It is for master.cf, and needs no daemon. The options are macros of pipe(8); write them with an equals sign, as in
/// --sender=${sender}, because a sender may begin with a dash. For a deferral, one short line on the standard output says why; Postfix
/// logs it.
///
/// Exit status 0 once the mail is recorded, 75 if Postfix shall come back, and nothing else.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// ${sender}: the envelope sender, empty for a bounce
    #[arg(long, default_value = "", value_name = "ADDRESS", value_parser = any_bytes())]
    sender: String,
    /// ${recipient}: the bounce address
    ///
    /// A bounce about this address itself suppresses nobody.
    #[arg(long, default_value = "", value_name = "ADDRESS", value_parser = any_bytes())]
    recipient: String,
    /// ${original_recipient}: the bounce address before aliases
    #[arg(long, default_value = "", value_name = "ADDRESS", value_parser = any_bytes())]
    original_recipient: String,
    /// ${queue_id}: for the log
    #[arg(long, default_value = "", value_name = "ID", value_parser = any_bytes())]
    queue_id: String,
    /// ${client_address}: who handed the mail in
    ///
    /// It is part of the proof where the mail comes from. Without it no mail counts as made by this Postfix, nor as handed in by a
    /// trusted network.
    #[arg(long, value_name = "ADDRESS", value_parser = any_bytes())]
    client_address: Option<String>,
}

/// What strangers wrote into an envelope need not be UTF-8, and is no reason to defer.
fn any_bytes() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new().map(|text| text.to_string_lossy().into_owned())
}

/// Exit status 0 or 75, and for 75 one short line, which Postfix logs with the deferral.
pub(super) fn run(args: Args, path: &Path) -> u8 {
    match take(args, path) {
        Ok(outcome) => outcome.exit_status(),
        Err(why) => try_again(&why),
    }
}

/// Asks Postfix to come back. The code in front becomes the DSN status of the deferral (pipe(8)).
pub(super) fn try_again(why: &str) -> u8 {
    tell(why);
    Outcome::TryAgain.exit_status()
}

/// Past the lock of the standard output, which the deadline's thread can't have; nobody there to read it is no trouble.
fn tell(why: &str) {
    let line = format!("4.3.0 suppressd: {}\n", printable(why, 300));
    let _ = nix::unistd::write(io::stdout(), line.as_bytes());
}

fn take(args: Args, path: &Path) -> Result<Outcome, String> {
    let config = Config::load(path).map_err(|error| error.to_string())?;
    telemetry::log::init_for_pipe(config.log_to, config.log_level);
    let deadline: std::time::Duration = config.mail.deadline.try_into().unwrap_or_default();
    let late = move || tell(&format!("not done within {deadline:?} (mail.deadline)"));
    pipe::watch(deadline, late).map_err(|error| error.to_string())?;
    let envelope = Envelope {
        sender: args.sender,
        recipient: args.recipient,
        original_recipient: args.original_recipient,
        queue_id: args.queue_id,
        client_address: args.client_address,
    };
    pipe::take(&mut io::stdin().lock(), &envelope, &config, now())
}
