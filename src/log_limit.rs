//! Keeps a flood of refusals from becoming a flood of log lines.
//!
//! Each reason may log [`PER_WINDOW`] lines in [`WINDOW`]; the rest are counted, and the first line of the next window
//! tells how many there were. Only what others can repeat at will goes through here; the first lines of it are always seen.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lines of one reason in one window.
pub const PER_WINDOW: u32 = 10;
/// Length of a window.
pub const WINDOW: Duration = Duration::from_secs(60);

/// Counts of lines, by reason.
#[derive(Debug, Default)]
pub struct LogLimit {
    reasons: Mutex<HashMap<&'static str, Count>>,
}

#[derive(Debug)]
struct Count {
    since: Instant,
    logged: u32,
    held_back: u64,
}

impl LogLimit {
    /// Whether a line for `reason` may be written at `now`; if so, how many were held back since the last one.
    pub fn admit(&self, reason: &'static str, now: Instant) -> Option<u64> {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        let count = reasons.entry(reason).or_insert(Count { since: now, logged: 0, held_back: 0 });
        if now.saturating_duration_since(count.since) >= WINDOW {
            count.since = now;
            count.logged = 0;
        }
        if count.logged >= PER_WINDOW {
            count.held_back += 1;
            return None;
        }
        count.logged += 1;
        Some(std::mem::take(&mut count.held_back))
    }

    /// Begins anew, as a reload does.
    pub fn reset(&self) {
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Writes `line` at level warn, if `reason` is not over its limit.
    pub fn warn(&self, reason: &'static str, line: &str) {
        match self.admit(reason, Instant::now()) {
            Some(0) => log::warn!("{line}"),
            Some(more) => log::warn!("{line} ({more} more of this kind were not logged)"),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_reason_is_counted_and_leaves_the_others_alone() {
        let (limit, start) = (LogLimit::default(), Instant::now());
        for _ in 0..PER_WINDOW {
            assert_eq!(limit.admit("forged", start), Some(0));
        }
        for _ in 0..1000 {
            assert_eq!(limit.admit("forged", start), None);
        }
        assert_eq!(limit.admit("malformed", start), Some(0));
        assert_eq!(limit.admit("forged", start + WINDOW), Some(1000));
        assert_eq!(limit.admit("forged", start + WINDOW), Some(0));
    }
}
