//! Signing certificates from elsewhere, and certificates that prove nothing.

use std::sync::Arc;

use openssl::bn::BigNum;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::X509;

use crate::sns::aws::{Reply, path_of};
use crate::sns::pki::{Authority, Pki, Signing, Wish, authority, certify, issue, rsa, signing};
use crate::sns::signer::{Draft, Post, bounce};
use crate::watch::{Class, Forgery, Watch};
use crate::world::World;

const SNS: &str = "sns.amazonaws.com";
const HOST: &str = "https://sns.us-east-1.amazonaws.com";

fn draft() -> Draft {
    Draft::notification(&bounce("victim@example.com"))
}

/// A genuine message, but for where its certificate is; `PATH` stands for the path that SNS writes.
fn at(name: &'static str, url: &str) -> Forgery {
    let good = &Pki::shared().good;
    let mut post = draft().sign(good);
    post.set("SigningCertURL", &url.replace("PATH", &path_of(&good.id)));
    Forgery::of(name, &post)
}

fn elsewhere() -> Class {
    let host = |name, host: &str| at(name, &format!("https://{host}PATH"));
    Class {
        status: 403,
        says: "refused: the signing certificate is not at the topic's own SNS: ",
        forgeries: vec![
            host("a suffix", "sns.us-east-1.amazonaws.com.evil.example"),
            host("a prefix", "evil.sns.us-east-1.amazonaws.com"),
            host("a hyphen", "evil-sns.us-east-1.amazonaws.com"),
            at("in the clear", "http://sns.us-east-1.amazonaws.comPATH"),
            host("a user", "sns.us-east-1.amazonaws.com@127.0.0.1"),
            host("a user of SNS", "x:y@sns.us-east-1.amazonaws.com"),
            host("an empty user", "@sns.us-east-1.amazonaws.com"),
            host("a port", "sns.us-east-1.amazonaws.com:8443"),
            host("the usual port", "sns.us-east-1.amazonaws.com:443"),
            host("an empty port", "sns.us-east-1.amazonaws.com:"),
            host("a bucket called sns", "sns.s3-us-west-2.amazonaws.com"),
            host("a bucket called sns, today's form", "sns.s3.us-east-1.amazonaws.com"),
            host("a bucket with dots", "sns.us-east-1.s3.amazonaws.com"),
            host("a website of a bucket", "sns.s3-website-us-east-1.amazonaws.com"),
            host("another bucket", "evil-bucket.s3.amazonaws.com"),
            host("a function", "sns.lambda-url.us-east-1.on.aws"),
            host("a distribution", "sns.cloudfront.net"),
            host("another service", "sqs.us-east-1.amazonaws.com"),
            host("no region", "sns.amazonaws.com"),
            host("another region", "sns.eu-west-1.amazonaws.com"),
            host("a region in capitals", "sns.US-EAST-1.amazonaws.com"),
            host("China", "sns.us-east-1.amazonaws.com.cn"),
            host("capitals", "SNS.us-east-1.amazonaws.com"),
            host("a dot behind", "sns.us-east-1.amazonaws.com."),
            host("two dots", "sns..us-east-1.amazonaws.com"),
            host("Cyrillic letters", "sns.us-east-1.аmazonaws.com"),
            host("Punycode", "sns.us-east-1.xn--mazonaws-4fg.com"),
            host("fullwidth dots", "sns。us-east-1。amazonaws。com"),
            host("a soft hyphen", "sns.us-east-1.amazon\u{ad}aws.com"),
            host("an escaped letter", "%73ns.us-east-1.amazonaws.com"),
            host("an escaped dot", "sns%2eus-east-1.amazonaws.com"),
            host("an address", "169.254.169.254"),
            host("this machine", "127.0.0.1"),
            host("this machine by IPv6", "[::1]"),
            host("a backslash", "evil.example\\.sns.us-east-1.amazonaws.com"),
            host("a backslash behind", "sns.us-east-1.amazonaws.com\\"),
            host("a slash before", "/sns.us-east-1.amazonaws.com"),
            at("a query", &format!("{HOST}PATH?x")),
            at("a query with the right end", &format!("{HOST}/?xPATH")),
            at("a fragment", &format!("{HOST}PATH#x")),
            at("a path up and down", &format!("{HOST}/x/..PATH")),
            at("an escaped path up", &format!("{HOST}/%2e%2ePATH")),
            at("two slashes", &format!("{HOST}/PATH")),
            at("a path behind", &format!("{HOST}PATH/x.pem")),
            at("path parameters", &format!("{HOST}PATH;x=.pem")),
            at("another file", &format!("{HOST}/evil.pem")),
            at("another ending", &format!("{HOST}PATHx")),
            at("an ending in capitals", &format!("{HOST}/SimpleNotificationService-00.PEM")),
            at("no id", &format!("{HOST}/SimpleNotificationService-.pem")),
            at("an id of 65 digits", &format!("{HOST}/SimpleNotificationService-{}.pem", "0".repeat(65))),
            at("an id with a path", &format!("{HOST}/SimpleNotificationService-../x.pem")),
            at("an id in other digits", &format!("{HOST}/SimpleNotificationService-٠١.pem")),
            at("the topic's own query API", &format!("{HOST}/?Action=GetTopicAttributes")),
            at("a file on disk", "file:///etc/ssl/certs/x.pem"),
            at("data", "data:application/x-pem-file,x"),
            at("capitals in the scheme", "HTTPS://sns.us-east-1.amazonaws.comPATH"),
            at("no scheme", "//sns.us-east-1.amazonaws.comPATH"),
            at("a space before", &format!(" {HOST}PATH")),
            at("a space behind", &format!("{HOST}PATH ")),
            at("nothing", ""),
            at("three kilobytes", &format!("https://{}.example/", "x".repeat(3000))),
            at("a forged log line", "https://x/ suppressd: to=<bob@example.com>, action=suppressed, event=1"),
            at("text turned around", "https://\u{202e}moc.elpmaxe/\u{200b}"),
        ],
    }
}

