//! Requests that are not what they look like: smuggled ones, odd ones, other paths and methods, other protocols.
//!
//! Behind each comes a genuine message on the same connection, as if a proxy had sent it for somebody else. It must not
//! become part of the forgery: it counts, or the connection was closed before it.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::nginx::Nginx;
use crate::process::PATIENCE;
use crate::sns::signer::Post;
use crate::watch::Watch;
use crate::world::{World, bounce_of};

/// What is sent, and what comes back: by suppressd itself, and by nginx in front of it.
struct Odd {
    name: &'static str,
    request: Vec<u8>,
    /// Words of the one line in the log; nothing for no line.
    says: &'static str,
    /// The statuses of all answers; the last is the genuine message's, if it was looked at.
    direct: &'static [u16],
    nginx: &'static [u16],
}

fn odd(name: &'static str, request: &str, says: &'static str, direct: &'static [u16], nginx: &'static [u16]) -> Odd {
    Odd { name, request: request.replace("POST!", "POST /sns HTTP/1.1\r\nhost: x\r\n").into(), says, direct, nginx }
}

const NO_HTTP: &str = "http: refused: cannot read the request: ";
const NO_MESSAGE: &str = "sns: refused: the body is not an SNS message: ";
const NO_PATH: &str = ": 404, nothing is at this path";
const NO_POST: &str = ": 405, only POST is taken here";
const NO_BODY: &str = "http: refused: POST /sns: 400, the body is broken";

/// Two ends of one request, and one end of two.
#[rustfmt::skip]
fn smuggling() -> Vec<Odd> {
    vec![
        odd("CL.TE", "POST!content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nG", NO_MESSAGE, &[400], &[400]),
        odd("TE.CL", "POST!transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n5c\r\nGPOST / HTTP/1.1\r\n", NO_BODY, &[400], &[400]),
        odd("TE.TE", "POST!transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n", NO_HTTP, &[400], &[400]),
        odd("TE hidden by a tab", "POST!content-length: 5\r\ntransfer-encoding:\tchunked\r\n\r\n0\r\n\r\n", NO_MESSAGE, &[400], &[501]),
        odd("TE hidden by a vertical tab", "POST!content-length: 5\r\ntransfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n", NO_HTTP, &[400], &[501]),
        odd("TE with a space before the colon", "POST!content-length: 5\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n", NO_HTTP, &[400], &[400]),
        odd("TE in capitals", "POST!TRANSFER-ENCODING: CHUNKED\r\n\r\n0\r\n\r\n", NO_MESSAGE, &[400], &[400, 200]),
        odd("TE of another kind", "POST!content-length: 5\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n", NO_HTTP, &[400], &[501]),
        odd("TE in a list", "POST!transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", NO_MESSAGE, &[400], &[501]),
        odd("TE not last", "POST!transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n", NO_HTTP, &[400], &[501]),
        odd("TE in HTTP/1.0", "POST /sns HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", NO_HTTP, &[400], &[400]),
        odd("TE behind a bare line feed", "POST!content-length: 5\r\nx: y\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", NO_MESSAGE, &[400], &[400]),
        odd("TE folded", "POST!content-length: 5\r\ntransfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n", NO_HTTP, &[400], &[400]),
        odd("a folded field", "POST!x: y\r\n z: w\r\ncontent-length: 0\r\n\r\n", NO_HTTP, &[400], &[400]),
        odd("a field before the first is folded", "POST /sns HTTP/1.1\r\n host: x\r\n\r\n", NO_HTTP, &[400], &[400]),
        odd("two lengths", "POST!content-length: 5\r\ncontent-length: 6\r\n\r\nhello", NO_HTTP, &[400], &[400]),
        odd("the same length twice", "POST!content-length: 5\r\ncontent-length: 5\r\n\r\nhello", NO_MESSAGE, &[400, 200], &[400]),
        odd("a list of lengths", "POST!content-length: 5, 5\r\n\r\nhello", NO_HTTP, &[400], &[400]),
        odd("a length with a sign", "POST!content-length: +5\r\n\r\nhello", NO_HTTP, &[400], &[400]),
        odd("a length below zero", "POST!content-length: -5\r\n\r\nhello", NO_HTTP, &[400], &[400]),
        odd("a length in hexadecimal", "POST!content-length: 0x5\r\n\r\nhello", NO_HTTP, &[400], &[400]),
        odd("a length over all numbers", "POST!content-length: 99999999999999999999\r\n\r\nhello", NO_HTTP, &[400], &[400]),
        odd("a length that swallows what follows", "POST!content-length: 400000\r\n\r\n", "http: refused: POST /sns: 503, the body did not come in time", &[503], &[]),
        odd("chunk extensions", "POST!transfer-encoding: chunked\r\n\r\n5;a=b;c=\"d\"\r\nhello\r\n0\r\n\r\n", NO_MESSAGE, &[400], &[400, 200]),
        odd("a chunk extension with a line feed", "POST!transfer-encoding: chunked\r\n\r\n5;a\nhello\r\n0\r\n\r\n", NO_BODY, &[400], &[400, 200]),
        odd("a chunk over all numbers", "POST!transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n", NO_BODY, &[400], &[400]),
        odd("a chunk in C's form", "POST!transfer-encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", NO_BODY, &[400], &[400]),
        odd("a chunk below zero", "POST!transfer-encoding: chunked\r\n\r\n-1\r\nhello\r\n0\r\n\r\n", NO_BODY, &[400], &[400]),
        odd("a chunk longer than it says", "POST!transfer-encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n", NO_BODY, &[400], &[400]),
        odd("chunks by bare line feeds", "POST!transfer-encoding: chunked\r\n\r\n5\nhello\n0\n\n", NO_BODY, &[400], &[400, 200]),
        odd("fields behind the body", "POST!transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx-amz-sns-message-type: Notification\r\ncontent-length: 9\r\n\r\n", "sns: refused: Type is missing", &[400], &[400, 200]),
    ]
}

