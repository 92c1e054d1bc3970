//! What a scenario works on: the shared control plane, and a namespace of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::control_plane::ControlPlane;
use crate::kubectl::Kubectl;
use crate::wait::wait_until;

/// For whatever a controller does: it takes less than a second on an idle machine.
pub const CONTROLLERS_ACT_WITHIN: Duration = Duration::from_secs(30);

/// One control plane for all scenarios of a run. They keep apart by namespaces, which nobody deletes.
pub struct Cluster {
    control_plane: ControlPlane,
    namespaces: AtomicUsize,
}

/// A fresh namespace with its `default` service account.
pub struct Namespace {
    pub name: String,
    /// An administrator's whose default namespace this is.
    pub kubectl: Kubectl,
}

impl Cluster {
    pub fn start(assets: &Path) -> Result<Self> {
        Ok(Self { control_plane: ControlPlane::start(assets)?, namespaces: AtomicUsize::new(0) })
    }

    pub fn control_plane(&self) -> &ControlPlane {
        &self.control_plane
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

    pub fn stop(self) -> Result<Duration> {
        self.control_plane.stop()
    }
}
