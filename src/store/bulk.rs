//! Many entries at once: an operator's import.
//!
//! What a file holds is staged in a temporary table first, which nobody else sees and which locks nothing; so a file is
//! read once, memory is bounded, and what would change is known before anything does. It is staged and applied in chunks of
//! [`CHUNK`] entries, each a transaction of its own, with pauses in which other writers get their turn. What an
//! interrupted import has applied stays, and the next one finds it as known.
//!
//! An entry that is there is never weakened, and what an operator released after a report is not brought back.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, Row, ToSql, TransactionBehavior, named_params, params};

use super::record::without_addresses;
use super::{Change, Key, Store, StoreError};
use crate::event::{Kind, timestamp_text};
use crate::status::EnhancedStatus;

/// Entries of one transaction: a third of a second of work.
pub const CHUNK: usize = 25_000;
/// Entries that are staged together, some 25 MB of them: the more there are, the less the table is walked through.
const STAGED: usize = 100_000;
/// Pause between two transactions. SQLite lets a waiting writer look again after 50 ms at most in that time.
pub const PAUSE: Duration = Duration::from_millis(55);

/// New entries in one transaction from which on table `listed` does not name each; it keeps so many.
const MANY_NEW: usize = 1000;

/// What stands in the place of the address where an event is about many.
pub(super) const MANY: &str = "*";

/// An entry that a file brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedEntry {
    /// The address, `@domain` or `@.domain`.
    pub key: Key,
    /// As the file writes it; SES's suppression list wants the exact case.
    pub reported: String,
    /// The stream, `""` for all mail.
    pub stream: String,
    /// What put it on the list.
    pub kind: Kind,
    /// Why, in the vocabulary of [`crate::event::Reason`], or an operator's word.
    pub reason: String,
    /// RFC 3463 code.
    pub status: Option<EnhancedStatus>,
    /// Since when; `None` where the file does not tell.
    pub since: Option<Timestamp>,
    /// Until when; `None` until released.
    pub until: Option<Timestamp>,
    /// A note.
    pub note: Option<String>,
    /// The receiving system's own words.
    pub diagnostic: Option<String>,
}

/// What becomes of a staged entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    /// It is put on the list.
    New,
    /// It is there and will last longer.
    Longer,
    /// It is there and lasts at least as long.
    Known,
    /// An operator released it, later than the file's entry.
    Released,
    /// Its end is past.
    Ended,
}

/// How many entries, by kind, have which fate.
pub type Plan = Vec<(Fate, String, i64)>;

/// Who imports what, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportRules {
    /// Who, and his note for entries that have none.
    pub change: Change,
    /// Name of the file, for the trace.
    pub file: String,
    /// Bring back what an operator released, too.
    pub released_too: bool,
}

/// Staged entries.
pub struct Import<'a> {
    connection: &'a mut Connection,
    rules: ImportRules,
    /// To be staged in order of their keys: that is twice as fast.
    waiting: Vec<ImportedEntry>,
    /// Diagnostics without the addresses in them.
    mask: bool,
}

impl Store {
    /// Starts an import. Nothing is on the list before [`Import::apply`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn import(&mut self, rules: ImportRules) -> Result<Import<'_>, StoreError> {
        let connection = &mut self.connection;
        connection.execute_batch(
            "PRAGMA cache_size = -65536; \
             DROP TABLE IF EXISTS temp.staged; \
             CREATE TEMP TABLE staged ( \
               address TEXT NOT NULL, stream TEXT NOT NULL, reported TEXT NOT NULL, kind TEXT NOT NULL, \
               reason TEXT NOT NULL, status TEXT, since TEXT, until TEXT, note TEXT, diagnostic TEXT, \
               PRIMARY KEY (address, stream)) WITHOUT ROWID; \
             PRAGMA temp.cache_size = -65536; \
             BEGIN",
        )?;
        Ok(Import { connection, rules, waiting: Vec::new(), mask: self.keeping.mask_addresses })
    }
}

