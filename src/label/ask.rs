//! A question over HTTP to a neighbour in the pod, with a limit on time and size.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::handshake;
use hyper::header::{CONNECTION, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What is read of a body: a reason is a line or two, a state has a line for each server.
const LONGEST_TEXT: usize = 256 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error("no answer from {at} within {limit:?}")]
    TimedOut { at: SocketAddr, limit: Duration },
    #[error("no connection to {at}: {source}")]
    Connect { at: SocketAddr, source: std::io::Error },
    #[error("no HTTP from {at}: {source}")]
    Http { at: SocketAddr, source: hyper::Error },
    #[error("no TLS with {at}, or no credentials for it: {source}")]
    Guard { at: SocketAddr, source: std::io::Error },
    #[error("bad path {path:?}")]
    Path { path: String },
}

/// Asks and takes the status; the body is not read.
pub(super) async fn status(at: SocketAddr, path: &str, limit: Duration) -> Result<u16, AskError> {
    within(at, limit, async { Ok(send(at, path).await?.status().as_u16()) }).await
}

/// Asks and takes the status and the text, which is empty if it is too long.
pub(super) async fn answer(at: SocketAddr, path: &str, limit: Duration) -> Result<(u16, String), AskError> {
    within(at, limit, async {
        let response = send(at, path).await?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), LONGEST_TEXT).collect().await;
        let text = body.map(|body| String::from_utf8_lossy(&body.to_bytes()).trim().to_owned()).unwrap_or_default();
        Ok((status, text))
    })
    .await
}

pub(super) async fn within<T>(
    at: SocketAddr,
    limit: Duration,
    question: impl Future<Output = Result<T, AskError>>,
) -> Result<T, AskError> {
    timeout(limit, question).await.unwrap_or(Err(AskError::TimedOut { at, limit }))
}

async fn send(at: SocketAddr, path: &str) -> Result<Response<Incoming>, AskError> {
    let stream = TcpStream::connect(at).await.map_err(|source| AskError::Connect { at, source })?;
    exchange(stream, request(Method::GET, path, at)?, at).await
}

/// A request without a body, the only one of its connection.
pub(super) fn request(method: Method, path: &str, at: SocketAddr) -> Result<Request<Empty<Bytes>>, AskError> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, at.to_string())
        .header(CONNECTION, "close")
        .body(Empty::new())
        .map_err(|_| AskError::Path { path: path.into() })
}

/// Sends it over a connection, whatever that is made of.
pub(super) async fn exchange<S>(
    stream: S,
    request: Request<Empty<Bytes>>,
    at: SocketAddr,
) -> Result<Response<Incoming>, AskError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let http = |source| AskError::Http { at, source };
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(http)?;
    // Ends by itself once the response is dropped.
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(http)
}
