//! Whom a line of a report names, and how.

use memchr::memchr;

use super::super::MAX_RECIPIENTS;
use crate::address::Address;
use crate::ingress::classify::is_wide;

/// Labels, in lower case, at the start of a line before an address.
const LABELS: &[&str] = &[
    "failed recipient:",
    "failed recipients:",
    "final recipient:",
    "final-recipient:",
    "intended recipient:",
    "recipient:",
    "recipients:",
    "recipient address:",
    "recipient's address:",
    "failed to deliver to",
    "failed address:",
    "unknown user:",
    "unknown host:",
    "user mailbox exceeds allowed size:",
    "recipients returned permanent errors:",
    "undeliverable address:",
    "undeliverable to:",
    "undeliverable to",
    "target mail address:",
    "did not reach the following recipient:",
    "delivery to the following recipient failed permanently:",
    "unable to deliver message to",
    "could not be delivered to:",
    "your message to",
    "message to",
    "invalid final delivery userid:",
    "rcpt to:",
    "error-for:",
    "sent <<< rcpt to:",
    "mail address:",
    "e-mail address:",
    "email address:",
    "destination:",
    "address:",
    "addressee:",
    "mailbox:",
    "account:",
    "user:",
    "destinataire :",
    "destinataire:",
    "empfänger:",
    "destinatario:",
    "получатель:",
    "收件人:",
    "收件人：",
    "收件人\t",
    "收件人 ",
    "收 件 人",
    "收件人地址",
    "收件人邮箱",
    "收件人邮件地址",
];

/// What a line calls an address to write to from now on, which the next one has.
const NEW_ADDRESSES: &[&str] = &[
    "new address",
    "new e-mail address",
    "new email address",
    "neue adresse",
    "nouvelle adresse",
    "nueva dirección",
    "nuovo indirizzo",
    "instead",
];

/// An address at the start of a line, alone or before punctuation.
pub(super) fn own_line(line: &str) -> Option<(&str, &str)> {
    if line.contains('=')
        && let Some((head, rest)) = line.split_once("SMTP=")
        && (head.contains("dda:") || head.contains("c="))
    {
        return rest.split_once(';').filter(|(a, _)| is_address(a));
    }
    let line =
        line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '>' | '*' | '-' | '|' | '#' | '•' | '·'));
    let line = without_number(without_hex_spaces(line));
    let line = line.strip_prefix("SMTP ").filter(|rest| rest.starts_with('<')).unwrap_or(line);
    let line = name_of_value(line).and_then(|name| line.get(name.len()..)).unwrap_or(line);
    let (address, rest) = match [('<', '>'), ('"', '"'), ('\'', '\'')].iter().find(|(open, _)| line.starts_with(*open))
    {
        Some((open, close)) => line.strip_prefix(*open)?.split_once(*close)?,
        None => {
            let end = line
                .find(|c: char| {
                    c.is_whitespace() || matches!(c, ':' | ',' | ';' | '(' | '<' | '>' | '"') || is_in_no_address(c)
                })
                .unwrap_or(line.len());
            let end = line.find("...").map_or(end, |dots| end.min(dots));
            let (head, tail) = line.split_at_checked(end)?;
            (head.trim_end_matches('.'), tail)
        }
    };
    let follows = rest.trim_start();
    let punctuated = follows.is_empty()
        || follows.starts_with([':', '.', '(', ';', ',', '<', '-', '[', '>', '|'])
        || follows.starts_with(is_in_no_address)
        || follows.starts_with("on ");
    (punctuated && is_address(address)).then_some((address, rest.trim_start_matches([':', '>', ' '])))
}

/// A line of a list without its number: `1. bob@example.com`, `2) carol@example.com`.
fn without_number(line: &str) -> &str {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = if rest.len() < line.len() { rest.strip_prefix(['.', ')']) } else { None };
    rest.and_then(|rest| rest.strip_prefix(' ')).unwrap_or(line)
}

/// The same, without the addresses that a report gives for questions, as long as nothing says that they are recipients.
pub(super) fn own_line_of_a_person(line: &str) -> Option<(&str, &str)> {
    own_line(line).filter(|(address, _)| !(is_role(address) && line.trim_end() == *address))
}

