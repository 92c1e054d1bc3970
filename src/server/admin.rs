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
use super::readiness::{NotReady, readiness};
use crate::certs::{Board, Served};
use crate::contract::path;

/// What the admin port shows.
pub struct Admin {
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The present certificate.
    pub served: Arc<Served>,
    /// What was last seen of the registration, where there is a cluster.
    pub board: Option<Arc<Board>>,
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

impl Admin {
    fn readiness(&self) -> Result<(), NotReady> {
        let sight = self.board.as_ref().map(|board| board.sight());
        readiness(self.watch.now(), &self.served.pair(), sight.as_deref(), SystemTime::now())
    }
}

async fn readyz(State(admin): State<Arc<Admin>>) -> Response {
    match admin.readiness() {
        Ok(()) => "ok\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

async fn text(State(admin): State<Arc<Admin>>) -> Response {
    admin.metrics.readiness(admin.readiness().err().map(|why| why.reason()));
    admin.metrics.certificate(admin.served.pair().validity().not_after);
    if let Some(authority) = admin.board.as_ref().and_then(|board| board.authority()) {
        admin.metrics.authority(authority.not_after);
    }
    match admin.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
