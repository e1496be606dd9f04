//! The daemon with no more than its unit leaves it: a user of its own, no capability, and a file system in which only its
//! own two directories can be written. It does all of its work there, and asks the kernel for nothing that is forbidden.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, chown};

use super::lmtp::Client;
use super::sandbox::{free_ports, signed};
use super::sns::aws::Aws;
use super::sns::pki::Pki;
use super::sns::signer::{Draft, TOPIC, bounce};
use super::{SUPPRESSD, program, read, run};

const PATIENCE: Duration = Duration::from_secs(60);

/// A report that Postfix itself made.
const REPORT: &str = "Received: by mta.example.org (Postfix)\n\tid 8A8D89; Sat, 21 Nov 2026 09:18:05 +0000 (UTC)\n\
    From: MAILER-DAEMON@example.org\nMIME-Version: 1.0\n\
    Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
    --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mta.example.org\n\n\
    Final-Recipient: rfc822; carol@example.com\nAction: failed\nStatus: 5.1.1\n\
    Diagnostic-Code: smtp; 550 5.1.1 user unknown\n\n--b--\n";

struct Confined {
    dir: tempfile::TempDir,
    http: u16,
    admin: u16,
    child: Child,
    _runtime: tokio::runtime::Runtime,
}

impl Confined {
    /// `under` runs the daemon, as strace(1) does.
    fn start(under: &str) -> Self {
        assert!(nix::unistd::geteuid().is_root(), "changing users and mounts needs root; run the tests with sudo");
        let dir = tempfile::Builder::new().prefix("suppressd-").tempdir().unwrap();
        let at = dir.path().display();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let aws = runtime.block_on(Aws::start(Pki::shared()));
        let [http, admin] = free_ports();
        let nobody = User::from_name("nobody").unwrap().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        program::copy(SUPPRESSD, dir.path().join("suppressd"));
        fs::write(dir.path().join("ca.pem"), &Pki::shared().ca_pem).unwrap();
        for own in ["db", "sockets"] {
            fs::create_dir(dir.path().join(own)).unwrap();
            chown(&dir.path().join(own), Some(nobody.uid), Some(nobody.gid)).unwrap();
        }
        let config = format!(
            "database = \"{at}/db/suppressd.db\"\n[http]\nlisten = [\"127.0.0.1:{http}\"]\n\
             [admin]\nlisten = [\"127.0.0.1:{admin}\"]\n\
             [sns]\ntopics = [\"{TOPIC}\"]\nproxy = \"{}\"\nca-file = \"{at}/ca.pem\"\n\
             [lookup]\nsocketmap = [\"unix:{at}/sockets/lookup.sock\"]\npolicy = [\"unix:{at}/sockets/policy.sock\"]\n\
             [mail]\nlmtp = [\"unix:{at}/sockets/lmtp.sock\"]\n\
             [export]\nfiles = [{{ path = \"{at}/db/access.cdb\", map = \"access\" }}]\nevery = \"1s\"\n\
             [log]\nto = \"stderr\"\n",
            aws.proxy()
        );
        fs::write(dir.path().join("suppressd.toml"), config).unwrap();
        // As ProtectSystem=strict with ReadWritePaths= and StateDirectory=.
        let read_only = format!(
            "for own in {at}/db {at}/sockets; do mount --bind $own $own; done; mount -o remount,bind,ro /; \
             if touch {at}/elsewhere 2>/dev/null; then echo not confined >&2; exit 1; fi"
        );
        // As User=, SupplementaryGroups=, CapabilityBoundingSet=, NoNewPrivileges= and UMask=.
        let script = format!(
            "set -e; umask 0027; {}; exec setpriv --reuid=nobody --regid=nogroup --groups=postfix --bounding-set=-all \
             --inh-caps=-all --no-new-privs {} {at}/suppressd serve --config {at}/suppressd.toml",
            if has_mounts() { read_only.as_str() } else { ":" },
            under.replace("TRACE", &format!("{at}/db/trace"))
        );
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let mut confined = Command::new(if has_mounts() { "unshare" } else { "env" });
        confined.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        if has_mounts() {
            confined.args(["--mount", "--propagation", "private"]);
        } else {
            // Not by eprintln!, which the test harness hides.
            let _ =
                writeln!(std::io::stderr(), "NOT TESTED: a read-only file system; no mount namespace can be had here");
        }
        confined.args(["sh", "-c", &script]).stdin(Stdio::null()).stderr(log);
        let child = confined.spawn().unwrap();
        let confined = Self { dir, http, admin, child, _runtime: runtime };
        confined.eventually("it starts", || confined.log().contains("started, version"));
        confined
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    #[track_caller]
    fn eventually(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < PATIENCE, "never seen: {what}; {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The daemon, or whatever it was started under, and all below it.
    fn processes(&self) -> Vec<Pid> {
        let mut found = vec![Pid::from_raw(self.child.id().cast_signed())];
        let mut at = 0;
        while let Some(pid) = found.get(at) {
            let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
            let children =
                tasks.map(|task| fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default());
            let children: String = children.collect();
            found.extend(children.split_whitespace().map(|pid| Pid::from_raw(pid.parse().unwrap())));
            at += 1;
        }
        found
    }

    fn http(port: u16, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }

    /// What Postfix is told by a socket.
    fn ask(&self, socket: &str, question: &str) -> String {
        let mut stream = UnixStream::connect(self.path(socket)).unwrap();
        stream.write_all(question.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// All that a day brings.
    fn works(&self) {
        let mut post = signed(&Draft::notification(&bounce("bob@example.com")));
        post.set_header("connection", "close");
        assert_eq!(Self::http(self.http, &post.request("/sns")), "200", "{}", self.log());
        let close = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").into_bytes();
        assert_eq!(Self::http(self.http, &close("/sns")), "405");
        assert_eq!(Self::http(self.admin, &close("/health")), "200");
        assert_eq!(Self::http(self.admin, &close("/metrics")), "200");
        assert!(self.ask("sockets/lookup.sock", "22:access bob@example.com,").contains("550 5.1.1"));
        let policy = "request=smtpd_access_policy\nrecipient=bob@example.com\n\n";
        assert!(self.ask("sockets/policy.sock", policy).contains("550 5.1.1"));
        let mut client = Client::connect(&self.path("sockets/lmtp.sock"));
        assert_eq!(client.send(REPORT), "250", "{}", self.log());
        self.eventually("the export", || self.path("db/access.cdb").exists());
    }
}

fn has_mounts() -> bool {
    Command::new("unshare")
        .args(["--mount", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

impl Drop for Confined {
    fn drop(&mut self) {
        for process in self.processes() {
            let _ = kill(process, Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

#[test]
fn it_does_its_work_as_nobody_without_capabilities_where_only_its_directories_can_be_written() {
    let mut confined = Confined::start("");
    confined.works();
    let processes = confined.processes();
    assert_eq!(processes.len(), 2, "the daemon, and the child that reads mail");
    for process in processes {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let value = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
            assert_eq!(value(set), "0000000000000000", "{set}");
        }
        assert_eq!((value("NoNewPrivs:"), value("Umask:")), ("1".into(), "0027".into()));
        assert_eq!(value("Uid:"), "65534 65534 65534 65534");
    }
    let mode = |path: &str| {
        let found = fs::metadata(confined.path(path)).unwrap();
        (found.uid(), found.mode() & 0o7777)
    };
    for file in ["suppressd.db", "suppressd.db-wal", "suppressd.db-shm"] {
        assert_eq!(mode(&format!("db/{file}")), (65534, 0o640), "{file}");
    }
    for socket in ["lookup.sock", "policy.sock", "lmtp.sock"] {
        assert_eq!(mode(&format!("sockets/{socket}")), (65534, 0o660), "{socket}");
    }
    kill(Pid::from_raw(confined.child.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert!(confined.child.wait().unwrap().success(), "{}", confined.log());
    let warnings = confined.log().matches("error:").count();
    assert_eq!(warnings, 0, "{}", confined.log());
}

/// systemd's groups of system calls: each with its calls and the groups in it.
fn groups() -> BTreeMap<String, Vec<String>> {
    let (mut groups, mut group) = (BTreeMap::<String, Vec<String>>::new(), String::new());
    for line in run(Command::new("systemd-analyze").args(["--no-pager", "syscall-filter"])).lines() {
        let word = line.trim();
        if line.starts_with('@') {
            word.clone_into(&mut group);
        } else if line.starts_with(' ') && !word.starts_with('#') && !word.is_empty() {
            groups.entry(group.clone()).or_default().push(word.to_owned());
        }
    }
    groups
}

fn calls_of(group: &str, groups: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    let members = groups.get(group).into_iter().flatten();
    let of = |member: &String| match member.starts_with('@') {
        true => calls_of(member, groups),
        false => BTreeSet::from([member.clone()]),
    };
    members.flat_map(of).collect()
}

#[test]
fn it_asks_the_kernel_for_nothing_that_its_unit_forbids() {
    let unit = read("systemd/suppressd.service");
    let setting = |name: &str| unit.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let allowed = calls_of(setting("SystemCallFilter="), &groups());
    assert!(allowed.len() > 20 && !allowed.contains("mount"), "{allowed:?}");
    let families: BTreeSet<_> = setting("RestrictAddressFamilies=").split(' ').collect();
    let confined = Confined::start("strace -f -qq -e signal=none -o TRACE");
    confined.works();
    let [_, daemon, ..] = confined.processes()[..] else { panic!("{}", confined.log()) };
    kill(daemon, Signal::SIGHUP).unwrap();
    confined.eventually("it reloads", || confined.log().contains("reloaded"));
    kill(daemon, Signal::SIGTERM).unwrap();
    confined.eventually("it stops", || confined.log().contains("suppressd: stopped"));
    let at = confined.path("");
    let own = [at.join("db/"), at.join("sockets/")].map(|path| path.display().to_string());
    let trace = fs::read(confined.path("db/trace")).unwrap();
    let trace = String::from_utf8_lossy(&trace);
    let calls: Vec<(&str, &str)> =
        trace.lines().filter_map(|line| line.split_once(' ')?.1.trim().split_once('(')).collect();
    let calls: Vec<_> = calls.into_iter().filter(|(name, _)| !name.starts_with(['<', '+', '-'])).collect();
    assert!(calls.len() > 1000, "{}", calls.len());
    for (name, arguments) in calls {
        let call = format!("{name}({arguments}");
        assert!(allowed.contains(name), "SystemCallFilter= forbids {call}");
        if matches!(name, "socket" | "socketpair") {
            assert!(families.contains(arguments.split(',').next().unwrap()), "RestrictAddressFamilies= forbids {call}");
        }
        let both = arguments.contains("PROT_WRITE") && arguments.contains("PROT_EXEC");
        assert!(!both, "MemoryDenyWriteExecute= forbids {call}");
        assert!(!arguments.contains("CLONE_NEW"), "RestrictNamespaces= forbids {call}");
        assert!(!matches!(name, "personality" | "sched_setscheduler" | "sched_setattr"), "{call}");
        let writes = ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| arguments.contains(flag));
        if writes && matches!(name, "open" | "openat" | "creat") {
            let path = arguments.split('"').nth(1).unwrap_or_default();
            let ours = path == "/dev/null" || own.iter().any(|own| path.starts_with(own.as_str()));
            assert!(ours || arguments.ends_with("(Read-only file system)"), "ReadWritePaths= forbids {call}");
        }
        let home = ["\"/home", "\"/root", "\"/run/user"].iter().any(|home| arguments.contains(home));
        assert!(!home, "ProtectHome= forbids {call}");
    }
}

#[test]
fn root_checks_the_configuration_with_the_rights_of_the_daemon() {
    let dir = tempfile::Builder::new().prefix("suppressd-").tempdir().unwrap();
    let nobody = User::from_name("nobody").unwrap().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(dir.path().join("db")).unwrap();
    chown(&dir.path().join("db"), Some(nobody.uid), Some(nobody.gid)).unwrap();
    let (config, keys) = (dir.path().join("suppressd.toml"), dir.path().join("keys"));
    fs::write(&keys, "k1 0123456789abcdef0123456789abcdef\n").unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    let [database, file] = [dir.path().join("db/suppressd.db"), keys.clone()].map(|path| path.display().to_string());
    let text = format!(
        "database = \"{database}\"\n[mail]\nreturn-path-key-file = \"{file}\"\nreturn-path-domains = [\"example.org\"]\n"
    );
    fs::write(&config, text).unwrap();
    let check = || Command::new(SUPPRESSD).arg("--config").arg(&config).args(["config", "check"]).output().unwrap();
    let refused = check();
    assert_eq!(refused.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Permission denied"), "{refused:?}");
    chown(&keys, None, Some(nobody.gid)).unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(check().status.success());
}
