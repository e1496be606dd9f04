//! Opens the database and brings its schema up to date.
//!
//! On failure nothing is changed: each migration is one transaction, and `user_version` is part of it. A database of a
//! newer program is refused, never touched.

use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{StoreError, file, forgotten};

/// One step a version; a released step is never edited.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// Pages in the write-ahead log after which they are moved into the file. In a burst each page is changed often, and is moved
/// once; SQLite's own 1000 would be moved with nearly every group.
const CHECKPOINT: u32 = 4096;
/// What of the log is left, in bytes, when it begins anew after it could not for a while. It stays below, but for a reader that does not end and for an import.
const LOG_LEFT: u32 = 32 << 20;
/// Until a log that could not be begun is tried again.
const BETWEEN_TRIES: Duration = Duration::from_millis(2);

/// Marks the file as ours (`PRAGMA application_id`): "supp" in ASCII.
pub const APPLICATION_ID: i64 = 0x7375_7070;

/// Opens for writing, creating and migrating where needed: WAL, `synchronous=FULL`, `busy_timeout`.
///
/// # Errors
/// [`StoreError`]; [`StoreError::Corrupt`] for a file that is another application's database.
pub fn open(path: &Path, busy_timeout: Duration) -> Result<Connection, StoreError> {
    make_private(path);
    let mut connection = Connection::open_with_flags(path, flags() | OpenFlags::SQLITE_OPEN_CREATE)?;
    connection.busy_timeout(busy_timeout)?;
    let known = version(&connection)?;
    if known < target() {
        give_to_owner_of_directory(path);
    }
    if log_length(&connection) == 0 {
        begin_log(&connection, busy_timeout)?;
    }
    if known < target() {
        migrate(&mut connection)?;
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Else the last connection to close moves the whole WAL into the file, and one bounce mail costs five syncs.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT)?;
    // What is deleted is gone from the file: nobody knows yet who will want to be forgotten.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_size_limit", LOG_LEFT)?;
    // Room for what one group of reports changes, or else it would be written twice.
    connection.pragma_update(None, "cache_size", -8192)?;
    connection.set_prepared_statement_cache_capacity(64);
    forgotten::register(&connection)?;
    Ok(connection)
}

/// Whom mail is refused to is not everybody's business. SQLite gives its companions the mode of the file.
fn make_private(path: &Path) {
    // A file that is there stays as it is; where none can be made, SQLite says so.
    let _ = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o640).open(path);
}

/// A file that root makes at the command line belongs to whom its directory belongs to, or else the daemon could not
/// write it. SQLite gives its companions to the same owner.
fn give_to_owner_of_directory(path: &Path) {
    let Some(Ok(directory)) = path.parent().map(std::fs::metadata) else { return };
    if nix::unistd::geteuid().is_root() {
        // Where this fails, so will the daemon, and it says so.
        let _ = std::os::unix::fs::lchown(path, Some(directory.uid()), Some(directory.gid()));
    }
}

/// Bytes of the write-ahead log; 0 where none is there.
pub(super) fn log_length(connection: &Connection) -> u64 {
    let log = connection.path().map(|path| file::beside(Path::new(path), "-wal"));
    log.and_then(|log| std::fs::metadata(log).ok()).map_or(0, |log| log.len())
}

/// Makes the log, and puts its name on the disk before anything is written to it. SQLite itself would do the latter again in
/// each process, but is built with SQLITE_DISABLE_DIRSYNC.
fn begin_log(connection: &Connection, busy_timeout: Duration) -> Result<(), StoreError> {
    let begun = Instant::now();
    // SQLite itself does not wait here: it changes the mode from within a reading, where two that wait would wait for each other.
    while let Err(error) = connection.pragma_update(None, "journal_mode", "WAL").map_err(StoreError::from) {
        if error != StoreError::Busy || begun.elapsed() >= busy_timeout {
            return Err(error);
        }
        sleep(BETWEEN_TRIES);
    }
    version(connection)?;
    connection.path().map_or(Ok(()), |path| file::sync_directory(Path::new(path)))
}

/// Opens for reading only; the file must exist. `busy_timeout` bounds the wait for a lock, which WAL readers only
/// meet during recovery.
///
/// # Errors
/// [`StoreError`].
pub fn open_reader(path: &Path, busy_timeout: Duration) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags())?;
    connection.busy_timeout(busy_timeout)?;
    let found = version(&connection)?;
    if found < target() {
        return Err(StoreError::Unreadable(format!("schema version {found}, start suppressd serve once to migrate")));
    }
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -2048)?;
    forgotten::register(&connection)?;
    Ok(connection)
}

