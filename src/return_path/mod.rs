//! Signed return paths: `bounces+k1--nh4mbswy3dpeblw64=tag@example.org` stands for `bounces+tag@example.org`.
//!
//! Postfix signs envelope senders on their way out through a socketmap map, and a report that comes back to a signed
//! address was written by somebody who has seen one. Form: behind the first `+` of the local part a key id, `--`, three
//! characters of day and thirteen of HMAC-SHA256 over key id, day, local part and domain (RFC 4648 base32 in lower case,
//! 65 bits), then `=` and the extension that was there before, if any. What is signed is folded to lower case first, so a
//! system that folds case breaks nothing.
//!
//! What it proves: that whoever wrote to the address knows it, and that it left here at most the configured number of
//! days ago. Mail relayed through SES shows it to SES alone, which puts its own return path in front of the world; mail
//! that is delivered directly shows it to its recipients, and each of them can write to it whatever he likes, as often as he
//! likes, until it expires. It does *not* prove that a report is true, nor about whom it is. Hence [`Named`]: a signed
//! address that names a recipient (`bounces+SIG=bob=example.com@…`) can speak about nobody else, and one that names nobody
//! speaks about nobody unless the operator says so.
//!
//! LIMITS: a local part has at most [`MAX_LOCAL`] octets (RFC 5321 §4.5.3.1.1); an address that would grow over it is left
//! as it is. Whoever can send through this Postfix under a configured domain gets his own sender signed.
//! On failure: an address that can't be signed is not, and its mail goes out as ever.

pub mod verp;

use std::fmt;

use jiff::Timestamp;
use openssl::memcmp;
use ring::hmac;

/// Longest local part, in octets; RFC 5321 §4.5.3.1.1.
pub const MAX_LOCAL: usize = 64;
/// Longest key id, in characters.
pub const MAX_KEY_ID: usize = 4;
/// Shortest secret, in bytes.
pub const MIN_SECRET: usize = 16;
/// Characters of the day.
const DAY: usize = 3;
/// Characters of the code.
const CODE: usize = 13;
/// The days that three characters can tell apart; they repeat after 89 years.
const DAYS: i64 = 32 * 32 * 32;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Whom a report to a signed return path may speak about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Named {
    /// The recipient that the signed address names, and nobody else.
    #[default]
    Recipient,
    /// Whomever the report names: right where nobody but the relay gets to see return paths.
    Anybody,
}

/// One secret.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    id: String,
    secret: Vec<u8>,
}

/// The secrets: the first signs, all verify.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys(Vec<Key>);

impl fmt::Debug for Keys {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

impl Keys {
    /// Reads lines `key-id secret`; empty lines and those that begin with `#` are skipped.
    ///
    /// # Errors
    /// `LINE: what is wrong with it`, without the secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let keys =
            lines.map(|(at, line)| key(line).map_err(|what| format!("{at}: {what}"))).collect::<Result<_, _>>()?;
        let keys = Self(keys);
        match keys.0.iter().enumerate().find(|(at, key)| keys.0.iter().take(*at).any(|other| other.id == key.id)) {
            Some((_, key)) => Err(format!(" key id {} stands there twice", key.id)),
            None if keys.0.is_empty() => Err(" no key in it; write a line with a key id and a secret".into()),
            None => Ok(keys),
        }
    }

    /// The address that a signed one stands for, if one of the keys signed it within `days` days before `now` (or a day
    /// after, by another clock).
    #[must_use]
    pub fn verify(&self, address: &str, days: u32, now: Timestamp) -> Option<String> {
        let signed = Signed::of(address)?;
        let key = self.0.iter().find(|key| key.id == signed.key_id)?;
        let age = (day(now) - signed.day).rem_euclid(DAYS);
        let fresh = age <= i64::from(days) || age == DAYS - 1;
        let unsigned = signed.unsigned();
        let code = code(key, signed.day, &unsigned);
        (fresh && memcmp::eq(code.as_bytes(), signed.code.as_bytes())).then_some(unsigned)
    }

    /// Signs an address with the first key; `None` for one that is signed already, is none, or would become too long.
    fn sign(&self, address: &str, now: Timestamp) -> Option<String> {
        let (local, domain) = address.rsplit_once('@').filter(|_| plain(address) == address)?;
        let unquoted = !local.is_empty() && local.bytes().all(|b| b.is_ascii_graphic() && b != b'"');
        let key = self.0.first().filter(|_| unquoted)?;
        let day = day(now).rem_euclid(DAYS);
        let signature = format!("{}--{}{}", key.id, base32(day.unsigned_abs(), DAY), code(key, day, address));
        let local = match local.split_once('+') {
            Some((user, extension)) => format!("{user}+{signature}={extension}"),
            None => format!("{local}+{signature}"),
        };
        (local.len() <= MAX_LOCAL).then(|| format!("{local}@{domain}"))
    }
}

