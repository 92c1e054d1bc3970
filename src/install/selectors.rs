//! Which namespaces and which objects are ours, as selectors: what is sent to the webhook, and what the guard looks at.

use serde_json::{Value, json};

use crate::contract::{EXCLUDED_NAMESPACES, label};

/// Label that the API server puts on each namespace: its own name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// Why an object is ours. Selectors in one place are all required, so each reason has a place of its own, and a namespace belongs
/// to exactly one of them: nothing is looked at twice.
#[derive(Clone, Copy)]
pub enum Reason {
    /// Its namespace is opted in.
    OptedIn,
    /// It was injected once; its namespace is not, or no longer, opted in.
    Stamped,
}

/// Namespaces of the reason, but for Kubernetes' own and the webhook's.
pub fn namespaces(own: &str, reason: Reason) -> Value {
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

/// Objects of the reason that are not opted out.
pub fn objects(reason: Reason) -> Value {
    let not_opted_out = json!({ "key": label::INJECT, "operator": "NotIn", "values": ["false"] });
    match reason {
        Reason::OptedIn => json!({ "matchExpressions": [not_opted_out] }),
        Reason::Stamped => json!({
            "matchExpressions": [{ "key": label::INJECTED, "operator": "In", "values": ["true"] }, not_opted_out],
        }),
    }
}
