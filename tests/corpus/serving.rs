//! The real HTTPS server with the real engine, and one connection to it.

use dkron_ha::certs::{self, Source};
use dkron_ha::client::Client;
use dkron_ha::inject::Engine;
use dkron_ha::rehearsal::Shared;
use dkron_ha::server::{Config, Drain, Shutdown, Trigger};
use dkron_ha::settings::Settings;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::task::JoinHandle;

const NAME: &str = "dkron-ha.dkron-ha.svc";

pub struct Served {
    address: SocketAddr,
    authority: String,
    trigger: Trigger,
    server: JoinHandle<()>,
}

impl Served {
    pub async fn connect(&self) -> Client {
        Client::connect(self.address, NAME, &self.authority, certs::provider()).await.expect("connects")
    }

    /// Ends the server, which must not have panicked.
    pub async fn end(self) {
        self.trigger.drain();
        self.server.await.expect("no panic");
    }
}

pub async fn serve(clusters: Shared) -> Served {
    let source = Source::ephemeral(vec![NAME.into()], SystemTime::now()).expect("an authority");
    let authority = source.authority_pem().expect("PEM").to_owned();
    let mut config = Config::new(source);
    config.webhook = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config.admin = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config.drain = Drain::of(Duration::ZERO);
    let engine = Engine::new(Settings::default(), Box::new(clusters));
    let bound = config.bind(Arc::new(engine)).await.expect("binds");
    let address = bound.local_addr().expect("an address");
    let (trigger, shutdown) = Shutdown::channel();
    let server = tokio::spawn(async move {
        bound.run(shutdown).await.expect("an orderly end");
    });
    Served { address, authority, trigger, server }
}
