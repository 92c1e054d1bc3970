//! dkron-ha in the cluster: what `dkron-ha manifests` renders, by `kubectl apply`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use dkron_ha::contract::object::INSTALLATION;
use dkron_ha::contract::path::MUTATE;
use serde_json::Value;

use crate::kubectl::Kubectl;
use crate::program::dkron_ha;

/// What was installed.
pub struct Installation {
    /// What `dkron-ha manifests` printed.
    pub rendered: String,
    /// The same, object by object, as `kubectl` reads it.
    pub objects: Vec<Value>,
    /// Certificate of the webhook, its key, and the authority that the registration trusts.
    pub certificates: PathBuf,
    /// Of the webhook's account.
    pub kubeconfig: PathBuf,
}

impl Installation {
    /// Makes certificates in `directory`, renders, and applies all of it as it is. The API server then calls a Service that
    /// no pod stands behind: see [`Self::register`].
    pub fn apply(kubectl: &Kubectl, directory: &Path) -> Result<Self> {
        let certificates = directory.join("certificates");
        let into = certificates.to_string_lossy();
        // The Service's name is what `manifests` wants to see, the address is where the webhook listens here.
        dkron_ha(&["certs", &into, "--host=dkron-ha.dkron-ha.svc", "--host=127.0.0.1"], "")?.ok()?;
        let rendered = dkron_ha(&["manifests", "--cert-dir", &into], "")?.ok()?.stdout;
        let objects = kubectl.run(&["create", "--dry-run=client", "-o=json", "-f=-"], Some(&rendered))?;
        let objects = objects.ok()?.json_stream()?;
        kubectl.apply(&rendered, &[])?.ok()?;
        // The configuration that a pod of the webhook's account would have.
        let token = kubectl.run(&["create", "token", INSTALLATION, "-n", INSTALLATION], None)?.ok()?.stdout;
        let kubeconfig = kubectl.with_token(&token)?.kubeconfig;
        Ok(Self { rendered, objects, certificates, kubeconfig })
    }

    /// The registration as it was rendered: it calls the Service, which has no ready replica here.
    pub fn rendered_registration(&self) -> Result<&Value> {
        let rendered = self.objects.iter().find(|object| object["kind"] == "MutatingWebhookConfiguration");
        rendered.context("no registration was rendered")
    }

    /// The registration for a webhook at this port of loopback: as it was rendered, but for where to call.
    pub fn registration(&self, port: u16) -> Result<Value> {
        let mut registration = self.rendered_registration()?.clone();
        let webhooks = registration["webhooks"].as_array_mut().context("no webhooks in the registration")?;
        for webhook in webhooks {
            let config = webhook["clientConfig"].as_object_mut().context("a webhook without clientConfig")?;
            ensure!(config.contains_key("caBundle"), "a webhook without caBundle");
            config.remove("service").context("a webhook without service")?;
            config.insert("url".to_owned(), format!("https://127.0.0.1:{port}{MUTATE}").into());
        }
        Ok(registration)
    }

    /// Sends reviews to loopback from now on; it may take a moment until the API server knows.
    pub fn register(&self, kubectl: &Kubectl, port: u16) -> Result<()> {
        kubectl.apply(&self.registration(port)?.to_string(), &[])?.ok()?;
        Ok(())
    }
}
