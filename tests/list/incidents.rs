//! A burst of one diagnostic is held back until somebody settles it.

use suppressd::event::{Event, Kind, Reason, Side};
use suppressd::store::{Alarm, Change, Settlement};

use super::bench::{Bench, at, said};

fn bounce(bench: &mut Bench, user: usize, domain: &str, minute: u32) -> Event {
    let who = format!("user{user}@{domain}");
    let mut event = bench.event(Kind::HardBounce, &who, &format!("2026-11-21T10:{minute:02}:00Z"));
    event.evidence.diagnostic = Some(format!("550 5.1.1 <{who}>: no such user (id {user}a7)"));
    event
}

/// Eleven recipients within a quarter of an hour; what became of the last.
fn burst(bench: &mut Bench) -> Option<Alarm> {
    let events: Vec<_> = (1..=11).map(|user| bounce(bench, user, "example.com", user as u32)).collect();
    events.into_iter().map(|event| bench.take(event)).last().unwrap().alarm
}

fn settle(bench: &mut Bench, settlement: Settlement) {
    let change = Change { who: "root".into(), ..Change::default() };
    let rules = bench.config.policy.clone();
    assert!(bench.store.settle(1, settlement, &change, &rules, bench.now).unwrap().is_some());
}

fn refused(bench: &Bench) -> usize {
    (1..=12).filter(|user| bench.refused(&format!("user{user}@example.com"), "")).count()
}

#[test]
fn the_eleventh_recipient_makes_it_an_incident_and_nobody_is_refused() {
    let mut bench = Bench::new("");
    let Some(Alarm::Incident(opened)) = burst(&mut bench) else { panic!("no alarm") };
    assert_eq!((opened.recipients, opened.place.as_str()), (11, "example.com"));
    assert_eq!(refused(&bench), 0);
    let incident = bench.store.incidents(true).unwrap().remove(0);
    assert_eq!((incident.recipients, incident.fingerprint.as_str()), (11, "550 5.1.1 @ : no such user id #"));
    assert_eq!(bench.count("SELECT count(*) FROM event WHERE action = 'held' AND incident = 1"), 11);
}

#[test]
fn what_follows_joins_it_and_confirming_suppresses_all() {
    let mut bench = Bench::new("");
    burst(&mut bench);
    let more = bounce(&mut bench, 12, "example.com", 20);
    assert_eq!(said(&bench.take(more)), "held: hard bounce, held back by incident 1");
    settle(&mut bench, Settlement::Confirmed);
    assert_eq!(refused(&bench), 12);
    assert_eq!(bench.store.incidents(true).unwrap(), []);
    let late = bounce(&mut bench, 13, "example.com", 25);
    assert_eq!(said(&bench.take(late)), "suppressed: hard bounce");
}

#[test]
fn what_is_settled_takes_what_belongs_to_its_burst_and_is_not_prolonged() {
    for (settlement, joined) in [
        (Settlement::Released, "recorded: hard bounce, incident 1 released"),
        (Settlement::Confirmed, "suppressed: hard bounce"),
    ] {
        let mut bench = Bench::new("");
        burst(&mut bench);
        settle(&mut bench, settlement);
        for (user, minute) in [(12, 0), (13, 26)] {
            let event = bounce(&mut bench, user, "example.com", minute);
            assert_eq!(said(&bench.take(event)), joined, "{minute}");
        }
        assert_eq!(bench.count("SELECT count(*) FROM event WHERE incident = 1"), 13);
        let span = bench.store.incidents(false).unwrap().remove(0);
        assert_eq!((&span.first[11..16], &span.last[11..16]), ("10:01", "10:11"));
        let later: Vec<_> = (21..=31).map(|user| bounce(&mut bench, user, "example.com", user as u32 + 6)).collect();
        let said: Vec<_> = later.into_iter().map(|event| said(&bench.take(event))).collect();
        assert_eq!(said[0], "suppressed: hard bounce", "{said:?}");
        assert_eq!(said[10], "held: hard bounce, held back by incident 2", "{said:?}");
    }
}

