//! What monitoring is told, at most [`FRESH`] old: however often somebody asks, the database is read once in that time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::lookup::Lookup;
use crate::store::{Figures, Progress};
use crate::telemetry::metrics::{Snapshot, render};

/// How long what was read is told again.
const FRESH: Duration = Duration::from_secs(15);

/// Where the numbers come from.
pub(super) struct Monitoring {
    database: PathBuf,
    deadline: Duration,
    lookup: Arc<Lookup>,
    known: Mutex<Known>,
}

/// What the database told last.
#[derive(Default)]
struct Known {
    read: Option<Instant>,
    figures: Option<Figures>,
    last_event: Option<i64>,
    events: BTreeMap<(String, String), i64>,
}

impl Monitoring {
    /// Counts events from now on.
    pub(super) fn new(database: PathBuf, deadline: Duration, lookup: Arc<Lookup>) -> Self {
        let monitoring = Self { database, deadline, lookup, known: Mutex::default() };
        monitoring.refresh(&mut monitoring.known.lock().unwrap_or_else(PoisonError::into_inner));
        // What is asked for first is told as it is then.
        monitoring.known.lock().unwrap_or_else(PoisonError::into_inner).read = None;
        monitoring
    }

    /// The numbers as text. This may read the database: not for a thread that answers Postfix.
    pub(super) fn text(&self) -> String {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.read.is_none_or(|read| read.elapsed() >= FRESH) {
            self.refresh(&mut known);
        }
        let events: Vec<_> =
            known.events.iter().map(|((kind, action), count)| (kind.clone(), action.clone(), *count)).collect();
        render(&Snapshot { figures: known.figures.as_ref(), events: &events, lookups: self.lookup.counts() })
    }

    fn refresh(&self, known: &mut Known) {
        // By a connection that is closed at once: see Readers::renew.
        let read = Figures::read(&self.database, self.deadline, known.last_event, Timestamp::now());
        known.read = Some(Instant::now());
        known.figures = read.map(|(figures, progress)| known.add(progress, figures)).ok();
    }
}

impl Known {
    fn add(&mut self, progress: Progress, figures: Figures) -> Figures {
        self.last_event = Some(progress.last);
        for (kind, action, count) in progress.events {
            *self.events.entry((kind, action)).or_default() += count;
        }
        figures
    }
}
