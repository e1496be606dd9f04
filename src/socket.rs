//! Where we listen: `unix:PATH` or `ADDRESS:PORT`, and how a socket gets there with the right owner.
//!
//! A unix socket is made with no rights for anybody else and gets its group and mode before the first client is
//! accepted. A stale socket (nobody answers on it) is replaced; a file that is no socket, or one that a process answers
//! on, is never touched. The socket stays behind when we stop: the next start replaces it.
//!
//! Limits: a unix path has at most 107 bytes (unix(7)).
//! Not promised: that two processes started at the same moment don't both take the same stale socket.

use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use nix::sys::socket::sockopt::{Ipv6V6Only, ReuseAddr};
use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, UnixAddr};
use nix::unistd::{Gid, Group, Uid, User};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// Connections that may wait to be accepted; Postfix's own `inet_listen` default is of this order.
const BACKLOG: i32 = 512;
/// The same of TCP, where strangers may be among them: whoever finds no room asks again after a second, then two, then four, and
/// that is soon longer than SNS waits. The kernel takes less where net.core.somaxconn says so.
const TCP_BACKLOG: i32 = 4096;
/// Group of Postfix's clients: each of its processes that looks something up runs as this.
const POSTFIX_GROUP: &str = "postfix";

/// Where to listen, as the configuration writes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ListenAddress {
    /// `unix:/path`.
    Unix(PathBuf),
    /// `192.0.2.1:25` or `[2001:db8::1]:25`.
    Tcp(SocketAddr),
}

impl FromStr for ListenAddress {
    type Err = String;

    /// Parses `unix:/PATH`, `ADDRESS:PORT` or `[ADDRESS]:PORT`; the error is a sentence that says how to write it.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("unix:") {
            Some(path) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some(_) => Err(format!("\"{text}\" needs the whole path; write unix:/path/to/socket")),
            None => text.parse().map(Self::Tcp).map_err(|_| {
                format!("\"{text}\" is nowhere to listen; write unix:/path, 127.0.0.1:PORT or [::1]:PORT with a number")
            }),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => write!(f, "{address}"),
        }
    }
}

/// Who may connect to a unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketRights {
    /// Permission bits.
    pub mode: u32,
    /// Owner by name; `None` for whoever we are.
    pub owner: Option<String>,
    /// Group by name; `None` for our own. `postfix` is given if it exists and we may, else a warning is logged.
    pub group: Option<String>,
}

impl Default for SocketRights {
    /// 0660, group postfix: what Postfix's clients need and nobody else has.
    fn default() -> Self {
        Self { mode: 0o660, owner: None, group: Some(POSTFIX_GROUP.into()) }
    }
}

/// Why we can't listen somewhere.
#[derive(Debug)]
pub enum ListenError {
    /// Another process answers there.
    InUse(ListenAddress),
    /// Something is there that is no socket; we did not make it.
    NotASocket(PathBuf),
    /// The directory for the socket is missing.
    NoDirectory(PathBuf),
    /// No such user or group.
    Unknown(String),
    /// The system refused.
    Io(ListenAddress, io::Error),
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(at) => write!(f, "cannot listen on {at}: another process answers there"),
            Self::NotASocket(path) => {
                write!(f, "cannot listen on unix:{}: a file that is no socket is there; move it away", path.display())
            }
            Self::NoDirectory(path) => {
                write!(f, "cannot listen in {}: the directory does not exist; make it", path.display())
            }
            Self::Unknown(name) => write!(f, "cannot set the rights of a socket: there is no {name}"),
            Self::Io(at, error) => write!(f, "cannot listen on {at}: {error}"),
        }
    }
}

impl std::error::Error for ListenError {}

/// A bound socket, from [`Listener::bind`] or handed over by systemd.
#[derive(Debug)]
pub enum Listener {
    /// For clients of this machine.
    Unix(tokio::net::UnixListener),
    /// For clients of a network.
    Tcp(tokio::net::TcpListener),
}

/// A connection.
#[derive(Debug)]
pub enum Stream {
    /// From this machine.
    Unix(tokio::net::UnixStream),
    /// From a network.
    Tcp(tokio::net::TcpStream),
}