/// Serves `pem` in the place where the certificate with this id is looked for.
fn serve(world: &World, signing: &Signing, pem: Vec<u8>) -> Post {
    world.aws.serve_certificate(&signing.id, Reply::Body(pem));
    draft().sign(signing)
}

/// Issued by the trusted authority to the name of SNS, but for what is wished.
fn wished(world: &World, name: &'static str, wish: &Wish<'_>) -> Forgery {
    let signing = signing(wish, &Pki::shared().good.key, &Pki::shared().ca);
    Forgery::of(name, &serve(world, &signing, signing.pem.clone()))
}

fn wrong_names(world: &World) -> Class {
    let named = |name, common_name: &str| wished(world, name, &Wish::named(common_name));
    Class {
        status: 403,
        says: "refused: the signing certificate is not named sns.amazonaws.com",
        forgeries: vec![
            Forgery::of("a suffix", &draft().sign(&Pki::shared().wrong_name)),
            Forgery::of("another region's", &draft().sign(&Pki::shared().eu_south)),
            named("the host that serves it", "sns.us-east-1.amazonaws.com"),
            named("a wildcard", "*.amazonaws.com"),
            named("capitals", "SNS.amazonaws.com"),
            named("a dot behind", "sns.amazonaws.com."),
            named("a NUL behind", "sns.amazonaws.com\0.evil.example"),
            named("a space before", " sns.amazonaws.com"),
            named("Cyrillic letters", "sns.аmazonaws.com"),
            named("somebody", "attacker"),
            wished(world, "two names", &Wish { second_name: Some("evil.example"), ..Wish::named(SNS) }),
            wished(world, "the right one second", &Wish { second_name: Some(SNS), ..Wish::named("evil.example") }),
            wished(world, "among the alternative names", &Wish { hosts: &[SNS], ..Wish::named("evil.example") }),
            Forgery::of("an attacker's in front", &{
                let evil = signing(&Wish::named("evil.example"), &rsa(2048), &Pki::shared().ca);
                serve(world, &evil, [evil.pem.clone(), Pki::shared().good.pem.clone()].concat())
            }),
        ],
    }
}

/// A public key of so many bits, of which nobody has the private one.
fn huge_key(bits: i32) -> PKey<openssl::pkey::Public> {
    let (mut modulus, mut top) = (BigNum::new().unwrap(), BigNum::new().unwrap());
    modulus.rand(bits, openssl::bn::MsbOption::ONE, true).unwrap();
    top.set_bit(bits - 1).unwrap();
    assert!(modulus >= top);
    PKey::from_rsa(Rsa::from_public_components(modulus, BigNum::from_u32(65537).unwrap()).unwrap()).unwrap()
}