#[test]
fn an_incident_that_is_settled_late_still_counts() {
    let mut bench = Bench::new("");
    burst(&mut bench);
    bench.now = at("2027-06-01T12");
    bench.expire(90);
    settle(&mut bench, Settlement::Confirmed);
    assert_eq!(refused(&bench), 11);
    bench.expire(90);
    assert_eq!((refused(&bench), bench.count("SELECT count(*) FROM event")), (11, 11), "each behind its entry");
}

#[test]
fn releasing_makes_none_of_it_count_and_later_bounces_do() {
    let mut bench = Bench::new("");
    burst(&mut bench);
    settle(&mut bench, Settlement::Released);
    assert_eq!(refused(&bench), 0);
    assert_eq!(bench.see(Kind::HardBounce, "user3@example.com", "2026-11-21T11"), "suppressed: hard bounce");
    assert_eq!(refused(&bench), 1);
    settle(&mut bench, Settlement::Confirmed);
    assert_eq!(refused(&bench), 11, "it may be settled otherwise");
}

#[test]
fn other_wordings_domains_and_times_are_no_burst() {
    let mut bench = Bench::new("");
    for user in 1..=10 {
        let event = bounce(&mut bench, user, "example.com", user as u32);
        bench.take(event);
    }
    let mut other = bounce(&mut bench, 11, "example.com", 11);
    other.evidence.diagnostic = Some("550 5.2.1 mailbox disabled".into());
    let elsewhere = bounce(&mut bench, 11, "example.net", 11);
    let later = bounce(&mut bench, 12, "example.com", 30);
    for event in [other, elsewhere, later] {
        assert!(said(&bench.take(event)).starts_with("suppressed"));
    }
    assert_eq!(bench.store.incidents(false).unwrap(), []);
    let repeated = bounce(&mut bench, 1, "example.com", 12);
    assert_eq!(said(&bench.take(repeated)), "recorded: suppressed already");
}

#[test]
fn one_host_for_many_domains_is_one_receiving_system() {
    let mut bench = Bench::new("[policy.incident]\nrecipients = 3\n");
    for user in 1..=4 {
        let mut event = bounce(&mut bench, user, &format!("domain{user}.example"), user as u32);
        event.evidence.remote_mta = Some("mx.hoster.example".into());
        bench.take(event);
    }
    assert_eq!(bench.store.incidents(true).unwrap().remove(0).place, "mx.hoster.example");
}

#[test]
fn arriving_in_any_order_it_is_the_same_incident() {
    let mut bench = Bench::new("");
    let mut events: Vec<_> = (1..=11).map(|user| bounce(&mut bench, user, "example.com", user as u32)).collect();
    events.reverse();
    events.swap(0, 5);
    events.into_iter().for_each(|event| drop(bench.take(event)));
    assert_eq!((refused(&bench), bench.store.incidents(true).unwrap()[0].recipients), (0, 11));
}

#[test]
fn zero_recipients_switch_it_off() {
    let mut bench = Bench::new("[policy.incident]\nrecipients = 0\n");
    assert_eq!(burst(&mut bench), None);
    assert_eq!(refused(&bench), 11);
}

#[test]
fn a_relay_that_refuses_us_is_told_at_once_and_not_again_for_ten_minutes() {
    let mut bench = Bench::new("");
    let mut refusal = |minutes: i64| {
        let mut event = bench.event(Kind::SoftBounce, "bob@example.com", "2026-11-21T10");
        (event.evidence.side, event.evidence.reason) = (Side::Sender, Reason::NotVerified);
        bench.now = at(super::bench::NOW) + jiff::SignedDuration::from_mins(minutes);
        bench.take(event).alarm
    };
    assert_eq!(refusal(0), Some(Alarm::Relay(Reason::NotVerified)));
    assert_eq!(refusal(9), None);
    assert_eq!(refusal(20), Some(Alarm::Relay(Reason::NotVerified)));
    assert!(!bench.refused("bob@example.com", ""));
}
