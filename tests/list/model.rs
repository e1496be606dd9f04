//! The list as plain maps, written from suppressd(8), suppressd.toml(5) and suppressd.db(5): what a database must answer after
//! any sequence of what can happen to it. It knows only [`RULES`], and forgets nothing but what it is told to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use suppressd::event::Kind;

/// A handful of soft bounces climbs the ladder.
pub const RULES: &str = "[policy.soft]\nafter = 2\non-days = 2\nwithin = \"14d\"\nsuppress-for = [\"2d\", \"4d\", \"forever\"]\n\
                         quiet = \"15d\"\n[policy.incident]\nrecipients = 0\n\
                         [[stream]]\nname = \"news\"\nsenders = [\"news@example.org\"]\n";
const LADDER: [Option<i64>; 3] = [Some(2), Some(4), None];

/// A report that counts, or a release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Report {
    /// When it happened; not later than when it was received.
    pub at: Timestamp,
    /// Of the same second, a release is the last.
    pub released: bool,
    pub id: String,
    pub kind: Kind,
    pub message: u8,
    /// Of a release: the only stream that it is about; empty for all.
    pub stream: &'static str,
}

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `None` for until released.
    pub until: Option<Timestamp>,
    since: Timestamp,
    soft: bool,
    step: usize,
    /// The report behind it.
    by: String,
    /// An operator put it there.
    mine: bool,
}

impl Entry {
    fn mine(since: Timestamp, until: Option<Timestamp>) -> Self {
        Self { until, since, soft: false, step: 1, by: String::new(), mine: true }
    }

    fn in_force(&self, at: Timestamp) -> bool {
        self.until.is_none_or(|until| until > at)
    }

    fn covers(&self, until: Option<Timestamp>) -> bool {
        self.until.is_none_or(|own| until.is_some_and(|other| own >= other))
    }
}

/// Entries by stream; the empty one is all mail.
type Entries = BTreeMap<&'static str, Entry>;

#[derive(Default)]
pub struct Model {
    /// Of an address, or of a domain.
    rows: BTreeMap<String, Entries>,
    reports: BTreeMap<String, BTreeSet<Report>>,
    allowed: BTreeMap<String, Timestamp>,
    /// What stays of the entries in force, by address and stream.
    forgotten: BTreeMap<String, BTreeMap<&'static str, Option<Timestamp>>>,
    /// Reports that were forgotten with their address: told again, they are new.
    erased: BTreeSet<String>,
    horizon: Option<Timestamp>,
}

impl Model {
    /// Entries that refuse mail of a stream to an address, as key and end; of any stream, and whoever is allowed, with `None`.
    pub fn refusing(&self, who: &str, stream: Option<&str>, now: Timestamp) -> Vec<(String, Option<Timestamp>)> {
        let keys = keys(who);
        if stream.is_some() && keys.iter().any(|key| self.allowed.get(key).is_some_and(|until| *until > now)) {
            return Vec::new();
        }
        let rows = keys.iter().flat_map(|key| self.rows.get(key).into_iter().flatten().map(move |row| (key, row)));
        let holds = |of: &str| of.is_empty() || stream.is_none_or(|stream| stream == of);
        let listed = rows.filter(|(_, (of, entry))| holds(of) && entry.in_force(now));
        let listed = listed.map(|(key, (_, entry))| (key.clone(), entry.until));
        let blocks = self.blocks(who, now).filter(|(of, _)| holds(of)).map(|(_, until)| (who.to_owned(), until));
        listed.chain(blocks).collect()
    }

    /// Streams in which a forgotten address is refused, and until when.
    fn blocks(&self, who: &str, now: Timestamp) -> impl Iterator<Item = (&'static str, Option<Timestamp>)> {
        let blocks = self.forgotten.get(who).into_iter().flatten().map(|(stream, until)| (*stream, *until));
        blocks.filter(move |(_, until)| until.is_none_or(|until| until > now))
    }

