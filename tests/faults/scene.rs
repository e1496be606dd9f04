//! A daemon with all doors open; where a disk is to be full or read-only, in a mount namespace of its own.

use std::collections::HashMap;
use std::fs;
use std::ops::{Deref, DerefMut};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;

use rusqlite::Connection;

use crate::process::{PATIENCE, SUPPRESSD};
use crate::world::{World, ask};

/// The daemon, and how to get where it is.
pub struct Scene {
    pub world: World,
    /// Whether the daemon has a mount namespace of its own, with its database on a small disk.
    apart: bool,
}

impl Scene {
    /// A daemon that is ready.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let mut scene = Self::idle(settings);
        scene.up();
        scene
    }

    /// Everything but the daemon.
    pub fn idle(settings: &[(&str, &str)]) -> Self {
        let mut world = World::idle(&[]);
        for (name, socket) in [("mail.lmtp", "lmtp.sock"), ("lookup.policy", "policy.sock")] {
            let at = format!("[{}]", world.home.quoted_unix(socket));
            world.home.set(name, &at);
        }
        settings.iter().for_each(|(name, value)| world.home.set(name, value));
        Self { world, apart: false }
    }

    /// A daemon whose database is on a file system of so many kilobytes, below `disk`.
    pub fn on_a_small_disk(kilobytes: u32, settings: &[(&str, &str)]) -> Self {
        let mut scene = Self { apart: true, ..Self::idle(settings) };
        fs::create_dir(scene.home.path("disk")).unwrap();
        let database = scene.home.quoted("disk/suppressd.db");
        scene.home.set("database", &database);
        let mut command = Command::new("unshare");
        let script = format!("mount -t tmpfs -o size={kilobytes}k none disk && exec \"$0\" \"$@\"");
        command.args([if is_root() { "-m" } else { "-rm" }, "sh", "-c", &script]);
        command.args([SUPPRESSD, "--config", "suppressd.toml", "serve"]).current_dir(scene.home.path(""));
        let log = scene.log_file();
        command.stderr(log);
        scene.launch(command);
        scene
    }

    /// The command, where the daemon sees its disk.
    pub fn inside(&self, command: Command) -> Command {
        if !self.apart {
            return command;
        }
        let mut inside = Command::new("nsenter");
        inside.args(["-t", &self.pid().to_string(), "-m"]);
        if !is_root() {
            inside.args(["-U", "--preserve-credentials"]);
        }
        inside.arg(command.get_program()).args(command.get_args());
        inside.current_dir("/");
        inside
    }

    /// Runs a script there, in the home directory.
    #[track_caller]
    pub fn within(&self, script: &str) {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("cd {} && {{ {script}; }}", self.home.path("").display())]);
        assert!(self.inside(command).status().unwrap().success(), "{script}");
    }

    /// A file of the home directory, as the daemon sees it.
    pub fn seen(&self, name: &str) -> PathBuf {
        let path = self.home.path(name);
        let root = PathBuf::from(format!("/proc/{}/root", self.pid()));
        if self.apart { root.join(path.strip_prefix("/").unwrap()) } else { path }
    }

    /// The daemon's database.
    pub fn database(&self) -> Connection {
        let path = if self.apart { self.seen("disk/suppressd.db") } else { self.home.path("suppressd.db") };
        let connection = Connection::open(path).unwrap();
        connection.busy_timeout(PATIENCE).unwrap();
        connection
    }

    /// How many events there are of each address.
    pub fn counts(&self) -> HashMap<String, i64> {
        let connection = self.database();
        let mut statement = connection.prepare("SELECT address, count(*) FROM event GROUP BY address").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    /// Asks about many addresses on one connection; whether each is refused.
    #[track_caller]
    pub fn refusals<'a>(&self, addresses: impl IntoIterator<Item = &'a str>) -> Vec<bool> {
        let stream = UnixStream::connect(self.home.path("lookup.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        addresses.into_iter().map(|address| ask(&stream, address).starts_with("OK 550 5.")).collect()
    }

    /// Lines of the log that have `part` in them.
    pub fn logged(&self, part: &str) -> usize {
        self.log().lines().filter(|line| line.contains(part)).count()
    }
}

impl Deref for Scene {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Scene {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
