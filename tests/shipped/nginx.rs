//! The location block for nginx, in a real nginx that speaks TLS in front of a real suppressd.

use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::sandbox::{Sandbox, free_ports, signed};
use super::sns::pki::Pki;
use super::sns::signer::{Draft, bounce};
use super::{read, run, shipped};

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:ses-feedback";

struct Nginx {
    process: Child,
    port: u16,
}

impl Nginx {
    fn start(sandbox: &Sandbox) -> Self {
        let program = run(&mut Command::new(shipped("packaging/nginx-for-tests")));
        let program = program.trim_end();
        let [port] = free_ports();
        let dir = sandbox.path("nginx");
        fs::create_dir(&dir).unwrap();
        let (certificate, key) = &Pki::shared().receiver;
        fs::write(dir.join("fullchain.pem"), certificate).unwrap();
        fs::write(dir.join("privkey.pem"), key).unwrap();
        let location = read("packaging/nginx.conf");
        let to = "http://127.0.0.1:8025;";
        assert!(location.contains(to));
        let location = location.replace(to, &format!("http://127.0.0.1:{};", sandbox.http_port()));
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {}/{name};\n", dir.display()))
            .concat();
        let config = format!(
            "daemon off;\nmaster_process off;\npid {at}/pid;\nerror_log {at}/error.log;\nevents {{}}\n\
             http {{\naccess_log off;\n{temporary}server {{\nlisten 127.0.0.1:{port} ssl;\n\
             ssl_certificate {at}/fullchain.pem;\nssl_certificate_key {at}/privkey.pem;\n{location}}}\n}}\n",
            at = dir.display()
        );
        fs::write(dir.join("nginx.conf"), config).unwrap();
        let command = |argument: &[&str]| {
            let mut command = Command::new(program);
            command.arg("-p").arg(&dir).arg("-e").arg(dir.join("error.log")).arg("-c").arg(dir.join("nginx.conf"));
            command.args(argument).stdin(Stdio::null());
            command
        };
        run(&mut command(&["-t"]));
        let process = command(&[]).spawn().unwrap();
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "nginx does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, port }
    }

    /// The status that a client gets.
    fn status(&self, path: &str, arguments: &[String]) -> String {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--insecure", "--noproxy", "*", "--output", "/dev/null", "--write-out", "%{http_code}"]);
        run(curl.args(arguments).arg(format!("https://127.0.0.1:{}{path}", self.port)))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn nginx_passes_signed_messages_on_and_nothing_else() {
    let sandbox = Sandbox::start();
    assert!(sandbox.shell(&format!("suppressd topics allow {TOPIC}")).status.success());
    let nginx = Nginx::start(&sandbox);
    let draft = Draft { topic: TOPIC.into(), ..Draft::notification(&bounce("bob@example.com")) };
    let post = signed(&draft);
    let body = |text: String| {
        let file = sandbox.path("body");
        fs::write(&file, text).unwrap();
        vec!["--data-binary".to_owned(), format!("@{}", file.display())]
    };
    let headers = post.headers.iter().flat_map(|(name, value)| ["--header".to_owned(), format!("{name}: {value}")]);
    let genuine: Vec<_> = headers.chain(body(post.body())).collect();
    assert_eq!(nginx.status("/sns", &genuine), "200", "{}", sandbox.log());
    assert!(sandbox.shell("suppressd why bob@example.com").status.success());
    assert_eq!(nginx.status("/sns", &[]), "405");
    assert_eq!(nginx.status("/health", &[]), "404");
    assert_eq!(nginx.status("/sns", &body("x".repeat(1_000_000))), "400");
    assert_eq!(nginx.status("/sns", &body("x".repeat(1_100_000))), "413");
}
