//! Mixed load at half of what it can do, with restarts, reloads and a kill now and then: nothing grows, and every ledger is clean.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::doors::{Answer, Client, Door, Report};
use crate::ledger::{Ledger, Sums};
use crate::scene::Scene;
use crate::settings::soak;
use crate::table::Line;

/// Stretches of the load; between them come a reload, a restart or a kill.
const STRETCHES: u32 = 10;
/// The log is written back at 16 MiB; a group of commits comes on top.
const LOG: u64 = 24 << 20;
/// What memory may differ by, in bytes.
const MEMORY: u64 = 24 << 20;

/// What the daemon has of the machine.
#[derive(Clone, Copy, Debug)]
struct Holding {
    memory: u64,
    descriptors: usize,
    log: u64,
}

impl Holding {
    fn of(scene: &Scene) -> Self {
        Self {
            memory: scene.memory(),
            descriptors: scene.descriptors(),
            log: fs::metadata(scene.home.path("suppressd.db-wal")).map_or(0, |log| log.len()),
        }
    }
}

#[test]
fn under_half_of_its_load_nothing_grows() {
    let mut scene = Scene::start(&[]);
    let begun = Instant::now();
    let full = load(&scene, "full", Duration::from_secs(2).min(soak() / 4), Duration::ZERO);
    let rate = full.entries.len() as f64 / begun.elapsed().as_secs_f64();
    // Four clients, each at an eighth of it.
    let pause = Duration::from_secs_f64(8.0 / rate);
    let (mut sums, mut holdings, mut all) = (Sums::default(), Vec::new(), full);
    for stretch in 0..STRETCHES {
        let ledger = load(&scene, &format!("s{stretch}"), soak() / STRETCHES, pause);
        // With all connections gone, what is left is its own.
        std::thread::sleep(Duration::from_millis(300));
        holdings.push(Holding::of(&scene));
        sums.add(&ledger);
        assert!(ledger.entries.iter().all(|(_, answer)| *answer == Answer::Taken), "{sums}; {}", scene.log());
        all.entries.extend(ledger.entries);
        match stretch % 5 {
            1 => assert!(scene.stop().success()),
            3 => {
                scene.signal(Signal::SIGKILL);
                scene.ended();
            }
            _ => {
                scene.reload();
                continue;
            }
        }
        scene.up();
    }
    all.check(&scene, "soak");
    assert_eq!(scene.home.select("PRAGMA integrity_check"), "ok");
    let (first, most) = (holdings[0], holdings.iter().map(|holding| holding.memory).max().unwrap());
    for holding in &holdings {
        assert!(holding.memory < first.memory + MEMORY, "{holdings:?}");
        assert!(holding.descriptors <= first.descriptors + 10, "{holdings:?}");
        assert!(holding.log < LOG, "{holdings:?}");
    }
    let last = holdings[holdings.len() - 1];
    Line {
        fault: "soak: half of its load, with reloads, restarts and kills",
        tried: format!("{:?} at {:.0} reports a second", soak(), rate / 2.0),
        answers: sums.to_string(),
        beside: format!(
            "memory {} MiB at first, {} at most, {} at last; descriptors {} and {}; log at most {} KiB",
            first.memory >> 20,
            most >> 20,
            last.memory >> 20,
            first.descriptors,
            last.descriptors,
            holdings.iter().map(|holding| holding.log).max().unwrap() >> 10
        ),
        lost: 0,
    }
    .add();
}

/// Two clients of the webhook, one of LMTP and one of pipe for so long, each with a pause after each report; lookups beside.
fn load(scene: &Scene, name: &str, time: Duration, pause: Duration) -> Ledger {
    let (begun, next) = (Instant::now(), AtomicUsize::new(0));
    let mut ledger = Ledger::default();
    std::thread::scope(|scope| {
        let clients = [Door::Webhook, Door::Webhook, Door::Lmtp, Door::Pipe].map(|door| {
            let next = &next;
            scope.spawn(move || {
                let (mut client, mut sent) = (Client::new(scene), Vec::new());
                while begun.elapsed() < time {
                    let report = Report::new(door, &format!("{name}-{}", next.fetch_add(1, Ordering::Relaxed)));
                    let answer = client.send(&report);
                    assert_eq!(scene.refusals([report.address.as_str()]), [answer == Answer::Taken]);
                    sent.push((report, answer));
                    std::thread::sleep(pause);
                }
                sent
            })
        });
        ledger.entries.extend(clients.into_iter().flat_map(|client| client.join().unwrap()));
    });
    ledger
}