/// An address at the start of a line, before words about it.
pub(super) fn leading_address(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '>' | '*' | '-' | '|' | '"'));
    let (head, rest) = line.split_at_checked(line.find(char::is_whitespace)?)?;
    let address = bare(head);
    let is_enclosed =
        [('<', '>'), ('(', ')')].iter().any(|(open, close)| head.starts_with(*open) && head.ends_with(*close));
    let opens = is_enclosed || rest.trim_start().starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit());
    (opens && is_address(address) && !is_role(address)).then_some((address, rest))
}

/// `550 5.1.1 <bob@example.com>... User unknown`, as sendmail writes under its transcript.
pub(super) fn sendmail_line(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let code = line.get(..3).filter(|c| c.starts_with(['4', '5']) && c.bytes().all(|b| b.is_ascii_digit()))?;
    let rest = line.strip_prefix(code)?.trim_start_matches(|c: char| c == ' ' || c == '.' || c.is_ascii_digit());
    let (address, _) = rest.split_once("...")?;
    let address = bare(address);
    is_address(address).then_some((address, line))
}

/// An address behind a label.
pub(super) fn labelled(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '>' | '*' | '-' | '|' | '#' | ':'));
    let lower = line.to_lowercase();
    let Some(label) = LABELS.iter().find(|l| lower.starts_with(**l)) else { return told(line, &lower) };
    let rest = line.get(label.len()..)?;
    let word = rest.split_whitespace().find(|w| w.contains('@')).map(bare)?;
    is_address(word).then_some((word, rest))
}

/// SMTP32 of IMail: `delivery failed 20 attempts: bob@example.com`, `User mailbox over limit: bob@example.com`; and Prodigy's
/// `User's mailbox is full: <bob@example.com>`.
fn told<'l>(line: &'l str, lower: &str) -> Option<(&'l str, &'l str)> {
    let (trouble, _) = lower.rsplit_once(": ")?;
    let is_known = ["delivery failed", "user mailbox", "user's mailbox"].iter().any(|begin| trouble.starts_with(begin));
    let address = bare(line.get(trouble.len() + 2..)?.trim());
    (is_known && trouble.len() < 40 && is_address(address)).then_some((address, line))
}

/// Exim, `deliver.c`: `(ultimately generated from news@example.com)`; PMDF and its heirs: `Original address: news@example.com`.
pub(super) fn alias(line: &str) -> Option<&str> {
    let rest = line.trim().trim_start_matches('(');
    let rest = rest
        .strip_prefix("ultimately generated from ")
        .or_else(|| rest.strip_prefix("generated from "))
        .or_else(|| rest.strip_prefix("expanded from: "))
        .or_else(|| rest.strip_prefix("Original address: "))?;
    Some(bare(rest)).filter(|a| is_address(a))
}

/// Whether the words behind an address say that all went well: `(successfully delivered to mailbox)`, `... Successfully delivered`.
pub(super) fn says_delivered(rest: &str) -> bool {
    let rest =
        rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '.' | '(' | '>' | ':')).to_lowercase();
    ["successfully delivered", "successfully relayed", "relayed"].iter().any(|words| rest.starts_with(words))
}

/// Exim: `A message sent by` with the sender on the next line.
pub(super) fn names_sender(line: &str) -> bool {
    let lower = line.trim_end_matches([' ', ':']).to_ascii_lowercase();
    let asks = [
        "contact",
        "write to",
        "ask",
        "administrator",
        "regards,",
        "regards",
        "questions",
        "postmaster at",
        "sich an",
        "écrire à",
        "escriba a",
        "scrivere a",
    ];
    asks.iter().any(|word| lower.ends_with(word))
        || NEW_ADDRESSES.iter().any(|word| lower.contains(word))
        || lower.ends_with("sent by")
        || lower.ends_with("sender")
        || lower.ends_with("message from")
        || lower.ends_with("mail from")
}

/// Whether a field of a returned header begins that has addresses of the sender's, to be gone on with on the next line.
pub(super) fn is_senders_field(line: &str) -> bool {
    let line = line.trim_start();
    let begins = |name: &&str| line.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
    ["from:", "sender:", "reply-to:", "return-path:", "message-id:", "references:", "in-reply-to:"].iter().any(begins)
}

/// The addresses that words begin with, each behind a comma or an "and"; no more than one mail may have.
pub(super) fn enumerated<'l>(words: impl Iterator<Item = &'l str>) -> Vec<&'l str> {
    let mut all = Vec::new();
    let mut goes_on = true;
    for word in words {
        let is_and = ["and", "und", "et", "y", "e", "en", "och", "og", "и", "&"].contains(&word);
        let address = Some(bare(word)).filter(|word| is_address(word));
        if all.len() >= MAX_RECIPIENTS || !(is_and || goes_on && address.is_some()) {
            break;
        }
        all.extend(address);
        goes_on = is_and || word.ends_with([',', ';']);
    }
    all
}

