//! Proves where a mail comes from. Anybody can write a bounce; only a proved one changes the list.
//!
//! Proofs, from what Postfix itself says and wrote, never from what the message brought along:
//! - [`Origin::Local`]: made on this machine by Postfix: no client, and its own Received field on top without `from`.
//!   Mail that a user handed to sendmail(1) is no proof, except root's.
//! - [`Origin::TrustedNetwork`]: handed in by a client of a trusted network, and every host that its Received fields
//!   name is in one too, or the mail was made on a host itself: a filter or mail fetcher on this machine passes strangers'
//!   mail on.
//! - [`Origin::AuthenticationResults`]: a trusted authserv-id says, above all Received fields, that DKIM passed for a
//!   configured domain, *and* the author is of that domain, and the mail came to the address that its `To` names, and its
//!   signatures cover both. Every SES customer's mail carries the signature of amazonses.com; only Amazon can write from its
//!   own domains.
//! - [`Origin::Dkim`]: the same by an own check ([`super::dkim`]), which may need the DNS.
//! - [`Origin::ReturnPath`]: it came to an address that we signed ([`crate::return_path`]); that says nothing of whom it may
//!   speak about, hence [`Proof::about`].
//!
//! The DNS is asked only about mail that reads as a report and that nothing cheaper proves. Where it does not answer, the
//! mail is to come again ([`NoAnswer`]), but only for [`RETRY`] after its Date: then it is kept as unproved, before
//! Postfix gives it up.
//!
//! Not promised: that a trusted server is honest, or that the border removes forged Authentication-Results fields
//! (RFC 8601 §5 tells it to).

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

use super::dkim::{self, Verdict};
use super::fields::Fields;
use super::mime::Header;
use super::{original, report};
use crate::address::Address;
use crate::event::Origin;
use crate::return_path::verp;
use crate::return_path::verp::Pattern;
use crate::return_path::{Keys, Named, mailbox};

/// How long after its Date a mail is asked for again while the DNS does not answer. Postfix keeps a bounce for 5 days
/// (`bounce_queue_lifetime`), then it is lost.
pub const RETRY: SignedDuration = SignedDuration::from_hours(48);

/// What Postfix says of a mail that it hands over.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Envelope {
    /// `${sender}`.
    pub sender: String,
    /// `${recipient}`: the bounce address.
    pub recipient: String,
    /// `${original_recipient}`: before aliases and canonical maps.
    pub original_recipient: String,
    /// `${queue_id}` of this mail.
    pub queue_id: String,
    /// `${client_address}`: empty for mail that did not come by SMTP; `None` where Postfix does not say.
    pub client_address: Option<String>,
}

impl Envelope {
    /// Whether an address is the one that the mail came to, whatever its extension.
    #[must_use]
    pub fn came_to(&self, address: &str) -> bool {
        let address = mailbox(address);
        [&self.recipient, &self.original_recipient].iter().any(|own| !own.is_empty() && mailbox(own) == address)
    }
}

/// Whom to believe: `[mail]` of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Clients whose mail counts.
    pub networks: Vec<IpNet>,
    /// Whose Authentication-Results count.
    pub authserv_ids: Vec<String>,
    /// Whose signatures count.
    pub dkim: dkim::Settings,
    /// Who signed return paths, and what they prove.
    pub return_path: Option<ReturnPath>,
    /// An operator says that this mail is genuine.
    pub operator: bool,
    /// How our own return paths name the recipient.
    pub verp: Vec<Pattern>,
}

/// How to verify a signed return path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnPath {
    /// All keys.
    pub keys: Keys,
    /// How long it is valid, in days.
    pub days: u32,
    /// About whom a report to it counts.
    pub named: Named,
}

/// How the origin of a mail is proved, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    origin: Origin,
    about: About,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum About {
    Anybody,
    Only(Address),
}

impl Proof {
    /// Nothing is proved.
    pub const NONE: Self = Self::of(Origin::Unproved);

    const fn of(origin: Origin) -> Self {
        Self { origin, about: About::Anybody }
    }

    /// How what the mail says about this recipient is proved.
    #[must_use]
    pub fn about(&self, recipient: &Address) -> Origin {
        match &self.about {
            About::Only(named) if named != recipient => Origin::Unproved,
            _ => self.origin,
        }
    }

    /// How the mail itself is proved.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        self.origin
    }
}

/// The DNS gave no answer, and with one the mail might be proved: it is to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAnswer;

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the DNS does not answer for the key of a mail's DKIM signature; check mail.dns")
    }
}

