//! Roots that we trust when we fetch: those of the system and, if configured, those in one more file.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Root certificates, in DER form.
#[derive(Clone, Debug, Default)]
pub struct Trust(Vec<CertificateDer<'static>>);

/// Why no roots could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustError(String);

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TrustError {}

impl Trust {
    /// The roots of the system, and those in `ca_file` (PEM) beside them.
    ///
    /// # Errors
    /// `ca_file` can't be read or holds no certificate; or there is no root at all.
    pub fn load(ca_file: Option<&Path>) -> Result<Self, TrustError> {
        let mut roots = rustls_native_certs::load_native_certs().certs;
        if let Some(path) = ca_file {
            roots.extend(read(path)?);
        }
        if roots.is_empty() {
            return Err(TrustError(
                "no trusted root certificates; install ca-certificates or set sns.ca-file".to_owned(),
            ));
        }
        Ok(Self(roots))
    }

    /// Only the roots in `ca_file` (PEM).
    ///
    /// # Errors
    /// `ca_file` can't be read or holds no certificate.
    pub fn only(ca_file: &Path) -> Result<Self, TrustError> {
        read(ca_file).map(Self)
    }

    /// The roots, in DER form.
    pub fn der(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// A TLS client that trusts these roots.
    ///
    /// # Errors
    /// Rustls offers no protocol version: never in practice.
    pub fn client_config(&self) -> Result<Arc<ClientConfig>, TrustError> {
        let mut store = RootCertStore::empty();
        // Systems carry roots that rustls can't parse; the others count.
        store.add_parsable_certificates(self.0.iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| TrustError(e.to_string()))?;
        Ok(Arc::new(builder.with_root_certificates(store).with_no_client_auth()))
    }
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let fail = |why: &dyn fmt::Display| TrustError(format!("cannot read certificates from {}: {why}", path.display()));
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(|e| fail(&e))?.collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(fail(&"it holds none")),
        Ok(certificates) => Ok(certificates),
        Err(e) => Err(fail(&e)),
    }
}
