//! Numbers for monitoring, in the text format of OpenMetrics, which Prometheus reads.
//!
//! What this process counts itself starts at 0 with it; what the database tells counts for all processes. Labels are
//! words of our own and never a text of a report: a word that we do not know is `other`.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::event::{Kind, Reason};
use crate::lookup::Counts;
use crate::outcome::Outcome;
use crate::store::Figures;

/// The media type of [`render`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// What events do, and a word for all others.
const ACTIONS: [&str; 5] = ["suppressed", "recorded", "added", "removed", "held"];
/// Reasons for which the relay refuses us, and not a recipient.
const RELAY_REASONS: [Reason; 3] = [Reason::NotVerified, Reason::RelayRefused, Reason::Throttled];
const OTHER: &str = "other";

/// Answers of the webhook door.
static WEBHOOK: [AtomicU64; 5] = [const { AtomicU64::new(0) }; 5];
const OUTCOMES: [(Outcome, &str); 5] = [
    (Outcome::Accepted, "accepted"),
    (Outcome::Duplicate, "duplicate"),
    (Outcome::Malformed, "malformed"),
    (Outcome::Forged, "forged"),
    (Outcome::TryAgain, "try_again"),
];

/// Counts an answer of the webhook door.
pub fn webhook(outcome: Outcome) {
    let count = OUTCOMES.iter().zip(&WEBHOOK).find(|((known, _), _)| *known == outcome);
    if let Some((_, count)) = count {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// What there is to tell.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// What the database tells; `None` while it does not answer.
    pub figures: Option<&'a Figures>,
    /// Events since the start of this process, as kind, action and number.
    pub events: &'a [(String, String, i64)],
    /// What Postfix asked.
    pub lookups: &'a Counts,
}

type Labels = Vec<(&'static str, &'static str)>;

/// The numbers as text.
#[must_use]
pub fn render(snapshot: &Snapshot<'_>) -> String {
    let mut registry = Registry::with_prefix("suppressd");
    counters(&mut registry, snapshot);
    gauge(&mut registry, "database_up", "1 while the database answers", i64::from(snapshot.figures.is_some()));
    if let Some(figures) = snapshot.figures {
        gauges(&mut registry, figures);
    }
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = encode(&mut text, &registry);
    text
}

fn counters(registry: &mut Registry, snapshot: &Snapshot<'_>) {
    let events = snapshot.events.iter().map(|(kind, action, count)| {
        (vec![("kind", kind_word(kind)), ("action", action_word(action))], u64::try_from(*count).unwrap_or_default())
    });
    family(registry, "events", "Events recorded by any process since this one started", events);
    let lookups = snapshot.lookups.answers();
    let lookups = lookups.map(|(map, result, count)| (vec![("map", map), ("result", result)], count));
    family(registry, "lookups", "Questions of Postfix, by map and answer", lookups);
    let refused = snapshot.lookups.answers().filter(|(_, result, _)| *result == "refused");
    let refused = refused.map(|(map, _, count)| (vec![("map", map)], count));
    family(registry, "refusals", "Recipients refused", refused);
    let failures = [(Vec::new(), snapshot.lookups.failures())];
    family(registry, "lookup_failures", "Questions that the database did not answer", failures);
    let webhook = OUTCOMES.iter().zip(&WEBHOOK);
    let webhook = webhook.map(|((_, word), count)| (vec![("outcome", *word)], count.load(Ordering::Relaxed)));
    family(registry, "webhook_requests", "Messages to the webhook, by what became of them", webhook);
}

fn gauges(registry: &mut Registry, figures: &Figures) {
    let entries = Family::<Labels, Gauge>::default();
    for kind in [Kind::HardBounce, Kind::SoftBounce, Kind::Complaint, Kind::Unsubscribe, Kind::Added] {
        entries.get_or_create(&vec![("kind", kind.as_str())]).set(0);
    }
    for (kind, count) in &figures.entries {
        entries.get_or_create(&vec![("kind", kind_word(kind))]).inc_by(*count);
    }
    registry.register("entries", "Entries of the list that are in force", entries);
    gauge(registry, "allow_entries", "Allow entries that are in force", figures.allowed);
    gauge(registry, "quarantine_entries", "Mails and messages in quarantine", figures.quarantine_entries);
    gauge(registry, "quarantine_bytes", "Their size in bytes", figures.quarantine_bytes);
    gauge(registry, "open_incidents", "Incidents that wait for a decision", figures.open_incidents);
    gauge(registry, "held_back", "Recipients whose suppression these hold back", figures.held_back);
    let relay = Family::<Labels, Gauge>::default();
    for reason in RELAY_REASONS {
        let found = figures.relay_refusals.iter().find(|(word, _)| word == reason.as_str());
        relay.get_or_create(&vec![("reason", reason.as_str())]).set(found.map_or(0, |(_, count)| *count));
    }
    registry.register("relay_refusals", "Messages of the last hour that the relay refused because of us", relay);
}

fn family(registry: &mut Registry, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, u64)>) {
    let family = Family::<Labels, Counter>::default();
    for (labels, count) in values {
        family.get_or_create(&labels).inc_by(count);
    }
    registry.register(name, help, family);
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: i64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn kind_word(kind: &str) -> &'static str {
    Kind::parse(kind).map_or(OTHER, Kind::as_str)
}

fn action_word(action: &str) -> &'static str {
    ACTIONS.into_iter().find(|known| *known == action).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_a_stranger_wrote_is_no_label() {
        let events = vec![
            ("hard_bounce".to_owned(), "suppressed".to_owned(), 2),
            ("x\"} 1\nforged 1".to_owned(), "\u{1b}[2J".to_owned(), 3),
        ];
        let figures =
            Figures { relay_refusals: vec![("forged".into(), 9), ("throttled".into(), 4)], ..Figures::default() };
        let text = render(&Snapshot { figures: Some(&figures), events: &events, lookups: &Counts::default() });
        for line in [
            "suppressd_events_total{kind=\"hard_bounce\",action=\"suppressed\"} 2",
            "suppressd_events_total{kind=\"other\",action=\"other\"} 3",
            "suppressd_relay_refusals{reason=\"throttled\"} 4",
            "suppressd_relay_refusals{reason=\"notverified\"} 0",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
        assert!(!text.contains("forged ") && !text.contains('\u{1b}'), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn a_database_that_does_not_answer_is_down_and_hides_only_what_it_would_tell() {
        let text = render(&Snapshot { figures: None, events: &[], lookups: &Counts::default() });
        assert!(text.contains("suppressd_database_up 0\n") && text.contains("suppressd_lookups_total"), "{text}");
        assert!(!text.contains("suppressd_entries"), "{text}");
    }
}
