//! Mails with DKIM signatures of a key of our own.

use std::sync::OnceLock;

use mail_auth::common::crypto::{RsaKey, Sha256};
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::{Canonicalization, DkimSigner};
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;

/// Where the key of Amazon is published.
pub const AMAZON: &str = "s1._domainkey.amazonses.com";

pub fn key() -> &'static PKey<Private> {
    static KEY: OnceLock<PKey<Private>> = OnceLock::new();
    KEY.get_or_init(|| PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap())
}

pub fn record() -> String {
    let key = openssl::base64::encode_block(&key().public_key_to_der().unwrap());
    format!("v=DKIM1; k=rsa; p={key}")
}

/// A report about bob, from and to these.
pub fn report(from: &str, to: &str) -> String {
    format!(
        "From: {from}\r\nTo: {to}\r\nDate: Sat, 21 Nov 2026 08:46:25 +0000\r\nSubject: Delivery Status Notification (Failure)\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nIt failed.\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; a8-31.smtp-out.amazonses.com\r\n\r\nFinal-Recipient: rfc822; bob@example.com\r\n\
         Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\r\n\r\n--b--\r\n\r\n\r\n"
    )
}

pub struct Signing {
    pub domain: &'static str,
    pub headers: &'static [&'static str],
    pub length: bool,
    pub expires: u64,
}

pub const SIGNING: Signing =
    Signing { domain: "amazonses.com", headers: &["Date", "From", "To", "Subject"], length: false, expires: 0 };

/// The mail with a signature on top, as pipe(8) hands it over: with bare line feeds.
pub fn signed(mail: &str, signing: &Signing) -> String {
    let der = key().private_key_to_pkcs8().unwrap();
    let rsa = RsaKey::<Sha256>::from_key_der(rustls_pki_types::PrivatePkcs8KeyDer::from(der).into()).unwrap();
    let mut signer = DkimSigner::from_key(rsa)
        .domain(signing.domain)
        .selector("s1")
        .headers(signing.headers.iter().copied())
        .body_canonicalization(Canonicalization::Simple)
        .body_length(signing.length);
    if signing.expires > 0 {
        signer = signer.expiration(signing.expires);
    }
    format!("{}{mail}", signer.sign(mail.as_bytes()).unwrap().to_header()).replace("\r\n", "\n")
}
