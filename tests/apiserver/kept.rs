//! dkron-ha as it is installed by default, with an authority of its own: replicas behind a Service, in the place of the webhook that
//! the other scenarios share.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use dkron_ha::contract::object::{AUTHORITY_SECRET, INSTALLATION};
use dkron_ha::contract::path::{METRICS, MUTATE, READYZ};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::command::Output;
use crate::control_plane::LOGS;
use crate::http;
use crate::process::Process;
use crate::program::{self, dkron_ha};
use crate::service::{Endpoint, Service};
use crate::wait::wait_until;
use crate::webhook::Ports;

/// Longest until a replica has looked at a Secret that changed, a successor has settled, and everybody has looked again; on a busy machine.
pub const HEALED_WITHIN: Duration = Duration::from_secs(300);

const NAMES: [&str; 2] = ["dkron-ha-serve-0", "dkron-ha-serve-1"];

/// Two replicas, an empty registration that leads to them, and the rights of the default installation.
pub struct Kept<'c> {
    pub cluster: &'c Cluster,
    pub service: Service,
    pub replicas: Vec<Replica>,
    /// The registration as it was applied: as rendered, but for where to call.
    pub registration: String,
    /// Everything else, as rendered.
    pub rendered: String,
}

/// One process.
pub struct Replica {
    process: Process,
    pub ports: Ports,
}

