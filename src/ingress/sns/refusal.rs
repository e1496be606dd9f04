//! Why a well-formed request is refused for good (403): it is not proved to come from a topic that is allowed.

use std::fmt;

/// Who erred, and where possible what to do. All texts inside are printable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forged {
    /// The operator has not allowed this topic.
    TopicNotAllowed(String),
    /// The operator has denied this topic.
    TopicDenied(String),
    /// Not a URL of the topic's own SNS.
    CertificateUrl(String),
    /// What was fetched from there holds no certificate named so.
    CertificateName(String),
    /// It does not lead to a trusted root; in the library's words or ours.
    CertificateChain(String),
    /// Its key is not RSA, or outside the lengths we take.
    WeakKey,
    /// Neither 1 nor 2.
    SignatureVersion(String),
    /// Version 1, where the operator demands 2.
    Version1,
    /// Does not verify.
    Signature,
    /// A subscription URL that does something else than confirm this subscription.
    SubscribeUrl(&'static str),
    /// Not signed at all.
    RawDelivery(String),
}

impl Forged {
    /// A short name, for limiting log lines by reason and for counting.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TopicNotAllowed(_) => "topic-not-allowed",
            Self::TopicDenied(_) => "topic-denied",
            Self::CertificateUrl(_) => "certificate-url",
            Self::CertificateName(_) => "certificate-name",
            Self::CertificateChain(_) => "certificate-chain",
            Self::WeakKey => "weak-key",
            Self::SignatureVersion(_) | Self::Version1 => "signature-version",
            Self::Signature => "signature",
            Self::SubscribeUrl(_) => "subscribe-url",
            Self::RawDelivery(_) => "raw-delivery",
        }
    }
}

impl fmt::Display for Forged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TopicNotAllowed(arn) => {
                write!(f, "topic {arn} is not allowed; run \"suppressd topics allow {arn}\" if it is yours")
            }
            Self::TopicDenied(arn) => write!(f, "topic {arn} is denied; run \"suppressd topics allow {arn}\" to change that"),
            Self::CertificateUrl(url) => write!(f, "the signing certificate is not at the topic's own SNS: {url}"),
            Self::CertificateName(name) => write!(f, "the signing certificate is not named {name}"),
            Self::CertificateChain(why) => {
                write!(f, "the signing certificate is not trusted: {why}; sns.ca-file adds roots to those of the system")
            }
            Self::WeakKey => f.write_str("the signing key is not RSA of 2048 to 8192 bits"),
            Self::SignatureVersion(version) => write!(f, "signature version {version} is not known; SNS writes 1 or 2"),
            Self::Version1 => f.write_str(
                "signature version 1, and sns.require-version-2 is set; set attribute SignatureVersion of the topic to 2",
            ),
            Self::Signature => f.write_str("the signature does not verify"),
            Self::SubscribeUrl(what) => write!(f, "the subscription URL {what}"),
            Self::RawDelivery(topic) => write!(
                f,
                "raw message delivery carries no signature; disable \"raw message delivery\" on the subscription of \
                 {topic}, or configure sns.credentials-file"
            ),
        }
    }
}

impl std::error::Error for Forged {}
