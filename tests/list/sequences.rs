//! Any sequence of what can happen to the list, by several connections, some of it at once: after every step a lookup of
//! every address says what the plain maps of [`Model`] say.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rusqlite::functions::FunctionFlags;
use suppressd::event::{Event, EventId, Evidence, Kind, Origin, Reason, Side, Source};
use suppressd::store::{Change, ImportRules, ImportedEntry, Key, Readers, Store, Submission};

use super::bench::{Bench, WAIT, address};
use super::model::{Model, RULES, Report, days};

const PEOPLE: [&str; 3] = ["bob@example.com", "eve@example.com", "dan@sub.example.com"];
const DOMAINS: [&str; 3] = ["@example.com", "@.example.com", "@sub.example.com"];
const STREAMS: [&str; 2] = ["", "news"];
const KINDS: [Kind; 6] =
    [Kind::SoftBounce, Kind::SoftBounce, Kind::SoftBounce, Kind::HardBounce, Kind::Complaint, Kind::Delivery];

/// Whoever is meant stands in [`PEOPLE`], or behind them in [`DOMAINS`]; ends are in days.
#[derive(Clone, Debug)]
enum Step {
    Report(Told),
    /// The report of that number comes again.
    Again(usize),
    Add {
        key: usize,
        stream: usize,
        lasts: Option<i64>,
    },
    Remove {
        key: usize,
        stream: usize,
    },
    Allow {
        key: usize,
        lasts: i64,
    },
    Disallow {
        key: usize,
    },
    Import {
        key: usize,
        hours_ago: Option<i64>,
        lasts: Option<i64>,
    },
    Forget {
        who: usize,
        block: bool,
    },
    Insert {
        key: usize,
        lasts: Option<i64>,
    },
    Delete {
        key: usize,
    },
    /// Events older than so many days are deleted.
    Expire {
        days: i64,
    },
    Reopen,
    Wait {
        days: i64,
    },
}

#[derive(Clone, Debug)]
struct Told {
    kind: Kind,
    who: usize,
    hours_ago: i64,
    message: u8,
    news: bool,
    proved: bool,
    our_fault: bool,
}