    /// A report of proved origin that was not the sender's fault.
    pub fn report(&mut self, who: &str, report: Report, now: Timestamp) {
        let blocked = self.blocks(who, now).any(|(stream, _)| stream.is_empty() || stream == report.stream);
        if blocked || self.horizon.is_some_and(|horizon| report.at < horizon) {
            return;
        }
        self.erased.remove(&report.id);
        let (before, _) = self.came_to(who, "");
        self.reports.entry(who.to_owned()).or_default().insert(report.clone());
        let (after, found) = self.came_to(who, &report.id);
        let rows = self.rows.entry(who.to_owned()).or_default();
        for (stream, entry) in &after {
            let at_step = |known: &Entry| Entry { step: entry.step, ..known.clone() } == *entry;
            if before.get(stream).is_some_and(|known| known != entry && at_step(known)) {
                rows.get_mut(stream).filter(|row| at_step(row)).into_iter().for_each(|row| row.step = entry.step);
                continue;
            }
            let new = before.get(stream) != Some(entry);
            let keeps = rows.get(stream).is_some_and(|row| row.covers(entry.until) && (row.mine || !new));
            if (new || found == Some(*stream)) && !keeps {
                rows.insert(stream, entry.clone());
            }
        }
        rows.retain(|stream, row| row.mine || after.contains_key(stream) || !before.contains_key(stream));
    }

    pub fn is_erased(&self, id: &str) -> bool {
        self.erased.contains(id)
    }

    pub fn add(&mut self, key: &str, stream: &'static str, until: Option<Timestamp>, now: Timestamp) {
        self.rows.entry(key.to_owned()).or_default().insert(stream, Entry::mine(now, until));
    }

    /// Of one stream, or of all.
    pub fn remove(&mut self, key: &str, stream: &'static str, now: Timestamp) {
        let rows = self.rows.entry(key.to_owned()).or_default();
        let before = rows.len();
        rows.retain(|of, _| !stream.is_empty() && *of != stream);
        let removed = rows.len() < before;
        let unblocked = self.blocks(key, now).any(|(of, _)| stream.is_empty() || of == stream);
        if let Some(blocks) = self.forgotten.get_mut(key) {
            blocks.retain(|of, _| !stream.is_empty() && *of != stream);
        }
        if removed || unblocked {
            self.release(key, stream, now);
        }
    }

    /// By SQL: what was in force is released.
    pub fn delete(&mut self, key: &str, now: Timestamp) {
        for (stream, row) in self.rows.remove(key).unwrap_or_default() {
            if row.in_force(now) {
                self.release(key, stream, now);
            }
        }
    }

    fn release(&mut self, key: &str, stream: &'static str, at: Timestamp) {
        let release =
            Report { at, released: true, id: format!("released {stream}"), kind: Kind::Removed, message: 0, stream };
        self.reports.entry(key.to_owned()).or_default().insert(release);
    }

    pub fn allow(&mut self, key: &str, until: Timestamp) {
        self.allowed.insert(key.to_owned(), until);
    }

    pub fn disallow(&mut self, key: &str) {
        self.allowed.remove(key);
    }

    pub fn import(&mut self, key: &str, since: Option<Timestamp>, until: Option<Timestamp>, now: Timestamp) {
        let mut reports = self.reports.get(key).into_iter().flatten();
        let released = reports.any(|r| r.released && r.stream.is_empty() && since.is_none_or(|since| r.at >= since));
        let rows = self.rows.entry(key.to_owned()).or_default();
        let known = rows.get("").is_some_and(|row| row.in_force(now) && row.covers(until));
        let ended = until.is_some_and(|until| until <= now);
        if !ended && !known && !released {
            rows.insert("", Entry::mine(now, until));
        }
    }

    pub fn forget(&mut self, who: &str, block: bool, now: Timestamp) {
        let allowed = keys(who).iter().any(|key| self.allowed.get(key).is_some_and(|until| *until > now));
        let rows = self.rows.remove(who).unwrap_or_default();
        let rows =
            rows.into_iter().filter(|(_, row)| !allowed && row.in_force(now)).map(|(stream, row)| (stream, row.until));
        let blocks = self.forgotten.entry(who.to_owned()).or_default();
        for (stream, until) in rows.chain(block.then_some(("", None))) {
            let longer = |known: &Option<Timestamp>| known.is_none_or(|known| until.is_some_and(|until| known > until));
            if !blocks.get(stream).is_some_and(longer) {
                blocks.insert(stream, until);
            }
        }
        self.erased.extend(self.reports.remove(who).into_iter().flatten().map(|report| report.id));
        self.allowed.remove(who);
    }

