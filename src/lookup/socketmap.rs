//! Postfix's socketmap protocol, server side.
//!
//! PROTOCOL: socketmap_table(5). Request: a netstring `name SPACE key`. Reply: a netstring `OK SPACE value`,
//! `NOTFOUND SPACE`, `TEMP SPACE reason` or `PERM SPACE reason`. Map names: `access`, `transport`, these with a stream's name
//! behind a slash (`access/marketing`), and `return-path` for sender_canonical_maps, which signs envelope senders. Requests may be
//! pipelined; they are answered in order. `OK` always has a value: Postfix 3.7 reads a bare one as "not found".
//! LIMITS: requests of [`MAX_REQUEST`] bytes; Postfix reads replies to 100,000 (dict_sockmap.c), ours stay below 200.
//! SECURITY: whoever may connect may ask about any address. A violation of the framing ends the connection unanswered:
//! Postfix opens another and asks again.
//! BUGS: no TIMEOUT replies; TEMP means the same to Postfix.

use jiff::Timestamp;

use super::netstring::{self, Parsed};
use super::{Lookup, MAX_KEY, Map, Query, Step, Verdict};
use crate::event::printable;

/// Longest map name, in bytes: `transport/` and that of a stream.
const MAX_NAME: usize = 80;
/// The map that signs envelope senders.
const RETURN_PATH: &[u8] = b"return-path";
/// Longest request, in bytes: map name, space, key.
pub const MAX_REQUEST: usize = MAX_NAME + 1 + MAX_KEY;

/// Answers the first request in `input`.
#[must_use]
pub fn step(input: &[u8], lookup: &Lookup, now: Timestamp, output: &mut Vec<u8>) -> Step {
    match netstring::parse(input, MAX_REQUEST) {
        Parsed::Incomplete => Step::Incomplete,
        Parsed::Violation(why) => Step::Violation(why),
        Parsed::Complete { content, length } => {
            answer(content, lookup, now, output);
            Step::Answered(length)
        }
    }
}

fn answer(request: &[u8], lookup: &Lookup, now: Timestamp, output: &mut Vec<u8>) {
    let Some(space) = request.iter().position(|byte| *byte == b' ') else {
        return netstring::write(&["PERM write a map name, a space and a key"], output);
    };
    let (name, key) = request.split_at(space);
    if name == RETURN_PATH {
        return sign(super::text_of(key.strip_prefix(b" ")), lookup, now, output);
    }
    let (map, stream) = super::split_name(super::text_of(Some(name)));
    let stream = stream.unwrap_or_default();
    let Some(map) = Map::parse(map) else {
        return refuse(name, "unknown map", "there are access, transport and return-path", output);
    };
    let settings = lookup.settings();
    if name.contains(&b'/') && !settings.has_stream(stream) {
        return refuse(name, "no such stream:", "write a [[stream]] of that name into the configuration", output);
    }
    let key = super::text_of(key.strip_prefix(b" "));
    let verdict = lookup.ask_by(&settings, Query { key, door: map.as_str(), stream, client: "" }, now);
    match (map.value(&verdict), verdict) {
        (Some(value), _) => netstring::write(&["OK ", &value], output),
        (None, Verdict::Trouble) => netstring::write(&["TEMP the suppression list can't be read now"], output),
        (None, _) => netstring::write(&["NOTFOUND "], output),
    }
}

fn refuse(name: &[u8], what: &str, remedy: &str, output: &mut Vec<u8>) {
    let name = printable(&String::from_utf8_lossy(name), MAX_NAME);
    netstring::write(&["PERM ", what, " \"", &name, "\"; ", remedy], output);
}

/// Never TEMP: a sender that can't be signed is left as it is.
fn sign(sender: &str, lookup: &Lookup, now: Timestamp, output: &mut Vec<u8>) {
    match lookup.signed_return_path(sender, now) {
        Some(signed) => netstring::write(&["OK ", &signed], output),
        None => netstring::write(&["NOTFOUND "], output),
    }
}
