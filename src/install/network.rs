//! Who may reach the webhook's pods, and whom they may reach.

use serde_json::{Value, json};

use super::metadata::{labels, namespaced, selector};
use super::workload::{ADMIN_PORT, WEBHOOK_PORT};
use crate::contract::object;
use crate::settings::Settings;

/// Where API servers listen: behind a load balancer, as kubeadm and most others have it, minikube, `MicroK8s`.
pub const API_SERVER_PORTS: [u16; 4] = [443, 6443, 8443, 16443];

/// Name servers.
const DNS: u16 = 53;

/// The `NetworkPolicy`. API servers, kubelets and whoever collects metrics are no pods that a selector could name, or nobody here
/// knows their labels: both ports are open to all, and nothing else is. Out of the pod lead the ways to name servers and to API
/// servers, whose addresses nobody knows here either.
pub fn policy(settings: &Settings, api_server_ports: &[u16]) -> Value {
    let api_servers: Vec<Value> = api_server_ports.iter().map(|port| tcp(&json!(port))).collect();
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": namespaced(object::INSTALLATION, &settings.namespace, &labels()),
        "spec": {
            "podSelector": { "matchLabels": selector() },
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{ "ports": [tcp(&json!(WEBHOOK_PORT)), tcp(&json!(ADMIN_PORT))] }],
            "egress": [
                { "ports": api_servers },
                { "ports": [{ "protocol": "UDP", "port": DNS }, tcp(&json!(DNS))] },
            ],
        },
    })
}

fn tcp(port: &Value) -> Value {
    json!({ "protocol": "TCP", "port": port })
}
