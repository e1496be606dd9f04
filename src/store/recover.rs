//! Makes a new database of what can be read of a damaged one.
//!
//! The damaged file is copied first, its log with it, and read from the copy, which stays. The new file takes its place as a
//! whole. Meanwhile the old one is locked as SQLite locks it: while another process has it open nothing is done, and whoever
//! opens it waits.
//! What is rebuilt: indexes, counters, and entries of the list that were lost where the event that made them is still there.
//! Not seen: a changed byte in the middle of a text, which SQLite can't tell from what was written.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};

use super::file::{beside, cannot, copy_file, give_rights, lock, remove_copy, replace, spoil};
use super::leaves::{self, PAGE};
use super::salvage::{self, Salvaged};
use super::{Store, StoreError, history, schema};
use crate::policy::{Change, Rules};

/// Tables, and the first column of the key of each. The counters beside them are computed.
const TABLES: [(&str, &str); 11] = [
    ("setting", "name"),
    ("topic", "rowid"),
    ("allow", "address"),
    ("forgotten", "hash"),
    ("suppression", "address"),
    ("event", "rowid"),
    ("incident", "rowid"),
    ("quarantine", "rowid"),
    ("refusal", "address"),
    ("daily", "day"),
    ("daily_domain", "day"),
];
/// Findings of a check that are told.
const FINDINGS: u32 = 100;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Nothing is wrong with it.
    Sound,
    /// There is a new database.
    Recovered {
        /// What is wrong with the old one, in SQLite's words.
        findings: Vec<String>,
        /// What was copied.
        tables: Vec<Salvaged>,
        /// Lost entries of the list that were made again from their events.
        rebuilt: u64,
        /// Where the damaged one is kept.
        kept: PathBuf,
        /// Where the new one is.
        new: PathBuf,
    },
}

/// Checks a database, and makes a new one of what can be read: in its place, or at `to`.
///
/// # Errors
/// [`StoreError::Busy`] while another process has it open; [`StoreError::Corrupt`] where nothing can be read. The old one is
/// as it was then.
pub fn recover(path: &Path, to: Option<&Path>, rules: &Rules, now: Timestamp) -> Result<Recovery, StoreError> {
    let mut old = OpenOptions::new().read(true).write(true).open(path).map_err(|e| cannot("open", path, &e))?;
    lock(&old)?;
    let copy = beside(path, &format!(".corrupt-{}", now.strftime("%Y%m%dT%H%M%SZ")));
    for suffix in ["", "-wal"] {
        copy_file(&beside(path, suffix), &beside(&copy, suffix), suffix.is_empty())?;
    }
    let new = to.unwrap_or(path).to_owned();
    let made = make_new(&copy, &beside(&new, ".new"), rules, now);
    let _ = fs::remove_file(beside(&copy, "-shm"));
    if to.is_some() || !matches!(made, Ok(Some(_))) {
        remove_copy(&copy);
    }
    let Some(Made { file, findings, tables, rebuilt }) = made? else { return Ok(Recovery::Sound) };
    give_rights(&file, &old).map_err(|e| cannot("write", &file, &e))?;
    if to.is_some() {
        replace(&file, &new)?;
        return Ok(Recovery::Recovered { findings, tables, rebuilt, kept: path.to_owned(), new });
    }
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(beside(path, suffix));
    }
    replace(&file, &new)?;
    // Whoever waits for the lock has the old file open, and would write there what nobody ever reads.
    spoil(&mut old).map_err(|e| cannot("write", path, &e))?;
    Ok(Recovery::Recovered { findings, tables, rebuilt, kept: copy, new })
}

/// A new database that is whole and on disk.
struct Made {
    file: PathBuf,
    findings: Vec<String>,
    tables: Vec<Salvaged>,
    rebuilt: u64,
}

