//! What `serve` is told, and the step from there to open listeners.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::io::Errno;
use tokio::net::TcpListener;

use super::accounts::Accounts;
use super::bound::Bound;
use super::limits::{Limits, LimitsError};
use super::metrics::Metrics;
use super::renewal::announce;
use super::tls;
use crate::certs::{Board, Served, Source, SourceError};
use crate::contract::port;
use crate::review::Reviewer;

/// Everything that `serve` is told.
pub struct Config {
    /// Address of the HTTPS port. `[::]` also takes IPv4, and becomes `0.0.0.0` where there is no IPv6.
    pub webhook: SocketAddr,
    /// Address of the admin port.
    pub admin: SocketAddr,
    /// Where certificates come from.
    pub certificates: Source,
    /// How often to look for new ones.
    pub certificate_poll: Duration,
    /// What was last seen of the registration, where there is a cluster: readiness asks whether it trusts the certificate.
    pub board: Option<Arc<Board>>,
    /// Accounts that pods need, where there is a controller that makes them.
    pub accounts: Option<Accounts>,
    /// Limits.
    pub limits: Limits,
    /// The way out.
    pub drain: Drain,
}

/// How the server ends.
#[derive(Clone, Copy, Debug)]
pub struct Drain {
    /// How long everything is still served after readiness is gone: until every API server has learnt that this replica
    /// is no endpoint any more.
    pub delay: Duration,
    /// How long, from the same moment, a connection that asks nothing is left to its client. An API server closes it after 90 s
    /// and may use it until then; if it were closed here while a review is on its way, that review would be lost.
    pub idle: Duration,
    /// How long requests may take to finish after both.
    pub finish: Duration,
}

/// A little more than an API server keeps a connection that it does not use.
const KEPT: Duration = Duration::from_secs(92);

impl Drain {
    /// The usual way out with this delay. Without one nobody is waited for but those who have asked.
    pub fn of(delay: Duration) -> Self {
        let idle = if delay.is_zero() { Duration::ZERO } else { KEPT };
        Self { delay, idle, finish: Duration::from_secs(10) }
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self::of(Duration::from_secs(12))
    }
}

/// Why the server did not start, or ended other than asked.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Limits that let nothing through.
    #[error("the limits make no sense")]
    Limits(#[from] LimitsError),
    /// There is no certificate to begin with.
    #[error("there is no certificate to serve")]
    Certificate(#[from] SourceError),
    /// TLS could not be set up.
    #[error("TLS could not be set up")]
    Tls(#[from] rustls::Error),
    /// A port could not be opened.
    #[error("cannot listen on {address} ({purpose})")]
    Listen {
        /// `webhook` or `admin`.
        purpose: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A part of the server ended although nobody asked.
    #[error("a part of the server ended unexpectedly: {0}")]
    Ended(String),
}

impl Config {
    /// The contract's ports on all addresses, and the defaults of everything else.
    pub fn new(certificates: Source) -> Self {
        Self {
            webhook: (Ipv6Addr::UNSPECIFIED, port::WEBHOOK).into(),
            admin: (Ipv6Addr::UNSPECIFIED, port::ADMIN).into(),
            certificates,
            certificate_poll: Duration::from_secs(10),
            board: None,
            accounts: None,
            limits: Limits::default(),
            drain: Drain::default(),
        }
    }

    /// Gets the first certificate and opens both ports. From here on connections queue; [`Bound::run`] serves them.
    ///
    /// # Errors
    /// [`ServeError`] where limits make no sense, there is no certificate, or a port is taken.
    pub async fn bind(mut self, reviewer: Arc<dyn Reviewer>) -> Result<Bound, ServeError> {
        self.limits.check()?;
        let first = self.certificates.first(SystemTime::now())?;
        announce(&first, "a certificate is served");
        let metrics = Arc::new(Metrics::new());
        let served = Arc::new(Served::new(first.pair));
        let acceptor = tls::acceptor(Arc::clone(&served))?;
        let webhook = listen("webhook", self.webhook).await?;
        let admin = listen("admin", self.admin).await?;
        Ok(Bound { webhook, admin, acceptor, served, metrics, reviewer, config: self })
    }
}

async fn listen(purpose: &'static str, address: SocketAddr) -> Result<TcpListener, ServeError> {
    let outcome = match TcpListener::bind(address).await {
        Err(error) if address.ip() == Ipv6Addr::UNSPECIFIED && lacks_ipv6(&error) => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        outcome => outcome,
    };
    outcome.map_err(|source| ServeError::Listen { purpose, address, source })
}

fn lacks_ipv6(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL))
}
