//! Nothing but the declared additions has changed.

use serde_json::{Map, Value};

/// Every value of `before` that dkron-ha has no business with stands in `after` unchanged. Lists of containers, volumes,
/// variables and mounts are compared by name, since items are added to them.
pub fn assert_unknown_survives(before: &Value, after: &Value, seed: u64) {
    survives(before, after, "", seed);
}

fn survives(before: &Value, after: &Value, path: &str, seed: u64) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in before {
                let path = format!("{path}/{name}");
                match after.get(name) {
                    Some(now) => survives(value, now, &path, seed),
                    None => assert!(may_go(&path), "seed {seed}: {path} is gone"),
                }
            }
        }
        (Value::Array(before), Value::Array(after)) if named(before) && named(after) => {
            for item in before {
                let path = format!("{path}/{}", item["name"].as_str().unwrap_or_default());
                match after.iter().find(|now| now["name"] == item["name"]) {
                    Some(now) => survives(item, now, &path, seed),
                    None => assert!(may_go(&path), "seed {seed}: {path} is gone"),
                }
            }
        }
        _ if before == after => {}
        _ => assert!(may_change(path), "seed {seed}: {path} was {before} and is {after}"),
    }
}

fn named(list: &[Value]) -> bool {
    list.iter().all(|item| item.as_object().is_some_and(|item: &Map<_, _>| item.contains_key("name")))
}

fn may_go(path: &str) -> bool {
    path.contains("kube-api-access-")
        || ["/tcpSocket", "/preStop", "/lifecycle"].iter().any(|end| path.ends_with(end))
        || may_change(path)
}

fn may_change(path: &str) -> bool {
    let of_probe = path.contains("Probe/httpGet");
    let fields = [
        "/command",
        "/serviceAccountName",
        "/serviceAccount",
        "/automountServiceAccountToken",
        "/terminationGracePeriodSeconds",
        "/podManagementPolicy",
        "/serviceName",
        "/updateStrategy",
        "/updateStrategy/type",
        "/updateStrategy/rollingUpdate",
        "/topologySpreadConstraints",
        // null becomes a list or a map
        "/env",
        "/volumeMounts",
        "/volumes",
        "/initContainers",
        "/labels",
        "/annotations",
    ];
    of_probe || fields.iter().any(|field| path.ends_with(field))
}
