//! A private Postfix with fragments of `postfix/`, a relay behind it, and the real `suppressd serve` beside it.
//!
//! Everything lives in one temporary directory and on loopback ports; every process is ended by its own id.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

#[path = "../support/damage.rs"]
mod damage;
#[path = "../support/program.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod program;
#[path = "relay.rs"]
mod relay;

/// Longest wait for anything here; Postfix's slowest answer in these tests is 9 s.
const PATIENCE: Duration = Duration::from_secs(40);
const SUPPRESSD: &str = env!("CARGO_BIN_EXE_suppressd");

/// A mail system with suppressd in it.
pub struct World {
    dir: tempfile::TempDir,
    ports: Ports,
    relay: Option<Child>,
    daemon: Option<Child>,
}

struct Ports {
    smtp: u16,
    relay: u16,
    tcp_table: u16,
    filter: u16,
    http: u16,
    admin: u16,
}

/// Ends its process when it goes.
pub struct Held(Child);

impl World {
    /// A running Postfix with these fragments, and suppressd with these lines in its configuration.
    pub fn new(fragments: &[&str], settings: &str) -> Self {
        Self::with_relay(fragments, settings, &[])
    }

    /// The same with further options for smtp-sink(1), the relay.
    pub fn with_relay(fragments: &[&str], settings: &str, options: &[&str]) -> Self {
        Self::make(fragments, settings, "", |dump, port| Some(start_relay(dump, port, options)))
    }

    /// The same with a relay that answers by the recipient, and more lines for main.cf.
    pub fn with_choosy_relay(fragments: &[&str], settings: &str, main_cf: &str) -> Self {
        Self::make(fragments, settings, main_cf, |_, port| {
            relay::start(port);
            None
        })
    }

    fn make(
        fragments: &[&str],
        settings: &str,
        main_cf: &str,
        start_relay: impl FnOnce(&Path, u16) -> Option<Child>,
    ) -> Self {
        assert!(nix::unistd::geteuid().is_root(), "a private Postfix needs root; run the tests with sudo");
        let dir = tempfile::Builder::new().prefix("suppressd-e2e-").tempdir().unwrap();
        let ports = Ports::free();
        let relay = start_relay(&dir.path().join("relayed"), ports.relay);
        let world = Self { dir, ports, relay, daemon: None };
        world.make_postfix(fragments);
        File::options().append(true).open(world.path("etc/main.cf")).unwrap().write_all(main_cf.as_bytes()).unwrap();
        world.configure(settings);
        world.run("postfix", &["-c", &world.path("etc"), "start"], "");
        world.up()
    }

    /// Starts suppressd and waits until it answers.
    #[must_use]
    pub fn up(mut self) -> Self {
        self.start_daemon();
        self
    }

    pub fn start_daemon(&mut self) {
        let log = File::options().create(true).append(true).open(self.path("suppressd.log")).unwrap();
        let mut command = Command::new(SUPPRESSD);
        command.args(["--config", &self.path("suppressd.toml"), "serve"]).stdin(Stdio::null());
        self.daemon = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let sockets = ["spool/suppressd/lookup.sock", "spool/suppressd/policy.sock"].map(|name| self.path(name));
        self.eventually("suppressd answers", || sockets.iter().all(|path| UnixStream::connect(path).is_ok()));
    }

