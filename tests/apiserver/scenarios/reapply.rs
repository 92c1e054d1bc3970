//! The original manifest again, in every way that people send it: accepted each time, and nothing changes.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::plain::{SERVERS, servers_without_claims};
use crate::cluster::Cluster;
use crate::command::Output;
use crate::namespace::Namespace;

/// A way to send a manifest.
type Way = &'static [&'static str];

const APPLY: Way = &["apply"];
const DIFF: Way = &["diff"];
const REPLACE: Way = &["replace"];
const SERVER_SIDE: Way = &["apply", "--server-side"];
const BY_FORCE: Way = &["apply", "--server-side", "--force-conflicts"];
const DRY: Way = &["apply", "--dry-run=server"];
const SERVER_SIDE_DRY: Way = &["apply", "--server-side", "--dry-run=server"];

/// The manifest leaves to Kubernetes what dkron-ha decides: `kubectl` says each time what it says where there is no dkron-ha.
pub fn plain_manifest_changes_nothing(cluster: &Cluster) -> Result<()> {
    for manifest in [&servers_without_claims(), SERVERS] {
        let namespace = cluster.opted_in("reapply")?;
        let without = cluster.namespace("reapply-without", &[])?;
        for namespace in [&namespace, &without] {
            send(namespace, APPLY, manifest)?.ok()?;
        }
        let before = state(&namespace)?;
        for way in [DIFF, APPLY, DRY, SERVER_SIDE, APPLY, BY_FORCE, SERVER_SIDE_DRY, SERVER_SIDE, REPLACE, APPLY, DIFF]
        {
            let done = send(&namespace, way, manifest)?;
            let expected = send(&without, way, manifest)?;
            ensure!(
                (done.status, &done.stdout, &done.stderr) == (expected.status, &expected.stdout, &expected.stderr),
                "with dkron-ha:\n{done}\nwithout:\n{expected}"
            );
            unchanged(&namespace, &before, &done)?;
        }
    }
    Ok(())
}

/// What `kubectl` says without dkron-ha, in so many words, where Kubernetes itself has nothing to add to the manifest (as it
/// has to claim templates).
pub fn plain_manifest_is_reported_as_unchanged(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("reapply")?;
    let manifest = servers_without_claims();
    send(&namespace, APPLY, &manifest)?.ok()?;
    let before = state(&namespace)?;
    for (way, says) in [
        (APPLY, "statefulset.apps/dkron unchanged\n"),
        (DRY, "statefulset.apps/dkron unchanged (server dry run)\n"),
        (DIFF, ""),
        (SERVER_SIDE, "statefulset.apps/dkron serverside-applied\n"),
        (BY_FORCE, "statefulset.apps/dkron serverside-applied\n"),
        (REPLACE, "statefulset.apps/dkron replaced\n"),
    ] {
        let done = send(&namespace, way, &manifest)?.ok()?;
        ensure!(done.stdout == says, "{done}");
        unchanged(&namespace, &before, &done)?;
    }
    Ok(())
}

/// The manifest says the opposite of what dkron-ha decided, from the beginning or later: accepted all the same.
pub fn contrary_manifest_changes_nothing(cluster: &Cluster) -> Result<()> {
    for first in [contrary(), servers_without_claims()] {
        let namespace = cluster.opted_in("reapply")?;
        send(&namespace, APPLY, &first)?.ok()?;
        let before = state(&namespace)?;
        for way in [APPLY, DIFF, DRY, BY_FORCE, SERVER_SIDE, SERVER_SIDE_DRY, DIFF, REPLACE, APPLY, DIFF] {
            let done = send(&namespace, way, &contrary())?.ok()?;
            ensure!(way != DIFF || done.stdout.is_empty(), "{done}");
            unchanged(&namespace, &before, &done)?;
        }
    }
    Ok(())
}

/// Server-side from the beginning: one manager, no force needed, whatever the manifest says.
pub fn server_side_apply_alone_changes_nothing(cluster: &Cluster) -> Result<()> {
    for manifest in [servers_without_claims(), contrary()] {
        let namespace = cluster.opted_in("reapply")?;
        send(&namespace, SERVER_SIDE, &manifest)?.ok()?;
        let before = state(&namespace)?;
        for way in [SERVER_SIDE, SERVER_SIDE_DRY, SERVER_SIDE, &["diff", "--server-side"]] {
            let done = send(&namespace, way, &manifest)?.ok()?;
            ensure!(way[0] != "diff" || done.stdout.is_empty(), "{done}");
            unchanged(&namespace, &before, &done)?;
        }
    }
    Ok(())
}

/// A limit: a contrary manifest that was applied client-side conflicts when it is then applied server-side without force. The
/// API server compares it with what is stored before it asks any webhook. It names the fields that dkron-ha decided, and
/// nothing changes.
pub fn contrary_manifest_needs_force_when_its_manager_changes(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("reapply")?;
    send(&namespace, APPLY, &contrary())?.ok()?;
    let before = state(&namespace)?;
    let done = send(&namespace, SERVER_SIDE, &contrary())?;
    unchanged(&namespace, &before, &done)?;
    let said = done.refused()?;
    let fields =
        ["podManagementPolicy", "template.spec.serviceAccountName", "template.spec.terminationGracePeriodSeconds"];
    let listed: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("- .spec.")).collect();
    ensure!(said.contains("conflict") && listed == fields, "{said}");
    Ok(())
}

/// What a manifest means that does not have these lines.
fn contrary() -> String {
    servers_without_claims().replace("  replicas: 3", "  replicas: 3\n  podManagementPolicy: OrderedReady").replace(
        "    spec:\n      containers",
        "    spec:\n      terminationGracePeriodSeconds: 30\n      serviceAccountName: default\n      containers",
    )
}

fn send(namespace: &Namespace, way: Way, manifest: &str) -> Result<Output> {
    namespace.kubectl.run(&[way, &["-f", "-"]].concat(), Some(manifest))
}

fn unchanged(namespace: &Namespace, before: &Value, done: &Output) -> Result<()> {
    ensure!(!done.stderr.contains("DKHA-"), "a word about nothing: {done}");
    let after = state(namespace)?;
    ensure!(*before == after, "{done} changed {before} to {after}");
    Ok(())
}

/// Everything that must stay: spec, generation and revision of the set, and the very pods.
fn state(namespace: &Namespace) -> Result<Value> {
    let set = namespace.observed_set("dkron")?;
    let pods = namespace.pods("dkron", 3)?;
    let pods: Vec<_> = pods.iter().map(|pod| &pod["metadata"]["uid"]).collect();
    let text = serde_json::to_string(&set["spec"]).context("printing the spec")?;
    Ok(json!({
        "spec": text,
        "generation": set["metadata"]["generation"],
        "revision": set["status"]["updateRevision"],
        "revisions": namespace.revisions(&set)?,
        "pods": pods,
    }))
}
