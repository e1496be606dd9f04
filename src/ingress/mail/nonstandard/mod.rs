//! Bounces in no standard form: words for people, written by programs that each have their own habit.
//!
//! [`families`] is data: how a program's mail is recognised, most specific first. [`listing`] is the one reader for all of
//! them: it finds where the report ends and the returned message begins, and which lines name a recipient. Only
//! lines of the report count; addresses in the returned message are never recipients.
//!
//! Limits: [`listing::MAX_REPORT`] bytes and [`listing::MAX_LINES`] lines of a report, [`super::MAX_RECIPIENTS`] recipients,
//! [`listing::MAX_WORDS`] bytes about one of several. Nothing fails.

mod collected;
pub mod families;
mod line;
pub mod listing;

pub(super) use collected::quoted_last;

use super::autoreply::{is_autoreply, is_certain};
use super::fields::Fields;
use super::mime::decoded;
use super::verdict::paragraph;
use families::{DAEMONS, FAMILIES, Family, REFUSALS, SUBJECTS};
use listing::{Listing, Notice};

use crate::ingress::classify::{beginning, reply_start};
use crate::ingress::pairs::Pairs;

/// What was understood of a report.
#[derive(Debug, Default)]
pub struct Report<'x> {
    /// Name of the family that was recognised.
    pub family: &'static str,
    /// Whether the report itself says that it is only a warning.
    pub is_warning: bool,
    /// One entry for each recipient.
    pub notices: Vec<Notice>,
    /// The report's own words.
    pub words: &'x str,
}

impl Report<'_> {
    /// Leaves out the sender of the message, to whom a report may say who he is, unless a reply stands beside his address or nobody
    /// else is named.
    pub fn leave_out(&mut self, senders: &[String]) {
        let is_sender = |n: &Notice| senders.iter().any(|sender| sender.eq_ignore_ascii_case(&n.reported));
        let is_failed = |n: &Notice| n.words != self.words && reply_start(paragraph(&n.words)).is_some();
        let others: Vec<_> = self.notices.iter().filter(|n| !is_sender(n) || is_failed(n)).cloned().collect();
        if others.len() < self.notices.len() {
            let listing = Listing { report: self.words, behind: "" };
            let named =
                if others.is_empty() { listing.only_address(&senders.join(" ").to_lowercase()) } else { others };
            self.notices = if named.is_empty() { std::mem::take(&mut self.notices) } else { named };
        }
    }
}

/// Reads the words of a mail as a non-standard bounce; `None` if it does not look like one.
#[must_use]
pub fn read<'x>(header: &Fields<'_>, listing: Listing<'x>, from_nobody: bool) -> Option<Report<'x>> {
    let from = header.get("From").map(|f| decoded(&f).to_lowercase()).unwrap_or_default();
    let subject = header.get("Subject").map(|s| decoded(&s).to_lowercase()).unwrap_or_default();
    let report = listing.report.to_lowercase();
    let pairs = Pairs::of(&report);
    let says = |phrase: &str| pairs.may_have(phrase) && report.contains(phrase);
    let fits = |f: &&Family| f.fits(header, &from, &subject, says);
    let quotes_reply = reply_start(listing.report).is_some();
    // Mailman explains to people what it does with their mail.
    let is_of_list = header.has("X-List-Administrivia");
    if is_certain(header) || !quotes_reply && (is_of_list || SUCCESSES.iter().any(|phrase| says(phrase))) {
        return None;
    }
    let family = match FAMILIES.iter().find(fits) {
        Some(family) if is_by_hand(family, header, &from, &subject, listing) => return None,
        Some(family) => family.name,
        None if is_anonymous(header, from_nobody) && quotes_reply => "reply-quoted",
        // Whatever its language.
        None if from.contains("mailer-daemon") && !listing.listed().is_empty() => "mailer-daemon",
        None => return None,
    };
    let mut notices = listing.notices();
    let to = header.get("To").unwrap_or_default().to_lowercase();
    let ours = [&from, &to].map(|field| beginning(field, MAX_OURS)).join(" ");
    match notices.as_slice() {
        [only] => {
            if let Some(before) = before_contact(only, listing.report) {
                let refused = reply_start(before).map(|_| Listing { report: before, ..listing }.only_address(&ours));
                let named = [listing.others(), refused.unwrap_or_default()];
                notices = named.into_iter().find(|n| !n.is_empty()).unwrap_or(notices);
            }
        }
        several if several.len() <= FEW && several.iter().any(|n| refuses(&n.words)) => {
            notices.retain(|n| refuses(&n.words) || before_contact(n, listing.report).is_none());
        }
        _ => {}
    }
    if notices.is_empty() {
        let domain = LOCAL_PARTS.iter().find(|(author, _)| from.contains(author)).map(|(_, domain)| domain);
        notices = domain.map_or_else(Vec::new, |domain| listing.local_parts(domain));
    }
    if notices.is_empty() {
        notices = failed_recipients(header, listing.report);
    }
    if notices.is_empty() {
        // A person may ask to write to another of his firm.
        let domain = from.rsplit_once('@').map_or("", |(_, domain)| domain.trim_end_matches(['>', ' ']));
        let is_of_domain = |address: &str| {
            address.to_lowercase().strip_suffix(domain).is_some_and(|before| before.ends_with(['@', '.']))
        };
        notices = listing.only_address(&ours);
        notices.retain(|n| family != "subject" || quotes_reply || domain.is_empty() || !is_of_domain(&n.reported));
    }
    let is_warning = WARNINGS.iter().any(|w| subject.contains(w) || says(w));
    Some(Report { family, is_warning, notices, words: listing.report })
}

