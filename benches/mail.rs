//! Bounce mail: mails read and judged per second by one core, wall time of `suppressd pipe` for one mail with its commit,
//! and durable mails per second by LMTP: `cargo bench --bench mail [-- DIRECTORY]`.
//!
//! The mails are those of the directory, else of the large corpus where there is one, else of `tests/corpus`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark"
)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use suppressd::ingress::mail;

const PROGRAM: &str = env!("CARGO_BIN_EXE_suppressd");
const TIME: Duration = Duration::from_secs(5);
/// Mails for each of the slower measurements.
const MAILS: usize = 300;
const CONNECTIONS: usize = 4;

fn main() {
    let mails = mails();
    let dir = tempfile::tempdir().unwrap();
    let config = configure(dir.path());
    println!("{:<44} {:>10} {:>10}", "what", "measured", "goal");
    let row = |what: &str, value: f64, goal: &str| println!("{what:<44} {value:>10.1} {goal:>10}");
    row("read and judged, one core, mails/s", reading(&mails), ">= 10000");
    row("suppressd pipe, median of one mail, ms", pipe(&config), "<= 5");
    row("LMTP, 4 connections, durable mails/s", lmtp(&config, dir.path()), ">= 2000");
}

fn mails() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).map(PathBuf::from);
    let folders = [named, Some(root.join("../shared/corpus/bounce")), Some(root.join("tests/corpus"))];
    let folder = folders.into_iter().flatten().find(|folder| folder.is_dir()).unwrap();
    let mut mails = Vec::new();
    collect(&folder, &mut mails);
    println!("{} mails of {} bytes", mails.len(), mails.iter().map(Vec::len).sum::<usize>());
    mails
}

fn collect(path: &Path, mails: &mut Vec<Vec<u8>>) {
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| collect(&entry.unwrap().path(), mails));
    } else if path.extension().is_some_and(|extension| extension == "eml" || extension == "txt") {
        mails.push(fs::read(path).unwrap());
    }
}

/// By the time that the processor worked for it, which does not depend on what else it does.
fn reading(mails: &[Vec<u8>]) -> f64 {
    let (start, begun, mut read) = (Instant::now(), processor_time(), 0_u32);
    while start.elapsed() < TIME {
        for bytes in mails {
            std::hint::black_box(mail::read(bytes));
            read += 1;
        }
    }
    f64::from(read) / (processor_time() - begun)
}

/// What this process has used so far, in seconds.
fn processor_time() -> f64 {
    let used = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF).unwrap();
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    seconds(used.user_time()) + seconds(used.system_time())
}

fn configure(dir: &Path) -> PathBuf {
    let file = dir.join("suppressd.toml");
    let dir = dir.display();
    let text = format!(
        "database = \"{dir}/suppressd.db\"\n[http]\nlisten = []\n[admin]\nlisten = []\n[lookup]\nsocketmap = []\n\
         policy = []\n[mail]\nlmtp = [\"unix:{dir}/lmtp.sock\"]\n[log]\nto = \"stderr\"\nlevel = \"error\"\n"
    );
    fs::write(&file, text).unwrap();
    file
}

/// A report of an unknown user as Postfix writes it, each about another one.
fn report(number: usize) -> Vec<u8> {
    let text = format!(
        "Received: by mta.example.org (Postfix)\n\tid 8A8D{number}; Sat, 21 Nov 2026 09:18:05 +0000 (UTC)\n\
         From: MAILER-DAEMON@example.org\nSubject: Undelivered Mail Returned to Sender\nTo: bounces@example.org\n\
         MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
         --b\nContent-Type: text/plain\n\nThis is the mail system at host mta.example.org.\n\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mta.example.org\n\n\
         Final-Recipient: rfc822; user{number}@example.com\nAction: failed\nStatus: 5.1.1\n\
         Remote-MTA: dns; mx.example.com\nDiagnostic-Code: smtp; 550 5.1.1 <user{number}@example.com>: user unknown\n\n\
         --b--\n"
    );
    text.into_bytes()
}

fn pipe(config: &Path) -> f64 {
    let mut times: Vec<_> = (0..MAILS).map(|number| piped(config, &report(number))).collect();
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

fn piped(config: &Path, mail: &[u8]) -> Duration {
    let start = Instant::now();
    let mut child = Command::new(PROGRAM)
        .arg("--config")
        .arg(config)
        .args(["pipe", "--recipient=bounces@example.org", "--client-address="])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(mail).unwrap();
    assert!(child.wait().unwrap().success());
    start.elapsed()
}

struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn lmtp(config: &Path, dir: &Path) -> f64 {
    let _daemon = Daemon(Command::new(PROGRAM).arg("--config").arg(config).arg("serve").spawn().unwrap());
    let socket = dir.join("lmtp.sock");
    while UnixStream::connect(&socket).is_err() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let each = 4 * MAILS;
    let start = Instant::now();
    std::thread::scope(|scope| {
        for connection in 1..=CONNECTIONS {
            let socket = &socket;
            scope.spawn(move || send(socket, (connection * 100_000..).take(each)));
        }
    });
    let sent = u32::try_from(each * CONNECTIONS).unwrap();
    f64::from(sent) / start.elapsed().as_secs_f64()
}

/// One conversation; commands are pipelined as Postfix does it.
fn send(socket: &Path, numbers: impl Iterator<Item = usize>) {
    let stream = UnixStream::connect(socket).unwrap();
    let mut replies = BufReader::new(stream.try_clone().unwrap());
    let mut output = stream;
    let mut expect = |code: &str| {
        let mut line = String::new();
        while line.get(3..4) != Some(" ") {
            line.clear();
            replies.read_line(&mut line).unwrap();
        }
        assert!(line.starts_with(code), "{line}");
    };
    expect("220");
    output.write_all(b"LHLO bench\r\n").unwrap();
    expect("250");
    for number in numbers {
        let envelope = b"XFORWARD SOURCE=LOCAL\r\nMAIL FROM:<>\r\nRCPT TO:<bounces@example.org>\r\nDATA\r\n";
        output.write_all(envelope).unwrap();
        ["250", "250", "250", "354"].into_iter().for_each(&mut expect);
        let mail = String::from_utf8(report(number)).unwrap().replace('\n', "\r\n") + ".\r\n";
        output.write_all(mail.as_bytes()).unwrap();
        expect("250");
    }
}
