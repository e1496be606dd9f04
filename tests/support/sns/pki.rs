//! A CA, a TLS certificate for SNS's hosts, and signing certificates of every kind.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, PKey, PKeyRef, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Extension, X509Name, X509NameBuilder, X509NameRef};
use tokio_rustls::rustls::{self, pki_types::pem::PemObject};

/// Hosts that the stand-in has a TLS certificate for.
pub const HOSTS: [&str; 5] = [
    "sns.us-east-1.amazonaws.com",
    "sns.eu-west-1.amazonaws.com",
    "sns.eu-south-1.amazonaws.com",
    "sns.us-gov-west-1.amazonaws.com",
    "sns.cn-north-1.amazonaws.com.cn",
];
const DAY: i64 = 86_400;

/// A signing key and where its certificate is served.
#[derive(Clone)]
pub struct Signing {
    pub key: PKey<Private>,
    /// The hexadecimal part of `SimpleNotificationService-<id>.pem`.
    pub id: String,
    pub pem: Vec<u8>,
}

pub struct Pki {
    pub ca_pem: Vec<u8>,
    pub tls: Arc<rustls::ServerConfig>,
    /// Certificate and key of a receiver called `hooks.example.com`, PEM.
    pub receiver: (Vec<u8>, Vec<u8>),
    /// As SNS signs in most regions.
    pub good: Signing,
    /// As SNS signs in eu-south-1.
    pub eu_south: Signing,
    pub expired: Signing,
    pub not_yet: Signing,
    pub wrong_name: Signing,
    pub unknown_ca: Signing,
    pub weak: Signing,
    /// Not RSA.
    pub elliptic: Signing,
    /// Issued by an intermediate that is not in the file and must be fetched.
    pub without_issuer: Signing,
    pub intermediate_der: Vec<u8>,
    /// What a receiver trusts.
    pub ca: Authority,
}

/// Whoever issues certificates, rightly or not.
pub struct Authority {
    pub key: PKey<Private>,
    pub certificate: X509,
}

/// What a certificate is to be.
#[derive(Clone, Copy)]
pub struct Wish<'a> {
    pub name: &'a str,
    /// Another common name beside it.
    pub second_name: Option<&'a str>,
    /// From when until when, in days from now.
    pub days: (i64, i64),
    pub ca: bool,
    pub hosts: &'a [&'a str],
    pub issuer_url: Option<&'a str>,
    /// Signed by way of SHA-1.
    pub sha1: bool,
}

impl<'a> Wish<'a> {
    pub const fn named(name: &'a str) -> Self {
        let days = (-1, 3650);
        Self { name, second_name: None, days, ca: false, hosts: &[], issuer_url: None, sha1: false }
    }
}

/// Where the intermediate of [`Pki::without_issuer`] is published.
pub const ISSUER_URL: &str = "http://crt.test.amazontrust.com/intermediate.cer";

impl Pki {
    /// One for all tests of a process, since keys take time.
    pub fn shared() -> &'static Self {
        static PKI: OnceLock<Pki> = OnceLock::new();
        PKI.get_or_init(Self::create)
    }

    pub fn create() -> Self {
        let ca = authority("stand-in CA", None);
        let intermediate = authority("stand-in intermediate", Some(&ca));
        let tls_key = rsa(2048);
        let tls_certificate = issue(&Wish { hosts: &HOSTS, ..Wish::named("sns") }, &tls_key, Some(&ca));
        let receiver = issue(&Wish { hosts: &["hooks.example.com"], ..Wish::named("hooks") }, &tls_key, Some(&ca));
        let (key, short) = (rsa(2048), rsa(1024));
        let sns = "sns.amazonaws.com";
        let signing = |wish: Wish<'_>, key: &PKey<Private>, by: &Authority| signing(&wish, key, by);
        Self {
            ca_pem: ca.certificate.to_pem().unwrap(),
            tls: tls(&tls_certificate, &tls_key),
            receiver: (receiver.to_pem().unwrap(), tls_key.private_key_to_pem_pkcs8().unwrap()),
            good: signing(Wish::named(sns), &key, &ca),
            eu_south: signing(Wish::named("sns-signing.eu-south-1.amazonaws.com"), &key, &ca),
            expired: signing(Wish { days: (-400, -10), ..Wish::named(sns) }, &key, &ca),
            not_yet: signing(Wish { days: (10, 400), ..Wish::named(sns) }, &key, &ca),
            wrong_name: signing(Wish::named("sns.amazonaws.com.evil.example"), &key, &ca),
            unknown_ca: signing(Wish::named(sns), &key, &authority("stand-in CA", None)),
            weak: signing(Wish::named(sns), &short, &ca),
            elliptic: signing(Wish::named(sns), &elliptic(), &ca),
            without_issuer: signing(Wish { issuer_url: Some(ISSUER_URL), ..Wish::named(sns) }, &key, &intermediate),
            intermediate_der: intermediate.certificate.to_der().unwrap(),
            ca,
        }
    }

    pub fn signings(&self) -> [&Signing; 9] {
        let Self { good, eu_south, expired, not_yet, wrong_name, unknown_ca, weak, elliptic, without_issuer, .. } =
            self;
        [good, eu_south, expired, not_yet, wrong_name, unknown_ca, weak, elliptic, without_issuer]
    }

    /// Writes what a receiver must trust and what [`Signing::load`] needs.
    pub fn save(&self, dir: &Path) {
        std::fs::create_dir_all(dir).unwrap();
        std::fs::write(dir.join("ca.pem"), &self.ca_pem).unwrap();
        std::fs::write(dir.join("sign.pem"), &self.good.pem).unwrap();
        std::fs::write(dir.join("sign.id"), &self.good.id).unwrap();
        std::fs::write(dir.join("sign.key"), self.good.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    }
}

