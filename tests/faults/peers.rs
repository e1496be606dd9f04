//! Peers that are slow, hang, stop half-way or read no replies: others don't notice, and nothing is lost.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::doors::{Answer, Client, Door, Report};
use crate::ledger::{Ledger, Sums};
use crate::process::eventually;
use crate::scene::{Scene, kilobytes};
use crate::settings::duration;
use crate::sns::aws::Reply;
use crate::sns::pki::Pki;
use crate::table::Line;
use crate::trial::{Asked, Raised};

/// Longest time for a report while others misbehave. SNS waits 15 seconds.
const REPORT: Duration = Duration::from_secs(14);

/// Lets honest clients work until the time is over, and checks what came of it; `what` is told in the table.
#[track_caller]
pub fn others_are_served(scene: &Scene, lookup: UnixStream, fault: &str, doors: &[Door], beside: impl Fn() -> String) {
    let first = Report::new(Door::Pipe, "first");
    assert_eq!(Client::new(scene).send(&first), Answer::Taken);
    let (stop, begun) = (AtomicBool::new(false), Instant::now());
    let (mut ledger, mut times) = (Ledger::default(), Vec::new());
    let asked = std::thread::scope(|scope| {
        let prober = scope.spawn(|| Asked::on(scene, &lookup, &first.address, &stop));
        let _asking = Raised(&stop);
        while begun.elapsed() < duration() || times.len() < 2 * doors.len() {
            for door in doors {
                let report = Report::new(*door, &format!("honest-{door}-{}", times.len()).to_lowercase());
                let begun = Instant::now();
                // Each on a connection of its own.
                let answer = Client::new(scene).send(&report);
                times.push(begun.elapsed());
                assert_eq!(answer, Answer::Taken, "{fault}: {door}; {}", scene.log());
                ledger.entries.push((report, answer));
            }
        }
        stop.store(true, Ordering::Relaxed);
        prober.join().unwrap()
    });
    ledger.check_on(scene, &lookup, fault);
    times.sort_unstable();
    let (p99, worst) = (times[times.len() * 99 / 100], times[times.len() - 1]);
    assert!(worst < REPORT, "{fault}: a report took {worst:?}");
    let mut sums = Sums::default();
    sums.add(&ledger);
    let tried = format!("{:?}", begun.elapsed().max(Duration::from_secs(1))).split('.').next().unwrap().to_owned();
    Line {
        fault,
        tried: format!("{} s", tried.trim_end_matches('s')),
        answers: format!("{sums}; p99 {p99:.1?}, worst {worst:.1?}"),
        beside: format!("{asked}; {}", beside()),
        lost: 0,
    }
    .add();
}

/// A connection to some door, to be misused.
pub enum Wire {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Wire {
    pub fn webhook(scene: &Scene) -> Option<Self> {
        TcpStream::connect_timeout(&scene.http, Duration::from_millis(200)).ok().map(Self::Tcp)
    }

    pub fn unix(scene: &Scene, socket: &str) -> Option<Self> {
        UnixStream::connect(scene.home.path(socket)).ok().map(Self::Unix)
    }

    /// How many of these bytes it takes at once.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.set_nonblocking(true).and_then(|()| stream.write(bytes)),
            Self::Unix(stream) => stream.set_nonblocking(true).and_then(|()| stream.write(bytes)),
        }
    }

    /// Whether the daemon has closed it.
    pub fn has_ended(&mut self) -> bool {
        let mut bytes = [0; 1024];
        let read = match self {
            Self::Tcp(stream) => stream.read(&mut bytes),
            Self::Unix(stream) => stream.read(&mut bytes),
        };
        match read {
            Ok(length) => length == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }
}

/// Slow clients of each door: more than it serves at once, or nearly as many where only Postfix can connect.
const SLOW: [(&str, usize, &[u8]); 4] = [
    ("", 700, b"POST /sns HTTP/1.1\r\nhost: x\r\nx-slow: "),
    ("lookup.sock", 500, b"1000:access "),
    ("policy.sock", 500, b"request=smtpd_access_policy\nx="),
    ("lmtp.sock", 45, b"LHLO "),
];

