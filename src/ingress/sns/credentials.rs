//! User and password of the endpoint (`https://user:password@host/sns`), by HTTP basic authentication (RFC 7617).
//!
//! SNS sends its first request without them and wants a real 401 with a challenge. Compared by digest, in constant
//! time, so that an answer's time tells nothing about how much of a guess was right.

use std::fmt;

use data_encoding::BASE64;
use openssl::memcmp;
use openssl::sha::sha256;

/// Longest `Authorization` value looked at, in bytes.
const MAX_HEADER: usize = 2048;

/// The configured credentials; only their digest is kept.
#[derive(Clone)]
pub struct Credentials([u8; 32]);

impl Credentials {
    /// From `user:password`, as the credentials file has it; its final line end does not count. `None` if either is
    /// empty.
    #[must_use]
    pub fn parse(user_and_password: &str) -> Option<Self> {
        let text = user_and_password.trim_end_matches(['\r', '\n']);
        let (user, password) = text.split_once(':')?;
        (!user.is_empty() && !password.is_empty()).then(|| Self(sha256(text.as_bytes())))
    }

    /// Whether the value of an `Authorization` header carries them.
    #[must_use]
    pub fn are_in(&self, authorization: Option<&str>) -> bool {
        let given = authorization.and_then(basic).unwrap_or_default();
        memcmp::eq(&sha256(&given), &self.0)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// The decoded credentials of scheme Basic.
fn basic(authorization: &str) -> Option<Vec<u8>> {
    let (scheme, value) = authorization.split_once(' ')?;
    if authorization.len() > MAX_HEADER || !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    BASE64.decode(value.trim().as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_user_and_password_match() {
        let credentials = Credentials::parse("Aladdin:open sesame\n").unwrap();
        for good in ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ=="] {
            assert!(credentials.are_in(Some(good)), "{good}");
        }
        for bad in ["", "Basic", "Basic ", "Basic !!!", "Basic QWxhZGRpbjpvcGVu", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]
        {
            assert!(!credentials.are_in(Some(bad)), "{bad}");
        }
        assert!(!credentials.are_in(None));
        assert!(["", "user", "user:", ":password", ":\n"].iter().all(|text| Credentials::parse(text).is_none()));
    }

    #[test]
    fn they_are_in_no_debug_output() {
        assert_eq!(format!("{:?}", Credentials::parse("a:b").unwrap()), "Credentials");
    }
}
