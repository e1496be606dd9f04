//! One file per verb of the command line; arguments are parsed by the caller.
pub mod inspect;
