//! Every command of the README works and prints what stands there.
//!
//! A `console` block is typed into a sandbox, line by line, and what is printed is compared, but for times and days. A
//! comment `<!-- test: ... -->` in front of a block says what happens in between. Other blocks are held to their own.
//! `UPDATE=1 cargo test --test shipped` writes the outputs anew.

use std::path::PathBuf;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::json;
use suppressd::config::Config;

use super::sandbox::Sandbox;
use super::sns::signer::Draft;
use super::{read, shipped};

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:ses-feedback";

/// Commands that change the whole system: the tests of "make install", of systemd's files, and "make run" and "make
/// check" themselves are what tries them.
const ELSEWHERE: [&str; 9] = [
    "sudo packaging/install-build-deps",
    "make",
    "sudo make install",
    "sudo systemd-sysusers",
    "sudo systemd-tmpfiles --create",
    "sudo systemctl daemon-reload",
    "sudo systemctl enable --now suppressd",
    "make run",
    "make check",
];

/// A fenced block.
struct Block<'a> {
    language: &'a str,
    text: &'a str,
    /// What the comment in front says.
    cue: Option<&'a str>,
}

fn blocks(readme: &str) -> Vec<Block<'_>> {
    let mut rest = readme;
    let mut blocks = Vec::new();
    while let Some((before, fenced)) = rest.split_once("\n```") {
        let (language, fenced) = fenced.split_once('\n').unwrap();
        let (text, after) = fenced.split_once("```\n").unwrap();
        let cue = before.lines().last().and_then(|line| line.strip_prefix("<!-- test: ")?.strip_suffix(" -->"));
        blocks.push(Block { language, text, cue });
        rest = after;
    }
    blocks
}

fn of_language<'a>(readme: &'a str, language: &str) -> Vec<Block<'a>> {
    blocks(readme).into_iter().filter(|block| block.language == language).collect()
}

fn happen(what: &str, sandbox: &Sandbox) {
    let topic = |draft: Draft| Draft { topic: TOPIC.into(), ..draft };
    let report = |event: &serde_json::Value| {
        assert_eq!(sandbox.post(&topic(Draft::notification(&event.to_string()))), 200, "{}", sandbox.log());
    };
    match what {
        "a subscription comes in" => assert_eq!(sandbox.post(&topic(Draft::subscription())), 403),
        "the simulator bounces" => report(&bounce("1", "bounce@simulator.amazonses.com")),
        "carol bounces and erin complains" => {
            report(&delivery("2", "alice@example.com"));
            report(&bounce("3", "carol@example.com"));
            report(&complaint("4", "erin@example.com"));
        }
        "dave bounces and frank complains about a newsletter" => {
            report(&bounce("5", "dave@example.net"));
            report(&complaint("6", "frank@example.net"));
        }
        other => panic!("the README says \"test: {other}\", and nobody knows what that is"),
    }
}

fn mail(id: &str, recipient: &str) -> serde_json::Value {
    let message = format!("010201932e5c8f0a-5b7c1e0{id}-000000");
    json!({"timestamp": now(), "messageId": message, "source": "news@example.org", "destination": [recipient]})
}

/// One time for all, so that nothing depends on where a second or a day ends.
fn now() -> String {
    static NOW: LazyLock<jiff::Timestamp> = LazyLock::new(jiff::Timestamp::now);
    NOW.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// As SES writes them.
fn bounce(id: &str, recipient: &str) -> serde_json::Value {
    let recipients = json!([{
        "emailAddress": recipient, "action": "failed", "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
    }]);
    json!({
        "eventType": "Bounce", "mail": mail(id, recipient),
        "bounce": {
            "bounceType": "Permanent", "bounceSubType": "General", "timestamp": now(), "feedbackId": id,
            "bouncedRecipients": recipients, "reportingMTA": "dns; a4-10.smtp-out.eu-west-1.amazonses.com",
        },
    })
}

fn complaint(id: &str, recipient: &str) -> serde_json::Value {
    json!({
        "eventType": "Complaint", "mail": mail(id, recipient),
        "complaint": {
            "timestamp": now(), "feedbackId": id, "complaintFeedbackType": "abuse",
            "complainedRecipients": [{"emailAddress": recipient}],
        },
    })
}

fn delivery(id: &str, recipient: &str) -> serde_json::Value {
    let delivery = json!({"timestamp": now(), "recipients": [recipient], "smtpResponse": "250 2.0.0 OK"});
    json!({"eventType": "Delivery", "mail": mail(id, recipient), "delivery": delivery})
}

/// Types the commands of a block; the block with what they really print.
fn typed(block: &str, sandbox: &Sandbox) -> String {
    let mut real = String::new();
    for line in block.lines().filter(|line| line.starts_with("$ ") || line.starts_with("# ")) {
        let output = sandbox.shell(&line[2..]);
        let printed = [output.stdout, output.stderr].concat();
        let printed = sandbox.as_installed(&String::from_utf8(printed).unwrap());
        real.push_str(line);
        real.push('\n');
        real.extend(printed.lines().map(|line| format!("{}\n", line.trim_end())));
    }
    real
}

/// Times and days differ each time.
fn timeless(text: &str) -> String {
    let text = Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ").unwrap().replace_all(text, "TIME");
    Regex::new(r"\d{4}-\d\d-\d\d").unwrap().replace_all(&text, "DAY").into_owned()
}

#[test]
fn every_console_block_prints_what_stands_there() {
    let readme = read("README.md");
    let sandbox = Sandbox::start();
    let mut anew = readme.clone();
    let mut differences = String::new();
    for block in blocks(&readme) {
        if let Some(cue) = block.cue {
            happen(cue, &sandbox);
        }
        if block.language == "console" {
            let real = typed(block.text, &sandbox);
            if timeless(&real) != timeless(block.text) {
                differences += &format!("in the README:\n{}\nreally:\n{real}\n", block.text);
                anew = anew.replacen(block.text, &real, 1);
            }
        }
    }
    assert_eq!(sandbox.confirmations(), 1);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(shipped("README.md"), anew).unwrap();
    } else {
        assert!(differences.is_empty(), "{differences}{}", sandbox.log());
    }
}

