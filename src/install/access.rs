//! Accounts and what they may do. Each right and its reason is a row of the table in `docs/install.md`.

use serde_json::{Value, json};

use super::Certificates;
use super::metadata::{cluster, labels, namespaced};
use crate::contract::object;
use crate::settings::Settings;

const RBAC: &str = "rbac.authorization.k8s.io";
const RBAC_V1: &str = "rbac.authorization.k8s.io/v1";

/// Account of the webhook. Its pods ask for their token themselves; nobody else gets one by naming the account.
pub fn account(settings: &Settings) -> Value {
    service_account(object::INSTALLATION, &settings.namespace, Some(false))
}

/// What the webhook reads in all namespaces: which clusters there are that an agent can join, and its own registration, to know
/// whether the API server trusts it. Where it keeps its own authority it also writes there whom to trust.
pub fn cluster_role(certificates: &Certificates) -> Value {
    let verbs: &[&str] = match certificates {
        Certificates::Own => &["get", "list", "watch", "patch"],
        Certificates::Files(_) | Certificates::CertManager => &["get", "list", "watch"],
    };
    json!({
        "apiVersion": RBAC_V1,
        "kind": "ClusterRole",
        "metadata": cluster(object::INSTALLATION, &labels()),
        "rules": [
            { "apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["list", "watch"] },
            {
                "apiGroups": ["admissionregistration.k8s.io"],
                "resources": ["mutatingwebhookconfigurations"],
                "resourceNames": [object::INSTALLATION],
                "verbs": verbs,
            },
        ],
    })
}

/// Gives [`cluster_role`] to [`account`].
pub fn cluster_role_binding(settings: &Settings) -> Value {
    json!({
        "apiVersion": RBAC_V1,
        "kind": "ClusterRoleBinding",
        "metadata": cluster(object::INSTALLATION, &labels()),
        "roleRef": { "apiGroup": RBAC, "kind": "ClusterRole", "name": object::INSTALLATION },
        "subjects": [
            { "kind": "ServiceAccount", "name": object::INSTALLATION, "namespace": settings.namespace },
        ],
    })
}

/// What the webhook does with the Secret of its own authority. A right to create cannot be narrowed by name.
pub fn authority_role(settings: &Settings) -> Value {
    let rules = json!([
        { "apiGroups": [""], "resources": ["secrets"], "verbs": ["create"] },
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": [object::AUTHORITY_SECRET],
            "verbs": ["get", "update", "delete"],
        },
    ]);
    role(object::INSTALLATION, &settings.namespace, &rules)
}

/// Gives [`authority_role`] to [`account`].
pub fn authority_role_binding(settings: &Settings) -> Value {
    role_binding(object::INSTALLATION, &settings.namespace)
}

/// Account of servers. The label updater mounts a token of its own; dkron, which runs other people's jobs, gets none.
pub fn server_account(namespace: &str) -> Value {
    service_account(object::SERVER_ACCOUNT, namespace, Some(false))
}

/// What the label updater of a server may do. `patch` on pods is narrowed further by [`super::policy`].
pub fn server_role(namespace: &str) -> Value {
    let rules = json!([
        { "apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "patch"] },
        { "apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["get", "list", "watch"] },
        { "apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"] },
    ]);
    role(object::SERVER_ACCOUNT, namespace, &rules)
}

/// Gives [`server_role`] to [`server_account`].
pub fn server_role_binding(namespace: &str) -> Value {
    role_binding(object::SERVER_ACCOUNT, namespace)
}

/// Account of agents. dkron itself uses its token, so the automatic mount stays as Kubernetes has it.
pub fn agent_account(namespace: &str) -> Value {
    service_account(object::AGENT_ACCOUNT, namespace, None)
}

/// What dkron's own discovery of servers asks for.
pub fn agent_role(namespace: &str) -> Value {
    role(object::AGENT_ACCOUNT, namespace, &json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": ["list"] }]))
}

/// Gives [`agent_role`] to [`agent_account`].
pub fn agent_role_binding(namespace: &str) -> Value {
    role_binding(object::AGENT_ACCOUNT, namespace)
}

fn service_account(name: &str, namespace: &str, automount: Option<bool>) -> Value {
    let mut account = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": namespaced(name, namespace, &labels()),
    });
    if let Some(automount) = automount {
        account["automountServiceAccountToken"] = automount.into();
    }
    account
}

fn role(name: &str, namespace: &str, rules: &Value) -> Value {
    json!({
        "apiVersion": RBAC_V1,
        "kind": "Role",
        "metadata": namespaced(name, namespace, &labels()),
        "rules": rules,
    })
}

/// Gives the Role to the account of the same name.
fn role_binding(name: &str, namespace: &str) -> Value {
    json!({
        "apiVersion": RBAC_V1,
        "kind": "RoleBinding",
        "metadata": namespaced(name, namespace, &labels()),
        "roleRef": { "apiGroup": RBAC, "kind": "Role", "name": name },
        "subjects": [{ "kind": "ServiceAccount", "name": name, "namespace": namespace }],
    })
}
