//! A stand-in for Amazon SNS as a command, for trying out and for `make run`. Loopback only.
//!
//!   sns-standin serve DIR     makes a CA and certificates in DIR, serves them behind an HTTP proxy until it is killed;
//!                             the proxy's address is printed and written to DIR/proxy, what to trust is DIR/ca.pem
//!   sns-standin send DIR URL FILE… | --bounce ADDRESS     signs SES events and posts them; prints the status of each
//!       --type TYPE           Notification, SubscriptionConfirmation or UnsubscribeConfirmation
//!       --topic ARN  --version 1|2  --subject TEXT
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stderr)]
#![allow(dead_code, missing_docs, unreachable_pub)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

mod sns;

use sns::aws::Aws;
use sns::pki::{Pki, Signing};
use sns::signer::{Draft, TOPIC, bounce};

#[derive(Parser)]
#[command(name = "sns-standin", about = "A stand-in for Amazon SNS, on loopback only")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve certificates and confirm subscriptions, behind an HTTP proxy
    Serve { dir: PathBuf },
    /// Sign messages and post them
    Send {
        dir: PathBuf,
        /// http://127.0.0.1:PORT/PATH
        url: String,
        /// SES events, one a file
        files: Vec<PathBuf>,
        /// Send a hard bounce of this address
        #[arg(long, value_name = "ADDRESS")]
        bounce: Option<String>,
        #[arg(long = "type", default_value = "Notification")]
        kind: String,
        #[arg(long, default_value = TOPIC)]
        topic: String,
        #[arg(long, default_value = "2")]
        version: String,
        #[arg(long)]
        subject: Option<String>,
    },
}

fn main() {
    let ok = match Arguments::parse().command {
        Command::Serve { dir } => serve(&dir),
        Command::Send { dir, url, files, bounce: address, kind, topic, version, subject } => {
            let mut messages: Vec<_> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
            messages.extend(address.as_deref().map(bounce));
            let empty = messages.is_empty() && kind != "Notification";
            messages.extend(empty.then(|| "You have chosen …".to_owned()));
            let (kind, version) = (known(&kind), if version == "1" { "1" } else { "2" });
            let draft = Draft { kind, topic, version, subject, ..Draft::notification("") };
            let signing = Signing::load(&dir);
            messages.iter().all(|message| {
                let status = post(&url, &Draft { message: message.clone(), ..draft.clone() }, &signing);
                println!("{status}");
                status.starts_with('2')
            })
        }
    };
    std::process::exit(i32::from(!ok));
}

fn known(kind: &str) -> &'static str {
    let kinds = ["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"];
    kinds.into_iter().find(|k| *k == kind).expect("not a type of SNS message")
}

#[tokio::main]
async fn serve(dir: &Path) -> bool {
    let pki = Pki::create();
    pki.save(dir);
    let aws = Aws::start(&pki).await;
    // Written under another name first: whoever waits for the file finds it complete.
    std::fs::write(dir.join("proxy.new"), aws.proxy()).unwrap();
    std::fs::rename(dir.join("proxy.new"), dir.join("proxy")).unwrap();
    println!("{}", aws.proxy());
    std::future::pending().await
}

/// Posts one message and returns the status.
fn post(url: &str, draft: &Draft, signing: &Signing) -> String {
    let rest = url.strip_prefix("http://").expect("an http URL");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).unwrap();
    assert!(stream.peer_addr().unwrap().ip().is_loopback(), "loopback only");
    stream.write_all(&draft.sign(signing).request(&format!("/{path}"))).unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    String::from_utf8_lossy(&head[9..]).into_owned()
}
