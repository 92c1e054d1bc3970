//! The registration: what the API server sends, where, and what happens if nobody answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::workload::SERVICE_PORT;
use super::{Certificates, Install, Pem, conditions, metadata};
use crate::contract::{DOMAIN, EXCLUDED_NAMESPACES, label, object, path};

/// Label that the API server puts on each namespace: its own name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// Seconds that the API server waits; a review takes well under a millisecond.
const TIMEOUT_SECONDS: u32 = 3;

/// Why an object is sent. Selectors within one entry are all required, so each reason is an entry of its own, and a
/// namespace belongs to exactly one of them: nothing is sent twice.
#[derive(Clone, Copy)]
enum Reason {
    /// Its namespace is opted in.
    OptedIn,
    /// It was injected once; its namespace is not, or no longer, opted in.
    Stamped,
}

/// The `MutatingWebhookConfiguration`, each field written that the API server would fill in, so that nothing that compares
/// it with the live one sees a difference.
pub fn registration(install: &Install) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": metadata::cluster(object::INSTALLATION, &metadata::versioned()),
        "webhooks": [
            pods(install, Reason::OptedIn),
            stateful_sets(install, Reason::OptedIn),
            pods(install, Reason::Stamped),
            stateful_sets(install, Reason::Stamped),
        ],
    })
}

fn pods(install: &Install, reason: Reason) -> Value {
    webhook(install, reason, "pods", "", &["CREATE"], &conditions::pods())
}

fn stateful_sets(install: &Install, reason: Reason) -> Value {
    webhook(install, reason, "statefulsets", "apps", &["CREATE", "UPDATE"], &conditions::stateful_sets())
}

fn webhook(
    install: &Install,
    reason: Reason,
    resource: &str,
    group: &str,
    operations: &[&str],
    conditions: &Value,
) -> Value {
    let name = match reason {
        Reason::OptedIn => format!("{resource}.injection.{DOMAIN}"),
        Reason::Stamped => format!("{resource}.injected.{DOMAIN}"),
    };
    json!({
        "name": name,
        "admissionReviewVersions": ["v1"],
        "clientConfig": client_config(install),
        "rules": [{
            "apiGroups": [group],
            "apiVersions": ["v1"],
            "resources": [resource],
            "operations": operations,
            "scope": "Namespaced",
        }],
        "namespaceSelector": namespace_selector(&install.settings.namespace, reason),
        "objectSelector": object_selector(reason),
        "matchPolicy": "Equivalent",
        "matchConditions": conditions,
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "reinvocationPolicy": "IfNeeded",
        "timeoutSeconds": TIMEOUT_SECONDS,
    })
}

fn client_config(install: &Install) -> Value {
    let mut config = json!({
        "service": {
            "name": object::INSTALLATION,
            "namespace": install.settings.namespace,
            "path": path::MUTATE,
            "port": SERVICE_PORT,
        },
    });
    if let Certificates::Files(Some(Pem { authority, .. })) = &install.certificates {
        config["caBundle"] = STANDARD.encode(authority).into();
    }
    config
}

fn namespace_selector(own: &str, reason: Reason) -> Value {
    let mut excluded = EXCLUDED_NAMESPACES.to_vec();
    if !excluded.contains(&own) {
        excluded.push(own);
    }
    let operator = match reason {
        Reason::OptedIn => "In",
        Reason::Stamped => "NotIn",
    };
    json!({
        "matchExpressions": [
            { "key": label::INJECTION, "operator": operator, "values": [label::INJECTION_ENABLED] },
            { "key": NAMESPACE_NAME, "operator": "NotIn", "values": excluded },
        ],
    })
}

fn object_selector(reason: Reason) -> Value {
    let not_opted_out = json!({ "key": label::INJECT, "operator": "NotIn", "values": ["false"] });
    match reason {
        Reason::OptedIn => json!({ "matchExpressions": [not_opted_out] }),
        Reason::Stamped => json!({
            "matchExpressions": [{ "key": label::INJECTED, "operator": "In", "values": ["true"] }, not_opted_out],
        }),
    }
}
