//! TLS of the public door: certificate and key from PEM files, swapped while serving.
//!
//! A reload builds the whole new configuration first; if that fails the old one goes on serving. Connections that are
//! open keep what they began with.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why TLS can't be served from these files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsError {
    /// The certificate file can't be read, or holds none.
    Certificate(PathBuf, String),
    /// The key file can't be read, or holds none.
    Key(PathBuf, String),
    /// Certificate and key don't belong together, or rustls can't use them.
    Mismatch(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(path, why) => write!(f, "cannot read the certificate from {}: {why}", path.display()),
            Self::Key(path, why) => write!(f, "cannot read the key from {}: {why}", path.display()),
            Self::Mismatch(why) => write!(f, "the certificate and its key can't be used: {why}"),
        }
    }
}

impl std::error::Error for TlsError {}

/// Reads a certificate chain, leaf first, and its key, both PEM.
///
/// # Errors
/// [`TlsError`], naming the file.
pub fn load_tls(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let bad_certificate = |why: String| TlsError::Certificate(certificate.to_owned(), why);
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|e| bad_certificate(e.to_string()))?;
    if chain.is_empty() {
        return Err(bad_certificate("it holds none".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|e| TlsError::Key(key.to_owned(), e.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|e| TlsError::Mismatch(e.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
