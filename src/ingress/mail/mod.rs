//! Bounce mail.
