//! `suppressd export`: the list as CSV, JSON, or a table for Postfix.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use jiff::Timestamp;

use super::list::kinds;
use super::{Failure, json, now, open_of};
use crate::config::Config;
use crate::exchange::{self, CSV_HEADER, Exported};
use crate::lookup::Map;
use crate::store::{Selection, Store, TableEntry};
use crate::tables::{self, Answers, Form, TableError};

/// Print the list, or write it into a file
///
/// CSV and JSON are what "import" takes: every entry in force, with its stream. The other forms are tables that Postfix
/// reads by itself, and answer what the socketmap would answer now, in the same words: cdb and lmdb for "transport_maps =
/// cdb:/path/transport", access and transport as text for postmap(1). What an allow entry beats is not in them. A file is
/// replaced as a whole and keeps its mode and owner. The daemon keeps such files fresh by itself, see section
/// "export" of suppressd.toml(5). Postfix looks up more in a file than in a socketmap: with recipient_delimiter, an
/// entry for bob@example.com also holds for bob+tag@example.com. In an access table a domain also stands for its
/// subdomains, and ".domain" for nothing, unless smtpd_access_maps is taken out of parent_domain_matches_subdomains. Text has
/// no form for an address that begins with #, which postmap(1) takes for a comment: such addresses are left out, and
/// counted on the standard error.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The form; else what the file's name stands for: csv, json, cdb or lmdb
    #[arg(long, value_enum)]
    format: Option<Output>,
    /// What a cdb or lmdb file is for
    #[arg(long, value_enum, default_value = "transport")]
    map: MapName,
    /// Write this file instead of the standard output, and replace it as a whole
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only entries of this kind
    #[arg(long, value_parser = kinds())]
    kind: Option<String>,
    /// Only entries of this stream; for a table, those of all mail too
    #[arg(long)]
    stream: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// CSV (RFC 4180) with a heading
    Csv,
    /// One JSON object a line
    Json,
    /// Text of a Postfix access(5) table
    Access,
    /// Text of a Postfix transport(5) table
    Transport,
    /// A constant database for Postfix
    Cdb,
    /// An LMDB database for Postfix
    Lmdb,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MapName {
    /// For check_recipient_access
    Access,
    /// For transport_maps
    Transport,
}

pub(super) fn run(args: &Args, config: &Config, out: &mut dyn Write) -> Result<u8, Failure> {
    let store = open_of(config)?;
    let selection = Selection { kind: args.kind.clone(), stream: args.stream.clone() };
    let list = List { store: &store, selection, now: now() };
    let answers = |map| Answers { map, mode: config.lookup.mode };
    let map = match args.map {
        MapName::Access => Map::Access,
        MapName::Transport => Map::Transport,
    };
    match (args.form(), args.output.as_deref()) {
        (Output::Csv, path) => list.rows(path, out, CSV_HEADER, |stream, entry, out| {
            Ok(writeln!(out, "{}", exchange::csv_line(stream, entry))?)
        })?,
        (Output::Json, path) => {
            list.rows(path, out, "", |stream, entry, out| json(out, &Exported::new(stream, entry)))?;
        }
        (Output::Access, path) => list.table(path, Form::Text, answers(Map::Access), out)?,
        (Output::Transport, path) => list.table(path, Form::Text, answers(Map::Transport), out)?,
        (Output::Cdb, Some(path)) => list.table(Some(path), Form::Cdb, answers(map), out)?,
        (Output::Lmdb, Some(path)) => list.table(Some(path), Form::Lmdb, answers(map), out)?,
        (Output::Cdb | Output::Lmdb, None) => {
            return Err(Failure::Usage("a database goes into a file; name it with --output".into()));
        }
    }
    Ok(0)
}

impl Args {
    fn form(&self) -> Output {
        let suffix = self.output.as_deref().and_then(Path::extension).and_then(|suffix| suffix.to_str());
        self.format.unwrap_or(match suffix {
            Some("json" | "jsonl") => Output::Json,
            Some("cdb") => Output::Cdb,
            Some("lmdb") => Output::Lmdb,
            _ => Output::Csv,
        })
    }
}

struct List<'a> {
    store: &'a Store,
    selection: Selection,
    now: Timestamp,
}

impl List<'_> {
    fn table(&self, path: Option<&Path>, form: Form, answers: Answers, out: &mut dyn Write) -> Result<(), Failure> {
        let source = |each: &mut dyn FnMut(TableEntry<'_>) -> bool| self.store.table(&self.selection, self.now, each);
        let written = match path {
            Some(path) => tables::write(path, form, answers, &source),
            None => {
                let mut out = BufWriter::new(out);
                tables::print(&mut out, answers, &source).and_then(|left_out| flush(&mut out).map(|()| left_out))
            }
        };
        match tables::missing(written.map_err(failure)?) {
            Some(what) => Ok(writeln!(std::io::stderr(), "suppressd: {what}")?),
            None => Ok(()),
        }
    }

    fn rows(
        &self,
        path: Option<&Path>,
        out: &mut dyn Write,
        heading: &str,
        write: impl Fn(&str, &crate::store::Suppression, &mut dyn Write) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let print = |out: &mut dyn Write| -> Result<(), Failure> {
            let mut out = BufWriter::new(out);
            if !heading.is_empty() {
                writeln!(out, "{heading}")?;
            }
            let mut failed = Ok(());
            self.store.export(&self.selection, self.now, |stream, entry| {
                failed = write(stream, &entry, &mut out);
                failed.is_ok()
            })?;
            failed?;
            Ok(out.flush()?)
        };
        let Some(path) = path else { return print(out) };
        let mut failed = Ok(());
        let replaced = tables::replace(path, |mut file| {
            failed = print(&mut file);
            if failed.is_ok() { Ok(()) } else { Err(std::io::Error::other("not written")) }
        });
        failed?;
        replaced.map_err(|error| failure(TableError::Io(path.to_owned(), error)))
    }
}

fn flush(out: &mut impl Write) -> Result<(), TableError> {
    out.flush().map_err(|error| TableError::Io(PathBuf::new(), error))
}

fn failure(error: TableError) -> Failure {
    match error {
        TableError::Store(error) => error.into(),
        TableError::Io(path, error) if path.as_os_str().is_empty() => Failure::Output(error),
        TableError::Io(path, error) => Failure::Usage(format!("cannot write {}: {error}", path.display())),
    }
}