impl std::error::Error for NoAnswer {}

/// How the origin of a mail is proved without asking anybody, the strongest proof first; `None` if it is not.
fn by_itself(header: &Fields<'_>, envelope: &Envelope, trust: &Trust) -> Option<Origin> {
    let client = envelope.client_address.as_deref().map(str::trim);
    if trust.operator {
        return Some(Origin::Operator);
    }
    if matches!(client, Some("" | "unknown")) && made_here(header) {
        return Some(Origin::Local);
    }
    let client = client.and_then(|client| client.parse().ok());
    if client.is_some_and(|client| trusted(client, trust)) && only_trusted_hops(header, trust) {
        return Some(Origin::TrustedNetwork);
    }
    says_signed(header, envelope, trust).then_some(Origin::AuthenticationResults)
}

/// How the origin of a mail is proved. `is_report` tells whether it matters: only then is the DNS asked.
///
/// # Errors
/// [`NoAnswer`] while it can't be told.
pub fn prove(
    mail: &[u8],
    is_report: bool,
    envelope: &Envelope,
    trust: &Trust,
    now: Timestamp,
) -> Result<Proof, NoAnswer> {
    let header = Header::read(mail);
    let header = header.fields();
    if let Some(origin) = by_itself(&header, envelope, trust) {
        return Ok(Proof::of(origin));
    }
    let came_to = |to: &str| names(to, envelope);
    let signed = if is_report { dkim::check(mail, &came_to, &trust.dkim, now) } else { Verdict::NotProved };
    match signed {
        Verdict::Proved => Ok(Proof::of(Origin::Dkim)),
        Verdict::NoAnswer if is_young(&header, now) => Err(NoAnswer),
        Verdict::NoAnswer | Verdict::NotProved => Ok(by_return_path(envelope, trust, now).unwrap_or(Proof::NONE)),
    }
}

/// What Postfix would have said for `${client_address}`, as its own Received field on top has it: empty where no client
/// handed the mail in. For looking at a mail of which nothing else is known, never as a proof: anybody can write the field.
#[must_use]
pub fn presumed_client(mail: &[u8]) -> Option<String> {
    let header = Header::read(mail);
    let received = header.fields().get("Received")?;
    let received = received.trim();
    match received.strip_prefix("from ") {
        _ if !received.contains(" (Postfix") => None,
        Some(clause) => host_address(clause).map(|client| client.to_string()),
        None => received.starts_with("by ").then(String::new),
    }
}

fn by_return_path(envelope: &Envelope, trust: &Trust, now: Timestamp) -> Option<Proof> {
    let ReturnPath { keys, days, named } = trust.return_path.as_ref()?;
    let paths = [&envelope.recipient, &envelope.original_recipient];
    let path = paths.into_iter().find_map(|path| keys.verify(path, *days, now))?;
    if *named == Named::Anybody {
        return Some(Proof::of(Origin::ReturnPath));
    }
    let recipient = verp::recipient(&path, &trust.verp)?;
    Some(Proof { origin: Origin::ReturnPath, about: About::Only(Address::parse(&recipient).ok()?) })
}

/// A mail without a Date is young: it costs a few tries.
fn is_young(header: &Fields<'_>, now: Timestamp) -> bool {
    let date = header.get("Date").and_then(|date| report::date(&date));
    date.is_none_or(|date| now.duration_since(date) < RETRY)
}

/// Whether a To field names the address that the mail came to.
fn names(to: &str, envelope: &Envelope) -> bool {
    original::addresses(to).iter().any(|to| envelope.came_to(to))
}

/// `Received: by mta.example.org (Postfix)`: bounce(8) and others within Postfix; `(Postfix, from userid 0)`: root.
fn made_here(header: &Fields<'_>) -> bool {
    header.get("Received").is_some_and(|received| {
        let received = received.trim();
        received.starts_with("by ") && user(received).is_none_or(|user| user == "0")
    })
}

/// The user that handed a mail to sendmail(1), as pickup(8) writes him down.
fn user(received: &str) -> Option<&str> {
    let (_, behind) = received.split_once("from userid ")?;
    behind.split(|c: char| !c.is_ascii_digit()).next()
}

fn trusted(client: IpAddr, trust: &Trust) -> bool {
    let client = client.to_canonical();
    trust.networks.iter().any(|network| network.contains(&client))
}

