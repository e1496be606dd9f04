//! Messages of an allowed topic that SNS did not write so: other fields, other signatures, other JSON, other headers.

use openssl::hash::MessageDigest;
use openssl::rsa::Padding;
use openssl::sign::Signer;
use serde_json::{Value, json};

use crate::sns::pki::{Pki, Signing, rsa};
use crate::sns::signer::{Draft, Post, TOPIC, bounce};
use crate::watch::{Class, Forgery, Watch};

fn victim() -> String {
    bounce("victim@example.com")
}

fn draft() -> Draft {
    Draft { subject: Some("Amazon SES Email Event Notification".into()), ..Draft::notification(&victim()) }
}

fn genuine() -> Post {
    draft().sign(&Pki::shared().good)
}

/// A genuine message with something changed.
fn changed(name: &'static str, change: impl FnOnce(&mut Post)) -> Forgery {
    let mut post = genuine();
    change(&mut post);
    Forgery::of(name, &post)
}

fn field(name: &'static str, field: &str, value: Value) -> Forgery {
    changed(name, |post| drop(post.fields.insert(field.to_owned(), value)))
}

/// What is changed and then signed again by SNS itself, as it never would.
fn resigned(name: &'static str, change: impl FnOnce(&mut Post)) -> Forgery {
    changed(name, |post| {
        change(post);
        post.sign(&Pki::shared().good);
    })
}

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

/// SNS signed them, for a stranger's topic: the lines between the fields are moved so that the text stays.
fn moved_lines(name: &'static str, into: &'static str) -> Forgery {
    let now = "2026-11-21T08:46:25.123Z";
    let victim = victim();
    let hidden = format!("{victim}\nMessageId\nm-1\nTimestamp\n{now}\nTopicArn\n{TOPIC}\nType\nNotification");
    let others = "arn:aws:sns:us-east-1:999999999999:t".to_owned();
    let mut post = Draft { topic: others.clone(), ..Draft::notification(&hidden) }.sign(&Pki::shared().good);
    let rest = format!(
        "\nMessageId\n{}\nTimestamp\n{}\nTopicArn\n{others}\nType\nNotification",
        post.text("MessageId"),
        post.text("Timestamp")
    );
    for (name, value) in [("Message", victim.as_str()), ("MessageId", "m-1"), ("Timestamp", now), ("TopicArn", TOPIC)] {
        post.set(name, value);
    }
    match into {
        "Type" => post.set("Type", &format!("Notification{rest}")),
        _ => post
            .set("TopicArn", &format!("{TOPIC}\nType\nNotification{}", rest.trim_end_matches("\nType\nNotification"))),
    }
    for (name, value) in [("x-amz-sns-message-id", "m-1"), ("x-amz-sns-topic-arn", TOPIC)] {
        post.set_header(name, value);
    }
    Forgery::of(name, &post)
}

fn wrong_forms() -> Class {
    Class {
        status: 400,
        says: " is not in the form that SNS writes",
        forgeries: vec![
            moved_lines("a stranger's signed lines moved into the type", "Type"),
            moved_lines("a stranger's signed lines moved into the topic", "TopicArn"),
            resigned("a line break in the subject", |p| p.set("Subject", "x\nTimestamp\ny")),
            resigned("a line break in the id", |p| p.set("MessageId", "x\nSubject\ny")),
            resigned("a carriage return in the time", |p| p.set("Timestamp", "2026-11-21T08:46:25Z\r")),
            resigned("an id of 4 KB", |p| p.set("MessageId", &"x".repeat(4000))),
            resigned("an id with a slash", |p| p.set("MessageId", "../../etc/passwd")),
            resigned("an id for a terminal", |p| p.set("MessageId", "\u{1b}]0;x\u{7}")),
            resigned("no id", |p| p.set("MessageId", "")),
            resigned("a time in words", |p| p.set("Timestamp", "yesterday")),
            resigned("a time of seconds", |p| p.set("Timestamp", "1763714785")),
            resigned("a year of six digits", |p| p.set("Timestamp", "999999-01-01T00:00:00Z")),
            resigned("another type", |p| p.set("Type", "Novelty")),
            resigned("the type in small letters", |p| p.set("Type", "notification")),
            resigned("the type with a space", |p| p.set("Type", "Notification ")),
            changed("a signature of 100 KB", |p| p.set("Signature", &"A".repeat(100_000))),
            changed("a line break in the signature", |p| p.set("Signature", &format!("{}\n", p.text("Signature")))),
            changed("a forged log line in the type", |p| {
                p.set("Type", "x\nsuppressd: to=<bob@example.com>, action=suppressed\r\n\u{1b}[2J");
            }),
        ],
    }
}

