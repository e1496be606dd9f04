//! One LMTP conversation, without its socket: lines in, replies out.
//!
//! PROTOCOL: RFC 2033 (LMTP), RFC 5321 syntax, with PIPELINING (RFC 2920), SIZE (RFC 1870), 8BITMIME (RFC 6152), SMTPUTF8
//! (RFC 6531), ENHANCEDSTATUSCODES (RFC 2034) and Postfix's XFORWARD, by which it tells where a mail came from.
//! LIMITS: [`MAX_LINE`] bytes a command line, [`MAX_RECIPIENTS`] recipients a mail, [`MAX_ERRORS`] wrong commands a
//! conversation. Of a mail the first [`MAX_MAIL`] bytes are kept: a report stands at its start.
//! SECURITY: whoever can connect can hand mail in, and can name any client by XFORWARD; the socket's rights decide.

use crate::ingress::mail::mime::MAX_MAIL;
use crate::ingress::mail::origin::Envelope;

/// Longest command line, in bytes; RFC 5321 §4.5.3.1.4 asks for 512, SMTPUTF8 and XFORWARD need more.
pub const MAX_LINE: usize = 4096;
/// Most recipients of one mail; RFC 5321 §4.5.3.1.8 asks for 100.
pub const MAX_RECIPIENTS: usize = 1000;
/// Wrong commands before the connection is closed.
const MAX_ERRORS: u32 = 20;

/// What one line leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Say this.
    Reply(String),
    /// Say this, and read a mail.
    Data(String),
    /// Say this, and close.
    Quit(String),
}

/// State between the commands.
#[derive(Debug, Default)]
pub struct Session {
    greeted: bool,
    client: Option<String>,
    ident: String,
    sender: Option<String>,
    recipients: Vec<String>,
    errors: u32,
}

impl Session {
    /// Takes one command line, without its line end.
    pub fn line(&mut self, line: &[u8]) -> Step {
        // An old sender's address need not be UTF-8, and is no reason to bounce the mail.
        let line = String::from_utf8_lossy(line);
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "LHLO" => self.lhlo(rest),
            "MAIL" => self.mail(rest),
            "RCPT" => self.rcpt(rest),
            "DATA" if self.recipients.is_empty() => self.wrong("503 5.5.1 RCPT first"),
            "DATA" => Step::Data("354 end with a dot on a line of its own".into()),
            "XFORWARD" => self.xforward(rest),
            "RSET" => {
                self.reset();
                reply("250 2.0.0 reset")
            }
            "NOOP" => reply("250 2.0.0 nothing done"),
            "VRFY" => reply("252 2.5.2 send it and see"),
            "QUIT" => Step::Quit("221 2.0.0 bye".into()),
            "HELO" | "EHLO" => self.wrong("500 5.5.1 this is LMTP, say LHLO"),
            _ => self.wrong("500 5.5.2 no such command"),
        }
    }

    /// The mail's recipients, each with the envelope to record it under; the next mail starts afresh.
    pub fn take_envelopes(&mut self) -> Vec<Envelope> {
        let sender = self.sender.take().unwrap_or_default();
        let envelope = |recipient: String| Envelope {
            sender: sender.clone(),
            original_recipient: recipient.clone(),
            recipient,
            queue_id: self.ident.clone(),
            client_address: self.client.clone(),
        };
        let envelopes = std::mem::take(&mut self.recipients).into_iter().map(envelope).collect();
        self.reset();
        envelopes
    }

    fn lhlo(&mut self, name: &str) -> Step {
        if name.trim().is_empty() {
            return self.wrong("501 5.5.4 LHLO needs a name");
        }
        self.reset();
        self.greeted = true;
        let extensions = [
            "suppressd",
            "PIPELINING",
            "SIZE",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
            "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE",
        ];
        let last = extensions.len() - 1;
        let lines =
            extensions.iter().enumerate().map(|(i, line)| format!("250{}{line}", if i < last { '-' } else { ' ' }));
        Step::Reply(lines.collect::<Vec<_>>().join("\r\n"))
    }

    fn mail(&mut self, rest: &str) -> Step {
        match path(rest, "FROM:") {
            _ if !self.greeted => self.wrong("503 5.5.1 LHLO first"),
            _ if self.sender.is_some() => self.wrong("503 5.5.1 one MAIL at a time"),
            None => self.wrong("501 5.1.7 write MAIL FROM:<address>"),
            Some(sender) => {
                self.sender = Some(sender.to_owned());
                reply("250 2.1.0 ok")
            }
        }
    }

    fn rcpt(&mut self, rest: &str) -> Step {
        match path(rest, "TO:") {
            _ if self.sender.is_none() => self.wrong("503 5.5.1 MAIL first"),
            None | Some("") => self.wrong("501 5.1.3 write RCPT TO:<address>"),
            _ if self.recipients.len() >= MAX_RECIPIENTS => reply("452 4.5.3 too many recipients"),
            Some(recipient) => {
                self.recipients.push(recipient.to_owned());
                reply("250 2.1.5 ok")
            }
        }
    }

    /// Postfix XFORWARD_README: `ADDR=192.0.2.1 SOURCE=REMOTE`; values are xtext, `[UNAVAILABLE]` is none.
    fn xforward(&mut self, rest: &str) -> Step {
        for attribute in rest.split_ascii_whitespace() {
            let Some((name, value)) = attribute.split_once('=') else {
                return self.wrong("501 5.5.4 write XFORWARD NAME=VALUE");
            };
            match (name.to_ascii_uppercase().as_str(), value) {
                ("SOURCE", source) if source.eq_ignore_ascii_case("LOCAL") => {
                    self.client.get_or_insert_default();
                }
                ("ADDR", "[UNAVAILABLE]") => {}
                ("ADDR", address) => {
                    // An IPv6 address comes as IPV6:2001:db8::1.
                    let bare = address.get(..5).filter(|prefix| prefix.eq_ignore_ascii_case("IPV6:"));
                    self.client = Some(address.get(bare.map_or(0, str::len)..).unwrap_or(address).to_owned());
                }
                ("IDENT", ident) => self.ident = ident.to_owned(),
                _ => {}
            }
        }
        reply("250 2.0.0 ok")
    }

    /// Ends the transaction. What XFORWARD said holds for one mail.
    fn reset(&mut self) {
        *self = Self { greeted: self.greeted, errors: self.errors, ..Self::default() };
    }

    fn wrong(&mut self, text: &str) -> Step {
        self.errors += 1;
        if self.errors >= MAX_ERRORS {
            return Step::Quit("421 4.7.0 too many errors".into());
        }
        reply(text)
    }
}

