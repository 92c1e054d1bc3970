//! Which StatefulSets run dkron and are older than the opt-in: those that the webhook would stamp if they were made now. Pure.

use std::borrow::Cow;

use k8s_openapi::api::apps::v1::StatefulSet;

use crate::inject::{Decision, Engine, Kind, Request, WORKLOAD};
use crate::json::Node;

/// Whether the webhook would stamp it, or refuse it for a fault.
pub fn would_be_stamped(engine: &Engine, namespace: &str, set: &StatefulSet) -> bool {
    let Ok(text) = serde_json::to_string(set) else { return false };
    let Ok(object) = Node::parse(&text, &WORKLOAD) else { return false };
    let request = Request { kind: Kind::StatefulSet, namespace: Cow::Borrowed(namespace), object: &object, old: None };
    !matches!(engine.decide(&request).decision, Decision::Skip(_))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::inject::NoClusters;
    use crate::settings::Settings;

    fn is_one(image: &str, labels: &Value) -> bool {
        let template = json!({
            "metadata": { "labels": labels },
            "spec": { "containers": [{ "name": "c", "image": image, "args": ["agent", "--server"] }] },
        });
        let set = json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "name": "dkron" },
            "spec": { "serviceName": "dkron", "selector": {}, "template": template },
        });
        let engine = Engine::new(Settings::default(), Box::new(NoClusters));
        would_be_stamped(&engine, "billing", &serde_json::from_value(set).unwrap())
    }

    #[test]
    fn servers_are_told_from_other_workloads_and_from_those_that_opted_out() {
        assert!(is_one("dkron/dkron:4.0.9", &json!({})));
        assert!(!is_one("postgres:17", &json!({})));
        assert!(!is_one("dkron/dkron:4.0.9", &json!({ "dkron-ha.io/inject": "false" })));
    }
}
