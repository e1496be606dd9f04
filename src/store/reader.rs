//! Lookups: read-only connections that never wait for a writer.
//!
//! What anybody commits, `sqlite3` by hand included, counts from the next lookup on. A database that can't answer is
//! an error and never "not found". Most lookups are of addresses that the index knows not to be there.
//!
//! A read transaction costs more than what is read in it. So it stays open for the next lookup, as long as nobody commits,
//! which the header of the WAL index tells ([`index`](super::index)), and until the thread that asks rests: a transaction
//! of a few milliseconds keeps nobody from starting the log anew.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::index::{Commit, Doubt, Index};
use super::{Block, StoreError, TopicState, allow, schema, topic};
use crate::address::Address;
use crate::event::timestamp_text;

/// Connections that are opened before anybody asks: as many as threads of the daemon may ask at once. Later there may be no
/// descriptor left to open one with, and lookups go on all the same.
const AT_ONCE: usize = 4;
/// Entries that are kept in memory until the next commit; some 4 MiB.
const MAX_FOUND: usize = 8192;

/// A pool of reading connections; each lookup borrows one.
pub struct Readers {
    path: PathBuf,
    deadline: Duration,
    index: Index,
    idle: Mutex<Vec<Reader>>,
    found: Mutex<Found>,
    /// Whether one of the idle connections may have a transaction open.
    open: AtomicBool,
    /// Counts renewals; a connection that was borrowed before the last is not taken back.
    epoch: AtomicU64,
}

struct Reader {
    connection: Connection,
    /// What the transaction sees that is open: all up to this commit, and nothing after the next one.
    sees: Option<Commit>,
}

impl Reader {
    const fn new(connection: Connection) -> Self {
        Self { connection, sees: None }
    }

    /// Begins a transaction, unless the one that is open sees the newest commit. Without a word on which that is, each statement
    /// has one of its own.
    fn see(&mut self, newest: Option<Commit>) -> Result<(), StoreError> {
        if newest.is_some() && self.sees == newest {
            return Ok(());
        }
        self.rest()?;
        if newest.is_some() {
            self.connection.prepare_cached("BEGIN")?.execute([])?;
            self.sees = newest;
        }
        Ok(())
    }

    fn rest(&mut self) -> Result<(), StoreError> {
        if self.sees.take().is_some() {
            self.connection.prepare_cached("COMMIT")?.execute([])?;
        }
        Ok(())
    }
}

/// Addresses' own entries that were found since a commit, while nobody is allowed: whoever is asked for again costs no statement.
#[derive(Default)]
struct Found {
    as_of: Option<Commit>,
    entries: HashMap<String, Arc<Suppression>, RandomState>,
}

impl Found {
    /// The entry that refuses, if it was found since that commit. One for all mail goes before those of streams in the table, too.
    fn get(&self, newest: &Commit, address: &Address, stream: &str, now: Timestamp) -> Option<Arc<Suppression>> {
        let entry = self.entries.get(address.as_str()).filter(|_| self.as_of.as_ref() == Some(newest))?;
        let refuses = (entry.stream.is_empty() || entry.stream == stream) && lasts(entry.until.as_deref(), now);
        refuses.then(|| Arc::clone(entry))
    }

    fn keep(&mut self, newest: Commit, address: &Address, entry: &Arc<Suppression>) {
        if self.as_of != Some(newest) || self.entries.len() == MAX_FOUND {
            self.entries.clear();
            self.as_of = Some(newest);
        }
        self.entries.insert(address.as_str().to_owned(), Arc::clone(entry));
    }
}

/// An entry of the list that is in force.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Suppression {
    /// The address, `@domain` or `@.domain`.
    pub address: String,
    /// The stream of mail that is refused; empty for all mail.
    pub stream: String,
    /// What put it there: `hard_bounce`, `soft_bounce`, `complaint`, `unsubscribe`, `added`.
    pub kind: String,
    /// Why, in the vocabulary of `event::Reason`, or an operator's word.
    pub reason: String,
    /// RFC 3463 code.
    pub status: Option<String>,
    /// Since when, UTC.
    pub since: String,
    /// Until when, UTC; `None` until released.
    pub until: Option<String>,
    /// Where the report came from.
    pub source: String,
    /// Number of the event behind it.
    pub event: Option<i64>,
    /// An operator's note.
    pub note: Option<String>,
}

impl Suppression {
    pub(super) const COLUMNS: &'static str = "address, stream, kind, reason, status, since, until, source, event, note";

    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            address: row.get(0)?,
            stream: row.get(1)?,
            kind: row.get(2)?,
            reason: row.get(3)?,
            status: row.get(4)?,
            since: row.get(5)?,
            until: row.get(6)?,
            source: row.get(7)?,
            event: row.get(8)?,
            note: row.get(9)?,
        })
    }
}

