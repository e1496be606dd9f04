//! The list as a file that Postfix reads by itself: cdb, lmdb, or the text that postmap(1) makes them from.
//!
//! What such a file answers is what the socketmap answered at the moment when it was written, in the same words. It is
//! replaced as a whole, so a reader sees the old one or the new one.
//! KEYS: those that Postfix tries for an address: itself, then its domain, then `.domain` for each domain above. An
//! internationalised domain stands there in both its forms, since Postfix converts neither. Text has no key that begins with `#`,
//! which is a comment there.
//! On failure: the old file stays as it is.
//! Not promised: Postfix looks up more in a file than in a socketmap. With recipient_delimiter, an entry for
//! `bob@example.com` also holds for `bob+tag@example.com`; and in an access table, while
//! parent_domain_matches_subdomains has smtpd_access_maps, as it has by default, a domain stands for its subdomains too,
//! and `.domain` is never looked up.

mod keys;
mod lmdb;
mod replace;

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

pub use replace::replace;

use crate::lookup::{Map, Mode, Refusal, Verdict};
use crate::store::{StoreError, TableEntry};

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One key and value a line.
    Text,
    /// A constant database.
    Cdb,
    /// A memory-mapped database.
    Lmdb,
}

impl Form {
    /// The form that a file's name stands for.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("cdb") => Self::Cdb,
            Some("lmdb") => Self::Lmdb,
            _ => Self::Text,
        }
    }
}

/// Whose answers a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answers {
    /// For which Postfix table.
    pub map: Map,
    /// As the lookups give them.
    pub mode: Mode,
}

/// Why a file was not written.
#[derive(Debug)]
pub enum TableError {
    /// The list can't be read.
    Store(StoreError),
    /// The file can't be written.
    Io(PathBuf, io::Error),
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Io(path, error) => write!(f, "cannot write {}: {error}", path.display()),
        }
    }
}

/// Calls what it is given with every entry until that returns false.
pub type Source<'s> = &'s dyn Fn(&mut dyn FnMut(TableEntry<'_>) -> bool) -> Result<(), StoreError>;
/// Takes a key and its value.
type Row<'r> = &'r mut dyn FnMut(&str, &str) -> io::Result<()>;

/// Replaces a file, and returns how many keys are not in it: those that text has no form for.
///
/// # Errors
/// [`TableError`]; the old file stays.
pub fn write(path: &Path, form: Form, answers: Answers, list: Source<'_>) -> Result<usize, TableError> {
    let (mut trouble, mut left_out) = (None, 0);
    let written = replace(path, |file| match form {
        Form::Text => {
            let mut out = BufWriter::new(file);
            fill(answers, list, &mut trouble, &mut |key, value| line(&mut out, key, value, &mut left_out))?;
            out.flush()
        }
        Form::Cdb => {
            let mut made = cdb2::CDBMake::new(file.try_clone()?)?;
            fill(answers, list, &mut trouble, &mut |key, value| made.add(key.as_bytes(), value.as_bytes()))?;
            made.finish()
        }
        Form::Lmdb => {
            let mut sorted = lmdb::Sorted::default();
            fill(answers, list, &mut trouble, &mut |key, value| sorted.add(key, value))?;
            sorted.write(file)
        }
    });
    match (trouble, written) {
        (Some(error), _) => Err(TableError::Store(error)),
        (None, written) => written.map(|()| left_out).map_err(|error| TableError::Io(path.to_owned(), error)),
    }
}

/// Prints the text, and returns how many keys are not in it.
///
/// # Errors
/// [`TableError`], with no path.
pub fn print(out: &mut dyn Write, answers: Answers, list: Source<'_>) -> Result<usize, TableError> {
    let (mut trouble, mut left_out) = (None, 0);
    let printed = fill(answers, list, &mut trouble, &mut |key, value| line(out, key, value, &mut left_out));
    trouble.map_or(Ok(()), |error| Err(TableError::Store(error)))?;
    printed.map(|()| left_out).map_err(|error| TableError::Io(PathBuf::new(), error))
}

/// A sentence on the keys that are not in a text; `None` where all are.
#[must_use]
pub fn missing(left_out: usize) -> Option<String> {
    let what =
        "on the list that begin with # are left out: postmap(1) takes them for comments; a .cdb or .lmdb file has them";
    (left_out > 0).then(|| format!("{left_out} keys {what}"))
}

/// postmap(1) has no quotes by which a key could begin with `#`.
fn line(out: &mut dyn Write, key: &str, value: &str, left_out: &mut usize) -> io::Result<()> {
    if key.starts_with('#') {
        *left_out += 1;
        return Ok(());
    }
    writeln!(out, "{key} {value}")
}

/// Gives every key with its value; what the store says is kept apart from what the file says.
fn fill(answers: Answers, list: Source<'_>, trouble: &mut Option<StoreError>, row: Row<'_>) -> io::Result<()> {
    let mut failed = Ok(());
    let read = list(&mut |entry| {
        failed = rows(answers, &entry, row);
        failed.is_ok()
    });
    if let Err(error) = read {
        *trouble = Some(error);
        return Err(io::Error::other("the list can't be read"));
    }
    failed
}

fn rows(answers: Answers, entry: &TableEntry<'_>, row: Row<'_>) -> io::Result<()> {
    let (address, value) = match (entry, answers.mode) {
        (TableEntry::Listed(entry), Mode::Enforce) => {
            (entry.address.as_str(), answers.map.value(&Verdict::Refuse(Refusal::of(entry))))
        }
        (TableEntry::Listed(entry), Mode::Warn) => {
            (entry.address.as_str(), answers.map.value(&Verdict::WouldRefuse(Refusal::of(entry))))
        }
        // Both say that nothing is said, and end the search before the domain is found.
        (TableEntry::Allowed(address), _) => match answers.map {
            Map::Access => (*address, Some("DUNNO".to_owned())),
            Map::Transport => (*address, Some(":".to_owned())),
        },
    };
    let Some(value) = value else { return Ok(()) };
    let (key, other) = keys::of(address);
    row(&key, &value)?;
    other.map_or(Ok(()), |key| row(&key, &value))
}

/// Where a table is written to.
type Out<'f> = BufWriter<&'f File>;
