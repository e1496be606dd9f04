//! The mail systems that write bounces their own way, most specific first, and how each is recognised.

use super::super::fields::Fields;

/// One mail system's habit. It fits if every non-empty list has something that occurs; all in lower case.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// Words in `From`.
    pub from: &'static [&'static str],
    /// Words in `Subject`.
    pub subject: &'static [&'static str],
    /// Words in the report.
    pub words: &'static [&'static str],
    /// A header field that must be there.
    pub field: &'static str,
}

impl Family {
    /// Whether a mail is of this family, by its header and what its report says.
    #[must_use]
    pub fn fits(&self, header: &Fields<'_>, from: &str, subject: &str, says: impl Fn(&str) -> bool) -> bool {
        let any = |list: &[&str], text: &str| list.is_empty() || list.iter().any(|w| text.contains(w));
        any(self.from, from)
            && any(self.subject, subject)
            && (self.words.is_empty() || self.words.iter().any(|w| says(w)))
            && (self.field.is_empty() || header.has(self.field))
    }
}

const fn by_words(name: &'static str, words: &'static [&'static str]) -> Family {
    Family { name, from: &[], subject: &[], words, field: "" }
}

/// Local parts that daemons write from.
const DAEMONS: &[&str] = &[
    "mailer-daemon",
    "mailer_daemon",
    "mailerdaemon",
    "mail.delivery",
    "mail-daemon",
    "mail delivery",
    "mail_delivery",
    "postmaster",
    "post_master",
    "post master",
    "system administrator",
    "mdaemon",
    "mailadm",
    "bounce",
    "mailmaster",
    "delivery system",
    "delivery subsystem",
    "delivery service",
    "undelivered",
    "imss@",
];

/// Subjects that only a report has.
const SUBJECTS: &[&str] = &[
    "undeliver",
    "delivery failure",
    "delivery failed",
    "failure delivery",
    "failure notice",
    "delivery status notification",
    "delivery notification",
    "delivery report",
    "delivery problem",
    "delivery error",
    "delivery has failed",
    "returned mail",
    "mail returned",
    "returned to sender",
    "returning message to sender",
    "returning to sender",
    "mail failure",
    "mail failed",
    "mail error",
    "mail delivery",
    "message delivery failure",
    "mail could not be delivered",
    "could not be delivered",
    "couldn't be delivered",
    "not delivered",
    "unable to deliver",
    "non-delivery",
    "nondeliverable",
    "non delivery",
    "user unknown",
    "unzustellbar",
    "nicht zugestellt",
    "non remis",
    "non délivré",
    "mail non recapitabile",
    "mancato recapito",
    "mensaje no entregado",
    "no se puede entregar",
    "недоставленное",
    "не доставлено",
    "退信",
    "配信",
    "届けられませんでした",
    "delayed mail",
    "delivery delayed",
    "message delayed",
    "bounce notification",
    "message status - undeliverable",
    "message you sent blocked",
    "message rejected",
    "mail rejected",
];

/// The table.
pub const FAMILIES: &[Family] = &[
    by_words("postfix", &["this is the mail system at host", "postfix program at host", "postfix program"]),
    by_words(
        "exim",
        &[
            "this message was created automatically by mail delivery software",
            "created automatically by mail delivery",
            "a message that you sent was rejected by the local scanning code",
            "a message that you sent contained no recipient addresses",
        ],
    ),
    by_words(
        "qmail",
        &[
            "this is the qmail-send program",
            "this is the machine generated message from mail service",
            "this is the mail delivery agent at",
            "unable to deliver your message to the following address",
            "wasn't able to deliver your message",
            "unable to deliver message to the following address",
            "this is the deliver program at",
        ],
    ),
    by_words("dragonfly", &["this is the dragonfly mail agent"]),
    by_words(
        "sendmail",
        &[
            "the original message was received at",
            "transcript of session follows",
            "the following addresses had permanent",
            "the following addresses had transient",
            "the following addresses had delivery",
            "the following addresses have delivery",
            "addresses had successful",
        ],
    ),
    by_words("courier", &["this is a delivery status notification from", "undeliverable mail notice from courier"]),
    by_words("opensmtpd", &["hi!\n\nthis is the mailer-daemon", "this is the mailer-daemon, please"]),
    by_words("exchange-2003", &["did not reach the following recipient"]),
    by_words(
        "exchange-2007",
        &["delivery has failed to these recipients", "diagnostic information for administrators", "generating server:"],
    ),
    by_words(
        "google",
        &[
            "delivery to the following recipient",
            "delivery to the following recipients",
            "technical details of permanent failure",
            "technical details of temporary failure",
            "** address not found **",
            "** message not delivered **",
            "** message blocked **",
            "** delivery incomplete **",
        ],
    ),
    by_words("yahoo", &["unable to deliver message to the following address"]),
    by_words("domino", &["was not delivered to:", "not listed in domino directory", "domino directory"]),
    by_words("groupwise", &["groupwise", "the attached file had the following undeliverable recipient"]),
    by_words("imail", &["invalid final delivery userid", "undeliverable to "]),
    by_words("mailenable", &["mailenable:", "message could not be delivered to some recipients"]),
    by_words("surgemail", &["your message cannot be delivered to the following"]),
    by_words("james", &["error message below:", "apache james"]),
    by_words("interscan", &["interscan messaging security suite", "message from interscan"]),
    by_words("mfilter", &["the following message was not delivered", "reason of bounce"]),
    by_words("amazon", &["an error occurred while trying to deliver the mail to the following recipients"]),
    by_words("sendgrid", &["this is an automatically generated message from sendgrid"]),
    by_words("phquery", &["--------message not delivered to the following", "error detail (phquery"]),
    by_words("hotpop", &["undeliverable address:"]),
    Family { name: "failed-recipients", from: &[], subject: &[], words: &[], field: "X-Failed-Recipients" },
    Family { name: "daemon", from: DAEMONS, subject: &[], words: REFUSALS, field: "" },
    Family { name: "subject", from: &[], subject: SUBJECTS, words: REFUSALS, field: "" },
];

/// Words that a report cannot do without, whatever its subject or sender.
const REFUSALS: &[&str] = &[
    "deliver",
    "undeliverable",
    "could not",
    "couldn't",
    "cannot",
    "unable to",
    "failed",
    "failure",
    "rejected",
    "refused",
    "returned",
    "unknown",
    "not found",
    "no such user",
    "invalid",
    "error",
    "blocked",
    "не может быть доставлено",
    "non è stato",
    "nicht zugestellt",
    "no se ha podido",
    "投递",
    "配信",
    "550 ",
    "552 ",
    "553 ",
    "554 ",
    "5.1.1",
];
