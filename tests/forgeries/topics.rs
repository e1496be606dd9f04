//! Topics that are not ours, and messages of one topic that are shown to another.

use crate::sns::pki::Pki;
use crate::sns::signer::{Draft, Post, TOPIC, bounce};
use crate::watch::{Class, Forgery, Watch};

/// A second topic, allowed as well.
const SECOND: &str = "arn:aws:sns:us-east-1:123456789012:second";
const OTHERS: &str = "arn:aws:sns:us-east-1:999999999999:ses-events";

fn notification(topic: &str) -> Draft {
    Draft { topic: topic.to_owned(), ..Draft::notification(&bounce("victim@example.com")) }
}

fn of(topic: &str) -> Post {
    notification(topic).sign(&Pki::shared().good)
}

/// A message whose signature is right, by the topic of somebody else: any customer of AWS can have that.
fn by_others() -> Class {
    let forgery = |name, topic: &str| Forgery::of(name, &of(topic));
    Class {
        status: 403,
        says: " is not allowed; run \"suppressd topics allow arn:",
        forgeries: vec![
            forgery("another account", OTHERS),
            Forgery::of(
                "another account, by version 1",
                &Draft { version: "1", ..notification(OTHERS) }.sign(&Pki::shared().good),
            ),
            forgery("in other case", &TOPIC.replace("ses-events", "SES-events")),
            forgery("with a suffix", &format!("{TOPIC}x")),
            forgery("with a prefix", &TOPIC.replace("ses-events", "xses-events")),
            forgery("a part of the name", &TOPIC.replace("ses-events", "ses")),
            forgery("another region", &TOPIC.replace("us-east-1", "us-west-2")),
            forgery("hyphen and underscore", &TOPIC.replace("ses-events", "ses_events")),
            forgery("a LIKE pattern", &TOPIC.replace("ses-events", "ses_event_")),
            forgery("China's partition", "arn:aws-cn:sns:cn-north-1:123456789012:ses-events"),
        ],
    }
}

/// What is no topic at all, or looks like ours.
fn no_topics() -> Class {
    let forgery = |name, topic: &str| {
        let mut post = of(topic);
        // Not every text can stand there.
        post.headers.retain(|(name, _)| name != "x-amz-sns-topic-arn");
        Forgery::of(name, &post)
    };
    Class {
        status: 400,
        says: "refused: TopicArn is not in the form that SNS writes",
        forgeries: vec![
            forgery("a space behind", &format!("{TOPIC} ")),
            forgery("a space before", &format!(" {TOPIC}")),
            forgery("a dot behind", &format!("{TOPIC}.")),
            forgery("a percent sign", &format!("{TOPIC}%20")),
            forgery("a quote for SQL", &format!("{TOPIC}' OR '1'='1")),
            forgery("a shell's words", &format!("{TOPIC};$(reboot)")),
            forgery("in Cyrillic letters", &TOPIC.replace("ses-", "sеs-")),
            forgery("in fullwidth letters", &TOPIC.replace("ses-", "ｓes-")),
            forgery("a Kelvin sign", &TOPIC.replace("events", "events\u{212a}")),
            forgery("a combining accent", &TOPIC.replace("events", "e\u{301}vents")),
            forgery("a composed accent", &TOPIC.replace("events", "évents")),
            forgery("a dotless i", &TOPIC.replace("events", "events\u{131}")),
            forgery("a ligature", &TOPIC.replace("events", "even\u{fb05}")),
            forgery("a zero-width space", &format!("{TOPIC}\u{200b}")),
            forgery("a soft hyphen", &TOPIC.replace("ses-events", "ses\u{ad}-events")),
            forgery("another hyphen", &TOPIC.replace("ses-events", "ses\u{2010}events")),
            forgery("turned around", &format!("{TOPIC}\u{202e}")),
            forgery("a byte order mark", &format!("\u{feff}{TOPIC}")),
            forgery("a subscription", &format!("{TOPIC}:00000000-0000-0000-0000-000000000001")),
            forgery("no region", &TOPIC.replace("us-east-1", "s3-us-west-2")),
            forgery("an empty region", &TOPIC.replace("us-east-1", "")),
            forgery("a host for a region", &TOPIC.replace("us-east-1", "us-east-1.evil.example/#")),
            forgery("the partition of another", &TOPIC.replace("arn:aws:", "arn:aws-cn:")),
            forgery("no partition", &TOPIC.replace("arn:aws:", "arn::")),
            forgery("another service", &TOPIC.replace(":sns:", ":sqs:")),
            forgery("capitals all over", &TOPIC.to_uppercase()),
            forgery("an account of eleven digits", &TOPIC.replace("123456789012", "12345678901")),
            forgery("an account in other digits", &TOPIC.replace("123456789012", "١٢٣٤٥٦٧٨٩٠١٢")),
            forgery("a name of 300 letters", &TOPIC.replace("ses-events", &"x".repeat(300))),
            forgery("nothing", ""),
        ],
    }
}

/// What was signed for one topic, shown as another's.
fn replays() -> Vec<Class> {
    let shown_as = |name, topic: &str, header: bool| {
        let mut post = of(SECOND);
        post.set("TopicArn", topic);
        if header {
            post.set_header("x-amz-sns-topic-arn", topic);
        }
        Forgery::of(name, &post)
    };
    let by_strangers = |name, topic: &str| {
        let mut post = of(OTHERS);
        post.set("TopicArn", topic);
        post.set_header("x-amz-sns-topic-arn", topic);
        Forgery::of(name, &post)
    };
    vec![
        Class {
            status: 403,
            says: "refused: the signature does not verify; it claims to be of topic",
            forgeries: vec![
                shown_as("one allowed topic's as the other's", TOPIC, true),
                by_strangers("a stranger's as ours", TOPIC),
                by_strangers("a stranger's as the second's", SECOND),
            ],
        },
        Class {
            status: 400,
            says: "refused: header x-amz-sns-topic-arn contradicts the body",
            forgeries: vec![shown_as("with its own header", TOPIC, false), {
                let mut post = of(OTHERS);
                post.set_header("x-amz-sns-topic-arn", TOPIC);
                Forgery::of("a stranger's under our header", &post)
            }],
        },
    ]
}

#[test]
fn topics_that_are_not_ours_and_replays_across_topics_are_refused() {
    let mut watch = Watch::start(&[("sns.topics", &format!("[\"{TOPIC}\", \"{SECOND}\"]"))]);
    let fetched = watch.world.aws.calls().len();
    watch.refuses(&[by_others(), no_topics()]);
    let calls = watch.world.aws.calls();
    assert!(calls[fetched..].iter().all(|call| call.contains("sns.us-east-1.amazonaws.com")), "{calls:?}");
    watch.refuses(&replays());
    assert_eq!(watch.world.post(&of(SECOND)), 200, "its own message still counts");
}

/// Whoever has a copy of a genuine message can send it again: what an operator decided since then stays.
#[test]
fn a_genuine_message_sent_again_does_not_undo_a_release() {
    let mut watch = Watch::start(&[]);
    let post = of(TOPIC);
    assert_eq!(watch.world.post(&post), 200);
    assert!(watch.world.refuses("victim@example.com"));
    watch.world.home.ok(&["remove", "victim@example.com"]);
    watch.attempt("sent again", "to=<victim@example.com>", |world| assert_eq!(world.post(&post), 200));
    assert!(!watch.world.refuses("victim@example.com"));
}
