//! `suppressd serve` as a process, with the stand-in for Amazon behind its proxy, Postfix's end of the socketmap, and
//! systemd's end of the notify socket.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicU8, Ordering};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::process::{Home, PATIENCE, wait};
use crate::sns::aws::Aws;
use crate::sns::pki::Pki;
use crate::sns::signer::{Draft, Post, TOPIC, bounce};

/// A daemon and what it talks to.
pub struct World {
    pub home: Home,
    pub aws: Aws,
    /// Of the webhook door.
    pub http: SocketAddr,
    pub child: Option<Child>,
    notify: UnixDatagram,
    /// Keeps the stand-in going.
    _runtime: tokio::runtime::Runtime,
}

impl World {
    /// A daemon that is ready and takes messages of [`TOPIC`].
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with other settings.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        let mut world = Self::idle(settings);
        world.up();
        world
    }

    /// Everything but the daemon.
    pub fn idle(settings: &[(&str, &str)]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let aws = runtime.block_on(Aws::start(Pki::shared()));
        let mut home = Home::new();
        fs::write(home.path("ca.pem"), &Pki::shared().ca_pem).unwrap();
        let http = free_address();
        let values = [
            ("http.listen", format!("[\"{http}\"]")),
            ("sns.topics", format!("[\"{TOPIC}\"]")),
            ("sns.proxy", format!("\"{}\"", aws.proxy())),
            ("sns.ca-file", home.quoted("ca.pem")),
        ];
        values.iter().for_each(|(name, value)| home.set(name, value));
        settings.iter().for_each(|(name, value)| home.set(name, value));
        let notify = UnixDatagram::bind(home.path("notify.sock")).unwrap();
        // Whoever the daemon runs as.
        fs::set_permissions(home.path("notify.sock"), fs::Permissions::from_mode(0o666)).unwrap();
        notify.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { home, aws, http, child: None, notify, _runtime: runtime }
    }

    /// Starts the daemon and waits until it says that it is ready.
    pub fn up(&mut self) {
        let mut command = self.home.command(&["serve"]);
        command.stderr(self.log_file());
        self.launch(command);
    }

    /// The same by a command that becomes the daemon.
    pub fn launch(&mut self, mut command: Command) {
        command.env("NOTIFY_SOCKET", self.home.path("notify.sock"));
        self.child = Some(command.spawn().unwrap());
        assert_eq!(self.told(), "READY=1");
    }

    pub fn log_file(&self) -> File {
        File::options().create(true).append(true).open(self.home.path("log")).unwrap()
    }

    /// What systemd is told next.
    #[track_caller]
    pub fn told(&self) -> String {
        let mut buffer = [0; 1024];
        let told = self.notify.recv(&mut buffer);
        let length = told.unwrap_or_else(|error| panic!("systemd is told nothing: {error}; {}", self.log()));
        String::from_utf8_lossy(&buffer[..length]).trim_end().to_owned()
    }

    pub fn signal(&self, signal: Signal) {
        nix::sys::signal::kill(self.pid(), signal).unwrap();
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.as_ref().unwrap().id().cast_signed())
    }

    /// Has the configuration read again and waits until that is done.
    pub fn reload(&self) {
        self.signal(Signal::SIGHUP);
        assert!(self.told().starts_with("RELOADING=1"));
        assert_eq!(self.told(), "READY=1");
    }

    /// Waits for the end of the daemon.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        wait(&mut self.child.take().unwrap())
    }

    /// Stops it as an administrator would.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        assert_eq!(self.told(), "STOPPING=1");
        self.ended()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.home.path("log")).unwrap_or_default()
    }

    /// The status that a message gets.
    #[track_caller]
    pub fn post(&self, post: &Post) -> u16 {
        let mut connection = self.connect();
        let status = connection.exchange(&post.request("/sns"));
        status.unwrap_or_else(|error| panic!("no answer: {error}; {}", self.log()))
    }

    pub fn connect(&self) -> Http {
        self.try_connect().unwrap()
    }

    pub fn try_connect(&self) -> io::Result<Http> {
        let stream = TcpStream::connect(self.http)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Http(BufReader::new(stream)))
    }

    /// What Postfix hears of a recipient.
    #[track_caller]
    pub fn lookup(&self, address: &str) -> String {
        ask(UnixStream::connect(self.home.path("lookup.sock")).unwrap(), address)
    }

    #[track_caller]
    pub fn refuses(&self, address: &str) -> bool {
        let reply = self.lookup(address);
        assert!(reply == "NOTFOUND " || reply.starts_with("OK 550 5."), "{reply}; {}", self.log());
        reply != "NOTFOUND "
    }

    /// Recorded events.
    pub fn events(&self) -> usize {
        self.home.select("SELECT count(*) FROM event").parse().unwrap()
    }

    /// Rows of everything that a message can leave behind.
    pub fn traces(&self) -> usize {
        let sql = "SELECT (SELECT count(*) FROM event) + (SELECT count(*) FROM suppression) \
                   + (SELECT count(*) FROM quarantine) + (SELECT count(*) FROM topic)";
        self.home.select(sql).parse().unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A connection to the webhook door that is kept open.
pub struct Http(pub BufReader<TcpStream>);

impl Http {
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Sends one request and returns the status of its answer.
    pub fn exchange(&mut self, request: &[u8]) -> io::Result<u16> {
        self.send(request)?;
        self.answer()
    }

    pub fn answer(&mut self) -> io::Result<u16> {
        let line = |stream: &mut BufReader<TcpStream>| {
            let mut line = String::new();
            match stream.read_line(&mut line)? {
                0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
                _ => Ok(line.trim_end().to_lowercase()),
            }
        };
        let status = line(&mut self.0)?.split(' ').nth(1).unwrap().parse().unwrap();
        let mut length = 0;
        loop {
            let header = line(&mut self.0)?;
            if header.is_empty() {
                break;
            }
            length = header.strip_prefix("content-length: ").map_or(length, |text| text.parse().unwrap());
        }
        self.0.read_exact(&mut vec![0; length])?;
        Ok(status)
    }
}

/// A hard bounce of one recipient, signed.
pub fn bounce_of(address: &str) -> Post {
    Draft::notification(&bounce(address)).sign(&Pki::shared().good)
}

/// Asks the `access` map on a socketmap connection.
#[track_caller]
pub fn ask(stream: impl Read + Write, address: &str) -> String {
    ask_map(stream, "access", address)
}

/// Asks any map.
#[track_caller]
pub fn ask_map(stream: impl Read + Write, map: &str, key: &str) -> String {
    try_ask(stream, map, key).unwrap()
}

/// The same of a daemon that may end meanwhile.
pub fn try_ask(mut stream: impl Read + Write, map: &str, key: &str) -> io::Result<String> {
    let key = format!("{map} {key}");
    stream.write_all(format!("{}:{key},", key.len()).as_bytes())?;
    let mut length = String::new();
    let mut byte = [0];
    loop {
        stream.read_exact(&mut byte)?;
        if byte == *b":" {
            break;
        }
        length.push(char::from(byte[0]));
    }
    let mut reply = vec![0; length.parse::<usize>().unwrap() + 1];
    stream.read_exact(&mut reply)?;
    assert_eq!(reply.pop(), Some(b','));
    Ok(String::from_utf8(reply).unwrap())
}

/// A port on a loopback address of its own: no outgoing connection of another test can take it meanwhile.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let process = std::process::id().to_be_bytes();
    let host = Ipv4Addr::new(127, process[2] | 1, process[3], NEXT.fetch_add(1, Ordering::Relaxed));
    TcpListener::bind((host, 0)).unwrap().local_addr().unwrap()
}
