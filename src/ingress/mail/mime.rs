//! A mail as the parsers here want it: its header and its parts in order, each with what it is for and its text.
//!
//! A thin adapter around `mail_parser`. Limits: the first [`MAX_MAIL`] bytes, cut earlier behind [`MAX_CONTAINERS`]
//! parts that hold parts, so that a mail nested into itself costs linear time and little stack, and behind [`MAX_DASHED`] lines
//! that may begin a part, each of which costs a hundred times its length. A report stands before
//! what it returns, so what is cut off is not missed. Nothing fails: bad encodings become replacement characters.

use std::borrow::Cow;

use mail_parser::parsers::MessageStream;
use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::fields::Fields;
use super::html;
use super::nonstandard::listing::opens_original;

/// Most bytes of a mail that are looked at.
pub const MAX_MAIL: usize = 4 << 20;
/// Most multiparts and attached messages in one mail.
pub const MAX_CONTAINERS: usize = 64;
/// Most lines that begin with two dashes, as a boundary does: two for each of [`MAX_PARTS`], and many in the words themselves.
const MAX_DASHED: usize = 4000;
/// Most parts looked at.
const MAX_PARTS: usize = 200;

/// What a part is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// Words for people.
    Text,
    /// The same as HTML, with its tags.
    Html,
    /// RFC 3464, RFC 6533.
    DeliveryStatus,
    /// RFC 5965.
    Feedback,
    /// RFC 8098.
    Disposition,
    /// The header of the returned message (RFC 6522 §4).
    OriginalHeader,
    /// The returned message.
    Original,
    /// Anything else.
    Other,
}

/// One part that holds no other part.
#[derive(Clone, Debug)]
pub struct Part<'x> {
    /// What it is for.
    pub kind: PartKind,
    /// Its text, decoded.
    pub text: Cow<'x, str>,
}

/// The header of a mail, where the rest does not matter: taking a mail apart costs ten times as much.
#[derive(Clone, Debug)]
pub struct Header<'x>(Cow<'x, str>);

impl<'x> Header<'x> {
    /// Reads no further than to the empty line.
    #[must_use]
    pub fn read(mail: &'x [u8]) -> Self {
        let mail = from_header(mail.get(..mail.len().min(MAX_MAIL)).unwrap_or(mail));
        Self(text_of(mail.get(..body_offset(mail)).unwrap_or_default()))
    }

    /// Its fields.
    #[must_use]
    pub fn fields(&self) -> Fields<'_> {
        Fields::block(without_mbox_line(&self.0)).0
    }
}

/// A mail.
#[derive(Clone, Debug)]
pub struct Mail<'x> {
    header: Header<'x>,
    /// The parts, in order.
    pub parts: Vec<Part<'x>>,
}

impl<'x> Mail<'x> {
    /// Reads a mail; what has no header at all is one text.
    #[must_use]
    pub fn read(mail: &'x [u8]) -> Self {
        let (mail, lacks_space) = bounded(mail);
        let body = body_offset(mail);
        let header = Header::read(mail);
        let mut parts = if lacks_space { owned(parts_of(&folded(mail))) } else { parts_of(mail) };
        let is_report = |p: &Part<'_>| !matches!(p.kind, PartKind::Text | PartKind::Html | PartKind::Other);
        if !parts.iter().any(is_report) {
            parts = mended(mail.get(body..).unwrap_or_default()).unwrap_or(parts);
        }
        if parts.is_empty() {
            let text = text_of(mail.get(body..).unwrap_or_default());
            parts.push(Part { kind: PartKind::Text, text });
        }
        Self { header, parts }
    }

