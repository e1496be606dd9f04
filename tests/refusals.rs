//! Refusals of mail systems, as they write them, each to RCPT TO unless it says otherwise, and what they mean for the recipient.

use suppressd::ingress::classify::{Action, Class, Facts, Stage, judge};
use suppressd::ingress::mail::session;
use suppressd::status::EnhancedStatus;

/// The address or its domain is dead.
const HARD: &[&str] = &[
    // Sendmail, Postfix, Exim, qmail, Courier, OpenSMTPD, Haraka, Stalwart, Maddy
    "550 5.1.1 <bob@example.com>... User unknown",
    "553 5.3.0 <bob@example.com>... No such user",
    "550 5.1.1 <bob@example.com>: Recipient address rejected: User unknown in local recipient table",
    "550 5.1.1 <bob@example.com>: Recipient address rejected: undeliverable address: host mx.example.com[192.0.2.1] said: 550 5.1.1 unknown (in reply to RCPT TO command)",
    "550 5.1.0 <bob@example.com>: Recipient address rejected: User unknown in relay recipient table",
    "550 Unrouteable address",
    "550 unknown user",
    "550 No such person at this address",
    "550-Callback setup failed while verifying\n550 No Such User Here\"",
    "550 5.1.1 sorry, no mailbox here by that name (#5.1.1)",
    "553 sorry, this recipient is not in my validrcptto list (#5.7.1)",
    "511 sorry, no mailbox here by that name (#5.1.1 - chkuser)",
    "550 User unknown",
    "550 I cannot deliver mail for <bob@example.com>: no such user",
    "550 5.1.1 Mailbox does not exist.",
    "550 5.1.1 Invalid recipient: bob@example.com",
    "501 5.1.3 Invalid address",
    "550 5.1.10 Recipient address has null MX",
    "556 5.1.10 <bob@example.com>: Recipient address rejected: Domain example.com does not accept mail (nullMX)",
    "521 5.1.10 Server does not accept mail",
    // Exchange and Microsoft 365
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient bob@example.com not found by SMTP address lookup",
    "550 5.1.1 RESOLVER.ADR.RecipNotFound; not found",
    "550 5.1.1 User unknown",
    "550 5.4.310 DNS domain example.com does not exist [Message=InfoDomainNonexistent]",
    "550 5.1.1 RESOLVER.ADR.ExRecipNotFound; not found",
    "550 5.1.351 Remote server returned unknown recipient or mailbox unavailable -> 550 5.1.1 The email account that you tried to reach does not exist",
    "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [BN1NAM02FT003.eop-nam02.prod.protection.outlook.com]",
    // Gmail, Yahoo, AOL, iCloud, Comcast, AT&T, Cox, Charter, Verizon
    "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking the recipient's email address for typos or 550 5.1.1 unnecessary spaces. Learn more at 550 5.1.1 https://support.google.com/mail/?p=NoSuchUser",
    "554 delivery error: dd Requested mail action aborted, mailbox not found - mta1.mail.ne1.yahoo.com",
    "550 5.1.1 <bob@example.com> Account not found",
    "550 5.1.1 <bob@example.com>: user does not exist",
    "550 5.1.1 Not our Customer bob@example.com",
    "550 5.1.1 <bob@example.com> Recipient unknown - IB603",
    "550 5.1.1 Address does not exist. Please see https://www.spectrum.net",
    "550 5.2.1 Mailbox not found",
    "551 not our user",
    "550 <bob@example.com>, Recipient unknown",
    "550 5.1.1 unknown or illegal alias: bob@example.com",
    // GMX, T-Online, freenet, Orange, Free, Laposte, SFR, Libero, Aruba, Terra, UOL
    "550 Requested action not taken: mailbox unavailable\nFor explanation visit https://postmaster.gmx.net/error-messages?ip=192.0.2.1&c=rrpt",
    "550 unknown recipient / user unknown (Empfaenger unbekannt)",
    "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. LPN007_401",
    "550 5.1.1 <bob@example.com>: Adresse inconnue / unknown address",
    "550 5.1.1 <bob@example.com> utente sconosciuto",
    "550 RCPT TO:<bob@example.com> User unknown",
    "550 5.1.1 <bob@example.com> usuario inexistente",
    "550 5.1.1 <bob@example.com>: usuario no existe",
    "550 Empfänger existiert nicht",
    "550 <bob@example.com> gebruiker onbekend",
    "550 5.1.1 Nie ma takiego uzytkownika: no such user",
    // Mail.ru, Yandex, Rambler, QQ, NetEase, Aliyun, Sina, Naver, Daum, docomo
    "550 Message was not accepted -- invalid mailbox. Local mailbox bob@example.com is unavailable: user not found",
    "550 5.7.1 No such user!",
    "550 5.1.1 Mailbox unavailable or user unknown",
    "550 Mailbox not found. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000728",
    "550 User not found: bob@example.com",
    "550 Invalid User: bob@example.com",
    "550 #5.1.0 Address rejected. User does not exist",
    "550 5.1.1 No such user - nsmtp",
    "550 Unknown user bob@docomo.ne.jp",
    "550 Invalid recipient: <bob@example.com>",
    "550 收件人不存在",
    // Mimecast, Proofpoint, Barracuda, Zoho, Fastmail, Proton, Rackspace, GoDaddy, MDaemon, SmarterMail, MailEnable, Kerio, Zimbra
    "550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550",
    "550 5.1.1 User Unknown - proofpoint",
    "550 permanent failure for one or more recipients (bob@example.com:550 5.1.1 user unknown)",
    "550 5.1.1 <bob@example.com>: Recipient address rejected: User unknown in virtual alias table",
    "550 5.1.1 Address does not exist",
    "550 5.1.1 Invalid mailbox: user not found",
    "550 5.1.1 <bob@example.com> Recipient not found. <http://x.co/irbounce>",
    "550 <bob@example.com>, Recipient unknown here",
    "550 <bob@example.com> No such user here",
    "550 Requested action not taken: mailbox unavailable or not local",
    "550 5.1.1 User does not exist - bob@example.com",
    "550 5.1.1 bob@example.com: Mailbox unknown",
    "550 #5.1.1 bad address bob@example.com",
    "550 5.1.1 bob@example.com is not a valid mailbox",
    "550 5.1.6 <bob@example.com>: Recipient has moved; no forwarding address",
    "550 Host unknown",
    "550 5.1.2 Bad destination system address: no such domain",
    "551 5.1.6 User has moved to bob@example.org",
    "550 5.4.4 Unrouteable address: no MX record found for domain",
    "550-Verification failed for <bob@example.com>\n550-No Such User Here\n550 Recipient verify failed",
];

