//! What shows: `why`, `events` and `stats`, by the built program on real databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(dead_code, missing_docs, unreachable_pub)]

#[path = "support/process.rs"]
mod process;

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use process::{Home, read_all, wait};
use serde_json::Value;

/// A hand-written text that takes over a terminal, in both its forms, and turns text around.
const HOSTILE: &str = "\u{1b}[2J\u{9b}31m\u{202e}\r\nforged";
const FUTURE: &str = "2999-01-01T00:00:00Z";

/// A home with a database.
fn home() -> Home {
    let home = Home::new();
    home.ok(&["list"]);
    home
}

/// An event as SQL. What is not given is that of a hard bounce by SES; times may be written as SQL expressions.
struct Row<'a> {
    at: &'a str,
    address: &'a str,
    kind: &'a str,
    reason: &'a str,
    side: &'a str,
    origin: &'a str,
    sender: &'a str,
    channel: &'a str,
    decision: &'a str,
    action: &'a str,
    incident: &'a str,
}

const ROW: Row<'static> = Row {
    at: "2026-11-21T08:00:00Z",
    address: "bob@example.com",
    kind: "hard_bounce",
    reason: "userunknown",
    side: "recipient",
    origin: "sns-signature",
    sender: "shop@example.org",
    channel: "arn:aws:sns:eu-west-1:123456789012:ses-feedback",
    decision: "hard bounce",
    action: "suppressed",
    incident: "NULL",
};

impl Row<'_> {
    fn insert(&self, home: &Home) {
        let Row { at, address, kind, reason, side, origin, sender, channel, decision, action, incident } = self;
        home.sql(&format!(
            "INSERT INTO event (id, received, at, address, reported, kind, reason, side, status, diagnostic, source, origin, \
               reporting_mta, sender, provider_id, queue_id, channel, rule, action, decision, incident) \
             VALUES (hex(randomblob(8)), '{at}', '{at}', lower('{address}'), '{address}', '{kind}', '{reason}', '{side}', \
               '5.1.1', '550 5.1.1 no such user', 'ses', '{origin}', 'a4.smtp-out.amazonses.com', '{sender}', \
               '0102-abc', '4Wq1Yx', '{channel}', 'ses:Permanent/General', '{action}', '{decision}', {incident})"
        ));
    }
}

fn json(home: &Home, args: &[&str]) -> Value {
    serde_json::from_str(&home.run(args).out).unwrap()
}

fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

// why

#[test]
fn why_shows_every_entry_that_holds_with_its_event_and_rule_and_what_undoes_each() {
    let home = home();
    Row { address: "Bob@mail.example.com", ..ROW }.insert(&home);
    home.sql(
        "INSERT INTO suppression (address, kind, reason, status, source, event, step) \
           VALUES ('bob@mail.example.com', 'hard_bounce', 'userunknown', '5.1.1', 'ses', 1, 2); \
         INSERT INTO suppression (address, stream) VALUES ('bob@mail.example.com', 'news'); \
         INSERT INTO suppression (address, note) VALUES ('@mail.example.com', 'moved'), ('@.example.com', NULL); \
         INSERT INTO suppression (address) VALUES ('@example.com'), ('ann@mail.example.com'); \
         INSERT INTO refusal VALUES ('bob@mail.example.com', '2026-11-21', 3, '2026-11-21T10:00:00Z'), \
           ('bob@mail.example.com', '2026-11-22', 4, '2026-11-22T11:00:00Z')",
    );
    let why = home.run(&["why", "bob@mail.example.com"]);
    assert_eq!((why.status, why.err.as_str()), (Some(0), ""));
    let headings: Vec<_> = why.out.lines().filter(|line| line.contains(" is suppressed")).collect();
    assert_eq!(headings.len(), 4, "{headings:?}");
    assert!(headings[1].starts_with("bob@mail.example.com is suppressed in stream news since 20"), "{headings:?}");
    assert!(headings[2].ends_with(" (entry @mail.example.com)") && headings[3].ends_with(" (entry @.example.com)"));
    has(
        &why.out,
        &[
            "  hard bounce 5.1.1, reason userunknown, source ses, time 2\n  by event 1, rule ses:Permanent/General\n",
            "  note: moved\n",
            "  refused 7 times, last 2026-11-22T11:00:00Z\n",
            "      550 5.1.1 no such user\n      reported by a4.smtp-out.amazonses.com\n",
            "      provider's id 0102-abc\n      queue id 4Wq1Yx\n",
            "to release it: suppressd remove 'bob@mail.example.com'\n",
            " suppressd remove --stream news 'bob@mail.example.com'\n",
            " suppressd remove '@mail.example.com'\n",
            " suppressd remove '@.example.com'\n",
        ],
    );
    let all = json(&home, &["why", "--json", "bob@mail.example.com"]);
    assert_eq!((all["entries"].as_array().unwrap().len(), all["undo"].as_array().unwrap().len()), (4, 4));
    assert_eq!((&all["events"][0]["queue_id"], &all["refusals"]["count"]), (&"4Wq1Yx".into(), &7.into()));
    assert_eq!((&all["because"], &all["entries"][0]["step"]), (&Value::Null, &2.into()));
    has(&home.ok(&["why", "@mail.example.com"]), &["@mail.example.com is suppressed", "(entry @.example.com)"]);
}