#[test]
fn no_block_is_of_a_kind_that_nobody_tries() {
    for block in blocks(&read("README.md")) {
        assert!(["console", "sh", "text", "main.cf", "nginx", "toml"].contains(&block.language), "{}", block.language);
        assert!(block.cue.is_none() || block.language == "console", "{:?}", block.cue);
    }
}

#[test]
fn commands_that_change_the_system_are_known() {
    let readme = read("README.md");
    let commands: Vec<_> = of_language(&readme, "sh").iter().flat_map(|block| block.text.lines()).collect();
    assert_eq!(commands, ELSEWHERE);
}

#[test]
fn what_goes_into_main_cf_is_the_fragment_that_is_tried_on_a_real_postfix() {
    let fragment = read("postfix/policy-fail-open.cf");
    let readme = read("README.md");
    let settings = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect()
    };
    let blocks = of_language(&readme, "main.cf");
    assert_eq!(blocks.len(), 1);
    assert_eq!(settings(blocks[0].text), settings(&fragment));
    let map = "check_recipient_access socketmap:unix:suppressd/lookup.sock:access";
    assert!(readme.contains(map) && read("postfix/access-fail-closed.cf").contains(map));
}

#[test]
fn the_block_for_nginx_is_the_file_that_is_tried_on_a_real_nginx() {
    let readme = read("README.md");
    let blocks = of_language(&readme, "nginx");
    assert_eq!(blocks.len(), 1);
    assert!(read("packaging/nginx.conf").ends_with(blocks[0].text));
}

#[test]
fn the_settings_are_valid() {
    let readme = read("README.md");
    for block in of_language(&readme, "toml") {
        assert_eq!(Config::parse(block.text, "README").map(drop).map_err(|error| error.to_string()), Ok(()));
    }
    assert!(Config::parse("[lookup]\nmode = \"warn\"\non-error = \"accept\"\n", "README").is_ok());
}

/// JSON within JSON within a shell's quotes is easily wrong.
#[test]
fn the_attributes_for_aws_are_json() {
    let readme = read("README.md");
    let aws = of_language(&readme, "text").into_iter().find(|block| block.text.starts_with("aws ")).unwrap();
    let quoted: Vec<_> = aws.text.split('\'').skip(1).step_by(2).collect();
    assert_eq!(quoted.len(), 2);
    let attributes: serde_json::Value = serde_json::from_str(quoted[0]).unwrap();
    let policy: serde_json::Value = serde_json::from_str(attributes["DeliveryPolicy"].as_str().unwrap()).unwrap();
    let policy = &policy["healthyRetryPolicy"];
    // SNS takes an hour in all at most.
    assert!(policy["numRetries"].as_u64().unwrap() * policy["maxDelayTarget"].as_u64().unwrap() <= 3600);
    serde_json::from_str::<serde_json::Value>(attributes["RedrivePolicy"].as_str().unwrap()).unwrap();
    serde_json::from_str::<serde_json::Value>(quoted[1]).unwrap();
}

#[test]
fn the_rust_that_it_asks_for_is_that_of_the_package() {
    let package = read("Cargo.toml");
    let version = package.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(read("README.md").contains(&format!("Rust {version} or newer")));
}

#[test]
fn every_file_that_it_names_is_there() {
    let readme = read("README.md");
    let named = Regex::new(r"`((?:postfix|packaging|src|tests)/[^` ]+)`").unwrap();
    let files: Vec<PathBuf> = named.captures_iter(&readme).map(|found| shipped(&found[1])).collect();
    assert!(files.len() >= 5);
    for file in files {
        assert!(file.exists(), "{}", file.display());
    }
}
