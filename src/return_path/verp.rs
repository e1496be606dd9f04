//! Variable envelope return paths: the address that a report was sent to names the recipient, or the sending.
//!
//! `bounces+user=domain@…` is read by a configurable pattern; the tokens of list managers, which only their own database can
//! resolve, are recognised and handed on. The signature of a signed return path ([`super`]) is taken out before.
//! Nothing fails: what is no VERP is `None`.

use std::fmt;

use super::plain;
use crate::address::Address;
use crate::event::{MAX_NAME, printable};

/// How our own return paths name the recipient: `{prefix}{separator}user=domain@anything`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    prefix: String,
    separator: char,
    equals: char,
}

impl Default for Pattern {
    /// `bounces+user=domain@…`, and every local part whose first word ends like that (`news-bounces+…`: Mailman).
    fn default() -> Self {
        Self { prefix: "bounces".to_owned(), separator: '+', equals: '=' }
    }
}

impl Pattern {
    /// A pattern as written in a configuration: `bounces+{user}={domain}`; `None` if it is not of that form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (head, tail) = text.split_once("{user}")?;
        let equals = tail.strip_suffix("{domain}").or_else(|| tail.split_once("{domain}@").map(|(e, _)| e))?;
        let separator = head.chars().next_back()?;
        let prefix = head.strip_suffix(separator)?.to_owned();
        let mut equals = equals.chars();
        let pattern = Self { prefix, separator, equals: equals.next()? };
        (equals.next().is_none() && !pattern.prefix.is_empty()).then_some(pattern)
    }

    /// The recipient that a return path names, and whether the first word of his may be the number of a mail instead.
    fn read(&self, return_path: &str) -> Option<(String, bool)> {
        let return_path = plain(return_path.trim_matches(['<', '>', ' ']));
        let (local, _) = return_path.rsplit_once('@')?;
        let (prefix, named) = local.split_once(self.separator)?;
        let prefix = prefix.to_ascii_lowercase();
        let ours = prefix == self.prefix || prefix.strip_suffix(&self.prefix).is_some_and(|p| p.ends_with(['-', '.']));
        let (user, domain) = named.rsplit_once(self.equals)?;
        let is_numbered = user.split_once(self.separator).is_some_and(|(n, _)| n.bytes().all(|b| b.is_ascii_digit()));
        let address = format!("{user}@{domain}");
        (ours && domain.contains('.') && Address::parse(&address).is_ok()).then_some((address, is_numbered))
    }
}

/// A return path that only its application can resolve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Which application writes such paths.
    pub application: &'static str,
    /// The local part that it will recognise.
    pub local_part: String,
}

impl fmt::Display for Token {
    /// `X-Suppressd-Verp: civicrm b.12.345.0123456789abcdef`, in line with the list headers that are kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "X-Suppressd-Verp: {} {}", self.application, printable(&self.local_part, MAX_NAME))
    }
}

/// The recipient that one of our return paths names, by the patterns given, then by the common one and Sympa's.
#[must_use]
pub fn recipient(return_path: &str, patterns: &[Pattern]) -> Option<String> {
    read(return_path, patterns).map(|(recipient, _)| recipient)
}

/// The same where it can mean nobody else: `bounces+42+user=domain` is to `42+user@domain`, or is mail 42 to `user@domain`.
#[must_use]
pub fn certain_recipient(return_path: &str, patterns: &[Pattern]) -> Option<String> {
    read(return_path, patterns).filter(|(_, is_numbered)| !is_numbered).map(|(recipient, _)| recipient)
}

fn read(return_path: &str, patterns: &[Pattern]) -> Option<(String, bool)> {
    let configured = patterns.iter().find_map(|pattern| pattern.read(return_path));
    configured
        .or_else(|| Pattern::default().read(return_path))
        .or_else(|| sympa_recipient(return_path).map(|recipient| (recipient, false)))
}

/// Recognises the return paths of list managers.
#[must_use]
pub fn token(return_path: &str) -> Option<Token> {
    let return_path = plain(return_path.trim_matches(['<', '>', ' ']));
    let (local_part, _) = return_path.rsplit_once('@')?;
    let application = [
        ("civicrm", is_civicrm as fn(&str) -> bool),
        ("mautic", is_mautic),
        ("sympa", is_sympa),
        ("mailman", is_mailman),
        ("phplist", is_phplist),
    ]
    .into_iter()
    .find_map(|(name, test)| test(local_part).then_some(name))?;
    Some(Token { application, local_part: local_part.to_owned() })
}

