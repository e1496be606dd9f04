//! The manual pages suppressd(1) and suppressd-VERB(1) and the completions of three shells, from the one definition of the
//! command line: `make manuals` writes them, and a test holds them equal.
//!
//! A command's page is its doc comment, paragraph by paragraph. The first is the summary. One that begins with `suppressd ` is an
//! example, explained by the paragraph before it; one that begins with `Exit status` goes to that section; the others are the
//! description. `pipe(8)` refers to a page and is listed under SEE ALSO, `--option` is an option.
#![allow(clippy::expect_used, reason = "what is generated here is text, and memory takes it")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::{Arg, Command};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use suppressd::cli;
use suppressd::config::DEFAULT_PATH;

/// When the text was last changed in more than words.
const DATE: &str = "2026-11-26";

/// What a command ends with.
const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "It is done. Of suppressd-why(1): the address is suppressed."),
    ("1", "Of suppressd-why(1): the address is not suppressed. Of others: what was named is not there."),
    ("2", "Trouble, or wrong usage."),
    ("75", "Of suppressd-pipe(1), and the only one beside 0: Postfix shall come back."),
    ("78", "The configuration is wrong."),
];

/// What the program reads and writes.
const FILES: &[(&str, &str)] = &[
    (DEFAULT_PATH, "The configuration; see suppressd.toml(5)."),
    ("/var/lib/suppressd/suppressd.db", "The database; see suppressd.db(5)."),
];

#[allow(dead_code, reason = "not for the test that includes this file")]
fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for page in std::fs::read_dir(root.join("man"))?.filter_map(Result::ok).map(|entry| entry.path()) {
        if page.extension().is_some_and(|section| section == "1") {
            std::fs::remove_file(page)?;
        }
    }
    files().into_iter().try_for_each(|(path, text)| std::fs::write(root.join(path), text))
}

/// Every generated file: its path from the root of the source, and its text.
pub fn files() -> BTreeMap<String, String> {
    let pages = commands().into_iter().map(|command| (format!("man/{}.1", name(&command)), page(&command)));
    let shells = [(Shell::Bash, "suppressd"), (Shell::Zsh, "_suppressd"), (Shell::Fish, "suppressd.fish")];
    let completions =
        shells.into_iter().map(|(shell, file)| (format!("packaging/completions/{file}"), completion(shell)));
    pages.chain(completions).collect()
}

/// The program itself and each command that a person can run, as clap has them when it parses.
pub fn commands() -> Vec<Command> {
    let mut program = cli::command();
    program.build();
    let mut all = vec![program];
    let mut next = 0;
    while let Some(command) = all.get(next).cloned() {
        all.extend(visible(&command).cloned());
        next += 1;
    }
    all
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
}

/// `suppressd-topics-allow`.
pub fn name(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn completion(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut without_hidden(&cli::command()), "suppressd", &mut script);
    String::from_utf8(script).expect("completions are UTF-8")
}

/// clap can hide a command, but its completions show it.
fn without_hidden(command: &Command) -> Command {
    // clap takes names only that live for ever.
    let copy = Command::new(&*command.get_name().to_owned().leak()).disable_help_subcommand(true);
    let copy = copy.about(command.get_about().cloned().unwrap_or_default()).args(command.get_arguments());
    let copy = copy.subcommands(visible(command).map(without_hidden));
    if command.get_version().is_some() { copy.version(env!("CARGO_PKG_VERSION")) } else { copy }
}

/// What stands in the doc comment of a command.
#[derive(Default)]
struct Text {
    description: Vec<String>,
    exit_status: Vec<String>,
    /// What each is for, and what to type.
    examples: Vec<(String, String)>,
}

impl Text {
    fn of(command: &Command) -> Self {
        let about = command.get_long_about().map(ToString::to_string).unwrap_or_default();
        let mut text = Self::default();
        for paragraph in about.split("\n\n").skip(1).map(|paragraph| paragraph.replace('\n', " ")) {
            if paragraph.starts_with("suppressd ") && !paragraph.ends_with('.') {
                text.examples.push((text.description.pop().unwrap_or_default(), paragraph));
            } else if paragraph.starts_with("Exit status") {
                text.exit_status.push(paragraph);
            } else {
                text.description.push(paragraph);
            }
        }
        text
    }
}

