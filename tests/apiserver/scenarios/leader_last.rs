//! `rollout: leader-last`: the real controller deletes pods and real Kubernetes makes them anew; kubelets and label updaters are
//! played, since nothing runs pods here.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use dkron_ha::contract::{annotation, label};
use serde_json::{Value, json};

use super::plain::SERVERS;
use crate::cluster::{CONTROLLERS_ACT_WITHIN, Cluster};
use crate::namespace::Namespace;
use crate::wait::wait_until;

/// Long enough for what must not happen: the controller acts within less than a second.
const NOTHING_HAPPENS_FOR: Duration = Duration::from_secs(3);

/// Followers first, each awaited, also by a controller that has only just started; the leader last.
pub fn followers_go_first_and_each_is_awaited(cluster: &Cluster) -> Result<()> {
    let servers = Servers::running(cluster, "leader-last")?;
    let before = servers.uids()?;
    servers.new_template("dkron/dkron:4.1.0")?;

    servers.until_replaced(2, &before)?;
    sleep(NOTHING_HAPPENS_FOR);
    ensure!(servers.uids()?[..2] == before[..2], "the next one went before this one was ready");
    servers.says("waiting", "dkron-2 is not ready yet")?;

    cluster.webhook().while_down(|| servers.is_ready(2, false))?;
    servers.until_replaced(0, &before)?;
    ensure!(servers.uids()?[1] == before[1], "the leader went first");
    servers.is_ready(0, false)?;

    servers.until_replaced(1, &before)?;
    servers.leads(2)?;
    servers.is_ready(1, false)?;
    servers.says("done", "all servers have the revision")?;
    let events = servers.namespace.run(&["describe", "statefulset", "dkron"])?.stdout;
    for told in ["dkron-2, a follower, is to have", "dkron-0, a follower,", "dkron-1, the leader, last,", "RolloutDone"]
    {
        ensure!(events.matches(told).count() == 1, "{told:?} is not told once: {events}");
    }

    let done = servers.uids()?;
    servers.namespace.run(&["scale", "statefulset/dkron", "--replicas=2"])?;
    servers.namespace.pods("dkron", 2)?;
    sleep(NOTHING_HAPPENS_FOR);
    ensure!(servers.uids()? == done[..2], "scaling is no rollout");
    Ok(())
}

/// A template that never works costs one follower; the one that mends it begins with that one, though it is not ready.
pub fn a_template_that_never_works_is_mended(cluster: &Cluster) -> Result<()> {
    let servers = Servers::running(cluster, "leader-last-mended")?;
    let before = servers.uids()?;
    servers.new_template("dkron/dkron:never")?;
    servers.until_replaced(2, &before)?;
    let broken = servers.uids()?;
    sleep(NOTHING_HAPPENS_FOR);
    servers.new_template("dkron/dkron:4.1.0")?;
    servers.until_replaced(2, &broken)?;
    sleep(NOTHING_HAPPENS_FOR);
    ensure!(servers.uids()?[..2] == before[..2], "others went too");
    servers.is_ready(2, false)?;
    servers.until_replaced(0, &before)?;
    Ok(())
}

/// Whoever takes the annotation back gives the pods back to Kubernetes' own controller.
pub fn taken_back_it_is_kubernetes_own_again(cluster: &Cluster) -> Result<()> {
    let servers = Servers::running(cluster, "leader-last-back")?;
    let before = servers.uids()?;
    servers.new_template("dkron/dkron:4.1.0")?;
    servers.until_replaced(2, &before)?;
    servers.says("waiting", "dkron-2 is not ready yet")?;
    servers.namespace.apply(SERVERS)?;
    ensure!(servers.set()?["spec"]["updateStrategy"]["type"] == "RollingUpdate", "{}", servers.set()?);
    wait_until("its annotation to go", CONTROLLERS_ACT_WITHIN, || {
        let annotations = &servers.set()?["metadata"]["annotations"];
        Ok(annotations.get(annotation::ROLLOUT_STATUS).is_none().then_some(()))
    })
}

