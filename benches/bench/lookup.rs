//! Lookups: what a question costs Postfix, beside servers that do less or something else.

use std::path::Path;
use std::time::Duration;

use crate::Options;
use crate::daemon::Daemon;
use crate::lists;
use crate::load::{self, At, Framing};
use crate::peers::{self, Peer};
use crate::table::{Goal, Table};

const KEYS: u64 = 5_000;
/// More than are kept in memory, and than are asked for in a turn.
const MANY_KEYS: u64 = 200_000;

/// Makes a request of each key.
type Requests = fn(&[String]) -> Vec<Vec<u8>>;

/// A server, what it is asked, and how its replies end.
struct Side<'a> {
    at: &'a At,
    requests: Vec<Vec<u8>>,
    framing: Framing,
}

impl Side<'_> {
    fn rate(&self, connections: usize, time: Duration) -> f64 {
        load::ask(self.at, &self.requests, self.framing, connections, time).rate
    }
}

/// Rates of both in turn.
fn rounds(options: &Options, ours: &Side<'_>, theirs: &Side<'_>, connections: usize) -> Vec<(f64, f64)> {
    let round = |_| (ours.rate(connections, options.time), theirs.rate(connections, options.time));
    (0..options.rounds).map(round).collect()
}

pub fn run(options: &Options, table: &mut Table) {
    let dir = tempfile::tempdir().unwrap();
    let entries = if options.quick { 1_000 } else { 1_000_000 };
    let daemon = Daemon::over(&lists::list(entries));
    daemon.indexed();
    against_echo(options, table, &daemon, entries, dir.path());
    against_peers(options, table, &daemon, entries, dir.path());
    drop(daemon);
    if !options.quick {
        sizes(options, table);
    }
}

fn against_echo(options: &Options, table: &mut Table, daemon: &Daemon, entries: u64, dir: &Path) {
    let (misses, hits) = (lists::misses(entries, KEYS), lists::hits(entries, KEYS));
    let expected = [("NOTFOUND", &misses), ("OK 550", &hits)];
    for (reply, keys) in expected {
        let request = &load::socketmap(keys)[0];
        let said = load::one(&daemon.socketmap(), request, Framing::Until(b','));
        assert!(said.contains(reply), "{said}");
    }
    let (unix, tcp) = (peers::echo(dir, false), peers::echo(dir, true));
    let (socketmap, policy, tcp_table) = (daemon.socketmap(), daemon.policy(), daemon.tcp_table());
    let protocols: [(&str, &At, &Peer, Requests, Framing); 3] = [
        ("socketmap", &socketmap, &unix, load::socketmap, Framing::Until(b',')),
        ("policy service", &policy, &unix, load::policy, Framing::EmptyLine),
        ("tcp_table", &tcp_table, &tcp, load::tcp_table, Framing::Until(b'\n')),
    ];
    for (protocol, at, echo, requests, framing) in protocols {
        for (what, keys) in [("misses", &misses), ("hits", &hits)] {
            let ours = Side { at, requests: requests(keys), framing };
            let limit = Side { at: &echo.at, requests: requests(keys), framing };
            for (connections, goal) in [(1, 0.9), (8, 0.5), (64, 0.5)] {
                let rounds = rounds(options, &ours, &limit, connections);
                let name = format!("{protocol}, {what}, {connections} connections");
                table.beside(name, "/s", "epoll echo", &rounds, Goal::RatioAtLeast(goal));
            }
        }
    }
    if !options.quick {
        first_hits(options, table, daemon, entries, &unix.at);
    }
}

/// Hits of whom nobody has asked for lately: each turn begins elsewhere.
fn first_hits(options: &Options, table: &mut Table, daemon: &Daemon, entries: u64, echo: &At) {
    let at = daemon.socketmap();
    let mut requests = load::socketmap(&lists::hits(entries, MANY_KEYS));
    for connections in [1, 8] {
        let mut rounds = Vec::new();
        for _ in 0..options.rounds {
            requests.rotate_left(20_011);
            let [ours, limit] = [&at, echo].map(|at| {
                let side = Side { at, requests: requests.clone(), framing: Framing::Until(b',') };
                side.rate(connections, options.time)
            });
            rounds.push((ours, limit));
        }
        let name = format!("socketmap, first hits, {connections} connections");
        table.beside(name, "/s", "epoll echo", &rounds, Goal::None);
    }
}

fn against_peers(options: &Options, table: &mut Table, daemon: &Daemon, entries: u64, dir: &Path) {
    let misses = lists::misses(entries, KEYS);
    let (postsrsd, mta_sts) = (peers::postsrsd(dir), peers::mta_sts(dir));
    let (tcp_table, socketmap) = (daemon.tcp_table(), daemon.socketmap());
    let ours = Side { at: &tcp_table, requests: load::tcp_table(&misses), framing: Framing::Until(b'\n') };
    let theirs = Side { at: &postsrsd.at, requests: load::tcp_table(&misses), framing: Framing::Until(b'\n') };
    let name = "tcp_table, misses, 8 connections";
    table.beside(name, "/s", "postsrsd", &rounds(options, &ours, &theirs, 8), Goal::RatioAtLeast(3.0));
    let domains: Vec<_> = (0..100).map(|n| format!("d{n}.example.com")).collect();
    let asked = |domain: &String| format!("{}:postfix {domain},", domain.len() + 8).into_bytes();
    let ours = Side { at: &socketmap, requests: load::socketmap(&misses), framing: Framing::Until(b',') };
    let theirs = Side { at: &mta_sts.at, requests: domains.iter().map(asked).collect(), framing: Framing::Until(b',') };
    let name = "socketmap, misses, 8 connections";
    table.beside(name, "/s", "mta-sts-resolver", &rounds(options, &ours, &theirs, 8), Goal::RatioAtLeast(3.0));
}

/// The longest list beside the shortest.
fn sizes(options: &Options, table: &mut Table) {
    let (short, long) = (1_000, 10_000_000);
    let daemons = [short, long].map(|entries| Daemon::over(&lists::list(entries)));
    daemons.iter().for_each(Daemon::indexed);
    let [few, many] = daemons.each_ref().map(Daemon::socketmap);
    for (what, keys) in [("misses", lists::misses as fn(u64, u64) -> Vec<String>), ("hits", lists::hits)] {
        let side =
            |at, entries| Side { at, requests: load::socketmap(&keys(entries, KEYS)), framing: Framing::Until(b',') };
        for connections in [1, 8] {
            let rounds = rounds(options, &side(&many, long), &side(&few, short), connections);
            let name = format!("10 million entries, {what}, {connections} connections");
            table.beside(name, "/s", "1,000 entries", &rounds, Goal::RatioAtLeast(0.9));
        }
    }
}
