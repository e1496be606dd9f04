//! Brings the words of a refusal into one plain form, so that a phrase of the table matches however it was folded,
//! wrapped, cased or addressed; and finds the codes in them.
//!
//! In the plain form everything is lower case with single spaces, also in place of wide punctuation and quotes; `550-5.1.1` at
//! the start of every line of a multi-line reply is gone; an address is `@addr`, or `@rcpt` if it is the recipient's; a host name or URL is `@host`, or
//! `@rdom` if it is the recipient's domain. So a mailbox called `spam@` or a host called `quota.example.com` decides nothing.
//! `MAILBOX_FULL` are words as others write them.

use crate::address::canonical_domain;
use crate::status::EnhancedStatus;

/// Most bytes of a text that are looked at. The longest diagnostics in the field are about 1,500.
pub const MAX_TEXT: usize = 4096;

/// Exim's note behind what was said last, without its "exceeded".
const GIVEN_UP: &str = ": retry timeout";

/// A text in plain form.
pub struct Plain(String);

impl Plain {
    /// The plain form of a text about `recipient`, who may be empty.
    #[must_use]
    pub fn of(text: &str, recipient: &str) -> Self {
        let text = beginning(text, MAX_TEXT).to_lowercase().replace('’', "'");
        let own = Own::of(recipient);
        let mut out = String::with_capacity(text.len());
        let is_between = |c: char| c.is_whitespace() || is_wide(c) || matches!(c, '“' | '”' | '„' | '«' | '»');
        for word in text.split(is_between) {
            // Most are words and nothing else.
            let is_mere = word.bytes().all(|b| b.is_ascii_lowercase());
            let parts = if is_mere { ["", word, ""] } else { unglued(without_reply_prefix(word)) };
            for word in parts.into_iter().filter(|word| !word.is_empty()) {
                if !out.is_empty() {
                    out.push(' ');
                }
                if is_mere { out.push_str(word) } else { push_word(&mut out, word, &own) }
            }
        }
        // A limit of Exim's was exceeded, and no mailbox's.
        Self(if out.contains(GIVEN_UP) { out.replace(": retry timeout exceeded", GIVEN_UP) } else { out })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether Exim's note says that it gave up: what stands before it was said for a time only, whatever its code.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.0.contains(GIVEN_UP)
    }

    /// Whether our own marker is in it, however it was folded or cased.
    #[must_use]
    pub fn contains_marker(&self, marker: &str) -> bool {
        self.0.contains(&marker.to_lowercase())
    }
}

/// The recipient in small letters, as he was told and with his domain in its other form, A-labels or U-labels (RFC 5890
/// §2.3.2.1): a report may mix both.
struct Own {
    told: String,
    other: Option<String>,
}

impl Own {
    fn of(recipient: &str) -> Self {
        let told = recipient.to_lowercase();
        let other = told.rsplit_once('@').and_then(|(local, domain)| {
            let other = match domain.is_ascii() {
                false => canonical_domain(domain).ok()?,
                true if domain.contains("xn--") => idna::domain_to_unicode(domain).0,
                true => return None,
            };
            Some(format!("{local}@{other}"))
        });
        Self { told, other }
    }

    fn forms(&self) -> impl Iterator<Item = &str> {
        [Some(self.told.as_str()), self.other.as_deref()].into_iter().flatten().filter(|form| !form.is_empty())
    }

    fn has_address(&self, word: &str) -> bool {
        self.forms().any(|form| word.contains(form))
    }

    fn has_domain(&self, word: &str) -> bool {
        self.forms().filter_map(|form| form.rsplit_once('@')).any(|(_, domain)| word == domain)
    }
}

/// Punctuation of Chinese and Japanese, which stands without spaces.
#[must_use]
pub fn is_wide(c: char) -> bool {
    matches!(c, '\u{3001}'..='\u{301f}' | '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff61}'..='\u{ff65}')
}

/// A text, or the most of it that has no more than `max` bytes.
#[must_use]
pub fn beginning(text: &str, max: usize) -> &str {
    (0..=max.min(text.len())).rev().find_map(|end| text.get(..end)).unwrap_or_default()
}

