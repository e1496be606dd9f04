//! The webhook from end to end: HTTP on a socket, SNS's signature and certificate, SES's event, and the list that comes of it.
//!
//! The first byte tells what is posted. An envelope, signed with a key that the door trusts, or should not, for a topic that it
//! allows, or does not; the second byte tells what is changed about it afterwards, and the rest is its message. Or bytes for
//! which nobody has a key: as a body, or as all that a client sends.

use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use suppressd::address::Address;
use suppressd::policy::Rules;
use suppressd::store::{Filter, Store, Submission, TopicChange, TopicState};
use tokio::runtime::{Builder, Runtime};

use super::texts;
use support::door::{Harness, Kept};
use support::sns::pki::Pki;
use support::sns::signer::{Draft, Post, TOPIC, request};

#[allow(dead_code, missing_docs, unreachable_pub)]
#[path = "../support/mod.rs"]
mod support;

const DENIED: &str = "arn:aws:sns:us-east-1:123456789012:denied";
const UNKNOWN: &str = "arn:aws:sns:us-east-1:666666666666:unknown";

pub fn webhook(data: &[u8]) {
    let (runtime, harness) = door();
    match data {
        [choice, change, message @ ..] if *choice < 128 => {
            let envelope = Envelope::of(*choice, *change, &String::from_utf8_lossy(message));
            let status = runtime.block_on(harness.post(&envelope.post));
            envelope.check(status, &take(harness));
        }
        [choice, body @ ..] if *choice >= 128 => {
            runtime.block_on(unsigned(harness, *choice, body));
            assert_eq!(take(harness), Kept::default());
        }
        _ => {}
    }
}

fn door() -> &'static (Runtime, Harness) {
    static DOOR: OnceLock<(Runtime, Harness)> = OnceLock::new();
    DOOR.get_or_init(|| {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let harness = runtime.block_on(Harness::start());
        harness.allow(DENIED, TopicState::Denied);
        (runtime, harness)
    })
}

fn take(harness: &Harness) -> Kept {
    std::mem::take(&mut *harness.sink.kept.lock().unwrap())
}

/// A body under honest headers, or everything.
async fn unsigned(harness: &Harness, choice: u8, bytes: &[u8]) {
    let mut client = harness.connect().await;
    if choice.is_multiple_of(2) {
        let kind =
            ["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation", ""][usize::from(choice / 2 % 4)];
        let headers = [("x-amz-sns-message-type", kind), ("x-amz-sns-topic-arn", TOPIC)];
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        client.write(&request("/sns", &headers, bytes)).await;
    } else {
        client.write(bytes).await;
    }
    client.finish().await;
    while let Some(answer) = client.answer().await {
        assert!([400, 403, 404, 405, 408, 411, 413, 414, 415, 431, 505].contains(&answer.status), "{}", answer.status);
    }
}

/// A message of SNS, or what somebody made of it.
struct Envelope {
    draft: Draft,
    post: Post,
    /// Signed by SNS's key, and nothing that the signature covers was changed.
    genuine: bool,
}

impl Envelope {
    fn of(choice: u8, change: u8, message: &str) -> Self {
        let pki = door().1.pki;
        let mut draft = match choice % 4 {
            2 => Draft::subscription(),
            3 => Draft::unsubscription(),
            _ => Draft::notification(message),
        };
        draft.topic = [TOPIC, TOPIC, DENIED, UNKNOWN][usize::from(choice / 4 % 4)].to_owned();
        draft.version = if change >= 128 { "1" } else { "2" };
        draft.subject = (change / 64 % 2 == 1).then(|| "Amazon SES Email Event Notification".to_owned());
        let bad =
            [&pki.eu_south, &pki.expired, &pki.not_yet, &pki.wrong_name, &pki.unknown_ca, &pki.weak, &pki.elliptic];
        let signing = match choice / 16 {
            7 => bad[usize::from(change / 8) % bad.len()],
            _ => &pki.good,
        };
        let mut post = draft.sign(signing);
        let harmless = tamper(&mut post, change % 32, pki);
        Self { draft, post, genuine: harmless && signing.id == pki.good.id }
    }

