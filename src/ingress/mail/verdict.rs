//! Which words of a report are put before the judge, and in which order: the diagnostic, the line or reply that is about this
//! recipient, and only then everything that the report says.
//!
//! What a program writes around a reply is about every bounce, and would mislead.

use std::collections::{HashMap, HashSet};

use super::nonstandard::listing::{MAX_WORDS, Notice};
use super::nonstandard::quoted_last;
use super::recipient::clean;
use super::{dsn, session};
use crate::event::{Reason, Side};
use crate::ingress::classify::{
    Action, Class, Facts, Speaker, Stage, Verdict, beginning, judge, reply_code, reply_start,
};
use crate::ingress::pairs::Pairs;

/// Judges by the diagnostic first; where it tells nothing, by the words for people.
pub(super) fn judge_recipient(recipient: &dsn::Recipient, told: &str, is_shared: bool, senders: &[String]) -> Verdict {
    let address = recipient.last.as_deref().or(recipient.original.as_deref()).unwrap_or_default();
    let address = clean(address);
    let stage = match session::stage(&recipient.diagnostic) {
        Stage::Unknown => session::stage(told),
        known => known,
    };
    let speaker = match recipient.remote_mta.as_deref() {
        None if recipient.diagnostic_type == "x-postfix" => Speaker::Ourselves,
        mta => session::speaker(mta, told),
    };
    let action = match (recipient.action, recipient.status) {
        (Action::Unknown, Some(status)) if status.class == 2 => Action::Delivered,
        (action, _) => action,
    };
    let facts = Facts {
        status: recipient.status,
        reply_code: None,
        text: &recipient.diagnostic,
        recipient: &address,
        stage,
        speaker,
        action,
        is_shared,
        senders,
    };
    let verdict = judge(&facts);
    if told.trim().is_empty() || verdict.class == Class::None || verdict.class == Class::Soft && verdict.is_by_text() {
        return verdict;
    }
    // Words without codes of their own have those of the diagnostic: what was put off is no unknown user.
    let facts = Facts { status: verdict.status, reply_code: reply_code(&recipient.diagnostic), ..facts };
    let (by_words, _) = judge_words(&facts, told);
    // "Not enough disk space", and a gateway makes "550 5.1.1 User unknown" of it.
    if verdict.class == Class::Hard && matches!(by_words.reason, Reason::MailboxFull | Reason::SystemFull) {
        return Verdict { status: verdict.status, ..by_words };
    }
    if verdict.is_by_text() {
        return verdict;
    }
    let softer = verdict.class == Class::Hard && by_words.class != Class::Hard;
    let firm = by_words.is_by_text() && !(softer && !recipient.diagnostic.is_empty() && by_words.side == Side::Unknown);
    if firm { by_words } else { verdict }
}

/// Judges words for people: what sendmail quotes for the recipient, or else its own line about him (`550 <bob>... User unknown`,
/// which it makes of every 550), then the replies quoted in them, then all of them. What a program says around a reply is about
/// every bounce. With the words that told.
fn judge_words<'w>(facts: &Facts<'_>, words: &'w str) -> (Verdict, &'w str) {
    let is_line = |l: &&str| l.contains("...") && !facts.recipient.is_empty() && l.contains(facts.recipient);
    let line = if words.contains("...") { words.lines().find(is_line) } else { None };
    let judged = |text| (judge(&Facts { text, ..*facts }), text);
    let told: Vec<_> = line.iter().flat_map(|line| told_to_sendmail(words, line)).map(judged).collect();
    let by_text = told.iter().position(|(verdict, _)| verdict.is_by_text());
    if let Some(told) = told.into_iter().nth(by_text.unwrap_or_default()) {
        return told;
    }
    let line = line.and_then(|l| l.get(reply_start(l)?..));
    let tries = line.into_iter().chain(replies(words)).chain(introduced(words)).map(judged);
    tries.into_iter().find(|(verdict, _)| verdict.is_by_text()).unwrap_or_else(|| judged(words))
}

/// The other system's words that sendmail quotes before its own line: as `(reason: 550 blacklisted)`, and right before it.
fn told_to_sendmail<'w>(words: &'w str, line: &str) -> impl Iterator<Item = &'w str> {
    let before = words.split_once(line).map_or("", |(before, _)| before);
    let reason = before.split_once("(reason: ").and_then(|(_, reason)| reason.split_once(")\n"));
    let told = [reason.map_or("", |(reason, _)| reason), quoted_last(before)];
    told.into_iter().filter(|told| reply_start(told).is_some())
}

/// Most replies tried, of those that a report quotes: a first one may be a code alone.
const MAX_REPLIES: usize = 3;

/// What the report quotes from each reply code on.
fn replies(words: &str) -> impl Iterator<Item = &str> {
    let mut rest = words;
    let next = move || {
        let (_, from_code) = rest.split_at_checked(reply_start(rest)?)?;
        let (reply, behind) = from_code.split_at_checked(paragraph(from_code).len())?;
        rest = behind;
        Some(reply)
    };
    std::iter::from_fn(next).take(MAX_REPLIES)
}

