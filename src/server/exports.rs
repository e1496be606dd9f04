//! Keeps the files of `[export]` fresh: Postfix reads them by itself, and they answer while suppressd is down.
//!
//! It looks every `export.every` whether anybody committed anything, by a connection of its own and in a thread of its own,
//! so no lookup waits. Only if the list itself is another one are the files written, each as a whole.
//! On failure: the old file stays, and the next look tries again; it is logged once, and once more when it is over.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::config::{Config, ExportFile};
use crate::lookup::{Mode, Table};
use crate::store::{ListReader, ListState, Readers, Selection, StoreError, TableEntry};
use crate::tables::{self, Answers, Form};

/// How long one look waits for a lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Which files, how often, and what they answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    files: Vec<ExportFile>,
    every: Duration,
    mode: Mode,
}

impl Plan {
    pub(super) fn of(config: &Config) -> Self {
        let every = config.export.every.try_into().unwrap_or_default();
        Self { files: config.export.files.clone(), every, mode: config.lookup.mode }
    }
}

/// Runs until the daemon stops; follows a plan that is changed by a reload.
pub(super) async fn keep_fresh(
    database: PathBuf,
    readers: Arc<Readers>,
    mut plans: watch::Receiver<Plan>,
    mut stopped: watch::Receiver<bool>,
) {
    let (written, troubles) = (HashMap::new(), HashMap::new());
    let mut keeper = Keeper { database, readers, renewals: 0, reader: None, seen: None, written, troubles };
    loop {
        let plan = plans.borrow_and_update().clone();
        let every = plan.every;
        let looked = tokio::task::spawn_blocking(move || {
            keeper.look(&plan, Timestamp::now());
            keeper
        });
        match looked.await {
            Ok(back) => keeper = back,
            Err(_) => return,
        }
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = tokio::time::sleep(every) => {}
            Ok(()) = plans.changed() => {}
        }
    }
}

/// What is known of the list and the files.
struct Keeper {
    database: PathBuf,
    readers: Arc<Readers>,
    /// Of the readers, when the connection was opened.
    renewals: u64,
    reader: Option<ListReader>,
    /// Version of the database at the last look, and the list then.
    seen: Option<(i64, ListState)>,
    /// What each file holds.
    written: HashMap<PathBuf, (u64, Table, Mode)>,
    /// What is wrong with a file, or with the database.
    troubles: HashMap<PathBuf, String>,
}

impl Keeper {
    fn look(&mut self, plan: &Plan, now: Timestamp) {
        self.written.retain(|path, _| plan.files.iter().any(|file| file.path == *path));
        if plan.files.is_empty() {
            (self.reader, self.seen) = (None, None);
            return;
        }
        let database = self.database.clone();
        match self.state(now) {
            Ok(state) => {
                self.over(&database);
                for file in &plan.files {
                    self.bring_up_to_date(file, plan.mode, &state, now);
                }
            }
            Err(error) => {
                self.reader = None;
                self.trouble(&database, &format!("cannot read the list for the files of [export]: {error}"));
            }
        }
    }

    /// The list as it is now; nothing is read again where nobody wrote and nothing ran out.
    fn state(&mut self, now: Timestamp) -> Result<ListState, StoreError> {
        let before = std::mem::replace(&mut self.renewals, self.readers.renewals());
        let reader = match self.reader.take().filter(|_| before == self.renewals) {
            Some(reader) => reader,
            None => {
                self.seen = None;
                ListReader::open(&self.database, BUSY_TIMEOUT)?
            }
        };
        let version = reader.data_version()?;
        let state = match self.seen.take() {
            Some((seen, state)) if seen == version && state.next_end.is_none_or(|end| now < end) => state,
            _ => reader.state(now)?,
        };
        self.seen = Some((version, state.clone()));
        self.reader = Some(reader);
        Ok(state)
    }

    fn bring_up_to_date(&mut self, file: &ExportFile, mode: Mode, state: &ListState, now: Timestamp) {
        let holds = (state.digest, file.table.clone(), mode);
        if self.written.get(&file.path) == Some(&holds) && file.path.exists() {
            return;
        }
        let answers = Answers { map: file.table.map, mode };
        let Some(reader) = &self.reader else { return };
        let selection = Selection { kind: None, stream: Some(file.table.stream.clone()) };
        let list = |each: &mut dyn FnMut(TableEntry<'_>) -> bool| reader.table(&selection, now, each);
        match tables::write(&file.path, Form::of(&file.path), answers, &list) {
            Ok(left_out) => {
                self.written.insert(file.path.clone(), holds);
                match tables::missing(left_out) {
                    Some(what) => self.trouble(&file.path, &format!("{}: {what}", file.path.display())),
                    None => self.over(&file.path),
                }
            }
            Err(error) => self.trouble(&file.path, &format!("{error}; Postfix goes on with the old one")),
        }
    }

    fn trouble(&mut self, path: &Path, what: &str) {
        if self.troubles.get(path).is_none_or(|known| known != what) {
            log::error!("{what}");
            self.troubles.insert(path.to_owned(), what.to_owned());
        }
    }

    fn over(&mut self, path: &Path) {
        if self.troubles.remove(path).is_some() {
            log::info!("{} is all right again", path.display());
        }
    }
}