/// Whether every host from which a Received field says the mail came is in a trusted network.
fn only_trusted_hops(header: &Fields<'_>, trust: &Trust) -> bool {
    header.all("Received").all(|received| match received.trim().strip_prefix("from ") {
        Some(hop) => {
            let mut hosts = host_addresses(hop).peekable();
            is_within_a_host(hop) || hosts.peek().is_some() && hosts.all(|host| trusted(host, trust))
        }
        None => true,
    })
}

/// The first hop of what sendmail made itself, `localhost (localhost) by mx.example.org`, or a program behind Exim,
/// `root by mx.example.org with local`. Both name the address of whoever came by SMTP.
fn is_within_a_host(hop: &str) -> bool {
    let Some((from, by)) = hop.split_once(" by ") else { return false };
    let words: Vec<&str> = by.split_whitespace().take(3).collect();
    from == "localhost (localhost)" && !by.contains(" with ")
        || matches!(words.as_slice(), [_, "with", "local"]) && !from.contains(char::is_whitespace) && !hop.contains('[')
}

/// Every address in brackets of a `from` clause: `mx.example.org (mx.example.org [192.0.2.1])`; Exchange writes
/// `mx.example.org (192.0.2.1)`. Some name what the client called itself too, `[192.0.2.1] (helo=[127.0.0.1])`.
fn host_addresses(hop: &str) -> impl Iterator<Item = IpAddr> {
    let clause = hop.split(" by ").next().unwrap_or_default();
    let bracketed = clause.split(['[', '(']).skip(1).filter_map(|part| part.split([']', ')', '%']).next());
    bracketed.filter_map(|literal| literal.trim_start_matches("IPv6:").parse().ok())
}

/// The address literal of a `from` clause: `mx.example.org (mx.example.org [192.0.2.1])`.
fn host_address(clause: &str) -> Option<IpAddr> {
    let clause = clause.split(" by ").next()?;
    let (_, literal) = clause.rsplit_once('[')?;
    let (literal, _) = literal.split_once(']')?;
    literal.trim_start_matches("IPv6:").parse().ok()
}

fn says_signed(header: &Fields<'_>, envelope: &Envelope, trust: &Trust) -> bool {
    let Some(author) = only_one(header, "From").and_then(|from| dkim::author_domain(&from)) else { return false };
    let above_received = header.iter().take_while(|(name, _)| !name.eq_ignore_ascii_case("Received"));
    let mut results = above_received.filter(|(name, _)| name.eq_ignore_ascii_case("Authentication-Results"));
    results.any(|(_, value)| dkim_passed(value, &author, trust))
        && only_one(header, "To").is_some_and(|to| names(&to, envelope))
        && dkim::covers(header, &author, &trust.dkim.domains)
}

/// `mx.example.org; dkim=pass header.d=amazonses.com …` (RFC 8601 §2.2).
fn dkim_passed(value: &str, author: &str, trust: &Trust) -> bool {
    let value = plain(value).unwrap_or_default();
    let mut parts = value.split(';').map(str::trim);
    let authserv_id = parts.next().and_then(|id| id.split_whitespace().next()).unwrap_or_default();
    let known = trust.authserv_ids.iter().any(|trusted| trusted.eq_ignore_ascii_case(authserv_id));
    let vouches = |property: &str| {
        let signer = property.strip_prefix("header.d=").or_else(|| property.strip_prefix("header.i=@"));
        signer.is_some_and(|signer| dkim::vouches(signer, author, &trust.dkim.domains))
    };
    known && parts.any(|result| passed(result) && result.split_whitespace().any(vouches))
}

/// A value without its comments (RFC 5322 §3.2.2), and with every quoted string as one word of letters, which strangers
/// can't make a result or a property: an SPF checker writes their envelope sender there, or into a comment as it is, so that a
/// quoted string in a comment does not end it. `None` where one does not end.
fn plain(value: &str) -> Option<String> {
    let (mut plain, mut depth, mut quoted) = (String::with_capacity(value.len()), 0_usize, false);
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted || depth > 0 => drop(chars.next()),
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if depth > 0 && !quoted => {
                depth -= 1;
                plain.push(' ');
            }
            _ if depth > 0 => {}
            c if quoted && !c.is_ascii_alphanumeric() && !matches!(c, '@' | '.' | '-') => plain.push('_'),
            c => plain.push(c),
        }
    }
    (depth == 0 && !quoted).then_some(plain)
}

fn passed(result: &str) -> bool {
    let mut words = result.split_whitespace();
    words.next().is_some_and(|word| word.eq_ignore_ascii_case("dkim=pass"))
}

