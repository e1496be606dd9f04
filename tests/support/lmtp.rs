//! Postfix's end of an LMTP conversation.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

pub struct Client {
    pub stream: UnixStream,
    replies: BufReader<UnixStream>,
}

impl Client {
    /// A conversation in which LHLO was said.
    pub fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut client = Self { replies: BufReader::new(stream.try_clone().unwrap()), stream };
        assert_eq!(client.code(), "220");
        client.say("LHLO mta.example.org", "250");
        client
    }

    /// The code of the next reply.
    pub fn code(&mut self) -> String {
        self.reply().get(..3).unwrap().to_owned()
    }

    /// The last line of the next reply.
    pub fn reply(&mut self) -> String {
        let mut line = String::new();
        while line.get(3..4) != Some(" ") {
            line.clear();
            assert!(self.replies.read_line(&mut line).unwrap() > 0, "the connection ended");
        }
        line.trim_end().to_owned()
    }

    #[track_caller]
    pub fn say(&mut self, line: &str, code: &str) {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        assert_eq!(self.code(), code, "{line}");
    }

    /// Mail of this Postfix itself.
    pub fn begin(&mut self, recipients: &[&str]) {
        self.begin_from("SOURCE=LOCAL IDENT=4ABC", recipients);
    }

    /// Mail from where these attributes of XFORWARD say.
    pub fn begin_from(&mut self, origin: &str, recipients: &[&str]) {
        self.say(&format!("XFORWARD {origin}"), "250");
        self.say("MAIL FROM:<>", "250");
        for recipient in recipients {
            self.say(&format!("RCPT TO:<{recipient}>"), "250");
        }
        self.say("DATA", "354");
    }

    /// The rest of a mail that has begun; lines end with LF.
    pub fn end(&mut self, mail: &[u8]) {
        let lines = mail.split(|byte| *byte == b'\n').map(|line| match line.strip_prefix(b".") {
            Some(rest) => [b"..", rest, b"\r\n"].concat(),
            None => [line, b"\r\n"].concat(),
        });
        let all: Vec<u8> = lines.flatten().chain(*b".\r\n").collect();
        self.stream.write_all(&all).unwrap();
    }

    /// The code that a mail to the bounce address gets.
    pub fn send(&mut self, mail: &str) -> String {
        self.begin(&["bounces@example.org"]);
        self.end(mail.as_bytes());
        self.code()
    }
}