/// `None` if nothing is wrong with the old one.
fn make_new(kept: &Path, file: &Path, rules: &Rules, now: Timestamp) -> Result<Option<Made>, StoreError> {
    let scratch = beside(kept, ".scratch");
    let (from, first_page) = match open_damaged(kept) {
        Ok(from) => (from, None),
        Err(error) => (lend_first_page(kept, &scratch).ok_or_else(|| error.clone())?, Some(error)),
    };
    let mut findings = findings(&from)?;
    match first_page {
        Some(error) => findings.insert(0, format!("the first page: {error}")),
        None if findings == ["ok"] => return Ok(None),
        None => {}
    }
    remove_copy(file);
    let filled = fill(&from, kept, file, rules, now);
    drop(from);
    remove_copy(&scratch);
    let (tables, rebuilt) = filled.inspect_err(|_| remove_copy(file))?;
    File::open(file).and_then(|file| file.sync_all()).map_err(|e| cannot("write", file, &e))?;
    Ok(Some(Made { file: file.to_owned(), findings, tables, rebuilt }))
}

fn open_damaged(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // Tables that can be read are of use where the text of a trigger can't.
    connection.pragma_update(None, "writable_schema", true)?;
    schema::check_ours(&connection)?;
    // The copy stays as it is.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// Without its first page nothing of a file can be read: it says where the tables begin. A database that was made by this program
/// has them where a new one has them, and so the first page of a new one serves. `None` where it does not.
fn lend_first_page(kept: &Path, scratch: &Path) -> Option<Connection> {
    let lent = (|| {
        let template = beside(kept, ".template");
        let store = Store::open(&template, BUSY_TIMEOUT).ok()?;
        store.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).ok()?;
        let known = tables(&store.connection).ok()?;
        drop(store);
        let page = fs::read(&template).ok()?.get(..PAGE).map(<[u8]>::to_vec);
        remove_copy(&template);
        copy_file(kept, scratch, true).ok()?;
        copy_file(&beside(kept, "-wal"), &beside(scratch, "-wal"), false).ok()?;
        let file = OpenOptions::new().write(true).open(scratch).ok()?;
        let pages = u32::try_from(file.metadata().ok()?.len() / PAGE as u64).ok()?;
        let mut page = page?;
        // How many pages the file has, of which none is free (sqlite.org/fileformat2.html, 1.3).
        page.get_mut(28..32)?.copy_from_slice(&pages.to_be_bytes());
        page.get_mut(32..40)?.fill(0);
        file.write_all_at(&page, 0).ok()?;
        let connection = open_damaged(scratch).ok()?;
        (tables(&connection).ok()? == known).then_some(connection)
    })();
    if lent.is_none() {
        remove_copy(scratch);
    }
    lent
}

/// Where each table and index begins, and what it is.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<(String, i64, Option<String>)>> {
    let mut statement = connection.prepare("SELECT name, rootpage, sql FROM sqlite_schema ORDER BY rowid")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}

/// What SQLite finds wrong, or "ok".
fn findings(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({FINDINGS})"))?;
    let rows = statement.query_map([], |row| row.get(0))?;
    // A check that can't be finished has found something.
    Ok(rows.map(|row| row.unwrap_or_else(|error| error.to_string())).collect())
}

/// Fills a new database with what can be read; how many entries were made again from events.
fn fill(
    from: &Connection,
    kept: &Path,
    file: &Path,
    rules: &Rules,
    now: Timestamp,
) -> Result<(Vec<Salvaged>, u64), StoreError> {
    let mut store = Store::open(file, BUSY_TIMEOUT)?;
    // Rows are copied; nothing happens for the first time.
    store.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    let transaction = store.begin()?;
    let tables = TABLES.iter().map(|(table, key)| salvage::copy(from, &transaction, table, key));
    let mut tables = tables.collect::<Result<Vec<_>, _>>()?;
    for salvaged in tables.iter_mut().filter(|salvaged| ["event", "suppression"].contains(&salvaged.table.as_str())) {
        if salvaged.lost().is_none_or(|lost| lost > leaves::ROWS * salvaged.damaged.max(1)) {
            salvaged.rows += from_leaves(from, kept, &transaction, salvaged)?;
        }
    }
    transaction.execute_batch(include_str!("schema/counters.sql"))?;
    transaction.commit()?;
    store.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true)?;
    let list = tables.iter().find(|salvaged| salvaged.table == "suppression");
    let rebuilt = if list.is_some_and(|list| list.lost() != Some(0)) { rebuild(&mut store, rules, now)? } else { 0 };
    store.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    match findings(&store.connection)?.first() {
        Some(ok) if ok == "ok" => Ok((tables, rebuilt)),
        other => Err(StoreError::Corrupt(format!("the new database is not sound either: {other:?}"))),
    }
}

