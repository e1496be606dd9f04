//! Rows of pages that no tree leads to any more: where a page in the middle of a tree is damaged, those below it are whole.
//!
//! SQLite reads them itself: each page that may be a leaf of the table is put in the place of its root, in a copy that serves
//! for nothing else. Rows that are there already, and rows of other tables, are refused by the schema. Pages that SQLite knows
//! to be free are left out: what is on them was deleted.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::StoreError;
use super::salvage::values;

/// Size of a page of ours: SQLite's default.
pub(super) const PAGE: usize = 4096;
/// Rows of ours that one page can hold; if more are lost than that for each damage, a tree is broken in its middle.
pub(super) const ROWS: u64 = 120;
/// First byte of a leaf of a table, and of one WITHOUT ROWID (sqlite.org/fileformat2.html, 1.6).
const LEAVES: [u8; 2] = [0x0d, 0x0a];

/// Copies rows of a table from all of its leaves in the file at `scratch`, which is spoiled by it; how many.
///
/// # Errors
/// [`StoreError`] of the new database. What can't be read in the old one is left out.
pub(super) fn copy(
    scratch: &Path,
    to: &Connection,
    table: &str,
    columns: &str,
    root: usize,
) -> Result<u64, StoreError> {
    let Some(pages) = Pages::open(scratch) else { return Ok(0) };
    let Some(original) = pages.read(root) else { return Ok(0) };
    let mut rows = 0;
    for number in (2..=pages.count).filter(|number| *number != root) {
        let Some(page) = pages.read(number).filter(|page| page.first().is_some_and(|first| LEAVES.contains(first)))
        else {
            continue;
        };
        if !pages.free.contains(&number) && pages.write(root, &page) {
            rows += rows_of(scratch, to, table, columns)?;
        }
    }
    pages.write(root, &original);
    Ok(rows)
}

/// Copies what the table now has, which is one page.
fn rows_of(scratch: &Path, to: &Connection, table: &str, columns: &str) -> Result<u64, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(from) = Connection::open_with_flags(scratch, flags) else { return Ok(0) };
    let _ = from.pragma_update(None, "writable_schema", true);
    let _ = from.pragma_update(None, "cell_size_check", true);
    let sql = format!("SELECT NULL, {columns} FROM {table} NOT INDEXED");
    let Ok(mut statement) = from.prepare(&sql) else { return Ok(0) };
    let Ok(mut found) = statement.query([]) else { return Ok(0) };
    let marks = vec!["?"; columns.split(", ").count()].join(", ");
    let mut insert = to.prepare_cached(&format!("INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"))?;
    let mut rows = 0;
    while let Ok(Some(row)) = found.next() {
        let Some(values) = values(row) else { continue };
        match insert.execute(rusqlite::params_from_iter(values)) {
            Ok(new) => rows += new as u64,
            // Of another type than the column.
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(rows)
}

/// The file, page by page; the first has number 1.
struct Pages {
    file: File,
    count: usize,
    free: HashSet<usize>,
}

impl Pages {
    /// `None` if its free pages can't be told.
    fn open(path: &Path) -> Option<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path).ok()?;
        let count = usize::try_from(file.metadata().ok()?.len()).ok()? / PAGE;
        let mut pages = Self { file, count, free: HashSet::new() };
        let mut first = pages.read(1)?;
        // No log any more (1.3.3): what was in it has been written back.
        first.get_mut(18..20)?.fill(1);
        pages.write(1, &first);
        let mut trunk = number(&first, 32)?;
        while trunk != 0 {
            let page = pages.read(trunk).filter(|_| pages.free.insert(trunk))?;
            let leaves = (0..number(&page, 4)?).map(|n| number(&page, 8 + 4 * n)).collect::<Option<Vec<_>>>()?;
            pages.free.extend(leaves);
            trunk = number(&page, 0)?;
        }
        Some(pages)
    }

    fn read(&self, number: usize) -> Option<Vec<u8>> {
        let mut page = vec![0; PAGE];
        self.file.read_exact_at(&mut page, offset(number)?).ok()?;
        Some(page)
    }

    fn write(&self, number: usize, page: &[u8]) -> bool {
        offset(number).is_some_and(|offset| self.file.write_all_at(page, offset).is_ok())
    }
}

fn offset(page: usize) -> Option<u64> {
    u64::try_from(page.checked_sub(1)?.checked_mul(PAGE)?).ok()
}

/// Four bytes, the greatest first.
fn number(page: &[u8], at: usize) -> Option<usize> {
    let bytes: [u8; 4] = page.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(bytes)).ok()
}
