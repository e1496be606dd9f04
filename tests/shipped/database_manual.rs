//! suppressd.db(5) names every table, column, view, word and constraint, and each of its statements runs.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use suppressd::address::Address;
use suppressd::event::{Door, Why};
use suppressd::event::{Event, EventId, Evidence, Kind, Origin, Reason, Side, Source};
use suppressd::policy::Rules;
use suppressd::status::EnhancedStatus;
use suppressd::store::{Change, Key, Quarantined, Store, Submission, TopicChange};

use super::read;

const PAGE: &str = "man/suppressd.db.5";
const WAIT: Duration = Duration::from_secs(1);

/// A database in which each query of the page has something to find.
fn filled(path: &Path) -> Connection {
    let now = Timestamp::now();
    let mut store = Store::open(path, WAIT).unwrap();
    let soft = event("carol@example.com", Kind::SoftBounce, Reason::MailboxFull);
    let mut own = event("dave@example.com", Kind::SoftBounce, Reason::SpamDetected);
    own.evidence.side = Side::Sender;
    let mut ses = event("Erin@example.com", Kind::HardBounce, Reason::Suppressed);
    ses.source = Source::Ses;
    ses.evidence.channel = Some("arn:aws:sns:eu-west-1:123456789012:ses-feedback".into());
    let delivery = event("gina@example.com", Kind::Delivery, Reason::Undefined);
    let complaint = event("hugo@example.com", Kind::Complaint, Reason::Abuse);
    let submission = Submission {
        events: vec![
            event("alice@example.com", Kind::HardBounce, Reason::UserUnknown),
            soft,
            own,
            ses,
            delivery,
            complaint,
        ],
        quarantined: vec![Quarantined {
            id: "1".into(),
            door: Door::Pipe,
            why: Why::Untrusted,
            detail: "a report, and nothing proves where it comes from".into(),
            origin: Origin::Unproved,
            envelope: Some("{}".into()),
            content: b"Subject: Undelivered".to_vec(),
        }],
        topic: Some(TopicChange::Confirmed { arn: "arn:aws:sns:eu-west-1:123456789012:ses-feedback".into() }),
        refusals: vec![("alice@example.com".into(), 3)],
    };
    store.submit(&submission, &Rules::default(), now).unwrap();
    let until = now.checked_add(SignedDuration::from_hours(48)).ok();
    let change = Change { who: "root".into(), note: Some("asked by phone".into()), until, ..Change::default() };
    store.add(&Key::parse("frank@example.com").unwrap(), &change, now).unwrap();
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(BY_HAND).unwrap();
    connection
}

/// An incident with a member, and an allow entry.
const BY_HAND: &str = "
    INSERT INTO incident (number, fingerprint, place, first, last)
      VALUES (1, 'f', 'example.com', '2026-11-21T08:00:00Z', '2026-11-21T09:00:00Z');
    UPDATE event SET incident = 1 WHERE address = 'dave@example.com';
    INSERT INTO allow (address, until, note) VALUES ('ida@example.com', '2999-01-01T00:00:00Z', 'moved');";

fn event(address: &str, kind: Kind, reason: Reason) -> Event {
    Event {
        id: EventId(format!("{address}:{kind}")),
        kind,
        at: Timestamp::now(),
        recipient: Address::parse(address).unwrap(),
        reported: address.into(),
        source: Source::Dsn,
        origin: Origin::Local,
        evidence: Evidence {
            reason,
            side: Side::Recipient,
            status: EnhancedStatus::parse("5.1.1"),
            diagnostic: Some("550 5.1.1 no such user".into()),
            sender: Some("shop@example.org".into()),
            queue_id: Some("4Wq1Yx2Zz3".into()),
            ..Evidence::default()
        },
    }
}

/// The text between a heading and the next one of the same or a higher rank.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let end = ["\n.Sh ", "\n.Ss "].iter().filter_map(|next| rest.find(next)).min().unwrap_or(rest.len());
    &rest[..end]
}

