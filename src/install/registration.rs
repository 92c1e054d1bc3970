//! The registration: what the API server sends, where, and what happens if nobody answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::selectors::{self, Reason};
use super::workload::SERVICE_PORT;
use super::{Certificates, Install, Pem, cert_manager, conditions, metadata};
use crate::contract::{DOMAIN, object, path};

/// Seconds that the API server waits; a review takes well under a millisecond.
const TIMEOUT_SECONDS: u32 = 3;

/// The `MutatingWebhookConfiguration`, each field written that the API server would fill in, so that nothing that compares
/// it with the live one sees a difference.
pub fn registration(install: &Install) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": metadata(install),
        "webhooks": [
            pods(install, Reason::OptedIn),
            stateful_sets(install, Reason::OptedIn),
            pods(install, Reason::Stamped),
            stateful_sets(install, Reason::Stamped),
        ],
    })
}

fn metadata(install: &Install) -> Value {
    let mut metadata = metadata::cluster(object::INSTALLATION, &metadata::versioned());
    if let Certificates::CertManager = install.certificates {
        let from = cert_manager::inject_ca_from(&install.settings);
        metadata["annotations"] = json!({ cert_manager::INJECT_CA_FROM: from });
    }
    metadata
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
        "namespaceSelector": selectors::namespaces(&install.settings.namespace, reason),
        "objectSelector": selectors::objects(reason),
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
