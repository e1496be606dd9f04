//! The processes that read mail for the LMTP door.
//!
//! Hostile mail is read in a child process, `suppressd lmtp-worker`: one that dies, or takes too long, costs its own mail
//! a 451 and nobody else anything. A mail that was in hand at [`MAX_CRASHES`] deaths is put into quarantine unread. What
//! the child understood is recorded by the daemon's writer, so that mails in hand at the same time share a commit.
//! A child works by the text of the configuration that the daemon has, whatever the file says meanwhile, and after a reload no child
//! of before gets another mail.
//! Between daemon and child: the configuration as a line of JSON; then for each mail a line of JSON and the mail's bytes, and a
//! line of JSON back.

use std::collections::HashMap;
use std::io::{self, BufRead, Read, Write};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::event::Door;
use crate::ingress::mail::mime::MAX_MAIL;
use crate::ingress::mail::origin::{Envelope, NoAnswer};
use crate::ingress::mail::submission::{self, digest, refused, unrecordable};
use crate::log_limit::LogLimit;
use crate::outcome::Outcome;
use crate::store::{Submission, Writer};

/// Children at work at once.
const CHILDREN: usize = 2;
/// Deaths after which a mail is not read again.
const MAX_CRASHES: u32 = 3;
/// Mails whose deaths are remembered.
const MAX_REMEMBERED: usize = 100;

/// What a child says first.
const READY: &str = "ready\n";

/// What goes to the child, before the mail's bytes.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    envelope: Envelope,
    size: usize,
}

/// The pool of children.
pub struct Workers {
    config: Mutex<Arc<str>>,
    time: Duration,
    writer: Writer,
    idle: Mutex<Vec<Worker>>,
    permits: Semaphore,
    crashes: Mutex<HashMap<String, u32>>,
    log_limit: LogLimit,
}

struct Worker {
    /// Killed when it is dropped.
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    config: Arc<str>,
}

impl Workers {
    /// A pool that starts its children with this text of a configuration and gives each mail so much time.
    #[must_use]
    pub fn new(config: String, time: Duration, writer: Writer) -> Self {
        let (idle, crashes, log_limit) = (Mutex::default(), Mutex::default(), LogLimit::default());
        let config = Mutex::new(config.into());
        Self { config, time, writer, idle, permits: Semaphore::new(CHILDREN), crashes, log_limit }
    }

    /// Has further mail read by children with another configuration.
    pub fn reload(&self, config: String) {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = config.into();
        self.idle().clear();
        self.log_limit.reset();
    }

    /// Has a mail read, and records what it says.
    pub async fn record(&self, envelope: &Envelope, mail: &[u8]) -> Outcome {
        let Some(submission) = self.read(envelope, mail).await else { return Outcome::TryAgain };
        let mut submission = Arc::new(submission);
        let mut receipt = self.writer.submit(Arc::clone(&submission)).await;
        if let Some(kept) = receipt.as_ref().err().and_then(|error| refused(mail, envelope, Door::Lmtp, error)) {
            submission = Arc::new(kept);
            receipt = self.writer.submit(Arc::clone(&submission)).await;
        }
        match receipt {
            Ok(receipt) => {
                submission::report(&submission, &receipt, envelope, &self.log_limit);
                submission::outcome(&submission)
            }
            Err(error) => {
                self.trouble("store", &format!("cannot record a mail: {error}"));
                Outcome::TryAgain
            }
        }
    }

    /// What a mail says; `None` for trouble that may pass.
    async fn read(&self, envelope: &Envelope, mail: &[u8]) -> Option<Submission> {
        let _permit = self.permits.acquire().await.ok()?;
        let digest = digest(mail);
        if self.crashes(&digest) >= MAX_CRASHES {
            let detail = format!("reading it failed {MAX_CRASHES} times");
            return Some(unrecordable(mail, envelope, Door::Lmtp, detail));
        }
        let mut worker = match timeout(self.time, self.worker()).await.unwrap_or_else(|late| Err(late.into())) {
            Ok(worker) => worker,
            Err(error) => {
                self.trouble("start", &format!("cannot start a process to read mail: {error}"));
                return None;
            }
        };
        match timeout(self.time, worker.ask(envelope, mail)).await.unwrap_or_else(|late| Err(late.into())) {
            Ok(submission) => {
                self.give_back(worker);
                if submission.is_none() {
                    self.trouble("answer", &NoAnswer.to_string());
                }
                submission
            }
            Err(error) => {
                self.trouble("process", &format!("the process that reads a mail failed: {error}"));
                self.remember(digest);
                None
            }
        }
    }

