//! A set that ran before its namespace was opted in.

use anyhow::{Result, ensure};
use dkron_ha::code;
use dkron_ha::contract::{annotation, env};
use serde_json::Value;

use super::plain::SERVERS;
use crate::cluster::Cluster;
use crate::look::{is_injected, is_stamped, is_untouched, named, same, variable};
use crate::namespace::Namespace;

/// Left alone with all its pods, replaced ones included, until `kubectl rollout restart` stamps it.
pub fn set_from_before_is_left_alone_until_restarted(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.namespace("opt-in", &[])?;
    namespace.apply(SERVERS)?;
    let first = namespace.pods("dkron", 1)?; // one after the other, and it never becomes ready
    cluster.create_accounts(&namespace.name)?;
    namespace.opt_in()?;

    let (replaced, counts) = cluster.webhook().counting(|| {
        namespace.run(&["delete", "pod/dkron-0"])?;
        namespace.pods("dkron", 1)
    })?;
    ensure!(uid(&replaced) != uid(&first), "the pod was not replaced");
    ensure!(is_untouched(&replaced[0]), "touched: {}", replaced[0]);
    let skipped = code::SET_NOT_STAMPED.to_string();
    ensure!(counts.with(&[("kind", "Pod"), ("outcome", "skipped"), ("code", &skipped)]) > 0, "{counts}");

    // Sent, since the spec changes, and still no reason to roll the set.
    namespace.apply(&SERVERS.replace("replicas: 3", "replicas: 2"))?;
    namespace.run(&["scale", "statefulset/dkron", "--replicas=3"])?;
    let before = namespace.observed_set("dkron")?;
    ensure!(is_untouched(&before) && namespace.revisions(&before)? == 1, "stamped too early: {before}");

    let restarted = namespace.run(&["rollout", "restart", "statefulset/dkron"])?;
    let warning = format!("Warning: {}: ", code::ORDERED_READY_KEPT);
    ensure!(restarted.stderr.contains(&warning), "{restarted}");
    restamped(&namespace, &before)
}

fn restamped(namespace: &Namespace, before: &Value) -> Result<()> {
    let after = namespace.observed_set("dkron")?;
    ensure!(is_stamped(&after), "not stamped: {after}");
    for field in ["podManagementPolicy", "serviceName"] {
        same(field, &after["spec"][field], before["spec"][field].clone())?;
    }
    let annotations = &after["spec"]["template"]["metadata"]["annotations"];
    same("frozen size", &annotations[annotation::INITIAL_CLUSTER_SIZE], "3")?;
    // The rollout waits for the old pod to be ready, which it never is here.
    namespace.run(&["delete", "pod/dkron-0"])?;
    let pod = &namespace.pods("dkron", 1)?[0];
    ensure!(is_injected(pod), "not injected: {pod}");
    same("size", variable(named(&pod["spec"]["containers"], "dkron"), env::INITIAL_CLUSTER_SIZE), "3")
}

fn uid(pods: &[Value]) -> &Value {
    &pods[0]["metadata"]["uid"]
}
