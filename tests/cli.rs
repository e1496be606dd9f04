//! The command line from the outside: what each verb prints and how it exits, and that nobody's text does harm there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(dead_code, missing_docs, unreachable_pub)]

#[path = "support/process.rs"]
mod process;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use process::{Home, Ran, wait};
use serde_json::Value;

/// A hand-written text that takes over a terminal, in both its forms, and turns text around.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\r\nforged";

/// Exit status 2 and one sentence on stderr.
#[track_caller]
fn refused(ran: &Ran, sentence: &str) {
    assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{ran:?}");
    assert_eq!(ran.err, format!("suppressd: {sentence}\n"));
}

#[track_caller]
fn harmless(text: &str) {
    let bad = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
    assert_eq!(bad, None, "{text:?}");
}

// why, add, remove

#[test]
fn why_exits_0_for_a_suppressed_address_and_1_for_another() {
    let home = Home::new();
    home.ok(&["add", "--note", "asked us to", "Bob@Example.COM"]);
    let why = home.run(&["why", "bob@EXAMPLE.com"]);
    assert_eq!((why.status, why.err.as_str()), (Some(0), ""));
    for part in ["bob@example.com is suppressed since 20", "  note: asked us to", "suppressd remove 'bob@example.com'"]
    {
        assert!(why.out.contains(part), "{}", why.out);
    }
    let why = home.run(&["why", "alice@example.com"]);
    assert_eq!((why.status, why.err.as_str()), (Some(1), ""));
    assert_eq!(why.out, "alice@example.com is not suppressed\n");
    let json: Value = serde_json::from_str(&home.run(&["why", "--json", "bob@example.com"]).out).unwrap();
    assert_eq!((&json["suppressed"], &json["entries"][0]["note"]), (&Value::Bool(true), &"asked us to".into()));
    let json: Value = serde_json::from_str(&home.run(&["why", "--json", "alice@example.com"]).out).unwrap();
    assert_eq!((&json["suppressed"], &json["entries"]), (&Value::Bool(false), &serde_json::json!([])));
}

#[test]
fn every_change_leaves_a_trace_of_who_and_why() {
    let home = Home::new();
    let sudo = |args: &[&str]| process::finish(home.command(args).env("SUDO_USER", "carol"), b"");
    assert_eq!(sudo(&["add", "--note", "typo trap", "bob@example.com"]).out, "bob@example.com added\n");
    assert_eq!(sudo(&["add", "--note", "again", "bob@example.com"]).out, "bob@example.com changed\n");
    let removed = sudo(&["remove", "--note", "he called", "bob@example.com"]);
    assert!(removed.out.starts_with("bob@example.com removed (added since 20"), "{}", removed.out);
    assert_eq!(removed.status, Some(0));
    let removed = sudo(&["remove", "bob@example.com"]);
    assert_eq!((removed.status, removed.out.as_str()), (Some(1), "bob@example.com is not on the list\n"));
    let traces = "SELECT group_concat(kind || ' ' || sender || ' ' || diagnostic, '; ') FROM event";
    assert_eq!(home.select(traces), "added carol typo trap; added carol again; removed carol he called");
    let why = home.run(&["why", "bob@example.com"]).out;
    assert!(why.contains("he called") && why.contains("carol"), "{why}");
}

#[test]
fn add_takes_domains_and_an_end_and_all_or_nothing() {
    let home = Home::new();
    assert!(home.ok(&["add", "--for", "30d", "bob@example.com"]).starts_with("bob@example.com added until 20"));
    assert_eq!(home.ok(&["add", "@Dead.Example."]), "@dead.example added\n");
    assert!(home.run(&["why", "anybody@dead.example"]).out.contains("(entry @dead.example)"));
    let wrong = home.run(&["add", "carol@example.com", "not an address"]);
    assert!(wrong.err.ends_with("; nothing was changed\n"), "{}", wrong.err);
    assert_eq!((wrong.status, wrong.err.lines().count()), (Some(2), 1));
    for command in ["add", "allow"] {
        let wrong = home.run(&[command, "dan@example.com", "*@Example.org"]);
        assert_eq!(wrong.status, Some(2), "{wrong:?}");
        assert!(wrong.err.ends_with("; write @Example.org for a whole domain; nothing was changed\n"), "{}", wrong.err);
    }
    assert_eq!(home.select("SELECT count(*) FROM suppression"), "2");
    assert_eq!(home.ok(&["add", "\"*\"@example.org"]), "*@example.org added\n");
    assert_eq!(home.run(&["remove", "*@example.org"]).status, Some(0));
}

