//! A `ValidatingAdmissionPolicy` that narrows what the servers' account may write: RBAC can say "patch pods", only a policy can
//! say which keys.

use serde_json::{Value, json};

use super::metadata::{cluster, labels};
use crate::contract::{DOMAIN, annotation, label, object};

/// Policies and their bindings.
pub const ADMISSION_V1: &str = "admissionregistration.k8s.io/v1";

/// The policy. It looks at updates of pods by any account of that name, and at nobody else's.
pub fn policy() -> Value {
    let account = object::SERVER_ACCOUNT;
    definition(
        account,
        &json!({
            "failurePolicy": "Fail",
            "matchConstraints": constraints(&["pods", "pods/*"], "UPDATE"),
            "matchConditions": [{
                "name": format!("{DOMAIN}/server-account"),
                "expression": format!(
                    "request.userInfo.username.startsWith('system:serviceaccount:') && \
                     request.userInfo.username.endsWith(':{account}')"
                ),
            }],
            "variables": [
                variable("labels", "object.metadata.?labels.orValue({})"),
                variable("oldLabels", "oldObject.metadata.?labels.orValue({})"),
                variable("annotations", "object.metadata.?annotations.orValue({})"),
                variable("oldAnnotations", "oldObject.metadata.?annotations.orValue({})"),
            ],
            "validations": [
                but_one("label", "labels", "oldLabels", label::LEADER),
                but_one("annotation", "annotations", "oldAnnotations", annotation::FORMED),
                validation(
                    "object.spec == oldObject.spec \
                     && object.metadata.?finalizers == oldObject.metadata.?finalizers \
                     && object.metadata.?ownerReferences == oldObject.metadata.?ownerReferences",
                    &format!("{account} may change nothing of a pod but {} and {}", label::LEADER, annotation::FORMED),
                ),
            ],
        }),
    )
}

/// Puts [`policy`] in force everywhere.
pub fn binding() -> Value {
    json!({
        "apiVersion": ADMISSION_V1,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": cluster(object::SERVER_ACCOUNT, &labels()),
        "spec": { "policyName": object::SERVER_ACCOUNT, "validationActions": ["Deny"] },
    })
}

/// A policy.
pub fn definition(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": ADMISSION_V1,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": cluster(name, &labels()),
        "spec": spec,
    })
}

/// Looks at one operation on pods, each field written that the API server would fill in.
pub fn constraints(resources: &[&str], operation: &str) -> Value {
    json!({
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "resourceRules": [{
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "resources": resources,
            "operations": [operation],
            "scope": "Namespaced",
        }],
    })
}

/// A value that expressions behind it can use.
pub fn variable(name: &str, expression: &str) -> Value {
    json!({ "name": name, "expression": expression })
}

/// What must hold.
pub fn validation(expression: &str, message: &str) -> Value {
    json!({ "expression": expression, "message": message, "reason": "Forbidden" })
}

/// Two variables, maps both, must be the same, leaving `key` aside.
fn but_one(what: &str, new: &str, old: &str, key: &str) -> Value {
    let (new, old) = (format!("variables.{new}"), format!("variables.{old}"));
    validation(
        &format!(
            "{new}.all(k, k == '{key}' || (k in {old} && {old}[k] == {new}[k])) \
             && {old}.all(k, k == '{key}' || k in {new})"
        ),
        &format!("{} may change no {what} of a pod but {key}", object::SERVER_ACCOUNT),
    )
}
