//! The configuration: one file, read whole, checked whole.
//!
//! Every error of a file is reported at once, each with its line, what is wrong and what to write instead. An unknown
//! name is an error. Nothing is applied from a file that has one.

mod parameters;
mod render;
mod secret;
mod streams;
mod together;
mod values;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use jiff::SignedDuration;
use toml_edit::{Document, Item, TableLike, Value};

pub use parameters::{PARAMETERS, PROFILES, Parameter, SECTIONS, STREAM};
pub use render::{manual, sample, show};
pub use secret::ProxyUrl;
use values::{FromToml, Profile, UrlPath};
pub use values::{SocketMode, parse_duration};

use crate::lookup::{Mode, OnError, Table};
use crate::policy::{IncidentRule, Rule, Rules, Scope, Term};
use crate::return_path::Named;
use crate::return_path::verp::Pattern;
use crate::socket::ListenAddress;
use crate::store::{Bounds, Keeping};
use crate::topic::TopicArn;

/// Where the configuration is read from unless `--config` says otherwise.
pub const DEFAULT_PATH: &str = "/etc/suppressd/suppressd.toml";

/// The whole configuration, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The SQLite file.
    pub database: PathBuf,
    /// `[http]`.
    pub http: Http,
    /// `admin.listen`.
    pub admin: Vec<ListenAddress>,
    /// `[sns]`.
    pub sns: Sns,
    /// `[lookup]`.
    pub lookup: Lookup,
    /// `[mail]`.
    pub mail: Mail,
    /// `[export]`.
    pub export: Export,
    /// `[quarantine]`.
    pub quarantine: Bounds,
    /// `[policy]`, `[policy.*]` and `[[stream]]`.
    pub policy: Rules,
    /// `[privacy]`.
    pub privacy: Privacy,
    /// `log.to`.
    pub log_to: LogTo,
    /// `log.level`.
    pub log_level: log::LevelFilter,
}

/// `[http]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Where to listen.
    pub listen: Vec<ListenAddress>,
    /// Certificate and key, if it speaks TLS.
    pub tls: Option<Tls>,
    /// Connections at once.
    pub max_connections: u32,
    /// Time for a header.
    pub header_timeout: SignedDuration,
    /// Time for a body.
    pub body_timeout: SignedDuration,
}

/// `http.tls`: two PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate and its chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// `[sns]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sns {
    /// Path of the endpoint.
    pub path: String,
    /// Topics allowed by the configuration.
    pub topics: Vec<String>,
    /// Refuse SHA-1 signatures.
    pub require_version_2: bool,
    /// File with `user:password`.
    pub credentials_file: Option<PathBuf>,
    /// Proxy for fetches.
    pub proxy: Option<ProxyUrl>,
    /// More roots to trust for fetches.
    pub ca_file: Option<PathBuf>,
    /// Time for one fetch.
    pub fetch_timeout: SignedDuration,
}

/// `[lookup]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// socketmap_table(5) sockets.
    pub socketmap: Vec<ListenAddress>,
    /// tcp_table(5) sockets.
    pub tcp_table: Vec<TcpTable>,
    /// Policy service sockets.
    pub policy: Vec<ListenAddress>,
    /// Whether to refuse or only to warn.
    pub mode: Mode,
    /// What Postfix hears in trouble.
    pub on_error: OnError,
    /// Longest wait for the database.
    pub deadline: SignedDuration,
    /// Connections at once, for each socket.
    pub max_connections: u32,
    /// Mode of unix sockets.
    pub socket_mode: SocketMode,
    /// Owner of unix sockets.
    pub socket_owner: Option<String>,
    /// Group of unix sockets.
    pub socket_group: Option<String>,
}

/// One entry of `lookup.tcp-table`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpTable {
    /// Where to listen.
    pub listen: ListenAddress,
    /// What it answers.
    pub table: Table,
}

/// `[export]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Files that are kept fresh.
    pub files: Vec<ExportFile>,
    /// How often to look.
    pub every: SignedDuration,
}

