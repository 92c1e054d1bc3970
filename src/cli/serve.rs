//! `dkron-ha serve`: the admission webhook.

use super::certificates::{CertificateFlags, Chosen};
use super::exit::Done;
use super::flags::SettingsFlags;
use super::{log, runtime};
use crate::certs::{Source, install_provider, service_names};
use crate::clusters::Watched;
use crate::contract::object;
use crate::inject::{Clusters, Engine, NoClusters};
use crate::server::{Config, Drain, Limits, Shutdown};
use anyhow::bail;
use clap::{Args, ValueEnum};
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Serves the admission webhook until SIGTERM or SIGINT, then drains.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    certificates: CertificateFlags,
    /// Address of both ports
    #[arg(long, env = "DKRON_HA_LISTEN", default_value_t = IpAddr::V6(Ipv6Addr::UNSPECIFIED), value_name = "ADDRESS", help_heading = "Serving")]
    listen: IpAddr,
    /// Seconds of serving on after SIGTERM, until every API server has learnt that this replica goes
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
        let client = self.client().await?;
        let mut config = Config::new(self.certificates(&settings.namespace, client.is_some())?);
        config.webhook = (self.listen, settings.ports.webhook).into();
        config.admin = (self.listen, settings.ports.admin).into();
        config.drain = Drain { delay: Duration::from_secs(self.drain), ..Drain::default() };
        config.limits = Limits { connections: self.connections, ..Limits::default() };
        let clusters = self.clusters(client).await;
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
    fn certificates(&self, namespace: &str, in_cluster: bool) -> anyhow::Result<Source> {
        match self.certificates.chosen(in_cluster)? {
            Chosen::Files(directory) => return Ok(Source::directory(directory)),
            Chosen::Own => bail!("--certificates=self: an authority in a Secret is not written yet"),
            Chosen::Ephemeral => {}
        }
        let mut hosts = service_names(object::INSTALLATION, namespace);
        hosts.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
        let source = Source::ephemeral(hosts.clone(), SystemTime::now())?;
        tracing::warn!(hosts = hosts.join(","), "an authority was made that lives as long as this process");
        if let Some(pem) = source.authority_pem() {
            // The API server has to be given this as `caBundle`; nobody else can know it.
            io::stdout().write_all(pem.as_bytes())?;
        }
        Ok(source)
    }

    /// The cluster that this process runs in, or that its kubeconfig names where a flag says that there has to be one.
    async fn client(&self) -> anyhow::Result<Option<kube::Client>> {
        if self.watch == Watch::Always || self.certificates.need_a_cluster() {
            return Ok(Some(kube::Client::try_default().await?));
        }
        Ok(kube::Config::incluster().ok().map(kube::Client::try_from).transpose()?)
    }

    async fn clusters(&self, client: Option<kube::Client>) -> Box<dyn Clusters> {
        match (self.watch, client) {
            (Watch::Always | Watch::Auto, Some(client)) => Box::new(Watched::start(client, FIRST_LIST).await),
            (Watch::Never, _) => Box::new(NoClusters),
            (_, None) => {
                tracing::info!("not in a cluster: agents have to name the cluster that they join");
                Box::new(NoClusters)
            }
        }
    }
}
