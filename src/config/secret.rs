//! Secrets that the configuration names: in files of their own, which not everybody may read, and in the URL of a proxy.
//! None of them is in an error, in `Debug` output or in what `suppressd config show` prints.

use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use toml_edit::Value;

use super::values::FromToml;
use super::{Mail, Sns, Tls};
use crate::return_path::Keys;

/// The URL of a proxy, with or without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(String);

impl ProxyUrl {
    /// The whole URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(&self.0))
    }
}

impl FromToml for ProxyUrl {
    fn from_toml(value: &Value) -> Result<Self, String> {
        value.as_str().map(|url| Self(url.to_owned())).ok_or_else(|| "write a URL in quotes".to_owned())
    }
}

/// A URL, maybe in quotes, without user and password.
pub(super) fn without_password(url: &str) -> String {
    let Some((front, host)) = url.rsplit_once('@') else { return url.to_owned() };
    let quote = usize::from(front.starts_with(['"', '\'']));
    let start = front.find("://").map_or(quote, |at| at + 3);
    format!("{}***@{host}", front.get(..start).unwrap_or_default())
}

impl Sns {
    /// What stands in `credentials-file`.
    ///
    /// # Errors
    /// A sentence: it can't be read, or everybody may.
    pub fn credentials(&self) -> Result<Option<String>, String> {
        self.credentials_file.as_deref().map(read).transpose()
    }
}

impl Mail {
    /// The keys of `return-path-key-file`.
    ///
    /// # Errors
    /// A sentence, without a secret: it can't be read, everybody may, or a line is wrong.
    pub fn return_path_keys(&self) -> Result<Option<Keys>, String> {
        let parse = |path: &Path| Keys::parse(&read(path)?).map_err(|what| format!("{}:{what}", path.display()));
        self.return_path_key_file.as_deref().map(parse).transpose()
    }
}

impl Tls {
    /// Whether the key is a secret.
    ///
    /// # Errors
    /// A sentence: it can't be read, or everybody may.
    pub fn check_key(&self) -> Result<(), String> {
        check(&self.key)
    }
}

fn read(path: &Path) -> Result<String, String> {
    check(path)?;
    std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

fn check(path: &Path) -> Result<(), String> {
    let mode = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?.permissions().mode();
    match mode & 0o007 {
        0 => Ok(()),
        _ => Err(format!("{}: everybody on this machine may use it; chmod o= it", path.display())),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    format!("cannot read {}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_everybody_may_read_is_no_secret() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "user:password\n").unwrap();
        let mode = |mode| std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        for good in [0o600, 0o640, 0o440] {
            mode(good);
            assert_eq!(read(file.path()).as_deref(), Ok("user:password\n"));
        }
        for bad in [0o644, 0o604, 0o602, 0o601] {
            mode(bad);
            assert!(read(file.path()).unwrap_err().contains("everybody on this machine"), "{bad:o}");
        }
    }

    #[test]
    fn a_proxys_password_is_not_shown() {
        for (url, shown) in [
            ("http://proxy.example:3128", "http://proxy.example:3128"),
            ("http://user:secret@proxy.example:3128", "http://***@proxy.example:3128"),
            ("\"http://user:s@cret@proxy.example\"", "\"http://***@proxy.example\""),
            ("user:secret@proxy.example:3128", "***@proxy.example:3128"),
            ("'user:secret@proxy.example'", "'***@proxy.example'"),
        ] {
            assert_eq!(without_password(url), shown);
            assert_eq!(format!("{:?}", ProxyUrl(url.to_owned())), shown);
        }
    }
}
