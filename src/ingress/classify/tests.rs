use super::*;

fn hears(text: &str) -> Verdict {
    judge(&Facts { text, recipient: "bob@example.com", action: Action::Failed, ..Facts::default() })
}

#[test]
fn every_rule_fires_on_its_own_example() {
    for rule in rules::all() {
        let example = &rule.example;
        let facts = Facts {
            text: example.text,
            recipient: "bob@example.com",
            status: EnhancedStatus::parse(example.status),
            stage: example.stage,
            speaker: example.speaker,
            action: Action::Failed,
            ..Facts::default()
        };
        let verdict = judge(&facts);
        assert_eq!(verdict.rule, rule.name, "{}", example.text);
        assert_eq!((verdict.class, verdict.reason), (rule.class, rule.reason), "{}", example.text);
    }
}

#[test]
fn rules_have_names_of_their_own() {
    let mut names: Vec<_> = rules::all().map(|r| r.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), rules::all().count());
}

#[test]
fn phrases_are_in_plain_form() {
    for phrase in rules::all().flat_map(|r| r.phrases) {
        assert_eq!(*phrase, phrase.to_lowercase(), "{phrase}");
        assert!(phrase.trim_matches('*').len() >= 3, "{phrase}");
    }
}

#[test]
fn every_phrase_can_decide() {
    let mut before: Vec<&str> = Vec::new();
    for rule in rules::all() {
        let own: Vec<&str> = rule.phrases.iter().copied().filter(|phrase| !phrase.contains('*')).collect();
        for phrase in rule.phrases {
            let mut others = own.iter().filter(|other| *other != phrase).chain(&before);
            let covers = |other: &&&str| phrase.split('*').any(|half| half.contains(**other));
            assert_eq!(others.find(covers), None, "covers {phrase} of {}", rule.name);
        }
        if matches!(rule.when, When::Always) {
            before.extend(own);
        }
    }
}

#[test]
fn hard_needs_a_permanent_reply() {
    assert_eq!(hears("550 5.1.1 user unknown").class, Class::Hard);
    assert_eq!(hears("450 4.1.1 user unknown").class, Class::Soft);
    assert_eq!(hears("450 user unknown").class, Class::Soft);
}

#[test]
fn nothing_said_is_never_hard() {
    for text in ["", "550", "554 5.0.0", "Ẁ\u{0}\u{fffd}", "5.1.", "@", "<>", "550-"] {
        assert_ne!(hears(text).class, Class::Hard, "{text}");
    }
}

#[test]
fn a_subject_that_is_only_named_is_no_trouble_with_the_content() {
    for (text, reason) in [
        ("Your message Subject: hello Delivery to the following recipients failed.", Reason::Undefined),
        ("Your message with subject \"hello\" has been postponed.", Reason::Undefined),
        ("554 the subject of your message is empty", Reason::ContentError),
        ("554 Subject header is missing", Reason::ContentError),
    ] {
        assert_eq!(hears(text).reason, reason, "{text}");
    }
}

