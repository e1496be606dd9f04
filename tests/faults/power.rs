//! The power fails at the very moment of an acknowledgement: what was acknowledged is on the disk.
//!
//! strace(1) tells every write and every sync of the program. From that the disk is built as it is at the moment at which an
//! acknowledgement begins to be sent: with nothing but what was synced by then, and with any part of the rest beside it, down to
//! single sectors. SQLite must find everything there that was acknowledged. Two files count, the database and its log; a
//! file that is new is there once its directory was synced.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::doors::{Answer, Client, Door, Report};
use crate::process::{SUPPRESSD, eventually, finish};
use crate::scene::Scene;
use crate::settings::{Random, seed};
use crate::table::Line;

/// Reports to each door.
const REPORTS: usize = 25;
/// Disks built at each acknowledgement: one with what was synced, the others with some of the rest.
const DISKS: usize = 4;
/// A disk writes that much or nothing.
const SECTOR: usize = 512;
const NAMES: [&str; 2] = ["suppressd.db", "suppressd.db-wal"];

/// The options of strace.
fn strace(trace: &Path) -> Vec<String> {
    let calls = "openat,pwrite64,fdatasync,fsync,ftruncate,unlink,rename,sendto,sendmsg,write,writev";
    // -D: the program stays our child.
    let options = ["strace", "-D", "-f", "-y", "-xx", "-s", "70000", "-e", &format!("trace={calls}"), "-o"];
    options.into_iter().map(str::to_owned).chain([trace.display().to_string()]).collect()
}

#[test]
fn what_the_daemon_acknowledged_survives_the_loss_of_power() {
    let mut scene = Scene::idle(&[]);
    let trace = scene.home.path("trace");
    let options = strace(&trace);
    let mut command = Command::new(&options[0]);
    command.args(&options[1..]).args([SUPPRESSD, "--config"]).arg(scene.home.path("suppressd.toml")).arg("serve");
    let log = scene.log_file();
    scene.launch({
        command.stderr(log);
        command
    });
    let reports = [Door::Webhook, Door::Lmtp].map(|door| {
        let name = |n| format!("power-{door}-{n}").to_lowercase();
        (0..REPORTS).map(|n| Report::new(door, &name(n))).collect::<Vec<_>>()
    });
    std::thread::scope(|scope| {
        for reports in &reports {
            let mut client = Client::new(&scene);
            scope.spawn(move || {
                for report in reports {
                    assert_eq!(client.send(report), Answer::Taken);
                }
            });
        }
    });
    assert!(scene.stop().success());
    eventually("the end of the trace", || fs::read_to_string(&trace).unwrap().contains("+++ exited with 0 +++\n"));
    let mut disk = Disk::new();
    let (mut acknowledged, mut random) = (Vec::new(), Random::new(seed()));
    let (mut next, mut disks) = ([0, 0], 0);
    for line in fs::read_to_string(&trace).unwrap().lines() {
        let call = Call::parse(line);
        // One client at a time at each door, so its reports are acknowledged in order.
        let sent = call.data().filter(|_| call.is_begun() && !call.name.starts_with('p'));
        let door = sent.and_then(|data| {
            let is = |start: &[u8]| data.starts_with(start);
            if is(b"HTTP/1.1 200") { Some(0) } else { is(b"250 2.0.0 recorded").then_some(1) }
        });
        if let Some(door) = door {
            acknowledged.push(reports[door][next[door]].address.clone());
            next[door] += 1;
            disks += disk.check(&acknowledged, &mut random);
        }
        disk.apply(&call);
    }
    assert_eq!(next, [REPORTS, REPORTS], "every acknowledgement is in the trace");
    Line {
        fault: "loss of power at each acknowledgement of the daemon",
        tried: format!("{} acknowledgements, {disks} disks", acknowledged.len()),
        answers: format!("webhook: taken {REPORTS}; LMTP: taken {REPORTS}"),
        beside: "every acknowledged event on each disk, integrity_check ok".into(),
        lost: 0,
    }
    .add();
}

