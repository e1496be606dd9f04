//! `GET /health` for monitoring: 200 while the database answers, else 503. Nothing here is meant for the world.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, watch};

use crate::socket::{Listener, Stream};
use crate::store::Readers;

/// Connections at once.
const CONNECTIONS: usize = 16;
/// Time for one connection, whatever it does.
const TIME: Duration = Duration::from_secs(10);
/// Wait after an accept error that will not go away by itself.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves until told to stop.
pub(super) async fn serve(listener: Listener, readers: Arc<Readers>, mut stopped: watch::Receiver<bool>) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        let readers = Arc::clone(&readers);
        match accepted {
            Ok(stream) => drop(tokio::spawn(async move {
                let conversation = async {
                    match stream {
                        Stream::Unix(stream) => converse(stream, readers).await,
                        Stream::Tcp(stream) => converse(stream, readers).await,
                    }
                };
                let _ = tokio::time::timeout(TIME, conversation).await;
                drop(permit);
            })),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, readers: Arc<Readers>) {
    let service = service_fn(move |request| {
        let answer = answer(&request, &readers);
        async { Ok::<_, Infallible>(answer) }
    });
    // A client that breaks HTTP or goes away is nobody's trouble.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn answer(request: &Request<Incoming>, readers: &Readers) -> Response<Full<Bytes>> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/health") => match readers.ping() {
            Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
            Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
        },
        (_, "/health") => (StatusCode::METHOD_NOT_ALLOWED, "GET only\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "not found\n".to_owned()),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}
