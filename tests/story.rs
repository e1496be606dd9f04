//! The list over time, as a real Postfix lives through it: soft bounces add up, a delivery forgives, relapses climb, a
//! complaint about a newsletter lets a password reset pass, an incident is held and released, a protected address survives.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic, as tests do"
)]

#[path = "e2e/harness.rs"]
#[allow(dead_code, reason = "shared with the tests of the fragments")]
mod harness;

use harness::World;
use jiff::{SignedDuration, Timestamp};

const APP: &str = "app@example.org";
const NEWS: &str = "news@example.org";
const STREAMS: &str = "[policy]\nprotected = [\"postmaster@\", \"@own.example\"]\n\
    [[stream]]\nname = \"marketing\"\nsenders = [\"news@example.org\"]\n\
    [[stream]]\nname = \"transactional\"\nsenders = [\"app@example.org\"]\n";
const MAP: &str = "socketmap:unix:suppressd/lookup.sock:";

fn days_ago(days: i64) -> String {
    let at = Timestamp::now() - SignedDuration::from_hours(24 * days);
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// A report of this Postfix about one recipient.
fn report(who: &str, action: &str, reply: &str, date: &str) -> String {
    let status = reply.split(' ').nth(1).unwrap();
    format!(
        "Received: by mx.local.example (Postfix)\n\tid 8A8D89; {date}\nFrom: MAILER-DAEMON@mx.local.example\nDate: {date}\n\
         Subject: Mail status\nTo: bounces@example.org\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
         --b\nContent-Type: text/plain\n\nThis is the mail system at host mx.local.example.\n\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.local.example\n\
         X-Postfix-Sender: rfc822; news@example.org\n\nFinal-Recipient: rfc822; {who}\nAction: {action}\nStatus: {status}\n\
         Remote-MTA: dns; mx.example.com\nDiagnostic-Code: smtp; {reply}\n\n\
         --b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{who}.{date}>\n\n--b--\n"
    )
}

/// A feedback report about a newsletter.
fn complaint(who: &str) -> String {
    let date = days_ago(0);
    format!(
        "Received: by mx.local.example (Postfix)\n\tid 8A8D90; {date}\nFrom: feedback@example.com\nDate: {date}\n\
         To: bounces@example.org\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=\"b\"\n\n\
         --b\nContent-Type: text/plain\n\nThis is an abuse report.\n\n\
         --b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\nOriginal-Mail-From: <{NEWS}>\n\
         Original-Rcpt-To: <{who}>\n\n\
         --b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <letter.{who}>\nFrom: {NEWS}\n\n--b--\n"
    )
}

fn soft(world: &World, who: &str, days: impl Iterator<Item = i64>) {
    for day in days {
        world.bounce(&report(who, "failed", "452 4.2.2 mailbox full", &days_ago(day)));
    }
}

fn is_refused(world: &World, sender: &str, who: &str) -> bool {
    let reply = world.smtp(sender).rcpt(who);
    assert!(reply.starts_with("250 ") || reply.contains("Recipient is on the suppression list"), "{reply}");
    reply.starts_with("550 ")
}

fn until(world: &World, who: &str) -> String {
    world
        .sqlite3(&format!("SELECT coalesce(substr(until, 1, 10), 'released') FROM suppression WHERE address = '{who}'"))
        .trim()
        .to_owned()
}

fn in_days(days: i64) -> String {
    let at = Timestamp::now() + SignedDuration::from_hours(24 * days);
    at.strftime("%Y-%m-%d").to_string()
}

#[test]
fn soft_bounces_add_up_are_forgiven_and_relapses_climb() {
    let world = World::new(&["policy-fail-open.cf"], STREAMS);
    let full = "full@example.com";
    soft(&world, full, [5, 4, 3, 2].into_iter());
    assert!(!is_refused(&world, NEWS, full), "four are not enough");
    soft(&world, full, [1].into_iter());
    assert!(is_refused(&world, NEWS, full) && is_refused(&world, APP, full), "a bounce holds for all mail");
    assert_eq!(until(&world, full), in_days(6));
    world.bounce(&report(full, "delivered", "250 2.0.0 ok", &days_ago(0)));
    assert!(!is_refused(&world, NEWS, full), "a delivery forgives");

    // Suppressed for seven days in the past, then the same again.
    let relapsed = "relapsed@example.com";
    soft(&world, relapsed, 20..25);
    assert!(!is_refused(&world, NEWS, relapsed), "its time is over");
    soft(&world, relapsed, 1..6);
    assert!(is_refused(&world, NEWS, relapsed));
    assert_eq!(until(&world, relapsed), in_days(29), "thirty days the second time");
}

#[test]
fn a_complaint_about_a_newsletter_refuses_newsletters_and_lets_a_password_reset_pass() {
    let world = World::new(&["policy-fail-open.cf"], STREAMS);
    let bob = "bob@example.com";
    world.bounce(&complaint(bob));
    assert!(is_refused(&world, NEWS, bob));
    assert!(!is_refused(&world, APP, bob));
    assert!(!is_refused(&world, "somebody@example.org", bob));
    assert!(world.postmap(&format!("{MAP}access/marketing"), bob).starts_with("550 5.7.1 Recipient is on"));
    assert!(world.postmap(&format!("{MAP}transport/marketing"), bob).starts_with("error:5.7.1 Recipient is on"));
    for map in ["access/transactional", "access", "transport"] {
        assert_eq!(world.postmap(&format!("{MAP}{map}"), bob), "", "{map}");
    }
    let log = world.log();
    assert!(log.contains("refused: to=<bob@example.com>, map=policy, stream=marketing, kind=complaint"), "{log}");
    world.reload("[policy]\nprotected = []\n[[stream]]\nname = \"letters\"\nsenders = [\"news@example.org\"]\n");
    assert!(!is_refused(&world, NEWS, bob), "there is no stream marketing any more");
}

#[test]
fn an_incident_is_held_and_released_or_confirmed_with_one_command() {
    let world = World::new(&["policy-fail-open.cf"], STREAMS);
    let users = |first: i64| (first..first + 11).map(|user| format!("user{user}@broken.example"));
    let burst = |first: i64, reply: &str| {
        for who in users(first) {
            let reply = reply.replace('@', &format!("<{who}>"));
            world.bounce(&report(&who, "failed", &reply, &days_ago(0)));
        }
    };
    burst(0, "550 5.1.1 @: no such user here");
    for who in users(0) {
        assert!(!is_refused(&world, APP, &who), "{who} is held back");
    }
    let listed = world.suppressd(&["incidents"]);
    assert!(listed.starts_with("1  open       11 recipients at broken.example"), "{listed}");
    assert!(world.suppressd(&["incidents", "show", "1"]).contains("user7@broken.example"));
    let released = world.suppressd(&["incidents", "release", "1", "--note", "their directory was down"]);
    assert_eq!(released, "incident 1 released: 11 recipients not suppressed by it\n");
    assert!(users(0).all(|who| !is_refused(&world, APP, &who)));
    assert_eq!(world.suppressd(&["incidents"]), "");

    burst(20, "550 5.1.1 unknown user @, account does not exist");
    let confirmed = world.suppressd(&["incidents", "confirm", "2"]);
    assert_eq!(confirmed, "incident 2 confirmed: 11 recipients suppressed\n");
    assert!(users(20).all(|who| is_refused(&world, APP, &who)));
}

#[test]
fn protected_and_allowed_recipients_get_their_mail_and_removal_is_final() {
    let world = World::new(&["policy-fail-open.cf"], STREAMS);
    let hard = |who: &str| world.bounce(&report(who, "failed", "550 5.1.1 user unknown", &days_ago(0)));
    for who in ["postmaster@example.com", "boss@own.example"] {
        hard(who);
        assert!(!is_refused(&world, APP, who), "{who}");
    }
    let carol = "carol@example.com";
    hard(carol);
    assert!(is_refused(&world, APP, carol));
    world.suppressd(&["allow", carol, "--for", "1h", "--note", "she called"]);
    assert!(!is_refused(&world, APP, carol));
    world.suppressd(&["allow", carol, "--end"]);
    assert!(is_refused(&world, APP, carol));
    world.suppressd(&["remove", carol]);
    world.bounce(&report(carol, "failed", "550 5.1.1 user unknown", &days_ago(1)));
    assert!(!is_refused(&world, APP, carol), "an old report comes late");
    world.suppressd(&["add", "@.gone.example", "--stream", "marketing"]);
    assert!(is_refused(&world, NEWS, "bob@mail.gone.example"));
    assert!(!is_refused(&world, APP, "bob@mail.gone.example"));
    hard("dave@example.com");
    world.suppressd(&["forget", "dave@example.com"]);
    assert!(is_refused(&world, APP, "dave@example.com"));
    assert!(world.suppressd(&["why", "dave@example.com"]).contains("forgotten: only a keyed hash is kept"));
    assert_eq!(world.sqlite3("SELECT count(*) FROM event WHERE address LIKE 'dave%'").trim(), "0");
}
