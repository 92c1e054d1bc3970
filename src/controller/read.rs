//! Everything of one namespace that matters here, read from the API server.

use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::RoleBinding;
use k8s_openapi::jiff::Timestamp;
use kube::api::ListParams;
use kube::core::Selector;
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;

use super::rollout::is_leader_last;
use super::world::World;
use crate::contract::{label, object};
use crate::options::Rollout;

/// Lists what there is in a namespace. `recognise` tells dkron's StatefulSets from others, `default` who replaces pods where nobody
/// says so.
pub async fn world(
    client: &Client,
    namespace: &str,
    opted_in: bool,
    default: Option<Rollout>,
    recognise: impl Fn(&StatefulSet) -> bool,
) -> Result<World, kube::Error> {
    let injected = ListParams::default().labels(&format!("{}=true", label::INJECTED));
    let ours = ListParams::default().labels(&format!("{}={}", label::MANAGED_BY, object::CONTROLLER));
    let all = ListParams::default();
    let mut accounts: Vec<ServiceAccount> = list(client, namespace, &ours).await?;
    let mut bindings: Vec<RoleBinding> = list(client, namespace, &ours).await?;
    for name in [object::SERVER_ACCOUNT, object::AGENT_ACCOUNT] {
        add_by_name(client, namespace, name, &mut accounts).await?;
        add_by_name(client, namespace, name, &mut bindings).await?;
    }
    let mut pods: Vec<Pod> = list(client, namespace, &injected).await?;
    pods.retain(|pod| !is_over(pod));
    let (mut sets, mut unstamped) = sets(client, namespace).await?;
    unstamped.retain(|set| opted_in && recognise(set));
    let mut rolling = rolling(client, namespace, default, &sets).await?;
    if !rolling.is_empty() {
        // Pods may be of a revision that the set did not know of when it was first read.
        sets = self::sets(client, namespace).await?.0;
        let still = |uid: &String| {
            let mut these = sets.iter().filter(|set| set.metadata.uid.as_ref() == Some(uid));
            these.any(|set| is_leader_last(set, default))
        };
        rolling.retain(|uid, _| still(uid));
    }
    Ok(World {
        namespace: namespace.to_owned(),
        opted_in,
        sets,
        unstamped,
        rolling,
        pods,
        services: list(client, namespace, &all).await?,
        budgets: list(client, namespace, &all).await?,
        accounts,
        bindings,
        now: Timestamp::now(),
    })
}

/// The namespace's StatefulSets: those that are stamped, and all others.
async fn sets(client: &Client, namespace: &str) -> Result<(Vec<StatefulSet>, Vec<StatefulSet>), kube::Error> {
    let all: Vec<StatefulSet> = list(client, namespace, &ListParams::default()).await?;
    let stamped = |set: &StatefulSet| set.labels().get(label::INJECTED).is_some_and(|value| value == "true");
    Ok(all.into_iter().partition(stamped))
}

/// All pods of each set whose servers the controller replaces, found as Kubernetes' own controller finds them: those from before
/// the opt-in carry no label of ours.
async fn rolling(
    client: &Client,
    namespace: &str,
    default: Option<Rollout>,
    sets: &[StatefulSet],
) -> Result<BTreeMap<String, Vec<Pod>>, kube::Error> {
    let mut rolling = BTreeMap::new();
    for set in sets.iter().filter(|set| is_leader_last(set, default)) {
        let selector = set.spec.as_ref().and_then(|spec| Selector::try_from(spec.selector.clone()).ok());
        if let (Some(selector), Some(uid)) = (selector, &set.metadata.uid) {
            let mut pods = list(client, namespace, &ListParams::default().labels_from(&selector)).await?;
            pods.retain(|pod| !is_over(pod));
            rolling.insert(uid.clone(), pods);
        }
    }
    Ok(rolling)
}

async fn list<K>(client: &Client, namespace: &str, params: &ListParams) -> Result<Vec<K>, kube::Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    Ok(Api::<K>::namespaced(client.clone(), namespace).list(params).await?.items)
}

/// Somebody else's of that name is no less in the way.
async fn add_by_name<K>(client: &Client, namespace: &str, name: &str, to: &mut Vec<K>) -> Result<(), kube::Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    if to.iter().all(|known| known.meta().name.as_deref() != Some(name)) {
        to.extend(Api::<K>::namespaced(client.clone(), namespace).get_opt(name).await?);
    }
    Ok(())
}

/// A pod that has ended, and of which only the record is left.
fn is_over(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}
