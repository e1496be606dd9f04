//! Who is named but did not fail, and mails that are no bounce.

use suppressd::event::{Kind, Reason};
use suppressd::ingress::mail;

use super::{HARD, SOFT};

#[test]
fn the_same_words_in_a_personal_mail_are_no_bounce() {
    let chat = "Hi,\n\nthe report said\n\n<bob@example.com>:\n550 5.1.1 user unknown\n\nWhat does it mean?\n";
    let mail = format!("From: carol@example.org\nTo: us@example.net\nSubject: a question\n\n{chat}");
    assert!(mail::read(mail.as_bytes()).findings.is_empty());
    for (subject, more, body) in [
        ("Re: 送信エラーについて", "", "bob@example.com は存在しません。ユーザー不明のエラーです。\n"),
        ("回复：关于投递失败的问题", "", "bob@example.com 用户不存在，请换一个。\n"),
        ("Re: Undelivered Mail Returned to Sender", "", "bob@example.com: user unknown, they say.\n"),
        (
            "Re: Undelivered Mail Returned to Sender",
            "In-Reply-To: <1@mx.example.net>\n",
            "What now?\n\n> This is the mail system at host mx.example.net.\n>\n> <bob@example.com>: 550 5.1.1 user unknown\n",
        ),
        (
            "自動返信: 送信エラー",
            "Auto-Submitted: auto-replied\n",
            "bob@example.com まで。このアドレスには送信できません。\n",
        ),
        ("Fwd: Undelivered Mail Returned to Sender", "", "bob@example.com: user unknown, they say.\n"),
        (
            "Question about a delivery problem",
            "Return-Path: <carol@example.org>\n",
            "My parcel was not delivered. I wrote to bob@example.com but the address is invalid.\n",
        ),
        (
            "Paket unzustellbar",
            "Return-Path: <carol@example.org>\n",
            "Ihr Paket konnte nicht zugestellt werden. Empfänger unbekannt.\nEmpfänger: bob@example.com\n",
        ),
        (
            "Returned to sender",
            "Return-Path: <b-1@esp.example>\n",
            "The parcel to bob@example.com\nwas returned. Ref 550 1\n",
        ),
        ("user unknown", "Return-Path: <srs0=ab=example.org=carol@fwd.example>\n", "bob@example.com is unknown\n"),
        (
            "No se pudo entregar su paquete",
            "Return-Path: <carol@example.org>\n",
            "Destinatario: bob@example.com\nLa dirección no existe\n",
        ),
        (
            "Re: failure notice",
            "",
            "Why?\n\nHi. This is the qmail-send program at mx.\n\n<bob@example.com>:\n550 no such user\n",
        ),
        ("Re: Permanent Delivery Failure", "", "Why?\n\n> Failed address: bob@example.com\n> 550 5.1.1 no such user\n"),
        ("[Desk] (MAIL-12) Undelivered Mail", "", "A reader wrote:\nRecipient: bob@example.com\nno such user\n"),
        (
            "Ticket#4711: Undelivered Mail",
            "",
            "This is the mail system at host mx.\n\n<bob@example.com>: 550 5.1.1 no such user\n",
        ),
        (
            "a question",
            "",
            "Why?\n\n> This is the mail system at host mx.\n>\n> <bob@example.com>: 550 5.1.1 no such user\n",
        ),
        (
            "a question",
            "Return-Path: <carol@example.org>\n",
            "Why?\n\nThis is the mail system at host mx.\n\n<bob@example.com>: 550 5.1.1 no such user\n",
        ),
        ("question", "", "My message to bob@example.com could not be delivered: user unknown. Do you know why?\n"),
        (
            "your news",
            "Return-Path: <srs0=ab=example.org=carol@fwd.example>\n",
            "Your message could not be delivered, invalid address. Use that of my office from now on:\n\nbob@example.com\n",
        ),
        (
            "party",
            "Return-Path: <b-1@esp.example>\n",
            "The party has been postponed. Ask\n\nbob@example.com\n\nIf you no longer want to receive this message, tell us.\n",
        ),
        ("Delivery failed: parcel 4711", "", "The address is unknown. Write to parcels@example.org\n"),
        ("Error de entrega del pedido", "", "No se pudo entregar su paquete. Escriba a bob@example.com\n"),
    ] {
        let mail = format!("From: carol@example.org\nTo: us@example.net\nSubject: {subject}\n{more}\n{body}");
        let bounced = mail::read(mail.as_bytes()).findings.iter().any(|f| f.kind != Kind::Notice);
        assert!(!bounced, "{subject}");
    }
}

