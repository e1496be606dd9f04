//! The SNS door: takes what a topic posts, proves it, and hands over what it says.
//!
//! Order, cheapest and most telling first: shape, topic allowed, certificate URL, signature version, certificate,
//! signature, then content. Only the subscription request of an unknown topic is verified although its topic is not
//! allowed, because it is kept as pending for the operator; it is answered 403 all the same. SNS does not repeat what
//! got a 4xx, and nothing is lost: `suppressd topics allow` visits the URL that was kept.
//! An allowed topic's subscription is confirmed at once. An `UnsubscribeConfirmation` is recorded and logged.
//! Verified but not understood goes to quarantine and is answered 200: SNS could only send the same again.
//! On failure: our own trouble (store, certificate not to be had) is [`Outcome::TryAgain`], so that SNS repeats.
//! Each refusal is logged once, here, and each kind of refusal at a limited rate.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use self::certificate::{CertificateUrl, Roots};
use self::certificates::{Asker, Certificates, Unavailable};
use self::credentials::Credentials;
use self::message::{Headers, Malformed, Message, MessageType};
use self::refusal::Forged;
use self::ses::{Context, Understood};
use self::signature::{VerifiedMessage, check_version};
use self::subscription::SubscribeUrl;
use super::Sink;
use super::http::fetch::{FetchError, Fetcher};
use crate::event::{self, MAX_NAME, Origin, Why, printable};
use crate::log_limit::LogLimit;
use crate::outcome::Outcome;
use crate::store::{Quarantined, Receipt, StoreError, Submission, TopicChange, TopicState};
use crate::topic::TopicArn;

pub mod certificate;
pub mod certificates;
pub mod credentials;
pub mod message;
pub mod refusal;
pub mod replay;
pub mod ses;
pub mod signature;
pub mod subscription;

/// What the operator chose.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Refuse signature version 1.
    pub require_version_2: bool,
    /// User and password of the endpoint.
    pub credentials: Option<Credentials>,
}

/// The door. Takes one request at a time, from any number of tasks.
pub struct Door<S> {
    sink: Arc<S>,
    settings: Settings,
    fetcher: Fetcher,
    certificates: Certificates,
    clock: Clock,
    log_limit: LogLimit,
}

/// Tells the time.
pub type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// Why a request is refused.
#[derive(Debug)]
enum Refusal {
    Malformed(Malformed),
    Forged(Forged),
    Certificate(String, Unavailable),
    Confirmation(String, FetchError),
    Store(StoreError),
}

impl<S: Sink> Door<S> {
    /// A door that hands in to `sink` and fetches by `fetcher`; certificates must lead to `roots` at the time of `clock`.
    #[must_use]
    pub fn new(sink: Arc<S>, settings: Settings, fetcher: Fetcher, roots: Roots, clock: Clock) -> Self {
        let certificates = Certificates::new(fetcher.clone(), roots);
        Self { sink, settings, fetcher, certificates, clock, log_limit: LogLimit::default() }
    }

    /// Whether a request may come in: always where no credentials are configured, else with the right ones.
    #[must_use]
    pub fn admits(&self, authorization: Option<&str>) -> bool {
        self.settings.credentials.as_ref().is_none_or(|credentials| credentials.are_in(authorization))
    }

    /// Takes the body of a request that [`Door::admits`].
    pub async fn receive(&self, headers: &Headers, body: &[u8]) -> Outcome {
        match self.take(headers, body).await {
            Ok(receipt) if receipt.is_duplicate() => Outcome::Duplicate,
            Ok(_) => Outcome::Accepted,
            Err(refusal) => {
                self.log_limit.warn(refusal.reason(), &format!("sns: {refusal}{}", claim(&refusal, headers)));
                refusal.outcome()
            }
        }
    }

    async fn take(&self, headers: &Headers, body: &[u8]) -> Result<Receipt, Refusal> {
        if headers.raw || (headers.message_type.is_none() && ses::is_bare(body)) {
            return self.take_raw(headers, body).await;
        }
        let message = Message::parse(body, headers)?;
        let asker = self.asker(&message).await?;
        let message = self.verify(message, asker).await?;
        match message.kind {
            MessageType::Notification => self.take_notification(&message).await,
            MessageType::SubscriptionConfirmation => self.take_subscription(&message, asker).await,
            MessageType::UnsubscribeConfirmation => self.take_unsubscription(&message).await,
        }
    }

