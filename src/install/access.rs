//! Accounts and what they may do. Each right and its reason is a row of the table in `docs/install.md`.

use serde_json::{Value, json};

use super::metadata::{cluster, labels, namespaced};
use super::{Certificates, Install};
use crate::contract::object;
use crate::settings::Settings;

const RBAC: &str = "rbac.authorization.k8s.io";
const LEASES: &str = "coordination.k8s.io";
const RBAC_V1: &str = "rbac.authorization.k8s.io/v1";

/// Of what the controller makes, by server-side apply, keeps and takes away again.
const KEEPS: [&str; 6] = ["get", "list", "watch", "create", "patch", "delete"];

/// Account of the webhook. Its pods ask for their token themselves; nobody else gets one by naming the account.
pub fn account(settings: &Settings) -> Value {
    service_account(object::INSTALLATION, &settings.namespace, Some(false))
}

/// What the webhook and its controller may do in all namespaces. They read which clusters there are, and their own registration,
/// to know whether the API server trusts it; where the webhook keeps its own authority it also writes there whom to trust. The
/// controller makes what dkron pods need around them, and gives their accounts two roles and no others. In a rollout with the leader
/// last it deletes pods, and annotates sets by their status, since a right to patch sets would be one to run anything.
pub fn cluster_role(install: &Install) -> Value {
    let verbs: &[&str] = match install.certificates {
        Certificates::Own => &["get", "list", "watch", "patch"],
        Certificates::Files(_) | Certificates::CertManager => &["get", "list", "watch"],
    };
    let mut rules = vec![
        json!({ "apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["list", "watch"] }),
        json!({
            "apiGroups": ["admissionregistration.k8s.io"],
            "resources": ["mutatingwebhookconfigurations"],
            "resourceNames": [object::INSTALLATION],
            "verbs": verbs,
        }),
    ];
    if install.controller {
        rules.extend([
            json!({ "apiGroups": [""], "resources": ["namespaces", "pods"], "verbs": ["list", "watch"] }),
            json!({ "apiGroups": [""], "resources": ["pods"], "verbs": ["delete"] }),
            json!({ "apiGroups": ["apps"], "resources": ["statefulsets/status"], "verbs": ["patch"] }),
            json!({ "apiGroups": [""], "resources": ["serviceaccounts", "services"], "verbs": KEEPS }),
            json!({ "apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": KEEPS }),
            json!({ "apiGroups": [RBAC], "resources": ["rolebindings"], "verbs": KEEPS }),
            json!({
                "apiGroups": [RBAC],
                "resources": ["clusterroles"],
                "resourceNames": [object::SERVER_ACCOUNT, object::AGENT_ACCOUNT],
                "verbs": ["bind"],
            }),
            json!({ "apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"] }),
        ]);
    }
    json!({
        "apiVersion": RBAC_V1,
        "kind": "ClusterRole",
        "metadata": cluster(object::INSTALLATION, &labels()),
        "rules": rules,
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

/// What the webhook does in its own namespace: the lease that says which replica is the controller, and the Secret of its own
/// authority where it keeps one. A right to create cannot be narrowed by name.
pub fn own_role(install: &Install) -> Value {
    let mut rules = Vec::new();
    if install.controller {
        rules.push(json!({ "apiGroups": [LEASES], "resources": ["leases"], "verbs": ["create"] }));
        rules.push(json!({
            "apiGroups": [LEASES],
            "resources": ["leases"],
            "resourceNames": [object::INSTALLATION],
            "verbs": ["get", "update"],
        }));
    }
    if let Certificates::Own = install.certificates {
        rules.push(json!({ "apiGroups": [""], "resources": ["secrets"], "verbs": ["create"] }));
        rules.push(json!({
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": [object::AUTHORITY_SECRET],
            "verbs": ["get", "update", "delete"],
        }));
    }
    json!({
        "apiVersion": RBAC_V1,
        "kind": "Role",
        "metadata": namespaced(object::INSTALLATION, &install.settings.namespace, &labels()),
        "rules": rules,
    })
}

/// Gives [`own_role`] to [`account`].
pub fn own_role_binding(settings: &Settings) -> Value {
    role_binding("Role", object::INSTALLATION, &settings.namespace)
}

/// Account of servers. The label updater mounts a token of its own; dkron, which runs other people's jobs, gets none.
pub fn server_account(namespace: &str) -> Value {
    service_account(object::SERVER_ACCOUNT, namespace, Some(false))
}

/// What the label updater of a server may do, in the namespaces where it is bound. `patch` on pods is narrowed further by
/// [`super::policy`].
pub fn server_role() -> Value {
    let rules = json!([
        { "apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "patch"] },
        { "apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["get", "list", "watch"] },
        { "apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"] },
    ]);
    workload_role(object::SERVER_ACCOUNT, &rules)
}

/// Gives [`server_role`] to [`server_account`], in its namespace.
pub fn server_role_binding(namespace: &str) -> Value {
    role_binding("ClusterRole", object::SERVER_ACCOUNT, namespace)
}

/// Account of agents. dkron itself uses its token, so the automatic mount stays as Kubernetes has it.
pub fn agent_account(namespace: &str) -> Value {
    service_account(object::AGENT_ACCOUNT, namespace, None)
}

/// What dkron's own discovery of servers asks for, in the namespaces where it is bound.
pub fn agent_role() -> Value {
    workload_role(object::AGENT_ACCOUNT, &json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": ["list"] }]))
}

/// Gives [`agent_role`] to [`agent_account`], in its namespace.
pub fn agent_role_binding(namespace: &str) -> Value {
    role_binding("ClusterRole", object::AGENT_ACCOUNT, namespace)
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

/// A role that is bound in each namespace by itself. There is one for all of them, so that the controller can give it without
/// having any of its rights (`bind`).
fn workload_role(name: &str, rules: &Value) -> Value {
    json!({
        "apiVersion": RBAC_V1,
        "kind": "ClusterRole",
        "metadata": cluster(name, &labels()),
        "rules": rules,
    })
}

/// Gives the role to the account of the same name.
fn role_binding(kind: &str, name: &str, namespace: &str) -> Value {
    json!({
        "apiVersion": RBAC_V1,
        "kind": "RoleBinding",
        "metadata": namespaced(name, namespace, &labels()),
        "roleRef": { "apiGroup": RBAC, "kind": kind, "name": name },
        "subjects": [{ "kind": "ServiceAccount", "name": name, "namespace": namespace }],
    })
}