/// `550-5.1.1` is dropped and `550-Your` becomes `Your`: every line of a multi-line reply carries them (RFC 5321 §4.2.1).
fn without_reply_prefix(word: &str) -> &str {
    let rest = match word.as_bytes() {
        [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', b'-', _, ..] => word.get(4..).unwrap_or_default(),
        _ => return word,
    };
    if EnhancedStatus::parse(rest).is_some() { "" } else { rest }
}

/// `unknown:<bob@example.com>` and `<bob@example.com>...no` are words and an address.
fn unglued(word: &str) -> [&str; 3] {
    let whole = ["", word, ""];
    let Some((head, tail)) = word.rsplit_once('@').filter(|_| !word.contains("://")) else { return whole };
    let is_before = |c: char| matches!(c, '<' | '>' | '(' | '[' | '"' | ':' | ';' | ',' | '|');
    let has_words = |at: usize| head.get(..at).is_some_and(|before| before.contains(char::is_alphanumeric));
    let start = head.rfind(is_before).map(|at| at + 1).filter(|at| has_words(*at)).unwrap_or(0);
    let domain = tail.find(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '-' | '_')).unwrap_or(tail.len());
    let domain = tail.find("...").map_or(domain, |dots| domain.min(dots));
    let is_behind = |(at, c): &(usize, char)| *at >= domain && c.is_alphanumeric();
    let behind = tail.char_indices().find(is_behind).map_or(tail.len(), |(at, _)| at);
    let end = head.len() + 1 + behind;
    match (word.get(..start), word.get(start..end), word.get(end..)) {
        (Some(before), Some(address), Some(after)) if !address.ends_with('\'') => {
            [before.trim_end_matches('<'), address, after]
        }
        _ => whole,
    }
}

fn push_word(out: &mut String, word: &str, own: &Own) {
    let is_around = |c: char| !c.is_alphanumeric() && c != '/';
    let rest = word.trim_start_matches(is_around);
    let core = rest.trim_end_matches(is_around);
    let (Some((before, _)), Some((_, after))) =
        (word.split_at_checked(word.len() - rest.len()), rest.split_at_checked(core.len()))
    else {
        return;
    };
    let token = token_for(core, own);
    let bracket = |c: char| !matches!(c, '<' | '>');
    if token == core {
        push_plain(out, word);
    } else {
        out.extend(before.chars().filter(|c| bracket(*c)));
        out.push_str(token);
        out.extend(after.chars().filter(|c| bracket(*c)));
    }
}

/// `BAD_RECIPIENT` as others write it.
fn push_plain(out: &mut String, word: &str) {
    if memchr::memchr(b'_', word.as_bytes()).is_some() {
        let words = word.split('_').filter(|word| !word.is_empty()).enumerate();
        out.extend(words.flat_map(|(n, word)| [if n == 0 { "" } else { " " }, word]));
    } else {
        out.push_str(word);
    }
}

fn token_for<'a>(core: &'a str, own: &Own) -> &'a str {
    if core.contains("://") || core.starts_with("www.") {
        return if names_a_blocklist(core) { core } else { "@host" };
    }
    if let Some((local, host)) = core.rsplit_once('@') {
        let is_address = !local.is_empty() && host.contains('.');
        return if own.has_address(core) {
            "@rcpt"
        } else if is_address {
            "@addr"
        } else {
            core
        };
    }
    match () {
        () if !core.contains('.') || names_a_blocklist(core) => core,
        () if own.has_domain(core) => "@rdom",
        () if !is_host(core) => core,
        () => "@host",
    }
}

/// `mx.example.com`, but neither `5.1.1`, `e.g` nor Exchange's `RESOLVER.ADR.RecipNotFound`.
fn is_host(core: &str) -> bool {
    let Some((first, rest)) = core.split_once('.') else { return false };
    let last = rest.rsplit('.').next().unwrap_or_default();
    let own_words = ["resolver", "queue", "smtpsend", "storedrv", "routing", "smtp", "dsn", "transport"];
    let label = |l: &str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    last.len() >= 2
        && last.bytes().all(|b| b.is_ascii_alphabetic())
        && !own_words.contains(&first)
        && core.split('.').all(label)
}

/// The other server's own reply where one wraps it: Exchange Online's `550 5.1.351 Remote server returned unknown recipient or
/// mailbox unavailable -> 550 Access denied`, and Exim's `550-Callout verification failed: 550 550 5.1.1 <bob@example.com>: …`,
/// which it says of recipients only.
pub(super) fn within(text: &str) -> Option<&str> {
    let small = |(before, _): &(&str, &str)| before.to_ascii_lowercase();
    let forwarded = text.rsplit_once("-> ").filter(|split| small(split).contains("remote server returned"));
    let called = || text.split_once(" verification failed:").filter(|split| small(split).ends_with("callout"));
    let (_, reply) = forwarded.or_else(called)?;
    reply_code(reply).is_some().then_some(reply)
}

