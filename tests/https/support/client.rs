//! An HTTPS client that verifies what it is shown, as the API server does.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use dkron_ha::certs::provider;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::server::HOST;
use super::soon;

pub type Stream = tokio_rustls::client::TlsStream<TcpStream>;

/// Trusts `bundle` only; any version.
pub fn config(bundle: &str) -> ClientConfig {
    config_for(bundle, rustls::ALL_VERSIONS)
}

/// Trusts `bundle` only; these versions.
pub fn config_for(bundle: &str, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// A TLS connection to `address`, which must prove to be `host`.
pub async fn stream(address: SocketAddr, config: ClientConfig, host: &str) -> io::Result<Stream> {
    let tcp = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(host.to_owned()).unwrap(), tcp).await
}

/// The certificate that the other side of `stream` showed.
pub fn leaf(stream: &Stream) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

/// One keep-alive connection.
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
    pub leaf: CertificateDer<'static>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub content_type: String,
    pub closes: bool,
    pub text: String,
}

impl Client {
    pub async fn connect(address: SocketAddr, config: ClientConfig) -> Self {
        Self::over(stream(address, config, HOST).await.unwrap()).await
    }

    pub async fn over(stream: Stream) -> Self {
        let leaf = leaf(&stream);
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender, leaf }
    }

    /// Posts JSON to the webhook.
    pub async fn review(&mut self, body: impl Into<Bytes>) -> Answer {
        self.post("/mutate", body).await
    }

    /// Posts JSON.
    pub async fn post(&mut self, target: &str, body: impl Into<Bytes>) -> Answer {
        let request = Request::post(target).header("content-type", "application/json");
        self.send(request.header("host", HOST).body(Full::new(body.into())).unwrap()).await
    }

    /// Sends any request.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Answer {
        self.try_send(request).await.unwrap()
    }

    /// Sends any request; the connection may be gone.
    pub async fn try_send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Answer> {
        soon("an answer", async {
            self.sender.ready().await?;
            Answer::read(self.sender.send_request(request).await?).await
        })
        .await
    }

    /// Waits until the server has closed the connection.
    pub async fn closed(&mut self) {
        soon("the server to close", async {
            while self.sender.ready().await.is_ok() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

impl Answer {
    async fn read(response: Response<Incoming>) -> hyper::Result<Self> {
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let (content_type, closes) = (header("content-type"), header("connection").eq_ignore_ascii_case("close"));
        let status = response.status();
        let text = response.into_body().collect().await?.to_bytes();
        Ok(Self { status, content_type, closes, text: String::from_utf8(text.to_vec()).unwrap() })
    }
}
