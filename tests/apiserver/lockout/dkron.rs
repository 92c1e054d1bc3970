//! What is dkron: by image, by command, by label.

use dkron_ha::contract::label::{INJECT, INJECTED, SERVER_OF};
use serde_json::{Value, json};

use super::calls::{container, create, create_both, merge, of, pod, set};
use super::stage::{NEVER, OPTED_IN, OPTED_OUT_AGAIN, PLAIN};
use super::{Call, Stage};

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Images of dkron, as registries, mirrors, tags and digests write them.
pub fn images() -> Vec<String> {
    let names = [
        "dkron",
        "dkron:4",
        "dkron/dkron",
        "dkron/dkron:4.0.9",
        "docker.io/dkron/dkron:v4.0.0-beta6-light",
        "registry.example:5000/dkron/dkron:v4",
        "localhost/dkron",
        "a.example/b/c/d/dkron:latest",
        "dkron-pro",
        "registry.example/distribworks/dkron-pro:4.0.0-beta5",
    ];
    let digests = ["dkron/dkron", "registry.example/mirror/dkron:4.0.9", "dkron-pro"];
    let digests = digests.iter().map(|name| format!("{name}@{DIGEST}"));
    names.iter().map(|name| (*name).to_owned()).chain(digests).collect()
}

/// Commands that run a dkron agent in whatever image.
pub const COMMANDS: [(&[&str], &[&str]); 16] = [
    (&[], &["dkron", "agent", "--server"]),
    (&["dkron"], &["agent"]),
    (&["dkron", "agent", "--server"], &[]),
    (&["./dkron", "agent"], &["--server"]),
    (&["/usr/local/bin/dkron"], &["agent", "--server", "--data-dir=/dkron.data"]),
    (&["/usr/local/bin/dkron"], &["--config", "/etc/dkron.yml", "agent"]),
    (&["tini", "--", "/opt/local/dkron/dkron", "agent"], &["--server"]),
    (&["gosu", "nobody", "dkron"], &["agent"]),
    (&["env", "A=b", "dkron", "agent"], &[]),
    (&["/vault/vault-env"], &["dkron", "agent", "--server"]),
    (&["/bin/sh", "-c"], &["exec dkron agent --server"]),
    (&["/bin/sh", "-c", "sleep 5; /opt/local/dkron/dkron agent --server;"], &[]),
    (&["sh", "-c"], &["\"dkron\" agent --server"]),
    (&["sh", "-c"], &["(dkron agent) | tee log"]),
    (&["bash", "-ec"], &["if true; then\n  ./dkron \\\n agent --server\nfi"]),
    (&["sh", "-c"], &["dkron agent&wait"]),
];

/// Whatever runs in an image of dkron: the API server does not look further.
const IN_ITS_IMAGE: [(&[&str], &[&str]); 6] = [
    (&[], &[]),
    (&[], &["agent"]),
    (&[], &["agent", "--server", "--bootstrap-expect=3"]),
    (&["/start.sh"], &[]),
    (&["dkron", "raft", "list-peers"], &[]),
    (&["sleep"], &["infinity"]),
];

/// A server as the manual has it.
pub fn server() -> Value {
    container("dkron/dkron:4.0.9", &[], &["agent", "--server"])
}

pub fn by_image(_: &Stage) -> Vec<Call> {
    let pods = of("v1", OPTED_IN, "pods");
    let each = |image: &String| {
        IN_ITS_IMAGE.map(|(command, args)| create(&pods, pod("dkron-20", &container(image, command, args))))
    };
    images().iter().flat_map(each).collect()
}

pub fn by_command(_: &Stage) -> Vec<Call> {
    let pods = of("v1", OPTED_IN, "pods");
    let mut calls = Vec::new();
    for image in ["registry.example/scheduler:1", "debian", "registry.example/dkron-base:1"] {
        for (command, args) in COMMANDS {
            calls.push(create(&pods, pod("scheduler-0", &container(image, command, args))));
        }
        // Too long to look through: better asked for nothing than missed.
        let long = format!("{}; dkron --flag agent", "x".repeat(20_000));
        calls.push(create(&pods, pod("scheduler-0", &container(image, &["sh", "-c", &long], &[]))));
    }
    // It need not be the first container.
    let mut second = pod("web-0", &container("registry.example/web:1", &[], &["serve"]));
    let mut other = server();
    other["name"] = "second".into();
    second["spec"]["containers"].as_array_mut().into_iter().for_each(|list| list.push(other.clone()));
    calls.push(create(&pods, second));
    // Without a name of its own.
    let mut generated = pod("", &server());
    generated["metadata"] = json!({"generateName": "dkron-"});
    calls.push(create(&pods, generated));
    calls
}

