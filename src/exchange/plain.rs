//! A list of addresses, one a line: `user@domain`, `Name <user@domain>`, `@domain`, `@.domain` for its subdomains. What
//! stands behind ` #` is a comment; a line that is one, or empty, is left out.

use super::row::{entry, taken};
use super::{Form, Format, Reading, Taken, Wishes};
use crate::event::{Kind, Reason};

pub(super) const FORMAT: Format = Format {
    name: "plain",
    about: "addresses or domains, one a line",
    form: Form::Lines { continued: false, entry: read },
};

fn read(line: &str, _: &Wishes) -> Reading {
    let text = line.split_once(" #").map_or(line, |(text, _)| text).trim();
    // A table with one column has a heading.
    if ["email", "e-mail", "address"].iter().any(|heading| text.trim_matches('"').eq_ignore_ascii_case(heading)) {
        return Ok(Taken::Skipped("heading"));
    }
    taken(entry(text, Kind::Added, Reason::Manual)?)
}
