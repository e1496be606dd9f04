//! See `oracles::sns`. Every second mutation keeps JSON valid.
#![no_main]

#[path = "../json_mutator.rs"]
mod json_mutator;
#[path = "../oracles.rs"]
#[allow(dead_code, unused_imports)]
mod oracles;

libfuzzer_sys::fuzz_target!(|data: &[u8]| oracles::sns(data));

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let json = (seed % 2 == 0).then(|| json_mutator::mutate(&data[..size], seed)).flatten();
    match json.filter(|json| json.len() <= max_size) {
        Some(json) => {
            data[..json.len()].copy_from_slice(&json);
            json.len()
        }
        None => libfuzzer_sys::fuzzer_mutate(data, size, max_size),
    }
});