#[test]
fn what_pipe_and_add_acknowledged_survives_the_loss_of_power() {
    let scene = Scene::idle(&[]);
    let (mut disk, mut acknowledged, mut random, mut disks) = (Disk::new(), Vec::new(), Random::new(seed()), 0);
    for n in 0..REPORTS {
        let door = if n % 3 == 2 { Door::CommandLine } else { Door::Pipe };
        let report = Report::new(door, &format!("power-{n}"));
        let trace = scene.home.path(&format!("trace-{n}"));
        let mut options = strace(&trace);
        options.retain(|option| option != "-D");
        let mut command = Command::new(&options[0]);
        command.args(&options[1..]).args([SUPPRESSD, "--config"]).arg(scene.home.path("suppressd.toml"));
        match door {
            Door::Pipe => command.args(["pipe", "--recipient=bounces@example.org", "--client-address="]),
            _ => command.args(["add", &report.address]),
        };
        let ran = finish(&mut command, report.bytes());
        assert_eq!(ran.status, Some(0), "{ran:?}");
        for line in fs::read_to_string(&trace).unwrap().lines() {
            disk.apply(&Call::parse(line));
        }
        acknowledged.push(report.address);
        disks += disk.check(&acknowledged, &mut random);
        if n % 5 == 4 {
            disk.tidy(&scene.home.path("suppressd.db"));
        }
    }
    Line {
        fault: "loss of power at the end of each pipe and add",
        tried: format!("{REPORTS} acknowledgements, {disks} disks"),
        answers: format!("pipe: taken {}; add: taken {}", REPORTS - REPORTS / 3, REPORTS / 3),
        beside: "every acknowledged event on each disk, integrity_check ok".into(),
        lost: 0,
    }
    .add();
}

/// A line of the trace: a call, or the rest of one that was interrupted by another thread's.
struct Call<'a> {
    name: &'a str,
    /// What stands behind the name.
    rest: &'a str,
}

impl<'a> Call<'a> {
    /// `1234  fsync(5<PATH>) = 0`, `1234  fsync(5<PATH> <unfinished ...>` and `1234  <... fsync resumed>) = 0`.
    fn parse(line: &'a str) -> Self {
        let text = line.split_once(' ').map_or("", |(_, text)| text.trim_start());
        match text.strip_prefix("<... ") {
            Some(text) => Self { name: "resumed", rest: text },
            None => text.split_once('(').map_or(Self { name: "", rest: text }, |(name, rest)| Self { name, rest }),
        }
    }

    /// Whether this is where it begins.
    fn is_begun(&self) -> bool {
        !self.name.is_empty() && self.name != "resumed"
    }

    /// The path behind the descriptor.
    fn path(&self) -> String {
        let path = self.rest.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
        path.map(|(path, _)| String::from_utf8_lossy(&plain(path)).into_owned()).unwrap_or_default()
    }

    /// What is written: the first text in quotes.
    fn data(&self) -> Option<Vec<u8>> {
        self.rest.split('"').nth(1).map(plain)
    }

    /// The last number among the arguments.
    fn last_number(&self) -> usize {
        let arguments = self.rest.split(['=', '<']).collect::<Vec<_>>();
        let text = self.rest.rsplit_once(')').map_or(self.rest, |(arguments, _)| arguments);
        let text = text.strip_suffix(" <unfinished ...>").unwrap_or(text);
        let number = text.rsplit(", ").next().unwrap_or_default().trim();
        number.parse().unwrap_or_else(|_| panic!("{number} in {arguments:?}"))
    }

    fn has_succeeded(&self) -> bool {
        self.rest.ends_with("= 0") || self.rest.rsplit_once("= ").is_some_and(|(_, result)| !result.starts_with('-'))
    }

    fn is_unfinished(&self) -> bool {
        self.rest.ends_with("<unfinished ...>")
    }
}