fn flags() -> OpenFlags {
    // A reader too needs to write the WAL index; query_only keeps it from writing anything else.
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

#[allow(clippy::cast_possible_wrap, reason = "a handful")]
const fn target() -> i64 {
    MIGRATIONS.len() as i64
}

/// Checks that the file is one of ours, and not newer.
///
/// # Errors
/// [`StoreError`].
pub(super) fn check_ours(connection: &Connection) -> Result<(), StoreError> {
    version(connection).map(drop)
}

/// The schema version, after checking that the file is ours and not newer.
fn version(connection: &Connection) -> Result<i64, StoreError> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    // In this order: another process may make the database meanwhile, all at once, and then it is ours.
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let (found, id) = (pragma("user_version")?, pragma("application_id")?);
    match (id, found) {
        (APPLICATION_ID, found) if found > target() => Err(StoreError::Newer { found, known: target() }),
        (APPLICATION_ID, found) => Ok(found),
        (0, 0) if tables == 0 => Ok(0),
        _ => Err(StoreError::Corrupt("it belongs to another application".into())),
    }
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    // Another process may have migrated while we waited for the lock.
    let from = usize::try_from(version(&transaction)?).unwrap_or_default();
    for step in MIGRATIONS.iter().skip(from) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", target())?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_millis(50);

    #[test]
    fn a_new_file_gets_the_schema_and_a_second_opening_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new.db");
        for _ in 0..2 {
            let connection = open(&path, WAIT).unwrap();
            assert_eq!(version(&connection), Ok(target()));
            let mode: String = connection.pragma_query_value(None, "journal_mode", |r| r.get(0)).unwrap();
            assert_eq!(mode, "wal");
            let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |r| r.get(0)).unwrap();
            assert_eq!(synchronous, 2);
        }
    }

    /// A database in rollback mode, as it is for a moment when several processes make it at once.
    #[test]
    fn whoever_writes_while_the_log_is_begun_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("written.db");
        let writer = open(&path, WAIT).unwrap();
        writer.pragma_update(None, "journal_mode", "delete").unwrap();
        writer.execute_batch("BEGIN IMMEDIATE").unwrap();
        let begun = Instant::now();
        assert_eq!(open(&path, WAIT).map(drop), Err(StoreError::Busy));
        assert!(begun.elapsed() >= WAIT);

        let second = std::thread::spawn({
            let path = path.clone();
            move || open(&path, Duration::from_secs(60)).map(drop)
        });
        writer.execute_batch("COMMIT").unwrap();
        assert_eq!(second.join().unwrap(), Ok(()));
    }

    #[test]
    fn a_database_that_somebody_took_out_of_wal_mode_goes_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("left.db");
        open(&path, WAIT).unwrap();
        let mode = |c: &Connection| c.pragma_query_value(None, "journal_mode", |r| r.get::<_, String>(0)).unwrap();
        let by_hand = Connection::open(&path).unwrap();
        by_hand.pragma_update(None, "journal_mode", "DELETE").unwrap();
        assert_eq!(mode(&by_hand), "delete");
        drop(by_hand);
        assert_eq!(mode(&open(&path, WAIT).unwrap()), "wal");
    }

    #[test]
    fn a_newer_database_is_refused_in_one_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("newer.db");
        open(&path, WAIT).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let error = open(&path, WAIT).unwrap_err();
        assert_eq!(error, StoreError::Newer { found: 99, known: target() });
        assert!(error.to_string().ends_with("install the newer suppressd"));
    }

    #[test]
    fn somebody_elses_database_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("other.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        assert!(matches!(open(&path, WAIT), Err(StoreError::Corrupt(_))));
        std::fs::write(&path, b"not a database at all, just some text that is long enough").unwrap();
        assert!(matches!(open(&path, WAIT), Err(StoreError::Corrupt(_))));
    }

    #[test]
    fn a_reader_needs_the_file_and_cannot_write_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("read.db");
        assert!(matches!(open_reader(&path, WAIT), Err(StoreError::Unreadable(_))));
        open(&path, WAIT).unwrap();
        let reader = open_reader(&path, WAIT).unwrap();
        assert!(reader.execute("INSERT INTO suppression (address) VALUES ('a@b.example')", []).is_err());
    }
}
