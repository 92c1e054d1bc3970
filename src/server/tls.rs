//! TLS of the HTTPS port: versions 1.2 and 1.3, HTTP/1.1 only, the certificate of the moment.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use tokio_rustls::TlsAcceptor;

use crate::certs::{Served, provider};

/// An acceptor that presents whatever `served` holds when a connection begins.
///
/// # Errors
/// Where the provider lacks a version; ours does not.
pub fn acceptor(served: Arc<Served>) -> Result<TlsAcceptor, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(served);
    // The API server's webhook client offers nothing else.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // That client keeps connections and resumes no sessions; without sessions each connection shows the present leaf.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
