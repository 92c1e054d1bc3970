//! It cannot lock anyone out: the registration as it is rendered, none of whose replicas is ready.

use anyhow::{Result, ensure};

use crate::api::Api;
use crate::cluster::Cluster;
use crate::lockout::{CLASSES, Stage, table};

/// The page that keeps the table.
const PAGE: &str = include_str!("../../../docs/lockout.md");

/// How many requests the proof has at least.
const AT_LEAST: usize = 1_000;

/// Of more than a thousand requests of every kind, dkron pods and dkron sets of opted-in namespaces and stamped ones wait for
/// the webhook, and nobody else.
pub fn nobody_but_dkron_is_refused_with_no_replica_ready(cluster: &Cluster) -> Result<()> {
    let stage = Stage::build(cluster)?;
    let api = Api::of(cluster.kubectl())?;
    let play = || CLASSES.iter().map(|class| class.play(&api, &stage)).collect();
    let fared: Result<Vec<_>> = cluster.while_no_replica_is_ready(play);
    Stage::clear(cluster)?;
    let fared = fared?;
    let table = table(&fared);
    cluster.note(format!("no replica is ready:\n{table}"));
    let surprises: Vec<&str> = fared.iter().flat_map(|fared| &fared.surprises).map(String::as_str).collect();
    ensure!(surprises.is_empty(), "{} surprises:\n{}", surprises.len(), surprises.join("\n"));
    let requests: usize = fared.iter().map(|fared| fared.requests).sum();
    ensure!(requests >= AT_LEAST, "only {requests} requests");
    ensure!(PAGE.contains(&table), "docs/lockout.md keeps another table than\n{table}");
    Ok(())
}