/// Who lists recipients by their local parts alone, and their domain.
const LOCAL_PARTS: &[(&str, &str)] = &[("mailer-daemon@aol.com", "aol.com")];

/// Most bytes of `From` and of `To` in which an address of the report is looked for.
const MAX_OURS: usize = 4000;

/// Most recipients of a report among whom one is looked for who is only to be asked: each costs a look at all of it.
const FEW: usize = 10;

/// What a report says before an address that stands where it tells whom to ask: at its very end, or on a line of its own between
/// what was refused and words that refuse nothing, or above all that is refused.
fn before_contact<'x>(notice: &Notice, report: &'x str) -> Option<&'x str> {
    let is_bare = |(before, behind): (&str, &str)| before.ends_with('\n') && behind.starts_with(['\r', '\n']);
    let last @ (before, behind) = report.rsplit_once(&notice.reported)?;
    let is_last = behind.trim_matches(|c: char| c.is_whitespace() || c == '>').is_empty();
    let is_below = || is_bare(last) && reply_start(before).is_some() && !refuses(behind);
    let is_above = || is_bare(last) && !refuses(before) && !refuses(paragraph(behind));
    (is_last || is_below() || is_above()).then_some(before)
}

fn refuses(words: &str) -> bool {
    let words = words.to_lowercase();
    REFUSALS.iter().any(|word| words.contains(word))
}

/// Without author, or from the null sender (RFC 5321 §4.5.5), and no automatic answer: then a quoted SMTP reply makes it a report.
fn is_anonymous(header: &Fields<'_>, from_nobody: bool) -> bool {
    // pipe(8) writes the null sender so (null_sender in master.cf).
    let null = header.get("Return-Path").is_some_and(|path| matches!(path.trim(), "<>" | "<MAILER-DAEMON>"));
    (null || from_nobody || !header.has("From") && !header.has("Subject")) && !is_autoreply(header)
}

/// Whether a person writes of a report, or his program answers, and no daemon writes one. Who forwards a whole report is as good
/// as its daemon.
fn is_by_hand(family: &Family, header: &Fields<'_>, from: &str, subject: &str, listing: Listing<'_>) -> bool {
    let is_quoting = || {
        REPLIES.iter().any(|begin| subject.starts_with(begin))
            && listing.report.lines().any(|line| line.starts_with('>'))
    };
    let is_of_daemon = |text: &str| DAEMONS.iter().any(|word| text.contains(word));
    let is_local_of_daemon = |address: &String| address.split_inclusive('@').next().is_some_and(is_of_daemon);
    // A report has the null sender (RFC 5321 §4.5.5); of what has another, a daemon's address or such words make one.
    let has_sender = || header.get("Return-Path").is_some_and(|path| path.contains('@'));
    let tells = || tells_of_message(listing.report) && !listing.listed().is_empty();
    let is_of_person = || has_sender() && !super::original::addresses(from).iter().any(is_local_of_daemon) && !tells();
    match family.name {
        "subject" => is_answer(header, subject) || is_quoting() || is_of_person(),
        "daemon" => is_of_person(),
        _ if is_of_daemon(from) || FORWARDS.iter().any(|begin| subject.starts_with(begin)) => false,
        _ => answers_report(subject) || is_quoting() || is_personal(header, from) || is_quoted(family, listing.report),
    }
}

/// Whether a report is about mail, where it may as well be about a parcel: it quotes a reply, or a line says of a message that it
/// failed.
fn tells_of_message(report: &str) -> bool {
    let is_of_message = |line: &str| MESSAGES.iter().any(|word| line.contains(word));
    let mut lines = report.lines().map(str::to_lowercase);
    reply_start(report).is_some() || lines.any(|line| is_of_message(&line) && refuses(&line))
}

/// What reports call a mail.
const MESSAGES: &[&str] = &[
    "message",
    "your mail",
    "your e-mail",
    "your email",
    "nachricht",
    "mensaje",
    "mensagem",
    "messaggio",
    "bericht",
    "wiadomo",
    "meddeland",
    "сообщени",
    "письм",
    "邮件",
    "郵件",
    "メール",
    "메일",
];

