//! Delivery status notifications: RFC 3464, RFC 6533, and what reporters make of them.
//!
//! Tolerated: missing blank lines between recipients, blank lines within one, fields without their type, unknown actions,
//! a report pasted into plain text. Limits: [`super::MAX_RECIPIENTS`] recipients. Nothing fails.

use super::fields::{Fields, line_start};
use super::recipient::{clean, of_xtext};
use crate::ingress::classify::Action;
use crate::status::EnhancedStatus;

/// A report.
#[derive(Clone, Debug, Default)]
pub struct Dsn {
    /// `Reporting-MTA`, without its type.
    pub reporting_mta: Option<String>,
    /// Postfix's queue id of the message.
    pub queue_id: Option<String>,
    /// The envelope sender of the message (`X-Postfix-Sender`).
    pub sender: Option<String>,
    /// One entry for each recipient.
    pub recipients: Vec<Recipient>,
}

/// The fields about one recipient.
#[derive(Clone, Debug, Default)]
pub struct Recipient {
    /// `Original-Recipient`: the address that was sent to. RFC 3464 §2.3.1.
    pub original: Option<String>,
    /// `Final-Recipient`: the address that failed, perhaps behind a forward. RFC 3464 §2.3.2.
    pub last: Option<String>,
    /// `X-Actual-Recipient`, sendmail's address behind an alias.
    pub actual: Option<String>,
    /// `Action`.
    pub action: Action,
    /// `Status`.
    pub status: Option<EnhancedStatus>,
    /// Every `Diagnostic-Code`, without its type; without any, the reply that stands behind `Status`, as Haraka puts it.
    pub diagnostic: String,
    /// Type of the diagnostic, in lower case.
    pub diagnostic_type: String,
    /// `Remote-MTA`, without its type.
    pub remote_mta: Option<String>,
    /// `550 no` of `Status: 5.1.2 (550 no)`.
    reply_behind_status: Option<String>,
}

impl Recipient {
    /// The addresses by which this recipient may be known, best first: the one that was sent to before the one that failed.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        [&self.original, &self.last, &self.actual].into_iter().filter_map(|a| a.as_deref())
    }
}

impl Recipient {
    /// Whether `Original-Recipient` is the address that failed, as it was written on the wire.
    #[must_use]
    pub fn is_xtext(&self, original: &str) -> bool {
        let last = self.last.as_deref().map(clean);
        last.is_some() && of_xtext(&clean(original)) == last
    }

    /// Whether an address can be this recipient's, of whom only a local part may be told.
    #[must_use]
    pub fn may_be(&self, address: &str) -> bool {
        let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
        let is_word =
            |told: &&str| !told.is_empty() && told.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+".contains(&b));
        let is_whole = |told: &str| told.find('@').is_some_and(|at| at > 0);
        let is_another = |told: &str| is_whole(told) && !clean(told).eq_ignore_ascii_case(address);
        // X.400 and encoded words: nobody knows whom they name.
        let is_unreadable = |told: &str| !told.contains('@') && told.contains(['=', ';']);
        !self.addresses().any(|told| is_another(told) || is_unreadable(told))
            && self.addresses().filter(is_word).all(|told| told.eq_ignore_ascii_case(local))
    }
}

