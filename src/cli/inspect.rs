//! `suppressd inspect`: shows what a door would make of mails and payloads, recording nothing.
//!
//! With `--json` one object a line and recipient: `file recipient action kind reason status diagnostic side rule origin`.
//! Without, a short explanation for people. Directories are walked, `-` is the standard input, many files are read in
//! one process. A file that cannot be read is said so and the others go on.
//! The origin is proved by the code of the doors, by the configuration and an envelope from the options. Who handed the mail in
//! is presumed from Postfix's own Received field where the options don't say it. The DNS is asked only on request.

use std::cell::Cell;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{EXIT_TROUBLE, Failure, json_text, now, shown};
use crate::config::{Config, DEFAULT_PATH};
use crate::event::{Event, Evidence, Kind, Origin, Why};
use crate::ingress::mail::origin::{Envelope, NoAnswer, Proof, Trust, presumed_client, prove};
use crate::ingress::mail::{self, Reading, Unnamed, submission};
use crate::ingress::pipe;

/// Largest file read, in bytes; more is cut off, as a mail's report stands at its start.
const MAX_FILE: u64 = 32 << 20;

/// Show what would be made of a mail or payload, recording nothing
///
/// For each recipient it is told what happened, whose fault it is, what was said and by which rule it was judged, and whether the origin
/// of the mail would be proved, so that it counts. That is decided as suppressd pipe decides it, by the configuration, or by the built-in
/// defaults where /etc/suppressd/suppressd.toml does not exist.
///
/// What Postfix says beside the mail is for the options. Without --client-address, who handed the mail in is presumed from its top
/// Received field, where that is Postfix's. Without --recipient, neither a signature nor a signed return path can prove anything.
///
/// Directories are walked; many files are read in one process. The first 32 MiB of a file are looked at. A file that cannot be read is told,
/// and the others go on.
///
/// What would be made of a mail, before it is wired up?
///
/// suppressd inspect --recipient bounces@example.org bounce.eml
///
/// And of one that a stranger hands in?
///
/// suppressd inspect --client-address 192.0.2.1 bounce.eml
#[derive(Debug, Default, clap::Args)]
pub(super) struct Args {
    /// Mails or JSON payloads; directories are walked, - or none at all is the standard input
    files: Vec<PathBuf>,
    /// One JSON object a line and recipient
    ///
    /// Its fields: file, recipient, action, kind, reason, status, diagnostic, side, rule and origin. The action is hard, soft, complaint or
    /// none.
    #[arg(long)]
    json: bool,
    /// The bounce address that the mail came to
    ///
    /// As ${recipient} of pipe(8). A report about this address itself suppresses nobody.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "ADDRESS")]
    recipient: String,
    /// The client that handed the mail in, as Postfix says it
    ///
    /// As ${client_address} of pipe(8); empty for a mail made here.
    #[arg(long, value_name = "ADDRESS")]
    client_address: Option<String>,
    /// Ask the DNS for the keys of DKIM signatures
    ///
    /// As a door does where nothing cheaper proves a report. Without it, nobody is asked, and no DKIM signature proves anything.
    #[arg(long)]
    dns: bool,
}

/// Inspects each file, or the standard input where there is none.
pub(super) fn run(args: &Args, config: &Path, out: &mut dyn Write) -> Result<u8, Failure> {
    let inspector = Inspector { args, trust: trust(config)?, all_read: Cell::new(true) };
    let out = &mut io::BufWriter::new(out);
    if args.files.is_empty() {
        inspector.one(Path::new("-"), out)?;
    }
    args.files.iter().try_for_each(|file| inspector.walk(file, out))?;
    out.flush()?;
    Ok(if inspector.all_read.get() { 0 } else { EXIT_TROUBLE })
}

/// By the built-in defaults where suppressd is not configured yet.
fn trust(path: &Path) -> Result<Trust, Failure> {
    let unconfigured = path == Path::new(DEFAULT_PATH) && matches!(path.try_exists(), Ok(false));
    let config = if unconfigured { Config::parse("", DEFAULT_PATH)? } else { Config::load(path)? };
    pipe::trust(&config).map_err(Failure::Usage)
}

/// What a door would make of one file.
struct Seen {
    reading: Reading,
    events: Vec<Event>,
    proof: Proof,
    /// Whether the mail itself would be kept in quarantine, and why.
    kept: Option<(Why, String)>,
    /// What else is to be said about the origin.
    remark: String,
}

