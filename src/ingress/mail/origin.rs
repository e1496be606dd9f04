//! Proves where a mail comes from. Anybody can write a bounce; only a proved one changes the list.
//!
//! Proofs, from what Postfix itself says and wrote, never from what the message brought along:
//! - [`Origin::Local`]: made on this machine by Postfix: no client, and its own Received field on top without `from`.
//!   Mail that a user handed to sendmail(1) is no proof, except root's.
//! - [`Origin::TrustedNetwork`]: handed in by a client of a trusted network, and every host that its Received fields
//!   name is in one too: a filter or mail fetcher on this machine passes strangers' mail on.
//! - [`Origin::AuthenticationResults`]: a trusted authserv-id says, above all Received fields, that DKIM passed for
//!   amazonses.com, *and* the author is Amazon. Every customer's mail carries that signature; only Amazon can write from
//!   its own domains.
//!
//! Not promised: that a trusted server is honest, or that the border removes forged Authentication-Results fields
//! (RFC 8601 §5 tells it to).

use std::net::IpAddr;

use ipnet::IpNet;

use super::fields::Fields;
use super::verp::Pattern;
use crate::address::Address;
use crate::event::Origin;

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

/// Whom to believe: `[mail]` of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Clients whose mail counts.
    pub networks: Vec<IpNet>,
    /// Whose Authentication-Results count.
    pub authserv_ids: Vec<String>,
    /// How our own return paths name the recipient.
    pub verp: Vec<Pattern>,
}

/// Domains whose mail only Amazon can write.
const AMAZON: &[&str] = &["amazonses.com", "sns.amazonaws.com"];

/// How the origin of a mail is proved, the strongest proof first.
#[must_use]
pub fn prove(header: &Fields<'_>, envelope: &Envelope, trust: &Trust) -> Origin {
    let client = envelope.client_address.as_deref().map(str::trim);
    if matches!(client, Some("" | "unknown")) && made_here(header) {
        return Origin::Local;
    }
    let client = client.and_then(|client| client.parse().ok());
    if client.is_some_and(|client| trusted(client, trust)) && only_trusted_hops(header, trust) {
        return Origin::TrustedNetwork;
    }
    if says_amazon(header, trust) { Origin::AuthenticationResults } else { Origin::Unproved }
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
        Some(clause) => host_address(clause).is_some_and(|host| trusted(host, trust)),
        None => true,
    })
}

/// The address literal of a `from` clause: `mx.example.org (mx.example.org [192.0.2.1])`.
fn host_address(clause: &str) -> Option<IpAddr> {
    let clause = clause.split(" by ").next()?;
    let (_, literal) = clause.rsplit_once('[')?;
    let (literal, _) = literal.split_once(']')?;
    literal.trim_start_matches("IPv6:").parse().ok()
}

fn says_amazon(header: &Fields<'_>, trust: &Trust) -> bool {
    let above_received = header.iter().take_while(|(name, _)| !name.eq_ignore_ascii_case("Received"));
    let results = above_received.filter(|(name, _)| name.eq_ignore_ascii_case("Authentication-Results"));
    let passed = results.into_iter().any(|(_, value)| dkim_passed_for_amazon(value, trust));
    passed && author_is_amazon(header)
}

/// `mx.example.org; dkim=pass header.d=amazonses.com …` (RFC 8601 §2.2).
fn dkim_passed_for_amazon(value: &str, trust: &Trust) -> bool {
    let mut parts = value.split(';').map(str::trim);
    let authserv_id = parts.next().and_then(|id| id.split_whitespace().next()).unwrap_or_default();
    let known = trust.authserv_ids.iter().any(|trusted| trusted.eq_ignore_ascii_case(authserv_id));
    known && parts.any(|result| passed(result) && result.split_whitespace().any(signed_by_amazon))
}

fn passed(result: &str) -> bool {
    let mut words = result.split_whitespace();
    words.next().is_some_and(|word| word.eq_ignore_ascii_case("dkim=pass"))
}

fn signed_by_amazon(property: &str) -> bool {
    let domain = property.strip_prefix("header.d=").or_else(|| property.strip_prefix("header.i=@"));
    domain.is_some_and(is_amazons)
}

/// Exactly one author, and his domain is Amazon's.
fn author_is_amazon(header: &Fields<'_>) -> bool {
    let mut authors = header.all("From");
    match (authors.next(), authors.next()) {
        (Some(author), None) => Address::parse_mailbox(&author).is_ok_and(|author| is_amazons(author.domain())),
        _ => false,
    }
}

fn is_amazons(domain: &str) -> bool {
    let domain = domain.trim_matches('"').to_ascii_lowercase();
    AMAZON.iter().any(|amazon| domain.strip_suffix(amazon).is_some_and(|sub| sub.is_empty() || sub.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust() -> Trust {
        Trust {
            networks: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap(), "10.0.0.0/8".parse().unwrap()],
            authserv_ids: vec!["mx.example.org".into()],
            verp: Vec::new(),
        }
    }

    fn origin(client: &str, header: &str) -> Origin {
        let envelope = Envelope { client_address: Some(client.into()), ..Envelope::default() };
        prove(&Fields::block(header).0, &envelope, &trust())
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
    fn amazon_is_proved_by_our_own_servers_word_and_its_author() {
        let hop = "Received: from a8.smtp-out.amazonses.com (a8 [192.0.2.5]) by mx.example.org (Postfix)\n";
        let results =
            |id: &str, domain: &str| format!("Authentication-Results: {id};\n\tdkim=pass header.d={domain}\n");
        let from = |author: &str| format!("From: AWS <{author}>\n");
        let mail = |id, domain, author| format!("{}{hop}{}", results(id, domain), from(author));
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
}
