//! Answers Postfix: is this recipient on the suppression list?
//!
//! A lookup has three outcomes: found, not found, trouble. Trouble is never reported as "not found", unless the
//! operator chose [`OnError::Accept`]. SQLite is asked in the same thread (about 3 µs), so a lookup waits for nobody;
//! what bounds it when another process holds the whole database is the readers' own deadline.
//!
//! | protocol | found | not found | trouble |
//! |---|---|---|---|
//! | [`socketmap`] | `OK 550 …`, `OK error:…` | `NOTFOUND ` | `TEMP …` |
//! | [`tcp_table`] | `200 550%20…` | `500 …` | `400 …` |
//! | [`policy_service`] | `action=550 …` | `action=DUNNO` | `action=DEFER_IF_PERMIT …` |
//!
//! A key that is no address (`*`, a bare name, garbage) is not on the list, so it is not found.
//! Each refusal is one log line and is counted in memory, both when whoever asked has his answer ([`Lookup::rest`]);
//! [`Lookup::take_refusals`] hands the counts over.
//! Not promised: that a count is the number of messages. Postfix asks a transport map for senders too, and more than once.

mod counts;
pub mod netstring;
pub mod policy_service;
pub mod serve;
pub mod socketmap;
pub mod tcp_table;
mod text;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use foldhash::fast::RandomState;
use jiff::{SignedDuration, Timestamp};

pub use counts::Counts;
pub use serve::{Limits, Service, serve};
pub use text::{Day, Refusal};

use crate::address::Address;
use crate::event::bracketed;
use crate::policy::Stream;
use crate::policy::stream::is_name;
use crate::return_path::Signer;
use crate::store::{Readers, StoreError, Suppression};

/// Longest key that is looked at, in bytes. Postfix 3.12 sends none above this (dict_sockmap.c), older ones none above
/// their `line_length_limit`.
pub const MAX_KEY: usize = 10_000;
/// Addresses whose refusals are counted between two calls of [`Lookup::take_refusals`]; refusals of others are still
/// answered and logged.
pub const MAX_COUNTED: usize = 65_536;
/// Refusals that are answered and not told yet, at most.
const MAX_UNTOLD: usize = 16;
/// Trouble that lasts is logged once in this time.
const LOG_INTERVAL: SignedDuration = SignedDuration::from_mins(1);

/// What an operator chooses about lookups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `[lookup] mode`.
    pub mode: Mode,
    /// `[lookup] on-error`.
    pub on_error: OnError,
    /// `[[stream]]`.
    pub streams: Vec<Stream>,
}

impl Settings {
    /// Whether there is a stream of this name.
    fn has_stream(&self, name: &str) -> bool {
        self.streams.iter().any(|stream| stream.name == name)
    }
}

/// Whether mail to suppressed recipients is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Refuse it.
    #[default]
    Enforce,
    /// Log that it would be refused, and let it pass.
    Warn,
}

/// What Postfix hears when the database can't answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// Try again: the client gets 451 or 450.
    #[default]
    Defer,
    /// Not on the list: mail flows, to suppressed recipients too.
    Accept,
}

/// A protocol, and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Each request names its table.
    Socketmap,
    /// One table for the whole port.
    TcpTable(Table),
    /// Postfix's policy delegation.
    Policy,
}

/// Which Postfix table a map is for; it decides the form of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Map {
    /// `check_recipient_access`: access(5).
    Access,
    /// `transport_maps`: transport(5).
    Transport,
}

/// A map, for mail of one stream or for mail of none: `access`, `transport/marketing`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The form of a refusal.
    pub map: Map,
    /// The stream whose entries hold beside those for all mail; empty for none.
    pub stream: String,
}

impl Table {
    /// The table of this name, whether there is such a stream or not.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (map, stream) = split_name(name);
        let stream = stream.filter(|stream| is_name(stream)).map(str::to_owned);
        let is_whole = stream.is_some() || !name.contains('/');
        Some(Self { map: Map::parse(map)?, stream: stream.unwrap_or_default() }).filter(|_| is_whole)
    }
}

impl From<Map> for Table {
    fn from(map: Map) -> Self {
        Self { map, stream: String::new() }
    }
}

/// The name of a map, and that of the stream behind it.
fn split_name(name: &str) -> (&str, Option<&str>) {
    name.split_once('/').map_or((name, None), |(map, stream)| (map, Some(stream)))
}

