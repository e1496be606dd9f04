//! A small GET, for signing certificates and subscription URLs.
//!
//! Protocol: HTTP/1.1 over TLS (rustls) for https, in the clear for http; through a proxy by CONNECT (RFC 9110 §9.3.6)
//! for https and by absolute-form requests (RFC 9112 §3.2.2) for http. One request a connection. No redirects.
//! Limits: [`FetchLimits`] bound a fetch as a whole, connecting included.
//! On failure: [`FetchError`]; every failure may pass, so whoever waits for the answer should try again later.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{HOST, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use super::proxy::Proxy;

/// What one fetch may cost.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// From the first connect to the last byte.
    pub time: Duration,
    /// Longest body, in bytes.
    pub bytes: usize,
}

impl Default for FetchLimits {
    /// 5 s, well within the 15 s that SNS waits for us; 64 KiB, where a certificate file has about 2.
    fn default() -> Self {
        Self { time: Duration::from_secs(5), bytes: 64 * 1024 }
    }
}

/// Why nothing was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// Not an http or https URL with a host.
    Url,
    /// No connection to the server, or to the proxy.
    Connect(String),
    /// The proxy did not lead us on.
    Proxy(u16),
    /// The server's certificate is not trusted, or TLS failed otherwise.
    Tls(String),
    /// The connection broke, or what came was not HTTP.
    Http(String),
    /// An answer other than 200. A redirect is one too.
    Status(u16),
    /// More bytes than allowed.
    TooLarge,
    /// Longer than allowed.
    TimedOut,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str("not a URL that can be fetched"),
            Self::Connect(why) => write!(f, "cannot connect: {why}"),
            Self::Proxy(status) => write!(f, "the proxy answered {status}"),
            Self::Tls(why) => write!(f, "TLS failed: {why}"),
            Self::Http(why) => write!(f, "the connection failed: {why}"),
            Self::Status(status) => write!(f, "the server answered {status}"),
            Self::TooLarge => f.write_str("the answer is too large"),
            Self::TimedOut => f.write_str("no answer in time"),
        }
    }
}

impl std::error::Error for FetchError {}

/// Fetches; cheap to share.
#[derive(Clone)]
pub struct Fetcher {
    tls: Arc<ClientConfig>,
    proxy: Option<Proxy>,
    limits: FetchLimits,
}

impl Fetcher {
    /// A fetcher that trusts what `tls` trusts and goes through `proxy`, if there is one.
    #[must_use]
    pub fn new(tls: Arc<ClientConfig>, proxy: Option<Proxy>, limits: FetchLimits) -> Self {
        Self { tls, proxy, limits }
    }

    /// The body of `url`, if the answer is 200.
    ///
    /// # Errors
    /// [`FetchError`]
    pub async fn get(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let target = Target::parse(url)?;
        tokio::time::timeout(self.limits.time, self.get_target(&target)).await.map_err(|_| FetchError::TimedOut)?
    }

    async fn get_target(&self, target: &Target) -> Result<Vec<u8>, FetchError> {
        let response = match (&self.proxy, target.https) {
            (None, false) => send(connect(&target.host, target.port).await?, target.request(None)?).await?,
            (None, true) => self.send_tls(connect(&target.host, target.port).await?, target).await?,
            (Some(proxy), false) => {
                send(connect(proxy.host(), proxy.port()).await?, target.request(Some(proxy))?).await?
            }
            (Some(proxy), true) => self.send_tls(tunnel(proxy, target).await?, target).await?,
        };
        read(response, self.limits.bytes).await
    }

    async fn send_tls<S>(&self, stream: S, target: &Target) -> Result<Response<Incoming>, FetchError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let name = ServerName::try_from(target.host.clone()).map_err(|_| FetchError::Url)?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector.connect(name, stream).await.map_err(|e| FetchError::Tls(e.to_string()))?;
        send(stream, target.request(None)?).await
    }
}

/// Where a URL leads.
struct Target {
    https: bool,
    host: String,
    port: u16,
    path: String,
    whole: String,
}

impl Target {
    fn parse(url: &str) -> Result<Self, FetchError> {
        let url = Url::parse(url).map_err(|_| FetchError::Url)?;
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(FetchError::Url),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Url);
        }
        let host = url.host_str().ok_or(FetchError::Url)?.to_owned();
        let port = url.port_or_known_default().ok_or(FetchError::Url)?;
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        Ok(Self { https, host, port, path, whole: url.as_str().to_owned() })
    }

    /// A GET of this target: in origin form, or in absolute form for a proxy.
    fn request(&self, proxy: Option<&Proxy>) -> Result<Request<Empty<Bytes>>, FetchError> {
        let uri = if proxy.is_some() { &self.whole } else { &self.path };
        let mut request = request(Method::GET, uri, &self.host)?;
        authorize(&mut request, proxy)?;
        Ok(request)
    }

    fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

fn request(method: Method, uri: &str, host: &str) -> Result<Request<Empty<Bytes>>, FetchError> {
    Request::builder()
        .method(method)
        .uri(uri)
        .header(HOST, host)
        .header(USER_AGENT, concat!("suppressd/", env!("CARGO_PKG_VERSION")))
        .body(Empty::new())
        .map_err(|_| FetchError::Url)
}

fn authorize(request: &mut Request<Empty<Bytes>>, proxy: Option<&Proxy>) -> Result<(), FetchError> {
    if let Some(authorization) = proxy.and_then(Proxy::authorization) {
        let mut value = HeaderValue::from_str(authorization).map_err(|_| FetchError::Url)?;
        value.set_sensitive(true);
        request.headers_mut().insert(PROXY_AUTHORIZATION, value);
    }
    Ok(())
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, FetchError> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    TcpStream::connect((host, port)).await.map_err(|e| FetchError::Connect(e.to_string()))
}

/// A stream to `target` through `proxy`.
async fn tunnel(
    proxy: &Proxy,
    target: &Target,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, FetchError> {
    let authority = target.authority();
    let mut request = request(Method::CONNECT, &authority, &authority)?;
    authorize(&mut request, Some(proxy))?;
    let response = send(connect(proxy.host(), proxy.port()).await?, request).await?;
    if !response.status().is_success() {
        return Err(FetchError::Proxy(response.status().as_u16()));
    }
    hyper::upgrade::on(response).await.map(TokioIo::new).map_err(http_error)
}

/// Sends one request and returns the head of its answer; the connection ends when the body is dropped.
async fn send<S>(stream: S, request: Request<Empty<Bytes>>) -> Result<Response<Incoming>, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(http_error)?;
    tokio::spawn(connection.with_upgrades());
    sender.send_request(request).await.map_err(http_error)
}

async fn read(response: Response<Incoming>, limit: usize) -> Result<Vec<u8>, FetchError> {
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status().as_u16()));
    }
    let mut body = response.into_body();
    if body.size_hint().lower() > limit as u64 {
        return Err(FetchError::TooLarge);
    }
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(http_error)?.into_data() {
            if read.len() + data.len() > limit {
                return Err(FetchError::TooLarge);
            }
            read.extend_from_slice(&data);
        }
    }
    Ok(read)
}

fn http_error(error: hyper::Error) -> FetchError {
    FetchError::Http(error.to_string())
}
