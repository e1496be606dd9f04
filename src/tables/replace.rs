//! Replaces a file as a whole: written beside it, synced, and renamed. Mode and owner stay; a new file is readable for all.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

/// Mode of a file that was not there.
const MODE: u32 = 0o644;

/// Fills a new file and puts it in the place of `path`. What fails leaves the old one and nothing else.
///
/// # Errors
/// What the system says.
pub fn replace(path: &Path, fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = tempfile::Builder::new().prefix(&format!(".{name}.")).tempfile_in(directory).map_err(bare)?;
    fill(new.as_file())?;
    keep_rights(path, new.as_file())?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    File::open(directory)?.sync_all()
}

/// What the system says, without the name of the new file, which nobody knows.
fn bare(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.split_once(" at path ") {
        Some((what, _)) => io::Error::new(error.kind(), what.to_owned()),
        None => error,
    }
}

fn keep_rights(path: &Path, new: &File) -> io::Result<()> {
    let old = match fs::metadata(path) {
        Ok(old) => old,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return new.set_permissions(Permissions::from_mode(MODE));
        }
        Err(error) => return Err(error),
    };
    let made = new.metadata()?;
    if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
        // Only root may give files away; whose directory it is may replace them all the same.
        drop(fchown(new, Some(old.uid()), Some(old.gid())));
    }
    new.set_permissions(Permissions::from_mode(old.mode() & 0o7777))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_keeps_its_mode_and_a_failure_keeps_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table");
        replace(&path, |mut file| file.write_all(b"one")).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, MODE);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        replace(&path, |mut file| file.write_all(b"two")).unwrap();
        assert_eq!((fs::metadata(&path).unwrap().mode() & 0o777, fs::read(&path).unwrap()), (0o640, b"two".to_vec()));
        let failed = replace(&path, |mut file| file.write_all(b"half").and(Err(io::ErrorKind::StorageFull.into())));
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left over");
    }
}
