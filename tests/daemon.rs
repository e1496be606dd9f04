//! The daemon's promises from the outside: the built program, real sockets on loopback, a real database, real signals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(dead_code, missing_docs, unreachable_pub)]

#[path = "support/damage.rs"]
mod damage;
#[path = "daemon/exports.rs"]
mod exports;
#[path = "daemon/lifecycle.rs"]
mod lifecycle;
#[path = "daemon/monitoring.rs"]
mod monitoring;
#[path = "daemon/postmap.rs"]
mod postmap;
#[path = "support/process.rs"]
mod process;
#[path = "daemon/reload.rs"]
mod reload;
#[path = "support/sns/mod.rs"]
mod sns;
#[path = "daemon/systemd.rs"]
mod systemd;
#[path = "daemon/webhooks.rs"]
mod webhooks;
#[path = "support/world.rs"]
mod world;
