//! One connection: handshake, HTTP/1.1 requests one after another, and an end that lets the last answer arrive.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::AlertDescription;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower_service::Service as _;

use super::Limits;
use super::metrics::{HandshakeFailure, Metrics};
use super::phase::{Phase, Watch};

/// Buffer of a connection, and so the largest head of a request. Bodies pass through it in parts.
const BUFFER: usize = 64 * 1024;
/// How much a client may send after our last word before we stop listening.
const LINGER_BYTES: usize = 8 * 1024 * 1024;

/// Boxed because hyper lets a connection be left without a shutdown only if the answer can be moved.
type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// What every connection shares.
pub struct Host {
    /// TLS.
    pub acceptor: TlsAcceptor,
    /// Where requests go.
    pub router: Router,
    /// Limits of a connection.
    pub limits: Limits,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Phase of the server.
    pub watch: Watch,
}

/// Serves `stream` until either side is done, a limit is met, or the server is [`Phase::Cut`].
pub async fn run(stream: TcpStream, peer: SocketAddr, host: &Host) {
    let _present = host.metrics.connection();
    let mut cut = host.watch.clone();
    tokio::select! {
        () = cut.reached(Phase::Cut) => {}
        () = speak(stream, peer, host) => {}
    }
}

async fn speak(stream: TcpStream, peer: SocketAddr, host: &Host) {
    // Answers are written whole; waiting for more of them only adds delay.
    let _ = stream.set_nodelay(true);
    match timeout(host.limits.handshake, host.acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            if let Some(stream) = requests(stream, peer, host).await {
                let _ = timeout(host.limits.linger, part(stream)).await;
            }
        }
        Ok(Err(error)) => handshake_failed(peer, host, &error),
        Err(_) => {
            host.metrics.handshake_failed(HandshakeFailure::Deadline);
            tracing::debug!(%peer, "the TLS handshake took too long");
        }
    }
}

/// Answers requests. Gives the stream back unless there is nobody to say goodbye to.
async fn requests(stream: TlsStream<TcpStream>, peer: SocketAddr, host: &Host) -> Option<TlsStream<TcpStream>> {
    let has_asked = Arc::new(AtomicBool::new(false));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(host.limits.idle)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service(host, Arc::clone(&has_asked)));

    let mut first_request = pin!(sleep(host.limits.first_request));
    let mut closing = host.watch.clone();
    let (mut is_waiting, mut is_open) = (true, true);
    let end = loop {
        tokio::select! {
            end = poll_fn(|context| connection.poll_without_shutdown(context)) => break end,
            () = &mut first_request, if is_waiting => {
                is_waiting = false;
                if !has_asked.load(Ordering::Relaxed) {
                    tracing::debug!(%peer, "no request came in time");
                    return None;
                }
            }
            () = closing.reached(Phase::Closing), if is_open => {
                is_open = false;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    if let Err(error) = end {
        tracing::debug!(%peer, %error, "connection ended");
    }
    Some(connection.into_parts().io.into_inner())
}

/// The router, and a goodbye in each answer while the server drains.
fn service(
    host: &Host,
    has_asked: Arc<AtomicBool>,
) -> impl HttpService<Incoming, ResBody = Body, Error = Infallible, Future = Answer> + Unpin {
    let (router, watch) = (host.router.clone(), host.watch.clone());
    service_fn(move |request: Request<Incoming>| -> Answer {
        has_asked.store(true, Ordering::Relaxed);
        let (mut router, watch) = (router.clone(), watch.clone());
        Box::pin(async move {
            let mut response = router.call(request).await?;
            if watch.now() > Phase::Serving {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        })
    })
}

/// Says goodbye and reads on for a while: closing with unread data would reset the connection, and the client might
/// lose an answer such as 413 that it has not read yet.
async fn part(mut stream: TlsStream<TcpStream>) {
    if stream.shutdown().await.is_err() {
        return;
    }
    // What still comes is thrown away, so it need not be decrypted.
    let (tcp, _) = stream.get_mut();
    let mut scratch = vec![0; 16 * 1024];
    let mut left = LINGER_BYTES;
    while let Ok(length @ 1..) = tcp.read(&mut scratch).await {
        let Some(rest) = left.checked_sub(length) else { return };
        left = rest;
    }
}

fn handshake_failed(peer: SocketAddr, host: &Host, error: &io::Error) {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(tls) = tls else {
        host.metrics.handshake_failed(HandshakeFailure::Closed);
        tracing::debug!(%peer, %error, "the client left during the TLS handshake");
        return;
    };
    host.metrics.handshake_failed(HandshakeFailure::Tls);
    if let rustls::Error::AlertReceived(
        AlertDescription::BadCertificate | AlertDescription::UnknownCA | AlertDescription::CertificateUnknown,
    ) = tls
    {
        tracing::warn!(%peer, error = %tls, "a client does not trust us; compare the caBundle of the registration");
    } else {
        tracing::info!(%peer, error = %tls, "the TLS handshake failed");
    }
}
