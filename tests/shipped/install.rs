//! "make install" puts everything where Debian expects it, and never touches a configuration that is there.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::manuals::pages;
use super::{SUPPRESSD, program, read, run, shipped};

fn install(root: &Path, prefix: &str) {
    let mut make = Command::new("make");
    make.current_dir(shipped("")).args(["-s", "install"]);
    // Whatever a make around this test was told.
    make.env_remove("MAKEFLAGS").env_remove("MFLAGS").env_remove("MAKELEVEL");
    run(make
        .arg(format!("BINARY={SUPPRESSD}"))
        .arg(format!("DESTDIR={}", root.display()))
        .arg(format!("PREFIX={prefix}")));
}

/// Every file below a directory, with its mode.
fn tree(root: &Path) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    let mut todo = vec![root.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                todo.push(path);
            } else {
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), mode);
            }
        }
    }
    found
}

#[test]
fn everything_is_where_debian_expects_it() {
    let root = tempfile::tempdir().unwrap();
    install(root.path(), "/usr");
    let found = tree(root.path());
    let mut wanted = BTreeMap::from([("usr/bin/suppressd".to_owned(), 0o755)]);
    let mut file = |path: &str| assert_eq!(wanted.insert(path.to_owned(), 0o644), None);
    for page in pages() {
        file(&format!("usr/share/man/man{}/{page}", page.rsplit('.').next().unwrap()));
    }
    file("usr/share/bash-completion/completions/suppressd");
    file("usr/share/zsh/vendor-completions/_suppressd");
    file("usr/share/fish/vendor_completions.d/suppressd.fish");
    for name in ["systemd/system/suppressd.service", "systemd/system/suppressd.socket", "sysusers.d/suppressd.conf"] {
        file(&format!("usr/lib/{name}"));
    }
    file("usr/lib/tmpfiles.d/suppressd.conf");
    file("etc/suppressd/suppressd.toml");
    for name in ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE", "nginx.conf", "suppressd.toml"] {
        file(&format!("usr/share/doc/suppressd/{name}"));
    }
    for entry in std::fs::read_dir(shipped("postfix")).unwrap() {
        file(&format!("usr/share/doc/suppressd/postfix/{}", entry.unwrap().file_name().to_str().unwrap()));
    }
    assert_eq!(found, wanted);
}

#[test]
fn the_installed_program_takes_the_installed_configuration() {
    let root = tempfile::tempdir().unwrap();
    install(root.path(), "/usr");
    let config = root.path().join("etc/suppressd/suppressd.toml");
    let said =
        run(Command::new(root.path().join("usr/bin/suppressd")).args(["config", "check", "--config"]).arg(&config));
    assert_eq!(said, format!("{}: no errors\n", config.display()));
}

#[test]
fn another_prefix_is_written_into_the_files_that_name_the_program() {
    let root = tempfile::tempdir().unwrap();
    install(root.path(), "/usr/local");
    let local = root.path().join("usr/local");
    for name in ["lib/systemd/system/suppressd.service", "share/doc/suppressd/postfix/pipe.master.cf"] {
        let text = std::fs::read_to_string(local.join(name)).unwrap();
        assert!(text.contains("/usr/local/bin/suppressd ") && !text.contains("/usr/bin/suppressd"), "{name}");
    }
    assert!(root.path().join("etc/suppressd/suppressd.toml").exists());
    assert!(local.join("bin/suppressd").exists());
    assert!(local.join("share/zsh/site-functions/_suppressd").exists());
}

#[test]
fn a_configuration_that_is_there_stays() {
    let root = tempfile::tempdir().unwrap();
    let config = root.path().join("etc/suppressd/suppressd.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    std::fs::write(&config, "# mine\n").unwrap();
    install(root.path(), "/usr");
    install(root.path(), "/usr");
    assert_eq!(std::fs::read_to_string(config).unwrap(), "# mine\n");
}

#[test]
fn the_licences_are_those_that_the_package_states() {
    assert!(read("Cargo.toml").contains("license = \"MIT OR Apache-2.0\""));
    assert!(read("LICENSE-MIT").contains("the suppressd authors"));
    assert!(read("LICENSE-APACHE").contains("Version 2.0, January 2004"));
}

#[test]
fn continuous_integration_runs_make_check_and_nothing_else_that_matters() {
    let script = read(".ci/run");
    assert!(script.starts_with("#!/bin/bash\n") && script.trim_end().ends_with("\nmake check"));
    let mode = std::fs::metadata(shipped(".ci/run")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111);
}

/// The script with these programs in front of a PATH without Rust.
fn install_build_deps(programs: &[(&str, &str)]) -> (bool, String) {
    let dir = tempfile::tempdir().unwrap();
    for tool in ["sh", "sed", "cut", "sort", "head", "dirname", "id", "env"] {
        let found = ["/usr/bin", "/bin"].map(|bin| Path::new(bin).join(tool)).into_iter().find(|path| path.exists());
        std::os::unix::fs::symlink(found.unwrap(), dir.path().join(tool)).unwrap();
    }
    for (name, script) in programs {
        program::script(dir.path().join(name), script);
    }
    let output = Command::new(shipped("packaging/install-build-deps")).env("PATH", dir.path()).output().unwrap();
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_missing_or_old_rust_is_told_in_one_sentence() {
    let (ok, said) = install_build_deps(&[]);
    assert!(!ok);
    assert_eq!(said, "install-build-deps: Rust 1.88 or newer is missing; install it from https://rustup.rs\n");
    let old = "echo 'rustc 1.70.0 (90c541806 2023-05-31)'";
    let (ok, said) = install_build_deps(&[("cargo", "true"), ("rustc", old)]);
    assert!(!ok);
    assert_eq!(said, "install-build-deps: Rust 1.70.0 is too old, 1.88 or newer is needed; run rustup update\n");
}

#[test]
fn where_everything_is_there_nothing_is_installed() {
    // apt-get is not even in the PATH.
    let (ok, said) = install_build_deps(&[("cargo", "true"), ("rustc", "echo 'rustc 1.88.0 (6b00bc388 2025-06-23)'")]);
    assert!(ok && said.is_empty(), "{said}");
}