/// What is about one recipient in a reply about several: `permanent failure for one or more recipients
/// (bob@example.com:blocked,eve@example.com:550 5.1.1 User unknown)`, as Barracuda's gateways put it together. Nothing is said about
/// whom it does not name.
pub(super) fn of_list<'t>(text: &'t str, recipient: &str) -> Option<&'t str> {
    let (_, list) = text.split_once("one or more recipients (")?;
    let list = list.rsplit_once(')').map_or(list, |(list, _)| list);
    let mut pieces = list.match_indices(',').map(|(at, _)| at).filter(|at| {
        let next = list.get(at + 1..).and_then(|rest| rest.split(',').next()).unwrap_or_default();
        next.split_once(':').is_some_and(|(name, _)| name.contains('@') && !name.contains(char::is_whitespace))
    });
    let mut start = 0;
    loop {
        let end = pieces.next();
        let piece = list.get(start..end.unwrap_or(list.len()))?;
        let (name, said) = piece.split_once(':')?;
        if name.trim().eq_ignore_ascii_case(recipient) {
            return Some(said);
        }
        match end {
            Some(end) => start = end + 1,
            None => return Some(""),
        }
    }
}

/// Block lists speak through their names, GMX's mail servers through a letter of their link: `c=hi` is about our address, those
/// of I.UA through a number: 2 is an unknown user.
fn names_a_blocklist(core: &str) -> bool {
    [
        "spamhaus",
        "spamcop",
        "sorbs",
        "barracudacentral",
        "spfbl",
        "uceprotect",
        "cloudmark",
        "senderbase",
        "proofpoint.com/dnsbl",
        "ipcheck.proofpoint",
        "?c=hi",
        "&c=hi",
        "i.ua/err/",
    ]
    .iter()
    .any(|name| core.contains(name))
}

/// The last enhanced status in a text: where a relay wraps the receiving system's reply, the inner one comes last.
#[must_use]
pub fn last_status(text: &str) -> Option<EnhancedStatus> {
    let bytes = beginning(text, MAX_TEXT);
    let mut found = None;
    let mut previous = ' ';
    let mut chars = bytes.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c.is_ascii_digit() && is_boundary(previous) {
            let rest = bytes.get(at..).unwrap_or_default();
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let token = rest.get(..end).unwrap_or_default().trim_end_matches('.');
            let next = rest.get(end..).and_then(|r| r.chars().next()).unwrap_or(' ');
            if !next.is_alphanumeric() && !matches!(next, '-' | '@' | '_') {
                found = EnhancedStatus::parse(token).filter(|s| s.subject <= 7).or(found);
            }
            while chars.peek().is_some_and(|(i, _)| *i < at + end) {
                chars.next();
            }
            previous = '0';
            continue;
        }
        previous = c;
    }
    found
}

/// A status stands after a space, a bracket, `#`, or the hyphen of `550-5.1.1`; never inside a word, version or IP.
fn is_boundary(previous: char) -> bool {
    previous.is_whitespace()
        || matches!(previous, '(' | '[' | '<' | '#' | '-' | '\'' | '"' | ':' | ';' | ',' | '=' | '>')
}

/// The last SMTP reply code in a text: three digits, first 4 or 5, second 0 to 5, before a space, `-` or its status. In brackets it
/// counts if there is no other, as Orange puts numbers of its own there.
#[must_use]
pub fn reply_code(text: &str) -> Option<u16> {
    let text = beginning(text, MAX_TEXT);
    let is_around = |c: char| c.is_whitespace() || matches!(c, '(' | '<' | '\'' | '"' | ';' | ':' | '=');
    let begins = |before: &str| before.is_empty() || before.ends_with(is_around);
    let codes = candidates(text).rev().filter(|(before, _)| begins(before));
    let code = codes.filter_map(|(_, from)| leading_code(from.split(is_around).next()?)).next();
    code.or_else(|| bracketed_code(text))
}

/// What stands before and from each digit that a reply code may begin with.
fn candidates(text: &str) -> impl DoubleEndedIterator<Item = (&str, &str)> {
    memchr::memchr2_iter(b'4', b'5', text.as_bytes()).filter_map(|at| text.split_at_checked(at))
}

/// `[450]`, `(450)`, `450/4.1.1`, but nothing out of a URL, and none of Orange's `[416]`: no reply begins with 41 (RFC 5321 §4.2.1).
fn bracketed_code(text: &str) -> Option<u16> {
    let words = text.split_whitespace().filter(|word| !word.contains("://"));
    let around = ['(', ')', '[', ']', '#', '_', '/', ';', ':'];
    words.flat_map(|word| word.split(around)).filter_map(leading_code).rfind(|code| code / 10 != 41)
}

/// Where the first SMTP reply in a text begins, so that it can be judged without the words around it.
#[must_use]
pub fn reply_start(text: &str) -> Option<usize> {
    let begins = |before: &str| {
        let before = before.trim_end_matches(['(', '[', '<', '\'', '"', ':']);
        before.is_empty() || before.ends_with(char::is_whitespace) || before.ends_with("smtp;")
    };
    let is_code = |from: &str| from.split(char::is_whitespace).next().and_then(leading_code).is_some();
    candidates(text).find(|(before, from)| begins(before) && is_code(from)).map(|(before, _)| before.len())
}

