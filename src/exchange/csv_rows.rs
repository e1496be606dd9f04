//! CSV with a heading (RFC 4180), separated by commas, semicolons or tabs.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use ::csv::{ByteRecord, ReaderBuilder};

use super::MAX_RECORD;
use super::row::{Row, plain_name};

/// The column that has no such guard: a quote before an address makes it another one.
const ADDRESS: &str = "address";

type EachRow<'e> = &'e mut dyn FnMut(u64, Result<Row<'_>, String>) -> bool;

/// Calls `each` with the number and fields of every record until it returns false; `heading` stands for one that is not
/// in the file.
pub(super) fn read(input: impl Read, delimiter: u8, heading: Option<&[&str]>, each: EachRow<'_>) -> io::Result<()> {
    let budget = Rc::new(Cell::new(MAX_RECORD));
    let input = Bounded { input, left: Rc::clone(&budget) };
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(1 << 14)
        .from_reader(input);
    let mut names: Vec<String> = heading.unwrap_or_default().iter().map(|name| (*name).to_owned()).collect();
    let mut values = Vec::new();
    let mut record = ByteRecord::new();
    loop {
        budget.set(MAX_RECORD);
        let line = reader.position().line();
        match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(error) => return broken(error, line, each),
        }
        let line = record.position().map_or(line, ::csv::Position::line);
        let Some(fields) = texts(&record, &names, &mut values) else {
            if !each(line, Err("is not UTF-8".into())) {
                return Ok(());
            }
            continue;
        };
        if names.is_empty() {
            names = fields.iter().map(|name| plain_name(name)).collect();
        } else if !each(line, row(&names, fields)) {
            return Ok(());
        }
    }
}

fn row<'a>(names: &'a [String], values: &'a [String]) -> Result<Row<'a>, String> {
    if values.len() == names.len() {
        Ok(Row { names, values })
    } else {
        Err(format!("has {} fields and not {}", values.len(), names.len()))
    }
}

/// The fields as texts, in the room of the last record's.
fn texts<'v>(record: &ByteRecord, names: &[String], values: &'v mut Vec<String>) -> Option<&'v [String]> {
    values.resize(record.len(), String::new());
    for (column, (value, field)) in values.iter_mut().zip(record).enumerate() {
        let text = std::str::from_utf8(field).ok()?;
        value.clear();
        value.push_str(if names.get(column).is_some_and(|name| name == ADDRESS) { text } else { unguarded(text) });
    }
    Some(values)
}

/// Whether a spreadsheet would take a text for a formula, or would without the quotes before it.
pub(super) fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// Without the quote that guards a spreadsheet from a formula.
fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(text)
}

/// A record without an end is the file's mistake, and nothing can be read behind it.
fn broken(error: ::csv::Error, line: u64, each: EachRow<'_>) -> io::Result<()> {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            let what =
                format!("is longer than {MAX_RECORD} bytes: a quote may not be closed; nothing behind it was read");
            each(line, Err(what));
            Ok(())
        }
        ::csv::ErrorKind::Io(error) => Err(error),
        other => Err(io::Error::other(format!("{other:?}"))),
    }
}

/// Ends a record that grows over all bounds, as one does whose quote is not closed.
struct Bounded<R> {
    input: R,
    left: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.input.read(buffer)?;
        self.left.set(self.left.get().saturating_sub(read));
        Ok(read)
    }
}