fn missing_fields() -> Class {
    let without = |name| changed(name, |post| drop(post.fields.remove(name)));
    Class {
        status: 400,
        says: " is missing",
        forgeries: [
            "Type",
            "TopicArn",
            "MessageId",
            "Timestamp",
            "Message",
            "SignatureVersion",
            "Signature",
            "SigningCertURL",
        ]
        .map(without)
        .into_iter()
        .chain([
            Forgery::body("an empty object", &genuine(), "{}"),
            Forgery::body(
                "as AWS Lambda gets it",
                &genuine(),
                json!({"Records": [{"Sns": genuine().fields}]}).to_string(),
            ),
            changed("the message under another name", |post| {
                let message = post.fields.remove("Message").unwrap();
                post.fields.insert("message".into(), message);
            }),
            changed("a subscription without token", |post| {
                post.set("Type", "SubscriptionConfirmation");
                post.set_header("x-amz-sns-message-type", "SubscriptionConfirmation");
            }),
        ])
        .collect(),
    }
}

/// What two readers might read in two ways.
fn ambiguous_json() -> Class {
    let post = genuine();
    let (body, genuine) = (post.body(), &post);
    let doubled = |name, extra: &str| {
        [
            Forgery::body(name, genuine, body.replacen('{', &format!("{{{extra},"), 1)),
            Forgery::body(name, genuine, format!("{},{extra}}}", body.strip_suffix('}').unwrap())),
        ]
    };
    let raw = |name, body: &[u8]| Forgery::body(name, genuine, body);
    let utf16: Vec<u8> = body.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let of_type = [
        field("id a number", "MessageId", 7.into()),
        field("id true", "MessageId", true.into()),
        field("message an object", "Message", json!({"eventType": "Bounce"})),
        field("message a list", "Message", json!([victim()])),
        field("message a number", "Message", json!(1e300)),
        field("message null", "Message", Value::Null),
        field("topic a list", "TopicArn", json!([TOPIC])),
        field("topic an object", "TopicArn", json!({"$eq": TOPIC})),
        field("signature null", "Signature", Value::Null),
        field("signature a list of bytes", "Signature", json!([1, 2, 3])),
        field("version a number", "SignatureVersion", 2.into()),
        field("type a list", "Type", json!(["Notification"])),
        field("time a number", "Timestamp", 1_763_714_785.into()),
        field("subject an object", "Subject", json!({})),
        field("certificate URL a list", "SigningCertURL", json!(["https://evil.example/x.pem"])),
        changed("two certificate URLs", |p| p.set("SigningCertUrl", "https://evil.example/")),
    ];
    let doubles = [
        doubled("the type twice", "\"Type\":\"Notification\""),
        doubled("the topic twice", "\"TopicArn\":\"x\""),
        doubled("the message twice, escaped", "\"\\u004dessage\":\"x\""),
        doubled("the signature twice", "\"Signature\":\"x\""),
        doubled("another field twice", "\"UnsubscribeURL\":\"x\""),
    ];
    let texts = [
        raw("nothing", b""),
        raw("a list of messages", format!("[{body}]").as_bytes()),
        raw("null", b"null"),
        raw("a string of JSON", json!(body).to_string().as_bytes()),
        raw("the start of an object", b"{"),
        raw("two messages", format!("{body}{body}").as_bytes()),
        raw("something behind it", format!("{body}x").as_bytes()),
        raw("a NUL behind it", format!("{body}\0").as_bytes()),
        raw("a byte order mark", format!("\u{feff}{body}").as_bytes()),
        raw("UTF-16", &utf16),
        raw("no UTF-8", b"{\"Type\":\"\xff\"}"),
        raw("half a surrogate pair", body.replace("victim", "\\ud800").as_bytes()),
        raw("a line break within a string", body.replace("victim", "vic\ntim").as_bytes()),
        raw("single quotes", body.replace('"', "'").as_bytes()),
        raw("a comment", body.replacen('{', "{/* */", 1).as_bytes()),
        raw("a comma too many", body.replacen('{', "{,", 1).as_bytes()),
        raw("not a number", body.replacen('{', "{\"x\":NaN,", 1).as_bytes()),
        raw("nested without end", "{\"a\":".repeat(100_000).as_bytes()),
        raw("brackets without end", "[".repeat(500_000).as_bytes()),
        raw("a form", b"Type=Notification&Message=x"),
        raw("XML", b"<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><x>&e;</x>"),
        raw("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"),
        raw("a forged log line", b"\nsuppressd: warning: sns: forged\r\n\x1b[2J\xe2\x80\xae"),
    ];
    Class {
        status: 400,
        says: "refused: the body is not an SNS message: ",
        forgeries: of_type.into_iter().chain(doubles.into_iter().flatten()).chain(texts).collect(),
    }
}

