//! Subscription requests that would have us visit something else than the topic's own SNS.

use crate::sns::pki::Pki;
use crate::sns::signer::{Draft, Post, TOPIC};
use crate::watch::{Class, Forgery, Watch};

const HOST: &str = "https://sns.us-east-1.amazonaws.com";
const CONFIRM: &str = "Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-east-1:123456789012:ses-events&Token=TOKEN";

/// Signed by SNS, as if it had written such a URL: what is left if its signature were worth nothing.
fn visit(url: &str) -> Post {
    Draft { subscribe_url: Some(url.to_owned()), ..Draft::subscription() }.sign(&Pki::shared().good)
}

fn elsewhere() -> Class {
    let url = |name, url: &str| Forgery::of(name, &visit(url));
    let at = |name, host: &str| url(name, &format!("https://{host}/?{CONFIRM}"));
    Class {
        status: 403,
        says: "refused: the subscription URL does not lead to the topic's own SNS; it claims to be of topic",
        forgeries: vec![
            at("the metadata of EC2", "169.254.169.254"),
            url(
                "the metadata of EC2, in the clear",
                "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
            ),
            at("this machine", "localhost"),
            at("this machine by address", "127.0.0.1"),
            at("this machine by IPv6", "[::1]"),
            at("this machine in decimal", "2130706433"),
            at("this machine in octal", "0177.0.0.1"),
            at("this machine by zero", "0"),
            at("IPv4 within IPv6", "[::ffff:127.0.0.1]"),
            at("an inside network", "10.0.0.1"),
            url("our own private door", "http://127.0.0.1:8026/metrics"),
            at("a name for an inside address", "169.254.169.254.nip.io"),
            at("another service", "sqs.us-east-1.amazonaws.com"),
            at("another service of the account", "iam.amazonaws.com"),
            at("another region", "sns.eu-west-1.amazonaws.com"),
            at("China", "sns.us-east-1.amazonaws.com.cn"),
            at("a bucket", "sns.s3.amazonaws.com"),
            at("a suffix", "sns.us-east-1.amazonaws.com.evil.example"),
            at("a prefix", "evil-sns.us-east-1.amazonaws.com"),
            at("a subdomain", "evil.sns.us-east-1.amazonaws.com"),
            at("a user", "sns.us-east-1.amazonaws.com@127.0.0.1"),
            at("a user of SNS", "x:y@sns.us-east-1.amazonaws.com"),
            at("a port", "sns.us-east-1.amazonaws.com:8443"),
            at("the usual port", "sns.us-east-1.amazonaws.com:443"),
            at("capitals", "SNS.us-east-1.amazonaws.com"),
            at("a dot behind", "sns.us-east-1.amazonaws.com."),
            at("Cyrillic letters", "sns.us-east-1.аmazonaws.com"),
            at("Punycode", "sns.us-east-1.xn--mazonaws-4fg.com"),
            at("fullwidth dots", "sns。us-east-1。amazonaws。com"),
            at("an escaped letter", "%73ns.us-east-1.amazonaws.com"),
            at("a backslash", "evil.example\\.sns.us-east-1.amazonaws.com"),
            at("a path before", "evil.example/sns.us-east-1.amazonaws.com"),
            url("no slash", &format!("{HOST}?{CONFIRM}")),
            url("another path", &format!("{HOST}/x?{CONFIRM}")),
            url("a path up", &format!("{HOST}/../?{CONFIRM}")),
            url("two slashes", &format!("{HOST}//?{CONFIRM}")),
            url("no query", &format!("{HOST}/")),
            url("by http", &format!("http://sns.us-east-1.amazonaws.com/?{CONFIRM}")),
            url("capitals in the scheme", &format!("HTTPS://sns.us-east-1.amazonaws.com/?{CONFIRM}")),
            url("no scheme", &format!("//sns.us-east-1.amazonaws.com/?{CONFIRM}")),
            url("a file", "file:///etc/passwd"),
            url("gopher", "gopher://127.0.0.1:25/_HELO%20x"),
            url("a space before", &format!(" {HOST}/?{CONFIRM}")),
            url("nothing", ""),
            url(
                "a forged log line",
                "https://x/ suppressd: to=<bob@example.com>, action=suppressed (hard bounce), event=1",
            ),
        ],
    }
}

