//! What an administrator meets besides the program: manual pages, README, sample configuration, systemd units, nginx, and
//! "make install". What they say is held equal to what the program does.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may panic, as tests do"
)]

mod command_manual;
mod configuration_manual;
mod database_manual;
#[path = "../support/manuals.rs"]
mod generator;
mod install;
mod least_privilege;
#[path = "../support/lmtp.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, reason = "other tests use the rest")]
mod lmtp;
mod manuals;
mod nginx;
#[path = "../support/program.rs"]
mod program;
mod readme;
mod sandbox;
#[path = "../support/sns/mod.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, reason = "other tests use the rest")]
mod sns;
mod systemd;
mod threat_model;
#[path = "../support/nginx.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, reason = "other tests use the rest")]
mod web_server;

use std::path::PathBuf;

/// The program under test.
const SUPPRESSD: &str = env!("CARGO_BIN_EXE_suppressd");

fn shipped(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(shipped(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A command that must succeed; what it printed.
fn run(command: &mut std::process::Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}{err}", output.status);
    out.into_owned()
}
