//! Copies what can be read of a table, past what can't.
//!
//! A table is read in the order of its key. Where that fails, reading begins anew at the least key behind the damage from
//! which it succeeds: the trees of SQLite lead past a broken page to the next one. Rows of which nothing leads to the page
//! any more are lost, and so are those that the schema refuses.

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params_from_iter};

use super::StoreError;

/// The end of a damage is not looked for more closely after so many tries in vain. For numbers, each halves what is left.
const FRUITLESS: usize = 3;

/// What was copied of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Its name.
    pub table: String,
    /// Rows that are in the new database.
    pub rows: u64,
    /// Places where reading failed.
    pub damaged: u64,
    /// Rows that the schema refuses.
    pub refused: u64,
    /// Rows that are known to have been there, where something tells.
    pub expected: Option<u64>,
    /// The columns that both databases have.
    pub(super) columns: String,
}

impl Salvaged {
    /// Rows that are gone; `None` if some are, and nothing tells how many.
    #[must_use]
    pub fn lost(&self) -> Option<u64> {
        match self.expected {
            Some(expected) => Some(expected.saturating_sub(self.rows).max(self.refused)),
            None if self.damaged == 0 => Some(self.refused),
            None => None,
        }
    }
}

/// A table that both databases have.
struct Table<'a> {
    from: &'a Connection,
    to: &'a Connection,
    /// What its rows are ordered by first.
    key: &'static str,
    salvaged: Salvaged,
}

/// Copies a table with this first column of its key; columns that only one of the databases has are left out.
pub(super) fn copy(from: &Connection, to: &Connection, name: &str, key: &'static str) -> Result<Salvaged, StoreError> {
    let known = columns(from, name).unwrap_or_default();
    let columns: Vec<_> = columns(to, name)?.into_iter().filter(|column| known.contains(column)).collect();
    let mut salvaged = Salvaged { table: name.to_owned(), expected: expected(from, name), ..Salvaged::default() };
    if columns.is_empty() {
        salvaged.damaged = u64::from(!known.is_empty());
        return Ok(salvaged);
    }
    salvaged.columns = columns.join(", ");
    let mut table = Table { from, to, key, salvaged };
    table.copy()?;
    Ok(table.salvaged)
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    // Those that SQLite computes itself are hidden.
    let mut statement = connection.prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0")?;
    statement.query_map([table], |row| row.get(0))?.collect()
}

/// How many rows there were: other trees of the file may tell.
fn expected(from: &Connection, table: &str) -> Option<u64> {
    let ask: &[&str] = match table {
        "event" => &[
            "SELECT count(*) FROM event INDEXED BY event_at",
            "SELECT count(*) FROM event INDEXED BY event_address",
            "SELECT count(*) FROM event NOT INDEXED",
        ],
        "suppression" => &["SELECT coalesce(sum(entries), 0) FROM suppression_total"],
        "quarantine" => &["SELECT entries FROM quarantine_total"],
        _ => &[],
    };
    let rows = ask.iter().find_map(|sql| from.query_row(sql, [], |row| row.get::<_, i64>(0)).ok())?;
    rows.try_into().ok()
}

/// Where reading ended.
enum End {
    Whole,
    /// Behind this key, if any was read.
    Damage(Option<Value>),
}

impl Table<'_> {
    fn copy(&mut self) -> Result<(), StoreError> {
        let mut end = self.copy_behind(None)?;
        while let End::Damage(key) = end {
            self.salvaged.damaged += 1;
            end = self.past(key.unwrap_or_else(|| self.least()))?;
        }
        Ok(())
    }

    /// Goes on at the least key behind the damage from which reading succeeds.
    fn past(&mut self, mut unreadable: Value) -> Result<End, StoreError> {
        let mut readable = None;
        for key in behind(&unreadable) {
            if self.is_readable_behind(&key) {
                readable = Some(key);
                break;
            }
            unreadable = key;
        }
        let Some(mut readable) = readable else { return Ok(End::Whole) };
        let mut fruitless = 0;
        while fruitless < FRUITLESS {
            fruitless += 1;
            for key in between(&unreadable, &readable).into_iter().filter(|key| is_less(key, &readable)) {
                if self.is_readable_behind(&key) {
                    (readable, fruitless) = (key, 0);
                    break;
                }
                unreadable = key;
            }
        }
        // Keys in a damaged page may be of any size: what comes next is farther on in any case.
        Ok(match self.copy_behind(Some(&readable))? {
            End::Damage(Some(last)) if is_less(&readable, &last) => End::Damage(Some(last)),
            End::Damage(_) => End::Damage(Some(readable)),
            End::Whole => End::Whole,
        })
    }

    fn is_readable_behind(&self, key: &Value) -> bool {
        let (name, first, columns) = (&self.salvaged.table, self.key, &self.salvaged.columns);
        let sql =
            format!("SELECT {first}, {columns} FROM {name} NOT INDEXED WHERE {first} > ?1 ORDER BY {first} LIMIT 1");
        let row = self.from.prepare_cached(&sql).and_then(|mut s| s.query_row([key], |row| row.get(0)).optional());
        row.is_ok_and(|found| found.is_none_or(|found| is_less(key, &found)))
    }

    /// A key that is below all others.
    fn least(&self) -> Value {
        match self.key {
            "rowid" => Value::Integer(0),
            "hash" => Value::Blob(Vec::new()),
            _ => Value::Text(String::new()),
        }
    }

    /// Copies the rows behind a key, up to the end or to where reading fails.
    fn copy_behind(&mut self, key: Option<&Value>) -> Result<End, StoreError> {
        let (name, first, columns) = (&self.salvaged.table, self.key, &self.salvaged.columns);
        let condition = if key.is_some() { format!("WHERE {first} > ?1") } else { String::new() };
        let sql = format!("SELECT {first}, {columns} FROM {name} NOT INDEXED {condition} ORDER BY {first}");
        let mut last = None;
        let Ok(mut statement) = self.from.prepare_cached(&sql) else { return Ok(End::Damage(None)) };
        let Ok(mut rows) = statement.query(params_from_iter(key)) else { return Ok(End::Damage(None)) };
        let marks = vec!["?"; columns.split(", ").count()].join(", ");
        let mut insert = self.to.prepare_cached(&format!("INSERT INTO {name} ({columns}) VALUES ({marks})"))?;
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    // In a damaged page the order may be any.
                    if let Ok(key) = row.get(0)
                        && last.as_ref().is_none_or(|last| is_less(last, &key))
                    {
                        last = Some(key);
                    }
                    let (Ok(_), Some(values)) = (row.get::<_, Value>(0), values(row)) else {
                        self.salvaged.refused += 1;
                        continue;
                    };
                    match insert.execute(params_from_iter(values)) {
                        Ok(_) => self.salvaged.rows += 1,
                        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                            self.salvaged.refused += 1;
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
                Ok(None) => return Ok(End::Whole),
                Err(_) => return Ok(End::Damage(last)),
            }
        }
    }
}

