//! What is the same in the replies of one receiving system to many recipients.
//!
//! Our own words around a reply are taken off, addresses and whatever has digits in it are masked; what is left is the
//! wording, and equal wordings are one fingerprint. Codes at the start (`550 5.1.1`) stay.

use crate::address::Address;

/// Longest fingerprint, in characters.
pub const MAX: usize = 200;

/// The fingerprint of a diagnostic about a recipient; `None` where no wording is left.
#[must_use]
pub fn fingerprint(diagnostic: &str, recipient: &Address) -> Option<String> {
    let reply = reply(diagnostic).to_lowercase();
    let local = recipient.local_part();
    let mut masked = String::new();
    let mut in_codes = true;
    for token in reply.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | '(' | ')')) {
        in_codes &= is_code(token);
        let bare = token.trim_matches(|c: char| !c.is_alphanumeric());
        let word = match token {
            "" => continue,
            code if in_codes => code,
            _ if token.contains('@') || bare == local => "@",
            _ if token.contains(|c: char| c.is_ascii_digit()) => "#",
            word => word,
        };
        if masked.chars().count() + word.len() > MAX {
            break;
        }
        if !masked.is_empty() {
            masked.push(' ');
        }
        masked.push_str(word);
    }
    let says_something = masked.split(' ').any(|word| word.contains(char::is_alphabetic));
    says_something.then_some(masked)
}

/// The reply within what Postfix writes around it: `host mx[192.0.2.1] said: 550 … (in reply to RCPT TO command)`.
fn reply(diagnostic: &str) -> &str {
    let reply = diagnostic.split_once(" said: ").map_or(diagnostic, |(_, reply)| reply);
    reply.split(" (in reply to ").next().unwrap_or(reply).trim()
}

/// `550`, `550-5.1.1`, `#5.1.1`, `5.1.1`.
fn is_code(token: &str) -> bool {
    token.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '#')) && token.len() <= 12
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(diagnostic: &str, recipient: &str) -> Option<String> {
        fingerprint(diagnostic, &Address::parse(recipient).unwrap())
    }

    #[test]
    fn two_recipients_of_one_refusal_have_one_fingerprint() {
        let google = |user: &str, id: &str| {
            format!(
                "550-5.1.1 The email account that you tried to reach does not exist. Please try {user}@example.com {id} - gsmtp"
            )
        };
        let one = of(&google("bob", "a640c23a62f3a-b1234567890si12"), "bob@example.com");
        assert_eq!(one, of(&google("eve.2", "d2e1a72fcca58-7f3"), "eve.2@example.com"));
        assert!(one.unwrap().starts_with("550-5.1.1 the email account"));
        let quoted = |user: &str| format!("550 5.1.1 User {user} unknown");
        assert_eq!(of(&quoted("bob"), "bob@example.com"), of(&quoted("eve"), "eve@example.com"));
    }

    #[test]
    fn what_postfix_writes_around_a_reply_is_taken_off() {
        let wrapped = "host mx1.example.com[192.0.2.7] said: 550 5.7.1 Service refused (in reply to RCPT TO command)";
        assert_eq!(of(wrapped, "bob@example.com"), of("550 5.7.1 Service refused", "bob@example.com"));
    }

    #[test]
    fn different_wordings_differ_and_no_wording_is_none() {
        assert_ne!(of("550 5.1.1 no such user", "b@x.example"), of("550 5.1.1 mailbox disabled", "b@x.example"));
        assert_eq!(of("550 5.1.1 <b@x.example>", "b@x.example"), None);
        assert_eq!(of("", "b@x.example"), None);
    }
}
