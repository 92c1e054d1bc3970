//! A leaf of the kept authority, and what it was made of.

use std::sync::Arc;
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;

use super::bundle::{Bundle, Distrust};
use super::issue::{Authority, IssueError, LEAF_LIFE};
use super::pair::{Pair, PairError};
use super::validity::{Jitter, Standing};

/// Why nothing could be signed.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// No key or certificate could be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// What was made does not hold together.
    #[error(transparent)]
    Pair(#[from] PairError),
}

/// A leaf with its authority and its hosts.
#[derive(Clone, Debug)]
pub struct Signed {
    /// What is served.
    pub pair: Arc<Pair>,
    /// Certificate of the authority.
    pub by: CertificateDer<'static>,
    hosts: Vec<String>,
}

impl Signed {
    /// A leaf for `hosts`.
    ///
    /// # Errors
    /// [`KeepError`] without hosts or without randomness.
    pub fn new(authority: &Authority, hosts: Vec<String>, now: SystemTime) -> Result<Self, KeepError> {
        let pair = Pair::try_from(&authority.sign(&hosts, now, LEAF_LIFE)?)?;
        Ok(Self { pair: Arc::new(pair), by: authority.certificate().clone(), hosts })
    }

    /// Whether it can go on for now, signed by `authority` for exactly `hosts`.
    pub fn is_fresh(&self, authority: &Authority, hosts: &[String], now: SystemTime, jitter: Jitter) -> bool {
        let validity = self.pair.validity();
        // One that ends with its authority cannot be bettered.
        let is_last = validity.not_after == authority.validity().not_after && validity.at(now) == Standing::Valid;
        self.by == *authority.certificate() && self.hosts == hosts && (is_last || !validity.is_due(now, jitter))
    }

    /// Whether those who trust its authority, and nobody else, accept it.
    ///
    /// # Errors
    /// [`Distrust`] with the reason why not: then there is something wrong with the authority.
    pub fn is_sound(&self, now: SystemTime) -> Result<(), Distrust> {
        let trusting: Bundle = [self.by.clone()].into_iter().collect();
        self.hosts.iter().try_for_each(|host| trusting.vouch(&self.pair, host, now))
    }
}
