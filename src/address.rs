//! One canonical form of a recipient, so that every door and every lookup mean the same person.
//!
//! Canonical: `local@domain`, where the domain is lower case, an IDNA A-label and without a trailing dot, and the
//! local part is NFC, lower case, and quoted only where RFC 5321 demands it. A tag (`user+tag`) and dots are kept:
//! only the receiving system knows what they mean.
//!
//! Limits: RFC 5321 §4.5.3.1 (local part 64, domain 255, whole address 254 octets); of what is only looked up, the domain's.
//! Not promised: that two mailboxes which differ only by case are told apart. Nobody runs such a system, and
//! Postfix itself lower-cases the keys of access tables.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use memchr::memchr;
use unicode_normalization::UnicodeNormalization;

/// Longest local part, in octets. RFC 5321 §4.5.3.1.1.
pub const MAX_LOCAL: usize = 64;
/// Longest domain, in octets. RFC 5321 §4.5.3.1.2.
pub const MAX_DOMAIN: usize = 255;
/// Longest address, in octets: the path of RFC 5321 §4.5.3.1.3 without its angle brackets.
pub const MAX_ADDRESS: usize = 254;

/// A recipient in canonical form. Equal text means the same recipient.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    text: String,
    at: usize,
}

/// Why a text is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// Nothing there.
    Empty,
    /// No `@`, so no domain.
    NoDomain,
    /// Nothing before the `@`.
    EmptyLocalPart,
    /// Local part over [`MAX_LOCAL`] octets.
    LocalPartTooLong,
    /// A space, control character, bracket or misplaced dot outside quotes.
    BadLocalPart,
    /// A quoted local part that does not end, or has text around it.
    BadQuoting,
    /// Not a host name: empty or overlong label, forbidden character, or an A-label that decodes to nothing.
    BadDomain,
    /// Domain over [`MAX_DOMAIN`] octets or address over [`MAX_ADDRESS`].
    TooLong,
    /// A control character, which no address may have.
    ControlCharacter,
    /// `Name <address` without its closing bracket, or text behind it.
    BadBrackets,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::NoDomain => "has no domain; write user@domain",
            Self::EmptyLocalPart => "has nothing before the @",
            Self::LocalPartTooLong => "has a local part of more than 64 octets",
            Self::BadLocalPart => "has a character or dot before the @ that needs quoting",
            Self::BadQuoting => "has a quoted local part that is not closed properly",
            Self::BadDomain => "has a domain that is not a host name",
            Self::TooLong => "is longer than 254 octets",
            Self::ControlCharacter => "has a control character",
            Self::BadBrackets => "has angle brackets that don't enclose one address",
        })
    }
}

impl std::error::Error for AddressError {}

impl Address {
    /// Parses an address as a mail system writes it (RFC 5321 `Mailbox`, RFC 6531), in or without angle brackets.
    ///
    /// # Errors
    /// What is wrong with it, as [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let text = text.strip_prefix('<').and_then(|t| t.strip_suffix('>')).unwrap_or(text);
        let (local, domain) = split(text)?;
        let local = if local.starts_with('"') { unquote(local)? } else { dot_atom(local)?.to_owned() };
        Self::build(&local, domain)
    }

    /// Parses a key that Postfix looks up: as [`Address::parse`], but an unquoted local part may hold anything, since
    /// Postfix also asks with quotes removed (`quoted user@example.com`), and have any length: its domain may be listed.
    ///
    /// # Errors
    /// What is wrong with it, as [`AddressError`]; [`AddressError::NoDomain`] for a bare name.
    pub fn parse_lookup_key(text: &str) -> Result<Self, AddressError> {
        if let Some(at) = plain(text) {
            return Ok(Self { text: text.to_owned(), at });
        }
        let (local, domain) = split(text)?;
        let local = match unquote(local) {
            Ok(inner) if local.starts_with('"') => inner,
            _ => local.to_owned(),
        };
        Self::of_any_length(&local, domain)
    }

    /// Parses an address as reporters write it: as [`Address::parse_mailbox`], but carriers in Japan issued mailboxes with dots
    /// where RFC 5321 has none, and write them unquoted.
    ///
    /// # Errors
    /// What is wrong with it, as [`AddressError`].
    pub fn parse_reported(text: &str) -> Result<Self, AddressError> {
        let sane = text.starts_with('"') || !text.contains(|c: char| c.is_whitespace() || "<>".contains(c));
        Self::parse_mailbox(text).or_else(|why| match Self::parse_lookup_key(text).and_then(Self::within_limits) {
            Ok(address) if sane => Ok(address),
            _ => Err(why),
        })
    }

    /// Parses an address at a door that may see a display name: `Name <user@domain>`, or the bare address.
    ///
    /// # Errors
    /// What is wrong with it, as [`AddressError`].
    pub fn parse_mailbox(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        match outside_quotes(text, '<') {
            None => Self::parse(text),
            Some(open) => {
                let (_, inner) = text.split_at(open);
                let inner = inner.strip_prefix('<').and_then(|t| t.strip_suffix('>'));
                Self::parse(inner.ok_or(AddressError::BadBrackets)?)
            }
        }
    }

    fn build(local: &str, domain: &str) -> Result<Self, AddressError> {
        Self::of_any_length(local, domain).and_then(Self::within_limits)
    }

    fn within_limits(self) -> Result<Self, AddressError> {
        match self {
            address if address.at > MAX_LOCAL => Err(AddressError::LocalPartTooLong),
            address if address.text.len() > MAX_ADDRESS => Err(AddressError::TooLong),
            address => Ok(address),
        }
    }

    fn of_any_length(local: &str, domain: &str) -> Result<Self, AddressError> {
        if local.is_empty() {
            return Err(AddressError::EmptyLocalPart);
        }
        if local.chars().any(char::is_control) {
            return Err(AddressError::ControlCharacter);
        }
        let mut text = quote_if_needed(&fold(local));
        let at = text.len();
        let domain = canonical_domain(domain)?;
        text.push('@');
        text.push_str(&domain);
        Ok(Self { text, at })
    }

    /// The canonical text, `local@domain`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The canonical domain: lower case, A-label, or an address literal in brackets.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }

    /// The canonical local part, quoted where it must be.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    /// The key of an entry for the whole domain, `@domain`.
    #[must_use]
    pub fn domain_key(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.text)
    }
}

