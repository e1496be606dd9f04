use jiff::SignedDuration;

use super::*;
use crate::event::Side;

const NOW: &str = "2026-11-21T12:00:00Z";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// `11-21` or `11-21T10` of 2026.
fn at(text: &str) -> Timestamp {
    match text.split_once('T') {
        Some((day, hour)) => time(&format!("2026-{day}T{hour}:00:00Z")),
        None => time(&format!("2026-{text}T08:00:00Z")),
    }
}

/// The list of one address, as decisions change it.
struct Book {
    address: Address,
    rules: Rules,
    history: History,
    now: Timestamp,
}

impl Book {
    fn new() -> Self {
        let address = Address::parse("user@example.com").unwrap();
        Self { address, rules: Rules::default(), history: History::default(), now: time(NOW) }
    }

    fn with(change: impl FnOnce(&mut Rules)) -> Self {
        let mut book = Self::new();
        change(&mut book.rules);
        book
    }

    fn occurrence(&self, kind: Kind, at: Timestamp) -> Occurrence {
        let number = self.history.occurrences.len() as i64 + 1;
        let id = number.to_string();
        let (message, stream) = (vec![format!("message-{id}")], String::new());
        Occurrence { number, id, at, kind, side: Side::Recipient, message, stream, held_by: None }
    }

    fn see(&mut self, kind: Kind, when: &str) -> String {
        self.take(self.occurrence(kind, at(when)))
    }

    /// `suppressed until forever: hard bounce`, `recorded: …`.
    fn take(&mut self, event: Occurrence) -> String {
        let (decision, changes) = decide(&self.address, event.clone(), self.history.clone(), &self.rules, self.now);
        self.history.occurrences.push(event);
        for change in changes {
            let (stream, entry) = match change {
                Change::Put(stream, entry) => (stream, Some(entry)),
                Change::Drop(stream) => (stream, None),
            };
            self.history.listed.retain(|listed| listed.stream != stream);
            self.history.listed.extend(entry.map(|entry| Listed { stream, entry, by_operator: false }));
        }
        let until = match decision.action {
            Action::Suppress { until: None } => " for ever".to_owned(),
            Action::Suppress { until: Some(until) } => format!(" until {}", timestamp_text(until)),
            _ => String::new(),
        };
        format!("{}{until}: {}", decision.action.as_str(), decision.reason)
    }

    fn soft(&mut self, days: &[&str]) -> String {
        days.iter().map(|day| self.see(Kind::SoftBounce, day)).last().unwrap()
    }

    fn refused(&self) -> Vec<&str> {
        let in_force = self.history.listed.iter().filter(|listed| listed.entry.in_force(self.now));
        in_force.map(|listed| listed.stream.as_str()).collect()
    }
}

const FIVE: [&str; 5] = ["11-17", "11-18", "11-19", "11-20", "11-21"];

#[test]
fn every_row_of_the_defaults() {
    for (kind, said) in [
        (Kind::HardBounce, "suppressed for ever: hard bounce"),
        (Kind::Complaint, "suppressed for ever: complaint"),
        (Kind::SoftBounce, "recorded: soft bounce 1 of 5, on day 1 of 3"),
        (Kind::Unsubscribe, "recorded: unsubscribe, to be recorded only"),
        (Kind::Delivery, "recorded: delivery never suppresses"),
        (Kind::Delay, "recorded: delay never suppresses"),
        (Kind::Notice, "recorded: notice never suppresses"),
        (Kind::Reject, "recorded: reject never suppresses"),
        (Kind::Send, "recorded: send never suppresses"),
        (Kind::Open, "recorded: open never suppresses"),
    ] {
        assert_eq!(Book::new().see(kind, "11-21"), said);
    }
    assert_eq!(Book::new().soft(&FIVE), "suppressed until 2026-11-28T08:00:00Z: soft bounce 5 of 5 on 5 days");
}

#[test]
fn what_is_our_own_fault_suppresses_nobody() {
    for kind in [Kind::HardBounce, Kind::SoftBounce, Kind::Complaint] {
        let mut book = Book::with(|rules| rules.soft.after = 1);
        let event = Occurrence { side: Side::Sender, ..book.occurrence(kind, at("11-21")) };
        assert_eq!(book.take(event), "recorded: not the recipient's fault");
    }
}

