//! Looking at stored objects.

use anyhow::{Result, ensure};
use dkron_ha::contract::{DOMAIN, annotation, injected, label, path};
use serde_json::Value;

/// Found and expected must be the same; an error shows both.
pub fn same(what: &str, found: &Value, expected: impl Into<Value>) -> Result<()> {
    let expected = expected.into();
    ensure!(*found == expected, "{what} is {found}, not {expected}");
    Ok(())
}

/// The item of a list that has this name; null if none has.
pub fn named<'v>(list: &'v Value, name: &str) -> &'v Value {
    list.as_array().into_iter().flatten().find(|item| item["name"] == name).unwrap_or(&Value::Null)
}

/// Names of a list's items.
pub fn names(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(|item| item["name"].as_str()).collect()
}

/// Value of the container's variable; null if it has none.
pub fn variable<'v>(container: &'v Value, name: &str) -> &'v Value {
    &named(&container["env"], name)["value"]
}

/// Whether an object of this uid owns and controls the other.
pub fn is_controlled_by(object: &Value, owner: &Value) -> bool {
    object["metadata"]["ownerReferences"].as_array().is_some_and(|owners| {
        owners.iter().any(|one| one["controller"] == true && one["uid"] == owner["metadata"]["uid"])
    })
}

/// Whether the pod bears the mark of injection, and its first container the wrapper.
pub fn is_injected(pod: &Value) -> bool {
    pod["metadata"]["annotations"][annotation::STATUS].is_string()
        && pod["spec"]["containers"][0]["command"][0] == path::WRAPPER
}

/// Whether nothing of dkron-ha is in the object.
pub fn is_untouched(object: &Value) -> bool {
    let text = object.to_string();
    !text.contains(DOMAIN) && !text.contains(path::SHARED) && !text.contains(injected::INSTALL)
}

/// Whether the set bears the mark of the first pass, itself and on its template.
pub fn is_stamped(set: &Value) -> bool {
    [&set["metadata"], &set["spec"]["template"]["metadata"]]
        .iter()
        .all(|meta| meta["labels"][label::INJECTED] == "true")
}