    /// Tells an operator, at a limited rate: Postfix comes again with each mail of its queue.
    fn trouble(&self, reason: &'static str, what: &str) {
        self.log_limit.warn(reason, &format!("lmtp: {what}; Postfix is told to try again"));
    }

    /// An idle child that still lives, or a new one.
    async fn worker(&self) -> io::Result<Worker> {
        while let Some(mut worker) = self.take_idle() {
            if matches!(worker.child.try_wait(), Ok(None)) {
                return Ok(worker);
            }
        }
        Worker::start(self.config()).await
    }

    fn config(&self) -> Arc<str> {
        Arc::clone(&self.config.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn give_back(&self, worker: Worker) {
        let mut idle = self.idle();
        if Arc::ptr_eq(&worker.config, &self.config()) {
            idle.push(worker);
        }
    }

    fn take_idle(&self) -> Option<Worker> {
        self.idle().pop()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn crashes(&self, digest: &str) -> u32 {
        self.crashes.lock().unwrap_or_else(PoisonError::into_inner).get(digest).copied().unwrap_or(0)
    }

    fn remember(&self, digest: String) {
        let mut crashes = self.crashes.lock().unwrap_or_else(PoisonError::into_inner);
        if crashes.len() >= MAX_REMEMBERED {
            crashes.clear();
        }
        *crashes.entry(digest).or_default() += 1;
    }
}

impl Worker {
    /// Starts a child and waits until it is ready: one that fails before has not seen any mail.
    async fn start(config: Arc<str>) -> io::Result<Self> {
        let mut child = Command::new("/proc/self/exe")
            .arg("lmtp-worker")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or_else(|| io::Error::other("no pipes to it"))?;
        let mut worker = Self { child, input, output: BufReader::new(output), config };
        let mut first = serde_json::to_vec(&*worker.config)?;
        first.push(b'\n');
        worker.input.write_all(&first).await?;
        let line = worker.line().await?;
        if line == READY { Ok(worker) } else { Err(io::Error::other("it does not get ready; see its own message")) }
    }

    /// `None` if the mail is to come again.
    async fn ask(&mut self, envelope: &Envelope, mail: &[u8]) -> io::Result<Option<Submission>> {
        let mut request = serde_json::to_vec(&Request { envelope: envelope.clone(), size: mail.len() })?;
        request.push(b'\n');
        request.extend_from_slice(mail);
        self.input.write_all(&request).await?;
        Ok(serde_json::from_str(&self.line().await?)?)
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.output.read_line(&mut line).await? {
            0 => Err(io::Error::other("it died")),
            _ => Ok(line),
        }
    }
}

/// The child's side: the text of the configuration, which comes first.
///
/// # Errors
/// When the daemon is gone or says what can't be understood.
pub fn config(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

/// The child's side: answers until its input ends; `None` of `read` has the mail come again.
///
/// # Errors
/// When the daemon is gone or says what can't be understood; the child then ends.
pub fn answer(
    mut input: &mut impl BufRead,
    output: &mut dyn Write,
    mut read: impl FnMut(&Envelope, &[u8]) -> Option<Submission>,
) -> io::Result<()> {
    output.write_all(READY.as_bytes())?;
    output.flush()?;
    loop {
        let mut line = String::new();
        if (&mut input).take(64 * 1024).read_line(&mut line)? == 0 {
            return Ok(());
        }
        let Request { envelope, size } = serde_json::from_str(&line)?;
        if size > MAX_MAIL {
            return Err(io::Error::other("a mail over the limit"));
        }
        let mut mail = vec![0; size];
        input.read_exact(&mut mail)?;
        serde_json::to_writer(&mut *output, &read(&envelope, &mail))?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
}
