//! The order of life: serve, drain, wait, close, cut.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::admin::{self, Admin};
use super::budget::Budget;
use super::config::{Config, ServeError};
use super::connection::Host;
use super::metrics::Metrics;
use super::phase::{Life, Phase};
use super::router::{Desk, router};
use super::shutdown::Shutdown;
use super::turn::Turns;
use super::{accept, renewal};
use crate::certs::Served;
use crate::review::Reviewer;

/// A server whose ports are open and which serves nothing yet.
pub struct Bound {
    pub(super) webhook: TcpListener,
    pub(super) admin: TcpListener,
    pub(super) acceptor: TlsAcceptor,
    pub(super) served: Arc<Served>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) reviewer: Arc<dyn Reviewer>,
    pub(super) config: Config,
}

/// How the end came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every request was answered.
    Drained,
    /// Connections were dropped: a second signal, or no time left.
    Cut {
        /// How many were still open.
        connections: usize,
    },
}

impl Bound {
    /// Address of the HTTPS port.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.webhook.local_addr()
    }

    /// Address of the admin port.
    ///
    /// # Errors
    /// What the system says.
    pub fn admin_addr(&self) -> io::Result<SocketAddr> {
        self.admin.local_addr()
    }

    /// Counters of this server.
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// What is served; whoever keeps a certificate up replaces it there.
    pub fn served(&self) -> Arc<Served> {
        Arc::clone(&self.served)
    }

    /// Serves until `shutdown` asks for the end, and ends in order: unready at once; for the delay everything is still
    /// served, each answer closing its connection; then no new connections, and those that ask nothing are left to their clients
    /// for a while; then they are closed, and what is under way may finish.
    ///
    /// # Errors
    /// [`ServeError::Ended`] where a part of the server ended although nobody asked.
    pub async fn run(self, mut shutdown: Shutdown) -> Result<Ended, ServeError> {
        let Self { webhook, admin, acceptor, served, metrics, reviewer, config } = self;
        let Config { certificates, certificate_poll, board, accounts, limits, drain, .. } = config;
        let life = Life::new();
        let places = Arc::new(Semaphore::new(usize::try_from(limits.connections).unwrap_or(usize::MAX)));
        let desk = Desk {
            budget: Budget::new(limits.body_budget),
            turns: Turns::new(reviewer, &limits),
            accounts,
            metrics: Arc::clone(&metrics),
            limits: limits.clone(),
        };
        let host = Host {
            acceptor,
            router: router(Arc::new(desk)),
            limits: limits.clone(),
            metrics: Arc::clone(&metrics),
            watch: life.watch(),
        };

        let mut accepting = JoinSet::new();
        accepting.spawn(accept::run(webhook, Arc::new(host), Arc::clone(&places)));
        let mut others = JoinSet::new();
        let (shown, counted) = (Arc::clone(&served), Arc::clone(&metrics));
        let show = Admin { metrics: counted, served: shown, board, watch: life.watch() };
        others.spawn(async move { admin::run(admin, show).await.map_err(|error| format!("admin port: {error}")) });
        others.spawn(async move {
            let renewal = renewal::run(certificates, served, metrics, certificate_poll);
            renewal.await.map_err(|error| format!("certificate renewal: {error}"))
        });

        tracing::info!("serving");
        tokio::select! {
            () = shutdown.drain() => {}
            Some(end) = others.join_next() => return Err(unexpected(end)),
            Some(end) = accepting.join_next() => return Err(unexpected(end.map(Ok))),
        }
        let begun = Instant::now();
        life.advance(Phase::Draining);
        tracing::info!(delay_s = drain.delay.as_secs(), "not ready any more; still serving");
        tokio::select! {
            () = sleep_until(begun + drain.delay) => {}
            () = shutdown.end() => {}
        }
        life.advance(Phase::Waiting);
        accepting.join_next().await;

        let all = limits.connections;
        let gone = tokio::select! {
            all = timeout_at(begun + drain.idle, places.acquire_many(all)) => all.is_ok(),
            () = shutdown.end() => false,
        };
        life.advance(Phase::Closing);
        let finished = gone
            || tokio::select! {
                all = timeout(drain.finish, places.acquire_many(all)) => all.is_ok(),
                () = shutdown.end() => false,
            };
        let open = usize::try_from(all).unwrap_or(usize::MAX).saturating_sub(places.available_permits());
        life.advance(Phase::Cut);
        if finished || open == 0 {
            tracing::info!("every request was answered");
            Ok(Ended::Drained)
        } else {
            tracing::warn!(connections = open, "connections were dropped");
            Ok(Ended::Cut { connections: open })
        }
    }
}

fn unexpected(end: Result<Result<(), String>, tokio::task::JoinError>) -> ServeError {
    ServeError::Ended(match end {
        Ok(Ok(())) => "no reason given".into(),
        Ok(Err(reason)) => reason,
        Err(error) => error.to_string(),
    })
}
