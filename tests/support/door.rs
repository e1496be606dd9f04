//! The real door on a real socket, with a store in memory behind it and the stand-in for SNS before it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use suppressd::event::Event;
use suppressd::ingress::Sink;
use suppressd::ingress::http::fetch::{FetchLimits, Fetcher};
use suppressd::ingress::http::proxy::Proxy;
use suppressd::ingress::http::trust::Trust;
use suppressd::ingress::http::{Door, Limits, Slot, serve};
use suppressd::ingress::sns::certificate::Roots;
use suppressd::ingress::sns::{self, Settings};
use suppressd::policy::{Action, Decision};
use suppressd::socket::Listener;
use suppressd::store::{Quarantined, Receipt, Recorded, StoreError, Submission, TopicChange, TopicState};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::sns::aws::Aws;
use super::sns::pki::Pki;
use super::sns::signer::{Post, TOPIC};

/// A store that keeps everything in memory.
#[derive(Default)]
pub struct Memory {
    pub kept: Mutex<Kept>,
    pub topics: Mutex<HashMap<String, TopicState>>,
    /// What to fail with.
    pub trouble: Mutex<Option<StoreError>>,
    /// How long a commit takes.
    pub delay: Mutex<Duration>,
}

#[derive(Clone, Default, Debug, PartialEq)]
pub struct Kept {
    pub events: Vec<Event>,
    pub quarantine: Vec<Quarantined>,
    pub topics: Vec<TopicChange>,
}

impl Sink for Memory {
    async fn submit(&self, submission: Submission) -> Result<Receipt, StoreError> {
        let delay = *self.delay.lock().unwrap();
        tokio::time::sleep(delay).await;
        if let Some(trouble) = self.trouble.lock().unwrap().clone() {
            return Err(trouble);
        }
        let mut kept = self.kept.lock().unwrap();
        let mut receipt = Receipt::default();
        for event in submission.events {
            let decision = (!kept.events.iter().any(|known| known.id == event.id)).then(|| {
                kept.events.push(event);
                Decision { action: Action::Record, reason: String::new() }
            });
            receipt.events.push(Recorded { number: 0, decision, alarm: None });
        }
        receipt.quarantined = submission.quarantined.len();
        kept.quarantine.extend(submission.quarantined);
        kept.topics.extend(submission.topic);
        Ok(receipt)
    }

    fn topic_state(&self, arn: &str) -> Result<Option<TopicState>, StoreError> {
        match self.trouble.lock().unwrap().clone() {
            Some(trouble) => Err(trouble),
            None => Ok(self.topics.lock().unwrap().get(arn).copied()),
        }
    }
}

/// How a door is to be.
#[derive(Default)]
pub struct Wish {
    pub settings: Settings,
    pub limits: Limits,
    pub fetch: FetchLimits,
    pub proxy_credentials: &'static str,
    pub tls: Option<Slot<rustls::ServerConfig>>,
}

/// A door that is open.
pub struct Harness {
    pub pki: &'static Pki,
    pub aws: Aws,
    pub sink: Arc<Memory>,
    pub address: SocketAddr,
    /// How far the door's clock is ahead, in seconds.
    pub skew: Arc<AtomicI64>,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

impl Harness {
    pub async fn start() -> Self {
        Self::with(Wish::default()).await
    }

    pub async fn with(wish: Wish) -> Self {
        let pki = Pki::shared();
        let aws = Aws::start(pki).await;
        let sink = Arc::new(Memory::default());
        sink.topics.lock().unwrap().insert(TOPIC.to_owned(), TopicState::Allowed);
        let trust = trust(pki);
        let proxy = aws.proxy().replace("http://", &format!("http://{}", wish.proxy_credentials));
        let proxy = Some(Proxy::parse(&proxy).unwrap());
        let fetcher = Fetcher::new(trust.client_config().unwrap(), proxy, wish.fetch);
        let skew = Arc::new(AtomicI64::new(0));
        let clock = {
            let skew = Arc::clone(&skew);
            Box::new(move || jiff::Timestamp::now() + jiff::SignedDuration::from_secs(skew.load(Ordering::Relaxed)))
        };
        let sns = sns::Door::new(Arc::clone(&sink), wish.settings, fetcher, Roots::from_der(trust.der()), clock);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let door = Slot::new(Arc::new(Door::new("/sns".to_owned(), sns)));
        let listener = Listener::Tcp(listener);
        let stopped = async { drop(stopped.await) };
        let server = tokio::spawn(serve(listener, wish.tls, door, wish.limits, stopped));
        Self { pki, aws, sink, address, skew, stop: Some(stop), server }
    }

    pub fn allow(&self, topic: &str, state: TopicState) {
        self.sink.topics.lock().unwrap().insert(topic.to_owned(), state);
    }

    pub fn kept(&self) -> Kept {
        self.sink.kept.lock().unwrap().clone()
    }

    /// The status that a message gets.
    pub async fn post(&self, post: &Post) -> u16 {
        self.send(&post.request("/sns")).await.status
    }

    pub async fn connect(&self) -> Client {
        Client { stream: Box::new(TcpStream::connect(self.address).await.unwrap()), rest: Vec::new() }
    }

    /// Connects by TLS to a server that must present a certificate of the stand-in's CA for `name`.
    pub async fn connect_tls(&self, name: &'static str) -> std::io::Result<Client> {
        let connector = TlsConnector::from(trust(self.pki).client_config().unwrap());
        let stream = TcpStream::connect(self.address).await?;
        let stream = connector.connect(name.try_into().unwrap(), stream).await?;
        Ok(Client { stream: Box::new(stream), rest: Vec::new() })
    }

    /// Sends bytes on a connection of their own.
    pub async fn send(&self, request: &[u8]) -> Answer {
        let mut client = self.connect().await;
        client.write(request).await;
        client.answer().await.expect("an answer")
    }

    /// Asks the server to stop.
    pub fn begin_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until it has.
    pub async fn stopped(self) {
        tokio::time::timeout(Duration::from_secs(10), self.server).await.expect("it stops").unwrap();
    }
}

fn trust(pki: &Pki) -> Trust {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &pki.ca_pem).unwrap();
    Trust::only(file.path()).unwrap()
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// An HTTP client that sends whatever bytes it is given.
pub struct Client {
    stream: Box<dyn Stream>,
    rest: Vec<u8>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
}

impl Client {
    pub async fn write(&mut self, bytes: &[u8]) {
        // The server may have answered and closed before it has read all.
        let _ = self.stream.write_all(bytes).await;
    }

    /// Says that nothing more is sent.
    pub async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// The next answer; `None` if the connection ends without one.
    pub async fn answer(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.rest.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.read().await {
                return None;
            }
        };
        let head = String::from_utf8(self.rest.drain(..end).collect()).unwrap();
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let pair = |line: &str| line.split_once(": ").map(|(n, v)| (n.to_lowercase(), v.to_owned()));
        let headers: HashMap<_, _> = lines.filter_map(pair).collect();
        let length = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
        while self.rest.len() < length && self.read().await {}
        self.rest.drain(..length);
        Some(Answer { status, headers })
    }

    /// Whether the server has closed the connection, within two seconds.
    pub async fn is_closed(&mut self) -> bool {
        let closed = async { while self.read().await {} };
        tokio::time::timeout(Duration::from_secs(2), closed).await.is_ok()
    }

    async fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        match tokio::time::timeout(Duration::from_secs(10), self.stream.read(&mut buffer)).await.expect("no answer") {
            Ok(n) if n > 0 => {
                self.rest.extend_from_slice(&buffer[..n]);
                true
            }
            _ => false,
        }
    }
}