impl Dsn {
    /// Reads the body of a `message/delivery-status` part.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut dsn = Self::default();
        let mut current = Recipient::default();
        for block in Fields::blocks(text) {
            if names_recipient(&block) {
                dsn.close(&mut current);
            }
            for (name, value) in block.iter() {
                if begins_next(&current, name) {
                    dsn.close(&mut current);
                }
                let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
                dsn.take(&mut current, name, &value);
            }
        }
        dsn.close(&mut current);
        dsn
    }

    /// Reads a report that stands in plain text; `None` where there is none.
    #[must_use]
    pub fn in_words(text: &str) -> Option<Self> {
        let at = line_start(text, opens_report)?;
        // Its fields may stand on either side of the recipient: `Action:` comes first at some.
        let before = text.get(..at)?;
        let start = before.rfind("\n\n").or_else(|| before.rfind("\r\n\r\n")).unwrap_or(0);
        let dsn = Self::read(text.get(start..)?);
        let said = |r: &Recipient| r.status.is_some() || !r.diagnostic.is_empty() || r.action != Action::Unknown;
        dsn.recipients.iter().any(said).then_some(dsn)
    }

    fn close(&mut self, current: &mut Recipient) {
        let mut recipient = std::mem::take(current);
        let named = recipient.addresses().next().is_some();
        if named && self.recipients.len() < super::MAX_RECIPIENTS {
            if recipient.diagnostic.is_empty() {
                recipient.diagnostic = recipient.reply_behind_status.take().unwrap_or_default();
            }
            self.recipients.push(recipient);
        } else if !named {
            // Fields before the first recipient (some reporters begin with `Action:`) belong to him.
            *current = recipient;
        }
    }

    fn take(&mut self, current: &mut Recipient, name: &str, value: &str) {
        let (kind, rest) = typed(value);
        match name.to_ascii_lowercase().as_str() {
            "reporting-mta" => self.reporting_mta = self.reporting_mta.take().or(text(rest)),
            "x-postfix-queue-id" => self.queue_id = text(value),
            "x-postfix-sender" => self.sender = text(rest),
            "original-recipient" => current.original = text(rest),
            "final-recipient" => current.last = text(rest),
            "x-actual-recipient" => current.actual = text(rest),
            "remote-mta" => current.remote_mta = text(rest),
            "action" => current.action = action(value),
            "status" => {
                current.status = status(value).or(current.status);
                current.reply_behind_status = reply_behind(value).or(current.reply_behind_status.take());
            }
            "diagnostic-code" | "x-supplementary-info" => {
                current.diagnostic_type = kind.to_ascii_lowercase();
                push_words(&mut current.diagnostic, rest);
            }
            _ => {}
        }
    }
}

fn opens_report(line: &str) -> bool {
    let begins = |name: &str| line.get(..name.len()).is_some_and(|l| l.eq_ignore_ascii_case(name));
    ["Final-Recipient:", "Original-Recipient:", "Reporting-MTA:"].into_iter().any(begins)
}

fn names_recipient(block: &Fields<'_>) -> bool {
    block.has("Final-Recipient") || block.has("Original-Recipient") && block.has("Action")
}

/// A field that this recipient has already begins the next one.
fn begins_next(current: &Recipient, name: &str) -> bool {
    name.eq_ignore_ascii_case("Final-Recipient") && current.last.is_some()
        || name.eq_ignore_ascii_case("Original-Recipient") && current.original.is_some()
}

fn push_words(all: &mut String, words: &str) {
    if all.len() < 8000 {
        if !all.is_empty() {
            all.push(' ');
        }
        all.push_str(words);
    }
}

/// `smtp; 550 no` → `smtp`, `550 no`; a value without a type is taken whole.
#[must_use]
pub fn typed(value: &str) -> (&str, &str) {
    match value.split_once(';').map(|(kind, rest)| (kind.trim(), rest.trim())) {
        Some((kind, rest)) if kind.len() <= 40 && !kind.contains(['@', ' ', '(']) => (kind, rest),
        _ => ("", value.trim()),
    }
}

