//! More than anybody sends: connections, bodies, nesting. Memory stays within a bound, and others are served meanwhile.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use openssl::base64::encode_block;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

use crate::doors::{Answer, Client, Door, Lmtp, Report, mail};
use crate::peers::others_are_served;
use crate::process::{PATIENCE, eventually};
use crate::scene::Scene;
use crate::settings::connections;
use crate::sns::pki::Pki;
use crate::sns::signer::{Draft, request};
use crate::table::Line;
use crate::trial::Raised;
use crate::world::free_address;

/// Doors where honest clients are to be served meanwhile.
const EVERYBODY: [Door; 3] = [Door::Webhook, Door::Lmtp, Door::Pipe];
/// Descriptors of the daemon beside those of the flood: honest clients, a child that reads mail, a certificate that is fetched.
const OWN: usize = 24;
/// Longest work for all bombs, in seconds of a processor.
const WORK: u64 = 20;
/// Most memory of a child that reads mail, of which it keeps 4 MiB, in bytes.
const READER: u64 = 128 << 20;
/// Most memory of the daemon, in bytes, whatever is sent; bodies under way come on top of it.
const MEMORY: u64 = 160 << 20;

#[test]
fn thousands_of_connections_to_the_webhook() {
    // Their own time would not be over soon enough.
    let scene = Scene::start(&[("http.header-timeout", "\"60s\"")]);
    // Who comes later waits behind those who say nothing, and is served all the same.
    flood(("the webhook", 512), &scene, &Place::silent(scene.http), &EVERYBODY, || {
        Client::new(&scene).send(&Report::new(Door::Webhook, "after")) == Answer::Taken
    });
}

#[test]
fn thousands_of_requests_that_begin_and_do_not_end() {
    let scene = Scene::start(&[]);
    let begins = "POST /sns HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{\"Message\": \"".to_owned();
    flood(("the webhook with half a request", 512), &scene, &Place::Tcp(scene.http, begins), &EVERYBODY, || {
        Client::new(&scene).send(&Report::new(Door::Webhook, "after")) == Answer::Taken
    });
}

#[test]
fn thousands_of_connections_to_the_socketmap() {
    let scene = Scene::start(&[]);
    let place = Place::Unix(scene.home.path("lookup.sock"));
    flood(("socketmap", 1024), &scene, &place, &EVERYBODY, || {
        place.answers("24:access alive@example.com,", "9:NOTFOUND ,")
    });
}

#[test]
fn thousands_of_connections_to_the_policy_service() {
    let scene = Scene::start(&[]);
    let place = Place::Unix(scene.home.path("policy.sock"));
    let request = "request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient=alive@example.com\n\n";
    flood(("policy service", 1024), &scene, &place, &EVERYBODY, || place.answers(request, "action=DUNNO\n\n"));
}

#[test]
fn thousands_of_connections_to_the_tcp_table() {
    let at = free_address();
    let scene = Scene::start(&[("lookup.tcp-table", &format!("[{{ listen = \"{at}\", map = \"access\" }}]"))]);
    let place = Place::silent(at);
    flood(("tcp_table", 1024), &scene, &place, &EVERYBODY, || place.answers("get alive@example.com\n", "500 "));
}

#[test]
fn thousands_of_connections_to_lmtp() {
    let scene = Scene::start(&[]);
    let place = Place::Unix(scene.home.path("lmtp.sock"));
    // Only Postfix can connect there: what keeps it waiting is its own.
    flood(("LMTP", 50), &scene, &place, &[Door::Webhook, Door::Pipe], || {
        Client::new(&scene).send(&Report::new(Door::Lmtp, "after")) == Answer::Taken
    });
}

#[test]
fn thousands_of_connections_to_monitoring() {
    let at = free_address();
    let scene = Scene::start(&[("admin.listen", &format!("[\"{at}\"]"))]);
    let place = Place::silent(at);
    let request = "GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    flood(("monitoring", 16), &scene, &place, &EVERYBODY, || place.answers(request, "HTTP/1.1 200 OK\r\n"));
}

