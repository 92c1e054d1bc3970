//! The clusters of this Kubernetes cluster: a watch of stamped StatefulSets, kept in memory.
//!
//! It is asked while a review is answered, so it never makes a call then. What it holds grows with the number of dkron
//! clusters, not of pods or namespaces.

use crate::contract::label;
use crate::inject::{Clusters, KnownCluster, KnownClusters};
use crate::watches::{Listed, Pauses};
use futures_util::StreamExt as _;
use k8s_openapi::api::apps::v1::StatefulSet;
use kube::runtime::watcher::Config;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Services of the servers, by namespace and cluster.
type Sets = BTreeMap<String, BTreeMap<String, String>>;

/// A watch in the background.
#[derive(Clone, Debug)]
pub struct Watched(watch::Receiver<Listed<Sets>>);

impl Watched {
    /// Begins to watch, within a runtime, for as long as anybody holds the result. Waits for the first complete list, so that
    /// a replica that has just started answers as one that has run for long; `patience` at most, since without agents that
    /// name no cluster nobody needs the list.
    pub async fn start(client: Client, patience: Duration) -> Self {
        let (sender, mut receiver) = watch::channel(Listed::default());
        tokio::spawn(follow(client, sender));
        if timeout(patience, receiver.wait_for(|listed| listed.known().is_some())).await.is_err() {
            tracing::warn!("no list of StatefulSets yet: agents that name no cluster will be answered with HTTP 500");
        }
        Self(receiver)
    }
}

impl Clusters for Watched {
    fn of(&self, namespace: &str) -> KnownClusters {
        let known = |(name, service): (&String, &String)| KnownCluster { name: name.clone(), service: service.clone() };
        let of_namespace =
            |listed: &Sets| KnownClusters::These(listed.get(namespace).into_iter().flatten().map(known).collect());
        self.0.borrow().known().map_or(KnownClusters::NotYet, of_namespace)
    }
}

async fn follow(client: Client, tell: watch::Sender<Listed<Sets>>) {
    let stamped = Config::default().labels(&format!("{}=true", label::INJECTED));
    let mut events = pin!(watcher(Api::<StatefulSet>::all(client), stamped).backoff(Pauses::default()));
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => _ = tell.send_if_modified(|listed| listed.absorb(event, note, forget)),
            Err(error) => tracing::warn!(%error, "the watch of StatefulSets was interrupted"),
        }
        if tell.is_closed() {
            return;
        }
    }
}

/// Notes a set of servers. A set of agents is stamped too, and serves no cluster.
fn note(clusters: &mut Sets, set: &StatefulSet) {
    let spec = set.spec.as_ref();
    let labels = spec.and_then(|spec| spec.template.metadata.as_ref()).and_then(|meta| meta.labels.as_ref());
    let cluster = labels.and_then(|labels| labels.get(label::SERVER_OF));
    if let (Some(namespace), Some(cluster)) = (&set.metadata.namespace, cluster) {
        let service = spec.and_then(|spec| spec.service_name.clone()).filter(|service| !service.is_empty());
        let service = service.unwrap_or_else(|| cluster.clone());
        clusters.entry(namespace.clone()).or_default().insert(cluster.clone(), service);
    }
}

fn forget(clusters: &mut Sets, set: &StatefulSet) {
    let of_namespace = set.metadata.namespace.as_ref().and_then(|namespace| clusters.get_mut(namespace));
    if let (Some(clusters), Some(name)) = (of_namespace, &set.metadata.name) {
        clusters.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::runtime::watcher::Event;
    use serde_json::json;

    fn set(name: &str, serves: bool) -> StatefulSet {
        let service = if name == "a" { "s" } else { "" };
        let labels = if serves { json!({"dkron-ha.io/server-of": name}) } else { json!({}) };
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "billing"},
            "spec": {"selector": {}, "serviceName": service, "template": {"metadata": {"labels": labels}}}
        }))
        .unwrap()
    }

    #[test]
    fn a_list_counts_when_it_is_complete() {
        let mut listed = Listed::default();
        let mut feed = |event| {
            listed.absorb(event, note, forget);
            Watched(watch::channel(listed.clone()).1).of("billing")
        };
        let service = |name: &str| if name == "a" { "s".to_owned() } else { name.to_owned() };
        let known = |name: &&str| KnownCluster { name: (*name).to_owned(), service: service(name) };
        let these = |names: &[&str]| KnownClusters::These(names.iter().map(known).collect());
        assert_eq!(feed(Event::Init), KnownClusters::NotYet);
        assert_eq!(feed(Event::InitApply(set("a", true))), KnownClusters::NotYet);
        assert_eq!(feed(Event::InitApply(set("workers", false))), KnownClusters::NotYet);
        assert_eq!(feed(Event::InitDone), these(&["a"]));
        assert_eq!(feed(Event::Apply(set("b", true))), these(&["a", "b"]));
        assert_eq!(feed(Event::Delete(set("a", true))), these(&["b"]));
        assert_eq!(feed(Event::Init), these(&["b"]), "what was known counts until the new list is complete");
        assert_eq!(feed(Event::InitDone), these(&[]));
    }
}
