//! Deletes old events, some at a time, while the daemon runs.
//!
//! A pass begins a minute after the start and then every six hours. It has its own connection and pauses after each
//! batch, so that whoever writes gets his turn; in trouble it gives the pass up and says so once.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::store::{Cursor, Store, StoreError};

/// Time from the start to the first pass.
const FIRST: Duration = Duration::from_secs(60);
/// Time between passes.
const INTERVAL: Duration = Duration::from_secs(6 * 3600);
/// Pause after each batch.
const PAUSE: Duration = Duration::from_millis(20);
/// How long to wait for another writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs until told to stop.
pub(super) async fn run(database: PathBuf, keep: Arc<Mutex<SignedDuration>>, mut stopped: watch::Receiver<bool>) {
    let mut wait = FIRST;
    while timeout(wait, stopped.wait_for(|stopped| *stopped)).await.is_err() {
        wait = INTERVAL;
        let (database, stopped) = (database.clone(), stopped.clone());
        let keep = *keep.lock().unwrap_or_else(PoisonError::into_inner);
        let pass = tokio::task::spawn_blocking(move || pass(&database, keep, &stopped));
        if let Ok(Err(error)) = pass.await {
            log::warn!("cannot delete old events now: {error}; tried again in 6 hours");
        }
    }
}

fn pass(database: &std::path::Path, keep: SignedDuration, stopped: &watch::Receiver<bool>) -> Result<(), StoreError> {
    let mut store = Store::open(database, BUSY_TIMEOUT)?;
    let mut cursor: Option<Cursor> = Some(store.begin_expiry(keep, Timestamp::now())?);
    while let Some(from) = cursor.filter(|_| !*stopped.borrow()) {
        cursor = store.expire(&from)?;
        std::thread::sleep(PAUSE);
    }
    Ok(())
}