impl Listener {
    /// Binds; `rights` matter for unix sockets only. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ListenError`]; what was at the path is still there then, unless it was a stale socket.
    pub fn bind(at: &ListenAddress, rights: &SocketRights) -> Result<Self, ListenError> {
        let io = |error| ListenError::Io(at.clone(), error);
        match at {
            ListenAddress::Unix(path) => {
                make_way(at, path)?;
                let listener = bind_unix(path).map_err(|e| io(e.into()))?;
                grant(at, path, rights)?;
                Self::from_unix(listener).map_err(io)
            }
            ListenAddress::Tcp(address) => bind_tcp(*address)
                .and_then(Self::from_tcp)
                .map_err(|e| if e.kind() == io::ErrorKind::AddrInUse { ListenError::InUse(at.clone()) } else { io(e) }),
        }
    }

    /// Takes over a listening unix socket, such as systemd hands in.
    ///
    /// # Errors
    /// The system's, when it can't be made non-blocking or registered.
    pub fn from_unix(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        tokio::net::UnixListener::from_std(listener).map(Self::Unix)
    }

    /// Takes over a listening TCP socket.
    ///
    /// # Errors
    /// The system's, when it can't be made non-blocking or registered.
    pub fn from_tcp(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        tokio::net::TcpListener::from_std(listener).map(Self::Tcp)
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// The system's; the listener goes on.
    pub async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Unix(listener) => listener.accept().await.map(|(stream, _)| Stream::Unix(stream)),
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Without it a pipelining client waits 40 ms for its second reply; a failure costs no more than that.
                let _ = stream.set_nodelay(true);
                Ok(Stream::Tcp(stream))
            }
        }
    }

    /// The port that was given, where port 0 was asked for; `None` for a unix socket.
    #[must_use]
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Unix(_) => None,
            Self::Tcp(listener) => listener.local_addr().ok(),
        }
    }
}

impl Stream {
    /// Waits until there is something to read, and appends it; 0 bytes at the end of the stream.
    ///
    /// # Errors
    /// The system's; the connection is of no more use.
    pub async fn read_buf(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read_buf(buffer).await,
            Self::Tcp(stream) => stream.read_buf(buffer).await,
        }
    }

    /// Writes all of it, and waits only where the client is slow to take it.
    ///
    /// # Errors
    /// The system's; the connection is of no more use. [`io::ErrorKind::TimedOut`] when it took longer than `patience`.
    pub async fn write_all(&mut self, bytes: &[u8], patience: Duration) -> io::Result<()> {
        let written = match self {
            Self::Unix(stream) => stream.try_write(bytes),
            Self::Tcp(stream) => stream.try_write(bytes),
        };
        let written = match written {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            written => written?,
        };
        let rest = bytes.get(written..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(());
        }
        let rest = async {
            match self {
                Self::Unix(stream) => stream.write_all(rest).await,
                Self::Tcp(stream) => stream.write_all(rest).await,
            }
        };
        timeout(patience, rest).await?
    }
}

/// Removes a stale socket; anything else that is there is an error.
fn make_way(at: &ListenAddress, path: &Path) -> Result<(), ListenError> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    if !directory.is_dir() {
        return Err(ListenError::NoDirectory(directory.into()));
    }
    let io = |error| ListenError::Io(at.clone(), error);
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io(error)),
        Ok(found) if !found.file_type().is_socket() => Err(ListenError::NotASocket(path.into())),
        Ok(_) => match connect(path) {
            Err(nix::Error::ECONNREFUSED) => fs::remove_file(path).map_err(io),
            // A full backlog answers EAGAIN: somebody listens.
            Ok(()) | Err(nix::Error::EAGAIN) => Err(ListenError::InUse(at.clone())),
            Err(error) => Err(io(error.into())),
        },
    }
}

fn connect(path: &Path) -> nix::Result<()> {
    let socket = stream(SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK)?;
    socket::connect(socket.as_raw_fd(), &UnixAddr::new(path)?)
}

/// An IPv6 address takes no clients of IPv4, so that `0.0.0.0` and `[::]` can both be listened on.
fn bind_tcp(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let family = if address.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let socket = socket::socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    socket::setsockopt(&socket, ReuseAddr, &true)?;
    if address.is_ipv6() {
        socket::setsockopt(&socket, Ipv6V6Only, &true)?;
    }
    socket::bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    socket::listen(&socket, Backlog::new(TCP_BACKLOG)?)?;
    Ok(socket.into())
}

