//! Judges one refusal: from what was said, by whom and when in the session, to a reason, a side and a class.
//!
//! Pure and table-driven: [`rules`] is the table, first row that fits wins. The text beats the code, and who
//! said it beats the text: of the recipients with a 5.x.x status only two in five are hard bounces.
//!
//! A hard verdict stops mail to a person, so it needs three things: a text or code that is about the mailbox or its
//! domain, a permanent reply, and a moment of the session (RCPT TO, or unknown) at which the reply can be about this
//! recipient alone; at the end of DATA it can be if nobody else got it, or if it names him. Where one is missing, the
//! verdict is soft.
//!
//! Limits: at most [`MAX_TEXT`] bytes of a text are looked at, in linear time. Never fails.

pub mod rule;
pub mod rules;
mod search;
mod text;

use crate::event::{Reason, Side};
use crate::outcome::MARKER;
use crate::status::EnhancedStatus;
use rule::{Rule, When};
pub use text::{MAX_TEXT, Plain, beginning, is_wide, last_status, reply_code, reply_start};

/// Where in the SMTP session the reply came. RFC 5321 §3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Banner, HELO, EHLO, STARTTLS, AUTH.
    Connect,
    /// `MAIL FROM`: about the sender.
    MailFrom,
    /// `RCPT TO`: about this recipient.
    RcptTo,
    /// `DATA` or its end: about the message, for all its recipients at once.
    Data,
    /// The report does not tell.
    #[default]
    Unknown,
}

/// Who refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speaker {
    /// The system that receives mail for the recipient.
    Receiver,
    /// The relay that we hand our mail to (SES); it refuses *us*.
    Relay,
    /// The reporting system itself, without asking anyone.
    Ourselves,
    /// The report does not tell.
    #[default]
    Unknown,
}

/// RFC 3464 §2.3.3 `Action`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Given up.
    Failed,
    /// Still trying.
    Delayed,
    /// Delivered.
    Delivered,
    /// Handed on to a system that tells no more: not yet in the mailbox.
    Relayed,
    /// Handed to several addresses.
    Expanded,
    /// No action, or one that RFC 3464 does not know.
    #[default]
    Unknown,
}

/// What a report says about one recipient.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// RFC 3464 `Status`; a code within `text` goes before it.
    pub status: Option<EnhancedStatus>,
    /// SMTP reply code, where it is known apart from the text.
    pub reply_code: Option<u16>,
    /// The refusing system's words.
    pub text: &'a str,
    /// The recipient, so that a text about him can be told from one about the sender.
    pub recipient: &'a str,
    /// When it was said.
    pub stage: Stage,
    /// Who said it.
    pub speaker: Speaker,
    /// What the reporter did.
    pub action: Action,
    /// Whether the same was said of other recipients of the message.
    pub is_shared: bool,
    /// Addresses of the message's sender, for a text about him.
    pub senders: &'a [String],
}

impl Facts<'_> {
    /// Whether the words name an address, and not the recipient's.
    fn names_another(&self) -> bool {
        !self.names_recipient() && Plain::of(self.text, self.recipient).as_str().contains("@addr")
    }

    /// Whether the words name the sender, and not the recipient.
    fn names_sender(&self) -> bool {
        let text = self.text.to_lowercase();
        let has = |address: &str| address.contains('@') && text.contains(&address.to_lowercase());
        !has(self.recipient) && self.senders.iter().any(|sender| has(sender))
    }

    /// Whether the words name a host or an address, and nothing of the recipient's domain: then it is ours that was not found.
    fn names_others_only(&self, plain: &Plain) -> bool {
        let domain = self.recipient.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase();
        let names_domain = !domain.is_empty() && self.text.to_lowercase().contains(&domain);
        let words = ["@rdom", "recipient domain", "recipient's domain"];
        let names_domain = names_domain || words.iter().any(|word| plain.as_str().contains(word));
        !names_domain && ["@host", "@addr"].iter().any(|name| plain.as_str().contains(name))
    }

    /// Whether the words name the recipient.
    fn names_recipient(&self) -> bool {
        let is_around =
            |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | ':' | ';' | ',' | '"' | '\'');
        let mut words = self.text.split(is_around).map(|word| word.trim_end_matches('.'));
        !self.recipient.is_empty() && words.any(|word| word.eq_ignore_ascii_case(self.recipient))
    }
}

/// What a verdict means for the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The address does not work and will not.
    Hard,
    /// This message did not arrive; another might.
    Soft,
    /// A complaint.
    Complaint,
    /// Nothing.
    None,
}

/// The judgement, with the rule that led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What it means for the address.
    pub class: Class,
    /// Why.
    pub reason: Reason,
    /// Whose fault.
    pub side: Side,
    /// The innermost status where one reply wraps another, else the reported one.
    pub status: Option<EnhancedStatus>,
    /// Name of the rule that fired.
    pub rule: &'static str,
}

