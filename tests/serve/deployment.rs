//! Two replicas behind a Service, replaced one by one as the Deployment of `deploy/` is: first one more, then one less (`maxSurge: 1`,
//! `maxUnavailable: 0`).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::api_server::ApiServer;
use crate::figures::Times;
use crate::proxy::{Lag, Proxy};
use crate::replica::{Ground, Replica};

const REPLICAS: usize = 2;
/// Of a control plane that is highly available itself.
const API_SERVERS: usize = 3;

/// The replicas, and the API servers that reach them.
pub struct Deployment<'a> {
    ground: Ground<'a>,
    /// The oldest first.
    replicas: VecDeque<Replica>,
    /// Those that were told to go.
    leaving: JoinSet<Result<Duration>>,
    pub api_servers: Vec<Arc<ApiServer>>,
    /// After which times proxies knew of changes.
    pub lags: Times,
    /// From TERM to the end of a process.
    pub stops: Times,
}

impl<'a> Deployment<'a> {
    /// Starts it, and waits until all is ready. Every proxy knows from the beginning.
    pub async fn start(ground: Ground<'a>, lag: Lag, tls: &TlsConnector, idle: Duration) -> Result<Self> {
        let mut replicas = VecDeque::new();
        for _ in 0..REPLICAS {
            replicas.push_back(begin(&ground).await?);
        }
        let endpoints = addresses(&replicas);
        let api_server = |_| Arc::new(ApiServer::new(Proxy::new(lag, &endpoints), tls.clone(), idle));
        let api_servers = (0..API_SERVERS).map(api_server).collect();
        let (lags, stops, leaving) = (Times::default(), Times::default(), JoinSet::new());
        Ok(Self { ground, replicas, leaving, api_servers, lags, stops })
    }

    /// Replaces every replica. A pod that is being deleted is none of the set any more, so that nothing but the start of the new
    /// ones is waited for.
    pub async fn restart(&mut self) -> Result<()> {
        for _ in 0..REPLICAS {
            let new = begin(&self.ground).await?;
            self.replicas.push_back(new);
            self.tell();
            let old = self.replicas.pop_front().context("a replica")?;
            old.send(Signal::TERM)?;
            self.tell();
            self.leaving.spawn(stop(old, Instant::now()));
        }
        Ok(())
    }

    /// Waits until all that were told to go have ended, each by itself and with 0.
    pub async fn gone(&mut self) -> Result<()> {
        while let Some(time) = self.leaving.join_next().await {
            self.stops.push(time??);
        }
        Ok(())
    }

    /// Kills the oldest replica, which then is an endpoint for as long as the proxies have not heard. Gives its address.
    pub async fn kill(&mut self) -> Result<SocketAddr> {
        let mut old = self.replicas.pop_front().context("a replica")?;
        old.send(Signal::KILL)?;
        self.tell();
        old.ended().await?;
        Ok(old.webhook())
    }

    /// Tells every proxy who is an endpoint now.
    fn tell(&mut self) {
        let endpoints = addresses(&self.replicas);
        for api_server in &self.api_servers {
            self.lags.push(api_server.proxy.hear(&endpoints));
        }
    }
}

fn addresses(replicas: &VecDeque<Replica>) -> Vec<SocketAddr> {
    replicas.iter().map(Replica::webhook).collect()
}

async fn begin(ground: &Ground<'_>) -> Result<Replica> {
    let mut replica = Replica::start(ground)?;
    replica.ready().await?;
    Ok(replica)
}

/// Waits for the end of one that was told to. Gives how long that took.
async fn stop(mut replica: Replica, told: Instant) -> Result<Duration> {
    let status = replica.ended().await?;
    ensure!(status.success(), "a replica ended with {status} after TERM:\n{}", replica.story());
    Ok(told.elapsed())
}
