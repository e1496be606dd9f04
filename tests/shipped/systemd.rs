//! The files for systemd, judged by systemd's own tools, and what they promise tried on the real daemon.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use suppressd::config::Config;
use suppressd::socket::ListenAddress;

use super::sandbox::free_ports;
use super::{SUPPRESSD, program, read, run, shipped};

const PATIENCE: Duration = Duration::from_secs(20);

/// Ends its process when it goes.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The units as installed, but with the program under test.
fn units() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let service = read("systemd/suppressd.service").replace("/usr/bin/suppressd", SUPPRESSD);
    fs::write(dir.path().join("suppressd.service"), service).unwrap();
    fs::copy(shipped("systemd/suppressd.socket"), dir.path().join("suppressd.socket")).unwrap();
    dir
}

fn values<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix('='))
}

fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "never seen: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn config(dir: &Path, more: &str) -> String {
    let [http, admin] = free_ports();
    let at = dir.display();
    let path = format!("{at}/suppressd.toml");
    let text = format!(
        "database = \"{at}/db/suppressd.db\"\n[http]\nlisten = [\"127.0.0.1:{http}\"]\n\
         [admin]\nlisten = [\"127.0.0.1:{admin}\"]\n[log]\nto = \"stderr\"\n{more}"
    );
    fs::write(&path, text).unwrap();
    fs::create_dir_all(dir.join("db")).unwrap();
    path
}

#[test]
fn systemd_finds_nothing_to_warn_about() {
    let units = units();
    for unit in ["suppressd.service", "suppressd.socket"] {
        let output = Command::new("systemd-analyze")
            .args(["verify", "--man=no", "--recursive-errors=no"])
            .arg(units.path().join(unit))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let ours: Vec<_> = said.lines().filter(|line| line.contains("suppressd")).collect();
        assert!(output.status.success() && ours.is_empty(), "{unit}: {said}");
    }
}

/// 0 is the best and 10 the worst; a service without any hardening has 9.6.
#[test]
fn the_service_is_exposed_to_little() {
    let units = units();
    let mut analyze = Command::new("systemd-analyze");
    run(analyze.args(["security", "--offline=true", "--threshold=20"]).arg(units.path().join("suppressd.service")));
}

#[test]
fn the_service_keeps_what_the_daemon_needs() {
    let service = read("systemd/suppressd.service");
    // notify-reload is unknown to Debian 12, and would make the type "simple".
    assert_eq!(values(&service, "Type").collect::<Vec<_>>(), ["notify"]);
    // Both would forbid giving the sockets to the group postfix.
    assert_eq!(values(&service, "PrivateUsers").count(), 0);
    assert!(values(&service, "SystemCallFilter").all(|value| !value.starts_with('~')));
    assert_eq!(values(&service, "SupplementaryGroups").collect::<Vec<_>>(), ["postfix"]);
    // Never gives up, but for the exit status of a bad configuration.
    assert_eq!(values(&service, "StartLimitIntervalSec").collect::<Vec<_>>(), ["0"]);
    let bad = suppressd::cli::EXIT_CONFIG.to_string();
    assert_eq!(values(&service, "RestartPreventExitStatus").collect::<Vec<_>>(), [bad]);
    let defaults = Config::parse("", "defaults").unwrap();
    assert_eq!(defaults.database.parent(), Some(Path::new("/var/lib/suppressd")));
    assert_eq!(values(&service, "StateDirectory").collect::<Vec<_>>(), ["suppressd"]);
}

#[test]
fn every_socket_of_the_socket_unit_is_one_of_the_default_configuration() {
    let defaults = Config::parse("", "defaults").unwrap();
    let unit = read("systemd/suppressd.socket");
    let held: Vec<ListenAddress> = values(&unit, "ListenStream").map(|at| at.parse().unwrap()).collect();
    assert_eq!(held, defaults.http.listen);
}

/// systemd-sysusers and systemd-tmpfiles at work in the root of another system.
#[test]
fn user_and_directories_are_made_as_postfix_needs_them() {
    assert!(nix::unistd::geteuid().is_root(), "making users needs root; run the tests with sudo");
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    fs::create_dir_all(at("etc")).unwrap();
    fs::create_dir_all(at("var/spool/postfix")).unwrap();
    fs::write(at("etc/passwd"), "root:x:0:0::/root:/bin/sh\npostfix:x:105:110::/var/spool/postfix:/bin/false\n")
        .unwrap();
    fs::write(at("etc/group"), "root:x:0:\npostfix:x:110:\n").unwrap();
    let option = format!("--root={}", root.path().display());
    run(Command::new("systemd-sysusers").arg(&option).arg(shipped("systemd/suppressd.sysusers")));
    run(Command::new("systemd-tmpfiles").args([&option, "--create"]).arg(shipped("systemd/suppressd.tmpfiles")));
    let passwd = fs::read_to_string(at("etc/passwd")).unwrap();
    let user: Vec<_> = passwd.lines().find(|line| line.starts_with("suppressd:")).unwrap().split(':').collect();
    let (uid, gid): (u32, u32) = (user[2].parse().unwrap(), user[3].parse().unwrap());
    assert!(fs::read_to_string(at("etc/group")).unwrap().contains("postfix:x:110:suppressd\n"));
    let owner = |path: &str| {
        let found = fs::metadata(at(path)).unwrap();
        (found.uid(), found.gid(), found.mode() & 0o777)
    };
    assert_eq!(owner("var/spool/postfix/suppressd"), (uid, 110, 0o750));
    assert_eq!(owner("var/lib/suppressd"), (uid, gid, 0o750));
    assert_eq!(owner("etc/suppressd"), (0, 0, 0o755));
}

