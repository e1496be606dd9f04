//! Feedback reports: RFC 5965, and RFC 6591 for authentication failures.
//!
//! The complainant is named by the report itself or by what came back with it, and never guessed from `From` or `To` of the
//! report: that is the provider, and us. A redacted address is nobody's (RFC 6590). Nothing fails.

use super::fields::{Fields, line_start};
use super::original::addresses;
use crate::event::{Kind, Reason};

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// What the recipient said.
    pub kind: Kind,
    /// Why, in the field's vocabulary.
    pub reason: Reason,
    /// `Original-Rcpt-To` and `Removal-Recipient`, as written.
    pub recipients: Vec<String>,
    /// What stands in their place where the provider hides them (RFC 6590).
    pub redacted: Option<String>,
    /// `Original-Mail-From`.
    pub sender: Option<String>,
    /// `Reporting-MTA`.
    pub reporting_mta: Option<String>,
    /// `Feedback-Type`, in lower case.
    pub feedback_type: String,
}

/// Feedback types (RFC 5965 §7.3 and its registry), and what each means.
const TYPES: &[(&str, Kind, Reason)] = &[
    ("abuse", Kind::Complaint, Reason::Abuse),
    ("complaint", Kind::Complaint, Reason::Abuse),
    ("miscategorized", Kind::Complaint, Reason::Abuse),
    ("fraud", Kind::Complaint, Reason::Fraud),
    ("phishing", Kind::Complaint, Reason::Fraud),
    ("virus", Kind::Complaint, Reason::Virus),
    ("other", Kind::Complaint, Reason::Other),
    ("not-spam", Kind::Notice, Reason::NotSpam),
    ("auth-failure", Kind::Notice, Reason::AuthFailure),
    ("dmarc", Kind::Notice, Reason::AuthFailure),
    ("identity-alignment", Kind::Notice, Reason::AuthFailure),
    ("opt-out", Kind::Unsubscribe, Reason::Other),
    ("opt-out-list", Kind::Unsubscribe, Reason::Other),
];

/// What a feedback type means; an unknown one is a complaint, because RFC 5965 §3.5 has it treated as `other`.
#[must_use]
pub fn meaning(feedback_type: &str) -> (Kind, Reason) {
    let known = TYPES.iter().find(|(name, ..)| feedback_type.eq_ignore_ascii_case(name));
    known.map_or((Kind::Complaint, Reason::Other), |(_, kind, reason)| (*kind, *reason))
}

impl Feedback {
    /// Reads the body of a `message/feedback-report` part; `None` without a `Feedback-Type`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let fields = Fields::blocks(text).find(|b| b.has("Feedback-Type"))?;
        let feedback_type = fields.get("Feedback-Type")?.trim().to_ascii_lowercase();
        let word = feedback_type.split([' ', ';']).next().unwrap_or_default();
        let (kind, reason) = meaning(word);
        let named = ["Original-Rcpt-To", "Removal-Recipient", "X-Original-Rcpt-To", "Original-Recipient"];
        let all: Vec<String> =
            named.iter().flat_map(|n| fields.all(n).flat_map(|v| addresses(&v)).collect::<Vec<_>>()).collect();
        let redacted = all.iter().find(|a| is_redacted(a)).cloned();
        Some(Self {
            kind,
            reason,
            redacted,
            recipients: distinct(all),
            sender: fields.get("Original-Mail-From").map(|v| v.trim_matches(['<', '>', ' ']).to_owned()),
            reporting_mta: fields.get("Reporting-MTA").map(|v| super::dsn::typed(&v).1.to_owned()),
            feedback_type: word.to_owned(),
        })
    }
}

/// A report in plain text: the block that has the fields which each must have (RFC 5965 §3.1).
#[must_use]
pub fn in_words(words: &str) -> Option<&str> {
    let begins = |line: &str| line.get(..14).is_some_and(|begin| begin.eq_ignore_ascii_case("Feedback-Type:"));
    let block = words.get(line_start(words, begins)?..)?;
    let end = block.find("\n\n").or_else(|| block.find("\r\n\r\n")).unwrap_or(block.len());
    let block = block.get(..end)?;
    let fields = Fields::blocks(block).next()?;
    (fields.has("User-Agent") && fields.has("Version")).then_some(block)
}

/// Without repetitions and redacted addresses.
#[must_use]
pub fn distinct(all: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for one in all {
        if !is_redacted(&one) && !out.iter().any(|o| o.eq_ignore_ascii_case(&one)) && out.len() < super::MAX_RECIPIENTS
        {
            out.push(one);
        }
    }
    out
}

/// RFC 6590 leaves the form open; these are seen.
#[must_use]
pub fn is_redacted(address: &str) -> bool {
    let lower = address.to_ascii_lowercase();
    let Some((local, _)) = lower.rsplit_once('@') else { return true };
    let is_of = |c: char| local.len() > 2 && local.chars().all(|other| other == c || other == '.' || other == '-');
    let words = ["redacted", "undisclosed", "removed", "hidden", "anonymous", "anonymized", "masked", "obfuscated"];
    words.contains(&local.trim_matches(['[', ']', '(', ')', '<', '>', '*', '-', '_']))
        || ["undisclosed-recipient", "redacted-", "redacted_", "****", "xxxx"]
            .iter()
            .any(|begin| local.starts_with(begin))
        || is_of('x')
        || local.contains("**")
        || is_of('*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_names_the_complainant() {
        let text = "Feedback-Type: abuse\nUser-Agent: x\nVersion: 1\nOriginal-Rcpt-To: <bob@example.com>\nOriginal-Rcpt-To: carol@example.com\n\
            Removal-Recipient: bob@example.com\nOriginal-Mail-From: <us@example.net>\n";
        let feedback = Feedback::read(text).unwrap();
        assert_eq!(feedback.recipients, ["bob@example.com", "carol@example.com"]);
        assert_eq!((feedback.kind, feedback.sender.as_deref()), (Kind::Complaint, Some("us@example.net")));
    }

    #[test]
    fn a_redacted_complainant_is_nobody() {
        let feedback = Feedback::read(
            "Feedback-Type: abuse\nOriginal-Rcpt-To: [redacted]\nOriginal-Rcpt-To: redacted@example.com\n",
        )
        .unwrap();
        assert!(feedback.recipients.is_empty());
    }

    #[test]
    fn a_name_that_sounds_redacted_is_a_name() {
        for address in ["bob@hiddenvalley.example", "removed.anonymousfan@example.com", "x@example.com"] {
            assert!(!is_redacted(address), "{address}");
        }
        for address in [
            "redacted-0af3@example.com",
            "xxx@example.com",
            "[undisclosed]@example.com",
            "***@example.com",
            "b***@example.com",
        ] {
            assert!(is_redacted(address), "{address}");
        }
    }

    #[test]
    fn not_every_feedback_is_a_complaint() {
        for (word, kind) in [
            ("not-spam", Kind::Notice),
            ("auth-failure", Kind::Notice),
            ("opt-out", Kind::Unsubscribe),
            ("novel", Kind::Complaint),
        ] {
            assert_eq!(meaning(word).0, kind, "{word}");
        }
    }
}
