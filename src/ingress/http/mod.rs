//! The public HTTP door: HTTP/1.1 by hyper, in the clear or over TLS.
//!
//! Protocol: RFC 9110 and 9112. `POST` to the configured path is SNS; other methods there 405, other paths 404.
//! Limits: [`Limits`], all of them arguments. Over the number of connections, new ones wait, most of them in the kernel's backlog,
//! and for each one leaves that says nothing at once, or has sent no whole request soon: strangers who say nothing don't keep
//! SNS out.
//! Each request that is refused here, and each that is no HTTP, is one log line, each kind at a limited rate.
//! On failure: an error of `accept` (no descriptors left, say) is logged, and accepting goes on after a pause; nothing
//! that a client does ends more than its own connection.
//! On shutdown: a moment later accepting ends, requests under way are answered, and idle connections close.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::{Sink, sns};
use crate::log_limit::LogLimit;
use crate::socket::{Listener, Stream};
use connection::{CROWDED, Phase, crowded_out};
use places::Places;

mod connection;
pub mod fetch;
mod places;
pub mod proxy;
mod request;
mod slot;
pub mod tls;
pub mod trust;

pub use slot::Slot;
pub use tls::{TlsError, load_tls};

/// How long to wait after `accept` failed. Descriptors come back when connections end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// How long the door stays open at shutdown, so that nothing is turned away that had come before.
const LAST_CALL: Duration = Duration::from_millis(100);

/// What the public door leads to.
pub struct Door<S> {
    sns_path: String,
    sns: sns::Door<S>,
    log_limit: LogLimit,
}

impl<S> Door<S> {
    /// A door whose `path`, as in `/sns`, leads to `sns`.
    #[must_use]
    pub fn new(path: String, sns: sns::Door<S>) -> Self {
        Self { sns_path: path, sns, log_limit: LogLimit::default() }
    }
}

/// What a client may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// From the first byte of a request to the end of its header; also a TLS handshake.
    pub header_time: Duration,
    /// From the end of the header to the end of the body.
    pub body_time: Duration,
    /// From the end of the body to our answer. SNS waits 15 s in all.
    pub answer_time: Duration,
    /// Without any request, before the connection is closed.
    pub idle_time: Duration,
    /// For requests under way at shutdown.
    pub drain_time: Duration,
    /// Longest body, in bytes. An SNS message has up to 256 KiB, which JSON escapes twice.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(15),
            answer_time: Duration::from_secs(14),
            idle_time: Duration::from_secs(75),
            drain_time: Duration::from_secs(20),
            body_bytes: 1024 * 1024,
        }
    }
}

/// Serves until `shutdown` completes and the requests then under way are answered, or `drain_time` has passed.
pub async fn serve<S: Sink>(
    listener: Listener,
    tls: Option<Slot<ServerConfig>>,
    door: Slot<Door<S>>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let places = Arc::new(Places::new(limits.connections));
    let (stop, stopping) = watch::channel(false);
    let server = Server { door, tls, limits, places: Arc::clone(&places), stopping, log_limit: LogLimit::default() };
    tokio::select! {
        () = server.accept_all(&listener) => {}
        () = async { shutdown.await; tokio::time::sleep(LAST_CALL).await } => {}
    }
    drop(listener);
    stop.send_replace(true);
    if tokio::time::timeout(limits.drain_time, places.are_free()).await.is_err() {
        log::warn!("http: gave up waiting for connections that did not end within {:?}", limits.drain_time);
    }
}

struct Server<S> {
    door: Slot<Door<S>>,
    tls: Option<Slot<ServerConfig>>,
    limits: Limits,
    places: Arc<Places>,
    stopping: watch::Receiver<bool>,
    log_limit: LogLimit,
}

impl<S: Sink> Server<S> {
    async fn accept_all(&self, listener: &Listener) {
        loop {
            match listener.accept().await {
                Ok(stream) => {
                    let Some(place) = self.places.take().await else { return };
                    match stream {
                        Stream::Tcp(stream) => self.spawn(stream, place),
                        Stream::Unix(stream) => self.spawn(stream, place),
                    }
                }
                // Every error of accept(2) but a bug of ours passes: ECONNABORTED, EMFILE, ENOBUFS, ENETDOWN.
                Err(error) => {
                    self.log_limit
                        .warn("accept", &format!("http: cannot accept a connection, will go on trying: {error}"));
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn spawn(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, place: OwnedSemaphorePermit) {
        let places = Arc::clone(&self.places);
        let (door, limits, stopping) = (self.door.current(), self.limits, self.stopping.clone());
        let tls = self.tls.as_ref().map(Slot::current);
        tokio::spawn(async move {
            let _place = place;
            match tls {
                None => {
                    let begun = Phase::New(Instant::now());
                    connection::run(stream, begun, door, limits, places, stopping).await;
                }
                Some(config) => {
                    let handshake = pin!(tokio_rustls::TlsAcceptor::from(config).accept(stream));
                    let begun = Phase::Header(Instant::now());
                    let shaken = tokio::select! {
                        shaken = tokio::time::timeout(limits.header_time, handshake) => shaken,
                        () = crowded_out(&places, begun) => return door.log_limit.warn("crowded", CROWDED),
                    };
                    match shaken {
                        Ok(Ok(stream)) => {
                            // In TLS 1.2 the client has to hear from us once more before it can speak.
                            let begun = Phase::Idle(Instant::now());
                            connection::run(stream, begun, door, limits, places, stopping).await;
                        }
                        Ok(Err(error)) => log::debug!("http: TLS with a client failed: {error}"),
                        Err(_) => log::debug!("http: TLS with a client took too long"),
                    }
                }
            }
        });
    }
}