#[test]
fn releasing_what_ses_itself_suppresses_prints_the_command_with_the_exact_case() {
    let home = Home::new();
    home.ok(&["list"]);
    home.sql(
        "INSERT INTO event (id, received, at, address, reported, kind, reason, side, source, origin, action, decision) \
           VALUES ('1', '2026-11-21T08:00:00Z', '2026-11-21T08:00:00Z', 'o''neil@example.com', 'O''Neil@example.com', \
                   'hard_bounce', 'suppressed', 'recipient', 'ses', 'sns-signature', 'suppressed', 'hard bounce'); \
         INSERT INTO suppression (address, kind, reason, source, event) \
           VALUES ('o''neil@example.com', 'hard_bounce', 'suppressed', 'ses', 1)",
    );
    let command = "  aws sesv2 delete-suppressed-destination --email-address 'O'\\''Neil@example.com'\n";
    assert!(home.ok(&["why", "o'neil@example.com"]).ends_with(command));
    let removed = home.ok(&["remove", "o'neil@example.com"]);
    assert!(removed.starts_with("o'neil@example.com removed (hard bounce since "), "{removed}");
    assert!(removed.ends_with(command), "{removed}");
}

// list

#[test]
fn list_is_a_table_json_or_csv() {
    let home = Home::new();
    assert_eq!(home.ok(&["list"]), "");
    home.ok(&["add", "--note", "says \"no\", twice", "bob@example.com"]);
    home.ok(&["add", "alice@other.example"]);
    home.sql("INSERT INTO suppression (address, kind, until) VALUES ('old@example.com', 'soft_bounce', '2020-01-01T00:00:00Z')");
    let table = home.ok(&["list"]);
    assert_eq!(table.lines().count(), 2, "{table}");
    let json = home.ok(&["list", "--json"]);
    let entries: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (&entries[0]["address"], &entries[1]["address"]),
        (&"alice@other.example".into(), &"bob@example.com".into())
    );
    let csv = home.ok(&["list", "--csv", "--domain", "EXAMPLE.com"]);
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines[0], "address,stream,kind,reason,status,since,until,source,note");
    assert!(
        lines[1].starts_with("bob@example.com,,added,manual,,20")
            && lines[1].ends_with(",,manual,\"says \"\"no\"\", twice\"")
    );
    assert_eq!(lines.len(), 2);
    assert!(home.ok(&["list", "--expired", "--kind", "soft_bounce"]).starts_with("old@example.com "));
}

#[test]
fn an_entry_for_all_mail_is_none_of_a_stream_and_removing_by_stream_says_so() {
    let home = Home::new();
    home.ok(&["add", "bob@example.com"]);
    home.ok(&["add", "--stream", "news", "eve@example.com"]);
    let listed = home.ok(&["list", "--stream", "news"]);
    assert!(listed.starts_with("eve@example.com ") && listed.lines().count() == 1, "{listed}");
    let removed = home.run(&["remove", "--stream", "news", "bob@example.com", "carol@example.com", "eve@example.com"]);
    assert_eq!(removed.status, Some(1));
    let told = "bob@example.com has no entry of stream news; one for all mail refuses it, see suppressd why\n\
                carol@example.com is not on the list\neve@example.com removed (added since ";
    assert!(removed.out.starts_with(told), "{}", removed.out);
}

