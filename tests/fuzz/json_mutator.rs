//! Mutates JSON as JSON: single bytes hardly ever make another valid event of one.
//!
//! A member is set or taken away, a text replaced, cut or given a character, a value of an array repeated, somewhere in the tree; JSON
//! within a text, as the `Message` of SNS is, counts as part of it.

use serde_json::{Map, Value};

/// Keys of SNS messages and SES events with a value that each may have.
const MEMBERS: &[(&str, &[&str])] = &[
    ("notificationType", &["Bounce", "Complaint", "Delivery"]),
    (
        "eventType",
        &["Bounce", "Complaint", "Delivery", "DeliveryDelay", "Send", "Reject", "Open", "Click", "Subscription"],
    ),
    ("bounceType", &["Permanent", "Transient", "Undetermined"]),
    ("bounceSubType", &["General", "NoEmail", "Suppressed", "MailboxFull", "MessageTooLarge", "ContentRejected"]),
    ("bounceSubType", &["OnAccountSuppressionList", "OnTenantSuppressionList", "EmailValidationSuppressed"]),
    ("complaintSubType", &["OnAccountSuppressionList"]),
    ("complaintFeedbackType", &["abuse", "fraud", "virus", "other", "not-spam", "auth-failure"]),
    ("emailAddress", &["bob@example.com", "Bob <Bob@EXAMPLE.com>", "\"b b\"@example.com", "@example.com"]),
    ("action", &["failed", "delayed", "delivered", "expanded"]),
    ("status", &["5.1.1", "4.2.2", "2.0.0", "5.7.1"]),
    ("diagnosticCode", &["smtp; 550 5.1.1 user unknown", "smtp; 452 4.2.2 mailbox full", "smtp; 554 5.7.1 blocked"]),
    ("timestamp", &["2026-11-21T08:46:25.000Z", "yesterday"]),
    ("feedbackId", &["1"]),
    ("delayType", &["MailboxFull", "TransientCommunicationFailure"]),
    ("smtpResponse", &["250 2.0.0 OK"]),
    ("reason", &["Bad content"]),
    ("Type", &["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]),
    ("SignatureVersion", &["1", "2"]),
    ("Subject", &["Amazon SES Email Event Notification"]),
    ("SubscribeURL", &["https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"]),
    ("Token", &["2336412f37"]),
];

/// Keys whose value is an object, or an array of objects.
const OBJECTS: &[&str] =
    &["bounce", "complaint", "delivery", "deliveryDelay", "reject", "subscription", "mail", "commonHeaders"];
const ARRAYS: &[&str] =
    &["bouncedRecipients", "complainedRecipients", "delayedRecipients", "recipients", "destination", "headers"];

/// The mutated text; `None` where the data is not JSON.
pub fn mutate(data: &[u8], seed: u32) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(data).ok()?;
    let mut random = Random(u64::from(seed) | 1 << 40);
    for _ in 0..=random.below(3) {
        change(&mut value, &mut random);
    }
    serde_json::to_vec(&value).ok()
}

struct Random(u64);

impl Random {
    /// xorshift64.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % end.max(1)
    }

    fn one<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// Goes down the tree, and changes something on the way.
fn change(value: &mut Value, random: &mut Random) {
    match value {
        Value::Object(members) if members.is_empty() || random.below(3) == 0 => change_members(members, random),
        Value::Object(members) => {
            let at = random.below(members.len());
            members.values_mut().nth(at).into_iter().for_each(|value| change(value, random));
        }
        Value::Array(values) if values.is_empty() => values.push(Value::Object(Map::new())),
        Value::Array(values) => {
            let at = random.below(values.len());
            match random.below(4) {
                0 => values.push(values[at].clone()),
                1 => drop(values.remove(at)),
                _ => change(&mut values[at], random),
            }
        }
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(mut inner) if !inner.is_number() && random.below(4) > 0 => {
                change(&mut inner, random);
                *text = inner.to_string();
            }
            _ => change_text(text, random),
        },
        _ => *value = Value::String(word(random)),
    }
}

/// What a text may have anywhere, and some of it where a reader does not expect it.
const CHARACTERS: &[char] = &[' ', '\t', '\n', '\r', '\0', '\u{7f}', '\u{85}', '\u{2028}', 'ü', '@', '.', ';', '<', '"', '\\'];

fn change_text(text: &mut String, random: &mut Random) {
    let at = text.floor_char_boundary(random.below(text.len() + 1));
    match random.below(3) {
        0 => text.truncate(at),
        1 => text.insert(at, random.one(CHARACTERS)),
        _ => *text = word(random),
    }
}

fn word(random: &mut Random) -> String {
    let (_, words) = random.one(MEMBERS);
    random.one(words).to_owned()
}

fn change_members(members: &mut Map<String, Value>, random: &mut Random) {
    let (key, value) = match random.below(6) {
        0 => (random.one(OBJECTS), Value::Object(Map::new())),
        1 => (random.one(ARRAYS), Value::Array(vec![Value::Object(Map::new())])),
        2 => {
            let gone = members.keys().nth(random.below(members.len())).cloned();
            gone.into_iter().for_each(|key| drop(members.remove(&key)));
            return;
        }
        _ => {
            let (key, values) = random.one(MEMBERS);
            (key, Value::String(random.one(values).to_owned()))
        }
    };
    members.insert(key.to_owned(), value);
}
