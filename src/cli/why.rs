//! `suppressd why ADDRESS`: the entries, the evidence, the way back; or why it is not suppressed.

use std::io::Write;

use super::{EXIT_NOT, Failure, json, now, shown};
use crate::event::printable;
use crate::store::{Dossier, Entry, Key, Store, StoredEvent};

/// Tell whether an address is suppressed, since when, on what evidence, and how to undo it
///
/// Every entry that holds for the recipient is shown, those of his domain and of domains above it as well, with the event and
/// rule behind it; an allow entry that beats them; how often mail to him was refused; everything that was reported of him, the
/// oldest first; and the commands that release him. If he is not suppressed it is told why not: what the last report
/// decided, or the incident that holds it back. If SES has him on its own list, the command is shown that takes him off there.
///
/// Exit status 0 if the address is suppressed, if only for one stream of mail, 1 if not.
///
/// Why does nobody get through to her?
///
/// suppressd why alice@example.com
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// user@domain or 'Name <user@domain>', in any case; or @domain, for the entries of a domain
    ///
    /// An international domain may be written either way.
    address: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// The answer. Its entries say what holds, `because` why nothing does.
#[derive(serde::Serialize)]
struct Answer {
    address: String,
    suppressed: bool,
    because: Option<String>,
    #[serde(flatten)]
    dossier: Dossier,
    /// The commands that release it, one for each entry in force.
    undo: Vec<String>,
    ses: Option<SesEntry>,
}

/// What is to be released at SES, too.
#[derive(serde::Serialize)]
pub(super) struct SesEntry {
    /// As SES reported it; its list compares case.
    reported: String,
    region: Option<String>,
    command: String,
}

/// 0 if it is suppressed, else 1.
pub(super) fn run(args: &Args, store: &Store, out: &mut dyn Write) -> Result<u8, Failure> {
    let answer = answer(&args.address, store)?;
    if args.json {
        json(out, &answer)?;
    } else {
        print(&answer, out)?;
    }
    Ok(if answer.suppressed { 0 } else { EXIT_NOT })
}

fn answer(text: &str, store: &Store) -> Result<Answer, Failure> {
    let key = Key::parse(text).map_err(|what| Failure::Usage(format!("\"{}\" {what}", printable(text, 80))))?;
    let dossier = store.dossier(&key, now())?;
    let suppressed = dossier.is_suppressed();
    Ok(Answer {
        address: key.as_str().to_owned(),
        suppressed,
        because: if suppressed { None } else { because(&dossier) },
        undo: dossier.in_force().map(undo).collect(),
        ses: ses_entry(key.as_str(), &dossier),
        dossier,
    })
}

/// Why it is not suppressed: by an allow entry, because its entry has run out, or by what the last report decided.
fn because(dossier: &Dossier) -> Option<String> {
    if let Some(allowed) = &dossier.allowed {
        let listed = if dossier.in_force().next().is_some() { ", although it is on the list" } else { "" };
        return Some(format!("allow entry {} lets mail to it pass until {}{listed}", allowed.address, allowed.until));
    }
    let event = last_that_matters(&dossier.events);
    let ended =
        dossier.entries.iter().filter_map(|Entry { listed, .. }| Some((listed.until.as_ref()?, &listed.since))).max();
    match (event, ended) {
        (event, Some((until, since))) if event.is_none_or(|event| event.at <= *until) => {
            Some(format!("its entry of {since} ran out on {until}"))
        }
        (Some(event), _) => Some(match held_back(event, dossier) {
            Some(incident) => format!("{incident} ({} of {})", event.kind.replace('_', " "), event.at),
            None if event.kind == "removed" => format!("released on {} {}", event.at, event.decision),
            None => format!("{} ({} of {})", event.decision, event.kind.replace('_', " "), event.at),
        }),
        (None, _) => None,
    }
}

/// The last event that could have changed something; deliveries and the like only where there is nothing else.
fn last_that_matters(events: &[StoredEvent]) -> Option<&StoredEvent> {
    let matters = |event: &&StoredEvent| !["delivery", "send", "open", "click"].contains(&event.kind.as_str());
    events.iter().rfind(matters).or(events.last())
}

