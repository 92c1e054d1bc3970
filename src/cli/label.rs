//! `dkron-ha label`: the sidecar.

use super::exit::Done;
use super::{log, runtime};
use crate::certs::install_provider;
use crate::label::{self, LabelConfig};
use crate::server::Shutdown;
use clap::Args;
use rustix::thread::disable_transparent_huge_pages;

/// Keeps the label dkron-ha.io/leader of this pod true. Everything comes from the pod: its variables, and the token of its account.
#[derive(Debug, Args)]
pub struct Label {
    #[command(flatten)]
    log: log::LogFlags,
}

impl Label {
    /// Runs until SIGTERM or SIGINT.
    pub fn run(self) -> anyhow::Result<Done> {
        // In an outage of the API server it would have an error for every attempt.
        self.log.start_without("kube_client")?;
        // A page of 2 MiB for a few KiB, thrice, is a third of all that it needs. Without effect where the kernel has none.
        let _ = disable_transparent_huge_pages(true);
        // kube's client takes the provider of the process.
        install_provider();
        runtime::of_one_thread()?.block_on(async {
            let config = LabelConfig::in_cluster(|name| std::env::var(name).ok())?;
            let mut shutdown = Shutdown::on_signals()?;
            label::run(config, async move { shutdown.drain().await }).await?;
            Ok(Done::Well)
        })
    }
}