/// Who answers, by hand or by program, may use the words of a report, about a colleague, a shop or a list.
#[test]
fn an_answer_condemns_nobody() {
    for (header, body) in [
        (
            "From: Bob <bob@firm.example>\nSubject: Automatic reply: November\nAuto-Submitted: auto-replied",
            "I read mail on the GroupWise web access once a day.\nCarol has left the company; ask alice@firm.example\n",
        ),
        (
            "From: Bounce Fitness <info@bounce-fitness.example>\nSubject: Automatic reply: November",
            "Unfortunately we cannot answer before Monday. Our studio has moved!\n\ninfo@bounce-fitness.example\n",
        ),
        (
            "From: postmaster@firm.example\nSubject: Automatic reply: November\nAuto-Submitted: auto-replied",
            "Bob Miller has left the company, so your mail could not be read by him. Please contact:\n\nalice@firm.example\n",
        ),
        (
            "From: talk-bounces@lists.example\nSubject: Request to mailing list Talk rejected\nX-List-Administrivia: yes",
            "Your request has been rejected: \"This list has moved\".\n\nQuestions go to\n\n    talk-owner@lists.example\n",
        ),
        (
            "Return-Path: <>\nFrom: Jan <jan@firma.example>\nSubject: =?utf-8?Q?Odpowied=C5=BA_automatyczna=3A_November?=\n\
             X-Auto-Response-Suppress: All\nIn-Reply-To: <1@example.org>\nauto-submitted: auto-generated",
            "Jestem na urlopie. Anna Nowak has left the company; tel. 501 222 333.\n\nJan\n",
        ),
    ] {
        let mail = format!("{header}\nTo: news@example.org\n\n{body}");
        let kinds: Vec<_> = mail::read(mail.as_bytes()).findings.iter().map(|f| f.kind).collect();
        assert!(kinds.iter().all(|kind| *kind == Kind::Notice), "{header}: {kinds:?}");
    }
}

/// Microsoft's Junk Mail Reporting Program.
#[test]
fn a_junk_mail_report_without_a_report_is_a_complaint() {
    let mail = "From: staff@hotmail.com\nTo: news@example.org\nSubject: complaint about message from 192.0.2.7\n\
        Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n\
        X-HmXmrOriginalRecipient: bob@hotmail.com\nFrom: News <news@example.org>\nTo: bob@hotmail.com\n\
        Subject: November\n\nhello\n--b--\n";
    let told = |mail: &str| {
        let reading = mail::read(mail.as_bytes());
        reading.findings.iter().map(|f| (f.recipient.to_string(), f.kind)).collect::<Vec<_>>()
    };
    assert_eq!(told(mail), [("bob@hotmail.com".to_owned(), Kind::Complaint)]);
    assert_eq!(told(&mail.replace("staff@hotmail.com", "eve@example.com")), []);
    let fields = "Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\nOriginal-Rcpt-To: <bob@example.com>\n";
    let inline =
        format!("From: fbl@example.net\nTo: us@example.org\nSubject: abuse\n\nSomebody complained.\n\n{fields}");
    assert_eq!(told(&inline), [("bob@example.com".to_owned(), Kind::Complaint)]);
    assert_eq!(told(&inline.replace("Version: 1\n", "")), []);
}

