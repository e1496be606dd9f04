//! How often each map was asked, and what it answered: for monitoring. One atomic increment each.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Verdict;

/// Who asks: [`super::Query::door`].
const DOORS: [&str; 3] = ["access", "transport", "policy"];
/// What is answered.
const RESULTS: [&str; 4] = ["pass", "refused", "would_refuse", "trouble"];

/// Counts since the start of the process.
#[derive(Debug, Default)]
pub struct Counts {
    answers: [[AtomicU64; RESULTS.len()]; DOORS.len()],
    failures: AtomicU64,
}

impl Counts {
    /// Counts an answer.
    pub(super) fn answered(&self, door: &str, verdict: &Verdict) {
        let result = match verdict {
            Verdict::Pass => 0,
            Verdict::Refuse(_) => 1,
            Verdict::WouldRefuse(_) => 2,
            Verdict::Trouble => 3,
        };
        let door = DOORS.iter().position(|name| *name == door).and_then(|door| self.answers.get(door));
        if let Some(count) = door.and_then(|results| results.get(result)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a question that the database did not answer, whatever Postfix was told.
    pub(super) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Door, result and number of answers, for each pair of the two.
    pub fn answers(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let results = DOORS.into_iter().zip(&self.answers);
        results.flat_map(|(door, counts)| {
            let of_door = RESULTS.into_iter().zip(counts);
            of_door.map(move |(result, count)| (door, result, count.load(Ordering::Relaxed)))
        })
    }

    /// Questions that the database did not answer.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}