#[test]
fn words_that_others_share_with_a_mailbox() {
    for (text, reason, class) in [
        ("550 5.1.1 This mailbox is no longer in use", Reason::UserUnknown, Class::Hard),
        ("550 5.1.1 Mailbox bob@example.com is no longer in use by our company", Reason::UserUnknown, Class::Hard),
        ("550 5.1.1 mailbox bob@example.com in use", Reason::SystemError, Class::Soft),
        ("550 5.1.1 User unknown - LDAP lookup (server ldap1) timed out", Reason::SystemError, Class::Soft),
        ("Mailbox is being moved, try again later: retry timeout exceeded", Reason::SystemError, Class::Soft),
        ("450 4.2.0 Mailbox temporarily locked: retry timeout exceeded", Reason::SystemError, Class::Soft),
        ("550 5.2.1 Account temporarily locked for inactivity", Reason::Suspended, Class::Soft),
        ("5.0.0 Mailbox unavailable: retry timeout exceeded", Reason::Expired, Class::Soft),
        ("unknown user: retry timeout exceeded", Reason::UserUnknown, Class::Soft),
        ("unknown user: retry timeout exceeded\n\nAsk our hotline.", Reason::UserUnknown, Class::Soft),
        ("452 4.2.2 Mailbox full: retry timeout exceeded", Reason::MailboxFull, Class::Soft),
        ("retry timeout exceeded", Reason::Expired, Class::Soft),
        ("550 Tried all MXs gate.example", Reason::NetworkError, Class::Soft),
        ("550 Nowhere to deliver mail to for domain: example.com", Reason::HostUnknown, Class::Hard),
        ("550 No MX for example.com", Reason::HostUnknown, Class::Hard),
        (
            "550-5.1.1 <bob@example.com>: Recipient address rejected: User unknown in virtual mailbox table\n\
             550 5.1.1 For authorised use only; unsolicited mail is monitored",
            Reason::UserUnknown,
            Class::Hard,
        ),
        (
            "550-The MX of example.net said 550 5.1.1 <news@example.net>: Recipient address rejected: User unknown in virtual \
             mailbox table\n550 your server is misconfigured",
            Reason::Blocked,
            Class::Soft,
        ),
        (
            "554 5.7.1 <bob@example.com>: Sender address rejected: User unknown in local recipient table",
            Reason::Rejected,
            Class::Soft,
        ),
        (
            "450 4.1.1 <bob@example.com>: Recipient address rejected: User unknown in local recipient table",
            Reason::UserUnknown,
            Class::Soft,
        ),
        ("database is locked", Reason::SystemError, Class::Soft),
        ("This person left; the mailbox was closed", Reason::Suspended, Class::Soft),
    ] {
        let verdict = hears(text);
        assert_eq!((verdict.reason, verdict.class), (reason, class), "{text}: {}", verdict.rule);
    }
}

#[test]
fn a_code_about_the_sender_condemns_no_recipient() {
    for text in ["501 5.1.7 Invalid address", "550 5.1.8 Domain does not exist", "550 5.1.8 User unknown"] {
        let verdict = hears(text);
        assert_eq!((verdict.class, verdict.side), (Class::Soft, Side::Sender), "{text}");
    }
}

