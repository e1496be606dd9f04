//! Checks DKIM signatures by itself (RFC 6376), for mail servers in front that don't.
//!
//! A signature counts if its domain is a configured one or below it, the author is of the same one, it covers From and To,
//! and `To` is the address that this mail came to. The author matters because SES signs every customer's mail with
//! `d=amazonses.com`; `To` matters because a signature does not bind the envelope: a genuine report of Amazon's to
//! somebody else, or an SNS message that he wrote to himself, could be sent on to us with its signature intact.
//!
//! LIMITS: at most [`MAX_SIGNATURES`] signatures of configured domains are checked, within [`Settings::time`] altogether; a
//! mail without one causes no DNS query. Not accepted: `l=`, SHA-1 (RFC 8301), RSA keys under 1024 bits, an `x=` that has
//! passed, more than one From or To.
//! On failure: [`Verdict::NoAnswer`] only where nothing but the DNS is missing; the caller asks for the mail again.
//! Not promised: that a domain signs only what it wrote. Name none that lets strangers write under it.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use mail_auth::common::crypto::Algorithm;
use mail_auth::dkim::Signature;
use mail_auth::hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use mail_auth::hickory_resolver::proto::op::ResponseCode;
use mail_auth::hickory_resolver::system_conf::read_system_conf;
use mail_auth::{AuthenticatedMessage, DkimOutput, DkimResult, DnsError, Error, MessageAuthenticator};

use super::fields::Fields;
use crate::address::Address;

/// Most signatures checked in one mail.
pub const MAX_SIGNATURES: usize = 5;
/// How long one DNS server may take before the next try.
const TRY: Duration = Duration::from_millis(1500);
/// Domains in which only Amazon can write. A signature of one of them is good for an author in any of them.
const AMAZON: &[&str] = &["amazonses.com", "sns.amazonaws.com"];

/// Whose signatures count, and how to get at their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Domains whose signatures count.
    pub domains: Vec<String>,
    /// DNS servers; none for those of `/etc/resolv.conf`.
    pub dns: Vec<SocketAddr>,
    /// Longest time for one mail.
    pub time: Duration,
}

/// What the signatures say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A signature of a configured domain is valid.
    Proved,
    /// None is, and none will be.
    NotProved,
    /// The DNS did not answer; with an answer, it might be proved.
    NoAnswer,
}

/// Checks the signatures of a mail; `is_ours` tells whether an address is the one that it came to.
#[must_use]
pub fn check(mail: &[u8], is_ours: &dyn Fn(&str) -> bool, settings: &Settings, now: Timestamp) -> Verdict {
    let mail = without_mbox_line(mail);
    let names_one = |text: &[u8]| settings.domains.iter().any(|domain| contains(text, domain));
    let header = mail.windows(2).zip(mail.windows(4)).position(|(lf, crlf)| lf == b"\n\n" || crlf == b"\r\n\r\n");
    if !names_one(mail.get(..header.unwrap_or(mail.len())).unwrap_or(mail)) {
        return Verdict::NotProved;
    }
    let Some(mut message) = AuthenticatedMessage::parse(mail) else { return Verdict::NotProved };
    let (Some(author), Some(to)) = (only(&message, b"from"), only(&message, b"to")) else { return Verdict::NotProved };
    if !is_ours(&to) {
        return Verdict::NotProved;
    }
    message.dkim_headers.retain(|header| counts(&header.header, &author, settings, now));
    message.dkim_headers.truncate(MAX_SIGNATURES);
    message.errors.clear();
    for header in &mut message.dkim_headers {
        header.header.r = false; // it asks for a report, which takes another query
    }
    if message.dkim_headers.is_empty() { Verdict::NotProved } else { verify(&message, settings) }
}

/// Whether a signature of this domain, if it is valid, vouches for this author.
#[must_use]
pub fn vouches(signer: &str, author: &str, domains: &[String]) -> bool {
    domains.iter().filter(|domain| is_within(signer, domain)).any(|domain| match is_amazons(domain) {
        true => is_amazons(author),
        false => is_within(author, domain),
    })
}

