//! The fixture itself: a real API server answers, real controllers act.

use anyhow::{Result, ensure};
use dkron_ha::contract::label::{INJECTION, INJECTION_ENABLED};

use crate::cluster::{CONTROLLERS_ACT_WITHIN, Cluster};
use crate::look::is_controlled_by;
use crate::wait::wait_until;

/// The version of `k8s.io/kubernetes` that the tier builds.
const GO_MOD: &str = include_str!("../../kubernetes/tools/go.mod");

/// Two pods, both at once: with the default `OrderedReady` the second would wait for the first to be ready.
const TWO_SERVERS: &str = r"
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: dkron
spec:
  serviceName: dkron
  replicas: 2
  podManagementPolicy: Parallel
  selector:
    matchLabels: {app: dkron}
  template:
    metadata:
      labels: {app: dkron}
    spec:
      containers:
      - name: dkron
        image: dkron/dkron:4.0.9
        args: [agent, --server]
";

pub fn client_and_server_are_the_pinned_version(cluster: &Cluster) -> Result<()> {
    let pinned = GO_MOD.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes ")?.split(' ').next());
    let versions = cluster.kubectl().run(&["version", "-o", "json"], None)?.ok()?.json()?;
    for side in ["clientVersion", "serverVersion"] {
        ensure!(
            versions[side]["gitVersion"].as_str() == pinned && pinned.is_some(),
            "{side} is not {pinned:?}: {versions}"
        );
    }
    Ok(())
}

pub fn namespace_is_created_with_its_labels(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.namespace("labelled", &[(INJECTION, INJECTION_ENABLED)])?;
    let stored = cluster.kubectl().get_json("namespace", "", &namespace.name)?;
    ensure!(stored["status"]["phase"] == "Active", "{stored}");
    ensure!(stored["metadata"]["labels"][INJECTION] == INJECTION_ENABLED, "{stored}");
    Ok(())
}

pub fn stateful_set_controller_creates_pods(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.namespace("stateful-set", &[])?;
    let applied = namespace.kubectl.apply(TWO_SERVERS, &[])?.ok()?;
    ensure!(applied.stdout == "statefulset.apps/dkron created\n", "{applied:?}");

    let set = namespace.kubectl.get_json("statefulset", &namespace.name, "dkron")?;
    let pods = wait_until("two pods of the set", CONTROLLERS_ACT_WITHIN, || {
        let pods = namespace.kubectl.list_json("pods", &namespace.name)?;
        Ok((pods.len() == 2).then_some(pods))
    })?;
    for (pod, name) in pods.iter().zip(["dkron-0", "dkron-1"]) {
        ensure!(pod["metadata"]["name"] == name, "{pod}");
        ensure!(is_controlled_by(pod, &set), "{name} is not the set's: {pod}");
        ensure!(pod["spec"]["nodeName"].is_null(), "{name} was scheduled, by whom? {pod}");
    }
    Ok(())
}
