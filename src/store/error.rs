//! What can go wrong with the database, by what the caller can do next.

use std::fmt;
use std::path::Path;

use rusqlite::ErrorCode;

/// Trouble with the database. Absence is never an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Another process held the write lock for longer than the busy timeout; try again.
    Busy,
    /// No space, or a quota; try again when there is some.
    Full,
    /// The file or its file system can't be written; try again when it can.
    ReadOnly,
    /// The file can't be opened or read.
    Unreadable(String),
    /// The file is damaged, or no SQLite database.
    Corrupt(String),
    /// Made by a newer suppressd.
    Newer {
        /// Its schema version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The store is shutting down; try again with the next process.
    Closed,
    /// A constraint of the schema was not met: our own defect or a nonsensical value.
    Constraint(String),
}

impl StoreError {
    /// Whether the same call may succeed later without anybody changing it.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        !matches!(self, Self::Constraint(_))
    }

    /// The same of several submissions at once: which of them breaks the constraint is not known.
    #[must_use]
    pub(super) fn of_all(self) -> Self {
        match self {
            Self::Constraint(why) => Self::Unreadable(why),
            other => other,
        }
    }

    /// The same, and a damaged file has its name.
    #[must_use]
    pub(super) fn of(self, path: &Path) -> Self {
        match self {
            Self::Corrupt(why) => Self::Corrupt(format!("{}: {why}", path.display())),
            other => other,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("the database is locked by another process"),
            Self::Full => f.write_str("no space is left for the database"),
            Self::ReadOnly => f.write_str("the database can't be written"),
            Self::Unreadable(why) => write!(f, "the database can't be used: {why}"),
            Self::Corrupt(why) => {
                write!(f, "the database is damaged or not one of ours: {why}; see suppressd-recover(1)")
            }
            Self::Newer { found, known } => {
                write!(
                    f,
                    "the database has schema version {found}, this suppressd knows {known}; install the newer suppressd"
                )
            }
            Self::Closed => f.write_str("shutting down"),
            Self::Constraint(why) => write!(f, "{why}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OperationInterrupted) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(text),
            Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => {
                Self::Constraint(text)
            }
            _ => Self::Unreadable(text),
        }
    }
}
