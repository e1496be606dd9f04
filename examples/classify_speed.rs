//! How many mails a second one core reads and judges: `cargo run --release --example classify_speed DIRECTORY…`

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, fs};

use suppressd::ingress::mail;

fn collect(path: PathBuf, mails: &mut Vec<Vec<u8>>) -> io::Result<()> {
    if path.is_dir() {
        return fs::read_dir(path)?.try_for_each(|entry| collect(entry?.path(), mails));
    }
    if path.extension().is_some_and(|e| e == "eml" || e == "txt") {
        mails.push(fs::read(path)?);
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let mut mails = Vec::new();
    env::args_os().skip(1).try_for_each(|path| collect(path.into(), &mut mails))?;
    let (start, mut read, mut found) = (Instant::now(), 0_u32, 0);
    while !mails.is_empty() && start.elapsed() < Duration::from_secs(5) {
        for bytes in &mails {
            found += mail::read(bytes).findings.len();
            read += 1;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let bytes: usize = mails.iter().map(Vec::len).sum();
    let rate = f64::from(read) / seconds;
    writeln!(io::stdout(), "{} mails, {bytes} bytes: {rate:.0} mails/s, {found} recipients", mails.len())
}
