//! What the wrapper is told of a real set, by real watches.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use dkron_ha::init::clock;
use dkron_ha::init::disk::desired;
use dkron_ha::init::procedure::Desired;
use serde_json::json;

use crate::cluster::Cluster;
use crate::servers::{COUNT, Servers};
use crate::updater::desired_file;

const PATIENCE: Duration = Duration::from_secs(10);

/// Pods, their addresses, scaling, and the end of the set.
pub fn desired_json_follows_the_set(cluster: &Cluster) -> Result<()> {
    let mut servers = Servers::start(cluster, "desired")?;
    let set = servers.namespace.get("statefulset", "dkron")?;
    let pods = servers.namespace.pods("dkron", COUNT)?;
    until(&servers, "the set as it is", |desired| {
        let uids = desired.pods.iter().zip(&pods).all(|(told, pod)| pod["metadata"]["uid"] == *told.uid);
        (desired.replicas, desired.pods.len(), desired.ordered_ready) == (3, COUNT, false)
            && set["metadata"]["uid"] == *desired.set_uid
            && uids
            && desired.pods.iter().all(|pod| pod.ip.is_none() && !pod.deleting)
    })?;
    for (ordinal, pod) in pods.iter().enumerate() {
        let ip = format!("10.20.0.{ordinal}");
        let status = json!({"status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]}}).to_string();
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        servers.namespace.run(&["patch", "pod", name, "--subresource=status", "-p", &status])?;
    }
    until(&servers, "the addresses", |desired| {
        let told = desired.pods.iter().map(|pod| pod.ip.map(|ip| ip.to_string()));
        told.eq((0..COUNT).map(|ordinal| Some(format!("10.20.0.{ordinal}"))))
    })?;
    servers.members[2].updater = None;
    servers.namespace.run(&["scale", "statefulset/dkron", "--replicas=2"])?;
    until(&servers, "fewer replicas and pods", |desired| desired.replicas == 2 && desired.pods.len() == 2)?;
    // Its finalizer keeps it for a while, so that it can be seen.
    servers.namespace.run(&[
        "patch",
        "statefulset/dkron",
        "-p",
        r#"{"metadata":{"finalizers":["example.com/stay"]}}"#,
    ])?;
    servers.namespace.run(&["delete", "statefulset/dkron", "--wait=false"])?;
    until(&servers, "that the set is being deleted", |desired| desired.set_deleting)?;
    servers.namespace.run(&["patch", "statefulset/dkron", "-p", r#"{"metadata":{"finalizers":null}}"#])?;
    Ok(())
}

/// Waits until the file of the first server says so, as the wrapper reads it.
fn until(servers: &Servers<'_>, what: &str, says: impl Fn(&Desired) -> bool) -> Result<()> {
    let begun = Instant::now();
    let boot = desired::boot_id().ok_or_else(|| anyhow!("no boot ID"))?;
    let file = desired_file(servers.members[0].directory.path());
    loop {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let read = desired::from_json(&text, &boot, clock::now().at);
        if read.as_ref().is_ok_and(|(desired, _)| says(desired)) {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            bail!("{what}: not within {PATIENCE:?}: {text}");
        }
        thread::sleep(Duration::from_millis(20));
    }
}