fn column(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// What a person sees and copies: escapes undone.
fn plain(text: &str) -> String {
    text.replace("\\(aq", "'").replace("\\(dq", "\"").replace("\\e", "\\")
}

/// The statements of EXAMPLES, one block each.
fn examples(page: &str) -> Vec<String> {
    let (_, examples) = page.split_once(".Sh EXAMPLES\n").unwrap();
    let blocks = examples.split(".Bd -literal -offset indent\n").skip(1);
    blocks.map(|block| plain(block.split_once(".Ed").unwrap().0)).collect()
}

#[test]
fn every_table_and_view_has_a_section_with_exactly_its_columns() {
    let dir = tempfile::tempdir().unwrap();
    let connection = filled(&dir.path().join("t.db"));
    let page = read(PAGE);
    let mut sections = 0;
    for kind in ["table", "view"] {
        let sql = format!("SELECT name FROM sqlite_schema WHERE type = '{kind}' AND name NOT LIKE 'sqlite_%'");
        for name in column(&connection, &sql) {
            let title = format!(".Ss {}{} {name}", kind[..1].to_uppercase(), &kind[1..]);
            let documented: Vec<_> =
                section(&page, &title).lines().filter_map(|line| line.strip_prefix(".It Va ")).collect();
            assert_eq!(documented, column(&connection, &format!("SELECT name FROM pragma_table_xinfo('{name}')")));
            sections += 1;
        }
    }
    assert_eq!(page.matches("\n.Ss Table ").count() + page.matches("\n.Ss View ").count(), sections);
}

#[test]
fn every_word_is_listed_and_no_other() {
    let page = read(PAGE);
    let words = section(&page, ".Sh WORDS");
    let listed = |name: &str| {
        let rest = words.split_once(&format!(".It Va {name}\n")).unwrap().1;
        let item = rest.split("\n.It").next().unwrap().split("\n.El").next().unwrap();
        item.split_whitespace().filter(|w| ![".Li", ",", "."].contains(w)).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(listed("kind"), Kind::ALL.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(listed("reason"), Reason::ALL.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(listed("source"), Source::ALL.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(listed("origin"), Origin::ALL.iter().map(ToString::to_string).collect::<Vec<_>>());
}

#[test]
fn every_constraint_is_listed_in_its_own_words() {
    let dir = tempfile::tempdir().unwrap();
    let connection = filled(&dir.path().join("t.db"));
    let page = read(PAGE);
    let schema = column(&connection, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").join("\n");
    let named: Vec<_> = schema.split("CONSTRAINT \"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(named.len() >= 10);
    for sentence in named {
        assert!(page.contains(&format!(".It\n{sentence}\n")), "{sentence}");
    }
}

#[test]
fn every_trigger_is_listed_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let connection = filled(&dir.path().join("t.db"));
    let page = read(PAGE);
    let items = section(&page, ".Sh TRIGGERS").lines().filter_map(|line| line.strip_prefix(".It Va "));
    let mut listed: Vec<_> = items.flat_map(|item| item.split(" , ")).map(str::to_owned).collect();
    listed.sort();
    assert_eq!(listed, column(&connection, "SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name"));
}

/// Nonsense by hand, and what sqlite3 says about it.
#[test]
fn constraints_refuse_nonsense_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let connection = filled(&dir.path().join("t.db"));
    for (sql, sentence) in [
        ("suppression (address) VALUES ('bob')", "address must be user@domain, @domain for"),
        ("suppression (address) VALUES ('bob@')", "address must be user@domain, @domain for"),
        ("suppression (address) VALUES ('bob@.example.com')", "address must be user@domain, @domain for"),
        ("suppression (address) VALUES ('@..example.com')", "address must be user@domain, @domain for"),
        ("suppression (address) VALUES (' bob@example.com')", "address must not have spaces around it"),
        ("suppression (address) VALUES ('bob@example.com' || char(10))", "address must not have spaces around it or"),
        ("suppression (address) VALUES ('bob@bücher.example')", "domain must be in its ASCII form"),
        ("suppression (address) VALUES ('bob@example.com.')", "domain must be in its ASCII form"),
        ("suppression (address, stream) VALUES ('bob@example.com', 'News')", "stream must be small letters"),
        ("suppression (address, kind) VALUES ('bob@example.com', 'bounce')", "kind must be hard_bounce, soft_bounce"),
        ("suppression (address, status) VALUES ('bob@example.com', '550')", "status must be like 5.1.1"),
        ("suppression (address, since) VALUES ('bob@example.com', '2026-11-21')", "since must be like 2026-11-21T"),
        ("suppression (address, until) VALUES ('bob@example.com', 'soon')", "until must be like 2026-11-21T"),
        ("suppression (address, until) VALUES ('bob@example.com', '2026-02-30T00:00:00Z')", "until must be like 2026-"),
        ("suppression (address, step) VALUES ('bob@example.com', -1)", "step must be 0 or more"),
        (
            "suppression (address, step) VALUES ('bob@example.com', 'twice')",
            "cannot store TEXT value in INTEGER column",
        ),
        ("allow (address) VALUES ('bob@example.com')", "allow.until"),
        ("allow (address, until) VALUES ('bob', '2999-01-01T00:00:00Z')", "address must be user@domain, @domain for"),
        ("allow (address, until) VALUES ('bob@example.com', 'soon')", "until must be like 2026-11-21T"),
        ("incident (fingerprint, place, first, last, state) VALUES ('', '', '', '', 'x')", "state must be open"),
        ("topic (arn, state) VALUES ('arn:aws:sns:eu-west-1:123456789012:x', 'maybe')", "state IN ('allowed'"),
    ] {
        let error = connection.execute(&format!("INSERT INTO {sql}"), []).unwrap_err().to_string();
        assert!(error.contains(sentence), "{sql}: {error}");
    }
}

#[test]
fn the_view_of_the_list_leaves_out_whom_an_allow_entry_lets_pass() {
    let dir = tempfile::tempdir().unwrap();
    let connection = Connection::open(dir.path().join("t.db")).unwrap();
    Store::open(&dir.path().join("t.db"), WAIT).unwrap();
    for (allow, left) in [
        ("bob@example.com", "@example.com,ann@sub.example.com,bob@badexample.com"),
        ("BOB@Example.com", "@example.com,ann@sub.example.com,bob@badexample.com"),
        ("@Example.com", "ann@sub.example.com,bob@badexample.com"),
        ("@.example.com", "@example.com,bob@badexample.com,bob@example.com"),
        ("@.com", "-"),
    ] {
        let sql = format!(
            "DELETE FROM allow; INSERT OR IGNORE INTO suppression (address) VALUES ('bob@example.com'), \
               ('@example.com'), ('ann@sub.example.com'), ('bob@badexample.com'); \
             INSERT INTO allow (address, until) VALUES ('{allow}', '2999-01-01T00:00:00Z')"
        );
        connection.execute_batch(&sql).unwrap();
        let sql = "SELECT coalesce(group_concat(address), '-') FROM (SELECT address FROM suppressed ORDER BY address)";
        assert_eq!(column(&connection, sql), [left], "{allow}");
        connection.execute_batch("UPDATE allow SET until = '2020-01-01T00:00:00Z'").unwrap();
        assert_eq!(column(&connection, "SELECT CAST(count(*) AS TEXT) FROM suppressed"), ["4"]);
    }
}

#[test]
fn the_marks_of_the_file_are_those_of_the_page() {
    let dir = tempfile::tempdir().unwrap();
    let connection = filled(&dir.path().join("t.db"));
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    let page = read(PAGE);
    let id = pragma("application_id");
    assert!(page.contains(&format!("is {id} ({id:#x})")), "{id} ({id:#x})");
    assert!(page.contains(&format!(".Li PRAGMA user_version ,\n{} on this page", pragma("user_version"))));
}

#[test]
fn every_query_runs_and_finds_something() {
    let dir = tempfile::tempdir().unwrap();
    let connection = filled(&dir.path().join("t.db"));
    let queries: Vec<_> = examples(&read(PAGE)).into_iter().filter(|text| text.starts_with("SELECT")).collect();
    assert!(queries.len() >= 20, "{}", queries.len());
    for query in queries {
        let mut statement = connection.prepare(&query).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert!(statement.exists([]).unwrap(), "finds nothing: {query}");
    }
}

#[test]
fn every_statement_that_writes_runs() {
    let dir = tempfile::tempdir().unwrap();
    let connection = filled(&dir.path().join("t.db"));
    let writes: Vec<_> = examples(&read(PAGE)).into_iter().filter(|text| !text.starts_with("SELECT")).collect();
    assert_eq!(writes.len(), 4);
    for sql in writes {
        connection.execute_batch(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let left = column(&connection, "SELECT address FROM suppression ORDER BY address");
    assert!(left.contains(&"@example.net".to_owned()) && !left.contains(&"bob@example.com".to_owned()), "{left:?}");
}

#[test]
fn an_address_alone_is_enough_and_its_entry_is_like_the_command_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.db");
    let connection = filled(&path);
    connection.execute_batch("INSERT INTO suppression (address) VALUES ('bob@example.com')").unwrap();
    let store = Store::open(&path, WAIT).unwrap();
    let entry = store.find(&Address::parse("bob@example.com").unwrap(), Timestamp::now()).unwrap().unwrap();
    assert_eq!((entry.kind.as_str(), entry.reason.as_str(), entry.until), ("added", "manual", None));
    connection.execute_batch("DELETE FROM suppression WHERE address = 'BOB@Example.com'").unwrap();
    assert_eq!(store.find(&Address::parse("bob@example.com").unwrap(), Timestamp::now()), Ok(None));
}
