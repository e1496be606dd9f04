//! The table of rules. The first row that fits wins, so order is part of each row's meaning: what is about *us* stands before
//! what is about the mailbox, and codes come after words.
//!
//! A phrase is in the plain form of [`super::Plain`]; `*` stands for anything, within [`MAX_GAP`], between its halves. A row without phrases
//! goes by its condition alone and is asked only when no phrase of any row fits.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::{Class, Speaker, Stage};
use crate::event::{Reason, Side};

/// Where a rule applies.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// Everywhere.
    Always,
    /// Said to RCPT TO, or with a status about the address.
    AtRcpt,
    /// Said to DATA or at its end.
    AtData,
    /// Said to MAIL FROM.
    AtMailFrom,
    /// Said before MAIL FROM.
    AtConnect,
    /// Said by the relay.
    Relay,
    /// With a 5xx or 5.x.x.
    Permanent,
    /// With a 4xx or 4.x.x.
    Transient,
    /// With one of these codes; class 0 stands for 4 and 5.
    Status(&'static [(u8, u16, u16)]),
}

/// A text that a rule must fire on, with the circumstances it needs.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The words.
    pub text: &'static str,
    /// The `Status` field.
    pub status: &'static str,
    /// When it was said.
    pub stage: Stage,
    /// Who said it.
    pub speaker: Speaker,
}

/// One row: pattern, where it applies, verdict, an example.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name, in the database and in every explanation.
    pub name: &'static str,
    /// Any of these fits.
    pub phrases: &'static [&'static str],
    /// Where it applies.
    pub when: When,
    /// What it means for the address.
    pub class: Class,
    /// Why.
    pub reason: Reason,
    /// Whose fault.
    pub side: Side,
    /// A text that it fires on.
    pub example: Example,
}

/// The verdict where no row fits.
pub const NOTHING: Rule = rule("nothing-known", When::Always, SOFT, Reason::Undefined, Side::Unknown, said(""), &[]);

/// The best rule whose phrase is in the plain text and whose condition holds.
pub fn by_text(plain: &str, fits: impl Fn(&Rule) -> bool) -> Option<&'static Rule> {
    let mut best = RULES.len();
    for found in AUTOMATON.iter().flat_map(|a| a.find_overlapping_iter(plain)) {
        let Some(&(row, rest)) = PHRASES.get(found.pattern().as_usize()) else { continue };
        let tail = plain.get(found.end()..).unwrap_or_default();
        if row < best && has_rest(tail, rest) && RULES.get(row).is_some_and(&fits) {
            best = row;
        }
    }
    RULES.get(best)
}

fn has_rest(tail: &str, rest: &str) -> bool {
    rest.is_empty() || tail.find(rest).is_some_and(|at| at <= MAX_GAP)
}

/// Most bytes that `*` stands for: both halves must be of one sentence.
const MAX_GAP: usize = 80;

/// Row and second half of each phrase, in the order of the automaton's patterns.
static PHRASES: LazyLock<Vec<(usize, &'static str)>> = LazyLock::new(|| {
    let halves = |(row, phrase): (usize, &'static str)| (row, phrase.split_once('*').map_or("", |(_, rest)| rest));
    phrases().map(halves).collect()
});

/// Matches the first half of every phrase at once. The table is a constant, and a test builds it.
static AUTOMATON: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let first = phrases().map(|(_, phrase)| phrase.split_once('*').map_or(phrase, |(first, _)| first));
    AhoCorasick::new(first).ok()
});

fn phrases() -> impl Iterator<Item = (usize, &'static str)> {
    RULES.iter().enumerate().flat_map(|(row, rule)| rule.phrases.iter().map(move |phrase| (row, *phrase)))
}

const HARD: Class = Class::Hard;
const SOFT: Class = Class::Soft;

const fn rule(
    name: &'static str,
    when: When,
    class: Class,
    reason: Reason,
    side: Side,
    example: Example,
    phrases: &'static [&'static str],
) -> Rule {
    Rule { name, phrases, when, class, reason, side, example }
}

const fn said(text: &'static str) -> Example {
    Example { text, status: "", stage: Stage::Unknown, speaker: Speaker::Unknown }
}

const fn said_at(stage: Stage, text: &'static str) -> Example {
    Example { text, status: "", stage, speaker: Speaker::Unknown }
}

const fn coded(status: &'static str) -> Example {
    Example { text: "", status, stage: Stage::Unknown, speaker: Speaker::Unknown }
}

const fn relay_said(text: &'static str) -> Example {
    Example { text, status: "", stage: Stage::Unknown, speaker: Speaker::Relay }
}

