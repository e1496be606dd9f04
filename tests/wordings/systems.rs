//! One short sample for each mail system.

use suppressd::event::Kind;
use suppressd::ingress::mail;

use super::{HARD, SOFT};

/// Mail system, what bob@example.com's bounce is, words.
const SAMPLES: &[(&str, Kind, &str)] = &[
    (
        "postfix",
        HARD,
        "This is the Postfix program at host mx.example.net.\n\n<bob@example.com>: host mx.example.com[192.0.2.1] said: 550\n    5.1.1 unknown user (in reply to RCPT TO command)\n",
    ),
    (
        "zimbra",
        SOFT,
        "This is the mail system at host zimbra.example.net.\n\n<bob@example.com>: host mx.example.com[192.0.2.1] said: 452 4.2.2 Over\n    quota (in reply to end of DATA command)\n",
    ),
    (
        "exim",
        HARD,
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  bob@example.com\n    host mx.example.com [192.0.2.1]\n    SMTP error from remote mail server after RCPT TO:<bob@example.com>:\n    550 5.1.1 <bob@example.com>: Recipient address rejected:\n    User unknown\n\n------ This is a copy of the message, including all the headers. ------\n",
    ),
    (
        "qmail",
        HARD,
        "Hi. This is the qmail-send program at mx.example.net.\n\n<bob@example.com>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 no such user\nGiving up on 192.0.2.1.\n\n--- Below this line is a copy of the message.\n",
    ),
    (
        "x4",
        SOFT,
        "This is the mail system at example.net\n\nI was unable to deliver your message to the following address.\n\n<bob@example.com>:\nThe users mailfolder is over the allowed quota (size).\n",
    ),
    (
        "dragonfly",
        HARD,
        "This is the DragonFly Mail Agent v0.13 at df.example.net.\n\nThere was an error delivering your mail to <bob@example.com>.\n\nmx.example.com [192.0.2.1] did not like our RCPT TO:\n550 5.1.1 no such user\n\nMessage headers follow.\n",
    ),
    (
        "sendmail",
        HARD,
        "The original message was received at Sat, 21 Nov 2026 08:46:25 GMT\n\n   ----- The following addresses had permanent fatal errors -----\n<bob@example.com>\n    (reason: 550 5.1.1 <bob@example.com>... User unknown)\n\n   ----- Transcript of session follows -----\n... while talking to mx.example.com.:\n>>> RCPT To:<bob@example.com>\n<<< 550 5.1.1 <bob@example.com>... User unknown\n550 5.1.1 <bob@example.com>... User unknown\n",
    ),
    (
        "sendmail-5",
        HARD,
        "   ----- Transcript of session follows -----\nWhile talking to mx.example.com:\n>>> RCPT To:<bob@example.com>\n<<< 550 <bob@example.com>... User unknown\n550 <bob@example.com>... User unknown\n\n   ----- Unsent message follows -----\n",
    ),
    (
        "courier",
        HARD,
        "This is a delivery status notification from mx.example.net,\nrunning the Courier mail server, version 0.65.\n\n                           UNDELIVERABLE MAIL\n\nYour message to the following recipients cannot be delivered:\n\n<bob@example.com>:\n    mx.example.com [192.0.2.1]:\n>>> RCPT TO:<bob@example.com>\n<<< 550 5.1.1 <bob@example.com>... User Unknown\n",
    ),
    (
        "opensmtpd",
        SOFT,
        "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n\n    An error has occurred while attempting to deliver a message for\n    the following list of recipients:\n\nbob@example.com: 550 5.2.2 <bob@example.com>... Mailbox Full\n\n    Below is a copy of the original message:\n",
    ),
    (
        "exchange-2003",
        HARD,
        "Your message\n\n  To:      us@example.net\n  Subject: hi\n\ndid not reach the following recipient(s):\n\nbob@example.com on Thu, 29 Apr 2027 16:51:51 -0500\n    The recipient name is not recognized\n",
    ),
    (
        "exchange-2007",
        HARD,
        "Delivery has failed to these recipients or distribution lists:\n\nbob@example.com<mailto:bob@example.com>\nThe e-mail address you entered couldn't be found.\n\nDiagnostic information for administrators:\n\nGenerating server: mx.example.net\n\nbob@example.com\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n\nOriginal message headers:\n",
    ),
    (
        "google",
        HARD,
        "Delivery to the following recipient failed permanently:\n\n     bob@example.com\n\nTechnical details of permanent failure: \nGoogle tried to deliver your message, but it was rejected by the recipient domain. The error that the other server returned was: 550 550 5.1.1 <bob@example.com>... User Unknown (state 14).\n\n   ----- Original message -----\n",
    ),
    (
        "google-data",
        SOFT,
        "Delivery to the following recipient failed permanently:\n\n     bob@example.com\n\nThe error that the other server returned was: 554 refused (state 18).\n\n   ----- Original message -----\n",
    ),
    (
        "yahoo",
        HARD,
        "Message from  yahoo.com.\nUnable to deliver message to the following address(es).\n\n<bob@example.com>:\nThis user doesn't have a example.com account (bob@example.com) [-9]\n\n--- Original message follows.\n",
    ),
    (
        "domino",
        HARD,
        "Your message\n\n  Subject: hi\n\nwas not delivered to:\n\n  bob@example.com\n\nbecause:\n\n  User bob (bob@example.com) not listed in Domino Directory\n",
    ),
    (
        "groupwise",
        HARD,
        "The message that you sent was undeliverable to the following:\n\tbob@example.com (user not found)\n",
    ),
    ("imail", HARD, "Unknown user: bob@example.com\n\nOriginal message follows.\n\n"),
    (
        "mailenable",
        HARD,
        "MailEnable: Message could not be delivered to some recipients.\nThe following recipient(s) could not be reached:\n\n\tRecipient: [SMTP:bob@example.com]\n\tReason: Remote SMTP Server Returned: 550 5.1.1 User unknown\n\nMessage headers follow:\n",
    ),
    (
        "surgemail",
        HARD,
        "Your message cannot be delivered to the following recipients:\n\n    Recipient address: bob@example.com\n    Reason: Remote SMTP server has rejected address\n    Diagnostic code: smtp;550 5.1.1 <bob@example.com>... User Unknown\n",
    ),
    (
        "james",
        HARD,
        "Hi. This is the James mail server at example.net.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\nbob@example.com\n\nError message below:\n550 5.1.1 User unknown\n",
    ),
    (
        "mfilter",
        HARD,
        "The following message was not delivered.\n\n-------server message\n550 5.1.1 unknown user <bob@example.com>\n-------SMTP command\nRCPT\n-------original mail info\n",
    ),
    (
        "carrier",
        HARD,
        "The user(s) account is unknown.\n\n<bob@example.com>: 550 user unknown (in reply to RCPT TO command)\n",
    ),
    (
        "interscan",
        HARD,
        "****** Message from InterScan Messaging Security Suite ******\n\nSent <<< RCPT TO:<bob@example.com>\nReceived >>> 550 5.1.1 unknown user.\n\nUnable to deliver message to <bob@example.com> (and other recipients in the same domain).\n",
    ),
    (
        "gmx",
        SOFT,
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered. The following address\nfailed:\n\n\"bob@example.com\":\nSMTP error from remote server after RCPT command:\nhost: mx.example.com\n5.2.2 <bob@example.com>... Mailbox Full\n\n--- The header of the original message is following. ---\n",
    ),
    ("mdaemon", HARD, "bob@example.com - no such user here.\n\nThere is no user by that name at this server.\n"),
    (
        "amazon",
        HARD,
        "An error occurred while trying to deliver the mail to the following recipients:\nbob@example.com\n\nTechnical report:\n\nReporting-MTA: dsn; a1.smtp-out.amazonses.com\n\nAction: failed\nFinal-Recipient: rfc822; bob@example.com\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\nStatus: 5.1.1\n",
    ),
    (
        "microsoft-365",
        HARD,
        "mx.example.net rejected your message to the following email addresses:\n\nbob@example.com (bob@example.com)\nThe email address you entered couldn't be found. Please check the recipient's email address and try to resend the message.\n\nDiagnostic information for administrators:\n\nGenerating server: mx.example.net\n\nbob@example.com\nmx.example.com\nRemote Server returned '550 5.1.1 <bob@example.com>: Recipient address rejected: User unknown'\n\nOriginal message headers:\n",
    ),
    (
        "exchange-full",
        SOFT,
        "Delivery has failed to these recipients or groups:\n\nbob@example.com\nThe recipient's mailbox is full and can't accept messages now. Please try resending this message later.\n\nDiagnostic information for administrators:\n\nGenerating server: mx.example.net\n\nbob@example.com\n#554 5.2.2 mailbox full ##\n",
    ),
    (
        "google",
        HARD,
        "** Address not found **\n\nYour message wasn't delivered to bob@example.com because the address couldn't be found, or is unable to receive mail.\n\nLearn more here: https://support.google.com/mail/answer/6596\n\nThe response was:\n\nThe email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos.\n",
    ),
    (
        "google-mx",
        HARD,
        "** Address not found **\n\nYour message wasn't delivered to bob@example.com because the domain example.com couldn't be found. Check for typos or unnecessary spaces and try again.\n\nThe response was:\n\nDNS Error: 5138746 DNS type 'mx' lookup of example.com responded with code NXDOMAIN Domain name not found: example.com\n",
    ),
    (
        "yahoo",
        HARD,
        "Sorry, we were unable to deliver your message to the following address.\n\n<bob@example.com>:\n550: 5.1.1 <bob@example.com> User unknown\n\n--- Below this line is a copy of the message.\n",
    ),
    (
        "halon",
        HARD,
        "Your message could not be delivered.\n\nRecipient: bob@example.com\nReason: 550 5.1.1 no such user\n",
    ),
    (
        "mdaemon-full",
        SOFT,
        "The attached message had PERMANENT fatal delivery errors!\n\nbob@example.com - Mailbox is full\n\n--- Session Transcript ---\n",
    ),
    (
        "smartermail",
        HARD,
        "Could not deliver message to the following recipient(s):\n\nFailed Recipient: bob@example.com\nReason: Remote host said: 550 5.1.1 User unknown\n\n   -- The header and top 20 lines of the message follows --\n",
    ),
    (
        "hmailserver",
        HARD,
        "Your message did not reach some or all of the intended recipients.\n\n   Sent: Sat, 21 Nov 2026 08:46:25\n   Subject: hi\n\nThe following recipient(s) could not be reached:\n\nbob@example.com\n   Error Type: SMTP\n   Remote server (192.0.2.1) issued an error.\n   hMailServer sent: RCPT TO:<bob@example.com>\n   Remote server replied: 550 5.1.1 user unknown\n\nhMailServer\n",
    ),
    (
        "communigate",
        HARD,
        "Failed to deliver to 'bob@example.com'\nSMTP module(domain example.com) reports:\n host mx.example.com says:\n 550 5.1.1 <bob@example.com>: user unknown\n",
    ),
    (
        "kerio",
        HARD,
        "The following recipient(s) could not be reached:\n\n    <bob@example.com>: 550 5.1.1 <bob@example.com> User unknown\n",
    ),
    (
        "powermta",
        SOFT,
        "This is an automatically generated Delivery Status Notification.\n\nDelivery to the following recipients failed.\n\n       bob@example.com\n\nReason: 552 5.2.2 mailbox over quota\n",
    ),
    (
        "haraka",
        HARD,
        "I'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<bob@example.com>: 550 5.1.1 no such mailbox\n",
    ),
    (
        "gmx-german",
        HARD,
        "Diese Nachricht wurde automatisch erstellt.\n\nIhre E-Mail konnte nicht zugestellt werden.\n\n<bob@example.com>:\n550 Empfaenger unbekannt\n",
    ),
    (
        "orange-french",
        SOFT,
        "Votre message n'a pas pu être remis au destinataire suivant :\n\n<bob@example.com>\n552 5.2.2 La boite aux lettres est pleine\n",
    ),
    (
        "qq",
        HARD,
        "Sorry, your mail could not be delivered.\n\nRecipient: bob@example.com\nhost mx3.example.com said: 550 Mailbox not found. http://service.mail.example/x\n",
    ),
    (
        "exim-null-mx",
        HARD,
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  bob@example.com\n    an MX or SRV record indicated no SMTP service\n",
    ),
    (
        "dma-unknown-domain",
        HARD,
        "This is the DragonFly Mail Agent v0.13 at df.example.net.\n\nThere was an error delivering your mail to <bob@example.com>.\n\nDNS lookup failure: host example.com not found\n\nMessage headers follow.\n",
    ),
    (
        "opensmtpd-null-mx",
        HARD,
        "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n\n    An error has occurred while attempting to deliver a message for\n    the following list of recipients:\n\nbob@example.com: Domain does not accept mail\n\n    Below is a copy of the original message:\n",
    ),
    ("a quoted reply", HARD, "Your message to <bob@example.com> was not delivered:\n\n550 5.1.1 no such user\n"),
    ("a sorry gateway", SOFT, "We could not deliver your message to bob@example.com, for reasons of policy.\n"),
    (
        "netease",
        HARD,
        "抱歉，您的邮件被退回来了……\n原邮件信息：\n收件人：bob@example.com\n退信原因：收件人邮件地址（bob@example.com）不存在，邮件无法送达。\n",
    ),
    (
        "chinese-sentence",
        HARD,
        "您好，您发送的邮件被退回。\n退信原因：收件人邮件地址（bob@example.com）不存在，邮件无法送达。\n",
    ),
    ("chinese-full", SOFT, "您的邮件未能投递。\n收件人：<bob@example.com>，原因：对方邮箱已满\n"),
    ("japanese-sentence", HARD, "メールを配信できませんでした。\n宛先「bob@example.com」、550 5.1.1 User unknown\n"),
    (
        "german",
        HARD,
        "Ihre Nachricht konnte nicht zugestellt werden an:\n\nbob@example.com\n\nGrund: Empfänger unbekannt\n",
    ),
    (
        "french",
        HARD,
        "Votre message n'a pas pu être remis aux destinataires suivants :\n\n<bob@example.com> : 550 5.1.1 utilisateur inconnu\n",
    ),
    (
        "italian",
        SOFT,
        "Impossibile consegnare il messaggio.\n\nDestinatario: bob@example.com\nMotivo: 452 4.2.2 casella piena\n",
    ),
    ("spanish", HARD, "No se pudo entregar el mensaje a:\n\nbob@example.com: 550 5.1.1 usuario desconocido\n"),
    (
        "portuguese",
        HARD,
        "Não foi possível entregar a mensagem para:\n\n  bob@example.com\n\n550 5.1.1 usuário desconhecido\n",
    ),
    ("russian", HARD, "Не удалось доставить письмо адресату bob@example.com\n\n550 5.1.1 Пользователь не найден\n"),
    (
        "dutch",
        HARD,
        "Uw bericht kon niet worden bezorgd bij:\n\n<bob@example.com>\n    550 5.1.1 onbekende gebruiker\n",
    ),
    ("polish", HARD, "Nie można dostarczyć wiadomości do:\n\nbob@example.com\n550 5.1.1 nieznany użytkownik\n"),
    ("russian-full", SOFT, "<bob@example.com>: почтовый ящик переполнен\n"),
    ("korean-unknown", HARD, "<bob@example.com>: 존재하지 않는 사용자입니다\n"),
    ("glued", HARD, "bob@example.com:\n550 no such user:<bob@example.com>\n"),
    ("in brackets", SOFT, "bob@example.com: [450] user unknown\n"),
    ("turkish", HARD, "İletiniz teslim edilemedi.\n\nAlıcı: bob@example.com\n550 5.1.1 bilinmeyen kullanıcı\n"),
    (
        "exchange-online-words",
        HARD,
        "Your message to bob@example.com couldn't be delivered.\n\nStatus code: 550 5.1.1\n\nOriginal Message Details\nSender Address:\tus@example.net\nRecipient Address:\tbob@example.com\n\nError Details\nReported error:\t550 5.1.1 The email account that you tried to reach does not exist.\n",
    ),
    (
        "mimecast",
        HARD,
        "This is a delivery failure notification message indicating that\nan email you addressed to email address :\n\n-- bob@example.com\n\ncould not be delivered. The problem appears to be :\n\n-- Recipient email address is possibly incorrect\n\nAdditional information follows :\n\n-- 5.1.1 <bob@example.com>: Recipient address rejected: User unknown\n",
    ),
    ("imail-attempts", SOFT, "delivery failed 20 attempts: bob@example.com\n\nOriginal message follows.\n"),
    ("imail-limit", SOFT, "User mailbox over limit: bob@example.com\n\nOriginal message follows.\n"),
    ("a possessive", SOFT, "The message failed: user bob@example.com's mailbox is full.\n"),
    (
        "quoted-printable",
        HARD,
        "Your message could not be delivered to:=20\n\n=20=20bob@example.com=20\n\nno such user=20\n",
    ),
    ("imail-gateway", SOFT, "550 not local host example.com, not a gateway\n\nUnknown host: bob@example.com\n"),
    (
        "qmail-french",
        HARD,
        "<bob@example.com>:\nDésolé, il n'y a pas de boîte aux lettres à ce nom. (#5.1.1)\n\nCeci est une erreur définitive.\n",
    ),
    ("uol", HARD, "Não foi possível entregar a sua mensagem para:\n\n<bob@example.com>: conta inexistente\n"),
    (
        "portuguese-full",
        SOFT,
        "Sua mensagem não pôde ser entregue ao destinatário abaixo:\n\nbob@example.com\nA caixa postal do destinatário está cheia.\n",
    ),
    ("sapo", HARD, "A sua mensagem não foi entregue a:\n\n<bob@example.com>\nUtilizador desconhecido\n"),
    ("russian-full", SOFT, "<bob@example.com>: почтовый ящик переполнен\n"),
    (
        "german-sentence",
        HARD,
        "Leider konnte Ihre Nachricht an <bob@example.com> nicht zugestellt werden:\nDer Empfänger ist unbekannt.\n",
    ),
    ("romanian", HARD, "Mesajul nu a putut fi livrat:\n\n<bob@example.com>: utilizator necunoscut\n"),
    ("ukrainian", HARD, "Лист не доставлено:\n\n<bob@example.com>: користувача не існує\n"),
    (
        "mdaemon-list",
        HARD,
        "The following addresses did NOT receive a copy of your message:\n\n> bob@example.com\n\n550 5.1.1 User unknown\n",
    ),
    ("typed-list", HARD, "The following destination addresses were unknown:\n\nSMTP <bob@example.com>\n"),
    (
        "exchange-french",
        SOFT,
        "Votre message n'est pas parvenu à certains destinataires.\n\n      bob@example.com le 26/11/2026\n            La boîte aux lettres est pleine.\n",
    ),
    ("chinese-list", SOFT, "收件人: bob@example.com\n原因: 信箱已滿\n"),
    (
        "polish-sentence",
        HARD,
        "Twoja wiadomość do <bob@example.com> nie została dostarczona.\nPowód: nie ma takiego konta.\n",
    ),
    (
        "netease-table",
        HARD,
        "抱歉，您的邮件被退回来了……\n主　　题\t新闻\n收 件 人\tbob@example.com\n\n退信原因：\n收件人邮件地址（bob@example.com）不存在，邮件无法送达。\n如有疑问，欢迎向客服咨询：kefu@mx.example.net\n",
    ),
    (
        "kddi",
        HARD,
        "Your mail sent on: Sat, 21 Nov 2026 17:46:25 +0900\n     Could not be delivered to: <bob@example.com>\n     As the remote domain doesnt exist.\n",
    ),
    (
        "yahoo-groups",
        SOFT,
        "We are unable to deliver the message from <us@example.net>\nto <bob@example.com>.\n\nThe email address used to send your message is not subscribed to this\ngroup. To subscribe, send email to bob-subscribe@example.com\n",
    ),
    ("prodigy", SOFT, "User's mailbox is full: <bob@example.com>\nUnable to deliver mail.\n"),
    (
        "list-of-failed",
        HARD,
        "------ Failed Recipients ------\n  <bob@example.com>  unknown user\n\n-------- Returned Mail --------\n",
    ),
    ("in-brackets", HARD, "A message that you sent could not be delivered:\n\n  (bob@example.com) unknown user\n"),
    ("korean", HARD, "메일이 전송되지 않았습니다.\n\n수신자: bob@example.com\n550 5.1.1 존재하지 않는 사용자\n"),
];

