//! `[[stream]]`: the one section that may stand in a file several times.

use toml_edit::{Item, Table};

use super::{STREAM, Source};
use crate::policy::Stream;
use crate::policy::stream::is_name;

/// Reads all streams; what is wrong is noted, and the stream left out.
pub(super) fn read(source: &mut Source<'_>) -> Option<Vec<Stream>> {
    let tables = match source.document.get(STREAM) {
        None => return Some(Vec::new()),
        Some(Item::ArrayOfTables(tables)) => tables.iter().cloned().collect::<Vec<_>>(),
        Some(other) => {
            source.note(other.span(), "stream: write [[stream]] above the settings of each");
            return Some(Vec::new());
        }
    };
    let mut streams: Vec<Stream> = Vec::new();
    for table in &tables {
        let stream = one(source, table)?;
        let at = table.get("name").and_then(Item::span).or(table.span());
        match wrong(&stream, &streams) {
            Some(what) => source.note(at, &what),
            None => streams.push(stream),
        }
    }
    Some(streams)
}

fn one(source: &mut Source<'_>, table: &Table) -> Option<Stream> {
    let name: Option<String> = source.value(table.get("name"), STREAM, "name")?;
    Some(Stream {
        name: name.unwrap_or_default(),
        senders: source.value(table.get("senders"), STREAM, "senders")?,
        sasl_users: source.value(table.get("sasl-users"), STREAM, "sasl-users")?,
        headers: source.value(table.get("headers"), STREAM, "headers")?,
    })
}

fn wrong(stream: &Stream, before: &[Stream]) -> Option<String> {
    let Stream { name, .. } = stream;
    if name.is_empty() {
        return Some("stream.name: each stream needs one".into());
    }
    if !is_name(name) {
        let shown = crate::event::printable(name, 60);
        return Some(format!("stream.name: \"{shown}\" is not a name; write small letters, digits, - and _"));
    }
    before.iter().any(|other| other.name == *name).then(|| format!("stream.name: there are two streams {name}"))
}
