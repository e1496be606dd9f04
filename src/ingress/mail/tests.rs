//! The traps of the field, each by a mail written for it, and what hostile mails must not do.

use super::*;
use crate::event::{Door, Reason, Side};

/// A report with its words, status fields and returned header.
fn report(words: &str, fields: &str, original: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example.net\nTo: bounces@example.net\nSubject: Undelivered Mail\nAuto-Submitted: auto-replied\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n--b\n\n{words}\n\n--b\n\
         Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n{fields}\n\n--b\n\
         Content-Type: text/rfc822-headers\n\nFrom: us@example.net\n{original}\n--b--\n"
    )
}

/// A report about bob@example.com with one reply to one command.
fn refused(status: &str, reply: &str, command: &str) -> Finding {
    let words =
        format!("<bob@example.com>: host mx.example.com[192.0.2.1] said: {reply} (in reply to {command} command)");
    let fields = format!(
        "Final-Recipient: rfc822; bob@example.com\nAction: failed\nStatus: {status}\nRemote-MTA: dns; mx.example.com\n\
         Diagnostic-Code: smtp; {reply}"
    );
    only(&report(&words, &fields, "To: bob@example.com"))
}

fn only(mail: &str) -> Finding {
    let mut reading = read(mail.as_bytes());
    assert_eq!(reading.findings.len(), 1, "{reading:?}");
    reading.findings.remove(0)
}

fn text_mail(from: &str, subject: &str, body: &str) -> String {
    format!("From: {from}\nTo: bounces@example.net\nSubject: {subject}\n\n{body}")
}

#[test]
fn trap_01_what_ses_refuses_at_smtp_time_is_our_fault() {
    for reply in [
        "554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: us@example.net",
        "554 Message rejected: Sending paused for this account.",
        "554 Access denied: User `arn:aws:iam::1:user/x' is not authorized to perform `ses:SendRawEmail'",
        "530 Authentication required",
        "554 Something that SES never said before",
    ] {
        let words = format!(
            "<bob@example.com>: host email-smtp.eu-west-1.amazonaws.com[192.0.2.1] said: {reply} (in reply to end of DATA command)"
        );
        let fields = format!(
            "Final-Recipient: rfc822; bob@example.com\nAction: failed\nStatus: 5.0.0\n\
             Remote-MTA: dns; email-smtp.eu-west-1.amazonaws.com\nDiagnostic-Code: smtp; {reply}"
        );
        let finding = only(&report(&words, &fields, "To: bob@example.com"));
        assert_eq!((finding.kind, finding.evidence.side), (Kind::SoftBounce, Side::Sender), "{reply}");
    }
}

#[test]
fn trap_02_throttling_is_soft_even_as_a_final_failure() {
    let finding = refused("4.0.0", "454 Throttling failure: Daily message quota exceeded.", "end of DATA");
    assert_eq!((finding.kind, finding.evidence.reason), (Kind::SoftBounce, Reason::Throttled));
}

#[test]
fn trap_03_one_refusal_of_the_message_condemns_none_of_its_recipients() {
    let block = |a: &str| {
        format!(
            "Final-Recipient: rfc822; {a}\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 554 no such user bob\n\n"
        )
    };
    let words = |a: &str| format!("<{a}>: host mx said: 554 no such user bob (in reply to end of DATA command)\n\n");
    let both = ["bob@example.com", "carol@example.com"];
    let mail = report(&both.map(words).concat(), &both.map(block).concat(), "To: bob@example.com, carol@example.com");
    let kinds: Vec<_> = read(mail.as_bytes()).findings.iter().map(|f| f.kind).collect();
    assert_eq!(kinds, [Kind::SoftBounce, Kind::SoftBounce]);
}