impl Suppression {
    /// What is known of a forgotten address.
    pub(super) fn forgotten(address: &str, block: Block) -> Self {
        Self {
            address: address.to_owned(),
            stream: block.stream,
            kind: "added".into(),
            reason: "manual".into(),
            status: None,
            since: block.since,
            until: block.until,
            source: "manual".into(),
            event: None,
            note: Some("forgotten: only a keyed hash is kept".into()),
        }
    }
}

impl Readers {
    /// Opens the database for reading; `deadline` bounds the wait for a lock of one lookup.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be opened.
    pub fn open(path: PathBuf, deadline: Duration) -> Result<Self, StoreError> {
        let reader = |_| schema::open_reader(&path, deadline).map(Reader::new);
        let idle = Mutex::new((0..AT_ONCE).map(reader).collect::<Result<_, _>>()?);
        let index = Index::start(path.clone(), deadline)?;
        let (found, open, epoch) = (Mutex::default(), AtomicBool::new(false), AtomicU64::new(0));
        Ok(Self { path, deadline, index, idle, found, open, epoch })
    }

    /// The entry that refuses mail of a stream to an address (of none, where the name is empty): its own, or else its
    /// domain's, or that of a domain above; `None` if none does, or if somebody allowed it. Whoever asked calls [`Self::rest`]
    /// when nothing is left to ask for.
    ///
    /// # Errors
    /// [`StoreError`]: the caller must not take it for "not found".
    pub fn find(
        &self,
        address: &Address,
        stream: &str,
        now: Timestamp,
    ) -> Result<Option<Arc<Suppression>>, StoreError> {
        let newest = match self.index.ask(address) {
            Doubt::None => return Ok(None),
            Doubt::AsOf(newest) => newest,
        };
        let again = newest.and_then(|newest| locked(&self.found).get(&newest, address, stream, now));
        if again.is_some() {
            return Ok(again);
        }
        let found = self.with(newest, |connection| {
            let own = own(connection, address, stream, now)?;
            let is_own = own.is_some();
            match own.map_or_else(|| found(connection, address, Some(stream), now), |own| Ok(Some(own)))? {
                Some((_, true)) if allow::find(connection, address, now)?.is_some() => Ok(None),
                found => Ok(found.map(|(entry, any_allowed)| (Arc::new(entry), is_own && !any_allowed))),
            }
        })?;
        let Some((entry, stays)) = found else { return Ok(None) };
        if let Some(newest) = newest.filter(|_| stays) {
            locked(&self.found).keep(newest, address, &entry);
        }
        Ok(Some(entry))
    }

    /// Whether strangers are known from memory by now.
    #[must_use]
    pub fn is_indexed(&self) -> bool {
        self.index.is_made()
    }

    /// What the database knows of an SNS topic. Whoever asked calls [`Self::rest`], too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn topic(&self, arn: &str) -> Result<Option<TopicState>, StoreError> {
        self.with(self.index.newest(), |connection| topic::state(connection, arn))
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn ping(&self) -> Result<(), StoreError> {
        self.with(None, |connection| {
            Ok(connection.query_row("SELECT 1 FROM suppression LIMIT 1", [], |_| Ok(())).optional().map(drop)?)
        })
    }

    /// Uses new connections from now on. SQLite shares what it knows of a file among the connections of a process, "can only
    /// be read" included: the writer gets no better connection before the last of the old ones is gone.
    pub fn renew(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
        self.idle().clear();
        *locked(&self.found) = Found::default();
        self.index.renew();
    }

