//! What makes pods, and the pods that it makes.

use dkron_ha::contract::label::{INJECTED, SERVER_OF};
use serde_json::{Value, json};

use super::calls::{container, create, of, pod, pod_spec, template};
use super::stage::{OLD, OPTED_IN, STAMPED};
use super::{Call, Stage};

/// dkron in a template is nobody's business: its pods are.
pub fn templates(_: &Stage) -> Vec<Call> {
    let containers = [
        super::dkron::server(),
        container("dkron/dkron:4.0.9", &[], &["agent"]),
        container("registry.example/dkron-pro:4", &["dkron", "agent"], &["--server"]),
        container("registry.example/app:1", &["/bin/sh", "-c"], &["exec dkron agent"]),
    ];
    containers.iter().flat_map(of_each_kind).collect()
}

fn of_each_kind(container: &Value) -> [Call; 8] {
    let selector = json!({"matchLabels": {"app": "main"}});
    let keeps = json!({"selector": selector, "template": template("main", container)});
    let mut once = pod_spec(container);
    once["restartPolicy"] = "Never".into();
    let job = json!({"template": {"spec": once}});
    let make = |api: &str, plural: &str, kind: &str, spec: Value| {
        let object = json!({"apiVersion": api, "kind": kind, "metadata": {"name": "dkron"}, "spec": spec});
        create(&of(api, OPTED_IN, plural), object)
    };
    let plain_selector = json!({"selector": {"app": "main"}, "template": template("main", container)});
    let template = json!({
        "apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "dkron"}, "template": template("main", container),
    });
    let revision = json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": "dkron"}, "data": template, "revision": 7,
    });
    [
        make("apps/v1", "deployments", "Deployment", keeps.clone()),
        make("apps/v1", "replicasets", "ReplicaSet", keeps.clone()),
        make("apps/v1", "daemonsets", "DaemonSet", keeps),
        make("batch/v1", "jobs", "Job", job.clone()),
        make("batch/v1", "cronjobs", "CronJob", json!({"schedule": "* * * * *", "jobTemplate": {"spec": job}})),
        make("v1", "replicationcontrollers", "ReplicationController", plain_selector),
        create(&of("v1", OPTED_IN, "podtemplates"), template),
        create(&of("apps/v1", OPTED_IN, "controllerrevisions"), revision),
    ]
}

/// Pods by owner. Those of a set that was never stamped would be left as they are, but the API server cannot know.
pub fn pods(_: &Stage) -> Vec<Call> {
    let owners = [
        ("apps/v1", "StatefulSet", STAMPED),
        ("apps/v1", "StatefulSet", OLD),
        ("apps/v1", "ReplicaSet", "agents-5d9c"),
        ("apps/v1", "DaemonSet", "agents"),
        ("batch/v1", "Job", "once"),
        ("v1", "ReplicationController", "agents"),
        ("lookalike.example/v1", "StatefulSet", "dkron"),
    ];
    let mut calls = Vec::new();
    for (api, kind, name) in owners {
        let owner = json!({
            "apiVersion": api, "kind": kind, "name": name, "controller": true,
            "uid": "00000000-0000-4000-8000-000000000000",
        });
        for image in super::dkron::images() {
            let mut pod = pod(&format!("{name}-9"), &container(&image, &[], &["agent"]));
            pod["metadata"]["ownerReferences"] = json!([owner]);
            if name == STAMPED {
                pod["metadata"]["labels"] = json!({INJECTED: "true", SERVER_OF: STAMPED});
            }
            calls.push(create(&of("v1", OPTED_IN, "pods"), pod));
        }
    }
    calls
}
