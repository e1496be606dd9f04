//! Lookups as Postfix makes them, over real sockets and a real database.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "helpers of tests may panic, as tests do")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use suppressd::lookup::{Limits, Lookup, Map, Protocol, Service, Settings, serve};
use suppressd::socket::{ListenAddress, Listener, SocketRights};
use suppressd::store::{Change, Key, Readers, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

#[path = "support/damage.rs"]
mod damage;

const WAIT: Duration = Duration::from_millis(200);
/// No answer of ours takes that long, even on a busy machine.
const SOON: Duration = Duration::from_secs(10);
const BOB: &[u8] = b"22:access bob@example.com,";
const ALICE: &[u8] = b"24:access alice@example.com,";
const REFUSED: &str = "71:OK 550 5.7.1 Recipient is on the suppression list (added on 2026-11-21),";
const NOT_FOUND: &str = "9:NOTFOUND ,";

struct Daemon {
    dir: tempfile::TempDir,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn limits() -> Limits {
    Limits { connections: 8, idle: SOON, request: SOON, write: SOON, drain: SOON }
}

/// Where nothing is to be closed, however busy the machine is.
fn patient() -> Limits {
    Limits { idle: 12 * SOON, request: 12 * SOON, ..limits() }
}

/// A daemon that has bob on its list.
fn start(protocol: Protocol, limits: Limits) -> Daemon {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("suppressd.db");
    let mut store = Store::open(&database, WAIT).unwrap();
    store.add(&Key::parse("bob@example.com").unwrap(), &Change::default(), now()).unwrap();
    let readers = Arc::new(Readers::open(database, WAIT).unwrap());
    let lookup = Arc::new(Lookup::new(readers, Settings::default()));
    let at = ListenAddress::Unix(dir.path().join("lookup.sock"));
    let listener = Listener::bind(&at, &SocketRights::default()).unwrap();
    let (stop, stopped) = oneshot::channel();
    let service = Service { protocol, lookup, limits, clock: now, log_limit: Arc::default() };
    let task = tokio::spawn(serve(listener, service, async { drop(stopped.await) }));
    Daemon { dir, stop, task }
}

impl Daemon {
    fn database(&self) -> PathBuf {
        self.dir.path().join("suppressd.db")
    }

    async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.dir.path().join("lookup.sock")).await.unwrap()
    }
}

/// Expects exactly these bytes next.
async fn expect(stream: &mut UnixStream, reply: &str) {
    let mut buffer = Vec::new();
    while buffer.len() < reply.len() {
        let rest = (reply.len() - buffer.len()) as u64;
        let read = timeout(SOON, (&mut *stream).take(rest).read_buf(&mut buffer)).await;
        let so_far = String::from_utf8_lossy(&buffer);
        match read {
            Ok(Ok(0) | Err(_)) => panic!("{read:?} after {so_far:?} instead of {reply:?}"),
            Ok(Ok(_)) => {}
            Err(_) => panic!("nothing more after {so_far:?} instead of {reply:?}"),
        }
    }
    assert_eq!(String::from_utf8(buffer).unwrap(), reply);
}

/// Expects the other side to close now, with nothing more to say.
async fn expect_end(stream: &mut UnixStream) {
    let mut rest = Vec::new();
    // A close with unread bytes of ours is a reset.
    let _ = timeout(SOON, stream.read_to_end(&mut rest)).await.expect("an end in time");
    assert_eq!(String::from_utf8_lossy(&rest), "");
}

#[tokio::test]
async fn one_connection_asks_many_times_and_gets_its_answers_in_order() {
    let daemon = start(Protocol::Socketmap, limits());
    let mut client = daemon.connect().await;
    for _ in 0..3 {
        client.write_all(BOB).await.unwrap();
        expect(&mut client, REFUSED).await;
        client.write_all(ALICE).await.unwrap();
        expect(&mut client, NOT_FOUND).await;
    }
    client.write_all(&[BOB, ALICE, ALICE, BOB].concat()).await.unwrap();
    expect(&mut client, &[REFUSED, NOT_FOUND, NOT_FOUND, REFUSED].concat()).await;
}

