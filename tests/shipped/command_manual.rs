//! suppressd(1), the page of each command, and the completions of the shells are what the command line's definition gives.
//!
//! `make manuals` writes them anew.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::process::Command;

use clap::Arg;

use super::manuals::{generated, pages};
use super::{generator, read, run, shipped};

#[test]
fn the_files_are_what_is_generated() {
    for (path, wanted) in generator::files() {
        let found = std::fs::read_to_string(shipped(&path)).unwrap_or_default();
        assert!(found == wanted, "{path} is out of date; run: make manuals");
    }
    let of_commands: BTreeSet<_> = pages().into_iter().filter(|page| page.ends_with(".1")).collect();
    assert_eq!(of_commands, generated().collect(), "a page without a command; run: make manuals");
}

/// What has no doc comment would be a hole in the manual.
#[test]
fn every_command_option_and_value_is_explained() {
    for command in generator::commands() {
        let name = generator::name(&command);
        assert!(command.get_about().is_some(), "{name} has no doc comment");
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            assert!(arg.get_help().is_some(), "{name}: {} has no doc comment", arg.get_id());
            for value in arg.get_possible_values().iter().filter(|_| arg.get_action().takes_values()) {
                assert!(value.get_help().is_some(), "{name}: {} has no help", value.get_name());
            }
        }
    }
}

#[test]
fn a_page_has_every_option_and_command_of_its_own() {
    for command in generator::commands() {
        let page = read(&format!("man/{}.1", generator::name(&command))).replace("\\-", "-");
        let options = command.get_arguments().filter_map(Arg::get_long).map(|long| format!("--{long}"));
        for strong in options.chain(command.get_subcommands().filter(|sub| !sub.is_hide_set()).map(generator::name)) {
            assert!(page.contains(&format!("\\fB{strong}\\fR")), "{}: {strong}", generator::name(&command));
        }
    }
}

#[test]
fn what_nobody_shall_run_is_in_no_page_and_no_completion() {
    for (path, text) in generator::files() {
        assert!(!text.contains("lmtp-worker") && !text.contains("lmtp\\-worker"), "{path}");
    }
}

/// What bash offers for the last of these words.
fn completed(words: &[&str]) -> Vec<String> {
    let script = "source \"$1\"; shift; complete -p suppressd >/dev/null || exit 3
        COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMP_LINE=\"$*\"; COMP_POINT=${#COMP_LINE}
        _suppressd suppressd \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"
        printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", script, "bash"]).arg(shipped("packaging/completions/suppressd")).args(words);
    run(&mut bash).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    assert_eq!(completed(&["suppressd", "wh"]), ["why"]);
    assert_eq!(completed(&["suppressd", "config", "ch"]), ["check"]);
    assert_eq!(completed(&["suppressd", "remove", "--n"]), ["--note"]);
    assert_eq!(completed(&["suppressd", "list", "--kind", "comp"]), ["complaint"]);
    let all = completed(&["suppressd", ""]);
    for command in ["serve", "pipe", "why", "list", "add", "remove", "topics", "quarantine", "inspect", "config"] {
        assert!(all.iter().any(|word| word == command), "{command}: {all:?}");
    }
}

/// Where these shells are installed; their completions come from the same table as bash's.
#[test]
fn zsh_and_fish_can_read_their_completions() {
    for (shell, file) in [("zsh", "_suppressd"), ("fish", "suppressd.fish")] {
        let file = shipped("packaging/completions").join(file);
        match Command::new(shell).arg("-n").arg(&file).output() {
            Ok(output) => assert!(output.status.success() && output.stderr.is_empty(), "{output:?}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{shell}: {error}"),
        }
    }
}
