//! Every manual page is right mdoc(7).

use std::process::Command;

use super::{run, shipped};

const PAGES: [&str; 4] = ["suppressd.1", "suppressd.8", "suppressd.toml.5", "suppressd.db.5"];

#[test]
fn mandoc_finds_nothing_to_warn_about() {
    for page in PAGES {
        let page = shipped("man").join(page);
        let said = run(Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).arg(page));
        assert_eq!(said, "");
    }
}

#[test]
fn no_page_is_forgotten() {
    let mut found: Vec<_> =
        std::fs::read_dir(shipped("man")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    let mut pages = PAGES.to_vec();
    found.sort();
    pages.sort_unstable();
    assert_eq!(found, pages);
}

/// "Xr suppressd 8 ,": a page that we ship, or one of the system.
#[test]
fn pages_refer_to_pages_that_exist() {
    let system = [
        "pipe 8",
        "sudo 8",
        "lmtp 8",
        "postmap 1",
        "sqlite3 1",
        "sendmail 1",
        "access 5",
        "transport 5",
        "socketmap_table 5",
        "tcp_table 5",
        "systemd.service 5",
        "systemd.socket 5",
        "nginx 8",
        "syslog 3",
    ];
    for page in PAGES {
        for line in super::read(&format!("man/{page}")).lines().filter_map(|line| line.strip_prefix(".Xr ")) {
            let mut words = line.split(' ');
            let name = format!("{} {}", words.next().unwrap(), words.next().unwrap());
            let ours = PAGES.contains(&name.replace(' ', ".").as_str());
            assert!(ours || system.contains(&name.as_str()), "{page}: {name}");
        }
    }
}