    /// The mail's own header.
    #[must_use]
    pub fn header(&self) -> Fields<'_> {
        self.header.fields()
    }

    /// The first part of a kind.
    #[must_use]
    pub fn part(&self, kind: PartKind) -> Option<&Part<'x>> {
        self.parts.iter().find(|p| p.kind == kind)
    }

    /// The words for people: all text before the returned message; HTML where there is no plain text.
    #[must_use]
    pub fn words(&self) -> Cow<'_, str> {
        let own = || self.parts.iter().take_while(|p| !matches!(p.kind, PartKind::Original | PartKind::OriginalHeader));
        let mut texts = own().filter(|p| p.kind == PartKind::Text && !p.text.trim().is_empty());
        match (texts.next(), texts.next()) {
            (None, _) => {
                let html = own().find(|p| p.kind == PartKind::Html);
                html.map_or(Cow::Borrowed(""), |p| Cow::Owned(html::words(&p.text)))
            }
            (Some(one), None) => Cow::Borrowed(&*one.text),
            (Some(first), Some(second)) => {
                let rest = texts.take(8).map(|p| &*p.text);
                Cow::Owned([&*first.text, &*second.text].into_iter().chain(rest).collect::<Vec<_>>().join("\n"))
            }
        }
    }
}

fn parts_of(mail: &[u8]) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let parser = MessageParser::new().with_mime_headers().default_header_ignore();
    if let Some(message) = parser.parse(mail) {
        collect(&message, mail, &mut parts);
    }
    parts
}

/// The parts of a report whose header names another boundary than its body has, or none: gateways rewrite and drop headers.
fn mended<'x>(body: &[u8]) -> Option<Vec<Part<'x>>> {
    let boundary = report_boundary(body)?;
    let whole = [b"Content-Type: multipart/report; boundary=\"", boundary, b"\"\n\n", body].concat();
    Some(owned(parts_of(&whole)))
}

fn owned<'x>(parts: Vec<Part<'_>>) -> Vec<Part<'x>> {
    parts.into_iter().map(|p| Part { kind: p.kind, text: Cow::Owned(p.text.into_owned()) }).collect()
}

/// The mail with the space that gateways forget before a folded parameter (`boundary=` at the start of a line).
fn folded(mail: &[u8]) -> Vec<u8> {
    let mut mended = Vec::with_capacity(mail.len() + MAX_CONTAINERS);
    let mut continues = false;
    for line in lines(mail) {
        if continues && is_parameter(line) {
            mended.push(b' ');
        }
        mended.extend_from_slice(line);
        continues = is_continued(continues, line);
    }
    mended
}

/// Whether the next line belongs to the field of this one, which itself may continue one.
fn is_continued(continues: bool, line: &[u8]) -> bool {
    let is_of_field = match line.first() {
        Some(b'c' | b'C') if begins_content_field(line) => true,
        Some(b' ' | b'\t') => continues,
        _ => continues && is_parameter(line),
    };
    is_of_field && line.trim_ascii_end().ends_with(b";")
}

/// Whether a line begins a field whose parameters matter: `Content-Type`, `Content-Disposition`.
fn begins_content_field(line: &[u8]) -> bool {
    line.get(..8).is_some_and(|begin| begin.eq_ignore_ascii_case(b"content-"))
}

/// `boundary="x"`, without a space before it (RFC 2045 §5.1).
fn is_parameter(line: &[u8]) -> bool {
    let name = line.iter().position(|b| *b == b'=').and_then(|at| line.get(..at)).unwrap_or_default();
    (1..=40).contains(&name.len()) && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'*' | b'_'))
}

/// The boundary before the first part of a machine-readable type, unless it comes up only in what a report returns.
fn report_boundary(body: &[u8]) -> Option<&[u8]> {
    let boundary = any_report_boundary(body)?;
    let is_first = |line: &&[u8]| line.trim_ascii().strip_prefix(b"--") == Some(boundary);
    let mut before = lines(body).take_while(|line| !is_first(line)).enumerate();
    let is_returned = before.any(|(n, line)| n > 0 && opens_original(&text_of(line)));
    (!is_returned).then_some(boundary)
}

