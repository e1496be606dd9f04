//! A stand-in for Amazon SNS, on loopback only: certificates, the hosts that serve them, signed messages.
//!
//! [`pki::Pki`] makes a CA and signing certificates good and bad; [`aws::Aws`] is an HTTP proxy behind which every host
//! is served by us, so that the door's strict rules about hosts stay on; [`signer::Draft`] signs as SNS does.

pub mod aws;
pub mod pki;
pub mod signer;
