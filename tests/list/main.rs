//! The list over time, on a real database: rules, streams, incidents, releases, what is kept about people.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod bench;
mod group_commit;
mod incidents;
mod model;
mod order;
mod people;
mod release;
mod rules;
mod sequences;
mod streams;
mod trial;