/// Something else, or not for good.
const SOFT: &[&str] = &[
    // Full
    "550 5.1.1 <bob@example.com>: Not enough disk space",
    "552 5.2.2 <bob@example.com>: user is over quota",
    "550 5.2.2 STOREDRV.Deliver; mailbox full",
    "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded",
    "452-4.2.2 The email account that you tried to reach is over quota.",
    "550 <bob@example.com>: Mailbox quota exceeded / Postfach voll",
    "550 5.1.1 Casella piena: mailbox full",
    "550 5.7.1 boite du destinataire pleine",
    "550 Sorry, this user has too many messages in the mailbox",
    "552 Requested mail action aborted: exceeded storage allocation",
    "550 5.1.1 bob@example.com ящик переполнен",
    "550 5.1.1 El buzon esta lleno",
    // Us
    "550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus",
    "550 5.1.1 Mail from 192.0.2.1 refused - see http://www.barracudacentral.org/rbl",
    "550 5.7.1 Recipient address rejected: Mail appeared to be SPAM or forged",
    "554 5.7.1 <us@example.net>: Sender address rejected: Access denied",
    "553 5.1.8 Domain of sender address us@example.net does not exist",
    "550 5.1.8 <us@example.net>: Sender address rejected: Domain not found",
    "550 Sender verify failed",
    "550-Verification failed for <us@example.net>\n550-No Such User Here\n550 Sender verify failed",
    "550 5.1.0 <us@example.net> sender rejected. User unknown",
    "550 5.7.1 Unable to relay for bob@example.com",
    "550 5.7.64 TenantAttribution; Relay Access Denied",
    "554 5.7.1 <mx.example.net[192.0.2.1]>: Client host rejected: cannot find your hostname, [192.0.2.1]",
    "550 5.7.25 The IP address sending this message does not have a PTR record setup",
    "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname",
    "550 HELO argument mx.example.net does not exist",
    "550 5.7.26 This mail is unauthenticated, which poses a security risk to the sender and Gmail users",
    "550 SPF check failed: us@example.net is not allowed to send from 192.0.2.1",
    "550 5.7.509 Access denied, sending domain example.net does not pass DMARC verification",
    "550 No DNS record found for 192.0.2.1",
    "550 mail from example.net: host not found",
    "550 no MX record for domain of sender",
    "535 Authentication failed",
    "530 5.7.0 Must issue a STARTTLS command first",
    "503 This mail server requires authentication when attempting to send to a non-local e-mail address.",
    // Policy, content
    "550 5.7.1 Message rejected due to content restrictions",
    "554 5.6.0 Message contains bare LF",
    "552 5.3.4 Message size exceeds fixed maximum message size",
    "550 5.7.1 This message has been blocked because it contains a virus",
    "554 5.7.9 Message not accepted for policy reasons",
    "550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized",
    "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required",
    "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)",
    "550 You are not allowed to post messages to this list",
    "550 5.2.1 This mailbox is disabled",
    "550 5.7.1 Recipient not authorized, your IP has been found on a block list",
    "550 Usuario no autorizado",
    "550 Administrative prohibition",
    "550 usuario bloqueado",
    // Rates
    "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints",
    "550 5.4.5 Daily sending quota exceeded",
    "450 4.2.1 The user you are trying to contact is receiving mail too quickly",
    "550 5.1.1 too many recipients this hour",
    "452 4.5.3 Too many recipients",
    "550 Domain example.net has exceeded the max emails per hour (500/500 (100%)) allowed. Message discarded.",
    "451 4.7.1 Greylisting in action, please come back later",
    "450 4.7.1 <bob@example.com>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch",
    // Systems
    "451 4.3.0 Temporary lookup failure",
    "554 5.4.6 Hop count exceeded - possible mail loop",
    "554 5.4.14 Hop count exceeded - possible mail loop ATTR34",
    "550 5.4.300 Message expired -> 451 4.4.0 Connection timed out",
    "450 4.1.1 <bob@example.com>: Recipient address rejected: unverified address: unknown user",
    "450 4.1.2 <bob@example.com>: Recipient address rejected: Domain not found",
    "451 User unknown, try later",
    "550 5.3.0 mailer error: can't create user output file",
    "554 5.0.0 procmail: no such user",
    "550 Temporary DNS problem: host not found, try again",
    "521 5.2.1 : AOL will not accept delivery of this message.",
    "554 no",
    "550 5.0.0 something new",
];

fn wrong(texts: &[&'static str], class: Class) -> Vec<String> {
    let verdict = |text: &str| {
        let stage = match session::stage(text) {
            Stage::Unknown => Stage::RcptTo,
            told => told,
        };
        let status = EnhancedStatus::parse("5.0.0");
        judge(&Facts { text, recipient: "bob@example.com", status, stage, action: Action::Failed, ..Facts::default() })
    };
    let judged = texts.iter().map(|text| (text, verdict(text))).filter(|(_, v)| v.class != class);
    judged.map(|(text, v)| format!("{:?} {} by {}: {text}", v.class, v.reason, v.rule)).collect()
}

#[test]
fn dead_addresses_are_known_however_they_are_worded() {
    let wrong = wrong(HARD, Class::Hard);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_not_about_a_dead_address_is_never_hard() {
    let wrong = wrong(SOFT, Class::Soft);
    assert!(wrong.is_empty(), "{wrong:#?}");
}
