//! Descriptors run out, the clock jumps by years, a reader holds a snapshot, a hundred pipes come at once.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::doors::{Answer, Client, DOORS, Door, Report};
use crate::ledger::{Ledger, Sums};
use crate::peers::Wire;
use crate::process::{PATIENCE, eventually};
use crate::scene::Scene;
use crate::settings::duration;
use crate::table::Line;
use crate::trial::{Asked, Raised};

#[test]
fn without_descriptors_open_connections_are_served_and_it_heals() {
    let scene = Scene::start(&[]);
    let (mut client, lookup, stop) = (Client::new(&scene), scene.lookups(), AtomicBool::new(false));
    let mut ledger = Ledger::default();
    for door in DOORS {
        let report = Report::new(door, &format!("warm-{door}").to_lowercase());
        ledger.entries.push((report.clone(), client.send(&report)));
    }
    let refused = ledger.entries[0].0.address.clone();
    let open = scene.descriptors();
    limit(&scene, &format!("--nofile={open}:"));
    // They wait in the kernel: there is nothing to accept them with.
    let waiting: Vec<_> = (0..30)
        .flat_map(|_| [Wire::webhook(&scene), Wire::unix(&scene, "lookup.sock"), Wire::unix(&scene, "lmtp.sock")])
        .collect();
    let (begun, mut n) = (Instant::now(), 0);
    let asked = std::thread::scope(|scope| {
        let prober = scope.spawn(|| Asked::on(&scene, &lookup, &refused, &stop));
        let _asking = Raised(&stop);
        while begun.elapsed() < duration() {
            for door in [Door::Webhook, Door::Lmtp, Door::Pipe] {
                let report = Report::new(door, &format!("open-{door}-{n}").to_lowercase());
                ledger.entries.push((report.clone(), client.send(&report)));
            }
            n += 1;
        }
        stop.store(true, Ordering::Relaxed);
        prober.join().unwrap()
    });
    let lines = scene.logged("cannot accept");
    assert!((1..=60).contains(&lines), "{lines} lines; {}", scene.log());
    let mut sums = Sums::default();
    sums.add(&ledger);
    limit(&scene, "--nofile=4096:");
    drop(waiting);
    let last = Report::new(Door::Webhook, "after");
    eventually("a new connection is served", || Client::new(&scene).send(&last) == Answer::Taken);
    ledger.send_again(&scene, |_| true);
    ledger.check(&scene, "no descriptors");
    Line {
        fault: "no descriptors left (EMFILE)",
        tried: format!("{:?}", duration()),
        answers: format!("on open connections: {sums}; new ones wait"),
        beside: format!("{asked}; {lines} lines in the log; healed without a restart"),
        lost: 0,
    }
    .add();
}

fn limit(scene: &Scene, what: &str) {
    let status = Command::new("prlimit").args(["--pid", &scene.pid().to_string(), what]).status();
    assert!(status.unwrap().success(), "{what}");
}

