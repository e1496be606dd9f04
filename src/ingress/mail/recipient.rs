//! Addresses as reporters write them, brought into the form that [`crate::address::Address`] takes.

use super::dsn;
use super::mime::decoded;

/// An address as reporters write it, without type, brackets, comments and Exchange's wrapping.
pub(super) fn clean(reported: &str) -> String {
    let (_, value) = dsn::typed(reported);
    let value = value.rsplit_once('<').and_then(|(_, v)| v.split_once('>')).map_or(value, |(v, _)| v);
    let value = value.split(" (").next().unwrap_or(value).trim().trim_matches(['<', '>', ' ', '\'', ',', ';']);
    let value = lone(value);
    let decoded = if value.starts_with("=?") && value.ends_with("?=") { decoded(value) } else { value.to_owned() };
    let value = without_type(&decoded);
    // A whole address in quotes, or behind a source route (RFC 5321, appendix F.2).
    let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).filter(|v| v.contains('@')).unwrap_or(value);
    let value = value.strip_prefix('@').and_then(|v| v.split_once(':')).map_or(value, |(_, v)| v);
    let value = unwrapped(value).unwrap_or_else(|| value.to_owned());
    if reported.trim_start().get(..6).is_some_and(|kind| kind.eq_ignore_ascii_case("utf-8;")) {
        of_utf8(&value)
    } else {
        value
    }
}

/// An address without a comment before it, and a type behind it: `(Bob) bob@example.com`, `bob@example.com, rfc822`.
fn lone(value: &str) -> &str {
    let value =
        value.strip_prefix('(').and_then(|rest| rest.split_once(") ")).map_or(value, |(_, value)| value.trim_start());
    value.strip_suffix(", rfc822").unwrap_or(value)
}

/// Some write a colon behind the type of an address.
fn without_type(value: &str) -> &str {
    let (kind, address) = value.split_once(':').unwrap_or_default();
    if ["smtp", "mailto", "rfc822"].iter().any(|known| kind.eq_ignore_ascii_case(known)) { address } else { value }
}

/// RFC 6533 §3: `jos\x{E9}@example.com`, in a report that has to be ASCII.
fn of_utf8(value: &str) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some((head, tail)) = rest.split_once("\\x{") {
        let code = tail.split_once('}').and_then(|(hex, tail)| Some((u32::from_str_radix(hex, 16).ok()?, tail)));
        let Some((c, tail)) = code.and_then(|(code, tail)| Some((char::from_u32(code)?, tail))) else { break };
        out.push_str(head);
        out.push(c);
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// RFC 3461 §4: `bob+2Btag@example.com`, as ORCPT is written on the wire; `None` for what is not written so.
pub(super) fn of_xtext(value: &str) -> Option<String> {
    let (head, mut rest) = value.split_once('+')?;
    let mut out = head.to_owned();
    loop {
        let code = u8::from_str_radix(rest.get(..2)?, 16).ok().filter(u8::is_ascii_graphic)?;
        out.push(char::from(code));
        match rest.get(2..)?.split_once('+') {
            Some((head, tail)) => {
                out.push_str(head);
                rest = tail;
            }
            None => {
                out.push_str(rest.get(2..)?);
                return Some(out);
            }
        }
    }
}

/// `IMCEASMTP-bob+40example+2Ecom@exchange.example` is Exchange's form of a foreign address.
fn unwrapped(value: &str) -> Option<String> {
    let (local, _) = value.strip_prefix("IMCEASMTP-")?.rsplit_once('@')?;
    let mut out = String::new();
    let mut rest = local;
    while let Some((head, tail)) = rest.split_once('+') {
        out.push_str(head);
        let code = tail.get(..2).and_then(|h| u8::from_str_radix(h, 16).ok()).filter(u8::is_ascii_graphic);
        out.push(char::from(code?));
        rest = tail.get(2..)?;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ascii_cannot_write_is_decoded() {
        assert_eq!(clean("utf-8; jos\\x{E9}@example.com"), "josé@example.com");
        assert_eq!(clean("utf-8; jos\\x{E9@example.com"), "jos\\x{E9@example.com");
        assert_eq!(clean("utf-8; x\\x{D800}\\x{}@example.com"), "x\\x{D800}\\x{}@example.com");
        assert_eq!(of_xtext("bob+2Btag@example.com").as_deref(), Some("bob+tag@example.com"));
        for other in ["bob@example.com", "bob+tag@example.com", "bob+2", "bob+é"] {
            assert_eq!(of_xtext(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_no_address_does_not_become_another() {
        for written in [
            "john smith@example.com",
            "no mailbox here, ask postmaster@example.com",
            "=?utf-8?Q?Bob?= carl@example.com",
            "CN=John Doe/O=ACME@acme.example",
            "\"john doe\"@example.com",
            "=?utf-8?b?8j+qipcfkig=?=@example.org",
        ] {
            assert_eq!(clean(&format!("rfc822; {written}")), written);
        }
    }

    #[test]
    fn writings_of_reporters_are_one_address() {
        for written in [
            "rfc822;bob@example.com",
            "rfc822 ; bob@example.com",
            "RFC822:bob@example.com",
            "rfc822; (Bob) bob@example.com",
            "rfc822; bob@example.com, rfc822",
            "rfc822; =?utf-8?Q?bob=40example.com?=",
            "rfc822; <bob@example.com>",
            "SMTP:bob@example.com",
            "bob@example.com (Bob)",
            "Bob <bob@example.com>",
            "rfc822;\"bob@example.com\"",
            "rfc822; @relay.example:bob@example.com",
            "IMCEASMTP-bob+40example+2Ecom@exchange.example.net",
        ] {
            assert_eq!(clean(written), "bob@example.com", "{written}");
        }
    }
}
