//! What the API server never sends: whoever owns it is never held up by dkron-ha, and never changed.

use anyhow::{Result, ensure};
use dkron_ha::contract::label::{INJECT, INJECTION, INJECTION_ENABLED};
use dkron_ha::contract::{EXCLUDED_NAMESPACES, annotation};
use serde_json::Value;

use super::plain::{SERVERS, WEB_SET, agent_deployment, server_pod, web_pod};
use crate::cluster::Cluster;
use crate::look::is_untouched;
use crate::namespace::Namespace;

/// dkron in a namespace that nobody opted in, or that says something else by the label.
pub fn namespaces_without_the_label(cluster: &Cluster) -> Result<()> {
    for labels in [&[][..], &[(INJECTION, "disabled")]] {
        let namespace = cluster.namespace("not-opted-in", labels)?;
        never_sent(cluster, || {
            namespace.apply(&format!("{SERVERS}---{}---{}", server_pod("x-0"), agent_deployment("{}")))?;
            // One after the other, as Kubernetes has it by default: the second waits for the first.
            untouched(&namespace.pods("dkron", 2)?)?;
            untouched(&namespace.pods("agents", 2)?)?;
            namespace.run(&["set", "image", "statefulset/dkron", "dkron=dkron/dkron:4.0.8"])?;
            untouched(&[namespace.get("statefulset", "dkron")?])
        })?;
    }
    Ok(())
}

/// Everything else in a namespace that is opted in.
pub fn what_is_not_dkron(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("not-dkron")?;
    never_sent(cluster, || {
        namespace.apply(&format!("{WEB_SET}---{}", web_pod("alone")))?;
        namespace.run(&["create", "deployment", "front", "--image=registry.example/dkron-exporter:1"])?;
        namespace.run(&["set", "image", "statefulset/web", "web=registry.example/web:2"])?;
        untouched(&namespace.pods("web", 1)?)?;
        untouched(&namespace.pods("front", 1)?)?;
        untouched(&[namespace.get("statefulset", "web")?, namespace.get("pod", "alone")?])
    })?;
    // The proof that counting counts.
    let (_, counts) = cluster.webhook().counting(|| namespace.apply(&server_pod("x-0")))?;
    ensure!(counts.total() == 1, "{counts}");
    Ok(())
}

/// The label that opts one object out, on a pod and on a set with its template.
pub fn what_is_opted_out(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("opted-out")?;
    let out = |manifest: &str| {
        manifest.replace("labels: {app: dkron}", &format!("labels: {{app: dkron, {INJECT}: 'false'}}"))
    };
    never_sent(cluster, || {
        namespace.apply(&format!("{}---{}", out(SERVERS), out(&server_pod("x-0"))))?;
        namespace.run(&["set", "image", "statefulset/dkron", "dkron=dkron/dkron:4.0.8"])?;
        let pods = namespace.pods("dkron", 2)?;
        let set = namespace.get("statefulset", "dkron")?;
        for object in pods.iter().chain([&set]) {
            let mut object = object.clone();
            if let Some(labels) = object["metadata"]["labels"].as_object_mut() {
                labels.remove(INJECT);
            }
            if let Some(labels) = object["spec"]["template"]["metadata"]["labels"].as_object_mut() {
                labels.remove(INJECT);
            }
            untouched(&[without_last_applied(object)])?;
        }
        Ok(())
    })
}

/// Kubernetes' own namespaces, even if somebody labels them.
pub fn namespaces_of_kubernetes(cluster: &Cluster) -> Result<()> {
    let kubectl = cluster.kubectl();
    for name in EXCLUDED_NAMESPACES {
        let label = format!("{INJECTION}={INJECTION_ENABLED}");
        kubectl.run(&["label", "--overwrite", "namespace", name, &label], None)?.ok()?;
        let namespace = Namespace { name: name.to_owned(), kubectl: kubectl.in_namespace(name)? };
        never_sent(cluster, || {
            namespace.apply(&format!("{SERVERS}---{}", server_pod("x-0")))?;
            untouched(&namespace.pods("dkron", 2)?)?;
            untouched(&[namespace.get("statefulset", "dkron")?])?;
            namespace.run(&["delete", "statefulset/dkron", "pod/x-0"])
        })?;
        namespace.run(&["label", "namespace", name, &format!("{INJECTION}-")])?;
    }
    Ok(())
}

/// A kubelet's image of a static pod: the pod runs whatever the API server stores.
pub fn mirror_pods(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("mirror")?;
    let mirror = server_pod("dkron-node-1")
        .replace("labels:", &format!("annotations: {{{}: '1d0a6b5c'}}\n  labels:", annotation::MIRROR_POD))
        .replace("spec:", "spec:\n  nodeName: node-1");
    never_sent(cluster, || {
        namespace.apply(&mirror)?;
        untouched(&[namespace.get("pod", "dkron-node-1")?])
    })
}

fn never_sent<T>(cluster: &Cluster, scenario: impl FnOnce() -> Result<T>) -> Result<()> {
    let (_, counts) = cluster.webhook().counting(scenario)?;
    ensure!(counts.total() == 0, "sent: {counts}");
    Ok(())
}

fn untouched(objects: &[Value]) -> Result<()> {
    for object in objects {
        ensure!(is_untouched(object), "touched: {object}");
    }
    Ok(())
}

/// What the person wrote is no trace of ours.
fn without_last_applied(mut object: Value) -> Value {
    if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    object
}
