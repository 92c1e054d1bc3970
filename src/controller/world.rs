//! What there is in one namespace, as far as it matters here.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::RoleBinding;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;

use crate::contract::{label, object};

/// A namespace as it was read.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Its name.
    pub namespace: String,
    /// It carries the label that opts it in.
    pub opted_in: bool,
    /// StatefulSets that are stamped.
    pub sets: Vec<StatefulSet>,
    /// Those that would be, and are older than the opt-in.
    pub unstamped: Vec<StatefulSet>,
    /// All pods of each set whose servers the controller replaces, by the set's uid; read before the sets were.
    pub rolling: BTreeMap<String, Vec<Pod>>,
    /// Pods that are injected, and not over.
    pub pods: Vec<Pod>,
    /// All Services.
    pub services: Vec<Service>,
    /// All disruption budgets.
    pub budgets: Vec<PodDisruptionBudget>,
    /// Accounts with our names, and those that we made.
    pub accounts: Vec<ServiceAccount>,
    /// Bindings of roles likewise.
    pub bindings: Vec<RoleBinding>,
    /// When this was.
    pub now: Timestamp,
}

impl World {
    /// Whether dkron pods of ours live here, or will again.
    pub fn is_inhabited(&self) -> bool {
        !self.sets.is_empty() || !self.pods.is_empty()
    }
}

/// Whether the controller made it.
pub fn is_ours(meta: &ObjectMeta) -> bool {
    meta.labels.as_ref().and_then(|labels| labels.get(label::MANAGED_BY)).is_some_and(|by| by == object::CONTROLLER)
}

/// The name of an object that was read: it always has one.
pub fn name(meta: &ObjectMeta) -> &str {
    meta.name.as_deref().unwrap_or_default()
}
