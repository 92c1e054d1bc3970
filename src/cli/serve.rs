//! `dkron-ha serve`: the admission webhook.

use super::certificates::{CertificateFlags, Chosen};
use super::exit::Done;
use super::flags::{Act, SettingsFlags};
use super::{log, runtime};
use crate::certs::{Board, Jitter, Keeper, Source, install_provider, service_names};
use crate::clusters::Watched;
use crate::contract::object;
use crate::controller::{self, Controller};
use crate::inject::{Clusters, Engine, NoClusters};
use crate::registration::{Keeping, Observer, Outcome, Request, Upkeep};
use crate::server::metrics::Reloaded;
use crate::server::{Accounts, Config, Drain, Limits, Metrics, Shutdown};
use crate::settings::Settings;
use anyhow::bail;
use clap::{Args, ValueEnum};
use std::fs;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::task::{JoinHandle, JoinSet};

/// Serves the admission webhook until SIGTERM or SIGINT, then drains.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    certificates: CertificateFlags,
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
    /// Whether to make and keep what dkron pods need around them (accounts, Services, budgets), and to roll servers out with the leader last
    #[arg(long, env = "DKRON_HA_CONTROLLER", default_value = "auto", help_heading = "Serving")]
    controller: Act,
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
        let namespace = settings.namespace.clone();
        let client = self.client().await?;
        let jitter = Jitter::random();
        let (certificates, keeper) = self.certificates(&namespace, client.is_some(), jitter)?;
        let board = client.is_some().then(|| Arc::new(Board::new()));
        let mut config = Config::new(certificates);
        config.board.clone_from(&board);
        config.webhook = (self.listen, settings.ports.webhook).into();
        config.admin = (self.listen, settings.ports.admin).into();
        config.drain = Drain::of(Duration::from_secs(self.drain));
        config.limits = Limits { connections: self.connections, ..Limits::default() };
        let shutdown = Shutdown::on_signals()?;
        config.accounts = self.accounts(client.as_ref());
        let controller = self.controller(&settings, client.clone(), shutdown.clone());
        let clusters = self.clusters(client.clone()).await;
        let engine = Engine::new(settings, clusters);
        let bound = config.bind(Arc::new(engine)).await?;
        let (webhook, admin) = (bound.local_addr()?, bound.admin_addr()?);
        tracing::info!(%webhook, %admin, version = env!("CARGO_PKG_VERSION"), "serving");
        let mut beside = JoinSet::new();
        if let (Some(client), Some(board)) = (client, board) {
            let keeping = keeper.map(|keeper| Keeping { keeper, served: bound.served() });
            let counted = Arc::new(Counted(bound.metrics()));
            beside.spawn(Upkeep::new(client, &namespace, board, keeping, counted, jitter).run());
        }
        tokio::select! {
            ended = bound.run(shutdown) => {
                if let Some(controller) = controller {
                    controller.await?;
                }
                ended.map(|_| Done::Well).map_err(Into::into)
            }
            // It never ends by itself, whatever the API server does.
            Some(ended) = beside.join_next() => bail!("keeping the certificate up ended unexpectedly: {ended:?}"),
        }
    }

    /// Where certificates come from, and who keeps them up if they come from a Secret of our own. What an ephemeral authority means
    /// is said on the terminal, with the certificate that the registration would need.
    fn certificates(
        &self,
        namespace: &str,
        in_cluster: bool,
        jitter: Jitter,
    ) -> anyhow::Result<(Source, Option<Keeper>)> {
        match self.certificates.chosen(in_cluster)? {
            Chosen::Files(directory) => return Ok((Source::directory(directory), None)),
            Chosen::Own => {
                let keeper = Keeper::new(object::INSTALLATION, namespace, SystemTime::now(), jitter)?;
                return Ok((Source::kept(Arc::clone(keeper.served())), Some(keeper)));
            }
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
        Ok((source, None))
    }

    /// The cluster that this process runs in, or that its kubeconfig names where a flag says that there has to be one.
    async fn client(&self) -> anyhow::Result<Option<kube::Client>> {
        if self.watch == Watch::Always || self.certificates.need_a_cluster() {
            return Ok(Some(kube::Client::try_default().await?));
        }
        Ok(kube::Config::incluster().ok().map(kube::Client::try_from).transpose()?)
    }

    /// The accounts that reviews wait for, where a controller makes them.
    fn accounts(&self, client: Option<&kube::Client>) -> Option<Accounts> {
        let client = client.filter(|_| self.acts())?;
        Some(Accounts::new(controller::known::accounts(client)))
    }

    fn acts(&self) -> bool {
        self.controller == Act::Auto && self.watch != Watch::Never
    }

    /// Starts the controller. It ends with the first signal, when the server only begins to drain: another replica goes on at once.
    fn controller(
        &self,
        settings: &Settings,
        client: Option<kube::Client>,
        mut shutdown: Shutdown,
    ) -> Option<JoinHandle<()>> {
        let client = client.filter(|_| self.acts())?;
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        // Two replicas on one machine, such as in a test, differ by their process.
        let own = format!("{}-{}", host.trim(), std::process::id());
        let controller = Controller { namespace: settings.namespace.clone(), own, settings: settings.clone() };
        let acting = controller::run(client, controller, async move { shutdown.drain().await });
        Some(tokio::spawn(acting))
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

/// Counts what the upkeep does among everything else that is counted.
struct Counted(Arc<Metrics>);

impl Observer for Counted {
    fn asked(&self, request: Request, outcome: Outcome) {
        let request = match request {
            Request::ReadRegistration => "read_registration",
            Request::WriteRegistration => "write_registration",
            Request::ReadSecret => "read_secret",
            Request::WriteSecret => "write_secret",
        };
        let outcome = match outcome {
            Outcome::Done => "done",
            Outcome::Conflict => "conflict",
            Outcome::Failed => "failed",
        };
        self.0.asked(request, outcome);
    }

    fn swapped(&self) {
        self.0.reloaded(Reloaded::Swapped);
    }
}
