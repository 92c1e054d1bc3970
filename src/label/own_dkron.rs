//! The HTTP API of the dkron in this pod: plain, or over TLS and with credentials, where files for that are named.
//!
//! The files are read for each connection: Secrets are replaced while pods run.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper::{Method, Response};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::ask::{self, AskError};

/// What a certificate is for where nobody says otherwise.
pub(super) const LOCALHOST: &str = "localhost";

/// How the API of the own dkron is reached.
#[derive(Clone, Debug)]
pub struct DkronApi {
    /// On the loopback interface, which the containers of a pod share, or else at the pod's own address.
    pub port: u16,
    /// Where it listens if not on the loopback interface.
    pub pod_ip: Option<IpAddr>,
    /// PEM of whom its certificate must lead to; with it TLS is spoken.
    pub authority: Option<PathBuf>,
    /// The name in its certificate.
    pub server_name: String,
    /// Holds what stands in the header `Authorization`: `Basic …` or `Bearer …`. Sent over TLS alone.
    pub credentials: Option<PathBuf>,
}

impl DkronApi {
    /// Without TLS and without credentials, on the loopback interface.
    pub fn plain(port: u16) -> Self {
        Self { port, pod_ip: None, authority: None, server_name: LOCALHOST.into(), credentials: None }
    }

    /// Whether more than plain HTTP is needed to speak with it.
    pub fn is_guarded(&self) -> bool {
        self.authority.is_some() || self.credentials.is_some()
    }

    /// Sends a request without a body and waits for the head of the answer. The caller limits the time.
    pub(super) async fn send(&self, method: Method, path: &str) -> Result<Response<Incoming>, AskError> {
        let hosts = [Some(IpAddr::from(Ipv4Addr::LOCALHOST)), self.pod_ip];
        let mut last = None;
        for at in hosts.into_iter().flatten().map(|ip| SocketAddr::new(ip, self.port)) {
            match TcpStream::connect(at).await {
                Ok(stream) => return self.over(stream, at, method, path).await,
                Err(source) => last.get_or_insert(AskError::Connect { at, source }),
            };
        }
        Err(last.unwrap_or(AskError::Path { path: path.into() }))
    }

    async fn over(
        &self,
        stream: TcpStream,
        at: SocketAddr,
        method: Method,
        path: &str,
    ) -> Result<Response<Incoming>, AskError> {
        let guarded = |source| AskError::Guard { at, source };
        let mut request = ask::request(method, path, at)?;
        let Some(authority) = &self.authority else {
            // In clear they would be told to whoever listens there, a job too.
            if self.credentials.is_some() {
                return Err(guarded(io::Error::other(
                    "credentials are sent over TLS alone, and no authority is named",
                )));
            }
            return ask::exchange(stream, request, at).await;
        };
        if let Some(file) = &self.credentials {
            request.headers_mut().insert(AUTHORIZATION, credentials(file).map_err(guarded)?);
        }
        let connector = connector(authority).map_err(guarded)?;
        let name = ServerName::try_from(self.server_name.clone()).map_err(|error| guarded(io::Error::other(error)))?;
        // Boxed, since a connection of TLS is large and seldom needed.
        Box::pin(async move {
            let stream = connector.connect(name, stream).await.map_err(guarded)?;
            ask::exchange(stream, request, at).await
        })
        .await
    }
}

fn credentials(file: &Path) -> io::Result<HeaderValue> {
    let text = std::fs::read_to_string(file)?;
    let mut value = HeaderValue::from_str(text.trim()).map_err(io::Error::other)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Trusts this authority and nobody else.
fn connector(authority: &Path) -> io::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&std::fs::read(authority)?) {
        roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