/// Reports about several, or that name somebody besides.
#[test]
fn each_is_judged_by_what_is_said_about_him() {
    let contact = "Delivery of your message to <bob@example.com> failed.\n\nServer response: 550 5.1.1 User unknown\n\n\
        Regards,\n\nit.desk@mx.example.net\n";
    let sections = "The original message was received at Mon, 3 Mar 1997 10:00:00 +0900\n\n   \
        ----- The following addresses had permanent fatal errors -----\n<bob@example.com>\n\n   \
        ----- The following addresses had successful delivery notifications -----\n\
        <eve@example.com>  (successfully delivered to mailbox)\n\n   ----- Transcript of session follows -----\n\
        550 <bob@example.com>... User unknown\n<eve@example.com>... Successfully delivered\n";
    let names = "Delivery has failed to these recipients or distribution lists:\n\nbob@example.com\nHe is not accepting it now.\n\n\
        Eve Miller\nUser unknown.\n\nDiagnostic information for administrators:\n\nGenerating server: mx.example.net\n\n\
        bob@example.com\n#554 5.4.7 Message expired ##\n\neve@example.com\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n";
    let paragraphs = "We had trouble delivering your message.\n\nSMTP Server <mx.example.com> rejected recipient <bob@example.com> \
        (Error following RCPT command). It responded as follows: [451 please wait]\n\nSMTP Server <mx.example.com> rejected \
        recipient <eve@example.com> (Error following RCPT command). It responded as follows: [550 5.1.1 User unknown]\n";
    let shared = "The original message was received at Mon, 3 Mar 2008 10:00:00 +0900\n\n   \
        ----- The following addresses had permanent fatal errors -----\n<bob@example.com>\n    \
        (reason: 550 5.1.1 User unknown <eve@example.com>)\n<eve@example.com>\n    (reason: 552 5.2.2 Over quota)\n";
    let sendmails = "   ----- The following addresses had permanent fatal errors -----\n<bob@example.com>\n<eve@example.com>\n\n   \
        ----- Transcript of session follows -----\n>>> RCPT To:<bob@example.com>\n<<< 550 Your host is blacklisted\n\
        550 <bob@example.com>... User unknown\n>>> RCPT To:<eve@example.com>\n<<< 550 no such user\n\
        550 <eve@example.com>... User unknown\n";
    let reason = "   ----- The following addresses had permanent fatal errors -----\n<bob@example.com>\n    (reason: 550 quota exceeded)\n\n   \
        ----- Transcript of session follows -----\n550 5.1.1 <bob@example.com>... User unknown\n";
    let team =
        "Mail team of Firma\nmailteam@example.net\n\nDelivery to bob@example.com failed: 550 5.1.1 User unknown\n";
    let signature = "Delivery to bob@example.com failed: 550 5.1.1 User unknown\n\n-- \nmailteam@example.net\nhttps://mx.example.net\n";
    let apart = "Your message was delivered to the following recipients:\n\n  eve@example.com\n\n\
        Your message could not be delivered to:\n\n  bob@example.com: 550 5.1.1 User unknown\n";
    let numbered = "Delivery failed:\n\n1. bob@example.com - 550 5.1.1 User unknown\n2. eve@example.com - 552 5.2.2 Mailbox full\n";
    let table = "Delivery failed:\n\nRecipient       | Error\nbob@example.com | 550 5.1.1 User unknown\neve@example.com | 552 5.2.2 Full\n";
    let together =
        "These could not be reached:\n\nbob@example.com, eve@example.com\n\nReason: 550 5.1.1 User unknown\n";
    let sentences = "Delivery to bob@example.com failed: 550 5.1.1 User unknown\nDelivery to Eve <eve@example.com> failed: 552 5.2.2 Full\n";
    let hashes = "Failed:\n\n#bob@example.com...User unknown\n#eve@example.com...Mailbox full\n";
    let by_name = "The following recipient(s) could not be reached:\n\n      'Bob Miller' on 3/3/2008 10:44 AM\n            \
        The recipient does not exist.\n            <mx.example.net #5.1.1 smtp;550 5.1.1 <bob@example.com>: User unknown>\n\n      \
        'Eve Miller' on 3/3/2008 10:44 AM\n            The mailbox is full.\n            \
        <mx.example.net #5.2.2 smtp;552 5.2.2 <eve@example.com>: mailbox full>\n";
    for (words, wanted) in [
        (by_name, &[("bob@example.com", HARD), ("eve@example.com", SOFT)][..]),
        (sendmails, &[("bob@example.com", SOFT), ("eve@example.com", HARD)]),
        (reason, &[("bob@example.com", SOFT)]),
        (contact, &[("bob@example.com", HARD)]),
        (sentences, &[("bob@example.com", HARD), ("eve@example.com", SOFT)]),
        (hashes, &[("bob@example.com", HARD), ("eve@example.com", SOFT)]),
        (team, &[("bob@example.com", HARD)]),
        (signature, &[("bob@example.com", HARD)]),
        (apart, &[("bob@example.com", HARD)]),
        (numbered, &[("bob@example.com", HARD), ("eve@example.com", SOFT)]),
        (table, &[("bob@example.com", HARD), ("eve@example.com", SOFT)]),
        (together, &[("bob@example.com", HARD), ("eve@example.com", HARD)]),
        (sections, &[("bob@example.com", HARD)]),
        (names, &[("bob@example.com", SOFT), ("eve@example.com", HARD)]),
        (paragraphs, &[("bob@example.com", SOFT), ("eve@example.com", HARD)]),
        (shared, &[("bob@example.com", SOFT), ("eve@example.com", SOFT)]),
    ] {
        let mail = format!(
            "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nTo: us@example.net\nSubject: Undelivered mail\n\n{words}"
        );
        let reading = mail::read(mail.as_bytes());
        let got: Vec<_> = reading.findings.iter().map(|f| (f.recipient.as_str(), f.kind)).collect();
        assert_eq!(got, wanted, "{words}");
    }
}

