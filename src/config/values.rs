//! How each kind of value is written in the configuration: TOML value in, typed value or a sentence out.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use ipnet::IpNet;
use jiff::SignedDuration;
use toml_edit::Value;

use super::{ExportFile, ListenAddress, LogTo, Mode, Named, OnError, Table, TcpTable, Tls};
use crate::address::starred;
use crate::event::{KEPT_HEADERS, is_lost_header, printable};
use crate::policy::stream::HeaderPattern;
use crate::policy::{Pattern as AddressPattern, Scope, Term, Then};
use crate::return_path::verp::Pattern;
use crate::topic::TopicArn;

/// A value that can be written in the configuration.
pub(super) trait FromToml: Sized {
    /// The typed value, or what is wrong and what to write instead: `"3 weeks" is not a duration; write 21d`.
    fn from_toml(value: &Value) -> Result<Self, String>;

    /// The value of a parameter that is not written and has no default.
    fn absent() -> Option<Self> {
        None
    }
}

impl FromToml for String {
    fn from_toml(value: &Value) -> Result<Self, String> {
        value.as_str().map(str::to_owned).ok_or_else(|| wrong(value, "a text", "it in quotes"))
    }
}

impl FromToml for bool {
    fn from_toml(value: &Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| wrong(value, "a switch", "true or false"))
    }
}

impl FromToml for u32 {
    fn from_toml(value: &Value) -> Result<Self, String> {
        let number = value.as_integer().and_then(|n| Self::try_from(n).ok()).filter(|n| *n <= 1_000_000);
        number.ok_or_else(|| wrong(value, "a number from 0 to 1000000", "it without quotes"))
    }
}

impl FromToml for NonZeroU32 {
    fn from_toml(value: &Value) -> Result<Self, String> {
        Self::new(u32::from_toml(value)?).ok_or_else(|| wrong(value, "a number from 1 to 1000000", "1 or more"))
    }
}

impl FromToml for TopicArn {
    fn from_toml(value: &Value) -> Result<Self, String> {
        let topic = value.as_str().and_then(Self::parse);
        let form = "one like \"arn:aws:sns:eu-west-1:123456789012:ses-feedback\"";
        topic.ok_or_else(|| wrong(value, "an SNS topic's ARN", form))
    }
}

impl FromToml for PathBuf {
    fn from_toml(value: &Value) -> Result<Self, String> {
        let path = value.as_str().map(Self::from).filter(|path| path.is_absolute());
        path.ok_or_else(|| wrong(value, "an absolute path", "one that starts with /"))
    }
}

/// The path of a URL, without a query.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UrlPath(pub String);

impl FromToml for UrlPath {
    fn from_toml(value: &Value) -> Result<Self, String> {
        let stands_for_itself = |byte| matches!(byte, b'!'..=b'~') && !b"\"#<>?\\^`{|}".contains(&byte);
        let path = value.as_str().filter(|path| path.starts_with('/') && path.bytes().all(stands_for_itself));
        let path = path.map(|path| Self(path.to_owned()));
        path.ok_or_else(|| wrong(value, "the path of a URL", "one like \"/sns\", with %20 for a space"))
    }
}

impl FromToml for SignedDuration {
    fn from_toml(value: &Value) -> Result<Self, String> {
        value.as_str().and_then(duration).ok_or_else(|| match value.as_str().and_then(in_weeks) {
            Some(days) => wrong(value, "a duration", &format!("{days}d")),
            None => wrong(value, "a duration", "a number and s, m, h or d, as in \"14d\""),
        })
    }
}

impl FromToml for ListenAddress {
    fn from_toml(value: &Value) -> Result<Self, String> {
        let text = value.as_str().ok_or_else(|| wrong(value, "an address", "\"unix:PATH\" or \"ADDRESS:PORT\""))?;
        text.parse().map_err(|_| wrong(value, "an address", "\"unix:PATH\" or \"ADDRESS:PORT\""))
    }
}

impl FromToml for SocketAddr {
    /// A DNS server; port 53 where none is written.
    fn from_toml(value: &Value) -> Result<Self, String> {
        let with_port = |text: &str| text.parse().ok().or_else(|| Some(Self::new(text.parse().ok()?, 53)));
        value.as_str().and_then(with_port).ok_or_else(|| wrong(value, "an address", "\"ADDRESS:PORT\""))
    }
}

impl FromToml for IpNet {
    fn from_toml(value: &Value) -> Result<Self, String> {
        let network = value
            .as_str()
            .and_then(|text| text.parse().ok().or_else(|| Some(Self::from(text.parse::<std::net::IpAddr>().ok()?))));
        network.ok_or_else(|| wrong(value, "a network", "\"192.0.2.0/24\" or \"2001:db8::/32\""))
    }
}

