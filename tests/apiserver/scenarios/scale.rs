//! More servers, fewer servers: no set is rolled for it, and the size of the first bootstrap stays what it was.

use anyhow::{Context, Result, ensure};
use dkron_ha::contract::env;
use serde_json::Value;

use super::plain::SERVERS;
use crate::cluster::Cluster;
use crate::counts::Counts;
use crate::look::{is_injected, named, same, variable};
use crate::namespace::Namespace;

/// The subresource is never sent; new pods are.
pub fn kubectl_scale_needs_no_webhook_for_the_set(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("scale")?;
    let template = applied(&namespace)?;
    for (replicas, new_pods) in [(5, 2), (0, 0), (3, 3)] {
        let ((), counts) = cluster.webhook().counting(|| {
            namespace.run(&["scale", "statefulset/dkron", &format!("--replicas={replicas}")])?;
            scaled(&namespace, replicas, &template)
        })?;
        ensure!(counts.with(&[("kind", "StatefulSet")]) == 0, "to {replicas}: {counts}");
        ensure!(counts.with(&[("kind", "Pod"), ("outcome", "patched")]) == new_pods, "to {replicas}: {counts}");
    }
    Ok(())
}

/// Other replicas in the manifest, or in an editor: the set is sent, and its template stays as it is.
pub fn other_replicas_in_the_manifest_leave_the_template(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("scale")?;
    let template = applied(&namespace)?;
    let sent = |counts: &Counts| counts.with(&[("kind", "StatefulSet"), ("operation", "UPDATE")]) > 0;

    let five = SERVERS.replace("replicas: 3", "replicas: 5");
    let (_, counts) = cluster.webhook().counting(|| namespace.apply(&five))?;
    ensure!(sent(&counts), "{counts}");
    scaled(&namespace, 5, &template)?;

    let (edited, counts) = cluster
        .webhook()
        .counting(|| namespace.kubectl.edit("statefulset/dkron", "sed -i 's/replicas: 5/replicas: 1/'")?.ok())?;
    ensure!(edited.stdout == "statefulset.apps/dkron edited\n" && sent(&counts), "{edited}{counts}");
    scaled(&namespace, 1, &template)?;

    // Nothing at all, as for a night, and back.
    namespace.apply(&SERVERS.replace("replicas: 3", "replicas: 0"))?;
    scaled(&namespace, 0, &template)?;
    namespace.apply(SERVERS)?;
    scaled(&namespace, 3, &template)
}

/// Applies the plain set and gives its template's text.
fn applied(namespace: &Namespace) -> Result<String> {
    namespace.apply(SERVERS)?;
    scaled_pods(namespace, 3)?;
    template(&namespace.observed_set("dkron")?)
}

fn scaled(namespace: &Namespace, replicas: usize, before: &str) -> Result<()> {
    scaled_pods(namespace, replicas)?;
    let set = namespace.observed_set("dkron")?;
    same("replicas", &set["spec"]["replicas"], replicas)?;
    let after = template(&set)?;
    ensure!(after == before, "the template was {before} and is {after}");
    ensure!(namespace.revisions(&set)? == 1, "the set has a second revision: {set}");
    Ok(())
}

fn template(set: &Value) -> Result<String> {
    serde_json::to_string(&set["spec"]["template"]).context("printing the template")
}

fn scaled_pods(namespace: &Namespace, count: usize) -> Result<()> {
    for pod in namespace.pods("dkron", count)? {
        ensure!(is_injected(&pod), "not injected: {pod}");
        let container = named(&pod["spec"]["containers"], "dkron");
        same("size", variable(container, env::INITIAL_CLUSTER_SIZE), "3")?;
    }
    Ok(())
}
