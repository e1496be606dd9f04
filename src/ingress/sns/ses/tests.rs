use super::*;
use crate::event::{Reason, Side};

fn context() -> Context<'static> {
    Context {
        message_id: "m-1",
        topic: "arn:aws:sns:us-east-1:123456789012:t",
        origin: Origin::SnsSignature,
        at: "2026-11-21T08:46:25Z".parse().unwrap(),
    }
}

fn understood(message: &str) -> Understood {
    events(message, &context()).unwrap()
}

fn bounce(types: &str, recipient: &str) -> Event {
    let (bounce_type, subtype) = types.split_once('/').unwrap();
    let recipient = format!("{{\"emailAddress\":\"User@Example.com\"{recipient}}}");
    let message = format!(
        r#"{{"notificationType":"Bounce","bounce":{{"bounceType":"{bounce_type}","bounceSubType":"{subtype}","feedbackId":"f-1",
        "timestamp":"2016-01-27T14:59:38.237Z","bouncedRecipients":[{recipient}]}},"mail":{{"source":"News <news@example.net>","destination":["other@example.com"]}}}}"#
    );
    understood(&message).events.remove(0)
}

fn complaint(fields: &str, recipients: &[&str]) -> Vec<Event> {
    let recipients: Vec<_> = recipients.iter().map(|r| format!("{{\"emailAddress\":\"{r}\"}}")).collect();
    let message = format!(
        r#"{{"eventType":"Complaint","complaint":{{{fields}"complainedRecipients":[{}]}}}}"#,
        recipients.join(",")
    );
    understood(&message).events
}

#[test]
fn a_carriers_mailbox_is_taken_as_it_is_written() {
    let events = complaint("", &["bo..b.@example.jp"]);
    assert_eq!(events.first().map(|event| event.recipient.as_str()), Some("\"bo..b.\"@example.jp"));
}

#[test]
fn the_documented_sample_gives_every_fact() {
    let event = understood(include_str!("sample_bounce.json")).events.remove(0);
    assert_eq!(event.id.0, "ses:feedback-1:hard_bounce:jane@example.com");
    assert_eq!((event.kind, event.reported.as_str()), (Kind::HardBounce, "Jane@Example.com"));
    assert_eq!(event.at.to_string(), "2016-01-27T14:59:38.237Z");
    let evidence = event.evidence;
    assert_eq!((evidence.reason, evidence.side), (Reason::UserUnknown, Side::Recipient));
    assert_eq!(evidence.status.unwrap().to_string(), "5.1.1");
    assert_eq!(evidence.diagnostic.as_deref(), Some("550 5.1.1 <jane@example.com>... User"));
    assert_eq!(evidence.reporting_mta.as_deref(), Some("email.example.com"));
    assert_eq!(evidence.remote_mta.as_deref(), Some("127.0.2.0"));
    assert_eq!(evidence.sender.as_deref(), Some("john@example.com"));
    assert_eq!(evidence.message_id.as_deref(), Some("custom-message-ID"));
    assert_eq!(evidence.provider_id.as_deref(), Some("message-1"));
    assert_eq!(evidence.channel.as_deref(), Some("arn:aws:sns:us-east-1:123456789012:t"));
    assert_eq!(
        evidence.headers.as_deref(),
        Some("List-Id: <news.example.com>\nX-Listmonk-Campaign: c-1\nses:configuration-set: Set")
    );
    assert_eq!(evidence.rule.as_deref(), Some("ses:Permanent/General"));
}

#[test]
fn every_tag_of_the_senders_is_kept_and_of_ses_those_that_tell_the_stream() {
    let tags = r#""tags": {"campaign": ["spring", "eu"], "ses:caller-identity": ["root"], "ses:from-domain": ["example.org"], "#;
    let headers = r#""headers": [{"name": "PRECEDENCE", "value": "bulk"}, {"name": "X-Private", "value": "1"}, "#;
    let sample = include_str!("sample_bounce.json").replace("\"tags\": {", tags);
    let start = sample.find("\"headers\"").unwrap();
    let open = start + sample[start..].find('[').unwrap();
    let sample = format!("{}{headers}{}", &sample[..start], &sample[open + 1..]);
    assert_eq!(
        understood(&sample).events.remove(0).evidence.headers.as_deref(),
        Some(
            "PRECEDENCE: bulk\nList-Id: <news.example.com>\nX-Listmonk-Campaign: c-1\ncampaign: spring\ncampaign: eu\n\
             ses:configuration-set: Set\nses:from-domain: example.org"
        )
    );
}

#[test]
fn a_name_is_kept_as_long_as_a_name_may_be() {
    let long = "x".repeat(1000);
    let sample = include_str!("sample_bounce.json").replace("127.0.2.0", &long).replace("email.example.com", &long);
    let evidence = understood(&sample).events.remove(0).evidence;
    for name in [evidence.remote_mta, evidence.reporting_mta] {
        assert_eq!(name.as_deref(), long.get(..MAX_NAME));
    }
}