fn wrong_keys(world: &World) -> Class {
    let (ca, good) = (&Pki::shared().ca, &Pki::shared().good);
    let with_key = |name, id: &str, certificate: X509| {
        let signing = Signing { id: id.to_owned(), pem: Vec::new(), ..good.clone() };
        Forgery::of(name, &serve(world, &signing, certificate.to_pem().unwrap()))
    };
    let issuer = Some(ca.certificate.subject_name());
    let huge = certify(&Wish::named(SNS), &huge_key(16_384), issuer, &ca.key);
    let ed25519 = certify(&Wish::named(SNS), &PKey::generate_ed25519().unwrap(), issuer, &ca.key);
    Class {
        status: 403,
        says: "refused: the signing key is not RSA of 2048 to 8192 bits",
        forgeries: vec![
            Forgery::of("an elliptic curve", &draft().sign(&Pki::shared().elliptic)),
            Forgery::of("1024 bits", &draft().sign(&Pki::shared().weak)),
            with_key("16384 bits", "aa01", huge),
            with_key("Ed25519", "aa02", ed25519),
        ],
    }
}

/// An authority between the trusted one and what it issues.
const BETWEEN: Wish<'_> = Wish { ca: true, ..Wish::named("between") };

fn between(wish: &Wish<'_>, bits: u32) -> Authority {
    let key = rsa(bits);
    let certificate = issue(wish, &key, Some(&Pki::shared().ca));
    Authority { key, certificate }
}

/// Issued by that one, whose certificate is served too.
fn below(world: &World, name: &'static str, between: &Authority) -> Forgery {
    let leaf = signing(&Wish::named(SNS), &Pki::shared().good.key, between);
    Forgery::of(name, &serve(world, &leaf, [leaf.pem.clone(), between.certificate.to_pem().unwrap()].concat()))
}

fn wrong_chains(world: &World) -> Class {
    let key = &Pki::shared().good.key;
    let below = |name, between: Authority| below(world, name, &between);
    let sns = Wish::named(SNS);
    let hidden = |name, url| {
        let leaf = signing(&Wish { issuer_url: Some(url), ..sns }, key, &authority("nobody's", None));
        Forgery::of(name, &serve(world, &leaf, leaf.pem.clone()))
    };
    let self_signed = issue(&sns, key, None);
    let id = "bb01".to_owned();
    let alone = Signing { key: key.clone(), id, pem: self_signed.to_pem().unwrap() };
    let evil_root = authority("evil root", None);
    let published = "http://crt.evil.amazontrust.com/root.cer";
    world.aws.serve(published, Reply::Body(evil_root.certificate.to_der().unwrap()));
    let led_astray = signing(&Wish { issuer_url: Some(published), ..sns }, key, &evil_root);
    Class {
        status: 403,
        says: "refused: the signing certificate is not trusted: ",
        forgeries: vec![
            Forgery::of("an unknown authority of the same name", &draft().sign(&Pki::shared().unknown_ca)),
            Forgery::of("signed by itself", &serve(world, &alone, alone.pem.clone())),
            wished(world, "by SHA-1", &Wish { sha1: true, ..sns }),
            below("by somebody who is no authority", between(&Wish::named("evil.example"), 2048)),
            below("by an authority with a short key", between(&BETWEEN, 1024)),
            below("by an authority that SHA-1 proves", between(&Wish { sha1: true, ..BETWEEN }, 2048)),
            below("by an authority of nobody", authority("between", None)),
            hidden("the issuer at an inside address", "http://169.254.169.254/latest/meta-data/"),
            hidden("the issuer on this machine", "http://127.0.0.1/ca.cer"),
            hidden("the issuer at evil's", "http://crt.evil.example/.amazontrust.com/ca.cer"),
            hidden("the issuer on a port", "http://crt.amazontrust.com:8080/ca.cer"),
            hidden("the issuer in a file", "file:///etc/passwd"),
            Forgery::of("the issuer is an attacker's root", &serve(world, &led_astray, led_astray.pem.clone())),
        ],
    }
}

