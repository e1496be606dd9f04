use super::families::REFUSALS;
use super::*;

fn read_words(from: &str, words: &str) -> Vec<(String, String)> {
    let header = format!("From: {from}\nSubject: failure notice\n");
    let (fields, _) = Fields::block(&header);
    let report = read(&fields, Listing::of(words), false).unwrap_or_default();
    report.notices.into_iter().map(|n| (n.reported, n.words.split_whitespace().collect::<Vec<_>>().join(" "))).collect()
}

fn one(words: &str) -> (String, String) {
    let mut all = read_words("MAILER-DAEMON@example.net", words);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn qmail_names_each_recipient_before_his_reason() {
    let words = "Hi. This is the qmail-send program at example.net.\n\n<bob@example.com>:\nno mailbox here by that name\n\n\
        <carol@example.org>:\nquota exceeded\n\n--- Below this line is a copy of the message.\n\nTo: <dave@example.com>\n";
    let all = read_words("x@example.net", words);
    let expected = [("bob@example.com", "no mailbox here by that name"), ("carol@example.org", "quota exceeded")];
    assert_eq!(all, expected.map(|(a, w)| (a.to_owned(), w.to_owned())));
}

#[test]
fn exim_indents_the_recipient_and_his_reason() {
    let words = "This message was created automatically by mail delivery software.\n\n  bob@example.com\n    \
        host mx [192.0.2.1]: 550 no\n\n------ This is a copy of the message, including all the headers. ------\n";
    assert_eq!(one(words).0, "bob@example.com");
}

#[test]
fn sendmail_lists_first_and_explains_in_its_transcript() {
    let words = "   ----- The following addresses had permanent fatal errors -----\n<bob@example.com>\n\n   \
        ----- Transcript of session follows -----\n>>> RCPT To:<bob@example.com>\n<<< 550 no such person\n\
        550 <bob@example.com>... User unknown\n";
    let (address, words) = one(words);
    assert_eq!(address, "bob@example.com");
    assert!(words.contains("<<< 550 no such person") && words.contains("User unknown"), "{words}");
}

#[test]
fn sendmail_lists_a_user_or_program_of_its_own_before_whom_it_was_for() {
    let words = "   ----- The following addresses had permanent fatal errors -----\n<dave@example.com>\n    (reason: 550 no)\nrobert\n    \
        (reason: over quota)\n    (expanded from: <bob@example.com>)\n\"|/usr/bin/archive\"\n(reason: 127)\n    (expanded from: <news@example.com>)\n\n   \
        ----- Transcript of session follows -----\n554 5.0.0 Service unavailable\n";
    let all = read_words("MAILER-DAEMON@x.example", words);
    let expected = [
        ("dave@example.com", "(reason: 550 no)"),
        ("bob@example.com", "robert (reason: over quota)"),
        ("news@example.com", "\"|/usr/bin/archive\" (reason: 127)"),
    ];
    assert_eq!(all, expected.map(|(a, w)| (a.to_owned(), w.to_owned())));
}

#[test]
fn labels_and_sentences_name_recipients_too() {
    for words in [
        "Failed Recipient: bob@example.com\nReason: 550 unknown\n",
        "There was an error delivering your mail to <bob@example.com>.\n\nmx did not like our RCPT TO:\n550 no\n",
        "   Did not reach the following recipient: bob@example.com\n",
        "delivery failed\nc=US;a= ;p=X;o=Y;dda:SMTP=bob@example.com; on Fri, 4 Oct 2002\n  The recipient name is not recognized\n",
        "Delivery failed permanently:\n  * bob@example.com\n",
        "\"bob@example.com\":\nSMTP error from remote server\n",
    ] {
        assert_eq!(one(words).0, "bob@example.com", "{words}");
    }
}

#[test]
fn pmdf_names_the_original_address_below_the_recipients() {
    let (fields, _) = Fields::block("From: postmaster@example.net\nSubject: Delivery failure\n");
    let words = "Your message cannot be delivered:\n\n  Recipient address: bob@store.example.org\n  Original address: bob@example.com\n  \
        Reason: Over quota\n";
    let report = read(&fields, Listing::of(words), false).unwrap();
    assert_eq!(report.notices[0].alias.as_deref(), Some("bob@example.com"));
    let same = words.replace("store.example.org", "example.com");
    assert_eq!(read(&fields, Listing::of(&same), false).unwrap().notices[0].alias, None);
}

#[test]
fn mmdf_is_known_by_its_subject() {
    let (fields, _) = Fields::block("From: Memo Service <mmdf@example.net>\nSubject: Failed mail  (msg.aa123)\n");
    let words =
        "Your message could not be delivered to\n'bob@example.com' for the following\nreason:  (USER) Unknown user\n";
    assert_eq!(read(&fields, Listing::of(words), false).unwrap().notices[0].reported, "bob@example.com");
}

#[test]
fn a_personal_mail_is_no_bounce() {
    let (fields, _) = Fields::block("From: bob@example.com\nSubject: RE: lunch\n");
    assert!(read(&fields, Listing::of("Tell carol@example.org that I could not come."), false).is_none());
}

#[test]
fn an_alias_is_told_from_its_target() {
    let words = "created automatically by mail delivery software\n  bob@example.com\n    (ultimately generated from news@example.org)\n    550 no\n";
    let (fields, _) = Fields::block("From: x@example.net\n");
    let report = read(&fields, Listing::of(words), false).unwrap();
    assert_eq!(report.notices[0].alias.as_deref(), Some("news@example.org"));
}

#[test]
fn a_transcript_stays_in_its_order() {
    let words = "   ----- The following addresses had permanent fatal errors -----\n<bob@example.com>\n    (reason: 550 no)\n\n   \
        ----- Transcript of session follows -----\n>>> DATA\n<<< 550 no\n550 5.1.1 <bob@example.com>... User unknown\n\
        <<< 554 5.5.1 Error: no valid recipients\n";
    let words = one(words).1;
    assert!(
        words.contains(
            ">>> DATA <<< 550 no 550 5.1.1 <bob@example.com>... User unknown <<< 554 5.5.1 Error: no valid recipients"
        ),
        "{words}"
    );
}

#[test]
fn an_address_for_questions_or_of_the_sender_is_no_recipient() {
    for words in [
        "For help write to\nhelpdesk@mx.example.net\n\n<bob@example.com>:\n550 5.1.1 no such user\n",
        "helpdesk@mx.example.net\n\nThe following failed:\n\n<bob@example.com>:\n550 5.1.1 no such user\n",
        "<bob@example.com>:\n550 5.1.1 no such user\n\n-- \nMail Team\n<mail.team@mx.example.net>\nhttps://mx.example.net\n",
        "Message sender:\n<carol@example.net>\n\n<bob@example.com>:\n550 5.1.1 no such user\n",
        "Example Ltd\nhosting.team@mx.example.net\n+1 555 0100\n\n<bob@example.com>:\n550 5.1.1 no such user\n",
        "<bob@example.com>:\n550 5.1.1 no such user\n\nhosting.team@mx.example.net\nTel. +1 555 0100\n",
        "It was:\n\n  From: Carol of Example Ltd\n  <carol@example.net>\n\n\tMessage-ID: <1@example.net>\n\n<bob@example.com>:\n550 5.1.1 no such user\n",
        "Original sender:\n<carol@example.net>\n\n<bob@example.com>:\n550 5.1.1 no such user\n",
    ] {
        assert_eq!(one(words), ("bob@example.com".to_owned(), "550 5.1.1 no such user".to_owned()));
    }
    let sentence =
        "550 5.1.1 <bob@example.com>: no such user\n\nHosting Team\nhosting.team@mx.example.net\nTel. +1 555 0100\n";
    assert_eq!(one(sentence).0, "bob@example.com");
    let heading = "Example Ltd\nhosting.team@mx.example.net\n+1 555 0100\n\nThe message to bob@example.com failed: no such user.\n";
    assert_eq!(one(heading).0, "bob@example.com");
    let forwarded =
        "Subject: Returned mail\nTo: <us@example.org>\n\ncould not be delivered to 5551@example.com: no such user\n";
    assert_eq!(one(forwarded).0, "5551@example.com");
    let moved = "Your message to bob@example.com failed. The new address of this person is:\n\nrobert@example.org\n\nThank you\n";
    assert_eq!(one(moved).0, "bob@example.com");
    let asking = "For help send mail to it.desk@mx.example.net.\n\nYour message to bob@example.com failed.\n";
    assert_eq!(one(asking).0, "bob@example.com");
    assert_eq!(one("This failed:\n\n  support@example.com\n    550 5.1.1 no such user\n").0, "support@example.com");
    assert_eq!(one("This failed:\n\nsupport@example.com\n550 5.1.1 no such user\n").0, "support@example.com");
}

#[test]
fn a_line_or_sentence_may_name_several() {
    for words in [
        "Failed recipients: bob@example.com, <carol@example.com>\n550 5.1.1 no such user\n",
        "Failed:\n1. bob@example.com - no such user\n2. carol@example.com - no such user\n",
        "<bob@example.com>; <carol@example.com>: 550 5.1.1 no such user\n",
        "Your message could not be delivered to bob@example.com and carol@example.com, sorry. 550 5.1.1 no such user\n",
    ] {
        let all = read_words("x@example.net", words);
        assert_eq!(
            all.iter().map(|(a, _)| a.as_str()).collect::<Vec<_>>(),
            ["bob@example.com", "carol@example.com"],
            "{words}"
        );
        assert!(all.iter().all(|(_, words)| words.contains("no such user")), "{all:?}");
    }
}

#[test]
fn an_address_is_taken_whole_or_not_at_all() {
    assert_eq!(one("<\"bob smith\"@example.com>:\n550 5.1.1 no such user\n").0, "\"bob smith\"@example.com");
    assert_eq!(one("could not be delivered to o'brien@example.com: 550 no\n").0, "o'brien@example.com");
    for masked in ["b***@example.com", "b•••@example.com", "bob…@example.com", "bob...@example.com"] {
        let all = read_words("x@example.net", &format!("could not be delivered to {masked}: 550 no\n"));
        assert!(all.is_empty(), "{all:?}");
    }
}

#[test]
fn postfix_expands_an_alias_on_one_line_or_two() {
    for words in [
        "<robert@example.org> (expanded from <bob@example.com>): host mx said: 550 no\n",
        "<robert@example.org> (expanded from\n    <bob@example.com>): host mx said: 550 no\n",
    ] {
        let (fields, _) = Fields::block("From: MAILER-DAEMON@x.example\nSubject: failure notice\n");
        let report = read(&fields, Listing::of(words), false).unwrap();
        assert_eq!(report.notices[0].alias.as_deref(), Some("bob@example.com"), "{words}");
    }
}

#[test]
fn what_is_said_behind_several_addresses_is_about_those_that_stand_together() {
    let words = "<dave@example.com>:\n\n<bob@example.com>:\n<carol@example.com>:\n550 5.1.1 no such user\n";
    let all = read_words("x@example.net", words);
    let said = "550 5.1.1 no such user";
    let expected = [("dave@example.com", ""), ("bob@example.com", said), ("carol@example.com", said)];
    assert_eq!(all, expected.map(|(a, w)| (a.to_owned(), w.to_owned())));
}

#[test]
fn long_words_about_many_recipients_are_not_kept_for_each() {
    let all: Vec<String> = (0..999).map(|n| format!("u{n}@example.com")).collect();
    let named = format!("From: MAILER-DAEMON@x.example\nX-Failed-Recipients: {}\n", all.join(",\n "));
    let lines: String = all.iter().map(|a| format!("<{a}>\n")).collect();
    let long = "cannot deliver ".repeat(260_000);
    for (header, words) in [
        (named.as_str(), format!("{long}\n")),
        ("From: MAILER-DAEMON@x.example\n", format!("{long}\n{lines}")),
        ("From: MAILER-DAEMON@x.example\n", format!("cannot deliver\n{lines}{long}\n")),
        (
            "From: MAILER-DAEMON@x.example\n",
            format!("cannot deliver\n{lines}{}\n", "<u1@example.com>: no\n".repeat(900)),
        ),
        ("From: MAILER-DAEMON@x.example\n", format!("cannot be delivered to {}, sorry\n{long}\n", all.join(", "))),
        (
            "From: MAILER-DAEMON@x.example\n",
            format!("<bob@example.com>:\n550 no\n{}\n", all.join(&format!("\n{}\n", "word ".repeat(50)))),
        ),
    ] {
        let (fields, _) = Fields::block(header);
        let report = read(&fields, Listing::of(&words), false).unwrap();
        assert!(report.words.len() <= listing::MAX_REPORT);
        for notice in report.notices {
            assert!(notice.words.len() <= listing::MAX_WORDS + 2, "{}: {}", notice.reported, notice.words.len());
        }
    }
}

#[test]
fn no_word_of_a_list_makes_another_useless() {
    for list in [SUBJECTS, REFUSALS, WARNINGS, SUCCESSES] {
        for word in list {
            assert!(!list.iter().any(|other| other != word && word.contains(other)), "{word}");
        }
    }
}

#[test]
fn the_name_of_a_value_is_no_part_of_an_address() {
    for line in ["recipient=bob@example.com", "Rcpt=<bob@example.com>, status=bounced", "  to=bob@example.com: unknown"]
    {
        let words = format!("Your message could not be delivered.\n\n{line}\n550 5.1.1 no such user\n");
        assert_eq!(one(&words).0, "bob@example.com", "{line}");
    }
    assert_eq!(one("<to+x=bob@example.com>: 550 no such user\n").0, "to+x=bob@example.com");
}

#[test]
fn a_line_of_trouble_ends_with_the_recipient() {
    for line in ["delivery failed 20 attempts: bob@example.com", "User mailbox over its limit: bob@example.com"] {
        assert_eq!(one(&format!("We failed.\n\n{line}\n")).0, "bob@example.com", "{line}");
    }
    for line in [
        "unknown sender: bob@example.com",
        "failed, as told by: bob@example.com",
        "failed message id: <1@example.com>",
        "If delivery failed in error, tell our operator: carl@example.com",
    ] {
        assert!(Listing::of(line).listed().is_empty(), "{line}");
    }
}

#[test]
fn an_address_of_the_reporters_own_domain_may_be_whom_to_ask() {
    let named = |address: &str| {
        read_words(
            "Jane Roe <jane@example.com>",
            &format!("Your mail could not be delivered. Please ask {address} about it.\n"),
        )
    };
    assert_eq!(named("joe@example.com"), []);
    assert_eq!(named("joe@mail.example.com"), []);
    assert_eq!(named("joe@notexample.com").len(), 1);
}
