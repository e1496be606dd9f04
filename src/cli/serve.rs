//! `suppressd serve`: the daemon.

use std::path::Path;

use super::Failure;
use crate::server::{self, ServeError};

/// 0 after a clean stop.
pub(super) fn run(path: &Path) -> Result<u8, Failure> {
    match server::run(path) {
        Ok(()) => Ok(0),
        Err(ServeError::Config(error)) => Err(Failure::Config(error)),
        Err(error) => Err(Failure::Store(error.to_string())),
    }
}
