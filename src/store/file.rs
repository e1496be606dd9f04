//! The file of a database as a whole: locked, copied, replaced.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::StoreError;

/// Where SQLite keeps its locks in a file, and how many bytes they take (sqlite3.c, `PENDING_BYTE`).
const LOCKS: (i64, i64) = (0x4000_0000, 512);

/// Locks a file as a writer of SQLite does who wants nobody beside him. The lock ends with the file.
pub(super) fn lock(file: &File) -> Result<(), StoreError> {
    #[allow(clippy::cast_possible_truncation, reason = "constants of a few units")]
    let lock = libc::flock {
        l_type: libc::F_WRLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: LOCKS.0,
        l_len: LOCKS.1,
        l_pid: 0,
    };
    match fcntl(file, FcntlArg::F_OFD_SETLK(&lock)) {
        Ok(_) => Ok(()),
        Err(nix::Error::EAGAIN | nix::Error::EACCES) => Err(StoreError::Busy),
        Err(error) => Err(StoreError::Unreadable(format!("it can't be locked: {error}"))),
    }
}

/// Copies a file; one that is not needed may be missing.
pub(super) fn copy_file(from: &Path, to: &Path, needed: bool) -> Result<(), StoreError> {
    match fs::copy(from, to) {
        Ok(_) => File::open(to).and_then(|file| file.sync_all()).map_err(|e| cannot("write", to, &e)),
        Err(error) if !needed && error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot("copy", from, &error)),
    }
}

/// Removes a database and its companions.
pub(super) fn remove_copy(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(beside(path, suffix));
    }
}

/// The new file belongs to whom the old one belongs to.
pub(super) fn give_rights(new: &Path, old: &File) -> io::Result<()> {
    let old = old.metadata()?;
    fs::set_permissions(new, old.permissions())?;
    let new_owner = fs::metadata(new)?;
    if (new_owner.uid(), new_owner.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    std::os::unix::fs::chown(new, Some(old.uid()), Some(old.gid()))
}

/// Puts a file in the place of another, for good when this returns.
pub(super) fn replace(new: &Path, old: &Path) -> Result<(), StoreError> {
    fs::rename(new, old).map_err(|e| cannot("write", old, &e))?;
    sync_directory(old)
}

/// Puts the names in the directory of a file on the disk.
pub(super) fn sync_directory(path: &Path) -> Result<(), StoreError> {
    let Some(directory) = path.parent() else { return Ok(()) };
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(|e| cannot("write", directory, &e))
}

/// Makes a file useless to whoever has it open.
pub(super) fn spoil(file: &mut File) -> io::Result<()> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(0))?;
    io::copy(&mut io::repeat(b'x').take(length), file)?;
    file.flush()
}

/// The path with this behind it.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A companion of a database; SQLite puts it where the file itself is, not where links to it are.
pub(super) fn companion(database: &Path, suffix: &str) -> PathBuf {
    beside(&fs::canonicalize(database).unwrap_or_else(|_| database.to_owned()), suffix)
}

/// What the system refused.
pub(super) fn cannot(verb: &str, path: &Path, error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
        _ => StoreError::Unreadable(format!("cannot {verb} {}: {error}", path.display())),
    }
}