    /// Refuses what is not to be looked at any further because of its topic.
    async fn asker(&self, message: &Message) -> Result<Asker, Refusal> {
        match (self.sink.topic_state(message.topic.as_str())?, message.kind) {
            (Some(TopicState::Allowed), _) => Ok(Asker::Allowed),
            (Some(TopicState::Denied), _) => Err(Forged::TopicDenied(message.topic.to_string()).into()),
            (_, MessageType::SubscriptionConfirmation) => Ok(Asker::Stranger),
            _ => Err(Forged::TopicNotAllowed(message.topic.to_string()).into()),
        }
    }

    async fn verify(&self, message: Message, asker: Asker) -> Result<VerifiedMessage, Refusal> {
        let url = CertificateUrl::parse(&message.signing_cert_url, &message.topic)?;
        check_version(&message, self.settings.require_version_2)?;
        match self.certificates.get(&url, asker, (self.clock)()).await {
            Ok(certificate) => Ok(VerifiedMessage::verify_or_remember(message, &certificate)?),
            Err(Unavailable::Forged(forged)) => Err(forged.into()),
            Err(other) => Err(Refusal::Certificate(url.as_str().to_owned(), other)),
        }
    }

    async fn take_notification(&self, message: &VerifiedMessage) -> Result<Receipt, Refusal> {
        let context = Context {
            message_id: &message.message_id,
            topic: message.topic.as_str(),
            origin: Origin::SnsSignature,
            at: message.at,
        };
        self.record(&message.message, &context).await
    }

    async fn take_subscription(&self, message: &VerifiedMessage, asker: Asker) -> Result<Receipt, Refusal> {
        let confirmation = message.confirmation.as_ref().ok_or(Malformed::Missing("SubscribeURL"))?;
        let url = SubscribeUrl::parse(confirmation, &message.topic)?;
        if asker == Asker::Stranger {
            self.change_topic(pending(message, &url)).await?;
            return Err(Forged::TopicNotAllowed(message.topic.to_string()).into());
        }
        let failed = |e| Refusal::Confirmation(message.topic.to_string(), e);
        self.fetcher.get(url.as_str()).await.map_err(failed)?;
        log::info!("sns: subscription of topic {} confirmed", message.topic);
        self.change_topic(TopicChange::Confirmed { arn: message.topic.to_string() }).await
    }

    async fn take_unsubscription(&self, message: &VerifiedMessage) -> Result<Receipt, Refusal> {
        let receipt = self.change_topic(TopicChange::Unsubscribed { arn: message.topic.to_string() }).await?;
        let line = format!(
            "sns: the subscription of topic {} has ended, no more reports will come; subscribe it again if that is not \
             what you want",
            message.topic
        );
        self.log_limit.warn("unsubscribed", &line);
        Ok(receipt)
    }

    /// Raw delivery: the SES event itself. Nothing but credentials proves where it comes from.
    async fn take_raw(&self, headers: &Headers, body: &[u8]) -> Result<Receipt, Refusal> {
        let arn = headers.topic_arn.as_deref();
        if self.settings.credentials.is_none() {
            return Err(Forged::RawDelivery(arn.map_or("the topic".to_owned(), |a| printable(a, MAX_NAME))).into());
        }
        let topic = arn.and_then(TopicArn::parse).ok_or(Malformed::Header("x-amz-sns-topic-arn"))?;
        let message_id = headers.message_id.as_deref().filter(|id| message::is_message_id(id));
        let message_id = message_id.ok_or(Malformed::Header("x-amz-sns-message-id"))?;
        let text = std::str::from_utf8(body).map_err(|_| Malformed::Json("it is not UTF-8".to_owned()))?;
        match self.sink.topic_state(topic.as_str())? {
            Some(TopicState::Allowed) => {}
            Some(TopicState::Denied) => return Err(Forged::TopicDenied(topic.to_string()).into()),
            Some(TopicState::Pending) | None => return Err(Forged::TopicNotAllowed(topic.to_string()).into()),
        }
        let (topic, origin, at) = (topic.as_str(), Origin::Credentials, (self.clock)());
        self.record(text, &Context { message_id, topic, origin, at }).await
    }

