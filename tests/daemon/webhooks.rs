//! Webhooks: what is accepted counts at the next lookup, once; what is not ours leaves no trace.

use crate::sns::pki::Pki;
use crate::sns::signer::{Draft, Post, TOPIC, bounce};
use crate::world::{World, bounce_of};

const OTHER: &str = "arn:aws:sns:us-east-1:210987654321:not-ours";
const CERTIFICATES: &str = "CONNECT sns.us-east-1.amazonaws.com:443";

fn signed(draft: &Draft) -> Post {
    draft.sign(&Pki::shared().good)
}

fn other(draft: Draft) -> Post {
    signed(&Draft { topic: OTHER.to_owned(), ..draft })
}

#[test]
fn a_signed_bounce_of_either_version_is_refused_at_the_next_lookup() {
    let world = World::start();
    for version in ["1", "2"] {
        for subject in [None, Some("Amazon SES Email Event Notification".to_owned())] {
            let address = format!("dead-{version}-{}@example.com", subject.is_some());
            assert!(!world.refuses(&address));
            let draft = Draft { version, subject, ..Draft::notification(&bounce(&address)) };
            assert_eq!(world.post(&signed(&draft)), 200);
            assert!(world.refuses(&address));
        }
    }
    assert!(!world.refuses("alive@example.com"));
    assert_eq!(world.events(), 4);
}

#[test]
fn the_same_message_ten_times_is_one_event() {
    let world = World::start();
    let post = bounce_of("dead@example.com");
    for _ in 0..10 {
        assert_eq!(world.post(&post), 200);
    }
    assert_eq!(world.events(), 1);
    assert_eq!(world.home.select("SELECT count(*) FROM suppression"), "1");
}

#[test]
fn what_the_database_refuses_is_kept_and_can_be_replayed() {
    let world = World::start();
    world.home.sql(
        "CREATE TRIGGER picky BEFORE INSERT ON event WHEN new.address = 'dead@example.com' \
         BEGIN SELECT raise(ABORT, 'no dead'); END",
    );
    assert_eq!(world.post(&bounce_of("dead@example.com")), 200);
    assert!(!world.refuses("dead@example.com"));
    let kept = world.home.select("SELECT why || ': ' || detail FROM quarantine");
    assert_eq!(kept, "malformed: the database refuses it: no dead");
    world.home.sql("DROP TRIGGER picky");
    world.home.ok(&["quarantine", "replay", "--all"]);
    assert!(world.refuses("dead@example.com"));
    assert_eq!((world.events(), world.traces()), (1, 2));
}

#[test]
fn a_topic_that_is_not_ours_leaves_no_trace_and_costs_no_fetch() {
    let world = World::start();
    assert_eq!(world.post(&other(Draft::notification(&bounce("victim@example.com")))), 403);
    assert_eq!(world.traces(), 0);
    assert!(!world.refuses("victim@example.com"));
    assert_eq!(world.aws.calls(), [""; 0]);
}

#[test]
fn a_pending_subscription_is_confirmed_by_topics_allow_once_and_counts_without_a_restart() {
    let world = World::start();
    assert_eq!(world.post(&other(Draft::subscription())), 403);
    let shown = world.home.ok(&["topics"]);
    assert!(shown.contains(&format!("pending  {OTHER} since ")), "{shown}");
    assert!(shown.contains(&format!("allowed  {TOPIC} since configuration")), "{shown}");
    assert_eq!(world.aws.count("ConfirmSubscription"), 0, "nobody has decided");

    assert_eq!(world.home.ok(&["topics", "allow", OTHER]), format!("{OTHER} allowed\nsubscription confirmed\n"));
    assert_eq!(world.home.ok(&["topics", "allow", OTHER]), format!("{OTHER} allowed\n"));
    assert_eq!(world.aws.count("ConfirmSubscription"), 1, "{:?}", world.aws.calls());
    assert!(world.home.ok(&["topics"]).contains(&format!("allowed  {OTHER} since ")));
    assert_eq!(world.post(&other(Draft::notification(&bounce("dead@example.com")))), 200);
    assert!(world.refuses("dead@example.com"));

    assert_eq!(world.home.ok(&["topics", "deny", OTHER]), format!("{OTHER} denied\n"));
    assert_eq!(world.post(&other(Draft::notification(&bounce("next@example.com")))), 403);
    assert_eq!(world.post(&other(Draft::subscription())), 403);
    assert!(!world.refuses("next@example.com"));
    assert!(world.home.ok(&["topics"]).contains(&format!("denied   {OTHER} since ")));
}