/// Wordings of large receivers, as their postmaster pages and bounces have them.
/// Words that an unknown recipient has too, about somebody or something else.
#[test]
fn what_is_about_us_others_or_a_system_is_not_hard() {
    for text in [
        "550 5.7.1 Too many bad recipients",
        "554 Too many nonexistent recipients",
        "550 Invalid recipients limit reached for this session",
        "554 invalid recipient count exceeded",
        "550 5.1.1 No such user agent allowed",
        "550 account does not exist for sending",
        "550 message contains invalid address",
        "550 Rejected: invalid recipient in To header",
        "554 unknown user, mail from your country is refused",
        "550 recipient not found in your sent folder",
        "550 5.1.1 temporarily unable to verify the recipient: no such user",
        "550 5.1.1 no such user yet, try later",
        "550 5.1.1 the sender does not exist",
        "550 mail from nonexistent domain",
        "550 5.1.1 rejected for an unknown reason",
        "<bob@example.com>: unknown mail transport error",
        "550 Maximum number of invalid recipients reached",
        "554 5.5.1 Error: no valid recipients",
        "550 5.7.1 You are not listed in the recipient's contacts",
        "550 5.7.1 PTR record of 192.0.2.7 not listed in DNS",
        "554 5.7.1 Rejected: 192.0.2.7 not listed in our whitelist",
        "550 You are not in the address book of this user",
        "550 5.7.25 Reverse DNS of 192.0.2.7: NXDOMAIN",
        "554 This mail server does not accept mail without TLS encryption",
        "550 5.7.10 host does not accept mail over unencrypted connections",
        "550 5.7.10 no such user",
        "550 5.7.1 mta.example.org: host not found",
        "550 mta.example.org host unknown",
        "550 Rejected: no MX record for news@example.org",
        "550 Verification failed for <news@example.org>: Unrouteable address",
        "550 5.7.1 Your IP address is on our suppression list",
        "550 5.7.1 example.org is on our suppression list",
        "554 5.7.1 The sender address is on the suppression list",
        "554 5.7.1 <bob@example.com>: Recipient address rejected: Unknown error",
        "550 5.7.1 <bob@example.com>: Recipient address rejected: example.com only takes mail from partners",
        "550 5.7.1 <bob@example.com>: Recipient address rejected: Account on hold, payment outstanding",
        "550 5.2.0 <bob@example.com>: Recipient address rejected: Mailbox under migration, please try later",
        "550 5.6.0 Invalid e-mail address in Reply-To header",
        "554 5.6.0 Bad address in To: header",
        "550 Invalid address in header Cc",
        "554 5.3.2 System not accepting network messages",
        "550 The license of this mail server is invalid",
        "550 Mail suspended for maintenance",
        "our shop has moved to Ring Street 5",
        "550 5.7.8 no such user",
        "550 5.3.0 user database not found",
        "550 5.7.1 TLS certificate invalid or unknown CA",
        "550 5.6.0 Reply-To domain invalid",
        "554 message contains link to nonexistent domain",
        "554 URL in message: domain does not exist",
        "550 Sending account unknown",
        "550 user unknown or wrong password",
        "553 5.1.3 Invalid address format in MAIL FROM",
        "511 Originating address does not exist",
        "550 originator's mailbox not found",
        "550 5.6.0 Reply-To address is invalid",
        "bob@example.com: no such file or directory",
        "user unknown (temporary directory failure)",
        "550 5.2.2 메일함 용량이 부족하여 수신할 수 없습니다",
        "550 5.7.1 스팸으로 차단되어 수신할 수 없습니다",
        "550 ユーザーが受信を拒否しました",
        "550 宛先が混み合っています",
        "550 5.2.2 mailbox for bob@example.com has no room left",
        "552 5.2.2 User unknown or mailbox 100% used",
        "550 Удаленный сервер отклонил письмо по соображениям безопасности",
        "550 Неизвестная ошибка, попробуйте позже",
        "550 Для вашего IP не найден PTR",
        "550 5.7.1 Domena nadawcy nie istnieje",
        "550 发信人地址不存在",
        "550 5.7.1 送信元メールアドレスが存在しません",
        "554 Unbekannter Fehler",
        "554 Erreur inconnue",
        "554 Onbekende fout",
        "554 5.3.0 Unknown error while delivering to mailbox",
        "550 5.7.1 This domain does not accept mail that is not encrypted with TLS",
        "554 5.7.1 Connecting host is not a mail server",
        "550 5.1.1 Directory server not available: unable to find user",
        "550 5.1.1 Recipient unknown. LDAP server down, try again later",
        "550 5.1.1 recipient list not found for delivery: LDAP timeout",
        "550 BATV validation failed, invalid address",
        "550 5.7.0 Your account does not exist on this relay",
        "535 5.7.3 Authentication unsuccessful, user not found",
        "502 5.5.2 no such command",
        "501 5.0.0 Invalid domain name",
        "550 invalid host name in HELO",
        "553 5.3.0 relay host unknown",
        "550 5.0.0 DNS: no such host (temporary)",
        "550 5.3.2 Our mail server has moved, please check the MX records",
        "450 5.1.1 <bob@example.com>: Recipient address rejected: User unknown",
        "550 5.1.1 <news@example.net>: User unknown",
        "550 Callback check failed: news@example.net: no such user",
        "550 5.1.351 Remote server returned unknown recipient or mailbox unavailable -> 550 Mail from this country refused",
        "550 permanent failure for one or more recipients (eve@example.com:550 5.1.1 User unknown,bob@example.com:blocked)",
        "550 Requested action not taken: mailbox unavailable For explanation visit https://postmaster.example.net/case?c=hi",
    ] {
        for stage in [Stage::Unknown, Stage::RcptTo] {
            let senders = &["news@example.net".to_owned()][..];
            let verdict = judge(&Facts { text, stage, recipient: "bob@example.com", senders, ..Facts::default() });
            assert_ne!(verdict.class, Class::Hard, "{text}: {}", verdict.rule);
        }
    }
    for text in [
        "550 5.1.1 <bob@example.com>: Recipient address rejected: User unknown in virtual mailbox table",
        "550 <bob@example.com>: no such domain, says mx.example.net",
        "550 mail.example.com: host unknown, says mx.example.net",
        "521 5.3.2 System not accepting network messages",
        "554 Message rejected: Address is on the suppression list",
        "550 User Bob not listed in Domino Directory",
        "551 5.1.6 recipient has moved",
        "550 존재하지 않는 사용자입니다",
        "550 宛先が存在しません",
        "550 получатель не найден",
        "550 5.1.351 Remote server returned unknown recipient or mailbox unavailable -> 550 5.1.1 User unknown",
        "550 permanent failure for one or more recipients (eve@example.com:blocked,bob@example.com:550 5.1.1 User unknown)",
    ] {
        let verdict = judge(&Facts { text, recipient: "bob@example.com", ..Facts::default() });
        assert_eq!(verdict.class, Class::Hard, "{text}: {}", verdict.rule);
    }
}

