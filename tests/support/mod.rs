//! What the tests of several edges share.

pub mod door;
pub mod sns;
