//! An HTTP proxy, as configuration and `HTTPS_PROXY` name it: `http://[user:password@]host[:port]`.

use std::fmt;

use data_encoding::BASE64;
use url::Url;

/// Port of a proxy that names none, as in curl.
const DEFAULT_PORT: u16 = 1080;

/// An HTTP proxy. Its password is in no `Debug` output.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    host: String,
    port: u16,
    authorization: Option<String>,
}

/// Why a text names no proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyError;

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is not a proxy; write http://HOST:PORT")
    }
}

impl std::error::Error for ProxyError {}

impl Proxy {
    /// Parses a proxy's URL; `host:port` alone is taken too, as other programs take it from `HTTPS_PROXY`.
    ///
    /// # Errors
    /// [`ProxyError`]
    pub fn parse(text: &str) -> Result<Self, ProxyError> {
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let explicit_port_80 = text.trim_end_matches('/').ends_with(":80");
        let url = Url::parse(&text).map_err(|_| ProxyError)?;
        if url.scheme() != "http" || !matches!(url.path(), "" | "/") || url.query().is_some() {
            return Err(ProxyError);
        }
        let host = url.host_str().filter(|h| !h.is_empty()).ok_or(ProxyError)?.to_owned();
        let port = url.port().unwrap_or(if explicit_port_80 { 80 } else { DEFAULT_PORT });
        Ok(Self { host, port, authorization: authorization(&url) })
    }

    /// Host name or address; an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What to send as `Proxy-Authorization`.
    pub(super) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.host, self.port)
    }
}

fn authorization(url: &Url) -> Option<String> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let credentials = format!("{}:{}", decode(url.username()), decode(url.password().unwrap_or_default()));
    Some(format!("Basic {}", BASE64.encode(credentials.as_bytes())))
}

/// Undoes percent-encoding.
fn decode(text: &str) -> String {
    // A plus sign is a plus sign here; in a form it would be a space.
    let query = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(query.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_named_as_everywhere() {
        for (text, host, port) in [
            ("http://127.0.0.1:3128", "127.0.0.1", 3128),
            ("http://proxy.example:80/", "proxy.example", 80),
            ("proxy.example:3128", "proxy.example", 3128),
            ("http://[::1]:3128/", "[::1]", 3128),
            ("http://proxy.example", "proxy.example", 1080),
        ] {
            let proxy = Proxy::parse(text).unwrap();
            assert_eq!((proxy.host(), proxy.port(), proxy.authorization()), (host, port, None), "{text}");
        }
        for bad in ["", "http://", "https://proxy.example:3128", "socks5://x:1", "http://x:1/path", "http://x:99999"] {
            assert!(Proxy::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn credentials_are_sent_and_never_shown() {
        let proxy = Proxy::parse("http://Aladdin:open%20sesame@proxy.example:3128").unwrap();
        assert_eq!(proxy.authorization(), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        assert_eq!(format!("{proxy:?}"), "http://proxy.example:3128");
    }
}
