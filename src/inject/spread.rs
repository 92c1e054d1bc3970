//! Scheduling of servers: three on one node are no high availability.

use super::edit::Edit;
use crate::contract::label;
use crate::json::{Node, Pointer};

/// Spreads the servers of a cluster over zones and nodes as far as possible, where the user said nothing of the kind.
pub fn add(edit: &mut Edit, spec: &Node<'_>, path: &Pointer, cluster: &str) {
    let affinity = spec.get("affinity");
    let chosen = ["podAffinity", "podAntiAffinity"].iter().any(|kind| !affinity.get(kind).is_empty());
    if chosen || !spec.get("topologySpreadConstraints").is_empty() {
        return;
    }
    let over = |key: &str| {
        format!(
            "{{\"maxSkew\":1,\"topologyKey\":\"{key}\",\"whenUnsatisfiable\":\"ScheduleAnyway\",\
             \"labelSelector\":{{\"matchLabels\":{{\"{}\":\"{cluster}\"}}}}}}",
            label::CLUSTER
        )
    };
    let constraints = format!("[{},{}]", over("topology.kubernetes.io/zone"), over("kubernetes.io/hostname"));
    edit.set(spec, path, "topologySpreadConstraints", "topologySpreadConstraints", &constraints);
}
