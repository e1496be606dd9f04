//! For one set of events, neither the order in which they arrive nor how often changes the list.

use proptest::prelude::*;
use suppressd::event::{Event, Kind, Origin, Side};

use super::bench::Bench;

const KINDS: [Kind; 7] = [
    Kind::HardBounce,
    Kind::SoftBounce,
    Kind::SoftBounce,
    Kind::SoftBounce,
    Kind::Complaint,
    Kind::Unsubscribe,
    Kind::Delivery,
];

/// Soft bounces are soon enough, so that a handful of events climbs the ladder.
const RULES: &str = "[policy.soft]\nafter = 2\non-days = 2\nsuppress-for = [\"2d\", \"4d\", \"forever\"]\nquiet = \"15d\"\n\
                     [policy.unsubscribe]\nthen = \"suppress\"\nsuppress-for = \"5d\"\n\
                     [policy.hard]\nafter = 2\nsuppress-for = [\"3d\", \"9d\"]\n\
                     [[stream]]\nname = \"news\"\nsenders = [\"news@example.org\"]\n";

/// Kind, recipient, day, hour, message, side, whether a newsletter, whether proved; each by number.
type Report = (usize, u8, u32, u32, u8, u8, bool, u8);

prop_compose! {
    fn report()(
        kind in 0..KINDS.len(), who in 0..2_u8, day in 1..21_u32, hour in 0..4_u32, message in 0..12_u8, side in 0..8_u8,
        news in any::<bool>(), proved in 0..8_u8,
    ) -> Report {
        (kind, who, day, hour, message, side, news, proved)
    }
}

fn events(bench: &mut Bench, reports: &[Report]) -> Vec<Event> {
    let one = |(kind, who, day, hour, message, side, news, proved): &Report| {
        let who = format!("user{who}@example.com");
        let mut event = bench.event(KINDS[*kind], &who, &format!("2026-11-{day:02}T{hour:02}"));
        event.evidence.message_id = Some(format!("<{message}>"));
        event.evidence.sender = news.then(|| "news@example.org".to_owned());
        event.evidence.side = if *side == 0 { Side::Sender } else { Side::Recipient };
        event.origin = if *proved == 0 { Origin::Unproved } else { Origin::SnsSignature };
        event
    };
    reports.iter().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_and_duplicates_do_not_change_the_list(
        reports in prop::collection::vec(report(), 1..25),
        keys in prop::collection::vec(any::<u64>(), 25),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let (mut one, mut other) = (Bench::new(RULES), Bench::new(RULES));
        let events = events(&mut one, &reports);
        for event in &events {
            one.take(event.clone());
        }
        let mut shuffled: Vec<_> = keys.iter().zip(&events).collect();
        shuffled.sort_by_key(|(key, _)| **key);
        for (_, event) in shuffled {
            other.take(event.clone());
        }
        for index in again {
            let repeated = other.take(index.get(&events).clone());
            prop_assert_eq!(repeated.action(), "duplicate");
        }
        prop_assert_eq!(one.list(), other.list());
    }
}
