use std::sync::Arc;

use super::*;
use crate::address::Address;
use crate::event::{Door, Event, EventId, Evidence, Kind, Origin, Reason, Side, Source, Why};

const WAIT: Duration = Duration::from_millis(100);

struct Bench {
    _dir: tempfile::TempDir,
    path: std::path::PathBuf,
    store: Store,
}

fn bench() -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("suppressd.db");
    let store = Store::open(&path, WAIT).unwrap();
    Bench { _dir: dir, path, store }
}

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn event(id: &str, kind: Kind, recipient: &str, at: &str) -> Event {
    Event {
        id: EventId(id.into()),
        kind,
        at: at.parse().unwrap(),
        recipient: address(recipient),
        reported: recipient.into(),
        source: Source::Ses,
        origin: Origin::SnsSignature,
        evidence: Evidence { reason: Reason::UserUnknown, side: Side::Recipient, ..Evidence::default() },
    }
}

fn hard(id: &str, recipient: &str) -> Submission {
    Submission { events: vec![event(id, Kind::HardBounce, recipient, "2026-11-21T11:00:00Z")], ..Submission::default() }
}

fn readers(bench: &Bench) -> Readers {
    Readers::open(bench.path.clone(), WAIT).unwrap()
}

fn count(bench: &Bench, sql: &str) -> i64 {
    Connection::open(&bench.path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_hard_bounce_is_found_by_the_next_lookup() {
    let mut bench = bench();
    let readers = readers(&bench);
    assert_eq!(readers.find(&address("bob@example.com"), "", now()), Ok(None));
    let receipt = bench.store.submit(&hard("1", "Bob@Example.com"), &Rules::default(), now()).unwrap();
    assert_eq!(receipt.events[0].action(), "suppressed");
    let found = readers.find(&address("bob@example.com"), "", now()).unwrap().unwrap();
    assert_eq!((found.kind.as_str(), found.reason.as_str()), ("hard_bounce", "userunknown"));
    assert_eq!(found.since, "2026-11-21T11:00:00Z");
}

#[test]
fn the_same_event_twice_is_one() {
    let mut bench = bench();
    for action in ["suppressed", "duplicate"] {
        let receipt = bench.store.submit(&hard("1", "bob@example.com"), &Rules::default(), now()).unwrap();
        assert_eq!(receipt.events[0].action(), action);
    }
    assert_eq!(count(&bench, "SELECT count(*) FROM event"), 1);
}

#[test]
fn soft_bounces_are_counted_over_messages_and_days() {
    let mut bench = bench();
    let mut soft = |id: &str, message: &str, day: u8| {
        let mut event = event(id, Kind::SoftBounce, "full@example.com", &format!("2026-11-{day}T08:00:00Z"));
        event.evidence.message_id = Some(message.into());
        let submission = Submission { events: vec![event], ..Submission::default() };
        bench.store.submit(&submission, &Rules::default(), now()).unwrap().events[0].action()
    };
    for (id, message, day) in [("1", "a", 17), ("2", "b", 18), ("3", "b", 19), ("4", "c", 19), ("5", "d", 20)] {
        assert_eq!(soft(id, message, day), "recorded", "{id}: a, b, c, d are four messages");
    }
    assert_eq!(soft("6", "e", 21), "suppressed");
    let entry = bench.store.find(&address("full@example.com"), now()).unwrap().unwrap();
    assert_eq!(entry.until.as_deref(), Some("2026-11-28T08:00:00Z"));
    let later = "2026-11-28T08:00:01Z".parse().unwrap();
    assert_eq!(bench.store.find(&address("full@example.com"), later), Ok(None));
}

#[test]
fn hand_written_sql_counts_at_the_next_lookup() {
    let bench = bench();
    let readers = readers(&bench);
    let by_hand = Connection::open(&bench.path).unwrap();
    by_hand.execute_batch("INSERT INTO suppression (address) VALUES ('Hand@Example.com')").unwrap();
    let entry = readers.find(&address("hand@example.com"), "", now()).unwrap().unwrap();
    assert_eq!((entry.kind.as_str(), entry.source.as_str()), ("added", "manual"));
    by_hand.execute_batch("DELETE FROM suppression WHERE address = 'hand@example.com'").unwrap();
    assert_eq!(readers.find(&address("hand@example.com"), "", now()), Ok(None));
}

#[test]
fn what_was_found_is_found_again_in_memory_until_anything_changes() {
    let bench = bench();
    let readers = readers(&bench);
    let by_hand = Connection::open(&bench.path).unwrap();
    let sql = |sql: &str| by_hand.execute_batch(sql).unwrap();
    let find = |who: &str, stream: &str, at: &str| readers.find(&address(who), stream, at.parse().unwrap()).unwrap();
    let (today, tomorrow) = ("2026-11-21T12:00:00Z", "2026-11-22T12:00:00Z");
    sql("INSERT INTO suppression (address, stream, until, note) VALUES \
         ('bob@example.com', '', NULL, 'first'), ('full@example.com', '', '2026-11-22T00:00:00Z', NULL), \
         ('carol@example.com', 'news', NULL, 'own'), ('dave@gone.example', 'news', NULL, 'own'), \
         ('@gone.example', '', NULL, 'domain')");
    let begun = std::time::Instant::now();
    while !readers.is_indexed() {
        assert!(begun.elapsed() < 50 * WAIT);
    }
    let note = |who, stream| find(who, stream, today).and_then(|entry| entry.note.clone());
    for turn in 0..2 {
        let bob = find("bob@example.com", "", today).unwrap();
        assert!(Arc::ptr_eq(&bob, &find("bob@example.com", "news", today).unwrap()), "{turn}: from memory");
        assert!(find("full@example.com", "", today).is_some(), "{turn}");
        assert_eq!(find("full@example.com", "", tomorrow), None, "{turn}: its time is over");
        for (stream, listed) in [("news", true), ("", false), ("offers", false), ("news", true)] {
            assert_eq!(find("carol@example.com", stream, today).is_some(), listed, "{turn}: {stream}");
        }
        for (stream, whose) in [("", "domain"), ("news", "own"), ("", "domain")] {
            assert_eq!(note("dave@gone.example", stream).as_deref(), Some(whose), "{turn}: {stream}");
        }
        readers.renew();
        while !readers.is_indexed() {
            assert!(begun.elapsed() < 100 * WAIT);
        }
        assert!(!Arc::ptr_eq(&bob, &find("bob@example.com", "", today).unwrap()), "{turn}: renewed");
    }
    assert_eq!(note("bob@example.com", "").as_deref(), Some("first"));
    sql("UPDATE suppression SET note = 'second' WHERE address = 'bob@example.com'");
    assert_eq!(note("bob@example.com", "").as_deref(), Some("second"));
    sql("INSERT INTO allow (address, until) VALUES ('bob@example.com', '2026-11-22T00:00:00Z')");
    for (at, listed) in [(today, false), (tomorrow, true), (today, false)] {
        assert_eq!(find("bob@example.com", "", at).is_some(), listed, "{at}: allowed until then");
    }
    sql("DELETE FROM allow; DELETE FROM suppression WHERE address = 'full@example.com'");
    assert!(find("bob@example.com", "", today).is_some());
    assert_eq!(find("full@example.com", "", today), None);
}

#[test]
fn lookups_share_a_transaction_until_somebody_commits_or_they_rest() {
    let bench = bench();
    let readers = readers(&bench);
    let by_hand = Connection::open(&bench.path).unwrap();
    let listed = |address: &str| readers.find(&self::address(address), "", now()).unwrap().is_some();
    // A log that a transaction still reads is not begun anew.
    let is_held = || by_hand.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0)).unwrap();
    by_hand.busy_timeout(Duration::ZERO).unwrap();
    by_hand.execute_batch("INSERT INTO suppression (address) VALUES ('a@example.com'), ('b@example.com')").unwrap();
    let begun = std::time::Instant::now();
    while !readers.is_indexed() {
        assert!(begun.elapsed() < 50 * WAIT);
    }
    for turn in 0..2 {
        assert!(listed("a@example.com") && listed("b@example.com"));
        by_hand.execute("UPDATE suppression SET note = ?1", [turn]).unwrap();
        assert!(is_held(), "{turn}");
        readers.rest();
        assert!(!is_held());
    }
    for n in 0..20 {
        by_hand.execute("INSERT INTO suppression (address) VALUES (?1)", [format!("{n}@example.com")]).unwrap();
        assert!(listed("a@example.com") && listed(&format!("{n}@example.com")), "{n}");
        by_hand.execute("DELETE FROM suppression WHERE address = ?1", [format!("{n}@example.com")]).unwrap();
        assert!(!listed(&format!("{n}@example.com")) && listed("b@example.com"), "{n}");
    }
    readers.ping().unwrap();
    assert!(!is_held(), "whoever asks for something else leaves none open");
}

