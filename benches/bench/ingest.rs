//! Webhooks: signed messages taken durably, beside what one core of the processor can verify at all; and what lookups notice of it.

use std::process::Command;

use crate::Options;
use crate::daemon::Daemon;
use crate::lists;
use crate::load::{self, At, Framing};
use crate::peers::free_port;
use crate::sns::aws::Aws;
use crate::sns::pki::Pki;
use crate::sns::signer::{Draft, TOPIC, bounce};
use crate::table::{Goal, Table, median};

const CONNECTIONS: usize = 256;
const KEYS: u64 = 5_000;

/// The daemon with its webhook door, and Amazon's stand-in.
struct Receiver {
    daemon: Daemon,
    at: At,
    _runtime: tokio::runtime::Runtime,
}

impl Receiver {
    fn start(database: &std::path::Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let aws = runtime.block_on(Aws::start(Pki::shared()));
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], free_port()));
        let daemon = Daemon::with(database, |home| {
            std::fs::write(home.path("ca.pem"), &Pki::shared().ca_pem).unwrap();
            home.set("http.listen", &format!("[\"{address}\"]"));
            home.set("http.max-connections", "2000");
            home.set("sns.topics", &format!("[\"{TOPIC}\"]"));
            home.set("sns.proxy", &format!("\"{}\"", aws.proxy()));
            home.set("sns.ca-file", &home.quoted("ca.pem"));
        });
        let at = At::Tcp(address);
        load::up(&at);
        // The certificate is fetched before the clock starts.
        load::post(&at, &messages(1), 1, None);
        Self { daemon, at, _runtime: runtime }
    }
}

pub fn run(options: &Options, table: &mut Table) {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(&dir.path().join("suppressd.db"));
    let count = if options.quick { 2_000 } else { 15_000 };
    let (mut rates, mut duplicates, mut p99, mut work) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.rounds.min(3) {
        let messages = messages(count);
        let verifications = verifications();
        let before = receiver.daemon.processor_ticks();
        let sent = load::post(&receiver.at, &messages, CONNECTIONS, None);
        work.push((receiver.daemon.processor_ticks() - before) as f64 * 10_000.0 / count as f64);
        let again = load::post(&receiver.at, &messages, CONNECTIONS, None);
        rates.push((sent.rate(), verifications));
        duplicates.push((again.rate(), sent.rate()));
        p99.push(sent.per_mille(990));
    }
    let recorded = receiver.daemon.count("SELECT count(*) FROM event");
    assert_eq!(recorded, 1 + rates.len() * count, "each 200 is an event");
    let openssl = "openssl verify rsa2048";
    table.beside("SNS events, durable, 256 connections", "/s", openssl, &rates, Goal::RatioAtLeast(0.3));
    table.beside("SNS duplicates", "/s", "new events", &duplicates, Goal::RatioAtLeast(2.0));
    table.figure("SNS events, p99 from request to 200", median(p99.into_iter()), "ms", Goal::None);
    table.figure("SNS events, the daemon's processor time for one", median(work.into_iter()), "us", Goal::None);
    let capacity = median(rates.iter().map(|(ours, _)| *ours));
    drop(receiver);
    lookups(options, table, capacity, dir.path());
}

/// Latency of lookups on one connection while webhooks stream in.
fn lookups(options: &Options, table: &mut Table, capacity: f64, dir: &std::path::Path) {
    let entries = if options.quick { 1_000 } else { 1_000_000 };
    let copy = dir.join("list.db");
    std::fs::copy(lists::list(entries), &copy).unwrap();
    let receiver = Receiver::start(&copy);
    receiver.daemon.indexed();
    let requests = load::socketmap(&[lists::misses(entries, KEYS), lists::hits(entries, KEYS)].concat());
    let seconds = if options.quick { 0.5 } else { 2.0 };
    let time = std::time::Duration::from_secs_f64(seconds);
    let socketmap = receiver.daemon.socketmap();
    let p99 = || load::ask(&socketmap, &requests, Framing::Until(b','), 8, time).per_mille(990);
    let (mut half, mut full) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds.min(3) {
        let idle = p99();
        let during = |pace: Option<f64>| {
            let rate = pace.unwrap_or(capacity);
            let messages = messages((rate * seconds) as usize);
            std::thread::scope(|scope| {
                scope.spawn(|| load::post(&receiver.at, &messages, CONNECTIONS, pace));
                p99()
            })
        };
        half.push((during(Some(capacity / 2.0)), idle));
        full.push(during(None));
    }
    let name = "lookup p99, webhooks at half of capacity";
    table.beside(name, "ms", "idle", &half, Goal::RatioAtMost(3.0));
    table.figure("lookup p99, webhooks at full speed", median(full.into_iter()), "ms", Goal::AtMost(5.0));
}

/// Requests with signed messages, each about a recipient of its own at a domain of its own.
fn messages(count: usize) -> Vec<Vec<u8>> {
    let make = |n: usize| {
        let mut id = [0; 8];
        openssl::rand::rand_bytes(&mut id).unwrap();
        let address = format!("user{n}@d{:016x}.example.com", u64::from_ne_bytes(id));
        Draft::notification(&bounce(&address)).sign(&Pki::shared().good).request("/sns")
    };
    let half = count / 2;
    std::thread::scope(|scope| {
        let other = scope.spawn(|| (0..half).map(make).collect::<Vec<_>>());
        let mut all: Vec<_> = (half..count).map(make).collect();
        all.extend(other.join().unwrap());
        all
    })
}

/// RSA-2048 signatures that one core verifies per second, as openssl itself says.
fn verifications() -> f64 {
    let output = Command::new("openssl").args(["speed", "-seconds", "1", "rsa2048"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.starts_with("rsa")).unwrap_or_else(|| panic!("{text}"));
    line.split_whitespace().next_back().unwrap().parse().unwrap()
}
