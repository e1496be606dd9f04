//! What is kept about people, and for how long.

use jiff::SignedDuration;
use suppressd::event::{Door, Kind, Origin, Why};
use suppressd::store::{Alarm, Change, Key, Quarantined, Submission};

use super::bench::{Bench, address, at};

const BOB: &str = "bob@example.com";

#[test]
fn a_forgotten_address_is_nowhere_in_the_file_and_stays_blocked() {
    let mut bench = Bench::new("");
    let mut event = bench.event(Kind::HardBounce, BOB, "2026-11-20T08");
    event.evidence.diagnostic = Some(format!("550 no {BOB}"));
    bench.take(event);
    let mut other = bench.event(Kind::HardBounce, "eve@example.com", "2026-11-20T08");
    other.evidence.diagnostic = Some(format!("550 forwarded to {BOB}"));
    bench.take(other);
    let kept = Quarantined {
        id: "mail:1".into(),
        door: Door::Pipe,
        why: Why::Untrusted,
        detail: "nothing proves it".into(),
        origin: Origin::Unproved,
        envelope: None,
        content: b"Final-Recipient: rfc822; Bob@Example.com\n".to_vec(),
    };
    let submission = Submission { quarantined: vec![kept], refusals: vec![(BOB.into(), 2)], ..Submission::default() };
    bench.store.submit(&submission, &bench.config.policy, bench.now).unwrap();
    let gone = bench.store.forget(&address(BOB), false, bench.now).unwrap();
    assert_eq!((gone.blocks.len(), gone.entries, gone.events, gone.quarantined), (1, 1, 1, 1));
    assert!(bench.refused(BOB, "") && bench.refused("eve@example.com", "") && !bench.refused("carl@example.com", ""));
    let mut bytes = std::fs::read(bench.path()).unwrap();
    bytes.extend(std::fs::read(bench.path().with_extension("db-wal")).unwrap_or_default());
    let text = String::from_utf8_lossy(&bytes).to_lowercase();
    assert!(!text.contains("bob@"), "a trace of him is left");
    let again = bench.event(Kind::Complaint, BOB, "2026-11-21T08");
    assert_eq!(bench.take(again).alarm, Some(Alarm::Forgotten));
    assert_eq!(bench.count("SELECT count(*) FROM event WHERE address LIKE 'bob@%'"), 0);
    assert_eq!(bench.remove(BOB), 1);
    assert!(!bench.refused(BOB, ""));
}

#[test]
fn a_removal_ends_the_block_of_a_forgotten_address_that_was_added_again_and_of_no_single_stream() {
    let mut bench = Bench::new("");
    bench.store.forget(&address(BOB), true, bench.now).unwrap();
    let key = Key::parse(BOB).unwrap();
    bench.store.add(&key, &Change::default(), bench.now).unwrap();
    let of_news = Change { stream: "news".into(), ..Change::default() };
    assert_eq!(bench.store.remove(&key, &of_news, bench.now), Ok(Vec::new()));
    assert!(bench.refused(BOB, ""));
    assert_eq!(bench.remove(BOB), 1);
    assert!(!bench.refused(BOB, ""));
}

#[test]
fn who_was_not_suppressed_is_blocked_only_if_asked_for() {
    let mut bench = Bench::new("");
    assert_eq!(bench.store.forget(&address(BOB), false, bench.now).unwrap().blocks, []);
    assert!(!bench.refused(BOB, ""));
    assert_eq!(bench.store.forget(&address(BOB), true, bench.now).unwrap().blocks.len(), 1);
    assert!(bench.refused(BOB, ""));
}

