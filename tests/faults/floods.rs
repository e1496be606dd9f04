//! More than anybody sends: connections, bodies, nesting. Memory stays within a bound, and others are served meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use openssl::base64::encode_block;

use crate::doors::{Answer, Client, Door, Lmtp, Report, mail};
use crate::peers::others_are_served;
use crate::scene::Scene;
use crate::settings::connections;
use crate::sns::pki::Pki;
use crate::sns::signer::{Draft, request};
use crate::table::Line;
use crate::trial::Raised;

/// Most memory of the daemon, in bytes, whatever is sent; bodies under way come on top of it.
const MEMORY: u64 = 160 << 20;

#[test]
fn thousands_of_connections_to_each_door() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard.min(65_536), hard).unwrap();
    for socket in ["", "lookup.sock", "policy.sock", "lmtp.sock"] {
        let scene = Scene::start(&[]);
        let lookup = scene.lookups();
        let (stop, most) = (AtomicBool::new(false), AtomicU64::new(0));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let path = scene.home.path(socket);
        for _ in 0..connections() {
            let (http, path, unix) = (scene.http, path.clone(), !socket.is_empty());
            runtime.spawn(async move {
                loop {
                    // Whoever is thrown out comes again.
                    let mut byte = [0];
                    if unix {
                        if let Ok(stream) = tokio::net::UnixStream::connect(&path).await {
                            while stream.readable().await.is_ok()
                                && !matches!(stream.try_read(&mut byte), Ok(0) | Err(_))
                            {}
                        }
                    } else if let Ok(stream) = tokio::net::TcpStream::connect(http).await {
                        while stream.readable().await.is_ok() && !matches!(stream.try_read(&mut byte), Ok(0) | Err(_)) {
                        }
                    }
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            });
        }
        let name = if socket.is_empty() { "webhook" } else { socket };
        // Only Postfix can connect to the other doors: what is thrown out there is its own.
        let doors: &[Door] =
            if socket == "lmtp.sock" { &[Door::Webhook, Door::Pipe] } else { &[Door::Webhook, Door::Lmtp, Door::Pipe] };
        std::thread::scope(|scope| {
            let _watching = Raised(&stop);
            scope.spawn(|| watch(&scene, &stop, &most));
            let fault = format!("{} connections to {name}", connections());
            others_are_served(&scene, lookup, &fault, doors, || {
                format!("memory at most {} MiB", most.load(Ordering::Relaxed) >> 20)
            });
        });
        runtime.shutdown_background();
        assert!(most.load(Ordering::Relaxed) < MEMORY, "{name}: {} bytes", most.load(Ordering::Relaxed));
    }
}

/// The most memory that the daemon ever has.
fn watch(scene: &Scene, stop: &AtomicBool, most: &AtomicU64) {
    while !stop.load(Ordering::Relaxed) {
        most.fetch_max(scene.memory(), Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_hundred_clients_with_bodies_of_a_mebibyte() {
    let scene = Scene::start(&[]);
    let lookup = scene.lookups();
    let (stop, most, sent) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let body = [b"{\"Message\": \"".to_vec(), vec![b'x'; (1 << 20) - 20], b"\"}".to_vec()].concat();
    let bytes = request("/sns", &[("x-amz-sns-message-type".into(), "Notification".into())], &body);
    std::thread::scope(|scope| {
        let _sending = Raised(&stop);
        scope.spawn(|| watch(&scene, &stop, &most));
        for _ in 0..100 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    if let Ok(mut connection) = scene.try_connect()
                        && let Ok(status) = connection.exchange(&bytes)
                    {
                        // Too late, on a machine that is too slow for so much at once.
                        assert!([400, 408].contains(&status), "{status}");
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
            || {
                format!(
                    "{} bodies: 400 or 408; memory at most {} MiB",
                    sent.load(Ordering::Relaxed),
                    most.load(Ordering::Relaxed) >> 20
                )
            },
        );
    });
    let most = most.load(Ordering::Relaxed);
    assert!(most < MEMORY + (200 << 20), "{most} bytes");
}

#[test]
fn bombs_are_kept_in_quarantine_and_cost_neither_time_nor_memory() {
    // In an idle machine each takes less than a second. Whoever takes longer than this is asked to come again.
    let scene = Scene::start(&[("mail.deadline", "\"30s\"")]);
    let (stop, most) = (AtomicBool::new(false), AtomicU64::new(0));
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    std::thread::scope(|scope| {
        let _watching = Raised(&stop);
        scope.spawn(|| watch(&scene, &stop, &most));
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
    let most = most.load(Ordering::Relaxed);
    assert!(most < MEMORY, "{most} bytes");
    Line {
        fault: "deep JSON, MIME bombs, a mail of message_size_limit",
        tried: format!("{} messages", 4 + 2 * mails().len()),
        answers: "webhook: 400, or 200 and quarantine; LMTP: 250; pipe: 0".into(),
        beside: format!("memory of the daemon at most {} MiB", most >> 20),
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
    vec![
        ("nested multiparts", nested),
        ("nested messages", messages),
        ("a hundred thousand parts", parts),
        ("a header of 5 MiB", format!("Subject: {}\n{report}", "x".repeat(5 << 20))),
        ("a hundred thousand header fields", format!("{}{report}", "X-A: b\n".repeat(100_000))),
        ("a header folded a hundred thousand times", format!("Subject: a\n{}{report}", " b\n".repeat(100_000))),
        ("base64 of base64", format!("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{coded}\n")),
        ("message_size_limit", format!("{report}{}", "x".repeat(10_240_000 - report.len()))),
    ]
}
