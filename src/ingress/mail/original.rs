//! Facts out of the message that came back: whom it was for, its ids and its list headers.
//!
//! They name the sending, never a bounced person by themselves: addresses in a returned message are not recipients.
//! Limits: [`crate::event::MAX_HEADERS`] bytes of list headers are kept. Nothing fails: what is not there is `None`.

use crate::event::{MAX_NAME, is_kept_header, kept_headers, printable};

use super::fields::Fields;
use super::mime::{Mail, PartKind};

/// Header lines kept of one message.
const MAX_LINES: usize = 20;

/// What is known of the returned message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Original {
    /// Addresses in `To` and `Cc`.
    pub to: Vec<String>,
    /// The addresses of who wrote it and of the mailing list that it went through, and the name of the list (RFC 2919).
    pub authors: Vec<String>,
    /// `Return-Path`.
    pub sender: Option<String>,
    /// `Message-ID`, without its brackets.
    pub message_id: Option<String>,
    /// List headers, one `Name: value` a line.
    pub headers: Option<String>,
    /// The recipient as the complaining provider names him in a header of its own.
    pub provider_recipient: Option<String>,
}

impl Original {
    /// The returned message in a report: as a part, as its header, or behind the report's words.
    #[must_use]
    pub fn of(mail: &Mail<'_>, behind_words: &str) -> Self {
        let part = mail.part(PartKind::Original).or(mail.part(PartKind::OriginalHeader));
        Self::read(part.map_or(behind_words, |p| &*p.text))
    }

    /// The only address in `To` and `Cc`, unless it is the author's or a mailing list's: `talk@lists.example.org` for the list
    /// `<talk.lists.example.org>`. A newsletter has the fields of a list too, but is to its reader.
    #[must_use]
    pub fn only_to(&self) -> Option<&str> {
        let [to] = self.to.as_slice() else { return None };
        let list = to.replace('@', ".");
        let is_another = self.authors.iter().any(|a| a.eq_ignore_ascii_case(to) || a.eq_ignore_ascii_case(&list));
        (!is_another).then_some(to)
    }

    /// SES's id of the message. SES writes it into `Message-ID`, as `<ID@eu-west-1.amazonses.com>`, in the place of the
    /// sender's own, and its notifications by SNS have it as `messageId`.
    #[must_use]
    pub fn ses_id(&self) -> Option<&str> {
        let (id, domain) = self.message_id.as_deref()?.rsplit_once('@')?;
        domain.to_ascii_lowercase().ends_with(".amazonses.com").then_some(id)
    }

    /// Reads the header of a returned message.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let fields = header_block(text);
        let name = |n: &str| {
            fields.get(n).map(|v| printable(v.trim().trim_matches(['<', '>']), MAX_NAME)).filter(|v| !v.is_empty())
        };
        Self {
            to: fields.all("To").chain(fields.all("Cc")).flat_map(|v| addresses(&v)).take(20).collect(),
            authors: AUTHORS.iter().filter_map(|name| fields.get(name)).filter_map(|v| author(&v)).collect(),
            sender: name("Return-Path"),
            message_id: name("Message-ID").filter(|id| id.contains('@')),
            headers: kept(&fields),
            provider_recipient: name("X-HmXmrOriginalRecipient").or(name("X-Original-Rcpt-To")),
        }
    }
}

/// Fields that name who wrote a message, and the list that it went through: RFC 5322 §3.6, RFC 2369, RFC 2919.
const AUTHORS: &[&str] = &["From", "Sender", "Return-Path", "List-Post", "List-Id"];

/// What stands in brackets, in whichever of these fields.
fn author(value: &str) -> Option<String> {
    let named = value.rsplit_once('<').and_then(|(_, v)| v.split_once('>')).map_or(value, |(v, _)| v).trim();
    let named = named.strip_prefix("mailto:").unwrap_or(named).split('?').next().unwrap_or_default();
    (!named.is_empty()).then(|| printable(named, MAX_NAME))
}

