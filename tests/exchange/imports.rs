//! What an import does to the list, and what it never does.

use suppressd::exchange::{self, Taken, Wishes};
use suppressd::store::{Fate, ImportRules, Store};

use super::process::{self, Home};
use super::{LIST, imported, sample};

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
fn importing_twice_is_importing_once() {
    let home = Home::new();
    home.ok(&["import", "--apply", &sample("postmark.json")]);
    let (list, events) = (home.select(LIST), home.select("SELECT count(*) FROM event"));
    assert!(home.ok(&["import", "--apply", &sample("postmark.json")]).contains("4 known\n"));
    assert_eq!((home.select(LIST), home.select("SELECT count(*) FROM event")), (list, events));
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
fn a_star_before_the_at_sign_is_left_out_and_told() {
    let home = Home::new();
    let out = imported(&home, &[], "bob@example.com\n*@example.net\n");
    let told = "1 skipped: a * before the @ means nobody; write @domain for a whole domain";
    assert!(out.contains(told), "{out}");
    assert_eq!(home.select("SELECT group_concat(address) FROM suppression"), "bob@example.com");
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
