//! What any door acknowledged is in the database once and its recipient is refused, whenever the daemon is killed.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::doors::{Answer, Client, DOORS, Door, Report};
use crate::process::eventually;
use crate::scene::{Scene, refusals};
use crate::settings::{Random, kills, seed};
use crate::table::Line;

/// What clients sent, and what they heard.
#[derive(Default)]
pub struct Ledger {
    pub entries: Vec<(Report, Answer)>,
}

/// Clients at once, of each door.
const CLIENTS: [(Door, usize); 4] = [(Door::Webhook, 6), (Door::Lmtp, 2), (Door::Pipe, 2), (Door::CommandLine, 1)];

#[test]
fn what_any_door_acknowledged_is_there_once_after_kill_9() {
    let mut scene = Scene::start(&[]);
    let (mut random, mut sums) = (Random::new(seed()), Sums::default());
    for round in 0..kills() {
        let told = format!("round {round} of seed {}", seed());
        let mut ledger = load_and_kill(&mut scene, round, &mut random);
        if random.below(4) == 0 {
            kill_at_the_start(&scene, random.below(60));
        }
        scene.up();
        ledger.check(&scene, &told);
        sums.add(&ledger);
        // SNS and Postfix send again what got no answer; an administrator looks first.
        ledger.send_again(&scene, |report| report.door != Door::CommandLine);
        ledger.check(&scene, &told);
    }
    assert_eq!(scene.home.select("PRAGMA integrity_check"), "ok");
    assert!(
        DOORS.iter().all(|door| sums.count(*door, &Answer::Taken) >= kills() / 2),
        "not every door was busy: {sums}"
    );
    Line {
        fault: "kill -9 of the daemon, of pipe and of add",
        tried: format!("{} kills", kills()),
        answers: sums.to_string(),
        beside: "acknowledged: there once, refused; sent again: still once; integrity_check ok".into(),
        lost: 0,
    }
    .add();
}

/// A daemon that is killed before it is ready.
fn kill_at_the_start(scene: &Scene, milliseconds: u64) {
    let mut child = scene.home.command(&["serve"]).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(milliseconds));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Lets clients of all doors send until the daemon is killed, at a random moment mostly after each has had one
/// acknowledgement.
fn load_and_kill(scene: &mut Scene, round: u64, random: &mut Random) -> Ledger {
    let (stop, taken) = (AtomicBool::new(false), [0; 4].map(AtomicUsize::new));
    // Mostly when all doors are at work, and sometimes while the daemon still fetches its first certificate.
    let busy = if random.below(4) == 0 { &DOORS[..0] } else { &DOORS[..] };
    let after = Duration::from_millis(random.below(200));
    let mut ledger = Ledger::default();
    std::thread::scope(|scope| {
        let mut clients = Vec::new();
        for (door, count) in CLIENTS {
            for client in 0..count {
                let name = format!("r{round}-{door:?}-{client}").to_lowercase();
                let (scene, stop, taken, seed) = (&*scene, &stop, &taken, random.below(u64::MAX >> 33));
                clients.push(scope.spawn(move || send_until(scene, door, &name, stop, taken, Random::new(seed))));
            }
        }
        eventually("every door is busy", || busy.iter().all(|door| taken[*door as usize].load(Ordering::Relaxed) > 0));
        std::thread::sleep(after);
        scene.signal(Signal::SIGKILL);
        stop.store(true, Ordering::Relaxed);
        ledger.entries.extend(clients.into_iter().flat_map(|client| client.join().unwrap()));
    });
    assert!(!scene.ended().success());
    ledger
}

fn send_until(
    scene: &Scene,
    door: Door,
    name: &str,
    stop: &AtomicBool,
    taken: &[AtomicUsize; 4],
    mut random: Random,
) -> Vec<(Report, Answer)> {
    let mut client = Client::new(scene);
    let mut sent = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        // These processes die, too.
        client.killed_after = (random.below(3) == 0).then(|| Duration::from_micros(random.below(80_000)));
        let report = Report::new(door, &format!("{name}-{}", sent.len()));
        let answer = client.send(&report);
        if answer == Answer::Taken {
            taken[door as usize].fetch_add(1, Ordering::Relaxed);
        }
        let gone = answer == Answer::Silence && matches!(door, Door::Webhook | Door::Lmtp);
        sent.push((report, answer));
        if gone {
            break;
        }
    }
    sent
}

impl Ledger {
    /// Sends what was not acknowledged once more; now it must be.
    #[track_caller]
    pub fn send_again(&mut self, scene: &Scene, which: impl Fn(&Report) -> bool) {
        let mut client = Client::new(scene);
        for (report, answer) in self.entries.iter_mut().filter(|(report, _)| which(report)) {
            if *answer != Answer::Taken {
                *answer = client.send(report);
                assert_eq!(*answer, Answer::Taken, "{:?} about {}; {}", report.door, report.address, scene.log());
            }
        }
    }

    /// Holds the database and the lookups against what was acknowledged; nothing is there twice.
    #[track_caller]
    pub fn check(&self, scene: &Scene, told: &str) {
        self.check_on(scene, &scene.lookups(), told);
    }

    /// The same, with lookups on a connection that is open already.
    #[track_caller]
    pub fn check_on(&self, scene: &Scene, lookup: &UnixStream, told: &str) {
        let counts = scene.counts();
        let refused = refusals(lookup, self.entries.iter().map(|(report, _)| report.address.as_str()));
        for ((report, answer), refused) in self.entries.iter().zip(refused) {
            let (address, door) = (&report.address, report.door);
            let count = counts.get(address).copied().unwrap_or(0);
            assert!(!matches!(answer, Answer::Other(_)), "{told}: {door:?} said {answer} to {address}");
            assert!(count <= 1, "{told}: {address} is there {count} times");
            assert!(*answer != Answer::Taken || count == 1, "{told}: {door:?} acknowledged {address}, it is not there");
            assert_eq!(refused, count == 1, "{told}: {address} of {door:?}; {}", scene.log());
        }
    }
}

/// What each door answered, and how often.
#[derive(Default)]
pub struct Sums(BTreeMap<Door, BTreeMap<Answer, u64>>);

impl Sums {
    pub fn add(&mut self, ledger: &Ledger) {
        for (report, answer) in &ledger.entries {
            *self.0.entry(report.door).or_default().entry(answer.clone()).or_default() += 1;
        }
    }

    /// How often a door said that.
    pub fn count(&self, door: Door, answer: &Answer) -> u64 {
        self.0.get(&door).and_then(|answers| answers.get(answer)).copied().unwrap_or(0)
    }

    pub fn total(&self) -> u64 {
        self.0.values().flat_map(BTreeMap::values).sum()
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (door, answers)) in self.0.iter().enumerate() {
            let answers: Vec<_> = answers.iter().map(|(answer, count)| format!("{answer} {count}")).collect();
            write!(f, "{}{door}: {}", if n == 0 { "" } else { "; " }, answers.join(", "))?;
        }
        Ok(())
    }
}