/// Whether sendmail lists a user of its own, or a program: `bob`, `"|/usr/bin/vacation bob"`. Who it was for stands behind.
pub(super) fn is_local(line: &str) -> bool {
    !line.trim().is_empty()
        && !line.starts_with(|c: char| c.is_whitespace() || matches!(c, '-' | '('))
        && !line.contains('@')
}

/// A word without what a sentence puts around an address; one that has none as it is.
pub(super) fn bare(word: &str) -> &str {
    if !has_at(word) {
        return word;
    }
    let is_around = |c: char| {
        matches!(c, '<' | '>' | '"' | '\'' | '(' | ')' | '[' | ']' | ',' | ';' | ':' | '.' | '*' | '!' | '`')
            || is_in_no_address(c)
    };
    let word = word.strip_suffix("'s").unwrap_or(word);
    let word = without_hex_spaces(word.trim_matches(is_around));
    let word = word
        .strip_prefix("mailto:")
        .or_else(|| word.strip_prefix("SMTP:"))
        .or_else(|| word.strip_prefix("smtp:"))
        .unwrap_or(word);
    let ends = |c: char| matches!(c, '<' | '>' | ':') || is_in_no_address(c);
    without_sentence(word.rsplit(ends).find(|w| w.contains('@')).unwrap_or(word))
}

/// A text without the spaces around it, also those of quoted-printable that nobody decoded: `=20bob@example.com=20`.
fn without_hex_spaces(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(rest) = text.strip_prefix("=20").or_else(|| text.strip_suffix("=20")) {
        text = rest.trim();
    }
    text
}

/// Wide punctuation, and quotation marks of all languages.
fn is_in_no_address(c: char) -> bool {
    is_wide(c) || matches!(c, '\u{2018}'..='\u{201f}' | '«' | '»' | '‹' | '›')
}

/// An address without the sentence that goes on behind it: `example.jp您好`. A last label has one script.
fn without_sentence(word: &str) -> &str {
    let last = word.rfind(['.', '@']).map_or(word.len(), |at| at + 1);
    let ascii = word.get(last..).unwrap_or_default();
    let length = ascii.find(|c: char| !c.is_ascii()).unwrap_or(ascii.len());
    if length == 0 { word } else { word.get(..last + length).unwrap_or(word) }
}

/// The name in `recipient=bob@example.com`, which an address could begin with as well, but none does.
fn name_of_value(text: &str) -> Option<&str> {
    let name = text.split_inclusive('=').next().filter(|name| name.len() <= "recipient=".len())?;
    NAMES_OF_VALUES.iter().any(|value| name.eq_ignore_ascii_case(value)).then_some(name)
}

const NAMES_OF_VALUES: &[&str] = &["recipient=", "rcpt=", "rcptto=", "to=", "address=", "email=", "user="];

/// Whether an address may be in a text: most have none.
pub(super) fn has_at(text: &str) -> bool {
    memchr(b'@', text.as_bytes()).is_some()
}

pub(super) fn is_address(word: &str) -> bool {
    has_at(word)
        && word.rsplit_once('@').is_some_and(|(l, d)| !l.is_empty() && !l.contains('@') && d.contains('.'))
        && name_of_value(word).is_none()
        && Address::parse_lookup_key(word).is_ok()
        && !word.contains(|c: char| c.is_whitespace() && !word.starts_with('"') || is_in_no_address(c))
        && (word.starts_with('"') || !word.contains('"'))
        && !is_masked(word)
        && without_sentence(word) == word
}

/// `b***@example.com`: an address of which only a part is told.
fn is_masked(word: &str) -> bool {
    word.contains("**") || word.contains("...") || word.contains(['•', '…'])
}

/// Addresses that reports give for questions, and for commands to a list.
pub(super) fn is_role(word: &str) -> bool {
    let local = word.split('@').next().unwrap_or_default().to_ascii_lowercase();
    let is_command = local.ends_with("-subscribe") || local.ends_with("-unsubscribe");
    is_command
        || ["postmaster", "mailer-daemon", "abuse", "support", "helpdesk", "admin", "hostmaster", "noreply", "no-reply"]
            .contains(&local.as_str())
}
