//! Runs every seed of the fuzz targets, whole, cut and with bytes flipped, through every target's function.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "fuzz/oracles.rs"]
mod oracles;

const TARGETS: &[fn(&[u8])] =
    &[oracles::mail, oracles::dsn, oracles::arf, oracles::sns, oracles::address, oracles::socketmap];

fn seeds(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { seeds(&path, found) } else { found.push(path) }
    }
}

#[test]
fn every_seed_holds_in_every_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut found = Vec::new();
    for folder in ["corpus", "fuzz/seeds"] {
        seeds(&root.join(folder), &mut found);
    }
    assert!(found.len() >= 15, "{found:?}");
    for path in found {
        let bytes = fs::read(&path).unwrap();
        for target in TARGETS {
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