/// What a program writes that says who it is nowhere.
#[test]
fn words_alone_make_a_report() {
    for (kind, words) in [
        (
            HARD,
            "Here is your list of failed recipients:\n\n<bob@example.com>: user unknown\n\nHere is your returned mail:\n",
        ),
        (HARD, "A message could not be delivered to:\n\nbob@example.com\n\nno such user\n"),
        (SOFT, "The following recipient(s) could not be reached:\n\nbob@example.com\n\n   Error Type: SMTP\n"),
        (
            Kind::Delay,
            "Your message to:\n\n  bob@example.com\n\nThis is just a warning, you do not need to take any action.\n",
        ),
        (Kind::Delay, "This is an advisory-only email\n\nDelivery to \"bob@example.com\" has been postponed.\n"),
    ] {
        let mail = format!(
            "Return-Path: <>\nFrom: System <smtp@mx.example.net>\nTo: us@example.net\nSubject: Hello\n\n{words}"
        );
        let reading = mail::read(mail.as_bytes());
        let got: Vec<_> = reading.findings.iter().map(|f| (f.recipient.as_str(), f.kind)).collect();
        assert_eq!(got, [("bob@example.com", kind)], "{words}");
        let by_person = mail.replace("Return-Path: <>", "Return-Path: <smtp@mx.example.net>");
        assert!(mail::read(by_person.as_bytes()).findings.is_empty(), "{words}");
    }
}

