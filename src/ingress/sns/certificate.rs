//! SNS signing certificates: where they may come from, and when they are good.
//!
//! Where: `https://sns.<region>.<suffix>/SimpleNotificationService-<hex>.pem`, the region being the topic's own, to the
//! letter. The URL is compared as text and never parsed, so there is no parser to fool with userinfo, ports or dots.
//! Good: the first certificate in the file has the common name of the region (see [`crate::topic`]), an RSA key of
//! 2048 to 8192 bits, and leads to a trusted root at the given time. Others in the file are untrusted intermediates.
//! On failure: [`CertificateError`]; a missing issuer is an error of its own, because it can be fetched.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::stack::{Stack, StackRef};
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyParam;
use openssl::x509::{X509, X509Ref, X509StoreContext, X509StoreContextRef};

use super::refusal::Forged;
use super::signature::Verified;
use crate::event::{MAX_NAME, printable};
use crate::topic::TopicArn;

/// RSA key lengths taken, in bits. Longer ones only cost time.
const KEY_BITS: std::ops::RangeInclusive<u32> = 2048..=8192;
/// Certificates read from one file.
const MAX_CERTIFICATES: usize = 10;
/// Shortest keys of a chain, in bits: 112 bits of security (NIST SP 800-57, table 2).
const MIN_BITS: [(Id, u32); 2] = [(Id::RSA, 2048), (Id::EC, 224)];
/// Digests that a chain may be signed with, so no SHA-1.
const DIGESTS: [Nid; 3] = [Nid::SHA256, Nid::SHA384, Nid::SHA512];

/// The URL of a signing certificate, allowed for the topic it was parsed with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CertificateUrl {
    text: String,
    common_name: String,
}

/// A public key that signs for SNS in one region, proved by its certificate.
pub struct SigningCertificate {
    key: PKey<Public>,
    /// When every certificate of its chain is valid, in seconds since 1970.
    valid: std::ops::RangeInclusive<i64>,
    verified: Mutex<Verified>,
}

/// Roots that a signing certificate may lead to.
pub struct Roots(Vec<Vec<u8>>);

/// Why a certificate is not good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateError {
    /// By our clock, one of its chain is not valid yet or any more, in the library's words. SNS does not sign with such a one, so it
    /// may be the clock that is wrong.
    NotNow(String),
    /// No certificate at all: a broken transfer, or something in between that answers for SNS.
    Unreadable,
    /// It breaks a rule.
    Forged(Forged),
    /// Its issuer is not at hand; the URLs are where it says that its issuer is published.
    IssuerMissing(Vec<String>),
}

