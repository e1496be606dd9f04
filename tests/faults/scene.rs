//! A daemon with all doors open; where a disk is to be full or read-only, in a mount namespace of its own.

use std::collections::HashMap;
use std::fs;
use std::ops::{Deref, DerefMut};
use std::os::unix::net::UnixStream;
use std::process::{Command, Output};
use std::sync::Mutex;

use crate::process::{PATIENCE, SUPPRESSD};
use crate::world::{World, ask};

/// The daemon, and how to get where it is.
pub struct Scene {
    pub world: World,
    /// Whether the daemon has a mount namespace of its own, with its database on a small disk.
    apart: bool,
    /// What commands are started with, to meet the same fault as the daemon.
    pub prefix: Mutex<Vec<String>>,
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
        Self { world, apart: false, prefix: Mutex::default() }
    }

    /// A daemon whose database is on a file system of so many kilobytes, below `disk`, after these commands.
    pub fn on_a_small_disk(kilobytes: u32, prepare: &str, settings: &[(&str, &str)]) -> Self {
        let mut scene = Self { apart: true, ..Self::idle(settings) };
        fs::create_dir(scene.home.path("disk")).unwrap();
        let database = scene.home.quoted("disk/suppressd.db");
        scene.home.set("database", &database);
        let mut command = Command::new("unshare");
        let script = format!("mount -t tmpfs -o size={kilobytes}k none disk && {prepare} && exec \"$0\" \"$@\"");
        command.args([if is_root() { "-m" } else { "-rm" }, "sh", "-c", &script]);
        command.args([SUPPRESSD, "--config", "suppressd.toml", "serve"]).current_dir(scene.home.path(""));
        let log = scene.log_file();
        command.stderr(log);
        scene.launch(command);
        scene
    }

    /// The command, where the daemon sees its disk, and under the same fault.
    pub fn inside(&self, command: Command) -> Command {
        let mut prefix = self.prefix.lock().unwrap().clone();
        if self.apart {
            prefix.extend(["nsenter", "-t", &self.pid().to_string(), "-m"].map(str::to_owned));
            if !is_root() {
                prefix.extend(["-U", "--preserve-credentials"].map(str::to_owned));
            }
        }
        let Some((program, args)) = prefix.split_first() else { return command };
        let mut inside = Command::new(program);
        inside.args(args).arg(command.get_program()).args(command.get_args()).current_dir("/");
        inside
    }

    /// Runs a script there, in the home directory.
    #[track_caller]
    pub fn within(&self, script: &str) {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("cd {} && {{ {script}; }}", self.home.path("").display())]);
        assert!(self.inside(command).status().unwrap().success(), "{script}");
    }

    /// What a SELECT gives, a line for each row, as the administrator's sqlite3 prints it.
    #[track_caller]
    pub fn rows(&self, sql: &str) -> String {
        let name = if self.apart { "disk/suppressd.db" } else { "suppressd.db" };
        let mut command = Command::new("sqlite3");
        command.args(["-cmd", ".timeout 40000"]).arg(self.home.path(name)).arg(sql);
        let Output { status, stdout, stderr } = self.inside(command).output().unwrap();
        assert!(status.success(), "{sql}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }

    /// How many events there are of each address.
    #[track_caller]
    pub fn counts(&self) -> HashMap<String, u64> {
        let rows = self.rows("SELECT address, count(*) FROM event GROUP BY address");
        let row =
            |line: &str| line.split_once('|').map(|(address, count)| (address.to_owned(), count.parse().unwrap()));
        rows.lines().map(|line| row(line).unwrap()).collect()
    }

    /// A connection for lookups, as Postfix keeps it.
    #[track_caller]
    pub fn lookups(&self) -> UnixStream {
        let stream = UnixStream::connect(self.home.path("lookup.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Asks about many addresses on one connection; whether each is refused.
    #[track_caller]
    pub fn refusals<'a>(&self, addresses: impl IntoIterator<Item = &'a str>) -> Vec<bool> {
        refusals(&self.lookups(), addresses)
    }

    /// Memory of the daemon that is its own, in bytes.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        kilobytes(&status, "RssAnon:") << 10
    }

    /// The most memory that one of its children has ever had, in bytes.
    pub fn memory_of_children(&self) -> u64 {
        let status = |child: &String| fs::read_to_string(format!("/proc/{child}/status")).ok();
        let memory = |status: String| kilobytes(&status, "VmHWM:");
        self.children().iter().filter_map(status).map(memory).max().unwrap_or(0) << 10
    }

    /// Seconds that a processor has worked for it and its children: the same on a machine that has other things to do too.
    pub fn work(&self) -> u64 {
        let of = |pid: &String| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // utime, stime, cutime and cstime of proc_pid_stat(5), in hundredths.
            let rest = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(4);
            rest.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>()
        };
        let all = self.children().into_iter().chain([self.pid().to_string()]).map(|pid| of(&pid));
        all.sum::<u64>() / 100
    }

    fn children(&self) -> Vec<String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).into_iter().flatten().flatten();
        let children: String = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok()).collect();
        children.split_whitespace().map(str::to_owned).collect()
    }

    /// Descriptors that the daemon has open.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
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

/// Asks about many addresses; whether each is refused.
#[track_caller]
pub fn refusals<'a>(lookup: &UnixStream, addresses: impl IntoIterator<Item = &'a str>) -> Vec<bool> {
    addresses.into_iter().map(|address| ask(lookup, address).starts_with("OK 550 5.")).collect()
}

/// A number of /proc/PID/status; 0 if the process is gone.
pub fn kilobytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().strip_suffix(" kB")).map_or(0, |kilobytes| kilobytes.parse().unwrap())
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
