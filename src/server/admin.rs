//! The admin port: plain HTTP for the kubelet's probes and for Prometheus.

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use super::metrics::{self, Metrics};
use super::phase::Watch;
use super::readiness::readiness;
use crate::certs::Served;
use crate::contract::path;

/// What the admin port shows.
pub struct Admin {
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The present certificate.
    pub served: Arc<Served>,
    /// Phase of the server.
    pub watch: Watch,
}

/// Serves the admin port; ends only when dropped.
///
/// # Errors
/// Where the listener fails for good.
pub async fn run(listener: TcpListener, admin: Admin) -> io::Result<()> {
    let router = Router::new()
        .route(path::HEALTHZ, get(|| async { "ok\n" }))
        .route(path::READYZ, get(readyz))
        .route(path::METRICS, get(text))
        .with_state(Arc::new(admin));
    axum::serve(listener, router).await
}

async fn readyz(State(admin): State<Arc<Admin>>) -> Response {
    match readiness(admin.watch.now(), admin.served.pair().validity(), SystemTime::now()) {
        Ok(()) => "ok\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

async fn text(State(admin): State<Arc<Admin>>) -> Response {
    match admin.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
