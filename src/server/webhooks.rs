//! Builds the webhook door from the configuration: everything that can be wrong with it is found here, before anything
//! is swapped.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::ServerConfig;

use super::ledger::Ledger;
use super::std_duration;
use crate::config::{Config, Sns};
use crate::ingress::http::fetch::{FetchLimits, Fetcher};
use crate::ingress::http::proxy::Proxy;
use crate::ingress::http::trust::Trust;
use crate::ingress::http::{Door, Limits, load_tls};
use crate::ingress::sns::certificate::Roots;
use crate::ingress::sns::credentials::Credentials;
use crate::ingress::sns::{self, Settings};

/// The door, or a sentence that says what is wrong.
pub(super) fn door(config: &Config, ledger: Arc<Ledger>) -> Result<Arc<Door<Ledger>>, String> {
    let trust = Trust::load(config.sns.ca_file.as_deref()).map_err(|error| error.to_string())?;
    let credentials = config.sns.credentials_file.as_deref().map(credentials).transpose()?;
    let settings = Settings { require_version_2: config.sns.require_version_2, credentials };
    let roots = Roots::from_der(trust.der());
    let sns = sns::Door::new(ledger, settings, fetcher(&config.sns, &trust)?, roots, Box::new(Timestamp::now));
    Ok(Arc::new(Door { sns_path: config.sns.path.clone(), sns }))
}

/// What fetches certificates and confirms subscriptions.
pub(crate) fn fetcher(sns: &Sns, trust: &Trust) -> Result<Fetcher, String> {
    let tls = trust.client_config().map_err(|error| error.to_string())?;
    let limits = FetchLimits { time: std_duration(sns.fetch_timeout), ..FetchLimits::default() };
    Ok(Fetcher::new(tls, proxy(sns)?, limits))
}

/// TLS of the door, if it is configured.
pub(super) fn tls(config: &Config) -> Result<Option<Arc<ServerConfig>>, String> {
    let load = |tls: &crate::config::Tls| load_tls(&tls.certificate, &tls.key).map_err(|error| error.to_string());
    config.http.tls.as_ref().map(load).transpose()
}

pub(super) fn limits(config: &Config) -> Limits {
    let http = &config.http;
    Limits {
        connections: http.max_connections as usize,
        header_time: std_duration(http.header_timeout),
        body_time: std_duration(http.body_timeout),
        ..Limits::default()
    }
}

/// The configured proxy, or else the one that the environment names, as curl and others read it.
fn proxy(sns: &Sns) -> Result<Option<Proxy>, String> {
    let environment = || ["HTTPS_PROXY", "https_proxy"].iter().find_map(|name| std::env::var(name).ok());
    let text = sns.proxy.clone().or_else(environment).filter(|text| !text.is_empty());
    text.map(|text| Proxy::parse(&text).map_err(|error| format!("proxy {error}"))).transpose()
}

fn credentials(path: &Path) -> Result<Credentials, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Credentials::parse(&text).ok_or_else(|| format!("{}: write one line user:password", path.display()))
}