impl Map {
    /// The map of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "access" => Some(Self::Access),
            "transport" => Some(Self::Transport),
            _ => None,
        }
    }

    /// Its name in main.cf, the configuration and the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Transport => "transport",
        }
    }

    /// The value that Postfix finds; `None` for nothing.
    #[must_use]
    pub fn value(self, verdict: &Verdict) -> Option<String> {
        match (self, verdict) {
            (Self::Access, Verdict::Refuse(refusal)) => Some(refusal.behind("550 ")),
            (Self::Access, Verdict::WouldRefuse(refusal)) => Some(refusal.behind("WARN would refuse: ")),
            (Self::Transport, Verdict::Refuse(refusal)) => Some(refusal.behind("error:")),
            (Self::Transport, Verdict::WouldRefuse(_)) | (_, Verdict::Pass | Verdict::Trouble) => None,
        }
    }
}

/// One question.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// What Postfix looks up: an address, in any case, with or without quotes; or something else.
    pub key: &'a str,
    /// Who asks, for the log: `access`, `transport`, `policy`.
    pub door: &'static str,
    /// The stream of the mail; empty for none.
    pub stream: &'a str,
    /// The SMTP client's address, where Postfix tells; else `unknown` or empty.
    pub client: &'a str,
}

impl Query<'_> {
    /// Whom it is about; `None` for a key that is no address and so is never on the list.
    fn address(&self) -> Option<Address> {
        if self.key.len() > MAX_KEY { None } else { Address::parse_lookup_key(self.key).ok() }
    }
}

/// The answer to a question, once the operator's choices are applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not on the list.
    Pass,
    /// On the list.
    Refuse(Refusal),
    /// On the list, but only warned about.
    WouldRefuse(Refusal),
    /// Can't tell; Postfix shall try again.
    Trouble,
}

/// What a protocol made of the bytes received so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// They are the start of a request.
    Incomplete,
    /// The first request has this many bytes, and its reply is written.
    Answered(usize),
    /// They are no request; the connection must end after what is written.
    Violation(&'static str),
}

impl Protocol {
    /// Answers the first request in `input`: the reply is appended to `output`.
    #[must_use]
    pub fn step(&self, input: &[u8], lookup: &Lookup, now: Timestamp, output: &mut Vec<u8>) -> Step {
        match self {
            Self::Socketmap => socketmap::step(input, lookup, now, output),
            Self::TcpTable(table) => tcp_table::step(input, table, lookup, now, output),
            Self::Policy => policy_service::step(input, lookup, now, output),
        }
    }

    /// Its name in the log.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Socketmap => "socketmap",
            Self::TcpTable(_) => "tcp-table",
            Self::Policy => "policy",
        }
    }
}

/// A refusal that is to be logged and counted.
struct Refused {
    mode: Mode,
    door: &'static str,
    /// Where it was not asked for in its canonical form.
    key: Option<String>,
    stream: String,
    client: Option<IpAddr>,
    address: Address,
    refusal: Refusal,
}

/// Looks recipients up, for all protocols and connections.
pub struct Lookup {
    readers: Arc<Readers>,
    settings: RwLock<Arc<Settings>>,
    signer: RwLock<Option<Signer>>,
    untold: Mutex<Vec<Refused>>,
    refusals: Mutex<HashMap<String, u64, RandomState>>,
    trouble_logged: Mutex<Option<Timestamp>>,
    counts: Counts,
}

impl Lookup {
    /// Looks up in this database.
    #[must_use]
    pub fn new(readers: Arc<Readers>, settings: Settings) -> Self {
        Self {
            readers,
            settings: RwLock::new(Arc::new(settings)),
            signer: RwLock::default(),
            untold: Mutex::default(),
            refusals: Mutex::default(),
            trouble_logged: Mutex::default(),
            counts: Counts::default(),
        }
    }

    /// Signs return paths with this from now on; with `None`, none.
    pub fn set_signer(&self, signer: Option<Signer>) {
        *self.signer.write().unwrap_or_else(PoisonError::into_inner) = signer;
    }

    /// The signed form of an envelope sender; `None` leaves it as it is. Nothing here can fail, so mail never waits for it.
    #[must_use]
    pub fn signed_return_path(&self, sender: &str, now: Timestamp) -> Option<String> {
        self.signer.read().unwrap_or_else(PoisonError::into_inner).as_ref()?.sign(sender, now)
    }

