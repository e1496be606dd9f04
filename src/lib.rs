//! suppressd learns which recipients bounced for good or complained, and answers Postfix while a message is accepted.
pub mod address;
pub mod cli;
pub mod config;
pub mod event;
pub mod lookup;
pub mod outcome;
pub mod policy;
pub mod server;
pub mod socket;
pub mod status;
pub mod store;
pub mod telemetry;
