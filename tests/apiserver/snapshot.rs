//! Everything that a cluster stores.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::api::{Api, Call};

/// In motion by themselves, on a cluster where nobody does anything.
const IN_MOTION: [&str; 2] = ["events", "leases"];

/// Every object whole, its version included, by path.
pub fn everything(api: &Api) -> Result<BTreeMap<String, Value>> {
    let groups = get(api, &["/apis".to_owned()])?.remove(0);
    let groups = groups["groups"].as_array().into_iter().flatten();
    let preferred = groups.filter_map(|group| group["preferredVersion"]["groupVersion"].as_str());
    let roots: Vec<String> =
        ["/api/v1".to_owned()].into_iter().chain(preferred.map(|version| format!("/apis/{version}"))).collect();
    let mut lists = Vec::new();
    for (root, resources) in roots.iter().zip(get(api, &roots)?) {
        for resource in resources["resources"].as_array().into_iter().flatten() {
            let name = resource["name"].as_str().unwrap_or_default();
            let listed = resource["verbs"].as_array().is_some_and(|verbs| verbs.contains(&"list".into()));
            if listed && !IN_MOTION.contains(&name) && name != "componentstatuses" {
                lists.push(format!("{root}/{name}"));
            }
        }
    }
    let mut all = BTreeMap::new();
    for (list, found) in lists.iter().zip(get(api, &lists)?) {
        for object in found["items"].as_array().into_iter().flatten() {
            let metadata = &object["metadata"];
            all.insert(format!("{list} {} {}", metadata["namespace"], metadata["name"]), object.clone());
        }
    }
    Ok(all)
}

fn get(api: &Api, paths: &[String]) -> Result<Vec<Value>> {
    let call =
        |path: &String| Call { method: "GET", path: path.clone(), content_type: "application/json", body: Value::Null };
    let calls: Vec<Call> = paths.iter().map(call).collect();
    let answers = api.send(&calls)?;
    for (path, answer) in paths.iter().zip(&answers) {
        ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.message());
    }
    Ok(answers.into_iter().map(|answer| answer.body).collect())
}