/// One entry of `export.files`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportFile {
    /// Where it is; its suffix is its form.
    pub path: PathBuf,
    /// What it answers.
    pub table: Table,
}

/// `[mail]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// LMTP sockets.
    pub lmtp: Vec<ListenAddress>,
    /// Clients whose bounce mail counts.
    pub trusted_networks: Vec<IpNet>,
    /// Whose Authentication-Results count.
    pub trusted_authserv_ids: Vec<String>,
    /// Whose DKIM signatures count.
    pub dkim_domains: Vec<String>,
    /// DNS servers to ask for their keys; none for the system's.
    pub dns: Vec<SocketAddr>,
    /// How our own return paths name the recipient.
    pub verp: Vec<Pattern>,
    /// Longest time for one mail.
    pub deadline: SignedDuration,
    /// Secrets for signed return paths.
    pub return_path_key_file: Option<PathBuf>,
    /// Whose senders are signed.
    pub return_path_domains: Vec<String>,
    /// How long a signed return path is valid, in days.
    pub return_path_days: u32,
    /// About whom a report to one counts.
    pub return_path_trust: Named,
}

/// `[privacy]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Privacy {
    /// How long events are kept.
    pub keep: SignedDuration,
    /// Keep diagnostics without the addresses in them.
    pub mask_addresses: bool,
}

/// `log.to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogTo {
    /// stderr on a terminal, the journal under systemd, else syslog.
    Auto,
    /// stderr, as plain lines.
    Stderr,
    /// stderr, with the priority prefix that systemd reads.
    Journal,
    /// syslog(3), facility mail.
    Syslog,
}

/// Everything that is wrong with a configuration, one sentence a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