    /// Applies other settings from the next question on.
    pub fn set(&self, settings: Settings) {
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    /// The settings of now.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Answers a question as the operator wants it, logs it if it is a refusal or trouble, and counts it.
    #[must_use]
    pub fn ask(&self, query: Query<'_>, now: Timestamp) -> Verdict {
        self.ask_by(&self.settings(), query, now)
    }

    /// The same by settings that the question itself was read by: an answer is never half of the old ones and half of the new.
    fn ask_by(&self, settings: &Settings, query: Query<'_>, now: Timestamp) -> Verdict {
        let verdict = self.answer(settings, &query, now);
        self.counts.answered(query.door, &verdict);
        verdict
    }

    /// How often it was asked, and what it answered.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    fn answer(&self, settings: &Settings, query: &Query<'_>, now: Timestamp) -> Verdict {
        let Some(address) = query.address() else { return Verdict::Pass };
        match self.readers.find(&address, query.stream, now) {
            Ok(None) => Verdict::Pass,
            Ok(Some(entry)) => self.refuse(settings.mode, query, address, &entry),
            Err(error) => {
                self.log_trouble(&error, settings.on_error, now);
                match settings.on_error {
                    OnError::Defer => Verdict::Trouble,
                    OnError::Accept => Verdict::Pass,
                }
            }
        }
    }

    /// The refusals since the last call, as canonical address and number.
    #[must_use]
    pub fn take_refusals(&self) -> Vec<(String, u64)> {
        self.tell();
        std::mem::take(&mut *locked(&self.refusals)).into_iter().collect()
    }

    /// Takes back what could not be written down.
    pub fn keep_refusals(&self, refusals: &[(String, u64)]) {
        let mut all = locked(&self.refusals);
        refusals.iter().for_each(|(address, number)| count(&mut all, address, *number));
    }

    /// Ends what answers have left open: for a thread that has nobody left to answer.
    pub fn rest(&self) {
        self.tell();
        self.readers.rest();
    }

    fn refuse(&self, mode: Mode, query: &Query<'_>, address: Address, entry: &Suppression) -> Verdict {
        let refusal = Refusal::of(entry);
        let &Query { key, door, stream, client } = query;
        let (key, stream) = ((key != address.as_str()).then(|| key.to_owned()), stream.to_owned());
        let client = client.parse().ok();
        let mut untold = locked(&self.untold);
        untold.push(Refused { mode, door, key, stream, client, address, refusal });
        let is_full = untold.len() >= MAX_UNTOLD;
        drop(untold);
        if is_full {
            self.tell();
        }
        match mode {
            Mode::Warn => Verdict::WouldRefuse(refusal),
            Mode::Enforce => Verdict::Refuse(refusal),
        }
    }

    /// Counts and logs what was refused. It is counted while the counts are locked: whoever takes them misses nobody.
    fn tell(&self) {
        if locked(&self.untold).is_empty() {
            return;
        }
        let mut refusals = locked(&self.refusals);
        let untold = std::mem::take(&mut *locked(&self.untold));
        let enforced = untold.iter().filter(|refused| refused.mode == Mode::Enforce);
        enforced.for_each(|refused| count(&mut refusals, refused.address.as_str(), 1));
        drop(refusals);
        untold.iter().for_each(Refused::log);
    }

    fn log_trouble(&self, error: &StoreError, on_error: OnError, now: Timestamp) {
        self.counts.failed();
        if self.trouble_is_news(now) {
            let told = match on_error {
                OnError::Defer => "Postfix is told to try again",
                OnError::Accept => "mail flows, to suppressed recipients too",
            };
            log::error!("cannot look recipients up: {error}; {told}");
        }
    }

    /// True once in [`LOG_INTERVAL`]; a clock that was set back starts it anew.
    fn trouble_is_news(&self, now: Timestamp) -> bool {
        let mut logged = locked(&self.trouble_logged);
        let news = logged.is_none_or(|at| now.duration_since(at).abs() >= LOG_INTERVAL);
        if news {
            *logged = Some(now);
        }
        news
    }
}

impl Refused {
    /// One line for each mail event, in Postfix's manner.
    fn log(&self) {
        let Self { door, stream, refusal: Refusal { kind, status, since, .. }, .. } = self;
        let since = since.as_ref().map_or("", Day::as_str);
        let verb = match self.mode {
            Mode::Enforce => "refused",
            Mode::Warn => "would refuse",
        };
        let to = bracketed(self.key.as_deref().unwrap_or_else(|| self.address.as_str()));
        let client = self.client.map(|client| format!(", client={client}")).unwrap_or_default();
        let stream = if stream.is_empty() { String::new() } else { format!(", stream={stream}") };
        log::info!("{verb}: to={to}, map={door}{stream}, kind={kind}, status={status}, since={since}{client}");
    }
}

fn count(refusals: &mut HashMap<String, u64, RandomState>, address: &str, number: u64) {
    if let Some(count) = refusals.get_mut(address) {
        *count = count.saturating_add(number);
    } else if refusals.len() < MAX_COUNTED {
        refusals.insert(address.to_owned(), number);
    }
}

/// A key as text. An address is UTF-8, so a key that is none becomes one that is not on the list.
fn text_of(key: Option<&[u8]>) -> &str {
    key.and_then(|key| std::str::from_utf8(key).ok()).unwrap_or_default()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
