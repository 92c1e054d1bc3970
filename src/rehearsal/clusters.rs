//! The clusters that a set of files makes: what a watch would know in a real cluster.

use crate::contract::label;
use crate::inject::{Clusters, KnownCluster, KnownClusters};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

/// Clusters by namespace, known to the player and to the engine alike.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<RwLock<BTreeMap<String, BTreeSet<KnownCluster>>>>);

impl Shared {
    /// Notes a cluster.
    pub fn insert(&self, namespace: &str, cluster: KnownCluster) {
        let mut clusters = self.0.write().unwrap_or_else(PoisonError::into_inner);
        clusters.entry(namespace.into()).or_default().insert(cluster);
    }

    /// Forgets all, for the next play.
    pub fn clear(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Clusters for Shared {
    fn of(&self, namespace: &str) -> KnownClusters {
        let clusters = self.0.read().unwrap_or_else(PoisonError::into_inner);
        KnownClusters::These(clusters.get(namespace).into_iter().flatten().cloned().collect())
    }
}

/// The cluster that a stamped StatefulSet makes. Groups of bare pods are not watched in a cluster, so they do not count here.
pub fn stamped(json: &str) -> Option<KnownCluster> {
    let object: Value = serde_json::from_str(json).ok()?;
    let spec = &object["spec"];
    let name = spec["template"]["metadata"]["labels"][label::SERVER_OF].as_str()?.to_owned();
    let service = spec["serviceName"].as_str().filter(|service| !service.is_empty()).unwrap_or(&name).to_owned();
    (object["kind"] == "StatefulSet").then_some(KnownCluster { name, service })
}
