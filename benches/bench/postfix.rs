//! Through a real Postfix: recipients per second of one smtpd(8), by how it is wired. Wants root, for a private Postfix.

use std::fs::{self, File};
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::Options;
use crate::e2e::{Smtp, World};
use crate::lists;
use crate::peers::free_port;
use crate::table::{Goal, Table};

const ENTRIES: u64 = 100_000;
const KEYS: u64 = 1_000;
/// Each round is taken in so many turns: how fast the machine is changes within seconds, by more than what is measured.
const TURNS: usize = 10;
/// Options of each smtpd(8), so that nothing but the restriction costs time.
const PATIENT: &str = "-o smtpd_error_sleep_time=0 -o smtpd_soft_error_limit=10000000 -o smtpd_hard_error_limit=10000000 \
    -o smtpd_recipient_limit=10000000 -o smtpd_recipient_overshoot_limit=10000000 -o smtpd_relay_restrictions=permit";

/// A port of the private Postfix with one check of recipients.
struct Wiring {
    name: &'static str,
    restriction: String,
    port: u16,
}

pub fn run(options: &Options, table: &mut Table) {
    let world = World::new(&[], "log.level = \"warn\"\n");
    let wirings = wirings(&world);
    fill(&world);
    listen(&world, &wirings);
    for (what, keys) in [("misses", lists::misses(ENTRIES, KEYS)), ("hits", lists::hits(ENTRIES, KEYS))] {
        let mut clients: Vec<_> = wirings.iter().map(|wiring| Client::of(wiring, what)).collect();
        let mut rates: Vec<Vec<f64>> = wirings.iter().map(|_| Vec::new()).collect();
        for _ in 0..=options.rounds * TURNS {
            for (client, rates) in clients.iter_mut().zip(&mut rates) {
                rates.push(client.rate(&keys, options.time / TURNS as u32));
            }
        }
        // The first round warms up.
        let of = |name: &str| {
            let place = wirings.iter().position(|wiring| wiring.name == name).unwrap();
            rates[place][1..].to_vec()
        };
        for (wiring, goal) in [
            ("socketmap", Goal::RatioAtLeast(0.95)),
            ("policy service", Goal::RatioAtLeast(0.9)),
            ("cdb", Goal::None),
            ("sqlite", Goal::None),
            ("no table", Goal::None),
        ] {
            let rounds: Vec<_> = of(wiring).into_iter().zip(of("lmdb")).collect();
            table.beside(format!("RCPT of one smtpd, {wiring}, {what}"), "/s", "lmdb", &rounds, goal);
        }
    }
}

fn wirings(world: &World) -> Vec<Wiring> {
    let table = |kind: &str, name: &str| format!("check_recipient_access {kind}:{}", world.path(name));
    let unix = |name: &str| format!("unix:{}", world.path(&format!("spool/suppressd/{name}.sock")));
    [
        ("no table", String::new()),
        ("lmdb", table("lmdb", "list")),
        ("cdb", table("cdb", "list")),
        ("sqlite", table("sqlite", "sqlite.cf")),
        ("socketmap", format!("check_recipient_access socketmap:{}:access", unix("lookup"))),
        ("policy service", format!("check_policy_service {}", unix("policy"))),
    ]
    .into_iter()
    .map(|(name, restriction)| Wiring { name, restriction, port: free_port() })
    .collect()
}

/// The same list in the database and in tables of Postfix.
fn fill(world: &World) {
    let database = world.path("db/suppressd.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection.execute("ATTACH ?1 AS list", [lists::list(ENTRIES).to_str().unwrap()]).unwrap();
    let columns = "address, kind, reason, status, since, source";
    let sql = format!("INSERT INTO main.suppression ({columns}) SELECT {columns} FROM list.suppression");
    connection.execute_batch(&sql).unwrap();
    let text = world.path("list");
    let mut file = File::create(&text).unwrap();
    let refusal = "550 5.1.1 Recipient is on the suppression list (hard bounce since 2026-11-21)";
    let all: String = lists::all(ENTRIES).map(|address| format!("{address} {refusal}\n")).collect();
    file.write_all(all.as_bytes()).unwrap();
    for kind in ["lmdb", "cdb"] {
        let mut command = Command::new("/usr/sbin/postmap");
        assert!(command.args(["-c", &world.path("etc")]).arg(format!("{kind}:{text}")).status().unwrap().success());
    }
    let query = format!(
        "dbpath = {database}\nquery = SELECT '{refusal}' FROM suppression WHERE address = '%s' AND until IS NULL\n"
    );
    fs::write(world.path("sqlite.cf"), query).unwrap();
}

fn listen(world: &World, wirings: &[Wiring]) {
    let mut master = File::options().append(true).open(world.path("etc/master.cf")).unwrap();
    for Wiring { restriction, port, .. } in wirings {
        let restriction = format!("-o {{ smtpd_recipient_restrictions = {restriction} permit_mynetworks, reject }}");
        writeln!(master, "127.0.0.1:{port} inet n - n - - smtpd\n  {PATIENT}\n  {restriction}").unwrap();
    }
    let reload = Command::new("/usr/sbin/postfix").args(["-c", &world.path("etc"), "reload"]).output().unwrap();
    assert!(reload.status.success(), "{reload:?}");
}

/// A session with one smtpd(8).
struct Client {
    session: Smtp,
    expected: &'static str,
    /// How many recipients it has told.
    told: usize,
}

impl Client {
    fn of(wiring: &Wiring, what: &str) -> Self {
        let refused = what == "hits" && wiring.name != "no table";
        let expected = if refused { "550 5.1.1 " } else { "250 " };
        Self { session: Smtp::start(wiring.port, "news@example.org"), expected, told: 0 }
    }

    fn rate(&mut self, keys: &[String], time: Duration) -> f64 {
        let (begun, before) = (Instant::now(), self.told);
        while begun.elapsed() < time {
            let reply = self.session.rcpt(&keys[self.told % keys.len()]);
            assert!(reply.starts_with(self.expected), "{reply}");
            self.told += 1;
        }
        (self.told - before) as f64 / begun.elapsed().as_secs_f64()
    }
}