/// Copies what is left of a table whose tree is broken.
fn from_leaves(from: &Connection, kept: &Path, to: &Connection, table: &Salvaged) -> Result<u64, StoreError> {
    let root = "SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    let Ok(root) = from.query_row(root, [&table.table], |row| row.get::<_, i64>(0)) else { return Ok(0) };
    // Of the file and its log together.
    let (file, scratch) = (from.path().map_or_else(|| kept.to_owned(), PathBuf::from), beside(kept, ".leaves"));
    for suffix in ["", "-wal"] {
        copy_file(&beside(&file, suffix), &beside(&scratch, suffix), suffix.is_empty())?;
    }
    let written_back = Connection::open(&scratch)
        .and_then(|connection| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
    let rows = match written_back {
        Ok(()) => leaves::copy(&scratch, to, &table.table, &table.columns, usize::try_from(root).unwrap_or_default()),
        Err(_) => Ok(0),
    };
    remove_copy(&scratch);
    rows
}

/// Makes lost entries again: those that the events come to, where the event that completes each did suppress.
fn rebuild(store: &mut Store, rules: &Rules, now: Timestamp) -> Result<u64, StoreError> {
    let mut lost = Vec::new();
    store.try_rules(rules, now, |difference| {
        if let (None, Some(entry)) = (&difference.now, difference.then) {
            lost.push((difference.address, difference.stream, entry));
        }
        true
    })?;
    let mut rebuilt = 0;
    let transaction = store.begin()?;
    for (address, stream, entry) in lost {
        // A row that is there was ended or shortened by an operator, or by time.
        let sql = "SELECT EXISTS (SELECT 1 FROM event WHERE number = ?1 AND action = 'suppressed') \
                     AND NOT EXISTS (SELECT 1 FROM suppression WHERE address = ?2 AND stream = ?3)";
        if transaction.query_row(sql, params![entry.event, address, stream], |row| row.get(0))? {
            history::apply(&transaction, &address, &[Change::Put(stream, entry)])?;
            rebuilt += 1;
        }
    }
    transaction.commit()?;
    Ok(rebuilt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::event::{Event, EventId, Evidence, Kind, Origin, Side, Source};
    use crate::store::{Change as Operators, Key, Submission};

    #[test]
    fn only_entries_that_are_gone_are_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("suppressd.db"), Duration::from_secs(5)).unwrap();
        let (rules, now) = (Rules::default(), Timestamp::now());
        let bounce = |who: &str| Event {
            id: EventId(who.into()),
            kind: Kind::HardBounce,
            at: now,
            recipient: Address::parse(who).unwrap(),
            reported: who.into(),
            source: Source::Ses,
            origin: Origin::SnsSignature,
            evidence: Evidence { side: Side::Recipient, ..Evidence::default() },
        };
        let events = vec![bounce("ended@example.com"), bounce("lost@example.com")];
        store.submit(&Submission { events, ..Submission::default() }, &rules, now).unwrap();
        let ended = Operators { until: Some(now), ..Operators::default() };
        store.add(&Key::parse("ended@example.com").unwrap(), &ended, now).unwrap();
        store.connection.execute("UPDATE suppression SET until = since WHERE address LIKE 'lost%'", []).unwrap();
        store.connection.execute("DELETE FROM suppression WHERE address LIKE 'lost%'", []).unwrap();
        assert_eq!(rebuild(&mut store, &rules, now), Ok(1));
        let find = |who| store.find(&Address::parse(who).unwrap(), now).unwrap();
        assert!(find("ended@example.com").is_none() && find("lost@example.com").is_some());
    }
}