/// Good certificates, and a signature that is not theirs.
fn wrong_owners(world: &World) -> Class {
    let attacker = rsa(2048);
    let second = signing(&Wish::named("evil.example"), &attacker, &Pki::shared().ca);
    let good = &Pki::shared().good;
    let both = Signing { key: attacker, id: "cc01".into(), pem: Vec::new() };
    Class {
        status: 403,
        says: "refused: the signature does not verify",
        forgeries: vec![Forgery::of("an attacker's behind the good one", &{
            serve(world, &both, [good.pem.clone(), second.pem].concat())
        })],
    }
}

/// Nobody can say whose message that is, so it is to come again; SNS itself never gives up so early. Dates are among it: it
/// may be our clock that is wrong.
fn not_to_be_had(world: &World) -> Class {
    let at = |id: &str| Signing { id: id.to_owned(), ..Pki::shared().good.clone() };
    let served = |name, id: &str, reply: Reply| {
        world.aws.serve_certificate(id, reply);
        Forgery::of(name, &draft().sign(&at(id)))
    };
    let elsewhere = format!("{HOST}{}", path_of(&Pki::shared().good.id));
    Class {
        status: 503,
        says: "cannot verify a message, SNS is told to try again: https://sns.us-east-1.amazonaws.com/Simple",
        forgeries: vec![
            Forgery::of("expired", &draft().sign(&Pki::shared().expired)),
            Forgery::of("not yet valid", &draft().sign(&Pki::shared().not_yet)),
            below(world, "by an authority that has expired", &between(&Wish { days: (-400, -10), ..BETWEEN }, 2048)),
            below(world, "by an authority not yet valid", &between(&Wish { days: (10, 400), ..BETWEEN }, 2048)),
            Forgery::of("no such file", &draft().sign(&at("dd01"))),
            served("a redirect, even to the good one", "dd02", Reply::RedirectTo(elsewhere)),
            served("a page", "dd03", Reply::Body(b"<html>Sign in\r\n\x1b[2J</html>".to_vec())),
            served("100 KB", "dd04", Reply::Body(vec![b'-'; 100_000])),
            served("a key in its place", "dd05", Reply::Body(Pki::shared().receiver.1.clone())),
        ],
    }
}

#[test]
fn certificates_from_elsewhere_are_not_fetched() {
    let mut watch = Watch::start(&[]);
    watch.refuses(&[elsewhere()]);
    let good = ["CONNECT sns.us-east-1.amazonaws.com:443", &format!("GET {HOST}{}", path_of(&Pki::shared().good.id))];
    let calls = watch.world.aws.calls();
    assert!(calls.iter().all(|call| good.contains(&call.as_str())), "{calls:?}");
}

#[test]
fn certificates_that_prove_nothing_are_refused() {
    let mut watch = Watch::start(&[]);
    let world = &watch.world;
    let classes =
        [wrong_names(world), wrong_keys(world), wrong_chains(world), wrong_owners(world), not_to_be_had(world)];
    watch.refuses(&classes);
    let calls = watch.world.aws.calls();
    let known = ["CONNECT sns.us-east-1.amazonaws.com:443", "GET https://sns.us-east-1.amazonaws.com/Simple"];
    let strange: Vec<_> = calls.iter().filter(|call| !known.iter().any(|known| call.starts_with(known))).collect();
    assert_eq!(strange, ["GET http://crt.evil.amazontrust.com/root.cer"]);
}

/// What is refused again and again may not cost the genuine its place, nor fill the log.
#[test]
fn all_at_once_they_are_refused_as_well_with_ten_lines_of_a_kind() {
    let watch = Arc::new(Watch::start(&[]));
    let forgeries = elsewhere().forgeries;
    let before = (watch.decided(), watch.world.log().len());
    std::thread::scope(|scope| {
        for share in forgeries.chunks(forgeries.len().div_ceil(8)) {
            let watch = Arc::clone(&watch);
            scope.spawn(move || {
                let mut connection = watch.world.connect();
                for Forgery { name, request } in share.iter().cycle().take(200) {
                    assert_eq!(connection.exchange(request).unwrap(), 403, "{name}");
                }
            });
        }
    });
    assert_eq!(watch.decided(), before.0);
    assert_eq!(watch.lines_since(before.1).len(), 10);
}