/// The field of this name, if there is exactly one.
fn only_one(header: &Fields<'_>, name: &str) -> Option<String> {
    let mut fields = header.all(name);
    match (fields.next(), fields.next()) {
        (Some(one), None) => Some(one.into_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust() -> Trust {
        Trust {
            networks: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap(), "10.0.0.0/8".parse().unwrap()],
            authserv_ids: vec!["mx.example.org".into()],
            dkim: dkim::Settings { domains: vec!["amazonses.com".into()], ..dkim::Settings::default() },
            ..Trust::default()
        }
    }

    fn origin(client: &str, header: &str) -> Origin {
        let recipient = "bounces+42@example.org".to_owned();
        let envelope = Envelope { client_address: Some(client.into()), recipient, ..Envelope::default() };
        by_itself(&Fields::block(header).0, &envelope, &trust()).unwrap_or(Origin::Unproved)
    }

    const BOUNCE: &str = "Received: by mta.example.org (Postfix)\n\tid 8A8D89; Sat, 21 Nov 2026 09:18:05 +0000\n";

    #[test]
    fn what_this_postfix_made_is_local() {
        assert_eq!(origin("", BOUNCE), Origin::Local);
        let root = "Received: by mta.example.org (Postfix, from userid 0)\n\tid 8A8D89; Sat, 21 Nov 2026\n";
        assert_eq!(origin("", root), Origin::Local);
    }

    #[test]
    fn a_user_of_this_machine_is_no_proof() {
        let user = "Received: by mta.example.org (Postfix, from userid 1000)\n\tid 8A8D89; Sat, 21 Nov 2026\n";
        assert_eq!(origin("", user), Origin::Unproved);
    }

    #[test]
    fn a_stranger_is_no_proof_whatever_his_mail_says() {
        let top =
            "Received: from evil.example (evil.example [192.0.2.66])\n\tby mx.example.org (Postfix) with ESMTP id 1\n";
        let results = "Authentication-Results: mx.example.org; dkim=pass header.d=amazonses.com\n";
        let author = "From: MAILER-DAEMON@amazonses.com\n";
        assert_eq!(origin("192.0.2.66", &format!("{top}{BOUNCE}")), Origin::Unproved);
        assert_eq!(origin("192.0.2.66", &format!("{top}{results}{author}")), Origin::Unproved);
        assert_eq!(origin("192.0.2.66", BOUNCE), Origin::Unproved);
        assert_eq!(origin("", ""), Origin::Unproved);
    }

    #[test]
    fn a_trusted_client_counts_if_it_did_not_pass_on_a_strangers_mail() {
        let inside = "Received: from app (app.example.org [10.1.2.3])\n\tby mx.example.org (Postfix) with ESMTP id 1\n";
        assert_eq!(origin("10.1.2.3", &format!("{inside}{BOUNCE}")), Origin::TrustedNetwork);
        assert_eq!(origin("::ffff:10.1.2.3", inside), Origin::TrustedNetwork);
        let stranger = "Received: from evil (evil [192.0.2.66]) by mx.example.org (Postfix) with ESMTP id 2\n";
        assert_eq!(origin("127.0.0.1", &format!("{inside}{stranger}")), Origin::Unproved);
        let nameless = "Received: from evil by mx.example.org with SMTP\n";
        assert_eq!(origin("127.0.0.1", &format!("{inside}{nameless}")), Origin::Unproved);
    }

    #[test]
    fn what_other_mail_systems_of_a_trusted_network_made_counts_but_not_what_they_passed_on() {
        let inside = "Received: from app (app.example.org [10.1.2.3])\n\tby mx.example.org (Postfix) with ESMTP id 1\n";
        let origin = |hop: &str| origin("10.1.2.3", &format!("{inside}Received: from {hop}; Sat, 21 Nov 2026\n"));
        for made in [
            "localhost (localhost)\n\tby app.example.org (8.17.1/8.17.1) id 4AL9I5",
            "Debian-exim by app.example.org with local (Exim 4.96)\n\tid 1abc",
            "root by app.example.org with local (Exim 4.96)\n\t(envelope-from <root@example.org>)\n\tid 1abc",
            "EX1.corp (10.1.1.5) by EX1.corp (10.1.1.5) with Microsoft SMTP Server id 15.1",
            "EX1.corp (::1%8) by EX1.corp (::1) with Microsoft SMTP Server id 15.1",
        ] {
            assert_eq!(origin(made), Origin::TrustedNetwork, "{made}");
        }
        for passed_on in [
            "localhost (evil.example [192.0.2.66])\n\tby app.example.org (8.17.1/8.17.1) with ESMTP id 4AL9I5",
            "[192.0.2.66] (helo=[127.0.0.1]) by app.example.org with esmtp (Exim 4.96)\n\tid 1abc",
            "[192.0.2.66] (helo=x by y with local) by app.example.org with esmtp (Exim 4.96)\n\tid 1abc",
            "evil.example ([192.0.2.66]:4711 helo=localhost) by app.example.org with esmtp (Exim 4.96)\n\tid 1abc",
            "evil.example by app.example.org with smtp (Exim 4.96)\n\tid 1abc",
            "evil.example (192.0.2.66) by EX1.corp (10.1.1.5) with Microsoft SMTP Server id 15.1",
            "unknown (HELO localhost) (192.0.2.66) by app.example.org with SMTP",
            "localhost (localhost)",
            "localhost (localhost) by app.example.org with SMTP id 1abc",
        ] {
            assert_eq!(origin(passed_on), Origin::Unproved, "{passed_on}");
        }
    }

    #[test]
    fn amazon_is_proved_by_our_own_servers_word_and_its_author() {
        let hop = "Received: from a8.smtp-out.amazonses.com (a8 [192.0.2.5]) by mx.example.org (Postfix)\n";
        let results =
            |id: &str, domain: &str| format!("Authentication-Results: {id};\n\tdkim=pass header.d={domain}\n");
        let from = |author: &str| format!("From: AWS <{author}>\nTo: Bounces <Bounces@example.org>\n");
        let mail = |id, domain, author| format!("{}{hop}{SIGNED}{}", results(id, domain), from(author));
        let proved = Origin::AuthenticationResults;
        assert_eq!(origin("192.0.2.5", &mail("mx.example.org", "amazonses.com", "no-reply@sns.amazonaws.com")), proved);
        assert_eq!(
            origin("192.0.2.5", &mail("mx.example.org", "amazonses.com", "MAILER-DAEMON@eu-west-1.amazonses.com")),
            proved
        );
        for (id, domain, author) in [
            ("mx.example.org", "amazonses.com", "customer@example.com"),
            ("mx.example.org", "evil-amazonses.com", "no-reply@sns.amazonaws.com"),
            ("evil.example", "amazonses.com", "no-reply@sns.amazonaws.com"),
        ] {
            assert_eq!(origin("192.0.2.5", &mail(id, domain, author)), Origin::Unproved, "{id} {domain} {author}");
        }
        let failed = mail("mx.example.org", "amazonses.com", "no-reply@sns.amazonaws.com").replace("pass", "fail");
        assert_eq!(origin("192.0.2.5", &failed), Origin::Unproved);
    }

    const SIGNED: &str = "DKIM-Signature: v=1; a=rsa-sha256; d=amazonses.com; s=x; h=From:To; bh=eA==; b=eA==\n";

    #[test]
    fn comments_and_quoted_strings_of_results_are_no_results() {
        let from = "From: no-reply@sns.amazonaws.com\nTo: bounces@example.org\n";
        let origin = |results: &str, signature: &str| {
            let results = format!("Authentication-Results: mx.example.org; {results}\n");
            origin("192.0.2.5", &format!("{results}{signature}{from}"))
        };
        for genuine in [
            "dkim=pass (2048-bit key; unprotected) header.d=amazonses.com header.i=@amazonses.com",
            "spf=none smtp.mailfrom=\"(\\\";\"@x.example; dkim=pass (a (b; c) \\) d) header.d=\"amazonses.com\"",
        ] {
            assert_eq!(origin(genuine, SIGNED), Origin::AuthenticationResults, "{genuine}");
            assert_eq!(origin(genuine, ""), Origin::Unproved, "{genuine}");
        }
        let two = format!("{SIGNED}{}", SIGNED.replace(":To", ""));
        assert_eq!(origin("dkim=pass header.d=amazonses.com", &two), Origin::Unproved);
        for forged in [
            "spf=none smtp.mailfrom=\"; dkim=pass header.d=amazonses.com \"@evil.example",
            "spf=none smtp.mailfrom=\"\\\"; dkim=pass header.d=amazonses.com \"@evil.example",
            "spf=none (sender is \\); dkim=pass header.d=amazonses.com \\(@evil.example)",
            "spf=none (sender is ((x); dkim=pass header.d=amazonses.com (@evil.example)))",
            "dkim=pass header.d=evil.example header.i=\" header.d=amazonses.com \"@evil.example",
            "dkim=pass header.d=evil.example (header.d=amazonses.com)",
            "dkim=pass header.d=amazonses.com (",
            "spf=none (sender is <\") ; dkim=pass header.d=amazonses.com (\"@evil.example>)",
            "spf=none (sender is <\")\\\" ; dkim=pass header.d=amazonses.com (\"@evil.example>)",
        ] {
            assert_eq!(origin(forged, SIGNED), Origin::Unproved, "{forged}");
        }
    }

    #[test]
    fn a_report_of_amazons_to_somebody_else_is_no_proof_when_it_is_sent_on_to_us() {
        let results = "Authentication-Results: mx.example.org; dkim=pass header.d=amazonses.com\n";
        let from = "From: no-reply@sns.amazonaws.com\n";
        let signature =
            |h: &str| format!("DKIM-Signature: v=1; a=rsa-sha256; d=amazonses.com; s=x; h={h}; bh=eA==; b=eA==\n");
        let mail = |h: &str, to: &str| format!("{results}{}{from}{to}", signature(h));
        let ours = "To: bounces@example.org\n";
        assert_eq!(origin("192.0.2.5", &mail("From:To", ours)), Origin::AuthenticationResults);
        for (h, to) in [
            ("From:To", "To: eve@evil.example\n"),
            ("From:To", ""),
            ("From:To", "To: bounces@example.org\nTo: eve@evil.example\n"),
            ("From:Subject", ours),
            ("Subject:To", ours),
        ] {
            assert_eq!(origin("192.0.2.5", &mail(h, to)), Origin::Unproved, "{h} {to}");
        }
    }

    #[test]
    fn the_client_that_postfix_wrote_down_can_be_read_from_its_own_field_on_top() {
        let client = |mail: &str| presumed_client(mail.as_bytes());
        assert_eq!(client(BOUNCE).as_deref(), Some(""));
        let handed_in =
            "Received: from mx (mx.example [IPv6:2001:db8::1])\n\tby mta.example.org (Postfix) with ESMTP id 1\n";
        assert_eq!(client(&format!("{handed_in}{BOUNCE}\nhi\n")).as_deref(), Some("2001:db8::1"));
        let another = "Received: from mx (mx.example [192.0.2.1])\n\tby mta.example.org (8.17.1) with ESMTP id 1\n";
        assert_eq!(client(&format!("{another}{BOUNCE}\nhi\n")), None);
        assert_eq!(client("Subject: hi\n\nReceived: by mta.example.org (Postfix)\n"), None);
    }

    fn returned(path: &str, named: Named) -> Proof {
        let keys = Keys::parse("k1 0123456789abcdef").unwrap();
        let trust = Trust { return_path: Some(ReturnPath { keys, days: 15, named }), ..trust() };
        let envelope = Envelope { recipient: path.into(), ..Envelope::default() };
        prove(b"Subject: x\n\nx\n", true, &envelope, &trust, "2026-11-22T08:00:00Z".parse().unwrap()).unwrap()
    }

    fn signed(path: &str) -> String {
        let keys = Keys::parse("k1 0123456789abcdef").unwrap();
        let signer = crate::return_path::Signer::new(keys, vec!["example.org".into()]);
        signer.sign(path, "2026-11-21T08:00:00Z".parse().unwrap()).unwrap()
    }

    #[test]
    fn a_signed_return_path_speaks_about_the_recipient_that_it_names_and_nobody_else() {
        let bob = Address::parse("bob@example.com").unwrap();
        let eve = Address::parse("eve@example.com").unwrap();
        let proof = returned(&signed("bounces+bob=example.com@example.org"), Named::Recipient);
        assert_eq!((proof.about(&bob), proof.about(&eve)), (Origin::ReturnPath, Origin::Unproved));
        let nobody = returned(&signed("bounces@example.org"), Named::Recipient);
        assert_eq!(nobody.about(&bob), Origin::Unproved);
        let anybody = returned(&signed("bounces@example.org"), Named::Anybody);
        assert_eq!((anybody.about(&bob), anybody.about(&eve)), (Origin::ReturnPath, Origin::ReturnPath));
        let forged = returned("bounces+k1--abcdefghijklmnop=bob=example.com@example.org", Named::Anybody);
        assert_eq!(forged.about(&bob), Origin::Unproved);
    }
}
