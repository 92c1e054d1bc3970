//! The label updater's own port: readiness, which is the wrapper's, and metrics.
//!
//! A pod counts as ready only while all its containers are, so the wrapper's answer, which says whether the server takes
//! part, becomes the pod's without touching the probes that the user gave dkron.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::LabelConfig;
use super::accept::Place;
use super::ask;
use super::metrics::{self, Metrics};
use crate::contract::path;

/// The kubelet and a scraper or two ask at a time.
const PLACE: Place = Place { at: "", connections: 32, connection: Duration::from_secs(10) };

/// Serves for ever. A port that cannot be bound, perhaps one of the node that another pod still holds, is tried again: the label
/// matters more than this port.
pub(super) async fn serve(config: LabelConfig, metrics: Arc<Metrics>) {
    let shared = Arc::new((config, metrics));
    let (config, _) = &*shared;
    loop {
        match bind(config.port).await {
            Ok(listener) => {
                let next = async || listener.accept().await.map(|(stream, _)| stream);
                let shared = Arc::clone(&shared);
                PLACE.serve(next, move |request| route(request, Arc::clone(&shared))).await;
            }
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

async fn route(request: Request<Incoming>, shared: Arc<(LabelConfig, Arc<Metrics>)>) -> Response<Full<Bytes>> {
    let (config, metrics) = &*shared;
    match request.uri().path() {
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
    }
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
