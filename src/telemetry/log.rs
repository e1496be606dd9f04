//! Where log lines go: stderr, the journal by way of stderr, or syslog.
//!
//! Lines follow Postfix: one sentence, `warning:` and `error:` before those that want attention, nothing before the
//! others. A line that can't be written is lost; logging never stops mail.
//!
//! The daemon holds its lines back for a few milliseconds ([`hold`]): whoever asked has his answer before the line is
//! written, and lines that came together cost one write(2).

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};
use syslog::{Facility, Formatter3164, Logger, LoggerBackend};
use tokio::sync::Notify;

use crate::config::LogTo;

/// Most bytes that are held back: with one line more, nearly always, they are shorter than what a pipe takes in one piece.
const MAX_HELD: usize = 3072;
/// How long one is.
const HOLD: Duration = Duration::from_millis(5);

/// What nearly all lines are shorter than, in bytes.
const USUAL: usize = 160;

type Line = (Level, String);

/// What is held back, and its length in bytes; `None` where each line is written at once.
static HELD: Mutex<Option<(Vec<Line>, usize)>> = Mutex::new(None);
/// That the first line is held back.
static BEGUN: Notify = Notify::const_new();

/// While this runs, lines are held back for 5 ms, until there are 3 KiB of them, or until one of them warns.
pub async fn hold() {
    /// However it ends.
    struct Until;
    impl Drop for Until {
        fn drop(&mut self) {
            log::logger().flush();
            *held() = None;
        }
    }
    *held() = Some(Default::default());
    let _until = Until;
    loop {
        BEGUN.notified().await;
        tokio::time::sleep(HOLD).await;
        log::logger().flush();
    }
}

fn held() -> MutexGuard<'static, Option<(Vec<Line>, usize)>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

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
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = (record.level(), line(record));
        let mut held = held();
        let Some((lines, length)) = &mut *held else { return self.0.write(&[line]) };
        *length += line.1.len();
        lines.push(line);
        let (is_first, is_over) = (lines.len() == 1, *length > MAX_HELD || record.level() <= Level::Warn);
        drop(held);
        if is_over {
            self.flush();
        } else if is_first {
            BEGUN.notify_one();
        }
    }

    fn flush(&self) {
        // Nobody who has a line to say waits for the write.
        let (lines, _) = held().as_mut().map(std::mem::take).unwrap_or_default();
        if !lines.is_empty() {
            self.0.write(&lines);
        }
    }
}

impl Sink {
    fn write(&self, lines: &[Line]) {
        match self {
            Self::Stderr => to_stderr(lines, |text, _| text.push_str("suppressd: ")),
            Self::Journal => to_stderr(lines, |text, level| text.push_str(priority(level))),
            Self::Nowhere => {}
            Self::Syslog(logger) => {
                let mut logger = logger.lock().unwrap_or_else(PoisonError::into_inner);
                for (level, line) in lines {
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
}

/// By one write(2): stderr has no buffer.
fn to_stderr(lines: &[Line], prefix: impl Fn(&mut String, Level)) {
    let mut text = String::with_capacity(lines.iter().map(|(_, line)| line.len() + 16).sum());
    for (level, line) in lines {
        prefix(&mut text, *level);
        text.push_str(line);
        text.push('\n');
    }
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn line(record: &Record<'_>) -> String {
    let mut line = String::with_capacity(USUAL);
    line.push_str(match record.level() {
        Level::Error => "error: ",
        Level::Warn => "warning: ",
        _ => "",
    });
    let _ = line.write_fmt(*record.args()); // a string takes everything
    line
}

/// syslog(3) priorities.
const fn priority(level: Level) -> &'static str {
    match level {
        Level::Error => "<3>",
        Level::Warn => "<4>",
        Level::Info => "<6>",
        Level::Debug | Level::Trace => "<7>",
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
