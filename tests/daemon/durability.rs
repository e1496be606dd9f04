//! 200 means recorded, however many clients there are and whatever is wrong with the disk.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::process::{SUPPRESSD, eventually};
use crate::sns::signer::Post;
use crate::world::{World, bounce_of};

/// Each at a domain of its own: many of one domain would be an incident, and held back.
fn message(name: &str) -> Post {
    bounce_of(&format!("user@{name}.example.com"))
}

#[test]
fn fifty_clients_at_once_lose_nothing() {
    let world = World::start();
    let messages: Vec<Vec<_>> = (0..50).map(|c| (0..10).map(|n| message(&format!("c{c}-{n}"))).collect()).collect();
    std::thread::scope(|scope| {
        for messages in &messages {
            let world = &world;
            scope.spawn(move || {
                let mut connection = world.connect();
                for post in messages {
                    assert_eq!(connection.exchange(&post.request("/sns")).unwrap(), 200);
                }
            });
        }
    });
    assert_eq!(world.events(), 500);
    assert_eq!(world.home.select("SELECT count(DISTINCT address) FROM suppression"), "500");
}

#[test]
fn a_locked_database_answers_503_while_lookups_go_on_and_heals() {
    let world = World::start();
    assert_eq!(world.post(&bounce_of("first@example.com")), 200);
    let lock = world.home.lock();
    let post = bounce_of("second@example.com");
    std::thread::scope(|scope| {
        let posting = scope.spawn(|| world.post(&post));
        while !posting.is_finished() {
            let begun = Instant::now();
            assert!(world.refuses("first@example.com"));
            assert!(!world.refuses("second@example.com"));
            assert!(begun.elapsed() < Duration::from_secs(1), "a lookup waited for the writer");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(posting.join().unwrap(), 503);
    });
    assert!(world.log().contains("the database is locked by another process"), "{}", world.log());
    drop(lock);
    assert_eq!(world.post(&post), 200);
    assert!(world.refuses("second@example.com"));
    assert_eq!(world.events(), 2);
}

/// Without any privilege: the daemon's own limit on file sizes stands in for the end of the disk.
#[test]
fn a_database_that_cannot_grow_answers_503_and_heals_without_a_restart() {
    let mut world = World::idle(&[]);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", SUPPRESSD]);
    command.arg("--config").arg(world.home.path("suppressd.toml")).arg("serve");
    command.stderr(world.log_file());
    world.launch(command);
    assert_eq!(world.post(&bounce_of("first@example.com")), 200);
    limit_file_size(&world, "1000");
    let post = bounce_of("second@example.com");
    cannot_record(&world, &post);
    limit_file_size(&world, "unlimited");
    healed(&world, &post);
}

fn limit_file_size(world: &World, limit: &str) {
    let status =
        Command::new("prlimit").args(["--pid", &world.pid().to_string(), &format!("--fsize={limit}:")]).status();
    assert!(status.unwrap().success());
}

/// Nobody knows of `second`, and `first` stays refused.
#[track_caller]
fn cannot_record(world: &World, post: &Post) {
    for _ in 0..3 {
        assert_eq!(world.post(post), 503, "{}", world.log());
        assert!(world.refuses("first@example.com"));
        assert!(!world.refuses("second@example.com"));
    }
}

#[track_caller]
fn healed(world: &World, post: &Post) {
    assert_eq!(world.post(post), 200, "{}", world.log());
    assert!(world.refuses("second@example.com"));
}

#[test]
fn a_full_disk_answers_503_and_heals_without_a_restart() {
    let Some(world) = on_a_small_disk() else { return };
    // Up to the last byte, so that not even the journal grows.
    within(&world, "dd if=/dev/zero of=disk/filler bs=4k 2>/dev/null; true");
    let (mut full, mut n) = (false, 0);
    while !full && n < 200 {
        // What SQLite has reserved already may still be used.
        full = world.post(&bounce_of(&format!("filler{n}@example.com"))) == 503;
        n += 1;
    }
    let post = bounce_of("second@example.com");
    cannot_record(&world, &post);
    assert!(world.log().contains("no space is left for the database"), "{}", world.log());
    within(&world, "rm disk/filler");
    healed(&world, &post);
}

/// As after "sudo suppressd add …" before the first start: the file belongs to root.
#[test]
fn a_database_that_may_not_be_written_answers_503_and_heals_without_a_restart() {
    let mut world = World::idle(&[]);
    world.home.ok(&["add", "first@example.com"]);
    let mut command = world.home.command(&["serve"]);
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let is_root = nix::unistd::geteuid().is_root();
    if is_root {
        nix::unistd::chown(&world.home.path(""), Some(nobody.uid), Some(nobody.gid)).unwrap();
        for name in ["suppressd.db", "suppressd.db-wal", "suppressd.db-shm"].map(|name| world.home.path(name)) {
            std::fs::set_permissions(name, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        // The build may be where only root gets.
        std::fs::copy(SUPPRESSD, world.home.path("suppressd")).unwrap();
        command = Command::new(world.home.path("suppressd"));
        command.arg("--config").arg(world.home.path("suppressd.toml")).arg("serve");
        command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
    } else {
        std::fs::set_permissions(world.home.path("suppressd.db"), std::fs::Permissions::from_mode(0o444)).unwrap();
    }
    command.stderr(world.log_file());
    world.launch(command);
    let post = bounce_of("second@example.com");
    cannot_record(&world, &post);
    assert!(world.log().contains("the database can't be written"), "{}", world.log());
    for name in ["suppressd.db", "suppressd.db-wal", "suppressd.db-shm"].map(|name| world.home.path(name)) {
        if is_root {
            nix::unistd::chown(&name, Some(nobody.uid), Some(nobody.gid)).unwrap();
        } else {
            std::fs::set_permissions(&name, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
    }
    // SNS comes again, too.
    eventually("it is recorded", || world.post(&post) == 200);
    assert!(world.refuses("second@example.com"));
}

/// A daemon whose database is on a file system of one megabyte in a mount namespace of its own.
fn on_a_small_disk() -> Option<World> {
    let options = if nix::unistd::geteuid().is_root() { "-m" } else { "-rm" };
    if !Command::new("unshare").args([options, "true"]).status().is_ok_and(|status| status.success()) {
        // Not by eprintln!, which the test harness hides.
        let _ = writeln!(std::io::stderr(), "NOT TESTED: a full disk; no mount namespace can be had here");
        return None;
    }
    let mut world = World::idle(&[]);
    std::fs::create_dir(world.home.path("disk")).unwrap();
    world.home.set("database", &world.home.quoted("disk/suppressd.db"));
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs -o size=1m none disk && exec \"$0\" \"$@\"";
    command.args([options, "sh", "-c", script, SUPPRESSD, "--config", "suppressd.toml", "serve"]);
    command.current_dir(world.home.path(""));
    command.stderr(world.log_file());
    world.launch(command);
    assert_eq!(world.post(&bounce_of("first@example.com")), 200);
    Some(world)
}

/// Runs a script where the daemon sees its disk.
fn within(world: &World, script: &str) {
    let mut command = Command::new("nsenter");
    command.args(["-t", &world.pid().to_string(), "-m"]);
    if !nix::unistd::geteuid().is_root() {
        command.args(["-U", "--preserve-credentials"]);
    }
    let directory = world.home.path("");
    let status = command.args(["sh", "-c", &format!("cd {} && {{ {script}; }}", directory.display())]).status();
    assert!(status.unwrap().success(), "{script}");
}
