//! Memory runs out: where the kernel refuses it (ENOMEM), and where it kills for it (a cgroup's limit).
//!
//! Rust ends the program when it gets no memory. What is promised is that nothing acknowledged is lost, that no lookup is
//! answered wrong meanwhile, and that it serves as before when it is started again, or by itself where it lived.

use std::fs;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::doors::{Answer, Client, DOORS, Door, Report};
use crate::ledger::{Ledger, Sums};
use crate::process::{PATIENCE, SUPPRESSD};
use crate::scene::{Scene, kilobytes};
use crate::settings::{duration, kills};
use crate::sns::signer::request;
use crate::table::Line;
use crate::trial::Raised;
use crate::world::try_ask;

/// pipe(8) bounces the mail on any other end than these.
#[test]
fn a_pipe_without_memory_is_deferred_or_dies_by_a_signal() {
    let scene = Scene::idle(&[]);
    scene.home.ok(&["list"]);
    let mut ends = [0_u32; 3];
    for step in 0..40 {
        let report = Report::new(Door::Pipe, &format!("memory-{step}"));
        let input = scene.home.path("mail");
        fs::write(&input, report.bytes()).unwrap();
        let megabytes = 6 + 3 * step;
        let mut command = Command::new("prlimit");
        command
            .args([&format!("--as={}", megabytes << 20), SUPPRESSD, "--config"])
            .arg(scene.home.path("suppressd.toml"));
        command.args(["pipe", "--recipient=bounces@example.org", "--client-address="]);
        let output = command.stdin(fs::File::open(&input).unwrap()).output().unwrap();
        let recorded = scene.counts().get(&report.address).copied().unwrap_or(0);
        let end = match (output.status.code(), output.status.signal()) {
            (Some(0), _) => 0,
            (Some(75), _) => 1,
            (None, Some(_)) => 2,
            // The loader of the system had no memory for the program, which had not begun then.
            (Some(127), _) if String::from_utf8_lossy(&output.stderr).contains("shared libraries") => continue,
            other => panic!("{megabytes} MiB: {other:?}: {output:?}"),
        };
        ends[end] += 1;
        assert!(end != 0 || recorded == 1, "{megabytes} MiB: acknowledged and recorded {recorded} times");
        assert!(recorded <= 1);
    }
    assert!(ends[0] > 0 && ends[1] + ends[2] > 0, "{ends:?}");
    Line {
        fault: "pipe without memory (RLIMIT_AS of 6 to 123 MiB)",
        tried: "40 mails".into(),
        answers: format!(
            "pipe: taken {}, try again {}, dead by a signal (Postfix defers) {}",
            ends[0], ends[1], ends[2]
        ),
        beside: "acknowledged: there once".into(),
        lost: 0,
    }
    .add();
}

/// Above what it has.
const ROOM: u64 = 2 << 20;
/// Whoever sends bodies.
const CLIENTS: usize = 20;

#[test]
fn a_daemon_that_gets_no_memory_loses_nothing_that_it_acknowledged() {
    let limit = |scene: &Scene, room: Option<u64>| {
        let limit = room.map_or("unlimited".to_owned(), |room| (data(scene) + room).to_string());
        let run =
            Command::new("prlimit").args(["--pid", &scene.pid().to_string(), &format!("--data={limit}:")]).status();
        assert!(run.unwrap().success());
    };
    let died = run_out("no memory for the daemon (RLIMIT_DATA)", &mut Scene::start(&[]), limit);
    assert!(died.iter().all(|end| end.signal() == Some(Signal::SIGABRT as i32)), "{died:?}");
}

#[test]
fn a_daemon_that_is_killed_for_its_memory_loses_nothing_that_it_acknowledged() {
    let Some(group) = Group::make() else {
        // The other test is what can be had.
        eprintln!("no memory cgroup can be made here");
        return;
    };
    let mut scene = Scene::start(&[]);
    let limit = |scene: &Scene, room: Option<u64>| match room {
        None => group.limit(None),
        Some(room) => {
            group.limit(None);
            group.take(scene);
            group.limit(Some(scene.memory() + room));
        }
    };
    let died = run_out("the daemon killed for its memory (cgroup)", &mut scene, limit);
    assert!(!died.is_empty() && died.iter().all(|end| end.signal() == Some(Signal::SIGKILL as i32)), "{died:?}");
    drop(scene);
}

/// What RLIMIT_DATA counts, in bytes.
fn data(scene: &Scene) -> u64 {
    kilobytes(&fs::read_to_string(format!("/proc/{}/status", scene.pid())).unwrap(), "VmData:") << 10
}

/// A group of processes whose memory is limited, by whichever cgroup hierarchy there is.
struct Group {
    path: PathBuf,
    file: &'static str,
}

