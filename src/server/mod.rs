//! The daemon: wires the doors to the store and keeps them running. It decides nothing itself.
//!
//! Start: configuration, database, sockets, then `READY=1`. SIGHUP reads the configuration again: the whole new state
//! is built first, and anything wrong with it keeps the old one. SIGTERM and SIGINT stop accepting, finish what is
//! under way within a few seconds and end; a second one ends at once.

mod admin;
mod exports;
mod ledger;
mod listeners;
mod monitoring;
mod retention;
mod signals;
mod systemd;
pub(crate) mod webhooks;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustls::ServerConfig;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::{Config, ConfigError};
use crate::ingress::http::{self, Door, Slot};
use crate::ingress::lmtp::{self, worker::Workers};
use crate::log_limit::LogLimit;
use crate::lookup::{self, Limits, Lookup, Protocol, Service, Settings};
use crate::socket::{ListenAddress, ListenError, SocketRights};
use crate::store::{Readers, StoreError, Submission, Writer};
use crate::telemetry;
use admin::Admin;
use ledger::Ledger;
use listeners::Inherited;
use monitoring::Monitoring;
use signals::Signal;
use webhooks::Named;

/// How long a writer waits for another process's lock: below the 15 s after which SNS gives a request up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How often the counts of refusals are written down.
const FLUSH_INTERVAL: Duration = Duration::from_secs(10);