/// Signs the envelope senders of one's own domains: the map `return-path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    keys: Keys,
    domains: Vec<String>,
}

impl Signer {
    /// Signs senders of these domains, and of no subdomain of them.
    #[must_use]
    pub const fn new(keys: Keys, domains: Vec<String>) -> Self {
        Self { keys, domains }
    }

    /// The signed form of a sender; `None` leaves it as it is.
    #[must_use]
    pub fn sign(&self, sender: &str, now: Timestamp) -> Option<String> {
        let (_, domain) = sender.rsplit_once('@')?;
        let ours = self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain));
        if ours { self.keys.sign(sender, now) } else { None }
    }
}

/// An address of the signed form. Nothing says yet that the signature is ours.
struct Signed<'a> {
    user: &'a str,
    key_id: String,
    day: i64,
    code: String,
    /// With its `+`; empty for none.
    extension: String,
    domain: &'a str,
}

impl<'a> Signed<'a> {
    fn of(address: &'a str) -> Option<Self> {
        let (local, domain) = address.rsplit_once('@')?;
        let (user, rest) = local.split_once('+')?;
        let (key_id, rest) = rest.split_once("--").filter(|(id, _)| is_key_id(&id.to_ascii_lowercase()))?;
        let (day, rest) = rest.split_at_checked(DAY)?;
        let (code, rest) = rest.split_at_checked(CODE)?;
        let extension = match rest.strip_prefix('=') {
            Some(extension) => format!("+{extension}"),
            None if rest.is_empty() => String::new(),
            None => return None,
        };
        let code = code.to_ascii_lowercase();
        let well_formed = code.bytes().all(|b| ALPHABET.contains(&b));
        let day = number(&day.to_ascii_lowercase()).filter(|_| well_formed)?;
        Some(Self { user, key_id: key_id.to_ascii_lowercase(), day, code, extension, domain })
    }

    fn unsigned(&self) -> String {
        format!("{}{}@{}", self.user, self.extension, self.domain)
    }
}

/// An address without its signature, valid or not: for whoever reads what it names. Others stay as they are.
#[must_use]
pub fn plain(address: &str) -> String {
    Signed::of(address).map_or_else(|| address.to_owned(), |signed| signed.unsigned())
}

/// The mailbox behind an address, without signature and extension, in lower case: to compare addresses by.
#[must_use]
pub fn mailbox(address: &str) -> String {
    let address = address.trim_matches(['<', '>', ' ']);
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let (user, _) = local.split_once('+').unwrap_or((local, ""));
    format!("{user}@{domain}").to_lowercase()
}

fn key(line: &str) -> Result<Key, String> {
    let (id, secret) = line.split_once(char::is_whitespace).ok_or("write a key id, a space and a secret")?;
    let secret = secret.trim();
    if !is_key_id(id) {
        return Err(format!("a key id has 1 to {MAX_KEY_ID} characters of a-z and 0-9"));
    }
    if secret.len() < MIN_SECRET {
        return Err(format!(
            "the secret of {id} is shorter than {MIN_SECRET} characters; try \"openssl rand -hex 32\""
        ));
    }
    Ok(Key { id: id.to_owned(), secret: secret.as_bytes().to_vec() })
}

fn is_key_id(id: &str) -> bool {
    (1..=MAX_KEY_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// Days since 1970.
fn day(now: Timestamp) -> i64 {
    now.as_second().div_euclid(86_400)
}

fn code(key: &Key, day: i64, address: &str) -> String {
    let text = format!("suppressd return path\0{}\0{day}\0{}", key.id, address.to_lowercase());
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key.secret), text.as_bytes());
    let bits = tag.as_ref().iter().take(9).fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
    (0..CODE).map(|at| letter(bits >> (72 - 5 * (at + 1)))).collect()
}

fn base32(number: u64, length: usize) -> String {
    (0..length).rev().map(|at| letter(u128::from(number) >> (5 * at))).collect()
}

/// The letter of the lowest five bits.
fn letter(bits: u128) -> char {
    usize::try_from(bits & 31).ok().and_then(|at| ALPHABET.get(at)).map_or('a', |byte| char::from(*byte))
}

