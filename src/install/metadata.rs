//! Names and labels that every object of an installation carries.

use serde_json::{Value, json};

use crate::contract::object;
use crate::settings::Settings;

const NAME: &str = "app.kubernetes.io/name";
const COMPONENT: &str = "app.kubernetes.io/component";
const WEBHOOK: &str = "webhook";
const PART_OF: &str = "app.kubernetes.io/part-of";
const VERSION: &str = "app.kubernetes.io/version";

/// Labels by which the webhook's pods are found. Immutable in a Deployment, so the version is not among them.
pub fn selector() -> Value {
    json!({ NAME: object::INSTALLATION, COMPONENT: WEBHOOK })
}

/// Labels of everything.
pub fn labels() -> Value {
    json!({ NAME: object::INSTALLATION, PART_OF: object::INSTALLATION })
}

/// Labels of what changes with each release: the pods, and what the API server sends them.
pub fn versioned() -> Value {
    json!({
        NAME: object::INSTALLATION,
        COMPONENT: WEBHOOK,
        PART_OF: object::INSTALLATION,
        VERSION: env!("CARGO_PKG_VERSION"),
    })
}

/// `metadata` of an object in a namespace.
pub fn namespaced(name: &str, namespace: &str, labels: &Value) -> Value {
    json!({ "name": name, "namespace": namespace, "labels": labels })
}

/// `metadata` of an object of the whole cluster.
pub fn cluster(name: &str, labels: &Value) -> Value {
    json!({ "name": name, "labels": labels })
}

/// The webhook's own namespace. Its pods meet the strictest of the Pod Security Standards, so it is enforced.
pub fn namespace(settings: &Settings) -> Value {
    let mut labels = labels();
    labels["pod-security.kubernetes.io/enforce"] = "restricted".into();
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": cluster(&settings.namespace, &labels),
    })
}
