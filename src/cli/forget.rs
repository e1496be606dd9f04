//! `suppressd forget`: delete everything about a person, and keep the address blocked by a keyed hash.

use std::io::Write;

use super::{Failure, counted, now, shown};
use crate::address::Address;
use crate::event::printable;
use crate::store::{Block, Store};

/// Delete everything about an address, and keep it blocked if it was
///
/// Entries, events, counts, allow entries, and mails in quarantine that name the address are deleted, and the space is overwritten.
/// What mail to it its entries refused stays refused, by a keyed hash of it, until then or until suppressd-remove(1), and
/// reports about such mail are not kept. A domain's entry holds for it as before. Not reached: logs, backups,
/// mailboxes, and an address that a mail in quarantine has in an encoding. Files for Postfix (suppressd-export(1)) can't refuse
/// mail to it, as they would have to name it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The address to forget
    #[arg(required = true)]
    addresses: Vec<String>,
    /// Refuse all mail to it from now on, even if it is not suppressed
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
        writeln!(
            out,
            "{address} forgotten: {}, {} and {} in quarantine deleted; {}",
            counted(gone.entries, "entry", "entries"),
            counted(gone.events, "event", "events"),
            gone.quarantined,
            fate(&gone.blocks)
        )?;
    }
    Ok(0)
}

fn fate(blocks: &[Block]) -> String {
    let [first, ..] = blocks else { return "no entry of its own refused mail to it".into() };
    if first.stream.is_empty() && first.until.is_none() {
        return "mail to it stays refused".into();
    }
    let block = |block: &Block| {
        let stream =
            if block.stream.is_empty() { String::new() } else { format!(" of stream {}", shown(&block.stream)) };
        let until = block.until.as_ref().map(|until| format!(" until {}", shown(until))).unwrap_or_default();
        format!("mail{stream} to it stays refused{until}")
    };
    blocks.iter().map(block).collect::<Vec<_>>().join(", ")
}
