//! The processes that read mail for the LMTP door.
//!
//! Hostile mail is read in a child process, `suppressd lmtp-worker`, which also records it: a child that dies, or takes
//! too long, costs its own mail a 451 and nobody else anything. A mail that was in hand at [`MAX_CRASHES`] deaths is put
//! into quarantine unread. Between daemon and child: a line of JSON and the mail's bytes, and a line of JSON back.

use std::collections::HashMap;
use std::io::{self, BufRead, Read, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::event::Origin;
use crate::ingress::mail::mime::MAX_MAIL;
use crate::ingress::mail::origin::Envelope;
use crate::ingress::mail::submission::{MAX_KEPT, digest};
use crate::outcome::Outcome;
use crate::store::{Quarantined, Submission, Why, Writer};

/// Children at work at once.
const CHILDREN: usize = 2;
/// Deaths after which a mail is not read again.
const MAX_CRASHES: u32 = 3;
/// Mails whose deaths are remembered.
const MAX_REMEMBERED: usize = 100;

/// What goes to the child, before the mail's bytes.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    envelope: Envelope,
    size: usize,
}

/// What comes back.
#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    Recorded,
    Duplicate,
    Quarantined,
    TryAgain,
}

/// The pool of children.
pub struct Workers {
    config: PathBuf,
    time: Duration,
    writer: Writer,
    idle: Mutex<Vec<Worker>>,
    permits: Semaphore,
    crashes: Mutex<HashMap<String, u32>>,
}

struct Worker {
    /// Killed when it is dropped.
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Workers {
    /// A pool that starts its children with this configuration and gives each mail so much time.
    #[must_use]
    pub fn new(config: PathBuf, time: Duration, writer: Writer) -> Self {
        let (idle, crashes) = (Mutex::default(), Mutex::default());
        Self { config, time, writer, idle, permits: Semaphore::new(CHILDREN), crashes }
    }

    /// Lets idle children go, so that new ones read the configuration again.
    pub fn reload(&self) {
        self.idle().clear();
    }

    /// Has a mail read and recorded.
    pub async fn record(&self, envelope: &Envelope, mail: &[u8]) -> Outcome {
        let Ok(_permit) = self.permits.acquire().await else { return Outcome::TryAgain };
        let digest = digest(mail);
        if self.crashes(&digest) >= MAX_CRASHES {
            return self.keep_unread(envelope, mail, digest).await;
        }
        match timeout(self.time, self.ask(envelope, mail)).await {
            Ok(Ok(answer)) => answer.outcome(),
            trouble => {
                let why = trouble.map_or_else(
                    |_| "it takes too long".into(),
                    |r| r.map_or_else(|e| e.to_string(), |_| String::new()),
                );
                log::error!("lmtp: the process that reads a mail failed, Postfix is told to try again: {why}");
                self.remember(digest);
                Outcome::TryAgain
            }
        }
    }

    async fn ask(&self, envelope: &Envelope, mail: &[u8]) -> io::Result<Answer> {
        let idle = self.idle().pop();
        if let Some(mut worker) = idle {
            // It may have died while it was idle; that says nothing about this mail.
            if let Ok(answer) = worker.ask(envelope, mail).await {
                self.idle().push(worker);
                return Ok(answer);
            }
        }
        let mut worker = Worker::start(&self.config)?;
        let answer = worker.ask(envelope, mail).await?;
        self.idle().push(worker);
        Ok(answer)
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

    async fn keep_unread(&self, envelope: &Envelope, mail: &[u8], digest: String) -> Outcome {
        let kept = Quarantined {
            id: format!("mail:{digest}"),
            door: "lmtp",
            why: Why::Malformed,
            detail: format!("reading it failed {MAX_CRASHES} times"),
            origin: Origin::Unproved,
            envelope: serde_json::to_string(envelope).ok(),
            content: mail.get(..MAX_KEPT).unwrap_or(mail).to_vec(),
        };
        let submission = Submission { quarantined: vec![kept], ..Submission::default() };
        match self.writer.submit(submission).await {
            Ok(_) => Outcome::Malformed,
            Err(_) => Outcome::TryAgain,
        }
    }
}

impl Worker {
    fn start(config: &PathBuf) -> io::Result<Self> {
        let mut child = Command::new("/proc/self/exe")
            .arg("--config")
            .arg(config)
            .arg("lmtp-worker")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or_else(|| io::Error::other("no pipes to it"))?;
        Ok(Self { _child: child, input, output: BufReader::new(output) })
    }

    async fn ask(&mut self, envelope: &Envelope, mail: &[u8]) -> io::Result<Answer> {
        let mut request = serde_json::to_vec(&Request { envelope: envelope.clone(), size: mail.len() })?;
        request.push(b'\n');
        request.extend_from_slice(mail);
        self.input.write_all(&request).await?;
        let mut line = String::new();
        if self.output.read_line(&mut line).await? == 0 {
            return Err(io::Error::other("it died"));
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Answer {
    const fn outcome(&self) -> Outcome {
        match self {
            Self::Recorded => Outcome::Accepted,
            Self::Duplicate => Outcome::Duplicate,
            Self::Quarantined => Outcome::Malformed,
            Self::TryAgain => Outcome::TryAgain,
        }
    }

    const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Accepted => Self::Recorded,
            Outcome::Duplicate => Self::Duplicate,
            Outcome::Malformed | Outcome::Forged => Self::Quarantined,
            Outcome::TryAgain => Self::TryAgain,
        }
    }
}

/// The child's side: answers until its input ends.
///
/// # Errors
/// When the daemon is gone or says what can't be understood; the child then ends.
pub fn answer(
    mut input: &mut impl BufRead,
    output: &mut dyn Write,
    mut record: impl FnMut(&Envelope, &[u8]) -> Outcome,
) -> io::Result<()> {
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
        serde_json::to_writer(&mut *output, &Answer::of(record(&envelope, &mail)))?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
}
