//! Signatures of another text, another key, another kind or another version than SNS's.

use openssl::hash::MessageDigest;
use openssl::rsa::Padding;
use openssl::sign::Signer;
use serde_json::Value;

use crate::envelopes::{changed, draft, genuine, resigned, victim};
use crate::sns::pki::{Pki, Signing, rsa};
use crate::sns::signer::{Draft, Post, bounce};
use crate::watch::{Class, Forgery, Watch};
use crate::world::{World, bounce_of};

fn signature(post: &mut Post, bytes: &[u8]) {
    post.set("Signature", &openssl::base64::encode_block(bytes));
}

/// A right signature, of another text than the message's.
fn over(name: &'static str, text: impl FnOnce(&Post) -> String) -> Forgery {
    changed(name, |post| {
        let mut signer = Signer::new(MessageDigest::sha256(), &Pki::shared().good.key).unwrap();
        signature(post, &signer.sign_oneshot_to_vec(text(post).as_bytes()).unwrap());
    })
}

fn pairs(post: &Post, names: &[&str]) -> String {
    names.iter().map(|name| format!("{name}\n{}\n", post.text(name))).collect()
}

const SIGNED: [&str; 6] = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];

/// A right text, signed in another way than SNS signs.
fn signed_by(name: &'static str, digest: MessageDigest, padding: Padding) -> Forgery {
    changed(name, |post| {
        let mut signer = Signer::new(digest, &Pki::shared().good.key).unwrap();
        signer.set_rsa_padding(padding).unwrap();
        signature(post, &signer.sign_oneshot_to_vec(pairs(post, &SIGNED).as_bytes()).unwrap());
    })
}

/// The true signature's bytes, written in another way.
fn rewritten(name: &'static str, write: impl FnOnce(Vec<u8>) -> String) -> Forgery {
    changed(name, |post| {
        let bytes = openssl::base64::decode_block(&post.text("Signature")).unwrap();
        post.set("Signature", &write(bytes));
    })
}

fn encoded(bytes: &[u8]) -> String {
    openssl::base64::encode_block(bytes)
}

fn wrong_signatures() -> Class {
    let attacker = Signing { key: rsa(2048), ..Pki::shared().good.clone() };
    let of_subscription = Draft::subscription().sign(&Pki::shared().good);
    Class {
        status: 403,
        says: "refused: the signature does not verify; it claims to be of topic",
        forgeries: vec![
            changed("message changed", |p| p.set("Message", &bounce("other@example.com"))),
            changed("one letter changed", |p| p.set("Message", &victim().replacen('a', "b", 1))),
            changed("white space in the message", |p| p.set("Message", &format!("{} ", p.text("Message")))),
            changed("message in other Unicode form", |p| {
                p.set("Message", &p.text("Message").replace("eve", "e\u{301}"))
            }),
            changed("subject changed", |p| p.set("Subject", "other")),
            changed("subject removed", |p| drop(p.fields.remove("Subject"))),
            changed("subject null", |p| drop(p.fields.insert("Subject".into(), Value::Null))),
            changed("subject emptied", |p| p.set("Subject", "")),
            Forgery::of("subject added", &{
                let mut post = Draft::notification(&victim()).sign(&Pki::shared().good);
                post.set("Subject", "injected");
                post
            }),
            Forgery::of("an empty subject added", &{
                let mut post = Draft::notification(&victim()).sign(&Pki::shared().good);
                post.set("Subject", "");
                post
            }),
            changed("time changed", |p| p.set("Timestamp", "2020-01-01T00:00:00.000Z")),
            changed("time in another zone", |p| p.set("Timestamp", &p.text("Timestamp").replace('Z', "+00:00"))),
            changed("id changed", |p| {
                p.set("MessageId", "other");
                p.set_header("x-amz-sns-message-id", "other");
            }),
            changed("version 2 shown as 1", |p| p.set("SignatureVersion", "1")),
            Forgery::of("version 1 shown as 2", &{
                let mut post = Draft { version: "1", ..draft() }.sign(&Pki::shared().good);
                post.set("SignatureVersion", "2");
                post
            }),
            Forgery::of("a subscription's signature", &{
                let mut post = genuine();
                post.set("Signature", &of_subscription.text("Signature"));
                post
            }),
            Forgery::of("a subscription shown as a notification", &{
                let mut post = of_subscription.clone();
                post.set("Type", "Notification");
                post.set_header("x-amz-sns-message-type", "Notification");
                post
            }),
            Forgery::of("another key", &draft().sign(&attacker)),
            Forgery::of("another key, version 1", &Draft { version: "1", ..draft() }.sign(&attacker)),
            over("over the message alone", |p| p.text("Message")),
            over("over nothing", |_| String::new()),
            over("over fewer fields", |p| pairs(p, &["Message", "MessageId"])),
            over("over all but the topic", |p| pairs(p, &["Message", "MessageId", "Subject", "Timestamp", "Type"])),
            over("over the fields in their order in JSON", |p| {
                pairs(p, &["Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp"])
            }),
            over("over more fields", |p| format!("{}{}", pairs(p, &SIGNED), pairs(p, &["SignatureVersion"]))),
            over("over the fields as they stand in JSON", Post::body),
            over("without the last line break", |p| pairs(p, &SIGNED).trim_end().to_owned()),
            over("with CRLF", |p| pairs(p, &SIGNED).replace('\n', "\r\n")),
            over("with other names", |p| pairs(p, &SIGNED).to_lowercase()),
            over("of the message as JSON escapes it", |p| pairs(p, &SIGNED).replace('"', "\\\"")),
            signed_by("by PSS", MessageDigest::sha256(), Padding::PKCS1_PSS),
            signed_by("by SHA-512", MessageDigest::sha512(), Padding::PKCS1),
            signed_by("by MD5", MessageDigest::md5(), Padding::PKCS1),
            signed_by("by SHA-1 under version 2", MessageDigest::sha1(), Padding::PKCS1),
            changed("random", |p| signature(p, &[7; 256])),
            changed("zeros", |p| signature(p, &[0; 256])),
            changed("one", |p| signature(p, &[vec![0; 255], vec![1]].concat())),
            changed("too short", |p| signature(p, &[1, 2, 3])),
            changed("of 3000 bytes", |p| signature(p, &[7; 3000])),
            changed("empty", |p| p.set("Signature", "")),
            changed("no base64", |p| p.set("Signature", "!!!")),
            rewritten("backwards", |bytes| encoded(&bytes.into_iter().rev().collect::<Vec<_>>())),
            rewritten("a zero in front", |bytes| encoded(&[vec![0], bytes].concat())),
            rewritten("the last byte missing", |bytes| encoded(&bytes[..255])),
            rewritten("twice", |bytes| encoded(&[bytes.clone(), bytes].concat())),
            rewritten("in hexadecimal", |bytes| bytes.iter().map(|b| format!("{b:02x}")).collect()),
            rewritten("in base64 of base64", |bytes| encoded(encoded(&bytes).as_bytes())),
        ],
    }
}

