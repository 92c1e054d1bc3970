//! What the guard has to tell apart while there is no registration: servers that were to be injected, and everything else
//! that the webhook would be asked about.

use dkron_ha::contract::label::{INJECTED, SERVER_OF};
use dkron_ha::contract::path;
use serde_json::{Value, json};

use super::calls::{container, create, of, pod, set};
use super::dkron::{COMMANDS, images, server};
use super::stage::{OLD, OPTED_IN, OPTED_OUT_AGAIN, STAMPED};
use super::{Call, Stage};

/// Command lines and scripts that plainly run a server in whatever image.
const SERVERS: [(&[&str], &[&str]); 10] = [
    (&[], &["dkron", "agent", "--server"]),
    (&["dkron"], &["agent", "--server"]),
    (&["dkron", "agent", "--server=true"], &[]),
    (&["./dkron", "agent"], &["--server"]),
    (&["/usr/local/bin/dkron"], &["agent", "--data-dir=/dkron.data", "--server", "--tag", "a b"]),
    (&["/bin/sh", "-c"], &["exec dkron agent --server"]),
    (&["/bin/sh", "-c", "sleep 5; /opt/local/dkron/dkron agent --server;"], &[]),
    (&["sh", "-c"], &["(dkron agent --server) | tee log"]),
    (&["busybox", "sh", "-ec", "cd /opt/local/dkron\nexec ./dkron agent --server"], &[]),
    (&["sh", "-c"], &["  dkron agent --server&wait"]),
];

fn bare(container: &Value) -> Call {
    create(&of("v1", OPTED_IN, "pods"), pod("bare-0", container))
}

pub fn agents(_: &Stage) -> Vec<Call> {
    let by_image = images().into_iter().map(|image| container(&image, &[], &["agent", "--tag=role:server"]));
    let no_server = |(command, args): (&[&str], &[&str])| {
        let without = |words: &[&str]| words.iter().map(|word| word.replace("--server", "--ui")).collect::<Vec<_>>();
        let mut one = container("debian", &[], &[]);
        one["command"] = without(command).into();
        one["args"] = without(args).into();
        one
    };
    let by_command = COMMANDS.into_iter().map(no_server);
    let mut calls: Vec<Call> = by_image.chain(by_command).map(|container| bare(&container)).collect();
    let not_server = ["--server=false", "--servers", "--no-server"];
    calls.extend(not_server.map(|flag| bare(&container("dkron/dkron:4.0.9", &[], &["agent", flag]))));
    // The annotation has the last word.
    let mut said = pod("bare-0", &server());
    said["metadata"]["annotations"] = json!({"dkron-ha.io/role": "agent"});
    calls.push(create(&of("v1", OPTED_IN, "pods"), said));
    calls
}

pub fn other_commands(_: &Stage) -> Vec<Call> {
    let others: [(&[&str], &[&str]); 12] = [
        (&[], &[]),
        (&[], &["version"]),
        (&[], &["--help"]),
        (&[], &["raft", "list-peers"]),
        (&["dkron"], &["keygen"]),
        (&["dkron", "leave", "--server"], &[]),
        (&["dkron", "raft", "agent", "--server"], &[]),
        (&["sleep"], &["infinity"]),
        (&["sh", "-c"], &["dkron raft list-peers; echo dkron agent --server"]),
        (&["sh", "-c"], &["# dkron agent --server\nsleep 1"]),
        (&["sh", "-c"], &["# once; dkron agent --server\nsleep 1"]),
        (&["sh", "-c"], &["echo 'now; dkron agent --server'; dkron version"]),
    ];
    let mut calls = Vec::new();
    for image in images() {
        for (command, args) in others {
            calls.push(bare(&container(&image, command, args)));
        }
    }
    calls
}

pub fn wrapped(_: &Stage) -> Vec<Call> {
    let fronts: [&[&str]; 3] = [
        &[path::WRAPPER, "run", "--"],
        &["/vault/vault-env", path::WRAPPER, "run", "--"],
        &["/bin/tini", "--", path::WRAPPER, "run", "--"],
    ];
    let mut calls = Vec::new();
    for front in fronts {
        let command = [front, &["/usr/local/bin/dkron"]].concat();
        let whole = [front, &["/usr/local/bin/dkron", "agent", "--server"]].concat();
        for container in [
            container("dkron/dkron:4.0.9", &command, &["agent", "--server"]),
            container("dkron/dkron:4.0.9", &whole, &[]),
            container("dkron/dkron:4.0.9", &[], &whole),
        ] {
            calls.push(bare(&container));
            calls.extend(of_stamped_set(&container));
        }
    }
    calls
}

