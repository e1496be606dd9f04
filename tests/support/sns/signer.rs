//! Messages signed as SNS signs them.

use openssl::hash::MessageDigest;
use openssl::sign::Signer;
use serde_json::{Map, Value, json};

use super::pki::Signing;

pub const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:ses-events";

/// A message to be signed.
#[derive(Clone)]
pub struct Draft {
    pub kind: &'static str,
    pub topic: String,
    pub message: String,
    pub subject: Option<String>,
    pub version: &'static str,
    /// Instead of the host of the topic's region.
    pub host: Option<String>,
    /// Instead of the URL that confirms.
    pub subscribe_url: Option<String>,
}

/// A signed message as it is posted. Change a field after signing to tamper with it.
#[derive(Clone)]
pub struct Post {
    pub headers: Vec<(String, String)>,
    pub fields: Map<String, Value>,
}

impl Draft {
    pub fn notification(message: &str) -> Self {
        Self {
            kind: "Notification",
            topic: TOPIC.to_owned(),
            message: message.to_owned(),
            subject: None,
            version: "2",
            host: None,
            subscribe_url: None,
        }
    }

    pub fn subscription() -> Self {
        Self { kind: "SubscriptionConfirmation", ..Self::notification("You have chosen to subscribe …") }
    }

    pub fn unsubscription() -> Self {
        Self { kind: "UnsubscribeConfirmation", ..Self::notification("You have chosen to deactivate …") }
    }

    pub fn sign(&self, signing: &Signing) -> Post {
        let region = self.topic.split(':').nth(3).unwrap_or_default();
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let base = format!("https://{}", self.host.clone().unwrap_or_else(|| format!("sns.{region}.{suffix}")));
        let mut fields = Map::new();
        let mut set = |name: &str, value: &str| drop(fields.insert(name.to_owned(), json!(value)));
        let id = random_id();
        set("Type", self.kind);
        set("MessageId", &id);
        set("TopicArn", &self.topic);
        set("Message", &self.message);
        set("Timestamp", &jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.123Z").to_string());
        set("SignatureVersion", self.version);
        set("SigningCertURL", &format!("{base}/SimpleNotificationService-{}.pem", signing.id));
        if self.kind == "Notification" {
            set("UnsubscribeURL", &format!("{base}/?Action=Unsubscribe&SubscriptionArn={}:1", self.topic));
            self.subject.iter().for_each(|subject| set("Subject", subject));
        } else {
            let token = random_id();
            let url = format!("{base}/?Action=ConfirmSubscription&TopicArn={}&Token={token}", self.topic);
            let given = self.subscribe_url.as_ref().map(|url| url.replace("TOKEN", &token));
            set("SubscribeURL", &given.unwrap_or(url));
            set("Token", &token);
        }
        let mut post = Post { headers: headers(self, &id), fields };
        post.sign(signing);
        post
    }
}

fn headers(draft: &Draft, id: &str) -> Vec<(String, String)> {
    [("message-type", draft.kind), ("message-id", id), ("topic-arn", draft.topic.as_str())]
        .map(|(name, value)| (format!("x-amz-sns-{name}"), value.to_owned()))
        .into()
}

impl Post {
    /// Signs the fields as they are now.
    pub fn sign(&mut self, signing: &Signing) {
        // In byte order of the names; of the three kinds of message each has its own of these.
        let names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
        let pair = |name: &str| self.fields.get(name).and_then(Value::as_str).map(|value| format!("{name}\n{value}\n"));
        let text: String = names.into_iter().filter_map(pair).collect();
        let sha1 = self.fields.get("SignatureVersion") == Some(&json!("1"));
        let digest = if sha1 { MessageDigest::sha1() } else { MessageDigest::sha256() };
        let signature = Signer::new(digest, &signing.key).unwrap().sign_oneshot_to_vec(text.as_bytes()).unwrap();
        self.set("Signature", &openssl::base64::encode_block(&signature));
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.fields.insert(name.to_owned(), json!(value));
    }

    pub fn text(&self, name: &str) -> String {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    pub fn set_header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(n, _)| n != name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub fn body(&self) -> String {
        Value::Object(self.fields.clone()).to_string()
    }

    /// The whole request, to be written to a socket.
    pub fn request(&self, path: &str) -> Vec<u8> {
        request(path, &self.headers, self.body().as_bytes())
    }
}

/// A POST with these headers and this body.
pub fn request(path: &str, headers: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain; charset=UTF-8\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Something like a UUID.
fn random_id() -> String {
    let mut bytes = [0; 16];
    openssl::rand::rand_bytes(&mut bytes).unwrap();
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// An SES bounce of one recipient, at this moment.
pub fn bounce(address: &str) -> String {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({
        "eventType": "Bounce",
        "bounce": {
            "bounceType": "Permanent", "bounceSubType": "General", "timestamp": now, "feedbackId": random_id(),
            "bouncedRecipients": [{
                "emailAddress": address, "action": "failed", "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 user unknown",
            }],
        },
        "mail": { "timestamp": now, "messageId": random_id(), "source": "news@sender.example", "destination": [address] },
    })
    .to_string()
}