fn number(letters: &str) -> Option<i64> {
    letters.bytes().try_fold(0i64, |number, byte| {
        let digit = ALPHABET.iter().position(|letter| *letter == byte)?;
        Some(number * 32 + i64::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# new first\nk2 0123456789abcdef0123\nk1 fedcba9876543210fedc\n";

    fn signer() -> Signer {
        Signer::new(Keys::parse(FILE).unwrap(), vec!["example.org".into()])
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn signed(sender: &str) -> String {
        signer().sign(sender, at("2026-11-21T08:00:00Z")).unwrap()
    }

    fn verified(address: &str, now: &str) -> Option<String> {
        Keys::parse(FILE).unwrap().verify(address, 15, at(now))
    }

    #[test]
    fn a_signed_address_stands_for_the_plain_one() {
        for sender in ["bounces@example.org", "bounces+bob=example.com@example.org", "News-Bounces+42@Example.ORG"] {
            let signed = signed(sender);
            assert!(signed.contains("+k2--"), "{signed}");
            assert_eq!(verified(&signed, "2026-11-21T09:00:00Z").as_deref(), Some(sender), "{signed}");
            assert_eq!(plain(&signed), sender);
        }
    }

    #[test]
    fn folding_the_case_breaks_no_signature() {
        let signed = signed("Bounces+Bob=Example.com@example.org");
        for folded in [signed.to_lowercase(), signed.to_uppercase()] {
            assert!(verified(&folded, "2026-11-21T09:00:00Z").is_some(), "{folded}");
        }
    }

    #[test]
    fn a_signature_holds_for_its_days_and_no_longer() {
        let signed = signed("bounces@example.org");
        for (now, holds) in [
            ("2026-11-21T00:00:00Z", true),
            ("2026-11-20T23:00:00Z", true),
            ("2026-12-06T23:59:59Z", true),
            ("2026-12-07T00:00:00Z", false),
            ("2026-11-19T23:00:00Z", false),
            ("2027-11-21T00:00:00Z", false),
        ] {
            assert_eq!(verified(&signed, now).is_some(), holds, "{now}");
        }
    }

    #[test]
    fn a_changed_address_proves_nothing() {
        let signed = signed("bounces+bob=example.com@example.org");
        let mut another_day = signed.clone();
        let at = signed.find("--").unwrap() + 2 + DAY;
        let last = &signed[at - 1..at];
        another_day.replace_range(at - 1..at, if last == "a" { "b" } else { "a" });
        for poisoned in [
            signed.replace("bob=", "eve="),
            signed.replace("@example.org", "@example.net"),
            signed.replace("k2--", "k1--"),
            signed.replace("k2--", "k3--"),
            signed.replace("bounces+", "news+"),
            signed.replace("--", "--a"),
            another_day,
            signed.replace("=bob=example.com", ""),
            signed.get(..signed.find('=').unwrap() - 1).unwrap().to_owned() + "@example.org",
            "bounces+k2--@example.org".into(),
            "bounces+k2--ä23456789abcdefg@example.org".into(),
        ] {
            assert_eq!(verified(&poisoned, "2026-11-21T09:00:00Z"), None, "{poisoned}");
        }
    }

    #[test]
    fn a_retired_key_still_verifies_until_it_is_taken_out() {
        let old = Keys::parse("k1 fedcba9876543210fedc\n").unwrap();
        let signed = old.sign("bounces@example.org", at("2026-11-21T08:00:00Z")).unwrap();
        assert!(verified(&signed, "2026-11-22T08:00:00Z").is_some());
        let new = Keys::parse("k2 0123456789abcdef0123\n").unwrap();
        assert_eq!(new.verify(&signed, 15, at("2026-11-22T08:00:00Z")), None);
    }

    #[test]
    fn only_senders_of_configured_domains_are_signed_and_none_twice() {
        let now = at("2026-11-21T08:00:00Z");
        let signed = signed("bounces@example.org");
        let long = format!("bounces+{}=example.com@example.org", "b".repeat(30));
        for other in
            ["", "<>", "bounces", "bounces@sub.example.org", "a@example.com", &signed, &long, "\"a b\"@example.org"]
        {
            assert_eq!(signer().sign(other, now), None, "{other}");
        }
        let fits = format!("{}@example.org", "b".repeat(MAX_LOCAL - 21));
        let local = signer().sign(&fits, now).unwrap();
        assert_eq!(local.rsplit_once('@').unwrap().0.len(), MAX_LOCAL);
    }

    #[test]
    fn a_key_file_is_refused_with_its_line_and_never_with_its_secret() {
        for (text, sentence) in [
            ("", " no key in it; write a line with a key id and a secret"),
            ("k1 short", "1: the secret of k1 is shorter than 16 characters; try \"openssl rand -hex 32\""),
            ("\nK_1 0123456789abcdef", "2: a key id has 1 to 4 characters of a-z and 0-9"),
            ("k1", "1: write a key id, a space and a secret"),
            ("k1 0123456789abcdef\nk1 0123456789abcdee", " key id k1 stands there twice"),
        ] {
            assert_eq!(Keys::parse(text), Err(sentence.into()), "{text}");
        }
        assert_eq!(format!("{:?}", Keys::parse(FILE).unwrap()), r#"["k2", "k1"]"#);
    }
}
