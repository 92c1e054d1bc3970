//! When two stored objects are the same, although one came with the API server's defaults to dkron-ha, and the other got
//! them afterwards.

use std::collections::BTreeSet;

use dkron_ha::contract::{annotation, path};
use serde_json::{Value, json};

/// The API server mounts tokens under such names, with a random end.
const TOKEN_VOLUME: &str = "kube-api-access-";

/// The object without what differs by nature: what is new with each object, the namespace, and the order and the name of the
/// token's volume, which one has since before the injection and the other since after it.
pub fn normal(mut object: Value) -> Value {
    let generated = object["metadata"]["generateName"].is_string();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|name, _| !["uid", "creationTimestamp", "managedFields", "namespace"].contains(&name.as_str()));
        if generated {
            metadata.shift_remove("name");
        }
    }
    if object["kind"] == "Pod" {
        pod(&mut object);
    }
    object
}

fn pod(pod: &mut Value) {
    sort(&mut pod["spec"]["volumes"], "name");
    for list in ["containers", "initContainers"] {
        for container in pod["spec"][list].as_array_mut().into_iter().flatten() {
            sort(&mut container["volumeMounts"], "mountPath");
        }
    }
    let status = &mut pod["metadata"]["annotations"][annotation::STATUS];
    if let Some(record) = status.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        *status = places(&record);
    } else if status.is_null() {
        // Looking at it has made an entry.
        if let Some(annotations) = pod["metadata"]["annotations"].as_object_mut() {
            annotations.shift_remove(annotation::STATUS);
        }
    }
}

/// Renames the token's volume and puts the list in order.
fn sort(list: &mut Value, key: &str) {
    let Some(items) = list.as_array_mut() else { return };
    for item in items.iter_mut() {
        if item["name"].as_str().is_some_and(|name| name.starts_with(TOKEN_VOLUME)) {
            item["name"] = TOKEN_VOLUME.into();
        }
    }
    items.sort_by_key(|item| item[key].to_string());
}

/// The record of an injection, reduced to the places that were changed: what the API server had filled in there is a former
/// value to one, and nothing to the other. Nor does a file have what only the API server writes: the token's mounts, and the
/// account under its old name.
fn places(record: &Value) -> Value {
    let added = record["added"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let was = record["was"].as_object().into_iter().flat_map(|was| was.keys()).map(String::as_str);
    let in_files = |place: &&str| {
        !place.ends_with(path::SERVICE_ACCOUNT) && !["volumes/kube-api-access", "serviceAccount"].contains(place)
    };
    let places: BTreeSet<_> = added.chain(was).filter(in_files).collect();
    json!({"version": record["version"], "container": record["container"], "places": places})
}
