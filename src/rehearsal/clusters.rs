//! The clusters that a set of files makes: what a watch would know in a real cluster.

use crate::contract::label;
use crate::inject::Clusters;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Clusters by namespace.
#[derive(Clone, Debug, Default)]
pub struct Named(BTreeMap<String, BTreeSet<String>>);

impl Named {
    /// Notes a cluster.
    pub fn insert(&mut self, namespace: &str, cluster: String) {
        self.0.entry(namespace.into()).or_default().insert(cluster);
    }
}

impl Clusters for Named {
    fn of(&self, namespace: &str) -> Option<Vec<String>> {
        Some(self.0.get(namespace).into_iter().flatten().cloned().collect())
    }
}

/// The cluster that an injected object serves, by its labels or its template's.
pub fn stamped(json: &str) -> Option<String> {
    let object: Value = serde_json::from_str(json).ok()?;
    let of = |metadata: &Value| metadata["labels"][label::SERVER_OF].as_str().map(str::to_owned);
    of(&object["metadata"]).or_else(|| of(&object["spec"]["template"]["metadata"]))
}
