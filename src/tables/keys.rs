//! The keys by which Postfix finds an entry: transport(5), access(5).

/// The key of an address, `@domain` or `@.domain`; and another one where its domain has a form in Unicode.
pub(super) fn of(address: &str) -> (String, Option<String>) {
    let (local, domain) = address.rsplit_once('@').unwrap_or(("", address));
    let key = |domain: &str| if local.is_empty() { domain.to_owned() } else { format!("{local}@{domain}") };
    (key(domain), unicode(domain).map(|domain| key(&domain)))
}

fn unicode(domain: &str) -> Option<String> {
    if !domain.contains("xn--") {
        return None;
    }
    let (dot, bare) = domain.strip_prefix('.').map_or(("", domain), |bare| (".", bare));
    match idna::domain_to_unicode(bare) {
        (text, Ok(())) if text != bare => Some(format!("{dot}{text}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_the_keys_that_postfix_tries() {
        for (address, keys) in [
            ("bob@example.com", &["bob@example.com"][..]),
            ("\"a@b\"@example.com", &["\"a@b\"@example.com"]),
            ("@example.com", &["example.com"]),
            ("@.example.com", &[".example.com"]),
            ("jörg@xn--bcher-kva.example", &["jörg@xn--bcher-kva.example", "jörg@bücher.example"]),
            ("@.xn--bcher-kva.example", &[".xn--bcher-kva.example", ".bücher.example"]),
        ] {
            let (first, other) = of(address);
            assert_eq!(Some(first).into_iter().chain(other).collect::<Vec<_>>(), keys);
        }
    }
}
