//! `suppressd stats`: what came in, what was refused, and how each sender domain stands with SES.
//!
//! Not promised: that SES judges as we do. It looks at a representative volume of messages that it does not tell, and it
//! does not count what its own suppression list held back.

use std::io::{self, Write};

use jiff::SignedDuration;

use super::{Failure, json, now, shown};
use crate::store::{DayCount, Figures, SenderRates, Stats, Store};

/// SES puts an account under review from here on, in percent.
const BOUNCE_REVIEW: f64 = 5.0;
const COMPLAINT_REVIEW: f64 = 0.1;
/// And may pause its sending from here on.
const BOUNCE_PAUSE: f64 = 10.0;
const COMPLAINT_PAUSE: f64 = 0.5;

/// Show what came in, what was refused, and how your sender domains stand with SES
///
/// Events are counted by day (UTC), reason, source and receiving domain; reports that nothing proves are not. What waits in
/// quarantine and in incidents is counted too.
///
/// For each domain that you send from, hard bounces are held against bounces and deliveries, and complaints against deliveries.
/// SES puts an account under review from 5 percent hard bounces or 0.1 percent complaints on, and may pause its sending from 10 or
/// 0.5. It looks at a number of messages that it does not tell, and not at days, so a handful of messages says little. Where no
/// delivery is reported no rate is known.
///
/// How was last week?
///
/// suppressd stats --days 7
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// So many days, today included
    #[arg(long, value_name = "NUMBER", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// So many receiving and sender domains
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    top: u32,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Answer {
    to: String,
    #[serde(flatten)]
    stats: Stats,
    now: Figures,
    standing: Vec<Standing>,
}

/// A sender domain against SES's thresholds.
#[derive(serde::Serialize)]
struct Standing {
    #[serde(flatten)]
    rates: SenderRates,
    /// `None` where no delivery is known.
    bounces: Option<Judged>,
    complaints: Option<Judged>,
}

#[derive(serde::Serialize)]
struct Judged {
    percent: f64,
    /// ok, review or pause risk.
    verdict: &'static str,
}

pub(super) fn run(args: &Args, store: &Store, out: &mut dyn Write) -> Result<u8, Failure> {
    let now = now();
    let from = now.checked_sub(SignedDuration::from_hours(24 * i64::from(args.days - 1)));
    let mut stats = store.stats(from.unwrap_or(now), now, args.top)?;
    let standing = std::mem::take(&mut stats.senders).into_iter().map(Standing::of).collect();
    let to = now.strftime("%Y-%m-%d").to_string();
    let answer = Answer { to, stats, now: store.figures(now)?, standing };
    let mut out = io::BufWriter::new(out);
    if args.json {
        json(&mut out, &answer)?;
    } else {
        print(&answer, args.top as usize, &mut out)?;
    }
    Ok(out.flush().map(|()| 0)?)
}

impl Standing {
    fn of(rates: SenderRates) -> Self {
        let known = rates.delivered > 0;
        let (delivered, hard) = (rates.delivered, rates.hard_bounced);
        let bounces = known.then(|| Judged::of(hard, delivered + hard, BOUNCE_REVIEW, BOUNCE_PAUSE));
        let complaints = known.then(|| Judged::of(rates.complained, delivered, COMPLAINT_REVIEW, COMPLAINT_PAUSE));
        Self { rates, bounces, complaints }
    }
}

impl Judged {
    #[allow(clippy::cast_precision_loss, reason = "numbers of mails")]
    fn of(count: i64, all: i64, review: f64, pause: f64) -> Self {
        let percent = 100.0 * count as f64 / all.max(1) as f64;
        let verdict = match percent {
            _ if percent >= pause => "pause risk",
            _ if percent >= review => "review",
            _ => "ok",
        };
        Self { percent: (percent * 1000.0).round() / 1000.0, verdict }
    }
}

fn print(answer: &Answer, top: usize, out: &mut dyn Write) -> io::Result<()> {
    let stats = &answer.stats;
    writeln!(out, "{} to {}, UTC", stats.from, answer.to)?;
    print_days(&stats.days, out)?;
    print_reports(stats, out)?;
    print_domains(stats, out)?;
    print_standing(&answer.standing, top, out)?;
    print_now(answer, out)
}

fn print_days(days: &[DayCount], out: &mut dyn Write) -> io::Result<()> {
    if days.is_empty() {
        return writeln!(out, "\nnothing was reported or refused");
    }
    writeln!(
        out,
        "\n{:<10} {:>9} {:>9} {:>10} {:>10} {:>9} {:>9}",
        "day", "hard", "soft", "complaints", "delivered", "other", "refused"
    )?;
    let mut total = DayCount { day: "total".into(), ..DayCount::default() };
    for day in days {
        print_day(day, out)?;
        total.hard_bounces += day.hard_bounces;
        total.soft_bounces += day.soft_bounces;
        total.complaints += day.complaints;
        total.deliveries += day.deliveries;
        total.other += day.other;
        total.refused += day.refused;
    }
    print_day(&total, out)
}