fn told() -> impl Strategy<Value = Told> {
    let what = (prop::sample::select(&KINDS[..]), 0..PEOPLE.len(), -30..400_i64, 0..8_u8);
    (what, any::<bool>(), prop::bool::weighted(0.9), prop::bool::weighted(0.1)).prop_map(
        |((kind, who, hours_ago, message), news, proved, our_fault)| Told {
            kind,
            who,
            hours_ago,
            message,
            news,
            proved,
            our_fault: our_fault && kind != Kind::Delivery,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0..PEOPLE.len() + DOMAINS.len();
    let lasts = || prop::option::of(-2..9_i64);
    let stream = || 0..STREAMS.len();
    prop_oneof![
        12 => told().prop_map(Step::Report),
        1 => (0..20_usize).prop_map(Step::Again),
        2 => (key(), stream(), lasts()).prop_map(|(key, stream, lasts)| Step::Add { key, stream, lasts }),
        2 => (key(), stream()).prop_map(|(key, stream)| Step::Remove { key, stream }),
        1 => (key(), -1..9_i64).prop_map(|(key, lasts)| Step::Allow { key, lasts }),
        1 => key().prop_map(|key| Step::Disallow { key }),
        2 => (key(), prop::option::of(0..400_i64), lasts())
            .prop_map(|(key, hours_ago, lasts)| Step::Import { key, hours_ago, lasts }),
        1 => (0..PEOPLE.len(), any::<bool>()).prop_map(|(who, block)| Step::Forget { who, block }),
        2 => (key(), lasts()).prop_map(|(key, lasts)| Step::Insert { key, lasts }),
        2 => key().prop_map(|key| Step::Delete { key }),
        1 => (10..40_i64).prop_map(|days| Step::Expire { days }),
        1 => Just(Step::Reopen),
        3 => (1..12_i64).prop_map(|days| Step::Wait { days }),
    ]
}

fn name(key: usize) -> &'static str {
    PEOPLE.iter().chain(&DOMAINS).nth(key).unwrap()
}

impl Step {
    /// Whose list alone it looks at and changes.
    fn person(&self) -> Option<usize> {
        match self {
            Self::Report(told) => Some(told.who),
            Self::Add { key, .. } | Self::Remove { key, .. } | Self::Import { key, .. } => Some(*key),
            _ => None,
        }
    }
}

/// The daemon's connection and the pipe's; [`Readers`] look on all the time.
struct World {
    bench: Bench,
    stores: [Option<Store>; 2],
    readers: Readers,
    model: Model,
    told: Vec<Event>,
}

impl World {
    fn new() -> Self {
        let bench = Bench::new(RULES);
        let open = || Some(Store::open(&bench.path(), WAIT).unwrap());
        let readers = Readers::open(bench.path(), WAIT).unwrap();
        Self { stores: [open(), open()], readers, model: Model::default(), told: Vec::new(), bench }
    }

    fn take(&mut self, steps: &[Step]) {
        // No two of anything in one second.
        self.bench.now += SignedDuration::from_mins(1);
        let now = self.bench.now;
        let people: Vec<_> = steps.iter().map(Step::person).collect();
        match (steps, &people[..]) {
            ([one, other], [Some(a), Some(b)]) if a != b => {
                let events = [self.event(one), self.event(other)];
                let rules = &self.bench.config.policy;
                let [first, second] = &mut self.stores;
                std::thread::scope(|scope| {
                    scope.spawn(|| act(first.as_mut().unwrap(), one, events[0].as_ref(), rules, now));
                    act(second.as_mut().unwrap(), other, events[1].as_ref(), rules, now);
                });
                self.tell(one, events[0].as_ref());
                self.tell(other, events[1].as_ref());
            }
            _ => steps.iter().enumerate().for_each(|(writer, step)| self.one(writer, step)),
        }
        self.check(steps);
    }

    fn one(&mut self, writer: usize, step: &Step) {
        self.bench.now += SignedDuration::from_mins(1);
        let now = self.bench.now;
        let event = self.event(step);
        match step {
            Step::Reopen => {
                self.stores[writer] = None;
                self.stores[writer] = Some(Store::open(&self.bench.path(), WAIT).unwrap());
            }
            Step::Wait { days: number } => self.bench.now += days(*number),
            Step::Insert { key, lasts } => {
                let sql = "INSERT INTO suppression (address, until) VALUES (?1, ?2) \
                           ON CONFLICT DO UPDATE SET until = excluded.until, source = 'manual', kind = 'added'";
                let until = lasts.map(|lasts| (now + days(lasts)).to_string());
                self.by_hand(sql, &[&name(*key).to_uppercase(), &until]);
            }
            Step::Delete { key } => self.by_hand("DELETE FROM suppression WHERE address = ?1", &[&name(*key)]),
            _ => act(self.stores[writer].as_mut().unwrap(), step, event.as_ref(), &self.bench.config.policy, now),
        }
        self.tell(step, event.as_ref());
    }

    /// SQL by sqlite3, at the time of the test.
    fn by_hand(&self, sql: &str, row: &[&dyn rusqlite::ToSql]) {
        let (connection, now) = (self.bench.sql(), self.bench.now);
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
        let strftime = move |context: &rusqlite::functions::Context<'_>| {
            let (form, time): (String, String) = (context.get(0)?, context.get(1)?);
            let time = if time == "now" { Ok(now) } else { time.parse::<Timestamp>() };
            Ok(time.ok().map(|time| time.strftime(&form).to_string()))
        };
        connection.create_scalar_function("strftime", 2, flags, strftime).unwrap();
        connection.execute(sql, row).unwrap();
    }

    fn event(&mut self, step: &Step) -> Option<Event> {
        match step {
            Step::Again(number) if !self.told.is_empty() => Some(self.told[number % self.told.len()].clone()),
            Step::Report(told) => {
                let event = Event {
                    id: EventId(format!("report {:05}", self.told.len())),
                    kind: told.kind,
                    at: self.bench.now - SignedDuration::from_hours(told.hours_ago) - SignedDuration::from_secs(7),
                    recipient: address(PEOPLE[told.who]),
                    reported: PEOPLE[told.who].into(),
                    source: Source::Ses,
                    origin: if told.proved { Origin::SnsSignature } else { Origin::Unproved },
                    evidence: Evidence {
                        reason: Reason::UserUnknown,
                        side: if told.our_fault { Side::Sender } else { Side::Recipient },
                        message_id: Some(format!("<{}>", told.message)),
                        sender: told.news.then(|| "news@example.org".into()),
                        ..Evidence::default()
                    },
                };
                self.told.push(event.clone());
                Some(event)
            }
            _ => None,
        }
    }

    fn tell(&mut self, step: &Step, event: Option<&Event>) {
        let (model, now) = (&mut self.model, self.bench.now);
        let until = |lasts: &Option<i64>| lasts.map(|lasts| now + days(lasts));
        match step {
            Step::Report(told) if told.proved && !told.our_fault => {
                let event = event.unwrap();
                model.report(event.recipient.as_str(), reported(event, now), now);
            }
            Step::Again(_) if event.is_some_and(|event| model.is_erased(&event.id.0)) => {
                let event = event.unwrap();
                model.report(event.recipient.as_str(), reported(event, now), now);
            }
            Step::Add { key, stream, lasts } => model.add(name(*key), STREAMS[*stream], until(lasts), now),
            Step::Remove { key, stream } => model.remove(name(*key), STREAMS[*stream], now),
            Step::Allow { key, lasts } => model.allow(name(*key), now + days(*lasts)),
            Step::Disallow { key } => model.disallow(name(*key)),
            Step::Import { key, hours_ago, lasts } => {
                let since = hours_ago.map(|hours| now - SignedDuration::from_hours(hours));
                model.import(name(*key), since, until(lasts), now);
            }
            Step::Forget { who, block } => model.forget(PEOPLE[*who], *block, now),
            Step::Insert { key, lasts } => model.add(name(*key), "", until(lasts), now),
            Step::Delete { key } => model.delete(name(*key), now),
            Step::Expire { days: keep } => model.keep_events_since(now - days(*keep)),
            Step::Report(_) | Step::Again(_) | Step::Reopen | Step::Wait { .. } => {}
        }
    }

    fn check(&self, steps: &[Step]) {
        self.compare(steps);
        // Else `forget` would wait for the transaction of the last lookup.
        self.readers.rest();
    }

    fn compare(&self, steps: &[Step]) {
        let now = self.bench.now;
        for who in PEOPLE {
            // The second time some come from memory.
            let twice = [STREAMS, STREAMS].concat();
            let readers = twice.iter().map(|stream| (self.readers.find(&address(who), stream, now), Some(*stream)));
            let stores = self.stores.iter().flatten();
            let stores = stores.map(|store| (store.find(&address(who), now).map(|found| found.map(Arc::new)), None));
            for (found, stream) in readers.chain(stores) {
                let refusing = self.model.refusing(who, stream, now);
                let end = |entry: Arc<suppressd::store::Suppression>| {
                    (entry.address.to_lowercase(), entry.until.as_deref().map(|until| until.parse().unwrap()))
                };
                match found.unwrap().map(end) {
                    None => assert_eq!(refusing, [], "{who} {stream:?} after {steps:?}"),
                    Some(found) => assert!(
                        refusing.contains(&found),
                        "{who} {stream:?} after {steps:?}: {found:?} of {refusing:?}"
                    ),
                }
            }
        }
    }
}