/// Bytes that belong nowhere in a header, and headers without end.
#[rustfmt::skip]
fn headers() -> Vec<Odd> {
    let long = "x".repeat(100_000);
    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    vec![
        odd("a carriage return in a value", "POST!x: a\rb\r\n\r\n", NO_HTTP, &[400], &[400]),
        odd("a NUL in a value", "POST!x: a\0b\r\n\r\n", NO_HTTP, &[400], &[400]),
        odd("a space in a name", "POST!x y: z\r\n\r\n", NO_HTTP, &[400], &[400]),
        odd("a name of nothing", "POST!: z\r\n\r\n", NO_HTTP, &[400], &[400]),
        odd("no colon", "POST!xyz\r\n\r\n", NO_HTTP, &[400], &[400, 200]),
        odd("no Host", "POST /sns HTTP/1.1\r\ncontent-length: 0\r\n\r\n", "http: refused: POST /sns: 400, it needs one Host field", &[400], &[400]),
        odd("two Hosts", "POST!host: y\r\ncontent-length: 0\r\n\r\n", "http: refused: POST /sns: 400, it needs one Host field", &[400], &[400]),
        odd("a field of 100 KB", &format!("POST!x: {long}\r\n\r\n"), NO_HTTP, &[431], &[400]),
        odd("two hundred fields", &format!("POST!{many}\r\n"), NO_HTTP, &[431], &[431, 200]),
        odd("a path of 100 KB", &format!("POST /{long} HTTP/1.1\r\nhost: x\r\n\r\n"), NO_HTTP, &[431], &[414]),
    ]
}