/// Words, in lower case, after which a report quotes the other system.
const INTRODUCTIONS: &[&str] = &[
    "the response was:",
    "the response from the remote server was:",
    "the error that the other server returned was:",
    "the reason for the problem:",
    "remote server returned",
    "remote host said:",
    "remote server replied:",
    "technical details of permanent failure:",
    "additional information follows :",
    "technical details of temporary failure:",
    "reason:",
];

/// What the report quotes, where it has no reply code.
fn introduced(words: &str) -> Option<&str> {
    let lower = words.to_ascii_lowercase();
    let pairs = Pairs::of(&lower);
    let at = |intro: &str| if pairs.may_have(intro) { lower.find(intro) } else { None };
    let behind = |intro: &&str| at(intro).and_then(|at| words.get(at + intro.len()..));
    let quoted = INTRODUCTIONS.iter().find_map(behind).map(|text| paragraph(text.trim_start()))?;
    (!quoted.trim().is_empty()).then_some(quoted)
}

/// Up to the first empty line.
pub(super) fn paragraph(text: &str) -> &str {
    let end = text.find("\n\n").or_else(|| text.find("\r\n\r\n")).unwrap_or(text.len());
    text.get(..end).unwrap_or(text)
}

/// Judges one recipient of a report in words: by what is said about him, else by the whole report if it is about him alone.
/// With what was said: what stands at his name, unless the verdict is by other words.
pub(super) fn judge_notice<'w>(
    notice: &'w Notice,
    report: &'w str,
    lone: bool,
    is_shared: bool,
    action: Action,
    senders: &[String],
) -> (Verdict, &'w str) {
    let own = if notice.words.trim().is_empty() { beginning(report, MAX_WORDS) } else { &notice.words };
    let stage = match session::stage(own) {
        Stage::Unknown if lone => session::stage(report),
        stage => stage,
    };
    let speaker = session::speaker(None, own);
    let facts = Facts { recipient: &notice.reported, stage, speaker, action, is_shared, senders, ..Facts::default() };
    let (verdict, _) = judge_words(&facts, &notice.words);
    let (verdict, said) = match (verdict.is_by_text(), lone) {
        (false, true) => judge_words(&facts, report),
        _ => (verdict, own),
    };
    let said = if verdict.is_by_text() { said } else { own };
    match (&notice.alias, verdict.class) {
        // One dead target of an alias: others may live behind it.
        (Some(_), Class::Hard) => (dead_target(verdict), said),
        _ => (verdict, said),
    }
}

fn dead_target(verdict: Verdict) -> Verdict {
    Verdict { class: Class::Soft, rule: "alias-with-dead-target", ..verdict }
}

/// The targets of each alias that are not dead.
pub(super) struct Living<'a>(HashMap<String, HashSet<&'a str>>);

impl<'a> Living<'a> {
    pub(super) fn of<'v>(judged: impl Iterator<Item = (&'a dsn::Recipient, &'v Verdict)>) -> Self {
        let mut living: HashMap<_, HashSet<_>> = HashMap::new();
        for (recipient, _) in judged.filter(|(_, verdict)| verdict.class != Class::Hard) {
            if let Some((alias, target)) = alias(recipient) {
                living.entry(alias).or_default().insert(target);
            }
        }
        Self(living)
    }

    /// The same verdict, unless others live behind the alias of a dead target.
    pub(super) fn softened(&self, recipient: &dsn::Recipient, verdict: Verdict) -> Verdict {
        let others = |(alias, dead)| self.0.get(&alias).is_some_and(|targets| targets.iter().any(|t| *t != dead));
        if verdict.class == Class::Hard && alias(recipient).is_some_and(others) {
            dead_target(verdict)
        } else {
            verdict
        }
    }
}

/// The address that was sent to, and the one that the report is about.
fn alias(recipient: &dsn::Recipient) -> Option<(String, &str)> {
    Some((clean(recipient.original.as_deref()?).to_lowercase(), recipient.last.as_deref()?))
}

/// What the other system said about one recipient.
pub(super) fn reply<'a>(recipient: &'a dsn::Recipient, told: &'a str) -> &'a str {
    if recipient.diagnostic.is_empty() { told } else { &recipient.diagnostic }
}

/// The replies that more than one recipient got.
pub(super) fn shared<'a>(replies: impl Iterator<Item = &'a str>) -> HashSet<&'a str> {
    let mut once = HashSet::new();
    replies.map(str::trim).filter(|reply| !once.insert(*reply)).collect()
}

/// What the words for people say about one recipient.
pub(super) fn words_about<'n>(recipient: &dsn::Recipient, notices: &'n [Notice]) -> Option<&'n str> {
    let his: Vec<_> = recipient.addresses().map(clean).collect();
    let is_his = |n: &&Notice| his.iter().any(|a| a.eq_ignore_ascii_case(&n.reported));
    notices.iter().find(is_his).map(|n| n.words.as_str()).filter(|w| !w.trim().is_empty())
}
