//! One request: routing, the body within its limits, and an outcome as an HTTP answer.

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};
use tokio::time::timeout;

use super::{Door, Limits};
use crate::ingress::Sink;
use crate::ingress::sns::message::Headers;
use crate::outcome::Outcome;
use crate::telemetry::metrics;

/// What a 401 asks for. SNS sends credentials only after this challenge.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"suppressd\"");
/// Seconds after which to try again; SNS's own default.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("20");

/// An answer; its body is one short line.
pub(super) type Answer = Response<Full<Bytes>>;

/// Answers one request.
pub(super) async fn answer<S: Sink>(door: &Door<S>, request: Request<Incoming>, limits: Limits) -> Answer {
    let (head, body) = request.into_parts();
    if body.size_hint().lower() > limits.body_bytes as u64 {
        return closing(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let refused = refuse(door, &head);
    // Read in any case: a client that still writes its body may not see an answer that comes before.
    let body = match timeout(limits.body_time, read(body, limits.body_bytes)).await {
        Ok(Ok(body)) => body,
        Ok(Err(status)) => return closing(status),
        Err(_) => return closing(StatusCode::REQUEST_TIMEOUT),
    };
    if let Some(refusal) = refused {
        return refusal;
    }
    let Ok(headers) = sns_headers(&head.headers) else { return outcome(Outcome::Malformed) };
    match timeout(limits.answer_time, door.sns.receive(&headers, &body)).await {
        Ok(result) => outcome(result),
        Err(_) => outcome(Outcome::TryAgain),
    }
}

/// What can be refused without looking at the body.
fn refuse<S: Sink>(door: &Door<S>, head: &hyper::http::request::Parts) -> Option<Answer> {
    // RFC 9112 §3.2: one Host in every HTTP/1.1 request.
    let hosts = head.headers.get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && head.version == Version::HTTP_11) {
        return Some(closing(StatusCode::BAD_REQUEST));
    }
    if head.uri.path() != door.sns_path {
        return Some(plain(StatusCode::NOT_FOUND));
    }
    if head.method != Method::POST {
        return Some(with(plain(StatusCode::METHOD_NOT_ALLOWED), header::ALLOW, HeaderValue::from_static("POST")));
    }
    let authorization = head.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if !door.sns.admits(authorization) {
        return Some(with(plain(StatusCode::UNAUTHORIZED), header::WWW_AUTHENTICATE, CHALLENGE));
    }
    None
}

/// The whole body, or the status that says why not.
async fn read(mut body: Incoming, limit: usize) -> Result<Vec<u8>, StatusCode> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        if let Ok(data) = frame.into_data() {
            if read.len() + data.len() > limit {
                return Err(StatusCode::PAYLOAD_TOO_LARGE);
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

fn closing(status: StatusCode) -> Answer {
    with(plain(status), header::CONNECTION, HeaderValue::from_static("close"))
}

fn with(mut answer: Answer, name: HeaderName, value: HeaderValue) -> Answer {
    answer.headers_mut().insert(name, value);
    answer
}
