//! The Services of a cluster, and what is wrong with one that somebody else made. Pure.

use k8s_openapi::api::core::v1::Service;
use serde_json::{Value, json};

use super::cluster::Cluster;
use crate::contract::{label, port};

/// Name of the Service that leads to the leader.
pub fn leader_name(cluster: &str) -> String {
    format!("{cluster}-leader")
}

/// Gives the servers their names, also while they are not ready: they have to find each other before.
pub fn peers(namespace: &str, cluster: &Cluster) -> Value {
    let mut service = cluster.object("v1", "Service", namespace, &cluster.service);
    service["spec"] = json!({
        "clusterIP": "None",
        "publishNotReadyAddresses": true,
        "selector": { (label::SERVER_OF): cluster.name },
        "ports": ports(),
    });
    service
}

/// Leads people and programs to the leader, whoever that is. The label alone says who: Kubernetes calls every pod of a node "not ready" whose
/// kubelet has been silent for 50 s, as after an outage of the API server, while dkron goes on.
pub fn leader(namespace: &str, cluster: &Cluster) -> Value {
    let mut service = cluster.object("v1", "Service", namespace, &leader_name(&cluster.name));
    service["spec"] = json!({
        "type": "ClusterIP",
        "publishNotReadyAddresses": true,
        "selector": { (label::CLUSTER): cluster.name, (label::LEADER): "true" },
        "ports": ports(),
    });
    service
}

fn ports() -> Value {
    json!([
        { "name": "http", "port": port::DKRON_HTTP, "targetPort": port::DKRON_HTTP, "protocol": "TCP" },
        { "name": "rpc", "port": port::DKRON_RPC, "targetPort": port::DKRON_RPC, "protocol": "TCP" },
    ])
}

/// Why somebody's Service cannot give the servers their names, each reason with its mend. Without a selector its addresses are
/// somebody's own business.
pub fn faults(service: &Service, cluster: &Cluster) -> Vec<String> {
    let Some(spec) = &service.spec else { return vec!["it has no spec".into()] };
    let mut faults = Vec::new();
    if spec.cluster_ip.as_deref() != Some("None") {
        faults.push("it is not headless: make it anew with clusterIP: None".into());
    }
    if spec.publish_not_ready_addresses != Some(true) {
        faults.push("servers that are not ready have no name: set publishNotReadyAddresses: true".into());
    }
    let selector = spec.selector.iter().flatten();
    let missed: Vec<String> = selector
        .filter(|(key, value)| cluster.labels.get(*key) != Some(value))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    if !missed.is_empty() {
        faults.push(format!("its selector asks for {}, which the servers do not carry", missed.join(", ")));
    }
    faults
}