/// The table: name, where it applies, class, reason, side, an example, the phrases.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    // What the relay says about us, and what it did not even try.
    rule("relay-suppression-list", When::Always, HARD, Reason::Suppressed, Side::Recipient,
        said("Amazon SES has suppressed sending: Address is on the suppression list"), &[
        "address is on the suppression list", "address is on the global suppression list",
        "on the suppression list for your account",
        "on the amazon ses suppression list", "on the account-level suppression list",
        "did not send the message to this address because", "recipient address suppressed",
        "not delivering to previously bounced address", "not delivering to a user who marked",
    ]),
    rule("relay-sender-not-verified", When::Always, SOFT, Reason::NotVerified, Side::Sender,
        said("554 Message rejected: Email address is not verified."), &[
        "email address is not verified", "email address not verified", "identities failed the check",
        "sender identity is not verified", "verified sender identity", "domain is not verified",
    ]),
    rule("relay-rate", When::Always, SOFT, Reason::Throttled, Side::Sender,
        said("454 Throttling failure: Maximum sending rate exceeded."), &[
        "maximum sending rate exceeded", "daily message quota exceeded", "daily sending quota", "sending quota",
        "relay quota", "sending limit", "sending limits", "exceeded * sending", "too many messages",
        "too many recipients", "too many connections", "too many concurrent", "too many sessions", "too many emails",
        "too many mails", "too many errors", "too many invalid", "too many unknown", "too many failed",
        "too many requests", "too much mail from", "rate limit", "rate-limit", "ratelimit", "rate exceeded",
        "throttl", "connection limit", "connection rate", "receiving mail at a rate", "receiving mail too quickly",
        "recipients this hour", "messages per hour", "exceeded the maximum number of",
        "exceeds the maximum number of", "exceeded the limit of", "frequency limit", "mail flood", "sending too fast",
        "slow down", "unusual rate", "too many times", "limit exceeded for sender", "limite de connexion",
        "concurrent connections",
    ]),
    rule("relay-account", When::Always, SOFT, Reason::RelayRefused, Side::Sender,
        said("554 Message rejected: Sending paused for this account."), &[
        "sending paused for this account", "sending suspended for", "sending has been disabled",
        "is not authorized to perform", "authentication required", "authentication is required",
        "authentication credentials invalid", "must be authenticated", "must authenticate", "please authenticate",
        "not logged in", "user name is missing", "account is under review", "unauthenticated senders not allowed",
        "use the smtp server of your isp", "relay access denied", "relaying denied", "relay denied",
        "relaying not allowed", "relay not permitted", "relaying is not", "relay is not", "relaying prohibited",
        "unable to relay", "cannot relay", "not permitted to relay", "do not relay", "don't relay",
        "relaying mail to", "no relaying", "insecure mail relay", "rcpthosts",
    ]),
    // What is about a sender's address, and would read like an unknown user.
    rule("sender-address", When::Always, SOFT, Reason::Rejected, Side::Sender,
        said("553 5.1.8 <us@example.net>... Domain of sender address us@example.net does not exist"), &[
        "sender address", "sender's address", "domain of sender", "@host does not exist", "@host not found",
        "sender's mailbox", "sender domain", "sender's domain", "sender rejected", "sender denied", "sender unknown",
        "sender verify", "sender verification", "sender is not", "sender not ", "sender was rejected",
        "sender has been rejected", "sender blocked", "sender is blocked", "sender refused", "sender reject",
        "unknown sender", "invalid sender", "unauthorized sender", "unauthorised sender", "bad sender",
        "bogus sender", "bogus mail from", "invalid mail from", "mail from domain", "mailfrom domain",
        "mail from address", "mail from @addr rejected", "mail from: @addr", "from address", "from: address",
        "from domain", "from @addr not", "in reply to mail from", "envelope sender", "envelope from",
        "envelope blocked", "envelope-from", "return path", "return-path", "reverse path", "reverse-path",
        "valid sender", "no resent-from", "null sender", "null reverse", "not accepting mail from",
        "not accept mail from", "not accepting messages from", "does not accept mail from",
        "doesn't accept mail from", "cannot accept mail from", "refuses mail from", "do not accept mail from",
        "permission to post", "allowed to post", "not allowed to post", "posting to", "only accepts messages from",
        "accepts messages only from", "accepts mail only from", "restricted to * members", "not a member",
        "non-member", "subscribers only", "members only", "member of the group", "does not like sender",
        "authrequired", "resolver.rst.notauthorized", "resolver.rst.sendernot", "resolver.rst.authrequired",
        "not authorized to send", "not authorised to send", "not permitted to send", "don't have permission to send",
        "do not have permission to send", "doesn't have permission to send", "not have permission to send",
        "sendasdenied", "could not verify", "callout", "your domain", "your email address", "your e-mail address",
        "your address", "personal blacklist", "blocked by the recipient", "blocked by recipient", "user rejected",
        "blocked by user",
    ]),
    rule("sender-authentication", When::Always, SOFT, Reason::AuthFailure, Side::Sender,
        said("550-5.7.26 Unauthenticated email from example.net is not accepted due to domain's DMARC policy."), &[
        "dmarc", " spf", "spf ", "(spf", "sender policy framework", "dkim", "domainkeys", "unauthenticated email",
        "unauthenticated mail", "sender is unauthenticated", "authentication information", "authentication checks",
        "authentication check", "fails authentication", "failed authentication", "sender id", "senderid",
        "not allowed to send from", "not designated", "allowed to send mail for", "sender not authenticated",
        "domain authentication", "arc validation", "pass authentication", "authentication requirements",
    ]),
    // A name in a directory is "listed" too, so this stands before the block lists.
    rule("user-not-listed", When::Always, HARD, Reason::UserUnknown, Side::Recipient,
        said("User Bob (bob@example.com) not listed in Domino Directory"), &[
        "not listed in", "not listed on", "not found in * directory", "not in address list",
        "not in the address book", "not in directory", "does not exist in directory",
        "no matches to nameserver query", "matches to nameserver query",
    ]),
    rule("greylisted", When::Always, SOFT, Reason::Greylisted, Side::Unknown,
        said("450 4.2.0 <bob@example.com>: Recipient address rejected: Greylisted"), &[
        "greylist", "graylist", "grey-list", "gray-list", "grey list", "gray list", "postgrey", "please retry later",
        "please try again in", "come back in", "come back later", "too early",
    ]),
    rule("account-blocked", When::Always, SOFT, Reason::Suspended, Side::Recipient,
        said("550 5.2.1 this account is blocked"), &[
        "account is blocked", "mailbox is locked", "account is locked", "account locked", "account blocked",
        "account has been blocked", "mailbox is blocked", "mailbox blocked", "user is blocked",
        "recipient is blocked", "mailbox has been blocked",
    ]),
    // Certain, and before the words that they share with others: qmail speaks of an IP address that it could not find, and a null
    // MX (RFC 7505) "does not accept mail".
    rule("host-unknown-for-certain", When::Always, HARD, Reason::HostUnknown, Side::Recipient,
        said("Sorry, I couldn't find a mail exchanger or IP address. (#5.4.4)"), &[
        "couldn't find any host named", "couldn't find a mail exchanger", "null mx", "nullmx", "mx is null",
    ]),
    rule("client-blocked", When::Always, SOFT, Reason::Blocked, Side::Sender,
        said("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using dnsbl.example"), &[
        "blocked using", "blocked by", "blocked for", "blocked due", "blocked because", "blocked from", "is blocked",
        "been blocked", "was blocked", "are blocked", "temporarily blocked", "connection blocked",
        "currently blocked", "ip blocked", "] blocked", "spamhaus", "spamcop", "sorbs", "spfbl", "uceprotect",
        "senderbase", "barracudacentral", "blacklist", "black list", "black-list", "blocklist", "block list",
        "block-list", "blackhole", "deny list", "denylist", "listed in ", "listed at ", "listed on ", "listed by ",
        "is listed", "are listed", "dnsbl", "dnsrbl", " rbl", "rbl ", "reputation", "client host", "client address",
        "your ip", "ip address is", "ip address has", "ip address was", "ip address [", "ip address (",
        "ip address 1", "ip address 2", "the ip address", "this ip address", "sender ip address", "ip address: ",
        "mail from your", "email from your", "messages from your", "connections from your", "message from your",
        "your host", "your mail server", "your mailserver", "your server", "your network", "your isp", "sending ip",
        "sender ip", "ip is ", "ip [", "ip: ", "ip=", "from ip", "this ip", "source ip", "remote ip", "sending mta",
        "sending server", "sending mail server", "reverse dns", "reverse lookup", "reverse hostname", "rdns",
        "ptr record", "no ptr", "missing ptr", "ptr lookup", "find your hostname", "cannot find your", "helo command",
        "helo rejected", "invalid helo", "bad helo", "helo name", "ehlo name", "helo/ehlo", "dialup", "dial-up",
        "dynamic ip", "dynamic address", "dynamic pool", "residential", "not accepting connections",
        "refusing connections", "no smtp service here", "connection denied", "connection rejected",
        "connections not accepted", "access to this mail system", "bad host", "service refused", "service refuse",
        "unverifyable sending", "temporarily deferred", "user complaints", "banned", "server access",
        "part of their network", "mail from your", "refused to talk to me", "open relay", "open proxy", "botnet",
        "harvest", "dictionary attack", "directory attack", "suspicious activity", "esmtp not accepting", "cloudmark",
    ]),
    rule("virus", When::Always, SOFT, Reason::VirusDetected, Side::Sender, said("550 5.7.0 Virus detected"), &[
        "virus", "malware", "infected", "trojan", "phish", "potentially harmful", "dangerous attachment", "malicious",
    ]),
    rule("spam", When::Always, SOFT, Reason::SpamDetected, Side::Sender,
        said("550 5.7.1 Message rejected as spam by Content Filtering."), &[
        "spam", "unsolicited", " ube", "junk", "bulk mail", "bulk email", "content rejected", "content denied",
        "content filter", "message content", "likely suspicious", "suspicious", "unwanted content", "bad content",
        "rejected for content", "rejected due to content", "because of its content", "due to the content",
        "high probability of", "rejected by filter", "classified as", "mail rejete", "mail rejected. ofr",
        "objectionable", "advertis", "scored", "considered as",
    ]),
    // What is wrong with the message.
    rule("message-too-big", When::Always, SOFT, Reason::TooBig, Side::Sender,
        said("552 5.3.4 Message size exceeds fixed limit"), &[
        "message size", "size of the message", "message too large", "message too big", "message is too",
        "message length", "message file too big", "mail size", "size limit", "size exceed", "exceeds * size",
        "exceeded * message size", "exceeds size", "maximum size", "max message", "too large", "too big",
        "too long a message", "line limit exceeded", "line too long", "lines too long",
        "exceeds administrative limit", "exceeds fixed", "recipsizelimit", "sendersizelimit", "exceeds limit",
        "exceeds the limit", "attachment size",
    ]),
    // The mailbox is there, but full.
    rule("mailbox-full", When::Always, SOFT, Reason::MailboxFull, Side::Recipient,
        said("550 5.2.2 <bob@example.com>... Mailbox full"), &[
        "mailbox full", "mailbox is full", "mailbox * is full", "mailbox * full", "mailfolder is full",
        "inbox is full", "inbox full", "mail box full", "mail box is full", "mail box space", "account is full",
        "account full", "folder is full", "is over quota", "quota", "over the limit", "overquota", "over disk",
        "over its disk", "storage limit", "storage space", "out of storage", "storage exceed", "exceeded storage",
        "exceeded * storage", "exceed * mailbox", "exceeded * mailbox", "mailbox * exceeded", "mailbox exceed",
        "mailbox has exceeded", "mailbox size", "mailbox exceeds", "mailbox over", "mailbox limit",
        "mailbox for user is full", "in recipient's mailbox exceed", "maildir", "too much mail", "mail box exceed",
        "space not enough", "allocated space", "allotted", "not enough space", "no space left",
        "has run out of space", "no more space", "full mailbox", "messages in mailbox", "recipient storage",
        "recipient over", "boite pleine", "boîte pleine", "boite aux lettres est pleine",
        "boîte aux lettres est pleine", "postfach voll", "postfach ist voll", "casella piena", "buzon lleno",
        "buzón lleno", "caixa postal cheia", "caixa cheia", "ящик переполнен", "почтовый ящик получателя переполнен",
        "memory allocation quota", "mailbox_full", "容量", "邮箱已满",
    ]),
    rule("system-full", When::Always, SOFT, Reason::SystemFull, Side::Transport,
        said("452 4.3.1 Insufficient system storage"), &[
        "disk space", "disk full", "disk is full", "insufficient system", "insufficient space",
        "insufficient storage", "insufficient resources", "insufficient disk", "mail system full",
        "filesystem is full", "file system full", "queue full", "low on space",
    ]),
    // Trouble of a system, dressed as an unknown user.
    rule("delivery-program", When::Always, SOFT, Reason::SystemError, Side::Transport,
        said("procmail: Couldn't create \"/var/mail/bob\": No such user"), &[
        "procmail", "pipe to", "pipe returned", "command died", "command failed", "command output", "mailer error",
        "couldn't create", "could not create", "cannot create", "can't create", "permission denied", "could not open",
        "cannot open", "can't open", "unable to open", "cannot append", "cannot update mailbox", "unable to lock",
        "maildrop", "exit status", "exited with", "unknown mailer error", "program failed", "error writing",
        "temporary failure", "temporary error", "temporary service", "temporary problem", "temporarily unavailable",
        "temporary system", "temporary local", "local delivery failed", "lmtp error",
    ]),
    rule("dns-trouble", When::Always, SOFT, Reason::NetworkError, Side::Transport,
        said("Name service error for example.com: Host not found, try again"), &[
        "host not found, try again", "delivery temporarily suspended", "host name lookup failure",
        "lookup failed temporarily", "temporary lookup", "lookup deferred", "dns error", "dns failure", "dns timeout",
        "dns lookup", "dns server", "servfail", "server failure", "malformed or unexpected name server reply",
        "name server timeout", "cname lookup", "lookup failure",
    ]),
    // The mailbox is closed, for a while or for ever: experts differ, so it is soft and counted.
    rule("suspended", When::Always, SOFT, Reason::Suspended, Side::Recipient,
        said("525 5.7.13 Disabled recipient address"), &[
        "account disabled", "account is disabled", "account has been disabled",
        "account that you tried to reach is disabled", "account is currently disabled", "account was disabled",
        "disabled or discontinued", "mailbox disabled", "mailbox is disabled", "mailbox has been disabled",
        "mailbox currently disabled", "mailbox unavailable or access denied", "user disabled", "user is disabled",
        "user account is disabled", "address disabled", "address is disabled", "email address has been disabled",
        "disabled recipient", "recipient disabled", "recipient is disabled", "disabled user", "is disabled",
        "been disabled", "inactive", "not active", "no longer active", "deactivated", "desactivado", "suspend",
        "discontinued", "account closed", "account is closed", "account has been closed", "mailbox closed",
        "account locked", "account is locked", "locked", "account expired", "account has expired", "expired account",
        "account terminated", "frozen", "dormant", "unable to receive", "not accepting messages",
        "not accepting mail", "does not accept mail", "cannot receive mail", "cannot receive e", "can't receive mail",
        "isn't receiving", "is currently not permitted to receive", "not permitted to receive",
        "not allowed to receive", "no longer accepting", "no longer accepts", "is not able to receive",
        "not receiving mail",
    ]),
    // A blocked or rejected recipient whom nobody calls unknown.
    rule("recipient-access-denied", When::Always, SOFT, Reason::Filtered, Side::Recipient,
        said("550 5.4.1 Recipient address rejected: Access denied. AS(201806281)"), &[
        "recipient address rejected: access denied", "recipient address rejected: blocked",
        "recipient address rejected: not allowed", "recipient address rejected: policy", "badrcptto",
        "message filtered", "filtered", "refused by recipient", "recipient preferences", "rejected by recipient",
        "recipient refused", "recipient does not want", "domain filter", "refused to accept",
    ]),
    // A report that guesses has not been told.
    rule("guesswork", When::Always, SOFT, Reason::OnHold, Side::Unknown,
        said("the account or domain may not exist"), &[
        "may not exist", "might not exist", "may be invalid", "might be invalid", "may be incorrect",
        "may be misspelled", "possible reasons", "possible causes", "one of the following reasons", "likely reasons",
        "common reasons", "probably",
    ]),
    rule("has-moved", When::Always, HARD, Reason::HasMoved, Side::Recipient,
        said("550 5.1.6 Destination mailbox has moved, no forwarding address"), &[
        "has moved", "user has moved to", "no longer at this", "no longer at that", "has been replaced by",
        "address has changed", "address changed", "has a new address", "new e-mail address", "recipient moved",
        "mailbox has moved", "user moved",
    ]),
    // No such domain.
    rule("host-unknown", When::Always, HARD, Reason::HostUnknown, Side::Recipient,
        said("Host or domain name not found. Name service error for name=example.com type=A: Host not found"), &[
        "host unknown", "unknown host", "host not found", "host * not found", "no such host", "no such domain",
        "domain name not found", "domain not found", "recipient domain not found", "recipient domain does not exist",
        "domain @rdom not found", "domain does not exist", "domain @rdom does not exist", "@rdom does not exist",
        "@rdom: no such domain", "domain doesn't exist", "domain lookup failed", "unknown domain", "invalid domain",
        "bad domain", "nonexistent domain", "non-existent domain", "non-existent hosts", "nxdomain", "unrouteable",
        "unroutable", "bad destination system", "bad destination host", "name or service not known",
        "couldn't find any host", "any host by that name", "couldn't find a mail exchanger", "no mail exchanger",
        "no mx record", "no mx or a", "no mx found", "all host address lookups failed permanently",
        "lookups failed permanently", "illegal host/domain name", "domain is not hosted", "domain isn't in my list",
        "no such hosted domain", "domain is invalid", "domain name does not exist",
    ]),
    // No such mailbox.
    rule("user-unknown", When::Always, HARD, Reason::UserUnknown, Side::Recipient,
        said("550 5.1.1 <bob@example.com>: Recipient address rejected: User unknown in virtual mailbox table"), &[
        "user unknown", "rejected recipient @rcpt", "address rejected: user", "user @rcpt not known",
        "is not a valid mailbox", "is not a valid user", "is not a valid recipient", "is not a valid email",
        "is not a valid address", "not a valid mailbox", "not a valid user", "not a valid recipient",
        "no mailbox here", "no mailbox by", "no user by", "no account by", "there is no user", "there is no such",
        "no mailbox found", "no account here", "no user here", "@rcpt does not exist", "@rcpt doesn't exist",
        "@rcpt not found", "@rcpt: not found", "@rcpt was not found", "@rcpt wasn't found",
        "e-mail address you entered couldn't be found", "email address you entered couldn't be found",
        "recipient's e-mail address was not found", "no valid recipients", "unknown user account", "unknown user",
        "user is unknown", "user was unknown", "user @rcpt unknown", "user @rcpt is unknown",
        "unknown or illegal user", "unknown or illegal alias", "unknown local", "unknown address", "address unknown",
        "address is unknown", "unknown recipient", "recipient unknown", "recipient is unknown",
        "recipient address unknown", "unknown account", "account unknown", "unknown mailbox", "mailbox unknown",
        "unknown in * table", "unknown alias", "no such user", "couldn't find an account",
        "couldn't find any account", "no such recipient", "no such recipient domain", "no such mailbox",
        "no such account", "no such address", "no such person", "no such local", "no such email", "no such e-mail",
        "no such virtual", "no such name", "no such mail drop", "no such maildrop", "user not found",
        "user @rcpt not found", "user * not found", "user does not exist", "user doesn't exist",
        "user @rcpt does not exist", "user @rcpt doesn't exist", "user * does not exist", "user * doesn't exist",
        "user not exist", "user no exist", "user not local", "user invalid", "user doesn't have",
        "user does not have", "user non-existent", "user nonexist", "invalid user", "invalid recipient",
        "invalid mailbox", "invalid email", "invalid e-mail", "invalid final delivery", "invalid local",
        "address invalid", "address is invalid", "recipient invalid", "recipient is invalid", "recipient not found",
        "recipient not known", "recipient not exist", "recipient does not exist", "recipient doesn't exist",
        "recipient * does not exist", "recipient * not found", "recipient address not found",
        "recipient name is not recognized", "recipient no longer", "recipient not recognized", "recipient not listed",
        "recipnotfound", "recipientnotfound", "recipient cannot be found", "recipient could not be found",
        "recipient unavailable", "not found by smtp address lookup", "mailbox not found", "mailbox does not exist",
        "mailbox doesn't exist", "mailbox @rcpt does not exist", "mailbox * does not exist", "mailbox not exist",
        "mailbox nonexist", "mailbox invalid", "mailbox is invalid", "mailbox removed", "mailbox deleted",
        "account not found", "account does not exist", "account doesn't exist", "account not exist",
        "account that you tried to reach does not exist", "account has been deleted", "account has been removed",
        "account deleted", "address not found", "address does not exist", "address doesn't exist",
        "address not exist", "address not present", "address no longer", "address wasn't found", "no longer in use",
        "no longer exist", "no longer on server", "no longer employed", "not our customer", "not our user",
        "not a known user", "not a recognised", "not a recognized", "not a user", "not known here", "not known at",
        "not recognized here", "bad destination mailbox", "bad destination email", "bad recipient", "bad mailbox",
        "destination mailbox address", "mailbox not allowed", "illegal user", "illegal alias",
        "delivery address unknown", "not have a final email delivery point", "destinataire invalide",
        "destinataire inconnu", "utilisateur inconnu", "adresse inconnue",
        "adresse d au moins un destinataire invalide", "boite inconnue", "empfänger unbekannt",
        "empfaenger unbekannt", "empfänger existiert nicht", "adresse existiert nicht", "benutzer unbekannt",
        "utente sconosciuto", "utente inesistente", "casella inesistente", "destinatario desconocido",
        "usuario desconocido", "usuario no existe", "usuario inexistente", "destinatario inexistente",
        "usuário desconhecido", "usuario nao encontrado", "nie istnieje", "bestaat niet", "onbekend",
        "пользователь не найден", "не зарегистрирован", "用户不存在", "收件人不存在", "邮箱不存在",
    ]),
    // Time ran out, or the way is bad.
    rule("expired", When::Always, SOFT, Reason::Expired, Side::Transport,
        said("554 4.4.7 Message expired: unable to deliver in 840 minutes."), &[
        "message expired", "envelope expired", "delivery failed * attempts", "delivery time expired",
        "delivery expired", "queue.expired", "queue too long", "queue lifetime", "too long in the queue",
        "in the queue too long", "been in the queue", "in queue", "retry time", "retry timeout", "retries exhausted",
        "retry count", "number of retries", "deliver for the last", "been failing", "not been collected",
        "message timed out", "delivery timed out", "timed out while", "timed out waiting", "too old",
        "will be retried", "will retry", "be retried for", "being retried", "been delayed", "delivery delayed",
        "delayed mail", "not yet been delivered", "not yet delivered", "yet been delivered", "maximum-time-expired",
        "was aborted after", "unable to deliver in", "undeliverable for", "could not be delivered for",
        "could not be delivered within", "could not be delivered after", "not delivered after",
        "unable to deliver * for * days", "delivery has failed * hours", "cannot be delivered within",
        "did not respond", "not responding", "no response from", "unable to contact", "has expired in queue",
        "time limit", "deadline",
    ]),
    rule("mail-loop", When::Always, SOFT, Reason::MailLoop, Side::Transport, said("554 5.4.6 Too many hops"), &[
        "hop count", "too many hops", "mail loop", "mail forwarding loop", "routing loop", "loop detected",
        "loops back to myself", "loops back to me", "local configuration error", "message is looping", "looping",
        "too many received", "loop: ",
    ]),
    rule("network", When::Always, SOFT, Reason::NetworkError, Side::Transport,
        said("connect to mx.example.com[192.0.2.1]:25: Connection refused"), &[
        "connection timed out", "establish an smtp connection", "establish smtp connection", "requests to connect",
        "connection time out", "connection timeout", "connection refused", "connection reset", "connection dropped",
        "connection died", "connection was closed", "connection closed", "connection lost", "connection failed",
        "lost connection", "broken pipe", "remote host closed", "unexpectedly closed", "no route to host",
        "network is unreachable", "network unreachable", "host is unreachable", "host unreachable", "host is down",
        "conversation with", "could not connect", "couldn't connect", "cannot connect", "can't connect",
        "unable to connect", "failed to connect", "smtp connect", "find a gateway",
        "malformed or unexpected name server reply", "server failure", "dns server", "dns error", "dns failure",
        "dns problem", "dns timeout", "dns lookup", "dns query failed", "lookup failed temporarily", "cname lookup",
        "name server: @host: host name lookup failure", "host name lookup failure", "temporary lookup",
        "lookup failure", "name server timeout", "timed out", "timeout", "tls handshake", "tls negotiation",
        "starttls", "certificate", "ssl", "mta-sts", "bad connection", "no answer from host", "socket",
    ]),
    rule("user-unknown-loosely", When::AtRcpt, HARD, Reason::UserUnknown, Side::Recipient,
        said_at(Stage::RcptTo, "550 that one does not exist"), &[
        "was not found", "user not known", "user is not known", "did not exist", "do not exist", "don't exist",
        "non existent", "is not valid", "isn't a valid", "not a valid", "is not a valid", "could not be found",
        "couldn't be found", "wasn't found", "does not exist", "doesn't exist", "no user", "no account", "no mailbox",
        "no recipient", "no mail box", "invalid address", "bad address", "address error", "no longer available",
        "no longer valid", "could not be resolved", "no existe", "не существует", "не найден", "nonexistent",
        "non-existent", "non-existing", "invalid account", "address rejected @rcpt", "mailbox unavailable. user",
    ]),
    rule("content", When::Always, SOFT, Reason::ContentError, Side::Sender,
        said("554 Transaction failed: Duplicate header 'Date'."), &[
        "duplicate header", "improper use of 8-bit", "8-bit", "rfc 5322", "rfc5322", "rfc 2822", "rfc2822", "rfc 822",
        "not rfc", "rfc compliant", "rfc-compliant", "bare lf", "bare linefeed", "bare cr", "media error",
        "media type", "mime ", "message header", "header error", "headers", "message-id", "date header", "to header",
        "subject", "charset", "malformed", "smtputf8", "conversion", "attachment",
    ]),
    rule("policy", When::Always, SOFT, Reason::Policy, Side::Sender, said("550 5.7.0 Local Policy Violation"), &[
        "policy", "policies", "prohibited", "access denied", "access is denied", "access control", "not authorized",
        "not authorised", "unauthorized", "not allowed", "not permitted", "forbidden", "security", "administrative",
        "administratively", "rejected by", "refused by", "denied", "blocked", "message rejected", "message refused",
        "message was rejected", "message not accepted", "message was not accepted", "not accepted", "violation",
        "restricted", "encrypt",
    ]),
    rule("mailbox-unavailable", When::Permanent, HARD, Reason::UserUnknown, Side::Recipient,
        said("550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)."), &[
        "mailbox unavailable", "mailbox not available",
    ]),
    rule("protocol", When::Always, SOFT, Reason::ProtocolError, Side::Sender,
        said("504 Command parameter not implemented"), &[
        "not implemented", "bad sequence", "syntax error", "command not", "command unrecognized",
        "unrecognized command", "command rejected", "unexpected", "protocol", "unimplemented", "command parameter",
        "polite people say", "out of sequence",
    ]),
    rule("system", When::Always, SOFT, Reason::SystemError, Side::Transport,
        said("554 5.3.0 Internal system error"), &[
        "internal error", "internal server", "system error", "server error", "system incorrectly configured",
        "system problem", "mail system problem", "transaction failed", "configuration", "configured",
        "service unavailable", "service not available", "upstream error", "could not load", "unable to process",
        "local error", "unavailable", "out of memory", "software error", "resources", "cannot process",
        "processing error", "error in processing", "out of service", "maintenance", "overload", "system is busy",
        "congestion", "server busy",
    ]),
    // Who spoke and when, where the words don't tell.
    rule("nothing-said-by-relay", When::Relay, SOFT, Reason::RelayRefused, Side::Sender,
        relay_said("554 Something new"), &[]),
    rule("nothing-said-at-mail-from", When::AtMailFrom, SOFT, Reason::Rejected, Side::Sender,
        said_at(Stage::MailFrom, "550 5.1.1 go away"), &[]),
    rule("nothing-said-at-connect", When::AtConnect, SOFT, Reason::Blocked, Side::Sender,
        said_at(Stage::Connect, "554 go away"), &[]),
    // The codes alone.
    rule("code-user-unknown", When::Status(&[(5, 1, 1), (5, 1, 3), (5, 1, 4), (5, 1, 10), (5, 1, 351)]), HARD, Reason::UserUnknown, Side::Recipient,
        coded("5.1.1"), &[]),
    rule("code-host-unknown", When::Status(&[(5, 1, 2)]), HARD, Reason::HostUnknown, Side::Recipient,
        coded("5.1.2"), &[]),
    rule("code-has-moved", When::Status(&[(5, 1, 6)]), HARD, Reason::HasMoved, Side::Recipient, coded("5.1.6"), &[]),
    rule("code-sender", When::Status(&[(0, 1, 7), (0, 1, 8)]), SOFT, Reason::Rejected, Side::Sender,
        coded("5.1.8"), &[]),
    rule("code-mailbox-disabled", When::Status(&[(5, 2, 1), (5, 7, 13)]), SOFT, Reason::Suspended, Side::Recipient,
        coded("5.2.1"), &[]),
    rule("code-mailbox-full", When::Status(&[(0, 2, 2)]), SOFT, Reason::MailboxFull, Side::Recipient,
        coded("5.2.2"), &[]),
    rule("code-too-big", When::Status(&[(0, 2, 3), (0, 3, 4), (0, 7, 16)]), SOFT, Reason::TooBig, Side::Sender,
        coded("5.3.4"), &[]),
    rule("code-system-full", When::Status(&[(0, 3, 1)]), SOFT, Reason::SystemFull, Side::Transport, coded("4.3.1"), &[]),
    rule("code-expired", When::Status(&[(0, 4, 7)]), SOFT, Reason::Expired, Side::Transport, coded("4.4.7"), &[]),
    rule("code-loop", When::Status(&[(0, 4, 6)]), SOFT, Reason::MailLoop, Side::Transport, coded("5.4.6"), &[]),
    rule("code-network", When::Status(&[(0, 4, 0), (0, 4, 1), (0, 4, 2), (0, 4, 3), (0, 4, 4), (0, 4, 5)]), SOFT, Reason::NetworkError, Side::Transport,
        coded("4.4.1"), &[]),
    rule("code-system", When::Status(&[(0, 3, 0), (0, 3, 2), (0, 3, 3), (0, 3, 5)]), SOFT, Reason::SystemError, Side::Transport,
        coded("5.3.5"), &[]),
    rule("code-protocol", When::Status(&[(0, 5, 0), (0, 5, 1), (0, 5, 2), (0, 5, 3), (0, 5, 4), (0, 5, 5)]), SOFT, Reason::ProtocolError, Side::Sender,
        coded("5.5.4"), &[]),
    rule("code-authentication", When::Status(&[ (0, 7, 20), (0, 7, 21), (0, 7, 22), (0, 7, 23), (0, 7, 24), (0, 7, 26), (0, 7, 29), (5, 7, 509), ]), SOFT, Reason::AuthFailure, Side::Sender,
        coded("5.7.26"), &[]),
    rule("code-client-blocked", When::Status(&[(0, 7, 25), (5, 7, 511), (5, 7, 606), (5, 7, 708)]), SOFT, Reason::Blocked, Side::Sender,
        coded("5.7.25"), &[]),
    rule("code-policy", When::Status(&[(0, 7, 0), (0, 7, 1), (0, 7, 2), (0, 7, 3), (0, 7, 5), (0, 7, 7), (0, 7, 8), (0, 7, 9)]), SOFT, Reason::Policy, Side::Sender,
        coded("5.7.1"), &[]),
    rule("code-content", When::Status(&[ (0, 6, 0), (0, 6, 1), (0, 6, 2), (0, 6, 3), (0, 6, 4), (0, 6, 5), (0, 6, 6), (0, 6, 7), (0, 6, 9), ]), SOFT, Reason::ContentError, Side::Sender,
        coded("5.6.0"), &[]),
    rule("code-mailbox-other", When::Status(&[(0, 2, 0), (0, 2, 4)]), SOFT, Reason::Filtered, Side::Recipient,
        coded("5.2.0"), &[]),
    rule("nothing-said-at-data", When::AtData, SOFT, Reason::Filtered, Side::Unknown,
        said_at(Stage::Data, "554 no"), &[]),
    rule("code-transient", When::Transient, SOFT, Reason::SystemError, Side::Transport, coded("4.0.0"), &[]),
    rule("code-permanent", When::Permanent, SOFT, Reason::OnHold, Side::Unknown, coded("5.0.0"), &[]),
];
