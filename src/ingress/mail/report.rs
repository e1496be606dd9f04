//! Turns what the parsers found into findings: judges each recipient by his own words, and picks the address that we sent to.

use jiff::Timestamp;

use super::dsn::{self, Dsn};
use super::fields::Fields;
use super::mime::{Mail, PartKind};
use super::nonstandard::listing::{Listing, Notice};
use super::original::Original;
use super::recipient::clean;
use super::sns_json;
use super::verdict::{Living, judge_notice, judge_recipient, reply, shared, words_about};
use super::{Finding, Nature, Reading, Unnamed, arf, autoreply, nonstandard};
use crate::address::Address;
use crate::event::{Evidence, Kind, MAX_DIAGNOSTIC, MAX_NAME, Reason, Side, Source, printable};
use crate::ingress::classify::{Action, Class, Verdict};
use crate::return_path::verp;

/// Tries the formats, the most certain first.
pub(super) fn read(mail: &Mail<'_>, patterns: &[verp::Pattern], from_nobody: bool) -> Reading {
    let words = mail.words();
    let context = Context { from_nobody, ..Context::of(mail, Listing::of(&words), patterns) };
    context
        .feedback(mail)
        .or_else(|| context.junk_report())
        .or_else(|| context.status(mail))
        .or_else(|| context.event(&words))
        .or_else(|| context.disposition(mail, &words))
        .or_else(|| context.pasted())
        .or_else(|| context.in_words())
        .or_else(|| context.answer(&words))
        .unwrap_or_default()
}

/// What is known of the mail as a whole.
struct Context<'v> {
    header: Fields<'v>,
    patterns: &'v [verp::Pattern],
    listing: Listing<'v>,
    at: Option<Timestamp>,
    channel: Option<String>,
    original: Original,
    verp: Option<String>,
    tokens: Option<String>,
    is_ses: bool,
    /// From the null sender, by the envelope.
    from_nobody: bool,
}

/// What is known of one recipient, before he is named.
struct Case {
    kind: Kind,
    verdict: Verdict,
    source: Source,
    diagnostic: Option<String>,
    remote_mta: Option<String>,
}

impl<'v> Context<'v> {
    fn of(mail: &'v Mail<'_>, listing: Listing<'v>, patterns: &'v [verp::Pattern]) -> Self {
        let header = mail.header();
        let to: Vec<_> = ["To", "Delivered-To", "X-Original-To"].iter().filter_map(|n| header.get(n)).collect();
        let paths: Vec<String> = to.iter().flat_map(|t| super::original::addresses(t)).take(20).collect();
        let original = Original::of(mail, listing.behind);
        let own_paths = || paths.iter().chain(&original.sender);
        let from = header.get("From").unwrap_or_default().to_ascii_lowercase();
        Self {
            at: header.get("Date").and_then(|d| date(&d)),
            channel: paths.first().map(|p| printable(p, MAX_NAME)),
            verp: own_paths().find_map(|path| verp::certain_recipient(path, patterns)),
            tokens: own_paths().find_map(|path| verp::token(path)).map(|t| t.to_string()),
            patterns,
            listing,
            is_ses: from.contains("amazonses.com"),
            from_nobody: false,
            original,
            header,
        }
    }

    fn evidence(&self, case: &Case) -> Evidence {
        let short = |text: &Option<String>| text.as_deref().map(|t| printable(t, MAX_NAME));
        Evidence {
            reason: case.verdict.reason,
            side: case.verdict.side,
            status: case.verdict.status,
            diagnostic: case.diagnostic.as_deref().map(|d| printable(d, MAX_DIAGNOSTIC)).filter(|d| !d.is_empty()),
            remote_mta: short(&case.remote_mta),
            sender: short(&self.original.sender),
            message_id: self.original.message_id.clone(),
            provider_id: self.original.ses_id().map(str::to_owned),
            channel: self.channel.clone(),
            headers: self.headers(),
            rule: Some(case.verdict.rule.to_owned()),
            ..Evidence::default()
        }
    }

