//! `dkron-ha serve`: the admission webhook.

use super::exit::Done;
use super::flags::SettingsFlags;
use super::{log, runtime};
use crate::certs::{Source, install_provider, service_names};
use crate::clusters::Watched;
use crate::contract::object;
use crate::inject::{Clusters, Engine, NoClusters};
use crate::server::{Config, Drain, Limits, Shutdown};
use clap::{Args, ValueEnum};
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Serves the admission webhook until SIGTERM or SIGINT, then drains.
#[derive(Debug, Args)]
pub struct Serve {
    /// Directory with tls.crt and tls.key, read again when they change. Without it an ephemeral authority is made
    #[arg(long, env = "DKRON_HA_CERT_DIR", value_name = "DIR", help_heading = "Serving")]
    cert_dir: Option<PathBuf>,
    /// Address of both ports
    #[arg(long, env = "DKRON_HA_LISTEN", default_value_t = IpAddr::V6(Ipv6Addr::UNSPECIFIED), value_name = "ADDRESS", help_heading = "Serving")]
    listen: IpAddr,
    /// Seconds of serving on after SIGTERM, until every API server has learnt that this replica goes. With 0 their idle connections are not waited for either
    #[arg(long, env = "DKRON_HA_DRAIN", default_value_t = 12, value_name = "SECONDS", help_heading = "Serving")]
    drain: u64,
    /// Most connections at a time
    #[arg(long, env = "DKRON_HA_CONNECTIONS", default_value_t = Limits::default().connections, value_name = "NUMBER", help_heading = "Serving")]
    connections: u32,
    /// Whether to watch stamped StatefulSets, so that agents need not name their cluster
    #[arg(long, env = "DKRON_HA_WATCH", default_value = "auto", help_heading = "Serving")]
    watch: Watch,
    #[command(flatten)]
    log: log::LogFlags,
    #[command(flatten)]
    settings: SettingsFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Watch {
    /// Where this process runs in a cluster
    Auto,
    /// Yes, by kubeconfig or account; without either it is an error
    Always,
    /// No: every agent names its cluster
    Never,
}

/// How long the start waits for the first list of StatefulSets; an API server answers in well under a second.
const FIRST_LIST: Duration = Duration::from_secs(10);

impl Serve {
    /// Runs until it is told to stop.
    pub fn run(self) -> anyhow::Result<Done> {
        self.log.start()?;
        install_provider();
        runtime::of_all_processors()?.block_on(self.serve())
    }

    async fn serve(self) -> anyhow::Result<Done> {
        let settings = self.settings.settings();
        let mut config = Config::new(self.certificates(&settings.namespace)?);
        config.webhook = (self.listen, settings.ports.webhook).into();
        config.admin = (self.listen, settings.ports.admin).into();
        config.drain = Drain::of(Duration::from_secs(self.drain));
        config.limits = Limits { connections: self.connections, ..Limits::default() };
        let clusters = self.clusters().await?;
        let engine = Engine::new(settings, clusters);
        let shutdown = Shutdown::on_signals()?;
        let bound = config.bind(Arc::new(engine)).await?;
        let (webhook, admin) = (bound.local_addr()?, bound.admin_addr()?);
        tracing::info!(%webhook, %admin, version = env!("CARGO_PKG_VERSION"), "serving");
        bound.run(shutdown).await?;
        Ok(Done::Well)
    }

    /// Where certificates come from. What an ephemeral authority means is said on the terminal, with the certificate that
    /// the registration would need.
    fn certificates(&self, namespace: &str) -> anyhow::Result<Source> {
        if let Some(directory) = &self.cert_dir {
            return Ok(Source::directory(directory));
        }
        let mut hosts = service_names(object::INSTALLATION, namespace);
        hosts.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
        let source = Source::ephemeral(hosts.clone(), SystemTime::now())?;
        tracing::warn!(
            hosts = hosts.join(","),
            "no --cert-dir: an authority was made that lives as long as this process"
        );
        if let Some(pem) = source.authority_pem() {
            // The API server has to be given this as `caBundle`; nobody else can know it.
            io::stdout().write_all(pem.as_bytes())?;
        }
        Ok(source)
    }

    async fn clusters(&self) -> anyhow::Result<Box<dyn Clusters>> {
        let client = match (self.watch, kube::Config::incluster()) {
            (Watch::Never, _) => return Ok(Box::new(NoClusters)),
            (Watch::Always, _) => kube::Client::try_default().await?,
            (Watch::Auto, Ok(config)) => kube::Client::try_from(config)?,
            (Watch::Auto, Err(_)) => {
                tracing::info!("not in a cluster: agents have to name the cluster that they join");
                return Ok(Box::new(NoClusters));
            }
        };
        Ok(Box::new(Watched::start(client, FIRST_LIST).await))
    }
}
