//! A database that can't be read any more.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// Overwrites a database and its log. They are never empty in between: who opens an empty database removes its log, and
/// who has the log open reads on from what nobody damaged.
pub fn overwrite(database: &Path) {
    for file in [database.to_owned(), database.with_extension("db-wal")] {
        let mut file = OpenOptions::new().write(true).open(file).unwrap();
        let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
        file.write_all(&vec![b'x'; length]).unwrap();
    }
}
