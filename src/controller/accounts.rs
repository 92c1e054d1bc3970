//! Accounts of the pods of a namespace, and who gets which rights. Pure.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::world::World;
use crate::contract::{label, object};
use crate::install::for_namespace;

/// Both accounts and the bindings of their roles, as `manifests --for-namespace` prints them; accounts that people chose
/// themselves for their pods get the rights too.
pub fn objects(world: &World) -> Vec<Value> {
    let (servers, agents) = chosen(world);
    let mut objects: Vec<Value> = for_namespace(&world.namespace).into_iter().map(|(_, object)| object).collect();
    for binding in objects.iter_mut().filter(|object| object["kind"] == "RoleBinding") {
        let others = if binding["metadata"]["name"] == object::SERVER_ACCOUNT { &servers } else { &agents };
        let subject = |name| json!({ "kind": "ServiceAccount", "name": name, "namespace": world.namespace });
        if let Some(subjects) = binding["subjects"].as_array_mut() {
            subjects.extend(others.iter().map(subject));
        }
    }
    objects
}

/// Accounts that people chose for servers, and for agents.
fn chosen(world: &World) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let (mut servers, mut agents) = (BTreeSet::new(), BTreeSet::new());
    for set in &world.sets {
        let Some(template) = set.spec.as_ref().map(|spec| &spec.template) else { continue };
        let labels = template.metadata.as_ref().and_then(|meta| meta.labels.as_ref());
        let serves = labels.is_some_and(|labels| labels.contains_key(label::SERVER_OF));
        let account = template.spec.as_ref().and_then(|spec| spec.service_account_name.as_deref());
        if serves { &mut servers } else { &mut agents }.extend(account);
    }
    for pod in &world.pods {
        let account = pod.spec.as_ref().and_then(|spec| spec.service_account_name.as_deref());
        if is_server(pod) { &mut servers } else { &mut agents }.extend(account);
    }
    for ours in ["", "default", object::SERVER_ACCOUNT, object::AGENT_ACCOUNT] {
        servers.remove(ours);
        agents.remove(ours);
    }
    (servers, agents)
}

fn is_server(pod: &Pod) -> bool {
    pod.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(label::SERVER_OF))
}
