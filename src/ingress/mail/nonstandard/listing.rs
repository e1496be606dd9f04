//! Finds in the words of a report where it ends, which lines name a recipient, and what is said about each.
//!
//! Ways in which programs name a recipient, tried in this order: on a line of his own (`<bob@example.com>:`), behind
//! a label (`Failed Recipient: bob@example.com`), within a sentence (`delivering your mail to <bob@example.com>`).
//! What stands between one recipient and the next is about the first.

use super::super::fields::lines;
use super::super::phrases::Phrases;
use super::collected::Collected;
use super::line::{
    alias, bare, enumerated, has_at, is_address, is_local, is_role, is_senders_field, labelled, leading_address,
    names_sender, own_line, own_line_of_a_person, says_delivered, sendmail_line,
};
use crate::ingress::classify::{beginning, reply_start};

/// Most lines of a report that are read.
pub const MAX_LINES: usize = 2000;
/// Most bytes of a report that are read: a line for each of [`super::super::MAX_RECIPIENTS`].
pub const MAX_REPORT: usize = 256 * 1024;
/// Most bytes that are kept of what is said about one of several recipients.
pub const MAX_WORDS: usize = 8000;

/// Most bytes that are kept, for each of so many recipients, of what is said about all of them: a hundred times [`MAX_WORDS`]
/// together.
pub(super) fn max_shared(recipients: usize) -> usize {
    MAX_WORDS.min(100 * MAX_WORDS / recipients.max(1))
}

/// What a report says about one recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notice {
    /// The recipient as written.
    pub reported: String,
    /// What is said about him.
    pub words: String,
    /// The address that was sent to, where an alias led to this recipient.
    pub alias: Option<String>,
}

/// The words of a report, without what it returns.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'x> {
    /// The report.
    pub report: &'x str,
    /// What came behind: mostly the returned message.
    pub behind: &'x str,
}

/// Words, in lower case, on the line that opens the returned message.
const CUTS: &[&str] = &[
    "below this line is a copy",
    "below the next line is a copy",
    "this is a copy of",
    "here is a copy of",
    "is a copy of the message",
    "start of returned message",
    "original message follows",
    "original message header",
    "original message below",
    "original message headers",
    "header of the original message",
    "header of the source mail",
    "headers of the original message",
    "---original message---",
    "--original message--",
    "-- original message --",
    "- original message -",
    "----- message header",
    "message headers follow",
    "message header follows",
    "message text follows",
    "unsent message",
    "undelivered message follows",
    "returned message follows",
    "returned mail follows",
    "your original message",
    "original mail as follows",
    "the header and top",
    "your message reads",
    "contents of your message",
    "text of your message",
    "first part of the message",
    "bounced e-mail:",
    "the message is attached",
    "begin original message",
    "received message:",
    "mail header follows",
    "included is a copy",
    "copy of your message",
    "the following is the original message",
    "reporting headers",
];

/// Words, in lower case, that gateways write below all mail which they let pass, and so below a report.
const FOOTERS: &[&str] = &[
    "has been scanned",
    "been scanned for",
    "was scanned",
    "checked for viruses",
    "virus-free.",
    "no virus found in this",
    "believed to be clean",
];

/// Finds the first of [`CUTS`], then [`FOOTERS`], in any case.
static ENDS: Phrases = Phrases::new(|| [CUTS, FOOTERS].concat());

/// Header fields that no report writes about itself, but returned messages begin with.
const HEADERS: &[&str] = &[
    "Received: from",
    "Received: by",
    "Return-Path: <",
    "Return-path: <",
    "Message-ID: <",
    "Message-Id: <",
    "MIME-Version: ",
    "Mime-Version: ",
    "DKIM-Signature: ",
    "X-Mailer: ",
    "X-Spam-",
    "X-Virus-",
    "X-CTCH-",
    "X-Cloudmark-",
    "X-Originating-IP: ",
];