/// Reads files as a door would.
struct Inspector<'a> {
    args: &'a Args,
    trust: Trust,
    /// Whether every file so far could be read.
    all_read: Cell<bool>,
}

impl Inspector<'_> {
    fn walk(&self, path: &Path, out: &mut dyn Write) -> io::Result<()> {
        if !path.is_dir() {
            return self.one(path, out);
        }
        let mut inside: Vec<PathBuf> = match fs::read_dir(path) {
            Ok(entries) => entries.filter_map(Result::ok).map(|e| e.path()).collect(),
            Err(why) => return self.unreadable(path, &why, out),
        };
        inside.sort();
        // A link to a directory may lead in a circle.
        inside.iter().filter(|p| !(p.is_symlink() && p.is_dir())).try_for_each(|p| self.walk(p, out))
    }

    fn one(&self, path: &Path, out: &mut dyn Write) -> io::Result<()> {
        let bytes = match bytes_of(path) {
            Ok(bytes) => bytes,
            Err(why) => return self.unreadable(path, &why, out),
        };
        let seen = payload(&bytes).unwrap_or_else(|| self.mail(&bytes));
        let file = path.display().to_string();
        if self.args.json { as_json(&file, &seen, out) } else { for_people(&file, &seen, out) }
    }

    /// The others are looked at all the same.
    fn unreadable(&self, path: &Path, why: &io::Error, out: &mut dyn Write) -> io::Result<()> {
        self.all_read.set(false);
        let path = path.display().to_string();
        if self.args.json {
            let value = json!({"file": path, "action": "none", "error": why.to_string()});
            return writeln!(out, "{}", json_text(&value)?);
        }
        writeln!(io::stderr(), "suppressd: {}: cannot be read: {why}", shown(&path))
    }

    fn mail(&self, bytes: &[u8]) -> Seen {
        let reading = mail::read_with(bytes, &self.trust.verp, false);
        let client = self.args.client_address.clone().or_else(|| presumed_client(bytes));
        let envelope =
            Envelope { recipient: self.args.recipient.clone(), client_address: client, ..Envelope::default() };
        let ask = self.args.dns && !reading.findings.is_empty();
        let proved = prove(bytes, ask, &envelope, &self.trust, now());
        let remark = self.remark(&envelope, &proved);
        let comes_again = proved.is_err();
        let proof = proved.unwrap_or(Proof::NONE);
        let events = submission::events(&reading, &proof, "", &envelope, now());
        let all_proved = events.iter().all(|event| event.origin.is_proved());
        let kept = submission::kept(&reading, &proof, all_proved).filter(|_| !comes_again);
        Seen { reading, events, proof, kept, remark }
    }

    /// What the proof rests on, where that was not given.
    fn remark(&self, envelope: &Envelope, proved: &Result<Proof, NoAnswer>) -> String {
        let by_client = matches!(proved, Ok(p) if matches!(p.origin(), Origin::Local | Origin::TrustedNetwork));
        match (proved, envelope.client_address.as_deref()) {
            (Err(NoAnswer), _) => {
                "; for now, as the DNS does not answer: Postfix would be told to come again".to_owned()
            }
            (_, Some(client)) if by_client && self.args.client_address.is_none() => {
                let client = if client.is_empty() { "no client".to_owned() } else { shown(client) };
                format!("; presuming that {client} handed it in, as its top Received field says")
            }
            _ => String::new(),
        }
    }
}

/// A payload, which begins like JSON. At its door the signature that it is posted with is what proves it.
fn payload(bytes: &[u8]) -> Option<Seen> {
    let is_json = bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
    let reading = is_json.then(|| mail::read_payload(&String::from_utf8_lossy(bytes))).flatten()?;
    let proof = Proof::NONE;
    let events = submission::events(&reading, &proof, "", &Envelope::default(), now());
    let remark = "; what is posted is proved by its signature, which is not in the payload".to_owned();
    Some(Seen { reading, events, proof, kept: None, remark })
}

fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(MAX_FILE).read_to_end(&mut bytes)?;
    } else {
        fs::File::open(path)?.take(MAX_FILE).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// What an event does to its recipient. A delay is told like a soft bounce, and `kind` tells it apart.
fn action(kind: Kind) -> &'static str {
    match kind {
        Kind::HardBounce => "hard",
        Kind::SoftBounce | Kind::Delay => "soft",
        Kind::Complaint => "complaint",
        _ => "none",
    }
}