#[test]
fn a_clock_that_jumps_by_years_loses_nothing() {
    let library = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"]
        .map(|dir| format!("{dir}/faketime/libfaketime.so.1"));
    let library = library.into_iter().find(|path| fs::exists(path).unwrap()).expect("package libfaketime");
    let mut scene = Scene::idle(&[]);
    let clock = scene.home.path("clock");
    // Replaced as a whole: it is read all the time.
    let set = |time: &str| {
        fs::write(clock.with_extension("new"), time).unwrap();
        fs::rename(clock.with_extension("new"), &clock).unwrap();
    };
    set("+0");
    let environment = [
        ("LD_PRELOAD", library),
        ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    let mut command = scene.home.command(&["serve"]);
    command.envs(environment.clone()).stderr(scene.log_file());
    scene.launch(command);
    let prefix = ["env".to_owned()].into_iter().chain(environment.map(|(name, value)| format!("{name}={value}")));
    *scene.prefix.lock().unwrap() = prefix.collect();
    let (mut ledger, mut told) = (Ledger::default(), Vec::new());
    for (n, time) in ["+0", "+1500d", "-1500d", "+8000d", "-8000d", "+0"].into_iter().enumerate() {
        set(time);
        let mut sums = Sums::default();
        let mut client = Client::new(&scene);
        let mut now = Ledger::default();
        for door in DOORS {
            let report = Report::new(door, &format!("clock-{n}-{door}").to_lowercase());
            now.entries.push((report.clone(), client.send(&report)));
        }
        sums.add(&now);
        told.push(format!("{time}: {sums}"));
        ledger.entries.append(&mut now.entries);
        let taken = ledger.entries.iter().filter(|(_, answer)| *answer == Answer::Taken);
        let taken: Vec<_> = taken.map(|(report, _)| report.address.clone()).collect();
        let refused = scene.refusals(taken.iter().map(String::as_str));
        assert!(refused.iter().all(|refused| *refused), "{time}: {taken:?} {refused:?}; {}", scene.log());
    }
    ledger.send_again(&scene, |_| true);
    scene.prefix.lock().unwrap().clear();
    ledger.check(&scene, "clock");
    assert!(ledger.entries[..4].iter().all(|(_, answer)| *answer == Answer::Taken));
    Line {
        fault: "clock jumps by 4 and 22 years both ways",
        tried: format!("{} jumps", told.len() - 1),
        answers: told.join("; "),
        beside: "whoever was refused stays so at any time; what was not taken is, when the clock is right".into(),
        lost: 0,
    }
    .add();
}

/// Nothing here depends on how long it is held, but on how much is written meanwhile.
#[test]
fn a_reader_that_holds_a_snapshot_is_told_of_once_and_the_log_shrinks_after_it() {
    let scene = Scene::start(&[]);
    let size = || fs::metadata(scene.home.path("suppressd.db-wal")).unwrap().len();
    let told = || (scene.logged("suppressd.db-wal has grown to"), scene.logged("suppressd.db-wal is small again"));
    let (mut client, mut ledger) = (Client::new(&scene), Ledger::default());
    let mut send = |name: &str, count: usize| {
        for n in 0..count {
            let report = Report::new(DOORS[n % 3], &format!("{name}-{n}"));
            let answer = client.send(&report);
            assert_eq!(answer, Answer::Taken, "{}; {}", report.door, scene.log());
            ledger.entries.push((report, answer));
        }
    };
    // An administrator's program writes, too.
    let grow = |megabytes: u64| {
        let end = size() + (megabytes << 20);
        while size() < end {
            scene.home.sql(
                "INSERT INTO setting (name, value) VALUES ('ballast', randomblob(1000000)) \
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            );
        }
    };
    send("before", 6);
    let reader = scene.home.database();
    reader.execute_batch("BEGIN; SELECT count(*) FROM event;").unwrap();
    grow(30);
    send("held", 6);
    assert_eq!(told(), (0, 0), "{}", scene.log());
    grow(30);
    send("grown", 6);
    let begun = Instant::now();
    while told() == (0, 0) {
        assert!(begun.elapsed() < PATIENCE, "{}", scene.log());
        std::thread::sleep(Duration::from_millis(200));
        send(&format!("on-{:?}", begun.elapsed()), 3);
    }
    assert_eq!(told(), (1, 0), "{}", scene.log());
    grow(20);
    send("more", 6);
    assert_eq!(told(), (1, 0), "{}", scene.log());
    let held = size();
    let seen: i64 = reader.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap();
    assert_eq!(seen, 6, "it is a snapshot");
    reader.execute_batch("COMMIT").unwrap();
    // One commit moves all of it, the next begins anew.
    send("after", 12);
    assert_eq!(told(), (1, 1), "{}", scene.log());
    assert!(size() <= 32 << 20, "{} bytes, then {}", held, size());
    ledger.check(&scene, "snapshot");
    let mut sums = Sums::default();
    sums.add(&ledger);
    Line {
        fault: "a reader holds a snapshot while the log outgrows its bound",
        tried: format!("{} reports", sums.total()),
        answers: sums.to_string(),
        beside: format!("log {} MiB while it is held, told once; {} MiB after it", held >> 20, size() >> 20),
        lost: 0,
    }
    .add();
}

#[test]
fn a_hundred_pipes_at_once_lose_nothing() {
    let scene = Scene::start(&[]);
    let reports: Vec<_> = (0..100).map(|n| Report::new(Door::Pipe, &format!("pipe-{n}"))).collect();
    let stop = AtomicBool::new(false);
    let first = Report::new(Door::Lmtp, "first");
    assert_eq!(Client::new(&scene).send(&first), Answer::Taken);
    let begun = Instant::now();
    let (mut ledger, asked) = std::thread::scope(|scope| {
        let prober = scope.spawn(|| Asked::on(&scene, &scene.lookups(), &first.address, &stop));
        let _asking = Raised(&stop);
        let pipes: Vec<_> = reports.iter().map(|report| scope.spawn(|| Client::new(&scene).send(report))).collect();
        let answers = pipes.into_iter().map(|pipe| pipe.join().unwrap());
        let ledger = Ledger { entries: reports.iter().cloned().zip(answers).collect() };
        stop.store(true, Ordering::Relaxed);
        (ledger, prober.join().unwrap())
    });
    let took = begun.elapsed();
    let mut sums = Sums::default();
    sums.add(&ledger);
    // They wait for each other, rather than send the mail back into the queue.
    assert!(sums.count(Door::Pipe, &Answer::Taken) >= 50, "{sums}");
    ledger.send_again(&scene, |_| true);
    ledger.check(&scene, "a hundred pipes");
    let tried = format!("100, done after {took:.1?}");
    let beside = format!("{asked}; all there once");
    Line { fault: "a hundred pipes at once", tried, answers: sums.to_string(), beside, lost: 0 }.add();
}
