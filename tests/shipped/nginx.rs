//! The location block for nginx, in a real nginx that speaks TLS in front of a real suppressd.

use std::fs;
use std::process::Command;

use super::run;
use super::sandbox::{Sandbox, signed};
use super::sns::signer::{Draft, bounce};
use super::web_server::Nginx;

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:ses-feedback";

/// The status that a client gets.
fn status(nginx: &Nginx, path: &str, arguments: &[String]) -> String {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--insecure", "--noproxy", "*", "--output", "/dev/null", "--write-out", "%{http_code}"]);
    run(curl.args(arguments).arg(format!("https://{}{path}", nginx.tls)))
}

#[test]
fn nginx_passes_signed_messages_on_and_nothing_else() {
    let sandbox = Sandbox::start();
    assert!(sandbox.shell(&format!("suppressd topics allow {TOPIC}")).status.success());
    let nginx = Nginx::start(&sandbox.path("nginx"), ([127, 0, 0, 1], sandbox.http_port()).into());
    let draft = Draft { topic: TOPIC.into(), ..Draft::notification(&bounce("bob@example.com")) };
    let post = signed(&draft);
    let body = |text: String| {
        let file = sandbox.path("body");
        fs::write(&file, text).unwrap();
        vec!["--data-binary".to_owned(), format!("@{}", file.display())]
    };
    let headers = post.headers.iter().flat_map(|(name, value)| ["--header".to_owned(), format!("{name}: {value}")]);
    let genuine: Vec<_> = headers.chain(body(post.body())).collect();
    assert_eq!(status(&nginx, "/sns", &genuine), "200", "{}", sandbox.log());
    assert!(sandbox.shell("suppressd why bob@example.com").status.success());
    assert_eq!(status(&nginx, "/sns", &[]), "405");
    assert_eq!(status(&nginx, "/health", &[]), "404");
    assert_eq!(status(&nginx, "/sns", &body("x".repeat(1_000_000))), "400");
    assert_eq!(status(&nginx, "/sns", &body("x".repeat(1_100_000))), "413");
}
