//! It cannot lock anyone out: the registration as it is rendered, none of whose replicas is ready.

use anyhow::{Result, ensure};

use crate::api::Api;
use crate::cluster::Cluster;
use crate::lockout::{Class, Expected, Fared, GUARDED, Stage, UNANSWERED, table};

/// The page that keeps the table.
const PAGE: &str = include_str!("../../../docs/lockout.md");

/// How many requests the proof has at least.
const AT_LEAST: usize = 1_000;

/// Of more than a thousand requests of every kind, dkron pods and dkron sets of opted-in namespaces and stamped ones wait for
/// the webhook, and nobody else.
pub fn nobody_but_dkron_is_refused_with_no_replica_ready(cluster: &Cluster) -> Result<()> {
    let all: Vec<&Class> = UNANSWERED.iter().collect();
    let fared = played(cluster, &all, true, |play| cluster.while_no_replica_is_ready(play))?;
    let requests: usize = fared.iter().map(|fared| fared.requests).sum();
    ensure!(requests >= AT_LEAST, "only {requests} requests");
    as_documented(cluster, "no replica is ready", &fared)
}

/// The same without a registration: the guard refuses servers that were to be injected, nothing that would have been accepted
/// before, and nothing that the webhook lets pass.
pub fn guard_refuses_servers_and_nobody_else_without_a_registration(cluster: &Cluster) -> Result<()> {
    let others = UNANSWERED.iter().filter(|class| class.expected == Expected::Accepted);
    let all: Vec<&Class> = others.chain(GUARDED).collect();
    let fared = played(cluster, &all, false, |play| cluster.while_unregistered(play))?;
    as_documented(cluster, "there is no registration", &fared[all.len() - GUARDED.len()..])?;
    surprises(&fared)?;
    webhook_wraps_what_the_guard_refuses(cluster)
}

/// With the webhook at work, the guard refuses none of what it refuses alone: all of it has got its wrapper before.
fn webhook_wraps_what_the_guard_refuses(cluster: &Cluster) -> Result<()> {
    let (stage, api) = (Stage::build(cluster, true)?, Api::of(cluster.kubectl())?);
    let refused = GUARDED.iter().filter(|class| class.expected == Expected::Refused);
    let fared: Result<Vec<_>> = refused.map(|class| class.play_expecting(Expected::Accepted, &api, &stage)).collect();
    Stage::clear(cluster)?;
    surprises(&fared?)
}

fn played(
    cluster: &Cluster,
    classes: &[&'static Class],
    registered: bool,
    around: impl FnOnce(&dyn Fn() -> Result<Vec<Fared>>) -> Result<Vec<Fared>>,
) -> Result<Vec<Fared>> {
    let stage = Stage::build(cluster, registered)?;
    let api = Api::of(cluster.kubectl())?;
    let fared = around(&|| classes.iter().map(|class| class.play(&api, &stage)).collect());
    Stage::clear(cluster)?;
    fared
}

fn as_documented(cluster: &Cluster, when: &str, fared: &[Fared]) -> Result<()> {
    let table = table(fared);
    cluster.note(format!("{when}:\n{table}"));
    surprises(fared)?;
    ensure!(PAGE.contains(&table), "docs/lockout.md keeps another table than\n{table}");
    Ok(())
}

fn surprises(fared: &[Fared]) -> Result<()> {
    let surprises: Vec<&str> = fared.iter().flat_map(|fared| &fared.surprises).map(String::as_str).collect();
    ensure!(surprises.is_empty(), "{} surprises:\n{}", surprises.len(), surprises.join("\n"));
    Ok(())
}
