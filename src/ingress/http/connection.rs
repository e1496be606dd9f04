//! One connection: hyper, with our deadlines.
//!
//! hyper's own header time-out closes without a word and counts idle time as header time. Here a connection is in a
//! [`Phase`]; the deadline of the phase decides between closing (idle) and 503 (a request that does not come; SNS would
//! never repeat what got 408).
//! An answer given before the whole request was read is followed by a lingering close: else the kernel would reset the
//! connection, and the client might lose our answer.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::watch;
use tokio::time::Instant;

use super::places::Places;
use super::{Door, Limits, request};
use crate::event::{MAX_NAME, printable};
use crate::ingress::Sink;
use crate::log_limit::LogLimit;

/// Longest header of a request, in bytes.
const MAX_HEADER: usize = 32 * 1024;
/// While others wait, nobody may keep a new connection for longer without a word: honest clients speak as soon as they are
/// connected, and with 512 connections 10,000 silent ones are done with in two seconds.
const SILENT: Duration = Duration::from_millis(100);
/// Nor any for longer without a whole request: that leaves time for one round of the earth to shake hands, and one for the rest.
const BEGUN: Duration = Duration::from_millis(500);
/// What the log says then.
pub(super) const CROWDED: &str = "http: all connections are taken, closed one that sent no whole request in time";
/// How long, and how much, is read from a client that still sends although it has its answer.
const LINGER_TIME: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 4 * 1024 * 1024;

const TOO_LATE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// What a connection is doing, and since when.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// Nothing at all has come.
    New(Instant),
    /// Nothing of the next request has come.
    Idle(Instant),
    /// A request has begun.
    Header(Instant),
    /// Its header is there, and its body comes, within a time of its own. Since when it has begun.
    Body(Instant),
    /// A whole request is being answered, within a time of its own.
    Answer,
}

/// Tells of phases; the connection's deadline follows.
pub(super) type Phases = watch::Sender<Phase>;

/// Serves `stream` to its end, from the phase in which it is.
pub(super) async fn run<S, IO>(
    stream: IO,
    begun: Phase,
    door: Arc<Door<S>>,
    limits: Limits,
    places: Arc<Places>,
    mut stopping: watch::Receiver<bool>,
) where
    S: Sink,
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (phases, mut phase) = watch::channel(begun);
    let phases = Arc::new(phases);
    let service = service(Arc::clone(&door), limits, Arc::clone(&phases));
    let watched = TokioIo::new(Watched { stream, phases });
    let mut connection = http1::Builder::new().max_buf_size(MAX_HEADER).serve_connection(watched, service);
    let mut draining = false;
    let end = loop {
        let now = *phase.borrow_and_update();
        let deadline = deadline(now, limits);
        tokio::select! {
            biased; // What has come counts before a deadline or a shutdown.
            done = poll_fn(|cx| connection.poll_without_shutdown(cx)) => break done.map_or_else(End::broken, |()| End::Done),
            // A new phase brings a new deadline.
            Ok(()) = phase.changed() => {}
            Ok(_) = stopping.wait_for(|stop| *stop), if !draining => {
                Pin::new(&mut connection).graceful_shutdown();
                draining = true;
            }
            () = crowded_out(&places, now) => return door.log_limit.warn("crowded", CROWDED),
            () = sleep_until(deadline) => break if matches!(*phase.borrow(), Phase::Header(_)) { End::Late } else { End::Done },
        }
    };
    end.log(&door.log_limit);
    let stream = connection.into_parts().io.into_inner().stream;
    tokio::select! {
        () = close(stream, end) => {}
        () = crowded_out(&places, Phase::Header(Instant::now())) => {}
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<request::Answer, Infallible>> + Send>>;

/// Answers requests, and tells when one begins and ends.
fn service<S: Sink>(
    door: Arc<Door<S>>,
    limits: Limits,
    phases: Arc<Phases>,
) -> impl Service<Request<Incoming>, Response = request::Answer, Error = Infallible, Future = Answering> + Unpin {
    service_fn(move |incoming| -> Answering {
        phases.send_modify(|phase| {
            let (Phase::New(since) | Phase::Idle(since) | Phase::Header(since) | Phase::Body(since)) = *phase else {
                return;
            };
            *phase = Phase::Body(since);
        });
        let (door, phases) = (Arc::clone(&door), Arc::clone(&phases));
        Box::pin(async move {
            let is_whole = || {
                phases.send_replace(Phase::Answer);
            };
            let answer = request::answer(&door, incoming, limits, is_whole).await;
            phases.send_replace(Phase::Idle(Instant::now()));
            Ok(answer)
        })
    })
}

/// Completes when the place of a connection that has not used its time is wanted.
pub(super) async fn crowded_out(places: &Places, phase: Phase) {
    let over = match phase {
        Phase::New(since) => since + SILENT,
        Phase::Idle(since) | Phase::Header(since) | Phase::Body(since) => since + BEGUN,
        Phase::Answer => return std::future::pending().await,
    };
    tokio::time::sleep_until(over).await;
    places.are_wanted().await;
}

enum End {
    /// hyper is through with it, or nothing came any more.
    Done,
    /// A request began and did not come.
    Late,
    /// hyper gave up: it has answered what can be answered.
    Broken,
    /// The same, because of what the client wrote; in hyper's words.
    NotHttp(String),
}

impl End {
    fn broken(error: hyper::Error) -> Self {
        if error.is_parse() { Self::NotHttp(printable(&error.to_string(), MAX_NAME)) } else { Self::Broken }
    }

    fn log(&self, limit: &LogLimit) {
        match self {
            Self::Late => limit.warn("late", "http: refused: 503, a request began and did not come in time"),
            Self::NotHttp(why) => limit.warn("not-http", &format!("http: refused: cannot read the request: {why}")),
            Self::Done | Self::Broken => {}
        }
    }
}

fn deadline(phase: Phase, limits: Limits) -> Option<Instant> {
    match phase {
        Phase::New(since) | Phase::Idle(since) => Some(since + limits.idle_time),
        Phase::Header(since) => Some(since + limits.header_time),
        Phase::Body(_) | Phase::Answer => None,
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Says goodbye: what was written gets through, whatever the client is still sending.
async fn close<IO: AsyncRead + AsyncWrite + Unpin>(mut stream: IO, end: End) {
    let goodbye = async {
        if matches!(end, End::Late) {
            stream.write_all(TOO_LATE).await?;
        }
        stream.shutdown().await?;
        let mut rest = (&mut stream).take(LINGER_BYTES as u64);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    tokio::time::timeout(LINGER_TIME, goodbye).await.ok();
}

/// A stream that tells when a request begins.
struct Watched<IO> {
    stream: IO,
    phases: Arc<Phases>,
}

impl<IO: AsyncRead + Unpin> AsyncRead for Watched<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(cx, buf);
        if poll.is_ready() && buf.filled().len() > before {
            self.phases.send_if_modified(|phase| {
                let begins = matches!(phase, Phase::New(_) | Phase::Idle(_));
                if begins {
                    *phase = Phase::Header(Instant::now());
                }
                begins
            });
        }
        poll
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Watched<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