#[test]
fn what_a_spreadsheet_would_take_for_a_formula_is_guarded_but_not_an_address() {
    let home = Home::new();
    home.ok(&["add", "--note", "=HYPERLINK(A1&\"@\")", "=bob@example.com"]);
    for form in [["list", "--csv"], ["export", "--format=csv"]] {
        let csv = home.ok(&form);
        let line = csv.lines().last().unwrap();
        assert!(line.starts_with("=bob@example.com,") && line.ends_with(",\"'=HYPERLINK(A1&\"\"@\"\")\""), "{line}");
    }
}

#[test]
fn a_reader_that_has_had_enough_ends_list_without_a_word() {
    let home = Home::new();
    home.ok(&["list"]);
    home.sql(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) \
         INSERT INTO suppression (address) SELECT 'user' || i || '@example.com' FROM n",
    );
    for form in [&["list"][..], &["list", "--json"], &["list", "--csv"]] {
        let mut child = home.command(form).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut String::new()).unwrap();
        drop(out); // as head(1) does
        assert_eq!(wait(&mut child).code(), Some(0), "{form:?}");
        assert_eq!(process::read_all(child.stderr.take().unwrap()), "");
    }
}

// topics, quarantine, config

#[test]
fn topics_takes_only_arns() {
    let home = Home::new();
    let arn = "arn:aws:sns:us-east-1:123456789012:ses-events";
    assert_eq!(home.ok(&["topics"]), "");
    let allowed = home.ok(&["topics", "allow", arn]);
    assert!(allowed.starts_with(&format!("{arn} allowed\nno subscription of it waits for confirmation;")), "{allowed}");
    let json: Value = serde_json::from_str(&home.ok(&["topics", "--json"])).unwrap();
    assert_eq!((&json["arn"], &json["state"]), (&arn.into(), &"allowed".into()));
    assert_eq!(home.ok(&["topics", "deny", arn]), format!("{arn} denied\n"));
    for verb in ["allow", "deny"] {
        refused(&home.run(&["topics", verb, "ses-events"]), "\"ses-events\" is not an SNS topic's ARN");
    }
    assert_eq!(home.select("SELECT count(*) FROM topic"), "1");
}

#[test]
fn quarantine_is_shown_as_it_came_in_and_dropped() {
    let home = Home::new();
    assert_eq!(home.ok(&["quarantine"]), "");
    let mail = b"garbage \xff\x00\x1b[2J\n";
    assert_eq!(home.run_with(&["pipe"], mail).status, Some(0));
    let listed = home.ok(&["quarantine"]);
    assert!(listed.trim_start().starts_with("1 20") && listed.contains(" pipe "), "{listed}");
    let json: Value = serde_json::from_str(&home.ok(&["quarantine", "--json"])).unwrap();
    assert_eq!((&json["number"], &json["size"]), (&1.into(), &mail.len().into()));
    let shown = home.command(&["quarantine", "show", "1"]).output().unwrap();
    assert_eq!(shown.stdout, mail, "a file gets what came in");
    for what in ["show", "replay"] {
        let ran = home.run(&["quarantine", what, "7"]);
        assert_eq!((ran.status, ran.err.as_str()), (Some(1), "suppressd: quarantine has no number 7\n"));
    }
    assert_eq!(home.ok(&["quarantine", "drop", "1"]), "1 dropped\n");
    let again = home.run(&["quarantine", "drop", "1"]);
    assert_eq!((again.status, again.out.as_str()), (Some(1), "1 is not there\n"));
}

#[test]
fn config_shows_checks_and_gives_a_sample_that_is_valid() {
    let mut home = Home::new();
    home.set("lookup.mode", "\"warn\"");
    assert!(home.ok(&["config", "check"]).ends_with("suppressd.toml: no errors\n"));
    let shown = home.ok(&["config", "show"]);
    assert!(shown.contains("\nmode = \"warn\"\n") && shown.contains("\non-error = \"defer\"  # default\n"), "{shown}");
    let sample = home.ok(&["config", "default"]);
    home.write_config(&sample);
    assert!(home.ok(&["config", "check"]).ends_with("suppressd.toml: no errors\n"));
    home.write_config("lookup.mode = \"dry\"\nnonsense = 1\n");
    for args in [&["config", "check"][..], &["config", "show"], &["list"], &["why", "a@b.example"], &["topics"]] {
        let ran = home.run(args);
        assert_eq!((ran.status, ran.out.as_str(), ran.err.lines().count()), (Some(78), "", 2), "{ran:?}");
        assert!(
            ran.err.contains("suppressd.toml:1: lookup.mode: \"dry\" is not one of the choices; write \"enforce\"")
        );
        assert!(ran.err.contains("suppressd.toml:2: nonsense: no such setting"));
    }
    std::fs::remove_file(home.path("suppressd.toml")).unwrap();
    let ran = home.run(&["list"]);
    assert_eq!(ran.status, Some(78));
    assert!(ran.err.ends_with("; name another with --config\n"), "{}", ran.err);
}

