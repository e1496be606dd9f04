//! See `oracles::policy`.
#![no_main]

#[path = "../oracles.rs"]
#[allow(dead_code, unused_imports)]
mod oracles;

libfuzzer_sys::fuzz_target!(|data: &[u8]| oracles::policy(data));
