//! Reads out of a report's words when in the SMTP session a refusal came, and who spoke.
//!
//! Mail systems say it in a few fixed wordings, one table. The transcript of a session (sendmail's `>>>` and `<<<`) needs
//! care: with PIPELINING the last command shown is DATA while the refusal was to RCPT TO, and then a 503 follows.

use super::phrases::Phrases;
use crate::ingress::classify::{Speaker, Stage};

/// Words, in lower case, and the stage that they mean. The first that occurs in the table's order wins.
const WORDINGS: &[(&str, Stage)] = &[
    // Postfix, smtp_proto.c
    ("in reply to rcpt to", Stage::RcptTo),
    ("in reply to mail from", Stage::MailFrom),
    ("in reply to end of data", Stage::Data),
    ("in reply to data", Stage::Data),
    ("in reply to ehlo", Stage::Connect),
    ("in reply to helo", Stage::Connect),
    ("in reply to starttls", Stage::Connect),
    ("refused to talk to me", Stage::Connect),
    ("while receiving the initial server greeting", Stage::Connect),
    ("while performing the", Stage::Connect),
    // Exim, src/transports/smtp.c
    ("after rcpt to", Stage::RcptTo),
    ("after pipelined rcpt to", Stage::RcptTo),
    ("after mail from", Stage::MailFrom),
    ("after pipelined mail from", Stage::MailFrom),
    ("after end of data", Stage::Data),
    ("after pipelined end of data", Stage::Data),
    ("after data", Stage::Data),
    ("sending data block", Stage::Data),
    ("after initial connection", Stage::Connect),
    ("after ehlo", Stage::Connect),
    ("after helo", Stage::Connect),
    // 1&1 and GMX
    ("for text command", Stage::Data),
    ("for mail from command", Stage::MailFrom),
    ("for rcpt to command", Stage::RcptTo),
    ("after rcpt command", Stage::RcptTo),
    // qmail-remote.c
    ("does not like recipient", Stage::RcptTo),
    ("does not like sender", Stage::MailFrom),
    ("most progress was rcpt to response", Stage::RcptTo),
    ("most progress was mail from response", Stage::MailFrom),
    ("but sender was rejected", Stage::MailFrom),
    ("but recipient was rejected", Stage::RcptTo),
    ("failed after i sent the message", Stage::Data),
    ("failed on data command", Stage::Data),
    ("but greeting failed", Stage::Connect),
    ("but my name was rejected", Stage::Connect),
    // DragonFly dma
    ("did not like our rcpt to", Stage::RcptTo),
    ("did not like our mail from", Stage::MailFrom),
    ("did not like our final data", Stage::Data),
    ("did not like our data", Stage::Data),
    // Google
    ("(state 14)", Stage::RcptTo),
    ("(state 13)", Stage::MailFrom),
    ("(state 9)", Stage::Connect),
    ("(state 12)", Stage::Connect),
    ("(state 15)", Stage::Data),
    ("(state 16)", Stage::Data),
    ("(state 17)", Stage::Data),
    ("(state 18)", Stage::Data),
    // Others
    ("error following rcpt", Stage::RcptTo),
    ("error following data", Stage::Data),
    ("error following mail", Stage::MailFrom),
    ("smtp command rcpt", Stage::RcptTo),
    ("smtp command data", Stage::Data),
    ("smtp command mail", Stage::MailFrom),
    ("smtp:rcpt", Stage::RcptTo),
    ("sent <<< rcpt", Stage::RcptTo),
    ("sent <<< data", Stage::Data),
    ("sent <<< mail", Stage::MailFrom),
    ("sent: rcpt", Stage::RcptTo),
];

/// Finds all of [`WORDINGS`] at once.
static WORDING: Phrases = Phrases::new(|| WORDINGS.iter().map(|(wording, _)| *wording).collect());

