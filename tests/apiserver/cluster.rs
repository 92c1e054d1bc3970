//! What scenarios work on: the shared control plane with dkron-ha installed, and namespaces of their own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use dkron_ha::contract::label::{INJECTION, INJECTION_ENABLED};
use serde_json::json;
use tempfile::TempDir;

use crate::assets::Assets;
use crate::control_plane::ControlPlane;
use crate::helm::Helm;
use crate::installation::Installation;
use crate::kubectl::Kubectl;
use crate::namespace::Namespace;
use crate::program::dkron_ha;
use crate::wait::wait_until;
use crate::webhook::Webhook;

/// For whatever a controller or a watch does: it takes less than a second on an idle machine.
pub const CONTROLLERS_ACT_WITHIN: Duration = Duration::from_secs(30);

/// One control plane and one webhook for all scenarios of a run, and a bare control plane for those that install. Scenarios keep apart by namespaces, which nobody deletes.
/// Each waits for what its controllers still have to do: whatever is sent later is counted by the next one.
pub struct Cluster {
    webhook: Webhook, // before the control plane, which it watches
    control_plane: ControlPlane,
    bare: OnceLock<ControlPlane>,
    assets: PathBuf,
    installation: Installation,
    _directory: TempDir,
    namespaces: AtomicUsize,
    notes: Mutex<Vec<String>>,
}

impl Cluster {
    /// Starts the control plane, installs dkron-ha, and waits until pods are injected.
    pub fn start(assets: &Path) -> Result<Self> {
        let control_plane = ControlPlane::start(assets)?;
        let kubectl = control_plane.kubectl();
        let directory = tempfile::Builder::new().prefix("dkron-ha-installation-").tempdir()?;
        let installation = Installation::apply(kubectl, directory.path()).context("installing dkron-ha")?;
        let webhook = Webhook::start(&installation.certificates, &installation.kubeconfig)?;
        installation.register(kubectl, webhook.port())?;
        let cluster = Self {
            webhook,
            control_plane,
            bare: OnceLock::new(),
            assets: assets.to_owned(),
            installation,
            _directory: directory,
            namespaces: AtomicUsize::default(),
            notes: Mutex::default(),
        };
        cluster.opted_in("first")?.wait_until_opted_in()?;
        Ok(cluster)
    }

    pub fn control_plane(&self) -> &ControlPlane {
        &self.control_plane
    }

    /// Another control plane, where nothing is installed: who installs there takes it away again.
    pub fn bare(&self) -> Result<&ControlPlane> {
        if let Some(bare) = self.bare.get() {
            return Ok(bare);
        }
        let started = ControlPlane::start_beside(&self.assets, "bare").context("starting a bare control plane")?;
        Ok(self.bare.get_or_init(|| started))
    }

    /// Helm, as a person uses it on the bare control plane; see [`crate::main`] for where it is missing.
    pub fn helm(&self) -> Result<Helm> {
        let program = Assets::in_directory(&self.assets)?.helm.context("no helm was built")?;
        Ok(Helm::new(program, self.bare()?.kubectl()))
    }

    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    pub fn webhook(&self) -> &Webhook {
        &self.webhook
    }

    pub fn kubectl(&self) -> &Kubectl {
        self.control_plane.kubectl()
    }

    /// Creates `<stem>-<number>` with these labels.
    pub fn namespace(&self, stem: &str, labels: &[(&str, &str)]) -> Result<Namespace> {
        let name = format!("{stem}-{}", self.namespaces.fetch_add(1, Ordering::Relaxed));
        self.create_namespace(&name, labels)?;
        Ok(Namespace { kubectl: self.kubectl().in_namespace(&name)?, name })
    }

    /// Creates `<stem>-<number>`, labelled for injection, with the accounts of its pods.
    pub fn opted_in(&self, stem: &str) -> Result<Namespace> {
        let namespace = self.namespace(stem, &[(INJECTION, INJECTION_ENABLED)])?;
        self.create_accounts(&namespace.name)?;
        Ok(namespace)
    }

    /// Creates a namespace of exactly this name and waits until pods can be created there.
    pub fn create_namespace(&self, name: &str, labels: &[(&str, &str)]) -> Result<()> {
        let labels: BTreeMap<_, _> = labels.iter().copied().collect();
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
        self.kubectl().apply(&namespace.to_string(), &[])?.ok()?;
        wait_until("the default service account of a namespace", CONTROLLERS_ACT_WITHIN, || {
            self.kubectl().find("serviceaccount", name, "default")
        })?;
        Ok(())
    }

    /// The same, unless the namespace is there.
    pub fn ensure_namespace(&self, name: &str) -> Result<Namespace> {
        if self.kubectl().find("namespace", "", name)?.is_none() {
            self.create_namespace(name, &[])?;
        }
        Ok(Namespace { kubectl: self.kubectl().in_namespace(name)?, name: name.to_owned() })
    }

    /// The accounts and rights of dkron pods, as `dkron-ha manifests --for-namespace` prints them.
    pub fn create_accounts(&self, namespace: &str) -> Result<()> {
        let rendered = dkron_ha(&["manifests", "--for-namespace", namespace], "")?.ok()?.stdout;
        // The controller, too, makes them, and perhaps one that kubectl has just not found: then kubectl looks once more.
        wait_until("the accounts", CONTROLLERS_ACT_WITHIN, || {
            let applied = self.kubectl().apply(&rendered, &[])?;
            if applied.stderr.contains("(AlreadyExists)") { Ok(None) } else { applied.ok().map(Some) }
        })?;
        Ok(())
    }

    /// Does something while the registration is as it was rendered: it names a Service that no replica stands behind.
    pub fn while_no_replica_is_ready<T>(&self, scenario: impl FnOnce() -> Result<T>) -> Result<T> {
        let outcome = self.without_a_replica(scenario);
        self.installation.register(self.kubectl(), self.webhook.port()).context("registering the webhook again")?;
        self.opted_in("answered-again")?.wait_until_opted_in()?;
        outcome
    }

    /// Does something while there is no registration, so that nobody is asked.
    pub fn while_unregistered<T>(&self, scenario: impl FnOnce() -> Result<T>) -> Result<T> {
        let outcome = self.without_registration(scenario);
        self.installation.register(self.kubectl(), self.webhook.port()).context("registering the webhook again")?;
        self.opted_in("registered-again")?.wait_until_opted_in()?;
        outcome
    }

    fn without_registration<T>(&self, scenario: impl FnOnce() -> Result<T>) -> Result<T> {
        let probe = self.opted_in("unregistered")?;
        probe.wait_until_opted_in()?;
        self.kubectl().run(&["delete", "mutatingwebhookconfiguration", "dkron-ha"], None)?.ok()?;
        probe.wait_until_refused("ValidatingAdmissionPolicy 'dkron-ha-guard'")?;
        scenario()
    }

    fn without_a_replica<T>(&self, scenario: impl FnOnce() -> Result<T>) -> Result<T> {
        let probe = self.opted_in("unanswered")?;
        probe.wait_until_opted_in()?;
        self.kubectl().apply(&self.installation.rendered_registration()?.to_string(), &[])?.ok()?;
        probe.wait_until_refused("no endpoints available for service")?;
        scenario()
    }

    /// Has a line printed with the totals.
    pub fn note(&self, line: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    pub fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn stop(self) -> Result<Duration> {
        let Self { webhook, control_plane, bare, .. } = self;
        drop(webhook);
        bare.into_inner().map(ControlPlane::stop).transpose()?;
        control_plane.stop()
    }
}
