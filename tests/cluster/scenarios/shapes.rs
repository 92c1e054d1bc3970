//! Manifests of other shapes than the plain one, as they are met.

use anyhow::{Context, Result, ensure};
use dkron_ha::contract::label::{INJECTED, INJECTION};

use crate::figures::Row;
use crate::images::{DKRON, PAUSE};
use crate::installed::Cluster;
use crate::servers::Servers;

use super::{FORMED_WITHIN, PLAIN, seconds};

const OFFICIAL_CHART: &str = include_str!("../../manifests/server-official-chart.yaml");
const SHELL_SCRIPT: &str = include_str!("../../manifests/server-shell-script.yaml");
const BARE_PODS: &str = include_str!("../../manifests/server-bare-pods.yaml");
const ORDERED_READY: &str = include_str!("../../manifests/server-ordered-ready.yaml");
const RESTRICTED: &str = include_str!("../../manifests/server-restricted.yaml");
const USER_ACCOUNT: &str = include_str!("../../manifests/server-user-account.yaml");
const AUTOMOUNT_OFF: &str = include_str!("../../manifests/server-automount-false.yaml");
const QUOTA: &str = include_str!("../manifests/quota.yaml");

/// The storage of bare pods is claimed beside them.
const CLAIMS: &str = include_str!("../manifests/claims.yaml");

const ACCOUNT: &str = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: nightly-jobs}\n---\n";

pub fn official_chart(cluster: &Cluster) -> Result<()> {
    // The file that it names is in no image; with `--config` dkron needs it.
    let manifest = OFFICIAL_CHART.replace("            - --config=/etc/dkron/dkron.yaml\n", "");
    let servers = Servers::apply(cluster, "chart", &manifest)?.called("scheduler-dkron-server");
    comes_up(&servers, "shaped like the official chart")
}

pub fn shell_script(cluster: &Cluster) -> Result<()> {
    // The foreign image is not here; nobody waits two minutes for the first look.
    let manifest = SHELL_SCRIPT
        .replace("bitnami/kubectl:1.17", PAUSE)
        .replace("/bin/bash", "/bin/sh")
        .replace("image: dkron/dkron\n", &format!("image: {DKRON}\n"))
        .replace("initialDelaySeconds: 120", "initialDelaySeconds: 2")
        .replace("periodSeconds: 30", "periodSeconds: 2");
    let account = ACCOUNT.replace("nightly-jobs", "dkron-server");
    let servers = Servers::apply(cluster, "script", &format!("{account}{manifest}"))?.called("dkron-server");
    comes_up(&servers, "a start script with a label updater of its own")
}

pub fn bare_pods(cluster: &Cluster) -> Result<()> {
    let servers = Servers::apply(cluster, "bare", &format!("{CLAIMS}---\n{BARE_PODS}"))?;
    comes_up(&servers, "bare pods, in one file with their namespace")
}

pub fn ordered_ready(cluster: &Cluster) -> Result<()> {
    comes_up(&Servers::apply(cluster, "ordered", ORDERED_READY)?, "a set that says OrderedReady, without a Service")
}

pub fn restricted(cluster: &Cluster) -> Result<()> {
    // Not every kernel has AppArmor.
    let manifest = RESTRICTED.replace("            appArmorProfile: {type: RuntimeDefault}\n", "");
    let labels = [("pod-security.kubernetes.io/enforce", "restricted")];
    comes_up(
        &Servers::apply_labelled(cluster, "restricted", &manifest, &labels)?,
        "a namespace that enforces `restricted`",
    )
}

pub fn quota(cluster: &Cluster) -> Result<()> {
    let servers = Servers::apply(cluster, "quota", &format!("{QUOTA}---\n{PLAIN}"))?;
    comes_up(&servers, "a namespace with ResourceQuota and LimitRange")
}

pub fn account_of_the_user(cluster: &Cluster) -> Result<()> {
    let servers = Servers::apply(cluster, "account", &format!("{ACCOUNT}{USER_ACCOUNT}"))?;
    comes_up(&servers, "an account of the user")?;
    let server = servers.leader()?;
    ensure!(server.pod["spec"]["serviceAccountName"] == "nightly-jobs", "the account was replaced");
    servers.run(&[
        "exec",
        &server.name,
        "-c=dkron",
        "--",
        "cat",
        "/var/run/secrets/kubernetes.io/serviceaccount/token",
    ])?;
    Ok(())
}

pub fn automount_off(cluster: &Cluster) -> Result<()> {
    comes_up(&Servers::apply(cluster, "automount", AUTOMOUNT_OFF)?, "no token asked for")
}

/// A set that was injected stays so when its namespace is no longer labelled.
pub fn opted_out(cluster: &Cluster) -> Result<()> {
    let servers = Servers::apply(cluster, "opted-out", PLAIN)?;
    servers.until_whole(3, FORMED_WITHIN)?;
    servers.run(&["label", "namespace", &servers.namespace, &format!("{INJECTION}-")])?;
    let follower = servers.follower()?;
    let took = servers.replace(&follower, &[], seconds(90))?;
    let back = servers.server(&follower.name)?;
    ensure!(back.pod["metadata"]["labels"][INJECTED] == "true", "the pod came back plain");
    Row::new(cluster, "the namespace opted out, then a follower deleted", "it comes back injected, a voter <= 15 s")
        .took("a ready voter again", took)
        .at_most(took, seconds(15), "coming back")
        .finish()
}

fn comes_up(servers: &Servers<'_>, shape: &str) -> Result<()> {
    servers.until_whole(3, FORMED_WITHIN).context("the first start")?;
    let took = servers.applied.elapsed();
    Row::new(servers.cluster, shape, "a leader and 3 voters <= 20 s")
        .took("leader and 3 voters", took)
        .at_most(took, seconds(20), "the first start")
        .finish()
}