    /// What lets an application find its own message and recipient again: the token in our return path, then list headers.
    fn headers(&self) -> Option<String> {
        let lines: Vec<&str> =
            [&self.tokens, &self.original.headers].into_iter().flatten().map(String::as_str).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// Adds a finding under the first of the addresses that is one, else an entry without a name.
    fn add<'a>(&self, reading: &mut Reading, case: &Case, addresses: impl Iterator<Item = &'a str>) {
        let mut tried = None;
        for reported in addresses {
            let cleaned = clean(reported);
            match Address::parse_reported(&cleaned) {
                Ok(recipient) => return self.push(reading, case, recipient, cleaned),
                Err(why) => tried = tried.or(Some((cleaned, why.to_string()))),
            }
        }
        let (reported, why) = tried.unwrap_or_else(|| (String::new(), "the report names no recipient".to_owned()));
        let reported = printable(&reported, MAX_NAME);
        reading.unnamed.push(Unnamed { kind: case.kind, reported, why, evidence: self.evidence(case) });
    }

    fn push(&self, reading: &mut Reading, case: &Case, recipient: Address, reported: String) {
        let evidence = self.evidence(case);
        let reported = printable(&reported, MAX_NAME);
        let finding =
            Finding { id: None, kind: case.kind, recipient, reported, at: self.at, source: case.source, evidence };
        match reading.findings.iter_mut().find(|f| f.recipient == finding.recipient) {
            Some(known) if weight(known.kind) >= weight(finding.kind) => {}
            Some(known) => *known = finding,
            None => reading.findings.push(finding),
        }
    }

    /// A complaint counts even if the provider hides who complained; an address such as `redacted@example.com` is nobody's.
    fn add_redacted(&self, reading: &mut Reading, case: &Case, reported: Option<&str>) {
        let reported = printable(reported.unwrap_or_default(), MAX_NAME);
        let why = "the report names no recipient".to_owned();
        reading.unnamed.push(Unnamed { kind: case.kind, reported, why, evidence: self.evidence(case) });
    }

    /// RFC 5965.
    fn feedback(&self, mail: &Mail<'_>) -> Option<Reading> {
        let part = mail.part(PartKind::Feedback).map(|part| &*part.text);
        let feedback = arf::Feedback::read(part.or_else(|| arf::in_words(self.listing.report))?)?;
        let class = if feedback.kind == Kind::Complaint { Class::Complaint } else { Class::None };
        let verdict =
            Verdict { class, reason: feedback.reason, side: Side::Recipient, status: None, rule: "feedback-type" };
        let source = if self.is_ses { Source::Ses } else { Source::Arf };
        let case = Case { kind: feedback.kind, verdict, source, diagnostic: None, remote_mta: None };
        let mut reading = Reading { nature: Nature::Arf, family: "rfc5965", ..Reading::default() };
        let recipients = self.complainants(&feedback);
        for recipient in &recipients {
            self.add(&mut reading, &case, std::iter::once(recipient.as_str()));
        }
        if recipients.is_empty() {
            self.add_redacted(&mut reading, &case, feedback.redacted.as_deref());
        }
        let sender = feedback.sender.map(|s| printable(&s, MAX_NAME));
        let reporter = feedback.reporting_mta.map(|s| printable(&s, MAX_NAME));
        for evidence in reading.evidences() {
            evidence.reporting_mta.clone_from(&reporter);
            evidence.sender = sender.clone().or(evidence.sender.take());
        }
        Some(reading)
    }

    /// Microsoft's Junk Mail Reporting Program: the message itself, with its recipient in a field, and no report.
    fn junk_report(&self) -> Option<Reading> {
        let header = &self.header;
        let is_theirs = header.get("From").is_some_and(|from| from.to_ascii_lowercase().contains("staff@hotmail.com"));
        let subject = header.get("Subject").unwrap_or_default().trim().to_ascii_lowercase();
        let recipient = self.original.provider_recipient.as_deref();
        let recipient = recipient.filter(|_| is_theirs && subject.starts_with("complaint about message"))?;
        let verdict = Verdict {
            class: Class::Complaint,
            reason: Reason::Abuse,
            side: Side::Recipient,
            status: None,
            rule: "junk-mail-report",
        };
        let case = Case { kind: Kind::Complaint, verdict, source: Source::Arf, diagnostic: None, remote_mta: None };
        let mut reading = Reading { nature: Nature::Arf, family: "jmrp", ..Reading::default() };
        self.add(&mut reading, &case, std::iter::once(recipient));
        Some(reading)
    }