impl Signing {
    /// The good one of a saved [`Pki`].
    pub fn load(dir: &Path) -> Self {
        let read = |name: &str| std::fs::read(dir.join(name)).unwrap();
        Self {
            key: PKey::private_key_from_pem(&read("sign.key")).unwrap(),
            id: String::from_utf8(read("sign.id")).unwrap(),
            pem: read("sign.pem"),
        }
    }
}

pub fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

fn elliptic() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

pub fn authority(name: &str, by: Option<&Authority>) -> Authority {
    let key = rsa(2048);
    let certificate = issue(&Wish { ca: true, ..Wish::named(name) }, &key, by);
    Authority { key, certificate }
}

pub fn signing(wish: &Wish<'_>, key: &PKey<Private>, by: &Authority) -> Signing {
    let certificate = issue(wish, key, Some(by));
    let id = certificate.digest(MessageDigest::sha256()).unwrap().iter().take(16).map(|b| format!("{b:02x}")).collect();
    Signing { key: key.clone(), id, pem: certificate.to_pem().unwrap() }
}

fn common_name(wish: &Wish<'_>) -> X509Name {
    let mut name = X509NameBuilder::new().unwrap();
    for text in [Some(wish.name), wish.second_name].into_iter().flatten() {
        name.append_entry_by_nid(Nid::COMMONNAME, text).unwrap();
    }
    name.build()
}

/// Issued by `by`, or else by itself.
pub fn issue(wish: &Wish<'_>, key: &PKey<Private>, by: Option<&Authority>) -> X509 {
    certify(wish, key, by.map(|by| by.certificate.subject_name()), by.map_or(key, |by| &by.key))
}

/// A certificate for a key, whoever has it.
pub fn certify<T: HasPublic>(
    wish: &Wish<'_>,
    key: &PKeyRef<T>,
    issuer: Option<&X509NameRef>,
    sign_with: &PKey<Private>,
) -> X509 {
    let now = jiff::Timestamp::now().as_second();
    let time = |days: i64| Asn1Time::from_unix(now + days * DAY).unwrap();
    let mut serial = [0; 8];
    openssl::rand::rand_bytes(&mut serial).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_slice(&serial).unwrap().to_asn1_integer().unwrap()).unwrap();
    let subject = common_name(wish);
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(issuer.unwrap_or(&subject)).unwrap();
    builder.set_not_before(&time(wish.days.0)).unwrap();
    builder.set_not_after(&time(wish.days.1)).unwrap();
    builder.set_pubkey(key).unwrap();
    let mut constraints = BasicConstraints::new();
    constraints.critical();
    if wish.ca {
        constraints.ca();
    }
    builder.append_extension(constraints.build().unwrap()).unwrap();
    if !wish.hosts.is_empty() {
        let mut names = SubjectAlternativeName::new();
        for host in wish.hosts {
            names.dns(host);
        }
        let names = names.build(&builder.x509v3_context(None, None)).unwrap();
        builder.append_extension(names).unwrap();
    }
    if let Some(url) = wish.issuer_url {
        #[allow(deprecated, reason = "the crate has no builder for this extension")]
        let access = X509Extension::new_nid(None, None, Nid::INFO_ACCESS, &format!("caIssuers;URI:{url}")).unwrap();
        builder.append_extension(access).unwrap();
    }
    builder.sign(sign_with, if wish.sha1 { MessageDigest::sha1() } else { MessageDigest::sha256() }).unwrap();
    builder.build()
}

fn tls(certificate: &X509, key: &PKey<Private>) -> Arc<rustls::ServerConfig> {
    let chain = vec![certificate.to_der().unwrap().into()];
    let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(&key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap())
}
