//! Fetches signing certificates, each once.
//!
//! Only successes are kept, and their dates are checked on each use. Whoever asks while a fetch is under way waits for
//! it and shares its result, failure included; the next one to ask fetches anew. A fetch goes on when those who wait
//! for it go away.
//! Limits: at most [`MAX_KEPT`] certificates, [`MAX_FETCHES`] fetches at a time; of those one for topics that are not
//! allowed, so that strangers can't keep allowed topics waiting. Whoever finds no slot is told to try again.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};

use super::certificate::{CertificateError, CertificateUrl, Roots, SigningCertificate};
use super::refusal::Forged;
use crate::ingress::http::fetch::{FetchError, Fetcher};

/// Certificates kept. SNS uses one or two a region at a time.
pub const MAX_KEPT: usize = 64;
/// Fetches at a time.
pub const MAX_FETCHES: usize = 8;
/// Issuers fetched for one certificate.
const MAX_HOPS: usize = 2;

/// Why there is no certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// There is one, and it breaks a rule: whoever sent the message erred.
    Forged(Forged),
    /// It could not be fetched.
    Fetch(FetchError),
    /// What was fetched is no certificate.
    Unreadable,
    /// By our clock it is not valid yet or any more.
    NotNow(String),
    /// Too much is being fetched already.
    Busy,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forged(forged) => forged.fmt(f),
            Self::Fetch(error) => error.fmt(f),
            Self::Unreadable => f.write_str("what came is no certificate"),
            Self::NotNow(why) => write!(f, "{why}, if the clock of this machine is right"),
            Self::Busy => f.write_str("too many certificates are being fetched"),
        }
    }
}

impl std::error::Error for Unavailable {}

/// For whose message a certificate is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// An allowed topic's.
    Allowed,
    /// Somebody's who is not known yet.
    Stranger,
}

type Found = Result<Arc<SigningCertificate>, Unavailable>;

/// The certificates we have, and those under way. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Certificates(Arc<Inner>);

struct Inner {
    fetcher: Fetcher,
    roots: Roots,
    slots: Semaphore,
    stranger_slots: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: HashMap<CertificateUrl, Arc<SigningCertificate>>,
    under_way: HashMap<CertificateUrl, watch::Receiver<Option<Found>>>,
}

impl Certificates {
    /// None yet; fetched by `fetcher`, good if they lead to `roots`.
    #[must_use]
    pub fn new(fetcher: Fetcher, roots: Roots) -> Self {
        let (slots, stranger_slots) = (Semaphore::new(MAX_FETCHES - 1), Semaphore::new(1));
        Self(Arc::new(Inner { fetcher, roots, slots, stranger_slots, state: Mutex::default() }))
    }

    /// The certificate at `url`, good at `now`.
    ///
    /// # Errors
    /// [`Unavailable`]
    pub async fn get(&self, url: &CertificateUrl, asker: Asker, now: Timestamp) -> Found {
        let mut result = match self.kept_or_under_way(url, asker, now) {
            Ok(certificate) => return Ok(certificate),
            Err(result) => result,
        };
        match result.wait_for(Option::is_some).await {
            Ok(found) => found.clone().unwrap_or(Err(Unavailable::Busy)),
            // The task ended without a result: the runtime is going down.
            Err(_) => Err(Unavailable::Busy),
        }
    }

    /// What is kept, or what to wait for; begins a fetch where there is neither.
    fn kept_or_under_way(
        &self,
        url: &CertificateUrl,
        asker: Asker,
        now: Timestamp,
    ) -> Result<Arc<SigningCertificate>, watch::Receiver<Option<Found>>> {
        let mut state = self.0.state();
        if let Some(certificate) = state.kept.get(url).filter(|c| c.is_valid_at(now)) {
            return Ok(Arc::clone(certificate));
        }
        if let Some(result) = state.under_way.get(url) {
            return Err(result.clone());
        }
        let (sender, result) = watch::channel(None);
        state.under_way.insert(url.clone(), result.clone());
        let (inner, url) = (Arc::clone(&self.0), url.clone());
        tokio::spawn(async move {
            let found = inner.fetch_in_slot(&url, asker, now).await;
            inner.state().finish(url, &found);
            sender.send_replace(Some(found));
        });
        Err(result)
    }
}

impl State {
    fn finish(&mut self, url: CertificateUrl, found: &Found) {
        self.under_way.remove(&url);
        let Ok(certificate) = found else { return };
        // All of SNS's certificates fit; if not, any of them is as good to forget as another.
        if self.kept.len() >= MAX_KEPT
            && let Some(victim) = self.kept.keys().next().cloned()
        {
            self.kept.remove(&victim);
        }
        self.kept.insert(url, Arc::clone(certificate));
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch_in_slot(&self, url: &CertificateUrl, asker: Asker, now: Timestamp) -> Found {
        let slots = if asker == Asker::Allowed { &self.slots } else { &self.stranger_slots };
        let Ok(_slot) = slots.try_acquire() else { return Err(Unavailable::Busy) };
        self.fetch(url, now).await.map(Arc::new)
    }

    async fn fetch(&self, url: &CertificateUrl, now: Timestamp) -> Result<SigningCertificate, Unavailable> {
        let file = self.fetcher.get(url.as_str()).await.map_err(Unavailable::Fetch)?;
        let mut issuers = Vec::new();
        loop {
            match SigningCertificate::verify(&file, &issuers, url, &self.roots, now) {
                Ok(certificate) => return Ok(certificate),
                Err(CertificateError::Unreadable) => return Err(Unavailable::Unreadable),
                Err(CertificateError::NotNow(why)) => return Err(Unavailable::NotNow(why)),
                Err(CertificateError::Forged(forged)) => return Err(Unavailable::Forged(forged)),
                Err(CertificateError::IssuerMissing(at)) if issuers.len() < MAX_HOPS => {
                    issuers.push(self.fetch_issuer(&at).await?);
                }
                Err(CertificateError::IssuerMissing(_)) => {
                    let why = "its chain does not end within two issuers".to_owned();
                    return Err(Unavailable::Forged(Forged::CertificateChain(why)));
                }
            }
        }
    }

    async fn fetch_issuer(&self, urls: &[String]) -> Result<Vec<u8>, Unavailable> {
        let url = urls.first().ok_or(Unavailable::Unreadable)?;
        self.fetcher.get(url).await.map_err(Unavailable::Fetch)
    }
}
