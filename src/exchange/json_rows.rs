//! JSON: documents in which a list of objects lies somewhere, or one object a line.
//!
//! Read as a stream: of a document, no more than one object is in memory. Values become texts; lists of texts are joined
//! by spaces, objects within a row are left out.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::lines::Lines;
use super::row::{Row, plain_name};

/// Members that hold the list of rows, as [`plain_name`] makes them.
const LISTS: &[&str] = &["suppresseddestinationsummaries", "items", "suppressions", "data", "results", "bounces"];

/// Takes a row's line, its names and values, and the member that its list is in; false ends the reading.
type EachFields<'e> = &'e mut dyn FnMut(u64, &[String], &[String], Option<&str>) -> bool;
type EachRow<'e> = &'e mut dyn FnMut(u64, Result<Row<'_>, String>) -> bool;

/// Calls `each` with every object of one or more documents, in order.
pub(super) fn read_document(input: impl Read, each: EachRow<'_>) -> io::Result<()> {
    let line = Cell::new(1);
    let mut stopped = false;
    let result = walk(
        Counted { input: BufReader::with_capacity(1 << 16, input), line: &line },
        &line,
        &mut |at, names, values, _| {
            stopped = !each(at, Ok(Row { names, values }));
            !stopped
        },
    );
    match result {
        Err(error) if error.is_io() => Err(error.into()),
        Err(error) if !stopped => {
            each(line.get(), Err(format!("is not JSON: {}; nothing behind it was read", without_place(&error))));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Calls `each` with every object of lines that are documents of their own.
pub(super) fn read_lines(input: impl Read, each: EachRow<'_>) -> io::Result<()> {
    let mut lines = Lines::new(input);
    while let Some((number, text)) = lines.next()? {
        let mut go_on = true;
        let at = Cell::new(number);
        let result = match text {
            Ok(text) if text.trim().is_empty() => continue,
            Ok(text) => walk(text.as_bytes(), &at, &mut |at, names, values, _| {
                go_on = each(at, Ok(Row { names, values }));
                go_on
            })
            .map_err(|error| format!("is not JSON: {}", without_place(&error))),
            Err(what) => Err(what),
        };
        if let Err(what) = result
            && go_on
        {
            go_on = each(number, Err(what));
        }
        if !go_on {
            break;
        }
    }
    Ok(())
}

/// Names of the first object, and the member that its list is in.
pub(super) fn first_names(head: &[u8]) -> Option<(Vec<String>, Option<String>)> {
    let mut found = None;
    let line = Cell::new(1);
    drop(walk(head, &line, &mut |_, names, _, list| {
        found = Some((names.to_vec(), list.map(str::to_owned)));
        false
    }));
    found
}

fn walk(input: impl Read, line: &Cell<u64>, each: EachFields<'_>) -> serde_json::Result<()> {
    let mut json = serde_json::Deserializer::from_reader(input);
    loop {
        Walk { each: &mut *each, list: None, line }.deserialize(&mut json)?;
        if json.end().is_ok() {
            return Ok(());
        }
    }
}

/// serde's sentence ends with a place that is one within its line.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// Finds rows in a value; true if it is an object or list.
struct Walk<'w> {
    each: EachFields<'w>,
    list: Option<&'w str>,
    line: &'w Cell<u64>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        let Self { each, list: name, line } = self;
        while let Some(is_row) = list.next_element_seed(Walk { each: &mut *each, list: name, line })? {
            if !is_row && !each(line.get(), &[], &[], name) {
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let Self { each, list, line } = self;
        let at = line.get();
        let (mut names, mut values, mut holds_list) = (Vec::new(), Vec::new(), false);
        while let Some(name) = members.next_key::<String>()? {
            let name = plain_name(&name);
            if LISTS.contains(&name.as_str()) {
                holds_list |= members.next_value_seed(Walk { each: &mut *each, list: Some(&name), line })?;
            } else {
                values.push(members.next_value_seed(Text)?);
                names.push(name);
            }
        }
        if !holds_list && !each(at, &names, &values, list) {
            return Err(A::Error::custom("stopped"));
        }
        Ok(true)
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
}

/// Any value as a text.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_i64<E>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_u64<E>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_f64<E>(self, value: f64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_str<E>(self, value: &str) -> Result<String, E> {
        Ok(value.to_owned())
    }

    fn visit_string<E>(self, value: String) -> Result<String, E> {
        Ok(value)
    }

    fn visit_unit<E>(self) -> Result<String, E> {
        Ok(String::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<String, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = list.next_element_seed(Self)? {
            texts.push(text);
        }
        Ok(texts.join(" "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<String, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(String::new())
    }
}

/// Counts the lines that have been read; serde_json asks for single bytes.
struct Counted<'l, R> {
    input: R,
    line: &'l Cell<u64>,
}

impl<R: BufRead> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        let lines = buffer.iter().take(read).filter(|byte| **byte == b'\n').count();
        self.line.set(self.line.get() + lines as u64);
        Ok(read)
    }
}
