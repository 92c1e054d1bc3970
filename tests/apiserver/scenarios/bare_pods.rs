//! Servers as bare pods, by vanilla `kubectl apply`.

use anyhow::{Context, Result, ensure};
use dkron_ha::contract::{annotation, env, label, path};
use serde_json::{Value, json};

use super::plain::server_pod;
use super::stateful_set::who_has_a_token;
use crate::cluster::Cluster;
use crate::look::{is_injected, named, same, variable};

/// `x-0` to `x-2` form a cluster of three. The token that the API server had mounted before it asked is gone.
pub fn bare_servers_are_injected(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("bare-pods")?;
    let manifest = ["x-0", "x-1", "x-2"].map(server_pod).join("---");
    let (applied, counts) = cluster.webhook().counting(|| namespace.apply(&manifest))?;
    ensure!(applied.stdout == "pod/x-0 created\npod/x-1 created\npod/x-2 created\n", "{applied}");
    ensure!(counts.with(&[("kind", "Pod"), ("operation", "CREATE"), ("outcome", "patched")]) == 3, "{counts}");

    let peer = |ordinal| format!("x-{ordinal}.x.{}.svc", namespace.name);
    let peers = [peer(0), peer(1), peer(2)].join(",");
    for pod in namespace.pods("dkron", 3)? {
        injected(&pod, &peers).with_context(|| pod.to_string())?;
    }
    Ok(())
}

fn injected(pod: &Value, peers: &str) -> Result<()> {
    let (meta, spec) = (&pod["metadata"], &pod["spec"]);
    ensure!(is_injected(pod), "not injected");
    same("hostname", &spec["hostname"], meta["name"].clone())?;
    same("subdomain", &spec["subdomain"], "x")?;
    same("cluster label", &meta["labels"][label::CLUSTER], "x")?;
    same("grace", &spec["terminationGracePeriodSeconds"], 300)?;
    who_has_a_token(pod)?;
    let container = named(&spec["containers"], "dkron");
    same("command", &container["command"], json!([path::WRAPPER, "run", "--", "/usr/local/bin/dkron"]))?;
    same("peers", variable(container, env::PEERS), peers)?;
    same("size", variable(container, env::INITIAL_CLUSTER_SIZE), "3")?;
    // What was taken away is on record.
    let status = meta["annotations"][annotation::STATUS].as_str().context("no status annotation")?;
    let was = &serde_json::from_str::<Value>(status)?["was"];
    same("former account", &was["serviceAccountName"], "default")?;
    ensure!(was["volumes/kube-api-access"]["projected"].is_object(), "the token's volume is not on record: {was}");
    Ok(())
}