impl serde::Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> serde::Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The end of a text from its `@` on, as `@example.org`, where a `*` stands before that outside quotes. Whoever writes
/// `*@example.org` means the whole domain, not the mailbox of that name.
#[must_use]
pub fn starred(text: &str) -> Option<&str> {
    let text = text.trim();
    let bare = outside_quotes(text, '<').and_then(|open| text.get(open + 1..)).unwrap_or(text).trim_end_matches('>');
    let (local, domain) = bare.split_at_checked(bare.rfind('@')?)?;
    (!local.starts_with('"') && local.contains('*')).then_some(domain)
}

/// Canonical form of a domain: lower case, A-labels, no trailing dot; an address literal (`[192.0.2.1]`) is kept.
///
/// # Errors
/// [`AddressError::BadDomain`], [`AddressError::TooLong`].
pub fn canonical_domain(domain: &str) -> Result<String, AddressError> {
    if let Some(literal) = domain.strip_prefix('[') {
        let literal = literal.strip_suffix(']').ok_or(AddressError::BadDomain)?.to_ascii_lowercase();
        let valid = match literal.strip_prefix("ipv6:") {
            Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
            None => literal.parse::<Ipv4Addr>().is_ok(),
        };
        return if valid { Ok(format!("[{literal}]")) } else { Err(AddressError::BadDomain) };
    }
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    // Most domains are plain; the full IDNA mapping costs a microsecond of every lookup.
    let plain = domain.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_'));
    let ascii = if plain && !domain.contains("xn--") {
        domain.to_owned()
    } else {
        idna::domain_to_ascii(domain).map_err(|_| AddressError::BadDomain)?
    };
    let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
    if ascii.len() > MAX_DOMAIN {
        return Err(AddressError::TooLong);
    }
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    if ascii.split('.').all(label) { Ok(ascii.to_owned()) } else { Err(AddressError::BadDomain) }
}