// Wrong usage, trouble, hostile text

#[test]
fn wrong_usage_is_one_sentence_on_stderr() {
    let home = Home::new();
    for args in [
        &["why"][..],
        &["why", "a@b.example", "c@d.example"],
        &["nonsense"],
        &["list", "--nonsense"],
        &["list", "--kind", "nonsense"],
        &["list", "--json", "--csv"],
        &["add", "--for", "soon", "a@b.example"],
        &["quarantine", "show", "first"],
        &["config"],
        &["why", "not an address"],
        &["list", "--domain", "not a domain"],
        &["--nonsense\u{1b}[2J"],
        &["why", "\u{1b}[2J@example.com"],
        &["list", "--kind", "\u{1b}[2J"],
        &["topics", "allow", "\u{1b}[2J"],
        &["topics", "deny", "\u{1b}[2J"],
    ] {
        let ran = home.run(args);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{args:?}: {ran:?}");
        assert!(ran.err.starts_with("suppressd: ") && ran.err.lines().count() == 1, "{args:?}: {}", ran.err);
        harmless(&ran.err);
    }
}

#[test]
fn help_is_no_error() {
    let home = Home::new();
    for args in [&["--help"][..], &["list", "--help"], &["pipe", "--help"], &["--version"]] {
        let ran = home.run(args);
        assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{args:?}");
        assert!(!ran.out.is_empty());
    }
}

#[test]
fn a_database_that_is_not_ours_is_one_sentence() {
    let home = Home::new();
    std::fs::write(home.path("suppressd.db"), "not a database at all, just some text that is long enough").unwrap();
    for args in [&["list"][..], &["why", "a@b.example"], &["add", "a@b.example"], &["topics"], &["quarantine"]] {
        let ran = home.run(args);
        assert_eq!((ran.status, ran.out.as_str(), ran.err.lines().count()), (Some(2), "", 1), "{ran:?}");
        assert!(ran.err.contains("suppressd.db: the database is damaged or not one of ours: "), "{}", ran.err);
    }
}

/// Every column that can hold any text, written by hand.
#[test]
fn hostile_text_in_the_database_never_reaches_the_terminal() {
    let home = Home::new();
    home.ok(&["list"]);
    let x = HOSTILE.replace('\'', "''");
    home.sql(&format!(
        "INSERT INTO suppression (address, kind, reason, source, note) \
           VALUES ('bob@example.com', 'hard_bounce', '{x}', '{x}', '{x}'), ('{y}@example.com', 'added', 'suppressed', '', ''); \
         INSERT INTO event (id, received, at, address, reported, kind, reason, side, status, diagnostic, source, origin, \
             reporting_mta, remote_mta, sender, message_id, provider_id, queue_id, channel, rule, action, decision) \
           VALUES ('1', '{x}', '{x}', 'bob@example.com', '{x}', '{x}', '{x}', '{x}', '{x}', '{x}', '{x}', '{x}', \
             '{x}', '{x}', '{x}', '{x}', '{x}', '{x}', '{x}', '{x}', '{x}', '{x}'); \
         INSERT INTO refusal VALUES ('bob@example.com', '{x}', 1, '{x}'); \
         INSERT INTO topic (arn, state, since, confirmed) VALUES ('{x}', 'allowed', '{x}', '{x}'); \
         INSERT INTO quarantine (id, received, door, why, detail, origin, content) \
           VALUES ('1', '{x}', '{x}', 'malformed', '{x}', '{x}', x'00')",
        // The table itself refuses the others in an address.
        y = "\u{9b}31m\u{202e}",
    ));
    for args in [
        &["why", "bob@example.com"][..],
        &["why", "--json", "bob@example.com"],
        &["why", "\u{9b}31m\u{202e}@example.com"],
        &["list"],
        &["list", "--json"],
        &["list", "--csv"],
        &["topics"],
        &["topics", "--json"],
        &["quarantine"],
        &["quarantine", "--json"],
        &["remove", "bob@example.com"],
        &["remove", "\u{9b}31m\u{202e}@example.com"],
    ] {
        let ran = home.run(args);
        harmless(&ran.out);
        harmless(&ran.err);
        assert!(!ran.out.contains("\nforged"), "{args:?}: a line of its own: {}", ran.out);
        assert!(!format!("{}{}", ran.out, ran.err).is_empty(), "{args:?}");
    }
}