#[test]
fn a_forgotten_address_is_refused_no_other_mail_and_no_longer_than_before() {
    let mut bench = Bench::new("[[stream]]\nname = \"news\"\nsenders = [\"news@example.org\"]\n");
    let complaint = |bench: &mut Bench, hour| {
        let mut event = bench.event(Kind::Complaint, BOB, hour);
        event.evidence.sender = Some("news@example.org".into());
        event
    };
    let event = complaint(&mut bench, "2026-11-20T08");
    bench.take(event);
    let key = Key::parse(BOB).unwrap();
    let for_a_day = Change { until: Some(bench.now + SignedDuration::from_hours(24)), ..Change::default() };
    bench.store.add(&key, &for_a_day, bench.now).unwrap();
    let gone = bench.store.forget(&address(BOB), false, bench.now).unwrap();
    let blocks: Vec<_> = gone.blocks.iter().map(|block| (block.stream.as_str(), block.until.as_deref())).collect();
    assert_eq!(blocks, [("", Some("2026-11-22T12:00:00Z")), ("news", None)]);
    assert!(bench.refused(BOB, "") && bench.refused(BOB, "news"));
    assert_eq!(bench.store.forget(&address(BOB), false, bench.now).unwrap().blocks, gone.blocks, "forgotten again");
    bench.now += SignedDuration::from_hours(25);
    assert!(!bench.refused(BOB, "") && bench.refused(BOB, "news"));
    let again = complaint(&mut bench, "2026-11-22T12");
    assert_eq!(bench.take(again).alarm, Some(Alarm::Forgotten));
    assert_eq!(bench.see(Kind::HardBounce, BOB, "2026-11-22T12"), "suppressed: hard bounce");
    assert!(bench.refused(BOB, ""), "what is told of other mail counts");
    bench.expire(90);
    assert_eq!(bench.count("SELECT count(*) FROM forgotten"), 1);
    let of_news = Change { stream: "news".into(), ..Change::default() };
    assert_eq!(bench.store.remove(&key, &of_news, bench.now).unwrap().len(), 1);
    assert_eq!(bench.count("SELECT count(*) FROM forgotten"), 0);
}

#[test]
fn whom_an_operator_allowed_is_not_refused_once_he_is_forgotten() {
    let mut bench = Bench::new("");
    bench.see(Kind::HardBounce, BOB, "2026-11-20T08");
    let until = bench.now + SignedDuration::from_hours(24);
    bench.store.allow(&Key::parse(BOB).unwrap(), until, &Change::default(), bench.now).unwrap();
    assert_eq!(bench.store.forget(&address(BOB), false, bench.now).unwrap().blocks, []);
    assert!(!bench.refused(BOB, ""));
}

/// An untrusted mail about somebody, as the mail doors hand it in.
fn untrusted(bench: &mut Bench, who: &str) -> Submission {
    let mut event = bench.event(Kind::HardBounce, who, "2026-11-20T08");
    event.origin = Origin::Unproved;
    let kept = Quarantined {
        id: format!("mail:{who}"),
        door: Door::Pipe,
        why: Why::Untrusted,
        detail: "nothing proves it".into(),
        origin: Origin::Unproved,
        envelope: None,
        content: format!("Final-Recipient: rfc822; {who}\n").into(),
    };
    Submission { events: vec![event], quarantined: vec![kept], ..Submission::default() }
}

#[test]
fn who_has_a_similar_address_keeps_what_was_reported_of_him() {
    let mut bench = Bench::new("");
    for who in ["jimbob@example.com", "bob@example.com.br", BOB] {
        let submission = untrusted(&mut bench, who);
        bench.store.submit(&submission, &bench.config.policy, bench.now).unwrap();
    }
    assert_eq!(bench.store.forget(&address(BOB), true, bench.now).unwrap().quarantined, 1);
    assert_eq!(bench.count("SELECT count(*) FROM quarantine"), 2);
}

#[test]
fn mail_about_a_forgotten_address_alone_is_not_kept_in_quarantine() {
    let mut bench = Bench::new("");
    bench.store.forget(&address(BOB), true, bench.now).unwrap();
    let submission = untrusted(&mut bench, BOB);
    let receipt = bench.store.submit(&submission, &bench.config.policy, bench.now).unwrap();
    assert!(receipt.is_forgotten());
    assert_eq!(bench.count("SELECT count(*) FROM quarantine"), 0);
}

#[test]
fn what_was_deleted_before_is_in_no_free_space_of_the_file() {
    let mut bench = Bench::new("");
    bench.store.add(&Key::parse(BOB).unwrap(), &Change::default(), bench.now).unwrap();
    bench.remove(BOB);
    bench.store.forget(&address(BOB), false, bench.now).unwrap();
    let mut bytes = std::fs::read(bench.path()).unwrap();
    bytes.extend(std::fs::read(bench.path().with_extension("db-wal")).unwrap_or_default());
    assert!(!String::from_utf8_lossy(&bytes).contains("bob@"), "a trace of him is left");
}

#[test]
fn an_address_with_an_at_sign_in_quotes_is_listed() {
    let mut bench = Bench::new("");
    assert_eq!(bench.see(Kind::HardBounce, "\"a@.b\"@example.com", "2026-11-20T08"), "suppressed: hard bounce");
    assert!(bench.sql().execute("INSERT INTO suppression (address) VALUES ('a@b@.example.com')", []).is_err());
}