fn print_day(day: &DayCount, out: &mut dyn Write) -> io::Result<()> {
    let DayCount { day, hard_bounces, soft_bounces, complaints, deliveries, other, refused } = day;
    writeln!(
        out,
        "{:<10} {hard_bounces:>9} {soft_bounces:>9} {complaints:>10} {deliveries:>10} {other:>9} {refused:>9}",
        shown(day)
    )
}

fn print_reports(stats: &Stats, out: &mut dyn Write) -> io::Result<()> {
    if !stats.reasons.is_empty() {
        writeln!(out, "\nreasons:")?;
    }
    for reason in &stats.reasons {
        let name = format!("{}, {}", reason.kind.replace('_', " "), reason.reason);
        writeln!(out, "  {:<38} {:>9}", shown(&name), reason.events)?;
    }
    if !stats.sources.is_empty() {
        let sources: Vec<_> = stats.sources.iter().map(|s| format!("{} {}", shown(&s.source), s.events)).collect();
        writeln!(out, "\nsources: {}", sources.join(", "))?;
    }
    if stats.unproved > 0 {
        writeln!(out, "not counted: {} reports that nothing proves; they suppress nobody", stats.unproved)?;
    }
    Ok(())
}

fn print_domains(stats: &Stats, out: &mut dyn Write) -> io::Result<()> {
    if !stats.domains.is_empty() {
        writeln!(
            out,
            "\n{:<40} {:>9} {:>9} {:>10} {:>10}",
            "receiving domain", "hard", "soft", "complaints", "delivered"
        )?;
    }
    for domain in &stats.domains {
        writeln!(
            out,
            "{:<40} {:>9} {:>9} {:>10} {:>10}",
            shown(&domain.domain),
            domain.hard_bounces,
            domain.soft_bounces,
            domain.complaints,
            domain.deliveries
        )?;
    }
    Ok(())
}

fn print_standing(standing: &[Standing], top: usize, out: &mut dyn Write) -> io::Result<()> {
    if !standing.is_empty() {
        writeln!(out, "\n{:<30} {:>9}  {:<30}  complaints", "sender domain", "delivered", "hard bounces")?;
    }
    for one in standing.iter().take(top) {
        let SenderRates { sender_domain, delivered, hard_bounced, complained } = &one.rates;
        let [bounces, complaints] = [(hard_bounced, &one.bounces), (complained, &one.complaints)].map(judged);
        writeln!(out, "{:<30} {delivered:>9}  {bounces:<30}  {complaints}", shown(sender_domain))?;
    }
    if standing.len() > top {
        writeln!(out, "and {} more; see --top", standing.len() - top)?;
    }
    if standing.iter().any(|one| one.bounces.is_none()) {
        writeln!(out, "no rate: no delivery is known; let SES report deliveries to your topic as well")?;
    }
    Ok(())
}

fn judged((count, judged): (&i64, &Option<Judged>)) -> String {
    match judged {
        Some(Judged { percent, verdict }) => format!("{count} ({percent} %): {verdict}"),
        None => format!("{count} (no rate)"),
    }
}

fn print_now(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    let (refused, now) = (answer.stats.refused, &answer.now);
    match refused {
        0 => writeln!(out, "\nno mail was refused")?,
        n => writeln!(out, "\nrefused {n} times: up to {n} messages to people on the list did not reach SES")?,
    }
    let kinds: Vec<_> = now.entries.iter().map(|(kind, n)| format!("{n} {}", shown(&kind.replace('_', " ")))).collect();
    let total: i64 = now.entries.iter().map(|(_, n)| n).sum();
    let kinds = if kinds.is_empty() { String::new() } else { format!(": {}", kinds.join(", ")) };
    writeln!(out, "on the list now {total}{kinds}; {} allow entries", now.allowed)?;
    writeln!(out, "in quarantine {}, {} bytes", now.quarantine_entries, now.quarantine_bytes)?;
    match now.open_incidents {
        0 => writeln!(out, "open incidents 0")?,
        open => writeln!(out, "open incidents {open}, with {} recipients; see suppressd incidents", now.held_back)?,
    }
    for (reason, count) in &now.relay_refusals {
        writeln!(out, "in the last hour the relay refused {count} messages because of us: {}", shown(reason))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(delivered: i64, hard_bounced: i64, complained: i64) -> Option<(&'static str, &'static str)> {
        let standing =
            Standing::of(SenderRates { sender_domain: "a.example".into(), delivered, hard_bounced, complained });
        Some((standing.bounces?.verdict, standing.complaints?.verdict))
    }

    #[test]
    fn rates_are_judged_by_the_thresholds_of_ses_and_only_where_deliveries_are_known() {
        assert_eq!(verdicts(10_000, 0, 0), Some(("ok", "ok")));
        assert_eq!(verdicts(951, 49, 0), Some(("ok", "ok")));
        assert_eq!(verdicts(950, 50, 1), Some(("review", "review")));
        assert_eq!(verdicts(900, 100, 5), Some(("pause risk", "pause risk")));
        assert_eq!(verdicts(1000, 0, 1), Some(("ok", "review")));
        assert_eq!(verdicts(1001, 0, 1), Some(("ok", "ok")));
        assert_eq!(verdicts(0, 5, 1), None);
    }
}
