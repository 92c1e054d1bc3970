//! Agents, whoever makes their pods.

use anyhow::{Context, Result, ensure};
use dkron_ha::code;
use dkron_ha::contract::object::AGENT_ACCOUNT;
use dkron_ha::contract::{annotation, env, injected, label, path};
use serde_json::{Value, json};

use super::plain::{SERVERS, agent_deployment, agent_pod, agent_template, servers_called};
use crate::cluster::{CONTROLLERS_ACT_WITHIN, Cluster};
use crate::look::{is_injected, named, names, same, variable};
use crate::namespace::Namespace;
use crate::wait::wait_until;

/// The annotation names a cluster that need not exist yet.
pub fn agents_join_the_cluster_that_they_name(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("agents-named")?;
    let ((), counts) = cluster.webhook().counting(|| {
        namespace.apply(&agent_deployment("{dkron-ha.io/cluster: nightly}"))?;
        all_join(&namespace, 2, "nightly")
    })?;
    ensure!(counts.with(&[("kind", "Pod"), ("outcome", "patched")]) == 2, "{counts}");
    ensure!(
        counts.with(&[("kind", "Pod")]) == counts.total(),
        "Deployment and ReplicaSet are nobody's business: {counts}"
    );
    Ok(())
}

/// Refused as long as there is no cluster; one, and agents of a Deployment, a Job and a bare pod find it.
pub fn agents_join_the_only_cluster(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("agents-one")?;
    let refused = namespace.kubectl.apply(&agent_pod("alone"), &[])?.refused()?;
    ensure!(refused.contains(&code::WHICH_CLUSTER.to_string()), "{refused}");

    namespace.apply(SERVERS)?;
    namespace.pods("dkron", 3)?;
    wait_until("the webhook to know the cluster", CONTROLLERS_ACT_WITHIN, || {
        let tried = namespace.kubectl.apply(&agent_pod("alone"), &["--dry-run=server"])?;
        Ok(tried.status.success().then_some(()))
    })?;
    namespace.apply(&agent_deployment("{}"))?;
    let job = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: once}}\nspec:\n  template:{}      restartPolicy: Never\n",
        agent_template("{}").trim_start_matches(' ')
    );
    namespace.apply(&job)?;
    namespace.apply(&agent_pod("alone"))?;
    all_join(&namespace, 4, "dkron")
}

/// Joining the wrong cluster, or both, would merge them for good.
pub fn agents_among_several_clusters_are_refused(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("agents-several")?;
    namespace.apply(&format!("{SERVERS}---{}", servers_called("nightly")))?;
    namespace.pods("dkron", 3)?;
    namespace.pods("nightly", 3)?;
    wait_until("the webhook to know both clusters", CONTROLLERS_ACT_WITHIN, || {
        let tried = namespace.kubectl.apply(&agent_pod("lost"), &["--dry-run=server"])?;
        Ok(tried.stderr.contains("several dkron clusters: dkron, nightly").then_some(()))
    })?;
    let refused = namespace.kubectl.apply(&agent_pod("lost"), &[])?.refused()?;
    for part in [&code::WHICH_CLUSTER.to_string(), "annotation dkron-ha.io/cluster", &code::WHICH_CLUSTER.anchor()] {
        ensure!(refused.contains(part), "no {part:?} in {refused}");
    }
    ensure!(namespace.kubectl.find("pod", &namespace.name, "lost")?.is_none(), "stored although refused");

    let named = agent_pod("found").replace("labels:", "annotations: {dkron-ha.io/cluster: nightly}\n  labels:");
    namespace.apply(&named)?;
    all_join(&namespace, 1, "nightly")
}

fn all_join(namespace: &Namespace, count: usize, cluster: &str) -> Result<()> {
    for pod in namespace.pods("agents", count)? {
        joins(&pod, &namespace.name, cluster).with_context(|| pod.to_string())?;
    }
    Ok(())
}

fn joins(pod: &Value, namespace: &str, cluster: &str) -> Result<()> {
    let (meta, spec) = (&pod["metadata"], &pod["spec"]);
    ensure!(is_injected(pod), "not injected");
    let container = named(&spec["containers"], "dkron");
    same("command", &container["command"], json!([path::WRAPPER, "run", "--", "/usr/local/bin/dkron"]))?;
    let provider = format!("provider=k8s namespace={namespace} label_selector=\"{}={cluster}\"", label::SERVER_OF);
    same("join", variable(container, env::DKRON_RETRY_JOIN), provider)?;
    same("cluster", variable(container, env::CLUSTER), cluster)?;
    same("role", variable(container, env::ROLE), "agent")?;
    same("account", &spec["serviceAccountName"], AGENT_ACCOUNT)?;
    same("init containers", &json!(names(&spec["initContainers"])), json!([injected::INSTALL]))?;
    // Discovery runs inside dkron, so here the token stays.
    let mounts = container["volumeMounts"].as_array().into_iter().flatten();
    ensure!(mounts.filter(|mount| mount["mountPath"] == path::SERVICE_ACCOUNT).count() == 1, "no token for dkron");
    // Agents are found by nobody.
    same("server label", &meta["labels"][label::SERVER_OF], Value::Null)?;
    same("frozen size", &meta["annotations"][annotation::INITIAL_CLUSTER_SIZE], Value::Null)
}