/// The position of the `@` in an address that is in canonical form, and of the plainest kind: nearly all that Postfix looks up.
fn plain(text: &str) -> Option<usize> {
    let at = memchr(b'@', text.as_bytes())?;
    let (local, domain) = (text.as_bytes().get(..at)?, text.as_bytes().get(at + 1..)?);
    let fits = local.len() <= MAX_LOCAL && text.len() <= MAX_ADDRESS;
    (fits && is_plain_local(local) && is_plain_domain(domain)).then_some(at)
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Atoms of small letters, digits and the commonest signs, with single dots between.
fn is_plain_local(local: &[u8]) -> bool {
    let mut before = b'.';
    let goes_on = local.iter().all(|&byte| {
        let last = std::mem::replace(&mut before, byte);
        is_word(byte) || matches!(byte, b'-' | b'_' | b'+' | b'=') || (byte == b'.' && last != b'.')
    });
    goes_on && before != b'.'
}

/// Short labels of small letters and digits, with single hyphens or dots between.
fn is_plain_domain(domain: &[u8]) -> bool {
    let (mut before, mut label) = (b'.', 0);
    let goes_on = domain.iter().all(|&byte| {
        let last = std::mem::replace(&mut before, byte);
        label = if byte == b'.' { 0 } else { label + 1 };
        label <= 63 && (is_word(byte) || (matches!(byte, b'-' | b'.') && is_word(last)))
    });
    goes_on && is_word(before)
}

/// Splits at the last `@`: a quoted local part may hold others, a domain never.
fn split(text: &str) -> Result<(&str, &str), AddressError> {
    if text.is_empty() {
        return Err(AddressError::Empty);
    }
    if text.chars().any(char::is_control) {
        return Err(AddressError::ControlCharacter);
    }
    text.rsplit_once('@').ok_or(AddressError::NoDomain)
}

/// RFC 5321 `Dot-string`, with the UTF-8 of RFC 6531. One leading or trailing dot and runs of dots are real in the
/// field (carriers in Japan issued such mailboxes) but need quoting, so they are not this form.
fn dot_atom(local: &str) -> Result<&str, AddressError> {
    if local.is_empty() {
        return Err(AddressError::EmptyLocalPart);
    }
    if is_dot_atom(local) { Ok(local) } else { Err(AddressError::BadLocalPart) }
}

fn is_dot_atom(local: &str) -> bool {
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_char))
}

/// RFC 5322 `atext` and everything above ASCII that is neither space nor control.
fn is_atom_char(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
    } else {
        !c.is_whitespace() && !c.is_control()
    }
}

fn unquote(local: &str) -> Result<String, AddressError> {
    let inner = local.strip_prefix('"').and_then(|l| l.strip_suffix('"')).ok_or(AddressError::BadQuoting)?;
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(chars.next().ok_or(AddressError::BadQuoting)?),
            '"' => return Err(AddressError::BadQuoting),
            c => out.push(c),
        }
    }
    Ok(out)
}

fn quote_if_needed(local: &str) -> String {
    if is_dot_atom(local) {
        return local.to_owned();
    }
    let mut out = String::from("\"");
    for c in local.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// NFC and lower case. Final sigma is folded, because Postfix folds it for access tables and not for transport;
/// `ß` stays, because `ss` would be another mailbox.
fn fold(local: &str) -> String {
    if local.is_ascii() {
        return local.to_ascii_lowercase();
    }
    let lower = local.nfc().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c });
    lower.nfc().collect()
}

