//! Programs that a test puts somewhere and runs there.
//!
//! Another process writes them. While this one had the file open for writing, so would a child that another thread starts at that
//! moment, and the system runs no program that somebody may write to ("Text file busy").

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Anybody may run it.
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) {
    let status = Command::new("install").arg(from.as_ref()).arg(to.as_ref()).status().unwrap();
    assert!(status.success(), "{}", to.as_ref().display());
}

/// A script of the shell.
pub fn script(to: impl AsRef<Path>, text: &str) {
    let mut install = Command::new("install");
    let mut child = install.arg("/dev/stdin").arg(to.as_ref()).stdin(Stdio::piped()).spawn().unwrap();
    write!(child.stdin.take().unwrap(), "#!/bin/sh\n{text}\n").unwrap();
    assert!(child.wait().unwrap().success(), "{}", to.as_ref().display());
}