/// Three servers in a namespace of their own, of which `dkron-1` leads.
struct Servers {
    namespace: Namespace,
}

impl Servers {
    fn running(cluster: &Cluster, stem: &str) -> Result<Self> {
        let namespace = cluster.opted_in(stem)?;
        let template = "      labels: {app: dkron}\n    spec:";
        let annotated = template
            .replace("    spec:", &format!("      annotations: {{{}: leader-last}}\n    spec:", annotation::ROLLOUT));
        namespace.apply(&SERVERS.replace(template, &annotated))?;
        namespace.pods("dkron", 3)?;
        let servers = Self { namespace };
        ensure!(servers.set()?["spec"]["updateStrategy"]["type"] == "OnDelete", "{}", servers.set()?);
        for ordinal in 0..3 {
            servers.is_ready(ordinal, ordinal == 1)?;
        }
        sleep(NOTHING_HAPPENS_FOR);
        ensure!(servers.set()?["metadata"]["annotations"].get(annotation::ROLLOUT_STATUS).is_none(), "nothing to tell");
        Ok(servers)
    }

    fn set(&self) -> Result<Value> {
        self.namespace.get("statefulset", "dkron")
    }

    fn new_template(&self, image: &str) -> Result<()> {
        self.namespace.run(&["set", "image", "statefulset/dkron", &format!("dkron={image}")]).map(drop)
    }

    fn uids(&self) -> Result<Vec<Value>> {
        let mut pods = self.namespace.kubectl.list_json("pods", &self.namespace.name)?;
        pods.sort_by_key(|pod| pod["metadata"]["name"].to_string());
        Ok(pods.iter().map(|pod| pod["metadata"]["uid"].clone()).collect())
    }

    /// Waits until Kubernetes has made this one anew.
    fn until_replaced(&self, ordinal: usize, before: &[Value]) -> Result<()> {
        wait_until(&format!("dkron-{ordinal} to be replaced"), CONTROLLERS_ACT_WITHIN, || {
            let uids = self.uids()?;
            Ok((uids.len() == 3 && uids[ordinal] != before[ordinal]).then_some(()))
        })
    }

    /// The kubelet's part, and the label updater's: it runs and has been ready for long.
    fn is_ready(&self, ordinal: usize, leads: bool) -> Result<()> {
        let name = format!("dkron-{ordinal}");
        let written = json!({ "metadata": {
            "labels": { (label::LEADER): leads.to_string() },
            "annotations": { (annotation::FORMED): "true" },
        } });
        self.namespace.run(&["patch", "pod", &name, "--type=merge", "-p", &written.to_string()])?;
        let ready = json!({ "type": "Ready", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z" });
        let container = json!({
            "name": "dkron", "image": "", "imageID": "", "ready": true, "restartCount": 0,
            "state": { "running": { "startedAt": "2020-01-01T00:00:00Z" } },
        });
        let status =
            json!({ "status": { "phase": "Running", "conditions": [ready], "containerStatuses": [container] } });
        let status = status.to_string();
        self.namespace.run(&["patch", "pod", &name, "--subresource=status", "--type=merge", "-p", &status])?;
        Ok(())
    }

    fn leads(&self, ordinal: usize) -> Result<()> {
        let leads = format!("{}=true", label::LEADER);
        self.namespace.run(&["label", "pod", &format!("dkron-{ordinal}"), &leads, "--overwrite"]).map(drop)
    }

    /// Waits until the set's annotation says so.
    fn says(&self, step: &str, note: &str) -> Result<()> {
        wait_until(&format!("the rollout to be {step}: {note}"), CONTROLLERS_ACT_WITHIN, || {
            let set = self.set()?;
            let status = set["metadata"]["annotations"][annotation::ROLLOUT_STATUS].as_str().unwrap_or("{}").to_owned();
            let status: Value = serde_json::from_str(&status)?;
            Ok((status["step"] == step && status["note"] == note).then_some(()))
        })
    }
}
