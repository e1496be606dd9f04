//! Clients of all doors by which reports come in: SNS, Postfix with pipe(8) and LMTP, and an administrator.

use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::process::{PATIENCE, Ran, finish, wait};
use crate::scene::Scene;
use crate::world::{Http, bounce_of};

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Door {
    Webhook,
    Pipe,
    Lmtp,
    CommandLine,
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Webhook => "webhook",
            Self::Pipe => "pipe",
            Self::Lmtp => "LMTP",
            Self::CommandLine => "add",
        })
    }
}

pub const DOORS: [Door; 4] = [Door::Webhook, Door::Pipe, Door::Lmtp, Door::CommandLine];

/// What a door said to one report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// 200, exit status 0, 250: it is on disk.
    Taken,
    /// 503, exit status 75, 451: come again.
    TryAgain,
    /// Nothing: the connection or the process ended, or there was none.
    Silence,
    /// What none may say.
    Other(String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken => f.write_str("taken"),
            Self::TryAgain => f.write_str("try again"),
            Self::Silence => f.write_str("nothing"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

/// A hard bounce of one address, or an entry by hand; the same bytes each time it is sent.
#[derive(Clone)]
pub struct Report {
    pub door: Door,
    pub address: String,
    bytes: Vec<u8>,
}

impl Report {
    /// Each name makes a domain of its own: many of one domain would be an incident, and held back.
    pub fn new(door: Door, name: &str) -> Self {
        let address = format!("user@{name}.example.com");
        let bytes = match door {
            Door::Webhook => bounce_of(&address).request("/sns"),
            Door::Pipe | Door::Lmtp => mail(&address, &format!("mx.{name}.example.com")).into_bytes(),
            Door::CommandLine => Vec::new(),
        };
        Self { door, address, bytes }
    }

    /// The mail, in the form that comes by pipe.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A report as this Postfix writes it.
pub fn mail(recipient: &str, remote_mta: &str) -> String {
    format!(
        "Received: by mta.example.org (Postfix)\n\tid 8A8D89; Sat, 21 Nov 2026 09:18:05 +0000 (UTC)\n\
         From: MAILER-DAEMON@example.org\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mta.example.org\n\n\
         Final-Recipient: rfc822; {recipient}\nAction: failed\nStatus: 5.1.1\nRemote-MTA: dns; {remote_mta}\n\
         Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: user unknown\n\n--b--\n"
    )
}

/// One client: it keeps its connections open, and makes new ones when they are gone.
pub struct Client<'a> {
    scene: &'a Scene,
    webhook: Option<Http>,
    lmtp: Option<Lmtp>,
    /// When the processes that it starts are killed, so long after their start.
    pub killed_after: Option<Duration>,
}

impl<'a> Client<'a> {
    pub fn new(scene: &'a Scene) -> Self {
        Self { scene, webhook: None, lmtp: None, killed_after: None }
    }

    pub fn send(&mut self, report: &Report) -> Answer {
        match report.door {
            Door::Webhook => self.post(&report.bytes).unwrap_or(Answer::Silence),
            Door::Lmtp => self.deliver(&report.bytes).unwrap_or(Answer::Silence),
            Door::Pipe => {
                self.process(&["pipe", "--recipient=bounces@example.org", "--client-address="], &report.bytes)
            }
            Door::CommandLine => self.process(&["add", &report.address], b""),
        }
    }

    fn post(&mut self, request: &[u8]) -> io::Result<Answer> {
        let mut connection = match self.webhook.take() {
            Some(connection) => connection,
            None => self.scene.try_connect()?,
        };
        let status = connection.exchange(request)?;
        self.webhook = Some(connection);
        Ok(match status {
            200 => Answer::Taken,
            503 => Answer::TryAgain,
            other => Answer::Other(other.to_string()),
        })
    }

    fn deliver(&mut self, mail: &[u8]) -> io::Result<Answer> {
        let mut connection = match self.lmtp.take() {
            Some(connection) => connection,
            None => Lmtp::connect(self.scene)?,
        };
        let code = connection.deliver(mail)?;
        self.lmtp = Some(connection);
        Ok(match code.as_str() {
            "250" => Answer::Taken,
            "451" => Answer::TryAgain,
            other => Answer::Other(other.to_owned()),
        })
    }

    fn process(&self, args: &[&str], input: &[u8]) -> Answer {
        let mut command = self.scene.inside(self.scene.home.command(args));
        let ran = match self.killed_after {
            Some(time) => run_and_kill(&mut command, input, time),
            None => finish(&mut command, input),
        };
        match (ran.status, args[0]) {
            (Some(0), _) => Answer::Taken,
            (Some(75), "pipe") => Answer::TryAgain,
            // The command line has its own: 2 with a sentence.
            (Some(2), "add") if ran.err.lines().count() == 1 => Answer::TryAgain,
            (None, _) if self.killed_after.is_some() => Answer::Silence,
            _ => Answer::Other(format!("{ran:?}")),
        }
    }
}

fn run_and_kill(command: &mut Command, input: &[u8], time: Duration) -> Ran {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // It may be gone before it has read this.
    let _ = child.stdin.take().unwrap().write_all(input);
    std::thread::sleep(time);
    let _ = child.kill();
    Ran { status: wait(&mut child).code(), out: String::new(), err: String::new() }
}

/// A connection to the LMTP door, after its greeting.
pub struct Lmtp(BufReader<UnixStream>);

impl Lmtp {
    pub fn connect(scene: &Scene) -> io::Result<Self> {
        let stream = UnixStream::connect(scene.home.path("lmtp.sock"))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut connection = Self(BufReader::new(stream));
        connection.code()?;
        connection.say("LHLO mta.example.org\r\n")?;
        Ok(connection)
    }

    /// Says it and returns the code of the reply.
    pub fn say(&mut self, text: &str) -> io::Result<String> {
        self.send(text.as_bytes())?;
        self.code()
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Up to the permission to send a mail.
    pub fn begin(&mut self) -> io::Result<()> {
        for line in ["XFORWARD SOURCE=LOCAL\r\n", "MAIL FROM:<>\r\n", "RCPT TO:<bounces@example.org>\r\n"] {
            self.say(line)?;
        }
        self.say("DATA\r\n").map(drop)
    }

    /// The code that a mail gets; its lines end with a bare line feed.
    pub fn deliver(&mut self, mail: &[u8]) -> io::Result<String> {
        self.begin()?;
        for line in mail.split_inclusive(|byte| *byte == b'\n') {
            let (text, end) = line.strip_suffix(b"\n").map_or((line, &b""[..]), |text| (text, b"\r\n"));
            self.send(&[text, end].concat())?;
        }
        self.say("\r\n.\r\n")
    }

    /// The code of the next reply.
    pub fn code(&mut self) -> io::Result<String> {
        let mut line = String::new();
        while line.get(3..4) != Some(" ") {
            line.clear();
            if self.0.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(line[..3].to_owned())
    }
}
