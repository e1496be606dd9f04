//! Object `mail`: what SES tells of the message that something happened to.

use super::Context;
use super::json::Json;
use crate::address::Address;
use crate::event::{Evidence, MAX_NAME, is_kept_header, kept_headers, printable};

/// Header lines kept of one message.
const MAX_LINES: usize = 20;
/// Tags of SES's own that tell what a message was for; the sender's are all kept.
const TAGS: [&str; 2] = ["ses:configuration-set", "ses:from-domain"];

/// Evidence from `mail`, the same for every recipient.
pub(super) fn evidence(mail: Json<'_>, context: &Context<'_>) -> Evidence {
    let text = |name: &str| mail.text(name).map(name_text);
    Evidence {
        sender: mail.text("source").map(sender),
        message_id: mail.get("commonHeaders").text("messageId").or_else(|| header(mail, "message-id")).map(name_text),
        provider_id: text("messageId"),
        queue_id: header(mail, "x-postfix-queue-id").map(name_text),
        channel: Some(name_text(context.topic)),
        headers: list_headers(mail),
        ..Evidence::default()
    }
}

/// `source` may be `Name <address>`.
fn sender(source: &str) -> String {
    Address::parse_mailbox(source).map_or_else(|_| name_text(source), |address| address.to_string())
}

fn headers<'a>(mail: Json<'a>) -> impl Iterator<Item = (&'a str, &'a str)> {
    mail.get("headers").list().filter_map(|header| Some((header.text("name")?, header.text("value")?)))
}

fn header<'a>(mail: Json<'a>, name: &str) -> Option<&'a str> {
    headers(mail).find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn list_headers(mail: Json<'_>) -> Option<String> {
    let tags = mail.get("tags").fields().filter(|(tag, _)| TAGS.contains(tag) || !tag.starts_with("ses:"));
    let tags = tags.flat_map(|(tag, values)| values.list().filter_map(move |value| Some((tag, value.as_text()?))));
    let lines = headers(mail)
        .filter(|(name, _)| is_kept_header(name))
        .chain(tags)
        .take(MAX_LINES)
        .map(|(name, value)| format!("{}: {}", printable(name, 100), name_text(value)));
    kept_headers(lines)
}

fn name_text(text: &str) -> String {
    printable(text, MAX_NAME)
}
