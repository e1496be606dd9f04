//! `suppressd import`: put the list of another tool, or a file of addresses, on the list.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::{SignedDuration, Timestamp};

use super::{Failure, now, open_of, operator, shown};
use crate::address::{Address, starred};
use crate::config::Config;
use crate::event::{MAX_NAME, printable};
use crate::exchange::{self, FORMATS, Format, ReadError, Reading, Taken, Wishes};
use crate::policy::Pattern;
use crate::store::{Fate, Import, ImportRules, ImportedEntry, Key, PAUSE, Plan, StoreError};

/// Errors that are shown; the others are counted.
const MAX_SHOWN: usize = 20;
/// Addresses that are shown before anything is applied.
const SAMPLE: u32 = 5;

/// Why a `*` is left out: a whole domain is meant, and a mailbox would be listed.
const STARRED: &str = "a * before the @ means nobody; write @domain for a whole domain";

/// Put the list of another tool, or a file of addresses, on the list
///
/// Without --apply it shows what would change and writes nothing. The format is told from the content; where two could
/// be meant, name it. Lines that can't be understood are reported, all at once, and then nothing is written. An entry
/// that is there is never made to end earlier, and an address that an operator released after it came on the file's list
/// stays released; a file without dates counts as older than any release. Soft bounces are left out: a list
/// manager's soft bounce is no reason to refuse mail for ever. Left out too are whom policy.protected names, with whole domains
/// that somebody of it is in, and names with a * before the @: they would be mailboxes. Each entry that is applied leaves a trace with who and
/// the file's name. Meanwhile the daemon goes on; an import that is interrupted can be run again.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file, or - for the standard input
    file: PathBuf,
    /// What the file is, where that can't be told from its content
    #[arg(long, value_parser = formats())]
    format: Option<String>,
    /// Put it on the list; without this, what would change is shown and nothing is written
    #[arg(long)]
    apply: bool,
    /// Why, for those who ask later; for entries without a note of their own
    #[arg(long)]
    note: Option<String>,
    /// Release by itself after this time, as 30d; for entries without an end of their own
    #[arg(long = "for", value_name = "TIME", value_parser = crate::config::parse_duration)]
    time: Option<SignedDuration>,
    /// Only for this stream of mail
    #[arg(long, value_parser = stream)]
    stream: Option<String>,
    /// Soft bounces too
    #[arg(long)]
    soft: bool,
    /// Entries too that an operator released after they came on the file's list
    #[arg(long)]
    released_too: bool,
    /// Leave lines out that can't be understood, and apply the others
    #[arg(long)]
    skip_errors: bool,
}

pub(super) fn run(args: &Args, config: &Config, out: &mut dyn Write) -> Result<u8, Failure> {
    let mut store = open_of(config)?;
    let protected = |key: &Key| is_protected(&config.policy.protected, key);
    let now = now();
    let name = args.file.file_name().map_or_else(|| "-".into(), |name| name.to_string_lossy());
    let name = if args.file.as_os_str() == "-" { "standard input".into() } else { printable(&name, MAX_NAME) };
    let rules =
        ImportRules { change: operator(args.note.as_ref()), file: name.clone(), released_too: args.released_too };
    let mut import = store.import(rules)?;
    let found =
        Reader { args, until: args.time.and_then(|time| now.checked_add(time).ok()) }.stage(&mut import, &protected)?;
    found.report_errors(&name, args.skip_errors)?;
    writeln!(out, "{name}: read as {}", found.format)?;
    if !args.apply {
        let sample = import.sample(SAMPLE, now)?;
        found.report(&import.plan(now)?, ["new", "last longer"], out)?;
        for (address, _, kind) in sample {
            writeln!(out, "    {} {kind}", shown(&address))?;
        }
        writeln!(out, "nothing was written; --apply does it")?;
        return Ok(0);
    }
    let plan = apply(import, now)?;
    found.report(&plan, ["added", "made to last longer"], out)?;
    Ok(0)
}

/// Whom no import may put on the list: `policy.protected`, and whole domains with somebody of it.
fn is_protected(patterns: &[Pattern], key: &Key) -> bool {
    match (key.as_str().strip_prefix('@'), Address::parse(key.as_str())) {
        (Some(domain), _) => patterns.iter().any(|pattern| pattern.touches(domain)),
        (None, Ok(address)) => patterns.iter().any(|pattern| pattern.matches(&address)),
        (None, Err(_)) => false,
    }
}

fn apply(mut import: Import<'_>, now: Timestamp) -> Result<Plan, StoreError> {
    let bar = bar(Some(import.staged()?), "applying", "{pos} of {len}");
    let plan = import.apply(now, |done| {
        bar.set_position(done);
        std::thread::sleep(PAUSE);
    });
    bar.finish_and_clear();
    plan
}

/// Reads the file into an import.
struct Reader<'a> {
    args: &'a Args,
    until: Option<Timestamp>,
}

/// What was found besides entries.
#[derive(Default)]
struct Found {
    format: &'static str,
    skipped: BTreeMap<&'static str, i64>,
    /// Line and sentence of the first few.
    errors: Vec<(u64, String)>,
    error_count: usize,
}

