//! One request: routing, the body within its limits, and an outcome as an HTTP answer.

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};
use tokio::time::timeout;

use super::{Door, Limits};
use crate::event::{MAX_NAME, printable};
use crate::ingress::Sink;
use crate::ingress::sns::message::Headers;
use crate::log_limit::LogLimit;
use crate::outcome::Outcome;
use crate::telemetry::metrics;

/// What a 401 asks for. SNS sends credentials only after this challenge.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"suppressd\"");
/// Seconds after which to try again; SNS's own default.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("20");

/// An answer; its body is one short line.
pub(super) type Answer = Response<Full<Bytes>>;

/// Why a request is refused before anybody looks at what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// RFC 9112 §3.2: one Host in every HTTP/1.1 request.
    Host,
    Path,
    Method,
    /// No credentials, as SNS sends a request first.
    Challenge,
    Credentials,
    TooLarge,
    TooSlow,
    Broken,
    Headers,
}

impl Refusal {
    /// Status and, for the log, what is wrong; nothing where that is as it should be.
    const fn row(self) -> (StatusCode, &'static str) {
        match self {
            Self::Host => (StatusCode::BAD_REQUEST, "it needs one Host field"),
            Self::Path => (StatusCode::NOT_FOUND, "nothing is at this path"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "only POST is taken here"),
            Self::Challenge => (StatusCode::UNAUTHORIZED, ""),
            Self::Credentials => (StatusCode::UNAUTHORIZED, "the credentials are wrong"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
            // Not 408: SNS never repeats what got a 4xx.
            Self::TooSlow => (StatusCode::SERVICE_UNAVAILABLE, "the body did not come in time"),
            Self::Broken => (StatusCode::BAD_REQUEST, "the body is broken"),
            Self::Headers => (StatusCode::BAD_REQUEST, "a header of SNS is not text, or stands there twice"),
        }
    }

    fn answer(self) -> Answer {
        let answer = plain(self.row().0);
        match self {
            Self::Method => with(answer, header::ALLOW, HeaderValue::from_static("POST")),
            Self::Challenge | Self::Credentials => with(answer, header::WWW_AUTHENTICATE, CHALLENGE),
            Self::Path => answer,
            Self::Headers => outcome(Outcome::Malformed),
            Self::TooSlow => closing(outcome(Outcome::TryAgain)),
            Self::Host | Self::TooLarge | Self::Broken => closing(answer),
        }
    }

    fn log(self, head: &Parts, limit: &LogLimit) {
        let (status, what) = self.row();
        if !what.is_empty() {
            let (method, path) = (printable(head.method.as_str(), 20), printable(head.uri.path(), MAX_NAME));
            limit.warn(what, &format!("http: refused: {method} {path}: {}, {what}", status.as_u16()));
        }
    }
}

/// Answers one request, and tells when all of it is there.
pub(super) async fn answer<S: Sink>(
    door: &Door<S>,
    request: Request<Incoming>,
    limits: Limits,
    is_whole: impl FnOnce(),
) -> Answer {
    let (head, body) = request.into_parts();
    let answer = match take(door, &head, body, limits, is_whole).await {
        Ok(result) => outcome(result),
        Err(refusal) => {
            refusal.log(&head, &door.log_limit);
            refusal.answer()
        }
    };
    // RFC 9112 §6.1: a proxy in front may see the end of such a request elsewhere than we do; what follows is not looked at.
    if head.headers.contains_key(header::TRANSFER_ENCODING) { closing(answer) } else { answer }
}

async fn take<S: Sink>(
    door: &Door<S>,
    head: &Parts,
    body: Incoming,
    limits: Limits,
    is_whole: impl FnOnce(),
) -> Result<Outcome, Refusal> {
    if body.size_hint().lower() > limits.body_bytes as u64 {
        return Err(Refusal::TooLarge);
    }
    let refused = refuse(door, head);
    // Read in any case: a client that still writes its body may not see an answer that comes before.
    let body = timeout(limits.body_time, read(body, limits.body_bytes)).await.map_err(|_| Refusal::TooSlow)??;
    is_whole();
    if let Some(refusal) = refused {
        return Err(refusal);
    }
    let headers = sns_headers(&head.headers).map_err(|()| Refusal::Headers)?;
    Ok(timeout(limits.answer_time, door.sns.receive(&headers, &body)).await.unwrap_or(Outcome::TryAgain))
}

/// What can be refused without looking at the body.
fn refuse<S: Sink>(door: &Door<S>, head: &Parts) -> Option<Refusal> {
    let hosts = head.headers.get_all(header::HOST).iter().count();
    let authorization = head.headers.get(header::AUTHORIZATION);
    match () {
        () if hosts > 1 || (hosts == 0 && head.version == Version::HTTP_11) => Some(Refusal::Host),
        () if head.uri.path() != door.sns_path => Some(Refusal::Path),
        () if head.method != Method::POST => Some(Refusal::Method),
        () if door.sns.admits(authorization.and_then(|value| value.to_str().ok())) => None,
        () if authorization.is_none() => Some(Refusal::Challenge),
        () => Some(Refusal::Credentials),
    }
}

/// The whole body.
async fn read(mut body: Incoming, limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::Broken)?;
        if let Ok(data) = frame.into_data() {
            if read.len() + data.len() > limit {
                return Err(Refusal::TooLarge);
            }
            read.extend_from_slice(&data);
        }
    }
    Ok(read)
}

/// SNS's headers; an error if one of them stands there twice or is not text.
fn sns_headers(headers: &HeaderMap) -> Result<Headers, ()> {
    let text = |name: &'static str| {
        let mut values = headers.get_all(name).iter();
        let value = values.next().map(|v| v.to_str().map(str::to_owned)).transpose().map_err(drop)?;
        if values.next().is_some() { Err(()) } else { Ok(value) }
    };
    Ok(Headers {
        message_type: text("x-amz-sns-message-type")?,
        message_id: text("x-amz-sns-message-id")?,
        topic_arn: text("x-amz-sns-topic-arn")?,
        raw: text("x-amz-sns-rawdelivery")?.is_some_and(|v| v.eq_ignore_ascii_case("true")),
    })
}

fn outcome(outcome: Outcome) -> Answer {
    metrics::webhook(outcome);
    let answer = plain(StatusCode::from_u16(outcome.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    if outcome == Outcome::TryAgain { with(answer, header::RETRY_AFTER, RETRY_AFTER) } else { answer }
}

/// The status and its standard phrase. Who is refused learns no more: the reason is in our log.
fn plain(status: StatusCode) -> Answer {
    let text = format!("{}\n", status.canonical_reason().unwrap_or_default());
    let mut answer = Response::new(Full::from(text));
    *answer.status_mut() = status;
    with(answer, header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))
}

fn closing(answer: Answer) -> Answer {
    with(answer, header::CONNECTION, HeaderValue::from_static("close"))
}

fn with(mut answer: Answer, name: HeaderName, value: HeaderValue) -> Answer {
    answer.headers_mut().insert(name, value);
    answer
}
