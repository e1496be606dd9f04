//! A damaged database is found, named and never taken for an empty one; `suppressd recover` saves what can be read.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::doors::{Answer, Client, DOORS, Door, Report};
use crate::ledger::{Ledger, Sums};
use crate::process::PATIENCE;
use crate::process::wait;
use crate::scene::Scene;
use crate::settings::{Random, kills, seed};
use crate::table::Line;
use crate::world::ask;

/// Entries of the list, each with its event.
const ENTRIES: u64 = 1500;
const PAGE: u64 = 4096;
/// What the log says.
const SENTENCE: &str = "suppressd.db: database disk image is malformed; see suppressd-recover(1)";

/// A database as big as [`ENTRIES`] make it, all of it in the file, and a copy of it in `sound.db`.
fn filled() -> Scene {
    let scene = Scene::idle(&[]);
    scene.home.ok(&["list"]);
    scene.home.sql(&format!(
        "INSERT INTO event (id, received, at, address, reported, kind, reason, side, status, source, origin, provider_id, \
           action, decision) \
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ENTRIES}) \
         SELECT 'id' || i, '2026-11-20T00:00:00Z', '2026-11-20T00:00:00Z', 'user' || i || '@d' || (i % 97) || '.example.com', \
           'User' || i || '@d' || (i % 97) || '.example.com', 'hard_bounce', 'userunknown', 'recipient', '5.1.1', 'ses', \
           'sns-signature', 'message' || i, 'suppressed', 'hard bounce' FROM n; \
         INSERT INTO suppression (address, kind, reason, status, since, source, event) \
           SELECT address, kind, reason, status, at, source, number FROM event;"
    ));
    scene.rows("PRAGMA wal_checkpoint(TRUNCATE)");
    fs::copy(scene.home.path("suppressd.db"), scene.home.path("sound.db")).unwrap();
    scene
}

/// Pages that hold tables and indexes, but not the schema.
fn pages(scene: &Scene) -> Vec<u64> {
    let rows = scene.rows("SELECT pageno FROM dbstat WHERE name <> 'sqlite_schema'");
    rows.lines().map(|line| line.parse().unwrap()).collect()
}

/// Overwrites so many pages, each as a whole, with noise.
fn overwrite(scene: &Scene, count: usize, random: &mut Random) {
    let (pages, file) = (pages(scene), File::options().write(true).open(scene.home.path("suppressd.db")).unwrap());
    for _ in 0..count {
        let page = pages[usize::try_from(random.below(pages.len() as u64)).unwrap()];
        let noise: Vec<u8> = (0..PAGE).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
        file.write_all_at(&noise, (page - 1) * PAGE).unwrap();
    }
}

/// Flips one bit in each of so many pages.
fn flip(scene: &Scene, count: usize, random: &mut Random) {
    let (pages, path) = (pages(scene), scene.home.path("suppressd.db"));
    let file = File::options().read(true).write(true).open(path).unwrap();
    for _ in 0..count {
        let page = pages[usize::try_from(random.below(pages.len() as u64)).unwrap()];
        let at = (page - 1) * PAGE + random.below(PAGE);
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        byte[0] ^= 1 << random.below(8);
        file.write_all_at(&byte, at).unwrap();
    }
}

#[test]
fn a_damaged_database_is_named_and_recovered() {
    let (mut random, mut sums, mut troubles, mut lost) = (Random::new(seed()), Sums::default(), 0, [0, 0]);
    let rounds = (kills() / 10).max(3);
    for round in 0..rounds {
        let mut scene = filled();
        overwrite(&scene, 8, &mut random);
        scene.up();
        let told = format!("round {round} of seed {}: {}", seed(), scene.home.path("").display());
        troubles += no_entry_is_not_found(&scene);
        let mut ledger = Ledger::default();
        let mut client = Client::new(&scene);
        for n in 0..40 {
            let report = Report::new(DOORS[n % 4], &format!("damaged-{n}"));
            let answer = client.send(&report);
            ledger.entries.push((report, answer));
        }
        drop(client);
        sums.add(&ledger);
        assert!(scene.logged(SENTENCE) <= 45, "{told}: {}", scene.log());
        let ran = scene.home.run(&["recover"]);
        assert_eq!(ran.status, Some(2), "{told}: {ran:?}");
        assert!(ran.err.contains("another process has it open; stop suppressd first"), "{told}: {ran:?}");
        scene.signal(Signal::SIGKILL);
        scene.ended();

        let said = scene.home.ok(&["recover"]);
        assert!(said.contains("suppressd.db is damaged:\n") && said.contains("the damaged one: "), "{told}: {said}");
        let gone = differences(&scene, &ledger, &told);
        lost[0] += gone[0];
        lost[1] += gone[1];
        scene.up();
        for (report, answer) in &ledger.entries {
            assert!(*answer != Answer::Taken || scene.refuses(&report.address), "{told}: {}", report.address);
        }
        ledger.send_again(&scene, |_| true);
        ledger.check(&scene, &told);
    }
    assert!(troubles > 0, "no lookup met the damage");
    Line {
        fault: "database damaged (8 of about 400 pages overwritten), then recovered",
        tried: format!("{rounds} databases of {ENTRIES} entries"),
        answers: sums.to_string(),
        beside: format!(
            "no entry ever not found, {troubles} lookups deferred; recover lost {} of {} events, nothing else changed",
            lost[0],
            rounds * ENTRIES
        ),
        lost: lost[1],
    }
    .add();
}

