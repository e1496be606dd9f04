//! The command line: one file for each verb.
//!
//! Exit status: 0 done; 1 `why`: not suppressed, or nothing there to change; 2 trouble or wrong usage; 78 bad
//! configuration (sysexits.h). `pipe` knows 0 and 75 only, because pipe(8) bounces mail on nearly every other.
//! Output is for people, or with `--json` for programs; errors are one sentence on stderr.

mod add;
mod allow;
mod config;
mod events;
mod export;
mod forget;
mod import;
mod incidents;
mod inspect;
mod list;
mod lmtp_worker;
mod pipe;
mod policy;
mod quarantine;
mod recover;
mod remove;
mod serve;
mod stats;
mod topics;
mod why;

use std::ffi::OsString;
use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Command, CommandFactory, Parser, Subcommand};
use jiff::Timestamp;

use crate::config::{Config, ConfigError, DEFAULT_PATH};
use crate::event::{is_unprintable, printable};
use crate::store::{Change, Store, StoreError};

/// How long a command waits for another writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// `EX_CONFIG` of sysexits.h.
pub const EXIT_CONFIG: u8 = 78;
/// Not suppressed; nothing there to change.
const EXIT_NOT: u8 = 1;
/// Trouble, or wrong usage as clap reports it.
const EXIT_TROUBLE: u8 = 2;

/// Keep one suppression list beside Postfix, for mail relayed through Amazon SES
///
/// suppressd keeps a list of recipients that bounced for good or complained, and tells Postfix to refuse mail to them. How it
/// is wired to Postfix and Amazon SES is in suppressd(8).
///
/// Every command opens the database itself and works whether or not the daemon runs. Run them as root or as user suppressd.
/// Results go to standard output; errors are one sentence on standard error.
///
/// A change of the list is recorded as an event with the login name of whoever made it; behind sudo(8) that is whoever called
/// it. All arguments are checked first: if one is wrong, nothing is changed.
#[derive(Debug, Parser)]
#[command(name = "suppressd", version, disable_help_subcommand = true)]
struct Cli<V: Subcommand> {
    /// The configuration file
    #[arg(long, short, global = true, value_name = "FILE", default_value = DEFAULT_PATH, overrides_with = "config")]
    config: PathBuf,
    #[command(subcommand)]
    verb: V,
}

/// What each does is told at its own arguments.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the daemon in the foreground
    ///
    /// It takes in what Amazon SNS posts and what Postfix delivers by LMTP, and answers Postfix's lookups. suppressd(8) tells how
    /// it is wired to both, which signals it obeys, and what it logs.
    ///
    /// Exit status 0 after a clean stop, 1 after a second signal, 78 for a bad configuration.
    Serve,
    Pipe(pipe::Args),
    /// Read and record mail for the daemon
    #[command(hide = true)]
    LmtpWorker,
    Why(why::Args),
    Events(events::Args),
    Stats(stats::Args),
    List(list::Args),
    Add(add::Args),
    Remove(remove::Args),
    Allow(allow::Args),
    Incidents(incidents::Args),
    Policy(policy::Args),
    Forget(forget::Args),
    Recover(recover::Args),
    Import(import::Args),
    Export(export::Args),
    Topics(topics::Args),
    Quarantine(quarantine::Args),
    Inspect(inspect::Args),
    Config(config::Args),
}

/// pipe(8) runs one process for each mail, and what all the other verbs take need not be known to it.
#[derive(Debug, Subcommand)]
enum OnlyPipe {
    Pipe(pipe::Args),
}

/// All that it takes, for manual pages and completions.
#[must_use]
pub fn command() -> Command {
    Cli::<Verb>::command()
}

/// Runs the command line and returns its exit status.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<_> = args.into_iter().collect();
    let may_be_pipe = args.iter().any(|arg| arg == "pipe");
    if may_be_pipe && let Ok(Cli { config, verb: OnlyPipe::Pipe(args) }) = Cli::try_parse_from(&args) {
        return ExitCode::from(pipe::run(args, &config));
    }
    let cli: Cli<Verb> = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && may_be_pipe => {
            // A mistake in master.cf must not bounce mail.
            return ExitCode::from(pipe::try_again(&sentence(&error)));
        }
        // Asked for help, or in need of it.
        Err(error) if !error.use_stderr() || args.len() < 2 => {
            drop(error.print());
            return ExitCode::from(if error.use_stderr() { EXIT_TROUBLE } else { 0 });
        }
        Err(error) => return report(&Failure::Usage(sentence(&error))),
    };
    match cli.run(&mut io::stdout().lock()) {
        Ok(status) => ExitCode::from(status),
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

/// Tells what went wrong. Strangers' text may be in it.
fn report(failure: &Failure) -> ExitCode {
    let text = failure.to_string();
    let lines: Vec<_> = text.lines().map(|line| printable(line, usize::MAX)).filter(|line| !line.is_empty()).collect();
    drop(writeln!(io::stderr(), "suppressd: {}", lines.join("\n")));
    ExitCode::from(failure.exit_status())
}

/// Wrong usage in one sentence; clap uses a paragraph for it, and more for what it guesses.
fn sentence(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a subcommand is missing; see --help".to_owned();
    }
    let text = error.to_string();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    format!("{}; see --help", printable(paragraph.trim_start_matches("error: "), 500))
}