#[test]
fn bounces_are_judged_by_type_and_subtype() {
    for (types, kind, reason, side) in [
        ("Permanent/General", Kind::HardBounce, Reason::Undefined, Side::Recipient),
        ("Permanent/NoEmail", Kind::HardBounce, Reason::UserUnknown, Side::Recipient),
        ("Permanent/Suppressed", Kind::HardBounce, Reason::Suppressed, Side::Recipient),
        ("Permanent/OnAccountSuppressionList", Kind::HardBounce, Reason::Suppressed, Side::Recipient),
        ("Permanent/OnTenantSuppressionList", Kind::HardBounce, Reason::Suppressed, Side::Recipient),
        ("Permanent/Novelty", Kind::HardBounce, Reason::Undefined, Side::Recipient),
        ("Transient/MailboxFull", Kind::SoftBounce, Reason::MailboxFull, Side::Recipient),
        ("Transient/MessageTooLarge", Kind::SoftBounce, Reason::TooBig, Side::Sender),
        ("Transient/ContentRejected", Kind::SoftBounce, Reason::ContentError, Side::Sender),
        ("Transient/AttachmentRejected", Kind::SoftBounce, Reason::ContentError, Side::Sender),
        ("Transient/CustomTimeoutExceeded", Kind::SoftBounce, Reason::Expired, Side::Transport),
        ("Transient/General", Kind::Notice, Reason::AutoReply, Side::Unknown),
        ("Undetermined/Undetermined", Kind::SoftBounce, Reason::Undefined, Side::Unknown),
        ("Novelty/Suppressed", Kind::SoftBounce, Reason::Undefined, Side::Unknown),
        ("/", Kind::SoftBounce, Reason::Undefined, Side::Unknown),
    ] {
        let event = bounce(types, "");
        assert_eq!((event.kind, event.evidence.reason, event.evidence.side), (kind, reason, side), "{types}");
    }
}

