use super::*;
use crate::address::Address;
use crate::event::{EventId, Evidence, Origin, Reason, Source};

const NOW: &str = "2026-11-21T12:00:00Z";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn event(kind: Kind, at: &str) -> Event {
    Event {
        id: EventId("test".into()),
        kind,
        at: time(at),
        recipient: Address::parse("user@example.com").unwrap(),
        reported: "user@example.com".into(),
        source: Source::Ses,
        origin: Origin::SnsSignature,
        evidence: Evidence { reason: Reason::UserUnknown, side: Side::Recipient, ..Evidence::default() },
    }
}

fn action(event: &Event, history: &History) -> Action {
    decide(event, history, &Rules::default(), time(NOW)).action
}

/// Four soft bounces on four days, the last one the day before [`NOW`].
fn four_soft() -> History {
    let days = ["2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20"];
    History { occurrences: days.iter().map(|d| time(&format!("{d}T08:00:00Z"))).collect(), ..History::default() }
}

const FOREVER: Action = Action::Suppress { until: None };

#[test]
fn hard_bounces_and_complaints_suppress_at_once_until_released() {
    for kind in [Kind::HardBounce, Kind::Complaint] {
        assert_eq!(action(&event(kind, NOW), &History::default()), FOREVER, "{kind}");
    }
}

#[test]
fn other_kinds_never_suppress() {
    for kind in Kind::ALL.iter().filter(|k| Rules::default().for_kind(**k).is_none()) {
        assert_eq!(action(&event(*kind, NOW), &four_soft()), Action::Record, "{kind}");
    }
}

#[test]
fn an_unproved_report_suppresses_nobody() {
    let forged = Event { origin: Origin::Unproved, ..event(Kind::HardBounce, NOW) };
    assert_eq!(action(&forged, &History::default()), Action::Record);
}

#[test]
fn what_is_our_own_fault_suppresses_nobody() {
    for kind in [Kind::HardBounce, Kind::SoftBounce] {
        let mut ours = event(kind, NOW);
        ours.evidence.side = Side::Sender;
        assert_eq!(action(&ours, &four_soft()), Action::Record, "{kind}");
    }
}

#[test]
fn the_fifth_soft_bounce_on_a_third_day_suppresses_for_seven_days() {
    let fifth = event(Kind::SoftBounce, NOW);
    let until = Some(time("2026-11-28T12:00:00Z"));
    assert_eq!(action(&fifth, &four_soft()), Action::Suppress { until });
    let three = History { occurrences: four_soft().occurrences[1..].to_vec(), ..History::default() };
    assert_eq!(action(&fifth, &three), Action::Record);
}

#[test]
fn soft_bounces_of_two_days_do_not_suppress_however_many() {
    let occurrences = (0..9).map(|h| time(&format!("2026-11-20T0{h}:00:00Z"))).collect();
    let history = History { occurrences, ..History::default() };
    assert_eq!(action(&event(Kind::SoftBounce, NOW), &history), Action::Record);
}

#[test]
fn soft_bounces_older_than_the_window_do_not_count() {
    let mut history = four_soft();
    history.occurrences[0] = time("2026-11-07T12:00:00Z");
    assert_eq!(action(&event(Kind::SoftBounce, NOW), &history), Action::Record);
}

#[test]
fn a_delivery_between_resets_the_count() {
    let history = History { last_delivery: Some(time("2026-11-18T09:00:00Z")), ..four_soft() };
    assert_eq!(action(&event(Kind::SoftBounce, NOW), &history), Action::Record);
}

#[test]
fn a_late_soft_bounce_from_before_the_delivery_does_not_count() {
    let history = History { last_delivery: Some(time("2026-11-21T11:00:00Z")), ..four_soft() };
    assert_eq!(action(&event(Kind::SoftBounce, "2026-11-21T10:00:00Z"), &history), Action::Record);
}

#[test]
fn relapses_climb_the_ladder() {
    let fifth = event(Kind::SoftBounce, NOW);
    let again = |times_suppressed| History { times_suppressed, ..four_soft() };
    let until = Some(time("2026-12-21T12:00:00Z"));
    assert_eq!(action(&fifth, &again(1)), Action::Suppress { until });
    assert_eq!(action(&fifth, &again(2)), FOREVER);
    assert_eq!(action(&fifth, &again(7)), FOREVER);
}

#[test]
fn the_bounces_behind_one_suppression_do_not_count_for_the_next() {
    let history = History { last_suppressed: Some(time("2026-11-20T08:00:00Z")), times_suppressed: 1, ..four_soft() };
    assert_eq!(action(&event(Kind::SoftBounce, NOW), &history), Action::Record);
}

#[test]
fn a_hard_bounce_makes_a_temporary_entry_permanent_and_leaves_a_permanent_one() {
    let temporary = Current { until: Some(time("2026-11-25T00:00:00Z")) };
    let history = |current| History { current: Some(current), ..History::default() };
    assert_eq!(action(&event(Kind::HardBounce, NOW), &history(temporary)), FOREVER);
    assert_eq!(action(&event(Kind::HardBounce, NOW), &history(Current { until: None })), Action::Record);
}

#[test]
fn a_report_from_before_the_release_does_not_suppress_again() {
    let history = History { released: Some(time("2026-11-20T00:00:00Z")), ..History::default() };
    assert_eq!(action(&event(Kind::HardBounce, "2026-11-19T00:00:00Z"), &history), Action::Record);
    assert_eq!(action(&event(Kind::HardBounce, NOW), &history), FOREVER);
}

#[test]
fn a_suppression_whose_time_is_over_is_not_made() {
    let rules = Rules {
        hard: Rule { suppress_for: vec![Term::For(SignedDuration::from_hours(24))], ..Rules::default().hard },
        ..Rules::default()
    };
    let late = event(Kind::HardBounce, "2026-11-01T00:00:00Z");
    assert_eq!(decide(&late, &History::default(), &rules, time(NOW)).action, Action::Record);
}

#[test]
fn a_clock_that_runs_ahead_cannot_stretch_an_entry() {
    let ahead = event(Kind::SoftBounce, "2036-11-21T12:00:00Z");
    let until = Some(time("2026-11-28T12:00:00Z"));
    assert_eq!(action(&ahead, &four_soft()), Action::Suppress { until });
}

#[test]
fn every_decision_says_why() {
    let reason = |event: &Event, history: &History| decide(event, history, &Rules::default(), time(NOW)).reason;
    assert_eq!(reason(&event(Kind::HardBounce, NOW), &History::default()), "hard bounce");
    assert_eq!(reason(&event(Kind::SoftBounce, NOW), &four_soft()), "soft bounce 5 of 5 on 5 days");
    assert_eq!(reason(&event(Kind::SoftBounce, NOW), &History::default()), "soft bounce 1 of 5, on day 1 of 3");
    assert_eq!(reason(&event(Kind::Delivery, NOW), &History::default()), "delivery never suppresses");
}

#[test]
fn a_rule_of_zero_never_suppresses() {
    let never = Rule { after: 0, ..Rules::default().hard };
    let rules = Rules { hard: never, ..Rules::default() };
    let decision = decide(&event(Kind::HardBounce, NOW), &History::default(), &rules, time(NOW));
    assert_eq!(decision.action, Action::Record);
}