#[test]
fn deny_goes_before_the_configuration() {
    let world = World::start();
    world.home.ok(&["topics", "deny", TOPIC]);
    assert_eq!(world.post(&bounce_of("dead@example.com")), 403);
    assert_eq!(world.events(), 0);
    world.home.ok(&["topics", "allow", TOPIC]);
    assert_eq!(world.post(&bounce_of("dead@example.com")), 200);
}

#[test]
fn a_topic_that_is_taken_out_of_the_configuration_is_allowed_no_more() {
    let mut world = World::start();
    assert_eq!(world.post(&signed(&Draft::subscription())), 200);
    assert!(world.home.ok(&["topics"]).contains(&format!("allowed  {TOPIC} since ")));
    assert_eq!(world.post(&bounce_of("dead@example.com")), 200);
    world.home.set("sns.topics", &format!("[\"{OTHER}\"]"));
    world.reload();
    assert_eq!(world.post(&bounce_of("next@example.com")), 403);
    assert!(!world.refuses("next@example.com"));
}

#[test]
fn an_allowed_topics_subscription_is_confirmed_at_once() {
    let world = World::start();
    assert_eq!(world.post(&signed(&Draft::subscription())), 200);
    assert_eq!(world.aws.count("ConfirmSubscription"), 1);
    assert!(world.home.ok(&["topics"]).contains(", confirmed "));
}

/// Everything that the daemon and the command line fetch goes through the proxy, the certificate once.
#[test]
fn nothing_but_sns_itself_is_fetched_and_only_through_the_proxy() {
    let world = World::start();
    for _ in 0..3 {
        assert_eq!(world.post(&bounce_of("dead@example.com")), 200);
    }
    assert_eq!(world.post(&other(Draft::subscription())), 403);
    world.home.ok(&["topics", "allow", OTHER]);
    let calls = world.aws.calls();
    let certificates = calls.iter().filter(|call| call.ends_with(".pem")).count();
    assert_eq!(certificates, 1, "{calls:?}");
    assert_eq!(world.aws.count("ConfirmSubscription"), 1, "{calls:?}");
    let rest: Vec<_> = calls.iter().filter(|call| !call.starts_with("GET https://sns.us-east-1.")).collect();
    assert_eq!(rest, [CERTIFICATES, CERTIFICATES], "one for the certificate, one for the confirmation");
}

#[test]
fn a_burst_of_one_diagnostic_is_told_once_and_held_back_until_it_is_settled() {
    let world = World::start_with(&[("policy.protected", "[\"boss@example.com\"]")]);
    for user in 0..13 {
        assert_eq!(world.post(&bounce_of(&format!("user{user}@example.com"))), 200);
    }
    let line = "incident 1: one diagnostic for 11 recipients at example.com: their suppressions are held back";
    assert_eq!(world.log().matches(line).count(), 1, "{}", world.log());
    assert!((0..13).all(|user| !world.refuses(&format!("user{user}@example.com"))));
    world.home.ok(&["incidents", "confirm", "1"]);
    assert!((0..13).all(|user| world.refuses(&format!("user{user}@example.com"))));
    assert_eq!(world.post(&bounce_of("boss@example.com")), 200);
    assert!(world.log().contains("a report would suppress protected <boss@example.com>"), "{}", world.log());
    assert!(!world.refuses("boss@example.com"));
}

#[test]
fn a_relay_that_refuses_us_is_an_error_in_the_log_once_and_suppresses_nobody() {
    let world = World::start();
    let refusal = bounce("carol@example.com").replace(
        "550 5.1.1 user unknown",
        "554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1",
    );
    for _ in 0..2 {
        assert_eq!(world.post(&signed(&Draft::notification(&refusal))), 200);
    }
    assert_eq!(world.log().matches("the relay does not take our mail (notverified)").count(), 1, "{}", world.log());
    assert!(!world.refuses("carol@example.com"));
}

/// Each at a domain of its own: many of one domain would be an incident, and held back.
#[test]
fn fifty_clients_at_once_lose_nothing() {
    let world = World::start();
    let messages: Vec<Vec<_>> =
        (0..50).map(|c| (0..10).map(|n| bounce_of(&format!("user@c{c}-{n}.example.com"))).collect()).collect();
    std::thread::scope(|scope| {
        for messages in &messages {
            let world = &world;
            scope.spawn(move || {
                let mut connection = world.connect();
                for post in messages {
                    assert_eq!(connection.exchange(&post.request("/sns")).unwrap(), 200);
                }
            });
        }
    });
    assert_eq!(world.events(), 500);
    assert_eq!(world.home.select("SELECT count(DISTINCT address) FROM suppression"), "500");
}
