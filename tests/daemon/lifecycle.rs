//! Signals: a stop loses nothing and does not hang, a reload is all or nothing.

use std::fs;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use openssl::x509::X509;

use crate::damage;
use crate::process::eventually;
use crate::sns::pki::Pki;
use crate::sns::signer::{Draft, TOPIC, bounce};
use crate::world::{Http, World, ask, bounce_of, free_address};

const OTHER: &str = "arn:aws:sns:us-east-1:123456789012:another";

#[test]
fn sigterm_answers_what_is_under_way_and_exits_0() {
    let mut world = World::start();
    let request = bounce_of("dead@example.com").request("/sns");
    let (begin, rest) = request.split_at(request.len() - 100);
    let mut under_way = world.connect();
    under_way.send(begin).unwrap();
    let idle = UnixStream::connect(world.home.path("lookup.sock")).unwrap();
    assert_eq!(ask(&idle, "dead@example.com"), "NOTFOUND ");
    world.signal(Signal::SIGTERM);
    assert_eq!(world.told(), "STOPPING=1");
    eventually("the door is closed", || TcpStream::connect(world.http).is_err());
    under_way.send(rest).unwrap();
    assert_eq!(under_way.answer().unwrap(), 200);
    assert_eq!((&idle).read(&mut [0]).unwrap(), 0, "an idle connection is closed");
    assert_eq!(world.ended().code(), Some(0), "{}", world.log());
    assert_eq!(world.events(), 1);
}

#[test]
fn what_came_before_sigterm_is_answered_although_nobody_had_read_it() {
    let mut world = World::start();
    world.signal(Signal::SIGSTOP);
    let mut clients: Vec<_> = (0..8).map(|_| world.connect()).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        client.send(&bounce_of(&format!("dead{n}@example.com")).request("/sns")).unwrap();
    }
    world.signal(Signal::SIGTERM);
    world.signal(Signal::SIGCONT);
    for client in &mut clients {
        assert_eq!(client.answer().unwrap(), 200);
    }
    assert_eq!(world.ended().code(), Some(0), "{}", world.log());
    assert_eq!(world.events(), 8);
}

#[test]
fn what_is_refused_during_the_stop_is_counted() {
    let mut world = World::start();
    assert_eq!(world.post(&bounce_of("dead@example.com")), 200);
    let mut postfix = UnixStream::connect(world.home.path("lookup.sock")).unwrap();
    postfix.write_all(b"23:access dead@exa").unwrap();
    assert!(world.refuses("dead@example.com"), "and by then, what was written before has been read");
    world.signal(Signal::SIGTERM);
    assert_eq!(world.told(), "STOPPING=1");
    eventually("the door is closed", || TcpStream::connect(world.http).is_err());
    postfix.write_all(b"mple.com,").unwrap();
    let mut reply = String::new();
    postfix.read_to_string(&mut reply).unwrap();
    assert!(reply.contains("OK 550 5."), "{reply}");
    assert_eq!(world.ended().code(), Some(0), "{}", world.log());
    assert_eq!(world.home.select("SELECT sum(count) FROM refusal"), "2");
}

#[test]
fn a_second_sigterm_ends_it_at_once() {
    let mut world = World::start();
    let request = bounce_of("dead@example.com").request("/sns");
    let mut under_way = world.connect();
    under_way.send(&request[..request.len() - 100]).unwrap();
    assert_eq!(world.post(&bounce_of("acknowledged@example.com")), 200);
    world.signal(Signal::SIGTERM);
    assert_eq!(world.told(), "STOPPING=1");
    std::thread::sleep(Duration::from_millis(200));
    assert!(world.child.as_mut().unwrap().try_wait().unwrap().is_none(), "it waits for the request");
    let begun = Instant::now();
    world.signal(Signal::SIGTERM);
    assert_eq!(world.ended().code(), Some(1));
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(world.events(), 1);
    assert!(world.log().contains("stopped at once by a second signal"));
}

