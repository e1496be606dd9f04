//! How the figures grow with the list. Not part of "make bench": ONLY=growth, and LARGEST=100000000 for more than ten million.

use std::fs;
use std::time::Instant;

use crate::Options;
use crate::daemon::Daemon;
use crate::lists;
use crate::load::{self, Framing};
use crate::peers;
use crate::table::{Goal, Table};

pub fn run(options: &Options, table: &mut Table) {
    let dir = tempfile::tempdir().unwrap();
    let largest = std::env::var("LARGEST").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000_000);
    let echo = peers::echo(dir.path(), false);
    let sizes = std::iter::successors(Some(1_000_u64), |size| Some(size * 10)).take_while(|size| *size <= largest);
    for entries in sizes {
        let path = lists::list(entries);
        let bytes = fs::metadata(&path).unwrap().len() as f64 / entries as f64;
        let begun = Instant::now();
        let daemon = Daemon::over(&path);
        let start = begun.elapsed().as_secs_f64() * 1000.0;
        daemon.indexed();
        let index = daemon.processor_ticks() as f64 * 10.0;
        let mut row = |what: &str, value, unit| table.figure(format!("{entries}: {what}"), value, unit, Goal::None);
        row("on disk", bytes, "bytes/entry");
        row("start", start, "ms");
        row("processor time until the list is in memory", index, "ms");
        for (what, keys) in [("misses", lists::misses as fn(u64, u64) -> Vec<String>), ("hits", lists::hits)] {
            let requests = load::socketmap(&keys(entries, 20_000));
            let at = daemon.socketmap();
            for connections in [1, 8] {
                let ask = |at| load::ask(at, &requests, Framing::Until(b','), connections, options.time);
                let rounds: Vec<_> = (0..options.rounds).map(|_| (ask(&at).rate, ask(&echo.at).rate)).collect();
                let name = format!("{entries}: {what}, {connections} connections");
                table.beside(name, "/s", "epoll echo", &rounds, Goal::None);
            }
        }
        let memory = daemon.memory("RssAnon") / 1024.0;
        table.figure(format!("{entries}: RssAnon"), memory, "MiB", Goal::None);
    }
}