    /// Who complained: named by the report, by our return path, by the provider's own header, or as the only `To` of the
    /// returned message. Several in `To` are candidates, and nobody knows which.
    fn complainants(&self, feedback: &arf::Feedback) -> Vec<String> {
        if !feedback.recipients.is_empty() {
            return feedback.recipients.clone();
        }
        let path = feedback.sender.as_deref().and_then(|s| verp::certain_recipient(s, self.patterns));
        let named = path.or_else(|| self.verp.clone()).or_else(|| self.original.provider_recipient.clone());
        let only_to = || arf::distinct(self.original.only_to().map(str::to_owned).into_iter().collect());
        named.map_or_else(only_to, |one| vec![one])
    }

    /// RFC 3464.
    fn status(&self, mail: &Mail<'_>) -> Option<Reading> {
        let part = mail.part(PartKind::DeliveryStatus)?;
        let mut dsn = Dsn::read(&part.text);
        if dsn.recipients.is_empty() {
            let all: Vec<&str> =
                mail.parts.iter().filter(|p| p.kind == PartKind::DeliveryStatus).map(|p| &*p.text).collect();
            dsn = Dsn::read(&all.join("\n\n"));
        }
        if dsn.recipients.is_empty() {
            // An empty or mangled status part: the words are all there is.
            let reading = self.in_words();
            return reading.map(|r| Reading { nature: Nature::Dsn, ..r });
        }
        Some(self.judged(&dsn, "rfc3464"))
    }

    /// A status report in plain text.
    fn pasted(&self) -> Option<Reading> {
        Dsn::in_words(self.listing.report).map(|dsn| self.judged(&dsn, "rfc3464-in-words"))
    }

    fn judged(&self, dsn: &Dsn, family: &'static str) -> Reading {
        let notices = self.listing.notices();
        let mut reading = Reading { nature: Nature::Dsn, family, ..Reading::default() };
        let lone = (dsn.recipients.len() == 1).then_some(self.listing.report);
        let with_words = |r| (r, words_about(r, &notices).or(lone).unwrap_or_default());
        let told: Vec<_> = dsn.recipients.iter().map(with_words).collect();
        let shared = shared(told.iter().map(|(r, told)| reply(r, told)));
        let senders = self.senders(dsn.sender.as_deref().or(self.channel.as_deref()));
        let judge = |(r, told)| (r, told, judge_recipient(r, told, shared.contains(reply(r, told).trim()), &senders));
        let judged: Vec<_> = told.into_iter().map(judge).collect();
        let living = Living::of(judged.iter().map(|(recipient, _, verdict)| (*recipient, verdict)));
        for (recipient, told, verdict) in judged {
            let verdict = living.softened(recipient, verdict);
            let kind = kind_of(verdict.class, recipient.action, verdict.status.is_some_and(|s| s.class == 2));
            let source = if self.is_ses { Source::Ses } else { Source::Dsn };
            let diagnostic = Some(&recipient.diagnostic).filter(|d| !d.is_empty()).cloned();
            let diagnostic =
                diagnostic.or_else(|| Some(told.to_owned()).filter(|_| lone.is_none() || told.len() < 2000));
            let case = Case { kind, verdict, source, diagnostic, remote_mta: recipient.remote_mta.clone() };
            self.add(&mut reading, &case, self.names(dsn, recipient));
        }
        for evidence in reading.evidences() {
            evidence.reporting_mta = dsn.reporting_mta.as_deref().map(|m| printable(m, MAX_NAME));
            evidence.queue_id = dsn.queue_id.as_deref().map(|q| printable(q, MAX_NAME));
            evidence.sender = evidence.sender.take().or(dsn.sender.as_deref().map(|s| printable(s, MAX_NAME)));
        }
        reading
    }

