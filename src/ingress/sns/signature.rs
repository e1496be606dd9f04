//! Signatures of SNS messages: version 1 is SHA1withRSA, version 2 SHA256withRSA, both PKCS#1 v1.5.
//!
//! The version is not signed itself, so whoever could forge SHA-1 could choose it: an operator may demand version 2.
//! [`VerifiedMessage`] can be built here only. It proves that *some* AWS account sent the message by SNS of the topic's
//! region with this topic's name; that the topic is ours is for the allow-list to prove.

use std::collections::HashSet;
use std::mem;
use std::ops::Deref;

use data_encoding::BASE64;
use openssl::error::ErrorStack;
use openssl::md::{Md, MdRef};
use openssl::md_ctx::MdCtx;
use openssl::sha::Sha256;

use super::certificate::SigningCertificate;
use super::message::Message;
use super::refusal::Forged;
use crate::event::printable;

/// Longest signature, in characters of base64: an RSA key of 8192 bits makes 1368.
const MAX_SIGNATURE: usize = 1400;

/// Of how many messages a certificate remembers at least that it verified them; of twice as many at most, 32 bytes each.
const MAX_REMEMBERED: usize = 8192;

/// A message whose signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedMessage(Message);

impl Deref for VerifiedMessage {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.0
    }
}

/// Refuses a version that will not be verified, before anything is fetched for it.
///
/// # Errors
/// [`Forged::SignatureVersion`], [`Forged::Version1`].
pub fn check_version(message: &Message, require_version_2: bool) -> Result<(), Forged> {
    match message.signature_version.as_str() {
        "1" if require_version_2 => Err(Forged::Version1),
        "1" | "2" => Ok(()),
        other => Err(Forged::SignatureVersion(printable(other, 20))),
    }
}

impl VerifiedMessage {
    /// Verifies the signature of `message` by `certificate`.
    ///
    /// # Errors
    /// [`Forged::Signature`] if it is not of this key, [`Forged::SignatureVersion`] if not of a known version.
    pub fn verify(message: Message, certificate: &SigningCertificate) -> Result<Self, Forged> {
        check_version(&message, false)?;
        let digest = if message.signature_version == "1" { Md::sha1() } else { Md::sha256() };
        match is_signed(&message, digest, certificate) {
            Ok(true) => Ok(Self(message)),
            // A signature of the wrong length is an error there.
            Ok(false) | Err(_) => Err(Forged::Signature),
        }
    }

    /// The same, but what this certificate verified lately, to the last byte, costs no more than a digest.
    ///
    /// # Errors
    /// Those of [`Self::verify`].
    pub fn verify_or_remember(message: Message, certificate: &SigningCertificate) -> Result<Self, Forged> {
        let digest = digest_of(&message);
        if certificate.verified().has(&digest) {
            return Ok(Self(message));
        }
        let verified = Self::verify(message, certificate)?;
        certificate.verified().keep(digest, MAX_REMEMBERED);
        Ok(verified)
    }
}

/// SHA-256 of a signature, its version and what it signs.
type SignatureDigest = [u8; 32];

/// What a certificate verified lately: SNS sends a message again until it is answered, and all of them together when an outage is over.
#[derive(Default)]
pub(super) struct Verified {
    new: HashSet<SignatureDigest>,
    old: HashSet<SignatureDigest>,
}

impl Verified {
    fn has(&self, digest: &SignatureDigest) -> bool {
        self.new.contains(digest) || self.old.contains(digest)
    }

    /// Forgets the older half when there are `most`.
    fn keep(&mut self, digest: SignatureDigest, most: usize) {
        if self.new.len() >= most {
            self.old = mem::take(&mut self.new);
        }
        self.new.insert(digest);
    }
}

fn digest_of(message: &Message) -> SignatureDigest {
    let mut context = Sha256::new();
    for text in [&message.signature_version, &message.signature, &message.string_to_sign()] {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    }
    context.finish()
}

fn is_signed(message: &Message, digest: &MdRef, certificate: &SigningCertificate) -> Result<bool, ErrorStack> {
    if message.signature.len() > MAX_SIGNATURE {
        return Ok(false);
    }
    let Ok(signature) = BASE64.decode(message.signature.as_bytes()) else { return Ok(false) };
    // PKCS#1 v1.5 is the padding for RSA unless another is asked for.
    let mut context = MdCtx::new()?;
    context.digest_verify_init(Some(digest), certificate.key())?;
    context.digest_verify(message.string_to_sign().as_bytes(), &signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_verified_is_remembered_for_a_while() {
        let mut verified = Verified::default();
        let digest = |n: u8| [n; 32];
        for n in 0..5 {
            assert!(!verified.has(&digest(n)));
            verified.keep(digest(n), 2);
            assert!(verified.has(&digest(n)));
        }
        assert_eq!([0, 1, 2, 3, 4].map(|n| verified.has(&digest(n))), [false, false, true, true, true]);
        assert!(verified.new.len() + verified.old.len() <= 4);
    }
}