/// Replies to DATA after every RCPT TO was refused.
const NOBODY_LEFT: &[&str] = &["need rcpt", "valid rcpt", "rcpt first", "no valid recipients", "no recipients"];

/// The stage that the words about one recipient tell.
#[must_use]
pub fn stage(words: &str) -> Stage {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = WORDING.first_row(&line).and_then(|row| WORDINGS.get(row)).map(|(_, stage)| *stage);
    told.or_else(|| transcript(words)).unwrap_or_default()
}

/// The command that the refusal in a transcript answers.
fn transcript(words: &str) -> Option<Stage> {
    let mut last = None;
    let mut refused = None;
    for line in words.lines().map(str::trim_start) {
        if let Some(command) = line.strip_prefix(">>>") {
            last = command_stage(command.trim_start()).or(last);
        } else if let Some(reply) = line.strip_prefix("<<<").map(str::trim_start) {
            let lower = reply.to_ascii_lowercase();
            if NOBODY_LEFT.iter().any(|r| lower.contains(r)) {
                return Some(Stage::RcptTo);
            }
            if reply.starts_with(['4', '5']) && refused.is_none() {
                refused = last;
            }
        }
    }
    refused
}

fn command_stage(command: &str) -> Option<Stage> {
    let verb = command.get(..4)?.to_ascii_uppercase();
    match verb.as_str() {
        "RCPT" => Some(Stage::RcptTo),
        "MAIL" => Some(Stage::MailFrom),
        "DATA" => Some(Stage::Data),
        "EHLO" | "HELO" | "STAR" | "AUTH" => Some(Stage::Connect),
        "." | ".   " => Some(Stage::Data),
        _ => None,
    }
}

/// Who spoke, by the name of the host that refused (RFC 3464 `Remote-MTA`, or `host X said`).
#[must_use]
pub fn speaker(remote_mta: Option<&str>, words: &str) -> Speaker {
    let names_relay = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.split("email-smtp").skip(1).any(|rest| rest.starts_with(['.', '-']) && rest.contains(".amazonaws.com"))
    };
    match remote_mta {
        Some(mta) if names_relay(mta) => Speaker::Relay,
        Some(_) => Speaker::Receiver,
        None if names_relay(words) => Speaker::Relay,
        None => Speaker::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wordings_tell_the_stage() {
        for (words, expected) in [
            ("host mx said: 550 no (in reply to RCPT TO\n    command)", Stage::RcptTo),
            ("SMTP error from remote mail server after MAIL FROM:<a@b.example> SIZE=1", Stage::MailFrom),
            ("SMTP error from remote mail server after sending data block: 550 5.1.1 no", Stage::Data),
            ("SMTP error from remote mail server after pipelined sending data block: 550 no", Stage::Data),
            ("192.0.2.1 failed after I sent the message.", Stage::Data),
            ("554 refused", Stage::Unknown),
        ] {
            assert_eq!(stage(words), expected, "{words}");
        }
    }

    #[test]
    fn pipelined_data_is_not_what_was_refused() {
        assert_eq!(
            stage(">>> DATA\n<<< 550 5.1.1 <b@example.com>... User unknown\n<<< 503 5.0.0 Need RCPT (recipient)\n"),
            Stage::RcptTo
        );
        assert_eq!(stage(">>> RCPT To:<b@example.com>\n<<< 250 ok\n>>> DATA\n<<< 554 no\n"), Stage::Data);
        assert_eq!(stage(">>> RCPT To:<b@example.com>\n<<< 550 no\n"), Stage::RcptTo);
    }

    #[test]
    fn ses_is_known_by_its_name() {
        assert_eq!(speaker(Some("email-smtp.eu-west-1.amazonaws.com"), ""), Speaker::Relay);
        assert_eq!(speaker(None, "host email-smtp.eu-west-1.amazonaws.com[192.0.2.1] said"), Speaker::Relay);
        assert_eq!(speaker(Some("mx.example.com"), ""), Speaker::Receiver);
    }
}