#[test]
fn an_allow_entry_that_beats_the_list_is_named_with_its_end() {
    let home = home();
    home.sql(&format!(
        "INSERT INTO suppression (address) VALUES ('bob@example.com'); \
         INSERT INTO allow (address, until, note) VALUES ('@example.com', '{FUTURE}', 'he moved'), \
           ('bob@example.com', '2020-01-01T00:00:00Z', 'long ago')"
    ));
    let why = home.run(&["why", "bob@example.com"]);
    assert_eq!(why.status, Some(1));
    has(
        &why.out,
        &[
            "bob@example.com is not suppressed\n",
            &format!(
                "because: allow entry @example.com lets mail to it pass until {FUTURE}, although it is on the list\n"
            ),
            "  note: he moved\n",
            "bob@example.com is on the list since 20",
        ],
    );
    let why = json(&home, &["why", "--json", "bob@example.com"]);
    assert_eq!((&why["suppressed"], &why["allowed"]["until"]), (&false.into(), &FUTURE.into()));
    home.sql("DELETE FROM allow WHERE address = '@example.com'");
    assert_eq!(home.run(&["why", "bob@example.com"]).status, Some(0), "one that has run out beats nothing");
}

#[test]
fn who_is_not_suppressed_learns_why_not() {
    let home = home();
    let because = |address: &str| {
        let why = home.run(&["why", address]);
        assert_eq!(why.status, Some(1), "{}", why.out);
        why.out.lines().find_map(|line| line.strip_prefix("  because: ")).unwrap_or_default().to_owned()
    };
    let soft = Row { kind: "soft_bounce", decision: "soft bounce 2 of 5, on day 1 of 3", action: "recorded", ..ROW };
    Row { address: "soft@example.com", ..soft }.insert(&home);
    Row { address: "soft@example.com", at: "2026-11-22T08:00:00Z", kind: "delivery", decision: "-", ..soft }
        .insert(&home);
    assert_eq!(because("soft@example.com"), "soft bounce 2 of 5, on day 1 of 3 (soft bounce of 2026-11-21T08:00:00Z)");

    home.sql("INSERT INTO suppression (address, since, until) VALUES ('ended@example.com', '2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z')");
    assert_eq!(because("ended@example.com"), "its entry of 2026-01-01T00:00:00Z ran out on 2026-02-01T00:00:00Z");
    Row { address: "ended@example.com", at: "2026-01-01T00:00:00Z", ..ROW }.insert(&home);
    assert_eq!(because("ended@example.com"), "its entry of 2026-01-01T00:00:00Z ran out on 2026-02-01T00:00:00Z");

    home.ok(&["add", "back@example.com"]);
    home.sql("DELETE FROM suppression WHERE address = 'back@example.com'");
    assert!(because("back@example.com").starts_with("released on 20"));
    assert!(because("back@example.com").ends_with(" by SQL"));
    assert_eq!(because("nobody@example.com"), "");
}

#[test]
fn an_incident_that_holds_a_bounce_back_is_named() {
    let home = home();
    home.sql(
        "INSERT INTO incident (number, fingerprint, place, first, last, state) VALUES \
           (3, 'f', 'example.com', '2026-11-21T08:00:00Z', '2026-11-21T09:00:00Z', 'open'), \
           (4, 'f', 'example.com', '2026-11-21T08:00:00Z', '2026-11-21T09:00:00Z', 'released')",
    );
    Row { incident: "3", action: "recorded", decision: "held back", ..ROW }.insert(&home);
    let why = home.run(&["why", "bob@example.com"]).out;
    has(
        &why,
        &[
            "because: held back by incident 3 (hard bounce of",
            "      held back by incident 3 at example.com; see suppressd incidents show 3\n",
        ],
    );
    Row { address: "ann@example.com", incident: "4", action: "recorded", ..ROW }.insert(&home);
    let why = home.run(&["why", "ann@example.com"]).out;
    has(&why, &["      part of incident 4 at example.com, released\n"]);
    assert_eq!(json(&home, &["why", "--json", "bob@example.com"])["incidents"][0]["state"], "open");
}