#[test]
fn large_receivers_are_understood() {
    let (hard, soft) = (Class::Hard, Class::Soft);
    let mut wrong = Vec::new();
    for (class, reason, text) in [
        (
            hard,
            Reason::UserUnknown,
            "550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking the recipient's email address for typos or\n550 5.1.1 unnecessary spaces.",
        ),
        (hard, Reason::UserUnknown, "550 5.1.1 User unknown. Please check the settings of your account"),
        (hard, Reason::UserUnknown, "550 5.1.1 no such user; relay host mx1"),
        (hard, Reason::UserUnknown, "550 5.0.0 User email address is marked as invalid"),
        (hard, Reason::UserUnknown, "550 couldn't find mailbox bob@example.com"),
        (soft, Reason::MailboxFull, "552-5.2.2 The email account that you tried to reach is over quota."),
        (soft, Reason::Suspended, "550 5.2.1 The email account that you tried to reach is disabled."),
        (soft, Reason::Throttled, "550-5.4.5 Daily user sending limit exceeded."),
        (hard, Reason::UserUnknown, "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)."),
        (
            hard,
            Reason::UserUnknown,
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
        ),
        (soft, Reason::Filtered, "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)"),
        (soft, Reason::Blocked, "550 5.7.606 Access denied, banned sending IP [192.0.2.1]"),
        (
            soft,
            Reason::Blocked,
            "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. part of their network is on our block list (S3140)",
        ),
        (soft, Reason::RelayRefused, "550 5.7.64 TenantAttribution; Relay Access Denied"),
        (
            hard,
            Reason::UserUnknown,
            "554 delivery error: dd This user doesn't have a yahoo.com account (bob@example.com) [0]",
        ),
        (hard, Reason::UserUnknown, "552 1 Requested mail action aborted, mailbox not found"),
        (
            soft,
            Reason::Suspended,
            "554 30 Sorry, your message to bob@example.com cannot be delivered. This mailbox is disabled (554.30).",
        ),
        (hard, Reason::UserUnknown, "550 5.1.1 <bob@example.com>: Recipient address rejected: example.com"),
        (soft, Reason::Filtered, "550 5.7.1 No such user!"),
        (hard, Reason::UserUnknown, "550 Mailbox not found. http://service.mail.example/x"),
        (soft, Reason::SpamDetected, "550 Mail content denied. https://service.mail.example"),
        (hard, Reason::UserUnknown, "550 User not found: bob@example.com"),
        (soft, Reason::SpamDetected, "554 DT:SPM 163 smtp10"),
        (
            hard,
            Reason::UserUnknown,
            "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]",
        ),
        (soft, Reason::SpamDetected, "550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]"),
        (
            soft,
            Reason::Policy,
            "550 Requested action not taken: mailbox unavailable. Reject due to policy restrictions.",
        ),
        (
            soft,
            Reason::Rejected,
            "550-Requested action not taken: mailbox unavailable\n550-invalid DNS MX or A/AAAA resource record",
        ),
        (hard, Reason::UserUnknown, "550 5.1.1 Not our Customer"),
        (hard, Reason::UserUnknown, "550 Invalid Recipient - https://community.mimecast.example/docs/DOC-1369#550"),
        (soft, Reason::Rejected, "550 Administrative prohibition - envelope blocked by rule"),
        (soft, Reason::Filtered, "550 5.1.1 RCP-P2 Refused due to recipient preferences"),
        (hard, Reason::UserUnknown, "550 5.1.1 RCP-P1 http://postmaster.mail.example/response_codes#rcp No such user"),
        (soft, Reason::SystemError, "550 5.1.4 RESOLVER.ADR.Ambiguous; ambiguous address"),
        (soft, Reason::Filtered, "550 5.1.4 no"),
        (
            soft,
            Reason::SystemError,
            "550 Sorry. Although I'm listed as a best-preference MX or A for that host, it isn't in my control/locals file",
        ),
        (
            hard,
            Reason::HostUnknown,
            "553-5.1.2 We weren't able to find the recipient domain. Please check for spelling\n553 5.1.2 https://help.mail.example/x",
        ),
        (soft, Reason::Rejected, "553 5.1.2 We weren't able to find the domain of mx.example.net"),
        (
            hard,
            Reason::UserUnknown,
            "550-Callout verification failed:\n550 550 5.1.1 <bob@example.com>: Recipient address rejected: User unknown",
        ),
        (soft, Reason::Blocked, "550-Callout verification failed:\n550 554 5.7.1 Your host is on our block list"),
        (soft, Reason::Rejected, "550-Callout verification failed for <us@example.net>:\n550 no such user"),
        (hard, Reason::UserUnknown, "550-Invalid recipient <bob@example.com> (#5.1.1)"),
        (hard, Reason::UserUnknown, "550 No Such User Here"),
        (soft, Reason::Rejected, "550 Sender verify failed: no such user here"),
        (hard, Reason::HostUnknown, "550 Unrouteable address"),
        (
            hard,
            Reason::HostUnknown,
            "550 5.1.2 <bob@example.com>... Host unknown (Name server: example.com.: host not found)",
        ),
        (
            soft,
            Reason::Rejected,
            "553 5.1.8 <us@sender.example>... Domain of sender address us@sender.example does not exist",
        ),
        (hard, Reason::UserUnknown, "Sorry, no mailbox here by that name. (#5.1.1)"),
        (soft, Reason::MailLoop, "This message is looping: it already has my Delivered-To line. (#5.4.6)"),
        (soft, Reason::RelayRefused, "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"),
        (hard, Reason::UserUnknown, "unknown user: \"bob\""),
        (
            soft,
            Reason::NetworkError,
            "Host or domain name not found. Name service error for name=example.com type=MX: Host not found, try again",
        ),
        (
            hard,
            Reason::HostUnknown,
            "Host or domain name not found. Name service error for name=example.com type=AAAA: Host not found",
        ),
        (
            soft,
            Reason::NetworkError,
            "delivery temporarily suspended: connect to mx.example.com[192.0.2.1]:25: Connection timed out",
        ),
        (hard, Reason::HostUnknown, "Domain example.com does not accept mail (nullMX)"),
        (
            soft,
            Reason::Blocked,
            "554 Your access to this mail system has been rejected due to the sending MTA's poor reputation.",
        ),
        (soft, Reason::Rejected, "550 you don't have permission to post messages to the group"),
        (soft, Reason::Blocked, "554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.7"),
        (soft, Reason::Blocked, "553 5.7.1 Mail from 192.0.2.7 refused"),
        (soft, Reason::Blocked, "550 5.7.1 no valid sender domain, fix reverse DNS for 192.0.2.7"),
        (soft, Reason::Blocked, "521 5.2.1 : (CON:B1) https://postmaster.example.com/errors/554conb1.html"),
        (soft, Reason::SpamDetected, "554 5.7.1 Message content not acceptable; blocked by content filter 'Drop'"),
        (soft, Reason::Suspended, "550 Mailbox unavailable or access denied [ABCD IP: 192.0.2.7]"),
        (soft, Reason::Suspended, "550 Postfach ist gesperrt: Bitte wenden Sie sich an den Empfaenger"),
        (soft, Reason::MailboxFull, "User mailbox exceeds allowed size: bob@example.com"),
        (soft, Reason::MailboxFull, "552 recipient storage full, try again in another mail transaction"),
        (soft, Reason::SystemFull, "431 4.3.1 No space left on device"),
        (soft, Reason::NetworkError, "Network error on destination MXs"),
        (soft, Reason::Expired, "554 5.4.7 [internal] exceeded max time without delivery"),
        (soft, Reason::Rejected, "550 5.1.8 Access denied, bad outbound sender AS(42003)"),
        (soft, Reason::RelayRefused, "553 you are trying to use me [mx.example.net] as a relay (#5.7.1)"),
        (soft, Reason::Throttled, "550 sorry, too many destinations"),
        (hard, Reason::Suppressed, "554 5.7.1 recipient address was suppressed due to customer policy"),
        (hard, Reason::UserUnknown, "550 #5.1.0 Address rejected bob@example.com"),
        (
            hard,
            Reason::Suppressed,
            "Amazon SES has suppressed sending to this address because it has a recent history of bouncing as an invalid address.",
        ),
        (soft, Reason::OnHold, "Typical reasons: the user does not exist; the domain does not exist."),
        (soft, Reason::OnHold, "Mögliche Ursachen: Empfänger unbekannt, Domain nicht gefunden"),
        (hard, Reason::UserUnknown, "554 5.1.1 RCPT (<bob@example.com>) dosn't exist"),
        (hard, Reason::UserUnknown, "Utilisateur bob (bob@example.com) non répertorié dans l'annuaire Domino"),
        (hard, Reason::HostUnknown, "No mail servers appear to exists for the recipient's address."),
        (hard, Reason::UserUnknown, "user unknown. Command output: Invalid user specified."),
        (soft, Reason::MailboxFull, "cannot update mailbox /var/mail/bob. error writing message: File too large"),
        (soft, Reason::MailboxFull, "552 De mailbox van de ontvanger is vol"),
        (soft, Reason::MailLoop, "550 5.1.1 undeliverable address: mail for example.com loops back to myself"),
        (hard, Reason::UserUnknown, "550 Esta cuenta no existe: bob@example.com"),
        (hard, Reason::UserUnknown, "550 <bob@example.com> is not an active address at this host"),
        (hard, Reason::UserUnknown, "550 Go away, account unavailable"),
        (hard, Reason::UserUnknown, "550 not here, see http://mail.i.ua/err/2/"),
        (soft, Reason::MailboxFull, "550 see http://mail.i.ua/err/4/"),
        (soft, Reason::MailboxFull, "550 The mailbox has reached its maximum size"),
        (soft, Reason::MailboxFull, "Recipient's mail file has reached its size limit."),
        (soft, Reason::Suspended, "The user(s) account is temporarily limited."),
        (soft, Reason::NetworkError, "DNS lookup failure: example.com; try again later."),
        (hard, Reason::HasMoved, "550 Bob no longer works here"),
        (soft, Reason::NetworkError, "TLS is required, but was not offered by host mx.example.com[192.0.2.1]"),
        (soft, Reason::SystemError, "550 5.1.1 <bob@example.com>: user lookup: search base ou=people does not exist"),
        (soft, Reason::SystemError, "550 5.3.5 <bob@example.com>: unknown virtual transport \"lmtp\" for example.com"),
        (
            soft,
            Reason::SystemError,
            "550 5.1.1 <bob@example.com>: Recipient address rejected: Address verification in progress",
        ),
        (soft, Reason::SystemError, "550 5.1.1 <bob@example.com>... aliased to <rob@old.example>: Host unknown"),
        (soft, Reason::SystemError, "550 5.7.1 <bob@example.com> : l'adresse de redirection n'existe pas"),
        (
            soft,
            Reason::Rejected,
            "550 5.7.1 <bob@example.com>, Recipient unknown to sender; only list members may post",
        ),
        (
            soft,
            Reason::Rejected,
            "550 5.1.1 Transaction cancelled: previous recipient <eve@example.com> does not exist",
        ),
        (soft, Reason::RelayRefused, "554 Relay rejected for policy reasons: example.com not found in allowed domains"),
        (
            soft,
            Reason::Undefined,
            "550 permanent failure for one or more recipients (eve@example.com:550 5.1.1 User unknown)",
        ),
        (hard, Reason::UserUnknown, "554 5.1.1 Diese Adresse kennen wir nicht"),
        (hard, Reason::UserUnknown, "554 5.1.1 该邮箱已注销"),
    ] {
        let verdict = hears(text);
        if (verdict.class, verdict.reason) != (class, reason) {
            wrong.push((text, verdict));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