impl FromToml for Pattern {
    fn from_toml(value: &Value) -> Result<Self, String> {
        let pattern = value.as_str().and_then(Self::parse);
        pattern.ok_or_else(|| wrong(value, "a return path", "\"bounces+{user}={domain}\""))
    }
}

impl FromToml for Term {
    fn from_toml(value: &Value) -> Result<Self, String> {
        match value.as_str() {
            Some("forever") => Ok(Self::Forever),
            _ => SignedDuration::from_toml(value).map(Self::For),
        }
    }
}

impl FromToml for AddressPattern {
    fn from_toml(value: &Value) -> Result<Self, String> {
        let pattern = value.as_str().and_then(Self::parse);
        pattern.ok_or_else(|| match value.as_str().and_then(starred) {
            Some(domain) if domain.len() > 1 => wrong(value, "a pattern", &format!("\"{}\"", printable(domain, 60))),
            _ => wrong(value, "a pattern", "user@domain, @domain, @.domain or user@"),
        })
    }
}

impl FromToml for HeaderPattern {
    fn from_toml(value: &Value) -> Result<Self, String> {
        let pattern = value.as_str().and_then(Self::parse);
        let pattern = pattern.ok_or_else(|| wrong(value, "a field", "\"Name: value\", with * for any text"))?;
        if is_lost_header(pattern.name()) {
            let kept = format!("one of {}, or a tag of SES", KEPT_HEADERS.join(", "));
            return Err(wrong(value, "a field that is kept of reports", &kept));
        }
        Ok(pattern)
    }
}

/// `policy.profile`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Profile(pub &'static str);

impl FromToml for TcpTable {
    fn from_toml(value: &Value) -> Result<Self, String> {
        let form = "{ listen = \"127.0.0.1:8027\", map = \"access\" }";
        let table = fields(value, &["listen", "map"], form)?;
        let [listen, map] = table.as_slice() else { return Err(wrong(value, "a table", form)) };
        Ok(Self { listen: ListenAddress::from_toml(listen)?, table: Table::from_toml(map)? })
    }
}

impl FromToml for Table {
    fn from_toml(value: &Value) -> Result<Self, String> {
        let table = value.as_str().and_then(Self::parse);
        table.ok_or_else(|| wrong(value, "a map", "\"access\" or \"transport\", or \"access/STREAM\""))
    }
}

impl FromToml for ExportFile {
    fn from_toml(value: &Value) -> Result<Self, String> {
        let form = "{ path = \"/var/lib/suppressd/transport.cdb\", map = \"transport\" }";
        let table = fields(value, &["path", "map"], form)?;
        let [path, map] = table.as_slice() else { return Err(wrong(value, "a table", form)) };
        Ok(Self { path: PathBuf::from_toml(path)?, table: Table::from_toml(map)? })
    }
}

impl FromToml for Tls {
    fn from_toml(value: &Value) -> Result<Self, String> {
        let form = "{ certificate = \"PATH\", key = \"PATH\" }";
        let table = fields(value, &["certificate", "key"], form)?;
        let [certificate, key] = table.as_slice() else { return Err(wrong(value, "a table", form)) };
        Ok(Self { certificate: PathBuf::from_toml(certificate)?, key: PathBuf::from_toml(key)? })
    }
}

