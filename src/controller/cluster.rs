//! The clusters of servers that live in a namespace.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use serde_json::{Value, json};

use super::world::{World, name};
use crate::contract::label;

/// Labels, as Kubernetes has them.
pub type Labels = BTreeMap<String, String>;

/// A StatefulSet of servers, or bare pods that are called alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Its name, which is the set's.
    pub name: String,
    /// The Service that gives the servers their names.
    pub service: String,
    /// Labels of its pods.
    pub labels: Labels,
    /// With whom everything that was made for it goes; bare pods come and go one by one, and nothing goes with one of them.
    pub owner: Option<OwnerReference>,
    /// Whom Events are about.
    pub regarding: ObjectReference,
}

impl Cluster {
    /// An object for this cluster, without its spec.
    pub fn object(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Value {
        let labels = json!({ (label::CLUSTER): self.name });
        let mut metadata = json!({ "name": name, "namespace": namespace, "labels": labels });
        if let Some(owner) = &self.owner {
            metadata["ownerReferences"] = json!([owner]);
        }
        json!({ "apiVersion": api_version, "kind": kind, "metadata": metadata })
    }
}

/// Every cluster, by name: those of sets, and bare pods where no set has their name.
pub fn clusters(world: &World) -> Vec<Cluster> {
    let mut found: BTreeMap<String, Cluster> = BTreeMap::new();
    for set in &world.sets {
        let name = name(&set.metadata);
        let Some(spec) = &set.spec else { continue };
        let labels = spec.template.metadata.as_ref().and_then(|meta| meta.labels.clone()).unwrap_or_default();
        if labels.get(label::SERVER_OF).is_none_or(|cluster| cluster != name) {
            continue;
        }
        let cluster = Cluster {
            name: name.to_owned(),
            service: spec.service_name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| name.to_owned()),
            labels,
            owner: owner(&set.metadata),
            regarding: of_set(&set.metadata),
        };
        found.insert(name.to_owned(), cluster);
    }
    for pod in &world.pods {
        let bare = pod.metadata.owner_references.as_ref().is_none_or(Vec::is_empty);
        let labels = pod.metadata.labels.clone().unwrap_or_default();
        let Some(name) = labels.get(label::SERVER_OF).filter(|_| bare).cloned() else { continue };
        let subdomain = pod.spec.as_ref().and_then(|spec| spec.subdomain.clone()).filter(|name| !name.is_empty());
        found.entry(name.clone()).or_insert_with(|| Cluster {
            service: subdomain.unwrap_or_else(|| name.clone()),
            name,
            labels,
            owner: None,
            regarding: regarding("v1", "Pod", &pod.metadata),
        });
    }
    found.into_values().collect()
}

fn owner(meta: &ObjectMeta) -> Option<OwnerReference> {
    let (api_version, kind) = ("apps/v1".to_owned(), "StatefulSet".to_owned());
    let (name, uid) = (meta.name.clone()?, meta.uid.clone()?);
    Some(OwnerReference { api_version, kind, name, uid, controller: None, block_owner_deletion: None })
}

/// What an Event about a StatefulSet names.
pub fn of_set(meta: &ObjectMeta) -> ObjectReference {
    regarding("apps/v1", "StatefulSet", meta)
}

fn regarding(api_version: &str, kind: &str, meta: &ObjectMeta) -> ObjectReference {
    ObjectReference {
        api_version: Some(api_version.into()),
        kind: Some(kind.into()),
        name: meta.name.clone(),
        namespace: meta.namespace.clone(),
        uid: meta.uid.clone(),
        ..ObjectReference::default()
    }
}