#[tokio::test]
async fn a_request_in_single_bytes_is_a_request() {
    let daemon = start(Protocol::Socketmap, limits());
    let mut client = daemon.connect().await;
    for byte in [BOB, ALICE].concat() {
        client.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    expect(&mut client, &[REFUSED, NOT_FOUND].concat()).await;
}

#[tokio::test]
async fn a_violation_ends_its_connection_and_no_other() {
    let daemon = start(Protocol::Socketmap, limits());
    let mut neighbour = daemon.connect().await;
    for violation in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"10000000:", b"-1:,", b"3:abcd", b"01:a,", &[0; 100]] {
        let mut client = daemon.connect().await;
        client.write_all(&[ALICE, violation].concat()).await.unwrap();
        expect(&mut client, NOT_FOUND).await;
        expect_end(&mut client).await;
    }
    neighbour.write_all(BOB).await.unwrap();
    expect(&mut neighbour, REFUSED).await;
}

#[tokio::test]
async fn ten_megabytes_of_request_are_not_taken() {
    let daemon = start(Protocol::Policy, limits());
    let mut client = daemon.connect().await;
    let sent = timeout(SOON, client.write_all(&vec![b'a'; 10_000_000])).await.expect("an end in time");
    assert!(sent.is_err(), "the connection ends before all of it is taken");
}

#[tokio::test]
async fn a_client_that_takes_no_replies_is_let_go() {
    let daemon = start(Protocol::Socketmap, Limits { write: WAIT, ..limits() });
    let mut client = daemon.connect().await;
    let flooded = timeout(SOON, client.write_all(&BOB.repeat(100_000))).await.expect("an end in time");
    assert!(flooded.is_err(), "it was cut off while it sent");
}

#[tokio::test]
async fn every_pipelined_request_is_answered_however_many() {
    let daemon = start(Protocol::Socketmap, limits());
    let (mut reader, mut writer) = daemon.connect().await.into_split();
    let sent = tokio::spawn(async move { writer.write_all(&BOB.repeat(20_000)).await.map(|()| writer) });
    let mut replies = vec![0; REFUSED.len() * 20_000];
    timeout(SOON, reader.read_exact(&mut replies)).await.expect("answers in time").unwrap();
    assert!(replies.chunks(REFUSED.len()).all(|reply| reply == REFUSED.as_bytes()));
    sent.await.unwrap().unwrap();
}