#[test]
fn a_forgotten_address_is_not_blocked_for_what_holds_for_its_domain() {
    let mut bench = Bench::new("");
    let domain = Key::parse("@example.com").unwrap();
    bench.store.add(&domain, &Change::default(), bench.now).unwrap();
    assert_eq!(bench.store.forget(&address(BOB), false, bench.now).unwrap().blocks, []);
    assert!(bench.refused(BOB, ""));
    bench.remove("@example.com");
    assert!(!bench.refused(BOB, ""));
}

#[test]
fn old_events_go_and_entries_stay_with_their_last_evidence() {
    let mut bench = Bench::new("");
    bench.now = at("2026-07-01T08");
    bench.see(Kind::HardBounce, BOB, "2026-06-30T08");
    bench.see(Kind::Complaint, BOB, "2026-06-30T09");
    for user in 0..1200 {
        bench.see(Kind::Delivery, &format!("user{user}@example.com"), "2026-06-29T08");
    }
    bench.now = at("2026-11-21T12");
    bench.see(Kind::Delivery, "eve@example.com", "2026-11-20T08");
    assert_eq!(bench.expire(90), 3);
    assert_eq!(bench.count("SELECT count(*) FROM event"), 2, "the hard bounce and the new delivery");
    assert!(bench.refused(BOB, ""));
    assert_eq!(bench.see(Kind::HardBounce, BOB, "2026-11-21T08"), "recorded: suppressed already");
    let late = bench.see(Kind::HardBounce, "carl@example.com", "2026-08-01T08");
    assert_eq!(late, "recorded: older than what is kept, since 2026-08-23T12:00:00Z");
}

#[test]
fn a_ladder_outlives_the_events_behind_it() {
    let mut bench = Bench::new("[policy.soft]\nquiet = \"300d\"\n");
    bench.now = at("2026-07-01T08");
    for day in 20..25 {
        bench.see(Kind::SoftBounce, BOB, &format!("2026-06-{day}T08"));
    }
    bench.now = at("2026-11-21T12");
    bench.expire(90);
    let last = (17..22).map(|day| bench.see(Kind::SoftBounce, BOB, &format!("2026-11-{day}T08"))).last().unwrap();
    assert_eq!(last, "suppressed: soft bounce 5 of 5 on 5 days");
    assert_eq!(bench.until(BOB).as_deref(), Some("2026-12-21T08:00:00Z"), "the second step");
}

#[test]
fn diagnostics_can_be_kept_without_addresses() {
    let mut bench = Bench::new("[privacy]\nmask-addresses = true\n");
    let mut event = bench.event(Kind::HardBounce, BOB, "2026-11-20T08");
    event.evidence.diagnostic = Some("550 5.1.1 <bob@example.com>: User unknown, said relay@example.net".into());
    bench.take(event);
    let kept: String = bench.sql().query_row("SELECT diagnostic FROM event", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, "550 5.1.1 <address> User unknown, said <address>");
}

#[test]
fn refusals_of_a_forgotten_address_are_counted_under_no_name() {
    let mut bench = Bench::new("");
    bench.see(Kind::HardBounce, BOB, "2026-11-20T08");
    assert_eq!(bench.store.forget(&address(BOB), false, bench.now).unwrap().blocks.len(), 1);
    let refusals = vec![(BOB.to_owned(), 2), ("eve@example.com".to_owned(), 1)];
    let submission = Submission { refusals, ..Submission::default() };
    bench.store.submit(&submission, &bench.config.policy, bench.now).unwrap();
    assert_eq!(bench.count("SELECT count(*) FROM refusal"), 1);
}

#[test]
fn a_release_outlives_the_events_before_it() {
    let mut bench = Bench::new("");
    bench.now = at("2026-06-01T08");
    bench.see(Kind::HardBounce, BOB, "2026-05-30T08");
    bench.remove(BOB);
    bench.store.add(&Key::parse(BOB).unwrap(), &Change::default(), bench.now).unwrap();
    bench.now = at("2026-06-02T08");
    bench.remove(BOB);
    bench.now = at("2026-11-21T12");
    bench.expire(90);
    assert_eq!(bench.count("SELECT count(*) FROM event"), 1, "the last release");
}
