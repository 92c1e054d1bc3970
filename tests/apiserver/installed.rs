//! An installation as the API server stores it, without what differs by nature.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::corpus;
use crate::difference::differences;
use crate::kubectl::Kubectl;

/// Objects by kind and name.
pub type Objects = BTreeMap<String, Value>;

/// What the API server itself writes, new for each object.
const WRITTEN_BY_THE_SERVER: [&str; 5] = ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"];

/// What `kubectl apply` and `helm install` note of themselves.
const NOTES: [&str; 4] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
    "deployment.kubernetes.io/revision",
];
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// By kind and name, as they are.
pub fn by_name(objects: &[Value]) -> Objects {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    objects
        .iter()
        .map(|one| (format!("{} {}", text(&one["kind"]), text(&one["metadata"]["name"])), one.clone()))
        .collect()
}

/// These objects as they are stored; those that are not there are left out.
pub fn live(kubectl: &Kubectl, objects: &[Value]) -> Result<Vec<Value>> {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    let found = kubectl.run(&["get", "--ignore-not-found", "-o=json", "-f=-"], Some(&list))?.ok()?;
    if found.stdout.is_empty() { Ok(Vec::new()) } else { corpus::objects(found.stdout.as_bytes()) }
}

/// Takes away what differs by nature.
pub fn normal(mut object: Value) -> Value {
    let Some(fields) = object.as_object_mut() else { return object };
    fields.shift_remove("status");
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| !WRITTEN_BY_THE_SERVER.contains(&field.as_str()));
        drop_from(metadata, "annotations", &NOTES);
        drop_from(metadata, "labels", &[MANAGED_BY]);
    }
    // The next free address.
    if let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) {
        spec.retain(|field, _| !["clusterIP", "clusterIPs"].contains(&field.as_str()));
    }
    object
}

fn drop_from(metadata: &mut Map<String, Value>, part: &str, keys: &[&str]) {
    let Some(map) = metadata.get_mut(part).and_then(Value::as_object_mut) else { return };
    map.retain(|key, _| !keys.contains(&key.as_str()));
    if map.is_empty() {
        metadata.shift_remove(part);
    }
}

/// A line for each place where two installations differ.
pub fn compare(one: &Objects, other: &Objects) -> Vec<String> {
    let mut found = Vec::new();
    for name in one.keys().chain(other.keys().filter(|name| !one.contains_key(*name))) {
        match (one.get(name), other.get(name)) {
            (Some(one), Some(other)) => {
                found.extend(differences(one, other).into_iter().map(|place| format!("{name} {place}")));
            }
            (one, _) => {
                found.push(format!("{name}: only {} has it", if one.is_some() { "the first" } else { "the second" }));
            }
        }
    }
    found
}