    fn check(&self, status: u16, kept: &Kept) {
        let (kind, topic) = (self.draft.kind, self.draft.topic.as_str());
        let allowed = self.genuine && topic == TOPIC;
        let expected = match kind {
            "Notification" => (allowed, false),
            _ => (false, allowed),
        };
        let listed = list(kept);
        if expected.0 {
            assert_eq!(status, 200, "{}", self.draft.message);
            self.names(&listed);
            assert!(!kept.events.is_empty() || !kept.quarantine.is_empty() || says_nothing(&self.draft.message));
        } else {
            assert_eq!((listed.len(), kept.events.len(), kept.quarantine.len()), (0, 0, 0), "{kind} {topic} {status}");
        }
        let pending = self.genuine && topic == UNKNOWN && kind == "SubscriptionConfirmation";
        match kept.topics.as_slice() {
            [] => assert!(!expected.1 && !pending, "{kind} {topic} {status}"),
            [TopicChange::Pending { .. }] => assert!(pending && status == 403, "{kind} {topic} {status}"),
            [_] => assert!(expected.1 && status == 200, "{kind} {topic} {status}"),
            several => panic!("{several:?}"),
        }
    }

    /// Nobody is on the list whom the message does not name.
    fn names(&self, listed: &[String]) {
        let mut said = Vec::new();
        texts(&serde_json::from_str::<Value>(&self.draft.message).unwrap_or_default(), &mut said);
        let read = |text: &String| Address::parse_mailbox(text).or_else(|_| Address::parse_reported(text)).ok();
        let named: Vec<_> = said.iter().filter_map(read).collect();
        for address in listed {
            assert!(named.iter().any(|named| named.as_str() == address), "{address} by {}", self.draft.message);
        }
    }
}

/// Changes what is posted; whether it is as good as before.
fn tamper(post: &mut Post, change: u8, pki: &Pki) -> bool {
    let appended = |post: &mut Post, name: &str, text: &str| {
        let old = post.text(name);
        post.set(name, &format!("{old}{text}"));
    };
    match change {
        1 => appended(post, "Message", " "),
        2 => post.set("TopicArn", if post.text("TopicArn") == TOPIC { UNKNOWN } else { TOPIC }),
        3 => appended(post, "MessageId", "0"),
        4 => post.set("Timestamp", "2026-11-21T08:46:25.123Z"),
        5 => post.set("SignatureVersion", if post.text("SignatureVersion") == "1" { "2" } else { "1" }),
        6 => post.set("SignatureVersion", "3"),
        7 => post.set("Signature", ""),
        8 => post.sign(&pki.weak),
        9 => post
            .set("SigningCertURL", "https://sns.us-east-1.amazonaws.com.evil.example/SimpleNotificationService-0.pem"),
        10 => {
            post.set(
                "SigningCertURL",
                &format!("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-{}.pem", pki.unknown_ca.id),
            );
            post.sign(&pki.unknown_ca);
        }
        11 => post.set("Type", "Notification "),
        12 => post.set_header("x-amz-sns-topic-arn", UNKNOWN.trim_end_matches('n')),
        13 => post.set_header("x-amz-sns-message-type", "Other"),
        14 => drop(post.fields.remove("Signature")),
        15 => {
            // Nobody signs this one.
            post.set("UnsubscribeURL", "https://example.com/");
            return true;
        }
        _ => return true,
    }
    false
}

/// The list of a new database to which this is handed in.
fn list(kept: &Kept) -> Vec<String> {
    let mut listed = Vec::new();
    if !kept.events.is_empty() {
        let now = Timestamp::now();
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("suppressd.db"), Duration::from_secs(1)).unwrap();
        let submission = Submission { events: kept.events.clone(), ..Submission::default() };
        store.submit(&submission, &Rules::default(), now).unwrap();
        let each = |entry: suppressd::store::Suppression| {
            listed.push(entry.address);
            true
        };
        store.list(&Filter { expired: true, ..Filter::default() }, now, each).unwrap();
    }
    listed
}

/// What SNS and SES send to try out a topic.
fn says_nothing(message: &str) -> bool {
    message.contains("Successfully validated SNS topic") || message.contains("AmazonSnsSubscriptionSucceeded")
}