impl FromIterator<String> for ConfigError {
    fn from_iter<I: IntoIterator<Item = String>>(sentences: I) -> Self {
        Self(sentences.into_iter().collect())
    }
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::load_with_text(path).map(|(config, _)| config)
    }

    /// The same, and the text of the file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load_with_text(path: &Path) -> Result<(Self, String), ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            ConfigError(vec![format!("cannot read {}: {error}; name another with --config", path.display())])
        })?;
        let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
        Ok((Self::parse(&text, &name)?, text))
    }

    /// Checks the text of a file; `name` stands before each error.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str, name: &str) -> Result<Self, ConfigError> {
        let document = Document::parse(text).map_err(|error| {
            let at = error.span().map_or(1, |span| line(text, span.start));
            let remedy = match error.message().starts_with("duplicate key") {
                true => "; it stands there already: put the settings under the first one",
                false => "",
            };
            ConfigError(vec![format!("{name}:{at}: not TOML: {}{remedy}", error.message())])
        })?;
        let mut source = Source { document: &document, text, name, profile: "", errors: BTreeSet::new() };
        source.refuse_unknown();
        source.profile = source.get("policy", "profile").map_or("", |Profile(name)| name);
        let config = Self::from_source(&mut source);
        if let Some(config) = &config {
            source.refuse_together(config);
        }
        match config {
            Some(config) if source.errors.is_empty() => Ok(config),
            _ => Err(source.into_error()),
        }
    }

    /// What of reports is kept.
    #[must_use]
    pub const fn keeping(&self) -> Keeping {
        Keeping { quarantine: self.quarantine, mask_addresses: self.privacy.mask_addresses }
    }

    /// `None` only if a default of the table can't be read, which a test excludes.
    fn from_source(source: &mut Source<'_>) -> Option<Self> {
        Some(Self {
            database: source.get("", "database")?,
            http: Http {
                listen: source.get("http", "listen")?,
                tls: source.get("http", "tls")?,
                max_connections: source.get::<NonZeroU32>("http", "max-connections")?.get(),
                header_timeout: source.get("http", "header-timeout")?,
                body_timeout: source.get("http", "body-timeout")?,
            },
            admin: source.get("admin", "listen")?,
            sns: Sns {
                path: source.get::<UrlPath>("sns", "path")?.0,
                topics: source.get::<Vec<TopicArn>>("sns", "topics")?.iter().map(ToString::to_string).collect(),
                require_version_2: source.get("sns", "require-version-2")?,
                credentials_file: source.get("sns", "credentials-file")?,
                proxy: source.get("sns", "proxy")?,
                ca_file: source.get("sns", "ca-file")?,
                fetch_timeout: source.get("sns", "fetch-timeout")?,
            },
            lookup: Lookup {
                socketmap: source.get("lookup", "socketmap")?,
                tcp_table: source.get("lookup", "tcp-table")?,
                policy: source.get("lookup", "policy")?,
                mode: source.get("lookup", "mode")?,
                on_error: source.get("lookup", "on-error")?,
                deadline: source.get("lookup", "deadline")?,
                max_connections: source.get::<NonZeroU32>("lookup", "max-connections")?.get(),
                socket_mode: source.get("lookup", "socket-mode")?,
                socket_owner: source.get("lookup", "socket-owner")?,
                socket_group: source.get("lookup", "socket-group")?,
            },
            mail: Mail {
                lmtp: source.get("mail", "lmtp")?,
                trusted_networks: source.get("mail", "trusted-networks")?,
                trusted_authserv_ids: source.get("mail", "trusted-authserv-ids")?,
                dkim_domains: source.get("mail", "dkim-domains")?,
                dns: source.get("mail", "dns")?,
                verp: source.get("mail", "verp")?,
                deadline: source.get("mail", "deadline")?,
                return_path_key_file: source.get("mail", "return-path-key-file")?,
                return_path_domains: source.get("mail", "return-path-domains")?,
                return_path_days: source.get("mail", "return-path-days")?,
                return_path_trust: source.get("mail", "return-path-trust")?,
            },
            export: Export { files: source.get("export", "files")?, every: source.get("export", "every")? },
            quarantine: Bounds {
                entries: source.get("quarantine", "max-entries")?,
                bytes: source.get::<values::Size>("quarantine", "max-size")?.0,
                age: source.get("quarantine", "keep")?,
            },
            policy: Rules {
                hard: source.rule("policy.hard", Scope::All)?,
                soft: source.rule("policy.soft", Scope::All)?,
                complaint: source.rule_with_scope("policy.complaint")?,
                unsubscribe: source.rule_with_scope("policy.unsubscribe")?,
                protected: source.get("policy", "protected")?,
                streams: streams::read(source)?,
                incident: IncidentRule {
                    recipients: source.get("policy.incident", "recipients")?,
                    within: source.get("policy.incident", "within")?,
                },
            },
            privacy: Privacy {
                keep: source.get("privacy", "keep")?,
                mask_addresses: source.get("privacy", "mask-addresses")?,
            },
            log_to: source.get("log", "to")?,
            log_level: source.get("log", "level")?,
        })
    }
}

/// The parsed file and what was found wrong with it so far.
struct Source<'a> {
    document: &'a Document<&'a str>,
    text: &'a str,
    name: &'a str,
    /// Whose defaults hold; empty while it is not known yet.
    profile: &'static str,
    /// Line and sentence, in the order of the lines.
    errors: BTreeSet<(usize, String)>,
}

