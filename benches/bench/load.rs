//! A load client: connections with one outstanding request each, as Postfix's, all in one thread by epoll.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

/// Where a server listens.
#[derive(Clone, Debug)]
pub enum At {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

/// How the end of a reply is seen.
#[derive(Clone, Copy)]
pub enum Framing {
    /// By its last byte.
    Until(u8),
    /// By an empty line.
    EmptyLine,
}

/// What was measured.
pub struct Measured {
    /// Round trips per second, of all connections together.
    pub rate: f64,
    /// Of each round trip, in nanoseconds, ascending.
    latencies: Vec<u32>,
}

impl Measured {
    /// The latency that so many of a thousand stay below, in milliseconds.
    pub fn per_mille(&self, part: usize) -> f64 {
        per_mille(&self.latencies, part)
    }

    /// How many round trips there were, and how many of them took longer than this.
    pub fn above(&self, time: Duration) -> (usize, usize) {
        let limit = time.as_nanos();
        (self.latencies.len(), self.latencies.iter().rev().take_while(|latency| u128::from(**latency) > limit).count())
    }
}

fn per_mille(latencies: &[u32], part: usize) -> f64 {
    let rank = (latencies.len() * part / 1000).min(latencies.len().saturating_sub(1));
    f64::from(latencies.get(rank).copied().unwrap_or_default()) / 1e6
}

enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    fn connect(at: &At) -> Self {
        match at {
            At::Unix(path) => {
                let stream = UnixStream::connect(path).unwrap();
                stream.set_nonblocking(true).unwrap();
                Self::Unix(stream)
            }
            At::Tcp(address) => {
                let stream = TcpStream::connect(address).unwrap();
                stream.set_nonblocking(true).unwrap();
                stream.set_nodelay(true).unwrap();
                Self::Tcp(stream)
            }
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Unix(stream) => stream.as_fd(),
            Self::Tcp(stream) => stream.as_fd(),
        }
    }

    fn send(&mut self, request: &[u8]) {
        match self {
            Self::Unix(stream) => stream.write_all(request).unwrap(),
            Self::Tcp(stream) => stream.write_all(request).unwrap(),
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) -> usize {
        let read = match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        };
        match read {
            Ok(0) => panic!("the server closed a connection"),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => panic!("{error}"),
        }
    }
}

struct Connection {
    stream: Stream,
    reply: Vec<u8>,
    next: usize,
    sent: Instant,
}

/// Asks for so long, each connection beginning elsewhere in the list of requests.
pub fn ask(at: &At, requests: &[Vec<u8>], framing: Framing, connections: usize, time: Duration) -> Measured {
    let epoll = Epoll::new(EpollCreateFlags::empty()).unwrap();
    let mut all: Vec<_> = (0..connections)
        .map(|n| {
            let stream = Stream::connect(at);
            epoll.add(stream.fd(), EpollEvent::new(EpollFlags::EPOLLIN, n as u64)).unwrap();
            Connection { stream, reply: Vec::new(), next: n * requests.len() / connections, sent: Instant::now() }
        })
        .collect();
    let mut latencies = Vec::with_capacity(1 << 20);
    let mut events = vec![EpollEvent::empty(); connections];
    let begun = Instant::now();
    for connection in &mut all {
        connection.send(requests);
    }
    while begun.elapsed() < time {
        let ready = epoll.wait(&mut events, EpollTimeout::from(10_000_u16)).unwrap();
        assert!(ready > 0, "no reply within ten seconds");
        for event in &events[..ready] {
            let connection = &mut all[usize::try_from(event.data()).unwrap()];
            if connection.receive(framing) {
                latencies.push(u32::try_from(connection.sent.elapsed().as_nanos()).unwrap_or(u32::MAX));
                connection.send(requests);
            }
        }
    }
    let rate = latencies.len() as f64 / begun.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Measured { rate, latencies }
}

impl Connection {
    fn send(&mut self, requests: &[Vec<u8>]) {
        self.next = (self.next + 1) % requests.len();
        self.reply.clear();
        self.sent = Instant::now();
        self.stream.send(&requests[self.next]);
    }

    /// Whether the reply is complete.
    fn receive(&mut self, framing: Framing) -> bool {
        let mut buffer = [0; 4096];
        let read = self.stream.receive(&mut buffer);
        self.reply.extend_from_slice(&buffer[..read]);
        match framing {
            Framing::Until(byte) => self.reply.last() == Some(&byte),
            Framing::EmptyLine => self.reply.ends_with(b"\n\n"),
        }
    }
}

/// What became of requests that were each sent once.
pub struct Sent {
    /// From the first request to the last reply.
    pub time: Duration,
    /// In nanoseconds, ascending.
    latencies: Vec<u32>,
}

impl Sent {
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.time.as_secs_f64()
    }

    /// As [`Measured::per_mille`].
    pub fn per_mille(&self, part: usize) -> f64 {
        per_mille(&self.latencies, part)
    }
}

