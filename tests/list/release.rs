//! Releases: by command, for many at once, and by SQL.

use suppressd::event::Kind;
use suppressd::store::{Change, Filter, Key};

use super::bench::{Bench, at};

#[test]
fn a_replayed_old_event_does_not_suppress_again_and_a_new_one_does() {
    let mut bench = Bench::new("");
    bench.see(Kind::HardBounce, "bob@example.com", "2026-11-20T08");
    assert_eq!(bench.remove("bob@example.com"), 1);
    let late = bench.see(Kind::HardBounce, "bob@example.com", "2026-11-20T09");
    assert_eq!(late, "recorded: older than the release of 2026-11-21T12:00:00Z");
    bench.now = at("2026-11-22T08");
    assert_eq!(bench.see(Kind::HardBounce, "bob@example.com", "2026-11-22T07"), "suppressed: hard bounce");
}

#[test]
fn a_delete_by_hand_is_a_release() {
    let mut bench = Bench::new("");
    bench.now = jiff::Timestamp::now();
    let time = |days: i64| (bench.now - jiff::SignedDuration::from_hours(24 * days)).to_string();
    let (old, older) = (time(2), time(3));
    bench.see(Kind::HardBounce, "bob@example.com", &old);
    bench.sql().execute("DELETE FROM suppression WHERE address = 'Bob@Example.com'", []).unwrap();
    assert!(!bench.refused("bob@example.com", ""));
    assert_eq!(bench.count("SELECT count(*) FROM event WHERE kind = 'removed' AND decision = 'by SQL'"), 1);
    assert!(bench.see(Kind::HardBounce, "bob@example.com", &older).starts_with("recorded: older than the release"));
    bench.see(Kind::Delivery, "bob@example.com", &old);
    assert!(!bench.refused("bob@example.com", ""));
}

#[test]
fn an_end_set_by_hand_stays_until_something_new_happens() {
    let mut bench = Bench::new("");
    bench.see(Kind::HardBounce, "bob@example.com", "2026-11-20T08");
    bench.sql().execute("UPDATE suppression SET until = '2026-11-20T10:00:00Z'", []).unwrap();
    bench.see(Kind::Delivery, "bob@example.com", "2026-11-21T08");
    assert!(!bench.refused("bob@example.com", ""));
    assert_eq!(bench.see(Kind::HardBounce, "bob@example.com", "2026-11-21T09"), "suppressed: hard bounce");
    assert!(bench.refused("bob@example.com", ""));
}

#[test]
fn an_operators_entry_is_his_until_an_event_lasts_longer() {
    let mut bench = Bench::new("");
    let insert = "INSERT INTO suppression (address, until) VALUES ('bob@example.com', '2026-11-30T00:00:00Z')";
    bench.sql().execute(insert, []).unwrap();
    for day in 16..21 {
        bench.see(Kind::SoftBounce, "bob@example.com", &format!("2026-11-{day}T08"));
    }
    assert_eq!(bench.until("bob@example.com").as_deref(), Some("2026-11-30T00:00:00Z"), "seven days are less");
    bench.see(Kind::HardBounce, "bob@example.com", "2026-11-21T08");
    assert_eq!(bench.until("bob@example.com"), None);
    assert!(bench.refused("bob@example.com", ""));
}

#[test]
fn many_are_removed_at_once_and_each_leaves_its_trace() {
    let mut bench = Bench::new("[policy.incident]\nrecipients = 0\n");
    for user in 0..1500 {
        bench.see(Kind::HardBounce, &format!("user{user}@example.com"), "2026-11-20T08");
    }
    bench.see(Kind::HardBounce, "eve@example.net", "2026-11-20T08");
    bench.see(Kind::HardBounce, "eve@example-net", "2026-11-20T08");
    let domain = |name: &str| Filter { domain: Some(name.into()), ..Filter::default() };
    assert_eq!(bench.remove_all(&domain("example_net")), 0, "an underscore stands for itself");
    assert_eq!(bench.remove_all(&domain("example.com")), 1500);
    assert_eq!(bench.list().len(), 2);
    assert_eq!(bench.count("SELECT count(*) FROM event WHERE kind = 'removed'"), 1500);
}

#[test]
fn what_was_not_selected_stays_when_many_are_removed() {
    let mut bench = Bench::new("[policy.complaint]\nscope = \"stream\"\n");
    bench.see(Kind::HardBounce, "bob@example.com", "2026-11-19T08");
    let change = Change { stream: "marketing".into(), ..Change::default() };
    bench.store.add(&Key::parse("bob@example.com").unwrap(), &change, bench.now).unwrap();
    assert_eq!(bench.remove_all(&Filter { kind: Some("added".into()), ..Filter::default() }), 1);
    assert!(bench.refused("bob@example.com", ""), "he bounced");
    bench.store.add(&Key::parse("bob@example.com").unwrap(), &change, bench.now).unwrap();
    assert_eq!(bench.remove_all(&Filter { kind: Some("hard_bounce".into()), ..Filter::default() }), 1);
    assert!(!bench.refused("bob@example.com", "") && bench.refused("bob@example.com", "marketing"));
}