fn bind_unix(path: &Path) -> nix::Result<std::os::unix::net::UnixListener> {
    let socket = stream(SockFlag::SOCK_CLOEXEC)?;
    // Linux gives the file the mode of the unbound socket: nobody can connect before grant() has set the rights.
    nix::sys::stat::fchmod(&socket, nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR)?;
    socket::bind(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    socket::listen(&socket, Backlog::new(BACKLOG)?)?;
    Ok(socket.into())
}

fn stream(flags: SockFlag) -> nix::Result<std::os::fd::OwnedFd> {
    socket::socket(AddressFamily::Unix, SockType::Stream, flags, None)
}

fn grant(at: &ListenAddress, path: &Path, rights: &SocketRights) -> Result<(), ListenError> {
    let io = |error: nix::Error| ListenError::Io(at.clone(), error.into());
    let chown = |uid, gid| nix::unistd::chown(path, uid, gid);
    if let Some(name) = &rights.owner {
        chown(Some(user(name)?), None).map_err(io)?;
    }
    match rights.group.as_deref() {
        // The default: machines without Postfix, and daemons outside its group, are no reason to refuse to start.
        Some(POSTFIX_GROUP) => {
            let given = group(POSTFIX_GROUP).and_then(|gid| chown(None, Some(gid)).map_err(io));
            if let Err(error) = given {
                log::warn!(
                    "{error}; Postfix can't connect there: run us as root or as a member of group {POSTFIX_GROUP}"
                );
            }
        }
        Some(name) => chown(None, Some(group(name)?)).map_err(io)?,
        None => {}
    }
    fs::set_permissions(path, fs::Permissions::from_mode(rights.mode)).map_err(|e| ListenError::Io(at.clone(), e))
}

fn user(name: &str) -> Result<Uid, ListenError> {
    let found = User::from_name(name).ok().flatten();
    found.map(|user| user.uid).ok_or_else(|| ListenError::Unknown(format!("user {name}")))
}

fn group(name: &str) -> Result<Gid, ListenError> {
    let found = Group::from_name(name).ok().flatten();
    found.map(|group| group.gid).ok_or_else(|| ListenError::Unknown(format!("group {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &Path) -> ListenAddress {
        ListenAddress::Unix(path.into())
    }

    fn bind(path: &Path) -> Result<Listener, ListenError> {
        Listener::bind(&at(path), &SocketRights::default())
    }

    #[test]
    fn addresses_are_written_two_ways_and_come_back_as_written() {
        for text in ["unix:/run/x.sock", "127.0.0.1:8027", "[::1]:8027", "0.0.0.0:0"] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
        }
        for text in ["unix:x.sock", "unix:", "", "8027", "localhost:8027", "127.0.0.1", "::1:80x", "127.0.0.1:99999"] {
            assert!(text.parse::<ListenAddress>().unwrap_err().contains("write"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_socket_has_its_rights_and_replaces_a_stale_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.sock");
        for mode in [0o660, 0o600, 0o666] {
            let rights = SocketRights { mode, ..SocketRights::default() };
            let listener = Listener::bind(&at(&path), &rights).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
            drop(listener); // leaves a stale socket
        }
    }

    #[tokio::test]
    async fn a_live_socket_is_never_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.sock");
        let _live = bind(&path).unwrap();
        assert!(bind(&path).unwrap_err().to_string().ends_with("another process answers there"));
    }

    #[tokio::test]
    async fn somebody_elses_file_is_never_touched() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "precious").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        for path in [&file, &link] {
            assert!(matches!(bind(path), Err(ListenError::NotASocket(_))));
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    }

    #[tokio::test]
    async fn what_is_missing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = bind(&dir.path().join("no/s.sock")).unwrap_err();
        assert!(error.to_string().ends_with("the directory does not exist; make it"), "{error}");
        let rights = SocketRights { group: Some("no-such-group".into()), ..SocketRights::default() };
        let error = Listener::bind(&at(&dir.path().join("s.sock")), &rights).unwrap_err();
        assert!(error.to_string().ends_with("there is no group no-such-group"), "{error}");
    }

    #[tokio::test]
    async fn all_addresses_of_both_families_can_be_listened_on_at_once() {
        let rights = SocketRights::default();
        let four = Listener::bind(&"0.0.0.0:0".parse().unwrap(), &rights).unwrap();
        let port = four.tcp_address().unwrap().port();
        let six = Listener::bind(&format!("[::]:{port}").parse().unwrap(), &rights).unwrap();
        assert_eq!(six.tcp_address().unwrap().port(), port);
    }

    #[tokio::test]
    async fn a_taken_port_is_named() {
        let listener = Listener::bind(&"127.0.0.1:0".parse().unwrap(), &SocketRights::default()).unwrap();
        let taken = ListenAddress::Tcp(listener.tcp_address().unwrap());
        assert!(matches!(Listener::bind(&taken, &SocketRights::default()), Err(ListenError::InUse(_))));
    }
}