    /// How often that was, for whoever keeps a connection of his own open.
    #[must_use]
    pub fn renewals(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// Ends the transactions that were left open for further lookups.
    pub fn rest(&self) {
        if self.open.swap(false, Ordering::AcqRel) {
            self.idle().retain_mut(|reader| reader.rest().is_ok());
        }
    }

    /// Lends a connection that sees the newest commit; one that made trouble is not used again.
    fn with<T>(
        &self,
        newest: Option<Commit>,
        f: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let epoch = self.epoch.load(Ordering::Relaxed);
        let idle = self.idle().pop();
        let ask = || {
            let mut reader = match idle {
                Some(reader) => reader,
                None => Reader::new(schema::open_reader(&self.path, self.deadline)?),
            };
            reader.see(newest)?;
            Ok((f(&reader.connection)?, reader))
        };
        let (answer, reader) = ask().map_err(|error: StoreError| error.of(&self.path))?;
        if self.epoch.load(Ordering::Relaxed) == epoch {
            let is_open = reader.sees.is_some();
            self.idle().push(reader);
            self.open.fetch_or(is_open, Ordering::AcqRel);
        }
        Ok(answer)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Reader>> {
        locked(&self.idle)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The address's own entry, which goes before all others, and whether there is any allow entry: half of what [`found`] costs.
fn own(
    connection: &Connection,
    address: &Address,
    stream: &str,
    now: Timestamp,
) -> Result<Option<(Suppression, bool)>, StoreError> {
    // There are few rows, mostly one: what SQLite would compare costs less here.
    const SQL: &str = "\
        SELECT address, stream, kind, reason, status, since, until, source, event, note, \
               EXISTS (SELECT 1 FROM allow) FROM suppression WHERE address = ?1";
    let mut statement = connection.prepare_cached(SQL)?;
    let mut rows = statement.query([address.as_str()])?;
    while let Some(row) = rows.next()? {
        let text = |column| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
        let of_stream = text(1)?.is_some_and(|name| name.is_empty() || name == stream);
        if of_stream && lasts(text(6)?, now) {
            return Ok(Some((Suppression::from_row(row)?, row.get(10)?)));
        }
    }
    Ok(None)
}

/// Whether the time of an entry is not over.
fn lasts(until: Option<&str>, now: Timestamp) -> bool {
    until.is_none_or(|until| until > timestamp_text(now).as_str())
}

/// The entry that refuses mail of a stream; of any, where it is `None`. Says nothing of allow entries.
///
/// One statement, one snapshot: UNION ALL and LIMIT look for the domain only where the address is not there, nothing is
/// sorted, and domains above it and forgotten addresses are looked for only where there is any such entry. The `+` keeps
/// SQLite from making a table of both streams for each question.
pub(super) fn find(
    connection: &Connection,
    address: &Address,
    stream: Option<&str>,
    now: Timestamp,
) -> Result<Option<Suppression>, StoreError> {
    Ok(found(connection, address, stream, now)?.map(|(entry, _)| entry))
}

/// The same, and whether there is any allow entry that could beat it.
fn found(
    connection: &Connection,
    address: &Address,
    stream: Option<&str>,
    now: Timestamp,
) -> Result<Option<(Suppression, bool)>, StoreError> {
    const SQL: &str = "\
        SELECT address, stream, kind, reason, status, since, until, source, event, note, \
               EXISTS (SELECT 1 FROM allow) FROM suppression \
        WHERE address = ?1 AND (until IS NULL OR until > ?3) AND (+stream = '' OR +stream = ?4 OR ?4 IS NULL) \
        UNION ALL \
        SELECT address, stream, kind, reason, status, since, until, source, event, note, \
               EXISTS (SELECT 1 FROM allow) FROM suppression \
        WHERE address = ?2 AND (until IS NULL OR until > ?3) AND (+stream = '' OR +stream = ?4 OR ?4 IS NULL) \
        UNION ALL \
        SELECT address, stream, kind, reason, status, since, until, source, event, note, \
               EXISTS (SELECT 1 FROM allow) FROM suppression \
        WHERE EXISTS (SELECT 1 FROM suppression WHERE address >= '@.' AND address < '@/') \
          AND address IN (WITH RECURSIVE above (rest) AS ( \
                            SELECT substr(?2, instr(?2, '.')) WHERE instr(?2, '.') > 0 \
                            UNION ALL \
                            SELECT substr(rest, 1 + instr(substr(rest, 2), '.')) FROM above WHERE instr(substr(rest, 2), '.') > 0) \
                          SELECT '@' || rest FROM above) \
          AND (until IS NULL OR until > ?3) AND (+stream = '' OR +stream = ?4 OR ?4 IS NULL) \
        UNION ALL \
        SELECT ?1, stream, 'added', 'manual', NULL, since, until, 'manual', NULL, 'forgotten: only a keyed hash is kept', \
               EXISTS (SELECT 1 FROM allow) \
        FROM forgotten \
        WHERE hash = CASE WHEN EXISTS (SELECT 1 FROM forgotten) \
                       THEN keyed_hash((SELECT value FROM setting WHERE name = 'forget-key'), ?1) END \
          AND (until IS NULL OR until > ?3) AND (+stream = '' OR +stream = ?4 OR ?4 IS NULL) \
        LIMIT 1";
    let mut statement = connection.prepare_cached(SQL)?;
    let key = params![address.as_str(), address.domain_key(), timestamp_text(now), stream];
    let row = statement.query_row(key, |row| Ok((Suppression::from_row(row)?, row.get(10)?)));
    Ok(row.optional()?)
}