fn leading_code(word: &str) -> Option<u16> {
    match word.as_bytes() {
        [b'4' | b'5', b'0'..=b'5', b'0'..=b'9', rest @ ..] if matches!(rest.first(), None | Some(b'-' | b',')) => {
            word.get(..3)?.parse().ok()
        }
        [b'5', b'7', b'1'] => Some(571),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_hosts_decide_nothing() {
        let plain = |t| Plain::of(t, "Bob@Example.com").as_str().to_owned();
        assert_eq!(plain("550 5.1.1 <bob@example.com>: User Unknown"), "550 5.1.1 @rcpt: user unknown");
        assert_eq!(plain("host spam.filter.example[192.0.2.1] said"), "host spam.filter.example[192.0.2.1] said");
        assert_eq!(plain("see https://a.example/#blocked, user@quota.example"), "see @host, @addr");
        assert_eq!(plain("domain example.com not found"), "domain @rdom not found");
        assert_eq!(plain("550-5.7.1 this\r\n 550-5.7.1 is\r\n 550 spam"), "this is 550 spam");
        assert_eq!(plain("收件人（bob@example.com）不存在，请检查。"), "收件人 @rcpt 不存在 请检查");
        assert_eq!(plain("He wasn’t found"), "he wasn't found");
        assert_eq!(plain("550 BAD_RECIPIENT, no_mail-box"), "550 bad recipient, no mail-box");
        assert_eq!(plain("to bob_x@example.com at a_b.example.com"), "to @addr at @host");
        assert_eq!(plain("RESOLVER.ADR.RecipNotFound; not found"), "resolver.adr.recipnotfound; not found");
        for (glued, words) in [
            ("<bob@example.com>:no such user", "@rcpt: no such user"),
            ("bob@example.com...User unknown", "@rcpt... user unknown"),
            ("(bob@example.com)unknown", "(@rcpt) unknown"),
            ("User unknown:<bob@example.com>", "user unknown: @rcpt"),
            ("user unknown(bob@example.com), sorry", "user unknown( @rcpt), sorry"),
            ("bob@example.com;eve@example.com", "@rcpt; @addr"),
            ("full:eve+x=y@mail.example.com/a", "full: @addr a"),
            ("bob@example.com's mailbox", "@rcpt mailbox"),
        ] {
            assert_eq!(plain(glued), words);
        }
    }

    #[test]
    fn a_domain_may_be_told_in_its_other_form() {
        let text = "xn--bcher-kva.example, bücher.example, Bob@xn--bcher-kva.example, bob@BÜCHER.example, xn--mller-kva.example";
        assert_eq!(Plain::of(text, "bob@bücher.example").as_str(), "@rdom, @rdom, @rcpt, @rcpt, @host");
        let text = "bücher.example, bob@Bücher.example, müller.example";
        assert_eq!(Plain::of(text, "bob@xn--bcher-kva.example").as_str(), "@rdom, @rcpt, müller.example");
        assert_eq!(Plain::of("@ x. @x", "").as_str(), "@ x. @x");
    }

    #[test]
    fn the_inner_status_comes_last() {
        for (text, status) in [
            ("5.1.0 - Unknown address error 550-'5.2.2 <x@y.example> Mailbox full'", Some((5, 2, 2))),
            ("550 5.1.351 unknown -> 550 5.1.1 gone", Some((5, 1, 1))),
            ("no mailbox here by that name (#5.1.1)", Some((5, 1, 1))),
            ("host 5.1.1.2 said no, version 5.4.10-rc", None),
            ("550-5.7.26 not authenticated", Some((5, 7, 26))),
            ("5.9.1 is no status", None),
        ] {
            assert_eq!(last_status(text), status.map(|(c, s, d)| EnhancedStatus::new(c, s, d)), "{text}");
        }
    }

    #[test]
    fn a_reply_code_stands_alone() {
        assert_eq!(reply_code("host x said: 550 5.1.1 no"), Some(550));
        assert_eq!(reply_code("554-blocked"), Some(554));
        for text in ["(450) no", "[450] no", "no (450)", "#450 no", "450/4.1.1 no", "450_4.1.1 no", "450 no [550]"] {
            assert_eq!(reply_code(text), Some(450), "{text}");
        }
        assert_eq!(reply_code("#450123, user_450x, see [450.example], https://x.example/450, [416]"), None);
        assert_eq!(reply_code("waited 5500 seconds for 599 messages"), None);
    }
}
