//! `suppressd inspect`: shows what would be understood of mails and payloads, recording nothing.
//!
//! With `--json` one object a line and recipient: `file recipient action kind reason status diagnostic side rule origin`.
//! Without, a short explanation for people. Directories are walked, `-` is the standard input, many files are read in
//! one process. A file that cannot be read is said so and the others go on.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Failure, json_text, shown};
use crate::event::{Evidence, Kind};
use crate::ingress::mail::{self, Reading};

/// Largest file read, in bytes; more is cut off, as a mail's report stands at its start.
const MAX_FILE: u64 = 32 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Mails or JSON payloads; directories are walked, - is the standard input
    files: Vec<PathBuf>,
    /// One JSON object a line and recipient
    #[arg(long)]
    json: bool,
}

/// Inspects each file, or the standard input where there is none.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<u8, Failure> {
    let out = &mut io::BufWriter::new(out);
    if args.files.is_empty() {
        one(Path::new("-"), args.json, out)?;
    }
    args.files.iter().try_for_each(|file| walk(file, args.json, out))?;
    Ok(out.flush().map(|()| 0)?)
}

fn walk(path: &Path, json: bool, out: &mut dyn Write) -> io::Result<()> {
    if !path.is_dir() {
        return one(path, json, out);
    }
    let mut inside: Vec<PathBuf> = match fs::read_dir(path) {
        Ok(entries) => entries.filter_map(Result::ok).map(|e| e.path()).collect(),
        Err(why) => return unreadable(path, &why, json, out),
    };
    inside.sort();
    // A link to a directory may lead in a circle.
    inside.iter().filter(|p| !(p.is_symlink() && p.is_dir())).try_for_each(|p| walk(p, json, out))
}

fn one(path: &Path, json: bool, out: &mut dyn Write) -> io::Result<()> {
    let bytes = match bytes_of(path) {
        Ok(bytes) => bytes,
        Err(why) => return unreadable(path, &why, json, out),
    };
    let reading = understand(&bytes);
    let file = path.display().to_string();
    if json { as_json(&file, &reading, out) } else { for_people(&file, &reading, out) }
}

/// Reads a mail, or a payload that begins like JSON.
#[must_use]
fn understand(bytes: &[u8]) -> Reading {
    let is_json = bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
    let payload = is_json.then(|| mail::read_payload(&String::from_utf8_lossy(bytes))).flatten();
    payload.unwrap_or_else(|| mail::read(bytes))
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

fn unreadable(path: &Path, why: &io::Error, json: bool, out: &mut dyn Write) -> io::Result<()> {
    if json {
        let value = json!({"file": path.display().to_string(), "action": "none", "error": why.to_string()});
        return writeln!(out, "{}", json_text(&value)?);
    }
    writeln!(out, "{}: cannot be read: {why}", shown(&path.display().to_string()))
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

fn as_json(file: &str, reading: &Reading, out: &mut dyn Write) -> io::Result<()> {
    for finding in &reading.findings {
        let recipient = Some(finding.recipient.as_str());
        line(file, recipient, finding.kind, action(finding.kind), &finding.evidence, out)?;
    }
    for unnamed in &reading.unnamed {
        // Nobody can be suppressed; a complaint is still counted.
        let action = if unnamed.kind == Kind::Complaint { "complaint" } else { "none" };
        let reported = Some(unnamed.reported.as_str()).filter(|r| !r.is_empty());
        line(file, reported, unnamed.kind, action, &unnamed.evidence, out)?;
    }
    Ok(())
}

fn line(
    file: &str,
    recipient: Option<&str>,
    kind: Kind,
    action: &str,
    evidence: &Evidence,
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
        "origin": "unproved",
    });
    writeln!(out, "{}", json_text(&value)?)
}

fn for_people(file: &str, reading: &Reading, out: &mut dyn Write) -> io::Result<()> {
    let family = if reading.family.is_empty() { String::new() } else { format!(" ({})", reading.family) };
    writeln!(out, "{}: {}{family}", shown(file), reading.nature.as_str())?;
    for finding in &reading.findings {
        writeln!(out, "  {}: {}", finding.recipient, sentence(finding.kind, &finding.evidence))?;
        explain(&finding.evidence, out)?;
    }
    for unnamed in &reading.unnamed {
        let reported = if unnamed.reported.is_empty() { "somebody" } else { &unnamed.reported };
        writeln!(
            out,
            "  {reported}: {}; suppresses nobody: {}",
            sentence(unnamed.kind, &unnamed.evidence),
            unnamed.why
        )?;
        explain(&unnamed.evidence, out)?;
    }
    Ok(())
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
        writeln!(out, "    {name:5}{value}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"Bob@example.com"}]}}"#;

    fn inspected(name: &str, content: &str, json: bool) -> String {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(name), content).unwrap();
        let mut out = Vec::new();
        run(&Args { files: vec![dir.path().to_owned()], json }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_directory_is_walked_and_a_payload_recognised() {
        let line: serde_json::Value = serde_json::from_str(&inspected("event.json", EVENT, true)).unwrap();
        assert_eq!((line["recipient"].as_str(), line["action"].as_str()), (Some("bob@example.com"), Some("hard")));
        assert_eq!(line["origin"], "unproved");
    }

    #[test]
    fn people_get_a_sentence() {
        assert!(inspected("event.json", EVENT, false).contains("bob@example.com: hard bounce"));
        assert!(inspected("mail.eml", "Subject: lunch\n\nhi\n", false).contains("not a bounce"));
    }

    #[test]
    fn a_missing_file_is_told_and_does_not_stop_the_others() {
        let mut out = Vec::new();
        run(&Args { files: vec!["missing-a".into(), "missing-b".into()], json: false }, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap().lines().count(), 2);
    }
}