fn text(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// RFC 3464 §2.3.3, with the words that some write instead.
fn action(value: &str) -> Action {
    let word = value.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_lowercase();
    match word.as_str() {
        "failed" | "failure" | "fail" | "expired" | "bounced" | "error" => Action::Failed,
        "delayed" | "delay" | "deferred" => Action::Delayed,
        "delivered" | "deliverable" | "delivery" => Action::Delivered,
        "relayed" => Action::Relayed,
        "expanded" => Action::Expanded,
        _ => Action::Unknown,
    }
}

fn status(value: &str) -> Option<EnhancedStatus> {
    EnhancedStatus::parse_prefix(value).or_else(|| value.split_whitespace().find_map(EnhancedStatus::parse_prefix))
}

/// A comment (RFC 3464 §2.1.1) that begins with an SMTP reply code.
fn reply_behind(status: &str) -> Option<String> {
    let comment = status.split_once('(')?.1.trim_end();
    let comment = comment.strip_suffix(')').unwrap_or(comment);
    let is_reply = matches!(comment.as_bytes(), [b'4' | b'5', b'0'..=b'9', b'0'..=b'9', b' ', ..]);
    is_reply.then(|| comment.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_recipient_has_his_own_block() {
        let dsn = Dsn::read(
            "Reporting-MTA: dns; mx.example.net\nX-Postfix-Queue-ID: 4A\n\nOriginal-Recipient: rfc822;bob@example.com\n\
             Final-Recipient: rfc822; robert@example.org\nAction: failed\nStatus: 5.1.1 (no)\nDiagnostic-Code: smtp; 550\n no\n\n\
             Final-Recipient: rfc822; carol@example.com\nAction: delayed\nStatus: 4.2.0\n",
        );
        assert_eq!((dsn.reporting_mta.as_deref(), dsn.queue_id.as_deref()), (Some("mx.example.net"), Some("4A")));
        let all: Vec<Vec<_>> = dsn.recipients.iter().map(|r| r.addresses().collect()).collect();
        assert_eq!(all, [vec!["bob@example.com", "robert@example.org"], vec!["carol@example.com"]]);
        assert_eq!(dsn.recipients[0].diagnostic, "550 no");
        assert_eq!(dsn.recipients[1].action, Action::Delayed);
    }

    #[test]
    fn a_reply_behind_the_status_is_a_diagnostic_where_there_is_none() {
        let diagnostic = |fields: &str| {
            let dsn = Dsn::read(&format!("Final-Recipient: rfc822;bob@example.com\nAction: failed\n{fields}"));
            dsn.recipients[0].diagnostic.clone()
        };
        assert_eq!(diagnostic("Status: 5.1.2 (550 Tried all MXs (two))\n"), "550 Tried all MXs (two)");
        assert_eq!(diagnostic("Status: 5.1.2 (550 no)\nDiagnostic-Code: smtp;451 later\n"), "451 later");
        for status in ["5.0.0 (permanent failure)", "5.1.2", "5.1.2 (", "5.1.2 (550)"] {
            assert_eq!(diagnostic(&format!("Status: {status}\n")), "");
        }
    }

    #[test]
    fn blank_lines_may_be_missing_or_too_many() {
        let run_on = "Final-Recipient: rfc822; a@example.com\nAction: failed\nFinal-Recipient: rfc822; b@example.com\nAction: relayed\n";
        let dsn = Dsn::read(run_on);
        assert_eq!(dsn.recipients.iter().map(|r| r.action).collect::<Vec<_>>(), [Action::Failed, Action::Relayed]);
        let torn = Dsn::read("Final-Recipient: rfc822; a@example.com\n\nAction: failed\n\nStatus: 5.1.1\n");
        assert_eq!(torn.recipients.len(), 1);
        assert_eq!(torn.recipients[0].status, EnhancedStatus::parse("5.1.1"));
    }

    #[test]
    fn a_report_pasted_into_words_is_read() {
        let dsn = Dsn::in_words(
            "Sorry.\n\nTechnical report:\n\nReporting-MTA: dsn; a\nAction: failed\nFinal-Recipient: rfc822; b@example.com\nStatus: 5.2.1\n",
        );
        assert_eq!(dsn.map(|d| d.recipients.len()), Some(1));
        assert!(Dsn::in_words("Final-Recipient: is a field of RFC 3464\n").is_none());
    }
}
