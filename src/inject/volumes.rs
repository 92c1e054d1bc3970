//! Volumes, their mounts in the dkron container, and what may stand in their way.

use super::edit::Edit;
use super::recognise::Dkron;
use super::verdict::Rejection;
use crate::code;
use crate::contract::{injected, path};
use crate::json::{Node, Pointer};

/// Wrapper and `desired.json`: half a megabyte and little more. A limit keeps a fault from filling the node's disk.
const SHARED: &str = r#"{"name":"dkron-ha","emptyDir":{"sizeLimit":"16Mi"}}"#;
/// Merged configuration of dkron.
const RUN: &str = r#"{"name":"dkron-ha-run","emptyDir":{"sizeLimit":"4Mi"}}"#;
/// The label updater's own token, in no other container. `kube-root-ca.crt` is in every namespace.
const TOKEN: &str = concat!(
    r#"{"name":"dkron-ha-token","projected":{"defaultMode":420,"sources":["#,
    r#"{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},"#,
    r#"{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},"#,
    r#"{"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}]}}"#
);

const SHARED_MOUNT: &str = r#"{"name":"dkron-ha","mountPath":"/dkron-ha","readOnly":true}"#;
const RUN_MOUNT: &str = r#"{"name":"dkron-ha-run","mountPath":"/dkron-ha-run"}"#;

/// Adds the volumes that are not there yet; the token only where the label updater needs one.
pub fn add(edit: &mut Edit, spec: &Node<'_>, path: &Pointer, token: bool) {
    let volumes = spec.get("volumes").items();
    let wanted =
        [(injected::VOLUME, SHARED, true), (injected::RUN_VOLUME, RUN, true), (injected::TOKEN_VOLUME, TOKEN, token)];
    let missing = wanted.into_iter().filter(|(name, _, wanted)| *wanted && !named(volumes, name));
    let items = missing.map(|(name, volume, _)| (format!("volumes/{name}"), volume.to_owned())).collect();
    edit.append(spec, path, "volumes", items);
}

/// Mounts the wrapper (read-only: jobs run in this container) and the configuration volume in the dkron container.
pub fn mount(edit: &mut Edit, dkron: &Dkron<'_>) {
    let container = &dkron.container;
    let mounts = container.node.get("volumeMounts").items();
    let wanted = [(injected::VOLUME, SHARED_MOUNT), (injected::RUN_VOLUME, RUN_MOUNT)];
    let missing = wanted.into_iter().filter(|(name, _)| !named(mounts, name));
    let items = missing.map(|(name, mount)| (format!("container/volumeMounts/{name}"), mount.to_owned())).collect();
    edit.append(container.node, &container.path, "volumeMounts", items);
}

/// Whether a name or a path that dkron-ha needs is used by somebody else.
///
/// # Errors
/// A [`Rejection`] that names the place. Not to be asked of a pod that is already injected.
pub fn free(spec: &Node<'_>, path: &Pointer, dkron: &Dkron<'_>) -> Result<(), Rejection> {
    let taken = |list: &str, name: &str| {
        let at = spec.get(list).items().iter().position(|item| item.get("name").is(name))?;
        Some(Rejection {
            code: code::NAME_TAKEN,
            path: path.key(list).index(at),
            problem: format!("the name {name:?} is needed by dkron-ha"),
            fix: "rename it".into(),
        })
    };
    let names = [
        ("volumes", injected::VOLUME),
        ("volumes", injected::RUN_VOLUME),
        ("volumes", injected::TOKEN_VOLUME),
        ("containers", injected::INSTALL),
        ("containers", injected::LABEL_UPDATER),
        ("initContainers", injected::INSTALL),
        ("initContainers", injected::LABEL_UPDATER),
    ];
    if let Some(rejection) = names.into_iter().find_map(|(list, name)| taken(list, name)) {
        return Err(rejection);
    }
    for (at, mount) in dkron.container.mounts().enumerate() {
        let place = mount.get("mountPath").str().unwrap_or_default();
        let place = place.trim_end_matches('/');
        if [path::SHARED, path::RUN].iter().any(|ours| place == *ours || place.starts_with(&format!("{ours}/"))) {
            return Err(Rejection {
                code: code::MOUNT_PATH_TAKEN,
                path: dkron.container.path.key("volumeMounts").index(at),
                problem: format!("{place:?} is needed by dkron-ha"),
                fix: "mount it elsewhere".into(),
            });
        }
    }
    Ok(())
}

/// Whether a list holds an item of that name.
pub fn named(items: &[Node<'_>], name: &str) -> bool {
    items.iter().any(|item| item.get("name").is(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_say_what_the_contract_says() {
        let parse = |text| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(parse(SHARED)["name"], injected::VOLUME);
        assert_eq!(parse(RUN)["name"], injected::RUN_VOLUME);
        assert_eq!(parse(TOKEN)["name"], injected::TOKEN_VOLUME);
        assert_eq!(parse(SHARED_MOUNT)["name"], injected::VOLUME);
        assert_eq!(parse(SHARED_MOUNT)["mountPath"], path::SHARED);
        assert_eq!(parse(RUN_MOUNT)["name"], injected::RUN_VOLUME);
        assert_eq!(parse(RUN_MOUNT)["mountPath"], path::RUN);
    }
}
