//! The private door, for monitoring; nothing here is meant for the world.
//!
//! `GET /health`: 200 while the database answers, else 503. `GET /metrics`: numbers in the text format of OpenMetrics.
//! LIMITS: few connections, each for a short time; numbers are read in a thread of their own and told again for a while.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, watch};

use super::monitoring::Monitoring;
use crate::socket::{Listener, Stream};
use crate::store::Readers;
use crate::telemetry::metrics;

/// Connections at once.
const CONNECTIONS: usize = 16;
/// Time for one connection, whatever it does.
const TIME: Duration = Duration::from_secs(10);
/// Wait after an accept error that will not go away by itself.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Who answers.
pub(super) struct Admin {
    readers: Arc<Readers>,
    monitoring: Monitoring,
}

impl Admin {
    pub(super) const fn new(readers: Arc<Readers>, monitoring: Monitoring) -> Self {
        Self { readers, monitoring }
    }
}

/// Serves until told to stop.
pub(super) async fn serve(listener: Listener, admin: Arc<Admin>, mut stopped: watch::Receiver<bool>) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        let admin = Arc::clone(&admin);
        match accepted {
            Ok(stream) => drop(tokio::spawn(async move {
                let conversation = async {
                    match stream {
                        Stream::Unix(stream) => converse(stream, admin).await,
                        Stream::Tcp(stream) => converse(stream, admin).await,
                    }
                };
                let _ = tokio::time::timeout(TIME, conversation).await;
                drop(permit);
            })),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, admin: Arc<Admin>) {
    let service = service_fn(move |request| {
        let admin = Arc::clone(&admin);
        async move { Ok::<_, Infallible>(answer(&request, admin).await) }
    });
    // A client that breaks HTTP or goes away is nobody's trouble.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

type Answer = Response<Full<Bytes>>;

async fn answer(request: &Request<Incoming>, admin: Arc<Admin>) -> Answer {
    match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/health") => health(&admin.readers),
        (&Method::GET | &Method::HEAD, "/metrics") => numbers(admin).await,
        (_, "/health" | "/metrics") => plain(StatusCode::METHOD_NOT_ALLOWED, "GET only\n"),
        _ => plain(StatusCode::NOT_FOUND, "not found\n"),
    }
}

fn health(readers: &Readers) -> Answer {
    match readers.ping() {
        Ok(()) => plain(StatusCode::OK, "ok\n"),
        Err(error) => plain(StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
    }
}

async fn numbers(admin: Arc<Admin>) -> Answer {
    match tokio::task::spawn_blocking(move || admin.monitoring.text()).await {
        Ok(text) => {
            let mut answer = plain(StatusCode::OK, text);
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(metrics::CONTENT_TYPE));
            answer
        }
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "no numbers\n"),
    }
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::from(text.into()));
    *answer.status_mut() = status;
    answer
}