/// A report is to the sender, and may say so.
#[test]
fn the_sender_is_not_who_failed() {
    let failed = "Delivery to bob@example.com failed: 550 5.1.1 User unknown\n";
    for words in [
        format!("A message sent from your address us@example.net came back.\n\n{failed}"),
        format!("The user us@example.net sent a message. {failed}"),
        format!("This report was sent to us@example.net.\n\n{failed}"),
        format!("us@example.net:\n\n{failed}"),
        format!("Account: us@example.net\nFailed recipient: bob@example.com\n\n{failed}"),
    ] {
        let mail =
            format!("From: MAILER-DAEMON@mx.example.net\nTo: us@example.net\nSubject: Undelivered mail\n\n{words}");
        let reading = mail::read(mail.as_bytes());
        let got: Vec<_> = reading.findings.iter().map(|f| (f.recipient.as_str(), f.kind)).collect();
        assert_eq!(got, [("bob@example.com", HARD)], "{words}");
    }
    let moved = "From: MAILER-DAEMON@mx.example.net\nTo: us@example.net\nSubject: Undelivered mail\n\n\
        bob@example.com is no longer valid, 550 5.1.1. New address: robert@example.com\n";
    assert!(mail::read(moved.as_bytes()).findings.iter().all(|f| f.recipient.as_str() != "robert@example.com"));
    let own = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nTo: us@example.net\nSubject: Undelivered mail\n\n\
        <us@example.net>: 550 5.1.1 User unknown\n\nQuestions go to desk@mx.example.net\n";
    let named: Vec<_> = mail::read(own.as_bytes()).findings.into_iter().map(|f| f.recipient.to_string()).collect();
    assert_eq!(named, ["us@example.net"]);
    // A callout: the report does not tell whose message it was, but it came to him.
    let report = "From: MAILER-DAEMON@mx.example.net\nTo: us@example.net\nSubject: Undelivered mail\n\
        Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n\n--b\n\
        Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n\
        Final-Recipient: rfc822; bob@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; \
        550 5.1.1 <us@example.net>: Recipient address rejected: User unknown in virtual mailbox table\n\n--b--\n";
    let read = mail::read(report.as_bytes());
    let got: Vec<_> = read.findings.iter().map(|f| (f.recipient.as_str(), f.kind)).collect();
    assert_eq!(got, [("bob@example.com", SOFT)]);
}

/// Sendmail makes "User unknown" of every 550 to RCPT TO that has no code of its own.
#[test]
fn what_sendmail_was_told_goes_before_what_it_says() {
    let fatal = "   ----- The following addresses had permanent fatal errors -----\n<bob@example.com>\n";
    let transcript = "\n   ----- Transcript of session follows -----\n... while talking to mx.example.com.:\n>>> RCPT To:<bob@example.com>\n";
    let own = "550 5.1.1 <bob@example.com>... User unknown\n";
    for (reply, kind) in [
        ("550 Mailbox quota exceeded", SOFT),
        ("550 blocked by zen.spamhaus.org", SOFT),
        ("550 Go away", SOFT),
        ("550 <bob@example.com>: no such mailbox", HARD),
        ("", HARD),
    ] {
        let reason = if reply.is_empty() { String::new() } else { format!("    (reason: {reply})\n") };
        let told = if reply.is_empty() { String::new() } else { format!("<<< {reply}\n") };
        let other = ">>> RCPT To:<eve@example.com>\n<<< 550 spam\n550 5.1.1 <eve@example.com>... User unknown\n";
        for words in [
            format!("{fatal}{reason}{transcript}{told}{own}"),
            format!("{fatal}{transcript}{told}{own}"),
            format!("{fatal}<eve@example.com>\n{transcript}{told}{own}{other}"),
        ] {
            let mail =
                format!("From: MAILER-DAEMON@mx.example.net\nTo: us@example.net\nSubject: Returned mail\n\n{words}");
            let reading = mail::read(mail.as_bytes());
            assert_eq!(reading.findings.first().map(|f| f.kind), Some(kind), "{words}");
            assert!(reading.findings.iter().skip(1).all(|f| f.kind == SOFT), "{words}");
        }
    }
}

