//! `suppressd events`: what was reported and changed, newest last, and with `--follow` what comes next.
//!
//! Whoever recorded it: the daemon, `suppressd pipe`, the command line, or SQL by hand. Following looks every [`POLL`]
//! whether there is a newer number, and holds no lock meanwhile. It ends with status 0 on SIGINT or SIGTERM, and when
//! nobody reads its output any more.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::{Failure, json_text, now};
use crate::address::canonical_domain;
use crate::event::{Kind, Reason, Source, printable};
use crate::store::{EventFilter, Key, Store, StoredEvent};
use crate::telemetry::maillog;

/// Milliseconds between two looks.
const POLL: u16 = 200;

/// Show what was reported and changed, the newest last
///
/// One line for each event, like those of the log, in the order in which things happened; suppressd.db(5) explains the words.
/// What is given must all hold. What is rare may take a while among many millions of events; --since bounds it.
///
/// With --follow it goes on with whatever anybody records, in the order in which it is recorded, until it is interrupted or
/// nobody reads its output any more.
///
/// What did SES report about us today?
///
/// suppressd events --source ses --since 24h
///
/// Which addresses are being suppressed now?
///
/// suppressd events --follow --action suppressed
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only of this recipient, or @domain for a domain's own entry
    #[arg(long)]
    address: Option<String>,
    /// Only of recipients in this domain, subdomains not included
    #[arg(long)]
    domain: Option<String>,
    /// Only of this kind, as hard_bounce
    #[arg(long, value_parser = |word: &str| Kind::parse(word).ok_or("see \"Words\" in suppressd.db(5)"))]
    kind: Option<Kind>,
    /// Only for this reason, as userunknown
    #[arg(long, value_parser = |word: &str| Reason::parse(word).ok_or("see \"Words\" in suppressd.db(5)"))]
    reason: Option<Reason>,
    /// Only from this source, as ses
    #[arg(long, value_parser = |word: &str| Source::parse(word).ok_or("see \"Words\" in suppressd.db(5)"))]
    source: Option<Source>,
    /// Only with this effect: suppressed, held, recorded, added or removed
    #[arg(long)]
    action: Option<String>,
    /// Only of this stream of mail
    #[arg(long)]
    stream: Option<String>,
    /// Only what happened since then: a date, a time, or how long ago, as 12h
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// So many of the newest
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: u32,
    /// Go on with new ones as they are recorded
    #[arg(long, short)]
    follow: bool,
    /// One JSON object a line, with everything that is known of the event
    #[arg(long)]
    json: bool,
}

/// A time, a day, or a duration before now.
fn since(text: &str) -> Result<Timestamp, String> {
    let wrong = "write 2026-11-21, 2026-11-21T08:46:25Z, or a number and s, m, h or d";
    if let Ok(time) = crate::config::parse_duration(text) {
        return now().checked_sub(time).map_err(|_| wrong.to_owned());
    }
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    text.parse().ok().or_else(|| day().map(|day| day.timestamp())).ok_or_else(|| wrong.to_owned())
}

pub(super) fn run(args: &Args, store: &Store, out: &mut dyn Write) -> Result<u8, Failure> {
    let filter = filter(args)?;
    let mut last = store.last_event()?;
    let mut out = Lines { out: io::BufWriter::new(out), json: args.json, failure: None };
    store.newest_events(&filter, last, args.limit, |event| out.write(&event))?;
    out.flush()?;
    if args.follow {
        let told = stopped().map_err(Failure::Output)?;
        while !told.load(Ordering::Relaxed) && somebody_reads()? {
            let newest = store.last_event()?;
            if newest != last {
                store.events_between(&filter, last, newest, |event| out.write(&event))?;
                out.flush()?;
                last = newest;
            }
        }
    }
    Ok(0)
}

fn filter(args: &Args) -> Result<EventFilter, Failure> {
    let wrong = |option: &str, text: &str, what: &dyn std::fmt::Display| {
        Failure::Usage(format!("{option}: \"{}\" {what}", printable(text, 80)))
    };
    let address = args.address.as_deref().map(|text| Key::parse(text).map_err(|e| wrong("--address", text, &e)));
    let domain = args
        .domain
        .as_deref()
        .map(|text| canonical_domain(text.trim_start_matches('@')).map_err(|e| wrong("--domain", text, &e)));
    Ok(EventFilter {
        address: address.transpose()?,
        domain: domain.transpose()?,
        kind: args.kind,
        reason: args.reason,
        source: args.source,
        action: args.action.clone(),
        stream: args.stream.clone(),
        since: args.since,
    })
}

/// One line for each event. After a failure nothing more is written.
struct Lines<W: Write> {
    out: W,
    json: bool,
    failure: Option<Failure>,
}

impl<W: Write> Lines<W> {
    /// Whether it could be written.
    fn write(&mut self, event: &StoredEvent) -> bool {
        let line = if self.json { json_text(event).map_err(Failure::from) } else { Ok(maillog::stored_line(event)) };
        let written = line.and_then(|line| Ok(writeln!(self.out, "{line}")?));
        written.map_err(|failure| self.failure = Some(failure)).is_ok()
    }

    fn flush(&mut self) -> Result<(), Failure> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(self.out.flush()?),
        }
    }
}

/// Becomes true when we are told to stop.
fn stopped() -> io::Result<Arc<AtomicBool>> {
    let told = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&told))?;
    }
    Ok(told)
}

/// Waits for [`POLL`]; false as soon as whoever read our output has gone.
fn somebody_reads() -> Result<bool, Failure> {
    let stdout = io::stdout();
    let mut output = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
    match poll(&mut output, PollTimeout::from(POLL)) {
        // A pipe without a reader, or a terminal that was closed.
        Ok(0) | Err(Errno::EINTR) => Ok(true),
        Ok(_) => Ok(false),
        Err(error) => Err(Failure::Output(error.into())),
    }
}
