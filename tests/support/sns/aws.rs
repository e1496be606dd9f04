//! A proxy behind which all of Amazon is us: what it is asked for is answered from a table and written down.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, rustls};

use super::pki::{ISSUER_URL, Pki};

/// How a path is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    Body(Vec<u8>),
    Status(u16),
    RedirectTo(String),
    /// Never.
    Hang,
    /// A body without end.
    Endless,
    /// Slowly: this after the wait.
    After(std::time::Duration, Vec<u8>),
}

/// The stand-in. Dropping it ends it with the runtime.
#[derive(Clone)]
pub struct Aws(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    tls: Arc<rustls::ServerConfig>,
    replies: Mutex<HashMap<String, Reply>>,
    calls: Mutex<Vec<String>>,
}

impl Aws {
    /// Serves the certificates of `pki` and confirms subscriptions, on a free port of loopback.
    pub async fn start(pki: &Pki) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut replies: HashMap<_, _> =
            pki.signings().map(|s| (path_of(&s.id), Reply::Body(s.pem.clone()))).into_iter().collect();
        replies.insert(ISSUER_URL.to_owned(), Reply::Body(pki.intermediate_der.clone()));
        let aws = Self(Arc::new(Inner {
            address: listener.local_addr().unwrap(),
            tls: Arc::clone(&pki.tls),
            replies: Mutex::new(replies),
            calls: Mutex::default(),
        }));
        let inner = Arc::clone(&aws.0);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let inner = Arc::clone(&inner);
                tokio::spawn(async move { inner.proxy(stream).await });
            }
        });
        aws
    }

    /// `http://127.0.0.1:PORT`
    pub fn proxy(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// What was asked for, in order: `CONNECT host:port`, then `GET https://host/path`.
    pub fn calls(&self) -> Vec<String> {
        self.0.calls.lock().unwrap().clone()
    }

    /// How often something with `part` in it was asked for.
    pub fn count(&self, part: &str) -> usize {
        self.calls().iter().filter(|call| call.starts_with("GET") && call.contains(part)).count()
    }

    /// Answers for the certificate `id` so from now on.
    pub fn serve_certificate(&self, id: &str, reply: Reply) {
        self.0.replies.lock().unwrap().insert(path_of(id), reply);
    }

    /// Answers for `path` so from now on.
    pub fn serve(&self, path: &str, reply: Reply) {
        self.0.replies.lock().unwrap().insert(path.to_owned(), reply);
    }
}

pub fn path_of(id: &str) -> String {
    format!("/SimpleNotificationService-{id}.pem")
}

impl Inner {
    async fn proxy(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        let Some((method, target, authorization)) = read_head(&mut stream).await else { return };
        if method != "CONNECT" {
            self.log(format!("{method} {target}"));
            return answer(&mut stream, self.reply(&target)).await;
        }
        self.log(format!("CONNECT {target} {authorization}").trim_end().to_owned());
        let mut stream = stream.into_inner();
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok();
        let Ok(stream) = TlsAcceptor::from(Arc::clone(&self.tls)).accept(stream).await else { return };
        let mut stream = BufReader::new(stream);
        let Some((method, path, _)) = read_head(&mut stream).await else { return };
        self.log(format!("{method} https://{}{path}", target.trim_end_matches(":443")));
        answer(&mut stream, self.reply(&path)).await;
    }

    fn log(&self, call: String) {
        self.calls.lock().unwrap().push(call);
    }

    fn reply(&self, path: &str) -> Reply {
        let replies = self.replies.lock().unwrap();
        let confirm = path.starts_with("/?Action=ConfirmSubscription&");
        let whole = replies.get(path).or_else(|| replies.get(path.split('?').next().unwrap_or_default()));
        match whole {
            Some(reply) => reply.clone(),
            None if confirm => Reply::Body(b"<ConfirmSubscriptionResponse/>".to_vec()),
            None => Reply::Status(404),
        }
    }
}

/// Method, target and what a proxy is told about who asks; the rest of the head is dropped.
async fn read_head<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<(String, String, String)> {
    let mut first = String::new();
    stream.read_line(&mut first).await.ok()?;
    let (mut line, mut authorization) = (String::new(), String::new());
    while stream.read_line(&mut line).await.ok()? > 2 {
        if let Some((_, value)) =
            line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization"))
        {
            value.trim().clone_into(&mut authorization);
        }
        line.clear();
    }
    let mut words = first.split_whitespace().map(str::to_owned);
    Some((words.next()?, words.next()?, authorization))
}

async fn answer<S: AsyncWrite + Unpin>(stream: &mut S, reply: Reply) {
    let head = |status: u16, more: &str| format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{more}\r\n").into_bytes();
    let with_body = |body: Vec<u8>| [head(200, &format!("content-length: {}\r\n", body.len())), body].concat();
    let bytes = match reply {
        Reply::Body(body) => with_body(body),
        Reply::Status(status) => head(status, "content-length: 0\r\n"),
        Reply::RedirectTo(to) => head(302, &format!("location: {to}\r\ncontent-length: 0\r\n")),
        Reply::Hang => return std::future::pending().await,
        Reply::Endless => {
            let _ = stream.write_all(&head(200, "")).await;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
            return;
        }
        Reply::After(wait, body) => {
            tokio::time::sleep(wait).await;
            with_body(body)
        }
    };
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}
