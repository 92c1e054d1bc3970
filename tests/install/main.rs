//! The installation as objects: what an API server and an auditor would look for in them.

mod access;
mod guard;
mod registration;
mod workload;

use dkron_ha::contract::object;
use dkron_ha::install::{Certificates, Install, for_namespace, installation};
use dkron_ha::settings::{Ports, Settings};
use serde_json::Value;

use registration::{excluded, webhooks};

fn plain() -> Install {
    Install::default()
}

/// With a Secret that somebody else fills.
fn with_files() -> Install {
    Install { certificates: Certificates::Files(None), ..Install::default() }
}

fn without_a_controller() -> Install {
    Install { controller: false, ..Install::default() }
}

fn of_kind(install: &Install, kind: &str) -> Value {
    let mut found = installation(install).into_iter().map(|(_, object)| object).filter(|object| object["kind"] == kind);
    let object = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "one {kind}");
    object
}

/// The objects whose names begin so, in order.
fn named(install: &Install, start: &str) -> Vec<Value> {
    let is_named = |object: &Value| object["metadata"]["name"].as_str().is_some_and(|name| name.starts_with(start));
    installation(install).into_iter().map(|(_, object)| object).filter(is_named).collect()
}

/// The one of this kind and name.
fn the(install: &Install, kind: &str, name: &str) -> Value {
    let is_it = |object: &Value| object["kind"] == kind && object["metadata"]["name"] == name;
    installation(install)
        .into_iter()
        .map(|(_, object)| object)
        .find(is_it)
        .unwrap_or_else(|| panic!("no {kind} {name}"))
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).unwrap_or_else(|| panic!("no list at {pointer}"))
}

#[test]
fn objects_come_in_the_order_in_which_they_are_applied() {
    let stems: Vec<_> = installation(&plain()).into_iter().map(|(stem, _)| stem).collect();
    assert_eq!(
        stems,
        [
            "namespace",
            "serviceaccount",
            "clusterrole",
            "clusterrolebinding",
            "server-clusterrole",
            "agent-clusterrole",
            "role",
            "rolebinding",
            "networkpolicy",
            "service",
            "deployment",
            "poddisruptionbudget",
            "validatingadmissionpolicy",
            "validatingadmissionpolicybinding",
            "guard",
            "guard-injection",
            "guard-injected",
            "mutatingwebhookconfiguration",
        ]
    );
}

#[test]
fn rendering_twice_gives_the_same_bytes() {
    let bytes = || serde_json::to_string(&(installation(&plain()), for_namespace("jobs"))).expect("JSON");
    assert_eq!(bytes(), bytes());
}

#[test]
fn everything_says_what_it_belongs_to() {
    for (stem, object) in installation(&plain()).into_iter().chain(for_namespace("jobs")) {
        let labels = &object["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/name"], object::INSTALLATION, "{stem}");
        assert_eq!(labels["app.kubernetes.io/part-of"], object::INSTALLATION, "{stem}");
    }
    let versioned = ["Deployment", "MutatingWebhookConfiguration"].map(|kind| of_kind(&plain(), kind));
    for object in versioned {
        assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/version"], env!("CARGO_PKG_VERSION"));
    }
}

#[test]
fn settings_reach_every_object_that_speaks_of_them() {
    let settings = Settings {
        namespace: "platform".into(),
        ports: Ports { webhook: 10_443, admin: 10_090, ..Ports::default() },
        ..Settings::default()
    };
    let install = Install { settings, ..plain() };
    for (stem, object) in installation(&install) {
        let metadata = &object["metadata"];
        assert!(metadata.get("namespace").is_none_or(|namespace| namespace == "platform"), "{stem}");
    }
    assert_eq!(of_kind(&install, "Namespace")["metadata"]["name"], "platform");
    assert_eq!(of_kind(&install, "ClusterRoleBinding")["subjects"][0]["namespace"], "platform");
    let deployment = of_kind(&install, "Deployment");
    let container = &list(&deployment, "/spec/template/spec/containers")[0];
    assert_eq!(container["ports"][0]["containerPort"], 10_443);
    assert_eq!(container["ports"][1]["containerPort"], 10_090);
    for said in ["--namespace=platform", "--webhook-port=10443", "--admin-port=10090"] {
        assert!(list(container, "/args").contains(&said.into()), "{said}");
    }
    for webhook in webhooks(&install) {
        assert_eq!(webhook["clientConfig"]["service"]["namespace"], "platform");
        assert!(excluded(&webhook).contains(&"platform".to_owned()));
        assert!(!excluded(&webhook).contains(&object::INSTALLATION.to_owned()));
    }
}
