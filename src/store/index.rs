//! What is certainly not on the list, in memory: nearly all lookups are of such addresses.
//!
//! Filters ([`Members`]) of the keys of table suppression and of the hashes of table forgotten. They may take a
//! stranger for a member, and then SQLite is asked; never the other way round. It is exact at each lookup, also after a
//! change by hand in another process: each commit changes the header of the WAL index, which is read before the filter is
//! believed, and what came onto the list since stands in table `listed`. Where that table does not reach back far enough,
//! as after an import, the filter is made anew by a thread of its own, and until then SQLite is asked.
//!
//! See <https://sqlite.org/walformat.html#the_wal_index_file_format>.

use std::fmt::Display;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{Ordering, fence};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use nix::sys::mman::{MapFlags, ProtFlags};
use rusqlite::{Connection, OptionalExtension, Row, params};
use vm_memory::{Bytes, FileOffset, MmapRegion, VolatileMemory};

use super::file::companion;
use super::forgotten::HashKey;
use super::members::Members;
use super::{StoreError, schema};
use crate::address::Address;

/// Which commit is the newest: one of the two copies of the header of the WAL index, which each commit changes.
pub(super) type Commit = [u8; 48];
const UNKNOWN: Commit = [0; 48];
/// Its first field: the version of the format, in the byte order of the machine.
const FORMAT: [u8; 4] = 3_007_000_u32.to_ne_bytes();
/// Keys read in one transaction while a filter is made.
const CHUNK: i64 = 10_000;
/// Between two makings, at least.
const PAUSE: Duration = Duration::from_secs(1);

/// A handle; the thread ends when it is gone.
pub(super) struct Index {
    shared: Arc<Shared>,
    wanted: SyncSender<()>,
}

struct Shared {
    path: PathBuf,
    deadline: Duration,
    /// For what came onto the list since; whoever changes `known` holds it. While it is open, nobody can remove the WAL
    /// index or leave WAL mode.
    pinned: Mutex<Option<Connection>>,
    known: RwLock<Option<Known>>,
}

/// What is known of the list, as of one commit.
struct Known {
    wal_index: &'static MmapRegion,
    /// Of that commit, or [`UNKNOWN`].
    header: Commit,
    /// The newest row of table `listed` that is in the filter.
    last: Listed,
    /// Forgotten addresses are in the filter by their hash; `None` if there are none.
    hash_key: Option<HashKey>,
    members: Members,
}

/// A row of table `listed`; number 0 comes before the first.
#[derive(Clone, Default, PartialEq, Eq)]
struct Listed {
    number: i64,
    address: String,
}

impl Index {
    /// Starts to make a filter.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when the system has no thread to spare.
    pub(super) fn start(path: PathBuf, deadline: Duration) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared { path, deadline, pinned: Mutex::default(), known: RwLock::default() });
        let (wanted, wishes) = sync_channel(1);
        let maker = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("index".into()).spawn(move || make_when_wanted(&maker, &wishes));
        thread.map_err(|error| StoreError::Unreadable(format!("no thread for the index: {error}")))?;
        let index = Self { shared, wanted };
        index.want();
        Ok(index)
    }

    /// Whether there may be an entry that refuses an address.
    pub(super) fn ask(&self, address: &Address) -> Doubt {
        let Some((header, mut answer)) = self.shared.answer_of_now(address) else { return Doubt::AsOf(None) };
        if answer.is_none() {
            if self.shared.catch_up(&header) == Progress::Lost {
                self.want();
            }
            answer = self.shared.answer(address, &header);
        }
        if answer == Some(false) { Doubt::None } else { Doubt::AsOf(Some(header)) }
    }

    /// Which commit is the newest; `None` where no filter is there, or a commit is under way.
    pub(super) fn newest(&self) -> Option<Commit> {
        header(self.shared.read().as_ref()?.wal_index)
    }

    /// Closes what is open of the database, and starts anew.
    pub(super) fn renew(&self) {
        let mut pinned = locked(&self.shared.pinned);
        *self.shared.write() = None;
        *pinned = None;
        drop(pinned);
        self.want();
    }

    /// Whether there is a filter to ask.
    pub(super) fn is_made(&self) -> bool {
        self.shared.read().is_some()
    }

    fn want(&self) {
        // Full is as good: the wish is there already.
        let _ = self.wanted.try_send(());
    }
}

/// What is known without SQLite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Nothing refuses the address, as of all commits before the question.
    None,
    /// Something may; of the newest commit before the question, where that is known.
    AsOf(Option<Commit>),
}

/// How far [`Shared::catch_up`] came.
#[derive(PartialEq, Eq)]
enum Progress {
    /// The filter is of now; or SQLite must be asked this time.
    Made,
    /// A new filter is needed, at once or soon.
    Lost,
}