#[test]
fn what_the_receiving_system_said_overrides_what_ses_calls_it() {
    for (types, said, kind) in [
        ("Permanent/General", r#","action":"delayed","status":"4.0.0""#, Kind::Delay),
        ("Permanent/General", r#","action":"delayed""#, Kind::Delay),
        ("Permanent/General", r#","action":"failed","status":"4.4.7""#, Kind::SoftBounce),
        ("Permanent/General", r#","action":"failed","status":"5.7.1""#, Kind::SoftBounce),
        ("Permanent/General", r#","action":"failed","status":"5.0.0""#, Kind::HardBounce),
        ("Permanent/General", r#","action":"failed","status":"5.1.0""#, Kind::HardBounce),
        ("Permanent/General", r#","action":"failed","status":"5.3.4""#, Kind::SoftBounce),
        (
            "Permanent/General",
            r#","diagnosticCode":"smtp; 550 5.1.1 <news@example.net>: User unknown""#,
            Kind::SoftBounce,
        ),
        (
            "Permanent/General",
            r#","diagnosticCode":"smtp; 550 5.1.1 <user@example.com>: User unknown""#,
            Kind::HardBounce,
        ),
        (
            "Permanent/General",
            r#","status":"5.6.1","diagnosticCode":"smtp; 554 5.6.1 Body type not supported by Remote Host""#,
            Kind::SoftBounce,
        ),
        ("Permanent/General", r#","status":null,"action":null,"diagnosticCode":null"#, Kind::HardBounce),
        ("Permanent/General", r#","status":511,"action":[],"diagnosticCode":{}"#, Kind::HardBounce),
        ("Permanent/OnAccountSuppressionList", r#","action":"failed","status":"4.0.0""#, Kind::HardBounce),
        ("Permanent/General", r#","action":"failed","status":"5.2.2""#, Kind::SoftBounce),
        ("Permanent/General", r#","diagnosticCode":"smtp; 552 5.2.2 over quota""#, Kind::SoftBounce),
        ("Transient/General", r#","status":"5.4.4""#, Kind::HardBounce),
        ("Transient/General", r#","diagnosticCode":"smtp; 550 5.1.1 no such user""#, Kind::HardBounce),
        ("Transient/General", r#","diagnosticCode":"smtp; 550-5.1.1 no such user""#, Kind::HardBounce),
        ("Transient/General", r#","status":"5.7.1","diagnosticCode":"smtp; 550 5.7.1 go away""#, Kind::SoftBounce),
        ("Transient/General", r#","status":"4.4.1""#, Kind::SoftBounce),
        ("Transient/General", r#","diagnosticCode":"smtp; 450 4.2.0 greylisted""#, Kind::SoftBounce),
        ("Transient/ContentRejected", r#","status":"5.1.1""#, Kind::SoftBounce),
        ("Transient/MessageTooLarge", r#","status":"5.3.4""#, Kind::SoftBounce),
    ] {
        assert_eq!(bounce(types, said).kind, kind, "{types} {said}");
    }
}

#[test]
fn recipients_of_one_bounce_are_judged_each_by_itself() {
    let message = r#"{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[
        {"emailAddress":"dead@example.com","action":"failed","status":"5.1.1"},
        {"emailAddress":"late@example.com","action":"delayed","status":"4.0.0"},
        {"emailAddress":"DEAD@example.com"}, {"emailAddress":"no address"}, {}, null]}}"#;
    let understood = understood(message);
    let kinds: Vec<_> = understood.events.iter().map(|e| (e.recipient.as_str(), e.kind)).collect();
    assert_eq!(kinds, [("dead@example.com", Kind::HardBounce), ("late@example.com", Kind::Delay)]);
    assert_eq!(understood.unreadable.len(), 2);
    assert_eq!(understood.events[0].id.0, "sns:m-1:hard_bounce:dead@example.com");
    assert_eq!(understood.events[0].at, context().at);
}

#[test]
fn only_a_sole_candidate_has_complained() {
    let kinds = |fields: &str, who: &[&str]| complaint(fields, who).iter().map(|e| e.kind).collect::<Vec<_>>();
    assert_eq!(kinds("", &["a@example.com"]), [Kind::Complaint]);
    assert_eq!(kinds(r#""complaintFeedbackType":"abuse","#, &["a@example.com"]), [Kind::Complaint]);
    assert_eq!(kinds(r#""complaintFeedbackType":"abuse","#, &["a@example.com", "A@EXAMPLE.COM"]), [Kind::Complaint]);
    assert_eq!(kinds(r#""complaintFeedbackType":"abuse","#, &["a@example.com", "b@example.com"]), [Kind::Notice; 2]);
    assert_eq!(kinds("", &["a@example.com", "not readable"]), [Kind::Notice]);
    for fields in [
        r#""complaintFeedbackType":"not-spam","#,
        r#""complaintFeedbackType":"auth-failure","#,
        r#""complaintSubType":"OnAccountSuppressionList","complaintFeedbackType":"abuse","#,
    ] {
        assert_eq!(kinds(fields, &["a@example.com"]), [Kind::Notice], "{fields}");
    }
}

#[test]
fn the_other_types_are_recorded_for_what_they_are() {
    for (name, object, kind) in [
        ("Delivery", r#""delivery":{"recipients":["a@example.com"],"smtpResponse":"250 2.6.0 ok"}"#, Kind::Delivery),
        ("DeliveryDelay", r#""deliveryDelay":{"delayedRecipients":[{"emailAddress":"a@example.com"}]}"#, Kind::Delay),
        ("Send", r#""send":{}"#, Kind::Send),
        ("Reject", r#""reject":{"reason":"Bad content"}"#, Kind::Reject),
        ("Open", r#""open":null"#, Kind::Open),
        ("Click", r#""click":{"link":"http://x/"}"#, Kind::Click),
        ("Rendering Failure", r#""failure":{"errorMessage":"x"}"#, Kind::RenderingFailure),
        ("Subscription", r#""subscription":{"newTopicPreferences":{"unsubscribeAll":true}}"#, Kind::Unsubscribe),
        ("Subscription", r#""subscription":{}"#, Kind::Subscription),
    ] {
        let mail = r#""mail":{"timestamp":"2018-10-08T14:05:45 +0000","destination":["a@example.com"]}"#;
        let events = understood(&format!(r#"{{"eventType":"{name}",{object},{mail}}}"#)).events;
        assert_eq!((events.len(), events[0].kind), (1, kind), "{name}");
        let sent = matches!(kind, Kind::Send | Kind::Reject | Kind::RenderingFailure);
        assert_eq!(events[0].at == "2018-10-08T14:05:45Z".parse().unwrap(), sent, "{name}");
    }
}

#[test]
fn nobody_of_many_is_said_to_have_clicked() {
    let message = r#"{"eventType":"Click","mail":{"destination":["a@example.com","b@example.com"]}}"#;
    assert!(understood(message).events.iter().all(|e| e.kind == Kind::Notice));
}

#[test]
fn validation_messages_are_no_error_and_no_event() {
    for message in [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        r#"{"notificationType":"AmazonSnsSubscriptionSucceeded","message":"x"}"#,
    ] {
        assert_eq!(understood(message), Understood::default());
    }
}

#[test]
fn what_says_nothing_we_know_is_misunderstood() {
    for message in [
        "",
        "hello",
        "null",
        "[]",
        "{}",
        r#"{"eventType":"Novelty"}"#,
        r#"{"eventType":7}"#,
        r#"{"eventType":"Bounce"}"#,
        r#"{"eventType":"Bounce","bounce":{"bouncedRecipients":[]}}"#,
        r#"{"eventType":"Bounce","bounce":{"bouncedRecipients":7}}"#,
        r#"{"eventType":"Send","mail":null}"#,
    ] {
        assert!(events(message, &context()).is_err(), "{message}");
    }
    assert!(events(&"[".repeat(200_000), &context()).is_err());
}

#[test]
fn strangers_texts_are_made_printable() {
    let event = bounce("Permanent/General\\n", r#","diagnosticCode":"smtp; 550 \u001b[31m\r\nto=<root>""#);
    assert_eq!(event.evidence.diagnostic.as_deref(), Some("550 ?[31m to=<root>"));
    assert!(!event.evidence.rule.unwrap().contains('\n'));
}