/// Words within a sentence that come right before its recipient.
const SENTENCES: &[&str] = &[
    "originally addressed to",
    "addressed to",
    "delivering your mail to",
    "deliver your mail to",
    "deliver mail to",
    "deliver message to",
    "deliver your message to",
    "deliver the message to",
    "delivered to",
    "delivering to",
    "delivery to",
    "local mailbox",
    "to local user",
    "mailbox",
    "recipient",
    "mail to",
    "message to",
    "email to",
    "e-mail to",
    "sent to",
    "be reached",
    "user",
    "address",
];

/// Lines, in lower case, behind which Exchange says about each recipient, by his address, what it said before in other words and
/// sometimes by his name.
const DIAGNOSTICS: &[&str] = &[
    "diagnostic information for administrators",
    "diagnoseinformationen",
    "informations de diagnostic",
    "información de diagnóstico",
];

/// Words, in lower case, of a line behind which a report lists whom it delivered to.
const DELIVERIES: &[&str] = &[
    "successful delivery notifications",
    "addresses was successful",
    "was delivered to the following",
    "was delivered to these",
    "delivered successfully to:",
    "successfully delivered to the following",
];

/// Finds the address that a line names, and what follows it.
type Naming = for<'a> fn(&'a str) -> Option<(&'a str, &'a str)>;

impl<'x> Listing<'x> {
    /// Finds the end of the report.
    #[must_use]
    pub fn of(words: &'x str) -> Self {
        let (mut at, mut before) = (0, "");
        let last_named = memchr::memrchr(b'@', words.as_bytes()).unwrap_or(0);
        for (n, line) in lines(words).enumerate() {
            let ends = || match ending(line) {
                Some(Ending::Original) => true,
                Some(Ending::Footer) => is_ruled(before) && at > last_named,
                None => opens_signature(line),
            };
            if n >= MAX_LINES || at > 0 && ends() {
                break;
            }
            at += line.len();
            before = line;
        }
        let report = beginning(words, at.min(MAX_REPORT));
        Self { report, behind: words.get(report.len()..).unwrap_or_default() }
    }

