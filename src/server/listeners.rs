//! Listening sockets: those that systemd holds open for us, and else our own.
//!
//! An inherited socket serves the configured address that it is bound to, so no names are needed in the socket unit.

use std::net::SocketAddr;

use listenfd::ListenFd;

use crate::socket::{ListenAddress, ListenError, Listener, SocketRights};

/// Sockets of socket activation (sd_listen_fds(3)) that are not taken yet.
pub(super) struct Inherited {
    tcp: Vec<(SocketAddr, std::net::TcpListener)>,
    unix: Vec<(std::path::PathBuf, std::os::unix::net::UnixListener)>,
}

impl Inherited {
    pub(super) fn from_systemd() -> Self {
        let mut passed = ListenFd::from_env();
        let mut inherited = Self { tcp: Vec::new(), unix: Vec::new() };
        for index in 0..passed.len() {
            if let Ok(Some(listener)) = passed.take_unix_listener(index) {
                let path = listener.local_addr().ok().and_then(|at| at.as_pathname().map(Into::into));
                inherited.unix.extend(path.map(|path| (path, listener)));
            } else if let Ok(Some(listener)) = passed.take_tcp_listener(index) {
                let at = listener.local_addr().ok();
                inherited.tcp.extend(at.map(|at| (at, listener)));
            }
        }
        inherited
    }

    /// The inherited socket for this address, or a new one.
    pub(super) fn take_or_bind(&mut self, at: &ListenAddress, rights: &SocketRights) -> Result<Listener, ListenError> {
        match self.take(at) {
            Some(listener) => listener.map_err(|error| ListenError::Io(at.clone(), error)),
            None => Listener::bind(at, rights),
        }
    }

    fn take(&mut self, at: &ListenAddress) -> Option<std::io::Result<Listener>> {
        match at {
            ListenAddress::Tcp(at) => {
                let index = self.tcp.iter().position(|(bound, _)| bound == at)?;
                Some(Listener::from_tcp(self.tcp.swap_remove(index).1))
            }
            ListenAddress::Unix(at) => {
                let index = self.unix.iter().position(|(bound, _)| bound == at)?;
                Some(Listener::from_unix(self.unix.swap_remove(index).1))
            }
        }
    }

    /// A socket that nobody serves makes its clients wait for ever.
    pub(super) fn warn_about_the_rest(self) {
        let tcp = self.tcp.into_iter().map(|(at, _)| ListenAddress::Tcp(at));
        let unix = self.unix.into_iter().map(|(path, _)| ListenAddress::Unix(path));
        for at in tcp.chain(unix) {
            log::warn!("systemd hands us {at}, which the configuration does not name; closed it");
        }
    }
}