/// Whether a header has signatures that vouch for this author, if they are valid, and all of them cover From and To. For a mail
/// that another server has verified: which of them it found valid, it does not say.
#[must_use]
pub fn covers(header: &Fields<'_>, author: &str, domains: &[String]) -> bool {
    let signatures = header.iter().filter(|(name, _)| name.eq_ignore_ascii_case("DKIM-Signature"));
    let read: Option<Vec<_>> = signatures.map(|(_, value)| Signature::parse(value.as_bytes()).ok()).collect();
    let read = read.unwrap_or_default();
    let mut vouching = read.iter().filter(|signature| vouches(&signature.d, author, domains)).peekable();
    vouching.peek().is_some() && vouching.all(covers_addresses)
}

/// The domain of the only author that a From field names.
#[must_use]
pub fn author_domain(from: &str) -> Option<String> {
    Address::parse_mailbox(from).ok().map(|author| author.domain().to_owned())
}

fn counts(signature: &Signature, author: &str, settings: &Settings, now: Timestamp) -> bool {
    let expired = signature.x != 0 && i64::try_from(signature.x).is_ok_and(|x| x <= now.as_second());
    vouches(&signature.d, author, &settings.domains)
        && covers_addresses(signature)
        && signature.a != Algorithm::RsaSha1
        && signature.l == 0
        && signature.atps.is_none()
        && !expired
}

fn covers_addresses(signature: &Signature) -> bool {
    let covers = |name: &str| signature.h.iter().any(|header| header.eq_ignore_ascii_case(name));
    covers("From") && covers("To")
}

/// What the verifier takes for the field of this name, if there is exactly one: of From, its author's domain.
fn only(message: &AuthenticatedMessage<'_>, name: &[u8]) -> Option<String> {
    let mut fields = message.headers.iter().filter(|(n, _)| n.trim_ascii().eq_ignore_ascii_case(name));
    let (Some((_, value)), None) = (fields.next(), fields.next()) else { return None };
    let value = String::from_utf8_lossy(value).split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    if name == b"from" { author_domain(&value) } else { Some(value) }
}

fn verify(message: &AuthenticatedMessage<'_>, settings: &Settings) -> Verdict {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (Ok(runtime), Some(resolver)) = (runtime, resolver(&settings.dns)) else { return Verdict::NoAnswer };
    let verified = runtime.block_on(async { tokio::time::timeout(settings.time, resolver.verify_dkim(message)).await });
    let Ok(outputs) = verified else { return Verdict::NoAnswer };
    if outputs.iter().any(|output| *output.result() == DkimResult::Pass) {
        Verdict::Proved
    } else if outputs.iter().any(is_unanswered) {
        Verdict::NoAnswer
    } else {
        Verdict::NotProved
    }
}

/// Only "no such name" and "no such record" are answers.
fn is_unanswered(output: &DkimOutput<'_>) -> bool {
    match output.result() {
        DkimResult::TempError(_) => true,
        DkimResult::PermError(Error::Dns(DnsError::RecordNotFound(code))) => {
            !matches!(*code, ResponseCode::NXDomain | ResponseCode::NoError)
        }
        _ => false,
    }
}

/// `None` if `/etc/resolv.conf` can't be read.
fn resolver(servers: &[SocketAddr]) -> Option<MessageAuthenticator> {
    let (config, mut options) = match servers {
        [] => read_system_conf().ok()?,
        servers => {
            (ResolverConfig::from_name_servers(servers.iter().map(name_server).collect()), ResolverOpts::default())
        }
    };
    options.timeout = TRY;
    options.attempts = 2;
    options.use_hosts_file = ResolveHosts::Never;
    MessageAuthenticator::new(config, options).ok()
}

fn name_server(at: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = at.port();
        connection
    });
    NameServerConfig::new(at.ip(), true, connections.into())
}

fn is_amazons(domain: &str) -> bool {
    AMAZON.iter().any(|amazon| is_within(domain, amazon))
}

/// The domain itself or one below it.
fn is_within(domain: &str, parent: &str) -> bool {
    let (domain, parent) = (domain.to_ascii_lowercase(), parent.to_ascii_lowercase());
    domain.strip_suffix(&parent).is_some_and(|sub| sub.is_empty() || sub.ends_with('.'))
}

fn contains(text: &[u8], word: &str) -> bool {
    !word.is_empty() && text.windows(word.len()).any(|at| at.eq_ignore_ascii_case(word.as_bytes()))
}

fn without_mbox_line(mail: &[u8]) -> &[u8] {
    let first = mail.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if mail.starts_with(b"From ") { mail.get(first..).unwrap_or_default() } else { mail }
}
