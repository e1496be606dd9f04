//! One fault, from its beginning to its end: reports go to the doors all the time, and lookups are asked beside them.

use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::doors::{Answer, Client, Door, Report};
use crate::ledger::{Ledger, Sums};
use crate::process::{PATIENCE, eventually};
use crate::scene::Scene;
use crate::settings::duration;
use crate::table::Line;
use crate::world::ask;

/// Reports to one door during one fault, at most.
const REPORTS: usize = 60;
/// Lines of trouble in a fault of up to a minute: two doors with ten a minute each (`ingress/log_limit.rs`), twice where it lasts
/// from one minute into the next, and one for the counts of refusals.
const MAX_LINES: usize = 41;
/// Longest time for a lookup, on a machine that has other things to do too.
const LOOKUP: Duration = Duration::from_secs(15);

/// A fault of the database, and what is to come of it.
pub struct Trial<'a> {
    pub fault: &'a str,
    pub doors: &'a [Door],
    /// What every door says sooner or later while it lasts.
    pub expected: Answer,
    /// What the log says, and not for every report.
    pub logged: &'a str,
}

impl Trial<'_> {
    /// Lets the fault begin, last and end. Meanwhile, nothing is acknowledged that is not recorded, and lookups are answered
    /// right; afterwards, without a restart, everything that is sent again is taken, and is there once.
    #[track_caller]
    pub fn run(&self, scene: &Scene, begin: impl FnOnce(), end: impl FnOnce()) {
        let mut before = Ledger::default();
        let mut client = Client::new(scene);
        for door in [Door::Webhook, Door::Pipe, Door::Lmtp, Door::CommandLine] {
            before.entries.push((Report::new(door, &format!("before-{door}").to_lowercase()), Answer::Silence));
        }
        before.send_again(scene, |_| true);
        let refused = before.entries[0].0.address.clone();
        let (stop, told) = (AtomicBool::new(false), format!("{}: {}", self.fault, scene.home.path("").display()));
        let (mut ledger, asked) = std::thread::scope(|scope| {
            let prober = scope.spawn(|| Asked::on(scene, &scene.lookups(), &refused, &stop));
            let asking = Raised(&stop);
            begin();
            let lines = scene.log().lines().count();
            let ledger = self.last(scene);
            let new = scene.log().lines().skip(lines).filter(|line| line.contains(self.logged)).count();
            assert!((1..=MAX_LINES).contains(&new), "{told}: logged {new} times; {}", scene.log());
            end();
            drop(asking);
            (ledger, prober.join().unwrap())
        });
        let mut sums = Sums::default();
        sums.add(&ledger);
        for door in self.doors {
            assert!(sums.count(*door, &self.expected) > 0, "{told}: {door} never said {}: {sums}", self.expected);
        }
        let last = Report::new(Door::Webhook, "after");
        eventually("a report is taken again", || client.send(&last) == Answer::Taken);
        ledger.send_again(scene, |_| true);
        ledger.entries.append(&mut before.entries);
        ledger.check(scene, &told);
        Line {
            fault: self.fault,
            tried: format!("{} reports in {:?}", sums.total(), asked.time),
            answers: sums.to_string(),
            beside: format!("{asked}; healed without a restart"),
            lost: 0,
        }
        .add();
    }

    /// Sends to every door until the time is over and each has said what is expected.
    fn last(&self, scene: &Scene) -> Ledger {
        let begun = Instant::now();
        let open = AtomicUsize::new(self.doors.len());
        let mut ledger = Ledger::default();
        std::thread::scope(|scope| {
            let clients: Vec<_> =
                self.doors.iter().map(|door| scope.spawn(|| self.send(scene, *door, begun, &open))).collect();
            ledger.entries.extend(clients.into_iter().flat_map(|client| client.join().unwrap()));
        });
        ledger
    }

    fn send(&self, scene: &Scene, door: Door, begun: Instant, open: &AtomicUsize) -> Vec<(Report, Answer)> {
        let mut client = Client::new(scene);
        let (mut sent, mut seen) = (Vec::new(), false);
        while sent.len() < REPORTS && begun.elapsed() < PATIENCE.max(2 * duration()) {
            let report = Report::new(door, &format!("during-{door}-{}", sent.len()).to_lowercase());
            let answer = client.send(&report);
            if answer == self.expected && !seen {
                seen = true;
                open.fetch_sub(1, Ordering::Relaxed);
            }
            sent.push((report, answer));
            if begun.elapsed() >= duration() && open.load(Ordering::Relaxed) == 0 {
                break;
            }
        }
        sent
    }
}

/// Tells a thread to stop when it goes out of scope, by a failed assertion too.
pub struct Raised<'a>(pub &'a AtomicBool);

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What lookups were like meanwhile.
#[derive(Default)]
pub struct Asked {
    pub times: Vec<Duration>,
    pub time: Duration,
}

impl Asked {
    /// Asks, as Postfix does, whether an address is refused that is on the list, and one that is not.
    #[track_caller]
    pub fn on(scene: &Scene, stream: &UnixStream, refused: &str, stop: &AtomicBool) -> Self {
        let (mut asked, begun) = (Self::default(), Instant::now());
        while !stop.load(Ordering::Relaxed) {
            for (address, start) in [(refused, "OK 550 5."), ("alive@example.com", "NOTFOUND ")] {
                let begun = Instant::now();
                let reply = ask(stream, address);
                asked.times.push(begun.elapsed());
                assert!(reply.starts_with(start), "{address}: {reply}; {}", scene.log());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        asked.time = Duration::from_secs(begun.elapsed().as_secs());
        asked.times.sort_unstable();
        assert!(asked.worst() < LOOKUP, "a lookup took {:?}", asked.worst());
        asked
    }

    fn worst(&self) -> Duration {
        self.times.last().copied().unwrap_or_default()
    }

    /// Of a hundred lookups, 99 took no longer.
    pub fn p99(&self) -> Duration {
        self.times.get(self.times.len() * 99 / 100).copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} lookups right, p99 {:.1?}, worst {:.1?}", self.times.len(), self.p99(), self.worst())
    }
}
