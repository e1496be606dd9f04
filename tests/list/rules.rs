//! Every row of the defaults and of the presets, at fixed times.

use suppressd::event::Kind;
use suppressd::event::Kind::{Complaint, Delivery, HardBounce, SoftBounce, Unsubscribe};

use super::bench::Bench;

const WHO: &str = "bob@example.com";

/// A profile, the events by day of November, and the end of the entry: none, `-` for until released, or a day.
type Row = (&'static str, &'static [(Kind, u32)], Option<&'static str>);

const ROWS: &[Row] = &[
    ("ses", &[(HardBounce, 20)], Some("-")),
    ("ses", &[(Complaint, 20)], Some("-")),
    ("ses", &[(Unsubscribe, 20)], None),
    ("ses", &[(Delivery, 20)], None),
    ("ses", &[(SoftBounce, 17), (SoftBounce, 18), (SoftBounce, 19), (SoftBounce, 20)], None),
    ("ses", &[(SoftBounce, 17), (SoftBounce, 18), (SoftBounce, 18), (SoftBounce, 18), (SoftBounce, 18)], None),
    (
        "ses",
        &[(SoftBounce, 18), (SoftBounce, 18), (SoftBounce, 19), (SoftBounce, 20), (SoftBounce, 20)],
        Some("2026-11-27"),
    ),
    ("ses", &[(SoftBounce, 1), (SoftBounce, 17), (SoftBounce, 18), (SoftBounce, 19), (SoftBounce, 20)], None),
    (
        "ses",
        &[(SoftBounce, 17), (SoftBounce, 18), (Delivery, 18), (SoftBounce, 19), (SoftBounce, 20), (SoftBounce, 20)],
        None,
    ),
    ("listmonk", &[(HardBounce, 20)], Some("-")),
    ("listmonk", &[(Complaint, 20)], Some("-")),
    ("listmonk", &[(SoftBounce, 18), (SoftBounce, 19), (SoftBounce, 20)], None),
    ("gentle", &[(HardBounce, 20)], None),
    ("gentle", &[(HardBounce, 20), (HardBounce, 20)], None),
    ("gentle", &[(HardBounce, 10), (HardBounce, 20)], Some("2026-12-20")),
    ("gentle", &[(Complaint, 20)], Some("-")),
    ("gentle", &[(SoftBounce, 16), (SoftBounce, 17), (SoftBounce, 18), (SoftBounce, 19), (SoftBounce, 20)], None),
    (
        "gentle",
        &[
            (SoftBounce, 13),
            (SoftBounce, 14),
            (SoftBounce, 15),
            (SoftBounce, 16),
            (SoftBounce, 17),
            (SoftBounce, 18),
            (SoftBounce, 19),
            (SoftBounce, 20),
        ],
        Some("2026-11-23"),
    ),
];

#[test]
fn every_row_of_the_presets() {
    for (profile, events, end) in ROWS {
        let mut bench = Bench::new(&format!("[policy]\nprofile = \"{profile}\"\n"));
        for (hour, (kind, day)) in events.iter().enumerate() {
            bench.see(*kind, WHO, &format!("2026-11-{day:02}T{hour:02}"));
        }
        let entry = bench.store.find(&super::bench::address(WHO), bench.now).unwrap();
        let is = entry.map(|entry| entry.until.map_or_else(|| "-".to_owned(), |until| until[..10].to_owned()));
        assert_eq!(is.as_deref(), *end, "{profile} {events:?}");
    }
}

#[test]
fn a_soft_suppression_runs_out_by_itself_and_the_ladder_is_climbed_on_relapse() {
    let mut bench = Bench::new("");
    let mut five = |month: u32, first: u32| {
        let days = first..first + 5;
        days.map(|day| bench.see(SoftBounce, WHO, &format!("2026-{month:02}-{day:02}T08"))).last().unwrap()
    };
    assert_eq!(five(10, 1), "recorded: soft bounce 5 of 5 on 5 days, but its time is over");
    assert_eq!(five(11, 14), "suppressed: soft bounce 5 of 5 on 5 days");
    assert_eq!(bench.until(WHO).as_deref(), Some("2026-12-18T08:00:00Z"), "thirty days the second time");
    bench.now = "2026-12-18T08:00:01Z".parse().unwrap();
    assert!(!bench.refused(WHO, ""));
}

#[test]
fn protected_addresses_are_never_suppressed_by_events_but_by_operators() {
    let mut bench = Bench::new("[policy]\nprotected = [\"@example.com\", \"@.example.com\", \"abuse@\"]\n");
    for who in ["bob@example.com", "eve@sub.example.com", "abuse@example.net"] {
        let event = bench.event(HardBounce, who, "2026-11-20T08");
        let recorded = bench.take(event);
        assert_eq!(recorded.alarm, Some(suppressd::store::Alarm::Protected), "{who}");
        assert!(!bench.refused(who, ""), "{who}");
    }
    let key = suppressd::store::Key::parse("bob@example.com").unwrap();
    bench.store.add(&key, &suppressd::store::Change::default(), bench.now).unwrap();
    assert!(bench.refused("bob@example.com", ""));
}

#[test]
fn subdomain_entries_hold_for_all_below_and_allow_entries_beat_the_list_until_they_end() {
    let mut bench = Bench::new("");
    let sql = bench.sql();
    sql.execute_batch("INSERT INTO suppression (address) VALUES ('@.example.com'), ('@example.net')").unwrap();
    for (who, refused) in [
        ("bob@example.com", false),
        ("bob@a.example.com", true),
        ("bob@b.a.example.com", true),
        ("bob@badexample.com", false),
        ("bob@example.net", true),
        ("bob@sub.example.net", false),
    ] {
        assert_eq!(bench.refused(who, ""), refused, "{who}");
    }
    for (allow, who) in [
        ("bob@a.example.com", "bob@a.example.com"),
        ("@example.net", "bob@example.net"),
        ("@.a.example.com", "bob@b.a.example.com"),
    ] {
        let insert = "INSERT INTO allow (address, until) VALUES (?1, '2026-11-22T00:00:00Z')";
        sql.execute(insert, [allow]).unwrap();
        assert!(!bench.refused(who, ""), "{allow}");
    }
    assert!(bench.refused("eve@a.example.com", ""));
    bench.now = "2026-11-22T00:00:00Z".parse().unwrap();
    assert!(bench.refused("bob@example.net", ""));
}

#[test]
fn a_delivery_brings_the_ladder_down_for_good_when_the_events_are_gone() {
    let mut bench = Bench::new(
        "[policy.soft]\nafter = 1\non-days = 1\nwithin = \"1d\"\nquiet = \"90d\"\n[privacy]\nkeep = \"14d\"\n",
    );
    bench.see(SoftBounce, WHO, "2026-11-01T08");
    bench.see(SoftBounce, WHO, "2026-11-09T08");
    assert_eq!(bench.count("SELECT step FROM suppression"), 2);
    assert_eq!(bench.see(Delivery, WHO, "2026-11-10T08"), "recorded: delivery ends the suppression");
    assert_eq!(bench.count("SELECT step FROM suppression"), 0);
    bench.now = super::bench::at("2026-12-10T12");
    bench.expire(14);
    bench.see(SoftBounce, WHO, "2026-12-10T08");
    assert_eq!(bench.until(WHO).as_deref(), Some("2026-12-17T08:00:00Z"), "the first step again");
}

#[test]
fn a_delivery_changes_the_step_once_and_nothing_that_was_changed_by_hand() {
    let mut bench = Bench::new("[policy.hard]\nsuppress-for = [\"30d\", \"forever\"]\n");
    bench.see(HardBounce, WHO, "2026-11-01T08");
    bench.see(Delivery, WHO, "2026-11-02T08");
    let row = bench.list();
    assert!(row[0].contains(" 2026-12-01T08:00:00Z 0 "), "{row:?}");
    bench
        .sql()
        .execute_batch(
            "CREATE TRIGGER again BEFORE UPDATE ON suppression BEGIN SELECT raise(ABORT, 'a needless write'); END",
        )
        .unwrap();
    assert_eq!(bench.see(Delivery, WHO, "2026-11-03T08"), "recorded: delivery never suppresses");
    bench
        .sql()
        .execute_batch("DROP TRIGGER again; UPDATE suppression SET step = 1, until = '2026-11-20T00:00:00Z'")
        .unwrap();
    let row = bench.list();
    bench.see(Delivery, WHO, "2026-11-04T08");
    assert_eq!(bench.list(), row);
}