/// `[prefix]b.JOB.QUEUE.HASH`, 16 characters of hash, separators `.` or as configured there.
fn is_civicrm(local: &str) -> bool {
    let mut words = local.rsplit(['.', '-', '+', '_']);
    let (hash, queue, job, verb) = (words.next(), words.next(), words.next(), words.next());
    let number = |w: Option<&str>| w.is_some_and(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_digit()));
    hash.is_some_and(|h| h.len() == 16 && h.bytes().all(|b| b.is_ascii_alphanumeric()))
        && number(queue)
        && number(job)
        && verb.is_some_and(|v| v.ends_with(['b', 'c', 'e', 'o', 'r', 'u']))
}

/// `bounces+bounce_HASH`, `…+unsubscribe_HASH`.
fn is_mautic(local: &str) -> bool {
    local.split_once('+').is_some_and(|(_, t)| t.starts_with("bounce_") || t.starts_with("unsubscribe_"))
}

/// `bounce+user==a==domain==list`.
fn is_sympa(local: &str) -> bool {
    local.contains("==a==")
}

/// `list-bounces`, `list-bounces+user=domain`.
fn is_mailman(local: &str) -> bool {
    local.split('+').next().is_some_and(|l| l.ends_with("-bounces"))
}

/// `bounce-mlID-msgID-…` and `bounces+uid-mid`, as phpList's plugins write them.
fn is_phplist(local: &str) -> bool {
    let Some((head, tail)) = local.split_once(['-', '+']) else { return false };
    head.starts_with("bounce") && tail.contains('-') && tail.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// Sympa's path names the recipient too: `bounce+user==a==domain==list`.
#[must_use]
pub fn sympa_recipient(return_path: &str) -> Option<String> {
    let return_path = plain(return_path.trim_matches(['<', '>', ' ']));
    let (local, _) = return_path.rsplit_once('@')?;
    let (_, named) = local.split_once('+')?;
    let (user, rest) = named.split_once("==a==")?;
    let domain = rest.split("==").next()?;
    let address = format!("{user}@{domain}");
    Address::parse(&address).is_ok().then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_path_names_its_recipient() {
        let named = |path| certain_recipient(path, &[]);
        assert_eq!(named("bounces+bob=example.com@lists.example.net").as_deref(), Some("bob@example.com"));
        assert_eq!(named("<news-bounces+bob=example.com@example.net>").as_deref(), Some("bob@example.com"));
        // Bob's mail 42, or the mailbox 42 with the tag bob?
        let numbered = "bounces+42+bob=example.com@example.net";
        assert_eq!(named(numbered), None);
        assert_eq!(recipient(numbered, &[]).as_deref(), Some("42+bob@example.com"));
        assert_eq!(named("bounces+bob+tag=example.com@example.net").as_deref(), Some("bob+tag@example.com"));
        assert_eq!(
            named("bounces+k1--nh4mbswy3dpeblw6=bob=example.com@example.net").as_deref(),
            Some("bob@example.com")
        );
        for other in
            ["prvs=12=bob@example.com", "SRS0+x=y=example.com=bob@example.net", "bounces+c42@example.net", "bob"]
        {
            assert_eq!(named(other), None, "{other}");
        }
    }

    #[test]
    fn the_pattern_is_configurable() {
        let pattern = Pattern::parse("return-{user}={domain}").unwrap();
        let named = recipient("return-bob=example.com@example.net", &[pattern]);
        assert_eq!(named.as_deref(), Some("bob@example.com"));
        for bad in ["", "{user}={domain}", "x+{user}", "x+{domain}={user}", "x+{user}=={domain}"] {
            assert_eq!(Pattern::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn tokens_of_list_managers_are_recognised() {
        for (path, application) in [
            ("mail+b.12.345.0123456789abcdef@example.net", "civicrm"),
            ("bounces+bounce_5f3a@example.net", "mautic"),
            ("bounce+bob==a==example.com==news@example.net", "sympa"),
            ("news-bounces@example.net", "mailman"),
            ("bounces+12-345@example.net", "phplist"),
            ("mail+k1--nh4mbswy3dpeblw6=b.12.345.0123456789abcdef@example.net", "civicrm"),
            ("bounces+k1--nh4mbswy3dpeblw6=bounce_5f3a@example.net", "mautic"),
        ] {
            assert_eq!(token(path).map(|t| t.application), Some(application), "{path}");
        }
        assert_eq!(token("bob@example.net"), None);
        assert_eq!(sympa_recipient("bounce+bob==a==example.com==news@x.example").as_deref(), Some("bob@example.com"));
    }
}