#[test]
fn hand_written_nonsense_is_refused_with_the_sentence() {
    let bench = bench();
    let by_hand = Connection::open(&bench.path).unwrap();
    for (sql, sentence) in [
        ("INSERT INTO suppression (address) VALUES ('bob')", "address must be user@domain"),
        ("INSERT INTO suppression (address) VALUES (' bob@example.com')", "must not have spaces"),
        ("INSERT INTO suppression (address) VALUES ('bob@bücher.example')", "ASCII form"),
        ("INSERT INTO suppression (address, kind) VALUES ('bob@example.com', 'odd')", "kind must be"),
        ("INSERT INTO suppression (address, status) VALUES ('bob@example.com', '550')", "status must be like 5.1.1"),
        ("INSERT INTO suppression (address, since) VALUES ('bob@example.com', 'yesterday')", "since must be like"),
        ("INSERT INTO suppression (address, until) VALUES ('bob@example.com', '2026-12-01')", "until must be like"),
    ] {
        let error = by_hand.execute_batch(sql).unwrap_err().to_string();
        assert!(error.contains(sentence), "{sql}: {error}");
    }
}

#[test]
fn whatever_parses_as_an_address_can_be_stored() {
    let mut bench = bench();
    for (i, text) in [
        "\"a@ü\"@example.com",
        "\"two words\"@example.com",
        "jörg@bücher.example",
        "user@[IPv6:2001:db8::1]",
        "\"\\\"\"@example.com",
        "*@example.com",
        "[x@example.com",
    ]
    .iter()
    .enumerate()
    {
        let Ok(recipient) = Address::parse_lookup_key(text) else { continue };
        let submission = hard(&i.to_string(), recipient.as_str());
        bench.store.submit(&submission, &Rules::default(), now()).unwrap();
        assert!(bench.store.find(&recipient, now()).unwrap().is_some(), "{text}");
    }
}