pub fn by_label(_: &Stage) -> Vec<Call> {
    let mut calls = Vec::new();
    for image in ["registry.example/web:1", "registry.example/scheduler:2", "dkron-ha:0.1.0", "dkron/dkron:4.0.9"] {
        let mut asked = pod("asked-0", &container(image, &[], &["serve"]));
        asked["metadata"]["labels"] = json!({INJECT: "true"});
        calls.push(create(&of("v1", OPTED_IN, "pods"), asked));
        let mut of_set = set("asked", &container(image, &[], &["serve"]));
        of_set["metadata"]["labels"] = json!({INJECT: "true"});
        calls.push(create(&of("apps/v1", OPTED_IN, "statefulsets"), of_set));
        let mut of_template = set("asked", &container(image, &[], &["serve"]));
        of_template["spec"]["template"]["metadata"]["labels"][INJECT] = "true".into();
        calls.push(create(&of("apps/v1", OPTED_IN, "statefulsets"), of_template));
    }
    calls
}

pub fn new_sets(_: &Stage) -> Vec<Call> {
    let sets = of("apps/v1", OPTED_IN, "statefulsets");
    let by_image = images().into_iter().map(|image| container(&image, &[], &["agent", "--server"]));
    let by_command =
        COMMANDS.into_iter().map(|(command, args)| container("registry.example/scheduler:1", command, args));
    let containers = by_image.chain(by_command);
    containers.map(|container| create(&sets, set("new", &container))).collect()
}

/// By the label, on a pod, on a set, on its template.
pub fn opted_out(_: &Stage) -> Vec<Call> {
    let (pods, sets) = (of("v1", OPTED_IN, "pods"), of("apps/v1", OPTED_IN, "statefulsets"));
    let mut calls = Vec::new();
    for image in images() {
        for (command, args) in [(&[][..], &["agent", "--server"][..]), (&["dkron", "agent"], &[])] {
            let one = || container(&image, command, args);
            let mut out = pod("out-0", &one());
            out["metadata"]["labels"] = json!({INJECT: "false"});
            calls.push(create(&pods, out.clone()));
            // Also one that bears every other mark.
            out["metadata"]["labels"] = json!({INJECT: "false", INJECTED: "true", SERVER_OF: "out"});
            calls.push(create(&pods, out));
            let mut of_set = set("out", &one());
            of_set["metadata"]["labels"] = json!({INJECT: "false"});
            calls.push(create(&sets, of_set));
            let mut of_template = set("out", &one());
            of_template["spec"]["template"]["metadata"]["labels"][INJECT] = "false".into();
            calls.push(create(&sets, of_template));
        }
    }
    calls
}

/// Where nobody asked for anything: with no label, and with another value of it.
pub fn elsewhere(_: &Stage) -> Vec<Call> {
    let mut calls = Vec::new();
    for namespace in [PLAIN, NEVER, "default"] {
        for image in images() {
            calls.extend(create_both(namespace, "new", &container(&image, &[], &["agent", "--server"])));
        }
        for (command, args) in COMMANDS {
            calls.extend(create_both(namespace, "new", &container("registry.example/scheduler:1", command, args)));
        }
    }
    let stored = format!("{}/dkron", of("apps/v1", PLAIN, "statefulsets"));
    calls.extend(super::stored::changes(&stored));
    calls.push(merge(&stored, json!({"metadata": {"labels": {"team": "a"}}})));
    calls
}

/// The label of a namespace that went away asks for nothing new.
pub fn new_where_opted_out(_: &Stage) -> Vec<Call> {
    let mut calls = Vec::new();
    for image in images() {
        calls.extend(create_both(OPTED_OUT_AGAIN, "new", &container(&image, &[], &["agent", "--server"])));
    }
    calls
}

/// But who was injected once never starts without.
pub fn stamped_where_opted_out(_: &Stage) -> Vec<Call> {
    let mut calls = Vec::new();
    for image in images() {
        for args in [&["agent"][..], &["agent", "--server"]] {
            let mut stamped = pod("dkron-7", &container(&image, &[], args));
            stamped["metadata"]["labels"] = json!({INJECTED: "true", SERVER_OF: "dkron"});
            calls.push(create(&of("v1", OPTED_OUT_AGAIN, "pods"), stamped));
        }
    }
    calls
}

/// Conditions come before Kubernetes' own look at an object; it says in better words what is wrong with these.
pub fn without_containers(_: &Stage) -> Vec<Call> {
    let (pods, sets) = (of("v1", OPTED_IN, "pods"), of("apps/v1", OPTED_IN, "statefulsets"));
    let mut calls = Vec::new();
    for name in ["dkron-0", "dkron", "web"] {
        for labels in [json!({}), json!({INJECT: "true"}), json!({INJECTED: "true"})] {
            for spec in [json!({}), json!({"containers": []}), json!({"containers": null})] {
                let metadata = json!({"name": name, "labels": labels});
                calls.push(create(
                    &pods,
                    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}),
                ));
                let mut empty = set(name, &server());
                empty["metadata"]["name"] = "empty".into();
                empty["metadata"]["labels"] = labels.clone();
                empty["spec"]["template"]["spec"] = spec;
                calls.push(create(&sets, empty));
            }
        }
    }
    calls
}
