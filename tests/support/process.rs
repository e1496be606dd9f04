//! The built program as whoever runs it sees it: a configuration and a database in a temporary directory, arguments and
//! standard input in, exit status and output out.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;

pub const SUPPRESSD: &str = env!("CARGO_BIN_EXE_suppressd");
/// Nothing takes that long, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// A directory with a configuration.
pub struct Home {
    dir: tempfile::TempDir,
    settings: BTreeMap<String, String>,
}

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    /// `None` if a signal ended it.
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Home {
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("suppressd-").tempdir().unwrap();
        let mut home = Self { dir, settings: BTreeMap::new() };
        home.set("database", &home.quoted("suppressd.db"));
        for name in ["http.listen", "admin.listen", "lookup.policy"] {
            home.set(name, "[]");
        }
        home.set("lookup.socketmap", &format!("[{}]", home.quoted_unix("lookup.sock")));
        home.set("log.to", "\"stderr\"");
        home
    }

    /// A path within the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The same, as TOML.
    pub fn quoted(&self, name: &str) -> String {
        format!("\"{}\"", self.path(name).display())
    }

    /// The same as the address of a socket.
    pub fn quoted_unix(&self, name: &str) -> String {
        format!("\"unix:{}\"", self.path(name).display())
    }

    /// Gives a setting another value, as TOML, and writes the configuration anew.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.insert(name.to_owned(), value.to_owned());
        let text: String = self.settings.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
        self.write_config(&text);
    }

    pub fn write_config(&self, text: &str) {
        fs::write(self.path("suppressd.toml"), text).unwrap();
    }

    /// The program with this configuration, and nothing of our own environment that it looks at.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(SUPPRESSD);
        command.arg("--config").arg(self.path("suppressd.toml")).args(args).current_dir(self.dir.path());
        for name in ["HTTPS_PROXY", "https_proxy", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "JOURNAL_STREAM"] {
            command.env_remove(name);
        }
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, b"")
    }

    /// Runs a command that reads `input`.
    pub fn run_with(&self, args: &[&str], input: &[u8]) -> Ran {
        finish(&mut self.command(args), input)
    }

    /// Runs a command that must succeed and returns its output.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{args:?}: {ran:?}");
        ran.out
    }

    /// The database as the administrator's sqlite3 opens it.
    pub fn database(&self) -> Connection {
        let connection = Connection::open(self.path("suppressd.db")).unwrap();
        connection.busy_timeout(PATIENCE).unwrap();
        connection
    }

    /// The one value that a SELECT gives, as text.
    pub fn select(&self, sql: &str) -> String {
        let value = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
        match self.database().query_row(sql, [], value).unwrap() {
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            other => format!("{other:?}"),
        }
    }

    /// Runs SQL as an administrator would.
    pub fn sql(&self, sql: &str) {
        self.database().execute_batch(sql).unwrap();
    }

    /// Holds the write lock until the value is dropped.
    pub fn lock(&self) -> Connection {
        let connection = self.database();
        connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
        connection
    }
}

/// Runs a command to its end.
pub fn finish(command: &mut Command, input: &[u8]) -> Ran {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A program that does not read is no trouble of ours.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Ran { status: status.code(), out: text(&stdout), err: text(&stderr) }
}

/// Waits for a process; it is a failure if it does not end in time.
#[track_caller]
pub fn wait(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(begun.elapsed() < PATIENCE, "the process did not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until something is so.
#[track_caller]
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "never seen: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What a stream says until it ends.
pub fn read_all(mut stream: impl Read) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    text(&bytes)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
