//! Connections: accepts them, reads requests, writes replies; the same for all protocols.
//!
//! Each connection is one task, and it is asked, answered and written to in the same thread. Requests that came in one
//! read are answered by one write, in order.
//! LIMITS: [`Limits`]. A client that says nothing, or takes no replies, holds one task and a few kilobytes, and
//! that until its time is over. Replies are written out before more requests are looked at.
//! On failure: an accept error never ends the service; out of file descriptors it pauses and says so. A connection that
//! breaks the protocol is closed and its neighbours don't notice. When told to stop, no connection is accepted any more,
//! requests that are here are answered, and idle connections are closed; Postfix asks again elsewhere or later.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};

use super::{Lookup, Protocol, Step};
use crate::log_limit::LogLimit;
use crate::socket::{Listener, Stream};

/// Bytes asked for by one read. A request of Postfix has about 50, a policy request about 700.
const READ: usize = 4096;
/// Replies are written out when there are so many bytes of them.
const WRITE: usize = 64 * 1024;
/// Wait after an accept error that will not go away by itself: out of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Bounds on what clients can cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time; further ones are closed at once.
    pub connections: usize,
    /// How long a connection may be silent between requests.
    pub idle: Duration,
    /// How long a request may take to arrive once it has begun.
    pub request: Duration,
    /// How long a client may take no reply.
    pub write: Duration,
    /// How long connections may take to end after the stop.
    pub drain: Duration,
}

impl Default for Limits {
    /// `idle` is above Postfix's `smtpd_policy_service_max_idle` (300 s): a policy connection that we close costs the
    /// next recipient a second. Postfix closes socketmap connections after 10 s by itself.
    fn default() -> Self {
        Self {
            connections: 2000,
            idle: Duration::from_secs(600),
            request: Duration::from_secs(10),
            write: Duration::from_secs(10),
            drain: Duration::from_secs(2),
        }
    }
}

/// What is served on a socket.
#[derive(Clone)]
pub struct Service {
    /// In which language.
    pub protocol: Protocol,
    /// Who answers.
    pub lookup: Arc<Lookup>,
    /// Within what bounds.
    pub limits: Limits,
    /// Where the time comes from.
    pub clock: fn() -> Timestamp,
    /// For what clients can repeat at will.
    pub log_limit: Arc<LogLimit>,
}

impl Service {
    /// Tells an operator; each `kind` at a limited rate.
    fn warn(&self, kind: &'static str, sentence: &str) {
        self.log_limit.warn(kind, &format!("{}: {sentence}", self.protocol.as_str()));
    }
}

/// Serves until `shutdown` completes and the connections have ended.
pub async fn serve(listener: Listener, service: Service, shutdown: impl Future<Output = ()>) {
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::select! {
        () = accept(&listener, &service, &stopped, &mut connections) => {}
        () = shutdown => {}
    }
    drop(listener);
    let _ = stop.send(true); // nobody listens if there is no connection
    if timeout(service.limits.drain, drained(&mut connections)).await.is_err() {
        log::warn!("{}: {} connections were cut off by the stop", service.protocol.as_str(), connections.len());
    }
}

async fn drained(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

/// Accepts for ever.
async fn accept(
    listener: &Listener,
    service: &Service,
    stopped: &watch::Receiver<bool>,
    connections: &mut JoinSet<()>,
) {
    let free = Arc::new(Semaphore::new(service.limits.connections));
    loop {
        while connections.try_join_next().is_some() {}
        match (listener.accept().await, Arc::clone(&free).try_acquire_owned()) {
            (Ok(stream), Ok(permit)) => {
                let (service, stopped) = (service.clone(), stopped.clone());
                connections.spawn(async move {
                    converse(stream, &service, stopped).await;
                    drop(permit);
                });
            }
            (Ok(_), Err(_)) => service.warn("full", "too many connections, closed the newest"),
            (Err(error), _) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            (Err(error), _) => {
                service.warn("accept", &format!("cannot accept connections: {error}; trying on"));
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Why a connection is over.
enum End {
    /// The client closed it, was silent or slow for too long, or we stop.
    Quiet,
    /// Not our protocol.
    Violation(&'static str),
}

async fn converse(mut stream: Stream, service: &Service, mut stopped: watch::Receiver<bool>) {
    let (mut input, mut output) = (Vec::new(), Vec::new());
    let mut patience = Patience::new(service.limits);
    let mut stop = pin!(stopped.wait_for(|stop| *stop));
    let end = loop {
        input.reserve(READ);
        let begun = !input.is_empty();
        let received = tokio::select! {
            biased; // what is here is answered, even when we stop
            read = stream.read_buf(&mut input) => matches!(read, Ok(1..)),
            () = patience.over() => false,
            // A request that has begun gets its time; drain bounds it.
            _ = &mut stop, if !begun => false,
        };
        if !received {
            break End::Quiet;
        }
        let all = input.len();
        if let Some(end) = answer_all(&mut stream, &mut input, &mut output, service).await {
            break end;
        }
        let same = begun && input.len() == all;
        patience.renew(same, input.is_empty());
    };
    if let End::Violation(why) = end {
        service.warn(why, &format!("connection closed: {why}"));
    }
}

/// How long a client may still take. Its timer is left alone while requests come and go, since setting one for each
/// would cost more than the request: when it fires too early, it is set anew.
struct Patience {
    limits: Limits,
    deadline: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Patience {
    fn new(limits: Limits) -> Self {
        let deadline = Instant::now() + limits.idle;
        Self { limits, deadline, timer: Box::pin(sleep_until(deadline)) }
    }

    /// Completes when the time is over.
    async fn over(&mut self) {
        loop {
            self.timer.as_mut().await;
            if Instant::now() >= self.deadline {
                return;
            }
            self.timer.as_mut().reset(self.deadline);
        }
    }

    /// After something was received: `same` if it only continued the request that had begun before, `idle` if nothing
    /// of a request is left. Dripping bytes buys no time.
    fn renew(&mut self, same: bool, idle: bool) {
        if same {
            return;
        }
        self.deadline = Instant::now() + if idle { self.limits.idle } else { self.limits.request };
        if self.deadline < self.timer.deadline() {
            self.timer.as_mut().reset(self.deadline);
        }
    }
}

/// Answers all complete requests of `input` and leaves the rest there.
async fn answer_all(stream: &mut Stream, input: &mut Vec<u8>, output: &mut Vec<u8>, service: &Service) -> Option<End> {
    let mut done = 0;
    loop {
        let step = answer_some(input, &mut done, output, service);
        if !output.is_empty() && stream.write_all(output, service.limits.write).await.is_err() {
            return Some(End::Quiet);
        }
        output.clear();
        match step {
            Step::Incomplete => break,
            Step::Answered(_) => {}
            Step::Violation(why) => return Some(End::Violation(why)),
        }
    }
    input.drain(..done);
    input.shrink_to(READ);
    output.shrink_to(READ);
    None
}

/// Answers requests until no complete one is left or [`WRITE`] bytes of replies are there.
fn answer_some(input: &[u8], done: &mut usize, output: &mut Vec<u8>, service: &Service) -> Step {
    let now = (service.clock)();
    while output.len() < WRITE {
        let rest = input.get(*done..).unwrap_or_default();
        if rest.is_empty() {
            return Step::Incomplete;
        }
        match service.protocol.step(rest, &service.lookup, now, output) {
            Step::Answered(length) => *done += length,
            other => return other,
        }
    }
    Step::Answered(0)
}
