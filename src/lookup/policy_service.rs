//! Postfix's policy delegation protocol, server side.
//!
//! PROTOCOL: SMTPD_POLICY_README. Request: `name=value` lines until an empty line; `request=smtpd_access_policy`.
//! Reply: `action=…` and an empty line. The recipient comes in its raw case and with its quotes removed. The connection
//! is kept for further requests.
//! Trouble is answered `DEFER_IF_PERMIT`: the client gets 450, unless a later restriction refuses for good anyway; a
//! plain 4xx would make it come back in vain.
//! LIMITS: requests of [`MAX_REQUEST`] bytes.
//! SECURITY: whoever may connect may ask about any address. What is no request ends the connection unanswered: Postfix
//! opens another, and then does its `default_action`.
//! BUGS: answers the recipient in any protocol state; Postfix gives none, or only the sole one, at DATA and later.

use std::net::IpAddr;

use jiff::Timestamp;

use super::{Lookup, Query, Step, Verdict};
use crate::policy::stream::{self, Mail};

/// Longest request, in bytes. The attributes with a client's certificate names are the longest; all together stay below
/// a tenth of it.
pub const MAX_REQUEST: usize = 100_000;

/// The attributes that we look at, all others are skipped.
#[derive(Default)]
struct Request<'a> {
    request: Option<&'a [u8]>,
    recipient: Option<&'a [u8]>,
    sender: Option<&'a [u8]>,
    sasl_username: Option<&'a [u8]>,
    client_address: Option<&'a [u8]>,
}

/// Answers the first request in `input`.
#[must_use]
pub fn step(input: &[u8], lookup: &Lookup, now: Timestamp, output: &mut Vec<u8>) -> Step {
    let Some(length) = end(input) else {
        return if input.len() > MAX_REQUEST { Step::Violation("request over the limit") } else { Step::Incomplete };
    };
    match read(input.get(..length).unwrap_or_default()) {
        Err(why) => Step::Violation(why),
        Ok(request) => {
            answer(&request, lookup, now, output);
            Step::Answered(length)
        }
    }
}

/// The bytes up to the empty line and with it.
fn end(input: &[u8]) -> Option<usize> {
    if input.starts_with(b"\n") {
        return Some(1);
    }
    let input = input.get(..MAX_REQUEST.min(input.len())).unwrap_or_default();
    input.windows(2).position(|pair| pair == b"\n\n").map(|position| position + 2)
}

fn read(lines: &[u8]) -> Result<Request<'_>, &'static str> {
    let mut request = Request::default();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let equals = line.iter().position(|byte| *byte == b'=').ok_or("a line without =")?;
        let (name, value) = line.split_at(equals);
        let value = value.strip_prefix(b"=");
        match name {
            b"request" => request.request = request.request.or(value),
            b"recipient" => request.recipient = request.recipient.or(value),
            b"sender" => request.sender = request.sender.or(value),
            b"sasl_username" => request.sasl_username = request.sasl_username.or(value),
            b"client_address" => request.client_address = request.client_address.or(value),
            _ => {}
        }
    }
    match request.request {
        Some(b"smtpd_access_policy") => Ok(request),
        Some(_) => Err("not a request for an access policy"),
        None => Err("no request attribute"),
    }
}

fn answer<'a>(request: &Request<'a>, lookup: &Lookup, now: Timestamp, output: &mut Vec<u8>) {
    let key = super::text_of(request.recipient);
    let client = super::text_of(request.client_address).parse::<IpAddr>().ok();
    let settings = lookup.settings();
    let text = |value: Option<&'a [u8]>| Some(super::text_of(value)).filter(|text| !text.is_empty());
    let mail = Mail { sender: text(request.sender), sasl_user: text(request.sasl_username), headers: None };
    let stream = stream::of(&settings.streams, &mail);
    let action = match lookup.ask_by(&settings, Query { key, door: "policy", stream, client }, now) {
        Verdict::Pass => "DUNNO".to_owned(),
        Verdict::Refuse(refusal) => format!("550 {refusal}"),
        Verdict::WouldRefuse(refusal) => format!("WARN would refuse: {refusal}"),
        Verdict::Trouble => "DEFER_IF_PERMIT 4.3.5 The suppression list can't be read now".to_owned(),
    };
    output.extend_from_slice(format!("action={action}\n\n").as_bytes());
}