fn as_json(file: &str, seen: &Seen, out: &mut dyn Write) -> io::Result<()> {
    for event in &seen.events {
        let recipient = Some(event.recipient.as_str());
        line(file, recipient, event.kind, action(event.kind), &event.evidence, event.origin, out)?;
    }
    for unnamed in &seen.reading.unnamed {
        // Nobody can be suppressed; a complaint is still counted.
        let action = if unnamed.kind == Kind::Complaint { "complaint" } else { "none" };
        let reported = Some(unnamed.reported.as_str()).filter(|r| !r.is_empty());
        line(file, reported, unnamed.kind, action, &unnamed.evidence, seen.proof.origin(), out)?;
    }
    Ok(())
}

fn line(
    file: &str,
    recipient: Option<&str>,
    kind: Kind,
    action: &str,
    evidence: &Evidence,
    origin: Origin,
    out: &mut dyn Write,
) -> io::Result<()> {
    let value = json!({
        "file": file,
        "recipient": recipient,
        "action": action,
        "kind": kind.as_str(),
        "reason": evidence.reason.as_str(),
        "status": evidence.status.map(|s| s.to_string()),
        "diagnostic": evidence.diagnostic,
        "side": evidence.side.as_str(),
        "rule": evidence.rule,
        "origin": origin.as_str(),
    });
    writeln!(out, "{}", json_text(&value)?)
}

fn for_people(file: &str, seen: &Seen, out: &mut dyn Write) -> io::Result<()> {
    let Seen { reading, events, remark, .. } = seen;
    let family = if reading.family.is_empty() { String::new() } else { format!(" ({})", reading.family) };
    writeln!(out, "{}: {}{family}", shown(file), reading.nature.as_str())?;
    for event in events {
        writeln!(out, "  {}: {}", shown(event.recipient.as_str()), sentence(event.kind, &event.evidence))?;
        explain(&event.evidence, out)?;
        let worth = if event.origin.is_proved() { "counts" } else { "recorded, suppresses nobody" };
        writeln!(out, "    origin  {}: {worth}{remark}", event.origin)?;
    }
    reading.unnamed.iter().try_for_each(|unnamed| about_somebody(unnamed, out))?;
    match &seen.kept {
        Some((why, detail)) => writeln!(out, "  kept in quarantine, {}: {}", why.as_str(), shown(detail)),
        None => Ok(()),
    }
}

fn about_somebody(unnamed: &Unnamed, out: &mut dyn Write) -> io::Result<()> {
    let reported = if unnamed.reported.is_empty() { "somebody" } else { &unnamed.reported };
    let sentence = sentence(unnamed.kind, &unnamed.evidence);
    writeln!(out, "  {reported}: {sentence}; suppresses nobody: {}", unnamed.why)?;
    explain(&unnamed.evidence, out)
}

fn sentence(kind: Kind, evidence: &Evidence) -> String {
    let what = match kind {
        Kind::HardBounce => "hard bounce",
        Kind::SoftBounce => "soft bounce",
        Kind::Complaint => "complaint",
        Kind::Delay => "delayed, nothing is decided",
        Kind::Delivery => "delivered",
        Kind::Unsubscribe => "wants no more of this mail",
        _ => "says nothing about the address",
    };
    let status = evidence.status.map(|s| format!(", {s}")).unwrap_or_default();
    format!("{what}, {}{status}, side {}", evidence.reason, evidence.side)
}

