//! The daemon that is measured: the release build, with its database where it is told.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::load::{self, At, Framing};
use crate::peers::free_port;
use crate::process::Home;

pub struct Daemon {
    pub home: Home,
    database: PathBuf,
    child: Child,
    tcp_table: SocketAddr,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

impl Daemon {
    /// Serves a database.
    pub fn over(database: &Path) -> Self {
        Self::with(database, |_| {})
    }

    /// The same, with more settings. Lines of the log go to a file.
    pub fn with(database: &Path, configure: impl FnOnce(&mut Home)) -> Self {
        let mut home = Home::new();
        home.set("database", &format!("{:?}", database.display().to_string()));
        let tcp_table = SocketAddr::from(([127, 0, 0, 1], free_port()));
        home.set("lookup.tcp-table", &format!("[{{ listen = \"{tcp_table}\", map = \"access\" }}]"));
        home.set("lookup.policy", &format!("[{}]", home.quoted_unix("policy.sock")));
        configure(&mut home);
        let log = std::fs::File::create(home.path("log")).unwrap();
        let child = home.command(&["serve"]).stdin(Stdio::null()).stderr(log).spawn().unwrap();
        let daemon = Self { home, database: database.to_owned(), child, tcp_table };
        load::up(&daemon.socketmap());
        daemon
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn socketmap(&self) -> At {
        At::Unix(self.home.path("lookup.sock"))
    }

    pub fn policy(&self) -> At {
        At::Unix(self.home.path("policy.sock"))
    }

    pub fn tcp_table(&self) -> At {
        At::Tcp(self.tcp_table)
    }

    /// The one number that a SELECT gives.
    pub fn count(&self, sql: &str) -> usize {
        let database = rusqlite::Connection::open(&self.database).unwrap();
        usize::try_from(database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()).unwrap()
    }

    /// Waits until the list is in memory, so far as it ever is: nothing is read any more, for longer than the rests in between.
    pub fn indexed(&self) {
        load::one(&self.socketmap(), b"20:access a@example.com,", Framing::Until(b','));
        let read = || {
            let io = std::fs::read_to_string(format!("/proc/{}/io", self.pid())).unwrap();
            io.lines().find(|line| line.starts_with("rchar")).unwrap().to_owned()
        };
        let (mut before, mut quiet) = (read(), 0);
        while quiet < 5 {
            std::thread::sleep(Duration::from_millis(200));
            let now = read();
            quiet = if now == before { quiet + 1 } else { 0 };
            before = now;
        }
    }

    /// Hundredths of a second that it has worked so far.
    pub fn processor_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let fields = stat.rsplit_once(')').map(|(_, fields)| fields.split_whitespace().collect::<Vec<_>>()).unwrap();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    /// A line of /proc/PID/status in KiB, such as `RssAnon`.
    pub fn memory(&self, name: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}