    /// Events from before this are deleted; entries stay, and the last release of each stream.
    pub fn keep_events_since(&mut self, horizon: Timestamp) {
        self.horizon = self.horizon.max(Some(horizon));
        for reports in self.reports.values_mut() {
            let releases = reports.iter().filter(|report| report.released);
            let last: BTreeMap<_, _> = releases.map(|release| (release.stream, release.clone())).collect();
            reports.retain(|report| report.at >= horizon || last.get(report.stream) == Some(report));
        }
    }

    /// What the events of an address come to, in the order of their own times; and the stream in which the event `watched` found
    /// it suppressed before.
    fn came_to(&self, who: &str, watched: &str) -> (Entries, Option<&'static str>) {
        let rows = self.rows.get(who).into_iter().flatten();
        let old = rows.filter(|(_, row)| !row.mine && self.horizon.is_some_and(|horizon| row.since < horizon));
        let mut entries: Entries = old.map(|(stream, row)| (*stream, row.clone())).collect();
        let mut soft = SoftBounces::default();
        for entry in entries.values().filter(|entry| entry.soft) {
            (soft.climbed, soft.ended) = (entry.step, entry.until);
        }
        let mut found = None;
        let reports = self.reports.get(who).into_iter().flatten();
        for report in reports.filter(|report| self.horizon.is_none_or(|horizon| report.at >= horizon)) {
            match report.kind {
                Kind::Removed => {
                    entries.retain(|stream, _| !report.stream.is_empty() && *stream != report.stream);
                    soft = if report.stream.is_empty() { SoftBounces::default() } else { soft };
                }
                Kind::Delivery => {
                    soft = SoftBounces::default();
                    let ended = entries.values_mut().filter(|entry| entry.soft && entry.in_force(report.at));
                    ended.for_each(|entry| entry.until = Some(report.at));
                    entries
                        .values_mut()
                        .filter(|entry| entry.soft && entry.until.is_some())
                        .for_each(|entry| entry.step = 0);
                }
                kind => {
                    let stream = if kind == Kind::Complaint { report.stream } else { "" };
                    let before = entries.get(stream).filter(|entry| entry.in_force(report.at));
                    if before.is_some_and(|entry| entry.until.is_none() || kind == Kind::SoftBounce) {
                        found = (report.id == watched).then_some(stream).or(found);
                    } else if kind != Kind::SoftBounce {
                        entries.insert(stream, Entry::of(report, 1, None));
                    } else if let Some((step, until)) = soft.count(report) {
                        entries.insert(stream, Entry::of(report, step, until));
                    }
                }
            }
        }
        (entries, found)
    }
}

impl Entry {
    fn of(report: &Report, step: usize, until: Option<Timestamp>) -> Self {
        let soft = report.kind == Kind::SoftBounce;
        Self { until, since: report.at, soft, step, by: report.id.clone(), mine: false }
    }
}

#[derive(Default)]
struct SoftBounces {
    times: Vec<Timestamp>,
    messages: BTreeSet<u8>,
    climbed: usize,
    ended: Option<Timestamp>,
}

impl SoftBounces {
    /// The step of the ladder and the end, where this one completes a series.
    fn count(&mut self, report: &Report) -> Option<(usize, Option<Timestamp>)> {
        let day = |time: &Timestamp| time.to_zoned(TimeZone::UTC).date();
        if !self.messages.insert(report.message) {
            return None;
        }
        self.times.retain(|time| report.at - days(14) < *time);
        self.times.push(report.at);
        if self.times.iter().map(day).collect::<BTreeSet<_>>().len() < 2 {
            return None;
        }
        if self.ended.is_some_and(|ended| report.at >= ended + days(15)) {
            self.climbed = 0;
        }
        let until = LADDER[self.climbed.min(2)].map(|lasts| report.at + days(lasts));
        self.times.clear();
        self.climbed += 1;
        self.ended = until;
        Some((self.climbed, until))
    }
}

pub fn days(number: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * number)
}

/// An address, its domain, and the domains above.
fn keys(who: &str) -> Vec<String> {
    let (_, domain) = who.rsplit_once('@').unwrap();
    let above = domain.match_indices('.').map(|(at, _)| format!("@{}", &domain[at..]));
    [who.to_owned(), format!("@{domain}")].into_iter().chain(above).collect()
}
