//! Netstrings, the framing of socketmap: `5:hello,`.
//!
//! PROTOCOL: <https://cr.yp.to/proto/netstrings.txt>. A length in decimal without leading zeros, a colon, that many
//! bytes, a comma.
//! LIMITS: the caller's `max` bytes of content. A longer length is refused as soon as its digits are there, so nobody
//! makes us wait for, or store, ten megabytes.
//! SECURITY: content may be any bytes. BUGS: none known.

use std::io::Write as _;

/// What the bytes received so far are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// The start of a netstring.
    Incomplete,
    /// A netstring.
    Complete {
        /// What it holds.
        content: &'a [u8],
        /// Its bytes, framing included.
        length: usize,
    },
    /// No netstring, whatever follows.
    Violation(&'static str),
}

/// Reads the netstring at the start of `input`, of at most `max` bytes of content.
#[must_use]
pub fn parse(input: &[u8], max: usize) -> Parsed<'_> {
    let digits = input.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (length, rest) = input.split_at(digits);
    let size = match number(length) {
        _ if length.len() > 1 && length.starts_with(b"0") => return Parsed::Violation("length with a leading zero"),
        size if size > max => return Parsed::Violation("length over the limit"),
        size => size,
    };
    match rest.split_first() {
        None => Parsed::Incomplete,
        Some((b':', _)) if digits == 0 => Parsed::Violation("no length"),
        Some((b':', rest)) => match rest.split_at_checked(size) {
            None => Parsed::Incomplete,
            Some((content, [b',', ..])) => Parsed::Complete { content, length: digits + 1 + size + 1 },
            Some((_, [])) => Parsed::Incomplete,
            Some(_) => Parsed::Violation("no comma at the end"),
        },
        Some(_) => Parsed::Violation("not a netstring"),
    }
}

/// Appends a netstring.
pub fn write(content: &[&str], output: &mut Vec<u8>) {
    let length: usize = content.iter().map(|part| part.len()).sum();
    let _ = write!(output, "{length}:"); // a vector takes everything
    content.iter().for_each(|part| output.extend_from_slice(part.as_bytes()));
    output.push(b',');
}

fn number(digits: &[u8]) -> usize {
    digits.iter().fold(0, |n: usize, digit| n.saturating_mul(10).saturating_add(usize::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(content: &str, length: usize) -> Parsed<'_> {
        Parsed::Complete { content: content.as_bytes(), length }
    }

    #[test]
    fn netstrings_are_read_and_what_follows_is_left() {
        assert_eq!(parse(b"5:hello,", 10), complete("hello", 8));
        assert_eq!(parse(b"5:hello,3:abc,", 10), complete("hello", 8));
        assert_eq!(parse(b"0:,", 10), complete("", 3));
        assert_eq!(parse(b"3:a,\0,", 10), complete("a,\0", 6));
        assert_eq!(parse(b"10:0123456789,", 10), complete("0123456789", 14));
    }

    #[test]
    fn every_beginning_of_a_netstring_is_incomplete() {
        let whole = b"12:twelve bytes,";
        for end in 0..whole.len() {
            assert_eq!(parse(&whole[..end], 20), Parsed::Incomplete, "{end}");
        }
    }

    #[test]
    fn violations_are_seen_at_the_first_byte_that_shows_them() {
        for (input, why) in [
            (&b"01"[..], "length with a leading zero"),
            (b"00:", "length with a leading zero"),
            (b"11", "length over the limit"),
            (b"10000000:", "length over the limit"),
            (b"99999999999999999999999999999999999999", "length over the limit"),
            (b":abc,", "no length"),
            (b"-1:a,", "not a netstring"),
            (b"+1:a,", "not a netstring"),
            (b" 1:a,", "not a netstring"),
            (b"1 :a,", "not a netstring"),
            (b"\0", "not a netstring"),
            (b"GET / HTTP/1.1\r\n", "not a netstring"),
            (b"2:abc,", "no comma at the end"),
            (b"2:ab\n", "no comma at the end"),
            (b"0:x", "no comma at the end"),
        ] {
            assert_eq!(parse(input, 10), Parsed::Violation(why), "{input:?}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut output = Vec::new();
        write(&["NOTFOUND "], &mut output);
        assert_eq!(output, b"9:NOTFOUND ,");
        assert_eq!(parse(&output, 100), complete("NOTFOUND ", 12));
    }
}