impl Shared {
    fn read(&self) -> RwLockReadGuard<'_, Option<Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Option<Known>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest commit, and what the filter says if it is of that one; `None` where no filter is there, or a commit is under way.
    fn answer_of_now(&self, address: &Address) -> Option<(Commit, Option<bool>)> {
        let known = self.read();
        let known = known.as_ref()?;
        let newest = header(known.wal_index)?;
        Some((newest, known.answer(address, &newest)))
    }

    /// What the filter says, if it is of that commit.
    fn answer(&self, address: &Address, header: &Commit) -> Option<bool> {
        self.read().as_ref()?.answer(address, header)
    }

    /// Brings the filter to a commit or later, unless somebody else does so now.
    fn catch_up(&self, header: &Commit) -> Progress {
        let Ok(pinned) = self.pinned.try_lock() else { return Progress::Made };
        let Some(last) = self.read().as_ref().map(|known| known.last.clone()) else { return Progress::Made };
        let read = |connection: &Connection| listed_since(connection, &last).ok().zip(HashKey::of(connection).ok());
        let Some((since, hash_key)) = pinned.as_ref().and_then(read) else { return Progress::Made };
        let mut guard = self.write();
        if let (Some(known), Some(rows)) = (guard.as_mut(), since) {
            known.add(rows);
            known.hash_key = hash_key;
            known.header = *header;
            return if known.members.are_too_many() { Progress::Lost } else { Progress::Made };
        }
        *guard = None;
        Progress::Lost
    }
}

impl Known {
    fn answer(&self, address: &Address, header: &Commit) -> Option<bool> {
        (self.header == *header).then(|| self.may_refuse(address))
    }

    fn may_refuse(&self, address: &Address) -> bool {
        self.members.may_hold(address, self.hash_key.as_ref())
    }

    fn add(&mut self, rows: Vec<Listed>) {
        for row in rows {
            self.members.add(&row.address);
            self.last = row;
        }
    }
}

/// The header of the WAL index; `None` when its two copies differ, so that a commit is under way, or its format is not known.
/// Who commits writes the second copy before the first.
fn header(wal_index: &MmapRegion) -> Option<Commit> {
    let headers = wal_index.as_volatile_slice();
    let (mut first, mut second) = (UNKNOWN, UNKNOWN);
    headers.read_slice(&mut first, 0).ok()?;
    fence(Ordering::SeqCst);
    headers.read_slice(&mut second, size_of::<Commit>()).ok()?;
    (first == second && first.starts_with(&FORMAT)).then_some(first)
}

/// What came onto the list since; `None` where the table does not reach back so far.
fn listed_since(connection: &Connection, last: &Listed) -> Result<Option<Vec<Listed>>, StoreError> {
    let sql = "SELECT number, address FROM listed WHERE number >= ?1 ORDER BY number";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([last.number], listed)?;
    let mut rows = std::iter::once(Ok(Listed::default())).filter(|_| last.number == 0).chain(rows);
    if rows.next().transpose()?.as_ref() != Some(last) {
        return Ok(None);
    }
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    if rows.first().is_some_and(|first| first.number != last.number + 1) {
        return Ok(None);
    }
    Ok(Some(rows))
}

fn listed(row: &Row<'_>) -> rusqlite::Result<Listed> {
    Ok(Listed { number: row.get(0)?, address: row.get(1)? })
}

fn make_when_wanted(shared: &Shared, wishes: &Receiver<()>) {
    let mut wanted = wishes.recv().is_ok();
    while wanted {
        let begun = Instant::now();
        let made = make(shared);
        if let Err(error) = &made {
            log::debug!("no index of the list for now: {error}");
        }
        std::thread::sleep(PAUSE.max(begun.elapsed()));
        wanted = match made {
            Ok(()) => wishes.recv().is_ok(),
            Err(_) => wishes.try_recv() != Err(TryRecvError::Disconnected),
        };
    }
}

/// Makes a filter of the whole list.
fn make(shared: &Shared) -> Result<(), StoreError> {
    let connection = schema::open_reader(&shared.path, shared.deadline)?;
    // What comes onto the list from here on is caught up with.
    let newest = "SELECT number, address FROM listed ORDER BY number DESC LIMIT 1";
    let last = connection.query_row(newest, [], listed).optional()?.unwrap_or_default();
    let count = |sql| {
        connection.query_row(sql, [], |row| row.get(0)).map(|count: i64| usize::try_from(count).unwrap_or_default())
    };
    let entries = count("SELECT coalesce(sum(entries), 0) FROM suppression_total")?;
    let domains = count("SELECT count(*) FROM suppression WHERE address >= '@' AND address < 'A'")?;
    let known = shared.read().as_ref().map_or(0, |known| known.members.addresses());
    let mut members = Members::with_room(known.max(entries), domains);
    fill(&mut members, &connection)?;
    fill_forgotten(&mut members, &connection)?;
    let wal_index = wal_index(&shared.path)?;
    let known = Known { wal_index, header: UNKNOWN, last, hash_key: None, members };
    let mut pinned = locked(&shared.pinned);
    *pinned = Some(connection);
    *shared.write() = Some(known);
    Ok(())
}

