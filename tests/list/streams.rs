//! A complaint about a newsletter does not stop a password reset.

use suppressd::event::Kind;
use suppressd::store::{Change, Key};

use super::bench::{Bench, said};

const STREAMS: &str = "[[stream]]\nname = \"marketing\"\nsenders = [\"news@example.org\"]\nheaders = [\"ses:configuration-set: marketing\"]\n\
                       [[stream]]\nname = \"transactional\"\nsenders = [\"app@example.org\"]\n";

#[test]
fn a_complaint_holds_for_its_stream_and_a_hard_bounce_for_all_mail() {
    let mut bench = Bench::new(STREAMS);
    let mut complaint = bench.event(Kind::Complaint, "bob@example.com", "2026-11-20T08");
    complaint.evidence.sender = Some("news@example.org".into());
    assert_eq!(said(&bench.take(complaint)), "suppressed: complaint");
    assert!(bench.refused("bob@example.com", "marketing"));
    assert!(!bench.refused("bob@example.com", "transactional"));
    assert!(!bench.refused("bob@example.com", ""));
    let mut bounce = bench.event(Kind::HardBounce, "bob@example.com", "2026-11-20T09");
    bounce.evidence.sender = Some("news@example.org".into());
    bench.take(bounce);
    for stream in ["marketing", "transactional", ""] {
        assert!(bench.refused("bob@example.com", stream), "{stream}");
    }
}

#[test]
fn a_tag_of_ses_tells_the_stream_and_mail_of_none_is_all_mail() {
    let mut bench = Bench::new(STREAMS);
    let mut tagged = bench.event(Kind::Complaint, "bob@example.com", "2026-11-20T08");
    tagged.evidence.headers = Some("ses:configuration-set: marketing".into());
    bench.take(tagged);
    assert!(bench.refused("bob@example.com", "marketing") && !bench.refused("bob@example.com", ""));
    bench.see(Kind::Complaint, "eve@example.com", "2026-11-20T08");
    for stream in ["marketing", "transactional", ""] {
        assert!(bench.refused("eve@example.com", stream), "{stream}");
    }
}

#[test]
fn scope_all_and_unsubscribe_do_as_configured() {
    let rules = "[policy.complaint]\nscope = \"all\"\n[policy.unsubscribe]\nthen = \"suppress\"\n";
    let mut bench = Bench::new(&format!("{rules}{STREAMS}"));
    for (kind, who) in [(Kind::Complaint, "bob@example.com"), (Kind::Unsubscribe, "eve@example.com")] {
        let mut event = bench.event(kind, who, "2026-11-20T08");
        event.evidence.sender = Some("news@example.org".into());
        bench.take(event);
    }
    assert!(bench.refused("bob@example.com", "transactional"));
    assert!(bench.refused("eve@example.com", "marketing") && !bench.refused("eve@example.com", "transactional"));
}

#[test]
fn the_release_of_one_stream_says_nothing_about_reports_that_hold_for_all_mail() {
    let mut bench = Bench::new(STREAMS);
    let mut complaint = bench.event(Kind::Complaint, "bob@example.com", "2026-11-20T07");
    complaint.evidence.sender = Some("news@example.org".into());
    bench.take(complaint);
    bench.see(Kind::HardBounce, "bob@example.com", "2026-11-20T08");
    let change = Change { stream: "marketing".into(), ..Change::default() };
    bench.store.remove(&Key::parse("bob@example.com").unwrap(), &change, bench.now).unwrap();
    assert_eq!(bench.see(Kind::HardBounce, "bob@example.com", "2026-11-20T09"), "recorded: suppressed already");
    let mut complaint = bench.event(Kind::Complaint, "bob@example.com", "2026-11-20T09");
    complaint.evidence.sender = Some("news@example.org".into());
    assert_eq!(said(&bench.take(complaint)), "recorded: older than the release of 2026-11-21T12:00:00Z");
}
