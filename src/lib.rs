//! suppressd learns which recipients bounced for good or complained, and answers Postfix while a message is accepted.
//!
//! The life of one bounce, in the order to read it:
//!
//! 1. A report comes in by a door of [`ingress`]: an SNS webhook, or bounce mail from pipe(8). The door parses it,
//!    proves where it comes from, and judges it; what crosses from there is an [`event`].
//! 2. [`store`] takes it in one SQLite transaction: is it known already, what do all events of the recipient come to by the
//!    rules of [`policy`], and what changes on the suppression list for it. Only then does the door acknowledge it
//!    ([`outcome`]).
//! 3. Postfix asks [`lookup`] about each recipient, and mail to a suppressed one is refused.
//!
//! [`server`] wires doors, store and lookups into the daemon; [`cli`] is everything else that a person can run.
//! The list comes in from other tools by [`exchange`], and goes out to files that Postfix reads by itself as [`tables`].
//! A [`return_path`] can be signed on its way out and proves then that a report is an answer to mail of ours.
//! An [`address`] has one canonical form throughout, a [`status`] is an RFC 3463 code, a [`topic`] is one of SNS, and what strangers can repeat at will is
//! logged within a [`log_limit`].

pub mod address;
pub mod cli;
pub mod config;
pub mod event;
pub mod exchange;
pub mod ingress;
pub mod log_limit;
pub mod lookup;
pub mod outcome;
pub mod policy;
pub mod return_path;
pub mod server;
pub mod socket;
pub mod status;
pub mod store;
pub mod tables;
pub mod telemetry;
pub mod topic;