#[test]
fn each_mail_system_is_understood() {
    let mut wrong = Vec::new();
    for (system, kind, words) in SAMPLES {
        let mail = format!(
            "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nTo: bounces@example.net\nSubject: Undelivered mail\n\n{words}"
        );
        let reading = mail::read(mail.as_bytes());
        let got: Vec<_> = reading.findings.iter().map(|f| (f.recipient.as_str(), f.kind)).collect();
        if got != [("bob@example.com", *kind)] {
            let rules: Vec<_> = reading.findings.iter().map(|f| f.evidence.rule.clone()).collect();
            wrong.push(format!("{system}: {got:?} {} {rules:?}", reading.family));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn aol_lists_its_users_without_their_domain() {
    for from in ["MAILER-DAEMON@aol.com", "MAILER-DAEMON@example.org"] {
        let mail = format!(
            "From: Mail Delivery Subsystem <{from}>\nTo: <bounces@example.net>\nSubject: Mail Delivery Problem\n\n\
            Sorry bounces@example.net. Your mail to the following recipients could not be delivered because they are not \
            accepting mail with attachments:\n\tbob\n\tcarol\n\nSincerely\n\nAOL\n"
        );
        let reading = mail::read(mail.as_bytes());
        let got: Vec<_> = reading.findings.iter().map(|f| (f.recipient.as_str(), f.kind)).collect();
        let expected = [("bob@aol.com", SOFT), ("carol@aol.com", SOFT)];
        assert_eq!(got, if from.ends_with("@aol.com") { expected.to_vec() } else { Vec::new() });
    }
}

/// What a gateway writes below all mail that it lets pass is not said by whoever reports.
#[test]
fn a_footer_is_no_reason() {
    for footer in [
        "**** This email has come from the internet and has been scanned for all viruses ****",
        "This message was scanned for spam. Virus-free. www.scanner.example",
        "*****\nThis message has been scanned for viruses",
    ] {
        let mail = format!(
            "From: postmaster@example.com\nTo: bounces@example.net\nSubject: Delivery Status Notification (Failure)\n\
            Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\n\
            Delivery to the following recipients failed.\n\n   bob@example.com\n\n____\n{footer}\n--b\n\
            Content-Type: message/delivery-status\n\nReporting-MTA: dns;mx.example.com\n\n\
            Final-Recipient: rfc822;bob@example.com\nAction: failed\nStatus: 5.1.1\n--b--\n"
        );
        let reading = mail::read(mail.as_bytes());
        let got: Vec<_> = reading.findings.iter().map(|f| (f.recipient.as_str(), f.kind)).collect();
        assert_eq!(got, [("bob@example.com", HARD)], "{footer}");
        // What the report itself says of a scan counts.
        let said = mail.replace("____\n", "").replace(footer, "Your message was scanned, and has a virus.");
        let got: Vec<_> = mail::read(said.as_bytes()).findings.iter().map(|f| f.kind).collect();
        assert_eq!(got, [SOFT], "{footer}");
    }
}

/// Who is named beside a recipient, for help or below the report.
#[test]
fn a_contact_beside_the_recipient_is_not_taken_for_him() {
    for words in [
        "Delivery to bob@example.com failed: 550 5.1.1 user unknown.\nIf this failed in error, tell our operator: carl@example.com\n",
        "The message to bob@example.com failed: no such user.\nTo request more quota please email: carl@example.com\n",
        "Sorry, your message to bob@example.com could not be delivered: user unknown.\n\nThe mail team\n(carl@example.com)\n",
        "Your message to bob@example.com failed: user unknown. Send a copy of this to our help line\n[carl@example.com]\n",
    ] {
        let mail = format!(
            "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nTo: bounces@example.net\nSubject: Undelivered mail\n\n{words}"
        );
        let reading = mail::read(mail.as_bytes());
        let got: Vec<_> = reading.findings.iter().map(|f| f.recipient.as_str()).collect();
        assert_eq!(got, ["bob@example.com"], "{words}");
    }
}

/// Reports from a mail system that name somebody and put nobody on the list for good.
#[test]
fn what_went_well_or_is_our_own_fault_condemns_nobody() {
    for words in [
        "Your message was successfully delivered to bob@example.com.\n",
        "您发给 bob@example.com 的邮件已成功送达。\n",
        "bob@example.com へのメールは送達されました。\n",
        "bob@example.com 님에게 메일이 배달되었습니다.\n",
        "   ----- The following addresses had successful delivery notifications -----\n<bob@example.com>  (relayed to non-DSN-aware mailer)\n",
        "Delivery to these recipients or groups is complete, but no delivery notification was sent by the destination server:\n\nbob@example.com\n",
        "Your message to bob@example.com requires confirmation. Your address is not on the whitelist.\n",
        "To release your message for delivery, please answer.\n\nThe address <bob@example.com> has not been verified.\n",
        "收件人：bob@example.com\n原因：发件邮箱所属域名的SPF记录不存在\n",
        "投递给收件人 bob@example.com 失败。550 DNS记录不存在，拒绝接收\n",
    ] {
        let mail = format!("From: postmaster@mx.example.net\nTo: bounces@example.net\nSubject: report\n\n{words}");
        let kinds: Vec<_> = mail::read(mail.as_bytes()).findings.iter().map(|f| f.kind).collect();
        assert!(!kinds.contains(&HARD), "{words}: {kinds:?}");
        assert!(
            kinds.is_empty()
                || ["功送", "ful", "complete", "release", "requires"].iter().all(|word| !words.contains(word)),
            "{words}: {kinds:?}"
        );
    }
}

#[test]
fn an_address_ends_where_its_quotation_or_sentence_goes_on() {
    for words in [
        "Die Nachricht konnte nicht an „bob@example.com“ zugestellt werden. Empfänger unbekannt.\n",
        "Le message n’a pas pu être remis à «bob@example.com»: utilisateur inconnu\n",
        "收件人“bob@example.com”不存在\n",
        "宛先 ｢bob@example.com｣ へ配信できませんでした。 550 5.1.1 User unknown\n",
        "메일을 bob@example.com에게 전송하지 못했습니다. 550 5.1.1 User unknown\n",
    ] {
        let mail = format!("From: postmaster@mx.example.net\nTo: bounces@example.net\nSubject: report\n\n{words}");
        let reading = mail::read(mail.as_bytes());
        let got: Vec<_> = reading.findings.iter().map(|f| (f.recipient.as_str(), f.kind)).collect();
        assert_eq!(got, [("bob@example.com", HARD)], "{words}");
    }
}
