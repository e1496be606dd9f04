//! `suppressd add`: put addresses or whole domains on the list.

use std::io::Write;

use jiff::{SignedDuration, Timestamp};

use super::{Failure, now, operator};
use crate::address::starred;
use crate::event::{printable, timestamp_text};
use crate::policy::stream::is_name;
use crate::store::{Change, Key, Store};

/// Put addresses or whole domains on the list
///
/// An entry that is there already is replaced.
///
/// Refuse a domain for a month:
///
/// suppressd add --for 30d @example.net
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// user@domain, @domain for everybody in a domain, or @.domain for all its subdomains
    ///
    /// An entry for a domain is not for its subdomains, and one for its subdomains not for itself. A * is refused, unless the
    /// name before the @ is in double quotes: *@domain would be a mailbox.
    #[arg(required = true)]
    addresses: Vec<String>,
    /// Why, for those who ask later
    ///
    /// It never gets into a reply to an SMTP client.
    #[arg(long)]
    note: Option<String>,
    /// Release by itself after this time, as 30d
    ///
    /// A number and s, m, h or d. Without it, the entry stays until it is removed.
    #[arg(long = "for", value_name = "TIME", value_parser = crate::config::parse_duration)]
    time: Option<SignedDuration>,
    /// Refuse this stream of mail only; else all mail
    #[arg(long, default_value = "", hide_default_value = true, value_parser = stream)]
    stream: String,
}

/// A stream's name.
fn stream(text: &str) -> Result<String, String> {
    let fits = text.is_empty() || is_name(text);
    fits.then(|| text.to_owned()).ok_or_else(|| "write small letters, digits, - and _".into())
}

pub(super) fn run(args: &Args, store: &mut Store, out: &mut dyn Write) -> Result<u8, Failure> {
    let keys = new_keys(&args.addresses)?;
    let change = Change {
        until: args.time.and_then(|time| now().checked_add(time).ok()),
        stream: args.stream.clone(),
        ..operator(args.note.as_ref())
    };
    for key in keys {
        let new = store.add(&key, &change, now())?;
        writeln!(out, "{} {}{}", key.as_str(), if new { "added" } else { "changed" }, until(change.until))?;
    }
    Ok(0)
}

/// All of them or none: a typing error must not leave half of a list done.
pub(super) fn keys(texts: &[String]) -> Result<Vec<Key>, Failure> {
    let parse = |text: &String| {
        Key::parse(text)
            .map_err(|what| Failure::Usage(format!("\"{}\" {what}; nothing was changed", printable(text, 80))))
    };
    texts.iter().map(parse).collect()
}

/// The same of entries that are to be made, where a `*` is a mistake.
pub(super) fn new_keys(texts: &[String]) -> Result<Vec<Key>, Failure> {
    if let Some((text, domain)) = texts.iter().find_map(|text| Some((text, starred(text)?))) {
        let (text, domain) = (printable(text, 80), printable(domain, 80));
        let what = "would be a mailbox of that name, and nobody else's";
        return Err(Failure::Usage(format!(
            "\"{text}\" {what}; write {domain} for a whole domain; nothing was changed"
        )));
    }
    keys(texts)
}

fn until(until: Option<Timestamp>) -> String {
    until.map_or_else(String::new, |until| format!(" until {}", timestamp_text(until)))
}