#[test]
fn trap_03_a_code_about_an_address_at_the_end_of_data_condemns_whom_it_names_or_who_is_alone() {
    let [bob, carol] = ["bob@example.com", "carol@example.com"];
    let unnamed = "550 5.1.1 User unknown";
    let barracuda = "550 permanent failure for one or more recipients (carol@example.com:550 5.1.1 unknown user)";
    for (recipients, reply, condemned) in [
        (&[bob, carol][..], unnamed, &[][..]),
        (&[bob, carol], barracuda, &[carol]),
        (&["arol@example.com", carol], barracuda, &[carol]),
        (&[bob], unnamed, &[bob]),
    ] {
        let each = |form: &dyn Fn(&str) -> String| recipients.iter().map(|a| form(a)).collect::<String>();
        let words = each(&|a| format!("<{a}>: host mx said: {reply} (in reply to end of DATA command)\n\n"));
        let fields = each(&|a| {
            format!("Final-Recipient: rfc822; {a}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; {reply}\n\n")
        });
        for mail in [
            report(&words, &fields, "To: x@example.com"),
            text_mail("MAILER-DAEMON@x.example", "failure notice", &words),
        ] {
            let findings = read(mail.as_bytes()).findings;
            assert_eq!(findings.len(), recipients.len());
            let hard = findings.iter().filter(|f| f.kind == Kind::HardBounce);
            assert_eq!(hard.map(|f| f.recipient.as_str()).collect::<Vec<_>>(), condemned, "{reply}");
        }
    }
}

#[test]
fn trap_04_a_5_1_1_that_talks_of_something_else_is_not_an_unknown_user() {
    for reply in [
        "550 5.1.1 <bob@example.com> - 192.0.2.7 has sent to too many recipients this hour.",
        "550 5.1.1 unauthorized sender",
        "550 5.1.1 Not enough disk space",
    ] {
        assert_eq!(refused("5.1.1", reply, "RCPT TO").kind, Kind::SoftBounce, "{reply}");
    }
}

#[test]
fn trap_05_the_inner_code_counts_where_ses_wraps_a_reply() {
    let full = refused(
        "5.1.0",
        "5.1.0 - Unknown address error 550-'5.2.2 <bob@example.com> Mailbox Full' (delivery attempts: 0)",
        "RCPT TO",
    );
    assert_eq!((full.kind, full.evidence.reason), (Kind::SoftBounce, Reason::MailboxFull));
    assert_eq!(full.evidence.status.map(|s| s.to_string()).as_deref(), Some("5.2.2"));
    let gone = refused(
        "5.0.0",
        "5.1.0 - Unknown address error 550-'5.1.1 <bob@example.com>: User unknown' (delivery attempts: 0)",
        "RCPT TO",
    );
    assert_eq!(gone.kind, Kind::HardBounce);
}

#[test]
fn trap_06_policy_block_lists_and_replies_to_mail_from_are_about_us() {
    for (status, reply, command) in [
        ("5.7.1", "550 5.7.1 Service unavailable; client [192.0.2.7] blocked using zen.spamhaus.org", "RCPT TO"),
        ("5.7.26", "550 5.7.26 This mail is unauthenticated", "end of DATA"),
        ("5.1.0", "550-5.1.0 MailFrom domain is listed in Spamhaus", "MAIL FROM"),
        ("5.1.1", "550 5.1.1 no such user", "MAIL FROM"),
    ] {
        let finding = refused(status, reply, command);
        assert_eq!((finding.kind, finding.evidence.side), (Kind::SoftBounce, Side::Sender), "{reply}");
    }
}

#[test]
fn trap_07_access_denied_may_be_an_unknown_user_or_a_policy_so_it_is_soft() {
    for (status, reply) in [
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)"),
        ("5.7.1", "554 5.7.1 <bob@example.com>: Recipient address rejected: Access denied"),
    ] {
        assert_eq!(refused(status, reply, "RCPT TO").kind, Kind::SoftBounce, "{reply}");
    }
}

#[test]
fn trap_08_a_full_mailbox_is_soft_and_a_disabled_one_is_told_apart() {
    let full = refused("5.2.2", "552 5.2.2 <bob@example.com>: over quota", "RCPT TO");
    assert_eq!((full.kind, full.evidence.reason), (Kind::SoftBounce, Reason::MailboxFull));
    let disabled = refused("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled", "RCPT TO");
    assert_eq!((disabled.kind, disabled.evidence.reason), (Kind::SoftBounce, Reason::Suspended));
}