/// Position of `wanted` outside a quoted string.
fn outside_quotes(text: &str, wanted: char) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c == wanted && !quoted => return Some(i),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writings_of_one_mailbox_have_one_form() {
        for (written, canonical) in [
            ("Bob@Example.COM", "bob@example.com"),
            (" <bob@example.com.> ", "bob@example.com"),
            ("bob+Tag@example.com", "bob+tag@example.com"),
            ("b.o.b@example.com", "b.o.b@example.com"),
            ("\"bob\"@example.com", "bob@example.com"),
            ("\"b\\ob\"@example.com", "bob@example.com"),
            ("\"two words\"@example.com", "\"two words\"@example.com"),
            ("\"a@b\"@example.com", "\"a@b\"@example.com"),
            ("\"say \\\"hi\\\"\"@example.com", "\"say \\\"hi\\\"\"@example.com"),
            ("JÖRG@Bücher.Example", "jörg@xn--bcher-kva.example"),
            ("jo\u{308}rg@xn--bcher-kva.EXAMPLE", "jörg@xn--bcher-kva.example"),
            ("ΟΔΟΣ@example.com", "οδοσ@example.com"),
            ("user@[192.0.2.1]", "user@[192.0.2.1]"),
            ("user@[IPv6:2001:DB8::1]", "user@[ipv6:2001:db8::1]"),
            ("under@mail_host.example", "under@mail_host.example"),
        ] {
            assert_eq!(Address::parse(written).map(|a| a.to_string()), Ok(canonical.to_owned()), "{written}");
        }
    }

    #[test]
    fn what_is_plain_is_what_the_rules_make_of_it() {
        let parts = [
            "a", "b.c", "x+y=z_w", "A", "é", ".", "a.", "..", "", "-", "\"q\"", "1-2", "_", "xn--a", "a\u{7f}", "a..b",
            ".a", "a-.b", "a.-b",
        ];
        let long = ["a".repeat(63), "a".repeat(64), "a".repeat(65)];
        let parts: Vec<_> = parts.iter().copied().chain(long.iter().map(String::as_str)).collect();
        let mut plainly = 0;
        for (local, domain) in parts.iter().flat_map(|local| parts.iter().map(move |domain| (local, domain))) {
            for text in [
                format!("{local}@{domain}"),
                format!("{local}@{domain}.example"),
                format!("{local}@{domain}@x.example"),
            ] {
                if let Some(at) = plain(&text) {
                    plainly += 1;
                    let (local, domain) = split(&text).unwrap();
                    assert_eq!(Address::build(local, domain), Ok(Address { text: text.clone(), at }), "{text}");
                }
            }
        }
        assert!(plainly > 30, "{plainly}");
    }

    #[test]
    fn canonical_form_is_a_fixed_point() {
        for written in ["\"Two Words\"@Example.com", "ΟΔΟΣ@BÜCHER.example", "İ@example.com", "\"a.\"@example.com"]
        {
            let once = Address::parse(written).unwrap();
            assert_eq!(Address::parse(once.as_str()).unwrap(), once);
            assert_eq!(Address::parse_lookup_key(once.as_str()).unwrap(), once);
        }
    }

    #[test]
    fn garbage_says_what_is_wrong() {
        use AddressError::*;
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long = format!("a@{}com", "abcdefgh.".repeat(30));
        for (written, error) in [
            ("", Empty),
            ("bob", NoDomain),
            ("@example.com", EmptyLocalPart),
            ("\"\"@example.com", EmptyLocalPart),
            (long_local.as_str(), LocalPartTooLong),
            ("two words@example.com", BadLocalPart),
            (".bob@example.com", BadLocalPart),
            ("bo..b@example.com", BadLocalPart),
            ("\"bob@example.com", BadQuoting),
            ("\"bo\"b\"@example.com", BadQuoting),
            ("bob@", BadDomain),
            ("bob@exa mple.com", BadDomain),
            ("bob@-a.example", BadDomain),
            ("bob@a..example", BadDomain),
            ("bob@[300.1.1.1]", BadDomain),
            (long.as_str(), TooLong),
            ("bob\r\n@example.com", ControlCharacter),
            ("bob\0@example.com", ControlCharacter),
        ] {
            assert_eq!(Address::parse(written), Err(error), "{written:?}");
        }
    }

    #[test]
    fn display_names_are_left_out_where_they_may_come() {
        for written in
            ["Bob <bob@example.com>", "\"Bob <x@y>\" <Bob@Example.com>", "bob@example.com", "<bob@example.com>"]
        {
            assert_eq!(Address::parse_mailbox(written).unwrap().as_str(), "bob@example.com", "{written}");
        }
        assert_eq!(Address::parse_mailbox("Bob <bob@example.com"), Err(AddressError::BadBrackets));
        assert_eq!(Address::parse_mailbox("Bob <bob@example.com> x"), Err(AddressError::BadBrackets));
    }

    #[test]
    fn a_star_without_quotes_is_known() {
        for text in ["*@example.org", " <*@example.org>", "All <news-*@example.org>"] {
            assert_eq!(starred(text), Some("@example.org"), "{text}");
        }
        assert_eq!(starred("*@"), Some("@"));
        for text in ["\"*\"@example.org", "\"*\" <bob@example.org>", "* <bob@example.org>", "@example.org", "*"] {
            assert_eq!(starred(text), None, "{text}");
        }
    }

    #[test]
    fn lookup_keys_come_quoted_and_unquoted() {
        let entry = Address::parse("\"quoted user\"@example.com").unwrap();
        assert_eq!(Address::parse_lookup_key("\"Quoted User\"@example.com").unwrap(), entry);
        assert_eq!(Address::parse_lookup_key("quoted user@Example.com").unwrap(), entry);
        assert_eq!(Address::parse_lookup_key("*"), Err(AddressError::NoDomain));
        let long = format!("{}@Example.com", "a".repeat(300));
        assert_eq!(Address::parse_lookup_key(&long).unwrap().domain_key(), "@example.com", "Postfix takes it");
    }

    #[test]
    fn reporters_write_mailboxes_of_carriers_without_quotes() {
        for (written, canonical) in
            [("bob..x.@example.jp", "\"bob..x.\"@example.jp"), ("Bob <bob@example.jp>", "bob@example.jp")]
        {
            assert_eq!(Address::parse_reported(written).unwrap().as_str(), canonical);
        }
        let long = format!("{}.@example.jp", "a".repeat(65));
        for other in ["two words@example.jp", "Bob <bob.@example.jp>", "<b<b.@example.jp", long.as_str()] {
            assert!(Address::parse_reported(other).is_err(), "{other}");
        }
    }
}