#[test]
fn a_domain_entry_refuses_its_addresses_and_no_others() {
    let mut bench = bench();
    let key = Key::parse("@Example.COM").unwrap();
    assert!(bench.store.add(&key, &Change::default(), now()).unwrap());
    assert!(bench.store.find(&address("any@example.com"), now()).unwrap().is_some());
    for other in ["any@sub.example.com", "any@example.org", "any@badexample.com"] {
        assert_eq!(bench.store.find(&address(other), now()), Ok(None), "{other}");
    }
}

#[test]
fn removal_leaves_a_trace_and_outlasts_older_reports() {
    let mut bench = bench();
    bench.store.submit(&hard("1", "bob@example.com"), &Rules::default(), now()).unwrap();
    let key = Key::parse("Bob <bob@example.com>").unwrap();
    let change = Change { who: "alice".into(), note: Some("called us".into()), ..Change::default() };
    assert_eq!(bench.store.remove(&key, &change, now()).unwrap().len(), 1);
    assert!(bench.store.remove(&key, &change, now()).unwrap().is_empty());
    let trace = bench.store.events(&key).unwrap().pop().unwrap();
    assert_eq!((trace.kind.as_str(), trace.sender.as_deref()), ("removed", Some("alice")));
    let late = bench.store.submit(&hard("2", "bob@example.com"), &Rules::default(), now()).unwrap();
    assert_eq!(late.events[0].action(), "recorded", "its time is before the release");
}