/// The block that looks like a header; words may stand before it.
fn header_block(text: &str) -> Fields<'_> {
    let is_header =
        |b: &Fields<'_>| ["From", "To", "Subject", "Received", "Message-ID"].iter().filter(|n| b.has(n)).count() >= 2;
    Fields::blocks(text).take(5).find(is_header).unwrap_or_default()
}

fn kept(fields: &Fields<'_>) -> Option<String> {
    let lines = fields.iter().filter(|(name, _)| is_kept_header(name)).take(MAX_LINES);
    kept_headers(lines.map(|(name, value)| format!("{}: {}", printable(name, 100), printable(value, 400))))
}

/// The bare addresses of an address list (RFC 5322 §3.4), without names and comments.
#[must_use]
pub fn addresses(list: &str) -> Vec<String> {
    list.split([',', ';']).filter_map(bare_address).take(100).collect()
}

fn bare_address(one: &str) -> Option<String> {
    let bare = match (one.rfind('<'), one.rfind('>')) {
        (Some(open), Some(close)) => one.get(open + 1..close)?,
        _ => one.split_whitespace().find(|w| w.contains('@'))?,
    };
    let bare = bare.trim_matches(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')'));
    bare.contains('@').then(|| bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ses_writes_its_own_id_of_a_message() {
        let id = |line: &str| Original::read(&format!("{line}\nSubject: x\n")).ses_id().map(str::to_owned);
        let ours = Some("0102019a5c3e-1-000000".to_owned());
        assert_eq!(id("Message-ID: <0102019a5c3e-1-000000@eu-west-1.amazonses.com>"), ours);
        assert_eq!(id("Message-ID: <0102019a5c3e-1-000000@email.amazonses.com>"), ours);
        for other in ["Message-ID: <1@example.net>", "Message-ID: <1@amazonses.com.example.net>", "To: bob@example.com"]
        {
            assert_eq!(id(other), None, "{other}");
        }
    }

    #[test]
    fn the_returned_message_gives_its_ids_and_list_headers() {
        let original = Original::read(
            "Return-Path: <bounces+1@example.net>\nTo: Bob <bob@example.com>,\n carol@example.org\nSubject: hi\n\
             Message-ID: <1@example.net>\nList-Id: News <news.example.net>\nX-Listmonk-Campaign: 12\n\nTo: no@example.com\n",
        );
        assert_eq!(original.to, ["bob@example.com", "carol@example.org"]);
        assert_eq!(original.sender.as_deref(), Some("bounces+1@example.net"));
        assert_eq!(original.message_id.as_deref(), Some("1@example.net"));
        assert_eq!(original.headers.as_deref(), Some("List-Id: News <news.example.net>\nX-Listmonk-Campaign: 12"));
    }

    #[test]
    fn a_message_to_its_author_or_to_a_list_is_to_nobody() {
        let only_to = |fields: &str| {
            Original::read(&format!("Subject: hi\nTo: Talk <Talk@lists.example.org>\n{fields}\n"))
                .only_to()
                .map(str::to_owned)
        };
        for fields in [
            "From: Us <talk@lists.example.org>",
            "From: bob@example.com\nSender: talk@lists.example.org",
            "From: bob@example.com\nReturn-Path: <talk@lists.example.org>",
            "From: bob@example.com\nList-Post: <mailto:talk@lists.example.org?subject=x>",
            "From: bob@example.com\nList-Id: Talk <talk.lists.example.org>",
        ] {
            assert_eq!(only_to(fields), None, "{fields}");
        }
        let newsletter = "From: news@example.net\nList-Id: <news.example.net>\nList-Post: NO\nList-Unsubscribe: <mailto:u@example.net>";
        assert_eq!(only_to(newsletter).as_deref(), Some("Talk@lists.example.org"));
        assert_eq!(only_to("From: bob@example.com\nTo: carol@example.com"), None);
    }

    #[test]
    fn words_are_no_header() {
        assert_eq!(Original::read("To: reach us\n\nSubject to change\n"), Original::default());
    }
}