#[test]
fn a_second_signal_ends_it_even_while_the_last_counts_wait_for_a_locked_database() {
    let mut world = World::start();
    assert_eq!(world.post(&bounce_of("dead@example.com")), 200);
    assert!(world.refuses("dead@example.com"), "which is counted, and written down later");
    let _lock = world.home.lock();
    world.signal(Signal::SIGINT);
    assert_eq!(world.told(), "STOPPING=1");
    std::thread::sleep(Duration::from_millis(500));
    let begun = Instant::now();
    world.signal(Signal::SIGINT);
    world.ended();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[test]
fn a_stop_does_not_wait_for_clients_that_say_nothing() {
    let mut world = World::start();
    let _silent: Vec<_> = (0..20).map(|_| world.connect()).collect();
    let mut kept_open = world.connect();
    assert_eq!(kept_open.exchange(&bounce_of("dead@example.com").request("/sns")).unwrap(), 200);
    let begun = Instant::now();
    assert!(world.stop().success());
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[test]
fn health_is_200_while_the_database_answers() {
    let address = free_address();
    let mut world = World::start_with(&[("admin.listen", &format!("[\"{address}\"]"))]);
    let get = |path: &str| {
        let stream = TcpStream::connect(address).unwrap();
        Http(BufReader::new(stream)).exchange(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).unwrap()
    };
    assert_eq!((get("/health"), get("/sns")), (200, 404));
    // A new process has not read the list yet.
    assert!(world.stop().success());
    world.up();
    damage::overwrite(&world.home.path("suppressd.db"));
    assert_eq!(get("/health"), 503);
}

#[test]
fn a_stop_writes_down_what_was_refused() {
    let mut world = World::start();
    assert_eq!(world.post(&bounce_of("dead@example.com")), 200);
    for _ in 0..3 {
        assert!(world.refuses("dead@example.com"));
    }
    assert!(world.stop().success());
    assert_eq!(world.home.select("SELECT count FROM refusal WHERE address = 'dead@example.com'"), "3");
}

#[test]
fn sighup_applies_topics_policy_and_mode() {
    let mut world = World::start();
    let other = Draft { topic: OTHER.to_owned(), ..Draft::notification(&bounce("first@example.com")) };
    let other = other.sign(&Pki::shared().good);
    assert_eq!(world.post(&other), 403);
    world.home.set("sns.topics", &format!("[\"{TOPIC}\", \"{OTHER}\"]"));
    world.home.set("policy.hard.after", "2");
    assert_eq!(world.post(&other), 403, "a file counts when it is read");
    world.reload();
    assert_eq!(world.post(&other), 200);
    assert!(!world.refuses("first@example.com"), "one hard bounce of two");
    assert_eq!(world.post(&bounce_of("first@example.com")), 200);
    assert!(world.refuses("first@example.com"));

    world.home.set("lookup.mode", "\"warn\"");
    world.reload();
    assert!(world.lookup("first@example.com").starts_with("OK WARN "), "{}", world.lookup("first@example.com"));

    world.home.set("sns.topics", "[]");
    world.reload();
    assert_eq!(world.post(&bounce_of("second@example.com")), 403);
}

#[test]
fn an_open_connection_feels_a_reload_too() {
    let mut world = World::start();
    let mut connection = world.connect();
    assert_eq!(connection.exchange(&bounce_of("first@example.com").request("/sns")).unwrap(), 200);
    world.home.set("sns.topics", "[]");
    world.reload();
    assert_eq!(connection.exchange(&bounce_of("second@example.com").request("/sns")).unwrap(), 403);
}

#[test]
fn a_reload_with_a_bad_configuration_keeps_serving_the_old_and_says_what_to_write() {
    let world = World::start();
    let text = fs::read_to_string(world.home.path("suppressd.toml")).unwrap();
    let lines = text.lines().count();
    let bad = format!("{text}policy.soft.within = \"3 weeks\"\nlookup.mod = \"warn\"\n");
    for text in [bad.as_str(), "not toml", "sns.ca-file = \"/nonexistent/ca.pem\""] {
        world.home.write_config(text);
        world.reload();
        assert_eq!(world.post(&bounce_of("dead@example.com")), 200);
        assert!(world.refuses("dead@example.com"));
    }
    fs::remove_file(world.home.path("suppressd.toml")).unwrap();
    world.reload();
    assert_eq!(world.post(&bounce_of("next@example.com")), 200);
    let log = world.log();
    for sentence in [
        format!(
            "error: not reloaded: suppressd.toml:{}: policy.soft.within: \"3 weeks\" is not a duration; write 21d\n",
            lines + 1
        ),
        format!(
            "error: not reloaded: suppressd.toml:{}: lookup.mod: no such setting; did you mean lookup.mode?\n",
            lines + 2
        ),
        "error: not reloaded: suppressd.toml:1: not TOML: ".to_owned(),
        "error: not reloaded: sns.ca-file: cannot read certificates from /nonexistent/ca.pem: ".to_owned(),
        "suppressd.toml: No such file or directory".to_owned(),
    ] {
        assert!(log.contains(&sentence), "{sentence} in {log}");
    }
}

#[test]
fn serve_with_a_bad_configuration_exits_78_and_names_everything_that_is_wrong() {
    let world = World::idle(&[]);
    world.home.write_config("database = \"relative.db\"\n[policy.soft]\nwithin = \"3 weeks\"\nunknown = 1\n");
    let ran = world.home.run(&["serve"]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(78), ""));
    for sentence in [
        "suppressd.toml:1: database: \"relative.db\" is not an absolute path; write one that starts with /\n",
        "suppressd.toml:3: policy.soft.within: \"3 weeks\" is not a duration; write 21d\n",
        "suppressd.toml:4: policy.soft.unknown: no such setting",
    ] {
        assert!(ran.err.contains(sentence), "{}", ran.err);
    }
    assert_eq!(ran.err.lines().count(), 3, "{}", ran.err);
}

/// What a configuration names counts as configuration: systemd shall not start it again and again.
#[test]
fn serve_with_files_that_are_not_there_exits_78() {
    for (name, value) in [
        ("sns.ca-file", "\"/nonexistent/ca.pem\""),
        ("sns.credentials-file", "\"/nonexistent/credentials\""),
        ("http.tls", "{ certificate = \"/nonexistent/c.pem\", key = \"/nonexistent/k.pem\" }"),
        ("sns.proxy", "\"ftp://127.0.0.1:1\""),
    ] {
        let world = World::idle(&[(name, value)]);
        let ran = world.home.run(&["serve"]);
        assert_eq!(ran.status, Some(78), "{name}: {}", ran.err);
        assert!(ran.err.starts_with(&format!("suppressd: {name}: ")) && ran.err.lines().count() == 1, "{}", ran.err);
        assert_eq!(world.home.run(&["config", "check"]).err, ran.err, "which is found before the start too");
    }
}

#[test]
fn a_new_certificate_is_served_after_sighup_and_a_broken_one_is_not() {
    let other = Pki::create();
    let [first, second] = [&Pki::shared().receiver, &other.receiver];
    let mut world = World::idle(&[]);
    let (certificate, key) = (world.home.path("c.pem"), world.home.path("k.pem"));
    let install = |files: &(Vec<u8>, Vec<u8>)| {
        fs::write(&certificate, &files.0).unwrap();
        fs::write(&key, &files.1).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    };
    install(first);
    let (c, k) = (world.home.quoted("c.pem"), world.home.quoted("k.pem"));
    world.home.set("http.tls", &format!("{{ certificate = {c}, key = {k} }}"));
    world.up();
    assert_eq!(served(&world), first.0);
    install(second);
    assert_eq!(served(&world), first.0, "files count when they are read");
    world.reload();
    assert_eq!(served(&world), second.0);
    for broken in [(first.0.clone(), second.1.clone()), (b"junk".to_vec(), second.1.clone()), (vec![], vec![])] {
        install(&broken);
        world.reload();
        assert_eq!(served(&world), second.0);
    }
    assert_eq!(world.log().matches("not reloaded: ").count(), 3, "{}", world.log());
    install(first);
    world.reload();
    assert_eq!(served(&world), first.0);
}

/// The certificate that a new connection gets, as PEM.
fn served(world: &World) -> Vec<u8> {
    let mut connector = SslConnector::builder(SslMethod::tls()).unwrap();
    connector.set_verify(SslVerifyMode::NONE);
    let stream = TcpStream::connect(world.http).unwrap();
    let stream = connector.build().connect("hooks.example.com", stream).unwrap();
    stream
        .ssl()
        .peer_certificate()
        .as_deref()
        .map(|c| X509::from_der(&c.to_der().unwrap()).unwrap().to_pem().unwrap())
        .unwrap()
}
