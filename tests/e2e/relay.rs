//! A relay that answers by the recipient, as receiving systems and SES answer.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

/// Answers on a port of the loopback from now on, until the process ends.
pub fn start(port: u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away is none of our business.
            std::thread::spawn(move || drop(converse(stream)));
        }
    });
}

fn converse(stream: TcpStream) -> io::Result<()> {
    let mut output = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    let mut say = |text: &str| output.write_all(format!("{text}\r\n").as_bytes());
    say("220 relay.example ESMTP")?;
    let mut refuse_message = false;
    while let Some(line) = lines.next() {
        let line = line?;
        match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
            "EHLO" => say("250-relay.example\r\n250 PIPELINING")?,
            "RCPT" => {
                refuse_message |= line.contains("<unverified");
                say(reply_to(&line))?;
            }
            "DATA" => {
                say("354 go on")?;
                while lines.next().transpose()?.is_some_and(|line| line != ".") {}
                say(if refuse_message { UNVERIFIED } else { "250 2.0.0 Ok 0102016b-1" })?;
                refuse_message = false;
            }
            "QUIT" => return say("221 2.0.0 bye"),
            _ => say("250 2.0.0 ok")?,
        }
    }
    Ok(())
}

/// What SES says at the end of DATA to somebody whose sender it does not know.
const UNVERIFIED: &str = "554 Message rejected: Email address is not verified. The following identities failed the \
                          check in region EU-WEST-1: bounces@example.org";

fn reply_to(rcpt: &str) -> &'static str {
    match rcpt {
        rcpt if rcpt.contains("<unknown") => "550 5.1.1 user unknown",
        rcpt if rcpt.contains("<later") => "451 4.3.2 try again later",
        _ => "250 2.1.5 ok",
    }
}
