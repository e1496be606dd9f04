//! Databases with long lists, made once and kept in `target/bench`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use suppressd::store::Store;

/// Where what takes long to make is kept.
pub fn cache() -> PathBuf {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    std::fs::create_dir_all(&cache).unwrap();
    cache
}

/// A database with so many entries. Users of it leave the list as it is.
pub fn list(entries: u64) -> PathBuf {
    let path = cache().join(format!("list-{entries}-{}.db", schema()));
    if !path.exists() {
        eprintln!("making {}", path.display());
        let unfinished = path.with_extension("new");
        let _ = std::fs::remove_file(&unfinished);
        fill(&unfinished, entries);
        std::fs::rename(&unfinished, &path).unwrap();
    }
    path
}

/// Bytes that a list takes on the disk, without the counts of what runs before have refused.
pub fn bytes(path: &Path) -> f64 {
    let connection = Connection::open(path).unwrap();
    connection.execute("DELETE FROM refusal", []).unwrap();
    let sql = "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// What tells a list of this schema from one of another.
fn schema() -> String {
    let digest = openssl::sha::sha256(include_bytes!("../../src/store/schema/2.sql"));
    digest[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// In the order of their keys and without the constraints, or else ten million would take minutes.
fn fill(path: &Path, entries: u64) {
    drop(Store::open(path, Duration::from_secs(1)).unwrap());
    let connection = Connection::open(path).unwrap();
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = OFF; PRAGMA ignore_check_constraints = ON; PRAGMA cache_size = -65536; \
             BEGIN; \
             WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {entries}) \
             INSERT INTO suppression (address, kind, reason, status, since, source) \
               SELECT printf('user%09d@d%03d.example.com', i, i % 1000), 'hard_bounce', 'userunknown', '5.1.1', \
                      '2026-11-21T08:46:25Z', 'ses' FROM n; \
             INSERT INTO suppression_total VALUES ('hard_bounce', {entries}) \
               ON CONFLICT DO UPDATE SET entries = excluded.entries; \
             COMMIT; PRAGMA wal_checkpoint(TRUNCATE);"
        ))
        .unwrap();
}

/// All addresses of a list, in order.
pub fn all(entries: u64) -> impl Iterator<Item = String> {
    (0..entries).map(|i| format!("user{i:09}@d{:03}.example.com", i % 1000))
}

/// Addresses of a list, spread over all of it.
pub fn hits(entries: u64, count: u64) -> Vec<String> {
    spread(entries, count).map(|i| format!("user{i:09}@d{:03}.example.com", i % 1000)).collect()
}

/// Addresses that are on no list, beside those of it.
pub fn misses(entries: u64, count: u64) -> Vec<String> {
    spread(entries, count).map(|i| format!("user{i:09}x@d{:03}.example.com", i % 1000)).collect()
}

/// Pseudo-random numbers below `entries`.
fn spread(entries: u64, count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(move |n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) % entries)
}