fn page(command: &Command) -> String {
    let (text, is_program) = (Text::of(command), command.get_version().is_some());
    let mut roff = Roff::new();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    roff.control("SH", ["NAME"]).text([roman(format!("{} - {}", name(command), uncapitalised(&about)))]);
    roff.control("SH", ["SYNOPSIS"]).text(synopsis(command));
    roff.control("SH", ["DESCRIPTION"]);
    let description = if text.description.is_empty() { vec![format!("{about}.")] } else { text.description };
    paragraphs(&mut roff, "PP", &description);
    roff.control("SH", ["OPTIONS"]);
    let (arguments, options): (Vec<_>, Vec<_>) =
        command.get_arguments().filter(|arg| !arg.is_hide_set()).partition(|arg| arg.is_positional());
    arguments.into_iter().chain(options).for_each(|arg| option(&mut roff, arg));
    if visible(command).next().is_some() {
        roff.control("SH", ["COMMANDS"]);
        let line = |sub: &Command| (format!("{}(1)", name(sub)), format!("{}.", sub.get_about().expect("a summary")));
        visible(command).map(line).for_each(|(name, about)| entry(&mut roff, referring(&name), &about));
    }
    exit_status(&mut roff, &text.exit_status, is_program);
    if is_program {
        roff.control("SH", ["FILES"]);
        FILES.iter().for_each(|(path, what)| entry(&mut roff, vec![italic(*path)], what));
    }
    let all = || commands().iter().flat_map(|command| Text::of(command).examples).collect();
    examples(&mut roff, &if is_program { all() } else { text.examples });
    let body = roff.to_roff();
    let see_also = see_also(command, &body);
    format!("{}{body}{see_also}", title(command))
}

fn title(command: &Command) -> String {
    let mut title = Vec::new();
    let source = format!("suppressd {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).date(DATE).source(source).manual("User Commands");
    man.render_title(&mut title).expect("memory takes it");
    let title = String::from_utf8(title).expect("a title is UTF-8");
    let title = title.lines().find(|line| line.starts_with(".TH")).unwrap_or_default();
    format!(".\\\" Generated by \"make manuals\" from the doc comments of src/cli; change those.\n{title}\n")
}

fn synopsis(command: &Command) -> Vec<Inline> {
    let mut line = vec![bold(command.get_bin_name().unwrap_or("suppressd"))];
    let config_too = command.get_version().is_some();
    let is_own = |arg: &&Arg| !is_everywhere(arg) || config_too && arg.get_id() == "config";
    let own = command.get_arguments().filter(|arg| !arg.is_hide_set()).filter(is_own);
    let (arguments, options): (Vec<_>, Vec<_>) = own.partition(|arg| arg.is_positional());
    for option in options {
        line.extend([roman(" ["), bold(format!("--{}", option.get_long().unwrap_or_default()))]);
        line.extend(value(option).into_iter().flat_map(|value| [roman(" "), italic(value)]));
        line.push(roman("]"));
    }
    for argument in arguments {
        let (open, close) = if argument.is_required_set() { (" ", "") } else { (" [", "]") };
        let many = argument.get_num_args().is_some_and(|range| range.max_values() > 1);
        let dots = if many { " ..." } else { "" };
        line.extend([roman(open), italic(value(argument).unwrap_or_default()), roman(format!("{dots}{close}"))]);
    }
    if visible(command).next().is_some() {
        let (open, close) = if command.is_subcommand_required_set() { (" ", "") } else { (" [", "]") };
        line.extend([roman(open), italic("command"), roman(" ..."), roman(close)]);
    }
    line
}

fn is_everywhere(arg: &Arg) -> bool {
    ["help", "version", "config"].contains(&arg.get_id().as_str())
}

fn value(arg: &Arg) -> Option<String> {
    let names = arg.get_value_names().filter(|_| arg.get_action().takes_values())?;
    Some(names.join(" ").to_lowercase())
}

fn option(roff: &mut Roff, arg: &Arg) {
    let mut heading = Vec::new();
    heading.extend(arg.get_short().map(|short| [bold(format!("-{short}")), roman(", ")]).into_iter().flatten());
    heading.extend(arg.get_long().map(|long| bold(format!("--{long}"))));
    let space = if arg.is_positional() { "" } else { " " };
    heading.extend(value(arg).into_iter().flat_map(|value| [roman(space), italic(value)]));
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut help: Vec<_> = help.split("\n\n").map(|paragraph| sentence(&paragraph.replace('\n', " "))).collect();
    let defaults = arg
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy())
        .filter(|_| !arg.is_hide_default_value_set());
    let default = defaults.collect::<Vec<_>>().join(" ");
    if !default.is_empty() && arg.get_action().takes_values() {
        help.push(format!("Default: {default}."));
    }
    entry(roff, heading, &help.remove(0));
    if !help.is_empty() {
        paragraphs(roff, "IP", &help);
    }
    let takes_values = arg.get_action().takes_values();
    let values: Vec<_> = arg.get_possible_values().into_iter().filter(|v| takes_values && !v.is_hide_set()).collect();
    if !values.is_empty() {
        roff.control("RS", []);
        for value in values {
            let help = value.get_help().map(ToString::to_string).unwrap_or_default();
            entry(roff, vec![bold(value.get_name())], &sentence(&help));
        }
        roff.control("RE", []);
    }
}

