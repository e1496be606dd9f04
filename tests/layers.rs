//! Who may import whom: the modules of `src/`, read for their `crate::` paths and held against one table.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A module and what it may use of the others. A module stands below those that use it.
const MAY_USE: &[(&str, &[&str])] = &[
    ("address", &[]),
    ("status", &[]),
    ("outcome", &[]),
    ("socket", &[]),
    ("return_path", &["address", "event"]),
    ("event", &["address", "status"]),
    ("policy", &["address", "event"]),
    ("store", &["address", "event", "policy", "status"]),
    ("lookup", &["address", "event", "outcome", "policy", "return_path", "socket", "status", "store"]),
    ("exchange", &["address", "event", "outcome", "status", "store"]),
    ("tables", &["lookup", "store"]),
    ("config", &["event", "lookup", "policy", "return_path", "socket", "store"]),
    ("telemetry", &["address", "config", "event", "lookup", "outcome", "policy", "status", "store"]),
    (
        "ingress",
        &["address", "config", "event", "outcome", "policy", "return_path", "socket", "status", "store", "telemetry"],
    ),
    ("server", &["config", "ingress", "lookup", "policy", "return_path", "socket", "store", "tables", "telemetry"]),
    (
        "cli",
        &[
            "address",
            "config",
            "event",
            "exchange",
            "ingress",
            "lookup",
            "outcome",
            "policy",
            "server",
            "store",
            "tables",
            "telemetry",
        ],
    ),
];

#[test]
fn no_module_uses_one_above_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = BTreeSet::new();
    for (module, allowed) in MAY_USE {
        let mut used = BTreeSet::new();
        collect(&source.join(module), &mut used);
        collect(&source.join(format!("{module}.rs")), &mut used);
        used.remove(*module);
        wrong.extend(used.iter().filter(|u| !allowed.contains(&u.as_str())).map(|u| format!("{module} uses {u}")));
    }
    assert_eq!(wrong, BTreeSet::new());
}

#[test]
fn every_module_is_in_the_table() {
    let library = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let modules: BTreeSet<_> =
        library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(modules, MAY_USE.iter().map(|(module, _)| *module).collect());
}

/// What stays behind its door: a word of a library, and the only folders that may say it.
#[test]
fn libraries_stay_behind_their_doors() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (library, home) in [
        ("rusqlite::", &["store"][..]),
        ("mail_parser::", &["ingress/mail"]),
        ("openssl::", &["ingress/sns", "ingress/mail", "return_path", "store/forgotten.rs"]),
        ("hyper::", &["ingress/http", "server/admin.rs"]),
        ("toml_edit::", &["config"]),
    ] {
        let mut files = Vec::new();
        walk(&source, &mut files);
        let strangers = files.iter().filter(|file| {
            let inside = home.iter().any(|home| file.starts_with(source.join(home)));
            !inside && fs::read_to_string(file).unwrap().contains(library)
        });
        assert_eq!(strangers.collect::<Vec<_>>(), Vec::<&std::path::PathBuf>::new(), "{library}");
    }
}

fn collect(path: &Path, used: &mut BTreeSet<String>) {
    let mut files = Vec::new();
    walk(path, &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for rest in text.split("crate::").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            let is_module = MAY_USE.iter().any(|(module, _)| *module == name);
            used.extend(Some(name).filter(|_| is_module));
        }
    }
}

fn walk(path: &Path, files: &mut Vec<std::path::PathBuf>) {
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| walk(&entry.unwrap().path(), files));
    } else if path.exists()
        && path.extension().is_some_and(|extension| extension == "rs")
        && !path.ends_with("tests.rs")
    {
        files.push(path.to_owned());
    }
}
