//! suppressd(7): each promise names a test that holds it, and that test is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{read, shipped};

/// The tests in a file or below a folder, by name.
fn tests_in(path: &Path, found: &mut BTreeSet<String>) {
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| tests_in(&entry.unwrap().path(), found));
        return;
    }
    let Ok(text) = fs::read_to_string(path) else { return };
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if line == "#[test]" || line.starts_with("#[tokio::test") {
            let function = lines.find(|line| line.contains("fn ")).unwrap();
            let name = function.split("fn ").nth(1).unwrap().split('(').next().unwrap();
            found.insert(name.to_owned());
        }
    }
}

/// `forgeries::odd_requests_are_refused`: a test of tests/forgeries.rs or below tests/forgeries/.
fn exists(named: &str) -> bool {
    let (target, name) = named.split_once("::").unwrap();
    let mut found = BTreeSet::new();
    tests_in(&shipped(&format!("tests/{target}.rs")), &mut found);
    tests_in(&shipped(&format!("tests/{target}")), &mut found);
    found.contains(name)
}

#[test]
fn each_promise_names_tests_that_are_there() {
    let page = read("man/suppressd.7");
    let (_, promises) = page.split_once(".Sh PARTIES AND PROMISES\n").unwrap();
    let (promises, rest) = promises.split_once(".Sh WHAT IS NOT PROMISED\n").unwrap();
    let promises: Vec<_> = promises.split(".It\n").skip(1).collect();
    assert!(promises.len() > 20);
    for promise in promises {
        let tests: Vec<_> = promise.lines().filter_map(|line| line.strip_prefix(".Li ")).collect();
        assert!(!tests.is_empty(), "nothing holds this: {promise}");
        for test in tests {
            assert!(exists(test), "there is no test {test}");
        }
    }
    assert!(!rest.contains("::"));
    for lie in ["forgeries::no_such_test", "nowhere::each_promise_names_tests_that_are_there", "shipped::exists"] {
        assert!(!exists(lie));
    }
}

#[test]
fn every_party_that_comes_near_has_its_place() {
    let page = read("man/suppressd.7");
    let parties: Vec<_> = page.lines().filter_map(|line| line.strip_prefix(".Ss ")).collect();
    assert_eq!(
        parties,
        [
            "A stranger on the network",
            "Another customer of AWS",
            "Whoever may publish to an allowed topic",
            "Whoever got mail from here",
            "A local user",
            "Postfix",
            "The daemon itself",
            "The administrator",
            "A thief of the disk or of a backup",
        ]
    );
}