/// Sends each HTTP request once, and wants 200 for it; with `pace`, no more than so many a second.
pub fn post(at: &At, requests: &[Vec<u8>], connections: usize, pace: Option<f64>) -> Sent {
    let epoll = Epoll::new(EpollCreateFlags::empty()).unwrap();
    let mut all: Vec<_> = (0..connections)
        .map(|n| {
            let stream = Stream::connect(at);
            epoll.add(stream.fd(), EpollEvent::new(EpollFlags::EPOLLIN, n as u64)).unwrap();
            Connection { stream, reply: Vec::new(), next: 0, sent: Instant::now() }
        })
        .collect();
    let mut events = vec![EpollEvent::empty(); connections];
    let (mut idle, mut latencies): (Vec<_>, Vec<_>) = ((0..connections).collect(), Vec::new());
    let (begun, mut next) = (Instant::now(), 0);
    while latencies.len() < requests.len() {
        let due = pace.map_or(requests.len(), |pace| (pace * begun.elapsed().as_secs_f64()) as usize + 1);
        while next < due.min(requests.len())
            && let Some(free) = idle.pop()
        {
            all[free].sent = Instant::now();
            all[free].stream.send(&requests[next]);
            next += 1;
        }
        let patience = if pace.is_some() { 1_u16 } else { 20_000 };
        let ready = epoll.wait(&mut events, EpollTimeout::from(patience)).unwrap();
        assert!(ready > 0 || pace.is_some(), "no reply");
        for event in &events[..ready] {
            let number = usize::try_from(event.data()).unwrap();
            let connection = &mut all[number];
            let mut buffer = [0; 4096];
            let read = connection.stream.receive(&mut buffer);
            connection.reply.extend_from_slice(&buffer[..read]);
            if is_whole_response(&connection.reply) {
                assert!(
                    connection.reply.starts_with(b"HTTP/1.1 200"),
                    "{}",
                    String::from_utf8_lossy(&connection.reply)
                );
                connection.reply.clear();
                latencies.push(u32::try_from(connection.sent.elapsed().as_nanos()).unwrap_or(u32::MAX));
                idle.push(number);
            }
        }
    }
    let time = begun.elapsed();
    latencies.sort_unstable();
    Sent { time, latencies }
}

fn is_whole_response(reply: &[u8]) -> bool {
    let text = String::from_utf8_lossy(reply).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split_once("content-length: ").and_then(|(_, rest)| rest.split("\r\n").next()?.parse().ok());
    length.is_none_or(|length: usize| body.len() >= length)
}

/// One reply, to see that a server says what it should.
pub fn one(at: &At, request: &[u8], framing: Framing) -> String {
    let mut connection = Connection { stream: Stream::connect(at), reply: Vec::new(), next: 0, sent: Instant::now() };
    connection.stream.send(request);
    let begun = Instant::now();
    while !connection.receive(framing) {
        assert!(begun.elapsed() < Duration::from_secs(10), "no reply");
        std::thread::sleep(Duration::from_millis(1));
    }
    String::from_utf8_lossy(&connection.reply).into_owned()
}

/// Waits until somebody listens there.
pub fn up(at: &At) {
    let begun = Instant::now();
    let is_up = || match at {
        At::Unix(path) => UnixStream::connect(path).is_ok(),
        At::Tcp(address) => TcpStream::connect(address).is_ok(),
    };
    while !is_up() {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody listens at {at:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A request of each protocol for each key.
pub fn socketmap(keys: &[String]) -> Vec<Vec<u8>> {
    keys.iter().map(|key| format!("{}:access {key},", key.len() + 7).into_bytes()).collect()
}

pub fn tcp_table(keys: &[String]) -> Vec<Vec<u8>> {
    keys.iter().map(|key| format!("get {key}\n").into_bytes()).collect()
}

pub fn policy(keys: &[String]) -> Vec<Vec<u8>> {
    let request = |key: &String| {
        format!(
            "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nclient_address=192.0.2.7\n\
             client_name=client.example.net\nclient_port=50934\nreverse_client_name=client.example.net\n\
             server_address=192.0.2.1\nserver_port=25\nhelo_name=client.example.net\nsender=news@example.org\n\
             recipient={key}\nrecipient_count=0\nqueue_id=\ninstance=5f2.6a1b2c3d.4e5f6.0\nsize=10432\netrn_domain=\n\
             stress=\nsasl_method=\nsasl_username=\nsasl_sender=\nccert_subject=\nccert_issuer=\n\
             ccert_fingerprint=\nccert_pubkey_fingerprint=\nencryption_protocol=\nencryption_cipher=\n\
             encryption_keysize=0\npolicy_context=\n\n"
        )
        .into_bytes()
    };
    keys.iter().map(request).collect()
}