/// The incident that holds the event back.
fn held_back(event: &StoredEvent, dossier: &Dossier) -> Option<String> {
    let incident = dossier.incidents.iter().find(|incident| Some(incident.number) == event.incident)?;
    (incident.state == "open").then(|| format!("held back by incident {}", incident.number))
}

/// What takes the entry off the list.
fn undo(entry: &Entry) -> String {
    let stream =
        if entry.listed.stream.is_empty() { String::new() } else { format!("--stream {} ", entry.listed.stream) };
    format!("suppressd remove {stream}'{}'", entry.listed.address.replace('\'', "'\\''"))
}

fn print(answer: &Answer, out: &mut dyn Write) -> Result<(), Failure> {
    let (address, dossier) = (&shown(&answer.address), &answer.dossier);
    if !answer.suppressed {
        writeln!(out, "{address} is not suppressed")?;
    }
    if let Some(because) = &answer.because {
        writeln!(out, "  because: {}", shown(because))?;
    }
    if let Some(note) = dossier.allowed.as_ref().and_then(|allowed| allowed.note.as_ref()) {
        writeln!(out, "  note: {}", shown(note))?;
    }
    for entry in dossier.in_force() {
        print_entry(address, entry, answer, out)?;
    }
    if let Some(last) = &dossier.refusals.last {
        writeln!(out, "  refused {} times, last {}", dossier.refusals.count, shown(last))?;
    }
    if !dossier.events.is_empty() {
        writeln!(out, "\nevents, oldest first:")?;
    }
    for event in &dossier.events {
        print_event(event, dossier, out)?;
    }
    print_way_back(answer, out)
}

fn print_entry(address: &str, entry: &Entry, answer: &Answer, out: &mut dyn Write) -> Result<(), Failure> {
    let Entry { listed, step, .. } = entry;
    let verb = if answer.suppressed { "suppressed" } else { "on the list" };
    let until = shown(listed.until.as_deref().unwrap_or("released"));
    let stream = if listed.stream.is_empty() { String::new() } else { format!(" in stream {}", shown(&listed.stream)) };
    let domain = if listed.address.eq_ignore_ascii_case(&answer.address) {
        String::new()
    } else {
        format!(" (entry {})", shown(&listed.address))
    };
    writeln!(out, "{address} is {verb}{stream} since {} until {until}{domain}", shown(&listed.since))?;
    let status = listed.status.as_ref().map_or_else(String::new, |status| format!(" {}", shown(status)));
    let [kind, reason, source] =
        [&listed.kind.replace('_', " "), &listed.reason, &listed.source].map(|text| shown(text));
    let times = if *step > 1 { format!(", time {step}") } else { String::new() };
    writeln!(out, "  {kind}{status}, reason {reason}, source {source}{times}")?;
    let event = listed.event.map(|number| (number, answer.dossier.events.iter().find(|event| event.number == number)));
    match event {
        Some((number, Some(StoredEvent { rule: Some(rule), .. }))) => {
            writeln!(out, "  by event {number}, rule {}", shown(rule))?;
        }
        Some((number, Some(_))) => writeln!(out, "  by event {number}")?,
        Some((number, None)) => writeln!(out, "  by event {number}, which is not kept any more")?,
        None => {}
    }
    if let Some(note) = &listed.note {
        writeln!(out, "  note: {}", shown(note))?;
    }
    Ok(())
}

