//! What a user of the same machine, or a reader of the log, gets to see: no secret, and no file that is not his.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use suppressd::config::Config;
use suppressd::ingress::http::proxy::Proxy;
use suppressd::ingress::sns::credentials::Credentials;
use suppressd::return_path::{Keys, Signer};

use crate::lmtp::Client;
use crate::mail::{BOUNCES, HOP, STRANGER, dsn};
use crate::sns::pki::Pki;
use crate::world::{World, ask_map, bounce_of};

const CREDENTIALS: &str = "sns-user:sns-password-4711";
const IN_BASE64: &str = "c25zLXVzZXI6c25zLXBhc3N3b3JkLTQ3MTE=";
const PROXY: &str = "proxy-user:proxy-password-4711";
const KEYS: &str = "k1 return-path-secret-4711";

/// Everything of the above that gives something away.
fn secrets() -> Vec<String> {
    let key = String::from_utf8(Pki::shared().receiver.1.clone()).unwrap();
    let of_key = key.lines().find(|line| !line.starts_with("--")).unwrap().to_owned();
    let proxy = openssl::base64::encode_block(PROXY.as_bytes());
    [
        "sns-password",
        &IN_BASE64[..IN_BASE64.len() - 2],
        "proxy-password",
        &proxy[..proxy.len() - 2],
        "return-path-secret",
        &of_key,
    ]
    .map(str::to_owned)
    .into()
}

#[track_caller]
fn gives_nothing_away(what: &str, text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    for secret in secrets() {
        assert!(!text.contains(&secret), "{what} has {secret}: {text}");
    }
}

