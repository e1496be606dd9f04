//! Bounce mail by LMTP: the recommended door, because a daemon that is down or slow never bounces mail there.
//!
//! PROTOCOL: see [`session`]. LIMITS: [`Limits`]; further connections wait. On failure: 451, and Postfix keeps the mail; trouble that
//! lasts is logged at a limited rate.
//! Each recipient gets his reply after the mail is recorded under his address (RFC 2033 §4.2). Mail is read by child
//! processes ([`worker`]), so that none can take the daemon with it.

pub mod session;
pub mod worker;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::log_limit::LogLimit;
use crate::socket::{Listener, Stream};
use session::{Collector, MAX_LINE, Session, Step};
use worker::Workers;

/// Wait after an accept error that will not go away by itself.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Bounds on what clients can cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// How long a client may be silent, or take no reply; RFC 5321 §4.5.3.2.7 asks for 5 minutes.
    pub idle: Duration,
    /// How long conversations may take to end after the stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 50, idle: Duration::from_secs(300), drain: Duration::from_secs(10) }
    }
}

/// Serves until `stopped` says so and the conversations have ended.
pub async fn serve(listener: Listener, workers: Arc<Workers>, limits: Limits, stopped: watch::Receiver<bool>) {
    let mut conversations = JoinSet::new();
    tokio::select! {
        () = accept(&listener, &workers, limits, &stopped, &mut conversations) => {}
        () = stop(stopped.clone()) => {}
    }
    drop(listener);
    let ended = async { while conversations.join_next().await.is_some() {} };
    if timeout(limits.drain, ended).await.is_err() {
        log::warn!("lmtp: conversations were cut off by the stop; Postfix will try again");
    }
}

async fn accept(
    listener: &Listener,
    workers: &Arc<Workers>,
    limits: Limits,
    stopped: &watch::Receiver<bool>,
    conversations: &mut JoinSet<()>,
) {
    let free = Arc::new(Semaphore::new(limits.connections));
    let log_limit = LogLimit::default();
    loop {
        while conversations.try_join_next().is_some() {}
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        match listener.accept().await {
            Ok(stream) => {
                let (workers, stopped) = (Arc::clone(workers), stopped.clone());
                conversations.spawn(async move {
                    // The client is gone, or too slow; it keeps the mail.
                    let _ = match stream {
                        Stream::Unix(stream) => converse(stream, &workers, limits.idle, stopped).await,
                        Stream::Tcp(stream) => converse(stream, &workers, limits.idle, stopped).await,
                    };
                    drop(permit);
                });
            }
            Err(error) => {
                log_limit.warn("accept", &format!("lmtp: cannot accept connections: {error}; trying on"));
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn stop(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    workers: &Workers,
    idle: Duration,
    stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut session = Session::default();
    say(&mut stream, "220 suppressd LMTP", idle).await?;
    loop {
        let line = tokio::select! {
            line = read_line(&mut stream, MAX_LINE) => line,
            () = stop(stopped.clone()) => return say(&mut stream, "421 4.3.2 shutting down", idle).await,
            () = sleep(idle) => return say(&mut stream, "421 4.4.2 no command for too long", idle).await,
        };
        let Some(line) = line? else { return Ok(()) };
        let line = line.trim_ascii_end();
        match session.line(line) {
            Step::Reply(text) => say(&mut stream, &text, idle).await?,
            Step::Quit(text) => return say(&mut stream, &text, idle).await,
            Step::Data(text) => {
                say(&mut stream, &text, idle).await?;
                let mail = timeout(idle, read_mail(&mut stream)).await??;
                for envelope in session.take_envelopes() {
                    let outcome = workers.record(&envelope, &mail).await;
                    say(&mut stream, outcome.lmtp_reply(), idle).await?;
                }
            }
        }
    }
}

async fn say(
    stream: &mut BufReader<impl AsyncRead + AsyncWrite + Unpin>,
    text: &str,
    idle: Duration,
) -> io::Result<()> {
    let text = format!("{text}\r\n");
    timeout(idle, stream.write_all(text.as_bytes())).await??;
    Ok(())
}

/// A line with its end, or the first `max` bytes of a longer one; `None` at the end of the stream.
async fn read_line(stream: &mut (impl AsyncBufReadExt + Unpin), max: usize) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    loop {
        let buffer = stream.fill_buf().await?;
        if buffer.is_empty() {
            return Ok(Some(line).filter(|line| !line.is_empty()));
        }
        let free = buffer.get(..max - line.len()).unwrap_or(buffer);
        let end = free.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let used = end.unwrap_or(free.len());
        line.extend_from_slice(free.get(..used).unwrap_or_default());
        stream.consume(used);
        if end.is_some() || line.len() == max {
            return Ok(Some(line));
        }
    }
}

async fn read_mail(stream: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<Vec<u8>> {
    let mut collector = Collector::default();
    loop {
        match read_line(stream, MAX_LINE).await? {
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
            Some(piece) if collector.take(&piece) => return Ok(collector.into_mail()),
            Some(_) => {}
        }
    }
}