    /// An SES event, if it is what the report says and not what a report returns.
    fn event(&self, words: &str) -> Option<Reading> {
        let is_own = words.find('{').is_some_and(|at| at < self.listing.report.len());
        is_own.then(|| sns_json::read(words, self.at)).flatten()
    }

    /// Whose message it was, by the report and the returned message.
    fn senders(&self, reported: Option<&str>) -> Vec<String> {
        let paths = [reported, self.original.sender.as_deref()].into_iter().flatten().map(clean);
        paths.chain(self.original.authors.iter().cloned()).filter(|address| address.contains('@')).collect()
    }

    /// The addresses of a recipient, best first: the one that we sent to, as the report or our own return path names it, before
    /// the one that failed behind a forward.
    fn names<'a>(&'a self, dsn: &'a Dsn, recipient: &'a dsn::Recipient) -> impl Iterator<Item = &'a str> {
        let alone = dsn.recipients.len() == 1;
        let original = recipient.original.as_deref().filter(|o| o.contains('@'));
        let is_told = |original: &str| dsn.queue_id.is_none() || self.was_sent_to(original, recipient);
        let is_believed = original.is_none_or(|original| !recipient.is_xtext(original) && is_told(original));
        let only_to = self.original.only_to().filter(|to| alone && recipient.may_be(to));
        let path = self.verp.as_deref().filter(|_| alone);
        let others = recipient.addresses().filter(move |address| is_believed || Some(*address) != original);
        original.filter(|_| is_believed).into_iter().chain(path).chain(others).chain(only_to)
    }

    /// Whether Postfix itself says that a message was sent to the address which `Original-Recipient` names: that field repeats
    /// what the client chose to write there (ORCPT, RFC 3461 §4.2), be it somebody else's.
    fn was_sent_to(&self, original: &str, recipient: &dsn::Recipient) -> bool {
        let original = clean(original);
        let is_last = recipient.last.as_deref().is_none_or(|last| clean(last).eq_ignore_ascii_case(&original));
        is_last || self.listing.expanded_from(&original)
    }

    /// The wordings of mail programs.
    fn in_words(&self) -> Option<Reading> {
        let mut report = nonstandard::read(&self.header, self.listing, self.from_nobody)?;
        let senders = self.senders(self.channel.as_deref());
        report.leave_out(&senders);
        let mut reading = Reading { nature: Nature::Nonstandard, family: report.family, ..Reading::default() };
        let action = if report.is_warning { Action::Delayed } else { Action::Failed };
        let lone = report.notices.len() == 1;
        let shared = shared(report.notices.iter().map(|n| n.words.as_str()));
        for notice in &report.notices {
            let mut others =
                report.notices.iter().filter(|other| !other.reported.eq_ignore_ascii_case(&notice.reported));
            let is_shared = shared.contains(notice.words.trim()) || others.any(|o| notice.words.contains(&o.reported));
            let (verdict, said) = judge_notice(notice, report.words, lone, is_shared, action, &senders);
            let source = if self.is_ses { Source::Ses } else { Source::Mail };
            let kind = kind_of(verdict.class, action, false);
            let case = Case { kind, verdict, source, diagnostic: Some(said.to_owned()), remote_mta: None };
            let path = self.verp.as_deref().filter(|_| lone);
            let target = std::iter::once(notice.reported.as_str());
            if notice.alias.is_some() {
                self.add(&mut reading, &case, target.clone());
            }
            self.add(&mut reading, &case, path.into_iter().chain(notice.alias.as_deref()).chain(target));
        }
        if report.notices.is_empty() {
            self.unlisted(&mut reading, report.words, action);
        }
        Some(reading)
    }

    /// A report that names nobody: our return path may. `To` of the returned message may be a list, or somebody else.
    fn unlisted(&self, reading: &mut Reading, words: &str, action: Action) {
        let reported = self.verp.clone().unwrap_or_default();
        let notice = Notice { reported, words: words.to_owned(), alias: None };
        let (verdict, _) = judge_notice(&notice, words, true, false, action, &self.senders(None));
        let kind = kind_of(verdict.class, action, false);
        let case = Case { kind, verdict, source: Source::Mail, diagnostic: Some(words.to_owned()), remote_mta: None };
        self.add(reading, &case, self.verp.as_deref().into_iter());
    }

    /// RFC 8098.
    fn disposition(&self, mail: &Mail<'_>, words: &str) -> Option<Reading> {
        let part = mail.part(PartKind::Disposition)?;
        let (reason, recipient) = autoreply::disposition(&part.text, words);
        let full = reason == Reason::MailboxFull;
        let (kind, class) = if full { (Kind::SoftBounce, Class::Soft) } else { (Kind::Notice, Class::None) };
        let verdict = Verdict { class, reason, side: Side::Recipient, status: None, rule: "disposition" };
        let case = Case { kind, verdict, source: Source::Mail, diagnostic: None, remote_mta: None };
        let mut reading = Reading { nature: Nature::Disposition, family: "rfc8098", ..Reading::default() };
        self.add(&mut reading, &case, recipient.iter().map(String::as_str));
        Some(reading)
    }

    /// RFC 3834.
    fn answer(&self, words: &str) -> Option<Reading> {
        let header = &self.header;
        let author = super::mime::decoded(&header.get("From").unwrap_or_default());
        let from = super::original::addresses(&author);
        let (nature, kind, reason) = if is_unsubscribe(&header.get("Subject").unwrap_or_default(), words) {
            (Nature::Unsubscribe, Kind::Unsubscribe, Reason::Other)
        } else if autoreply::is_autoreply(header) {
            let dead = autoreply::says_dead(self.listing.report, &author);
            let (kind, reason) =
                if dead { (Kind::SoftBounce, Reason::Suspended) } else { (Kind::Notice, Reason::AutoReply) };
            (Nature::AutoReply, kind, reason)
        } else {
            return None;
        };
        let class = if kind == Kind::SoftBounce { Class::Soft } else { Class::None };
        let verdict = Verdict { class, reason, side: Side::Recipient, status: None, rule: "automatic-answer" };
        let case = Case { kind, verdict, source: Source::Mail, diagnostic: None, remote_mta: None };
        let mut reading = Reading { nature, family: "rfc3834", ..Reading::default() };
        self.add(&mut reading, &case, from.iter().map(String::as_str));
        Some(reading)
    }
}

