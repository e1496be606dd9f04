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

use jiff::Timestamp;
use memchr::memchr;

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
    match read(input.get(..MAX_REQUEST).unwrap_or(input)) {
        Err(why) => Step::Violation(why),
        Ok(None) if input.len() > MAX_REQUEST => Step::Violation("request over the limit"),
        Ok(None) => Step::Incomplete,
        Ok(Some((request, length))) => {
            answer(&request, lookup, now, output);
            Step::Answered(length)
        }
    }
}

/// The first request and its length, up to the empty line and with it; `None` while that is not there.
fn read(input: &[u8]) -> Result<Option<(Request<'_>, usize)>, &'static str> {
    let (mut request, mut rest) = (Request::default(), input);
    while let Some((line, behind)) = memchr(b'\n', rest).and_then(|end| rest.split_at_checked(end)) {
        rest = behind.get(1..).unwrap_or_default();
        if line.is_empty() {
            return match request.request {
                Some(b"smtpd_access_policy") => Ok(Some((request, input.len() - rest.len()))),
                Some(_) => Err("not a request for an access policy"),
                None => Err("no request attribute"),
            };
        }
        request.take(line).ok_or("a line without =")?;
    }
    Ok(None)
}

impl<'a> Request<'a> {
    /// Keeps what a line says, if nothing has been said of it before; `None` if it says nothing.
    fn take(&mut self, line: &'a [u8]) -> Option<()> {
        let (name, value) = line.split_at(memchr(b'=', line)?);
        let known = match name {
            b"request" => &mut self.request,
            b"recipient" => &mut self.recipient,
            b"sender" => &mut self.sender,
            b"sasl_username" => &mut self.sasl_username,
            b"client_address" => &mut self.client_address,
            _ => return Some(()),
        };
        *known = known.or(value.get(1..));
        Some(())
    }
}

fn answer<'a>(request: &Request<'a>, lookup: &Lookup, now: Timestamp, output: &mut Vec<u8>) {
    let key = super::text_of(request.recipient);
    let client = super::text_of(request.client_address);
    let settings = lookup.settings();
    let text = |value: Option<&'a [u8]>| Some(super::text_of(value)).filter(|text| !text.is_empty());
    let mail = Mail { sender: text(request.sender), sasl_user: text(request.sasl_username), headers: None };
    let stream = stream::of(&settings.streams, &mail);
    let action = match lookup.ask_by(&settings, Query { key, door: "policy", stream, client }, now) {
        Verdict::Pass => "DUNNO",
        Verdict::Refuse(refusal) => &refusal.behind("550 "),
        Verdict::WouldRefuse(refusal) => &refusal.behind("WARN would refuse: "),
        Verdict::Trouble => "DEFER_IF_PERMIT 4.3.5 The suppression list can't be read now",
    };
    for text in ["action=", action, "\n\n"] {
        output.extend_from_slice(text.as_bytes());
    }
}
