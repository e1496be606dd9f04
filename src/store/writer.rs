//! The daemon's one writer: a thread with its own connection and group commit.
//!
//! Whatever arrives while a commit is under way shares the next one, so a burst costs one sync and not hundreds. Where one of
//! them can't be stored, all are tried again with a savepoint each: it fails alone and its neighbours are not touched. Nobody is
//! told "recorded" before the commit has returned; when the commit itself fails, all of its submissions are told so.
//! After "read-only" the next group gets a new connection, so that what the operator mends counts without a restart; and where
//! not even the memory was there to take a transaction back.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::RwLock;
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::growth::Growth;
use super::{Keeping, Readers, Receipt, StoreError, Submission, record, schema};
use crate::policy::Rules;

/// Most submissions in one commit; bounds how long the first of them waits.
const MAX_GROUP: usize = 512;
/// Submissions that may wait for the writer; further ones wait at their door.
const QUEUE: usize = 1024;

type Reply = oneshot::Sender<Result<Receipt, StoreError>>;
type Job = (Arc<Submission>, Reply);
/// Where the writer gets the time from.
pub type Clock = fn() -> Timestamp;

/// A handle to the writer thread; clones share it. The thread ends when the last handle is gone and all is written.
#[derive(Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
    rules: Arc<RwLock<Arc<Rules>>>,
    keeping: Arc<RwLock<Keeping>>,
    readers: Option<Arc<Readers>>,
}

impl Writer {
    /// Opens the database and starts the thread.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be opened or migrated.
    pub fn start(
        path: PathBuf,
        busy_timeout: Duration,
        rules: Rules,
        clock: Clock,
    ) -> Result<(Self, JoinHandle<()>), StoreError> {
        let connection = schema::open(&path, busy_timeout)?;
        let (jobs, receiver) = mpsc::channel(QUEUE);
        let rules = Arc::new(RwLock::new(Arc::new(rules)));
        let keeping = Arc::default();
        let worker = Worker {
            connection: Some(connection),
            growth: Growth::of(&path),
            path,
            busy_timeout,
            receiver,
            rules: Arc::clone(&rules),
            keeping: Arc::clone(&keeping),
            clock,
        };
        let thread = std::thread::Builder::new().name("writer".into()).spawn(move || worker.run());
        let thread = thread.map_err(|e| StoreError::Unreadable(format!("no thread for the writer: {e}")))?;
        Ok((Self { jobs, rules, keeping, readers: None }, thread))
    }

    /// The same writer, after whose "read-only" these readers give their connections up ([`Readers::renew`]).
    #[must_use]
    pub fn beside(self, readers: Arc<Readers>) -> Self {
        Self { readers: Some(readers), ..self }
    }

    /// Records a submission; it is durable when this returns.
    ///
    /// # Errors
    /// [`StoreError`]; nothing of the submission is recorded then.
    pub async fn submit(&self, submission: impl Into<Arc<Submission>>) -> Result<Receipt, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send((submission.into(), reply)).await.map_err(|_| StoreError::Closed)?;
        let recorded = answer.await.map_err(|_| StoreError::Closed)?;
        if let (Err(StoreError::ReadOnly), Some(readers)) = (&recorded, &self.readers) {
            readers.renew();
        }
        recorded
    }

    /// Applies other rules from the next event on.
    pub fn set_rules(&self, rules: Rules) {
        *self.rules.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(rules);
    }

    /// Keeps that from the next event on.
    pub fn set_keeping(&self, keeping: Keeping) {
        *self.keeping.write().unwrap_or_else(std::sync::PoisonError::into_inner) = keeping;
    }
}

struct Worker {
    /// `None` after "read-only": what was opened while the file could only be read stays like that. And after a transaction that
    /// did not end.
    connection: Option<Connection>,
    path: PathBuf,
    busy_timeout: Duration,
    receiver: mpsc::Receiver<Job>,
    rules: Arc<RwLock<Arc<Rules>>>,
    keeping: Arc<RwLock<Keeping>>,
    clock: Clock,
    growth: Growth,
}