impl Reading {
    fn evidences(&mut self) -> impl Iterator<Item = &mut Evidence> {
        self.findings.iter_mut().map(|f| &mut f.evidence).chain(self.unnamed.iter_mut().map(|u| &mut u.evidence))
    }
}

fn kind_of(class: Class, action: Action, delivered: bool) -> Kind {
    match class {
        Class::Hard => Kind::HardBounce,
        Class::Soft if action == Action::Delayed => Kind::Delay,
        Class::Soft => Kind::SoftBounce,
        Class::Complaint => Kind::Complaint,
        Class::None if action == Action::Delivered || delivered && action == Action::Unknown => Kind::Delivery,
        Class::None => Kind::Notice,
    }
}

/// Of two reports about one recipient in one mail, the graver counts.
fn weight(kind: Kind) -> u8 {
    match kind {
        Kind::HardBounce => 4,
        Kind::Complaint => 3,
        Kind::SoftBounce => 2,
        Kind::Delay => 1,
        _ => 0,
    }
}

/// The mail that a mail program sends for a `mailto:` in `List-Unsubscribe`.
fn is_unsubscribe(subject: &str, words: &str) -> bool {
    subject.trim().eq_ignore_ascii_case("unsubscribe") && words.len() < 2000
}

/// RFC 5322 §3.3, with or without a comment behind.
pub(super) fn date(value: &str) -> Option<Timestamp> {
    let value = value.split(" (").next().unwrap_or(value).trim();
    jiff::fmt::rfc2822::parse(value).ok().map(|z| z.timestamp())
}
