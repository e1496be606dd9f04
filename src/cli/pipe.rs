//! `suppressd pipe`: what master.cf runs for bounce mail.

use std::path::Path;

use crate::config::Config;
use crate::event::printable;
use crate::ingress::mail::origin::Envelope;
use crate::ingress::pipe;
use crate::outcome::Outcome;
use crate::telemetry;

use super::now;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// ${sender}
    #[arg(long, default_value = "", value_name = "ADDRESS")]
    sender: String,
    /// ${recipient}
    #[arg(long, default_value = "", value_name = "ADDRESS")]
    recipient: String,
    /// ${original_recipient}
    #[arg(long, default_value = "", value_name = "ADDRESS")]
    original_recipient: String,
    /// ${queue_id}
    #[arg(long, default_value = "", value_name = "ID")]
    queue_id: String,
    /// ${client_address}
    #[arg(long, value_name = "ADDRESS")]
    client_address: Option<String>,
}

/// Exit status 0 or 75, and for 75 one short line, which Postfix logs with the deferral.
pub(super) fn run(args: Args, path: &Path) -> u8 {
    match take(args, path) {
        Ok(outcome) => outcome.exit_status(),
        Err(why) => try_again(&why),
    }
}

/// Asks Postfix to come back. The code in front becomes the DSN status of the deferral (pipe(8)).
#[allow(clippy::print_stdout, reason = "pipe(8) reads it")]
pub(super) fn try_again(why: &str) -> u8 {
    println!("4.3.0 suppressd: {}", printable(why, 300));
    Outcome::TryAgain.exit_status()
}

fn take(args: Args, path: &Path) -> Result<Outcome, String> {
    let config = Config::load(path).map_err(|error| error.to_string())?;
    telemetry::log::init_for_pipe(config.log_to, config.log_level);
    let deadline = config.mail.deadline.try_into().unwrap_or_default();
    pipe::watch(deadline).map_err(|error| error.to_string())?;
    let envelope = Envelope {
        sender: args.sender,
        recipient: args.recipient,
        original_recipient: args.original_recipient,
        queue_id: args.queue_id,
        client_address: args.client_address,
    };
    pipe::take(&mut std::io::stdin().lock(), &envelope, &config, now())
}