/// A file with a secret, of the given name.
fn secret(world: &World, name: &str, content: &[u8]) -> PathBuf {
    let path = world.home.path(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// A daemon that has every secret there is, at the most talkative.
fn with_secrets() -> World {
    let mut world = World::idle(&[("log.level", "\"debug\""), ("mail.return-path-domains", "[\"example.org\"]")]);
    let (certificate, key) = &Pki::shared().receiver;
    let tls = [secret(&world, "c.pem", certificate), secret(&world, "k.pem", key)];
    let credentials = secret(&world, "credentials", format!("{CREDENTIALS}\n").as_bytes());
    let keys = secret(&world, "keys", format!("{KEYS}\n").as_bytes());
    let lmtp = world.home.quoted_unix("lmtp.sock");
    let proxy = world.aws.proxy().replace("http://", &format!("http://{PROXY}@"));
    for (name, value) in [
        ("sns.credentials-file", format!("\"{}\"", credentials.display())),
        ("sns.proxy", format!("\"{proxy}\"")),
        ("mail.return-path-key-file", format!("\"{}\"", keys.display())),
        ("mail.lmtp", format!("[{lmtp}]")),
        ("http.tls", format!("{{ certificate = \"{}\", key = \"{}\" }}", tls[0].display(), tls[1].display())),
    ] {
        world.home.set(name, &value);
    }
    world.up();
    world
}

/// `GET`s and `POST`s over TLS, by curl.
fn post(world: &World, authorization: &str) -> String {
    let message = bounce_of("bob@example.com");
    let body = world.home.path("body");
    fs::write(&body, message.body()).unwrap();
    let mut curl = std::process::Command::new("curl");
    curl.args(["--silent", "--insecure", "--noproxy", "*", "--output", "/dev/null", "--write-out", "%{http_code}"]);
    for (name, value) in &message.headers {
        curl.arg("--header").arg(format!("{name}: {value}"));
    }
    curl.arg("--header").arg(format!("authorization: {authorization}")).arg("--data-binary");
    curl.arg(format!("@{}", body.display())).arg(format!("https://{}/sns", world.http));
    String::from_utf8(curl.output().unwrap().stdout).unwrap()
}

#[test]
fn no_secret_is_in_the_process_list_the_log_or_the_configuration_shown() {
    let world = with_secrets();
    assert_eq!(post(&world, &format!("Basic {IN_BASE64}")), "200", "{}", world.log());
    assert_eq!(post(&world, &format!("Basic {IN_BASE64}x")), "401");
    assert!(world.aws.calls()[0].ends_with(&openssl::base64::encode_block(PROXY.as_bytes())), "they are in use");
    let socket = std::os::unix::net::UnixStream::connect(world.home.path("lookup.sock")).unwrap();
    assert!(ask_map(socket, "return-path", "bounces@example.org").starts_with("OK bounces+k1--"));
    let mut client = Client::connect(&world.home.path("lmtp.sock"));
    client.begin_from(STRANGER, &[BOUNCES]);
    client.end(dsn(HOP).as_bytes());
    assert_eq!(client.code(), "250");
    world.reload();
    // The daemon, and the child that reads mail.
    let process = |pid: &str| Path::new("/proc").join(pid);
    let daemon = world.pid().to_string();
    let tasks = fs::read_dir(process(&daemon).join("task")).unwrap();
    let children = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default());
    let children: Vec<String> =
        children.flat_map(|pids| pids.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect();
    for pid in children.iter().filter(|pid| !pid.is_empty()).chain([&daemon]) {
        for file in ["cmdline", "environ", "comm", "status"] {
            gives_nothing_away(file, &fs::read(process(pid).join(file)).unwrap_or_default());
        }
    }
    gives_nothing_away("the log", world.log().as_bytes());
    for command in [&["config", "show"][..], &["config", "check"], &["topics"], &["stats"], &["why", "bob@example.com"]]
    {
        let ran = world.home.run(command);
        gives_nothing_away(&format!("{command:?}"), format!("{}{}", ran.out, ran.err).as_bytes());
    }
    assert!(world.home.ok(&["config", "show"]).contains("proxy = \"http://***@127.0.0.1:"));
    for file in ["suppressd.db", "suppressd.db-wal"] {
        gives_nothing_away(file, &fs::read(world.home.path(file)).unwrap());
    }
}

#[test]
fn what_is_wrong_with_a_secret_is_told_without_it() {
    for (name, content) in [
        ("sns.credentials-file", "sns-password"),
        ("mail.return-path-key-file", "K_1 return-path-secret-4711\n"),
        ("mail.return-path-key-file", "return-path-secret"),
        ("mail.return-path-key-file", "k1 return-path-secret-4711\nk1 return-path-secret-4712\n"),
        ("sns.proxy", "ftp://proxy-user:proxy-password@127.0.0.1:1"),
    ] {
        let mut world = World::idle(&[]);
        let file = secret(&world, "secret", content.as_bytes());
        let value = if name == "sns.proxy" { content.to_owned() } else { file.display().to_string() };
        world.home.set(name, &format!("\"{value}\""));
        let ran = world.home.run(&["config", "check"]);
        assert_eq!((ran.status, ran.err.lines().count()), (Some(78), 1), "{ran:?}");
        assert!(ran.err.contains(name), "{}", ran.err);
        gives_nothing_away(name, ran.err.as_bytes());
    }
}

#[test]
fn a_secret_that_everybody_may_read_is_refused() {
    for (name, content) in [("sns.credentials-file", CREDENTIALS), ("mail.return-path-key-file", KEYS)] {
        let mut world = World::idle(&[]);
        let file = secret(&world, "secret", content.as_bytes());
        world.home.set(name, &format!("\"{}\"", file.display()));
        world.home.ok(&["config", "check"]);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let ran = world.home.run(&["config", "check"]);
        assert_eq!(ran.status, Some(78));
        assert!(ran.err.contains(name) && ran.err.contains("everybody on this machine may use it"), "{}", ran.err);
    }
    let mut world = World::idle(&[]);
    let (certificate, key) = &Pki::shared().receiver;
    let [certificate, key] = [secret(&world, "c.pem", certificate), secret(&world, "k.pem", key)];
    let tls = format!("{{ certificate = \"{}\", key = \"{}\" }}", certificate.display(), key.display());
    world.home.set("http.tls", &tls);
    world.home.ok(&["config", "check"]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let ran = world.home.run(&["config", "check"]);
    assert!(ran.err.contains("http.tls") && ran.err.contains("everybody on this machine may use it"), "{}", ran.err);
}

#[test]
fn debug_output_has_no_secret() {
    let config = Config::parse(&format!("[sns]\nproxy = \"http://{PROXY}@127.0.0.1:3128\"\n"), "test").unwrap();
    let keys = Keys::parse(KEYS).unwrap();
    for shown in [
        format!("{config:?}"),
        format!("{config:#?}"),
        format!("{:?}", Credentials::parse(CREDENTIALS).unwrap()),
        format!("{:?}", Proxy::parse(&format!("http://{PROXY}@127.0.0.1:3128")).unwrap()),
        format!("{keys:?}"),
        format!("{:?}", Signer::new(keys, vec!["example.org".into()])),
    ] {
        gives_nothing_away("Debug", shown.as_bytes());
    }
}

/// In constant time: how much of a guess was right shows in no answer's time.
#[test]
fn secrets_are_compared_by_one_function() {
    for (file, uses) in [("ingress/sns/credentials.rs", 1), ("return_path/mod.rs", 1)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        assert_eq!(code.matches("memcmp::eq(").count(), uses, "{file}");
        for other in ["== self.0", "self.0 ==", "== code", "code ==", "== signed.code", ".code ==", "starts_with(&self"]
        {
            assert!(!code.contains(other), "{file} compares by {other}");
        }
    }
    let credentials = include_str!("../../src/ingress/sns/credentials.rs");
    assert!(credentials.contains("#[derive(Clone)]\npub struct Credentials("), "what has == may be compared by it");
}

#[test]
fn sockets_and_files_have_the_modes_that_the_manual_says() {
    let mut world = World::idle(&[]);
    for (name, socket) in [("mail.lmtp", "lmtp.sock"), ("lookup.policy", "policy.sock")] {
        let at = world.home.quoted_unix(socket);
        world.home.set(name, &format!("[{at}]"));
    }
    world.up();
    assert_eq!(world.post(&bounce_of("bob@example.com")), 200);
    for socket in ["lookup.sock", "policy.sock", "lmtp.sock"] {
        let found = fs::metadata(world.home.path(socket)).unwrap();
        assert!(found.file_type().is_socket());
        assert_eq!(found.permissions().mode() & 0o7777, 0o660, "{socket}");
    }
    for file in ["suppressd.db", "suppressd.db-wal", "suppressd.db-shm"] {
        let found = fs::metadata(world.home.path(file)).unwrap();
        assert_eq!(found.permissions().mode() & 0o7777, 0o640, "{file}");
    }
    world.home.set("lookup.socket-mode", "\"0600\"");
    world.stop();
    world.up();
    assert_eq!(fs::metadata(world.home.path("lookup.sock")).unwrap().permissions().mode() & 0o7777, 0o600);
}