fn versions() -> Class {
    let version = |name, text: &str| resigned(name, |post| post.set("SignatureVersion", text));
    Class {
        status: 403,
        says: "refused: signature version ",
        forgeries: vec![
            version("3", "3"),
            version("0", "0"),
            version("none", ""),
            version("a space before", " 2"),
            version("a space behind", "2 "),
            version("a zero before", "02"),
            version("with a fraction", "2.0"),
            version("in fullwidth", "２"),
            version("in Arabic", "٢"),
            version("below zero", "-1"),
            version("both", "1,2"),
            version("hidden text", "2\u{202e}\u{200b}"),
            version("none at all", "none"),
        ],
    }
}

#[test]
fn signatures_that_are_not_those_of_the_message_are_refused() {
    Watch::start(&[]).refuses(&[wrong_signatures(), versions()]);
}

#[test]
fn where_version_2_is_required_version_1_is_refused_whoever_signed_it() {
    let version_1 = Draft { version: "1", ..draft() }.sign(&Pki::shared().good);
    let class = Class {
        status: 403,
        says: "refused: signature version 1, and sns.require-version-2 is set",
        forgeries: vec![Forgery::of("signed by SNS", &version_1)],
    };
    Watch::start(&[("sns.require-version-2", "true")]).refuses(&[class]);
}

#[test]
fn what_was_verified_before_proves_nothing_else() {
    let world = World::start();
    let (genuine, other) = (bounce_of("known@example.com"), bounce_of("other@example.com"));
    for post in [&genuine, &genuine, &other, &genuine] {
        assert_eq!(world.post(post), 200);
    }
    let mixed = |names: &[&str]| {
        let mut post = genuine.clone();
        names.iter().for_each(|name| post.set(name, &other.text(name)));
        post
    };
    assert_eq!(world.post(&mixed(&["Message"])), 403);
    assert_eq!(world.post(&mixed(&["Signature"])), 403);
    assert_eq!(world.post(&mixed(&["Message", "Timestamp", "Signature"])), 403);
    let mut version_1 = genuine.clone();
    version_1.set("SignatureVersion", "1");
    assert_eq!(world.post(&version_1), 403);
    let mut at_another_time = genuine.clone();
    at_another_time.set("Timestamp", "2020-01-01T00:00:00.000Z");
    assert_eq!(world.post(&at_another_time), 403);
    let mut with_subject = genuine.clone();
    with_subject.set("Subject", "injected");
    assert_eq!(world.post(&with_subject), 403);
    assert_eq!(world.events(), 2, "{}", world.log());
}