impl Cli<Verb> {
    fn run(self, out: &mut dyn Write) -> Result<u8, Failure> {
        let path = self.config;
        match self.verb {
            Verb::Serve => serve::run(&path),
            Verb::Pipe(args) => Ok(pipe::run(args, &path)),
            Verb::LmtpWorker => lmtp_worker::run(),
            Verb::Why(args) => why::run(&args, &open(&path)?, out),
            Verb::Events(args) => events::run(&args, &open(&path)?, out),
            Verb::Stats(args) => stats::run(&args, &open(&path)?, out),
            Verb::List(args) => list::run(&args, &open(&path)?, out),
            Verb::Add(args) => add::run(&args, &mut open(&path)?, out),
            Verb::Remove(args) => remove::run(&args, &mut open(&path)?, out),
            Verb::Allow(args) => allow::run(&args, &mut open(&path)?, out),
            Verb::Incidents(args) => incidents::run(&args, &Config::load(&path)?, out),
            Verb::Policy(args) => policy::run(&args, &Config::load(&path)?, out),
            Verb::Forget(args) => forget::run(&args, &mut open(&path)?, out),
            Verb::Recover(args) => recover::run(&args, &Config::load(&path)?, out),
            Verb::Export(args) => export::run(&args, &Config::load(&path)?, out),
            Verb::Import(args) => import::run(&args, &Config::load(&path)?, out),
            Verb::Topics(args) => topics::run(&args, &Config::load(&path)?, out),
            Verb::Quarantine(args) => quarantine::run(&args, &Config::load(&path)?, out),
            Verb::Inspect(args) => inspect::run(&args, &path, out),
            Verb::Config(args) => config::run(&args, &path, out),
        }
    }
}

/// The database that the configuration names.
fn open(config: &std::path::Path) -> Result<Store, Failure> {
    open_of(&Config::load(config)?)
}

fn open_of(config: &Config) -> Result<Store, Failure> {
    Store::open(&config.database, BUSY_TIMEOUT)
        .map(|store| store.keeping(config.keeping()))
        .map_err(|error| Failure::Store(format!("{}: {error}", config.database.display())))
}

/// Why a command failed.
#[derive(Debug)]
enum Failure {
    Config(ConfigError),
    Store(String),
    Usage(String),
    /// What was named is not there.
    NotThere(String),
    Output(io::Error),
}

impl Failure {
    const fn exit_status(&self) -> u8 {
        match self {
            Self::Config(_) => EXIT_CONFIG,
            Self::NotThere(_) => EXIT_NOT,
            _ => EXIT_TROUBLE,
        }
    }

    /// Whether whoever read our output has had enough, as in `suppressd list | head`.
    fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Store(text) | Self::Usage(text) | Self::NotThere(text) => f.write_str(text),
            Self::Output(error) => write!(f, "cannot write the output: {error}"),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Output(error.into())
    }
}

/// Writes one JSON value on one line.
fn json(out: &mut dyn Write, value: &impl serde::Serialize) -> Result<(), Failure> {
    Ok(writeln!(out, "{}", json_text(value)?)?)
}

/// A JSON value in one line. What a terminal could take for a command is escaped, as JSON allows.
fn json_text(value: &impl serde::Serialize) -> serde_json::Result<String> {
    let text = serde_json::to_string(value)?;
    Ok(text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        if is_unprintable(c) {
            // All of them are below U+10000.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
        escaped
    }))
}

/// A text of the database on the terminal: anybody may have written it.
fn shown(text: &str) -> String {
    printable(text, 1000)
}

/// `1 entry`, `2 entries`.
fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Who runs the command, for the trace of a change: behind sudo, whoever called it.
fn operator(note: Option<&String>) -> Change {
    let login = nix::unistd::User::from_uid(nix::unistd::Uid::current()).ok().flatten().map(|user| user.name);
    let who = std::env::var("SUDO_USER").ok().or(login).unwrap_or_else(|| nix::unistd::Uid::current().to_string());
    let note = note.map(|note| printable(note, crate::event::MAX_DIAGNOSTIC));
    Change { who: printable(&who, crate::event::MAX_NAME), note, ..Change::default() }
}

fn now() -> Timestamp {
    Timestamp::now()
}
