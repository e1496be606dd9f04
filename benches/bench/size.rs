//! What it takes of a machine: time to start, memory, disk; and long jobs beside lookups.

use std::fs;
use std::io::{BufWriter, Write};
use std::time::{Duration, Instant};

use crate::Options;
use crate::daemon::Daemon;
use crate::lists;
use crate::load::{self, Framing};
use crate::process::{Home, SUPPRESSD};
use crate::table::{Goal, Table, median};

const MIB: f64 = 1024.0 * 1024.0;

pub fn run(options: &Options, table: &mut Table) {
    let binary = fs::metadata(SUPPRESSD).unwrap().len() as f64 / MIB;
    table.figure("the program, stripped", binary, "MiB", Goal::AtMost(15.0));
    let sizes: &[u64] = if options.quick { &[1_000] } else { &[1_000, 1_000_000, 10_000_000] };
    for entries in sizes {
        list(options, table, *entries);
    }
    import(table, if options.quick { 50_000 } else { 1_000_000 });
}

fn list(options: &Options, table: &mut Table, entries: u64) {
    let path = lists::list(entries);
    if entries > 1_000 {
        let bytes = lists::bytes(&path) / entries as f64;
        table.figure(format!("{entries} entries: on disk"), bytes, "bytes/entry", Goal::None);
    }
    let start = |_| {
        let begun = Instant::now();
        let daemon = Daemon::over(&path);
        load::one(&daemon.socketmap(), b"20:access a@example.com,", Framing::Until(b','));
        (begun.elapsed().as_secs_f64() * 1000.0, daemon)
    };
    let (times, daemons): (Vec<_>, Vec<_>) = (0..3).map(start).unzip();
    table.figure(
        format!("{entries} entries: start to first answer"),
        median(times.into_iter()),
        "ms",
        Goal::AtMost(100.0),
    );
    let daemon = daemons.into_iter().next_back().unwrap();
    daemon.indexed();
    let idle = if entries > 1_000_000 { Goal::None } else { Goal::AtMost(24.0) };
    table.figure(format!("{entries} entries: RssAnon, idle"), daemon.memory("RssAnon") / 1024.0, "MiB", idle);
    let requests = load::socketmap(&[lists::misses(entries, 5_000), lists::hits(entries, 5_000)].concat());
    load::ask(&daemon.socketmap(), &requests, Framing::Until(b','), 64, options.time * 4);
    let name = format!("{entries} entries: RssAnon after lookups on 64 connections");
    table.figure(name, daemon.memory("RssAnon") / 1024.0, "MiB", Goal::AtMost(64.0));
}

/// At the command line, with the daemon down.
fn import(table: &mut Table, lines: u64) {
    let home = Home::new();
    let file = home.path("addresses.txt");
    let mut text = BufWriter::new(fs::File::create(&file).unwrap());
    lists::hits(1_000_000_007, lines).iter().for_each(|address| writeln!(text, "{address}").unwrap());
    text.flush().unwrap();
    let begun = Instant::now();
    home.ok(&["import", "--apply", file.to_str().unwrap()]);
    let time = begun.elapsed();
    assert_eq!(home.select("SELECT count(*) FROM suppression"), lines.to_string());
    let goal = Duration::from_secs(20).as_secs_f64() * lines as f64 / 1e6;
    table.figure(format!("import of {lines} lines"), time.as_secs_f64(), "s", Goal::AtMost(goal));
}