#[test]
fn soft_bounces_count_by_messages_days_and_window() {
    let same_day = ["11-20T01", "11-20T02", "11-20T03", "11-20T04", "11-20T05"];
    assert_eq!(Book::new().soft(&same_day), "recorded: soft bounce 5 of 5, on day 1 of 3");
    let mut old = FIVE;
    old[0] = "11-07T08";
    assert_eq!(Book::new().soft(&old), "recorded: soft bounce 4 of 5, on day 4 of 3");
    let mut book = Book::new();
    book.soft(&FIVE[..4]);
    for ids in [vec!["ses-4", "message-4"], vec!["ses-4"]] {
        let message = ids.into_iter().map(str::to_owned).collect();
        let again = Occurrence { message, ..book.occurrence(Kind::SoftBounce, at("11-21")) };
        assert_eq!(book.take(again), "recorded: soft bounce of a message that counts already", "by any of its ids");
    }
}

#[test]
fn a_delivery_resets_the_count_and_ends_a_soft_suppression() {
    let mut book = Book::new();
    book.soft(&FIVE[..4]);
    book.see(Kind::Delivery, "11-20T12");
    assert_eq!(book.soft(&["11-21"]), "recorded: soft bounce 1 of 5, on day 1 of 3");
    let mut book = Book::new();
    book.soft(&FIVE);
    assert_eq!(book.see(Kind::Delivery, "11-21T10"), "recorded: delivery ends the suppression");
    assert!(book.refused().is_empty());
}

#[test]
fn a_late_delivery_lifts_no_newer_bounce_and_counts_where_it_belongs() {
    let mut book = Book::new();
    book.soft(&FIVE);
    assert_eq!(book.see(Kind::Delivery, "11-16"), "recorded: delivery never suppresses");
    assert_eq!(book.refused(), [""]);
    book.see(Kind::Delivery, "11-18T12");
    assert!(book.refused().is_empty(), "only three bounces came after it");
}

#[test]
fn a_late_bounce_counts_where_it_belongs() {
    let mut book = Book::new();
    book.soft(&["11-17", "11-19", "11-20", "11-21"]);
    assert_eq!(book.soft(&["11-18"]), "suppressed until 2026-11-28T08:00:00Z: soft bounce 5 of 5 on 5 days");
    let mut book = Book::new();
    book.see(Kind::Delivery, "11-21");
    assert_eq!(book.soft(&FIVE[..4]), "recorded: soft bounce 4 of 5, on day 4 of 3");
    assert_eq!(book.soft(&["11-21T09"]), "recorded: soft bounce 1 of 5, on day 1 of 3");
}

#[test]
fn the_ladder_climbs_with_each_relapse_and_comes_down() {
    let first = ["09-01", "09-02", "09-03", "09-04", "09-05"];
    let second = ["09-13", "09-14", "09-15", "09-16", "09-17"];
    let mut book = Book::new();
    book.now = at("09-05T09");
    assert_eq!(book.soft(&first), "suppressed until 2026-09-12T08:00:00Z: soft bounce 5 of 5 on 5 days");
    book.now = at("09-17T09");
    assert_eq!(book.soft(&second), "suppressed until 2026-10-17T08:00:00Z: soft bounce 5 of 5 on 5 days");
    book.now = time(NOW);
    assert_eq!(book.soft(&FIVE), "suppressed for ever: soft bounce 5 of 5 on 5 days");
    // The same after a delivery, and after a quiet time.
    for calm in [Some("10-20"), None] {
        let mut book = Book::with(|rules| rules.soft.quiet = SignedDuration::from_hours(24 * 20));
        book.soft(&first);
        book.soft(&second);
        calm.into_iter().for_each(|day| drop(book.see(Kind::Delivery, day)));
        assert_eq!(book.soft(&FIVE), "suppressed until 2026-11-28T08:00:00Z: soft bounce 5 of 5 on 5 days");
    }
}

#[test]
fn bounces_while_it_is_suppressed_are_no_relapse() {
    let mut book = Book::new();
    book.soft(&FIVE);
    assert_eq!(book.soft(&["11-21T09"]), "recorded: suppressed already until 2026-11-28T08:00:00Z");
}

#[test]
fn a_hard_bounce_makes_a_temporary_entry_permanent_and_leaves_a_permanent_one() {
    let mut book = Book::new();
    book.soft(&FIVE);
    assert_eq!(book.see(Kind::HardBounce, "11-21T10"), "suppressed for ever: hard bounce");
    assert_eq!(book.see(Kind::HardBounce, "11-21T11"), "recorded: suppressed already");
    assert_eq!(book.see(Kind::HardBounce, "11-16"), "recorded: hard bounce, suppressed already");
}

#[test]
fn a_release_restarts_everything_and_older_reports_do_not_count() {
    let mut book = Book::new();
    book.soft(&["09-01", "09-02", "09-03", "09-04", "09-05"]);
    book.see(Kind::HardBounce, "11-10");
    book.see(Kind::Removed, "11-15");
    assert!(book.refused().is_empty());
    let late = book.see(Kind::HardBounce, "11-14");
    assert_eq!(late, "recorded: older than the release of 2026-11-15T08:00:00Z");
    assert_eq!(book.soft(&FIVE), "suppressed until 2026-11-28T08:00:00Z: soft bounce 5 of 5 on 5 days");
    assert_eq!(book.see(Kind::HardBounce, "11-21T11"), "suppressed for ever: hard bounce");
}