/// The user, group, capabilities and directory of the service: Postfix gets in, and nobody else.
#[test]
fn without_capabilities_the_sockets_are_still_postfixs() {
    assert!(nix::unistd::geteuid().is_root(), "changing users needs root; run the tests with sudo");
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = dir.path().join("suppressd");
    program::copy(SUPPRESSD, &program);
    let sockets = dir.path().join("sockets");
    fs::create_dir(&sockets).unwrap();
    let socket = sockets.join("lookup.sock");
    let lookup = format!("[lookup]\nsocketmap = [\"unix:{}\"]\npolicy = []\n", socket.display());
    let config = config(dir.path(), &lookup);
    let (nobody, postfix) =
        ["nobody", "postfix"].map(|name| nix::unistd::User::from_name(name).unwrap().unwrap()).into();
    nix::unistd::chown(&dir.path().join("db"), Some(nobody.uid), Some(nobody.gid)).unwrap();
    nix::unistd::chown(&sockets, Some(nobody.uid), Some(postfix.gid)).unwrap();
    fs::set_permissions(&sockets, fs::Permissions::from_mode(0o750)).unwrap();
    let mut serve = Command::new("setpriv");
    serve.args(["--reuid=nobody", "--regid=nogroup", "--groups=postfix", "--bounding-set=-all", "--inh-caps=-all"]);
    serve
        .arg("--no-new-privs")
        .arg(&program)
        .args(["serve", "--config", &config])
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let _daemon = Running(serve.spawn().unwrap());
    eventually("the socket", || fs::metadata(&socket).is_ok_and(|found| found.mode() & 0o777 == 0o660));
    let found = fs::metadata(&socket).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!((found.uid(), found.gid()), (nobody.uid.as_raw(), postfix.gid.as_raw()));
    let ask = |user: &str, group: &str| {
        let mut ask = Command::new("setpriv");
        ask.args([&format!("--reuid={user}"), &format!("--regid={group}"), "--clear-groups"]);
        ask.args(["curl", "--silent", "--max-time", "2", "--unix-socket"]).arg(&socket).arg("http://x/");
        ask.status().unwrap().code()
    };
    // curl(1): 7 is "failed to connect"; whoever connects is no HTTP server's client for long, which is another status.
    assert_ne!(ask("postfix", "postfix"), Some(7));
    assert_eq!(ask("games", "games"), Some(7));
}

#[test]
fn systemd_is_told_when_it_is_ready_reloads_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), "[lookup]\nsocketmap = []\npolicy = []\n");
    let notify = dir.path().join("notify");
    let told = UnixDatagram::bind(&notify).unwrap();
    told.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut serve = Command::new(SUPPRESSD);
    serve.args(["serve", "--config", &config]).env("NOTIFY_SOCKET", &notify).stdin(Stdio::null()).stderr(Stdio::null());
    let mut daemon = Running(serve.spawn().unwrap());
    let next = || {
        let mut buffer = [0; 1000];
        let length = told.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let signal =
        |signal| nix::sys::signal::kill(nix::unistd::Pid::from_raw(daemon.0.id().cast_signed()), signal).unwrap();
    assert!(next().contains("READY=1"));
    signal(nix::sys::signal::SIGHUP);
    assert!(next().contains("RELOADING=1"));
    assert!(next().contains("READY=1"));
    signal(nix::sys::signal::SIGTERM);
    assert!(next().contains("STOPPING=1"));
    assert!(daemon.0.wait().unwrap().success());
}

/// systemd-socket-activate(1) holds the socket as systemd would.
#[test]
fn a_socket_that_systemd_holds_is_found_by_its_address() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), "[lookup]\nsocketmap = []\npolicy = []\n");
    let text = fs::read_to_string(&config).unwrap();
    let at = text.split("[http]\nlisten = [\"").nth(1).unwrap().split('"').next().unwrap();
    let mut activate = Command::new("systemd-socket-activate");
    activate.args(["--listen", at, SUPPRESSD, "serve", "--config", &config]);
    let _held = Running(activate.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let url = format!("http://{at}/sns");
    eventually("an answer", || {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--noproxy",
            "*",
            "--max-time",
            "15",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
        ]);
        curl.arg(&url).output().unwrap().stdout == b"405"
    });
}

#[test]
fn a_database_that_root_made_at_the_command_line_is_the_services() {
    assert!(nix::unistd::geteuid().is_root(), "changing users needs root; run the tests with sudo");
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = dir.path().join("suppressd");
    program::copy(SUPPRESSD, &program);
    let config = config(dir.path(), "");
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let db = dir.path().join("db");
    nix::unistd::chown(&db, Some(nobody.uid), Some(nobody.gid)).unwrap();
    run(Command::new(&program).args(["add", "bob@example.com", "--config", &config]));
    assert_eq!(fs::metadata(db.join("suppressd.db")).unwrap().uid(), nobody.uid.as_raw());
    let mut add = Command::new("setpriv");
    add.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(&program);
    run(add.args(["add", "carol@example.com", "--config", &config]));
}