#[test]
fn what_ses_itself_suppresses_comes_with_its_command_case_and_region() {
    let home = home();
    Row { address: "O''Neil@Example.com", reason: "suppressed", ..ROW }.insert(&home);
    home.sql("INSERT INTO suppression (address, kind, reason, source, event) VALUES ('o''neil@example.com', 'hard_bounce', 'suppressed', 'ses', 1)");
    let command = "aws sesv2 delete-suppressed-destination --email-address 'O'\\''Neil@Example.com' --region eu-west-1";
    assert!(home.ok(&["why", "o'neil@example.com"]).ends_with(&format!("\n  {command}\n")));
    let ses = &json(&home, &["why", "--json", "o'neil@example.com"])["ses"];
    assert_eq!((&ses["reported"], &ses["region"]), (&"O'Neil@Example.com".into(), &"eu-west-1".into()));
    assert_eq!(ses["command"], command);
    home.ok(&["remove", "o'neil@example.com"]);
    has(&home.run(&["why", "o'neil@example.com"]).out, &["take it off there too", command]);
    let delivered = Row { at: "2026-11-22T08:00:00Z", kind: "delivery", reason: "undefined", ..ROW };
    Row { address: "O''Neil@Example.com", ..delivered }.insert(&home);
    assert!(!home.run(&["why", "o'neil@example.com"]).out.contains("aws "), "SES delivers to it again");
}

// events

/// The addresses of the lines, in order.
fn addresses(out: &str) -> Vec<&str> {
    out.lines().map(|line| line.split_once("to=<").unwrap().1.split_once('>').unwrap().0).collect()
}

