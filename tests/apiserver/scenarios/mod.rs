//! Every scenario of the tier, by name.

mod fixture;
mod manifests;

use anyhow::Result;

use crate::cluster::Cluster;

/// Works in namespaces of its own on the shared control plane; an error is its failure.
pub type Scenario = fn(&Cluster) -> Result<()>;

/// In the order they run in.
pub const ALL: &[(&str, Scenario)] = &[
    ("fixture::client_and_server_are_the_pinned_version", fixture::client_and_server_are_the_pinned_version),
    ("fixture::namespace_is_created_with_its_labels", fixture::namespace_is_created_with_its_labels),
    ("fixture::stateful_set_controller_creates_pods", fixture::stateful_set_controller_creates_pods),
    ("manifests::manifests_are_valid_kubernetes", manifests::manifests_are_valid_kubernetes),
];