fn reply(text: &str) -> Step {
    Step::Reply(text.into())
}

/// The address of `FROM:<user@domain> SIZE=…`.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<&'a str> {
    let rest = rest.trim_start();
    let (front, rest) = rest.split_at_checked(keyword.len())?;
    let rest = rest.trim_start().strip_prefix('<').filter(|_| front.eq_ignore_ascii_case(keyword))?;
    // A quoted local part may hold a bracket.
    let end = rest.char_indices().scan((false, false), |(quoted, escaped), (i, c)| {
        let ends = c == '>' && !*quoted;
        *quoted ^= c == '"' && !*escaped;
        *escaped = c == '\\' && !*escaped;
        Some((i, ends))
    });
    let end = end.into_iter().find(|(_, ends)| *ends)?.0;
    rest.get(..end)
}

/// Collects a mail line by line: undoes the dots (RFC 5321 §4.5.2) and keeps the first [`MAX_MAIL`] bytes. Only CRLF ends
/// a line, so that a bare line feed within a mail can't smuggle in an end of it.
#[derive(Debug, Default)]
pub struct Collector {
    mail: Vec<u8>,
    in_line: bool,
    /// The last piece ended with a carriage return, which may be half of the end of its line.
    held: bool,
}

impl Collector {
    /// Takes what ends with a line feed, or a piece of a longer line; `true` at the final dot.
    pub fn take(&mut self, piece: &[u8]) -> bool {
        let joined = if std::mem::take(&mut self.held) { [b"\r", piece].concat() } else { Vec::new() };
        let piece = if joined.is_empty() { piece } else { &joined };
        if !self.in_line && piece == b".\r\n" {
            return true;
        }
        let content = if self.in_line { piece } else { piece.strip_prefix(b".").unwrap_or(piece) };
        let line = content.strip_suffix(b"\r\n");
        let open = content.strip_suffix(b"\r");
        self.keep(line.or(open).unwrap_or(content));
        if line.is_some() {
            self.keep(b"\n");
        }
        (self.held, self.in_line) = (open.is_some(), line.is_none());
        false
    }

    fn keep(&mut self, bytes: &[u8]) {
        let free = MAX_MAIL.saturating_sub(self.mail.len());
        self.mail.extend_from_slice(bytes.get(..free).unwrap_or(bytes));
    }

