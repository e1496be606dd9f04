//! Patterns of addresses, written as in Postfix's access(5): `user@domain`, `@domain`, `@.domain`, `user@`.

use std::fmt;

use crate::address::{Address, canonical_domain, starred};

/// Whom a line of the configuration means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// This address, with any extension (`user+tag`).
    Mailbox(Address),
    /// All addresses of the domain.
    Domain(String),
    /// All addresses of its subdomains, at any depth; not of the domain itself.
    Subdomains(String),
    /// This local part in any domain, with any extension.
    LocalPart(String),
}

impl Pattern {
    /// Parses a pattern; `None` for what is none, such as `*@domain`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if starred(text).is_some() {
            return None;
        }
        if let Some(domain) = text.strip_prefix("@.") {
            return Some(Self::Subdomains(canonical_domain(domain).ok()?));
        }
        if let Some(domain) = text.strip_prefix('@') {
            return Some(Self::Domain(canonical_domain(domain).ok()?));
        }
        if text.ends_with('@') {
            // Any domain does, to have the local part in its canonical form.
            let address = Address::parse(&format!("{text}example.com")).ok()?;
            return Some(Self::LocalPart(address.local_part().to_owned()));
        }
        Address::parse(text).ok().map(Self::Mailbox)
    }

    /// Whether it means this address.
    #[must_use]
    pub fn matches(&self, address: &Address) -> bool {
        match self {
            Self::Mailbox(mailbox) => {
                mailbox.domain() == address.domain()
                    && (mailbox.local_part() == address.local_part() || mailbox.local_part() == without_tag(address))
            }
            Self::Domain(domain) => address.domain() == domain,
            Self::Subdomains(domain) => is_below(address.domain(), domain),
            Self::LocalPart(local) => local == address.local_part() || local == without_tag(address),
        }
    }

    /// Whether an entry for a domain, or with a dot before it for all its subdomains, is one for somebody that this means.
    /// A local part in any domain does not count: it is in every domain.
    #[must_use]
    pub fn touches(&self, domain: &str) -> bool {
        let above = domain.strip_prefix('.');
        let covers = |own: &str| above.map_or(own == domain, |above| is_below(own, above));
        match (self, above) {
            (Self::Mailbox(mailbox), _) => covers(mailbox.domain()),
            (Self::Domain(own), _) => covers(own),
            (Self::Subdomains(own), None) => is_below(domain, own),
            (Self::Subdomains(own), Some(above)) => own == above || is_below(own, above) || is_below(above, own),
            (Self::LocalPart(_), _) => false,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mailbox(address) => write!(f, "{address}"),
            Self::Domain(domain) => write!(f, "@{domain}"),
            Self::Subdomains(domain) => write!(f, "@.{domain}"),
            Self::LocalPart(local) => write!(f, "{local}@"),
        }
    }
}

fn is_below(domain: &str, above: &str) -> bool {
    domain.strip_suffix(above).is_some_and(|rest| rest.ends_with('.'))
}

/// The local part in front of its extension.
fn without_tag(address: &Address) -> &str {
    let local = address.local_part();
    match local.split_once('+') {
        Some((name, _)) if !name.is_empty() && !local.starts_with('"') => name,
        _ => local,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_means_what_postfix_means_by_it() {
        for (pattern, meant, not_meant) in [
            ("Bob@Example.com", "bob+tag@example.com", "bobby@example.com"),
            ("@example.com", "bob@example.com", "bob@sub.example.com"),
            ("@.example.com", "bob@a.sub.example.com", "bob@example.com"),
            ("@.example.com", "bob@sub.example.com", "bob@badexample.com"),
            ("postmaster@", "Postmaster@example.net", "postmasters@example.net"),
            ("abuse@", "abuse+x@example.net", "a@abuse.example"),
            ("@bücher.example", "bob@xn--bcher-kva.example", "bob@example"),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            assert!(pattern.matches(&Address::parse(meant).unwrap()), "{pattern} {meant}");
            assert!(!pattern.matches(&Address::parse(not_meant).unwrap()), "{pattern} {not_meant}");
            assert_eq!(Pattern::parse(&pattern.to_string()), Some(pattern));
        }
    }

    #[test]
    fn an_entry_for_a_domain_touches_whom_it_would_refuse() {
        for (pattern, touched, not_touched) in [
            ("bob@example.com", &["example.com", ".com"][..], &["sub.example.com", ".example.com", "example.net"][..]),
            ("bob@a.example.com", &["a.example.com", ".example.com"], &["example.com", ".a.example.com"]),
            ("@example.com", &["example.com", ".com"], &["badexample.com", ".example.com", ".badexample.com"]),
            (
                "@.example.com",
                &["a.example.com", "b.a.example.com", ".example.com", ".a.example.com", ".com"],
                &["example.com", "badexample.com", ".example.net"],
            ),
            ("postmaster@", &[], &["example.com", ".example.com"]),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            assert!(touched.iter().all(|domain| pattern.touches(domain)), "{pattern}");
            assert!(!not_touched.iter().any(|domain| pattern.touches(domain)), "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_none() {
        for text in ["", "@", "@.", "bob", "a b@", "bob@@", "@bad domain", "*@example.org", "*@", "a*@"] {
            assert_eq!(Pattern::parse(text), None, "{text}");
        }
    }
}
