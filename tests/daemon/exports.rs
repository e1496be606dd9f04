//! Files of `[export]` follow the list, whoever changes it, and the old one stays while a new one can't be written.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use crate::process::eventually;
use crate::world::{World, bounce_of};

/// A daemon that keeps a text file, looking every second.
fn world() -> (World, PathBuf) {
    let mut world = World::idle(&[("export.every", "\"1s\"")]);
    let file = world.home.path("list.txt");
    world.home.set("export.files", &format!("[{{ path = {}, map = \"access\" }}]", world.home.quoted("list.txt")));
    world.up();
    eventually("the file is there", || file.exists());
    (world, file)
}

fn text(file: &PathBuf) -> String {
    fs::read_to_string(file).unwrap()
}

#[test]
fn a_file_follows_the_list_whoever_changes_it() {
    let (world, file) = world();
    assert_eq!(text(&file), "");
    assert_eq!(world.post(&bounce_of("dead@example.com")), 200);
    eventually("what the daemon learned", || text(&file).starts_with("dead@example.com 550 5.1.1 "));
    world.home.ok(&["add", "bob@example.com"]);
    eventually("what the command line changed", || text(&file).starts_with("bob@example.com 550 5.7.1 "));
    world.home.sql("DELETE FROM suppression WHERE address = 'bob@example.com'");
    eventually("what SQL changed", || !text(&file).contains("bob"));
    world.home.sql(
        "INSERT INTO suppression (address, until) \
           VALUES ('short@example.com', strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '+4 seconds'))",
    );
    eventually("an entry with an end", || text(&file).contains("short@example.com "));
    eventually("which runs out by itself", || !text(&file).contains("short"));
    world.home.sql("INSERT INTO allow (address, until) VALUES ('dead@example.com', '2099-01-01T00:00:00Z')");
    eventually("an allow entry", || text(&file).is_empty());
}

#[test]
fn a_file_of_another_stream_after_a_reload_is_written_anew() {
    let mut world = World::idle(&[]);
    let (file, config) = (world.home.path("list.txt"), world.home.path("suppressd.toml"));
    let before = fs::read_to_string(&config).unwrap();
    let over = |map: &str| {
        let table =
            format!("[export]\nevery = \"1s\"\nfiles = [{{ path = \"{}\", map = \"{map}\" }}]\n", file.display());
        fs::write(&config, format!("{before}{table}[[stream]]\nname = \"news\"\nsenders = [\"news@example.org\"]\n"))
            .unwrap();
    };
    over("access/news");
    world.home.ok(&["add", "--stream", "news", "bob@example.com"]);
    world.up();
    eventually("bob wants no news", || file.exists() && text(&file).contains("bob"));
    over("access");
    world.reload();
    eventually("and takes all else", || text(&file).is_empty());
}

#[test]
fn a_file_is_left_alone_while_the_list_stays_the_same_and_keeps_its_mode() {
    let (world, file) = world();
    world.home.ok(&["add", "bob@example.com"]);
    eventually("bob", || text(&file).contains("bob"));
    fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    let before = fs::metadata(&file).unwrap();
    // Something else is written, and after it something that shows that it was looked at.
    world.home.ok(&["topics", "allow", "arn:aws:sns:us-east-1:123456789012:another"]);
    let (other, mut world) = (world.home.path("other.txt"), world);
    let files = |names: &[&str]| {
        let tables = names.iter().map(|name| format!("{{ path = {}, map = \"access\" }}", world.home.quoted(name)));
        format!("[{}]", tables.collect::<Vec<_>>().join(", "))
    };
    let both = files(&["list.txt", "other.txt"]);
    world.home.set("export.files", &both);
    world.reload();
    eventually("a reload takes more files", || other.exists());
    assert_eq!(text(&other), text(&file));
    assert_eq!(fs::metadata(&file).unwrap().ino(), before.ino());
    world.home.ok(&["add", "alice@example.com"]);
    eventually("alice", || text(&file).contains("alice"));
    let after = fs::metadata(&file).unwrap();
    assert_eq!((after.mode(), after.uid()), (before.mode(), before.uid()));
    assert_ne!(after.ino(), before.ino(), "it is replaced and never written into");
    fs::remove_file(&file).unwrap();
    eventually("a file that somebody removed", || file.exists());
}

#[test]
fn what_cannot_be_written_is_logged_once_and_heals() {
    let mut world = World::idle(&[("export.every", "\"1s\"")]);
    let directory = world.home.path("tables");
    world
        .home
        .set("export.files", &format!("[{{ path = {}, map = \"transport\" }}]", world.home.quoted("tables/t.cdb")));
    world.up();
    let said = || world.log().matches("tables/t.cdb: ").count();
    eventually("the error", || said() == 1);
    assert!(!world.refuses("nobody@example.com"), "lookups go on");
    for name in ["a@b.example", "c@b.example", "d@b.example"] {
        world.home.ok(&["add", name]);
        assert!(world.refuses(name));
    }
    fs::create_dir(&directory).unwrap();
    eventually("the file", || directory.join("t.cdb").exists());
    eventually("the end of the trouble", || world.log().contains("t.cdb is all right again"));
    assert_eq!(said(), 1, "{}", world.log());
}

#[test]
fn warn_mode_writes_what_it_answers() {
    let mut world = World::idle(&[("export.every", "\"1s\""), ("lookup.mode", "\"warn\"")]);
    let files = format!(
        "[{{ path = {}, map = \"access\" }}, {{ path = {}, map = \"transport\" }}]",
        world.home.quoted("access"),
        world.home.quoted("transport")
    );
    world.home.set("export.files", &files);
    world.home.ok(&["add", "bob@example.com"]);
    world.up();
    let [access, transport] = ["access", "transport"].map(|name| world.home.path(name));
    eventually("both", || access.exists() && transport.exists());
    assert!(text(&access).starts_with("bob@example.com WARN would refuse: 5.7.1 "), "{}", text(&access));
    assert_eq!(text(&transport), "");
    world.home.set("lookup.mode", "\"enforce\"");
    world.reload();
    eventually("a reload changes it", || text(&transport).starts_with("bob@example.com error:5.7.1 "));
}
