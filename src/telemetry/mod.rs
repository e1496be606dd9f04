//! What the administrator sees of the running program: log lines and numbers.

pub mod log;
pub mod maillog;
pub mod metrics;
