//! Another release of dkron-ha, and its end.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Result, ensure};
use dkron_ha::contract::object::INSTALLATION;

use crate::figures::Row;
use crate::images;
use crate::installed::Cluster;
use crate::kubernetes::wait::wait_until;
use crate::servers::Servers;
use crate::watcher::Watcher;

use super::{FORMED_WITHIN, PLAIN, seconds};

/// Upgrading rolls no cluster; pods that come later are of the new release, beside old ones.
pub fn two_releases_in_one_set(cluster: &Cluster) -> Result<()> {
    let servers = Servers::apply(cluster, "upgrade", PLAIN)?;
    servers.until_whole(3, FORMED_WITHIN)?;
    let before = uids(&servers)?;
    let watcher = Watcher::of(&servers)?;
    let outcome = with_next(cluster, || {
        ensure!(uids(&servers)? == before, "the upgrade replaced pods");
        let took = servers.replace(&servers.follower()?, &[], seconds(90))?;
        let images: BTreeSet<String> =
            servers.all()?.iter().map(|server| server.pod["spec"]["initContainers"][0]["image"].to_string()).collect();
        ensure!(images.len() == 2, "the installers are of {images:?}");
        Ok(took)
    })?;
    let seen = watcher.seen()?;
    Row::new(
        cluster,
        "dkron-ha upgraded, then a follower deleted: two releases in one set",
        "no pod replaced by the upgrade; a voter again <= 15 s; the leader stays",
    )
    .took("a ready voter again", outcome)
    .shows("changes of leaders", seen.changes())
    .at_most(outcome, seconds(15), "coming back")
    .claim(seen.changes() == 0, "the leader changed")
    .finish()
}

/// While the next release is installed; afterwards the tested one is again.
fn with_next<T>(cluster: &Cluster, scenario: impl FnOnce() -> Result<T>) -> Result<T> {
    let outcome = cluster.install(images::DKRON_HA_NEXT).and_then(|()| {
        // An old replica still answers what comes over a connection that was open before it was told to end.
        wait_until("the new release to answer", seconds(120), || {
            Ok((cluster.installer()? == images::DKRON_HA_NEXT).then_some(()))
        })?;
        scenario()
    });
    cluster.install(images::DKRON_HA)?;
    outcome
}

/// The last of all: as docs/install.md tells it.
pub fn uninstalled(cluster: &Cluster) -> Result<()> {
    let servers = Servers::apply(cluster, "uninstall", PLAIN)?;
    servers.until_whole(3, FORMED_WITHIN)?;
    let before = uids(&servers)?;
    let watcher = Watcher::of(&servers)?;
    let began = Instant::now();
    let kubectl = cluster.kubectl();
    kubectl.run(&["delete", "mutatingwebhookconfiguration", INSTALLATION], None)?.ok()?;
    let manifests = cluster.manifests(images::DKRON_HA)?;
    kubectl.run(&["delete", "--ignore-not-found", "--wait=false", "-f", "-"], Some(&manifests))?.ok()?;
    cluster.end_replicas()?;
    wait_until("the installation to be gone", seconds(180), || {
        Ok(kubectl.find("namespace", "", INSTALLATION)?.is_none().then_some(()))
    })?;
    let took = began.elapsed();
    let left: Vec<String> = cluster.objects()?.difference(cluster.found()).cloned().collect();
    servers.until_whole(3, seconds(30))?;
    let seen = watcher.seen()?;
    Row::new(cluster, "uninstalled", "nothing left behind; running pods of dkron go on")
        .took("gone", took)
        .shows("objects before and after", cluster.found().len())
        .shows("left behind", left.len())
        .never_long_without_a_leader(&seen)
        .claim(left.is_empty(), &format!("left behind: {left:?}"))
        .claim(uids(&servers)? == before, "pods were replaced")
        .finish()
}

fn uids(servers: &Servers<'_>) -> Result<BTreeSet<String>> {
    Ok(servers.all()?.into_iter().map(|server| server.uid).collect())
}
