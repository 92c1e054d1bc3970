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
    let fared: Vec<Fared> = on_stage(cluster, |api, stage| {
        cluster.while_no_replica_is_ready(|| UNANSWERED.iter().map(|class| class.play(api, stage)).collect())
    })?;
    let requests: usize = fared.iter().map(|fared| fared.requests).sum();
    ensure!(requests >= AT_LEAST, "only {requests} requests");
    as_documented(cluster, "no replica is ready", &fared)
}

/// The same without a registration: the guard refuses servers that were to be injected, nothing that would have been accepted
/// before, and nothing that the webhook lets pass.
pub fn guard_refuses_servers_and_nobody_else_without_a_registration(cluster: &Cluster) -> Result<()> {
    let (guarded, others) = on_stage(cluster, |api, stage| {
        webhook_wraps_what_the_guard_refuses(api, stage)?;
        stage.registered = false;
        cluster.while_unregistered(|| {
            let others = UNANSWERED.iter().filter(|class| class.expected == Expected::Accepted);
            let play = |class: &'static Class| class.play(api, stage);
            let others: Result<Vec<_>> = others.map(play).collect();
            let guarded: Result<Vec<_>> = GUARDED.iter().map(play).collect();
            Ok((guarded?, others?))
        })
    })?;
    as_documented(cluster, "there is no registration", &guarded)?;
    surprises(&others)
}

/// With the webhook at work, the guard refuses none of what it refuses alone: all of it has got its wrapper before.
fn webhook_wraps_what_the_guard_refuses(api: &Api, stage: &Stage) -> Result<()> {
    let refused = GUARDED.iter().filter(|class| class.expected == Expected::Refused);
    let fared: Result<Vec<_>> = refused.map(|class| class.play_expecting(Expected::Accepted, api, stage)).collect();
    surprises(&fared?)
}

fn on_stage<T>(cluster: &Cluster, scenario: impl FnOnce(&Api, &mut Stage) -> Result<T>) -> Result<T> {
    let mut stage = Stage::build(cluster)?;
    let outcome = scenario(&Api::of(cluster.kubectl())?, &mut stage);
    Stage::clear(cluster)?;
    outcome
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