/// Why the daemon did not start.
#[derive(Debug)]
pub enum ServeError {
    /// The configuration is wrong; everything that is wrong with it.
    Config(ConfigError),
    /// The database can't be used.
    Store(PathBuf, StoreError),
    /// A socket can't be had.
    Listen(ListenError),
    /// The system refused something else.
    System(String),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Store(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Listen(error) => error.fmt(f),
            Self::System(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for ServeError {}

/// Runs the daemon until it is told to stop.
///
/// # Errors
/// [`ServeError`] when it can't start; once it runs, it ends only when told to.
pub fn run(path: &Path) -> Result<(), ServeError> {
    let (config, text) = Config::load_with_text(path).map_err(ServeError::Config)?;
    telemetry::log::init(config.log_to, config.log_level);
    raise_descriptor_limit();
    let daemon = Daemon::start(path, config, text)?;
    let (readers, lookup) = (Arc::clone(&daemon.readers), Arc::clone(&daemon.lookup));
    let workers = threads("worker", 1, move || readers.rest()).map_err(no_threads)?;
    let lookups = threads("lookup", 2, move || lookup.rest()).map_err(no_threads)?;
    workers.block_on(daemon.serve(lookups.handle().clone()))
}

/// Lookups have threads of their own: the system's scheduler lets them in between, whatever the others are at. All else has one
/// beside the writer's, which takes more reports than the writer, and leaves lookups a processor where there are two. A thread that
/// has nobody left to answer ends what was left open for the next question.
fn threads(name: &str, count: usize, rest: impl Fn() + Send + Sync + 'static) -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(count).thread_name(name).on_thread_park(rest).enable_all().build()
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn no_threads(error: io::Error) -> ServeError {
    ServeError::System(format!("cannot start threads: {error}"))
}

/// Everything that lives as long as the process.
struct Daemon {
    path: PathBuf,
    /// Of the start.
    config: Config,
    writer: Writer,
    writer_thread: JoinHandle<()>,
    readers: Arc<Readers>,
    lookup: Arc<Lookup>,
    /// Of what is wrong with connections of lookups, one for each socket.
    log_limits: Vec<Arc<LogLimit>>,
    workers: Arc<Workers>,
    ledger: Arc<Ledger>,
    door: Slot<Door<Ledger>>,
    tls: Option<Slot<ServerConfig>>,
    /// `privacy.keep`.
    keep: Arc<Mutex<SignedDuration>>,
    exports: watch::Sender<exports::Plan>,
}

impl Daemon {
    fn start(path: &Path, config: Config, text: String) -> Result<Self, ServeError> {
        let mut named = Named::load(&config).map_err(ServeError::Config)?;
        let store = |error| ServeError::Store(config.database.clone(), error);
        let database = config.database.clone();
        let (writer, writer_thread) =
            Writer::start(database.clone(), BUSY_TIMEOUT, config.policy.clone(), Timestamp::now).map_err(store)?;
        writer.set_keeping(config.keeping());
        let readers = Arc::new(Readers::open(database, std_duration(config.lookup.deadline)).map_err(store)?);
        let writer = writer.beside(Arc::clone(&readers));
        let lookup = Arc::new(Lookup::new(Arc::clone(&readers), settings(&config)));
        lookup.set_signer(named.signer.take());
        let ledger = Arc::new(Ledger::new(writer.clone(), Arc::clone(&readers), config.sns.topics.clone()));
        let (door, tls) = named.door(&config, Arc::clone(&ledger));
        let (door, tls) = (Slot::new(door), tls.map(Slot::new));
        let workers = Arc::new(Workers::new(text, std_duration(config.mail.deadline), writer.clone()));
        let keep = Arc::new(Mutex::new(config.privacy.keep));
        let exports = watch::Sender::new(exports::Plan::of(&config));
        let path = path.into();
        Ok(Self {
            path,
            config,
            writer,
            writer_thread,
            readers,
            lookup,
            log_limits: Vec::new(),
            workers,
            ledger,
            door,
            tls,
            keep,
            exports,
        })
    }

    /// Serves; lookups are answered by threads of their own.
    async fn serve(mut self, lookups: Handle) -> Result<(), ServeError> {
        let mut signals = signals::listen().map_err(|e| ServeError::System(format!("cannot take signals: {e}")))?;
        let (stop, stopped) = watch::channel(false);
        let mut services = self.open_sockets(&stopped, &lookups)?;
        services.spawn(keep_flushing(Arc::clone(&self.lookup), self.writer.clone(), stopped.clone()));
        services.spawn(retention::run(self.config.database.clone(), Arc::clone(&self.keep), stopped.clone()));
        let database = self.config.database.clone();
        services.spawn(exports::keep_fresh(database, Arc::clone(&self.readers), self.exports.subscribe(), stopped));
        let _hold = tokio::spawn(telemetry::log::hold());
        systemd::ready();
        log::info!("started, version {}, database {}", env!("CARGO_PKG_VERSION"), self.config.database.display());
        while signals.recv().await == Some(Signal::Reload) {
            self.reload();
        }
        log::info!("stopping");
        systemd::stopping();
        let _ = stop.send(true);
        tokio::select! {
            () = self.ended(&mut services) => {}
            _ = signals.recv() => {
                log::warn!("stopped at once by a second signal"); // and writes all lines before it
                std::process::exit(1);
            }
        }
        self.close()
    }

    /// Waits for the last answer, and until what was refused up to then is written down.
    async fn ended(&self, services: &mut JoinSet<()>) {
        while services.join_next().await.is_some() {}
        self.lookup.rest();
        if let Err(error) = flush_refusals(&self.lookup, &self.writer).await {
            log::warn!("cannot write down the counts of refused mail, they are lost: {error}");
        }
    }

    /// Waits until everything that was acknowledged is written.
    fn close(self) -> Result<(), ServeError> {
        let Self { writer, writer_thread, workers, ledger, door, .. } = self;
        drop((writer, workers, ledger, door));
        writer_thread.join().map_err(|_| ServeError::System("the writer ended early".into()))?;
        log::info!("stopped");
        Ok(())
    }

    fn open_sockets(
        &mut self,
        stopped: &watch::Receiver<bool>,
        lookup_threads: &Handle,
    ) -> Result<JoinSet<()>, ServeError> {
        let mut inherited = Inherited::from_systemd();
        let mut services = JoinSet::new();
        for (at, protocol) in lookups(&self.config) {
            let listener = {
                let _there = lookup_threads.enter();
                inherited.take_or_bind(&at, &rights(&self.config)).map_err(ServeError::Listen)?
            };
            let connections = self.config.lookup.max_connections as usize;
            let limits = Limits { connections, ..Limits::default() };
            let log_limit = Arc::<LogLimit>::default();
            self.log_limits.push(Arc::clone(&log_limit));
            let service =
                Service { protocol, lookup: Arc::clone(&self.lookup), limits, clock: Timestamp::now, log_limit };
            services.spawn_on(lookup::serve(listener, service, until(stopped.clone())), lookup_threads);
        }
        for at in &self.config.http.listen {
            let listener = inherited.take_or_bind(at, &rights(&self.config)).map_err(ServeError::Listen)?;
            let (tls, door, limits) = (self.tls.clone(), self.door.clone(), webhooks::limits(&self.config));
            services.spawn(http::serve(listener, tls, door, limits, until(stopped.clone())));
        }
        let admin = Arc::new(self.admin());
        for at in &self.config.admin {
            let listener = inherited.take_or_bind(at, &rights(&self.config)).map_err(ServeError::Listen)?;
            services.spawn(admin::serve(listener, Arc::clone(&admin), stopped.clone()));
        }
        for at in &self.config.mail.lmtp {
            let listener = inherited.take_or_bind(at, &rights(&self.config)).map_err(ServeError::Listen)?;
            services.spawn(lmtp::serve(listener, Arc::clone(&self.workers), lmtp::Limits::default(), stopped.clone()));
        }
        inherited.warn_about_the_rest();
        Ok(services)
    }

    fn admin(&self) -> Admin {
        let deadline = std_duration(self.config.lookup.deadline);
        let monitoring = Monitoring::new(self.config.database.clone(), deadline, Arc::clone(&self.lookup));
        Admin::new(Arc::clone(&self.readers), monitoring)
    }

    /// Builds the whole new state, then swaps; on any error the old one stays.
    fn reload(&self) {
        systemd::reloading();
        if let Err(error) = self.try_reload() {
            for line in error.lines() {
                log::error!("not reloaded: {line}");
            }
        }
        // Whoever waits for the reload finds it in the log.
        log::logger().flush();
        systemd::ready();
    }

    fn try_reload(&self) -> Result<(), String> {
        let (config, text) = Config::load_with_text(&self.path).map_err(|error| error.to_string())?;
        let mut named = Named::load(&config).map_err(|error| error.to_string())?;
        let signer = named.signer.take();
        let (door, tls) = named.door(&config, Arc::clone(&self.ledger));
        self.door.swap(door);
        self.lookup.set_signer(signer);
        if let (Some(slot), Some(tls)) = (&self.tls, tls) {
            slot.swap(tls);
        }
        self.workers.reload(text);
        self.apply(&config);
        Ok(())
    }

    /// Swaps what cannot fail.
    fn apply(&self, config: &Config) {
        telemetry::log::init(config.log_to, config.log_level);
        self.writer.set_rules(config.policy.clone());
        self.writer.set_keeping(config.keeping());
        self.lookup.set(settings(config));
        *self.keep.lock().unwrap_or_else(PoisonError::into_inner) = config.privacy.keep;
        self.exports.send_replace(exports::Plan::of(config));
        self.log_limits.iter().for_each(|limit| limit.reset());
        self.ledger.set_topics(config.sns.topics.clone());
        if needs_restart(&self.config, config) {
            log::warn!(
                "reloaded, but the database, the listening sockets and their limits and deadlines stay as they are until a restart"
            );
        } else {
            log::info!("reloaded");
        }
    }
}

/// Addresses and protocols of `[lookup]`.
fn lookups(config: &Config) -> Vec<(ListenAddress, Protocol)> {
    let lookup = &config.lookup;
    let socketmap = lookup.socketmap.iter().map(|at| (at.clone(), Protocol::Socketmap));
    let tables = lookup.tcp_table.iter().map(|table| (table.listen.clone(), Protocol::TcpTable(table.table.clone())));
    let policy = lookup.policy.iter().map(|at| (at.clone(), Protocol::Policy));
    socketmap.chain(tables).chain(policy).collect()
}

fn needs_restart(old: &Config, new: &Config) -> bool {
    old.database != new.database
        || lookups(old) != lookups(new)
        || rights(old) != rights(new)
        || (old.lookup.deadline, old.lookup.max_connections) != (new.lookup.deadline, new.lookup.max_connections)
        || (&old.mail.lmtp, old.mail.deadline) != (&new.mail.lmtp, new.mail.deadline)
        || old.http.tls.is_some() != new.http.tls.is_some()
        || old.http.listen != new.http.listen
        || webhooks::limits(old) != webhooks::limits(new)
        || old.admin != new.admin
}

fn rights(config: &Config) -> SocketRights {
    let lookup = &config.lookup;
    SocketRights { mode: lookup.socket_mode.0, owner: lookup.socket_owner.clone(), group: lookup.socket_group.clone() }
}

fn settings(config: &Config) -> Settings {
    let streams = config.policy.streams.clone();
    Settings { mode: config.lookup.mode, on_error: config.lookup.on_error, streams }
}

fn std_duration(duration: SignedDuration) -> Duration {
    duration.try_into().unwrap_or_default()
}

/// Completes when the daemon is told to stop.
async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the daemon is gone altogether.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Writes the counts of refusals down now and then.
async fn keep_flushing(lookup: Arc<Lookup>, writer: Writer, mut stopped: watch::Receiver<bool>) {
    let mut in_trouble = false;
    while tokio::time::timeout(FLUSH_INTERVAL, stopped.wait_for(|stopped| *stopped)).await.is_err() {
        let flushed = flush_refusals(&lookup, &writer).await;
        if let Err(error) = &flushed
            && !in_trouble
        {
            log::warn!("cannot write down the counts of refused mail, they are kept for later: {error}");
        }
        in_trouble = flushed.is_err();
    }
}

/// Writes the counts of refusals down; on failure they are kept in memory.
async fn flush_refusals(lookup: &Lookup, writer: &Writer) -> Result<(), StoreError> {
    let refusals = lookup.take_refusals();
    if refusals.is_empty() {
        return Ok(());
    }
    let submission = Arc::new(Submission { refusals, ..Submission::default() });
    let written = writer.submit(Arc::clone(&submission)).await;
    if written.is_err() {
        lookup.keep_refusals(&submission.refusals);
    }
    written.map(drop)
}

/// Each connection takes a descriptor; the soft limit is often 1024.
fn raise_descriptor_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard.min(65_536), hard);
    }
}