    /// Stops suppressd as an administrator would.
    pub fn stop_daemon(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            send(&daemon, Signal::SIGTERM);
            assert!(daemon.wait().unwrap().success(), "a clean stop; {}", self.log());
        }
    }

    /// Makes suppressd hang, or go on.
    pub fn signal_daemon(&self, signal: Signal) {
        send(self.daemon.as_ref().unwrap(), signal);
    }

    /// Leaves suppressd only so many more file descriptors than it has open now.
    pub fn limit_descriptors(&self, more: usize) {
        let id = self.daemon.as_ref().unwrap().id();
        let open = fs::read_dir(format!("/proc/{id}/fd")).unwrap().count();
        self.run("prlimit", &["--pid", &id.to_string(), &format!("--nofile={}:", open + more)], "");
    }

    /// Connects to the socketmap socket and says nothing.
    pub fn connect(&self) -> UnixStream {
        UnixStream::connect(self.path("spool/suppressd/lookup.sock")).unwrap()
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs the command line of suppressd.
    pub fn suppressd(&self, args: &[&str]) -> String {
        let config = self.path("suppressd.toml");
        self.run(SUPPRESSD, &[&["--config", &config], args].concat(), "")
    }

    /// Hands in bounce mail that this Postfix made.
    pub fn bounce(&self, mail: &str) {
        let config = self.path("suppressd.toml");
        let args = ["--config", &config, "pipe", "--recipient=bounces@example.org", "--client-address="];
        self.run(SUPPRESSD, &args, mail);
    }

    /// Runs SQL as an administrator would, and prints what it gives.
    pub fn sqlite3(&self, sql: &str) -> String {
        self.run("sqlite3", &[&self.path("db/suppressd.db"), sql], "")
    }

    /// What Postfix finds for a key in a map; empty for nothing.
    pub fn postmap(&self, map: &str, key: &str) -> String {
        // The path is relative to the queue directory, where Postfix's own clients are; postmap goes there too.
        let output = self.output("postmap", &["-c", &self.path("etc"), "-q", key, map], "");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Makes a table from its text.
    pub fn make_table(&self, table: &str) {
        self.run("postmap", &["-c", &self.path("etc"), table], "");
    }

    /// Hands a message to sendmail(1); several recipients have commas between them.
    pub fn sendmail(&self, sender: &str, recipient: &str) {
        let message = format!("From: {sender}\nTo: {recipient}\nSubject: hello {recipient}\n\nHello.\n");
        let config = self.path("etc");
        let recipients = recipient.split(',');
        self.run(
            "sendmail",
            &["-C", &config, "-f", sender].into_iter().chain(recipients).collect::<Vec<_>>(),
            &message,
        );
    }

    /// Asks Postfix to try everything that waits.
    pub fn flush(&self) {
        self.run("postqueue", &["-c", &self.path("etc"), "-f"], "");
    }

    /// Messages that wait in Postfix.
    pub fn queue(&self) -> String {
        self.run("postqueue", &["-c", &self.path("etc"), "-j"], "")
    }

    /// An SMTP session that is ready for recipients.
    pub fn smtp(&self, sender: &str) -> Smtp {
        Smtp::start(self.ports.smtp, sender)
    }

    /// The same for recipients with UTF-8 (RFC 6531).
    pub fn smtp_utf8(&self, sender: &str) -> Smtp {
        let mut session = Smtp::start(self.ports.smtp, sender);
        assert!(session.say("RSET").starts_with("250 "));
        assert!(session.say(&format!("MAIL FROM:<{sender}> SMTPUTF8")).starts_with("250 "));
        session
    }

    /// Makes every further lookup fail.
    pub fn damage_database(&self) {
        damage::overwrite(Path::new(&self.path("db/suppressd.db")));
    }

    /// Everything that the relay received.
    pub fn relayed(&self) -> String {
        fs::read_to_string(self.path("relayed")).unwrap_or_default()
    }

    /// The mailbox of everybody at local.example, with Postfix's folding undone.
    pub fn inbox(&self) -> String {
        let text = fs::read_to_string(self.path("mail/inbox")).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub fn log(&self) -> String {
        let read = |name| fs::read_to_string(self.path(name)).unwrap_or_default();
        format!("{}\n{}", read("maillog"), read("suppressd.log"))
    }

    /// Waits until something is so; fails with the logs if it never is.
    pub fn eventually(&self, what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < PATIENCE, "never seen: {what}; {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Holds the database's write lock in another process until the value is dropped.
    pub fn lock_database(&self) -> Held {
        let mut command = Command::new("sqlite3");
        command.arg(self.path("db/suppressd.db")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let sql = ".timeout 10000\nBEGIN EXCLUSIVE;\nSELECT 'locked';\n";
        child.stdin.as_mut().unwrap().write_all(sql.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "locked\n");
        Held(child)
    }

    fn make_postfix(&self, fragments: &[&str]) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/postfix.sh");
        let ports = [self.ports.smtp, self.ports.relay].map(|port| port.to_string());
        // pipe(8) runs it as another user, who may not get at the place of the build.
        program::copy(SUPPRESSD, self.path("suppressd"));
        let mut command = Command::new(script);
        command.arg(self.dir.path()).args(ports).args(fragments);
        command.env("SUPPRESSD", self.path("suppressd"));
        command.env("TCP_TABLE_PORT", self.ports.tcp_table.to_string());
        command.env("FILTER_PORT", self.ports.filter.to_string());
        assert!(command.status().unwrap().success(), "postfix.sh");
    }

    /// Reads other settings, as after "systemctl reload".
    pub fn reload(&self, settings: &str) {
        fs::write(self.path("suppressd.toml"), self.configuration(settings)).unwrap();
        let before = self.log().matches("reloaded").count();
        self.signal_daemon(Signal::SIGHUP);
        self.eventually("the reload", || self.log().matches("reloaded").count() > before);
    }

    fn configuration(&self, settings: &str) -> String {
        let Ports { tcp_table, http, admin, .. } = self.ports;
        let dir = self.dir.path().display();
        let settings = settings.replace("/var/lib/suppressd/", &format!("{dir}/db/"));
        format!(
            "database = \"{dir}/db/suppressd.db\"\n\
             http.listen = [\"127.0.0.1:{http}\"]\n\
             admin.listen = [\"127.0.0.1:{admin}\"]\n\
             lookup.socketmap = [\"unix:{dir}/spool/suppressd/lookup.sock\"]\n\
             lookup.policy = [\"unix:{dir}/spool/suppressd/policy.sock\"]\n\
             lookup.tcp-table = [{{ listen = \"127.0.0.1:{tcp_table}\", map = \"access\" }}]\n\
             mail.lmtp = [\"unix:{dir}/spool/suppressd/lmtp.sock\"]\n\
             log.to = \"stderr\"\n\
             {settings}\n"
        )
    }

    fn configure(&self, settings: &str) {
        fs::write(self.path("suppressd.toml"), self.configuration(settings)).unwrap();
        let db = self.dir.path().join("db");
        fs::create_dir(&db).unwrap();
        let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
        fs::write(db.join("suppressd.db"), "").unwrap();
        for path in [db.join("suppressd.db"), db] {
            nix::unistd::chown(&path, Some(nobody.uid), Some(nobody.gid)).unwrap();
        }
    }

    fn run(&self, program: &str, args: &[&str], input: &str) -> String {
        let output = self.output(program, args, input);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{program} {args:?}: {}\n{out}\n{err}\n{}", output.status, self.log());
        out.into_owned()
    }

    fn output(&self, program: &str, args: &[&str], input: &str) -> Output {
        let mut command = Command::new(program);
        command.args(args).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir(self.path("spool"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that does not read is no trouble.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let stop = Command::new("/usr/sbin/postfix").args(["-c", &self.path("etc"), "stop"]).output();
        drop(stop);
        for child in self.daemon.iter_mut().chain(&mut self.relay) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Ports {
    fn free() -> Self {
        // Below the ports that the system gives to clients, or one of them could take the port of a server that is down
        // for a moment. All are held until all are known, so they differ.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let candidate = || 20_000 + (std::process::id() * 64 + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        let bind = || TcpListener::bind(("127.0.0.1", u16::try_from(candidate()).unwrap())).ok();
        let listeners: [TcpListener; 6] =
            std::array::from_fn(|_| std::iter::repeat_with(bind).flatten().next().unwrap());
        let [smtp, relay, tcp_table, filter, http, admin] = listeners.map(|l| l.local_addr().unwrap().port());
        Self { smtp, relay, tcp_table, filter, http, admin }
    }
}

fn start_relay(dump: &Path, port: u16, options: &[&str]) -> Child {
    let mut command = Command::new("/usr/sbin/smtp-sink");
    command.args(["-u", "root", "-D", dump.to_str().unwrap()]).args(options);
    command.args([&format!("127.0.0.1:{port}"), "100"]).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn send(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), signal).unwrap();
}

/// One SMTP session.
pub struct Smtp {
    stream: BufReader<TcpStream>,
}

impl Smtp {
    /// Ready for recipients, at a port.
    pub fn start(port: u16, sender: &str) -> Self {
        let begun = Instant::now();
        let stream = loop {
            match TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))) {
                Ok(stream) => break stream,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "no Postfix: {error}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut session = Self { stream: BufReader::new(stream) };
        assert!(session.reply().starts_with("220 "));
        assert!(session.say("EHLO client.example").starts_with("250 "));
        assert!(session.say(&format!("MAIL FROM:<{sender}>")).starts_with("250 "));
        session
    }

    /// The reply to a recipient.
    pub fn rcpt(&mut self, recipient: &str) -> String {
        self.say(&format!("RCPT TO:<{recipient}>"))
    }

    /// The reply to a recipient, and how long it took.
    pub fn timed_rcpt(&mut self, recipient: &str) -> (String, Duration) {
        let begun = Instant::now();
        (self.rcpt(recipient), begun.elapsed())
    }

    /// The last line of the reply to a command.
    pub fn say(&mut self, command: &str) -> String {
        self.stream.get_mut().write_all(format!("{command}\r\n").as_bytes()).unwrap();
        self.reply()
    }

    fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }
}
