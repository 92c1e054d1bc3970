//! The label updater's own port: readiness, which is the wrapper's, and metrics.
//!
//! A pod counts as ready only while all its containers are, so the wrapper's answer, which says whether the server takes
//! part, becomes the pod's without touching the probes that the user gave dkron.

use std::convert::Infallible;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::LabelConfig;
use super::ask;
use super::metrics::{self, Metrics};
use crate::contract::path;

/// The kubelet and a scraper or two ask at a time.
const CONNECTIONS: usize = 32;

/// From accepting a connection to the end of its one answer.
const CONNECTION: Duration = Duration::from_secs(10);

/// After a failed accept, which may mean that no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves for ever. A port that cannot be bound, perhaps one of the node that another pod still holds, is tried again: the label
/// matters more than this port.
pub(super) async fn serve(config: LabelConfig, metrics: Arc<Metrics>) {
    let shared = Arc::new((config, metrics));
    let (config, _) = &*shared;
    loop {
        match bind(config.port).await {
            Ok(listener) => accept(&listener, &shared).await,
            Err(error) => tracing::error!(port = config.port, %error, "no readiness and no metrics: cannot bind"),
        }
        sleep(config.pace.rebind).await;
    }
}

/// All addresses of both families where the node has both.
async fn bind(port: u16) -> std::io::Result<TcpListener> {
    let v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    TcpListener::bind([v6, v4].as_slice()).await
}

async fn accept(listener: &TcpListener, shared: &Arc<(LabelConfig, Arc<Metrics>)>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    // The semaphore is never closed; if it were, there would be nothing to serve.
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = Arc::clone(shared);
                tokio::spawn(async move {
                    let _permit = permit;
                    answer_one(stream, &shared.0, &shared.1).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn answer_one(stream: TcpStream, config: &LabelConfig, metrics: &Metrics) {
    let service = service_fn(|request| route(request, config, metrics));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(CONNECTION, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "connection"),
        Err(_) => tracing::debug!("connection took too long"),
    }
}

async fn route(
    request: Request<Incoming>,
    config: &LabelConfig,
    metrics: &Metrics,
) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(match request.uri().path() {
        path::READYZ => readiness(config).await,
        path::METRICS => match metrics.text() {
            Ok(text) => {
                let mut response = text_response(StatusCode::OK, text);
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(metrics::CONTENT_TYPE));
                response
            }
            Err(error) => text_response(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        },
        _ => text_response(StatusCode::NOT_FOUND, "not found".into()),
    })
}

async fn readiness(config: &LabelConfig) -> Response<Full<Bytes>> {
    match ask::answer(config.wrapper(), path::PROBE_READY, config.pace.ask).await {
        Ok((200, text)) => text_response(StatusCode::OK, text),
        Ok((status, text)) => {
            text_response(StatusCode::SERVICE_UNAVAILABLE, format!("wrapper answers {status}: {text}"))
        }
        Err(error) => text_response(StatusCode::SERVICE_UNAVAILABLE, format!("wrapper: {error}")),
    }
}

fn text_response(status: StatusCode, mut text: String) -> Response<Full<Bytes>> {
    text.push('\n');
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