impl Import<'_> {
    /// Stages an entry; of two for one address, the one that lasts longer.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stage(&mut self, entry: ImportedEntry) -> Result<(), StoreError> {
        self.waiting.push(entry);
        if self.waiting.len() < STAGED { Ok(()) } else { self.stage_waiting() }
    }

    fn stage_waiting(&mut self) -> Result<(), StoreError> {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by(|a, b| a.key.as_str().cmp(b.key.as_str()));
        let sql = "INSERT INTO temp.staged VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
                   ON CONFLICT DO UPDATE SET reported = excluded.reported, kind = excluded.kind, \
                     reason = excluded.reason, status = excluded.status, since = excluded.since, \
                     until = excluded.until, note = excluded.note, diagnostic = excluded.diagnostic \
                   WHERE until IS NOT NULL AND (excluded.until IS NULL OR excluded.until > until)";
        let mut statement = self.connection.prepare_cached(sql)?;
        for entry in &waiting {
            let diagnostic = entry.diagnostic.as_deref();
            let diagnostic = diagnostic.map(|text| if self.mask { without_addresses(text) } else { text.to_owned() });
            statement.execute(params![
                entry.key.as_str(),
                entry.stream,
                entry.reported,
                entry.kind.as_str(),
                entry.reason,
                entry.status.map(|status| status.to_string()),
                entry.since.map(timestamp_text),
                entry.until.map(timestamp_text),
                entry.note.as_ref().or(self.rules.change.note.as_ref()),
                diagnostic,
            ])?;
        }
        Ok(())
    }

    /// How many entries are staged.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn staged(&mut self) -> Result<u64, StoreError> {
        self.stage_waiting()?;
        let count: i64 = self.connection.query_row("SELECT count(*) FROM temp.staged", [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// What applying it would do now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn plan(&mut self, now: Timestamp) -> Result<Plan, StoreError> {
        self.stage_waiting()?;
        let sql = format!("SELECT {FATE} AS fate, s.kind, count(*) {FROM_STAGED} GROUP BY 1, 2 ORDER BY 1, 2");
        let mut statement = self.connection.prepare(&sql)?;
        let row = |row: &Row<'_>| Ok((Fate::of(row.get(0)?), row.get(1)?, row.get(2)?));
        let rows = statement
            .query_map(named_params! { ":now": timestamp_text(now), ":released_too": self.rules.released_too }, row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The first few addresses that would be added or changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sample(&mut self, size: u32, now: Timestamp) -> Result<Vec<(String, Fate, String)>, StoreError> {
        self.stage_waiting()?;
        let sql = format!("SELECT s.address, {FATE} AS fate, s.kind {FROM_STAGED} WHERE fate < 2 LIMIT :size");
        let mut statement = self.connection.prepare(&sql)?;
        let row = |row: &Row<'_>| Ok((row.get(0)?, Fate::of(row.get(1)?), row.get(2)?));
        let named =
            named_params! { ":now": timestamp_text(now), ":released_too": self.rules.released_too, ":size": size };
        let rows = statement.query_map(named, row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Puts on the list what is new or lasts longer; what it really did. `between` is told how many staged entries are
    /// done, after each commit and with no lock held.
    ///
    /// # Errors
    /// [`StoreError`]; what earlier chunks applied stays.
    pub fn apply(mut self, now: Timestamp, mut between: impl FnMut(u64)) -> Result<Plan, StoreError> {
        self.stage_waiting()?;
        // A quarter of the time goes into constraints whose every promise the types of an entry keep. In a session of one's
        // own they can be left out, and "PRAGMA integrity_check" looks at them all the same.
        self.connection.execute_batch("COMMIT; PRAGMA ignore_check_constraints = ON")?;
        let run: String = self.connection.query_row("SELECT 'import:' || hex(randomblob(12))", [], |row| row.get(0))?;
        let mut done = Done { run, number: 0, trace: None, plan: Plan::new() };
        let mut last: Option<(String, String)> = None;
        loop {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let chunk = chunk(&transaction, last.as_ref(), self.rules.released_too, now)?;
            let Some(end) = chunk.last().map(|row| (row.address.clone(), row.stream.clone())) else { break };
            put_all(&transaction, &chunk, &self.rules, &mut done, now)?;
            transaction.commit()?;
            between(done.number);
            last = Some(end);
        }
        done.plan.sort();
        Ok(done.plan)
    }
}

impl Drop for Import<'_> {
    fn drop(&mut self) {
        // Whatever it was in the middle of; only the temporary table is lost.
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        let _ = self.connection.execute_batch(
            "PRAGMA ignore_check_constraints = OFF; PRAGMA cache_size = -2048; DROP TABLE IF EXISTS temp.staged",
        );
    }
}

impl Fate {
    const ALL: [Self; 5] = [Self::New, Self::Longer, Self::Known, Self::Released, Self::Ended];

    fn of(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::Known)
    }
}

/// What has been applied so far.
struct Done {
    /// Stands before the ids of all events of this import, so that their index grows at its end.
    run: String,
    number: u64,
    /// The event that stands for all of it, once there is something to tell.
    trace: Option<i64>,
    plan: Plan,
}

impl Done {
    fn count(&mut self, row: &Staged) {
        self.number += 1;
        match self.plan.iter_mut().find(|(fate, kind, _)| *fate == row.fate && *kind == row.kind) {
            Some((.., count)) => *count += 1,
            None => self.plan.push((row.fate, row.kind.clone(), 1)),
        }
    }
}

/// A fate as a number. A release of all mail counts for every stream; a file that has no dates is older than any release.
const FATE: &str = "CASE WHEN s.until <= :now THEN 4 \
    WHEN p.address IS NOT NULL AND (p.until IS NULL OR p.until > :now) \
      AND (p.until IS NULL OR (s.until IS NOT NULL AND s.until <= p.until)) THEN 2 \
    WHEN NOT :released_too AND EXISTS (SELECT 1 FROM event AS e WHERE e.address = s.address AND e.kind = 'removed' \
      AND e.stream IN ('', s.stream) AND e.at >= coalesce(s.since, '')) THEN 3 \
    WHEN p.address IS NOT NULL AND p.until > :now THEN 1 \
    ELSE 0 END";
const FROM_STAGED: &str =
    "FROM temp.staged AS s LEFT JOIN suppression AS p ON p.address = s.address AND p.stream = s.stream";

struct Staged {
    fate: Fate,
    /// Of the entry that is there, which it replaces.
    replaced: Option<String>,
    address: String,
    stream: String,
    reported: String,
    kind: String,
    reason: String,
    status: Option<String>,
    since: Option<String>,
    until: Option<String>,
    note: Option<String>,
    diagnostic: Option<String>,
}

impl Staged {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            fate: Fate::of(row.get(0)?),
            replaced: row.get(1)?,
            address: row.get(2)?,
            stream: row.get(3)?,
            reported: row.get(4)?,
            kind: row.get(5)?,
            reason: row.get(6)?,
            status: row.get(7)?,
            since: row.get(8)?,
            until: row.get(9)?,
            note: row.get(10)?,
            diagnostic: row.get(11)?,
        })
    }
}