/// A report as the model takes it.
fn reported(event: &Event, now: Timestamp) -> Report {
    let (id, at) = (event.id.0.clone(), event.at.min(now));
    let message = event.evidence.message_id.as_deref().unwrap().trim_matches(['<', '>']).parse().unwrap();
    let stream = if event.evidence.sender.is_some() { "news" } else { "" };
    Report { at, released: false, id, kind: event.kind, message, stream }
}

/// What one connection does.
fn act(store: &mut Store, step: &Step, event: Option<&Event>, rules: &suppressd::policy::Rules, now: Timestamp) {
    let change = |lasts: &Option<i64>, stream: usize| Change {
        who: "root".into(),
        note: None,
        until: lasts.map(|lasts| now + days(lasts)),
        stream: STREAMS[stream].into(),
    };
    let key = |key: &usize| Key::parse(name(*key)).unwrap();
    match step {
        Step::Report(_) | Step::Again(_) => {
            let submission = Submission { events: event.cloned().into_iter().collect(), ..Submission::default() };
            store.submit(&submission, rules, now).unwrap();
        }
        Step::Add { key: k, stream, lasts } => drop(store.add(&key(k), &change(lasts, *stream), now).unwrap()),
        Step::Remove { key: k, stream } => drop(store.remove(&key(k), &change(&None, *stream), now).unwrap()),
        Step::Allow { key: k, lasts } => store.allow(&key(k), now + days(*lasts), &change(&None, 0), now).unwrap(),
        Step::Disallow { key: k } => drop(store.disallow(&key(k)).unwrap()),
        Step::Import { key: k, hours_ago, lasts } => {
            let mut import = store.import(ImportRules::default()).unwrap();
            let entry = ImportedEntry {
                key: key(k),
                reported: name(*k).into(),
                stream: String::new(),
                kind: Kind::HardBounce,
                reason: "userunknown".into(),
                status: None,
                since: hours_ago.map(|hours| now - SignedDuration::from_hours(hours)),
                until: lasts.map(|lasts| now + days(lasts)),
                note: None,
                diagnostic: None,
            };
            import.stage(entry).unwrap();
            import.apply(now, |_| ()).unwrap();
        }
        Step::Forget { who, block } => drop(store.forget(&address(PEOPLE[*who]), *block, now).unwrap()),
        Step::Expire { days: keep } => {
            let mut cursor = Some(store.begin_expiry(days(*keep), now).unwrap());
            while let Some(next) = cursor {
                cursor = store.expire(&next).unwrap();
            }
        }
        Step::Insert { .. } | Step::Delete { .. } | Step::Reopen | Step::Wait { .. } => unreachable!("not by a store"),
    }
}

