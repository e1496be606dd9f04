//! Builds the webhook door from the configuration: everything that can be wrong with it is found here, before anything
//! is swapped.

use std::sync::Arc;

use jiff::Timestamp;
use rustls::ServerConfig;

use super::ledger::Ledger;
use super::std_duration;
use crate::config::{Config, ConfigError, Mail, Sns};
use crate::ingress::http::fetch::{FetchLimits, Fetcher};
use crate::ingress::http::proxy::Proxy;
use crate::ingress::http::trust::Trust;
use crate::ingress::http::{Door, Limits, load_tls};
use crate::ingress::sns::certificate::Roots;
use crate::ingress::sns::credentials::Credentials;
use crate::ingress::sns::{self, Settings};
use crate::return_path::Signer;

/// What the configuration only names: files and the proxy.
pub(crate) struct Named {
    credentials: Option<Credentials>,
    roots: Roots,
    fetcher: Fetcher,
    /// Of the door, if it is configured.
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// Who signs return paths, if anybody does.
    pub(super) signer: Option<Signer>,
}

impl Named {
    /// Reads the files.
    ///
    /// # Errors
    /// Everything that is wrong with them, a sentence each.
    pub(crate) fn load(config: &Config) -> Result<Self, ConfigError> {
        let sns = &config.sns;
        let credentials = credentials(sns);
        let door = trust(sns).and_then(|trust| Ok((Roots::from_der(trust.der()), fetcher(sns, &trust)?)));
        let load = |tls: &crate::config::Tls| {
            let loaded = tls.check_key().and_then(|()| load_tls(&tls.certificate, &tls.key).map_err(|e| e.to_string()));
            loaded.map_err(|error| format!("http.tls: {error}"))
        };
        match (credentials, door, config.http.tls.as_ref().map(load).transpose(), signer(&config.mail)) {
            (Ok(credentials), Ok((roots, fetcher)), Ok(tls), Ok(signer)) => {
                Ok(Self { credentials, roots, fetcher, tls, signer })
            }
            (credentials, door, tls, signer) => {
                let wrong = [credentials.err(), door.err(), tls.err(), signer.err()];
                Err(wrong.into_iter().flatten().collect())
            }
        }
    }

    /// The door, and its TLS.
    pub(super) fn door(self, config: &Config, ledger: Arc<Ledger>) -> (Arc<Door<Ledger>>, Option<Arc<ServerConfig>>) {
        let Self { credentials, roots, fetcher, tls, signer: _ } = self;
        let settings = Settings { require_version_2: config.sns.require_version_2, credentials };
        let sns = sns::Door::new(ledger, settings, fetcher, roots, Box::new(Timestamp::now));
        (Arc::new(Door::new(config.sns.path.clone(), sns)), tls)
    }
}

/// Whom to trust when fetching certificates and confirming subscriptions, or a sentence that says what is wrong.
pub(crate) fn trust(sns: &Sns) -> Result<Trust, String> {
    Trust::load(sns.ca_file.as_deref()).map_err(|error| match sns.ca_file {
        Some(_) => format!("sns.ca-file: {error}"),
        None => error.to_string(),
    })
}

/// What fetches certificates and confirms subscriptions.
pub(crate) fn fetcher(sns: &Sns, trust: &Trust) -> Result<Fetcher, String> {
    let tls = trust.client_config().map_err(|error| error.to_string())?;
    let limits = FetchLimits { time: std_duration(sns.fetch_timeout), ..FetchLimits::default() };
    Ok(Fetcher::new(tls, proxy(sns)?, limits))
}

pub(super) fn limits(config: &Config) -> Limits {
    let http = &config.http;
    Limits {
        connections: http.max_connections as usize,
        header_time: std_duration(http.header_timeout),
        idle_time: std_duration(http.header_timeout),
        body_time: std_duration(http.body_timeout),
        ..Limits::default()
    }
}

/// The configured proxy, or else the one that the environment names, as curl and others read it.
fn proxy(sns: &Sns) -> Result<Option<Proxy>, String> {
    let environment =
        || ["HTTPS_PROXY", "https_proxy"].iter().find_map(|name| Some((*name, std::env::var(name).ok()?)));
    let named = sns.proxy.as_ref().map(|url| ("sns.proxy", url.as_str().to_owned())).or_else(environment);
    let parse = |(name, text): (&str, String)| Proxy::parse(&text).map_err(|error| format!("{name}: {error}"));
    named.filter(|(_, text)| !text.is_empty()).map(parse).transpose()
}

fn credentials(sns: &Sns) -> Result<Option<Credentials>, String> {
    let wrong = |what: String| format!("sns.credentials-file: {what}");
    let parse = |text: String| Credentials::parse(&text).ok_or_else(|| wrong("write one line user:password".into()));
    sns.credentials().map_err(wrong)?.map(parse).transpose()
}

/// Who signs return paths, if anybody does.
fn signer(mail: &Mail) -> Result<Option<Signer>, String> {
    let keys = mail.return_path_keys().map_err(|error| format!("mail.return-path-key-file: {error}"))?;
    Ok(keys.map(|keys| Signer::new(keys, mail.return_path_domains.clone())))
}
