//! Which format a file has, from its first bytes. Where two could be meant, or none, the choices are named.

use super::row::{Names, plain_name};
use super::{FORMATS, Form, Format, HEAD, access, json_rows, plain};
use crate::store::Key;

/// Lines that are looked at.
const LINES: usize = 50;
/// Columns of the CSV of SES's bulk actions, which has no heading.
const SES_COLUMNS: &[&str] = &["emailaddress", "reason", "lastupdatetime"];

/// The first bytes of a file.
pub(super) struct Head<'a> {
    /// They, without a byte order mark.
    pub text: &'a [u8],
    whole: bool,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    JsonDocument,
    JsonLines,
    Csv {
        delimiter: u8,
        /// The names of columns, where the file does not have them.
        heading: Option<&'static [&'static str]>,
    },
}

impl<'a> Head<'a> {
    pub fn look(bytes: &'a [u8]) -> Self {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        Self { text, whole: (bytes.len() as u64) < HEAD }
    }

    /// The one format that it can be.
    pub fn format(&self) -> Result<&'static Format, String> {
        if self.text.trim_ascii().is_empty() {
            return Err("is empty; nothing was read".into());
        }
        let fitting: Vec<_> = match self.names() {
            Some((names, list)) => {
                let names = Names { names: &names, list: list.as_deref() };
                FORMATS
                    .iter()
                    .filter(|format| matches!(format.form, Form::Rows { knows, .. } if knows(&names)))
                    .collect()
            }
            None => Vec::new(),
        };
        match (fitting.as_slice(), self.of_lines()) {
            ([format], _) => Ok(format),
            ([], Some(format)) if !self.is_json() => Ok(format),
            ([], _) => {
                Err(format!("has no format that is known for certain; name it with --format: {}", names(FORMATS)))
            }
            (several, _) => {
                Err(format!("may have more than one format; name it with --format: {}", names(several.iter().copied())))
            }
        }
    }

    /// How its rows are written, if it has rows.
    pub fn encoding(&self) -> Encoding {
        if self.is_json() {
            let first = self.lines().next().unwrap_or_default();
            let is_whole = serde_json::from_str::<serde::de::IgnoredAny>(first).is_ok();
            return if is_whole && first.starts_with('{') { Encoding::JsonLines } else { Encoding::JsonDocument };
        }
        let first = self.lines().next().unwrap_or_default();
        let count = |delimiter: char| first.matches(delimiter).count();
        let delimiter = [',', ';', '\t'].into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(',');
        let fields: Vec<_> = first.split(delimiter).map(|field| field.trim().trim_matches('"')).collect();
        let is_ses = matches!(fields.as_slice(), [address, "BOUNCE" | "COMPLAINT", ..] if Key::parse(address).is_ok());
        let heading = is_ses.then(|| SES_COLUMNS.get(..fields.len())).flatten();
        Encoding::Csv { delimiter: u8::try_from(delimiter).unwrap_or(b','), heading }
    }

    fn names(&self) -> Option<(Vec<String>, Option<String>)> {
        match self.encoding() {
            Encoding::JsonDocument | Encoding::JsonLines => json_rows::first_names(self.text),
            Encoding::Csv { heading: Some(names), .. } => Some((names.iter().map(|n| (*n).to_owned()).collect(), None)),
            Encoding::Csv { delimiter, .. } => {
                let first = self.lines().next()?;
                Some((first.split(char::from(delimiter)).map(plain_name).collect(), None))
            }
        }
    }

    /// A list of addresses or an access table: no line may look like the other, and one must look like it.
    fn of_lines(&self) -> Option<&'static Format> {
        let lines: Vec<_> = self.lines().filter(|line| !line.starts_with([' ', '\t', '#'])).take(LINES).collect();
        let table = lines.iter().filter(|line| access::looks_like(line)).count();
        let list = lines.iter().filter(|line| !access::looks_like(line) && is_address(line)).count();
        match (table, list) {
            (0, 1..) if 2 * list >= lines.len() => Format::named(plain::FORMAT.name),
            (1.., 0) if 2 * table >= lines.len() => Format::named(access::FORMAT.name),
            _ => None,
        }
    }

    fn is_json(&self) -> bool {
        self.text.trim_ascii_start().starts_with(b"{") || self.text.trim_ascii_start().starts_with(b"[")
    }

    /// Its lines that are not empty, the last only if it is whole.
    fn lines(&self) -> impl Iterator<Item = &'a str> {
        let bytes = self.text;
        let end = if self.whole { bytes.len() } else { bytes.iter().rposition(|b| *b == b'\n').unwrap_or(0) };
        let lines = bytes.get(..end).unwrap_or_default().split(|byte| *byte == b'\n');
        lines.filter_map(|line| std::str::from_utf8(line).ok()).map(str::trim_end).filter(|line| !line.is_empty())
    }
}

fn is_address(line: &str) -> bool {
    Key::parse(line.split_once(" #").map_or(line, |(text, _)| text)).is_ok()
}

fn names<'f>(formats: impl IntoIterator<Item = &'f Format>) -> String {
    formats.into_iter().map(|format| format.name).collect::<Vec<_>>().join(", ")
}
