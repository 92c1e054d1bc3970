//! `deploy/` as kustomize reads it is what `dkron-ha manifests` prints.

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::corpus;
use crate::installed::{by_name, compare};
use crate::kubectl::Kubectl;
use crate::program::dkron_ha;

pub const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy");

/// Each folder, and the flags that come to the same.
const FOLDERS: [(&str, &[&str]); 3] = [
    ("base", &[]),
    ("overlays/ha", &["--replicas=3", "--priority-class=system-cluster-critical"]),
    ("overlays/cert-manager", &["--certificates=cert-manager"]),
];

pub fn overlays_are_what_manifests_prints(cluster: &Cluster) -> Result<()> {
    for (folder, flags) in FOLDERS {
        let found = compare(&by_name(&kustomized(cluster.kubectl(), folder)?), &by_name(&manifests(flags)?));
        ensure!(found.is_empty(), "deploy/{folder} against manifests {flags:?}:\n{}", found.join("\n"));
    }
    Ok(())
}

/// What `dkron-ha manifests` prints.
pub fn manifests(flags: &[&str]) -> Result<Vec<Value>> {
    corpus::objects(dkron_ha(&[&["manifests"], flags].concat(), "")?.ok()?.stdout.as_bytes())
}

fn kustomized(kubectl: &Kubectl, folder: &str) -> Result<Vec<Value>> {
    let built = kubectl.run(&["kustomize", &format!("{DEPLOY}/{folder}")], None)?.ok()?;
    corpus::objects(built.stdout.as_bytes())
}