fn headers() -> Class {
    let header = |name, header: &str, value: &str| changed(name, |post| post.set_header(header, value));
    Class {
        status: 400,
        says: "refused: header x-amz-sns-",
        forgeries: vec![
            header("of another type", "x-amz-sns-message-type", "SubscriptionConfirmation"),
            header("of an unsubscription", "x-amz-sns-message-type", "UnsubscribeConfirmation"),
            header("of a type in small letters", "x-amz-sns-message-type", "notification"),
            header("of an empty type", "x-amz-sns-message-type", ""),
            header("of another topic", "x-amz-sns-topic-arn", "arn:aws:sns:us-east-1:1:x"),
            header("of a topic in other case", "x-amz-sns-topic-arn", &TOPIC.to_uppercase()),
            header("of another id", "x-amz-sns-message-id", "other"),
            header("a forged line", "x-amz-sns-topic-arn", "x action=suppressed, event=1\tsuppressd: to=<x>"),
            changed("no header at all", |post| post.headers.clear()),
        ],
    }
}

fn unreadable_headers() -> Class {
    let twice = |name, header: &str, value: &str| {
        changed(name, |post| post.headers.push((header.to_owned(), value.to_owned())))
    };
    Class {
        status: 400,
        says: "http: refused: POST /sns: 400, a header of SNS is not text, or stands there twice",
        forgeries: vec![
            twice("two types", "x-amz-sns-message-type", "Notification"),
            twice("two types, in capitals", "X-AMZ-SNS-MESSAGE-TYPE", "SubscriptionConfirmation"),
            twice("two topics", "x-amz-sns-topic-arn", "arn:aws:sns:us-east-1:999999999999:t"),
            changed("no ASCII", |post| post.set_header("x-amz-sns-topic-arn", "\u{202e}arn:aws:sns")),
            changed("an escape sequence of one byte", |post| post.set_header("x-amz-sns-message-id", "\u{9b}2J")),
        ],
    }
}

fn raw_deliveries() -> Class {
    Class {
        status: 403,
        says: "refused: raw message delivery carries no signature",
        forgeries: vec![
            changed("a signed message as raw", |post| post.set_header("x-amz-sns-rawdelivery", "true")),
            changed("in capitals", |post| post.set_header("x-amz-sns-rawdelivery", "TRUE")),
            Forgery::body(
                "the bare event as raw",
                &{
                    let mut post = genuine();
                    post.set_header("x-amz-sns-rawdelivery", "true");
                    post
                },
                victim(),
            ),
            Forgery::body("the bare event", &Post { headers: Vec::new(), ..genuine() }, victim()),
            Forgery::body(
                "with a topic for the log",
                &{
                    let mut post = Post { headers: Vec::new(), ..genuine() };
                    post.set_header("x-amz-sns-topic-arn", "x\tsuppressd: to=<bob@example.com>, action=suppressed");
                    post
                },
                victim(),
            ),
        ],
    }
}

#[test]
fn signatures_that_are_not_those_of_the_message_are_refused() {
    Watch::start(&[]).refuses(&[wrong_signatures(), versions()]);
}

#[test]
fn messages_in_another_form_than_sns_writes_are_refused() {
    Watch::start(&[]).refuses(&[wrong_forms(), missing_fields(), ambiguous_json()]);
}

#[test]
fn headers_that_contradict_the_message_and_raw_deliveries_are_refused() {
    Watch::start(&[]).refuses(&[headers(), unreadable_headers(), raw_deliveries()]);
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
