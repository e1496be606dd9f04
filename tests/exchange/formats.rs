//! Every format, from a sample as its tool documents it, and every writing of one.

use std::collections::BTreeSet;

use suppressd::exchange;

use super::process::Home;
use super::{LIST, import, imported, sample};

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