/// As the webhook leaves them.
pub fn left_alone(_: &Stage) -> Vec<Call> {
    let mut calls = Vec::new();
    for (api, kind, name) in [
        ("apps/v1", "StatefulSet", OLD),
        ("apps/v1", "ReplicaSet", "servers-5d9c"),
        ("apps/v1", "DaemonSet", "servers"),
        ("batch/v1", "Job", "once"),
        ("lookalike.example/v1", "StatefulSet", "dkron"),
    ] {
        for image in images() {
            let mut pod = pod(&format!("{name}-9"), &container(&image, &[], &["agent", "--server"]));
            pod["metadata"]["ownerReferences"] = json!([owner(api, kind, name)]);
            calls.push(create(&of("v1", OPTED_IN, "pods"), pod));
        }
    }
    for (place, value) in [("os", json!({"name": "windows"})), ("nodeSelector", json!({"kubernetes.io/os": "windows"}))]
    {
        let mut windows = pod("bare-0", &server());
        windows["spec"][place] = value;
        windows["spec"]["securityContext"] = json!({});
        windows["spec"]["containers"][0]["securityContext"] = json!({});
        calls.push(create(&of("v1", OPTED_IN, "pods"), windows));
    }
    calls
}

pub fn sets(stage: &Stage) -> Vec<Call> {
    let mut calls = super::dkron::new_sets(stage);
    calls.extend(super::stored::sets_changed(stage));
    calls.push(create(&of("apps/v1", OPTED_IN, "statefulsets"), set("new", &server())));
    calls
}

pub fn servers_by_image(_: &Stage) -> Vec<Call> {
    let by_image = images().into_iter().flat_map(|image| {
        let flags: [&[&str]; 3] =
            [&["agent", "--server"], &["agent", "--server=true"], &["agent", "--data-dir", "/data", "--server"]];
        flags.map(|args| bare(&container(&image, &[], args)))
    });
    by_image.collect()
}

pub fn servers_by_command(_: &Stage) -> Vec<Call> {
    let images = ["registry.example/scheduler:1", "debian", "dkron/dkron:4.0.9"];
    let each = |image| SERVERS.map(|(command, args)| bare(&container(image, command, args)));
    images.into_iter().flat_map(each).collect()
}

pub fn servers_by_word(_: &Stage) -> Vec<Call> {
    let plain = || container("dkron/dkron:4.0.9", &[], &["agent"]);
    let mut variable = plain();
    variable["env"] = json!([{"name": "DKRON_SERVER", "value": "true"}]);
    let mut annotated = pod("bare-0", &plain());
    annotated["metadata"]["annotations"] = json!({"dkron-ha.io/role": "server"});
    let mut second = pod("bare-0", &container("registry.example/web:1", &[], &["serve"]));
    let mut other = server();
    other["name"] = "second".into();
    second["spec"]["containers"].as_array_mut().into_iter().for_each(|list| list.push(other.clone()));
    let pods = of("v1", OPTED_IN, "pods");
    vec![bare(&variable), create(&pods, annotated), create(&pods, second)]
}

/// What was stamped as a server's needs no other word.
pub fn stamped(_: &Stage) -> Vec<Call> {
    let by_image = images().into_iter().map(|image| container(&image, &[], &["agent"]));
    let by_command =
        SERVERS.into_iter().map(|(command, args)| container("registry.example/scheduler:1", command, args));
    by_image.chain(by_command).flat_map(|container| of_stamped_set(&container)).collect()
}

/// A pod of a stamped set, in a namespace that is opted in and in one that was.
fn of_stamped_set(container: &Value) -> [Call; 2] {
    [OPTED_IN, OPTED_OUT_AGAIN].map(|namespace| {
        let mut pod = pod(&format!("{STAMPED}-9"), container);
        pod["metadata"]["labels"] = json!({INJECTED: "true", SERVER_OF: STAMPED});
        pod["metadata"]["ownerReferences"] = json!([owner("apps/v1", "StatefulSet", STAMPED)]);
        create(&of("v1", namespace, "pods"), pod)
    })
}

fn owner(api: &str, kind: &str, name: &str) -> Value {
    json!({
        "apiVersion": api, "kind": kind, "name": name, "controller": true,
        "uid": "00000000-0000-4000-8000-000000000000",
    })
}