/// In transactions of their own and with rests, so that neither the log nor a lookup waits for it.
fn fill(members: &mut Members, connection: &Connection) -> Result<(), StoreError> {
    let mut statement =
        connection.prepare("SELECT address FROM suppression WHERE address > ?1 ORDER BY address LIMIT ?2")?;
    let mut last = String::new();
    loop {
        let begun = Instant::now();
        let mut rows = statement.query(params![last, CHUNK])?;
        let mut newest = String::new();
        while let Some(row) = rows.next()? {
            let address = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            members.add(address);
            newest.clear();
            newest.push_str(address);
        }
        drop(rows);
        if newest.is_empty() {
            return Ok(());
        }
        last = newest;
        std::thread::sleep(begun.elapsed());
    }
}

/// Of forgotten addresses there are few.
fn fill_forgotten(members: &mut Members, connection: &Connection) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT hex(hash) FROM forgotten")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        members.add(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?);
    }
    Ok(())
}

/// The WAL index of a database, opened once for the life of the process: to close it would end the locks that SQLite holds
/// on it for the process (fcntl(2), "Traditional record locks"). It is read in place, which costs no system call; as long as
/// somebody has the database open, SQLite never makes it shorter.
fn wal_index(database: &Path) -> Result<&'static MmapRegion, StoreError> {
    static OPEN: Mutex<Vec<(u64, u64, &'static MmapRegion)>> = Mutex::new(Vec::new());
    let trouble = |error: &dyn Display| StoreError::Unreadable(format!("WAL index: {error}"));
    let path = companion(database, "-shm");
    let found = std::fs::metadata(&path).map_err(|error| trouble(&error))?;
    let mut open = locked(&OPEN);
    if let Some((.., region)) = open.iter().find(|(device, inode, _)| (*device, *inode) == (found.dev(), found.ino())) {
        return Ok(region);
    }
    let file = File::open(path).map_err(|error| trouble(&error))?;
    let found = file.metadata().map_err(|error| trouble(&error))?;
    let both = 2 * size_of::<Commit>();
    if found.len() < both as u64 {
        return Err(trouble(&"too short"));
    }
    let file = Some(FileOffset::new(file, 0));
    let region = MmapRegion::build(file, both, ProtFlags::PROT_READ.bits(), MapFlags::MAP_SHARED.bits());
    let region: &'static MmapRegion = Box::leak(Box::new(region.map_err(|error| trouble(&error))?));
    open.push((found.dev(), found.ino(), region));
    Ok(region)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::store::Store;

    const WAIT: Duration = Duration::from_secs(5);

    struct Bench {
        _dir: tempfile::TempDir,
        path: PathBuf,
        /// As sqlite3 by hand in another process.
        hand: Connection,
    }

    impl Bench {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("suppressd.db");
            schema::open(&path, WAIT).unwrap();
            let hand = Connection::open(&path).unwrap();
            Self { _dir: dir, path, hand }
        }

        fn sql(&self, sql: &str) {
            self.hand.execute_batch(sql).unwrap();
        }

        fn list(&self, address: &str) {
            self.hand.execute("INSERT INTO suppression (address) VALUES (?1)", [address]).unwrap();
        }

        fn index(&self) -> Index {
            let index = Index::start(self.path.clone(), WAIT).unwrap();
            made(&index);
            index
        }
    }

    fn made(index: &Index) {
        let begun = Instant::now();
        while !index.is_made() {
            assert!(begun.elapsed() < WAIT);
            std::thread::yield_now();
        }
    }

    #[track_caller]
    fn assert_knows(index: &Index, address: &str, listed: bool) {
        assert!(index.is_made());
        assert_eq!(index.ask(&Address::parse(address).unwrap()) != Doubt::None, listed, "{address}");
    }

    #[test]
    fn it_knows_all_kinds_of_entries_whether_they_were_there_or_came_later() {
        let bench = Bench::new();
        bench.sql(
            "INSERT INTO suppression (address) VALUES ('Old@Example.COM'), ('@Gone.example'), ('@.Above.example')",
        );
        let index = bench.index();
        let check = |new| {
            for (address, listed) in [
                ("old@example.com", true),
                ("other@example.com", false),
                ("any@gone.example", true),
                ("any@sub.gone.example", false),
                ("any@above.example", false),
                ("any@sub.above.example", true),
                ("any@sub.sub.above.example", true),
                ("any@notabove.example", false),
                ("new@example.com", new),
                ("any@new.example", new),
                ("any@sub.all.example", new),
                ("moved@example.com", new),
            ] {
                assert_knows(&index, address, listed);
            }
        };
        check(false);
        bench.sql(
            "INSERT INTO suppression (address) VALUES ('NEW@example.com'), ('@new.Example'), ('@.ALL.example'); \
                   UPDATE suppression SET address = 'moved@example.com' WHERE address = '@Gone.example'",
        );
        check(true);
    }

    #[test]
    fn other_commits_do_not_make_it_ask_sqlite() {
        let bench = Bench::new();
        let index = bench.index();
        for n in 0..50 {
            bench.sql(&format!("INSERT INTO setting (name, value) VALUES ('{n}', 1)"));
            assert_knows(&index, "bob@example.com", false);
        }
        bench.sql("PRAGMA wal_checkpoint(TRUNCATE)");
        assert_knows(&index, "bob@example.com", false);
        bench.list("bob@example.com");
        assert_knows(&index, "bob@example.com", true);
    }

    #[test]
    fn more_than_it_can_catch_up_with_makes_it_anew() {
        let bench = Bench::new();
        let index = bench.index();
        assert_knows(&index, "user1@example.com", false);
        bench.sql(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) \
                   INSERT INTO suppression (address) SELECT 'user' || i || '@example.com' FROM n",
        );
        for address in ["user1@example.com", "nobody@example.com"] {
            assert_ne!(
                index.ask(&Address::parse(address).unwrap()),
                Doubt::None,
                "SQLite must be asked about {address}"
            );
        }
        made(&index);
        assert_knows(&index, "user1@example.com", true);
        assert_knows(&index, "user2000@example.com", true);
        assert_knows(&index, "nobody@example.com", false);
    }

    #[test]
    fn a_log_that_was_emptied_or_comes_from_elsewhere_is_not_trusted() {
        for sql in [
            "DELETE FROM listed; INSERT INTO suppression (address) VALUES ('new@example.com')",
            "DELETE FROM listed WHERE number = 2; INSERT INTO suppression (address) VALUES ('new@example.com')",
            "UPDATE listed SET address = 'other'; INSERT INTO suppression (address) VALUES ('new@example.com')",
            "UPDATE listed SET number = number + 7; INSERT INTO suppression (address) VALUES ('new@example.com')",
        ] {
            let bench = Bench::new();
            bench.sql("INSERT INTO suppression (address) VALUES ('a@example.com'), ('b@example.com')");
            let index = bench.index();
            assert_knows(&index, "new@example.com", false);
            bench.sql(sql);
            assert_ne!(index.ask(&Address::parse("new@example.com").unwrap()), Doubt::None, "{sql}");
        }
    }

    #[test]
    fn forgotten_addresses_are_known_by_their_hash() {
        let bench = Bench::new();
        let mut store = Store::open(&bench.path, WAIT).unwrap();
        let mut forget = |who| store.forget(&Address::parse(who).unwrap(), true, jiff::Timestamp::now()).unwrap();
        forget("old@example.com");
        let index = bench.index();
        let check = |new| {
            assert_knows(&index, "old@example.com", true);
            assert_knows(&index, "new@example.com", new);
            assert_knows(&index, "other@example.com", false);
        };
        check(false);
        forget("new@example.com");
        check(true);
        bench.sql("DELETE FROM forgotten");
        assert_knows(&index, "new@example.com", false);
    }

    #[test]
    fn renewed_it_is_as_good_as_before() {
        let bench = Bench::new();
        let index = bench.index();
        index.renew();
        made(&index);
        bench.list("bob@example.com");
        assert_knows(&index, "bob@example.com", true);
        assert_knows(&index, "alice@example.com", false);
    }

    #[test]
    fn whatever_was_committed_before_the_question_counts() {
        let bench = Bench::new();
        let index = bench.index();
        let committed = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    loop {
                        let newest = committed.load(Ordering::Acquire);
                        if newest == 400 {
                            break;
                        }
                        let address = Address::parse(&format!("user{newest}@example.com")).unwrap();
                        assert!(newest == 0 || index.ask(&address) != Doubt::None, "{address}");
                    }
                });
            }
            for n in 1..=400 {
                bench.list(&format!("user{n}@example.com"));
                committed.store(n, Ordering::Release);
            }
        });
    }
}
