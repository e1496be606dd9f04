//! See `oracles::webhook`. Every second mutation keeps the JSON behind the first two bytes valid.
#![no_main]

#[path = "../json_mutator.rs"]
mod json_mutator;
#[path = "../oracles.rs"]
#[allow(dead_code, unused_imports)]
mod oracles;

libfuzzer_sys::fuzz_target!(|data: &[u8]| oracles::webhook(data));

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let json = (seed % 2 == 0 && size > 2).then(|| json_mutator::mutate(&data[2..size], seed)).flatten();
    match json.filter(|json| json.len() + 2 <= max_size) {
        Some(json) => {
            data[2..json.len() + 2].copy_from_slice(&json);
            json.len() + 2
        }
        None => libfuzzer_sys::fuzzer_mutate(data, size, max_size),
    }
});