#[test]
fn a_locked_database_is_an_error_for_writers_and_nothing_to_lookups() {
    let mut bench = bench();
    bench.store.submit(&hard("1", "bob@example.com"), &Rules::default(), now()).unwrap();
    let readers = readers(&bench);
    let other = Connection::open(&bench.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(bench.store.submit(&hard("2", "eve@example.com"), &Rules::default(), now()), Err(StoreError::Busy));
    assert!(readers.find(&address("bob@example.com"), "", now()).unwrap().is_some());
    other.execute_batch("ROLLBACK").unwrap();
    assert!(bench.store.submit(&hard("2", "eve@example.com"), &Rules::default(), now()).is_ok());
}

#[test]
fn pending_topics_are_bounded_and_decisions_stay() {
    let mut bench = bench();
    let denied = TopicChange::Decided { arn: "arn:denied".into(), allowed: false };
    bench.store.change_topic(&denied, now()).unwrap();
    let pending = |arn: String| TopicChange::Pending { arn, subscribe_url: "https://example.com/".into() };
    for i in 0..150 {
        bench.store.change_topic(&pending(format!("arn:{i}")), now()).unwrap();
    }
    bench.store.change_topic(&pending("arn:denied".into()), now()).unwrap();
    let readers = readers(&bench);
    assert_eq!(readers.topic("arn:denied"), Ok(Some(TopicState::Denied)));
    assert_eq!(readers.topic("arn:149"), Ok(Some(TopicState::Pending)));
    assert_eq!(readers.topic("arn:0"), Ok(None));
    assert_eq!(count(&bench, "SELECT count(*) FROM topic WHERE state = 'pending'"), i64::from(MAX_PENDING));
}

#[test]
fn many_pending_topics_of_an_account_do_not_push_out_another_ones() {
    let mut bench = bench();
    let mut subscribe = |arn: String| {
        let change = TopicChange::Pending { arn, subscribe_url: "https://example.com/".into() };
        bench.store.change_topic(&change, now()).unwrap();
    };
    subscribe("arn:aws:sns:eu-west-1:111122223333:mine".into());
    for i in 0..150 {
        subscribe(format!("arn:aws:sns:eu-west-1:444455556666:{i}"));
    }
    let readers = readers(&bench);
    assert_eq!(readers.topic("arn:aws:sns:eu-west-1:111122223333:mine"), Ok(Some(TopicState::Pending)));
    assert_eq!(readers.topic("arn:aws:sns:eu-west-1:444455556666:50"), Ok(None));
    assert_eq!(readers.topic("arn:aws:sns:eu-west-1:444455556666:51"), Ok(Some(TopicState::Pending)));
    assert_eq!(count(&bench, "SELECT count(*) FROM topic WHERE state = 'pending'"), i64::from(MAX_PENDING));
}

#[test]
fn quarantine_keeps_a_text_once() {
    let mut bench = bench();
    let entry = Quarantined {
        id: "k".into(),
        door: Door::Pipe,
        why: Why::NotUnderstood,
        detail: "no report in it".into(),
        origin: Origin::Local,
        envelope: None,
        content: b"\xff\0 raw".to_vec(),
    };
    let submission = Submission { quarantined: vec![entry.clone(), entry], ..Submission::default() };
    assert_eq!(bench.store.submit(&submission, &Rules::default(), now()).unwrap().quarantined, 1);
    let kept = bench.store.quarantine().unwrap();
    assert_eq!(bench.store.quarantined(kept[0].number).unwrap().unwrap().1, b"\xff\0 raw");
    assert!(bench.store.drop_quarantined(kept[0].number).unwrap());
    assert!(!bench.store.drop_quarantined(kept[0].number).unwrap());
}

fn kept(bench: &mut Bench, id: u32, size: usize, at: &str) {
    let entry = Quarantined {
        id: id.to_string(),
        door: Door::Pipe,
        why: Why::Untrusted,
        detail: String::new(),
        origin: Origin::Unproved,
        envelope: None,
        content: vec![b'x'; size],
    };
    let submission = Submission { quarantined: vec![entry], ..Submission::default() };
    bench.store.submit(&submission, &Rules::default(), at.parse().unwrap()).unwrap();
}

#[test]
fn quarantine_drops_the_oldest_when_it_is_full_or_they_are_too_old() {
    let mut bench = bench();
    bench.store.keeping.quarantine = Bounds { entries: 3, bytes: 100, age: jiff::SignedDuration::from_hours(24) };
    let ids = |bench: &Bench| bench.store.quarantine().unwrap().iter().rev().map(|e| e.id.clone()).collect::<Vec<_>>();
    for id in 1..=5 {
        kept(&mut bench, id, 10, "2026-11-21T08:00:00Z");
    }
    assert_eq!(ids(&bench), ["3", "4", "5"], "too many");
    kept(&mut bench, 6, 85, "2026-11-21T09:00:00Z");
    assert_eq!(ids(&bench), ["5", "6"], "too large");
    kept(&mut bench, 7, 500, "2026-11-21T10:00:00Z");
    assert_eq!(ids(&bench), ["7"], "the newest stays, whatever its size");
    kept(&mut bench, 8, 10, "2026-11-21T10:00:00Z");
    kept(&mut bench, 9, 10, "2026-11-22T11:00:00Z");
    assert_eq!(ids(&bench), ["9"], "too old");
    let total = "SELECT entries * 1000 + bytes FROM quarantine_total";
    assert_eq!(count(&bench, total), 1010);
    bench.store.drop_quarantined(bench.store.quarantine().unwrap()[0].number).unwrap();
    assert_eq!(count(&bench, total), 0);
}

#[test]
fn refusals_are_counted_by_day() {
    let mut bench = bench();
    let key = Key::parse("bob@example.com").unwrap();
    for at in ["2026-11-20T10:00:00Z", "2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z"] {
        let submission = Submission { refusals: vec![(key.as_str().into(), 2)], ..Submission::default() };
        bench.store.submit(&submission, &Rules::default(), at.parse().unwrap()).unwrap();
    }
    let refusals = bench.store.refusals(&key).unwrap();
    assert_eq!((refusals.count, refusals.last.as_deref()), (6, Some("2026-11-21T11:00:00Z")));
    assert_eq!(count(&bench, "SELECT count(*) FROM refusal"), 2);
}

#[tokio::test]
async fn a_writer_answers_busy_and_heals() {
    let bench = bench();
    let (writer, _thread) = Writer::start(bench.path.clone(), WAIT, Rules::default(), now).unwrap();
    let other = Connection::open(&bench.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(writer.submit(hard("1", "bob@example.com")).await, Err(StoreError::Busy));
    other.execute_batch("ROLLBACK").unwrap();
    assert!(writer.submit(hard("1", "bob@example.com")).await.is_ok());
}

#[test]
fn processes_that_come_one_by_one_do_not_grow_the_log() {
    let Bench { _dir, path, store } = bench();
    drop(store);
    let log = std::path::PathBuf::from(format!("{}-wal", path.display()));
    let mut largest = 0;
    for n in 0..120 {
        let mut store = Store::open(&path, WAIT).unwrap();
        store.submit(&hard(&n.to_string(), &format!("user@domain{n}.example")), &Rules::default(), now()).unwrap();
        drop(store);
        largest = largest.max(std::fs::metadata(&log).map_or(0, |log| log.len()));
    }
    assert!(largest > 0 && largest < 2 * MAX_LOG_LEFT, "{largest}");
    let entries = Connection::open(&path).unwrap().query_row("SELECT count(*) FROM suppression", [], |row| row.get(0));
    assert_eq!(entries, Ok(120));
}

#[test]
fn an_import_of_many_counts_and_is_found_as_if_each_had_come_alone() {
    let mut bench = bench();
    bench
        .store
        .connection
        .execute_batch(
            "INSERT INTO suppression (address, kind, until) VALUES ('user0007@example.com', 'complaint', '2026-01-01T00:00:00Z'), \
               ('user0008@example.com', 'soft_bounce', '2027-01-01T00:00:00Z'), ('other@example.com', 'complaint', NULL)",
        )
        .unwrap();
    let readers = readers(&bench);
    while !readers.is_indexed() {
        std::thread::yield_now();
    }
    let known = |readers: &Readers, who: &str| readers.find(&address(who), "", now()).unwrap().is_some();
    assert!(!known(&readers, "user1499@example.com"));
    for range in [0..1500, 1000..2500, 2500..2510] {
        let mut import = bench.store.import(ImportRules::default()).unwrap();
        for n in range.clone() {
            let entry = ImportedEntry {
                key: Key::parse(&format!("user{n:04}@example.com")).unwrap(),
                reported: format!("{}user{n:04}@example.com", if n % 500 == 0 { "Mr." } else { "" }),
                stream: String::new(),
                kind: Kind::HardBounce,
                reason: "userunknown".into(),
                status: None,
                since: None,
                until: None,
                note: None,
                diagnostic: None,
            };
            import.stage(entry).unwrap();
        }
        import.apply(now(), |_| ()).unwrap();
        assert!(known(&readers, &format!("user{:04}@example.com", range.end - 1)));
    }
    let differing = "SELECT count(*) FROM suppression_total AS t \
                     WHERE entries <> (SELECT count(*) FROM suppression AS s WHERE s.kind = t.kind)";
    assert_eq!(count(&bench, "SELECT count(*) FROM suppression"), 2511);
    assert_eq!(count(&bench, "SELECT sum(entries) FROM suppression_total"), 2511);
    assert_eq!(count(&bench, differing), 0);
    assert_eq!(count(&bench, "SELECT sum(events) FROM daily"), count(&bench, "SELECT count(*) FROM event"));
}
