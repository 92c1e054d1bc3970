//! A server on loopback with short ways out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dkron_ha::certs::Source;
use dkron_ha::server::{Config, Drain, Ended, Metrics, ServeError, Shutdown, Trigger};
use tokio::task::JoinHandle;

use super::client::{self, Client};
use super::reviewer::Script;
use super::{raw, soon};

pub const HOST: &str = "dkron-ha.test.svc";

pub struct Server {
    pub address: SocketAddr,
    pub admin: SocketAddr,
    pub bundle: String,
    pub script: Arc<Script>,
    pub metrics: Arc<Metrics>,
    pub trigger: Trigger,
    pub task: JoinHandle<Result<Ended, ServeError>>,
}

/// A configuration on free ports of loopback, with an ephemeral authority; its certificate comes along.
pub fn config() -> (Config, String) {
    let source = Source::ephemeral(vec![HOST.into()], SystemTime::now()).unwrap();
    let bundle = source.authority_pem().unwrap().to_owned();
    (config_of(source), bundle)
}

/// A configuration on free ports of loopback.
pub fn config_of(source: Source) -> Config {
    Config {
        webhook: ([127, 0, 0, 1], 0).into(),
        admin: ([127, 0, 0, 1], 0).into(),
        certificate_poll: Duration::from_millis(20),
        drain: Drain { finish: Duration::from_secs(20), ..Drain::of(Duration::ZERO) },
        ..Config::new(source)
    }
}

impl Server {
    /// Starts with the usual configuration.
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// Starts with the usual configuration, changed.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let (mut config, bundle) = config();
        change(&mut config);
        Self::start_of(config, bundle).await
    }

    /// Starts with this configuration, whose certificates `bundle` vouches for.
    pub async fn start_of(config: Config, bundle: String) -> Self {
        let script = Script::new();
        let bound = config.bind(Arc::<Script>::clone(&script)).await.unwrap();
        let (address, admin) = (bound.local_addr().unwrap(), bound.admin_addr().unwrap());
        let metrics = bound.metrics();
        let (trigger, shutdown) = Shutdown::channel();
        let task = tokio::spawn(bound.run(shutdown));
        Self { address, admin, bundle, script, metrics, trigger, task }
    }

    /// A client that trusts the server's authority.
    pub async fn client(&self) -> Client {
        soon("connecting", Client::connect(self.address, client::config(&self.bundle))).await
    }

    /// A bare TLS stream.
    pub async fn stream(&self) -> client::Stream {
        soon("connecting", client::stream(self.address, client::config(&self.bundle), HOST)).await.unwrap()
    }

    /// Asks for the end and waits for it.
    pub async fn end(self) -> Ended {
        self.trigger.drain();
        soon("the end", self.task).await.unwrap().unwrap()
    }

    /// Waits until readiness is gone.
    pub async fn unready(&self) {
        soon("readiness to go", async { while raw::get(self.admin, "/readyz").await.unwrap().0 != 503 {} }).await;
    }

    /// Whether the metrics have this line.
    pub fn counts(&self, line: &str) -> bool {
        self.metrics.text().unwrap().lines().any(|have| have == line)
    }
}