fn any_report_boundary(body: &[u8]) -> Option<&[u8]> {
    let mut boundary = None;
    let mut before: &[u8] = b"";
    for line in lines(body).map(<[u8]>::trim_ascii) {
        let begins = |word: &[u8]| line.get(..word.len()).is_some_and(|l| l.eq_ignore_ascii_case(word));
        if begins(b"content-") {
            boundary = before.strip_prefix(b"--").filter(|b| !b.is_empty() && b.len() <= 70).or(boundary);
        }
        if begins(b"content-type: message/delivery-status") || begins(b"content-type: message/feedback-report") {
            return boundary.filter(|b| !b.contains(&b'"') && !b.contains(&b'\\'));
        }
        before = line;
    }
    None
}

/// A header value with its encoded words decoded (RFC 2047).
#[must_use]
pub fn decoded(value: &str) -> String {
    if !value.contains("=?") {
        return value.to_owned();
    }
    let line = format!("{}\n", value.trim());
    MessageStream::new(line.as_bytes()).parse_unstructured().as_text().unwrap_or(value).to_owned()
}

/// What is looked at of a mail, and whether [`folded`] has something to mend in it.
fn bounded(mail: &[u8]) -> (&[u8], bool) {
    let mail = from_header(mail.get(..mail.len().min(MAX_MAIL)).unwrap_or(mail));
    let (mut containers, mut dashed, mut at) = (0, 0, 0);
    let (mut continues, mut lacks_space) = (false, false);
    for line in lines(mail) {
        containers += usize::from(opens_container(line));
        dashed += usize::from(line.starts_with(b"--"));
        if containers > MAX_CONTAINERS || dashed > MAX_DASHED {
            return (mail.get(..at).unwrap_or(mail), lacks_space);
        }
        lacks_space |= continues && is_parameter(line);
        continues = is_continued(continues, line);
        at += line.len();
    }
    (mail, lacks_space)
}

/// Whether a line names a type that holds parts, on the field's line or a folded one.
fn opens_container(line: &[u8]) -> bool {
    let line = line.get(..line.len().min(200)).unwrap_or(line);
    if !matches!(line.first(), Some(b'c' | b'C' | b' ' | b'\t')) {
        return false;
    }
    let types: [(&[u8], &[u8]); 3] = [(b"multipart", b""), (b"message", b"rfc822"), (b"message", b"global")];
    memchr::memchr_iter(b'/', line).filter_map(|slash| line.split_at_checked(slash)).any(|(before, behind)| {
        let begins = |word: &[u8]| behind.get(1..=word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word));
        let end = |length: usize| before.get(before.len().checked_sub(length)?..);
        let ends = |word: &[u8]| end(word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word));
        types.iter().any(|(main, sub)| ends(main) && begins(sub))
    })
}

/// Each with its line feed.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, behind) = rest.split_at_checked(end)?;
        rest = behind;
        (!line.is_empty()).then_some(line)
    })
}

/// Fields that a header begins with.
const FIRST_FIELDS: [&[u8]; 8] =
    [b"Return-Path", b"Delivered-To", b"X-Original-To", b"Received", b"From", b"Date", b"Message-ID", b"MIME-Version"];

/// A mail without empty lines before its header, as an editor leaves them.
fn from_header(mail: &[u8]) -> &[u8] {
    let header = mail.trim_ascii_start();
    let name = header.iter().position(|b| *b == b':').and_then(|end| header.get(..end)).unwrap_or_default();
    if FIRST_FIELDS.iter().any(|first| name.eq_ignore_ascii_case(first)) { header } else { mail }
}

fn body_offset(mail: &[u8]) -> usize {
    let mut at = 0;
    for line in lines(mail) {
        at += line.len();
        if line == b"\n" || line == b"\r\n" {
            return at;
        }
    }
    at
}