    /// The recipients that have a line or a label of their own, else those within a sentence.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        let ways = [Self::listed, Self::beside_replies, Self::in_sentences];
        ways.into_iter().map(|way| way(self)).find(|notices| !notices.is_empty()).unwrap_or_default()
    }

    /// Several who each have a line with a reply of his own: `Delivery to bob@example.com failed: 550 5.1.1 no such user`.
    fn beside_replies(&self) -> Vec<Notice> {
        let mut notices: Vec<Notice> = Vec::new();
        for line in self.report.lines().filter(|line| has_at(line) && reply_start(line).is_some()) {
            let mut named = line.split_whitespace().map(bare).filter(|word| is_address(word));
            let (Some(one), None) = (named.next(), named.next()) else { continue };
            if is_role(one) || line.to_ascii_lowercase().contains("sender") {
                continue;
            }
            if notices.len() < super::super::MAX_RECIPIENTS
                && !notices.iter().any(|n| n.reported.eq_ignore_ascii_case(one))
            {
                let words = beginning(line, MAX_WORDS).to_owned();
                notices.push(Notice { reported: one.to_owned(), words, alias: None });
            }
        }
        if notices.len() > 1 { notices } else { Vec::new() }
    }

    /// The recipients that have a line or a label of their own, as only programs write.
    #[must_use]
    pub fn listed(&self) -> Vec<Notice> {
        let ways: [Naming; 4] = [own_line_of_a_person, labelled, leading_address, own_line];
        let lower = self.report.to_lowercase();
        ways.into_iter().map(|way| self.collect(&lower, way)).find(|n| !n.is_empty()).unwrap_or_default()
    }

    /// The recipients behind a label, else within sentences, whoever has a line of his own.
    #[must_use]
    pub fn others(&self) -> Vec<Notice> {
        let labelled = self.collect(&self.report.to_lowercase(), labelled);
        if labelled.is_empty() { self.in_sentences() } else { labelled }
    }

    /// Whether Postfix says that mail to this address was to go to another: `<robert@example.org> (expanded from <bob@example.com>)`.
    #[must_use]
    pub fn expanded_from(&self, address: &str) -> bool {
        self.report.match_indices("(expanded").any(|(at, _)| {
            let mut words = self.report.get(at..).unwrap_or_default().split_whitespace().skip(1);
            let is_from = words.next() == Some("from");
            let named = words.next().and_then(|word| word.strip_prefix('<')).and_then(|word| word.split_once(">)"));
            is_from && named.is_some_and(|(named, _)| named.eq_ignore_ascii_case(address))
        })
    }

    /// The one address that the report has, if it has but one that is neither the reporter's nor ours.
    #[must_use]
    pub fn only_address(&self, ours: &str) -> Vec<Notice> {
        let mut found: Vec<&str> = Vec::new();
        let mut before = "";
        for word in self.report.split_whitespace() {
            let sender = before.eq_ignore_ascii_case("from") || before.eq_ignore_ascii_case("from:");
            before = word;
            let word = bare(word);
            let is_theirs = |word: &str| sender || is_role(word) || ours.contains(&word.to_lowercase());
            if is_address(word) && !is_theirs(word) && !found.iter().any(|f| f.eq_ignore_ascii_case(word)) {
                found.push(word);
                if found.len() > 1 {
                    return Vec::new();
                }
            }
        }
        match found.as_slice() {
            [one] => vec![Notice { reported: (*one).to_owned(), words: self.report.to_owned(), alias: None }],
            _ => Vec::new(),
        }
    }

    /// Those who are listed by their local parts alone, as users of this domain.
    #[must_use]
    pub fn local_parts(&self, domain: &str) -> Vec<Notice> {
        let is_before = |line: &&str| !line.to_lowercase().contains("the following recipients");
        let below =
            self.report.lines().skip_while(is_before).skip_while(|line| !line.trim_end().ends_with(':')).skip(1);
        let names = below.map_while(|line| line.strip_prefix('\t')).map(str::trim_end);
        let addresses = names.map(|name| if name.contains('@') { name.to_owned() } else { format!("{name}@{domain}") });
        let listed: Vec<_> =
            addresses.take(super::super::MAX_RECIPIENTS).filter(|address| is_address(address)).collect();
        let words = beginning(self.report, max_shared(listed.len()));
        listed.into_iter().map(|reported| Notice { reported, words: words.to_owned(), alias: None }).collect()
    }

    /// `lower` is the report in lower case.
    fn collect(&self, lower: &str, names: Naming) -> Vec<Notice> {
        let mut all = Collected::default();
        let (mut delivered, mut local) = (false, false);
        let (mut before, mut previous) = ("", "");
        for (line, lower) in self.report.lines().zip(lower.lines()) {
            let (above, right_above) = (before, previous);
            let is_senders = || names_sender(above) || line.starts_with([' ', '\t']) && is_senders_field(right_above);
            previous = line;
            before = if line.trim().is_empty() { before } else { line };
            let begins = |phrase: &str| lower.trim_start().starts_with(phrase);
            if lower.contains("transcript of session follows") {
                local = false;
                all.begin(true);
            } else if lower.contains("the following addresses ha") || local && is_local(line) {
                local = true;
                all.begin(false);
            } else if DIAGNOSTICS.iter().any(|heading| begins(heading)) {
                (all.current, all.again) = (None, (0..all.notices.len()).collect());
            } else if begins("please note that this is only a temporary failure report") {
                // OpenSMTPD, below its list.
                all.current = None;
            }
            // Some list whom they delivered to as well.
            delivered = lower.contains("deliver") && DELIVERIES.iter().any(|heading| lower.contains(heading))
                || delivered && !(begins("-----") || lower.trim_end().ends_with(':'));
            if delivered {
                all.current = None;
                continue;
            }
            if !has_at(line) {
                all.say(line, None);
                continue;
            }
            let alias = alias(line);
            let of_local = alias.filter(|_| local && all.current.is_none());
            match (names(line).or_else(|| sendmail_line(line)).filter(|_| !is_senders()), of_local) {
                (Some((_, rest)), _) if says_delivered(rest) => {}
                (Some((address, rest)), _) => all.name(line, address, rest),
                (None, Some(address)) => all.expand(address),
                (None, None) => all.say(line, alias),
            }
        }
        all.into_notices()
    }

    fn in_sentences(&self) -> Vec<Notice> {
        // Each paragraph is about one, where more than one names somebody.
        let paragraphs = || self.report.split("\n\n").flat_map(|part| part.split("\r\n\r\n"));
        let found = paragraphs().flat_map(|part| Self { report: part, behind: "" }.in_sentence());
        let found: Vec<_> = found.take(super::super::MAX_RECIPIENTS).collect();
        let is_other = |notice: &Notice| !found.iter().all(|f| f.reported.eq_ignore_ascii_case(&notice.reported));
        if found.first().is_some_and(is_other) { found } else { self.in_sentence() }
    }

    /// The first recipient within a sentence.
    fn in_sentence(&self) -> Vec<Notice> {
        let words: Vec<&str> = self.report.split_whitespace().collect();
        let before = |at: usize, number: usize| {
            let before = words.get(at.saturating_sub(number)..at).unwrap_or_default();
            before.join(" ").to_lowercase()
        };
        let named = words.iter().enumerate().find_map(|(at, word)| {
            let word = bare(word);
            // The field of a header: `Subject: Returned mail`, and then `To: <us@example.net>`.
            let is_field = at.checked_sub(1).and_then(|at| words.get(at)) == Some(&"To:");
            let led = is_address(word) && !is_field && is_led(&before(at, 4)) && !asks(&before(at, 5));
            // A postmaster may be written to for help, but also be the recipient.
            (led && (!is_role(word) || before(at, 4).contains("deliver"))).then_some((at, word))
        });
        let Some((at, first)) = named else { return Vec::new() };
        let others = enumerated(words.get(at..).unwrap_or_default().iter().copied());
        let words = if others.len() > 1 { beginning(self.report, max_shared(others.len())) } else { self.report };
        let notice = |w: &str| Notice { reported: w.to_owned(), words: words.to_owned(), alias: None };
        std::iter::once(first)
            .chain(others.into_iter().skip(1))
            .take(super::super::MAX_RECIPIENTS)
            .map(notice)
            .collect()
    }
}

