//! Streams: named kinds of mail, so that a complaint about a newsletter does not stop a password reset.
//!
//! The first stream of the configuration that matches is the one. Mail that matches none is in no stream, and only what
//! holds for all mail holds for it.

use super::Pattern;
use crate::address::Address;

/// Longest name of a stream, in characters.
pub const MAX_NAME: usize = 64;

/// A `[[stream]]` of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// Its name: small letters, digits, `-` and `_`.
    pub name: String,
    /// Envelope senders whose mail it is.
    pub senders: Vec<Pattern>,
    /// SASL login names whose mail it is.
    pub sasl_users: Vec<String>,
    /// Header fields or SES tags that such mail has.
    pub headers: Vec<HeaderPattern>,
}

/// `Name: value`, where `*` in the value stands for any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderPattern {
    name: String,
    value: String,
}

/// What is known of a message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mail<'a> {
    /// Its envelope sender.
    pub sender: Option<&'a str>,
    /// Who handed it in, by SASL.
    pub sasl_user: Option<&'a str>,
    /// Lines `Name: value` of its list headers and SES tags.
    pub headers: Option<&'a str>,
}

/// Whether a text can be a stream's name.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    !text.is_empty() && text.len() <= MAX_NAME && text.bytes().all(fits)
}

/// The name of the stream that a message is in; empty for none.
#[must_use]
pub fn of<'a>(streams: &'a [Stream], mail: &Mail<'_>) -> &'a str {
    if streams.is_empty() {
        return "";
    }
    let sender = mail.sender.and_then(sender);
    let found = streams.iter().find(|stream| stream.has(sender.as_ref(), mail));
    found.map_or("", |stream| &stream.name)
}

/// The envelope sender, as lenient as with recipients: return paths that name the recipient (VERP) are of any length, and
/// applications leave quotes out.
fn sender(text: &str) -> Option<Address> {
    Address::parse_lookup_key(text.trim().trim_matches(['<', '>'])).ok()
}

impl Stream {
    fn has(&self, sender: Option<&Address>, mail: &Mail<'_>) -> bool {
        let by_sender = || sender.is_some_and(|sender| self.senders.iter().any(|pattern| pattern.matches(sender)));
        let by_user = || mail.sasl_user.is_some_and(|user| self.sasl_users.iter().any(|known| known == user));
        let lines = || mail.headers.into_iter().flat_map(str::lines);
        by_sender() || by_user() || self.headers.iter().any(|pattern| lines().any(|line| pattern.matches(line)))
    }
}

impl HeaderPattern {
    /// Parses `Name: value`; `None` for what is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // The names of SES's tags have a colon themselves.
        let (name, value) = text.split_once(": ")?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_lowercase());
        (!name.is_empty() && !value.is_empty() && !name.contains(char::is_whitespace)).then_some(Self { name, value })
    }

    /// Name of the field or tag, in small letters.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn matches(&self, line: &str) -> bool {
        line.split_once(": ").is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case(&self.name) && glob(&self.value, value.trim().to_lowercase().as_str())
        })
    }
}

/// Whether a text is what a pattern with `*` means.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let Some((middle, tail)) = rest.rsplit_once('*') else { return text.ends_with(rest) };
    for part in middle.split('*') {
        match text.find(part).and_then(|at| text.get(at + part.len()..)) {
            Some(behind) => text = behind,
            None => return false,
        }
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams() -> Vec<Stream> {
        let headers = ["ses:configuration-set: marketing", "List-Id: *<news.*.example.org>*"];
        vec![
            Stream {
                name: "marketing".into(),
                senders: vec![Pattern::parse("news@example.org").unwrap()],
                headers: headers.iter().filter_map(|text| HeaderPattern::parse(text)).collect(),
                ..Stream::default()
            },
            Stream {
                name: "shop".into(),
                senders: vec![Pattern::parse("@example.org").unwrap()],
                sasl_users: vec!["shop".into()],
                ..Stream::default()
            },
        ]
    }

    fn name(sender: &str, sasl_user: &str, headers: &str) -> String {
        let mail = Mail { sender: Some(sender), sasl_user: Some(sasl_user), headers: Some(headers) };
        of(&streams(), &mail).to_owned()
    }

    #[test]
    fn the_first_that_matches_is_the_one() {
        assert_eq!(name("News+k1--abc=@example.org", "", ""), "marketing");
        assert_eq!(name("app@example.org", "", ""), "shop");
        assert_eq!(name("app@example.net", "shop", ""), "shop");
        assert_eq!(name("app@example.net", "", ""), "");
        assert_eq!(of(&streams(), &Mail::default()), "");
    }

    #[test]
    fn a_sender_may_be_longer_than_a_mailbox_and_lack_its_quotes() {
        let verp = format!("news+{}@example.org", "bob=".repeat(30));
        for (sender, stream) in [
            (verp.as_str(), "marketing"),
            ("<news@example.org>", "marketing"),
            ("list owner@example.org", "shop"),
            ("a..b.@example.org", "shop"),
            ("<>", ""),
        ] {
            assert_eq!(name(sender, "", ""), stream, "{sender}");
        }
    }

    #[test]
    fn headers_and_tags_are_compared_whole_but_for_stars() {
        assert_eq!(name("a@x.example", "", "ses:configuration-set: Marketing"), "marketing");
        assert_eq!(name("a@x.example", "", "ses:configuration-set: marketing-2"), "");
        assert_eq!(name("a@x.example", "", "X: y\nList-Id: News <news.eu.example.org>"), "marketing");
        assert_eq!(name("a@x.example", "", "List-Id: <talk.example.org>"), "");
    }

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text, matches) in [
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxc", false),
            ("*", "", true),
        ] {
            assert_eq!(glob(pattern, text), matches, "{pattern} {text}");
        }
    }
}