#[test]
fn trap_09_delayed_relayed_delivered_and_expanded_are_no_bounces() {
    for (action, status, kind) in [
        ("delayed", "4.2.0", Kind::Delay),
        ("relayed", "2.1.9", Kind::Notice),
        ("relayed", "2.0.0", Kind::Notice),
        ("delivered", "2.0.0", Kind::Delivery),
        ("expanded", "2.0.0", Kind::Notice),
        ("strange", "2.1.5", Kind::Delivery),
        ("strange", "5.1.1", Kind::HardBounce),
    ] {
        let fields = format!("Final-Recipient: rfc822; bob@example.com\nAction: {action}\nStatus: {status}");
        assert_eq!(only(&report("hello", &fields, "To: bob@example.com")).kind, kind, "{action} {status}");
    }
}

#[test]
fn trap_10_the_address_we_sent_to_counts_and_never_the_forward_target() {
    let fields = "Original-Recipient: rfc822; bob@example.com\nFinal-Recipient: rfc822; target@example.org\nAction: failed\nStatus: 5.1.1";
    assert_eq!(only(&report("", fields, "To: x@example.com")).recipient.as_str(), "bob@example.com");
    let hidden = "Final-Recipient: rfc822; target@example.org\nAction: failed\nStatus: 5.1.1";
    let mail = report("", hidden, "To: x@example.com").replace("To: bounces@", "To: bounces+bob=example.com@");
    assert_eq!(only(&mail).recipient.as_str(), "bob@example.com");
    let wire =
        "Original-Recipient: rfc822;bob+2Btag@example.com\nFinal-Recipient: rfc822;bob+tag@example.com\nAction: failed";
    assert_eq!(only(&report("", wire, "To: x@example.com")).recipient.as_str(), "bob+tag@example.com");
}

#[test]
fn trap_10_an_alias_lives_while_one_of_its_targets_does() {
    let block = |target: &str, said: &str| {
        format!(
            "Original-Recipient: rfc822;staff@example.com\nFinal-Recipient: rfc822; {target}@example.com\n{said}\n\n"
        )
    };
    let gone = "Action: failed\nStatus: 5.1.1";
    for (other, said, kind) in [
        ("alive", "Action: delivered\nStatus: 2.0.0", Kind::SoftBounce),
        ("full", "Action: failed\nStatus: 5.2.2", Kind::SoftBounce),
        ("gone", "Action: delayed\nStatus: 4.2.0", Kind::HardBounce),
        ("dead", gone, Kind::HardBounce),
    ] {
        for blocks in [[block("gone", gone), block(other, said)], [block(other, said), block("gone", gone)]] {
            let finding = only(&report("", &blocks.concat(), "To: staff@example.com"));
            assert_eq!((finding.recipient.as_str(), finding.kind), ("staff@example.com", kind), "{other} {said}");
            if other == "alive" {
                assert_eq!(finding.evidence.rule.as_deref(), Some("alias-with-dead-target"));
            }
        }
    }
}

#[test]
fn trap_11_vacation_notices_and_read_receipts_are_nothing_but_some_say_more() {
    let vacation = only(&text_mail("Bob <bob@example.com>", "Out of Office: your mail", "I am back on Monday."));
    assert_eq!((vacation.kind, vacation.evidence.reason), (Kind::Notice, Reason::AutoReply));
    let dead = only(&text_mail("bob@example.com", "Auto-Reply", "This mailbox is no longer\nin use."));
    assert_eq!(dead.kind, Kind::SoftBounce);
    let receipt = |disposition: &str| {
        format!(
            "From: bob@example.com\nSubject: Read\nContent-Type: multipart/report; boundary=b\n\n--b\n\nseen\n--b\nContent-Type: \
             message/disposition-notification\n\nFinal-Recipient: rfc822; bob@example.com\nDisposition: automatic-action/\
             MDN-sent-automatically; {disposition}\n--b--\n"
        )
    };
    assert_eq!(only(&receipt("displayed")).kind, Kind::Notice);
    assert_eq!(only(&receipt("failed\nFailure: mailbox over quota")).evidence.reason, Reason::MailboxFull);
}