/// Does something with such an installation and puts the shared one back, whatever came of it.
pub fn with(cluster: &Cluster, scenario: impl FnOnce(&mut Kept<'_>) -> Result<()>) -> Result<()> {
    cluster.webhook().while_down(|| {
        let outcome = Kept::install(cluster).and_then(|mut kept| scenario(&mut kept));
        put_back(cluster).context("putting the shared installation back")?;
        outcome
    })
}

fn put_back(cluster: &Cluster) -> Result<()> {
    clear(cluster)?;
    let kubectl = cluster.kubectl();
    for kind in ["role", "rolebinding"] {
        kubectl.run(&["delete", kind, INSTALLATION, "-n", INSTALLATION, "--ignore-not-found"], None)?.ok()?;
    }
    kubectl.apply(&cluster.installation().rendered, &[])?.ok()?;
    cluster.installation().register(kubectl, cluster.webhook().port())
}

/// Neither registration nor authority: as before a first installation.
fn clear(cluster: &Cluster) -> Result<()> {
    let kubectl = cluster.kubectl();
    kubectl.run(&["delete", "mutatingwebhookconfiguration", INSTALLATION, "--ignore-not-found"], None)?.ok()?;
    kubectl.run(&["delete", "secret", AUTHORITY_SECRET, "-n", INSTALLATION, "--ignore-not-found"], None)?.ok()?;
    Ok(())
}

impl<'c> Kept<'c> {
    /// Applies what `dkron-ha manifests` prints and starts both replicas at once. Nothing is waited for.
    fn install(cluster: &'c Cluster) -> Result<Self> {
        clear(cluster)?;
        let service = Service::start()?;
        let rendered = dkron_ha(&["manifests"], "")?.ok()?.stdout;
        let kubectl = cluster.kubectl();
        let objects = kubectl.run(&["create", "--dry-run=client", "-o=json", "-f=-"], Some(&rendered))?.ok()?;
        let objects = objects.json_stream()?.into_iter();
        let (registration, rest): (Vec<_>, Vec<_>) =
            objects.partition(|object| object["kind"] == "MutatingWebhookConfiguration");
        let mut registration = registration.into_iter().next().context("no registration was rendered")?;
        for webhook in registration["webhooks"].as_array_mut().context("no webhooks")? {
            let config = webhook["clientConfig"].as_object_mut().context("no clientConfig")?;
            config.remove("service").context("a webhook without service")?;
            config.insert("url".to_owned(), format!("https://127.0.0.1:{}{MUTATE}", service.port).into());
        }
        let rendered: String = rest.iter().map(|object| format!("{object}\n---\n")).collect();
        kubectl.apply(&rendered, &[])?.ok()?;
        let registration = registration.to_string();
        kubectl.apply(&registration, &[])?.ok()?;
        let mut kept = Self { cluster, service, replicas: Vec::new(), registration, rendered };
        for name in NAMES {
            kept.replicas.push(Replica::start(name, &cluster.installation().kubeconfig)?);
        }
        for replica in &kept.replicas {
            kept.service.add(Endpoint { webhook: replica.ports.webhook, admin: replica.ports.admin });
        }
        Ok(kept)
    }

    /// Waits until both are ready.
    pub fn until_ready(&mut self) -> Result<()> {
        wait_until("both replicas to be ready", HEALED_WITHIN, || {
            let mut ready = true;
            for replica in &mut self.replicas {
                replica.process.check()?;
                ready &= replica.readiness().is_ok_and(|(status, _)| status == 200);
            }
            Ok(ready.then_some(()))
        })
        .with_context(|| self.replicas.iter().map(|replica| replica.process.story()).collect::<String>())
    }

    /// The live registration.
    pub fn live(&self) -> Result<Value> {
        self.cluster.kubectl().get_json("mutatingwebhookconfiguration", "", INSTALLATION)
    }

    /// `caBundle` of each webhook of it, base64.
    pub fn bundles(&self) -> Result<Vec<String>> {
        let live = self.live()?;
        let webhooks = live["webhooks"].as_array().context("no webhooks")?.iter();
        let text = |webhook: &Value| webhook["clientConfig"]["caBundle"].as_str().unwrap_or_default().to_owned();
        Ok(webhooks.map(text).collect())
    }

    /// Data of the Secret, base64; null if there is none.
    pub fn secret(&self) -> Result<Value> {
        let found = self.cluster.kubectl().find("secret", INSTALLATION, AUTHORITY_SECRET)?;
        Ok(found.map_or(Value::Null, |mut secret| secret["data"].take()))
    }

    /// `kubectl` as an administrator, which has to end with 0.
    pub fn run(&self, arguments: &[&str], stdin: Option<&str>) -> Result<Output> {
        self.cluster.kubectl().run(arguments, stdin)?.ok()
    }

    /// Each webhook's `caBundle` becomes this text (base64), by a person's hand.
    pub fn overwrite_bundles(&self, text: &str) -> Result<()> {
        let patch: Vec<_> = (0..self.bundles()?.len())
            .map(|at| serde_json::json!({"op": "replace", "path": format!("/webhooks/{at}/clientConfig/caBundle"), "value": text}))
            .collect();
        let patch = Value::from(patch).to_string();
        self.run(&["patch", "mutatingwebhookconfiguration", INSTALLATION, "--type=json", "-p", &patch], None)?;
        Ok(())
    }
}

impl Replica {
    fn start(name: &'static str, kubeconfig: &Path) -> Result<Self> {
        let ports = Ports::choose()?;
        // No word of certificates: this is the default where there is a cluster.
        let arguments = [
            "serve".to_owned(),
            format!("--listen={}", Ipv4Addr::LOCALHOST),
            format!("--webhook-port={}", ports.webhook),
            format!("--admin-port={}", ports.admin),
            "--drain=0".to_owned(),
            "--watch=always".to_owned(),
            "--log=dkron_ha=debug".to_owned(),
        ];
        let environment = [("KUBECONFIG", kubeconfig.as_os_str())];
        let process = Process::start(name, program::path(), &arguments, &environment, Path::new(LOGS))?;
        Ok(Self { process, ports })
    }

    /// Status and text of the readiness probe.
    pub fn readiness(&self) -> Result<(u16, String)> {
        let answer = http::get(self.ports.admin, READYZ)?;
        Ok((answer.status, answer.body))
    }

    /// Value of the series that begins so, 0 if there is none.
    pub fn metric(&self, series: &str) -> Result<u64> {
        let text = http::get(self.ports.admin, METRICS)?.body;
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
        Ok(value.unwrap_or_default())
    }
}