/// Lets connections come to one door, which serves so many at once, until honest clients have been served for long enough at
/// these doors, and that door serves everybody again when they are gone.
#[track_caller]
fn flood((door, places): (&str, usize), scene: &Scene, place: &Place, doors: &[Door], serves: impl Fn() -> bool) {
    let (lookup, descriptors) = (scene.lookups(), scene.descriptors());
    let (stop, most) = (AtomicBool::new(false), Most::default());
    let flood = Flood::of(place, connections());
    std::thread::scope(|scope| {
        let _watching = Raised(&stop);
        scope.spawn(|| most.watch(scene, &stop));
        eventually("each of them has come", || flood.counts.tried.load(Ordering::Relaxed) >= connections());
        let fault = format!("{} clients that come to {door} and say nothing more", connections());
        others_are_served(scene, lookup, &fault, doors, || format!("{}; {most}", flood.counts));
    });
    drop(flood);
    eventually("the door serves everybody again", serves);
    eventually("no descriptor is left of them", || scene.descriptors() <= descriptors + OWN);
    assert!(most.memory() < MEMORY, "{door}: {most}");
    let held = most.descriptors.load(Ordering::Relaxed).saturating_sub(descriptors);
    assert!((places / 2..=places + OWN).contains(&held), "{door}: {held} descriptors for {places} places");
}

/// Where a door is.
#[derive(Clone)]
enum Place {
    /// Whoever floods it says this first.
    Tcp(SocketAddr, String),
    Unix(PathBuf),
}

impl Place {
    fn silent(at: SocketAddr) -> Self {
        Self::Tcp(at, String::new())
    }

    /// Whether this is said to this question, at once.
    fn answers(&self, question: &str, begin: &str) -> bool {
        let ask = |mut stream: Box<dyn Stream>| {
            let mut answer = vec![0; begin.len()];
            stream.write_all(question.as_bytes()).and_then(|()| stream.read_exact(&mut answer)).is_ok()
                && answer == begin.as_bytes()
        };
        let wait = Some(Duration::from_secs(5));
        match self {
            Self::Tcp(at, _) => TcpStream::connect(at).is_ok_and(|stream| {
                stream.set_read_timeout(wait).unwrap();
                ask(Box::new(stream))
            }),
            Self::Unix(at) => UnixStream::connect(at).is_ok_and(|stream| {
                stream.set_read_timeout(wait).unwrap();
                ask(Box::new(stream))
            }),
        }
    }

    /// Connects, as the `n`th client of all, and says nothing more until it is thrown out.
    async fn keep(&self, n: u64, counts: &Counts) -> io::Result<()> {
        match self {
            Self::Tcp(at, begin) => {
                let socket = tokio::net::TcpSocket::new_v4()?;
                // More than one address can have ports. None of these is a server's.
                let host = Ipv4Addr::new(127, 0, 9, u8::try_from(n % 16 + 1).unwrap());
                socket.bind((host, 0).into())?;
                let mut stream = socket.connect(*at).await?;
                stream.write_all(begin.as_bytes()).await?;
                counts.keep(stream).await
            }
            Self::Unix(at) => counts.keep(tokio::net::UnixStream::connect(at).await?).await,
        }
    }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// Clients that keep connecting; whoever is thrown out comes again.
struct Flood {
    counts: Arc<Counts>,
    runtime: Option<Runtime>,
}

/// How that goes.
#[derive(Default)]
struct Counts {
    /// Attempts.
    tried: AtomicU64,
    made: AtomicU64,
    open: AtomicU64,
    most_open: AtomicU64,
}

impl Flood {
    fn of(place: &Place, clients: u64) -> Self {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, hard.min(65_536), hard).unwrap();
        assert!(hard > clients + 1000, "ulimit -Hn is {hard}");
        let counts = Arc::<Counts>::default();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        // Up to 4000 a second, so that the clients are not what this machine is busy with.
        let pause = Duration::from_micros(250 * clients.max(2000));
        for n in 0..clients {
            let (place, counts) = (place.clone(), Arc::clone(&counts));
            runtime.spawn(async move {
                loop {
                    counts.tried.fetch_add(1, Ordering::Relaxed);
                    let _ = place.keep(n, &counts).await;
                    tokio::time::sleep(pause).await;
                }
            });
        }
        Self { counts, runtime: Some(runtime) }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_timeout(PATIENCE);
    }
}