impl Source<'_> {
    /// The value of a parameter: the file's, or else the default. A wrong one is noted, and the default stands in for
    /// it so that the rest of the file is checked too.
    fn get<T: FromToml>(&mut self, section: &str, name: &str) -> Option<T> {
        let item = self.item(section, name).cloned();
        self.value(item.as_ref(), section, name)
    }

    fn value<T: FromToml>(&mut self, item: Option<&Item>, section: &str, name: &str) -> Option<T> {
        if let Some(item) = item {
            let value = item.clone().into_value().map_err(|_| "is not a value".to_owned());
            match value.and_then(|value| T::from_toml(&value)) {
                Ok(value) => return Some(value),
                Err(what) => self.note(item.span(), &format!("{}: {what}", dotted(section, name))),
            }
        }
        match parameters::default(self.profile, section, name)? {
            "" => T::absent(),
            default => T::from_toml(&default.parse::<Value>().ok()?).ok(),
        }
    }

    /// Notes what is wrong at a place of the file.
    fn note(&mut self, at: Option<std::ops::Range<usize>>, what: &str) {
        let line = line(self.text, at.map_or(0, |span| span.start));
        self.errors.insert((line, what.to_owned()));
    }

    fn rule(&mut self, section: &str, scope: Scope) -> Option<Rule> {
        let suppress_for: Vec<Term> = self.get(section, "suppress-for")?;
        if suppress_for.is_empty() {
            let at = self.item(section, "suppress-for").and_then(Item::span);
            self.note(at, &format!("{section}.suppress-for: an empty list says nothing; write \"forever\""));
        }
        Some(Rule {
            after: self.get(section, "after")?,
            within: self.get(section, "within")?,
            on_days: self.get(section, "on-days")?,
            then: self.get(section, "then")?,
            suppress_for,
            quiet: self.get(section, "quiet")?,
            scope,
        })
    }

    fn rule_with_scope(&mut self, section: &str) -> Option<Rule> {
        let scope = self.get(section, "scope")?;
        self.rule(section, scope)
    }

    fn item(&self, section: &str, name: &str) -> Option<&Item> {
        let mut table: &dyn TableLike = self.document.as_table();
        for part in section.split('.').filter(|part| !part.is_empty()) {
            table = table.get(part)?.as_table_like()?;
        }
        table.get(name)
    }

    fn refuse_unknown(&mut self) {
        let mut unknown = Vec::new();
        collect_unknown("", self.document.as_table(), &mut unknown);
        for (at, name) in unknown {
            let near = nearest(&name).map_or_else(String::new, |near| format!("; did you mean {near}?"));
            self.errors.insert((line(self.text, at), format!("{name}: no such setting{near}")));
        }
    }

    fn into_error(self) -> ConfigError {
        let name = self.name;
        ConfigError(self.errors.into_iter().map(|(at, what)| format!("{name}:{at}: {what}")).collect())
    }
}

/// Position and dotted name of every key that is neither a section nor a parameter.
fn collect_unknown(section: &str, table: &dyn TableLike, unknown: &mut Vec<(usize, String)>) {
    for (name, item) in table.iter() {
        let path = dotted(section, name);
        let within =
            |s: &str| s.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let is_section = SECTIONS.iter().any(|(s, _)| within(s));
        let is_parameter = PARAMETERS.iter().any(|p| path.ends_with(p.name) && dotted(p.section, p.name) == path);
        match item {
            Item::ArrayOfTables(tables) if path == STREAM => {
                tables.iter().for_each(|table| collect_unknown(&path, table, unknown));
            }
            // What is wrong with the form, the reader of streams says.
            _ if path == STREAM => {}
            _ if is_section && item.is_table_like() => {
                item.as_table_like().into_iter().for_each(|inner| collect_unknown(&path, inner, unknown));
            }
            _ if is_parameter => {}
            _ => {
                let at = table.key(name).and_then(toml_edit::Key::span).map_or(0, |span| span.start);
                unknown.push((at, crate::event::printable(&path, 80)));
            }
        }
    }
}

fn dotted(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

/// The parameter that somebody may have meant.
fn nearest(name: &str) -> Option<String> {
    let names = PARAMETERS.iter().map(|p| dotted(p.section, p.name));
    let scored = names.map(|known| (strsim::damerau_levenshtein(&known, name), known));
    scored.min().filter(|(distance, _)| *distance <= 3).map(|(_, known)| known)
}

/// Line of a position, counted from 1.
fn line(text: &str, position: usize) -> usize {
    text.bytes().take(position).filter(|b| *b == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