/// Ways to the path, and around it.
#[rustfmt::skip]
fn targets() -> Vec<Odd> {
    let to = |name, target: &str, says, direct, nginx| {
        odd(name, &format!("POST {target} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}"), says, direct, nginx)
    };
    vec![
        to("a slash behind", "/sns/", NO_PATH, &[404, 200], &[404, 200]),
        to("two slashes", "//sns", NO_PATH, &[404, 200], &[404, 200]),
        to("here", "/./sns", NO_PATH, &[404, 200], &[404, 200]),
        to("up and down", "/x/../sns", NO_PATH, &[404, 200], &[404, 200]),
        to("up and down, escaped", "/x/%2e%2e/sns", NO_PATH, &[404, 200], &[404, 200]),
        to("above the top", "/../sns", NO_PATH, &[404, 200], &[400]),
        to("an escaped letter", "/%73ns", NO_PATH, &[404, 200], &[404, 200]),
        to("an escaped NUL", "/sns%00", NO_PATH, &[404, 200], &[400]),
        to("an escaped line break", "/sns%0d%0asuppressd:%20forged", NO_PATH, &[404, 200], &[404, 200]),
        to("parameters", "/sns;x=y", NO_PATH, &[404, 200], &[404, 200]),
        to("capitals", "/SNS", NO_PATH, &[404, 200], &[404, 200]),
        to("the private door's numbers", "/metrics", NO_PATH, &[404, 200], &[404, 200]),
        to("the private door's health", "/sns/../health", NO_PATH, &[404, 200], &[404, 200]),
        to("somebody else's weakness", "/cgi-bin/.%2e/.%2e/bin/sh", NO_PATH, &[404, 200], &[400]),
        to("an escape sequence", "/\u{1b}[2J", NO_HTTP, &[400], &[400]),
        to("text turned around", "/\u{202e}sns", NO_PATH, &[404, 200], &[404, 200]),
        to("a whole URL", "http://evil.example/sns", "sns: refused: Type is missing", &[400, 200], &[400, 200]),
        to("a whole URL with a user", "http://user:secret@evil.example/x", NO_PATH, &[404, 200], &[400]),
        to("of another protocol", "ftp://evil.example/sns", "sns: refused: Type is missing", &[400, 200], &[400, 200]),
        to("everything", "*", NO_PATH, &[404, 200], &[400]),
        to("a host alone", "evil.example:80", NO_PATH, &[404, 200], &[400]),
        to("nothing", "", NO_HTTP, &[400], &[400]),
        to("no slash", "sns", NO_PATH, &[404, 200], &[400]),
        to("with a query", "/sns?Action=ConfirmSubscription", "sns: refused: Type is missing", &[400, 200], &[400, 200]),
    ]
}

/// Other methods, versions and protocols.
#[rustfmt::skip]
fn protocols() -> Vec<Odd> {
    let by = |name, method: &str, says, direct, nginx| {
        odd(name, &format!("{method} /sns HTTP/1.1\r\nhost: x\r\n\r\n"), says, direct, nginx)
    };
    let version = |name, version: &str, says, direct, nginx| {
        odd(name, &format!("POST /sns{version}\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}"), says, direct, nginx)
    };
    vec![
        by("GET", "GET", NO_POST, &[405, 200], &[405, 200]),
        by("HEAD", "HEAD", NO_POST, &[405, 200], &[405, 200]),
        by("PUT", "PUT", NO_POST, &[405, 200], &[405, 200]),
        by("DELETE", "DELETE", NO_POST, &[405, 200], &[405, 200]),
        by("OPTIONS", "OPTIONS", NO_POST, &[405, 200], &[405, 200]),
        by("TRACE", "TRACE", NO_POST, &[405, 200], &[405]),
        by("small letters", "post", NO_POST, &[405, 200], &[400]),
        by("a method of one's own", "POSTX", NO_POST, &[405, 200], &[405, 200]),
        odd("another method in a field", "GET /sns HTTP/1.1\r\nhost: x\r\nx-http-method-override: POST\r\ncontent-length: 2\r\n\r\n{}", NO_POST, &[405, 200], &[405, 200]),
        odd("a tunnel", "CONNECT sns.us-east-1.amazonaws.com:443 HTTP/1.1\r\nhost: x\r\n\r\n", NO_PATH, &[404, 200], &[400]),
        odd("a tunnel to our path", "CONNECT /sns HTTP/1.1\r\nhost: x\r\n\r\n", NO_POST, &[405, 200], &[405]),
        version("HTTP/0.9", "", NO_HTTP, &[400], &[]),
        version("HTTP/0.9 by name", " HTTP/0.9", NO_HTTP, &[400], &[400]),
        version("HTTP/1.2", " HTTP/1.2", NO_HTTP, &[400], &[400, 200]),
        version("HTTP/2 in HTTP/1's form", " HTTP/2.0", NO_HTTP, &[400], &[505]),
        version("small letters in the version", " http/1.1", NO_HTTP, &[400], &[400]),
        version("two versions", " HTTP/1.1 HTTP/1.1", NO_HTTP, &[400], &[400]),
        odd("HTTP/2 as if agreed on", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", NO_HTTP, &[], &[400]),
        odd("an upgrade to HTTP/2", "GET /sns HTTP/1.1\r\nhost: x\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n", NO_POST, &[405, 200], &[405, 200]),
        odd("an upgrade to WebSocket", "GET /sns HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n", NO_POST, &[405, 200], &[405, 200]),
        odd("TLS to a plain port", "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03\r\n\r\n", NO_HTTP, &[400], &[400]),
        odd("SMTP", "EHLO evil.example\r\nMAIL FROM:<>\r\n\r\n", NO_HTTP, &[400], &[400]),
        odd("a forged log line", "\r\nsuppressd: to=<bob@example.com>, action=suppressed\r\n\r\n", NO_HTTP, &[400], &[400]),
    ]
}

/// All statuses that come on a connection until it ends.
fn statuses(at: std::net::SocketAddr, bytes: &[u8]) -> Vec<u16> {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // Who is refused may be cut off while he still writes.
    let _ = stream.write_all(bytes);
    let mut answers = Vec::new();
    let ended = stream.read_to_end(&mut answers);
    let answers = String::from_utf8_lossy(&answers).into_owned();
    assert!(ended.is_ok(), "{ended:?} after {answers}");
    answers.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].parse().unwrap()).collect()
}

