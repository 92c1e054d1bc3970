//! The pods that controllers would make of a workload.

use serde_json::{Map, Value, json};

/// Pods of a workload: all of a StatefulSet, one of anything else that has a pod template; none of other kinds.
pub fn pods_of(workload: &Value) -> Vec<Value> {
    let spec = &workload["spec"];
    match (workload["apiVersion"].as_str(), workload["kind"].as_str()) {
        (Some("apps/v1"), Some("StatefulSet")) => {
            let first = spec["ordinals"]["start"].as_u64().unwrap_or(0);
            let replicas = spec["replicas"].as_u64().unwrap_or(1).min(99);
            (first..first + replicas).map(|ordinal| of_set(workload, ordinal)).collect()
        }
        // The Deployment's ReplicaSet owns the pods; its name ends in a hash that cannot be known here.
        (Some("apps/v1"), Some("Deployment")) => vec![owned(workload, &spec["template"], "ReplicaSet")],
        (Some("apps/v1"), Some(kind @ ("DaemonSet" | "ReplicaSet"))) => vec![owned(workload, &spec["template"], kind)],
        (Some("batch/v1"), Some("Job")) => vec![owned(workload, &spec["template"], "Job")],
        (Some("batch/v1"), Some("CronJob")) => vec![owned(workload, &spec["jobTemplate"]["spec"]["template"], "Job")],
        _ => Vec::new(),
    }
}

/// Name, labels, owner, host name and claims, as the StatefulSet controller writes them.
fn of_set(set: &Value, ordinal: u64) -> Value {
    let mut pod = owned(set, &set["spec"]["template"], "StatefulSet");
    let name = format!("{}-{ordinal}", set["metadata"]["name"].as_str().unwrap_or_default());
    let meta = &mut pod["metadata"];
    if let Some(meta) = meta.as_object_mut() {
        meta.remove("generateName");
        meta.shift_insert(0, "name".into(), json!(name));
    }
    meta["labels"]["statefulset.kubernetes.io/pod-name"] = json!(name);
    meta["labels"]["apps.kubernetes.io/pod-index"] = json!(ordinal.to_string());
    pod["spec"]["hostname"] = json!(name);
    if let Some(service) = set["spec"]["serviceName"].as_str().filter(|service| !service.is_empty()) {
        pod["spec"]["subdomain"] = json!(service);
    }
    let claims = set["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten();
    for claim in claims.filter_map(|claim| claim["metadata"]["name"].as_str()) {
        let volume = json!({"name": claim, "persistentVolumeClaim": {"claimName": format!("{claim}-{name}")}});
        match &mut pod["spec"]["volumes"] {
            Value::Array(volumes) => volumes.push(volume),
            none => *none = json!([volume]),
        }
    }
    pod
}

fn owned(owner: &Value, template: &Value, kind: &str) -> Value {
    let name = owner["metadata"]["name"].as_str().unwrap_or_default();
    let mut meta = Map::new();
    meta.insert("generateName".into(), json!(format!("{name}-")));
    if let Some(namespace) = owner["metadata"].get("namespace") {
        meta.insert("namespace".into(), namespace.clone());
    }
    for part in ["labels", "annotations"] {
        if let Some(Value::Object(map)) = template["metadata"].get(part) {
            meta.insert(part.into(), json!(map));
        }
    }
    let group = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    // A uid is the API server's to give; a rehearsal has none.
    let reference = json!([{"apiVersion": group, "kind": kind, "name": name, "uid": "", "controller": true, "blockOwnerDeletion": true}]);
    meta.insert("ownerReferences".into(), reference);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_makes_numbered_pods() {
        let set = json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {"name": "d", "namespace": "n"},
            "spec": {
                "replicas": 2, "serviceName": "s", "ordinals": {"start": 5},
                "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": []}},
                "volumeClaimTemplates": [{"metadata": {"name": "data"}}]
            }
        });
        let pods = pods_of(&set);
        assert_eq!(pods.len(), 2);
        let pod = &pods[1];
        assert_eq!(pod["metadata"]["name"], "d-6");
        assert_eq!(pod["metadata"]["namespace"], "n");
        assert_eq!(pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"], "6");
        assert_eq!(pod["metadata"]["ownerReferences"][0]["kind"], "StatefulSet");
        assert_eq!(pod["spec"]["subdomain"], "s");
        assert_eq!(pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"], "data-d-6");
    }

    #[test]
    fn others_make_one_pod_with_a_generated_name() {
        let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": []}});
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"template": template}});
        let pods = pods_of(&deployment);
        assert_eq!(pods[0]["metadata"]["generateName"], "d-");
        assert_eq!(pods[0]["metadata"]["ownerReferences"][0]["kind"], "ReplicaSet");
        let cron = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c"},
            "spec": {"jobTemplate": {"spec": {"template": template}}}});
        assert_eq!(pods_of(&cron)[0]["metadata"]["ownerReferences"][0]["kind"], "Job");
        assert!(pods_of(&json!({"kind": "Service"})).is_empty());
    }
}