#[tokio::test]
async fn silent_and_dripping_clients_are_let_go() {
    let daemon = start(Protocol::Socketmap, Limits { idle: WAIT, request: WAIT, ..limits() });
    let begun = Instant::now();
    expect_end(&mut daemon.connect().await).await;
    assert!(begun.elapsed() >= WAIT);
    let mut dripping = daemon.connect().await;
    let begun = Instant::now();
    for byte in b"9000:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" {
        if dripping.write_all(&[*byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(WAIT / 10).await;
    }
    assert!(begun.elapsed() < WAIT * 4, "bytes buy no time: {:?}", begun.elapsed());
}

#[tokio::test]
async fn the_connection_over_the_cap_is_closed_at_once_and_the_others_live() {
    let daemon = start(Protocol::Socketmap, Limits { connections: 2, ..limits() });
    let mut first = daemon.connect().await;
    let second = daemon.connect().await;
    first.write_all(ALICE).await.unwrap();
    expect(&mut first, NOT_FOUND).await;
    expect_end(&mut daemon.connect().await).await;
    drop(second);
    tokio::time::sleep(WAIT).await;
    let mut third = daemon.connect().await;
    third.write_all(BOB).await.unwrap();
    expect(&mut third, REFUSED).await;
}

#[tokio::test]
async fn a_stop_answers_what_is_here_and_closes_the_rest() {
    let daemon = start(Protocol::Socketmap, limits());
    let (mut idle, mut begun) = (daemon.connect().await, daemon.connect().await);
    for client in [&mut idle, &mut begun] {
        client.write_all(ALICE).await.unwrap();
        expect(client, NOT_FOUND).await;
    }
    let (half, rest) = BOB.split_at(10);
    begun.write_all(half).await.unwrap();
    tokio::time::sleep(WAIT).await;
    daemon.stop.send(()).unwrap();
    expect_end(&mut idle).await;
    assert!(UnixStream::connect(daemon.dir.path().join("lookup.sock")).await.is_err());
    begun.write_all(rest).await.unwrap();
    expect(&mut begun, REFUSED).await;
    timeout(SOON, daemon.task).await.expect("a stop in time").unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_client_that_stalls() {
    let daemon = start(Protocol::Socketmap, Limits { drain: WAIT, ..limits() });
    let mut stalled = daemon.connect().await;
    stalled.write_all(b"22:acc").await.unwrap();
    tokio::time::sleep(WAIT).await;
    daemon.stop.send(()).unwrap();
    timeout(SOON, daemon.task).await.expect("a stop in time").unwrap();
    expect_end(&mut stalled).await;
}

#[tokio::test]
async fn tcp_table_and_policy_service_keep_their_connections() {
    let daemon = start(Protocol::TcpTable(Map::Transport.into()), patient());
    let mut client = daemon.connect().await;
    for _ in 0..2 {
        client.write_all(b"get alice@example.com\nget Bob@Example.com\n").await.unwrap();
        let refused = "error:5.7.1%20Recipient%20is%20on%20the%20suppression%20list%20(added%20on%202026-11-21)";
        expect(&mut client, &format!("500 not%20on%20the%20list\n200 {refused}\n")).await;
    }
    client.write_all(b"help\n").await.unwrap();
    expect(&mut client, "400 write%20get,%20a%20space%20and%20a%20key\n").await;
    expect_end(&mut client).await;

    let daemon = start(Protocol::Policy, patient());
    let mut client = daemon.connect().await;
    for (recipient, action) in [
        ("alice@example.com", "DUNNO"),
        ("Bob@example.com", "550 5.7.1 Recipient is on the suppression list (added on 2026-11-21)"),
    ] {
        let request = format!("request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient={recipient}\n\n");
        client.write_all(request.as_bytes()).await.unwrap();
        expect(&mut client, &format!("action={action}\n\n")).await;
    }
}

#[tokio::test]
async fn a_database_that_a_writer_holds_still_answers() {
    let daemon = start(Protocol::Socketmap, patient());
    let mut client = daemon.connect().await;
    let other = rusqlite::Connection::open(daemon.database()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE; DELETE FROM suppression").unwrap();
    client.write_all(BOB).await.unwrap();
    expect(&mut client, REFUSED).await;
    other.execute_batch("COMMIT").unwrap();
    client.write_all(BOB).await.unwrap();
    expect(&mut client, NOT_FOUND).await;
}

#[tokio::test]
async fn a_damaged_database_is_temp_and_never_not_found() {
    let daemon = start(Protocol::Socketmap, patient());
    let mut client = daemon.connect().await;
    // Strangers may be known from memory by now, but who was listed a moment ago is no stranger.
    let mut store = Store::open(&daemon.database(), WAIT).unwrap();
    store.add(&Key::parse("alice@example.com").unwrap(), &Change::default(), now()).unwrap();
    damage::overwrite(&daemon.database());
    for request in [BOB, ALICE] {
        client.write_all(request).await.unwrap();
        expect(&mut client, "43:TEMP the suppression list can't be read now,").await;
    }
}

#[tokio::test]
async fn what_is_written_by_hand_counts_at_the_next_lookup() {
    let daemon = start(Protocol::Socketmap, patient());
    let mut client = daemon.connect().await;
    let by_hand = rusqlite::Connection::open(daemon.database()).unwrap();
    let domain = "85:OK 550 5.7.1 Recipient is on the suppression list (whole domain, added on 2026-11-21),";
    for (sql, reply) in [
        ("INSERT INTO suppression (address, since) VALUES ('Alice@Example.COM', '2026-11-21T08:00:00Z')", REFUSED),
        ("UPDATE suppression SET until = '2026-11-21T12:00:00Z' WHERE address = 'alice@example.com'", NOT_FOUND),
        ("UPDATE suppression SET until = '2026-11-21T12:00:01Z' WHERE address = 'alice@example.com'", REFUSED),
        ("DELETE FROM suppression WHERE address = 'ALICE@example.com'", NOT_FOUND),
        ("INSERT INTO suppression (address, since) VALUES ('@EXAMPLE.com', '2026-11-21T08:00:00Z')", domain),
        ("DELETE FROM suppression", NOT_FOUND),
    ] {
        assert!(by_hand.execute(sql, []).unwrap() > 0, "{sql}");
        client.write_all(ALICE).await.unwrap();
        expect(&mut client, reply).await;
    }
}