impl Counts {
    async fn keep(&self, mut stream: impl AsyncRead + Unpin) -> io::Result<()> {
        self.made.fetch_add(1, Ordering::Relaxed);
        let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_open.fetch_max(open, Ordering::Relaxed);
        while stream.read(&mut [0; 64]).await.is_ok_and(|length| length > 0) {}
        self.open.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [made, most_open] = [&self.made, &self.most_open].map(|count| count.load(Ordering::Relaxed));
        write!(f, "{made} connections made, up to {most_open} at once")
    }
}

/// The most that the daemon ever has.
#[derive(Default)]
struct Most {
    memory: AtomicU64,
    /// Of the children that read mail.
    reader: AtomicU64,
    descriptors: AtomicUsize,
}

impl Most {
    fn watch(&self, scene: &Scene, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            self.memory.fetch_max(scene.memory(), Ordering::Relaxed);
            self.reader.fetch_max(scene.memory_of_children(), Ordering::Relaxed);
            self.descriptors.fetch_max(scene.descriptors(), Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// In bytes.
    fn memory(&self) -> u64 {
        self.memory.load(Ordering::Relaxed)
    }
}

impl fmt::Display for Most {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory of the daemon at most {} MiB", self.memory() >> 20)
    }
}

#[test]
fn a_hundred_clients_with_bodies_of_a_mebibyte() {
    let scene = Scene::start(&[]);
    let lookup = scene.lookups();
    let (stop, most, sent) = (AtomicBool::new(false), Most::default(), AtomicU64::new(0));
    let body = [b"{\"Message\": \"".to_vec(), vec![b'x'; (1 << 20) - 20], b"\"}".to_vec()].concat();
    let bytes = request("/sns", &[("x-amz-sns-message-type".into(), "Notification".into())], &body);
    std::thread::scope(|scope| {
        let _sending = Raised(&stop);
        scope.spawn(|| most.watch(&scene, &stop));
        for _ in 0..100 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    if let Ok(mut connection) = scene.try_connect()
                        && let Ok(status) = connection.exchange(&bytes)
                    {
                        // Too late, on a machine that is too slow for so much at once.
                        assert!([400, 503].contains(&status), "{status}");
                        sent.fetch_add(1, Ordering::Relaxed);
                    }
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
        }
        others_are_served(
            &scene,
            lookup,
            "bodies of 1 MiB from 100 clients",
            &[Door::Webhook, Door::Lmtp, Door::Pipe],
            || format!("{} bodies: 400 or 503; {most}", sent.load(Ordering::Relaxed)),
        );
    });
    assert!(most.memory() < MEMORY + (200 << 20), "{most}");
    // Whom nobody waits for any more may still be under way.
    eventually("nothing is left of them", || scene.memory() < MEMORY);
}

