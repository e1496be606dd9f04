//! Signatures of SNS messages: version 1 is SHA1withRSA, version 2 SHA256withRSA, both PKCS#1 v1.5.
//!
//! The version is not signed itself, so whoever could forge SHA-1 could choose it: an operator may demand version 2.
//! [`VerifiedMessage`] can be built here only. It proves that *some* AWS account sent the message by SNS of the topic's
//! region with this topic's name; that the topic is ours is for the allow-list to prove.

use std::ops::Deref;

use openssl::error::ErrorStack;
use openssl::md::{Md, MdRef};
use openssl::md_ctx::MdCtx;

use super::certificate::SigningCertificate;
use super::message::Message;
use super::refusal::Forged;
use crate::event::printable;

/// Longest signature, in characters of base64: an RSA key of 8192 bits makes 1368.
const MAX_SIGNATURE: usize = 1400;

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
}

fn is_signed(message: &Message, digest: &MdRef, certificate: &SigningCertificate) -> Result<bool, ErrorStack> {
    if message.signature.len() > MAX_SIGNATURE {
        return Ok(false);
    }
    let signature = openssl::base64::decode_block(&message.signature)?;
    // PKCS#1 v1.5 is the padding for RSA unless another is asked for.
    let mut context = MdCtx::new()?;
    context.digest_verify_init(Some(digest), certificate.key())?;
    context.digest_verify(message.string_to_sign().as_bytes(), &signature)
}