    /// The mail.
    #[must_use]
    pub fn into_mail(self) -> Vec<u8> {
        self.mail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(session: &mut Session, line: &str) -> String {
        match session.line(line.as_bytes()) {
            Step::Reply(text) | Step::Data(text) | Step::Quit(text) => text,
        }
    }

    fn greeted() -> Session {
        let mut session = Session::default();
        assert!(say(&mut session, "LHLO mta.example.org").starts_with("250-suppressd\r\n250-PIPELINING"));
        session
    }

    #[test]
    fn a_mail_goes_its_way() {
        let mut session = greeted();
        for (line, code) in [
            ("XFORWARD NAME=evil ADDR=192.0.2.1 SOURCE=REMOTE", "250"),
            ("XFORWARD IDENT=4ABC", "250"),
            ("MAIL FROM:<> SIZE=1000 BODY=8BITMIME", "250"),
            ("RCPT TO:<bounces@example.org>", "250"),
            ("rcpt to: <\"a>b\"@example.org>", "250"),
            ("DATA", "354"),
        ] {
            assert!(say(&mut session, line).starts_with(code), "{line}");
        }
        let envelopes = session.take_envelopes();
        assert_eq!(envelopes[0].client_address.as_deref(), Some("192.0.2.1"));
        assert_eq!(envelopes[0].queue_id, "4ABC");
        assert_eq!(envelopes[1].recipient, "\"a>b\"@example.org");
        assert!(say(&mut session, "RCPT TO:<x@example.org>").starts_with("503"), "the next mail starts afresh");
    }

    #[test]
    fn what_xforward_says_of_one_mail_does_not_hold_for_the_next() {
        let mut session = greeted();
        for line in ["XFORWARD SOURCE=LOCAL", "MAIL FROM:<>", "RCPT TO:<b@example.org>"] {
            say(&mut session, line);
        }
        assert_eq!(session.take_envelopes()[0].client_address.as_deref(), Some(""));
        for line in ["MAIL FROM:<>", "RCPT TO:<b@example.org>"] {
            say(&mut session, line);
        }
        assert_eq!(session.take_envelopes()[0].client_address, None);
    }

    #[test]
    fn a_remote_address_stands_whatever_source_says() {
        for line in ["XFORWARD ADDR=192.0.2.1 SOURCE=LOCAL", "XFORWARD SOURCE=LOCAL ADDR=192.0.2.1"] {
            let mut session = greeted();
            for line in [line, "MAIL FROM:<>", "RCPT TO:<b@example.org>"] {
                say(&mut session, line);
            }
            assert_eq!(session.take_envelopes()[0].client_address.as_deref(), Some("192.0.2.1"));
        }
    }

    #[test]
    fn wrong_commands_are_told_so_and_end_the_conversation_at_last() {
        let mut session = Session::default();
        for (line, code) in [
            ("MAIL FROM:<>", "503"),
            ("EHLO x", "500"),
            ("LHLO", "501"),
            ("DATA", "503"),
            ("LHLO x", "250"),
            ("MAIL FROM:x", "501"),
            ("RCPT TO:<x@y>", "503"),
            ("", "500"),
        ] {
            assert!(say(&mut session, line).starts_with(code), "{line}");
        }
        assert!(matches!((0..30).map(|_| session.line(b"\xff")).last(), Some(Step::Quit(_))));
    }

    #[test]
    fn a_sender_that_is_not_utf8_is_taken() {
        let mut session = Session::default();
        for line in [&b"LHLO x"[..], b"MAIL FROM:<j\xf6rg@example.com>", b"RCPT TO:<bounces@example.org>"] {
            assert!(matches!(session.line(line), Step::Reply(reply) if reply.starts_with("250")), "{line:?}");
        }
    }

    #[test]
    fn dots_are_undone_and_lines_may_come_in_pieces() {
        let mut collector = Collector::default();
        let pieces =
            [&b"Subject: x\r\n"[..], b"\r\n", b"..two dots\r\n", b"a long ", b".line\r\n", b"bare\n", b".\r\n"];
        for piece in pieces {
            assert!(!collector.take(piece));
        }
        assert!(collector.take(b".\r\n"));
        assert_eq!(collector.into_mail(), b"Subject: x\n\n.two dots\na long .line\nbare\n.\n");
    }

    #[test]
    fn wherever_a_long_line_is_cut_the_mail_is_the_same() {
        let text = b"Subject: x\r\n\r\n..dots\r\ra\r\n12345678\r\n.\r\r\n\r\n.\r\n";
        for most in 3..20 {
            let mut collector = Collector::default();
            let pieces = text.split_inclusive(|byte| *byte == b'\n').flat_map(|line| line.chunks(most));
            let ends = pieces.map(|piece| collector.take(piece)).collect::<Vec<_>>();
            assert_eq!(ends.iter().position(|end| *end), Some(ends.len() - 1), "{most}");
            assert_eq!(collector.into_mail(), b"Subject: x\n\n.dots\r\ra\n12345678\n\r\n\n", "{most}");
        }
    }
}