#[test]
fn bombs_are_kept_in_quarantine_and_cost_neither_time_nor_memory() {
    // In an idle machine each takes less than a second. Whoever takes longer than this is asked to come again.
    let scene = Scene::start(&[("mail.deadline", "\"30s\"")]);
    let (stop, most) = (AtomicBool::new(false), Most::default());
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    std::thread::scope(|scope| {
        let _watching = Raised(&stop);
        scope.spawn(|| most.watch(&scene, &stop));
        // As the whole body, and as what an allowed topic says.
        let mut connection = scene.connect();
        let posted = connection.exchange(&request("/sns", &[], format!("{{\"a\": {}}}", deep(100_000)).as_bytes()));
        assert_eq!(posted.unwrap(), 400);
        for text in [deep(50_000), format!("{{\"eventType\": {}}}", deep(50_000)), "{\"a\":".repeat(30_000)] {
            assert_eq!(scene.post(&Draft::notification(&text).sign(&Pki::shared().good)), 200, "{}", scene.log());
        }
        assert_eq!(scene.home.select("SELECT count(*) FROM quarantine"), "3");
        for (name, bomb) in mails() {
            let mut lmtp = Lmtp::connect(&scene).unwrap();
            assert_eq!(lmtp.deliver(bomb.as_bytes()).unwrap(), "250", "{name}; {}", scene.log());
            let ran = scene.home.run_with(&["pipe", "--client-address="], format!("X-Other: 1\n{bomb}").as_bytes());
            assert_eq!((ran.status, ran.out.as_str()), (Some(0), ""), "{name}");
        }
    });
    assert_eq!(Client::new(&scene).send(&Report::new(Door::Lmtp, "after")), Answer::Taken);
    let work = scene.work();
    assert!(work < WORK, "{work} seconds of work");
    let reader = most.reader.load(Ordering::Relaxed);
    assert!(
        most.memory() < MEMORY && reader > 0 && reader < READER,
        "{most}, of a child that reads mail {reader} bytes"
    );
    Line {
        fault: "deep JSON, MIME bombs, a mail of message_size_limit",
        tried: format!("{} messages", 4 + 2 * mails().len()),
        answers: "webhook: 400, or 200 and quarantine; LMTP: 250; pipe: 0".into(),
        beside: format!("{most}, of a child that reads mail {} MiB; {work} seconds of work", reader >> 20),
        lost: 0,
    }
    .add();
}

/// Mails that cost a naive reader time or memory.
fn mails() -> Vec<(&'static str, String)> {
    let report = mail("bomb@bomb.example.com", "mx.bomb.example.com");
    let nested: String =
        (0..5000).map(|n| format!("Content-Type: multipart/mixed; boundary=\"b{n}\"\n\n--b{n}\n")).collect();
    let parts = format!(
        "Content-Type: multipart/report; boundary=\"b\"\n\n{}--b--\n",
        "--b\nContent-Type: text/plain\n\nx\n".repeat(100_000)
    );
    let mut coded = vec![b'x'; 1 << 20];
    for _ in 0..5 {
        coded = encode_block(&coded).into_bytes();
    }
    let coded = String::from_utf8(coded).unwrap();
    let messages = "Content-Type: message/rfc822\n\n".repeat(5000);
    let recipients: Vec<String> = (0..200).map(|n| format!("u{n}@bomb.example.com")).collect();
    let words = "cannot deliver ".repeat(260_000);
    let failed =
        format!("From: MAILER-DAEMON@x.example\nX-Failed-Recipients: {}\n\n{words}\n", recipients.join(",\n "));
    let listed = format!("From: MAILER-DAEMON@x.example\n\n{}\n{words}\n", recipients.join("\n"));
    vec![
        ("nested multiparts", nested),
        ("nested messages", messages),
        ("a hundred thousand parts", parts),
        ("a header of 5 MiB", format!("Subject: {}\n{report}", "x".repeat(5 << 20))),
        ("a hundred thousand header fields", format!("{}{report}", "X-A: b\n".repeat(100_000))),
        ("a header folded a hundred thousand times", format!("Subject: a\n{}{report}", " b\n".repeat(100_000))),
        ("base64 of base64", format!("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{coded}\n")),
        ("long words about many in a header field", failed),
        ("long words about many, a line each", listed),
        ("message_size_limit", format!("{report}{}", "x".repeat(10_240_000 - report.len()))),
    ]
}