/// Undoes the hexadecimal form of strace.
fn plain(text: &str) -> Vec<u8> {
    if !text.starts_with("\\x") {
        return text.as_bytes().to_vec();
    }
    text.split("\\x").skip(1).map(|digits| u8::from_str_radix(&digits[..2], 16).unwrap()).collect()
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

/// What is on the disk for certain of a file, and what was changed since.
#[derive(Clone, Default)]
struct Kept {
    synced: Vec<u8>,
    pending: Vec<Change>,
    /// Whether its name is on the disk.
    named: bool,
}

/// The database and its log.
struct Disk {
    files: BTreeMap<String, Kept>,
    /// The sync that another thread's line has interrupted.
    syncing: Option<String>,
}

impl Disk {
    fn new() -> Self {
        Self { files: BTreeMap::new(), syncing: None }
    }

    /// Somebody's sqlite3 moves the log into the file, removes it, and leaves all that on the disk.
    fn tidy(&mut self, database: &Path) {
        rusqlite::Connection::open(database).unwrap().query_row("SELECT 1 FROM event", [], |_| Ok(())).unwrap();
        let kept = Kept { synced: fs::read(database).unwrap(), pending: Vec::new(), named: true };
        assert!(!database.with_extension("db-wal").exists());
        self.files = BTreeMap::from([(NAMES[0].to_owned(), kept)]);
    }

    fn apply(&mut self, call: &Call<'_>) {
        let path = call.path();
        let name = NAMES.into_iter().find(|name| path.ends_with(&format!("/{name}")));
        match (call.name, name) {
            ("openat", _) if call.rest.contains("O_CREAT") && call.has_succeeded() => {
                let path = call.data().unwrap();
                if let Some(name) = NAMES.into_iter().find(|name| path.ends_with(format!("/{name}").as_bytes())) {
                    self.files.entry(name.to_owned()).or_default();
                }
            }
            ("pwrite64", Some(name)) => {
                let change = Change::Write(call.last_number(), call.data().unwrap());
                self.files.entry(name.to_owned()).or_default().pending.push(change);
            }
            ("ftruncate", Some(name)) => {
                let change = Change::Truncate(call.last_number());
                self.files.entry(name.to_owned()).or_default().pending.push(change);
            }
            ("unlink" | "rename", _) => assert!(!call.rest.contains("suppressd.db"), "{}", call.rest),
            ("fsync" | "fdatasync", _) if call.is_unfinished() => {
                assert!(self.syncing.is_none(), "two syncs at once");
                self.syncing = Some(path);
            }
            ("fsync" | "fdatasync", _) if call.has_succeeded() => self.sync(&path),
            ("resumed", _) if call.rest.starts_with("fsync") || call.rest.starts_with("fdatasync") => {
                let path = self.syncing.take().unwrap();
                if call.has_succeeded() {
                    self.sync(&path);
                }
            }
            _ => {}
        }
    }

    fn sync(&mut self, path: &str) {
        match NAMES.into_iter().find(|name| path.ends_with(&format!("/{name}"))) {
            Some(name) => {
                let file = self.files.entry(name.to_owned()).or_default();
                for change in std::mem::take(&mut file.pending) {
                    change.onto(&mut file.synced);
                }
            }
            // The directory.
            None => self.files.values_mut().for_each(|file| file.named = true),
        }
    }

    /// Builds disks as the loss of power may leave them, and looks for every address; how many disks.
    #[track_caller]
    fn check(&self, acknowledged: &[String], random: &mut Random) -> usize {
        for disk in 0..DISKS {
            let dir = tempfile::tempdir().unwrap();
            for (name, file) in self.files.iter().filter(|(_, file)| file.named || disk > 0) {
                let mut content = file.synced.clone();
                if disk > 0 {
                    file.pending.iter().for_each(|change| change.partly_onto(&mut content, random));
                }
                fs::write(dir.path().join(name), content).unwrap();
            }
            let database = rusqlite::Connection::open(dir.path().join("suppressd.db")).unwrap();
            let told = format!("disk {disk} after {} acknowledgements", acknowledged.len());
            let sound: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(sound, "ok", "{told}");
            let mut count = database
                .prepare("SELECT count(*) FROM event WHERE address = ?1")
                .unwrap_or_else(|e| panic!("{told}: {e}"));
            for address in acknowledged {
                let found: i64 = count.query_row([address], |row| row.get(0)).unwrap();
                assert_eq!(found, 1, "{told}: {address} was acknowledged");
            }
        }
        DISKS
    }
}

impl Change {
    fn onto(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write(at, bytes) => {
                content.resize(content.len().max(at + bytes.len()), 0);
                content[*at..at + bytes.len()].copy_from_slice(bytes);
            }
            Self::Truncate(length) => content.resize(*length, 0),
        }
    }

    /// Each sector of it, or not.
    fn partly_onto(&self, content: &mut Vec<u8>, random: &mut Random) {
        match self {
            Self::Write(at, bytes) => {
                for (n, sector) in bytes.chunks(SECTOR).enumerate() {
                    if random.below(2) == 0 {
                        Self::Write(at + n * SECTOR, sector.to_vec()).onto(content);
                    }
                }
            }
            Self::Truncate(_) if random.below(2) == 0 => self.onto(content),
            Self::Truncate(_) => {}
        }
    }
}
