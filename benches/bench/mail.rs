//! Bounce mail: read and judged by one core, taken by `suppressd pipe`, and by LMTP.
//!
//! The mails are those of the large corpus where there is one, else of `tests/corpus`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use suppressd::ingress::mail;

use crate::Options;
use crate::daemon::Daemon;
use crate::lists::cache;
use crate::load::{self, At};
use crate::process::Home;
use crate::table::{Goal, Table, median};

/// Mails for each of the slower measurements.
const MAILS: usize = 300;
/// As many as Postfix opens to one destination: `default_destination_concurrency_limit`.
const CONNECTIONS: usize = 20;
/// What reads the same mails with flufl.bounce, and says how many it read in how many seconds of the processor.
const FLUFL: &str = "\
import email, sys, time
from flufl.bounce import all_failures
texts = [open(name, 'rb').read() for name in sys.argv[2:]]
begun, read = time.process_time(), 0
while time.process_time() - begun < float(sys.argv[1]):
    for text in texts:
        all_failures(email.message_from_bytes(text))
        read += 1
print(read / (time.process_time() - begun))
";

pub fn run(options: &Options, table: &mut Table) {
    let mails = mails();
    let python = flufl();
    let rounds: Vec<_> = (0..options.rounds.min(3))
        .map(|_| (reading(&mails, options.time * 2), beside(&python, &mails, options.time * 2)))
        .collect();
    let name = format!("{} mails read and judged, one core", mails.len());
    table.beside(name, "/s", "flufl.bounce", &rounds, Goal::AtLeast(10_000.0));
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::over(&dir.path().join("suppressd.db"));
    let ([time, starting, syncing], memory) = pipe(&daemon.home);
    drop(daemon);
    table.figure("suppressd pipe, one mail with its commit, median", time, "ms", Goal::AtMost(5.0));
    table.figure("true: a process that does nothing, median", starting, "ms", Goal::None);
    table.figure("fdatasync of 64 KiB, median", syncing, "ms", Goal::None);
    table.figure("suppressd pipe, peak memory", memory, "MiB", Goal::AtMost(12.0));
    table.figure("mails by LMTP, durable, 20 connections", lmtp(options), "/s", Goal::AtLeast(2_000.0));
}

fn mails() -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = [root.join("../shared/corpus/bounce"), root.join("tests/corpus")];
    let mut mails = Vec::new();
    collect(folder.iter().find(|folder| folder.is_dir()).unwrap(), &mut mails);
    mails
}

fn collect(path: &Path, mails: &mut Vec<(PathBuf, Vec<u8>)>) {
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| collect(&entry.unwrap().path(), mails));
    } else if path.extension().is_some_and(|extension| extension == "eml" || extension == "txt") {
        mails.push((path.to_owned(), fs::read(path).unwrap()));
    }
}

/// By the time that the processor worked for it, which does not depend on what else it does.
fn reading(mails: &[(PathBuf, Vec<u8>)], time: Duration) -> f64 {
    let (start, begun, mut read) = (Instant::now(), processor_time(), 0_u32);
    while start.elapsed() < time {
        for (_, bytes) in mails {
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

/// A Python that has flufl.bounce.
fn flufl() -> PathBuf {
    let home = cache().join("python");
    let python = home.join("bin/python");
    if !home.join("done").exists() {
        let run = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
        run(Command::new("python3").args(["-m", "venv"]).arg(&home));
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "flufl.bounce"]));
        fs::write(home.join("done"), "").unwrap();
    }
    python
}

fn beside(python: &Path, mails: &[(PathBuf, Vec<u8>)], time: Duration) -> f64 {
    let mut command = Command::new(python);
    command.args(["-c", FLUFL, &time.as_secs_f64().to_string()]).args(mails.iter().map(|(path, _)| path));
    let output = command.output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or_else(|_| panic!("{output:?}"))
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

/// Beside a daemon, as in use: whoever opens a database alone reads its whole log first. Median wall times in milliseconds, of a
/// mail and of what it can't do without on this machine, in turn; and peak memory in MiB.
fn pipe(home: &Home) -> ([f64; 3], f64) {
    let disk = fs::File::create(home.path("disk")).unwrap();
    let times: Vec<_> = (0..MAILS)
        .map(|number| {
            let mail = piped(&mut pipe_command(home), &report(number));
            let starting = timed(|| Command::new("true").status().unwrap());
            disk.write_all_at(&[1; 64 << 10], (number as u64) << 16).unwrap();
            [mail, starting, timed(|| disk.sync_data().unwrap())].map(|time| 1000.0 * time.as_secs_f64())
        })
        .collect();
    let mut weigher = Command::new(std::env::current_exe().unwrap());
    weigher.arg("--weigh").arg(home.path("suppressd.toml"));
    let output = weigher.output().unwrap();
    let peak: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or_else(|_| panic!("{output:?}"));
    ([0, 1, 2].map(|which| median(times.iter().map(|times| times[which]))), peak / 1024.0)
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    std::hint::black_box(work());
    start.elapsed()
}

fn pipe_command(home: &Home) -> Command {
    home.command(&["pipe", "--recipient=bounces@example.org", "--client-address="])
}

fn piped(command: &mut Command, mail: &[u8]) -> Duration {
    let start = Instant::now();
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(mail).unwrap();
    assert!(child.wait().unwrap().success());
    start.elapsed()
}

/// Runs the pipe in a process that is small itself, since what it had before exec(2) counts, and prints its peak in KiB.
pub fn weigh(config: &str) {
    let mut command = Command::new(crate::process::SUPPRESSD);
    command.args(["--config", config, "pipe", "--recipient=bounces@example.org", "--client-address="]);
    piped(&mut command, &report(MAILS));
    let used = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN).unwrap();
    println!("{}", used.max_rss());
}

fn lmtp(options: &Options) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::with(&dir.path().join("suppressd.db"), |home| {
        home.set("mail.lmtp", &format!("[{}]", home.quoted_unix("lmtp.sock")));
        home.set("policy.incident.recipients", "0");
    });
    let socket = daemon.home.path("lmtp.sock");
    load::up(&At::Unix(socket.clone()));
    let each = if options.quick { MAILS / 4 } else { MAILS };
    let start = Instant::now();
    std::thread::scope(|scope| {
        for connection in 1..=CONNECTIONS {
            let socket = &socket;
            scope.spawn(move || send(socket, (connection * 100_000..).take(each)));
        }
    });
    let time = start.elapsed().as_secs_f64();
    let recorded = daemon.count("SELECT count(*) FROM event");
    assert_eq!(recorded, each * CONNECTIONS);
    recorded as f64 / time
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
