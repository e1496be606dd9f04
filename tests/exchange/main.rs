//! Import and export of the list: every format from a sample as its tool documents it, and what an import never does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(dead_code, missing_docs, unreachable_pub)]

#[path = "../support/process.rs"]
mod process;

mod exports;
mod formats;
mod imports;

use process::{Home, Ran};

/// The whole list but for what differs each time.
const LIST: &str = "SELECT coalesce(group_concat(line, char(10)), '') FROM (SELECT address || ' ' || kind || ' ' || reason || ' ' || \
    coalesce(status, '-') || ' ' || since || ' ' || coalesce(until, '-') || iif(stream = '', '', ' ' || stream) AS line \
    FROM suppression ORDER BY address, stream)";

fn sample(name: &str) -> String {
    format!("{}/tests/exchange/samples/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn import(home: &Home, args: &[&str]) -> Ran {
    home.run(&[&["import"], args].concat())
}

/// A list of one's own, imported.
#[track_caller]
fn imported(home: &Home, args: &[&str], text: &str) -> String {
    let ran = home.run_with(&[&["import", "--apply", "-"], args].concat(), text.as_bytes());
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    ran.out
}