/// What stands in a row behind its key; `None` if a text of it is none, as only damage makes it.
pub(super) fn values<'a>(row: &'a Row<'_>) -> Option<Vec<ToSqlOutput<'a>>> {
    let value = |n| match row.get_ref(n).ok()? {
        ValueRef::Text(bytes) if std::str::from_utf8(bytes).is_err() => None,
        value => Some(ToSqlOutput::Borrowed(value)),
    };
    (1..row.as_ref().column_count()).map(value).collect()
}

/// Keys behind this one, in ascending order: first close to it, then ever farther away.
fn behind(key: &Value) -> Box<dyn Iterator<Item = Value>> {
    match key {
        Value::Integer(key) => {
            let key = *key;
            let steps = std::iter::successors(Some(1_i64), |step| step.checked_mul(2));
            Box::new(steps.map_while(move |step| key.checked_add(step)).map(Value::Integer))
        }
        Value::Text(text) => {
            // Addresses are ordered without regard to case.
            let text: Vec<char> = text.to_ascii_lowercase().chars().collect();
            Box::new(greater(text, signs().collect()).map(|text| Value::Text(text.into_iter().collect())))
        }
        Value::Blob(bytes) => Box::new(greater(bytes.clone(), (0..=u8::MAX).collect()).map(Value::Blob)),
        Value::Null | Value::Real(_) => Box::new(std::iter::empty()),
    }
}

/// What follows a text in the order of texts: it with one more sign, then its beginnings with a greater sign at their end.
fn greater<T: Clone + PartialOrd + 'static>(text: Vec<T>, signs: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    (0..=text.len()).rev().flat_map(move |length| {
        let beginning = text.get(..length).unwrap_or_default().to_vec();
        let sign = text.get(length).cloned();
        let greater = signs.clone().into_iter().filter(move |other| sign.as_ref().is_none_or(|sign| other > sign));
        greater.map(move |sign| beginning.iter().cloned().chain([sign]).collect())
    })
}

/// Keys between two, in ascending order.
fn between(low: &Value, high: &Value) -> Vec<Value> {
    match (low, high) {
        (Value::Integer(low), Value::Integer(high)) => {
            let middle = low + (high - low) / 2;
            if middle == *low { Vec::new() } else { vec![Value::Integer(middle)] }
        }
        (Value::Text(low), _) => signs().map(|sign| Value::Text(format!("{low}{sign}"))).collect(),
        (Value::Blob(low), _) => {
            (0..=u8::MAX).map(|byte| Value::Blob(low.iter().copied().chain([byte]).collect())).collect()
        }
        _ => Vec::new(),
    }
}

/// The order of keys of one table.
fn is_less(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Integer(one), Value::Integer(other)) => one < other,
        (Value::Text(one), Value::Text(other)) => one.to_ascii_lowercase() < other.to_ascii_lowercase(),
        (Value::Blob(one), Value::Blob(other)) => one < other,
        _ => false,
    }
}

/// What keys are made of, in their order.
fn signs() -> impl Iterator<Item = char> {
    (' '..='~').filter(|sign| !sign.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::schema;

    #[test]
    fn where_the_next_key_at_all_can_be_read_the_search_ends() {
        let dir = tempfile::tempdir().unwrap();
        let open = |name: &str| schema::open(&dir.path().join(name), Duration::ZERO).unwrap();
        let (from, to) = (open("from.db"), open("to.db"));
        from.execute_batch("INSERT INTO suppression (address) VALUES ('b@example.com')").unwrap();
        let salvaged =
            Salvaged { table: "suppression".to_owned(), columns: "address".to_owned(), ..Salvaged::default() };
        let mut table = Table { from: &from, to: &to, key: "address", salvaged };
        let end = table.past(Value::Text("a@example.com".to_owned())).unwrap();
        assert!(matches!(end, End::Whole) && table.salvaged.rows == 1, "{:?}", table.salvaged);
    }
}