/// Asks for all entries; how many could not be told.
#[track_caller]
fn no_entry_is_not_found(scene: &Scene) -> usize {
    let stream = UnixStream::connect(scene.home.path("lookup.sock")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let replies: Vec<_> = (1..=ENTRIES).map(|i| ask(&stream, &format!("user{i}@d{}.example.com", i % 97))).collect();
    for (reply, i) in replies.iter().zip(1..) {
        assert!(reply.starts_with("OK 550 5.") || reply.starts_with("TEMP "), "user{i}: {reply}; {}", scene.log());
    }
    replies.iter().filter(|reply| reply.starts_with("TEMP ")).count()
}

/// Events and entries that are gone. What is there is as it was, and nobody is on the list who was not.
#[track_caller]
fn differences(scene: &Scene, ledger: &Ledger, told: &str) -> [u64; 2] {
    assert_eq!(scene.home.select("PRAGMA integrity_check"), "ok", "{told}");
    let database = scene.home.database();
    database.execute("ATTACH ?1 AS sound", [scene.home.path("sound.db").to_str().unwrap()]).unwrap();
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap().cast_unsigned();
    let columns = "number, id, received, at, address, reported, kind, reason, status, provider_id, action, decision";
    let strange = format!(
        "SELECT count(*) FROM (SELECT {columns} FROM event WHERE id LIKE 'id%' EXCEPT SELECT {columns} FROM sound.event)"
    );
    assert_eq!(count(&strange), 0, "{told}: changed events");
    let columns = "address, stream, kind, reason, status, since, until, source, event, step";
    let strange = format!(
        "SELECT count(*) FROM (SELECT {columns} FROM suppression WHERE address NOT LIKE 'user@%' \
           EXCEPT SELECT {columns} FROM sound.suppression)"
    );
    assert_eq!(count(&strange), 0, "{told}: changed entries");
    for (report, answer) in ledger.entries.iter().filter(|(_, answer)| *answer == Answer::Taken) {
        let sql = format!("SELECT count(*) FROM event WHERE address = '{}'", report.address);
        assert_eq!(count(&sql), 1, "{told}: {answer} by {}", report.door);
    }
    let events = count("SELECT count(*) FROM sound.event WHERE number NOT IN (SELECT number FROM main.event)");
    let entries =
        count("SELECT count(*) FROM sound.suppression WHERE address NOT IN (SELECT address FROM main.suppression)");
    [events, entries]
}

/// A flipped bit may do nothing, or make another text of one that SQLite can't tell from what was written.
#[test]
fn flipped_bits_crash_nothing_and_are_recovered() {
    let (mut random, rounds, mut seen, mut other) = (Random::new(seed()), (kills() / 10).max(3), 0, 0);
    for round in 0..rounds {
        let scene = filled();
        flip(&scene, 30, &mut random);
        let ran = scene.home.run(&["recover"]);
        assert_eq!(ran.status, Some(0), "round {round} of seed {}: {ran:?}", seed());
        seen += u64::from(ran.out.contains("is damaged"));
        assert_eq!(scene.home.select("PRAGMA integrity_check"), "ok");
        let database = scene.home.database();
        database.execute("ATTACH ?1 AS sound", [scene.home.path("sound.db").to_str().unwrap()]).unwrap();
        let sql = "SELECT count(*) FROM sound.suppression WHERE address NOT IN (SELECT address FROM main.suppression)";
        other += database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap().cast_unsigned();
    }
    // A bit in the middle of an address makes another address of it; most bits of a page are in texts.
    assert!(seen == rounds && other <= 30 * rounds, "{seen} of {rounds} seen, {other} entries with other addresses");
    Line {
        fault: "30 bits of a database flipped, then recovered",
        tried: format!("{rounds} databases of {ENTRIES} entries"),
        answers: "not asked".into(),
        beside: format!("damage seen in all; integrity_check ok after it; entries whose address is another: {other}"),
        lost: other,
    }
    .add();
}

#[test]
fn without_its_first_page_a_database_is_recovered_whole() {
    let scene = filled();
    let file = File::options().write(true).open(scene.home.path("suppressd.db")).unwrap();
    file.write_all_at(&[0xaa; PAGE as usize], 0).unwrap();
    let ran = scene.home.run(&["serve"]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
    assert!(ran.err.contains("suppressd.db: the database is damaged or not one of ours"), "{ran:?}");
    let said = scene.home.ok(&["recover"]);
    assert!(said.contains(&format!("event {:>18} rows, 0 lost", ENTRIES)), "{said}");
    assert_eq!(differences(&scene, &Ledger::default(), "first page"), [0, 0]);
}

#[test]
fn a_new_database_can_be_made_elsewhere_and_a_sound_one_is_left_alone() {
    let scene = filled();
    let path = scene.home.path("suppressd.db");
    assert_eq!(scene.home.ok(&["recover"]), format!("{}: no damage found; nothing was done\n", path.display()));
    overwrite(&scene, 3, &mut Random::new(seed()));
    let damaged = fs::read(&path).unwrap();
    let elsewhere = scene.home.path("elsewhere.db");
    let said = scene.home.ok(&["recover", "--to", elsewhere.to_str().unwrap()]);
    assert!(said.ends_with(&format!("new: {}\nthe damaged one: {}\n", elsewhere.display(), path.display())), "{said}");
    assert!(fs::read(&path).unwrap() == damaged, "the damaged one stays as it is");
    let new = rusqlite::Connection::open(&elsewhere).unwrap();
    let count: i64 = new.query_row("SELECT count(*) FROM suppression", [], |row| row.get(0)).unwrap();
    assert!(count.cast_unsigned() > ENTRIES - 200, "{count}");
    let ran = scene.home.run(&["recover", "--to", elsewhere.to_str().unwrap()]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
    assert!(ran.err.contains("elsewhere.db is there already; name another file"), "{ran:?}");
}

/// Whoever had opened the old file waits for its lock, and must not write there when it is gone.
#[test]
fn mail_that_comes_while_a_database_is_recovered_is_not_lost() {
    let mut scene = filled();
    overwrite(&scene, 3, &mut Random::new(seed()));
    let mut recover = scene.home.command(&["recover"]).stdout(Stdio::null()).spawn().unwrap();
    let mut ledger = Ledger::default();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|n| {
                let scene = &scene;
                scope.spawn(move || {
                    std::thread::sleep(Duration::from_millis(50 * n));
                    let report =
                        Report::new(if n % 4 == 3 { Door::CommandLine } else { Door::Pipe }, &format!("wait-{n}"));
                    let answer = Client::new(scene).send(&report);
                    (report, answer)
                })
            })
            .collect();
        ledger.entries.extend(clients.into_iter().map(|client| client.join().unwrap()));
    });
    assert!(wait(&mut recover).success());
    scene.up();
    ledger.check(&scene, "while it is recovered");
    ledger.send_again(&scene, |_| true);
    ledger.check(&scene, "after it was recovered");
}

