//! Lookups per second over a unix socket, beside an echo that does no work: `cargo bench --bench lookup`.
//!
//! One request is outstanding on each connection, as Postfix does it. Client and server share the machine, so only the
//! ratio of the two numbers says something.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use suppressd::lookup::{Limits, Lookup, Protocol, Query, Service, Settings, serve};
use suppressd::socket::{ListenAddress, Listener, SocketRights};
use suppressd::store::{Change, Key, Readers, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ENTRIES: usize = 20_000;
const TIME: Duration = Duration::from_secs(3);

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("suppressd.db");
    fill(&database);
    let (echo, lookup) = (dir.path().join("echo.sock"), dir.path().join("lookup.sock"));
    in_process(&database);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.spawn(echo_server(tokio_listener(&runtime, &echo)));
    let service = Service {
        protocol: Protocol::Socketmap,
        lookup: Arc::new(Lookup::new(Arc::new(Readers::open(database, TIME).unwrap()), Settings::default())),
        limits: Limits::default(),
        clock: jiff::Timestamp::now,
    };
    let guard = runtime.enter();
    let listener = Listener::bind(&ListenAddress::Unix(lookup.clone()), &SocketRights::default()).unwrap();
    drop(guard);
    runtime.spawn(serve(listener, service, std::future::pending()));
    for connections in [1, 8, 64] {
        for round in 1..=2 {
            let (limit, ours) = (rate(&echo, connections), rate(&lookup, connections));
            let ratio = ours / limit;
            println!(
                "{connections:3} connections, round {round}: echo {limit:8.0}/s, lookup {ours:8.0}/s, ratio {ratio:.2}"
            );
        }
    }
}

fn fill(database: &Path) {
    let mut store = Store::open(database, TIME).unwrap();
    store.add(&Key::parse("@gone.example").unwrap(), &Change::default(), jiff::Timestamp::now()).unwrap();
    drop(store);
    let connection = rusqlite::Connection::open(database).unwrap();
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {ENTRIES}) \
         INSERT INTO suppression (address, kind) SELECT 'user' || i || '@example.com', 'hard_bounce' FROM n"
    );
    connection.execute_batch(&sql).unwrap();
}

/// One lookup without any socket: the best of many batches, as other work on the machine only ever adds.
fn in_process(database: &Path) {
    let lookup = Lookup::new(Arc::new(Readers::open(database.into(), TIME).unwrap()), Settings::default());
    for (what, key) in [("on the list", "user77@example.com"), ("not on it", "nobody@example.com"), ("no address", "*")]
    {
        let batch = || {
            let begun = Instant::now();
            for _ in 0..100 {
                std::hint::black_box(
                    lookup.ask(Query { key, door: "access", stream: "", client: None }, jiff::Timestamp::now()),
                );
            }
            begun.elapsed() / 100
        };
        let best = (0..200).map(|_| batch()).min().unwrap_or_default();
        println!("one lookup in the process, {what}: {best:?}");
    }
}

fn tokio_listener(runtime: &tokio::runtime::Runtime, path: &Path) -> tokio::net::UnixListener {
    let _guard = runtime.enter();
    tokio::net::UnixListener::bind(path).unwrap()
}

async fn echo_server(listener: tokio::net::UnixListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                stream.write_all(buffer.get(..read).unwrap_or_default()).await.unwrap();
            }
        });
    }
}

/// Round trips per second of all connections together; half of the keys are on the list.
fn rate(path: &Path, connections: usize) -> f64 {
    let begun = Instant::now();
    let count: u32 = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..connections).map(|seed| scope.spawn(move || client(path, seed, begun))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    f64::from(count) / begun.elapsed().as_secs_f64()
}

fn client(path: &Path, seed: usize, begun: Instant) -> u32 {
    let mut stream = UnixStream::connect(path).unwrap();
    let (mut count, mut key, mut buffer) = (0, seed, [0; 4096]);
    while begun.elapsed() < TIME {
        key = (key * 7919 + 12345) % (2 * ENTRIES);
        let request = format!("access user{key}@example.com");
        stream.write_all(format!("{}:{request},", request.len()).as_bytes()).unwrap();
        assert!(stream.read(&mut buffer).unwrap() > 0);
        count += 1;
    }
    count
}
