//! `suppressd forget`: delete everything about a person, and keep the address blocked by a keyed hash.

use std::io::Write;

use super::{Failure, counted, now};
use crate::address::Address;
use crate::event::printable;
use crate::store::Store;

/// Delete everything about an address, and keep it blocked if it was
///
/// Entries, events, counts, allow entries, and mails in quarantine that name the address are deleted, and the space is overwritten.
/// If the address was suppressed, a keyed hash of it is kept, and all mail to it is refused from then on, also where it was one
/// stream's or for a time; later reports about it are not kept. suppressd-remove(1) ends that. Not reached: logs, backups,
/// mailboxes, and an address that a mail in quarantine has in an encoding. Files for Postfix (suppressd-export(1)) can't refuse
/// mail to it, as they would have to name it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The address to forget
    #[arg(required = true)]
    addresses: Vec<String>,
    /// Refuse mail to it from now on even if it is not suppressed
    #[arg(long)]
    block: bool,
}

pub(super) fn run(args: &Args, store: &mut Store, out: &mut dyn Write) -> Result<u8, Failure> {
    let parse = |text: &String| {
        Address::parse_mailbox(text)
            .map_err(|what| Failure::Usage(format!("\"{}\" {what}; nothing was changed", printable(text, 80))))
    };
    for address in args.addresses.iter().map(parse).collect::<Result<Vec<_>, _>>()? {
        let gone = store.forget(&address, args.block, now())?;
        let fate = if gone.blocked { "mail to it stays refused" } else { "mail to it was not refused and is not now" };
        writeln!(
            out,
            "{address} forgotten: {}, {} and {} in quarantine deleted; {fate}",
            counted(gone.entries, "entry", "entries"),
            counted(gone.events, "event", "events"),
            gone.quarantined
        )?;
    }
    Ok(0)
}
