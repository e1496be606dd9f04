//! What the administrator sees of the running program: log lines.

pub mod log;
pub mod maillog;