/// A feedback report with fields and a returned message.
fn feedback(fields: &str, original: &str) -> String {
    format!(
        "From: complaints@provider.example\nTo: us@example.net\nSubject: FW\nContent-Type: multipart/report; \
         report-type=feedback-report; boundary=b\n\n--b\n\nA complaint.\n--b\nContent-Type: message/feedback-report\n\n{fields}\n--b\n\
         Content-Type: message/rfc822\n\n{original}\n\nhello\n--b--\n"
    )
}

#[test]
fn trap_12_a_redacted_complainant_is_never_guessed_from_the_report() {
    let fields = "Feedback-Type: abuse\nVersion: 1";
    let reading = read(feedback(fields, "From: us@example.net\nTo: redacted@provider.example\nSubject: x").as_bytes());
    assert!(reading.findings.is_empty());
    assert_eq!(reading.unnamed.iter().map(|u| u.kind).collect::<Vec<_>>(), [Kind::Complaint]);
    let path =
        "Return-Path: <bounces+bob=example.com@example.net>\nFrom: us@example.net\nTo: redacted@x.example\nSubject: x";
    assert_eq!(only(&feedback(fields, path)).recipient.as_str(), "bob@example.com");
    let list = "From: us@example.net\nTo: talk@lists.example.net\nSubject: x\nList-Id: <talk.lists.example.net>";
    assert!(read(feedback(fields, list).as_bytes()).findings.is_empty());
    let named = "Feedback-Type: abuse\nOriginal-Rcpt-To: <bob@example.com>";
    assert_eq!(
        only(&feedback(named, "From: us@example.net\nTo: carol@example.com\nSubject: x")).recipient.as_str(),
        "bob@example.com"
    );
}

#[test]
fn trap_13_authentication_reports_not_spam_and_opt_out_are_no_complaints() {
    for (word, kind) in [
        ("auth-failure", Kind::Notice),
        ("dmarc", Kind::Notice),
        ("not-spam", Kind::Notice),
        ("opt-out", Kind::Unsubscribe),
        ("abuse", Kind::Complaint),
        ("fraud", Kind::Complaint),
    ] {
        let fields = format!("Feedback-Type: {word}\nOriginal-Rcpt-To: bob@example.com");
        assert_eq!(only(&feedback(&fields, "From: us@example.net\nTo: bob@example.com")).kind, kind, "{word}");
    }
}

