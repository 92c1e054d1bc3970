//! The service account of a pod, and who gets its token.

use super::edit::Edit;
use super::verdict::Warning;
use crate::code;
use crate::contract::{self, object};
use crate::json::{Node, Pointer, quoted};
use crate::options::Role;

/// The pod spec's account as the user left it.
fn account(spec: &Node<'_>) -> Option<String> {
    // `serviceAccount` is the old spelling; the API server fills both from either.
    let of = |name: &str| spec.get(name).str().filter(|account| !account.is_empty());
    of("serviceAccountName").or_else(|| of("serviceAccount")).map(std::borrow::Cow::into_owned)
}

/// The account that dkron-ha uses for a role.
pub fn ours(role: Role) -> &'static str {
    match role {
        Role::Server => object::SERVER_ACCOUNT,
        Role::Agent => object::AGENT_ACCOUNT,
    }
}

/// The account of ours that a pod will have, unless its author chose another.
pub fn needed(spec: &Node<'_>, role: Role) -> Option<&'static str> {
    let ours = ours(role);
    account(spec).is_none_or(|name| name == "default" || name == ours).then_some(ours)
}

/// Gives the pod spec at `path` the account of its role where the user chose none.
///
/// A server's token is for the label updater alone: jobs run in the dkron container, and must not hold the servers' rights.
/// So automatic mounting goes off with the account, and a token that the API server had already mounted is taken out.
///
/// Removals come by list index: nothing may have been inserted into volumes or containers before.
pub fn swap(edit: &mut Edit, spec: &Node<'_>, path: &Pointer, role: Role, warnings: &mut Vec<Warning>) {
    let ours = ours(role);
    let account = account(spec);
    if let Some(name) = account.as_ref().filter(|_| needed(spec, role).is_none()) {
        let text = format!("service account {name:?} stays; the role {ours} has to be bound to it");
        return warnings.push(Warning::new(code::ACCOUNT_KEPT, text));
    }
    edit.set(spec, path, "serviceAccountName", "serviceAccountName", &quoted(ours));
    if spec.has("serviceAccount") {
        edit.set(spec, path, "serviceAccount", "serviceAccount", &quoted(ours));
    }
    let mounted = spec.get("automountServiceAccountToken").bool() != Some(false);
    match role {
        Role::Server => {
            edit.set(spec, path, "automountServiceAccountToken", "automountServiceAccountToken", "false");
            unmount(edit, spec, path);
            // Whether a job reads it cannot be seen; losing it must not be a surprise.
            if mounted {
                let text = "the account's token is no longer mounted; jobs that need one: set serviceAccountName";
                warnings.push(Warning::new(code::TOKEN_TAKEN_AWAY, text));
            }
        }
        Role::Agent if mounted && account.as_deref() != Some(ours) && spec.get("containers").items().len() > 1 => {
            let text =
                "every container of this pod now acts as dkron-ha-agent; set serviceAccountName if one needs more";
            warnings.push(Warning::new(code::TOKEN_TAKEN_AWAY, text));
        }
        Role::Agent => {}
    }
}

/// An agent that is to find the servers through the API server needs its token.
pub fn doubt_discovery(spec: &Node<'_>, warnings: &mut Vec<Warning>) {
    if spec.get("automountServiceAccountToken").bool() == Some(false) {
        let text = "automountServiceAccountToken is false: dkron's discovery of the servers needs the token";
        warnings.push(Warning::new(code::AGENT_WITHOUT_TOKEN, text));
    }
}

/// Takes out the `kube-api-access-…` volume and its mounts, which the API server adds before webhooks are asked.
fn unmount(edit: &mut Edit, spec: &Node<'_>, path: &Pointer) {
    let automatic =
        |name: Option<std::borrow::Cow<'_, str>>| name.is_some_and(|name| name.starts_with("kube-api-access-"));
    let mounted_at = contract::path::SERVICE_ACCOUNT;
    for list in ["containers", "initContainers"] {
        for (at, container) in spec.get(list).items().iter().enumerate() {
            let mounts = container.get("volumeMounts").items();
            for (index, mount) in mounts.iter().enumerate().rev() {
                let there = mount.get("mountPath").is(mounted_at);
                if there && automatic(mount.get("name").str()) {
                    let name = container.get("name").str().unwrap_or_default();
                    let place = format!("{list}/{name}/volumeMounts/{mounted_at}");
                    edit.remove(path.key(list).index(at).key("volumeMounts").index(index), place, mount);
                }
            }
        }
    }
    for (index, volume) in spec.get("volumes").items().iter().enumerate().rev() {
        if automatic(volume.get("name").str()) && !volume.get("projected").is_null() {
            edit.remove(path.key("volumes").index(index), "volumes/kube-api-access", volume);
        }
    }
}
