//! A cluster's PodDisruptionBudget: a drain takes one server at a time. Pure.

use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::core::{Selector, SelectorExt as _};
use serde_json::{Value, json};

use super::cluster::{Cluster, Labels};
use crate::contract::label;

/// One server may be missing on purpose. One that is not ready anyway never holds up a drain.
pub fn budget(namespace: &str, cluster: &Cluster) -> Value {
    let mut budget = cluster.object("policy/v1", "PodDisruptionBudget", namespace, &cluster.name);
    budget["spec"] = json!({
        "maxUnavailable": 1,
        "selector": { "matchLabels": { (label::SERVER_OF): cluster.name } },
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    });
    budget
}

/// Whether it is about pods with these labels. Kubernetes evicts no pod that two budgets are about.
pub fn selects(budget: &PodDisruptionBudget, labels: &Labels) -> bool {
    // Without a selector it is about none; with an empty one about all.
    let selector = budget.spec.as_ref().and_then(|spec| spec.selector.clone());
    selector.and_then(|selector| Selector::try_from(selector).ok()).is_some_and(|selector| selector.matches(labels))
}
