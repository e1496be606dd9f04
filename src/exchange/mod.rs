//! The list in the words of others: what other tools export comes in, our own form goes out too.
//!
//! Pure: bytes in, entries out. A tool's export is CSV with a heading, JSON (a whole document, several, or one object a
//! line) or lines of text; [`FORMATS`] is the one table of them, with a file for each tool. A format is recognised by its
//! names of columns, and only where no other could be meant.
//! LIMITS: a line or record of [`MAX_RECORD`] bytes; memory does not grow with the file.
//! On failure: each bad line is one sentence with its number, and reading goes on with the next. After a syntax error in
//! a JSON document there is no next.
//! Not promised: that a tool's next version still writes what its documentation shows today.

mod access;
mod csv_rows;
mod json_rows;
mod lines;
mod listmonk;
mod mailgun;
mod mautic;
mod own;
mod plain;
mod postal;
mod postmark;
mod recognise;
mod row;
mod sendgrid;
mod ses;
mod time;

use std::io::{self, Read};

pub use own::{CSV_HEADER, Exported, csv_line};
use recognise::{Encoding, Head};
use row::{Names, Row};

use crate::store::ImportedEntry;

/// Longest line or record, in bytes.
pub const MAX_RECORD: usize = 1 << 20;
/// Bytes that a format is recognised from.
const HEAD: u64 = 1 << 16;

/// A form of list that can be imported.
#[derive(Debug)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// CSV or JSON.
    Rows {
        /// Names that each row must have.
        needs: &'static [&'static str],
        /// Whether rows with these names are of this format.
        knows: fn(&Names<'_>) -> bool,
        /// The entry of a row.
        entry: fn(&Row<'_>, &Wishes) -> Reading,
    },
    /// Lines of text.
    Lines {
        /// Whether a line that starts with a space goes on with the one before.
        continued: bool,
        /// The entry of a line.
        entry: fn(&str, &Wishes) -> Reading,
    },
}

/// Every format.
pub const FORMATS: &[Format] = &[
    own::FORMAT,
    ses::FORMAT,
    sendgrid::BOUNCES,
    sendgrid::BLOCKS,
    sendgrid::INVALID,
    sendgrid::SPAM,
    sendgrid::UNSUBSCRIBES,
    mailgun::BOUNCES,
    mailgun::COMPLAINTS,
    mailgun::UNSUBSCRIBES,
    postmark::FORMAT,
    listmonk::BOUNCES,
    listmonk::SUBSCRIBERS,
    mautic::FORMAT,
    postal::FORMAT,
    access::FORMAT,
    plain::FORMAT,
];

impl Format {
    /// The format of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }
}

/// What an operator wants of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Soft bounces too.
    pub soft: bool,
    /// All into this stream.
    pub stream: Option<String>,
}

/// What a row or line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// An entry.
    Entry(Box<ImportedEntry>),
    /// Nothing for the list, and why.
    Skipped(&'static str),
}

/// A row or line, or what is wrong with it.
pub type Reading = Result<Taken, String>;

/// Takes the number of a line and what it says; false ends the reading.
pub type Each<'a> = &'a mut dyn FnMut(u64, Reading) -> bool;

/// Why a file was not read.
#[derive(Debug)]
pub enum ReadError {
    /// Its format is not certain: a sentence that says what to write.
    Unsure(String),
    /// It can't be read.
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads a file and calls `each` for every line or row, in order; the format that it was read as.
///
/// # Errors
/// [`ReadError`]; what is wrong with a single line is told to `each` instead.
pub fn read(
    mut input: impl Read,
    named: Option<&'static Format>,
    wishes: &Wishes,
    each: Each<'_>,
) -> Result<&'static Format, ReadError> {
    let mut head = Vec::new();
    input.by_ref().take(HEAD).read_to_end(&mut head)?;
    let seen = Head::look(&head);
    let format = named.map_or_else(|| seen.format(), Ok).map_err(ReadError::Unsure)?;
    let whole = seen.text.chain(input);
    match &format.form {
        Form::Lines { continued, entry } => {
            lines::read(whole, *continued, &mut |line, text| {
                each(line, text.and_then(|text| stream(entry(text, wishes), wishes)))
            })?;
        }
        Form::Rows { needs, entry, .. } => {
            let mut each = |line, row: Result<Row<'_>, String>| {
                each(line, row.and_then(|row| row.has(needs).and_then(|()| stream(entry(&row, wishes), wishes))))
            };
            match seen.encoding() {
                Encoding::JsonLines => json_rows::read_lines(whole, &mut each)?,
                Encoding::JsonDocument => json_rows::read_document(whole, &mut each)?,
                Encoding::Csv { delimiter, heading } => csv_rows::read(whole, delimiter, heading, &mut each)?,
            }
        }
    }
    Ok(format)
}

/// Whether a text can name a stream of mail; the empty one is all mail.
#[must_use]
pub fn is_stream(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
    text.len() <= 64 && text.bytes().all(fits)
}

/// An operator's stream goes before that of the file.
fn stream(reading: Reading, wishes: &Wishes) -> Reading {
    let Some(stream) = &wishes.stream else { return reading };
    reading.map(|taken| match taken {
        Taken::Entry(entry) => Taken::Entry(Box::new(ImportedEntry { stream: stream.clone(), ..*entry })),
        skipped @ Taken::Skipped(_) => skipped,
    })
}
