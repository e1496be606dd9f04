//! Where log lines go: stderr, the journal by way of stderr, or syslog.
//!
//! Lines follow Postfix: one sentence, `warning:` and `error:` before those that want attention, nothing before the
//! others. A line that can't be written is lost; logging never stops mail.

use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};

use log::{Level, LevelFilter, Log, Metadata, Record};
use syslog::{Facility, Formatter3164, Logger, LoggerBackend};

use crate::config::LogTo;

/// Starts logging. A second call only changes the level.
pub fn init(to: LogTo, level: LevelFilter) {
    // A container may have no syslog daemon.
    start(resolve(to), Sink::Stderr, level);
}

/// Starts logging for a command of pipe(8): stderr belongs to Postfix, which bounces mail when it gets more than 4,096
/// bytes there. So syslog, unless a person is looking.
pub fn init_for_pipe(to: LogTo, level: LevelFilter) {
    let to = resolve(to);
    start(if std::io::stderr().is_terminal() { to } else { LogTo::Syslog }, Sink::Nowhere, level);
}

fn start(to: LogTo, without_syslog: Sink, level: LevelFilter) {
    let sink = match to {
        LogTo::Syslog => syslog_sink().unwrap_or(without_syslog),
        LogTo::Journal => Sink::Journal,
        LogTo::Stderr | LogTo::Auto => Sink::Stderr,
    };
    // Fails where a logger is set already: that one stays.
    let _ = log::set_boxed_logger(Box::new(MailLogger(sink)));
    log::set_max_level(level);
}

struct MailLogger(Sink);

enum Sink {
    Stderr,
    /// `<priority>` before each line, as sd-daemon(3) says.
    Journal,
    /// Where the pipe logs when there is no syslog daemon.
    Nowhere,
    Syslog(Box<Mutex<Logger<LoggerBackend, Formatter3164>>>),
}

impl Log for MailLogger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Libraries speak up only when something is wrong with them.
        metadata.target().starts_with("suppressd") || metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            self.0.write(record.level(), &line(record));
        }
    }

    fn flush(&self) {}
}

impl Sink {
    fn write(&self, level: Level, line: &str) {
        match self {
            // One write(2) a line: stderr has no buffer.
            Self::Stderr => drop(std::io::stderr().write_all(format!("suppressd: {line}\n").as_bytes())),
            Self::Journal => drop(std::io::stderr().write_all(format!("<{}>{line}\n", priority(level)).as_bytes())),
            Self::Nowhere => {}
            Self::Syslog(logger) => {
                let mut logger = logger.lock().unwrap_or_else(PoisonError::into_inner);
                drop(match level {
                    Level::Error => logger.err(line),
                    Level::Warn => logger.warning(line),
                    Level::Info => logger.info(line),
                    Level::Debug | Level::Trace => logger.debug(line),
                });
            }
        }
    }
}

fn line(record: &Record<'_>) -> String {
    match record.level() {
        Level::Error => format!("error: {}", record.args()),
        Level::Warn => format!("warning: {}", record.args()),
        _ => record.args().to_string(),
    }
}

/// syslog(3) priorities.
const fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

fn resolve(to: LogTo) -> LogTo {
    match to {
        LogTo::Auto if stderr_is_the_journal() => LogTo::Journal,
        LogTo::Auto if std::io::stderr().is_terminal() => LogTo::Stderr,
        LogTo::Auto => LogTo::Syslog,
        other => other,
    }
}

/// systemd names the device and inode of the stream that it connected (systemd.exec(5)).
fn stderr_is_the_journal() -> bool {
    let Ok(named) = std::env::var("JOURNAL_STREAM") else { return false };
    let stat = nix::sys::stat::fstat(std::io::stderr().as_fd());
    stat.is_ok_and(|stat| named == format!("{}:{}", stat.st_dev, stat.st_ino))
}

fn syslog_sink() -> Option<Sink> {
    let formatter = Formatter3164 {
        facility: Facility::LOG_MAIL,
        hostname: None,
        process: "suppressd".into(),
        pid: std::process::id(),
    };
    syslog::unix(formatter).ok().map(|logger| Sink::Syslog(Box::new(Mutex::new(logger))))
}
