//! suppressd(1) has every command and option that the program takes, and no other.

use std::collections::BTreeSet;

use clap::{Command, CommandFactory};
use suppressd::cli::Cli;

use super::read;

/// One command of the page: the words of its heading line and the text below.
struct Entry {
    /// "topics allow".
    name: String,
    /// Options without their dashes, from the heading.
    options: BTreeSet<String>,
    /// Arguments, from the heading.
    arguments: BTreeSet<String>,
    /// Options that have a paragraph.
    explained: BTreeSet<String>,
    text: String,
}

/// The commands that a person can run, by their full names.
fn commands(command: &Command, prefix: &str, all: &mut Vec<(String, Command)>) {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let name = format!("{prefix} {}", sub.get_name()).trim().to_owned();
        commands(sub, &name, all);
        // "config" alone does nothing; "topics" alone does.
        if !sub.is_subcommand_required_set() {
            all.push((name, sub.clone()));
        }
    }
}

fn program() -> Vec<(String, Command)> {
    let mut all = Vec::new();
    commands(&Cli::command(), "", &mut all);
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn options(command: &Command) -> impl Iterator<Item = &clap::Arg> {
    command.get_arguments().filter(|arg| !arg.is_positional())
}

fn page() -> Vec<Entry> {
    let page = read("man/suppressd.1");
    let section = page.split_once(".Sh COMMANDS\n").unwrap().1.split_once("\n.Sh ").unwrap().0;
    let mut entries: Vec<_> = section.split("\n.It Cm ").skip(1).map(entry).collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
}

fn entry(text: &str) -> Entry {
    let (heading, body) = text.split_once('\n').unwrap();
    let words: Vec<_> = heading.split_whitespace().collect();
    let name: Vec<_> = words.iter().take_while(|word| word.chars().all(|c| c.is_ascii_lowercase())).copied().collect();
    // What follows "Ar" is the value of an option where an option stands before it, else an argument.
    let mut arguments = BTreeSet::new();
    for (index, word) in words.iter().enumerate().skip(name.len()) {
        let of_option = index >= 2 && words[index - 1] == "Ar" && words[index - 2].starts_with('-');
        if words[index - 1] == "Ar" && !of_option {
            arguments.insert((*word).to_owned());
        }
        assert!(!word.starts_with("--"), "write -json for --json: {heading}");
    }
    Entry {
        name: name.join(" "),
        options: words.iter().filter_map(|word| word.strip_prefix('-')).map(str::to_owned).collect(),
        arguments,
        explained: body
            .lines()
            .filter_map(|line| line.strip_prefix(".It Fl -"))
            .map(|line| line.split(' ').next().unwrap().to_owned())
            .collect(),
        text: body.to_owned(),
    }
}

#[test]
fn every_command_has_an_entry_and_every_entry_is_a_command() {
    let of_program: Vec<_> = program().into_iter().map(|(name, _)| name).collect();
    let of_page: Vec<_> = page().into_iter().map(|entry| entry.name).collect();
    assert_eq!(of_page, of_program);
}

#[test]
fn every_option_is_in_the_heading_and_has_its_paragraph() {
    for (entry, (name, command)) in page().iter().zip(program()) {
        let options: BTreeSet<_> =
            options(&command).filter(|arg| !arg.is_global_set()).filter_map(clap::Arg::get_long).collect();
        let options: BTreeSet<_> = options.into_iter().map(str::to_owned).collect();
        assert_eq!(entry.options, options, "{name}");
        assert_eq!(entry.explained, options, "{name}");
        let arguments: BTreeSet<_> = command.get_positionals().map(|arg| arg.get_id().to_string()).collect();
        assert_eq!(entry.arguments, arguments, "{name}");
    }
}

#[test]
fn every_value_that_may_be_chosen_is_named() {
    for (entry, (name, command)) in page().iter().zip(program()) {
        for value in
            command.get_opts().filter(|arg| arg.get_action().takes_values()).flat_map(clap::Arg::get_possible_values)
        {
            assert!(entry.text.contains(value.get_name()), "{name}: {}", value.get_name());
        }
    }
}

#[test]
fn global_options_are_in_a_section_of_their_own() {
    let page = read("man/suppressd.1");
    let section = page.split_once(".Sh OPTIONS\n").unwrap().1.split_once("\n.Sh ").unwrap().0;
    let mut command = Cli::command();
    command.build();
    for arg in options(&command) {
        let heading = format!(".It Fl {} , Fl -{}", arg.get_short().unwrap(), arg.get_long().unwrap());
        assert!(section.contains(&heading), "{heading}");
    }
    assert!(section.contains(suppressd::config::DEFAULT_PATH));
}
