//! Who may import whom: the modules of `src/`, read for their `crate::` paths and held against one table.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A module and what it may use of the others. A module stands below those that use it.
const MAY_USE: &[(&str, &[&str])] = &[
    ("address", &[]),
    ("status", &[]),
    ("log_limit", &[]),
    ("outcome", &[]),
    ("socket", &[]),
    ("topic", &[]),
    ("return_path", &["address", "event"]),
    ("event", &["address", "status"]),
    ("policy", &["address", "event"]),
    ("store", &["address", "event", "policy", "status"]),
    ("lookup", &["address", "event", "log_limit", "outcome", "policy", "return_path", "socket", "status", "store"]),
    ("exchange", &["address", "event", "outcome", "status", "store"]),
    ("tables", &["lookup", "store"]),
    ("config", &["address", "event", "lookup", "policy", "return_path", "socket", "store", "topic"]),
    ("telemetry", &["address", "config", "event", "lookup", "outcome", "policy", "status", "store"]),
    (
        "ingress",
        &[
            "address",
            "config",
            "event",
            "log_limit",
            "outcome",
            "policy",
            "return_path",
            "socket",
            "status",
            "store",
            "telemetry",
            "topic",
        ],
    ),
    (
        "server",
        &[
            "config",
            "ingress",
            "log_limit",
            "lookup",
            "policy",
            "return_path",
            "socket",
            "store",
            "tables",
            "telemetry",
        ],
    ),
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
            "topic",
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
        assert_eq!(strangers.collect::<Vec<_>>(), Vec::<&PathBuf>::new(), "{library}");
    }
}

#[test]
fn no_code_of_ours_is_unsafe() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(top.join("Cargo.toml")).unwrap();
    assert!(manifest.contains("\n[lints.rust]\n") && manifest.contains("\nunsafe_code = \"forbid\"\n"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches"] {
        walk(&top.join(folder), &mut files);
    }
    assert!(files.len() > 100);
    // A file that allows what it can't use would not compile; this finds those that nobody compiles.
    let found = |word: &str, file: &&PathBuf| fs::read_to_string(file).unwrap().contains(word);
    for word in [concat!("unsafe", " {"), concat!("unsafe", " fn"), concat!("unsafe", " impl")] {
        assert_eq!(files.iter().filter(|file| found(word, file)).collect::<Vec<_>>(), Vec::<&PathBuf>::new(), "{word}");
    }
}

/// Names in the first column of the tables in packaging/DEPENDENCIES.md; each has a reason behind it.
fn reasoned(document: &str) -> BTreeSet<String> {
    let rows = document.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    let rows = rows.filter(|(name, _)| *name != "crate");
    rows.inspect(|(name, reason)| assert!(reason.len() > 10, "{name}")).map(|(name, _)| name.to_owned()).collect()
}

/// Names under a heading of Cargo.toml.
fn listed(manifest: &str, heading: &str) -> BTreeSet<String> {
    let (_, section) = manifest.split_once(&format!("\n[{heading}]\n")).unwrap();
    let section = section.split("\n[").next().unwrap();
    section.lines().filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect()
}

#[test]
fn each_dependency_is_there_for_a_reason() {
    let read = |path: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let (manifest, document) = (read("Cargo.toml"), read("packaging/DEPENDENCIES.md"));
    let (used, for_tests) = document.split_once("For tests").unwrap();
    assert_eq!(listed(&manifest, "dependencies"), reasoned(used));
    assert_eq!(listed(&manifest, "dev-dependencies"), reasoned(for_tests));
    assert!(!manifest.contains("[patch") && !manifest.contains("git = ") && !manifest.contains("path = \"../"));

    let lock = read("Cargo.lock");
    let values = |name: &str| {
        let prefix = format!("{name} = \"");
        lock.lines()
            .filter_map(|line| Some(line.strip_prefix(&prefix)?.trim_end_matches('"').to_owned()))
            .collect::<Vec<_>>()
    };
    let sources: BTreeSet<_> = values("source").into_iter().collect();
    assert_eq!(sources, BTreeSet::from(["registry+https://github.com/rust-lang/crates.io-index".to_owned()]));
    assert_eq!(values("checksum").len(), values("source").len(), "each crate has its checksum");
    let (mut once, mut twice) = (BTreeSet::new(), BTreeSet::new());
    for name in values("name") {
        if !once.insert(name.clone()) {
            twice.insert(name);
        }
    }
    let sentence = document.split_once("below other crates:\n").unwrap().1.split_once('.').unwrap().0;
    assert_eq!(twice, sentence.split(", ").map(str::to_owned).collect(), "crates in two versions");
}

/// An SPDX expression of the simple kind, `(A OR B) AND C`.
fn is_allowed(expression: &str, allowed: &str) -> bool {
    let one = |licence: &str| allowed.contains(&format!("\n  \"{licence}\",\n"));
    let any = |part: &str| part.trim_matches(['(', ')']).split(" OR ").any(one);
    expression.replace('/', " OR ").split(" AND ").all(any)
}

#[test]
fn each_crate_has_a_licence_that_is_allowed() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cargo = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO")).current_dir(top).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    // Others may never have been downloaded.
    let version = cargo(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let options = ["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", host];
    let metadata = cargo(&options);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let allowed = fs::read_to_string(top.join("packaging/deny.toml")).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages {
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(is_allowed(licence, &allowed), "{}: {licence}", package["name"]);
    }
    assert!(!is_allowed("GPL-3.0-only", &allowed) && !is_allowed("MIT AND GPL-3.0-only", &allowed));
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

fn walk(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| walk(&entry.unwrap().path(), files));
    } else if path.exists()
        && path.extension().is_some_and(|extension| extension == "rs")
        && !path.ends_with("tests.rs")
    {
        files.push(path.to_owned());
    }
}
