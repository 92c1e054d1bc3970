//! The webhook is gone: who is held up, who is not, and what happens when it is back.

use anyhow::{Result, ensure};

use super::plain::{SERVERS, WEB_SET, agent_deployment, server_pod, servers_called, web_pod};
use crate::cluster::Cluster;
use crate::look::{is_injected, is_stamped};
use crate::namespace::Namespace;

/// How the API server says that nobody answered.
const NOBODY_ANSWERED: &str = "failed calling webhook";

/// Held up are dkron pods and dkron sets (new ones, and those whose spec changes) where dkron-ha is asked, and nothing
/// else. Afterwards the real StatefulSet controller makes up for what it could not do.
pub fn only_dkron_waits_for_a_webhook_that_is_down(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("down")?;
    namespace.apply(&format!("{SERVERS}---{}---{WEB_SET}", servers_called("other")))?;
    namespace.pods("dkron", 3)?;
    namespace.pods("other", 3)?;
    namespace.pods("web", 1)?;
    let elsewhere = cluster.namespace("down-elsewhere", &[])?;
    let left = cluster.opted_in("down-left")?;
    left.apply(SERVERS)?;
    left.pods("dkron", 3)?;
    left.opt_out()?;

    cluster.webhook().while_down(|| {
        dkron_waits(&namespace)?;
        // What was stamped once is never without its wrapper, wherever it lives.
        refused(&left, &["rollout", "restart", "statefulset/dkron"], "")?;
        the_rest_works(&namespace)?;
        everything_works(&elsewhere)
    })?;

    for pod in namespace.pods("dkron", 5)? {
        ensure!(is_injected(&pod), "not injected: {pod}");
    }
    namespace.pods("agents", 2)?;
    namespace.apply(&servers_called("late"))?;
    namespace.pods("late", 3)?;
    ensure!(is_stamped(&namespace.get("statefulset", "late")?), "not stamped");
    Ok(())
}

fn dkron_waits(namespace: &Namespace) -> Result<()> {
    let attempts: [(&[&str], &str); 5] = [
        (&["apply", "-f", "-"], &server_pod("x-0")),
        (&["apply", "-f", "-"], &servers_called("late")),
        (&["apply", "-f", "-"], &SERVERS.replace("replicas: 3", "replicas: 1")),
        (&["set", "image", "statefulset/dkron", "dkron=dkron/dkron:4.0.8"], ""),
        (&["rollout", "restart", "statefulset/dkron"], ""),
    ];
    for (attempt, stdin) in attempts {
        refused(namespace, attempt, stdin)?;
    }
    Ok(())
}

fn refused(namespace: &Namespace, attempt: &[&str], stdin: &str) -> Result<()> {
    let said = namespace.kubectl.run(attempt, Some(stdin))?.refused()?;
    ensure!(said.contains(NOBODY_ANSWERED), "{attempt:?}: {said}");
    Ok(())
}

fn the_rest_works(namespace: &Namespace) -> Result<()> {
    // Pods and sets of others.
    namespace.apply(&web_pod("alone"))?;
    namespace.apply(&WEB_SET.replace("name: web}", "name: web-too}"))?;
    namespace.run(&["set", "image", "statefulset/web", "web=registry.example/web:2"])?;
    namespace.run(&["delete", "pod", "--selector=app=web"])?;
    // Tools and people at a dkron set, as long as its spec stays; the manifest again is no change of it.
    namespace.apply(SERVERS)?;
    namespace.run(&["annotate", "statefulset/dkron", "example.com/note=x"])?;
    namespace.run(&["label", "statefulset/dkron", "example.com/team=a"])?;
    namespace.run(&["label", "pod/dkron-0", "example.com/team=a"])?;
    namespace.run(&["scale", "statefulset/dkron", "--replicas=5"])?;
    namespace.run(&["delete", "pod/dkron-1"])?;
    namespace.run(&["delete", "statefulset/other"])?;
    // What makes pods of dkron is no pod of dkron.
    namespace.apply(&agent_deployment("{dkron-ha.io/cluster: dkron}"))?;
    namespace.pods("dkron", 2)?;
    namespace.pods("other", 0)?;
    namespace.pods("agents", 0)?;
    Ok(())
}

fn everything_works(elsewhere: &Namespace) -> Result<()> {
    elsewhere.apply(&format!("{SERVERS}---{}---{}", server_pod("x-0"), agent_deployment("{}")))?;
    elsewhere.run(&["set", "image", "statefulset/dkron", "dkron=dkron/dkron:4.0.8"])?;
    elsewhere.pods("dkron", 2)?;
    elsewhere.pods("agents", 2)?;
    Ok(())
}
