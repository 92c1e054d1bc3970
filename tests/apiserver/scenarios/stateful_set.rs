//! A plain set of servers, by vanilla `kubectl apply`.

use anyhow::{Context, Result, ensure};
use dkron_ha::contract::object::SERVER_ACCOUNT;
use dkron_ha::contract::{annotation, env, injected, label, path};
use serde_json::{Value, json};

use super::plain::SERVERS;
use crate::cluster::Cluster;
use crate::look::{is_controlled_by, named, names, same, variable};
use crate::namespace::Namespace;

/// Stored stamped at once; then the real StatefulSet controller makes all three pods although none becomes ready, and
/// each is stored injected.
pub fn plain_set_is_stamped_and_its_pods_are_injected(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("stateful-set")?;
    let (pods, counts) = cluster.webhook().counting(|| {
        let applied = namespace.apply(SERVERS)?;
        ensure!(applied.stdout == "statefulset.apps/dkron created\n", "{applied}");
        namespace.pods("dkron", 3)
    })?;
    let set = namespace.get("statefulset", "dkron")?;
    stamped(&set).with_context(|| set.to_string())?;
    for (ordinal, pod) in pods.iter().enumerate() {
        ensure!(is_controlled_by(pod, &set), "not the set's: {pod}");
        injected(pod, &namespace, ordinal).with_context(|| pod.to_string())?;
    }
    ensure!(counts.with(&[("kind", "StatefulSet"), ("operation", "CREATE"), ("outcome", "patched")]) == 1, "{counts}");
    ensure!(counts.with(&[("kind", "Pod"), ("operation", "CREATE"), ("outcome", "patched")]) == 3, "{counts}");
    // The controller's writes of the status are no updates of the spec.
    ensure!(counts.with(&[("operation", "UPDATE")]) == 0, "{counts}");
    Ok(())
}

fn stamped(set: &Value) -> Result<()> {
    let (spec, template) = (&set["spec"], &set["spec"]["template"]);
    same("label of the set", &set["metadata"]["labels"], json!({"app": "dkron", label::INJECTED: "true"}))?;
    same("podManagementPolicy", &spec["podManagementPolicy"], "Parallel")?;
    same("serviceName", &spec["serviceName"], "dkron-peers")?;
    let labels = json!({
        "app": "dkron", label::INJECTED: "true", label::CLUSTER: "dkron", label::SERVER_OF: "dkron",
    });
    same("labels of the template", &template["metadata"]["labels"], labels)?;
    let annotations = json!({
        annotation::GRACE: "300", annotation::INITIAL_CLUSTER_SIZE: "3", annotation::ORDINALS_START: "0",
    });
    same("annotations of the template", &template["metadata"]["annotations"], annotations)?;
    same("grace", &template["spec"]["terminationGracePeriodSeconds"], 300)?;
    same("account", &template["spec"]["serviceAccountName"], SERVER_ACCOUNT)?;
    same("automount", &template["spec"]["automountServiceAccountToken"], false)?;
    // A thin pass: containers are the pods' business.
    same("containers", &json!(names(&template["spec"]["containers"])), json!(["dkron"]))?;
    same("command", &template["spec"]["containers"][0]["command"], Value::Null)
}

fn injected(pod: &Value, namespace: &Namespace, ordinal: usize) -> Result<()> {
    let (meta, spec) = (&pod["metadata"], &pod["spec"]);
    let name = format!("dkron-{ordinal}");
    same("name", &meta["name"], name.as_str())?;
    same("readiness", &pod["status"]["conditions"], Value::Null)?;
    same("cluster label", &meta["labels"][label::SERVER_OF], "dkron")?;
    same("hostname", &spec["hostname"], name)?;
    same("subdomain", &spec["subdomain"], "dkron-peers")?;
    same("grace", &spec["terminationGracePeriodSeconds"], 300)?;

    let container = named(&spec["containers"], "dkron");
    same("command", &container["command"], json!([path::WRAPPER, "run", "--", "/usr/local/bin/dkron"]))?;
    same("args", &container["args"], json!(["agent", "--server", "--data-dir=/dkron.data"]))?;
    let peer = |ordinal| format!("dkron-{ordinal}.dkron-peers.{}.svc", namespace.name);
    same("peers", variable(container, env::PEERS), [peer(0), peer(1), peer(2)].join(","))?;
    same("size", variable(container, env::INITIAL_CLUSTER_SIZE), "3")?;
    same("cluster", variable(container, env::CLUSTER), "dkron")?;
    same("role", variable(container, env::ROLE), "server")?;
    same("storage", variable(container, env::STORAGE), "persistent")?;
    same("probe", &container["readinessProbe"]["httpGet"]["path"], path::PROBE_READY)?;

    let inits = &spec["initContainers"];
    same("init containers", &json!(names(inits)), json!([injected::INSTALL, injected::LABEL_UPDATER]))?;
    let updater = named(inits, injected::LABEL_UPDATER);
    same("the updater's restart policy", &updater["restartPolicy"], "Always")?;
    who_has_a_token(pod)?;

    let status = meta["annotations"][annotation::STATUS].as_str().context("no status annotation")?;
    let status: Value = serde_json::from_str(status).context("the status annotation is no JSON")?;
    same("container of the status", &status["container"], "dkron")?;
    same("version of the status", &status["version"], env!("CARGO_PKG_VERSION"))
}

/// Nobody but the label updater: dkron runs other people's jobs.
pub fn who_has_a_token(pod: &Value) -> Result<()> {
    let spec = &pod["spec"];
    same("account", &spec["serviceAccountName"], SERVER_ACCOUNT)?;
    same("account, as it used to be called", &spec["serviceAccount"], SERVER_ACCOUNT)?;
    same("automount", &spec["automountServiceAccountToken"], false)?;
    let automatic: Vec<_> =
        names(&spec["volumes"]).into_iter().filter(|name| name.starts_with("kube-api-access")).collect();
    ensure!(automatic.is_empty(), "{automatic:?} is mounted");
    for list in ["containers", "initContainers"] {
        for container in spec[list].as_array().into_iter().flatten() {
            let mounts = container["volumeMounts"].as_array().into_iter().flatten();
            let at_token = mounts.filter(|mount| mount["mountPath"] == path::SERVICE_ACCOUNT);
            let volumes: Vec<_> = at_token.map(|mount| &mount["name"]).collect();
            let expected: &[&str] =
                if container["name"] == injected::LABEL_UPDATER { &[injected::TOKEN_VOLUME] } else { &[] };
            ensure!(volumes == expected, "container {} mounts {volumes:?}", container["name"]);
        }
    }
    Ok(())
}