#[test]
fn events_are_in_order_of_time_the_newest_last_and_filters_all_hold() {
    let home = home();
    assert_eq!(home.ok(&["events"]), "");
    Row { address: "b@example.com", at: "2026-11-22T08:00:00Z", ..ROW }.insert(&home);
    Row { address: "a@example.com", at: "2026-11-21T08:00:00Z", ..ROW }.insert(&home);
    Row { address: "c@sub.example.com", at: "2026-11-23T08:00:00Z", kind: "complaint", reason: "abuse", ..ROW }
        .insert(&home);
    Row { address: "d@example.com", at: "2026-11-24T08:00:00Z", kind: "delivery", action: "recorded", ..ROW }
        .insert(&home);
    home.sql("UPDATE event SET stream = 'news' WHERE number = 4");
    let shown = |args: &[&str]| home.ok(&[&["events"], args].concat());
    let all = shown(&[]);
    assert_eq!(addresses(&all), ["a@example.com", "b@example.com", "c@sub.example.com", "d@example.com"]);
    assert_eq!(
        all.lines().next().unwrap(),
        "2026-11-21T08:00:00Z to=<a@example.com>, kind=hard_bounce, status=5.1.1, reason=userunknown, source=ses, \
         origin=sns-signature, queue_id=4Wq1Yx, provider_id=0102-abc, action=suppressed (hard bounce), event=2, \
         said=550 5.1.1 no such user"
    );
    for (args, found) in [
        (&["--limit", "2"][..], &["c@sub.example.com", "d@example.com"][..]),
        (&["--limit", "0"], &[]),
        (&["--address", "B@Example.com"], &["b@example.com"]),
        (&["--domain", "EXAMPLE.com"], &["a@example.com", "b@example.com", "d@example.com"]),
        (&["--domain", "example.com", "--kind", "hard_bounce", "--limit", "1"], &["b@example.com"]),
        (&["--kind", "complaint"], &["c@sub.example.com"]),
        (&["--kind", "delivery"], &["d@example.com"]),
        (&["--reason", "abuse"], &["c@sub.example.com"]),
        (&["--source", "dsn"], &[]),
        (&["--action", "recorded"], &["d@example.com"]),
        (&["--stream", "news"], &["d@example.com"]),
        (&["--since", "2026-11-23"], &["c@sub.example.com", "d@example.com"]),
        (&["--since", "2026-11-23T08:00:01Z"], &["d@example.com"]),
        (&["--since", "1s"], &[]),
    ] {
        assert_eq!(addresses(&shown(args)), found, "{args:?}");
    }
    let objects: Vec<Value> = shown(&["--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((objects.len(), &objects[3]["stream"], &objects[0]["number"]), (4, &"news".into(), &2.into()));
    for wrong in [["--since", "soon"], ["--kind", "bounce"], ["--domain", "no domain"], ["--address", "\u{1b}[2J"]] {
        let ran = home.run(&["events", wrong[0], wrong[1]]);
        assert_eq!((ran.status, ran.out.as_str(), ran.err.lines().count()), (Some(2), "", 1), "{ran:?}");
        assert!(!ran.err.contains('\u{1b}'));
    }
}

/// `suppressd events --follow`, with its lines as they come.
fn follow(home: &Home, args: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = home.command(&[&["events", "--follow"], args].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

#[test]
fn followed_events_come_as_anybody_commits_them_and_sigint_ends_it_cleanly() {
    let home = home();
    home.ok(&["add", "old@example.com"]);
    let (mut child, mut lines) = follow(&home, &["--limit", "1", "--domain", "example.com"]);
    let mut next = || lines.next().unwrap().unwrap();
    assert_eq!(addresses(&next()), ["old@example.com"]);
    home.ok(&["add", "elsewhere@example.net", "cli@example.com"]);
    assert_eq!(addresses(&next()), ["cli@example.com"]);
    home.sql("INSERT INTO suppression (address) VALUES ('sql@example.com'); DELETE FROM suppression WHERE address = 'sql@example.com'");
    assert_eq!(addresses(&next()), ["sql@example.com"]);
    // Reported late: it happened before everything that was shown.
    Row { address: "late@example.com", at: "2020-01-01T00:00:00Z", ..ROW }.insert(&home);
    assert_eq!(addresses(&next()), ["late@example.com"]);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    assert_eq!(wait(&mut child).code(), Some(0));
    assert_eq!(read_all(child.stderr.take().unwrap()), "");
    assert!(lines.next().is_none());
}

#[test]
fn following_ends_when_nobody_reads_any_more_even_if_nothing_happens() {
    let home = home();
    home.ok(&["add", "old@example.com"]);
    let (mut child, mut lines) = follow(&home, &[]);
    lines.next().unwrap().unwrap();
    drop(lines);
    assert_eq!(wait(&mut child).code(), Some(0));
    assert_eq!(read_all(child.stderr.take().unwrap()), "");
}

// stats

#[test]
fn stats_count_by_day_reason_source_and_domain_and_judge_each_sender() {
    let home = home();
    let at = &format!("{}T00:00:00Z", today());
    for n in 0..30 {
        Row { at, address: &format!("u{n}@big.example"), kind: "delivery", reason: "undefined", ..ROW }.insert(&home);
    }
    Row { at, address: "x@big.example", ..ROW }.insert(&home);
    Row { at, address: "x@small.example", ..ROW }.insert(&home);
    Row { at, address: "y@small.example", kind: "complaint", reason: "abuse", ..ROW }.insert(&home);
    Row { at, address: "z@small.example", sender: "a@silent.example", ..ROW }.insert(&home);
    Row { at, address: "forged@small.example", origin: "unproved", sender: "a@forged.example", ..ROW }.insert(&home);
    Row { at: "2020-01-01T00:00:00Z", address: "old@old.example", ..ROW }.insert(&home);
    home.sql(&format!(
        "INSERT INTO refusal VALUES ('x@big.example', '{0}', 5, '{at}'), ('y@big.example', '{0}', 2, '{at}'), \
           ('y@big.example', '2020-01-01', 9, '2020-01-01T00:00:00Z')",
        today()
    ));
    home.sql("INSERT INTO suppression (address, kind) VALUES ('a@b.example', 'complaint'), ('c@b.example', 'added'), ('d@b.example', 'added')");
    home.sql("UPDATE suppression SET until = '2020-01-01T00:00:00Z' WHERE address = 'd@b.example'");
    home.sql(&format!("INSERT INTO allow (address, until) VALUES ('a@b.example', '{FUTURE}')"));
    let stats = home.ok(&["stats"]);
    has(
        &stats,
        &[
            "hard bounce, userunknown                       3\n",
            "complaint, abuse                               1\n",
            "sources: ses 34\n",
            "not counted: 1 reports that nothing proves",
            "refused 7 times: up to 7 messages to people on the list did not reach SES\n",
            "on the list now 2: 1 added, 1 complaint; 1 allow entries\n",
            "example.org                           30  2 (6.25 %): review              1 (3.333 %): pause risk\n",
            "silent.example                         0  1 (no rate)                     1".trim_end_matches('1'),
            "no rate: no delivery is known",
        ],
    );
    let json = json(&home, &["stats", "--json"]);
    let day = &json["days"][0];
    assert_eq!(json["days"].as_array().unwrap().len(), 1);
    for (name, count) in [("hard_bounces", 3), ("complaints", 1), ("deliveries", 30), ("refused", 7)] {
        assert_eq!(day[name], count, "{name}");
    }
    assert_eq!(
        (&json["domains"][0]["domain"], &json["domains"][0]["hard_bounces"]),
        (&"small.example".into(), &2.into())
    );
    assert_eq!(json["standing"][0]["bounces"]["verdict"], "review");
    assert_eq!((&json["standing"][1]["bounces"], json["standing"].as_array().unwrap().len()), (&Value::Null, 2));
    assert!(!stats.contains("forged.example") && !stats.contains("old.example"), "{stats}");
    has(&home.ok(&["stats", "--days", "36500"]), &["2020-01-01         1 ", "old.example "]);
    assert_eq!(home.ok(&["stats", "--top", "1"]).matches(".example ").count(), 1);
}

#[test]
fn stats_of_an_empty_database_say_that_nothing_happened() {
    has(&home().ok(&["stats"]), &["\nnothing was reported or refused\n", "open incidents 0\n"]);
}

#[test]
fn counts_that_triggers_keep_are_those_of_the_rows() {
    let home = home();
    home.sql(
        "INSERT INTO suppression (address, kind) VALUES ('a@b.example', 'complaint'), ('c@b.example', 'added'); \
         INSERT OR IGNORE INTO suppression (address) VALUES ('A@b.example'); \
         INSERT INTO suppression (address) VALUES ('a@b.example') ON CONFLICT DO UPDATE SET kind = 'hard_bounce'; \
         INSERT INTO suppression (address, stream) VALUES ('a@b.example', 'news'); \
         UPDATE suppression SET kind = 'unsubscribe' WHERE stream = 'news'; \
         DELETE FROM suppression WHERE address = 'c@b.example'",
    );
    home.ok(&["add", "d@b.example", "e@b.example"]);
    home.ok(&["remove", "e@b.example"]);
    let kept = "SELECT group_concat(kind || ' ' || entries, ', ') FROM suppression_total WHERE entries <> 0";
    let counted =
        "SELECT group_concat(kind || ' ' || n, ', ') FROM (SELECT kind, count(*) AS n FROM suppression GROUP BY kind)";
    assert_eq!(home.select(kept), home.select(counted));
    assert_eq!(home.select(kept), "added 1, hard_bounce 1, unsubscribe 1");
}

#[test]
fn hostile_text_in_the_database_is_harmless_in_events_and_stats() {
    let home = home();
    let x = HOSTILE;
    home.sql(&format!(
        "INSERT INTO event (id, received, at, address, reported, kind, reason, side, status, diagnostic, source, origin, \
             reporting_mta, remote_mta, sender, message_id, provider_id, queue_id, channel, rule, action, decision, stream) \
           VALUES ('1', '{x}', '2999{x}', '{x}@{x}', '{x}', '{x}', '{x}', '{x}', '{x}', '{x}', '{x}', '{x}', \
             '{x}', '{x}', 'a@{x}', '{x}', '{x}', '{x}', '{x}', '{x}', '{x}', '{x}', '{x}'); \
         INSERT INTO daily VALUES ('{0}', 'hard_bounce', '{x}', '{x}', '{x}', '{x}', '{x}', '{x}', 1); \
         INSERT INTO daily_domain VALUES ('{0}', '{x}', '{x}', 1); \
         INSERT INTO suppression_total VALUES ('{x}', 1); \
         INSERT INTO refusal VALUES ('{x}', '{0}', 1, '{x}')",
        today()
    ));
    for args in [&["events"][..], &["events", "--json"], &["stats"], &["stats", "--json"]] {
        let ran = home.run(args);
        assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{args:?}");
        let bad = ran.out.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(bad, None, "{args:?}: {:?}", ran.out);
        assert!(ran.out.contains("forged") && !ran.out.contains("\nforged"), "{args:?}: {}", ran.out);
    }
}
