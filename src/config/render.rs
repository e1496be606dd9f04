//! The configuration in other forms, from the same table: sample file, manual page section, effective values.

use std::fmt::Write as _;

use toml_edit::{Document, Item, TableLike, Value};

use super::secret::without_password;
use super::{PARAMETERS, Parameter, SECTIONS, STREAM, parameters};

/// Columns of the sample file.
const WIDTH: usize = 100;

/// The sample file: every parameter with its default or an example, commented out.
#[must_use]
pub fn sample() -> String {
    let mut out = String::from(
        "# Configuration of suppressd. See suppressd.toml(5).\n\
         # What stands here behind \"#\" is the default, or an example where it says so; take the \"#\" away to change it. Check\n\
         # with \"suppressd config check\".\n",
    );
    for (section, about) in SECTIONS {
        out.push('\n');
        out.push_str(&comment(about));
        let _ = match *section {
            "" => Ok(()),
            STREAM => writeln!(out, "#[[{section}]]"),
            _ => writeln!(out, "[{section}]"),
        };
        for parameter in PARAMETERS.iter().filter(|p| p.section == *section) {
            out.push('\n');
            out.push_str(&comment(parameter.text));
            let (value, is_example) = shown(parameter);
            let _ = match parameter.default {
                _ if !is_example => Ok(()),
                "" | "[]" => writeln!(out, "# Example; by default there is none."),
                default => writeln!(out, "# Example; the default is {default}."),
            };
            let _ = writeln!(out, "#{} = {value}", parameter.name);
        }
    }
    out
}

/// The parameters as the body of suppressd.toml(5), in mdoc(7).
#[must_use]
pub fn manual() -> String {
    let mut out = String::new();
    for (section, about) in SECTIONS {
        let heading = match *section {
            "" => "TOP OF THE FILE".to_owned(),
            STREAM => format!("[[{section}]]"),
            _ => format!("[{section}]"),
        };
        let _ = writeln!(out, ".Ss {heading}\n{}", sentences(about));
        out.push_str(".Bl -tag -width Ds\n");
        for parameter in PARAMETERS.iter().filter(|p| p.section == *section) {
            let _ =
                writeln!(out, ".It Ic {} No = Ar {}", parameter.name, roff(&parameter.syntax.replace('"', "\\(dq")));
            let _ = writeln!(out, "{}", sentences(parameter.text));
            let _ = match parameter.default {
                "" => writeln!(out, "Not set by default."),
                default => writeln!(out, "Default:\n.Li {}", roff(&default.replace('"', "\\(dq"))),
            };
            if !parameter.example.is_empty() && parameter.example != parameter.default {
                let _ = writeln!(out, ".br\nExample:\n.Li {}", roff(&parameter.example.replace('"', "\\(dq")));
            }
        }
        out.push_str(".El\n");
    }
    out
}

/// Every parameter with the value that a file gives it, marked where that is the default.
#[must_use]
pub fn show(text: &str) -> String {
    let Ok(document) = Document::parse(text) else { return String::new() };
    let profile =
        section(document.as_table(), "policy").and_then(|table| Some(table.get("profile")?.as_str()?.to_owned()));
    let profile = profile.unwrap_or_default();
    let mut out = String::new();
    for (name, _) in SECTIONS.iter().filter(|(name, _)| *name != STREAM) {
        if !name.is_empty() {
            let _ = writeln!(out, "\n[{name}]");
        }
        show_section(&mut out, name, section(document.as_table(), name), &profile);
    }
    for table in document.get(STREAM).and_then(Item::as_array_of_tables).into_iter().flatten() {
        let _ = writeln!(out, "\n[[{STREAM}]]");
        show_section(&mut out, STREAM, Some(table), &profile);
    }
    out
}

fn show_section(out: &mut String, section: &str, table: Option<&dyn TableLike>, profile: &str) {
    for parameter in PARAMETERS.iter().filter(|p| p.section == section) {
        let written = table.and_then(|table| written(table, parameter.name));
        let default = parameters::default(profile, section, parameter.name).unwrap_or_default();
        let _ = match (written, default) {
            (Some(value), _) if parameter.syntax == "URL" => {
                writeln!(out, "{} = {}", parameter.name, without_password(&value))
            }
            (Some(value), _) => writeln!(out, "{} = {value}", parameter.name),
            (None, "") => writeln!(out, "# {} is not set", parameter.name),
            (None, default) => writeln!(out, "{} = {default}  # default", parameter.name),
        };
    }
}

fn section<'a>(root: &'a dyn TableLike, section: &str) -> Option<&'a dyn TableLike> {
    let mut table = root;
    for part in section.split('.').filter(|part| !part.is_empty()) {
        table = table.get(part)?.as_table_like()?;
    }
    Some(table)
}

fn written(table: &dyn TableLike, name: &str) -> Option<String> {
    let mut value = table.get(name).cloned().map(Item::into_value)?.ok()?;
    on_one_line(&mut value);
    Some(value.to_string().trim().replace('\n', " "))
}

/// Gives texts of several lines the form that has one.
fn on_one_line(value: &mut Value) {
    match value {
        Value::String(text) if text.to_string().contains('\n') => {
            let escaped: String = text.value().chars().map(escaped).collect();
            if let Ok(text) = format!("\"{escaped}\"").parse() {
                *value = text;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(on_one_line),
        Value::InlineTable(values) => values.iter_mut().for_each(|(_, value)| on_one_line(value)),
        _ => {}
    }
}

/// A character of a basic string of TOML.
fn escaped(c: char) -> String {
    match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    }
}

/// What the sample file has, and whether that is an example and not the default.
fn shown(parameter: &Parameter) -> (&'static str, bool) {
    match parameter.example {
        "" => (parameter.default, false),
        example => (example, example != parameter.default),
    }
}

/// A comment of the sample file, wrapped at words.
fn comment(text: &str) -> String {
    let mut lines = vec![String::from("#")];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("# {word}")),
        }
    }
    lines.join("\n") + "\n"
}

/// Text for mdoc: a backslash that starts an escape stays, a dot at the start of a line is guarded.
fn roff(text: &str) -> String {
    if text.starts_with('.') { format!("\\&{text}") } else { text.to_owned() }
}

/// mdoc(7) wants each sentence on a line of its own.
fn sentences(text: &str) -> String {
    text.split(". ").map(roff).collect::<Vec<_>>().join(".\n")
}
