//! `dkron-ha demo`: the real HTTPS server on this machine, and the API server's part played for a manifest.

mod story;

use super::exit::Done;
use super::flags::PodFlags;
use super::{inject, runtime};
use crate::certs::{self, Source, service_names};
use crate::client::Client;
use crate::contract::object;
use crate::documents;
use crate::inject::Engine;
use crate::rehearsal::{Shared, Stage, play};
use crate::server::{Config, Drain, Shutdown};
use anyhow::Context as _;
use clap::Args;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// The manifest that is shown where no file is given.
const PLAIN: &str = include_str!("demo.yaml");

/// Shows, without a cluster, what the webhook does: starts the HTTPS server on a free port of this machine with an authority
/// made for the occasion, sends it the reviews that an API server would send for a plain manifest, and prints what would be
/// stored.
#[derive(Debug, Args)]
pub struct Demo {
    /// Manifest to show instead of the built-in one, - for standard input; may be given several times
    #[arg(short, long = "filename", value_name = "FILE")]
    filename: Vec<PathBuf>,
    /// Namespace of objects that name none
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    namespace: String,
    #[command(flatten)]
    settings: PodFlags,
}

impl Demo {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Done> {
        let documents =
            if self.filename.is_empty() { documents::read(PLAIN.as_bytes())? } else { inject::read(&self.filename)? };
        let clusters = Shared::default();
        let engine = Engine::new(self.settings.settings(), Box::new(clusters.clone()));
        let stage = Stage { namespace: self.namespace, pods: true, clusters };

        let began = Instant::now();
        let runtime = runtime::of_all_processors()?;
        let hosts = service_names(object::INSTALLATION, object::INSTALLATION);
        let name = hosts.first().cloned().unwrap_or_default();
        let source = Source::ephemeral(hosts, SystemTime::now())?;
        let authority =
            source.authority_pem().map(str::to_owned).context("the ephemeral authority has no certificate")?;
        let mut config = Config::new(source);
        config.webhook = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        config.admin = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        config.drain = Drain::of(Duration::ZERO);
        let (trigger, shutdown) = Shutdown::channel();
        let bound = runtime.block_on(config.bind(Arc::new(engine)))?;
        let address = bound.local_addr()?;
        let server = runtime.spawn(bound.run(shutdown));
        let mut client = runtime.block_on(Client::connect(address, &name, &authority, certs::provider()))?;
        let ready = began.elapsed();

        let mut times = Vec::new();
        let mut ask = |review: &str| {
            let sent = Instant::now();
            let answer = runtime.block_on(client.review(review));
            times.push(sent.elapsed());
            answer
        };
        let played = play(&documents, &stage, &mut ask)?;
        let done =
            story::tell(&story::Stage { address, name: &name, tls: client.tls(), ready, times: &times }, &played)?;
        drop(client);
        trigger.drain();
        runtime.block_on(server)??;
        Ok(done)
    }
}
