//! `Name: value` lines as RFC 5322 §2.2 headers, RFC 3464 and RFC 5965 bodies have them, read as generously as broken
//! reporters need it.
//!
//! A continuation line should begin with a space; one that cannot be a field is taken as a continuation too, because
//! reporters forget the space. Limits: [`MAX_FIELDS`] fields in a block. Nothing fails: what is no field is skipped.

use std::borrow::Cow;

use memchr::memchr;

/// Most fields kept in one block.
pub const MAX_FIELDS: usize = 2000;

/// About as many as a header has.
const USUAL_FIELDS: usize = 24;

/// One block of fields, up to an empty line.
#[derive(Clone, Debug, Default)]
pub struct Fields<'x>(Vec<(&'x str, &'x str)>);

impl<'x> Fields<'x> {
    /// Reads the block at the start of a text; the rest, behind the empty line, comes second.
    #[must_use]
    pub fn block(text: &'x str) -> (Self, &'x str) {
        let mut fields: Vec<(&str, &str)> = Vec::with_capacity(USUAL_FIELDS);
        let mut at = 0;
        let (mut name, mut start) = ("", 0);
        for line in lines(text) {
            if line.bytes().all(|b| matches!(b, b'\r' | b'\n')) {
                break;
            }
            if let Some((n, value)) = field(line).filter(|_| fields.len() < MAX_FIELDS) {
                push(&mut fields, name, text.get(start..at));
                (name, start) = (n, at + line.len() - value.len());
            }
            at += line.len();
        }
        push(&mut fields, name, text.get(start..at));
        (Self(fields), text.get(at..).unwrap_or_default())
    }

    /// Every block of a text.
    pub fn blocks(text: &'x str) -> impl Iterator<Item = Self> {
        let mut rest = text;
        std::iter::from_fn(move || {
            rest = rest.trim_start_matches(['\r', '\n']);
            if rest.is_empty() {
                return None;
            }
            let (block, behind) = Self::block(rest);
            rest = behind;
            Some(block)
        })
    }

    /// The first field of a name, unfolded.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'x, str>> {
        self.all(name).next()
    }

    /// Every field of a name, unfolded.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Cow<'x, str>> + 'a {
        self.0.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| unfold(value))
    }

    /// Every field, as it stands there.
    pub fn iter(&self) -> impl Iterator<Item = (&'x str, &'x str)> + '_ {
        self.0.iter().copied()
    }

    /// Whether there is a field of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
    }

    /// Whether there is none at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The lines of a text, each with its line feed.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |at| at + 1);
        let (line, behind) = rest.split_at_checked(end)?;
        rest = behind;
        (!line.is_empty()).then_some(line)
    })
}

/// Where the first line begins that fits.
pub fn line_start(text: &str, fits: impl Fn(&str) -> bool) -> Option<usize> {
    let mut at = 0;
    for line in lines(text) {
        if fits(line) {
            return Some(at);
        }
        at += line.len();
    }
    None
}

fn push<'x>(fields: &mut Vec<(&'x str, &'x str)>, name: &'x str, value: Option<&'x str>) {
    if let (false, Some(value)) = (name.is_empty(), value) {
        fields.push((name, value.trim()));
    }
}

/// Name and value of a line that begins a field; `https://…` and `550-5.1.1 no: such` do not.
fn field(line: &str) -> Option<(&str, &str)> {
    let is_of_name = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let (name, rest) = line.split_at_checked(line.bytes().position(|b| !is_of_name(b))?)?;
    let value = rest.trim_start().strip_prefix(':')?;
    (!name.is_empty() && name.len() <= 80 && !value.starts_with("//")).then_some((name, value))
}

/// RFC 5322 §2.2.3: a folded value is one line.
fn unfold(value: &str) -> Cow<'_, str> {
    if !value.contains('\n') {
        return Cow::Borrowed(value.trim());
    }
    let lines: Vec<_> = value.lines().map(str::trim).collect();
    Cow::Owned(lines.join(" ").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_fields_are_one_line_and_names_have_no_case() {
        let (fields, rest) = Fields::block("Diagnostic-Code: smtp; 550\r\n  no user\r\nAction: failed\r\n\r\nnext");
        assert_eq!(fields.get("diagnostic-code").as_deref(), Some("smtp; 550 no user"));
        assert_eq!(fields.get("ACTION").as_deref(), Some("failed"));
        assert_eq!(rest, "\r\nnext");
    }

    #[test]
    fn a_continuation_that_forgot_its_space_still_belongs_to_its_field() {
        let (fields, _) =
            Fields::block("Diagnostic-Code: smtp; 550 see\nhttps://example.com\n550 5.1.1 gone: yes\nStatus: 5.1.1\n");
        assert_eq!(
            fields.get("Diagnostic-Code").as_deref(),
            Some("smtp; 550 see https://example.com 550 5.1.1 gone: yes")
        );
        assert_eq!(fields.get("Status").as_deref(), Some("5.1.1"));
    }

    #[test]
    fn blocks_end_at_empty_lines() {
        let counts: Vec<_> = Fields::blocks("\n\nA: 1\nB: 2\n\n\nC: 3\n").map(|b| b.iter().count()).collect();
        assert_eq!(counts, [2, 1]);
    }
}
