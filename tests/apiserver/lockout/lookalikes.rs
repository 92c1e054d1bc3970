//! What is not dkron and nearly looks like it, in namespaces that are opted in.

use dkron_ha::contract::label::{INJECT, INJECTED, SERVER_OF};
use serde_json::{Value, json};

use super::calls::{container, create, merge, of, pod, replace, set, strategic};
use super::stage::OPTED_IN;
use super::{Call, Stage};

/// Images of others.
const IMAGES: [&str; 26] = [
    "nginx",
    "registry.example/web:1",
    "dkron/dashboard:4",
    "dkron-exporter",
    "registry.example/dkron-exporter:1",
    "dkron-ha:0.1.0",
    "registry.example/team/dkron-ha@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "dkron-proxy:1",
    "dkron-pro-ui:2",
    "dkron-professional",
    "dkronpro:4",
    "mydkron:4",
    "my-dkron:4",
    "my_dkron",
    "dkrons",
    "dkron_exporter:1",
    "dkron2/app",
    "dkron.example/web",
    "dkron.example:5000/web:1",
    "dkron:5000/web",
    "dkron/web:dkron",
    "registry.example/web:dkron",
    "registry.example/dkron/dkron/app:1",
    "dkron.io/agent",
    "DKRON/DKRON:4",
    "registry.example/dkron-pro/agent",
];

/// Commands of others.
const COMMANDS: [(&[&str], &[&str]); 24] = [
    (&[], &[]),
    (&[], &["serve"]),
    (&[], &["agent"]),
    (&[], &["agent", "--server"]),
    (&["agent"], &["dkron"]),
    (&["dkron"], &[]),
    (&["dkron", "--help"], &[]),
    (&["dkron"], &["raft", "list-peers"]),
    (&["dkron", "agents"], &[]),
    (&["dkron", "reagent"], &[]),
    (&["mydkron", "agent"], &[]),
    (&["dkron-exporter"], &["--of=dkron", "agent"]),
    (&["dkron.sh", "agent"], &[]),
    (&["/opt/dkron/bin/run", "agent"], &[]),
    (&["/opt/dkron-2/dkron-2", "agent"], &[]),
    (&["DKRON", "AGENT"], &[]),
    (&["web", "--jobs=http://dkron:8080/v1/agent"], &[]),
    (&["sh", "-c"], &["dkron leave; echo agent"]),
    (&["sh", "-c"], &["dkron version && start-agent"]),
    (&["sh", "-c"], &["dkron version | agent"]),
    (&["sh", "-c"], &["dkron\nagent"]),
    (&["sh", "-c"], &["test -d /etc/dkron&agent"]),
    (&["sh", "-c"], &["curl -s http://dkron:8080/v1/jobs; agent"]),
    (&["consul", "agent", "-node=dkron"], &[]),
];

pub fn images_and_commands(_: &Stage) -> Vec<Call> {
    let pods = of("v1", OPTED_IN, "pods");
    let mut calls = Vec::new();
    for image in IMAGES {
        for (command, args) in COMMANDS {
            calls.push(create(&pods, pod("dkron-20", &container(image, command, args))));
        }
        // Long, and only one of both words is in it.
        for word in ["dkron", "agent"] {
            let long = format!("{} {word}", "x".repeat(20_000));
            calls.push(create(&pods, pod("dkron-20", &container(image, &["sh", "-c", &long], &[]))));
        }
    }
    calls
}

/// Everything about a pod that is neither the image nor the command of a container.
pub fn shapes(_: &Stage) -> Vec<Call> {
    let dkron = || {
        let mut init = super::dkron::server();
        init["name"] = "before".into();
        init
    };
    let mut native = dkron();
    native["restartPolicy"] = "Always".into();
    let shapes: [(&str, Value); 24] = [
        ("/metadata/name", json!("dkron")),
        ("/metadata/labels", json!({"app": "dkron", "app.kubernetes.io/name": "dkron"})),
        ("/metadata/labels", json!({INJECT: ""})),
        ("/metadata/labels", json!({INJECT: "yes"})),
        ("/metadata/labels", json!({INJECT: "True"})),
        ("/metadata/labels", json!({INJECTED: "true"})),
        ("/metadata/labels", json!({INJECTED: "true", SERVER_OF: "dkron"})),
        ("/metadata/annotations", json!({"dkron-ha.io/role": "server", "dkron-ha.io/container": "main"})),
        ("/metadata/annotations", json!({"dkron-ha.io/status": "{}"})),
        ("/metadata/finalizers", json!(["example.com/dkron-agent"])),
        ("/spec/containers/0/name", json!("dkron")),
        (
            "/spec/containers/0/env",
            json!([{"name": "DKRON_SERVER", "value": "true"}, {"name": "RUN", "value": "dkron agent"}]),
        ),
        ("/spec/containers/0/ports", json!([{"name": "dkron", "containerPort": 8080}, {"containerPort": 8946}])),
        ("/spec/containers/0/workingDir", json!("/opt/local/dkron")),
        ("/spec/containers/0/lifecycle", json!({"preStop": {"exec": {"command": ["dkron", "agent"]}}})),
        ("/spec/containers/0/livenessProbe", json!({"exec": {"command": ["pgrep", "-f", "dkron agent"]}})),
        ("/spec/initContainers", json!([dkron()])),
        ("/spec/initContainers", json!([native])),
        (
            "/spec/volumes",
            json!([{"name": "dkron", "emptyDir": {}}, {"name": "dkron-ha", "configMap": {"name": "dkron"}}]),
        ),
        ("/spec/hostname", json!("dkron-0")),
        ("/spec/subdomain", json!("dkron")),
        ("/spec/schedulerName", json!("dkron")),
        ("/spec/terminationGracePeriodSeconds", json!(300)),
        ("/spec/nodeSelector", json!({"dkron": "agent"})),
    ];
    let mut calls = Vec::new();
    for image in ["registry.example/web:1", "dkron-exporter", "dkron-ha:0.1.0"] {
        for (place, value) in &shapes {
            let mut changed = pod("front-0", &container(image, &[], &["serve"]));
            put(&mut changed, place, value.clone());
            calls.push(create(&of("v1", OPTED_IN, "pods"), changed));
        }
    }
    calls
}

/// Writes a value into an object; a list is stepped into by its items' numbers.
fn put(object: &mut Value, place: &str, value: Value) {
    let mut at = object;
    for step in place.trim_start_matches('/').split('/') {
        at = match step.parse::<usize>() {
            Ok(number) => &mut at[number],
            Err(_) => &mut at[step],
        };
    }
    *at = value;
}

/// New ones, and every change of the one that is stored.
pub fn sets(_: &Stage) -> Vec<Call> {
    let sets = of("apps/v1", OPTED_IN, "statefulsets");
    let web = format!("{sets}/web");
    let mut calls: Vec<Call> =
        IMAGES.iter().map(|image| create(&sets, set("dkron-new", &container(image, &[], &["agent"])))).collect();
    let commands = COMMANDS.iter().map(|(command, args)| container("registry.example/web:1", command, args));
    calls.extend(commands.map(|container| create(&sets, set("dkron-new", &container))));
    calls.extend(super::stored::changes(&web));
    for image in IMAGES {
        calls.push(strategic(
            &web,
            json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}}),
        ));
    }
    calls.push(replace(&web, set("web", &container("registry.example/web:3", &[], &["agent"]))));
    calls.push(merge(&web, json!({"metadata": {"labels": {INJECTED: "true"}}, "spec": {"replicas": 2}})));
    calls
}
