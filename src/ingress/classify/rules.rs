//! The table of rules. The first row that fits wins, so order is part of each row's meaning: what is about *us* stands before
//! what is about the mailbox, and codes come after words.
//!
//! A phrase is in the plain form of [`super::Plain`]; `*` stands for anything, within [`MAX_GAP`], between its halves. A row without phrases
//! goes by its condition alone and is asked only when no phrase of any row fits.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::AhoCorasick;

use super::{Class, Speaker, Stage};
use crate::event::{Reason, Side};
use crate::ingress::pairs::Pairs;

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
    /// With this SMTP reply code.
    Reply(u16),
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
///
/// pipe(8) starts a process for each mail, where building the automaton would cost more than all else; so the first
/// [`FEW`] texts are searched phrase by phrase.
pub fn by_text(plain: &str, fits: impl Fn(&Rule) -> bool) -> Option<&'static Rule> {
    if ASKED.load(Ordering::Relaxed) < FEW {
        ASKED.fetch_add(1, Ordering::Relaxed);
        return phrase_by_phrase(plain, fits);
    }
    all_at_once(plain, fits)
}

/// How many texts are searched phrase by phrase before the automaton is built.
const FEW: usize = 32;

static ASKED: AtomicUsize = AtomicUsize::new(0);

fn phrase_by_phrase(plain: &str, fits: impl Fn(&Rule) -> bool) -> Option<&'static Rule> {
    let pairs = Pairs::of(plain);
    let has = |phrase: &&str| {
        let (first, rest) = phrase.split_once('*').unwrap_or((phrase, ""));
        if !pairs.may_have(first) {
            return false;
        }
        let tail = |at: usize| plain.get(at + first.len()..).unwrap_or_default();
        plain.match_indices(first).any(|(at, _)| has_rest(tail(at), rest))
    };
    RULES.iter().find(|rule| fits(rule) && rule.phrases.iter().any(&has))
}