fn explain(evidence: &Evidence, out: &mut dyn Write) -> io::Result<()> {
    let facts = [("said", &evidence.diagnostic), ("by", &evidence.remote_mta), ("rule", &evidence.rule)];
    for (name, value) in facts.into_iter().filter_map(|(n, v)| v.as_deref().map(|v| (n, v))) {
        writeln!(out, "    {name:8}{value}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"Bob@example.com"}]}}"#;

    fn inspected(name: &str, content: &str, args: Args) -> String {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("suppressd.toml");
        fs::write(&config, "mail.trusted-authserv-ids = [\"mx.example.org\"]\n").unwrap();
        let file = dir.path().join(name);
        fs::write(&file, content).unwrap();
        let mut out = Vec::new();
        run(&Args { files: vec![file], ..args }, &config, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn json() -> Args {
        Args { json: true, ..Args::default() }
    }

    #[test]
    fn a_payload_is_recognised() {
        let line: serde_json::Value = serde_json::from_str(&inspected("event.json", EVENT, json())).unwrap();
        assert_eq!((line["recipient"].as_str(), line["action"].as_str()), (Some("bob@example.com"), Some("hard")));
        assert_eq!(line["origin"], "unproved");
    }

    #[test]
    fn people_get_a_sentence() {
        assert!(inspected("event.json", EVENT, Args::default()).contains("bob@example.com: hard bounce"));
        assert!(inspected("mail.eml", "Subject: lunch\n\nhi\n", Args::default()).contains("not a bounce"));
    }

    #[test]
    fn a_configuration_that_was_named_must_be_there() {
        let missing = tempfile::tempdir().unwrap().path().join("suppressd.toml");
        assert!(matches!(run(&Args::default(), &missing, &mut Vec::new()), Err(Failure::Config(_))));
    }

    const REPORT: &str = "Subject: Undelivered Mail Returned to Sender\nContent-Type: multipart/report; boundary=b\n\n\
        --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mta.example.org\n\n\
        Final-Recipient: rfc822; bob@example.com\nAction: failed\nStatus: 5.1.1\n\n--b--\n";
    const MADE_HERE: &str = "Received: by mta.example.org (Postfix)\n\tid 8A8D89; Sat, 21 Nov 2026 09:18:05 +0000\n";

    /// The origin of a report below this top Received field, and what people are told of it.
    fn origin(received: &str, client: Option<&str>) -> (String, String) {
        let mail = format!("{received}{REPORT}");
        let args = |json| Args { json, client_address: client.map(str::to_owned), ..Args::default() };
        let line: serde_json::Value = serde_json::from_str(&inspected("mail", &mail, args(true))).unwrap();
        let told = inspected("mail", &mail, args(false));
        let told = told.lines().find_map(|line| line.strip_prefix("    origin  ")).unwrap();
        (line["origin"].as_str().unwrap().to_owned(), told.to_owned())
    }

    #[test]
    fn the_origin_is_what_the_door_would_say_of_such_a_client() {
        let inside =
            "Received: from app (app.example.org [127.0.0.1])\n\tby mta.example.org (Postfix) with ESMTP id 1\n";
        for (received, client, wanted) in [
            (MADE_HERE, "", "local: counts"),
            (inside, "127.0.0.1", "trusted-network: counts"),
            (inside, "192.0.2.66", "unproved: recorded, suppresses nobody"),
            (MADE_HERE, "192.0.2.66", "unproved: recorded, suppresses nobody"),
        ] {
            let (origin, told) = origin(received, Some(client));
            assert_eq!((origin.as_str(), told.as_str()), (wanted.split(':').next().unwrap(), wanted), "{client}");
        }
    }

    #[test]
    fn a_client_that_was_not_given_is_presumed_and_that_is_said() {
        let (made_here, told) = origin(MADE_HERE, None);
        assert_eq!(made_here, "local");
        assert!(told.starts_with("local: counts; presuming that no client handed it in"), "{told}");
        let stranger = "Received: from evil (evil.example [192.0.2.66]) by mta.example.org (Postfix) with ESMTP id 1\n";
        let (origin, told) = origin(&format!("{stranger}{MADE_HERE}"), None);
        assert_eq!((origin.as_str(), told.as_str()), ("unproved", "unproved: recorded, suppresses nobody"));
    }

    #[test]
    fn a_mail_that_nothing_proves_would_be_kept_in_quarantine() {
        let told = inspected("mail", REPORT, Args::default());
        assert!(told.contains("\n  kept in quarantine, untrusted: "), "{told}");
        assert!(!inspected("mail", &format!("{MADE_HERE}{REPORT}"), Args::default()).contains("quarantine"));
    }

    #[test]
    fn a_report_about_the_bounce_address_itself_says_nothing() {
        let args = Args { recipient: "Bob+1@example.com".into(), ..Args::default() };
        let told = inspected("mail", &format!("{MADE_HERE}{REPORT}"), args);
        assert!(told.contains("bob@example.com: says nothing about the address"), "{told}");
    }
}
