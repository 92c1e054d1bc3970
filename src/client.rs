//! An HTTPS client that behaves as an API server does: one verified connection, kept alive, HTTP/1.1.
//!
//! For `demo` and for tests; nothing that runs in a cluster uses it.

use crate::contract::path;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A connection to the webhook.
pub struct Client {
    requests: SendRequest<Full<Bytes>>,
    host: String,
    tls: String,
}

/// No connection, or a review that got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens, or the connection broke off.
    #[error("the connection failed: {0}")]
    Connection(#[from] std::io::Error),
    /// The certificate cannot be trusted, or TLS cannot be set up.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The authority's PEM, or the server's name, cannot be read.
    #[error("whom to trust cannot be read: {0}")]
    Authority(String),
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Http(#[from] hyper::Error),
    /// The request could not be made.
    #[error("the request could not be made: {0}")]
    Request(#[from] hyper::http::Error),
    /// The server refused it.
    #[error("HTTP {0}: {1}")]
    Status(StatusCode, String),
}

impl Client {
    /// Connects, and verifies the server's certificate for `name` against `authority` (PEM) alone.
    ///
    /// # Errors
    /// Where there is no connection, or it cannot be trusted.
    pub async fn connect(
        address: SocketAddr,
        name: &str,
        authority: &str,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, ClientError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authority.as_bytes()) {
            roots.add(certificate.map_err(|error| ClientError::Authority(error.to_string()))?)?;
        }
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(address).await?;
        // A review is one small write and one small answer; Go's clients set this too.
        stream.set_nodelay(true)?;
        let server =
            ServerName::try_from(name.to_owned()).map_err(|error| ClientError::Authority(error.to_string()))?;
        let stream = TlsConnector::from(Arc::new(config)).connect(server, stream).await?;
        let tls = stream.get_ref().1.protocol_version().map(|version| format!("{version:?}")).unwrap_or_default();
        let (requests, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends with the last request handle, or with the server; what it says then is of no use.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { requests, host: name.into(), tls })
    }

    /// The negotiated protocol version.
    pub fn tls(&self) -> &str {
        &self.tls
    }

    /// Sends a review and reads its answer.
    ///
    /// # Errors
    /// [`ClientError`] where there is no answer of status 200.
    pub async fn review(&mut self, review: &str) -> Result<Vec<u8>, ClientError> {
        match self.post(Bytes::copy_from_slice(review.as_bytes())).await? {
            (StatusCode::OK, body) => Ok(body.to_vec()),
            (status, body) => Err(ClientError::Status(status, String::from_utf8_lossy(&body).into_owned())),
        }
    }

    /// Sends a body, whatever it is, where reviews go.
    ///
    /// # Errors
    /// [`ClientError`] where the connection ends before an answer.
    pub async fn post(&mut self, body: Bytes) -> Result<(StatusCode, Bytes), ClientError> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}?timeout=3s", path::MUTATE))
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        self.requests.ready().await?;
        let response = self.requests.send_request(request).await?;
        Ok((response.status(), response.into_body().collect().await?.to_bytes()))
    }
}
