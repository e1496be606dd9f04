//! Runs every seed of the fuzz targets, whole, cut and with bytes flipped, through every target's function.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

#[path = "fuzz/oracles.rs"]
mod oracles;

type Target = (&'static str, fn(&[u8]));

/// By the names of their folders of seeds.
const TARGETS: &[Target] = &[
    ("address", oracles::address),
    ("arf", oracles::arf),
    ("config", oracles::config),
    ("dsn", oracles::dsn),
    ("import", oracles::import),
    ("mail", oracles::mail),
    ("policy", oracles::policy),
    ("ses", oracles::ses),
    ("sns", oracles::sns),
    ("socketmap", oracles::socketmap),
    ("tcp_table", oracles::tcp_table),
    ("webhook", oracles::webhook),
];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn mails(folder: &Path) -> Vec<PathBuf> {
    files(folder).into_iter().flat_map(|path| if path.is_dir() { mails(&path) } else { vec![path] }).collect()
}

#[test]
fn every_seed_holds_in_its_target_whole_cut_and_changed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let folders: Vec<_> = files(&root.join("fuzz/seeds"));
    assert!(folders.iter().map(|folder| folder.file_name().unwrap()).eq(TARGETS.iter().map(|(name, _)| *name)));
    for ((name, target), folder) in TARGETS.iter().zip(folders) {
        let mails = if *name == "mail" { mails(&root.join("corpus")) } else { Vec::new() };
        let seeds = files(&folder);
        assert!(!seeds.is_empty(), "{name}");
        for bytes in seeds.into_iter().chain(mails).map(|path| fs::read(path).unwrap()) {
            target(&bytes);
            (0..bytes.len()).step_by(bytes.len() / 20 + 1).for_each(|cut| {
                target(&bytes[..cut]);
                let mut flipped = bytes.clone();
                flipped[cut] ^= 0x20;
                target(&flipped);
            });
        }
    }
}
