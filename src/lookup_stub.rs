//! Stand-in until the lookup module lands.
#![allow(missing_docs)]
use std::{net::SocketAddr, path::PathBuf, str::FromStr};
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Enforce,
    Warn,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    Defer,
    Accept,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapName {
    Access,
    Transport,
}
impl MapName {
    pub fn parse(t: &str) -> Option<Self> {
        match t {
            "access" => Some(Self::Access),
            "transport" => Some(Self::Transport),
            _ => None,
        }
    }
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    Unix(PathBuf),
    Tcp(SocketAddr),
}
impl FromStr for ListenAddress {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        match s.strip_prefix("unix:") {
            Some(p) => Ok(Self::Unix(p.into())),
            None => s.parse().map(Self::Tcp).map_err(|e| format!("{e}")),
        }
    }
}