#[test]
fn a_protected_address_is_never_suppressed() {
    let mut book = Book::with(|rules| rules.protected = vec![Pattern::parse("@example.com").unwrap()]);
    assert_eq!(book.see(Kind::HardBounce, "11-21"), "recorded: hard bounce, but @example.com is protected");
    let mut book = Book::new();
    book.address = Address::parse("postmaster@example.net").unwrap();
    assert_eq!(book.see(Kind::Complaint, "11-21"), "recorded: complaint, but postmaster@ is protected");
}

#[test]
fn a_complaint_refuses_its_stream_and_a_hard_bounce_all_mail() {
    let mut book = Book::new();
    let complaint = Occurrence { stream: "news".into(), ..book.occurrence(Kind::Complaint, at("11-20")) };
    assert_eq!(book.take(complaint.clone()), "suppressed for ever: complaint");
    assert_eq!(book.refused(), ["news"]);
    let bounce = Occurrence { stream: "news".into(), ..book.occurrence(Kind::HardBounce, at("11-21")) };
    book.take(bounce);
    assert_eq!(book.refused(), ["news", ""]);
    let mut book = Book::with(|rules| rules.complaint.scope = Scope::All);
    book.take(complaint);
    assert_eq!(book.refused(), [""]);
}

#[test]
fn a_release_of_one_stream_leaves_the_others() {
    let mut book = Book::new();
    for stream in ["news", "shop"] {
        let complaint = Occurrence { stream: stream.into(), ..book.occurrence(Kind::Complaint, at("11-20")) };
        book.take(complaint);
    }
    let release = Occurrence { stream: "news".into(), ..book.occurrence(Kind::Removed, at("11-21")) };
    book.take(release);
    assert_eq!(book.refused(), ["shop"]);
}

#[test]
fn what_an_operator_did_by_hand_stays_until_an_event_says_more() {
    let mut book = Book::new();
    book.see(Kind::HardBounce, "11-10");
    book.history.listed[0].entry.until = Some(at("11-12"));
    book.see(Kind::Delivery, "11-20");
    assert!(book.refused().is_empty(), "a delivery brings nothing back");
    assert_eq!(book.see(Kind::HardBounce, "11-21"), "suppressed for ever: hard bounce");
    let mut book = Book::new();
    let entry = Entry { kind: Kind::Added, since: at("11-01"), until: None, event: 0, step: 1, why: "added".into() };
    book.history.listed.push(Listed { stream: String::new(), entry, by_operator: true });
    assert_eq!(book.see(Kind::HardBounce, "11-10"), "recorded: hard bounce");
    assert_eq!(book.history.listed[0].entry.kind, Kind::Added);
    book.history.listed[0].entry.until = Some(at("11-30"));
    assert_eq!(book.see(Kind::HardBounce, "11-11"), "suppressed for ever: hard bounce");
}

#[test]
fn an_event_from_before_the_horizon_does_not_count_and_old_entries_stay() {
    let mut book = Book::new();
    book.see(Kind::HardBounce, "09-01");
    book.history.occurrences.clear();
    book.history.horizon = Some(at("10-01"));
    book.see(Kind::Delivery, "11-01");
    assert_eq!(book.refused(), [""]);
    assert_eq!(book.see(Kind::HardBounce, "09-10"), "recorded: older than what is kept, since 2026-10-01T08:00:00Z");
    assert_eq!(book.see(Kind::HardBounce, "11-21"), "recorded: suppressed already");
}

#[test]
fn a_suppression_whose_time_is_over_refuses_nothing() {
    let mut book = Book::with(|rules| rules.hard.suppress_for = vec![Term::For(SignedDuration::from_hours(24))]);
    assert_eq!(book.see(Kind::HardBounce, "11-01"), "recorded: hard bounce, but its time is over");
    assert!(book.refused().is_empty());
}

#[test]
fn rules_of_zero_and_rules_that_only_record_never_suppress() {
    let mut never = Book::with(|rules| rules.hard.after = 0);
    assert_eq!(never.see(Kind::HardBounce, "11-21"), "recorded: hard bounce never suppresses");
    let mut record = Book::with(|rules| (rules.soft.after, rules.soft.on_days, rules.soft.then) = (2, 1, Then::Record));
    assert_eq!(record.soft(&["11-20", "11-21"]), "recorded: soft bounce 2 of 2 on 2 days, to be recorded only");
}