#[test]
fn what_is_no_database_of_ours_is_left_alone() {
    let scene = Scene::idle(&[]);
    let path = scene.home.path("suppressd.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
    let other = fs::read(&path).unwrap();
    for bytes in [other, vec![b'x'; 100_000], b"short".to_vec()] {
        fs::write(&path, &bytes).unwrap();
        let ran = scene.home.run(&["recover"]);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{ran:?}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    let names: Vec<_> = fs::read_dir(scene.home.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains(".corrupt")), "{names:?}");
}

/// The log ends where it was cut; what was in it before is there.
#[test]
fn a_log_that_was_cut_off_or_changed_costs_what_was_in_that_part() {
    let rounds = (kills() / 5).max(5);
    let (mut random, mut kept) = (Random::new(seed()), 0);
    for round in 0..rounds {
        let mut scene = Scene::start(&[]);
        let mut client = Client::new(&scene);
        for n in 0..20 {
            assert_eq!(client.send(&Report::new(DOORS[n % 4], &format!("log-{n}"))), Answer::Taken);
        }
        drop(client);
        scene.signal(Signal::SIGKILL);
        scene.ended();
        let log = File::options().write(true).open(scene.home.path("suppressd.db-wal")).unwrap();
        let at = random.below(log.metadata().unwrap().len());
        if round % 2 == 0 {
            log.set_len(at).unwrap();
        } else {
            log.write_all_at(&[0x55; 16], at).unwrap();
        }
        let told = format!("round {round} of seed {}: {at}", seed());
        // Of the first bytes of the log is made what there is without any: an empty database, when the daemon makes it anew.
        scene.up();
        assert_eq!(scene.home.select("PRAGMA integrity_check"), "ok", "{told}");
        let (last, events): (String, u64) =
            (scene.rows("SELECT coalesce(max(number), 0) FROM event"), scene.events() as u64);
        assert_eq!(last.trim(), events.to_string(), "{told}: a gap");
        kept += events;
        assert_eq!(Client::new(&scene).send(&Report::new(DOORS[0], "after")), Answer::Taken, "{told}");
    }
    Line {
        fault: "log (WAL) cut off, or bytes of it changed, while nothing runs",
        tried: format!("{rounds} times"),
        answers: "all doors: taken afterwards".into(),
        beside: format!("integrity_check ok; {kept} of {} events in front of the damage kept, no gap", rounds * 20),
        lost: rounds * 20 - kept,
    }
    .add();
}
