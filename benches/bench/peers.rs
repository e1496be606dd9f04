//! Servers that are measured beside ours. Each ends with its value.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::load::{self, At};

/// A server that runs.
pub struct Peer {
    child: Child,
    pub at: At,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peer {
    fn start(mut command: Command, at: At) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let peer = Self { child: child.unwrap_or_else(|error| panic!("{command:?}: {error}")), at };
        load::up(&peer.at);
        peer
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The limit: no work at all.
pub fn echo(dir: &Path, tcp: bool) -> Peer {
    let program = dir.join("echo");
    if !program.exists() {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/bench/echo.c");
        let status = Command::new("cc").args(["-O2", "-o"]).arg(&program).arg(source).status().unwrap();
        assert!(status.success());
    }
    let mut command = Command::new(&program);
    if tcp {
        let port = free_port();
        command.arg(format!(":{port}"));
        Peer::start(command, At::Tcp(([127, 0, 0, 1], port).into()))
    } else {
        let path = dir.join("echo.sock");
        let _ = std::fs::remove_file(&path);
        command.arg(&path);
        Peer::start(command, At::Unix(path))
    }
}

/// Debian's postsrsd: a tcp_table that rewrites envelope senders by an HMAC.
pub fn postsrsd(dir: &Path) -> Peer {
    let (forward, reverse) = (free_port(), free_port());
    let secret = dir.join("postsrsd.secret");
    std::fs::write(&secret, "loopback only\n").unwrap();
    let mut command = Command::new("/usr/sbin/postsrsd");
    command.args(["-4", "-d", "srs.example.org", "-s"]).arg(secret);
    command.args(["-l", "127.0.0.1", "-f", &forward.to_string(), "-r", &reverse.to_string()]);
    Peer::start(command, At::Tcp(([127, 0, 0, 1], forward).into()))
}

/// Debian's postfix-mta-sts-resolver, in Python: a socketmap. It is asked for domains that it has in its cache, and sees no
/// network.
pub fn mta_sts(dir: &Path) -> Peer {
    let socket = dir.join("mta-sts.sock");
    let config = dir.join("mta-sts.yml");
    let text = format!(
        "path: {}\nmode: 0666\ncache:\n  type: internal\n  options: {{cache_size: 10000}}\n\
         default_zone:\n  strict_testing: false\n  timeout: 1\n",
        socket.display()
    );
    std::fs::write(&config, text).unwrap();
    let mut command = Command::new("unshare");
    command.args(["-n", "mta-sts-daemon", "-c"]).arg(config);
    Peer::start(command, At::Unix(socket))
}
