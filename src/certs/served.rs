//! The pair that new connections get. Replacing it leaves open connections as they are.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::Pair;

/// The present pair, shared by the TLS acceptor, readiness and metrics.
#[derive(Debug)]
pub struct Served(ArcSwap<Pair>);

impl Served {
    /// Serves `pair` until it is replaced.
    pub fn new(pair: Arc<Pair>) -> Self {
        Self(ArcSwap::new(pair))
    }

    /// What is served now.
    pub fn pair(&self) -> Arc<Pair> {
        self.0.load_full()
    }

    /// Serves `pair` to every connection that begins from now on.
    pub fn replace(&self, pair: Arc<Pair>) {
        self.0.store(pair);
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(self.0.load().certified()))
    }
}