impl Worker {
    fn run(mut self) {
        while let Some(first) = self.receiver.blocking_recv() {
            let mut group = vec![first];
            while group.len() < MAX_GROUP {
                match self.receiver.try_recv() {
                    Ok(job) => group.push(job),
                    Err(_) => break,
                }
            }
            self.write(group);
        }
    }

    /// Writes a group in one transaction and tells everyone what became of his submission.
    fn write(&mut self, group: Vec<Job>) {
        let (submissions, replies): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let results = self.record(&submissions).map_err(|error| error.of(&self.path));
        let results = results.unwrap_or_else(|error| vec![Err(error); replies.len()]);
        for (reply, result) in replies.into_iter().zip(results) {
            // Whoever handed it in may be gone; it is recorded all the same.
            let _ = reply.send(result);
        }
        if let Some(connection) = &self.connection {
            self.growth.look(connection);
        }
    }

    fn record(&mut self, submissions: &[Arc<Submission>]) -> Result<Vec<Result<Receipt, StoreError>>, StoreError> {
        let rules = Arc::clone(&self.rules.read().unwrap_or_else(std::sync::PoisonError::into_inner));
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => schema::open(&self.path, self.busy_timeout)?,
        };
        let keeping = *self.keeping.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let results = commit(&mut connection, submissions, &rules, &keeping, (self.clock)());
        let is_good = !matches!(results, Err(StoreError::ReadOnly)) && connection.is_autocommit();
        self.connection = is_good.then_some(connection);
        results
    }
}

/// One result for each submission, or the error that failed them all.
fn commit(
    connection: &mut Connection,
    submissions: &[Arc<Submission>],
    rules: &Rules,
    keeping: &Keeping,
    now: Timestamp,
) -> Result<Vec<Result<Receipt, StoreError>>, StoreError> {
    let record =
        |connection: &Connection, submission: &Submission| record::submit(connection, submission, rules, keeping, now);
    match together(connection, submissions, record) {
        Err(StoreError::Constraint(_)) => each_by_itself(connection, submissions, record),
        receipts => Ok(receipts?.into_iter().map(Ok).collect()),
    }
}

/// All or none.
fn together(
    connection: &mut Connection,
    submissions: &[Arc<Submission>],
    record: impl Fn(&Connection, &Submission) -> Result<Receipt, StoreError>,
) -> Result<Vec<Receipt>, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let receipts = submissions.iter().map(|submission| record(&transaction, submission)).collect::<Result<_, _>>()?;
    transaction.commit()?;
    Ok(receipts)
}

/// Without those that the database refuses.
fn each_by_itself(
    connection: &mut Connection,
    submissions: &[Arc<Submission>],
    record: impl Fn(&Connection, &Submission) -> Result<Receipt, StoreError>,
) -> Result<Vec<Result<Receipt, StoreError>>, StoreError> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut results = Vec::with_capacity(submissions.len());
    for submission in submissions {
        let savepoint = transaction.savepoint()?;
        let result = record(&savepoint, submission);
        match &result {
            Ok(_) => savepoint.commit()?,
            Err(StoreError::Constraint(_)) => drop(savepoint), // rolls back
            // The disk or the file: SQLite may have rolled back everything.
            Err(error) => return Err(error.clone()),
        }
        results.push(result);
    }
    transaction.commit().map_err(|error| StoreError::from(error).of_all())?;
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_that_could_not_be_taken_back_ends_with_its_connection() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("suppressd.db");
        let connection = schema::open(&path, Duration::ZERO).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut worker = Worker {
            connection: Some(connection),
            growth: Growth::of(&path),
            path,
            busy_timeout: Duration::ZERO,
            receiver: mpsc::channel(1).1,
            rules: Arc::default(),
            keeping: Arc::default(),
            clock: Timestamp::now,
        };
        assert!(worker.record(&[Arc::default()]).is_err());
        assert!(worker.record(&[Arc::default()]).is_ok());
    }
}