/// A contact form mails whatever is written into it to whoever is named.
#[test]
fn a_report_or_an_event_within_a_returned_message_is_not_read() {
    let event = "{\"notificationType\":\"Bounce\",\"bounce\":{\"bounceType\":\"Permanent\",\"bounceSubType\":\"General\",\
        \"bouncedRecipients\":[{\"emailAddress\":\"victim@example.com\"}]},\"mail\":{}}";
    let report = "--x\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; victim@example.com\n\
        Action: failed\nStatus: 5.1.1\n\n--x--";
    for written in [event, report] {
        let mail = format!(
            "From: MAILER-DAEMON@web.example.org\nTo: news@example.org\nSubject: failure notice\n\n\
             Hi. This is the qmail-send program at web.example.org.\n\n<bob@example.com>:\n\
             550 5.1.1 no such user\n\n--- Below this line is a copy of the message.\n\n\
             To: bob@example.com\nSubject: Copy of your message\n\nYou wrote:\n{written}\n"
        );
        let reading = mail::read(mail.as_bytes());
        let got: Vec<_> = reading.findings.iter().map(|f| (f.recipient.as_str(), f.kind)).collect();
        assert_eq!(got, [("bob@example.com", HARD)], "{written}");
    }
}

/// A mail to several may have come back from any of them.
#[test]
fn whoever_stands_in_to_beside_a_cc_is_not_the_one_meant() {
    let report = "Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n\
        Reporting-MTA: dns; old.example\n\nFinal-Recipient: rfc822; bob\nAction: failed\nStatus: 5.1.1\n\
        Diagnostic-Code: smtp; 550 5.1.1 bob... User unknown\n\n--b\nContent-Type: message/rfc822\n\n\
        From: News <news@example.org>\nTo: TO\nSubject: November\n\nhello\n--b--\n";
    for (to, named) in [
        ("Bob <bob@old.example>", Some("bob@old.example")),
        ("alice@example.com", None),
        ("bob@old.example\nCc: alice@example.com", None),
    ] {
        let reading = mail::read(report.replace("TO\n", &format!("{to}\n")).as_bytes());
        assert_eq!(reading.findings.first().map(|f| f.recipient.as_str()), named, "{to}");
    }
}

#[test]
fn a_quoted_reply_without_author_is_a_bounce() {
    for header in [
        "",
        "Return-Path: <>\nFrom: \"Mail System\" <robot@mx.example.net>\nSubject: hello\n",
        "Return-Path: <MAILER-DAEMON>\nFrom: robot@mx.example.net\nSubject: hello\n",
    ] {
        let mail = format!("{header}\nYour message to <bob@example.com> came back:\n\n550 5.1.1 user unknown\n");
        let kinds: Vec<_> = mail::read(mail.as_bytes()).findings.iter().map(|f| f.kind).collect();
        assert_eq!(kinds, [HARD], "{header}");
    }
}

/// What a program writes around a reply is about every bounce, and would mislead.
#[test]
fn a_warning_tells_its_reason() {
    for (words, reason) in [
        (
            "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n\nbob@example.com: Envelope expired\n\n    \
             Please note that this is only a temporary failure report.\n    The message is kept in the queue for up to 4 days.\n",
            Reason::Expired,
        ),
        (
            "Delivery to the following recipient has been delayed:\n\n     bob@example.com\n\nMessage will be retried for 2 more \
             day(s)\n\nTechnical details of temporary failure:\nThe recipient server did not accept our requests to connect.\n",
            Reason::NetworkError,
        ),
        (
            "    After 2 days (48 hours), your message has not yet been\nfully delivered.  Attempts to deliver the message will \
             continue\nfor 4 more days.\n\n    Delivery attempts are still pending for the following address(es):\n\n\t\
             bob@example.com (host: example.com) (queue: smtp)\n",
            Reason::Expired,
        ),
    ] {
        let mail = format!("From: MAILER-DAEMON@mx.example.net\nTo: us@example.net\nSubject: Warning\n\n{words}");
        let reading = mail::read(mail.as_bytes());
        let got: Vec<_> = reading.findings.iter().map(|f| (f.recipient.as_str(), f.kind, f.evidence.reason)).collect();
        assert_eq!(got, [("bob@example.com", Kind::Delay, reason)], "{words}");
    }
}