fn print_event(event: &StoredEvent, dossier: &Dossier, out: &mut dyn Write) -> Result<(), Failure> {
    let [at, kind, reason, action, decision] =
        [&event.at, &event.kind, &event.reason, &event.action, &event.decision].map(|text| shown(text));
    let status = event.status.as_deref().map_or_else(|| "-".to_owned(), shown);
    let from = shown(&format!("{}/{}", event.source, event.origin));
    writeln!(out, "  {at}  {kind:<11} {status:<6} {reason:<12} {from:<20} {action}: {decision}")?;
    let number = Some(event.number.to_string());
    let stream = Some(event.stream.clone()).filter(|stream| !stream.is_empty());
    let incident = event.incident.map(|number| incident(number, dossier));
    let facts = [
        ("", &incident),
        ("", &event.diagnostic),
        ("reported by ", &event.reporting_mta),
        ("refused by ", &event.remote_mta),
        ("sender ", &event.sender),
        ("message ", &event.message_id),
        ("provider's id ", &event.provider_id),
        ("queue id ", &event.queue_id),
        ("by ", &event.channel),
        ("stream ", &stream),
        ("rule ", &event.rule),
        ("event ", &number),
    ];
    for (label, fact) in facts {
        if let Some(fact) = fact {
            writeln!(out, "      {label}{}", shown(fact))?;
        }
    }
    Ok(())
}

fn incident(number: i64, dossier: &Dossier) -> String {
    match dossier.incidents.iter().find(|incident| incident.number == number) {
        Some(incident) if incident.state == "open" => {
            format!("held back by incident {number} at {}; see suppressd incidents show {number}", incident.place)
        }
        Some(incident) => format!("part of incident {number} at {}, {}", incident.place, incident.state),
        None => format!("part of incident {number}"),
    }
}

fn print_way_back(answer: &Answer, out: &mut dyn Write) -> Result<(), Failure> {
    let mut label = "\nto release it: ";
    for undo in &answer.undo {
        writeln!(out, "{label}{}", shown(undo))?;
        label = "               ";
    }
    if let Some(ses) = &answer.ses {
        writeln!(out, "\n{}", ses.advice())?;
    }
    Ok(())
}

/// The report that SES itself suppresses the address: behind an entry in force, or the last of all reports.
fn ses_entry(address: &str, dossier: &Dossier) -> Option<SesEntry> {
    let says_so = |event: &&StoredEvent| event.reason == "suppressed";
    let told = dossier.events.iter().rfind(says_so);
    if dossier.in_force().any(|entry| entry.listed.reason == "suppressed") {
        // A whole import tells of many at once, and writes none of them in another case.
        let untold = StoredEvent { reported: address.to_owned(), ..StoredEvent::default() };
        return Some(SesEntry::of(told.unwrap_or(&untold)));
    }
    dossier.events.iter().rfind(|event| event.origin != "operator").filter(says_so).map(SesEntry::of)
}

impl SesEntry {
    pub(super) fn of(event: &StoredEvent) -> Self {
        let region = event.channel.as_deref().and_then(region).map(str::to_owned);
        let quoted = printable(&event.reported, 320).replace('\'', "'\\''");
        let mut command = format!("aws sesv2 delete-suppressed-destination --email-address '{quoted}'");
        if let Some(region) = &region {
            command.push_str(" --region ");
            command.push_str(region);
        }
        Self { reported: event.reported.clone(), region, command }
    }

    /// What to do about it.
    pub(super) fn advice(&self) -> String {
        format!(
            "SES keeps this address on its own suppression list; take it off there too:\n  {}",
            shown(&self.command)
        )
    }
}

/// The region of a topic's ARN.
fn region(channel: &str) -> Option<&str> {
    let mut parts = channel.split(':');
    let is_word = |text: &&str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    (parts.next() == Some("arn")).then_some(())?;
    parts.next()?;
    (parts.next() == Some("sns")).then_some(())?;
    parts.next().filter(is_word)
}

/// The advice about an address that SES itself suppresses, where no report of it is at hand.
pub(super) fn ses_advice(reported: &str) -> String {
    SesEntry::of(&StoredEvent { reported: reported.to_owned(), ..StoredEvent::default() }).advice()
}

#[cfg(test)]
mod tests {
    use super::region;

    #[test]
    fn the_region_is_that_of_the_topic_and_nothing_else() {
        assert_eq!(region("arn:aws:sns:eu-west-1:123456789012:ses-feedback"), Some("eu-west-1"));
        assert_eq!(region("arn:aws-cn:sns:cn-north-1:123456789012:x"), Some("cn-north-1"));
        assert_eq!(region("arn:aws:sns:;reboot:123456789012:x"), None);
        assert_eq!(region("bounces@example.org"), None);
    }
}