const RIGHT: &str = "Basic dXNlcjpzZWNyZXQ=";

/// A genuine message that ends its connection.
fn last() -> Vec<u8> {
    let mut post = bounce_of("genuine-last@example.com");
    post.set_header("connection", "close");
    post.request("/sns")
}

fn all() -> impl Iterator<Item = Odd> {
    [smuggling(), headers(), targets(), protocols()].into_iter().flatten()
}

const IMPATIENT: [(&str, &str); 2] = [("http.header-timeout", "\"2s\""), ("http.body-timeout", "\"2s\"")];

#[test]
fn odd_requests_are_refused_and_take_nothing_with_them() {
    let mut watch = Watch::start(&IMPATIENT);
    for Odd { name, request, says, direct, .. } in all() {
        watch.attempt(name, says, |world| {
            assert_eq!(statuses(world.http, &[request, last()].concat()), direct, "{name}; {}", world.log());
        });
    }
}

/// What nginx refuses by itself does not come to us, and what it passes on is no more than it was asked for.
#[test]
fn nginx_in_front_and_suppressd_agree_where_a_request_ends() {
    let mut watch = Watch::start(&IMPATIENT);
    let front = Nginx::start(&watch.world.home.path("nginx"), watch.world.http);
    for Odd { name, request, nginx, .. } in all() {
        watch.attempt_by_proxy(name, |world| {
            assert_eq!(statuses(front.plain, &[request, last()].concat()), nginx, "{name}; {}", world.log());
            assert_eq!(statuses(front.plain, &last()), [200], "{name}: the next client of nginx");
        });
    }
}

#[test]
fn wrong_credentials_are_refused_before_anything_is_read_and_prove_nothing() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "user:secret\n").unwrap();
    let mut world = World::idle(&[("sns.credentials-file", &format!("\"{}\"", file.path().display()))]);
    world.up();
    let post = |change: &dyn Fn(&mut Post)| {
        let mut post = bounce_of("victim@example.com");
        change(&mut post);
        world.post(&post)
    };
    let with = |value: &str| post(&|post| post.set_header("authorization", value));
    assert_eq!(post(&|_| {}), 401);
    assert_eq!(world.log().matches("warning").count(), 0, "SNS itself asks first without: {}", world.log());
    for (n, wrong) in [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic dXNlcjp3cm9uZw==",
        "Basic dXNlcjpzZWNyZQ==",
        "Basic dXNlcjpzZWNyZXRz",
        "Basic dXNlcjpzZWNyZXQ=x",
        "Basic VXNlcjpzZWNyZXQ=",
        "Basic OnNlY3JldA==",
        "Bearer dXNlcjpzZWNyZXQ=",
        "user:secret",
        "Basic user:secret",
        "Digest username=\"user\"",
        "dXNlcjpzZWNyZXQ=",
        "Basic dXNlcjpzZWNyZXQ=, Basic x",
        "\u{202e}",
        &format!("Basic {}", "A".repeat(20_000)),
    ]
    .iter()
    .enumerate()
    {
        if n % 9 == 8 {
            world.reload();
        }
        let begun = world.log().len();
        assert_eq!(with(wrong), 401, "{wrong}");
        let log = world.log();
        let lines: Vec<_> = log[begun..].lines().filter(|line| line.contains("warning: ")).collect();
        assert_eq!(lines, ["suppressd: warning: http: refused: POST /sns: 401, the credentials are wrong"]);
    }
    let forged = post(&|post| {
        post.set_header("authorization", RIGHT);
        post.set("Message", "other");
    });
    assert_eq!((forged, world.traces()), (403, 0), "they are no signature");
    assert_eq!((with(RIGHT), world.traces()), (200, 2));
    assert!(!world.log().contains("dXNlcj") && !world.log().contains("secret"), "{}", world.log());
}