/// The next entries in order of their keys, so that every index grows in order.
fn chunk(
    connection: &Connection,
    after: Option<&(String, String)>,
    released_too: bool,
    now: Timestamp,
) -> Result<Vec<Staged>, StoreError> {
    let place = if after.is_some() { "WHERE (s.address, s.stream) > (:address, :stream)" } else { "" };
    let sql = format!(
        "SELECT {FATE}, p.kind, s.address, s.stream, s.reported, s.kind, s.reason, s.status, s.since, s.until, s.note, \
           s.diagnostic {FROM_STAGED} {place} ORDER BY s.address, s.stream LIMIT {CHUNK}"
    );
    let now = timestamp_text(now);
    let mut parameters: Vec<(&str, &dyn ToSql)> = vec![(":now", &now), (":released_too", &released_too)];
    if let Some((address, stream)) = after {
        parameters.extend([(":address", address as &dyn ToSql), (":stream", stream)]);
    }
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(parameters.as_slice(), Staged::from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Puts a chunk on the list, as far as it belongs there.
fn put_all(
    connection: &Connection,
    chunk: &[Staged],
    rules: &ImportRules,
    done: &mut Done,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(chunk.len());
    for row in chunk {
        done.count(row);
        if row.fate < Fate::Known {
            rows.push((row, traced(connection, row, rules, done, now)?));
        }
    }
    if rows.len() < MANY_NEW {
        return put(connection, &rows, now);
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    let put = put(connection, &rows, now);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true)?;
    put?;
    instead_of_triggers(connection, rows.iter().map(|(row, _)| *row))
}

/// What the triggers of table suppression would have done for each of many entries, which takes as long as the entries
/// themselves. Table `listed` gets a leap instead of their names: who has the list in memory reads it anew.
fn instead_of_triggers<'a>(
    connection: &Connection,
    rows: impl Iterator<Item = &'a Staged> + Clone,
) -> Result<(), StoreError> {
    let mut totals = BTreeMap::<&str, i64>::new();
    for row in rows.clone() {
        *totals.entry(&row.kind).or_default() += 1;
        if let Some(kind) = &row.replaced {
            *totals.entry(kind).or_default() -= 1;
        }
    }
    let sql = "INSERT INTO suppression_total VALUES (?1, ?2) \
               ON CONFLICT (kind) DO UPDATE SET entries = entries + excluded.entries";
    for (kind, entries) in totals {
        connection.prepare_cached(sql)?.execute(params![kind, entries])?;
    }
    if let Some(last) = rows.last() {
        let newest = "SELECT coalesce(max(number), 0) FROM listed";
        let newest: i64 = connection.query_row(newest, [], |row| row.get(0))?;
        connection.execute("DELETE FROM listed", [])?;
        connection.execute("INSERT INTO listed VALUES (?1, ?2)", params![newest + 2, last.address])?;
    }
    Ok(())
}

/// The event that tells who put an entry there: one for the whole import, and one of its own for an address that the file
/// writes in another case, which SES's suppression list wants exactly.
fn traced(
    connection: &Connection,
    row: &Staged,
    rules: &ImportRules,
    done: &mut Done,
    now: Timestamp,
) -> Result<i64, StoreError> {
    if row.reported != row.address {
        let id = format!("{}:{:09}", done.run, done.number);
        return trace(connection, &id, [&row.address, &row.reported, &row.reason, &row.stream], rules, now);
    }
    Ok(match done.trace {
        Some(trace) => trace,
        None => {
            let of_all = trace(connection, &done.run, [MANY, MANY, "manual", ""], rules, now)?;
            *done.trace.insert(of_all)
        }
    })
}

/// Puts entries on the list, each with the event behind it.
fn put(connection: &Connection, rows: &[(&Staged, i64)], now: Timestamp) -> Result<(), StoreError> {
    // An entry that is made to last longer has been there since its own day.
    let sql = "INSERT INTO suppression (address, stream, kind, reason, status, since, until, source, event, note) \
               VALUES (?1, ?2, ?3, ?4, ?5, min(coalesce(?6, ?10), ?10), ?7, 'import', ?8, ?9) \
               ON CONFLICT (address, stream) DO UPDATE SET kind = excluded.kind, reason = excluded.reason, \
                 status = excluded.status, until = excluded.until, source = excluded.source, event = excluded.event, \
                 since = CASE WHEN until > ?10 THEN min(since, excluded.since) ELSE excluded.since END, \
                 note = coalesce(excluded.note, note)";
    let (mut statement, now) = (connection.prepare_cached(sql)?, timestamp_text(now));
    for (row, event) in rows {
        statement.execute(params![
            row.address,
            row.stream,
            row.kind,
            row.reason,
            row.status,
            row.since,
            row.until,
            event,
            row.note.as_ref().or(row.diagnostic.as_ref()),
            now,
        ])?;
    }
    Ok(())
}

/// The event that says who imported an address (canonical, as reported, its reason and stream), or [`MANY`], and from which
/// file.
fn trace(
    connection: &Connection,
    id: &str,
    [address, reported, reason, stream]: [&str; 4],
    rules: &ImportRules,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let sql = "INSERT INTO event (id, received, at, address, reported, kind, reason, side, diagnostic, source, origin, \
                 sender, channel, stream, action, decision) \
               VALUES (?1, ?2, ?2, ?3, ?4, 'added', ?9, 'unknown', ?5, 'import', 'operator', ?6, ?7, ?8, 'added', \
                 'by ' || ?6 || ', from ' || ?7)";
    let Change { who, note, .. } = &rules.change;
    let row = params![id, timestamp_text(now), address, reported, note, who, rules.file, stream, reason];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(connection.last_insert_rowid())
}