fn all_at_once(plain: &str, fits: impl Fn(&Rule) -> bool) -> Option<&'static Rule> {
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
        "on the suppression list for your account", "on the amazon ses suppression list",
        "on the account-level suppression list", "did not send the message to this address because",
        "recipient address suppressed", "not delivering to previously bounced address",
        "not delivering to a user who marked", "account level suppression list", "on our suppression list",
        "previously hard bounced", "address has previously bounced", "recipient is suppressed",
        "suppressed because the recipient", "message to suppressed recipient", "is on your suppression list",
    ]),
    rule("relay-sender-not-verified", When::Always, SOFT, Reason::NotVerified, Side::Sender,
        said("554 Message rejected: Email address is not verified."), &[
        "email address is not verified", "email address not verified", "identities failed the check",
        "sender identity is not verified", "verified sender identity", "domain is not verified",
    ]),
    rule("relay-rate", When::Always, SOFT, Reason::Throttled, Side::Sender,
        said("454 Throttling failure: Maximum sending rate exceeded."), &[
        "daily message quota exceeded", "sending quota", "relay quota", "sending limit", "exceeded * sending",
        "too many recipients", "too many connections", "too many concurrent", "too many sessions", "too many emails",
        "too many mails", "too many errors", "too many invalid", "too many unknown", "too many failed",
        "too many requests", "too much mail from", "rate limit", "rate-limit", "ratelimit", "rate exceeded",
        "throttl", "connection limit", "connection rate", "receiving mail at a rate", "recipients this hour",
        "exceeded the maximum number of", "exceeds the maximum number of", "exceeded the limit of",
        "frequency limit", "mail flood", "sending too fast", "slow down", "unusual rate", "too many times",
        "limit exceeded for sender", "limite de connexion", "concurrent connections", "too many message",
        "too many rcpt", "too many copies", "too many recips", "too many simultaneous", "too many transactions",
        "too many deliveries", "too many bounces", "too many hosts", "too many delivery", "too many requested",
        "too frequent", "too quickly", "too rapidly", "rate of mail", "rate control", "rate has been exceeded",
        "rate exceeds", "exceeded the rate", "exceeded rate", "over the rate", "sending rate", "per hour",
        "hourly limit", "hourly quota", "daily limit", "daily quota", "daily user sending", "daily recipient",
        "daily smtp relay", "message rate", "maximum number of recipients", "exceeded * recipients",
        "max recipients", "max number of", "maximum concurrent", "maximum connections", "simultaneous connections",
        "number of connections", "number of concurrent", "sending volume", "volume limit", "traffic limit",
        "bandwidth limit", "connection frequency", "connect too", "too much traffic", "overly aggressive",
        "busy. please try", "try your connection", "receiving limit", "receiving rate", "exceeded the receiving",
        "limit on the number of", "exceeds the max emails",
        "max emails per", "max defers and failures", "exceeded * per hour", "trop de connexions", "trop de messages",
        "limite d'envoi", "muitas mensagens", "troppi messaggi", "troppe connessioni", "发送频率", "过于频繁", "送信制限",
        "ip limit", "dt:fre", "dt:ipf", "rp:qrc", "rp:cel", "rp:rcl", "rp:trc",
        "exceeded the max emails", "exceeded the max defers",
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
        "relaying mail to", "no relaying", "insecure mail relay", "rcpthosts", "account is not verified",
        "account has not been activated for sending", "account not authorized", "account suspended for sending",
        "outbound * disabled", "sending from this account", "user account is not allowed to send",
        "relay from * denied", "relaying from", "relaying temporarily", "relaying disallowed",
        "relaying is prohibited", "relay prohibited", "relay operation", "relay not allowed", "relay disallowed",
        "no relay access", "won't relay", "will not relay", "mail relaying", "third party relay",
        "third-party relay", "open relaying", "not authenticated", "authentication failed", "authentication error",
        "authentication failure", "authenticate first", "smtp auth", "pop before", "must check for new mail",
        "login required", "log in to send", "require authentication", "requires authentication",
        "invalid credentials", "username and password", "invalid login", "subscription has expired",
        "tenantattribution",
    ]),
    rule("sender-authentication", When::Always, SOFT, Reason::AuthFailure, Side::Sender,
        said("550-5.7.26 Unauthenticated email from example.net is not accepted due to domain's DMARC policy."), &[
        "dmarc", " spf", "spf ", "(spf", "dkim", "authentication information", "authentication check",
        "fails authentication", "failed authentication", "sender id", "senderid", "not allowed to send from",
        "not designated", "allowed to send mail for", "sender not authenticated", "domain authentication",
        "arc validation", "pass authentication", "spf:", "[spf", "\"spf", "spf-", "spf=", "spf)", "spf.",
        "senderpolicy", "sender policy", "openspf", "domainkey", "authentication result",
        "authentication requirement", "not authenticated by", "not pass auth", "mail authentication",
        "unauthenticated", "not permitted to send mail for", "is not allowed to send", "not authorized to send",
        "not authorised to send", "sender ip must", "bimi", "mtasts", "domain's policy",
    ]),
    // What is about a sender's address, and would read like an unknown user.
    rule("sender-address", When::Always, SOFT, Reason::Rejected, Side::Sender,
        said("553 5.1.8 <us@example.net>... Domain of sender address us@example.net does not exist"), &[
        "sender address", "sender's address", "domain of sender", "sender's mailbox", "sender domain",
        "sender's domain", "sender denied", "sender unknown", "sender verify", "sender verification",
        "sender is not", "sender not ", "sender was rejected", "sender has been rejected", "sender blocked",
        "sender is blocked", "sender refused", "sender reject", "unknown sender", "unauthorized sender",
        "unauthorised sender", "bad sender", "bogus sender", "bogus mail from", "invalid mail from", "from address",
        "from: address", "from domain", "from @addr not", "in reply to mail from", "envelope sender",
        "envelope from", "envelope blocked", "envelope-from", "return path", "return-path", "reverse path",
        "reverse-path", "valid sender", "no resent-from", "null sender", "null reverse", "not accepting mail from",
        "not accepting messages from", "refuses mail from", "permission to post", "allowed to post", "posting to",
        "only accepts messages from", "accepts messages only from", "accepts mail only from",
        "restricted to * members", "not a member", "non-member", "subscribers only", "members only",
        "member of the group", "does not like sender", "authrequired", "resolver.rst.notauthorized",
        "resolver.rst.sendernot", "not authorized to send", "not authorised to send", "not permitted to send",
        "don't have permission to send", "doesn't have permission to send", "not have permission to send",
        "sendasdenied", "could not verify", "callout", "your domain", "your email address", "your e-mail address",
        "your address", "personal blacklist", "blocked by the recipient", "blocked by recipient", "user rejected",
        "blocked by user", "sender's e-mail", "sender's email", "sender's host", "sender's ip", "sender/recipient",
        "sender host", "sender ip", "sender mail", "sender validation", "sender has no", "sender @addr",
        "sender of this message", "sender isn't", "sending domain", "sending address", "sending user",
        "sender access", "sender restriction", "sender forged", "forged sender", "forged mail", "forged from",
        "fake sender", "spoof", "impersonat", "unresolvable sender", "unresolvable * sender", "unverified sender",
        "from: field", "from header", "from: header", "header from", "mail from: ", "mail from:@addr",
        "mail from @addr", "mail from @host", "mail from refused", "mail from rejected", "mail from not",
        "mail from field", "mail from unknown", "mail from users", "mail from this sender", "mail from that",
        "mailfrom", "rejected mail from", "envelope address", "envelope domain", "message originator",
        "author address", "author's domain", "unrouteable sender", "unrouteable mail from", "bounces are not",
        "bounce attempt", "backscatter", "empty envelope", "empty sender", "null envelope", "null return",
        "double bounce", "domain in your", "domain not allowed to", "domain is not allowed", "domain not verified",
        "can't determine domain", "could not resolve domain of", "no mx for domain of", "not allowed to send",
        "not allow * to send", "not allowed to use", "not allowed to mail", "not allowed to email",
        "not authorized to use", "not permitted to use", "not permitted to post", "not authorized to post",
        "not approved to", "list is closed", "closed list", "distribution group", "internal only", "internal sender",
        "external sender", "outside sender", "accepts mail from", "accept mail only", "accept messages only",
        "accept messages from", "accept mail from", "accept email from", "receive mail from", "receive email from",
        "receive messages from", "receive e-mail from", "mail from external", "mail from the internet",
        "mail from outside", "white-list", "allow list", "allowlist", "allowed senders", "approved sender",
        "permitted sender", "safe sender", "blocked sender", "blocked this sender", "blocked you",
        "blocks this sender", "has blocked", "does not want mail from", "doesn't want mail from", "does not wish",
        "doesn't wish", "not wish to receive", "not want to receive", "unwanted mail from", "rejected by user",
        "user has rejected", "user refused", "user refuses", "resolver.rst.restricted", "restrictedrecipient",
        "not supported sender", "отправител", "absender", "expéditeur", "expediteur", "mittente", "remitente",
        "remetente", "afzender", "发件人", "發件人", "送信者", "差出人", "寄件人", "@host has no", "mx record for @host",
        "mx records for @host", "mx for @host", "resolve @host", "domain @host", "@host: domain", "@host not found",
        "@host does not exist",
    ]),
    // A name in a directory is "listed" too, so this stands before the block lists.
    rule("user-not-listed", When::Always, HARD, Reason::UserUnknown, Side::Recipient,
        said("User Bob (bob@example.com) not listed in Domino Directory"), &[
        "not listed in", "not listed on", "not found in * directory", "not in address list",
        "not in the address book", "not in directory", "does not exist in directory", "matches to nameserver query",
        "not found in directory", "not in * directory", "not in the directory", "not in our directory",
        "not present in directory", "not found in the directory", "not in address book", "not in global address",
        "not in the global", "does not exist in * address book",
    ]),
    rule("greylisted", When::Always, SOFT, Reason::Greylisted, Side::Unknown,
        said("450 4.2.0 <bob@example.com>: Recipient address rejected: Greylisted"), &[
        "greylist", "graylist", "grey-list", "gray-list", "grey list", "gray list", "postgrey", "please retry later",
        "come back in", "come back later", "too early", "temporarily greyl", "try again later to be",
        "try again after", "try again in", "wait a few minutes", "first time * sender",
        "not yet authorized to deliver", "is not yet authorized", "deferred for policy", "not seen before",
        "unknown triplet", "dt:gre",
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
        "couldn't find any host named", "dns lookup failure: host * not found", "couldn't find a mail exchanger",
        "null mx", "nullmx", "null-mx", "mx is null", "host does not accept mail", "host doesn't accept mail",
        "host does not accept email", "domain does not accept mail", "domain doesn't accept mail",
        "domain does not accept email", "domain @rdom does not accept", "@rdom does not accept mail",
        "@rdom does not accept email", "server does not accept mail", "system does not accept mail",
        "machine does not accept mail", "not accepting network messages", "does not accept network",
        "not a mail server", "does not receive mail for", "indicated no smtp service", "no smtp service for",
        "domain that does not accept", "no mx found for domain", "no mail service", "does not run a mail",
        "does not have a mail server", "domain does not receive", "domain does not handle mail",
        "has no mail exchanger", "mx records point to non-existent", "domain has been suspended permanently",
        "no valid hosts found for domain", "domain name not found: @rdom", "domain @rdom couldn't be found",
        "domain @rdom could not be found", "nxdomain",
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
        "ip address 1", "ip address 2", "the ip address", "ip address: ", "mail from your", "messages from your",
        "connections from your", "message from your", "your host", "your mail server", "your mailserver",
        "your server", "your network", "your isp", "sending ip", "sender ip", "ip is ", "ip [", "ip: ", "ip=",
        "from ip", "this ip", "source ip", "remote ip", "sending mta", "sending server", "sending mail server",
        "reverse dns", "reverse lookup", "rdns", "no ptr", "missing ptr", "cannot find your", "invalid helo",
        "bad helo", "dialup", "dial-up", "dynamic ip", "dynamic address", "dynamic pool", "residential",
        "not accepting connections", "refusing connections", "no smtp service here", "connection denied",
        "connection rejected", "connections not accepted", "access to this mail system", "bad host",
        "service refuse", "unverifyable sending", "banned", "server access", "part of their network",
        "refused to talk to me", "open relay", "open proxy", "botnet", "harvest", "directory attack",
        "esmtp not accepting", "cloudmark", "blocked-", "blockage", "has been block", "listed(", "] listed",
        "found on * list", "on our list of", "on one or more", "rbl:", "rbl.", "rbl-", "rbl=", "rbls", "\"rbl",
        "(rbl", "[rbl", "mapsrbl", "mail-abuse", "njabl", "abuseat", "dnswl", "invaluement", "mailspike",
        "backscatterer", "manitu", "nixspam", "surriel", "lashback", "abusix", "hostkarma", "truncate.gbudb",
        "spamrats", "psbl", "senderscore", "trustedsource", "brightmail", "poor rep", "low rep", "ip rep",
        "trust score", "trust level", "your mail system", "your e-mail server", "your email server",
        "your e-mail service", "your email service", "your mailer", "your connection", "your relay", "your smtp",
        "your reverse", "your helo", "your ehlo", "your sending", "geolocation", "ip address not", "ip addresses",
        "ip range", "ip must", "ip name", "ipv6", "ip/", "ip(", "(ip", "[ip", "sending host", "sending system",
        "sending relay", "sending client", "connecting ip", "connecting host", "connecting server", "connecting mta",
        "connecting client", "client ip", "client rejected", "client name", "client identity", "remote host is",
        "remote server is", "source address", "source host", "source server", "server ip", "server is not allowed",
        "server is not authorized", "host not allowed", "host name does", "host did not", "no reverse",
        "reverse-dns", "reverse ip", "reverse name", "reverse address", "reverse mapping", "forward-confirmed",
        "iprev", "pointer record", "ptr ", "(ptr", "ptr)", "dns ptr", "dns pointer", "in-addr", "rfc1912",
        "rfc 1912", "matching * dns", "fully-qualified", "fully qualified", "broadband", "dial up", "dial in",
        "dialin", "direct to mx", "direct-to-mx", "port 25", "mail gateway", "not welcome", "no thanks",
        "we don't accept mail from", "do not accept mail from", "connections are not", "not accept smtp",
        "service not allowed", "service denied", "service permanently", "service temporarily refused",
        "permanently deferred", "temporarily deferr", "unexpected volume", "user complaint", "banlist", "zombie",
        "hijack", "dictionary", "probing", "suspicio", "policy reasons * ip", "[ts0", "(s3", "aup#", "(rtr", "rly:",
        "(hvu", "(dny", "jmr", "mail system has been rejected", "babusiv", "#5.7.606", "#5.7.511",
        "access denied, traffic", "blockiert", "gesperrt wegen", "geblockt", "блокиров", "黑名单", "黑名單", "ブロック", "信誉",
        "ip地址", "dt:ind", "mxhost", "hl:itc", "hl:ifc", "hl:reg", "helo ", "ehlo ", "helo:", "helo/", "(helo",
        "[helo", "hostname",
    ]),
    rule("virus", When::Always, SOFT, Reason::VirusDetected, Side::Sender, said("550 5.7.0 Virus detected"), &[
        "virus", "malware", "infected", "trojan", "phish", "potentially harmful", "dangerous attachment",
        "malicious", "infection", "clamav", "ransom", "blocked file", ".exe", "banned name", "banned content",
        "banned file", "infizier", "virenfund", "вирус", "病毒", "ウイルス", "ウィルス",
    ]),
    rule("spam", When::Always, SOFT, Reason::SpamDetected, Side::Sender,
        said("550 5.7.1 Message rejected as spam by Content Filtering."), &[
        "dt:spm",
        "spam", " ube", "junk", "bulk mail", "bulk email", "content denied", "content filter", "message content",
        "suspicious", "unwanted content", "bad content", "rejected for content", "rejected due to content",
        "because of its content", "due to the content", "high probability of", "rejected by filter", "classified as",
        "mail rejete", "mail rejected. ofr", "objectionable", "advertis", "scored", "considered as", "unsolicit",
        "mass-mail", "content analysis", "content scan", "content inspection", "content policy", "content restrict",
        "content violation", "content reject", "content block", "content checks", "contentfilter", "contains a url",
        "contains url", "contains a link", "contained a url", "contains prohibited", "contains forbidden",
        "contains blacklisted", "surbl", "uribl", "ivmuri", "pyzor", "identified as", "detected as", "fingerprint",
        "heuristic", "pattern match", "undesirable", "unwanted mail", "unwanted message", "unwanted email",
        "obscene", "bad word", "forbidden word", "blocked by filter", "blocked by our", "rejected by the filter",
        "rejected by our", "rejected by anti", "filter rule", "low quality", "publicité", "werbung", "pubblicit",
        "correo no deseado", "рассылк", "спам", "垃圾", "广告", "廣告", "スパム", "迷惑", "subject contains", "black-word",
    ]),
    // What is wrong with the message.
    rule("message-too-big", When::Always, SOFT, Reason::TooBig, Side::Sender,
        said("552 5.3.4 Message size exceeds fixed limit"), &[
        "message size", "size of the message", "message is too", "message length", "mail size", "size limit",
        "size exceed", "exceeds * size", "exceeded * message size", "exceeds size", "maximum size", "max message",
        "too large", "too big", "too long a message", "line limit exceeded", "line too long", "lines too long",
        "exceeds administrative limit", "exceeds fixed", "exceeds limit", "exceeds the limit", "attachment size",
        "message exceeds", "message exceeded", "message file too", "message has exceeded", "message larger",
        "size larger", "size restriction", "size greater", "size of this message", "size of your message",
        "maximum message", "maximum allowed", "maximum permitted", "maximum file size", "max size", "max. message",
        "mail too", "mail is too", "mail exceeds", "too much data", "too many bytes", "data size", "line length",
        "long line", "line is too", "attachments too", "attachment is too", "attachments exceed", "attachment limit",
        "limit of * bytes", "limit for this", "sizelimit", "5.2.3", "message_size_limit", "trop volumineux",
        "trop gros", "zu groß", "zu gross", "demasiado grande", "muito grande", "troppo grande", "слишком большо",
        "过大", "大きすぎ",
    ]),
    rule("system-storage", When::Always, SOFT, Reason::SystemFull, Side::Transport,
        said("452 4.3.1 Insufficient system storage"), &[
        "insufficient system", "mail system full", "system storage", "server storage", "insufficient resources",
    ]),
    // The mailbox is there, but full.
    rule("mailbox-full", When::Always, SOFT, Reason::MailboxFull, Side::Recipient,
        said("550 5.2.2 <bob@example.com>... Mailbox full"), &[
        "mailbox full", "mailbox * is full", "mailbox * full", "inbox full", "mail box full", "mail box space",
        "account is full", "account full", "folder is full", "quota", "over the limit", "over disk", "over its disk",
        "exceeded * storage", "exceed * mailbox", "exceeded * mailbox", "mailbox * exceeded", "mailbox exceed",
        "mailbox has exceeded", "mailbox size", "mailbox over", "mailbox limit", "mailbox for user is full",
        "maildir", "too much mail", "mail box exceed", "space not enough", "allocated space", "allotted",
        "no more space", "full mailbox", "messages in mailbox", "recipient over", "postfach voll", "mailbox_full",
        "容量", "mailbox-full", "mailbox is over", "mailbox for * full", "mailbox for @rcpt is full",
        "mailbox is too full", "mailbox is at capacity", "mailbox out of", "mailbox has reached",
        "mailbox has insufficient", "mailbox usage", "mailbox space", "mailbox too large", "mailbox is almost",
        "mailbox is currently full", "mailbox is temporarily full", "mailbox temporarily full",
        "mailbox does not have enough", "mailbox doesn't have enough", "mail box is over", "mail drop full",
        "mailfolder", "maildrop is full", "inbox of * full", "box is full", "full box", "full inbox", "user is over",
        "over the allowed", "over the maximum", "over its limit", "over their limit", "over allocated", "over size",
        "over maximum", "over mailbox", "overlimit", "over capacity", "beyond * capacity", "exceeded allowed",
        "exceeded the space", "exceeded his", "exceeded disk", "exceeded allocated", "exceeded allotment",
        "exceeded the mailbox", "exceeds mailbox", "exceeds disk", "exceed maximum", "would exceed", "will exceed",
        "enough room", "enough space", "insufficient mail", "no space", "out of space", "out of room",
        "space exhausted", "space exceeded", "space limit", "space available", "space has been used",
        "space is full", "reached disk", "reached its", "reached their", "reached the maximum", "reached maximum",
        "reached his", "storage", "disk usage", "too many messages in", "too many messages on", "too many mails in",
        "too many unread", "too much stored", "message store is full", "messages stored",
        "maximum number of messages", "maxmessages", "account over", "account size", "account space",
        "account has exceeded", "account exceeded", "account exceeds", "account is exceeding", "user's mailbox is",
        "recipient's mailbox is", "recipient mailbox is", "recipient's inbox", "recipient inbox",
        "recipient has exceeded", "recipient reached", "recipient is over", "recipient exceeded",
        "user has exceeded", "user exceeded", "user has too", "domain is over", "domaindisk", "userdisk",
        "resolver.rst.recipientmailbox", "storedrv * full", "exceptionshutoff", "stc=mbfull", "pleine", "saturé",
        "espace insuffisant", "voll ", "voll.", "ist voll", "überfüllt", "ueberfuellt", "speicherplatz",
        "überschritten", "ueberschritten", "kontingent", "esaurit", "superat", "piena", "llena", "lleno", "cheia",
        "cheio", "cuota", "espacio", "espaço", "quotum", "overschreden", "przepełnion", "pełna", "przekroczon",
        "переполн", "превышен", "квота", "нет места", "満杯", "一杯", "已满", "已滿", "空间不足", "空間不足",
    ]),
    rule("system-full", When::Always, SOFT, Reason::SystemFull, Side::Transport,
        said("452 4.3.1 No disk space left on the mail server"), &[
        "disk space", "disk full", "disk is full", "insufficient system", "insufficient space",
        "insufficient storage", "insufficient disk", "mail system full", "filesystem is full", "file system full",
        "queue full", "low on space", "no disk", "out of disk", "disc full", "disc space", "disk quota on server",
        "disk error", "low disk", "low space", "lack of disk", "lack of space", "insufficient memory",
        "insufficient server", "not enough memory", "not enough system", "out of resources", "resources low",
        "insufficient resource", "spool full", "queue is full",
    ]),
    // Trouble of a system, dressed as an unknown user.
    rule("delivery-program", When::Always, SOFT, Reason::SystemError, Side::Transport,
        said("procmail: Couldn't create \"/var/mail/bob\": No such user"), &[
        "procmail", "pipe to", "pipe returned", "command died", "command failed", "command output", "mailer error",
        "couldn't create", "could not create", "cannot create", "can't create", "permission denied",
        "could not open", "cannot open", "can't open", "unable to open", "cannot append", "cannot update mailbox",
        "unable to lock", "maildrop", "exit status", "exited with", "program failed", "error writing",
        "temporary failure", "temporary error", "temporary service", "temporary problem", "temporarily unavailable",
        "temporary system", "temporary local", "local delivery failed", "lmtp error", "mailbox corrupt",
        "mailbox busy", "mailbox in use", "mailbox * in use", "mailbox lock", "mailbox is currently in use",
        "lock file", "lockf", ".lock", "could not lock", "couldn't lock", "cannot lock", "can't lock",
        "could not write", "cannot write", "can't write", "write error", "write failed", "read error", "i/o error",
        "input/output error", "read-only file", "file too large", "file exists", "directory does not exist", "execv",
        "segmentation", "core dump", "tempfail", "failed to write", "failed to open", "failed to create",
        "failed to execute", "failed to store", "failed to save", "failed to load", "unable to read",
        "unable to write", "unable to create", "unable to append", "unable to store", "unable to save",
        "unable to switch", "cannot chdir", "couldn't write", "couldn't open", "savedb", "bad exit",
    ]),
    rule("dns-trouble", When::Always, SOFT, Reason::NetworkError, Side::Transport,
        said("Name service error for example.com: Host not found, try again"), &[
        "host not found, try again", "delivery temporarily suspended", "lookup failed temporarily",
        "temporary lookup", "lookup deferred", "dns error", "dns failure", "dns timeout", "dns lookup", "dns server",
        "servfail", "server failure", "malformed or unexpected name server reply", "name server timeout",
        "cname lookup", "lookup failure", "dns query", "dns resolution", "dns resolver", "dns tempor", "dns problem",
        "name service error * type=* try again", "name server problem", "name server did", "resolver error",
        "resolution failure", "lookup timeout", "lookup timed", "lookup problem", "temporary name",
        "temporary resolution", "host lookup did not complete",
    ]),
    // The mailbox is closed, for a while or for ever: experts differ, so it is soft and counted.
    rule("suspended", When::Always, SOFT, Reason::Suspended, Side::Recipient,
        said("525 5.7.13 Disabled recipient address"), &[
        "mailbox unavailable or access denied", "not active", "no longer active", "deactivated", "suspend",
        "discontinued", "account closed", "account is closed", "account has been closed", "mailbox closed", "locked",
        "account expired", "account has expired", "expired account", "account terminated", "frozen", "dormant",
        "unable to receive", "not accepting messages", "not accepting mail", "does not accept mail",
        "isn't receiving", "not permitted to receive", "not allowed to receive", "is not able to receive",
        "not receiving mail", "suspension", "disabled", "desactiv", "désactiv", "deaktiviert", "disattiv",
        "deshabilitad", "bloquead", "inaktiv", "inactiv", "inattiv", "archivee", "archivée", "mothball", "clôturé",
        "cloture", "geschlossen", "chiuso", "cerrada", "encerrad", "user is terminated", "mailbox expired",
        "mailbox has expired", "user expired", "not activated", "not been activated", "not yet activated",
        "unactivated", "has not logged", "decommission", "quarantined mailbox", "no longer receiv",
        "no longer accept", "no longer able to", "not currently accept", "currently not accepting",
        "not currently being accepted", "not accepting any", "not accept any", "not set up to receive",
        "not configured to receive", "not authorized to receive", "not allow * to receive", "cannot receive",
        "can't receive", "can not receive", "barred from receiving", "restricted from receiving",
        "protected address", "unpaid", "заблокирован", "отключен", "неактив", "停用", "冻结", "凍結", "休眠", "封禁",
    ]),
    // A blocked or rejected recipient whom nobody calls unknown.
    rule("recipient-access-denied", When::Always, SOFT, Reason::Filtered, Side::Recipient,
        said("550 5.4.1 Recipient address rejected: Access denied. AS(201806281)"), &[
        "recipient address rejected: blocked", "recipient address rejected: not allowed",
        "recipient address rejected: policy", "badrcptto", "filtered", "refused by recipient",
        "recipient preferences", "rejected by recipient", "recipient does not want", "domain filter",
        "refused to accept", "recipient address rejected: access", "recipient rejected: access", "recipient access",
        "recipient address rejected: rejected", "recipient address rejected: recipient not allowed",
        "recipient address rejected: temporar", "recipient address rejected: verification",
        "recipient address rejected: too", "recipient address rejected: spam", "recipient not permitted",
        "recipient not authorized", "recipient blocked", "recipient refuse", "recipient has rejected",
        "recipient has refused", "recipient declined", "recipient policy", "recipient restriction",
        "recipient does not accept", "recipient does not allow", "recipient's filter", "recipient's server",
        "recipient filter", "recipient settings", "user rules", "user filter", "user preferences", "user policy",
        "user settings", "user has blocked", "user blocked", "user not allowed", "user not permitted",
        "user not authorized", "user doesn't want", "refuses to accept", "refused to receive", "refused delivery",
        "refused mail", "refused this", "refused your", "message refused", "no message collected", "stop sending",
        "envelope recipient has been denied", "rcpt-p", "rcp-p", "acces refuse", "accès refusé", "accesso negato",
        "acceso denegado", "rejected by the recipient's",
    ]),
    // A report that guesses has not been told.
    rule("guesswork", When::Always, SOFT, Reason::OnHold, Side::Unknown,
        said("the account or domain may not exist"), &[
        "may not exist", "may be invalid", "might be invalid", "may be incorrect", "may be misspelled",
        "possible reasons", "possible causes", "likely reasons", "common reasons", "probably", "might not",
        "possibly", "several reasons", "various reasons", "following reasons", "most likely", "möglicherweise",
        "moglicherweise", "peut-être", "peut être", "возможно",
    ]),
    rule("has-moved", When::Always, HARD, Reason::HasMoved, Side::Recipient,
        said("550 5.1.6 Destination mailbox has moved, no forwarding address"), &[
        "has moved", "no longer at this", "no longer at that", "has been replaced by", "address has changed",
        "address changed", "has a new address", "new e-mail address", "recipient moved", "user moved",
        "mailbox moved", "account moved", "address moved", "moved, no forward", "moved permanently",
        "no forwarding address", "left no forwarding", "changed address", "new email address", "left the company",
        "address is changed", "verzogen", "déménagé", "se ha mudado", "ha cambiado", "changed e-mail", "メールアドレスが変更",
    ]),
    // No such domain.
    rule("host-unknown", When::Always, HARD, Reason::HostUnknown, Side::Recipient,
        said("Host or domain name not found. Name service error for name=example.com type=A: Host not found"), &[
        "host unknown", "unknown host", "host not found", "host * not found", "no such host", "no such domain",
        "domain name not found", "domain not found", "domain does not exist", "@rdom does not exist",
        "domain doesn't exist", "domain lookup failed", "unknown domain", "invalid domain", "bad domain",
        "nonexistent domain", "non-existent domain", "nxdomain", "unrouteable", "unroutable",
        "bad destination system", "bad destination host", "name or service not known", "couldn't find any host",
        "any host by that name", "couldn't find a mail exchanger", "no mx record", "no mx or a", "no mx found",
        "lookups failed permanently", "domain is not hosted", "domain isn't in my list", "domain is invalid",
        "host is unknown", "unknown mail host", "unknown mailhost", "unknown mail domain",
        "unknown recipient domain", "unknown destination domain", "invalid host", "invalid recipient domain",
        "invalid destination domain", "invalid mail domain", "illegal host", "illegal domain",
        "illegal recipient domain", "bad host name", "bad recipient domain", "host does not exist",
        "host doesn't exist", "@rdom not found", "@rdom unknown", "@rdom is unknown", "@rdom: no such",
        "@rdom: not found", "@rdom doesn't exist", "@rdom: does not exist", "@rdom: no mx", "domain @rdom has no",
        "domain @rdom doesn't", "domain unknown", "domain is unknown", "domain invalid", "domain not exist",
        "domain nonexistent", "domain non-existent", "domain name unknown", "domain name invalid",
        "domain name does", "domain unrout", "domain not hosted", "domain is not local", "domain is not valid",
        "domain is not known", "domain does not handle", "no such destination", "no such site",
        "no such mail domain", "no such recipient domain", "no such dns", "no mail host", "no mail exchange",
        "no mailserver", "no mx host", "no valid mx found", "not found: @rdom", "unable to find mx",
        "could not find mx", "can't find mx", "cannot find mx", "could not find a mail server", "couldn't find mail",
        "can't find domain", "cannot find domain", "can't find host", "cannot find host", "couldn't find domain",
        "mx record not found", "mx not found", "mx records * non-existent", "undeliverable domain",
        "nonexistent host", "non-existent host", "non existent domain", "nonexisting domain", "non existing domain",
        "non-existing domain", "hostname lookup failed", "not known * hosted", "not hosted here", "domain inconnu",
        "domaine inconnu", "domaine inexistant", "domain unbekannt", "unbekannte domain", "unbekannter host",
        "host unbekannt", "rechner unbekannt", "dominio sconosciuto", "dominio inesistente", "dominio no existe",
        "dominio desconocido", "dominio inexistente", "domínio inexistente", "onbekend domein", "域名不存在", "找不到域名",
        "存在しないドメイン", "no dns entry for @rdom", "no dns record for @rdom", "domínio não existe", "dominio nao existe",
        "domínio não encontrado", "домен не найден", "домен не существует", "domain not local",
    ]),
    // No such mailbox.
    rule("user-unknown", When::Always, HARD, Reason::UserUnknown, Side::Recipient,
        said("550 5.1.1 <bob@example.com>: Recipient address rejected: User unknown in virtual mailbox table"), &[
        "rejected recipient @rcpt", "address rejected: user", "is not a valid email", "is not a valid address",
        "not a valid mailbox", "not a valid user", "not a valid recipient", "no mailbox here", "no mailbox by",
        "no user by", "no account by", "there is no user", "there is no such", "no mailbox found", "no account here",
        "no user here", "@rcpt doesn't exist", "@rcpt: not found", "@rcpt was not found", "@rcpt wasn't found",
        "e-mail address you entered couldn't be found", "email address you entered couldn't be found",
        "unknown user", "user is unknown", "user was unknown", "unknown local", "unknown address", "address unknown",
        "address is unknown", "unknown recipient", "recipient unknown", "recipient is unknown", "unknown account",
        "account unknown", "unknown mailbox", "mailbox unknown", "unknown in * table", "unknown alias",
        "no such user", "couldn't find an account", "couldn't find any account", "no such recipient",
        "no such mailbox", "no such account", "no such address", "no such person", "no such local", "no such email",
        "no such e-mail", "no such virtual", "no such name", "no such mail drop", "no such maildrop",
        "user not found", "user * not found", "user does not exist", "user doesn't exist", "user * does not exist",
        "user * doesn't exist", "user not exist", "user no exist", "user not local", "user invalid",
        "user doesn't have", "user does not have", "user non-existent", "user nonexist", "invalid user",
        "invalid recipient", "invalid mailbox", "invalid email", "invalid e-mail", "invalid final delivery",
        "invalid local", "address invalid", "address is invalid", "recipient invalid", "recipient is invalid",
        "recipient not found", "recipient not known", "recipient not exist", "recipient does not exist",
        "recipient doesn't exist", "recipient * does not exist", "recipient * not found",
        "recipient name is not recognized", "recipient no longer", "recipient not recognized",
        "recipient not listed", "recipnotfound", "recipientnotfound", "recipient cannot be found",
        "recipient could not be found", "recipient unavailable", "not found by smtp address lookup",
        "mailbox not found", "mailbox does not exist", "mailbox doesn't exist", "mailbox * does not exist",
        "mailbox not exist", "mailbox nonexist", "mailbox invalid", "mailbox is invalid", "mailbox removed",
        "mailbox deleted", "account not found", "account does not exist", "account doesn't exist",
        "account not exist", "account that you tried to reach does not exist", "account has been deleted",
        "account has been removed", "account deleted", "address not found", "address does not exist",
        "address doesn't exist", "address not exist", "address not present", "address no longer",
        "address wasn't found", "no longer in use", "no longer exist", "no longer on server", "no longer employed",
        "not our customer", "not our user", "not a known user", "not a recognised", "not a recognized", "not a user",
        "not known here", "not known at", "not recognized here", "bad recipient", "bad mailbox",
        "destination mailbox address", "mailbox not allowed", "illegal user", "illegal alias",
        "not have a final email delivery point", "destinataire invalide", "destinataire inconnu",
        "utilisateur inconnu", "adresse inconnue", "boite inconnue", "empfänger unbekannt", "empfaenger unbekannt",
        "empfänger existiert nicht", "adresse existiert nicht", "benutzer unbekannt", "utente sconosciuto",
        "utente inesistente", "casella inesistente", "destinatario desconocido", "usuario desconocido",
        "usuario inexistente", "destinatario inexistente", "usuário desconhecido", "nie istnieje", "bestaat niet",
        "onbekend", "пользователь не найден", "не зарегистрирован", "用户不存在", "收件人不存在", "邮箱不存在", "user unkown",
        "user unknow", "unkown user", "unknow user", "users unknown", "user name unknown", "username unknown",
        "user name not", "username not", "user unrecognized", "unrecognized user", "unrecognized recipient",
        "unrecognised recipient", "recipient not recognised", "address not recognized", "address not recognised",
        "address is not recognized", "mailbox not recognized", "unknown e-mail", "unknown email",
        "unknown destination address", "unknown person", "unknown virtual", "unknown member", "unknown customer",
        "unknown subscriber", "unknown receiver", "unknown * mailbox", "unknown/inactive", "addressee unknown",
        "addressee not", "addressee does", "addressee is unknown", "customer unknown", "local part unknown",
        "destination unknown", "destination addresses were unknown", "destination mailbox does",
        "destination address does", "destination user", "destination not found", "@rcpt... user", "@rcpt is unknown",
        "@rcpt: unknown", "@rcpt - unknown", "@rcpt is not known", "@rcpt not known", "@rcpt is not recognized",
        "@rcpt is not valid", "@rcpt is invalid", "@rcpt is an invalid", "@rcpt: invalid", "@rcpt: no such",
        "@rcpt no such", "@rcpt: does not exist", "@rcpt... does not exist", "@rcpt could not be found",
        "@rcpt couldn't be found", "@rcpt cannot be found", "@rcpt no existe", "@rcpt non esiste", "@rcpt n'existe",
        "@rcpt existiert nicht", "@rcpt não existe", "@rcpt is no longer", "address @rcpt does", "mailbox for @rcpt",
        "no mailbox for", "no mail-box", "no mail drop", "no local mailbox", "no local user", "no user exists",
        "no user found", "no user with", "no user named", "no user account", "no account with", "no account for",
        "no account found", "no account matching", "no such member", "no such customer", "no such subscriber",
        "no such receiver", "no such destination address", "no such alias", "no such mbox", "no such inbox",
        "no such domain user", "no recipient found", "no recipients found", "no valid recipient", "no valid user",
        "no valid email", "no valid mailbox", "no valid account", "no one by that", "no one at this",
        "nobody by that", "nobody at", "non-existent user", "nonexistent user", "non-existent mailbox",
        "nonexistent mailbox", "non-existent address", "nonexistent address", "non-existing user",
        "non existing user", "nonexisting", "non existent user", "non-existent recipient", "nonexistent recipient",
        "non-existent account", "nonexistent account", "non-existent email", "mailbox is not exist",
        "mailbox not present", "mailbox is unknown", "mailbox unrecognized", "mailbox is not valid",
        "mailbox not valid", "mailbox has been deleted", "mailbox has been removed", "mailbox is deleted",
        "mailbox was deleted", "mailbox name invalid", "mail box unknown", "mail box invalid", "inbox not found",
        "account is invalid", "account invalid", "account is not valid", "account not known", "account not valid",
        "account no longer", "account removed", "account has been cancel", "account cannot be found",
        "account could not be found", "account couldn't be found", "address rejected.", "address is not known",
        "address is not valid", "address not valid", "address not known", "address not listed", "address incorrect",
        "address is incorrect", "address is wrong", "address wrong", "wrong address", "incorrect address",
        "incorrect recipient", "wrong recipient", "wrong email", "wrong e-mail", "incorrect email",
        "incorrect e-mail", "address is no longer", "address is nonexistent", "address could not be found",
        "address couldn't be found", "address cannot be found", "address can not be found", "address was not found",
        "address has been deleted", "address deleted", "address is obsolete", "address obsolete",
        "user's email name", "user is invalid", "user is nonexistent", "user not valid", "user not recognized",
        "user not listed", "user not defined", "user deleted", "user removed", "user has been deleted",
        "user has been removed", "user: unknown", "user:unknown", "userunknown", "nosuchuser", "usernotfound",
        "user_unknown", "user_not_found", "mailboxnotfound", "mailbox_not_found", "rcpt not found", "rcpt unknown",
        "rcpt invalid", "rcpt not exist", "invalid rcpt", "invalid address", "invalid account",
        "invalid destination", "invalid receiver", "invalid mail address", "invalid mailaddress",
        "invalid or unknown", "invalid or nonexist", "invalid or non-exist", "invalid delivery", "invalid inbox",
        "invalid alias", "invalid mail user", "invalid to address", "invalid envelope recipient", "invalid @rcpt",
        "invalid: @rcpt", "illegal recipient", "illegal mailbox", "bad user", "bad account", "bad address",
        "bad mail address", "bad rcpt", "bad destination", "undeliverable address", "undeliverable mailbox",
        "unrouteable user", "unable to find user", "unable to find a user", "unable to locate user",
        "unable to find mailbox", "could not find a user", "could not find account", "couldn't find user",
        "couldn't find recipient", "couldn't find mailbox", "cannot find recipient", "cannot find your recipient",
        "can't find user", "can't find recipient", "can't find mailbox", "can't accept user",
        "can not find recipient", "not find user", "not find mailbox", "not find the user", "not find the recipient",
        "not find the mailbox", "not found recipient", "not found user", "not found account", "not a registered",
        "not an authorized recipient", "not local user", "not a local user", "not in validrcptto",
        "not in my validrcptto", "not on this server", "not valid here", "not valid at", "not valid recipient",
        "not valid user", "not valid address", "not valid mailbox", "isn't a user", "recipient rejected: user",
        "recipient rejected: unknown", "recipient rejected: invalid", "recipient address rejected: unknown",
        "recipient address rejected: undeliverable", "recipient address rejected: invalid",
        "recipient address rejected: account", "recipient address rejected: mailbox",
        "recipient address rejected: relay recipient", "recipient no such", "recipient not valid",
        "recipient not local", "recipient not here", "recipient nonexist", "recipient non-exist",
        "recipient verification failed", "recipient unrecognized", "recipient deleted", "recipient was deleted",
        "recipient's mailbox was not", "recipients unknown", "recipients are invalid", "recipients are unknown",
        "recipients was undeliverable", "receiver unknown", "server rejected recipients", "does not have an account",
        "does not have a mailbox", "does not have an email", "doesn't have an account", "doesn't have a mailbox",
        "has no mailbox", "has no account", "is not a mailbox", "is no longer here", "destinataire incorrect",
        "destinataires invalide", "destinataire n'existe", "destinataire introuvable", "utilisateur introuvable",
        "compte inexistant", "boîte inconnue", "boite inexistante", "boîte inexistante", "adresse invalide",
        "adresse inexistante", "adresse incorrecte", "adresse email inconnue", "adresse n'existe",
        "existiert leider nicht", "existiert nicht mehr", "kein benutzer", "kein postfach", "kein solcher",
        "kein konto", "kein account", "keine mailbox", "indirizzo errato", "destinatario sconosciuto",
        "direccion incorrecta", "buzon inexistente", "não cadastrad", "nao cadastrad", "caixa postal inexistente",
        "brak takiego", "brak użytkownika", "brak uzytkownika", "brak konta", "nem létezik", "нет такого",
        "несуществующ", "нет пользователя", "无此", "無此", "宛先不明", "user/invalid", "없는 사용자", "사용자를 찾을",
        "recipient address rejected: @rdom", "mail box does not exist", "mail box not found", "inbox does not exist",
        "rcpt does not exist", "recipient address rejected: does not", "recipient address rejected: no such",
        "recipient address rejected: no mailbox", "recipient address rejected: no user",
        "recipient address rejected: not a valid", "recipient rejected: no such", "recipient was not found",
        "recipient is not local", "recipient is not valid", "recipient is not known", "recipient is not registered",
        "recipient is not found", "recipient is not recognized", "recipient is not in", "usuario no existe",
        "usuario no encontrado", "usuario no válido", "usuario no valido", "usuario no registrado",
        "usuario no es valido", "utente non trovato", "utente non esist", "utente non valido",
        "utente non registrato", "conta não existe", "conta nao existe", "conta não encontrada",
        "usuario nao existe", "usuario nao encontrado", "usuário não existe", "usuário não encontrado",
        "destinatario no existe", "destinatario no encontrado", "destinatario no válido", "destinatario nao existe",
        "destinatário não existe", "destinatário não encontrado", "destinatario non valido",
        "destinatario non trovato", "destinatario non esist", "dirección no existe", "direccion no existe",
        "dirección no válida", "buzón no existe", "buzon no existe", "buzón no encontrado",
        "empfänger nicht gefunden", "empfänger nicht bekannt", "empfänger nicht vorhanden",
        "empfänger ist nicht bekannt", "empfaenger nicht bekannt", "empfaenger nicht gefunden",
        "utilisateur non trouv", "utilisateur n'existe", "destinataire non trouv", "destinataire non valide",
        "adresse non valide", "adresse non trouv", "casella non trovata", "casella non esist",
        "casella di posta non esist", "mailbox name not allowed", "user no longer available", "not on this system",
        "existiert nicht auf", "mailbox unbekannt", "postfach existiert nicht", "postfach unbekannt",
        "postfach nicht gefunden", "unbekannter benutzer", "unbekannter empfänger", "unbekannter empfaenger",
        "benutzer nicht gefunden", "benutzer existiert nicht", "wurde nicht gefunden", "nieznany użytkownik",
        "nieznany odbiorca", "uživatel neexistuje", "пользователь не существует", "неизвестный пользователь",
        "почтовый ящик не найден", "ящик не существует", "адрес не существует", "адрес не найден",
        "получатель не найден", "такого пользователя нет", "账号不存在", "帳號不存在", "用户未找到", "用戶不存在", "收件人未找到", "地址不存在",
        "邮箱未找到", "使用者不存在", "信箱不存在", "宛先のメールアドレスが見つかりません", "ユーザーが存在しません", "メールアドレスが存在しません", "宛先が存在しません", "該当するユーザ",
        "あて先が見つかりません", "rcpt:nnu", "nonexist recipient", "user suspended or unknown",
    ]),
    // Time ran out, or the way is bad.
    rule("expired", When::Always, SOFT, Reason::Expired, Side::Transport,
        said("554 4.4.7 Message expired: unable to deliver in 840 minutes."), &[
        "message expired", "envelope expired", "delivery failed * attempts", "delivery time expired",
        "delivery expired", "queue.expired", "queue too long", "queue lifetime", "been in the queue", "in queue",
        "retry time", "retries exhausted", "retry count", "number of retries", "deliver for the last",
        "been failing", "not been collected", "message timed out", "delivery timed out", "timed out while",
        "timed out waiting", "too old", "will be retried", "will retry", "being retried", "been delayed",
        "delivery delayed", "delayed mail", "not yet delivered", "yet been delivered", "maximum-time-expired",
        "was aborted after", "unable to deliver in", "undeliverable for", "could not be delivered for",
        "could not be delivered after", "not delivered after", "unable to deliver * for * days",
        "delivery has failed * hours", "did not respond", "not responding", "no response from", "unable to contact",
        "time limit", "deadline", "timeout expired", "too many retries", "too many attempts", "max retries",
        "maximum retries", "maximum retry", "retry limit", "retries exceeded", "retry exceeded", "attempts exceeded",
        "attempts failed", "attempts have failed", "delivery attempts", "unsuccessful attempts", "after several",
        "repeated attempts", "number of attempts", "tried for", "trying for", "days ago", "undelivered for",
        "undelivered after", "undelivered message", "not delivered within", "not be delivered within",
        "not been delivered", "unable to deliver after", "failed after", "could not be sent after", "queue timeout",
        "queue expir", "queued too long", "queued for", "in the mail queue", "on the queue", "too long on",
        "too long in", "message age", "time-to-live", "time to live", "bounce-after", "dt:exp", "deliverytimeout",
        "maximum queue", "zeitüberschreitung", "tiempo de espera", "tempo limite", "tempo esgotado", "истек", "超时",
        "逾時", "タイムアウト",
    ]),
    rule("mail-loop", When::Always, SOFT, Reason::MailLoop, Side::Transport, said("554 5.4.6 Too many hops"), &[
        "hop count", "too many hops", "mail loop", "mail forwarding loop", "routing loop", "loop detected",
        "loops back to myself", "loops back to me", "local configuration error", "looping", "too many received",
        "loop: ", "message is in a loop", "already has my", "delivered-to line", "too many relays",
        "too many forward", "circular", "schleife", "boucle", "bucle",
    ]),
    rule("network", When::Always, SOFT, Reason::NetworkError, Side::Transport,
        said("connect to mx.example.com[192.0.2.1]:25: Connection refused"), &[
        "requests to connect", "connection time out", "connection refused", "connection reset", "connection dropped",
        "connection died", "connection closed", "connection lost", "connection failed", "lost connection",
        "broken pipe", "remote host closed", "unexpectedly closed", "host is down", "conversation with",
        "could not connect", "couldn't connect", "cannot connect", "can't connect", "unable to connect",
        "failed to connect", "smtp connect", "find a gateway", "malformed or unexpected name server reply",
        "server failure", "dns server", "dns error", "dns failure", "dns problem", "dns lookup", "dns query failed",
        "lookup failed temporarily", "cname lookup", "temporary lookup", "lookup failure", "timed out", "timeout",
        "tls negotiation", "starttls", "certificate", "ssl", "mta-sts", "bad connection", "socket", "connect to",
        "connecting to", "connection to", "connection was", "connection with", "connection error",
        "connection problem", "connection could", "connection attempt", "connection is", "connection terminated",
        "connection aborted", "connection interrupted", "connection not established", "connect error",
        "connect fail", "connect time", "could not establish", "unable to establish", "can't establish",
        "not be established", "opening connection", "handshake", "encryption", "cipher", "by peer", "peer reset",
        "remote server did", "remote server error", "remote server failed", "remote server unavailable",
        "server does not respond", "server closed", "server dropped", "server hung", "server refused",
        "server is down", "server down", "host down", "host not responding", "host @host not", "host unreach",
        "unreachable", "no route", "no answer", "no response", "not reach", "can't reach", "couldn't reach",
        "could not contact", "cannot contact", "can't contact", "couldn't contact", "unable to reach",
        "failed to contact", "failed to establish", "tcp", "econn", "etimedout", "ehostunreach", "winsock", "wsae",
        "dane", "mtasts", "nicht erreichbar", "conexión", "conexion", "conexão", "connessione", "соединени", "连接",
        "連線", "接続",
    ]),
    rule("user-unknown-loosely", When::AtRcpt, HARD, Reason::UserUnknown, Side::Recipient,
        said_at(Stage::RcptTo, "550 that one does not exist"), &[
        "was not found", "user not known", "don't exist", "non existent", "is not valid", "isn't a valid",
        "not a valid", "could not be found", "couldn't be found", "wasn't found", "doesn't exist", "no user",
        "no account", "no mailbox", "no recipient", "no mail box", "invalid address", "bad address", "address error",
        "no longer available", "no longer valid", "could not be resolved", "не существует", "не найден",
        "nonexistent", "non-existent", "non-existing", "invalid account", "address rejected @rcpt",
        "mailbox unavailable. user", "unknown destination", "unknown name", "unknown id", "unknown mail",
        "no such object", "no such mail", "no such id", "no such list", "no such rcpt", "no valid address",
        "no one here", "nobody here", "no exist", "not exist", "address removed", "address no such",
        "email not found", "email unknown", "user not present", "illegal address", "bad email", "bad e-mail",
        "bad local", "undeliverable recipient", "undeliverable user", "unroutable address",
        "unable to find recipient", "not find recipient", "not a local", "not an email", "not an account",
        "not a proper", "not a current", "not a correct", "not registered", "not in local", "not on our",
        "not on server", "not recognised", "not recognized", "not been found", "isn't valid", "isn't known",
        "isn't recognized", "isn't here", "isn't listed", "isn't registered", "isn't at", "has no email",
        "is not a known", "is not known", "is not defined", "is not deliverable", "is not our", "is not found",
        "is not local", "is an invalid", "is an unknown", "is a non", "is invalid", "is unknown", "is no longer on",
        "is no longer a", "been deleted", "been removed", "cannot be found", "can't be found", "can not be found",
        "de-activated user", "defunct", "obsolete address", "n'existe pas", "n'existe plus", "n existe pas",
        "introuvable", "unbekannt", "nicht gefunden", "nicht bekannt", "nicht vorhanden", "existiert nicht",
        "gibt es nicht", "ungueltige", "ungültig", "unzustellbar", "sconosciut", "inesistent", "non esiste",
        "non trovato", "non trovata", "non valido", "no encontrado", "no encontrada", "no es válid", "no es valid",
        "no válida", "no valida", "desconocid", "inexistente", "não existe", "nao existe", "não encontrad",
        "nao encontrad", "desconhecid", "inválid", "niet gevonden", "bestaat niet", "onbekend", "nie istnieje",
        "nieznany", "nie znaleziono", "nie ma takiego", "neexistuje", "neznám", "ismeretlen", "findes ikke",
        "finns inte", "finnes ikke", "okänd", "ukendt", "ukjent", "tuntematon", "bulunamad", "gecersiz", "geçersiz",
        "mevcut değil", "неизвестн", "недействительн", "удален", "не існує", "不存在", "找不到", "未找到", "没有找到", "查無", "查无",
        "不正确的", "无效", "無效", "無法找到", "地址有误", "見つかりません", "存在しません", "存在しない", "ユーザーが", "該当する", "あて先", "宛先が", "존재하지",
        "없습니다", "not in my", "recipients not found", "recipients were not found", "not known to", "not known by",
        "is not on this", "is not in our", "isn't in my", "not an existing", "recipient not in", "user not in",
        "user not on", "inconnu ", "inconnue", "e inconnu", "r inconnu", "could not be located", "cannot be located",
        "user missing home",
    ]),
    rule("content", When::Always, SOFT, Reason::ContentError, Side::Sender,
        said("554 Transaction failed: Duplicate header 'Date'."), &[
        "duplicate header", "8-bit", "rfc 5322", "rfc5322", "rfc 2822", "rfc2822", "rfc 822", "not rfc",
        "rfc compliant", "rfc-compliant", "bare lf", "bare cr", "media error", "media type", "mime ",
        "message header", "header error", "headers", "message-id", "date header", "to header", "subject", "charset",
        "malformed", "conversion", "attachment", "header field", "header missing", "missing header",
        "no from header", "missing from", "missing date", "missing message", "missing to", "to: header", "cc header",
        "date: header", "line ending", "line feed", "linefeed", "crlf", "newline", "nul char", "null char",
        "nul byte", "control char", "illegal character", "invalid character", "8bit", "8 bit", "non-ascii",
        "non ascii", "utf8", "utf-8", "character set", "not mime", "multipart", "unable to parse", "cannot parse",
        "can't parse", "parse error", "parsing", "format error", "invalid format", "badly formatted", "not conform",
        "not comply", "file type", "file extension", "password protected", "html mail", "html email",
        "empty message", "empty body",
    ]),
    rule("policy", When::Always, SOFT, Reason::Policy, Side::Sender, said("550 5.7.0 Local Policy Violation"), &[
        "prohibited", "access control", "not authorized", "not authorised", "unauthorized", "not allowed",
        "forbidden", "security", "administrative", "denied", "blocked", "not accepted", "violation", "restricted",
        "encrypt", "polic", "not permit", "disallow", "not acceptable", "abgelehnt",
        "abgewiesen", "verweigert", "rechazad", "rejeitad", "recusad", "rifiutat", "geweigerd",
        "odrzucon", "отклонен", "запрещ",
        "rejected by", "refused by", "message rejected", "message refused", "message was rejected", "mail rejected", "mail refused",
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
        "system error", "server error", "system problem", "transaction failed", "configuration", "configured",
        "service not available", "upstream error", "could not load", "unable to process", "local error",
        "unavailable", "out of memory", "software error", "resources", "cannot process", "processing error",
        "error in processing", "out of service", "maintenance", "overload", "congestion", "internal", "crash",
        "exception", "null pointer", "panic", "assertion", "fatal", "not ready", "not operational", "shut down",
        "shutting down", "busy", "load average", "high load", "load too", "system full", "system down", "system not",
        "systemfehler", "erreur", "error interno", "errore", "erro interno", "ошибк", "系统", "系統", "エラー",
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
    // RFC 7504: the domain does not accept mail. Its 521 is used for much else.
    rule("code-no-mail-service", When::Reply(556), HARD, Reason::HostUnknown, Side::Recipient, said("556"), &[]),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_searches_find_the_same_rule() {
        let texts = RULES.iter().map(|r| r.example.text.to_lowercase());
        let phrases = RULES.iter().flat_map(|r| r.phrases).map(|p| format!("550 {} x", p.replace('*', " a ")));
        for text in texts.chain(phrases) {
            let [one, other] = [phrase_by_phrase(&text, |_| true), all_at_once(&text, |_| true)];
            assert_eq!(one.map(|r| r.name), other.map(|r| r.name), "{text}");
        }
    }
}