impl Group {
    fn make() -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap();
        let own = own.lines().find_map(|line| line.split_once(":memory:")).map_or("", |(_, path)| path);
        let parents = [
            (format!("/sys/fs/cgroup/memory{own}"), "memory.limit_in_bytes"),
            ("/sys/fs/cgroup".to_owned(), "memory.max"),
        ];
        parents.into_iter().find_map(|(parent, file)| {
            let path = PathBuf::from(parent).join(format!("suppressd-test-{}", std::process::id()));
            fs::create_dir(&path).ok()?;
            let group = Self { path, file };
            fs::exists(group.path.join(file)).unwrap().then_some(group)
        })
    }

    fn limit(&self, bytes: Option<u64>) {
        let none = if self.file == "memory.max" { "max" } else { "-1" };
        fs::write(self.path.join(self.file), bytes.map_or(none.to_owned(), |bytes| bytes.to_string())).unwrap();
    }

    fn take(&self, scene: &Scene) {
        fs::write(self.path.join("cgroup.procs"), scene.pid().to_string()).unwrap();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // What is left of the daemon may take a moment to go.
        let begun = Instant::now();
        while fs::remove_dir(&self.path).is_err() && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Again and again, lets memory run out under bodies of 1 MiB while reports come and lookups are asked; returns how it died.
#[track_caller]
fn run_out(fault: &str, scene: &mut Scene, limit: impl Fn(&Scene, Option<u64>)) -> Vec<ExitStatus> {
    let (mut sums, mut died, mut lookups) = (Sums::default(), Vec::new(), Lookups::default());
    let rounds = kills().div_ceil(10);
    for round in 0..rounds {
        let mut ledger = Ledger::default();
        for door in DOORS {
            let report = Report::new(door, &format!("warm-{round}-{door}").to_lowercase());
            ledger.entries.push((report.clone(), Client::new(scene).send(&report)));
        }
        ledger.send_again(scene, |_| true);
        // Each time a little more; now and then it is about to run out only.
        let clients = if round % 5 == 0 { 0 } else { CLIENTS };
        limit(scene, Some(round % 8 * (ROOM / 2)));
        let mut meanwhile = send_until_it_dies(scene, round, clients, &ledger.entries[0].0.address, &mut lookups);
        sums.add(&meanwhile);
        ledger.entries.append(&mut meanwhile.entries);
        let end = scene.child.as_mut().unwrap().try_wait().unwrap();
        if let Some(end) = end {
            died.push(end);
            scene.ended();
            scene.up();
        }
        limit(scene, None);
        let last = Report::new(Door::Webhook, &format!("after-{round}"));
        let begun = Instant::now();
        while Client::new(scene).send(&last) != Answer::Taken {
            assert!(begun.elapsed() < PATIENCE, "{fault}: round {round}, it does not serve as before: {}", scene.log());
        }
        ledger.check(scene, fault);
        ledger.send_again(scene, |_| true);
        ledger.check(scene, fault);
    }
    assert!(!died.is_empty() || DOORS.iter().any(|door| sums.count(*door, &Answer::TryAgain) > 0), "no fault: {sums}");
    assert_eq!(scene.home.select("PRAGMA integrity_check"), "ok");
    Line {
        fault,
        tried: format!("{rounds} times, {} reports beside bodies of 1 MiB", sums.total()),
        answers: sums.to_string(),
        beside: format!(
            "{} lookups right, {} come later; it died {} times; served as before after that, or when there was memory again",
            lookups.right,
            lookups.later,
            died.len()
        ),
        lost: 0,
    }
    .add();
    died
}

/// What lookups were answered.
#[derive(Default)]
struct Lookups {
    right: u64,
    later: u64,
}

fn send_until_it_dies(scene: &Scene, round: u64, clients: usize, refused: &str, lookups: &mut Lookups) -> Ledger {
    let (stop, gone) = (AtomicBool::new(false), || !is_there(scene));
    let mut ledger = Ledger::default();
    let body = request("/sns", &[], &vec![b'x'; 1 << 20]);
    std::thread::scope(|scope| {
        let _flooding = Raised(&stop);
        for _ in 0..clients {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    if let Ok(mut connection) = scene.try_connect() {
                        let _ = connection.exchange(&body);
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
        }
        scope.spawn(|| ask_until(scene, refused, &stop, lookups));
        let (mut client, begun) = (Client::new(scene), Instant::now());
        for n in 0.. {
            for door in [Door::Webhook, Door::Lmtp, Door::Pipe] {
                let report = Report::new(door, &format!("memory-{round}-{n}-{door}").to_lowercase());
                ledger.entries.push((report.clone(), client.send(&report)));
            }
            if gone() || begun.elapsed() > duration() {
                break;
            }
        }
    });
    ledger
}

/// Whether the daemon lives.
fn is_there(scene: &Scene) -> bool {
    let state = fs::read_to_string(format!("/proc/{}/stat", scene.pid())).unwrap_or_default();
    state.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

/// Asks, as Postfix does; an answer is right, or asks to come later. Where there is none, Postfix defers too.
fn ask_until(scene: &Scene, refused: &str, stop: &AtomicBool, lookups: &mut Lookups) {
    let mut stream = UnixStream::connect(scene.home.path("lookup.sock")).ok();
    while !stop.load(Ordering::Relaxed) {
        for (address, start) in [(refused, "OK 550 5."), ("alive@example.com", "NOTFOUND ")] {
            match stream.as_ref().map(|stream| try_ask(stream, "access", address)) {
                Some(Ok(reply)) if reply.starts_with(start) => lookups.right += 1,
                Some(Ok(reply)) => {
                    assert!(reply.starts_with("TEMP "), "{address}: {reply}");
                    lookups.later += 1;
                }
                _ => stream = UnixStream::connect(scene.home.path("lookup.sock")).ok(),
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
