//! Every manual page is right mdoc(7) or man(7).

use std::collections::BTreeSet;
use std::process::Command;

use super::{generator, read, run, shipped};

/// Written by hand; the others come from the definition of the command line.
const WRITTEN: [&str; 4] = ["suppressd.7", "suppressd.8", "suppressd.toml.5", "suppressd.db.5"];

pub(super) fn generated() -> impl Iterator<Item = String> {
    generator::commands().into_iter().map(|command| format!("{}.1", generator::name(&command)))
}

/// The pages that are there.
pub(super) fn pages() -> BTreeSet<String> {
    let entries = std::fs::read_dir(shipped("man")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn mandoc_finds_nothing_to_warn_about() {
    for page in pages() {
        let page = shipped("man").join(page);
        let said = run(Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).arg(page));
        assert_eq!(said, "");
    }
}

#[test]
fn no_page_is_forgotten() {
    assert_eq!(pages(), generated().chain(WRITTEN.map(str::to_owned)).collect());
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
    let pages = pages();
    for page in &pages {
        for (name, section) in references(&read(&format!("man/{page}"))) {
            let (ours, theirs) = (format!("{name}.{section}"), format!("{name} {section}"));
            assert!(pages.contains(&ours) || system.contains(&theirs.as_str()), "{page}: {theirs}");
        }
    }
}

fn references(page: &str) -> Vec<(String, u8)> {
    let of_mdoc = page.lines().filter_map(|line| {
        let mut words = line.strip_prefix(".Xr ")?.split(' ');
        Some((words.next()?.to_owned(), words.next()?.parse().unwrap()))
    });
    of_mdoc.chain(generator::references(page)).collect()
}
