//! The certificate that all replicas serve, and a client's trust in it.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result};
use dkron_ha::certs::{self, development};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// The name that the API server verifies.
pub const NAME: &str = "dkron-ha.dkron-ha.svc";

/// Writes a certificate for [`NAME`] into `directory`; whoever connects so trusts it, and speaks HTTP/1.1 only, as the API server
/// does towards webhooks.
pub fn write(directory: &Path) -> Result<TlsConnector> {
    let written = development::write(directory, &[NAME.to_owned()], SystemTime::now())?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&written.authority)? {
        roots.add(certificate?)?;
    }
    let mut config = ClientConfig::builder_with_provider(certs::provider())
        .with_safe_default_protocol_versions()
        .context("TLS")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