/// The right host, and something else to do there.
fn other_actions() -> Vec<Class> {
    let query = |name, query: &str| Forgery::of(name, &visit(&format!("{HOST}/?{query}")));
    let instead = |name, from: &str, to: &str| query(name, &CONFIRM.replace(from, to));
    let class = |says, forgeries| Class { status: 403, says, forgeries };
    vec![
        class(
            "refused: the subscription URL does something else than confirm",
            vec![
                instead("publish", "ConfirmSubscription", "Publish"),
                instead("unsubscribe", "ConfirmSubscription", "Unsubscribe"),
                instead("delete", "ConfirmSubscription", "DeleteTopic"),
                instead("in small letters", "ConfirmSubscription", "confirmsubscription"),
                instead("a name in small letters", "Action=", "action="),
            ],
        ),
        class(
            "refused: the subscription URL is for another topic",
            vec![
                instead("another topic", "ses-events", "others"),
                instead("another account", "123456789012", "999999999999"),
                instead("a topic in other case", "ses-events", "SES-events"),
                instead("a topic with a NUL", "ses-events", "ses-events%00"),
            ],
        ),
        class(
            "refused: the subscription URL has other parameters",
            vec![
                query("more", &format!("{CONFIRM}&Action=Publish")),
                query("a second topic", &format!("{CONFIRM}&TopicArn=arn:aws:sns:us-east-1:999999999999:t")),
                query("authenticated", &format!("{CONFIRM}&AuthenticateOnUnsubscribe=true")),
                instead("no token", "&Token=TOKEN", ""),
                query("nothing", ""),
            ],
        ),
        class(
            "refused: the subscription URL has another token than the message",
            vec![instead("another token", "TOKEN", "other"), instead("a longer token", "TOKEN", "TOKENx")],
        ),
        class("refused: the subscription URL has no token", vec![instead("an empty token", "TOKEN", "")]),
        class(
            "refused: the subscription URL has a character that SNS does not write",
            vec![
                query("a fragment", &format!("{CONFIRM}#x")),
                query("a space", &format!("{CONFIRM} x")),
                query("a quote", &format!("{CONFIRM}'\"<>")),
                query("an at sign", &format!("{CONFIRM}@evil.example")),
                query("no ASCII", &format!("{CONFIRM}\u{202e}")),
            ],
        ),
    ]
}

fn forged() -> Vec<Class> {
    let good = &Pki::shared().good;
    let changed = |name, field: &str, value: &str| {
        let mut post = Draft::subscription().sign(good);
        post.set(field, value);
        Forgery::of(name, &post)
    };
    let strangers = Draft { topic: "arn:aws:sns:us-east-1:999999999999:t".into(), ..Draft::subscription() };
    let mut forged_stranger = strangers.sign(good);
    forged_stranger.set("Message", "changed");
    vec![
        Class {
            status: 403,
            says: "refused: the signature does not verify",
            forgeries: vec![
                changed("another token", "Token", "x"),
                changed("another message", "Message", "x"),
                changed("another URL", "SubscribeURL", &format!("{HOST}/?Action=Publish")),
                changed("the metadata of EC2", "SubscribeURL", "http://169.254.169.254/"),
                Forgery::of("a stranger's", &forged_stranger),
                Forgery::of("an unsubscription", &{
                    let mut post = Draft::unsubscription().sign(good);
                    post.set("Message", "x");
                    post
                }),
                Forgery::of("an unsubscription made of a subscription", &{
                    let mut post = Draft::subscription().sign(good);
                    post.set("Type", "UnsubscribeConfirmation");
                    post.set_header("x-amz-sns-message-type", "UnsubscribeConfirmation");
                    post
                }),
            ],
        },
        Class {
            status: 403,
            says: "refused: topic arn:aws:sns:us-east-1:999999999999:t is not allowed",
            forgeries: vec![Forgery::of(
                "a stranger's unsubscription",
                &Draft { topic: strangers.topic, ..Draft::unsubscription() }.sign(good),
            )],
        },
        Class {
            status: 400,
            says: " is not in the form that SNS writes",
            forgeries: vec![
                Forgery::of("a line break in the URL", &visit(&format!("{HOST}/?{CONFIRM}\r\nHost: x"))),
                Forgery::of("an escape sequence in the URL", &visit("https://x/\u{1b}[2J")),
                changed("a line break in the token", "Token", "x\ny"),
            ],
        },
    ]
}

#[test]
fn nothing_but_the_confirmation_of_the_topic_is_ever_visited() {
    assert!(CONFIRM.contains(TOPIC));
    let mut watch = Watch::start(&[]);
    watch.refuses(&[elsewhere()]);
    watch.refuses(&other_actions());
    watch.refuses(&forged());
    let calls = watch.world.aws.calls();
    let strange = |call: &&String| {
        !call.starts_with("CONNECT sns.us-east-1.amazonaws.com:443")
            && !call.starts_with("GET https://sns.us-east-1.amazonaws.com/SimpleNotificationService-")
    };
    assert_eq!(calls.iter().filter(strange).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// Signed by SNS, by a topic of another account: the operator may allow it, and until then it changes nothing.
#[test]
fn a_strangers_subscription_waits_for_the_operator_and_a_hundred_are_kept_at_most() {
    let mut watch = Watch::start(&[]);
    let stranger =
        |n: u32| Draft { topic: format!("arn:aws:sns:us-east-1:999999999999:t{n}"), ..Draft::subscription() };
    let post = stranger(0).sign(&Pki::shared().good);
    watch.attempt("a stranger's", "refused: topic arn:aws:sns:us-east-1:999999999999:t0 is not allowed", |world| {
        assert_eq!(world.post(&post), 403);
    });
    for n in 1..=110 {
        assert_eq!(watch.world.post(&stranger(n).sign(&Pki::shared().good)), 403);
    }
    let pending = watch.world.home.select("SELECT count(*) FROM topic WHERE state = 'pending'");
    assert_eq!(pending, suppressd::store::MAX_PENDING.to_string());
    assert_eq!(watch.world.aws.count("ConfirmSubscription"), 0);
}
