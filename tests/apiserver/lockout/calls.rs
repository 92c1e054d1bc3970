//! Requests as people, controllers and kubelets send them, each a dry run.

use serde_json::{Value, json};

use crate::api::Call;

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const STRATEGIC_PATCH: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

fn call(method: &'static str, path: &str, content_type: &'static str, body: Value) -> Call {
    let joint = if path.contains('?') { '&' } else { '?' };
    Call { method, path: format!("{path}{joint}dryRun=All"), content_type, body }
}

/// `path` is a collection, or a subresource that is posted to.
pub fn create(path: &str, object: Value) -> Call {
    call("POST", path, JSON, object)
}

pub fn replace(path: &str, object: Value) -> Call {
    call("PUT", path, JSON, object)
}

pub fn merge(path: &str, patch: Value) -> Call {
    call("PATCH", path, MERGE_PATCH, patch)
}

/// Lists are merged by their items' names.
pub fn strategic(path: &str, patch: Value) -> Call {
    call("PATCH", path, STRATEGIC_PATCH, patch)
}

/// Server-side apply by somebody.
pub fn apply(path: &str, object: Value) -> Call {
    call("PATCH", &format!("{path}?fieldManager=somebody&force=true"), APPLY, object)
}

pub fn delete(path: &str) -> Call {
    call("DELETE", path, JSON, Value::Null)
}

pub fn get(path: &str) -> Call {
    Call { method: "GET", path: path.to_owned(), content_type: JSON, body: Value::Null }
}

/// The path of a kind's objects in a namespace. `api` is `v1`, or `<group>/<version>`.
pub fn of(api: &str, namespace: &str, plural: &str) -> String {
    format!("{}/namespaces/{namespace}/{plural}", root(api))
}

/// The path of an API.
pub fn root(api: &str) -> String {
    if api.contains('/') { format!("/apis/{api}") } else { format!("/api/{api}") }
}

/// The one container of a pod, as strictly confined as our own namespace asks for.
pub fn container(image: &str, command: &[&str], args: &[&str]) -> Value {
    let mut container = json!({
        "name": "main",
        "image": image,
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
    });
    if !command.is_empty() {
        container["command"] = json!(command);
    }
    if !args.is_empty() {
        container["args"] = json!(args);
    }
    container
}

/// The spec of a pod with this container.
pub fn pod_spec(container: &Value) -> Value {
    json!({
        "containers": [container],
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
    })
}

pub fn pod(name: &str, container: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": pod_spec(container)})
}

/// A template whose pods are labelled with this app.
pub fn template(app: &str, container: &Value) -> Value {
    json!({"metadata": {"labels": {"app": app}}, "spec": pod_spec(container)})
}

pub fn set(name: &str, container: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "serviceName": name,
            "replicas": 3,
            "selector": {"matchLabels": {"app": name}},
            "template": template(name, container),
        },
    })
}

/// A pod and a set.
pub fn create_both(namespace: &str, name: &str, container: &Value) -> [Call; 2] {
    [
        create(&of("v1", namespace, "pods"), pod(&format!("{name}-0"), container)),
        create(&of("apps/v1", namespace, "statefulsets"), set(name, container)),
    ]
}