/// Whether words ask to write to an address: `For help send mail to`.
fn asks(before: &str) -> bool {
    let has = |words: &[&str]| before.split(' ').any(|word| words.contains(&word.trim_end_matches([',', ':', '.'])));
    has(&["please", "help", "assistance", "questions", "problems", "information"])
        && has(&["send", "forward", "write", "reply", "report", "contact"])
}

/// Whether the words before an address make it a recipient: `message from us@example.net to`, or one of [`SENTENCES`]. A new address is
/// where he may be found now.
fn is_led(before: &str) -> bool {
    let before = before.trim_end_matches([':', '"', '\'', '<']);
    let words: Vec<&str> = before.split(' ').collect();
    let is_from_to = matches!(words.as_slice(), [.., "from", sender, "to"] if has_at(sender));
    (is_from_to || SENTENCES.iter().any(|s| before.ends_with(s))) && !words.contains(&"new")
}

/// Whether a line is but a rule, as gateways draw above their words.
fn is_ruled(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 4 && line.bytes().all(|b| matches!(b, b'_' | b'-' | b'=' | b'*'))
}

/// RFC 3676 §4.3.
fn opens_signature(line: &str) -> bool {
    line.trim_end_matches(['\r', '\n']) == "-- "
}

/// Whether a line opens the returned message.
#[must_use]
pub fn opens_original(line: &str) -> bool {
    ending(line) == Some(Ending::Original)
}

/// What a report ends with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Original,
    Footer,
}

fn ending(line: &str) -> Option<Ending> {
    if HEADERS.iter().any(|h| line.starts_with(h)) {
        return Some(Ending::Original);
    }
    let line = line.trim();
    let row = Some(line).filter(|line| line.len() < 200).and_then(|line| ENDS.first_row(line))?;
    let ending = if row < CUTS.len() { Ending::Original } else { Ending::Footer };
    (!line.contains("NOT receive a copy")).then_some(ending)
}