    /// Hands in what `text` says, and what of it was not understood.
    async fn record(&self, text: &str, context: &Context<'_>) -> Result<Receipt, Refusal> {
        let mut submission = Submission::default();
        match ses::events(text, context) {
            Ok(Understood { events, unreadable }) => {
                let keep = |(n, why)| quarantined(text, context, &format!(":{n}"), why);
                submission.quarantined = unreadable.into_iter().enumerate().map(keep).collect();
                submission.events = events;
            }
            Err(why) => submission.quarantined.push(quarantined(text, context, "", why.0)),
        }
        let (id, topic) = (context.message_id, context.topic);
        for kept in &submission.quarantined {
            self.log_limit
                .warn("quarantine", &format!("sns: message {id} of topic {topic} kept in quarantine: {}", kept.detail));
        }
        if submission == Submission::default() {
            log::info!("sns: message {id} of topic {topic} is a validation message");
            return Ok(Receipt::default());
        }
        match self.sink.submit(submission).await {
            Err(error) if !error.is_temporary() => {
                let why = format!("the database refuses it: {error}");
                self.log_limit
                    .warn("quarantine", &format!("sns: message {id} of topic {topic} kept in quarantine: {why}"));
                let kept = Quarantined { why: Why::Malformed, ..quarantined(text, context, "", why) };
                Ok(self.sink.submit(Submission { quarantined: vec![kept], ..Submission::default() }).await?)
            }
            result => Ok(result?),
        }
    }

    async fn change_topic(&self, change: TopicChange) -> Result<Receipt, Refusal> {
        Ok(self.sink.submit(Submission { topic: Some(change), ..Submission::default() }).await?)
    }
}

/// Whom a refused request claims to come from, where the refusal itself does not name the topic.
fn claim(refusal: &Refusal, headers: &Headers) -> String {
    use Forged::{RawDelivery, TopicDenied, TopicNotAllowed};
    match (refusal, &headers.topic_arn) {
        (Refusal::Forged(TopicNotAllowed(_) | TopicDenied(_) | RawDelivery(_)), _) => String::new(),
        (Refusal::Malformed(_) | Refusal::Forged(_), Some(topic)) => {
            format!("; it claims to be of topic {}", printable(topic, MAX_NAME))
        }
        _ => String::new(),
    }
}

fn pending(message: &VerifiedMessage, url: &SubscribeUrl) -> TopicChange {
    TopicChange::Pending { arn: message.topic.to_string(), subscribe_url: url.as_str().to_owned() }
}

fn quarantined(text: &str, context: &Context<'_>, part: &str, detail: String) -> Quarantined {
    Quarantined {
        id: format!("sns:{}{part}", context.message_id),
        door: event::Door::Sns,
        why: Why::NotUnderstood,
        detail,
        envelope: replay::envelope(context),
        content: text.as_bytes().to_vec(),
        origin: context.origin,
    }
}

impl Refusal {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Malformed(_) => Outcome::Malformed,
            Self::Forged(_) => Outcome::Forged,
            Self::Certificate(..) | Self::Confirmation(..) | Self::Store(_) => Outcome::TryAgain,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Forged(forged) => forged.reason(),
            Self::Certificate(..) => "certificate",
            Self::Confirmation(..) => "confirmation",
            Self::Store(_) => "store",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformed) => write!(f, "refused: {malformed}"),
            Self::Forged(forged) => write!(f, "refused: {forged}"),
            Self::Certificate(url, why) => {
                write!(f, "cannot verify a message, SNS is told to try again: {url}: {why}; check proxy and firewall")
            }
            Self::Confirmation(topic, why) => {
                write!(f, "cannot confirm the subscription of {topic}, SNS is told to try again: {why}")
            }
            Self::Store(why) => write!(f, "cannot record a message, SNS is told to try again: {why}"),
        }
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<Forged> for Refusal {
    fn from(forged: Forged) -> Self {
        Self::Forged(forged)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
