//! A running suppressd in a directory of its own, with a stand-in for SNS, and a shell in which the commands of the
//! documentation work as printed: paths and ports of an installed system are those of the sandbox.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::sns::aws::Aws;
use super::sns::pki::Pki;
use super::sns::signer::{Draft, Post};
use super::{SUPPRESSD, program};

const PATIENCE: Duration = Duration::from_secs(20);

pub struct Sandbox {
    dir: tempfile::TempDir,
    http: u16,
    admin: u16,
    daemon: Child,
    aws: Aws,
    /// Serves the stand-in.
    _runtime: tokio::runtime::Runtime,
}

impl Sandbox {
    /// suppressd with its defaults, but for where things are.
    pub fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("suppressd-").tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let aws = runtime.block_on(Aws::start(Pki::shared()));
        let [http, admin] = free_ports();
        let at = dir.path().display();
        fs::write(dir.path().join("ca.pem"), &Pki::shared().ca_pem).unwrap();
        let config = format!(
            "database = \"{at}/db/suppressd.db\"\n\
             [http]\nlisten = [\"127.0.0.1:{http}\"]\n\
             [admin]\nlisten = [\"127.0.0.1:{admin}\"]\n\
             [sns]\nproxy = \"{}\"\nca-file = \"{at}/ca.pem\"\n\
             [lookup]\n\
             socketmap = [\"unix:{at}/sockets/lookup.sock\"]\n\
             policy = [\"unix:{at}/sockets/policy.sock\"]\n\
             [policy]\n#profile = \"ses\"\n",
            aws.proxy()
        );
        for made in ["db", "sockets", "bin", "etc", "queue"] {
            fs::create_dir(dir.path().join(made)).unwrap();
        }
        fs::write(dir.path().join("suppressd.toml"), config).unwrap();
        fs::write(dir.path().join("etc/main.cf"), format!("compatibility_level = 3.6\nqueue_directory = {at}/queue\n"))
            .unwrap();
        let wrapper = dir.path().join("bin/suppressd");
        program::script(&wrapper, &format!("exec {SUPPRESSD} --config {at}/suppressd.toml \"$@\""));
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let daemon = Command::new(&wrapper).arg("serve").stdin(Stdio::null()).stderr(log).spawn().unwrap();
        let sandbox = Self { dir, http, admin, daemon, aws, _runtime: runtime };
        sandbox.until_it_answers();
        sandbox
    }

    fn until_it_answers(&self) {
        let begun = Instant::now();
        let socket = self.path("sockets/lookup.sock");
        while UnixStream::connect(&socket).is_err() || TcpStream::connect(("127.0.0.1", self.admin)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub const fn http_port(&self) -> u16 {
        self.http
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// Confirmations of subscriptions that reached the stand-in.
    pub fn confirmations(&self) -> usize {
        self.aws.count("Action=ConfirmSubscription")
    }

    /// Posts a signed message to the webhook; the status of the answer.
    pub fn post(&self, draft: &Draft) -> u16 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&signed(draft).request("/sns")).unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        std::str::from_utf8(&head[9..]).unwrap().parse().unwrap()
    }

    /// Runs a command of the documentation.
    pub fn shell(&self, command: &str) -> Output {
        let path = format!("{}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", self.path("bin").display());
        let mut shell = Command::new("sh");
        shell.args(["-c", &self.placed(command)]).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
        shell.env("PATH", path).env("MAIL_CONFIG", self.path("etc")).env("SUDO_USER", "ann").env("NO_COLOR", "1");
        shell.output().unwrap()
    }

    /// Places of an installed system, and where they are here.
    fn places(&self) -> Vec<(String, String)> {
        let at = |name: &str| self.path(name).display().to_string();
        vec![
            ("/etc/suppressd/suppressd.toml".into(), at("suppressd.toml")),
            ("/etc/suppressd/new.toml".into(), at("new.toml")),
            ("/var/lib/suppressd/".into(), at("db/")),
            ("/var/backups/".into(), at("queue/")),
            ("/var/spool/postfix/suppressd/".into(), at("sockets/")),
            ("127.0.0.1:8025".into(), format!("127.0.0.1:{}", self.http)),
            ("127.0.0.1:8026".into(), format!("127.0.0.1:{}", self.admin)),
        ]
    }

    fn placed(&self, text: &str) -> String {
        self.places().iter().fold(text.to_owned(), |text, (installed, here)| text.replace(installed, here))
    }

    /// What a command printed, as an installed system would.
    pub fn as_installed(&self, text: &str) -> String {
        self.places().iter().fold(text.to_owned(), |text, (installed, here)| text.replace(here, installed))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

pub fn signed(draft: &Draft) -> Post {
    draft.sign(&Pki::shared().good)
}

/// Ports that were free a moment ago, all different.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let held: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}