fn exit_status(roff: &mut Roff, own: &[String], is_program: bool) {
    if own.is_empty() && !is_program {
        return;
    }
    roff.control("SH", ["EXIT STATUS"]);
    if is_program {
        EXIT_STATUS.iter().for_each(|(status, what)| entry(roff, vec![bold(*status)], what));
        return;
    }
    paragraphs(roff, "PP", own);
    roff.text(referring("The whole table is in suppressd(1)."));
}

fn examples(roff: &mut Roff, examples: &[(String, String)]) {
    if examples.is_empty() {
        return;
    }
    roff.control("SH", ["EXAMPLES"]);
    for (at, (what, typed)) in examples.iter().enumerate() {
        if at > 0 {
            roff.control("PP", []);
        }
        roff.text(referring(what));
        roff.control("PP", []).control("RS", ["4"]).control("nf", []).text([roman(typed.as_str())]);
        roff.control("fi", []).control("RE", []);
    }
}

/// The pages above and below, and those that the text refers to.
fn see_also(command: &Command, body: &str) -> String {
    let mut found: BTreeSet<_> = references(body).into_iter().map(|(name, section)| (section, name)).collect();
    let above = name(command);
    let above = above.rsplit_once('-').map_or("suppressd", |(above, _)| above);
    found.extend([(1, "suppressd".to_owned()), (1, above.to_owned()), (8, "suppressd".to_owned())]);
    found.remove(&(1, name(command)));
    let all: Vec<_> = found.into_iter().map(|(section, name)| format!("{name}({section})")).collect();
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]).text(referring(&all.join(", ")));
    roff.to_roff()
}

/// What a page refers to: `\fBname\fR(section)`.
pub fn references(page: &str) -> Vec<(String, u8)> {
    let plain = page.replace("\\-", "-");
    let each = plain.split("\\fB").skip(1).filter_map(|text| {
        let (name, rest) = text.split_once("\\fR(")?;
        Some((name.to_owned(), rest.get(..1)?.parse().ok()?))
            .filter(|_| !name.contains('\\') && rest.get(1..2) == Some(")"))
    });
    each.collect()
}

fn entry(roff: &mut Roff, heading: Vec<Inline>, text: &str) {
    roff.control("TP", []).text(heading).text(referring(text));
}

fn paragraphs(roff: &mut Roff, between: &str, texts: &[String]) {
    for (at, text) in texts.iter().enumerate() {
        if at > 0 || between == "IP" {
            roff.control(between, []);
        }
        roff.text(referring(text));
    }
}

/// A text with its references to pages and its options in bold.
fn referring(text: &str) -> Vec<Inline> {
    let mut inlines = Vec::new();
    for (at, word) in text.split(' ').enumerate() {
        inlines.extend((at > 0).then(|| roman(" ")));
        let name_end = word.find('(').filter(|at| *at > 0 && word.get(at + 2..at + 3) == Some(")"));
        let option_end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(word.len());
        let end = name_end.unwrap_or(if word.starts_with("--") { option_end } else { 0 });
        let (strong, rest) = word.split_at(end);
        inlines.extend((end > 0).then(|| bold(strong)));
        inlines.push(roman(rest));
    }
    inlines
}

/// With the full stop that clap takes from a summary.
fn sentence(text: &str) -> String {
    if text.ends_with(['.', '?', ':']) { text.to_owned() } else { format!("{text}.") }
}

fn uncapitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
