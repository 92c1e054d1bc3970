//! What is there already: pods that run, sets that stand, and what is done to them all day.

use dkron_ha::contract::annotation::MIRROR_POD;
use serde_json::{Value, json};

use super::calls::{apply, container, create, delete, get, merge, of, pod, replace, strategic};
use super::dkron::{COMMANDS, images};
use super::stage::{OLD, OPTED_IN, OPTED_OUT_AGAIN, STAMPED};
use super::{Call, Stage};

/// A kubelet's images of its static pods.
pub fn mirror_pods(_: &Stage) -> Vec<Call> {
    let mirror = |container: Value| {
        let mut mirror = pod("dkron-node-1", &container);
        mirror["metadata"]["annotations"] = json!({MIRROR_POD: "1d0a6b5c"});
        mirror["spec"]["nodeName"] = "node-1".into();
        create(&of("v1", OPTED_IN, "pods"), mirror)
    };
    let by_image = images().into_iter().map(|image| container(&image, &[], &["agent", "--server"]));
    let by_command = COMMANDS.into_iter().map(|(command, args)| container("debian", command, args));
    by_image.chain(by_command).map(mirror).collect()
}

/// Injected ones, one that was left alone, one of somebody else.
pub fn pods_that_run(stage: &Stage) -> Vec<Call> {
    let mut calls = Vec::new();
    for (namespace, name) in [
        (OPTED_IN, "dkron-0"),
        (OPTED_IN, "dkron-2"),
        (OPTED_IN, "old-0"),
        (OPTED_IN, "web-0"),
        (OPTED_OUT_AGAIN, "dkron-0"),
    ] {
        let pods = of("v1", namespace, "pods");
        let at = format!("{pods}/{name}");
        let debug = json!({"name": "debug", "image": "dkron/dkron:4.0.9", "command": ["dkron", "agent"]});
        let target = json!({"apiVersion": "v1", "kind": "Node", "name": stage.node});
        let condition = json!({"type": "Ready", "status": "False", "reason": "dkron"});
        calls.extend([
            merge(&at, json!({"metadata": {"labels": {"dkron-ha.io/leader": "true"}}})),
            merge(&at, json!({"metadata": {"annotations": {"dkron-ha.io/formed": "true"}}})),
            merge(&at, json!({"metadata": {"finalizers": ["example.com/stay"]}})),
            strategic(&at, json!({"spec": {"activeDeadlineSeconds": 60}})),
            strategic(&at, json!({"spec": {"containers": [{"name": "main", "image": "dkron/dkron:4.0.8"}]}})),
            strategic(&format!("{at}/status"), json!({"status": {"conditions": [condition]}})),
            strategic(&format!("{at}/ephemeralcontainers"), json!({"spec": {"ephemeralContainers": [debug]}})),
            create(
                &format!("{at}/eviction"),
                json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}}),
            ),
            create(
                &format!("{at}/binding"),
                json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target}),
            ),
            replace(&at, stage.stored(namespace, "pods", name)),
            delete(&at),
        ]);
    }
    calls.push(delete(&of("v1", OPTED_IN, "pods")));
    calls
}

/// Sets that are stamped, and one that never was.
const SETS: [(&str, &str); 4] =
    [(OPTED_IN, STAMPED), (OPTED_IN, "nightly"), (OPTED_OUT_AGAIN, STAMPED), (OPTED_IN, OLD)];

/// Tools and people at sets whose spec stays what it is; and the subresource by which their size is changed.
pub fn sets_without_change(stage: &Stage) -> Vec<Call> {
    let mut calls = Vec::new();
    for (namespace, name) in SETS {
        let sets = of("apps/v1", namespace, "statefulsets");
        let (at, stored) = (format!("{sets}/{name}"), stage.stored(namespace, "statefulsets", name));
        let (scale, status) = (format!("{at}/scale"), format!("{at}/status"));
        let mut labelled = stored.clone();
        labelled["metadata"]["labels"]["team"] = "a".into();
        for key in ["team", "app.kubernetes.io/managed-by", "argocd.argoproj.io/instance", "example.com/dkron-agent"] {
            calls.push(merge(&at, json!({"metadata": {"labels": {key: "a"}}})));
            calls.push(strategic(&at, json!({"metadata": {"annotations": {key: "dkron agent"}}})));
            calls.push(merge(&at, json!({"metadata": {"labels": {key: null}, "annotations": {key: null}}})));
        }
        let metadata = json!({"name": name, "labels": {"team": "a"}});
        for replicas in [0, 1, 2, 4, 5, 9] {
            calls.push(merge(&scale, json!({"spec": {"replicas": replicas}})));
        }
        let of_scale = json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": name}, "spec": {"replicas": 7}});
        calls.extend([
            replace(&scale, of_scale),
            merge(&status, json!({"status": {"readyReplicas": 1}})),
            replace(&status, stored.clone()),
            replace(&at, stored.clone()),
            replace(&at, labelled),
            merge(&at, json!({"spec": {"replicas": stored["spec"]["replicas"]}})),
            merge(&at, json!({"metadata": {"finalizers": ["example.com/stay"]}})),
            apply(&at, json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata})),
            get(&scale),
            delete(&at),
        ]);
    }
    calls.push(delete(&of("apps/v1", OPTED_IN, "statefulsets")));
    calls
}

pub fn sets_changed(stage: &Stage) -> Vec<Call> {
    let mut calls = Vec::new();
    for (namespace, name) in SETS {
        let at = format!("{}/{name}", of("apps/v1", namespace, "statefulsets"));
        let mut other = stage.stored(namespace, "statefulsets", name);
        other["spec"]["replicas"] = 5.into();
        calls.push(replace(&at, other.clone()));
        other["spec"]["template"]["spec"]["containers"][0]["image"] = "dkron/dkron:4.0.8".into();
        calls.push(replace(&at, other));
        calls.extend(changes(&at));
        calls.push(strategic(
            &at,
            json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "dkron/dkron:4.0.8"}]}}}}),
        ));
    }
    calls
}

/// Changes of a set's spec that do not touch its containers.
pub fn changes(at: &str) -> Vec<Call> {
    let in_template = |metadata: Value| json!({"spec": {"template": {"metadata": metadata}}});
    let restarted = json!({"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"});
    vec![
        strategic(at, in_template(json!({"annotations": restarted}))),
        merge(at, in_template(json!({"labels": {"team": "a"}}))),
        merge(at, json!({"spec": {"replicas": 4}})),
        merge(at, json!({"spec": {"minReadySeconds": 3}})),
        merge(at, json!({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 900}}}})),
        merge(at, json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 2}}}})),
    ]
}
