//! Reloads while Postfix asks and SNS posts: every answer is that of the old settings or that of the new, nobody is turned away,
//! and nothing is lost.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::process::eventually;
use crate::sns::pki::Pki;
use crate::sns::signer::{Draft, Post, TOPIC, bounce};
use crate::world::{World, ask, ask_map, bounce_of};

const OTHER: &str = "arn:aws:sns:us-east-1:123456789012:another";
const RELOADS: usize = 12;
const STREAM: &str = "[[stream]]\nname = \"news\"\nsenders = [\"news@example.org\"]\n";

/// Somebody who asks or posts until he is told to stop.
#[derive(Default)]
struct Client {
    done: AtomicUsize,
}

impl Client {
    /// Calls `one` with a number each time, and returns what was answered.
    fn run(&self, stop: &AtomicBool, mut one: impl FnMut(usize) -> String) -> BTreeSet<String> {
        let mut answers = BTreeSet::new();
        while !stop.load(Ordering::Relaxed) {
            let number = self.done.load(Ordering::Relaxed);
            answers.insert(one(number));
            self.done.store(number + 1, Ordering::Relaxed);
        }
        answers
    }
}

fn set(answers: &[&str]) -> BTreeSet<String> {
    answers.iter().map(|answer| (*answer).to_owned()).collect()
}

/// A hard bounce by a topic, at a domain of its own.
fn report(topic: &str, name: &str, number: usize) -> (String, Post) {
    let address = format!("user@{name}{number}.example");
    let draft = Draft { topic: topic.to_owned(), ..Draft::notification(&bounce(&address)) };
    (address, draft.sign(&Pki::shared().good))
}

/// Asks the policy service about mail of the newsletter.
fn policy(world: &World, address: &str) -> String {
    let mut stream = UnixStream::connect(world.home.path("policy.sock")).unwrap();
    write!(stream, "request=smtpd_access_policy\nsender=news@example.org\nrecipient={address}\n\n").unwrap();
    let (mut answer, mut byte) = (String::new(), [0]);
    while !answer.ends_with("\n\n") {
        stream.read_exact(&mut byte).unwrap();
        answer.push(char::from(byte[0]));
    }
    answer.trim_end().to_owned()
}

#[test]
fn reloads_under_traffic_give_the_old_answer_or_the_new_and_lose_nothing() {
    let mut world = World::idle(&[]);
    world.home.set("lookup.policy", &format!("[{}]", world.home.quoted_unix("policy.sock")));
    world.home.set("sns.topics", &format!("[\"{TOPIC}\", \"{OTHER}\"]"));
    let enforcing = fs::read_to_string(world.home.path("suppressd.toml")).unwrap() + STREAM;
    world.home.set("lookup.mode", "\"warn\"");
    world.home.set("sns.topics", &format!("[\"{TOPIC}\"]"));
    let warning = fs::read_to_string(world.home.path("suppressd.toml")).unwrap();
    world.home.write_config(&enforcing);
    world.up();
    assert_eq!(world.post(&bounce_of("bob@example.com")), 200);
    world.home.ok(&["add", "--stream", "news", "eve@example.com"]);

    let stop = AtomicBool::new(false);
    let clients: [Client; 6] = Default::default();
    let answers = std::thread::scope(|scope| {
        let (world, stop, [kept, anew, of_stream, by_policy, poster, other]) = (&world, &stop, &clients);
        let threads = [
            scope.spawn(move || {
                let connection = UnixStream::connect(world.home.path("lookup.sock")).unwrap();
                kept.run(stop, |_| dated(&ask(&connection, "bob@example.com")))
            }),
            scope.spawn(|| anew.run(stop, |_| dated(&world.lookup("bob@example.com")))),
            scope.spawn(move || {
                let connection = UnixStream::connect(world.home.path("lookup.sock")).unwrap();
                of_stream.run(stop, |_| dated(&ask_map(&connection, "access/news", "eve@example.com")))
            }),
            scope.spawn(|| by_policy.run(stop, |_| dated(&policy(world, "eve@example.com")))),
            scope.spawn(|| poster.run(stop, |number| world.post(&report(TOPIC, "ours", number).1).to_string())),
            scope.spawn(move || {
                let mut connection = world.connect();
                other.run(stop, |number| {
                    let (address, post) = report(OTHER, "other", number);
                    let status = connection.exchange(&post.request("/sns")).unwrap();
                    let known = format!("SELECT count(*) FROM event WHERE address = '{address}'");
                    format!("{status} {}", world.home.select(&known))
                })
            }),
        ];
        for reload in 0..RELOADS {
            world.home.write_config(if reload % 2 == 0 { &warning } else { &enforcing });
            world.reload();
            let before: Vec<_> = clients.iter().map(|client| client.done.load(Ordering::Relaxed)).collect();
            // One may have been under way.
            eventually("everybody was answered", || {
                clients.iter().zip(&before).all(|(client, before)| client.done.load(Ordering::Relaxed) > before + 1)
            });
        }
        stop.store(true, Ordering::Relaxed);
        threads.map(|thread| thread.join().unwrap())
    });
    let refused = "OK 550 5.1.1 Recipient is on the suppression list (hard bounce since DAY)";
    let warned = "OK WARN would refuse: 5.1.1 Recipient is on the suppression list (hard bounce since DAY)";
    let of_stream = "5.7.1 Recipient is on the suppression list (added on DAY)";
    let no_stream = "PERM no such stream: \"access/news\"; write a [[stream]] of that name into the configuration";
    for (client, (answers, expected)) in answers
        .into_iter()
        .zip([
            set(&[refused, warned]),
            set(&[refused, warned]),
            set(&[&format!("OK 550 {of_stream}"), no_stream]),
            set(&[&format!("action=550 {of_stream}"), "action=DUNNO"]),
            set(&["200"]),
            set(&["200 1", "403 0"]),
        ])
        .enumerate()
    {
        assert_eq!(answers, expected, "client {client}");
    }
    let posted = clients[4].done.load(Ordering::Relaxed).to_string();
    assert_eq!(world.home.select("SELECT count(*) FROM suppression WHERE address LIKE 'user@ours%'"), posted);
    assert_eq!(world.log().matches("reloaded").count(), RELOADS, "{}", world.log());
}

/// An answer without the day on which it is given.
fn dated(answer: &str) -> String {
    let day = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    answer.replace(&day, "DAY")
}

#[test]
fn what_needs_a_restart_is_told_at_each_reload_until_then() {
    let mut world = World::start();
    let told = |world: &World| world.log().matches("stay as they are until a restart").count();
    world.home.set("lookup.max-connections", "17");
    for times in 1..=2 {
        world.reload();
        assert_eq!(told(&world), times, "{}", world.log());
    }
    world.home.set("lookup.max-connections", "1024");
    world.reload();
    assert_eq!(told(&world), 2, "it is as at the start");
}