/// Whether the words that only a report of this family has stand in a line that somebody quotes.
fn is_quoted(family: &Family, report: &str) -> bool {
    let mut quoted = report.lines().filter_map(|line| line.trim_start().strip_prefix('>')).map(str::to_lowercase);
    quoted.any(|line| family.words.iter().any(|word| line.contains(word)))
}

/// Whether the author himself is the sender, and so perhaps no daemon, but somebody who writes of a report under such a subject.
fn is_personal(header: &Fields<'_>, from: &str) -> bool {
    let path = header.get("Return-Path").unwrap_or_default().trim().trim_matches(['<', '>']).to_lowercase();
    path.contains('@') && super::original::addresses(from) == [path]
}

/// Whether somebody answers, or his program, under the subject of a report. Some programs put "Re:" before what they return,
/// and their own words behind it.
fn is_answer(header: &Fields<'_>, subject: &str) -> bool {
    let mut answered = REPLIES.iter().chain(FORWARDS).filter_map(|begin| subject.strip_prefix(begin));
    is_autoreply(header) || answers_report(subject) || answered.any(|rest| !rest.is_ascii() || is_of_report(rest))
}

/// Whether the subject answers a report, as somebody does or a ticket system: `Ticket#4711: Undelivered Mail`.
fn answers_report(subject: &str) -> bool {
    let ticket = SUBJECTS.iter().filter_map(|s| subject.find(s)).min().and_then(|at| subject.get(..at));
    let is_tag = |before: &str| before.contains(']') && before.contains(|c: char| c.is_ascii_digit());
    ticket.is_some_and(|before| before.contains("ticket") || before.contains('#') || is_tag(before))
        || REPLIES.iter().filter_map(|begin| subject.strip_prefix(begin)).any(is_of_report)
}

fn is_of_report(subject: &str) -> bool {
    SUBJECTS.iter().any(|s| subject.trim_start().starts_with(s))
}

/// How a subject begins, in lower case, that answers another.
const REPLIES: &[&str] = &["re:", "re：", "aw:", "antw:", "sv:", "odp:", "回复", "答复", "回覆", "返信"];

/// How the subject of a forward begins, in lower case.
const FORWARDS: &[&str] = &["fwd:", "fw:", "wg:", "tr:", "rv:", "enc:"];

/// Words by which a report says that all went well, or will once a person agrees.
const SUCCESSES: &[&str] = &[
    "had successful delivery notifications",
    "has been delivered to the following",
    "was delivered to the following",
    "or groups is complete",
    "oder gruppen ist abgeschlossen",
    "ou groupes est terminée",
    "o grupos, pero el servidor de destino",
    "to release your message for delivery",
    "your message will be delivered",
    "requires confirmation",
    "awaits moderator approval",
    "is being held until",
    "successfully delivered",
    "delivered successfully",
    "successfully relayed",
    "erfolgreich zugestellt",
    "remis avec succès",
    "entregado correctamente",
    "entregado con éxito",
    "entregue com sucesso",
    "consegnato correttamente",
    "успешно доставлен",
    "已成功送达",
    "已成功投递",
    "送達されました",
    "配信されました",
    "배달되었습니다",
    "전송되었습니다",
];

/// Words by which a report says that nothing is decided yet.
const WARNINGS: &[&str] = &[
    "this is a warning message only",
    "this is a warning only",
    "this is just a warning",
    "this is an advisory-only",
    "(delay)",
    "warning: could not send message",
    "warning: message still undelivered",
    "delayed mail",
    "delivery delayed",
    "delivery attempts will continue",
    "delivery attempts are still pending",
    "has been delayed",
    "not yet been delivered",
    "not yet been fully delivered",
    "will be retried",
    "still being retried",
    "only a temporary failure report",
    "is delayed for more than",
    "wird weiterhin versucht",
    "weitere zustellversuche",
    "verzögert",
    "sera retenté",
    "tentatives auront lieu",
    "remise différée",
    "retardé",
    "se seguirá intentando",
    "aplazad",
    "retrasad",
];

/// Exim and Google name the failed recipients in a header field of their own.
fn failed_recipients(header: &Fields<'_>, words: &str) -> Vec<Notice> {
    let named = header.get("X-Failed-Recipients").unwrap_or_default();
    let named = decoded(&named);
    let each = named.split(',').map(str::trim).filter(|a| a.contains('@')).take(super::MAX_RECIPIENTS);
    let words = beginning(words, listing::MAX_WORDS);
    each.map(|a| Notice { reported: a.to_owned(), words: words.to_owned(), alias: None }).collect()
}

#[cfg(test)]
mod tests;