/// A mailbox file puts `From sender date` before the header.
fn without_mbox_line(header: &str) -> &str {
    let header = header.trim_start_matches(['\r', '\n']);
    match header.strip_prefix("From ").or_else(|| header.strip_prefix(">From ")) {
        Some(rest) => rest.split_once('\n').map_or("", |(_, rest)| rest),
        None => header,
    }
}

fn collect<'x>(message: &Message<'x>, raw: &'x [u8], parts: &mut Vec<Part<'x>>) {
    for part in message.parts.iter().take(MAX_PARTS) {
        let mut kind = kind_of(part);
        if let PartType::Binary(bytes) = &part.body
            && kind == PartKind::Other
            && is_status(bytes)
        {
            kind = PartKind::DeliveryStatus;
        }
        let text = match &part.body {
            PartType::Multipart(_) => continue,
            PartType::Text(text) => of_utf8(part, raw).map_or_else(|| text.clone(), Cow::Borrowed),
            PartType::Html(html) => html.clone(),
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) if kind != PartKind::Other => lossy(bytes.clone()),
            PartType::Binary(_) | PartType::InlineBinary(_) => continue,
            PartType::Message(inner)
                if inner.raw_message.is_empty() || part.encoding == mail_parser::Encoding::None =>
            {
                let range = part.offset_body as usize..part.offset_end as usize;
                text_of(raw.get(range).or(raw.get(part.offset_body as usize..)).unwrap_or_default())
            }
            PartType::Message(inner) => Cow::Owned(text_of(&inner.raw_message).into_owned()),
        };
        if kind == PartKind::Text && !parts.is_empty() && is_header(&text) {
            kind = PartKind::Original;
        }
        parts.push(Part { kind, text });
    }
}

/// The text of a part in UTF-8 that says it is in ASCII or Latin-1, as programs say that quote another's words.
fn of_utf8<'x>(part: &MessagePart<'_>, raw: &'x [u8]) -> Option<&'x str> {
    let charset = part.content_type().and_then(|t| t.attribute("charset")).unwrap_or_default();
    let is_doubtful =
        ["us-ascii", "ascii", "iso-8859-1", "windows-1252"].iter().any(|c| c.eq_ignore_ascii_case(charset));
    let is_plain = part.encoding == mail_parser::Encoding::None && is_doubtful;
    let text = raw.get(part.offset_body as usize..part.offset_end as usize).filter(|_| is_plain)?;
    std::str::from_utf8(text).ok().filter(|text| !text.is_ascii())
}

/// Whether a text begins with the header of a message, and so is one that is returned as a text.
fn is_header(text: &str) -> bool {
    let (fields, _) = Fields::block(text.trim_start());
    ["Received", "From", "To", "Subject", "Message-ID", "Date"].iter().filter(|name| fields.has(name)).count() >= 3
}

/// Whether bytes that are said to be of no type begin as a delivery status does (RFC 3464 §2.2.2).
fn is_status(bytes: &[u8]) -> bool {
    let beginning = text_of(bytes.get(..bytes.len().min(1000)).unwrap_or_default());
    Fields::block(beginning.trim_start()).0.has("Reporting-MTA")
}

/// Bytes as text, with replacement characters for what is no UTF-8. Most are; to see that costs a fifth of looking for what is not.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn lossy(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => text_of(bytes),
        Cow::Owned(bytes) => Cow::Owned(text_of(&bytes).into_owned()),
    }
}

