//! `GET /metrics`: what the daemon counts and what the database tells, whoever wrote it.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::damage;
use crate::process::PATIENCE;
use crate::sns::signer::Post;
use crate::world::{World, bounce_of, free_address};

/// A daemon with a private door.
fn start() -> (World, SocketAddr) {
    let address = free_address();
    (World::start_with(&[("admin.listen", &format!("[\"{address}\"]"))]), address)
}

/// The head and the body of an answer.
fn ask(address: SocketAddr, method: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

/// The value of a sample; its labels may stand in any order of samples.
#[track_caller]
fn value(text: &str, sample: &str) -> i64 {
    let found = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {sample} in\n{text}")).parse().unwrap()
}

#[test]
fn metrics_count_what_came_in_what_was_asked_and_what_there_is() {
    let (world, address) = start();
    assert_eq!(world.post(&bounce_of("dead@example.com")), 200);
    assert_eq!(world.post(&bounce_of("dead@example.com")), 200);
    let mut forged: Post = bounce_of("victim@example.com");
    forged.fields.insert("Message".into(), "forged".into());
    assert_eq!(world.post(&forged), 403);
    for _ in 0..3 {
        assert!(world.refuses("dead@example.com"));
    }
    assert!(!world.refuses("alive@example.com"));
    // By other processes.
    let mail = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/unknown.eml")).unwrap();
    assert_eq!(world.home.run_with(&["pipe"], &mail).status, Some(0));
    world.home.ok(&["add", "bob@example.com"]);
    world.home.sql(
        "INSERT INTO event (id, received, at, address, reported, kind, reason, side, source, origin, action, decision) \
         SELECT 'x' || value, strftime('%Y-%m-%dT%H:%M:%SZ', 'now', value), strftime('%Y-%m-%dT%H:%M:%SZ', 'now', value), \
                'a@b.example', 'a@b.example', 'soft_bounce', 'throttled', 'sender', 'dsn', 'local', 'recorded', '' \
         FROM json_each('[\"-1 seconds\", \"-59 minutes\", \"-61 minutes\"]'); \
         INSERT INTO incident (fingerprint, place, first, last) VALUES ('f', 'example.com', '', '')",
    );
    let (head, text) = ask(address, "GET", "/metrics");
    assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"), "{head}");
    for (sample, count) in [
        ("suppressd_webhook_requests_total{outcome=\"accepted\"}", 2),
        ("suppressd_webhook_requests_total{outcome=\"forged\"}", 1),
        ("suppressd_webhook_requests_total{outcome=\"try_again\"}", 0),
        ("suppressd_lookups_total{map=\"access\",result=\"refused\"}", 3),
        ("suppressd_lookups_total{map=\"access\",result=\"pass\"}", 1),
        ("suppressd_lookups_total{map=\"policy\",result=\"pass\"}", 0),
        ("suppressd_refusals_total{map=\"access\"}", 3),
        ("suppressd_events_total{kind=\"hard_bounce\",action=\"suppressed\"}", 1),
        ("suppressd_events_total{kind=\"added\",action=\"added\"}", 1),
        ("suppressd_events_total{kind=\"soft_bounce\",action=\"recorded\"}", 3),
        ("suppressd_entries{kind=\"hard_bounce\"}", 1),
        ("suppressd_entries{kind=\"added\"}", 1),
        ("suppressd_entries{kind=\"complaint\"}", 0),
        ("suppressd_quarantine_entries", 1),
        ("suppressd_open_incidents", 1),
        ("suppressd_relay_refusals{reason=\"throttled\"}", 2),
        ("suppressd_relay_refusals{reason=\"notverified\"}", 0),
        ("suppressd_lookup_failures_total", 0),
        ("suppressd_database_up", 1),
    ] {
        assert_eq!(value(&text, sample), count, "{sample}\n{text}");
    }
    assert!(value(&text, "suppressd_quarantine_bytes") > 1000);
    assert!(text.ends_with("# EOF\n") && !text.contains("example"), "no address is in it: {text}");
}

#[test]
fn metrics_of_a_damaged_database_say_so_and_still_count_lookups() {
    let (mut world, address) = start();
    world.home.ok(&["add", "bob@example.com"]);
    assert!(world.stop().success());
    world.up();
    damage::overwrite(&world.home.path("suppressd.db"));
    let answer = world.lookup("bob@example.com");
    assert!(answer.starts_with("TEMP "), "{answer}");
    let (head, text) = ask(address, "GET", "/metrics");
    assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
    assert_eq!(value(&text, "suppressd_database_up"), 0);
    assert_eq!(value(&text, "suppressd_lookup_failures_total"), 1);
    assert_eq!(value(&text, "suppressd_lookups_total{map=\"access\",result=\"trouble\"}"), 1);
}

#[test]
fn the_private_door_answers_get_and_head_alone() {
    let (_world, address) = start();
    for (method, path, status) in
        [("HEAD", "/metrics", "200"), ("POST", "/metrics", "405"), ("DELETE", "/health", "405"), ("GET", "/", "404")]
    {
        assert!(ask(address, method, path).0.starts_with(&format!("http/1.1 {status} ")), "{method} {path}");
    }
}