#[test]
fn trap_14_an_ses_event_by_mail_condemns_only_those_whom_it_is_about() {
    let event = |kind: &str, part: &str| {
        let json = format!(
            "{{\n \"eventType\" : \"{kind}\",\n {part},\n \"mail\" : {{ \"source\" : \"us@example.net\", \"destination\" : \
             [ \"bob@example.com\", \"carol@example.com\" ], \"messageId\" : \"01\" }} }}"
        );
        text_mail("AWS Notifications <no-reply@sns.amazonaws.com>", "Amazon SES", &json)
    };
    let bounced = r#""bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"bob@example.com"}]}"#;
    let finding = only(&event("Bounce", bounced));
    assert_eq!((finding.recipient.as_str(), finding.kind), ("bob@example.com", Kind::HardBounce));
    assert_eq!(finding.evidence.provider_id.as_deref(), Some("01"));
    let sent = read(event("Send", "\"send\":{}").as_bytes());
    assert!(sent.findings.iter().all(|finding| finding.kind == Kind::Send));
    let delivered = only(&event("Delivery", r#""delivery":{"recipients":["bob@example.com"]}"#));
    assert_eq!(delivered.kind, Kind::Delivery);
}

#[test]
fn trap_15_a_reading_says_nothing_about_where_the_mail_came_from() {
    // Anybody can write this report: a finding has no origin, so that nobody can take it for proved.
    let Finding { id: _, kind, recipient, reported: _, at: _, source: _, evidence: _ } =
        refused("5.1.1", "550 5.1.1 user unknown", "RCPT TO");
    assert_eq!((kind, recipient.as_str()), (Kind::HardBounce, "bob@example.com"));
}

#[test]
fn our_own_refusal_coming_back_is_a_notice_however_it_is_folded() {
    let text = "550 5.1.1 <bob@example.com>: Recipient address rejected: Recipient is on the\n    suppression list (hard bounce 2026-01-02; x)";
    let finding = refused("5.1.1", text, "RCPT TO");
    assert_eq!((finding.kind, finding.evidence.reason), (Kind::Notice, Reason::OwnRefusal));
    let theirs = refused("5.1.1", "550 5.1.1 Amazon SES: Address is on the suppression list", "RCPT TO");
    assert_eq!((theirs.kind, theirs.evidence.reason), (Kind::HardBounce, Reason::Suppressed));
}

#[test]
fn addresses_in_the_returned_message_are_never_recipients() {
    let words = "Hi. This is the qmail-send program at example.net.\n\n<bob@example.com>:\nno mailbox here by that name\n\n\
        --- Below this line is a copy of the message.\n\nTo: dave@example.com\n\n<erin@example.com>:\nno such user\n";
    assert_eq!(
        only(&text_mail("MAILER-DAEMON@example.net", "failure notice", words)).recipient.as_str(),
        "bob@example.com"
    );
}

#[test]
fn only_the_outermost_report_counts_but_a_plain_forward_is_opened() {
    let inner = report(
        "",
        "Final-Recipient: rfc822; carol@example.com\nAction: failed\nStatus: 5.1.1",
        "To: carol@example.com",
    );
    let outer = format!(
        "From: help@example.net\nSubject: Fwd: look\nContent-Type: multipart/mixed; boundary=outer\n\n--outer\n\nlook\n--outer\n\
         Content-Type: message/rfc822\n\n{inner}\n--outer--\n"
    );
    assert_eq!(only(&outer).recipient.as_str(), "carol@example.com");
    let quoting =
        report("", "Final-Recipient: rfc822; bob@example.com\nAction: failed\nStatus: 5.1.1", "To: x@example.com")
            .replace("Content-Type: text/rfc822-headers\n\n", &format!("Content-Type: message/rfc822\n\n{inner}\n"));
    assert_eq!(only(&quoting).recipient.as_str(), "bob@example.com");
}

#[test]
fn what_names_nobody_is_kept_with_the_reason() {
    let reading = read(
        report("", "Final-Recipient: X400; c=xx\nAction: failed\nStatus: 5.1.1", "To: a@b.example, c@d.example")
            .as_bytes(),
    );
    assert!(reading.findings.is_empty());
    assert!(reading.unnamed[0].why.contains("domain"), "{reading:?}");
}

#[test]
fn ids_and_list_headers_of_the_returned_message_are_kept() {
    let fields = "Final-Recipient: rfc822; bob@example.com\nAction: failed\nStatus: 5.1.1";
    let original = "To: bob@example.com\nReturn-Path: <bounces@example.net>\nMessage-ID: <7@example.net>\nList-Id: <news.example.net>";
    let evidence = only(&report("", fields, original)).evidence;
    assert_eq!(evidence.message_id.as_deref(), Some("7@example.net"));
    assert_eq!(evidence.sender.as_deref(), Some("bounces@example.net"));
    assert_eq!(evidence.headers.as_deref(), Some("List-Id: <news.example.net>"));
    assert_eq!(evidence.reporting_mta.as_deref(), Some("mx.example.net"));
}

#[test]
fn a_flood_of_recipients_is_bounded() {
    let block = |n: usize| format!("Final-Recipient: rfc822; u{n}@example.com\nAction: failed\nStatus: 5.1.1\n\n");
    let mail = report("", &(0..MAX_RECIPIENTS * 2).map(block).collect::<String>(), "To: x@example.com");
    assert_eq!(read(mail.as_bytes()).findings.len(), MAX_RECIPIENTS);
}

#[test]
fn no_mail_makes_the_reader_panic_or_slow() {
    let whole = refused_mail();
    let bytes = whole.as_bytes();
    for end in 0..bytes.len() {
        let _ = read(&bytes[..end]);
        let _ = read(&bytes[end..]);
    }
    for byte in [0u8, 0x80, 0xff, b'<', b'@', b'\n', b':', b'-'] {
        let _ = read(&vec![byte; 100_000]);
    }
    for unit in [
        "<a@b.example>\n",
        "550 <a@b.example>... x\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n",
        "=?utf-8?b?",
        "(\"<",
        "Final-Recipient:\n",
    ] {
        let _ = read(format!("From: mailer-daemon@x\nSubject: failure notice\n\n{}", unit.repeat(20_000)).as_bytes());
    }
}

fn refused_mail() -> String {
    report(
        "<bob@example.com>: host said: 550 5.1.1 no (in reply to RCPT TO command)",
        "Final-Recipient: rfc822; bob@example.com\nStatus: 5.1.1",
        "To: ü@example.com",
    )
}

#[test]
fn a_configured_return_path_names_the_recipient() {
    let patterns = [Pattern::parse("return-{user}={domain}").unwrap()];
    let hidden = report(
        "",
        "Final-Recipient: rfc822; hidden\nAction: failed\nStatus: 5.1.1",
        "Subject: hi\nFrom: us@example.net\nReturn-Path: <return-bob=example.com@example.net>",
    );
    assert!(read(hidden.as_bytes()).findings.is_empty());
    let named: Vec<_> =
        read_with(hidden.as_bytes(), &patterns, false).findings.iter().map(|f| f.recipient.to_string()).collect();
    assert_eq!(named, ["bob@example.com"]);
}

#[test]
fn the_token_of_a_list_manager_is_handed_on() {
    let fields = "Final-Recipient: rfc822; bob@example.com\nAction: failed\nStatus: 5.1.1";
    let original = "To: bob@example.com\nSubject: hi\nReturn-Path: <mail+b.12.345.0123456789abcdef@example.net>\nX-Listmonk-Campaign: 7";
    assert_eq!(
        only(&report("", fields, original)).evidence.headers.as_deref(),
        Some("X-Suppressd-Verp: civicrm mail+b.12.345.0123456789abcdef\nX-Listmonk-Campaign: 7")
    );
}

#[test]
fn words_of_an_unknown_user_condemn_nobody_whose_diagnostic_was_transient() {
    let about = |diagnostic: &str| {
        let fields =
            format!("Final-Recipient: rfc822; bob@example.com\nAction: failed\nDiagnostic-Code: smtp; {diagnostic}");
        only(&report("<bob@example.com>: user unknown", &fields, "To: bob@example.com"))
    };
    for (diagnostic, kind) in [
        ("550 hm 4.2.9", Kind::SoftBounce),
        ("450 hm", Kind::SoftBounce),
        ("550 hm 5.2.9", Kind::HardBounce),
        ("550 hm", Kind::HardBounce),
    ] {
        let finding = about(diagnostic);
        assert_eq!((finding.kind, finding.evidence.reason), (kind, Reason::UserUnknown), "{diagnostic}");
    }
}

#[test]
fn what_was_said_is_the_reply_that_decided_and_not_the_lines_at_the_recipients_name() {
    let body = "Error message below:\n550 - Requested action not taken: no such user here\n\nMessage details:\n  \
                RCPT TO: bob@example.com\n  From: us@example.net\n  Number of lines: 2\n";
    let finding = only(&text_mail("post_master@mx.example.com", "Re: News", body));
    assert_eq!((finding.recipient.as_str(), finding.kind), ("bob@example.com", Kind::HardBounce));
    let said = finding.evidence.diagnostic.as_deref();
    assert_eq!(said, Some("550 - Requested action not taken: no such user here"));
}

#[test]
fn a_strangers_vacation_notice_is_recorded_and_not_kept_but_what_says_more_is() {
    let kept = |body: &str| {
        let mail = text_mail("carol@example.com", "Out of office: hello", body);
        let (envelope, trust) = (origin::Envelope::default(), origin::Trust::default());
        let now = "2026-11-22T08:00:00Z".parse().unwrap();
        let submission = submission::submission(mail.as_bytes(), &envelope, &trust, Door::Pipe, now).unwrap();
        (submission.events.len(), submission.quarantined.len())
    };
    assert_eq!(kept("I am on holiday until Monday."), (1, 0));
    assert_eq!(kept("This mailbox is no longer in use."), (1, 1));
}
