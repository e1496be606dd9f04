//! Messages of an allowed topic that SNS did not write so: other fields, other JSON, other headers.

use serde_json::{Value, json};

use crate::sns::pki::Pki;
use crate::sns::signer::{Draft, Post, TOPIC, bounce};
use crate::watch::{Class, Forgery, Watch};

pub fn victim() -> String {
    bounce("victim@example.com")
}

pub fn draft() -> Draft {
    Draft { subject: Some("Amazon SES Email Event Notification".into()), ..Draft::notification(&victim()) }
}

pub fn genuine() -> Post {
    draft().sign(&Pki::shared().good)
}

/// A genuine message with something changed.
pub fn changed(name: &'static str, change: impl FnOnce(&mut Post)) -> Forgery {
    let mut post = genuine();
    change(&mut post);
    Forgery::of(name, &post)
}

fn field(name: &'static str, field: &str, value: Value) -> Forgery {
    changed(name, |post| drop(post.fields.insert(field.to_owned(), value)))
}

/// What is changed and then signed again by SNS itself, as it never would.
pub fn resigned(name: &'static str, change: impl FnOnce(&mut Post)) -> Forgery {
    changed(name, |post| {
        change(post);
        post.sign(&Pki::shared().good);
    })
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
fn messages_in_another_form_than_sns_writes_are_refused() {
    Watch::start(&[]).refuses(&[wrong_forms(), missing_fields(), ambiguous_json()]);
}

#[test]
fn headers_that_contradict_the_message_and_raw_deliveries_are_refused() {
    Watch::start(&[]).refuses(&[headers(), unreadable_headers(), raw_deliveries()]);
}