impl Verdict {
    /// Whether a text decided; otherwise only a code did, or nothing.
    #[must_use]
    pub fn is_by_text(&self) -> bool {
        !self.rule.starts_with("code-") && !self.rule.starts_with("nothing-")
    }
}

/// Judges one recipient's report.
#[must_use]
pub fn judge(facts: &Facts<'_>) -> Verdict {
    if let Some(text) = text::within(facts.text) {
        return judge_reply(&Facts { text, status: last_status(text), ..*facts });
    }
    match text::of_list(facts.text, facts.recipient) {
        // The codes are those of others.
        Some("") => judge_reply(&Facts { text: "", status: None, reply_code: None, ..*facts }),
        Some(text) => judge_reply(&Facts { text, is_shared: false, ..*facts }),
        None => judge_reply(facts),
    }
}

fn judge_reply(facts: &Facts<'_>) -> Verdict {
    let inner = last_status(facts.text);
    let telling = |status: Option<EnhancedStatus>| status.filter(|s| !says_nothing(*s));
    let status = telling(inner).or(telling(facts.status)).or(inner).or(facts.status);
    let code = reply_code(facts.text).or(facts.reply_code);
    let verdict = |class, reason, side, rule| Verdict { class, reason, side, status, rule };
    match facts.action {
        Action::Delivered => return verdict(Class::None, Reason::Undefined, Side::Unknown, "action-delivered"),
        Action::Relayed => return verdict(Class::None, Reason::Undefined, Side::Unknown, "action-relayed"),
        Action::Expanded => return verdict(Class::None, Reason::Undefined, Side::Unknown, "action-expanded"),
        _ => {}
    }
    let plain = Plain::of(facts.text, facts.recipient);
    if plain.contains_marker(MARKER) {
        return verdict(Class::None, Reason::OwnRefusal, Side::Unknown, "own-refusal");
    }
    let case = Case { stage: facts.stage, speaker: facts.speaker, status, code, is_given_up: plain.is_given_up() };
    let rule = match search::by_text(plain.as_str(), |rule| case.fits(rule)) {
        Some(rule) => rule,
        None => rules::all().find(|rule| rule.phrases.is_empty() && case.fits(rule)).unwrap_or(&rules::NOTHING),
    };
    let judged = verdict(rule.class, rule.reason, rule.side, rule.name);
    // sendmail writes Status 5.1.1 for every 550 to RCPT TO that has no code of its own, whatever its words say.
    let is_reporters = inner.is_none() && !matches!(rule.when, When::Reply(_)) && !facts.text.trim().is_empty();
    if rule.class == Class::Hard && rule.phrases.is_empty() && is_reporters {
        return Verdict { class: Class::Soft, reason: Reason::OnHold, rule: "code-hard-but-words-unread", ..judged };
    }
    if rule.class == Class::Hard { case.confirm(judged, facts, &plain, rule.when) } else { judged }
}

/// `x.0.0` is what a reporter writes who was not told a code.
fn says_nothing(status: EnhancedStatus) -> bool {
    (status.subject, status.detail) == (0, 0)
}

/// The facts, and of the words only whether they were said for a time.
#[derive(Clone, Copy)]
struct Case {
    stage: Stage,
    speaker: Speaker,
    status: Option<EnhancedStatus>,
    code: Option<u16>,
    is_given_up: bool,
}

impl Case {
    fn fits(&self, rule: &Rule) -> bool {
        match rule.when {
            When::Always => true,
            When::AtRcpt => self.stage == Stage::RcptTo || self.is_about_address(),
            When::AtData => self.stage == Stage::Data,
            When::AtMailFrom => self.stage == Stage::MailFrom,
            When::AtConnect => self.stage == Stage::Connect,
            When::Relay => self.speaker == Speaker::Relay,
            When::Reply(code) => self.code == Some(code),
            When::Permanent => !self.is_transient() && (self.status.is_some() || self.code.is_some()),
            When::Transient => self.is_transient(),
            When::Status(codes) => self.status.is_some_and(|s| codes.iter().any(|c| matches(*c, s))),
        }
    }

    /// RFC 3463 §3.2: subject 1 is the address; 5.1.7 to 5.1.9 are about the sender or another mailer.
    fn is_about_address(&self) -> bool {
        self.status.is_some_and(|s| s.class == 5 && s.subject == 1 && !(7..=9).contains(&s.detail) && s.detail != 0)
    }

    /// RFC 3463 §3.2: X.1.7 and X.1.8.
    fn is_about_sender(&self) -> bool {
        self.status.is_some_and(|s| s.subject == 1 && matches!(s.detail, 7 | 8))
    }

    /// RFC 3463 §3.3: X.2.2.
    fn is_of_full_mailbox(&self) -> bool {
        self.status.is_some_and(|s| (s.subject, s.detail) == (2, 2))
    }

