//! The promises under what a hostile network, a dying machine and a tired administrator can do: the built program, real
//! sockets, a real database.
//!
//! How often and how long is in [`settings`]; `make faults` asks for more of it than `make check`. Each test adds a line to
//! the table in [`table`]: what was done how often, what each door answered, and what was lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(dead_code, missing_docs, unreachable_pub)]

mod corruption;
mod disk;
mod doors;
mod floods;
mod ledger;
mod limits;
mod memory;
mod peers;
mod power;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/program.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod program;
mod scene;
mod settings;
#[path = "../support/sns/mod.rs"]
mod sns;
mod soak;
mod table;
mod trial;
#[path = "../support/world.rs"]
mod world;
