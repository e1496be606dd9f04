//! The SNS door over real sockets: genuine messages are taken, everything else is refused and leaves no trace.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(dead_code, missing_docs, unreachable_pub)]

mod support;

use std::time::Duration;

use support::door::{Harness, Kept, Wish};
use support::sns::aws::Reply;
use support::sns::pki::Pki;
use support::sns::signer::{Draft, Post, TOPIC, bounce, request};
use suppressd::event::Why;
use suppressd::event::{Kind, Origin};
use suppressd::ingress::http::fetch::FetchLimits;
use suppressd::ingress::http::{Limits, Slot, TlsError, load_tls};
use suppressd::ingress::sns::Settings;
use suppressd::ingress::sns::credentials::Credentials;
use suppressd::store::{StoreError, TopicChange, TopicState};

fn pki() -> &'static Pki {
    Pki::shared()
}

fn signed(draft: &Draft) -> Post {
    draft.sign(&pki().good)
}

fn notification() -> Draft {
    Draft::notification(&bounce("dead@example.com"))
}

// Genuine messages

#[tokio::test(flavor = "multi_thread")]
async fn genuine_notifications_of_both_versions_are_taken_with_and_without_subject() {
    let h = Harness::start().await;
    for version in ["1", "2"] {
        for subject in [None, Some("Amazon SES Email Event Notification".to_owned()), Some("ä \"quoted\" …".to_owned())]
        {
            let post = signed(&Draft { version, subject, ..notification() });
            assert_eq!(h.post(&post).await, 200);
        }
    }
    let events = h.kept().events;
    assert_eq!(events.len(), 6);
    assert!(events.iter().all(|e| e.kind == Kind::HardBounce && e.origin == Origin::SnsSignature));
    assert_eq!(events[0].recipient.as_str(), "dead@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn unsigned_additions_and_lambda_spelling_are_no_forgery() {
    let h = Harness::start().await;
    let mut post = signed(&notification());
    post.fields.insert("MessageAttributes".into(), serde_json::json!({"k": {"Type": "String", "Value": "v"}}));
    assert_eq!(h.post(&post).await, 200);
    let url = post.fields.remove("SigningCertURL").unwrap();
    post.fields.insert("SigningCertUrl".into(), url);
    assert_eq!(h.post(&post).await, 200);
    assert_eq!(h.kept().events.len(), 1, "the same message twice is one event");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_topics_subscription_is_confirmed_at_once() {
    let h = Harness::start().await;
    for version in ["1", "2"] {
        assert_eq!(h.post(&signed(&Draft { version, ..Draft::subscription() })).await, 200);
    }
    assert_eq!(h.aws.count("Action=ConfirmSubscription"), 2);
    assert_eq!(h.kept().topics[0], TopicChange::Confirmed { arn: TOPIC.to_owned() });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_cannot_be_confirmed_is_to_be_sent_again() {
    let h = Harness::start().await;
    for reply in [Reply::Status(500), Reply::Status(400), Reply::RedirectTo("https://127.0.0.1/".into())] {
        h.aws.serve("/", reply);
        assert_eq!(h.post(&signed(&Draft::subscription())).await, 503);
    }
    assert_eq!(h.kept(), Kept::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_topics_subscription_waits_for_the_operator() {
    let h = Harness::start().await;
    let topic = "arn:aws:sns:eu-west-1:210987654321:theirs".to_owned();
    let post = signed(&Draft { topic: topic.clone(), ..Draft::subscription() });
    assert_eq!(h.post(&post).await, 403);
    assert_eq!(h.aws.count("ConfirmSubscription"), 0);
    let kept = h.kept();
    let [TopicChange::Pending { arn, subscribe_url, .. }] = &kept.topics[..] else { panic!("{kept:?}") };
    assert_eq!((arn, subscribe_url), (&topic, &post.text("SubscribeURL")));

    let mut forged = signed(&Draft { topic: topic.clone(), ..Draft::subscription() });
    forged.set("Message", "other");
    assert_eq!(h.post(&forged).await, 403);
    h.allow(&topic, TopicState::Denied);
    assert_eq!(h.post(&signed(&Draft { topic, ..Draft::subscription() })).await, 403);
    assert_eq!(h.kept().topics.len(), 1, "neither a forged nor a denied one is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsubscription_is_recorded_and_never_visited() {
    let h = Harness::start().await;
    assert_eq!(h.post(&signed(&Draft::unsubscription())).await, 200);
    assert_eq!(h.kept().topics, [TopicChange::Unsubscribed { arn: TOPIC.to_owned() }]);
    assert_eq!(h.aws.count("ConfirmSubscription"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_genuine_but_not_understood_goes_to_quarantine() {
    let h = Harness::start().await;
    assert_eq!(h.post(&signed(&Draft::notification("{\"eventType\":\"Novelty\"}"))).await, 200);
    let kept = h.kept();
    assert_eq!((kept.quarantine.len(), kept.quarantine[0].why), (1, Why::NotUnderstood));
    assert_eq!(kept.quarantine[0].content, b"{\"eventType\":\"Novelty\"}");
    let valid = "Successfully validated SNS topic for Amazon SES event publishing.";
    assert_eq!(h.post(&signed(&Draft::notification(valid))).await, 200);
    assert_eq!(h.kept(), kept, "a validation message leaves no trace");
}

#[tokio::test(flavor = "multi_thread")]
async fn recipients_that_are_no_addresses_are_kept_and_the_others_counted() {
    let h = Harness::start().await;
    let message = r#"{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[
        {"emailAddress":"good@example.com"},{"emailAddress":"no address"}]}}"#;
    assert_eq!(h.post(&signed(&Draft::notification(message))).await, 200);
    assert_eq!((h.kept().events.len(), h.kept().quarantine.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_have_certificates_of_their_own_names() {
    let h = Harness::start().await;
    let topic = "arn:aws:sns:eu-south-1:123456789012:t".to_owned();
    h.allow(&topic, TopicState::Allowed);
    let draft = Draft { topic, ..notification() };
    assert_eq!(h.post(&draft.sign(&pki().eu_south)).await, 200);
    assert_eq!(h.post(&draft.sign(&pki().good)).await, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_sns_does_not_send_is_fetched_from_amazon() {
    let h = Harness::start().await;
    assert_eq!(h.post(&notification().sign(&pki().without_issuer)).await, 200);
    assert_eq!(h.aws.count("http://crt.test.amazontrust.com/intermediate.cer"), 1);
}

// What is not taken; forgeries have tables of their own in tests/forgeries/

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_not_allowed_costs_no_fetch() {
    let h = Harness::start().await;
    let post = signed(&Draft { topic: "arn:aws:sns:us-east-1:999999999999:x".into(), ..notification() });
    assert_eq!(h.post(&post).await, 403);
    assert!(h.aws.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn version_1_is_refused_where_version_2_is_required() {
    let settings = Settings { require_version_2: true, ..Settings::default() };
    let h = Harness::with(Wish { settings, ..Wish::default() }).await;
    assert_eq!(h.post(&signed(&Draft { version: "1", ..notification() })).await, 403);
    assert!(h.aws.calls().is_empty());
    assert_eq!(h.post(&signed(&notification())).await, 200);
}

// Certificates

#[tokio::test(flavor = "multi_thread")]
async fn fifty_clients_at_once_cause_one_fetch_and_lose_nothing() {
    let h = std::sync::Arc::new(Harness::start().await);
    h.aws.serve_certificate(&pki().good.id, Reply::After(Duration::from_millis(300), pki().good.pem.clone()));
    let clients: Vec<_> = (0..50)
        .map(|n| {
            let h = std::sync::Arc::clone(&h);
            let post = signed(&Draft::notification(&bounce(&format!("user{n}@example.com"))));
            tokio::spawn(async move { h.post(&post).await })
        })
        .collect();
    for client in clients {
        assert_eq!(client.await.unwrap(), 200);
    }
    assert_eq!(h.aws.count("SimpleNotificationService"), 1);
    assert_eq!(h.kept().events.len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_fetched_is_to_be_tried_again_and_the_failure_not_kept() {
    let fetch = FetchLimits { time: Duration::from_millis(300), ..FetchLimits::default() };
    let h = Harness::with(Wish { fetch, ..Wish::default() }).await;
    for reply in [
        Reply::Status(404),
        Reply::Status(500),
        Reply::RedirectTo(format!(
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-{}.pem",
            pki().eu_south.id
        )),
        Reply::Hang,
        Reply::Endless,
        Reply::Body(vec![b'x'; 70_000]),
        Reply::Body(b"not a certificate".to_vec()),
        Reply::Body(Vec::new()),
    ] {
        h.aws.serve_certificate(&pki().good.id, reply.clone());
        assert_eq!(h.post(&signed(&notification())).await, 503, "{reply:?}");
        h.aws.serve_certificate(&pki().good.id, Reply::Body(pki().good.pem.clone()));
    }
    assert_eq!(h.kept(), Kept::default());
    assert_eq!(h.post(&signed(&notification())).await, 200);
    h.aws.serve_certificate(&pki().good.id, Reply::Status(500));
    assert_eq!(h.post(&signed(&notification())).await, 200, "a success is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dates_of_a_certificate_are_checked_on_each_use() {
    let h = Harness::start().await;
    assert_eq!(h.post(&signed(&notification())).await, 200);
    for years in [20, -20] {
        h.skew.store(years * 365 * 86_400, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(h.post(&signed(&notification())).await, 503, "{years}: SNS comes again");
    }
    h.skew.store(0, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(h.post(&signed(&notification())).await, 200, "when the clock is right again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credentials_of_a_proxy_are_sent_to_it() {
    let h = Harness::with(Wish { proxy_credentials: "user:secret@", ..Wish::default() }).await;
    assert_eq!(h.post(&signed(&notification())).await, 200);
    assert_eq!(h.aws.calls()[0], "CONNECT sns.us-east-1.amazonaws.com:443 Basic dXNlcjpzZWNyZXQ=");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_cannot_use_up_the_fetches_of_allowed_topics() {
    let h = std::sync::Arc::new(Harness::start().await);
    let hanging: Vec<_> = (0..20)
        .map(|n| {
            let mut post =
                signed(&Draft { topic: "arn:aws:sns:us-east-1:999999999999:x".into(), ..Draft::subscription() });
            let id = format!("{n:032x}");
            h.aws.serve_certificate(&id, Reply::Hang);
            post.set(
                "SigningCertURL",
                &format!("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-{id}.pem"),
            );
            let h = std::sync::Arc::clone(&h);
            tokio::spawn(async move { h.post(&post).await })
        })
        .collect();
    assert_eq!(h.post(&signed(&notification())).await, 200);
    for stranger in hanging {
        assert_eq!(stranger.await.unwrap(), 503);
    }
    assert!(h.aws.count("SimpleNotificationService-0000") <= 2);
}

// Credentials and raw delivery

fn with_credentials() -> Wish {
    let settings = Settings { credentials: Credentials::parse("user:secret"), ..Settings::default() };
    Wish { settings, ..Wish::default() }
}

const RIGHT: &str = "Basic dXNlcjpzZWNyZXQ=";

fn raw(id: &str, topic: &str, authorization: &str) -> Vec<u8> {
    let headers = [
        ("x-amz-sns-rawdelivery", "true"),
        ("x-amz-sns-message-type", "Notification"),
        ("x-amz-sns-message-id", id),
        ("x-amz-sns-topic-arn", topic),
        ("authorization", authorization),
    ];
    let headers = headers.map(|(n, v)| (n.to_owned(), v.to_owned()));
    request("/sns", &headers, bounce("dead@example.com").as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_credentials_a_request_gets_a_challenge() {
    let h = Harness::with(with_credentials()).await;
    let mut post = signed(&notification());
    for wrong in ["", "Basic", "Basic dXNlcjp3cm9uZw==", "Bearer dXNlcjpzZWNyZXQ=", "Basic dXNlcjpzZWNyZXQ=x"] {
        post.set_header("authorization", wrong);
        let answer = h.send(&post.request("/sns")).await;
        assert_eq!(answer.status, 401, "{wrong}");
        assert_eq!(answer.headers["www-authenticate"], "Basic realm=\"suppressd\"");
    }
    assert_eq!(h.kept(), Kept::default());
    post.set_header("authorization", RIGHT);
    assert_eq!(h.post(&post).await, 200);
    post.set("Message", "other");
    assert_eq!(h.post(&post).await, 403, "credentials are no signature");
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_delivery_is_taken_with_credentials_from_an_allowed_topic_alone() {
    let h = Harness::start().await;
    assert_eq!(h.send(&raw("m-1", TOPIC, "")).await.status, 403);
    assert_eq!(h.send(&request("/sns", &[], bounce("dead@example.com").as_bytes())).await.status, 403);
    assert_eq!(h.kept(), Kept::default());

    let h = Harness::with(with_credentials()).await;
    assert_eq!(h.send(&raw("m-1", TOPIC, "")).await.status, 401);
    assert_eq!(h.send(&raw("m-1", "arn:aws:sns:us-east-1:999999999999:x", RIGHT)).await.status, 403);
    assert_eq!(h.send(&raw("m-1", "nonsense", RIGHT)).await.status, 400);
    assert_eq!(h.send(&raw("", TOPIC, RIGHT)).await.status, 400);
    assert_eq!(h.kept(), Kept::default());
    assert_eq!(h.send(&raw("m-1", TOPIC, RIGHT)).await.status, 200);
    assert_eq!(h.kept().events[0].origin, Origin::Credentials);
}

// HTTP

#[tokio::test(flavor = "multi_thread")]
async fn only_a_post_to_the_path_is_for_us() {
    let h = Harness::start().await;
    let post = signed(&notification());
    assert_eq!(h.send(&post.request("/")).await.status, 404);
    assert_eq!(h.send(&post.request("/sns/")).await.status, 404);
    assert_eq!(h.send(&post.request("//sns")).await.status, 404);
    for method in ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let answer = h.send(format!("{method} /sns HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await;
        assert_eq!((answer.status, answer.headers["allow"].as_str()), (405, "POST"), "{method}");
    }
    assert_eq!(h.post(&post).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_http_gets_400() {
    let h = Harness::start().await;
    for bytes in [
        "nonsense\r\n\r\n",
        "POST /sns HTTP/1.1\r\n\r\n",
        "POST /sns HTTP/1.1\r\nhost: x\r\nhost: y\r\ncontent-length: 0\r\n\r\n",
        "POST /sns HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        "POST /sns HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "POST /sns HTTP/1.1\r\nhost: x\r\ntransfer-encoding: nonsense\r\n\r\n",
        "POST /sns HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n",
        "POST /sns HTTP/1.1\r\nhost : x\r\n\r\n",
    ] {
        assert_eq!(h.send(bytes.as_bytes()).await.status, 400, "{bytes}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_a_mebibyte_gets_413_announced_or_not() {
    let h = Harness::start().await;
    let megabyte = vec![b'x'; 1024 * 1024];
    let head = "POST /sns HTTP/1.1\r\nhost: x\r\n";
    let announced = h.send(format!("{head}content-length: 1048577\r\nexpect: 100-continue\r\n\r\n").as_bytes()).await;
    assert_eq!(announced.status, 413, "before the body is asked for");
    let sent = [format!("{head}content-length: 2097152\r\n\r\n").as_bytes(), &megabyte, &megabyte].concat();
    assert_eq!(h.send(&sent).await.status, 413);
    let chunk = [b"100000\r\n", &megabyte[..], b"\r\n"].concat();
    let chunked = [format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes(), &chunk, &chunk].concat();
    assert_eq!(h.send(&chunked).await.status, 413);
    let exactly = [format!("{head}content-length: 1048576\r\n\r\n").as_bytes(), &megabyte].concat();
    assert_eq!(h.send(&exactly).await.status, 400, "as large as allowed, and not an SNS message");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_slow_gets_503_and_who_is_idle_is_let_go() {
    let short = Duration::from_millis(200);
    let limits = Limits { header_time: short, body_time: short, idle_time: short, ..Limits::default() };
    let h = Harness::with(Wish { limits, ..Wish::default() }).await;
    assert_eq!(h.send(b"POST /sns HTTP/1.1\r\nhost").await.status, 503, "header");
    assert_eq!(h.send(b"POST /sns HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc").await.status, 503, "body");
    let mut idle = h.connect().await;
    assert!(idle.answer().await.is_none(), "idle from the start");
    idle = h.connect().await;
    idle.write(&signed(&notification()).request("/sns")).await;
    assert_eq!(idle.answer().await.unwrap().status, 200);
    assert!(idle.answer().await.is_none(), "idle after an answer");

    let mut dripping = h.connect().await;
    for byte in b"POST /sns HTTP/1.1\r\nhost: x\r\nx: yyyyyyyyyyyyyy" {
        dripping.write(&[*byte]).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(dripping.answer().await.unwrap().status, 503, "a byte now and then is slow too");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_takes_many_requests_pipelined_or_not() {
    let h = Harness::start().await;
    let mut client = h.connect().await;
    for _ in 0..3 {
        client.write(&signed(&notification()).request("/sns")).await;
        assert_eq!(client.answer().await.unwrap().status, 200);
    }
    let not_found = signed(&notification()).request("/other");
    let requests =
        [signed(&notification()).request("/sns"), not_found, signed(&notification()).request("/sns")].concat();
    client.write(&requests).await;
    for status in [200, 404, 200] {
        assert_eq!(client.answer().await.unwrap().status, status, "in order");
    }
    assert_eq!(h.kept().events.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_connections_than_allowed_wait_for_their_turn() {
    let limits = Limits { connections: 2, idle_time: Duration::from_millis(400), ..Limits::default() };
    let h = Harness::with(Wish { limits, ..Wish::default() }).await;
    let _holding = (h.connect().await, h.connect().await);
    assert_eq!(h.post(&signed(&notification())).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_of_the_store_is_to_be_tried_again() {
    let h = Harness::start().await;
    let unreadable = StoreError::Unreadable("no disk".into());
    for trouble in [StoreError::Busy, StoreError::Full, StoreError::ReadOnly, StoreError::Closed, unreadable] {
        *h.sink.trouble.lock().unwrap() = Some(trouble.clone());
        for draft in [notification(), Draft::subscription(), Draft::unsubscription()] {
            assert_eq!(h.post(&signed(&draft)).await, 503, "{trouble}");
        }
    }
    *h.sink.trouble.lock().unwrap() = None;
    assert_eq!(h.kept(), Kept::default());
    let post = signed(&notification());
    for _ in 0..10 {
        assert_eq!(h.post(&post).await, 200);
    }
    assert_eq!(h.kept().events.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_does_not_answer_in_time_is_trouble_too() {
    let limits = Limits { answer_time: Duration::from_millis(200), ..Limits::default() };
    let h = Harness::with(Wish { limits, ..Wish::default() }).await;
    *h.sink.delay.lock().unwrap() = Duration::from_secs(60);
    assert_eq!(h.post(&signed(&notification())).await, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_makes_room_for_who_does() {
    let h = Harness::with(Wish { limits: Limits { connections: 3, ..Limits::default() }, ..Wish::default() }).await;
    let mut silent = Vec::new();
    let begins: [&[u8]; 3] =
        [b"", b"POST /sns HTTP/1.1\r\nhost: ", b"POST /sns HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{"];
    for begin in begins.iter().cycle().take(12) {
        let mut client = h.connect().await;
        client.write(begin).await;
        silent.push(client);
    }
    assert_eq!(h.post(&signed(&notification())).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_shake_hands_makes_room_for_who_does() {
    let tls = Some(Slot::new(std::sync::Arc::clone(&pki().tls)));
    let h =
        Harness::with(Wish { tls, limits: Limits { connections: 3, ..Limits::default() }, ..Wish::default() }).await;
    let _silent = [h.connect().await, h.connect().await, h.connect().await, h.connect().await];
    let connected = tokio::time::timeout(Duration::from_secs(5), h.connect_tls("sns.us-east-1.amazonaws.com"));
    let mut client = connected.await.expect("room in time").unwrap();
    client.write(&signed(&notification()).request("/sns")).await;
    assert_eq!(client.answer().await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_been_heard_of_gets_the_time_of_a_round_trip_while_others_wait() {
    let tls = Some(Slot::new(std::sync::Arc::clone(&pki().tls)));
    let h =
        Harness::with(Wish { tls, limits: Limits { connections: 1, ..Limits::default() }, ..Wish::default() }).await;
    let mut far = h.connect_tls("sns.us-east-1.amazonaws.com").await.unwrap();
    let _waits = h.connect().await;
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        far.write(&signed(&notification()).request("/sns")).await;
        assert_eq!(far.answer().await.expect("its place").status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_shutdown_a_request_that_still_comes_is_answered() {
    let mut h = Harness::start().await;
    let mut slow = h.connect().await;
    let request = signed(&notification()).request("/sns");
    let (begin, rest) = request.split_at(request.len() - 10);
    slow.write(begin).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    h.begin_stop();
    tokio::time::sleep(Duration::from_millis(700)).await;
    slow.write(rest).await;
    assert_eq!(slow.answer().await.expect("an answer").status, 200);
    h.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_shutdown_requests_under_way_are_answered_and_idle_connections_close() {
    let mut h = Harness::start().await;
    *h.sink.delay.lock().unwrap() = Duration::from_millis(500);
    let (mut idle, mut fresh, mut busy) = (h.connect().await, h.connect().await, h.connect().await);
    idle.write(&signed(&notification()).request("/other")).await;
    assert_eq!(idle.answer().await.unwrap().status, 404);
    busy.write(&signed(&notification()).request("/sns")).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    h.begin_stop();
    assert!(idle.is_closed().await && fresh.is_closed().await);
    let answer = busy.answer().await.unwrap();
    assert_eq!((answer.status, answer.headers["connection"].as_str()), (200, "close"));
    h.stopped().await;
}

// TLS

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_served_and_its_certificate_swapped_while_serving() {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("fullchain.pem"), dir.path().join("privkey.pem"));
    std::fs::write(&certificate, &pki().receiver.0).unwrap();
    std::fs::write(&key, &pki().receiver.1).unwrap();
    // Begins with a certificate of another name.
    let slot = Slot::new(std::sync::Arc::clone(&pki().tls));
    let limits = Limits { header_time: Duration::from_millis(500), ..Limits::default() };
    let h = Harness::with(Wish { tls: Some(slot.clone()), limits, ..Wish::default() }).await;
    assert!(h.connect_tls("hooks.example.com").await.is_err());
    let mut open = h.connect_tls("sns.us-east-1.amazonaws.com").await.unwrap();
    slot.swap(load_tls(&certificate, &key).unwrap());
    let mut client = h.connect_tls("hooks.example.com").await.unwrap();
    for client in [&mut client, &mut open] {
        client.write(&signed(&notification()).request("/sns")).await;
        assert_eq!(client.answer().await.unwrap().status, 200);
    }
    let mut plain = h.connect().await;
    plain.write(&signed(&notification()).request("/sns")).await;
    assert!(plain.answer().await.is_none(), "nothing in the clear");
    let mut silent = h.connect().await;
    assert!(silent.is_closed().await, "a handshake has its deadline too");
}

#[test]
fn tls_files_that_cannot_be_used_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        std::fs::write(dir.path().join(name), content).unwrap();
        dir.path().join(name)
    };
    let (certificate, key) = (file("c.pem", &pki().receiver.0), file("k.pem", &pki().receiver.1));
    let other = file("o.pem", &pki().good.key.private_key_to_pem_pkcs8().unwrap());
    let empty = file("e.pem", b"");
    assert!(
        matches!(load_tls(&dir.path().join("none"), &key), Err(TlsError::Certificate(path, _)) if path.ends_with("none"))
    );
    assert!(matches!(load_tls(&empty, &key), Err(TlsError::Certificate(..))));
    assert!(matches!(load_tls(&certificate, &empty), Err(TlsError::Key(..))));
    assert!(matches!(load_tls(&certificate, &other), Err(TlsError::Mismatch(_))));
    assert!(load_tls(&certificate, &key).is_ok());
}
