//! Bounces in words, one short sample for each mail system, in the form that it writes.

use suppressd::event::{Kind, Reason};
use suppressd::ingress::mail;

const HARD: Kind = Kind::HardBounce;
const SOFT: Kind = Kind::SoftBounce;

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
    ("korean", HARD, "메일이 전송되지 않았습니다.\n\n수신자: bob@example.com\n550 5.1.1 존재하지 않는 사용자\n"),
];

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
    for (words, wanted) in [
        (sendmails, &[("bob@example.com", SOFT), ("eve@example.com", HARD)][..]),
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
    ] {
        let mail = format!("From: MAILER-DAEMON@mx.example.net\nTo: us@example.net\nSubject: Warning\n\n{words}");
        let reading = mail::read(mail.as_bytes());
        let got: Vec<_> = reading.findings.iter().map(|f| (f.recipient.as_str(), f.kind, f.evidence.reason)).collect();
        assert_eq!(got, [("bob@example.com", Kind::Delay, reason)], "{words}");
    }
}
