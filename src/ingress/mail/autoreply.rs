//! Automatic answers and disposition notifications, which say nothing about an address: RFC 3834, RFC 8098.
//!
//! `Auto-Submitted: auto-replied` does not tell them from bounces, because most DSNs carry it too; so this is asked last.
//! Two exceptions: an answer that says the mailbox is no longer in use, and a disposition that failed for a full mailbox;
//! both are soft, never hard, because anybody may write such an answer.

use super::fields::Fields;
use super::mime::decoded;
use crate::event::Reason;

/// Words at the start of the subject of an automatic answer, in lower case.
const SUBJECTS: &[&str] = &[
    "out of office",
    "out of the office",
    "out-of-office",
    "auto:",
    "auto reply",
    "auto-reply",
    "autoreply",
    "automatic reply",
    "automated reply",
    "auto response",
    "autoresponse",
    "auto-response",
    "automatic response",
    "vacation",
    "away from",
    "on vacation",
    "on holiday",
    "abwesen",
    "automatische antwort",
    "abwesenheitsnotiz",
    "réponse automatique",
    "absence du bureau",
    "message d'absence",
    "respuesta automática",
    "fuera de la oficina",
    "risposta automatica",
    "resposta automática",
    "automatisch antwoord",
    "afwezig",
    "автоответ",
    "autosvar",
    "automatsvar",
    "automatisk svar",
    "automaattinen",
    "automatisch",
    "odpowiedź automatyczna",
    "automatická odpověď",
    "automatikus válasz",
    "автоматический ответ",
    "автоматична відповідь",
    "otomatik yanıt",
    "răspuns automat",
    "αυτόματη απάντηση",
    "자동 회신",
    "自动答复",
    "自動応答",
    "自动回复",
    "自動回覆",
    "自動返信",
    "不在",
];

/// Header fields that only automatic answers have.
const FIELDS: &[&str] = &[
    "X-Autoreply",
    "X-Autorespond",
    "X-AutoReply-From",
    "X-Mail-Autoreply",
    "X-Auto-Reply",
    "X-Vacation",
    "X-MS-Exchange-Inbox-Rules-Loop",
];

/// Words by which an answer says that something is out of use, in a sentence about one of [`MAILBOX`].
const DEAD: &[&str] = &[
    "no longer in use",
    "no longer used",
    "no longer active",
    "no longer monitored",
    "no longer valid",
    "no longer works",
    "has been deactivated",
    "mailbox is closed",
    "not in use anymore",
    "wird nicht mehr verwendet",
    "nicht mehr gültig",
];

/// What a sentence calls a mailbox.
const MAILBOX: &[&str] = &["@", "address", "mailbox", "email", "e-mail", "inbox", "adresse", "postfach"];

/// Words by which an answer says that somebody has left, in a sentence about who had the mailbox.
const LEFT: &[&str] = &[
    "has left the company",
    "no longer with the company",
    "no longer employed",
    "no longer work here",
    "no longer work at",
    "no longer work for",
    "no longer work with",
    "no longer works here",
    "no longer works at",
    "no longer works for",
    "no longer works with",
    "no longer working here",
    "no longer working at",
    "no longer working for",
    "no longer working with",
    "nicht mehr im unternehmen",
    "nicht mehr bei uns",
    "nicht mehr für uns",
    "das unternehmen verlassen",
    "ne fait plus partie",
    "a quitté la société",
    "a quitté l'entreprise",
    "ya no trabaja",
    "non lavora più",
    "não trabalha mais",
    "werkt niet meer",
    "больше не работает",
];

/// Whether a mail is an automatic answer.
#[must_use]
pub fn is_autoreply(header: &Fields<'_>) -> bool {
    let submitted = header.get("Auto-Submitted").unwrap_or_default().trim_start().to_ascii_lowercase();
    let auto = submitted.starts_with("auto-replied")
        || submitted.starts_with("auto-generated")
            && header.has("X-Auto-Response-Suppress")
            && header.has("In-Reply-To");
    let precedence = header.get("Precedence").is_some_and(|v| v.trim().eq_ignore_ascii_case("auto_reply"));
    // A report that lost its recipients on the way is none, though most reports say that they are automatic.
    if header.get("Content-Type").is_some_and(|v| v.to_ascii_lowercase().contains("report-type=delivery-status")) {
        return false;
    }
    is_certain(header) || auto || precedence
}

/// Whether its subject, or a field that no report has, says so.
#[must_use]
pub fn is_certain(header: &Fields<'_>) -> bool {
    let subject = header.get("Subject").map(|s| decoded(&s).to_lowercase()).unwrap_or_default();
    let subject = subject.trim_start_matches("re:").trim_start();
    SUBJECTS.iter().any(|s| subject.starts_with(s)) || FIELDS.iter().any(|f| header.has(f))
}