/// So many that it takes some seconds; PROPTEST_CASES asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_any_sequence_of_changes_every_lookup_says_what_plain_maps_say(
        steps in prop::collection::vec(prop::collection::vec(step(), 1..3), 1..40),
    ) {
        let mut world = World::new();
        steps.iter().for_each(|steps| world.take(steps));
    }
}

#[test]
fn what_was_forgotten_and_is_told_again_is_new() {
    let told =
        Told { kind: Kind::HardBounce, who: 1, hours_ago: 0, message: 0, news: false, proved: true, our_fault: false };
    let mut world = World::new();
    for step in [Step::Report(told), Step::Delete { key: 1 }, Step::Forget { who: 1, block: false }, Step::Again(0)] {
        world.take(&[step]);
    }
    assert!(!world.model.refusing(PEOPLE[1], Some(""), world.bench.now).is_empty());
}

#[test]
fn what_was_released_is_not_brought_back_by_an_import_once_the_events_are_gone() {
    let imported = Step::Import { key: 4, hours_ago: None, lasts: None };
    let removed = Step::Remove { key: 4, stream: 0 };
    let mut world = World::new();
    for step in [imported.clone(), removed, Step::Wait { days: 11 }, Step::Expire { days: 10 }, imported] {
        world.take(&[step]);
    }
}
