//! An API server as a client: it verifies what it is shown, by its own clock and by the registration as it has learnt of it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dkron_ha::certs::restore::Credential;
use dkron_ha::certs::{Bundle, Standing, provider};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Runtime;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::api::HOST;

/// A clock that stands still.
#[derive(Debug)]
struct Clock(SystemTime);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(self.0.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)))
    }
}

/// Real handshakes in memory.
pub struct Client(Runtime);

impl Client {
    pub fn new() -> Self {
        Self(tokio::runtime::Builder::new_current_thread().build().expect("a runtime"))
    }

    /// One handshake of somebody who trusts `bundle` (PEM) and whose clock says `now`. As in Go, an authority that does not hold now
    /// vouches for nobody; rustls alone would not look at its dates.
    pub fn shake_hands(&self, acceptor: &TlsAcceptor, bundle: &[u8], now: SystemTime) -> io::Result<()> {
        let mut roots = RootCertStore::empty();
        for certificate in Bundle::read(bundle).certificates() {
            if Credential::read(certificate).is_ok_and(|read| read.validity.at(now) == Standing::Valid) {
                roots.add(certificate.clone()).map_err(io::Error::other)?;
            }
        }
        let config = ClientConfig::builder_with_details(provider(), Arc::new(Clock(now)))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(HOST).map_err(io::Error::other)?;
        self.0.block_on(async {
            let (near, far) = tokio::io::duplex(16 * 1024);
            let connector = TlsConnector::from(Arc::new(config));
            // What the server thinks of a client that leaves does not matter here.
            let (client, _server) = tokio::join!(connector.connect(name, near), acceptor.accept(far));
            client.map(|_| ())
        })
    }
}