#[test]
fn clients_that_drip_bytes_keep_nobody_out() {
    // Their own time would not be over soon enough.
    let scene = Scene::start(&[("http.header-timeout", "\"60s\"")]);
    let lookup = scene.lookups();
    let (stop, full) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let _dripping = Raised(&stop);
        for (socket, count, start) in SLOW {
            let (scene, stop, full) = (&scene, &stop, &full);
            scope.spawn(move || drip(scene, socket, count, start, stop, full));
        }
        eventually("all slow clients are there", || full.load(Ordering::Relaxed) == SLOW.len());
        let doors = [Door::Webhook, Door::Lmtp, Door::Pipe];
        others_are_served(&scene, lookup, "slow-loris on every door", &doors, || {
            SLOW.map(|(socket, count, _)| format!("{count} at {}", if socket.is_empty() { "webhook" } else { socket }))
                .join(", ")
        });
    });
}

/// Keeps so many connections going, each of which gets a byte now and then.
fn drip(scene: &Scene, socket: &str, count: usize, start: &[u8], stop: &AtomicBool, full: &AtomicUsize) {
    let connect = || if socket.is_empty() { Wire::webhook(scene) } else { Wire::unix(scene, socket) };
    let (mut wires, mut was_full) = (Vec::<(Wire, usize)>::new(), false);
    while !stop.load(Ordering::Relaxed) {
        wires.retain_mut(|(wire, sent)| {
            let byte = start.get(*sent).copied().unwrap_or(b'x');
            *sent += 1;
            wire.write(&[byte]).is_ok()
        });
        let missing = count - wires.len();
        wires.extend((0..missing.min(500)).map_while(|_| connect()).map(|wire| (wire, 0)));
        // Some of them are thrown out all the time, where there are too many.
        if !was_full && wires.len() >= count.min(600) {
            was_full = true;
            full.fetch_add(1, Ordering::Relaxed);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn connections_that_end_half_way_keep_nobody_out() {
    let scene = Scene::start(&[("http.header-timeout", "\"1s\""), ("http.body-timeout", "\"1s\"")]);
    let lookup = scene.lookups();
    let stop = AtomicBool::new(false);
    let whole = Report::new(Door::Webhook, "half");
    let half = &whole.bytes()[..whole.bytes().len() - 100];
    // These are let go when their time is over, whatever comes to others.
    let mut first = [(Wire::webhook(&scene), half), (Wire::webhook(&scene), &half[..20])].map(|(wire, half)| {
        let mut wire = wire.unwrap();
        assert_eq!(wire.write(half).unwrap(), half.len());
        wire
    });
    std::thread::scope(|scope| {
        let _halving = Raised(&stop);
        scope.spawn(|| {
            // Half a request, and then silence.
            let mut silent = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let halves: [(Option<Wire>, &[u8]); 3] = [
                    (Wire::webhook(&scene), half),
                    (Wire::unix(&scene, "lookup.sock"), b"50:access us"),
                    (Wire::unix(&scene, "policy.sock"), b"request=smtpd"),
                ];
                for (wire, half) in halves {
                    let Some(mut wire) = wire else { continue };
                    let _ = wire.write(half);
                    silent.push(wire);
                }
                let surplus = silent.len().saturating_sub(900);
                silent.drain(..surplus);
                std::thread::sleep(Duration::from_millis(3));
            }
        });
        let doors = [Door::Webhook, Door::Lmtp, Door::Pipe];
        others_are_served(&scene, lookup, "half a request, then silence", &doors, || "up to 900 half-open".to_owned());
        eventually("the first are let go", || first.iter_mut().all(Wire::has_ended));
    });
    assert!(!scene.refuses(&whole.address), "half a report is none");
}

#[test]
fn clients_that_read_no_replies_keep_nobody_out() {
    let scene = Scene::start(&[]);
    let lookup = scene.lookups();
    let (stop, full) = (AtomicBool::new(false), AtomicBool::new(false));
    // Of a refused address: the replies are longer than the questions.
    let first = Report::new(Door::Pipe, "first");
    assert_eq!(Client::new(&scene).send(&first), Answer::Taken);
    let key = format!("access {}", first.address);
    let questions = format!("{}:{key},", key.len()).repeat(2000);
    let commands = "NOOP\r\n".repeat(8000);
    std::thread::scope(|scope| {
        let _asking = Raised(&stop);
        scope.spawn(|| {
            let mut wires = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                if wires.len() < 40 {
                    for (socket, bytes) in [("lookup.sock", &questions), ("lmtp.sock", &commands)] {
                        wires.extend(Wire::unix(&scene, socket).map(|wire| (wire, bytes, Instant::now())));
                    }
                }
                wires.retain_mut(|(wire, bytes, moved)| match wire.write(bytes.as_bytes()) {
                    Ok(_) => {
                        *moved = Instant::now();
                        true
                    }
                    // Neither side goes on: the daemon waits for the client, or has been caught by it.
                    Err(error) => error.kind() == io::ErrorKind::WouldBlock,
                });
                let stuck = wires.iter().filter(|(_, _, moved)| moved.elapsed() > Duration::from_secs(1)).count();
                full.fetch_or(stuck >= 20, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        eventually("the daemon can write nothing to most of them", || full.load(Ordering::Relaxed));
        let doors = [Door::Webhook, Door::Lmtp, Door::Pipe];
        others_are_served(&scene, lookup, "Postfix reads no replies", &doors, || {
            "20 of lookup and 20 of LMTP".to_owned()
        });
    });
    let memory = scene.memory();
    assert!(memory < 100 << 20, "{memory} bytes");
}

#[test]
fn a_certificate_server_out_of_its_mind_costs_no_report() {
    let scene = Scene::start(&[("sns.fetch-timeout", "\"1s\"")]);
    let good = &Pki::shared().good;
    let junk = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    let elsewhere = "https://evil.example/cert.pem".to_owned();
    let replies = [
        ("hangs", Reply::Hang),
        ("sends without end", Reply::Endless),
        ("redirects", Reply::RedirectTo(elsewhere)),
        ("500", Reply::Status(500)),
        ("sends junk", Reply::Body(junk.clone())),
        ("sends nothing", Reply::Body(Vec::new())),
    ];
    let (mut ledger, mut answers) = (Ledger::default(), Vec::new());
    for (n, (name, reply)) in replies.into_iter().enumerate() {
        scene.aws.serve_certificate(&good.id, reply);
        let report = Report::new(Door::Webhook, &format!("certificate-{n}"));
        let begun = Instant::now();
        let answer = Client::new(&scene).send(&report);
        assert_eq!(answer, Answer::TryAgain, "{name}; {}", scene.log());
        // Below the 14 seconds after which every report is answered.
        assert!(begun.elapsed() < Duration::from_secs(10), "{name}: {:?}", begun.elapsed());
        answers.push(format!("{name}: {answer}"));
        ledger.entries.push((report, answer));
        for door in [Door::Pipe, Door::Lmtp] {
            let report = Report::new(door, &format!("beside-{n}-{door}").to_lowercase());
            ledger.entries.push((report.clone(), Client::new(&scene).send(&report)));
        }
    }
    assert!(!scene.aws.calls().iter().any(|call| call.contains("evil.example")), "a redirect is not followed");
    let most = kilobytes(&fs::read_to_string(format!("/proc/{}/status", scene.pid())).unwrap(), "VmHWM:");
    assert!((1..100 << 10).contains(&most), "at some time it had {most} kB");
    scene.aws.serve_certificate(&good.id, Reply::Body(good.pem.clone()));
    ledger.send_again(&scene, |_| true);
    // Wrong again: what was right is kept.
    scene.aws.serve_certificate(&good.id, Reply::Body(junk));
    let report = Report::new(Door::Webhook, "certificate-kept");
    assert_eq!(Client::new(&scene).send(&report), Answer::Taken);
    ledger.check(&scene, "certificates");
    Line {
        fault: "certificate server out of its mind, then right, then wrong again",
        tried: "8 replies".into(),
        answers: format!("webhook: {}; right: taken; wrong again: taken; pipe, LMTP: taken", answers.join("; ")),
        beside: "redirect not followed; all there once after SNS came again".into(),
        lost: 0,
    }
    .add();
}