    /// RFC 4954 §6, RFC 3463 §3.8, RFC 7372: X.7.8 to X.7.12, who logs in and how, and X.7.20 to X.7.29, what authenticates mail.
    fn is_about_client(&self) -> bool {
        self.status.is_some_and(|s| s.subject == 7 && matches!(s.detail, 8..=12 | 20..=29) && s.detail != NULL_MX)
    }

    /// RFC 5321 §4.2.2, RFC 4954 §6: 502 to 504, 530, 534, 535 and 538 are about commands and who gives them. 501 is so about
    /// the domain in HELO: sendmail's "501 5.0.0 Invalid domain name".
    fn is_about_session(&self, reason: Reason) -> bool {
        let of_parameter = self.code == Some(501) && reason == Reason::HostUnknown;
        !self.is_about_address() && (of_parameter || matches!(self.code, Some(502..=504 | 530 | 534 | 535 | 538)))
    }

    fn is_policy(&self) -> bool {
        self.status.is_some_and(|s| s.subject == 7 && s.detail != NULL_MX)
    }

    /// RFC 5321 §4.2.1, RFC 2034 §4: the reply code governs, but Exim gives up only on what was put off.
    fn is_transient(&self) -> bool {
        match (self.status, self.code) {
            _ if self.is_given_up => true,
            (_, Some(code)) if (400..500).contains(&code) => true,
            (Some(status), _) if !says_nothing(status) => status.class == 4,
            (_, Some(code)) => (400..500).contains(&code),
            (Some(status), None) => status.class == 4,
            (None, None) => false,
        }
    }

    /// Lets a hard verdict stand only if the reply was permanent and could be about this recipient alone.
    fn confirm(&self, judged: Verdict, facts: &Facts<'_>, plain: &Plain, when: When) -> Verdict {
        let softer = |reason, side, rule| Verdict { class: Class::Soft, reason, side, rule, ..judged };
        if facts.names_sender() {
            softer(Reason::Rejected, Side::Sender, "hard-text-about-sender")
        } else if judged.reason == Reason::HostUnknown && facts.names_others_only(plain) {
            softer(Reason::Rejected, Side::Sender, "hard-text-but-another-host")
        } else if judged.reason == Reason::Suppressed && !matches!(self.stage, Stage::MailFrom | Stage::Connect) {
            judged
        } else if judged.reason == Reason::HasMoved && self.status.is_none() && self.code.is_none() {
            // So an answer speaks of a shop that has moved, or of a colleague who left.
            softer(judged.reason, judged.side, "hard-text-without-code")
        } else if self.is_about_sender() {
            softer(Reason::Rejected, Side::Sender, "hard-text-but-sender-code")
        } else if self.speaker == Speaker::Relay && !(self.is_about_address() && self.stage == Stage::RcptTo) {
            softer(Reason::RelayRefused, Side::Sender, "hard-text-from-relay")
        } else if self.is_transient() || facts.action == Action::Delayed {
            softer(judged.reason, judged.side, "hard-text-but-transient")
        } else if self.is_of_full_mailbox() {
            softer(Reason::MailboxFull, Side::Recipient, "hard-text-but-code-of-full-mailbox")
        } else if self.is_about_client() {
            softer(Reason::Rejected, Side::Sender, "hard-text-but-client-code")
        } else if self.is_about_session(judged.reason) {
            softer(Reason::ProtocolError, Side::Sender, "hard-text-but-code-of-session")
        } else if self.is_policy() && !(self.stage == Stage::RcptTo && matches!(when, When::Always)) {
            // "550 5.7.1 No such user!" is one only if it was said to RCPT TO, in words that have no other meaning.
            softer(Reason::Filtered, Side::Unknown, "hard-text-but-policy-code")
        } else {
            match self.stage {
                Stage::MailFrom => softer(Reason::Rejected, Side::Sender, "hard-text-at-mail-from"),
                Stage::Connect => softer(Reason::Blocked, Side::Sender, "hard-text-at-connect"),
                Stage::Unknown if facts.is_shared && facts.names_another() => {
                    softer(Reason::Filtered, Side::Recipient, "hard-text-about-another")
                }
                // Words alone may be a filter's: docomo's "550 Unknown user" is, and Yahoo's.
                Stage::Data
                    if !self.is_about_address()
                        || facts.names_another()
                        || facts.is_shared && !facts.names_recipient() =>
                {
                    softer(Reason::Filtered, Side::Recipient, "hard-text-at-data")
                }
                _ => judged,
            }
        }
    }
}

/// RFC 7505 §4.2: X.7.27, "sender address has null MX"; sendmail writes it for a recipient's.
const NULL_MX: u16 = 27;

/// A code of the table against a status; class 0 in the table stands for 4 and 5.
fn matches((class, subject, detail): (u8, u16, u16), status: EnhancedStatus) -> bool {
    (class == 0 || class == status.class) && subject == status.subject && detail == status.detail
}

#[cfg(test)]
mod tests;