#[test]
fn hostile_names_of_files_never_reach_the_terminal() {
    let home = Home::new();
    std::fs::create_dir(home.path("mails")).unwrap();
    std::fs::write(home.path("mails").join(HOSTILE), "garbage").unwrap();
    for args in [
        &["inspect", "mails"][..],
        &["inspect", "--json", "mails"],
        &["inspect", HOSTILE],
        &["inspect", "--json", HOSTILE],
    ] {
        let ran = home.run(args);
        assert_eq!(ran.status, Some(if args.contains(&HOSTILE) { 2 } else { 0 }), "{args:?}");
        harmless(&ran.out);
        harmless(&ran.err);
        assert!(!(ran.out + &ran.err).contains("\nforged"), "{args:?}: a line of its own");
    }
}

#[test]
fn what_inspect_can_not_read_is_told_and_the_rest_is_looked_at() {
    let home = Home::new();
    std::fs::write(home.path("mail"), "garbage").unwrap();
    let ran = home.run(&["inspect", "missing\u{1b}[2J", "mail"]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.err.starts_with("suppressd: missing?[2J: cannot be read: "), "{}", ran.err);
    assert!(ran.out.starts_with("mail: "), "{}", ran.out);
    let ran = home.run(&["inspect", "--json", "missing", "mail"]);
    assert_eq!((ran.status, ran.err.as_str(), ran.out.lines().count()), (Some(2), "", 1), "{}", ran.out);
}

/// A file gets what came in; a person gets what he can look at.
#[test]
fn quarantine_show_on_a_terminal_is_harmless() {
    let home = Home::new();
    home.run_with(&["pipe"], format!("garbage\n\tÜ{HOSTILE}\n").as_bytes());
    let program = format!("{} --config suppressd.toml quarantine show 1", process::SUPPRESSD);
    let mut script = std::process::Command::new("script");
    script.args(["-q", "-e", "-c", &program, "/dev/null"]).current_dir(home.path(""));
    let ran = process::finish(&mut script, b"");
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let shown = ran.out.replace("\r\n", "\n"); // the terminal's own
    assert!(shown.starts_with("garbage\n\tÜ?[2J?]0;owned?"), "{shown:?}");
    harmless(&shown.replace('\t', " "));
}

/// Whoever redirects a list into a file on a full disk must not take half of it for the whole.
#[test]
fn output_that_cannot_be_written_is_trouble() {
    let home = Home::new();
    home.ok(&["add", "bob@example.com"]);
    for args in
        [&["list"][..], &["list", "--csv"], &["list", "--json"], &["why", "bob@example.com"], &["config", "default"]]
    {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = home.command(args).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(err.starts_with("suppressd: cannot write the output: ") && err.lines().count() == 1, "{err}");
    }
}

#[test]
fn json_of_hostile_text_says_what_the_database_says() {
    let home = Home::new();
    home.ok(&["add", "bob@example.com"]);
    home.sql(&format!("UPDATE suppression SET note = '{HOSTILE}'"));
    let json: Value = serde_json::from_str(&home.ok(&["list", "--json"])).unwrap();
    assert_eq!(json["note"], HOSTILE);
}
