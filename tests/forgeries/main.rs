//! What somebody tries who may not: each forgery is a row of a table, made as an attacker would make it, and handed to the
//! running daemon. It is refused as the row says, changes neither the list nor the topics that are allowed, is one line
//! of the log that nobody can make two of, and the next genuine message counts as ever.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(dead_code, missing_docs, unreachable_pub)]

mod certificates;
#[path = "../support/dns.rs"]
mod dns;
mod envelopes;
mod exposure;
mod http;
#[path = "../support/lmtp.rs"]
mod lmtp;
mod lookups;
mod mail;
#[path = "../support/nginx.rs"]
mod nginx;
#[path = "../support/process.rs"]
mod process;
mod reports;
mod signatures;
#[path = "../support/dkim.rs"]
mod signer;
#[path = "../support/sns/mod.rs"]
mod sns;
mod subscriptions;
mod topics;
mod watch;
#[path = "../support/world.rs"]
mod world;
