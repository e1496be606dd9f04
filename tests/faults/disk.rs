//! The disk is full, read-only or broken, or the database is locked: the doors ask everybody to come again, and it heals.

use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::doors::{Answer, Client, DOORS, Door, Lmtp, Report};
use crate::process::{SUPPRESSD, eventually, wait};
use crate::program;
use crate::scene::Scene;
use crate::table::Line;
use crate::trial::Trial;
use crate::world::bounce_of;

#[test]
fn a_full_disk() {
    let scene = Scene::on_a_small_disk(16_384, "true", &[]);
    let trial = Trial {
        fault: "disk full (tmpfs of 16 MiB)",
        doors: &DOORS,
        expected: Answer::TryAgain,
        logged: "no space is left for the database",
    };
    // Up to the last byte, so that not even the journal grows; what SQLite has reserved already may still be used.
    let fill = || scene.within("dd if=/dev/zero of=disk/filler bs=1k 2>/dev/null; true");
    trial.run(&scene, fill, || scene.within("rm disk/filler"));
}

#[test]
fn a_database_that_another_process_holds() {
    let scene = Scene::start(&[("mail.deadline", "\"3s\"")]);
    let trial = Trial {
        fault: "database locked by another process",
        doors: &[Door::Webhook, Door::Pipe, Door::Lmtp],
        expected: Answer::TryAgain,
        logged: "the database is locked by another process",
    };
    let lock = Cell::new(None);
    trial.run(&scene, || lock.set(Some(scene.home.lock())), || drop(lock.take()));
}

/// As after "sudo suppressd add …" before the first start: the file belongs to root.
#[test]
fn a_database_that_may_not_be_written_answers_503_and_heals_without_a_restart() {
    let mut scene = Scene::idle(&[]);
    // Whoever keeps the file open has it opened anew.
    let files = format!("[{{ path = {}, map = \"access\" }}]", scene.home.quoted("list.cdb"));
    scene.home.set("export.files", &files);
    scene.home.set("export.every", "\"1s\"");
    scene.home.ok(&["add", "first@example.com"]);
    let mut command = scene.home.command(&["serve"]);
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let is_root = nix::unistd::geteuid().is_root();
    if is_root {
        nix::unistd::chown(&scene.home.path(""), Some(nobody.uid), Some(nobody.gid)).unwrap();
        for name in ["suppressd.db", "suppressd.db-wal", "suppressd.db-shm"].map(|name| scene.home.path(name)) {
            std::fs::set_permissions(name, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        // The build may be where only root gets.
        program::copy(SUPPRESSD, scene.home.path("suppressd"));
        command = Command::new(scene.home.path("suppressd"));
        command.arg("--config").arg(scene.home.path("suppressd.toml")).arg("serve");
        command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
    } else {
        std::fs::set_permissions(scene.home.path("suppressd.db"), std::fs::Permissions::from_mode(0o444)).unwrap();
    }
    command.stderr(scene.log_file());
    scene.launch(command);
    let post = bounce_of("second@example.com");
    for _ in 0..3 {
        assert_eq!(scene.post(&post), 503, "{}", scene.log());
        assert!(scene.refuses("first@example.com") && !scene.refuses("second@example.com"));
    }
    assert!(scene.log().contains("the database can't be written"), "{}", scene.log());
    for name in ["suppressd.db", "suppressd.db-wal", "suppressd.db-shm"].map(|name| scene.home.path(name)) {
        if is_root {
            nix::unistd::chown(&name, Some(nobody.uid), Some(nobody.gid)).unwrap();
        } else {
            std::fs::set_permissions(&name, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
    }
    // Postfix and SNS come again, too.
    let mut lmtp = Lmtp::connect(&scene).unwrap();
    let report = include_bytes!("../corpus/unknown.eml");
    eventually("it is recorded by LMTP alone", || lmtp.deliver(report).unwrap() == "250");
    assert_eq!(scene.post(&post), 200);
    assert!(scene.refuses("second@example.com"));
}

#[test]
fn a_file_system_that_is_read_only_at_the_start_heals_without_a_restart() {
    let add = "\"$0\" --config suppressd.toml add first@example.com >/dev/null";
    let scene = Scene::on_a_small_disk(4096, &format!("{add} && mount -o remount,ro disk"), &[]);
    let reports: Vec<_> =
        [Door::Webhook, Door::Pipe, Door::Lmtp].map(|door| Report::new(door, &door.to_string())).into();
    for report in &reports {
        let answer = Client::new(&scene).send(report);
        assert_eq!(answer, Answer::TryAgain, "{}; {}", report.door, scene.log());
        assert!(scene.refuses("first@example.com") && !scene.refuses(&report.address));
    }
    assert!(scene.log().contains("the database can't be written"), "{}", scene.log());
    scene.within("mount -o remount,rw disk");
    for report in &reports {
        // SNS and Postfix come again, too.
        eventually("it is recorded", || Client::new(&scene).send(report) == Answer::Taken);
        assert!(scene.refuses(&report.address), "{}", scene.log());
    }
    Line {
        fault: "file system read-only at the start",
        tried: "3 reports".into(),
        answers: "webhook, pipe, LMTP: try again".into(),
        beside: "lookups right; healed without a restart".into(),
        lost: 0,
    }
    .add();
}

/// As a kernel answers that has put the file system into read-only mode after an error.
#[test]
fn a_disk_that_becomes_read_only() {
    failing("disk read-only (EROFS)", "pwrite64,ftruncate,fdatasync,fsync:error=EROFS");
}

/// What was written may or may not be on the disk then; nobody is told that it is.
#[test]
fn a_disk_that_does_not_sync() {
    failing("disk does not sync (EIO)", "fdatasync,fsync:error=EIO");
}

fn failing(fault: &str, what: &str) {
    let scene = Scene::start(&[]);
    let logged = "the database can't be used: disk I/O error";
    let trial = Trial { fault, doors: &DOORS, expected: Answer::TryAgain, logged };
    let injected = Cell::new(None);
    trial.run(&scene, || injected.set(Some(Injected::into(&scene, what))), || drop(injected.take()));
}

/// Makes system calls of the daemon on its database fail, until it is dropped; strace(1) does it. Commands that are started
/// meanwhile fail alike.
struct Injected<'a> {
    scene: &'a Scene,
    strace: Child,
    /// Kept open: strace tells of each thread.
    _words: BufReader<ChildStderr>,
}

impl<'a> Injected<'a> {
    fn into(scene: &'a Scene, what: &str) -> Self {
        let mut args: Vec<String> = ["strace", "-f", "-o", "/dev/null", "-e"].map(str::to_owned).into();
        args.push(format!("inject={what}"));
        for name in ["suppressd.db", "suppressd.db-wal"] {
            args.extend(["-P".to_owned(), scene.home.path(name).display().to_string()]);
        }
        let mut command = Command::new(&args[0]);
        command.args(&args[1..]).args(["-p", &scene.pid().to_string()]);
        let mut strace = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut words = BufReader::new(strace.stderr.take().unwrap());
        let mut line = String::new();
        words.read_line(&mut line).unwrap();
        assert!(line.contains("attached"), "{line}");
        *scene.prefix.lock().unwrap() = args;
        Self { scene, strace, _words: words }
    }
}

impl Drop for Injected<'_> {
    fn drop(&mut self) {
        self.scene.prefix.lock().unwrap().clear();
        // strace lets the daemon go on by itself.
        let _ = kill(Pid::from_raw(self.strace.id().cast_signed()), Signal::SIGINT);
        wait(&mut self.strace);
    }
}
