//! Signatures of SNS messages: version 1 is SHA1withRSA, version 2 SHA256withRSA, both PKCS#1 v1.5.
//!
//! The version is not signed itself, so whoever could forge SHA-1 could choose it: an operator may demand version 2.
//! [`VerifiedMessage`] can be built here only. It proves that *some* AWS account sent the message by SNS of the topic's
//! region with this topic's name; that the topic is ours is for the allow-list to prove.

use std::ops::Deref;
use std::sync::LazyLock;

use openssl::error::ErrorStack;
use openssl::md::{Md, MdRef};
use openssl::md_ctx::MdCtx;

use super::certificate::SigningCertificate;
use super::message::Message;
use super::refusal::Forged;
use crate::event::printable;

/// Longest signature, in characters of base64: an RSA key of 8192 bits makes 1368.
const MAX_SIGNATURE: usize = 1400;

/// SHA-1 and SHA-256, where OpenSSL may use them. To fetch one costs as much as to compute it.
static DIGESTS: LazyLock<[Option<Md>; 2]> =
    LazyLock::new(|| ["SHA1", "SHA256"].map(|name| Md::fetch(None, name, None).ok()));

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
        let [sha1, sha256] = &*DIGESTS;
        let digest = if message.signature_version == "1" { sha1 } else { sha256 };
        // There is no SHA-1 where a system-wide policy forbids it; that is the operator's will.
        match digest.as_ref().map(|digest| is_signed(&message, digest, certificate)) {
            Some(Ok(true)) => Ok(Self(message)),
            // OpenSSL tells a signature of the wrong length as an error.
            Some(Ok(false) | Err(_)) | None => Err(Forged::Signature),
        }
    }
}

fn is_signed(message: &Message, digest: &MdRef, certificate: &SigningCertificate) -> Result<bool, ErrorStack> {
    if message.signature.len() > MAX_SIGNATURE {
        return Ok(false);
    }
    let signature = openssl::base64::decode_block(&message.signature)?;
    // PKCS#1 v1.5 is OpenSSL's padding for RSA unless another is asked for.
    let mut context = MdCtx::new()?;
    context.digest_verify_init(Some(digest), certificate.key())?;
    context.digest_verify(message.string_to_sign().as_bytes(), &signature)
}
