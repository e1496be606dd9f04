//! The doors: everything that turns what strangers hand in into [`crate::event::Event`]s.
pub mod classify;
pub mod lmtp;
pub mod mail;
pub mod pipe;
