//! Addresses as reporters write them, brought into the form that [`crate::address::Address`] takes.

use super::dsn;

/// An address as reporters write it, without type, brackets, comments and Exchange's wrapping.
pub(super) fn clean(reported: &str) -> String {
    let (_, value) = dsn::typed(reported);
    let value = value.rsplit_once('<').and_then(|(_, v)| v.split_once('>')).map_or(value, |(v, _)| v);
    let value = value.split(" (").next().unwrap_or(value).trim().trim_matches(['<', '>', ' ', '\'', ',', ';']);
    let value = value
        .strip_prefix("SMTP:")
        .or_else(|| value.strip_prefix("smtp:"))
        .or_else(|| value.strip_prefix("mailto:"))
        .unwrap_or(value);
    unwrapped(value).unwrap_or_else(|| value.to_owned())
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
    fn writings_of_reporters_are_one_address() {
        for written in [
            "rfc822;bob@example.com",
            "rfc822; <bob@example.com>",
            "SMTP:bob@example.com",
            "bob@example.com (Bob)",
            "Bob <bob@example.com>",
            "IMCEASMTP-bob+40example+2Ecom@exchange.example.net",
        ] {
            assert_eq!(clean(written), "bob@example.com", "{written}");
        }
    }
}
