//! Postfix's tcp_table protocol, server side.
//!
//! PROTOCOL: tcp_table(5). Request: `get SPACE key NEWLINE`. Reply: `200 SPACE value`, `500 SPACE text` (not found),
//! `400 SPACE text` (trouble), NEWLINE. Keys and values have `%`, white space and what is not printable ASCII as `%XX`.
//! `put` is answered 500: nothing is stored this way. Requests may be pipelined.
//! LIMITS: requests of [`MAX_REQUEST`] bytes; Postfix reads replies to 4096 (`DICT_TCP_MAXLEN`), ours stay below 600.
//! SECURITY: no authentication, so listen on loopback only. What is no request gets 400 and the connection ends.
//! BUGS: one map for each port, as the protocol has no map names.

use jiff::Timestamp;
use memchr::memchr;

use super::{Lookup, MAX_KEY, Query, Step, Table, Verdict};

/// Longest request, in bytes: a key of [`MAX_KEY`] with every byte as `%XX`, the command and the newline.
pub const MAX_REQUEST: usize = "get \n".len() + 3 * MAX_KEY;

/// Answers the first request in `input`.
#[must_use]
pub fn step(input: &[u8], table: &Table, lookup: &Lookup, now: Timestamp, output: &mut Vec<u8>) -> Step {
    let Some(end) = memchr(b'\n', input.get(..MAX_REQUEST).unwrap_or(input)) else {
        let endless = input.len() >= MAX_REQUEST;
        return if endless { refuse("400 request over the limit", output) } else { Step::Incomplete };
    };
    let line = input.get(..end).unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.starts_with(b"put ") {
        reply("500", "this table can't be written", output);
        return Step::Answered(end + 1);
    }
    match line.strip_prefix(b"get ").map(decode) {
        None => refuse("400 write get, a space and a key", output),
        Some(None) => refuse("400 a % needs two hexadecimal digits", output),
        Some(Some(key)) => {
            answer(super::text_of(Some(&key)), table, lookup, now, output);
            Step::Answered(end + 1)
        }
    }
}

fn answer(key: &str, table: &Table, lookup: &Lookup, now: Timestamp, output: &mut Vec<u8>) {
    let verdict = lookup.ask(Query { key, door: table.map.as_str(), stream: &table.stream, client: "" }, now);
    match (table.map.value(&verdict), verdict) {
        (Some(value), _) => reply("200", &value, output),
        (None, Verdict::Trouble) => reply("400", "the suppression list can't be read now", output),
        (None, _) => reply("500", "not on the list", output),
    }
}

fn refuse(violation: &'static str, output: &mut Vec<u8>) -> Step {
    let (code, text) = violation.split_once(' ').unwrap_or((violation, ""));
    reply(code, text, output);
    Step::Violation(violation)
}

fn reply(code: &str, text: &str, output: &mut Vec<u8>) {
    output.extend_from_slice(code.as_bytes());
    output.push(b' ');
    encode(text, output);
    output.push(b'\n');
}

fn encode(text: &str, output: &mut Vec<u8>) {
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            output.push(byte);
        } else {
            output.push(b'%');
            output
                .extend([byte >> 4, byte & 15].map(|digit| if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }));
        }
    }
}

/// Undoes `%XX`; `None` if a `%` has something else behind it.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            byte => byte,
        });
    }
    Some(decoded)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_goes_both_ways() {
        for (text, encoded) in [
            ("bob@example.com", "bob@example.com"),
            ("quoted user@example.com", "quoted%20user@example.com"),
            ("a%b", "a%25b"),
            ("jörg\n", "j%c3%b6rg%0a"),
        ] {
            let mut output = Vec::new();
            encode(text, &mut output);
            assert_eq!(output, encoded.as_bytes());
            assert_eq!(decode(encoded.as_bytes()).as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(decode(b"%C3%b6").as_deref(), Some("ö".as_bytes()));
        for broken in ["%", "%4", "%zz", "a%+1", "%%41"] {
            assert_eq!(decode(broken.as_bytes()), None, "{broken}");
        }
    }
}