fn kind_of(part: &MessagePart<'_>) -> PartKind {
    if matches!(part.body, PartType::Message(_)) {
        return PartKind::Original;
    }
    let named = part.content_type().map(|t| (t.ctype(), t.subtype().unwrap_or_default()));
    let (main, sub) = named.unwrap_or(("text", "plain"));
    match (main.to_ascii_lowercase().as_str(), sub.to_ascii_lowercase().as_str()) {
        ("message", "delivery-status" | "global-delivery-status" | "xdelivery-status") => PartKind::DeliveryStatus,
        ("message", "feedback-report") => PartKind::Feedback,
        ("message", "disposition-notification" | "global-disposition-notification") => PartKind::Disposition,
        ("text", "rfc822-headers" | "rfc822-header") | ("message", "global-headers" | "rfc822-headers") => {
            PartKind::OriginalHeader
        }
        ("message", "rfc822" | "global" | "partial") => PartKind::Original,
        ("text", "html") => PartKind::Html,
        ("text", _) => PartKind::Text,
        _ => PartKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "From: a@example.com\r\nContent-Type: multipart/report; boundary=x\r\n\r\n--x\r\n\r\nwords\r\n--x\r\n\
        Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a\r\n\r\nFinal-Recipient: rfc822; b@example.com\r\n\
        --x\r\nContent-Type: message/rfc822\r\n\r\nTo: b@example.com\r\n\r\nhello\r\n--x--\r\n";

    #[test]
    fn a_report_has_words_status_and_original() {
        let mail = Mail::read(REPORT.as_bytes());
        let kinds: Vec<_> = mail.parts.iter().map(|p| p.kind).collect();
        assert_eq!(kinds, [PartKind::Text, PartKind::DeliveryStatus, PartKind::Original]);
        assert_eq!(mail.words().trim(), "words");
        assert!(mail.part(PartKind::Original).is_some_and(|p| p.text.starts_with("To: b@example.com")));
        assert_eq!(mail.header().get("from").as_deref(), Some("a@example.com"));
    }

    #[test]
    fn empty_lines_before_the_header_hide_nothing() {
        let mail = format!("  \r\n\r\n{REPORT}");
        let mail = Mail::read(mail.as_bytes());
        assert_eq!(mail.header().get("from").as_deref(), Some("a@example.com"));
        assert_eq!(mail.parts.len(), 3);
        for text in
            ["\nA text\nwith: a colon\n", "\n<bob@example.com>: 550 5.1.1 user unknown\n", "\nSorry: no such user\n"]
        {
            assert_eq!(Mail::read(text.as_bytes()).words(), &text[1..]);
        }
    }

    #[test]
    fn a_report_under_the_wrong_boundary_is_read() {
        for header in ["From: a@example.com\r\nContent-Type: multipart/report; boundary=y", "From: a@example.com"] {
            let torn = REPORT.replacen("From: a@example.com\r\nContent-Type: multipart/report; boundary=x", header, 1);
            let torn = torn.replacen("--x\r\n\r\n", "--x\r\nContent-Type: text/plain\r\n\r\n", 1);
            let kinds: Vec<_> = Mail::read(torn.as_bytes()).parts.iter().map(|p| p.kind).collect();
            assert_eq!(kinds, [PartKind::Text, PartKind::DeliveryStatus, PartKind::Original], "{header}");
        }
    }

    #[test]
    fn a_status_without_its_type_is_one() {
        let status = "UmVwb3J0aW5nLU1UQTogZG5zOyBhDQoNCkZpbmFsLVJlY2lwaWVudDogcmZjODIyOyBiQGV4YW1wbGUuY29tDQo=\r\n";
        let plain = REPORT.replace("message/delivery-status", "application/octet-stream; name=details.dat");
        let (head, rest) = plain.split_once("Reporting-MTA").unwrap();
        let encoded = [
            &head.replace(".dat", ".dat\r\nContent-Transfer-Encoding: base64"),
            status,
            &rest[rest.find("--x").unwrap()..],
        ];
        for mail in [&plain, &encoded.concat()] {
            let mail = Mail::read(mail.as_bytes());
            let status = mail.part(PartKind::DeliveryStatus).unwrap();
            assert!(status.text.trim_end().ends_with("b@example.com"), "{status:?}");
        }
        let another = REPORT.replace("message/delivery-status", "application/pdf").replace("Reporting-MTA", "%PDF");
        assert!(Mail::read(another.as_bytes()).part(PartKind::DeliveryStatus).is_none());
    }

    #[test]
    fn a_message_returned_as_a_text_is_the_original() {
        let returned = "From: us@example.net\nTo: bob@example.com\nSubject: hi\n\nwords";
        let mail = format!(
            "Content-Type: multipart/mixed; boundary=x\n\n--x\n\nSorry.\n--x\nContent-Type: text/plain\n\n{returned}\n--x--\n"
        );
        let mail = Mail::read(mail.as_bytes());
        assert_eq!(
            (mail.words().trim(), mail.part(PartKind::Original).map(|p| p.text.trim())),
            ("Sorry.", Some(returned))
        );
    }

    #[test]
    fn words_in_utf8_that_are_said_to_be_ascii_are_read() {
        for (charset, encoding) in [("us-ascii", "8bit"), ("ISO-8859-1", "7bit"), ("utf-8", "8bit")] {
            let mail = format!(
                "Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {encoding}\n\nEmpfänger unbekannt"
            );
            assert_eq!(Mail::read(mail.as_bytes()).words(), "Empfänger unbekannt", "{charset}");
        }
        assert_eq!(Mail::read(b"Content-Type: text/plain; charset=iso-8859-1\n\nEmpf\xe4nger").words(), "Empfänger");
    }

    #[test]
    fn a_boundary_on_a_line_without_its_space_is_a_boundary() {
        for header in [
            "Content-Type: multipart/mixed;\nboundary=x",
            "content-type: multipart/mixed;\r\ncharset=utf-8;\r\nboundary=\"x\"",
        ] {
            let inner = format!("{header}\n\n--x\n\nwords\n--x--\n");
            assert_eq!(Mail::read(inner.as_bytes()).words().trim(), "words", "{header}");
            let outer = format!("Content-Type: multipart/mixed; boundary=y\n\n--y\n{inner}\n--y--\n");
            assert_eq!(Mail::read(outer.as_bytes()).words().trim(), "words", "{header}");
        }
    }

    #[test]
    fn words_that_look_like_a_parameter_stay_as_they_are() {
        let mail = "Content-Type: text/plain;\n charset=utf-8\n\nwith these settings;\nname=bob\n";
        assert!(!bounded(mail.as_bytes()).1);
        assert_eq!(folded(mail.as_bytes()), mail.as_bytes());
    }

    #[test]
    fn a_mail_nested_into_itself_is_cut_and_costs_little() {
        let mut bomb = String::from("From: a@example.com\n");
        for _ in 0..50_000 {
            bomb.push_str("Content-Type: message/rfc822\n\n");
        }
        assert!(Mail::read(bomb.as_bytes()).parts.len() < MAX_PARTS);
        let folded = bomb.replace(": message", ":\n message").replace("rfc822", "rfc822; boundary=y");
        assert!(Mail::read(folded.as_bytes()).parts.len() < MAX_PARTS);
    }

    #[test]
    fn a_report_within_what_is_returned_is_none() {
        let inner = "--x\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; b@example.com\n--x--\n";
        for words in ["--- Below this line is a copy of the message.", "Received: from web.example.org"] {
            let mail = format!("From: a@example.com\n\nSorry.\n\n{words}\n\nYou wrote:\n{inner}");
            let kinds: Vec<_> = Mail::read(mail.as_bytes()).parts.iter().map(|p| p.kind).collect();
            assert_eq!(kinds, [PartKind::Text], "{words}");
        }
    }

    #[test]
    fn a_digest_of_empty_parts_is_cut() {
        let bomb = format!("Content-Type: multipart/digest; boundary=b\n\n{}", "--b\n".repeat(100_000));
        assert!(bounded(bomb.as_bytes()).0.len() < 20_000);
    }

    #[test]
    fn encoded_words_are_decoded() {
        assert_eq!(decoded("=?utf-8?q?caf=C3=A9?= x"), "café x");
        assert_eq!(decoded("plain"), "plain");
    }
}