impl CertificateUrl {
    /// Takes `url` as the place of the certificate for messages of `topic`.
    ///
    /// # Errors
    /// [`Forged::CertificateUrl`] unless it is exactly the one form that SNS of that region writes.
    pub fn parse(url: &str, topic: &TopicArn) -> Result<Self, Forged> {
        let id = url
            .strip_prefix("https://")
            .and_then(|rest| rest.strip_prefix(topic.sns_host().as_str()))
            .and_then(|rest| rest.strip_prefix("/SimpleNotificationService-"))
            .and_then(|rest| rest.strip_suffix(".pem"));
        match id {
            Some(id) if (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Ok(Self { text: url.to_owned(), common_name: topic.signing_name() })
            }
            _ => Err(Forged::CertificateUrl(printable(url, MAX_NAME))),
        }
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Roots {
    /// Roots from their DER form. They are read when a certificate is verified: all of a system's would be most of the time to
    /// start.
    #[must_use]
    pub fn from_der<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self(certificates.into_iter().map(<[u8]>::to_vec).collect())
    }

    fn store(&self, now: Timestamp) -> Result<X509Store, ErrorStack> {
        let mut store = X509StoreBuilder::new()?;
        // What can't be read is left out, since no chain can lead there.
        for root in self.0.iter().filter_map(|der| X509::from_der(der).ok()) {
            store.add_cert(root)?;
        }
        let mut param = X509VerifyParam::new()?;
        param.set_time(now.as_second());
        store.set_param(&param)?;
        Ok(store.build())
    }
}

impl SigningCertificate {
    /// Verifies a fetched file, with `issuers` fetched besides (DER or PEM), for the time `now`.
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn verify(
        file: &[u8],
        issuers: &[Vec<u8>],
        url: &CertificateUrl,
        roots: &Roots,
        now: Timestamp,
    ) -> Result<Self, CertificateError> {
        let mut certificates = read(file).into_iter();
        let leaf = certificates.next().ok_or(CertificateError::Unreadable)?;
        if common_name(&leaf).as_deref() != Some(url.common_name.as_str()) {
            return Err(CertificateError::Forged(Forged::CertificateName(url.common_name.clone())));
        }
        let key = rsa_key(&leaf).ok_or(CertificateError::Forged(Forged::WeakKey))?;
        let mut untrusted = Stack::new()?;
        for certificate in certificates.chain(issuers.iter().flat_map(|i| read(i))) {
            untrusted.push(certificate)?;
        }
        let valid = verify_chain(&leaf, &untrusted, &*roots.store(now)?)?;
        Ok(Self { key, valid, verified: Mutex::default() })
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &PKey<Public> {
        &self.key
    }

    /// What it verified lately.
    pub(super) fn verified(&self) -> MutexGuard<'_, Verified> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether every certificate of its chain is valid at `now`.
    #[must_use]
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.valid.contains(&now.as_second())
    }
}

/// Out of memory: nothing that the sender did.
impl From<ErrorStack> for CertificateError {
    fn from(_: ErrorStack) -> Self {
        Self::Unreadable
    }
}

/// Certificates in a PEM file, or the one in a DER file.
fn read(file: &[u8]) -> Vec<X509> {
    let mut certificates = match X509::stack_from_pem(file) {
        Ok(certificates) if !certificates.is_empty() => certificates,
        _ => X509::from_der(file).into_iter().collect(),
    };
    certificates.truncate(MAX_CERTIFICATES);
    certificates
}

/// The common name, if there is exactly one.
fn common_name(certificate: &X509Ref) -> Option<String> {
    let mut names = certificate.subject_name().entries_by_nid(Nid::COMMONNAME);
    let name = names.next()?.data().to_string().ok()?;
    names.next().is_none().then_some(name)
}

fn rsa_key(certificate: &X509Ref) -> Option<PKey<Public>> {
    let key = certificate.public_key().ok()?;
    (key.id() == Id::RSA && KEY_BITS.contains(&key.bits())).then_some(key)
}

fn verify_chain(
    leaf: &X509Ref,
    untrusted: &StackRef<X509>,
    store: &openssl::x509::store::X509StoreRef,
) -> Result<std::ops::RangeInclusive<i64>, CertificateError> {
    let mut context = X509StoreContext::new()?;
    context.init(store, leaf, untrusted, |context| {
        if !context.verify_cert()? {
            return Ok(Err(why_not(context)));
        }
        let Some(chain) = context.chain() else { return Ok(Err(CertificateError::Unreadable)) };
        if !is_strong(chain) {
            let why = "a key or a digest in it is too weak".to_owned();
            return Ok(Err(CertificateError::Forged(Forged::CertificateChain(why))));
        }
        Ok(validity(chain).ok_or(CertificateError::Unreadable))
    })?
}

/// Whether all keys of a chain are long enough, and all that is signed in it by a good digest. Nobody relies on the signature of
/// the root, which is the last.
fn is_strong(chain: &StackRef<X509>) -> bool {
    let has_long_key = |certificate: &X509Ref| {
        certificate
            .public_key()
            .is_ok_and(|key| MIN_BITS.iter().any(|(id, bits)| key.id() == *id && key.bits() >= *bits))
    };
    let is_well_signed = |certificate: &X509Ref| {
        let algorithms = certificate.signature_algorithm().object().nid().signature_algorithms();
        algorithms.is_some_and(|algorithms| DIGESTS.contains(&algorithms.digest))
    };
    chain.iter().all(has_long_key) && chain.iter().rev().skip(1).all(is_well_signed)
}

fn why_not(context: &X509StoreContextRef) -> CertificateError {
    // X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, …_LOCALLY and …_TO_VERIFY_LEAF_SIGNATURE, x509_vfy.h.
    let missing = matches!(context.error().as_raw(), 2 | 20 | 21);
    let urls = context.current_cert().map(issuer_urls).unwrap_or_default();
    if missing && !urls.is_empty() {
        return CertificateError::IssuerMissing(urls);
    }
    let why = context.error().error_string().to_owned();
    // X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED.
    if matches!(context.error().as_raw(), 9 | 10) {
        return CertificateError::NotNow(why);
    }
    CertificateError::Forged(Forged::CertificateChain(why))
}

/// Where a certificate says that its issuer is published, as far as we go there (RFC 5280 §4.2.2.1).
///
/// SNS publishes the leaf alone, and Amazon's intermediates are in no root store, so without this no signature could
/// be verified on most systems. The URL comes from a certificate not verified yet: only Amazon's own publisher is
/// asked, and what comes from there counts as an untrusted intermediate.
fn issuer_urls(certificate: &X509Ref) -> Vec<String> {
    let Some(access) = certificate.authority_info() else { return Vec::new() };
    access
        .iter()
        .filter(|description| description.method().nid() == Nid::AD_CA_ISSUERS)
        .filter_map(|description| description.location().uri())
        .filter(|url| is_amazon_trust(url))
        .map(str::to_owned)
        .collect()
}

fn is_amazon_trust(url: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/');
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let Some((host, path)) = rest.split_once('/') else { return false };
    host.ends_with(".amazontrust.com") && host.len() < 100 && path.len() < 200 && rest.bytes().all(plain)
}

/// When all of `chain` is valid.
fn validity(chain: &StackRef<X509>) -> Option<std::ops::RangeInclusive<i64>> {
    let mut range = (i64::MIN, i64::MAX);
    for certificate in chain {
        range.0 = range.0.max(seconds(certificate.not_before())?);
        range.1 = range.1.min(seconds(certificate.not_after())?);
    }
    Some(range.0..=range.1)
}

fn seconds(time: &Asn1TimeRef) -> Option<i64> {
    let since = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    Some(i64::from(since.days) * 86_400 + i64::from(since.secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_topics_own_sns_serves_certificates() {
        let topic = TopicArn::parse("arn:aws:sns:us-east-1:123456789012:t").unwrap();
        let good = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem";
        assert_eq!(CertificateUrl::parse(good, &topic).unwrap().as_str(), good);
        for bad in [
            "",
            "https://sns.us-east-1.amazonaws.com.evil.example/SimpleNotificationService-00.pem",
            "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-00.pem",
            "https://sns.us-east-1.amazonaws.com@127.0.0.1/SimpleNotificationService-00.pem",
            "https://user@sns.us-east-1.amazonaws.com/SimpleNotificationService-00.pem",
            "https://sns.us-east-1.amazonaws.com:443/SimpleNotificationService-00.pem",
            "https://sns.us-east-1.amazonaws.com./SimpleNotificationService-00.pem",
            "https://SNS.us-east-1.amazonaws.com/SimpleNotificationService-00.pem",
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-00.pem?x",
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-00.pem#x",
            "https://sns.us-east-1.amazonaws.com/x?/SimpleNotificationService-00.pem",
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-../00.pem",
            "https://sns.us-east-1.amazonaws.com//SimpleNotificationService-00.pem",
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-.pem",
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-00.pem ",
            " https://sns.us-east-1.amazonaws.com/SimpleNotificationService-00.pem",
            "https:\\\\sns.us-east-1.amazonaws.com/SimpleNotificationService-00.pem",
            "https://sns.us-east-1.amazonaws.com\\/SimpleNotificationService-00.pem",
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-00.pem",
            "https://sns.us-east-1.amazonaws.com.cn/SimpleNotificationService-00.pem",
            "https://sns.s3-us-west-2.amazonaws.com/SimpleNotificationService-00.pem",
            "https://sns.us-east-1.amazonaws.cоm/SimpleNotificationService-00.pem",
            "https://evil-bucket.s3.amazonaws.com/SimpleNotificationService-00.pem",
        ] {
            assert!(CertificateUrl::parse(bad, &topic).is_err(), "{bad}");
        }
    }

    #[test]
    fn issuers_are_fetched_from_amazon_alone() {
        assert!(is_amazon_trust("http://crt.r2m01.amazontrust.com/r2m01.cer"));
        for bad in [
            "http://169.254.169.254/latest",
            "http://amazontrust.com/x",
            "http://evil.example/.amazontrust.com/x",
            "http://crt.amazontrust.com@10.0.0.1/x",
            "http://crt.amazontrust.com:8080/x",
            "http://evilamazontrust.com/x",
            "ldap://crt.amazontrust.com/x",
            "http://crt.amazontrust.com",
        ] {
            assert!(!is_amazon_trust(bad), "{bad}");
        }
    }
}