/// Words before the mailbox of a colleague.
const HIS: &[&str] = &["his", "her", "their"];

/// What a sentence calls who had the mailbox, beside his name: a colleague who left has not.
const OWNERS: &[&str] =
    &["i am ", "i'm ", "i no ", "i have ", "i've ", "this person", "this user", "this employee", "the person you"];

/// Most parts of a name that are looked for.
const MAX_NAMES: usize = 20;

/// Whether the words of an automatic answer by `author`, as `From` names him, say that nobody reads the mailbox any more.
#[must_use]
pub fn says_dead(words: &str, author: &str) -> bool {
    let own = words.lines().filter(|line| !line.starts_with('>')).flat_map(str::split_whitespace);
    let lower = own.collect::<Vec<_>>().join(" ").to_lowercase();
    let author = author.to_lowercase();
    let name = author.rsplit_once('@').map_or(author.as_str(), |(name, _)| name);
    let parts = name.split(|c: char| !c.is_alphanumeric()).filter(|part| part.chars().count() > 2);
    let names: Vec<_> = parts.take(MAX_NAMES).collect();
    let has = |sentence: &str, words: &[&str]| words.iter().any(|word| sentence.contains(word));
    let own = super::original::addresses(&author);
    let names_another = |sentence: &str| {
        sentence.contains('@') && !own.iter().any(|address| sentence.contains(address))
            || sentence.split(' ').any(|word| HIS.contains(&word))
    };
    let is_about_owner = |sentence: &str| has(sentence, OWNERS) || has(sentence, &names);
    lower.replace(". ", "\n").split(['\n', ';', '!']).any(|sentence| {
        has(sentence, LEFT) && is_about_owner(sentence)
            || has(sentence, DEAD) && has(sentence, MAILBOX) && !names_another(sentence)
    })
}

/// What a disposition notification means: only a failure for a full mailbox is worth more than nothing.
#[must_use]
pub fn disposition(text: &str, words: &str) -> (Reason, Option<String>) {
    let fields = Fields::blocks(text).find(|b| b.has("Disposition")).unwrap_or_default();
    let recipient =
        fields.get("Original-Recipient").or(fields.get("Final-Recipient")).map(|v| super::dsn::typed(&v).1.to_owned());
    let failed = fields.get("Disposition").is_some_and(|d| {
        let d = d.to_ascii_lowercase();
        d.contains("failed") || d.contains("error") || d.contains("deleted")
    });
    let all =
        format!("{words} {} {}", fields.get("Failure").unwrap_or_default(), fields.get("Error").unwrap_or_default())
            .to_lowercase();
    let full = failed && (all.contains("quota") || all.contains("mailbox full") || all.contains("mailbox is full"));
    (if full { Reason::MailboxFull } else { Reason::AutoReply }, recipient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn automatic_answers_are_known_by_subject_or_field() {
        for header in [
            "Subject: Out of Office: hi",
            "Subject: Re: Automatic reply: x",
            "X-Autoreply: yes",
            "Auto-Submitted: auto-replied (vacation)",
        ] {
            assert!(is_autoreply(&Fields::block(header).0), "{header}");
        }
        assert!(!is_autoreply(&Fields::block("Subject: lunch\nAuto-Submitted: no\n").0));
    }

    #[test]
    fn only_a_mailbox_out_of_use_is_dead_and_not_a_day_of_the_week() {
        for words in [
            "This e-mail address is no\nlonger in use.",
            "Hello. bob@example.com is no longer valid. Bye",
            "Bob no longer works for us.",
            "I am no longer with the company.",
            "Diese Adresse wird nicht mehr verwendet.",
            "Bob Miller ist nicht mehr im Unternehmen tätig.",
        ] {
            assert!(says_dead(words, "Bob Miller <bob@example.com>"), "{words}");
        }
        for words in [
            "I no longer work on Fridays and will answer your e-mail on Monday.",
            "Our office is closed. I read mail again on Monday.",
            "Your coupon is no longer valid.",
            "Why that?\n> Bob Miller no longer works for us.",
            "Carol has left the company; Alice does her work. Bob",
            "I'm away. Carol left; her address is no longer in use.",
        ] {
            assert!(!says_dead(words, "Bob Miller <bob@example.com>"), "{words}");
        }
    }

    #[test]
    fn a_read_receipt_is_nothing_and_a_full_mailbox_is_something() {
        let read =
            "Final-Recipient: rfc822; bob@example.com\nDisposition: manual-action/MDN-sent-manually; displayed\n";
        assert_eq!(disposition(read, ""), (Reason::AutoReply, Some("bob@example.com".to_owned())));
        let full = "Final-Recipient: rfc822; bob@example.com\nDisposition: automatic-action/MDN-sent-automatically; failed\nFailure: over quota\n";
        assert_eq!(disposition(full, "").0, Reason::MailboxFull);
    }
}