impl Reader<'_> {
    fn stage(&self, import: &mut Import<'_>, protected: &dyn Fn(&Key) -> bool) -> Result<Found, Failure> {
        let path = &self.args.file;
        let (input, size) = open(path).map_err(|error| unreadable(path, &error))?;
        let bar = bar(size, "reading", "{bytes} of {total_bytes}");
        let format = self.args.format.as_deref().and_then(Format::named);
        let wishes = Wishes { soft: self.args.soft, stream: self.args.stream.clone() };
        let (mut found, mut failed) = (Found::default(), None);
        let read = exchange::read(bar.wrap_read(input), format, &wishes, &mut |line, reading| {
            failed = self.take(line, reading, import, protected, &mut found).err();
            failed.is_none()
        });
        bar.finish_and_clear();
        if let Some(error) = failed {
            return Err(error.into());
        }
        found.format = match read {
            Ok(format) => format.name,
            Err(ReadError::Io(error)) => return Err(unreadable(path, &error)),
            Err(ReadError::Unsure(what)) => return Err(Failure::Usage(format!("{}: {what}", path.display()))),
        };
        Ok(found)
    }

    fn take(
        &self,
        line: u64,
        reading: Reading,
        import: &mut Import<'_>,
        protected: &dyn Fn(&Key) -> bool,
        found: &mut Found,
    ) -> Result<(), StoreError> {
        match reading {
            Ok(Taken::Entry(entry)) if starred(&entry.reported).is_some() => found.skip(STARRED),
            Ok(Taken::Entry(entry)) if protected(&entry.key) => found.skip("protected"),
            Ok(Taken::Entry(entry)) => {
                return import.stage(ImportedEntry { until: entry.until.or(self.until), ..*entry });
            }
            Ok(Taken::Skipped(why)) => found.skip(why),
            Err(what) => found.error(line, what),
        }
        Ok(())
    }
}

impl Found {
    fn skip(&mut self, why: &'static str) {
        *self.skipped.entry(why).or_default() += 1;
    }

    fn error(&mut self, line: u64, what: String) {
        self.error_count += 1;
        if self.errors.len() < MAX_SHOWN {
            self.errors.push((line, what));
        }
    }

    /// All that is wrong at once; that is the end of it, unless such lines may be left out.
    fn report_errors(&self, name: &str, skip: bool) -> Result<(), Failure> {
        let mut lines: Vec<_> = self.errors.iter().map(|(line, what)| format!("{name}:{line}: {what}")).collect();
        if self.error_count > lines.len() {
            lines.push(format!("and {} more", self.error_count - lines.len()));
        }
        if lines.is_empty() {
            return Ok(());
        }
        if skip {
            return Ok(writeln!(io::stderr(), "{}", lines.join("\n"))?);
        }
        lines.push("nothing was written; --skip-errors leaves such lines out".into());
        Err(Failure::Usage(lines.join("\n")))
    }

    fn report(&self, plan: &Plan, [new, longer]: [&str; 2], out: &mut dyn Write) -> io::Result<()> {
        let count = |fate| plan.iter().filter(|(f, ..)| *f == fate).map(|(.., count)| count).sum::<i64>();
        let kinds: Vec<_> = plan.iter().filter(|(fate, ..)| *fate == Fate::New).collect();
        let kinds: Vec<_> = kinds.iter().map(|(_, kind, count)| format!("{count} {kind}")).collect();
        let kinds = if kinds.is_empty() { String::new() } else { format!(": {}", kinds.join(", ")) };
        writeln!(out, "{:>9} {new}{kinds}", count(Fate::New))?;
        let known = [
            (longer, count(Fate::Longer)),
            ("known", count(Fate::Known)),
            ("skipped: released by an operator since; --released-too takes them", count(Fate::Released)),
            ("skipped: their end is past", count(Fate::Ended)),
        ];
        for (what, count) in known.iter().filter(|(_, count)| *count > 0) {
            writeln!(out, "{count:>9} {what}")?;
        }
        for (why, count) in &self.skipped {
            writeln!(out, "{count:>9} skipped: {why}")?;
        }
        if self.error_count > 0 {
            writeln!(out, "{:>9} skipped: not understood", self.error_count)?;
        }
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<(Box<dyn Read>, Option<u64>)> {
    if path.as_os_str() == "-" {
        return Ok((Box::new(io::stdin().lock()), None));
    }
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    Ok((Box::new(file), Some(size)))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::Usage(format!("cannot read {}: {error}", path.display()))
}

/// A bar on the terminal; on none, nothing.
fn bar(length: Option<u64>, what: &'static str, numbers: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr_with_hz(5)).with_message(what);
    let template = format!("{{msg}} {{bar:40}} {numbers} {{eta}}");
    bar.with_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn formats() -> PossibleValuesParser {
    FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about)).into()
}

fn stream(text: &str) -> Result<String, String> {
    if exchange::is_stream(text) { Ok(text.to_owned()) } else { Err("write small letters, digits, - and _".into()) }
}