impl FromToml for SocketMode {
    fn from_toml(value: &Value) -> Result<Self, String> {
        let mode = value.as_str().and_then(|text| u32::from_str_radix(text, 8).ok()).filter(|mode| *mode <= 0o777);
        mode.map(Self).ok_or_else(|| wrong(value, "a mode", "an octal number in quotes, as in \"0660\""))
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub u64);

impl FromToml for Size {
    fn from_toml(value: &Value) -> Result<Self, String> {
        let size = value.as_str().and_then(size).map(Self);
        size.ok_or_else(|| wrong(value, "a size", "a number and K, M or G, as in \"256M\""))
    }
}

/// `256M` in bytes.
fn size(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit: u64 = match unit {
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    let digits = number.bytes().all(|b| b.is_ascii_digit()) && number.len() <= 6;
    let number: u64 = if digits { number.parse().ok()? } else { return None };
    (number > 0).then(|| number * unit)
}

/// Permission bits of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketMode(pub u32);

/// Values that are one of a few words.
macro_rules! choice {
    ($type:ty { $($word:literal => $value:expr),+ }) => {
        impl FromToml for $type {
            fn from_toml(value: &Value) -> Result<Self, String> {
                match value.as_str() {
                    $(Some($word) => Ok($value),)+
                    _ => Err(wrong(value, "one of the choices", [$(concat!("\"", $word, "\"")),+].join(" or ").as_str())),
                }
            }
        }
    };
}

choice!(Mode { "enforce" => Self::Enforce, "warn" => Self::Warn });
choice!(OnError { "defer" => Self::Defer, "accept" => Self::Accept });
choice!(Then { "suppress" => Self::Suppress, "record" => Self::Record });
choice!(Scope { "stream" => Self::Stream, "all" => Self::All });
choice!(Profile { "ses" => Self("ses"), "listmonk" => Self("listmonk"), "gentle" => Self("gentle") });
choice!(Named { "recipient" => Self::Recipient, "anybody" => Self::Anybody });
choice!(LogTo { "auto" => Self::Auto, "stderr" => Self::Stderr, "journal" => Self::Journal, "syslog" => Self::Syslog });
choice!(log::LevelFilter { "error" => Self::Error, "warn" => Self::Warn, "info" => Self::Info, "debug" => Self::Debug });

impl<T: FromToml> FromToml for Vec<T> {
    /// A list, or one value for a list of one.
    fn from_toml(value: &Value) -> Result<Self, String> {
        match value.as_array() {
            Some(array) => array.iter().map(T::from_toml).collect(),
            None => T::from_toml(value).map(|one| vec![one]),
        }
    }
}

impl<T: FromToml> FromToml for Option<T> {
    fn from_toml(value: &Value) -> Result<Self, String> {
        T::from_toml(value).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// The values of a table that has exactly the given keys, in their order.
fn fields<'a>(value: &'a Value, keys: &[&str], form: &str) -> Result<Vec<&'a Value>, String> {
    let table = value.as_inline_table().filter(|table| table.len() == keys.len());
    let found = table.and_then(|table| keys.iter().map(|key| table.get(key)).collect::<Option<Vec<_>>>());
    found.ok_or_else(|| wrong(value, "a table", form))
}

fn wrong(value: &Value, wanted: &str, write: &str) -> String {
    let shown = printable(value.to_string().trim(), 60);
    format!("{shown} is not {wanted}; write {write}")
}

/// Parses a duration as the configuration writes it: `90s`, `5m`, `2h`, `14d`.
///
/// # Errors
/// A sentence that says what to write.
pub fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    duration(text).ok_or_else(|| "write a number and s, m, h or d, as in 14d".into())
}

fn duration(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let digits = number.bytes().all(|b| b.is_ascii_digit()) && number.len() <= 6;
    let number: i64 = if digits { number.parse().ok()? } else { return None };
    (number > 0).then(|| SignedDuration::from_secs(number * seconds))
}

/// Days of `3 weeks`, `3w`, to propose them.
fn in_weeks(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.get(digits.len()..)?.trim();
    let weeks = matches!(unit, "w" | "week" | "weeks").then(|| digits.parse::<i64>().ok())??;
    weeks.checked_mul(7).filter(|days| *days > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: FromToml>(text: &str) -> Result<T, String> {
        T::from_toml(&text.parse().unwrap())
    }

    #[test]
    fn durations_have_one_unit() {
        for (text, seconds) in [("\"90s\"", 90), ("\"5m\"", 300), ("\"2h\"", 7200), ("\"14d\"", 1_209_600)] {
            assert_eq!(read(text), Ok(SignedDuration::from_secs(seconds)));
        }
        for text in ["\"\"", "\"d\"", "\"0d\"", "\"-1d\"", "\"1.5h\"", "\"9999999d\"", "7", "\"1d2h\"", "\"1ä\""] {
            assert!(read::<SignedDuration>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_wrong_value_is_told_the_right_one() {
        for (error, sentence) in [
            (read::<SignedDuration>("\"3 weeks\"").err(), "\"3 weeks\" is not a duration; write 21d"),
            (
                read::<AddressPattern>("\"*@example.org\"").err(),
                "\"*@example.org\" is not a pattern; write \"@example.org\"",
            ),
            (read::<bool>("\"yes\"").err(), "\"yes\" is not a switch; write true or false"),
            (read::<Mode>("\"dry\"").err(), "\"dry\" is not one of the choices; write \"enforce\" or \"warn\""),
            (read::<PathBuf>("\"x.db\"").err(), "\"x.db\" is not an absolute path; write one that starts with /"),
            (
                read::<UrlPath>("\"/my sns\"").err(),
                "\"/my sns\" is not the path of a URL; write one like \"/sns\", with %20 for a space",
            ),
        ] {
            assert_eq!(error.as_deref(), Some(sentence));
        }
    }

    #[test]
    fn one_value_stands_for_a_list_of_one() {
        assert_eq!(read::<Vec<Term>>("\"forever\""), Ok(vec![Term::Forever]));
    }
}
