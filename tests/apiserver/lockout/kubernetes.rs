//! What keeps a cluster alive, and the way out.

use dkron_ha::contract::EXCLUDED_NAMESPACES;
use dkron_ha::contract::label::{INJECT, INJECTED, INJECTION, INJECTION_ENABLED, SERVER_OF};
use dkron_ha::contract::object::{INSTALLATION, SERVER_ACCOUNT};
use serde_json::{Value, json};

use super::calls::{container, create, create_both, delete, merge, of, pod, root, set, strategic};
use super::stage::{OPTED_IN, OPTED_OUT_AGAIN, PLAIN};
use super::{Call, Stage};

/// dkron where it is never injected, plain, asked for and stamped.
fn dkron_in(namespace: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    for image in super::dkron::images() {
        calls.extend(create_both(namespace, "dkron", &container(&image, &[], &["agent", "--server"])));
    }
    for (command, args) in super::dkron::COMMANDS {
        calls.extend(create_both(namespace, "dkron", &container("debian", command, args)));
    }
    for labels in [json!({INJECT: "true"}), json!({INJECTED: "true", SERVER_OF: "dkron"})] {
        let mut pod = pod("dkron-0", &super::dkron::server());
        pod["metadata"]["labels"] = labels.clone();
        let mut set = set("dkron", &super::dkron::server());
        set["metadata"]["labels"] = labels;
        calls.push(create(&of("v1", namespace, "pods"), pod));
        calls.push(create(&of("apps/v1", namespace, "statefulsets"), set));
    }
    calls
}

pub fn own_namespaces(_: &Stage) -> Vec<Call> {
    let mut calls: Vec<Call> = EXCLUDED_NAMESPACES.into_iter().flat_map(dkron_in).collect();
    for namespace in EXCLUDED_NAMESPACES {
        for image in ["registry.k8s.io/coredns/coredns:v1.12.1", "registry.k8s.io/kube-proxy:v1.34.4"] {
            calls.extend(create_both(namespace, "system", &container(image, &[], &["agent"])));
        }
    }
    calls
}

pub fn webhooks_namespace(_: &Stage) -> Vec<Call> {
    let mut calls = dkron_in(INSTALLATION);
    let deployment = format!("{}/{INSTALLATION}", of("apps/v1", INSTALLATION, "deployments"));
    let restarted = json!({"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"});
    let mut replica = pod("dkron-ha-7c5d-x", &container("dkron-ha:0.1.0", &["/usr/local/bin/dkron-ha"], &["serve"]));
    replica["metadata"]["labels"] = json!({"app.kubernetes.io/name": INSTALLATION});
    calls.extend([
        create(&of("v1", INSTALLATION, "pods"), replica),
        merge(&deployment, json!({"spec": {"replicas": 3}})),
        merge(&format!("{deployment}/scale"), json!({"spec": {"replicas": 0}})),
        merge(&deployment, json!({"spec": {"template": {"metadata": {"annotations": restarted}}}})),
        delete(&deployment),
        delete(&format!("{}/{INSTALLATION}", of("v1", INSTALLATION, "services"))),
        delete(&format!("{}/{INSTALLATION}", of("v1", INSTALLATION, "serviceaccounts"))),
    ]);
    calls
}

pub fn nodes(stage: &Stage) -> Vec<Call> {
    let nodes = format!("{}/nodes", root("v1"));
    let leases = of("coordination.k8s.io/v1", "kube-node-lease", "leases");
    let mut calls = Vec::new();
    for number in 0..10 {
        let name = format!("dkron-{number}");
        let labels = json!({INJECT: "true", INJECTED: "true"});
        calls.push(create(
            &nodes,
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}),
        ));
        let spec =
            json!({"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": "2026-01-01T00:00:00.000000Z"});
        let lease =
            json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": spec});
        calls.push(create(&leases, lease.clone()));
        calls.push(create(&of("coordination.k8s.io/v1", "kube-system", "leases"), lease));
    }
    let node = format!("{nodes}/{}", stage.node);
    let lease = format!("{leases}/{}", stage.node);
    let condition = json!({"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "dkron agent"});
    calls.extend([
        merge(&node, json!({"metadata": {"labels": {"dkron": "agent"}}})),
        merge(&node, json!({"metadata": {"annotations": {"dkron": "agent"}}})),
        merge(&node, json!({"spec": {"unschedulable": true}})),
        merge(&node, json!({"spec": {"taints": [{"key": "dkron", "effect": "NoSchedule"}]}})),
        strategic(&format!("{node}/status"), json!({"status": {"conditions": [condition]}})),
        strategic(&format!("{node}/status"), json!({"status": {"capacity": {"cpu": "8", "pods": "110"}}})),
        delete(&node),
        merge(&lease, json!({"spec": {"renewTime": "2026-01-01T00:00:10.000000Z"}})),
        delete(&lease),
    ]);
    calls
}

pub fn signing_requests(stage: &Stage) -> Vec<Call> {
    let all = format!("{}/certificatesigningrequests", root("certificates.k8s.io/v1"));
    let object = |name: &str, signer: &str, usages: Value| {
        json!({
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name},
            "spec": {"request": stage.signing_request, "signerName": signer, "usages": usages},
        })
    };
    let mut calls = Vec::new();
    for name in ["node-csr-1", "dkron-0", "dkron-ha", "csr-dkron-agent"] {
        let client = json!(["digital signature", "client auth"]);
        calls.push(create(&all, object(name, "kubernetes.io/kube-apiserver-client", client)));
        calls.push(create(&all, object(name, "example.com/dkron", json!(["server auth"]))));
    }
    let one = format!("{all}/{}", stage.csr);
    let denied = json!({"type": "Denied", "status": "True", "reason": "dkron", "message": "agent"});
    calls.extend([
        merge(&one, json!({"metadata": {"labels": {INJECT: "true"}}})),
        merge(&format!("{one}/approval"), json!({"status": {"conditions": [denied]}})),
        merge(&format!("{one}/status"), json!({"status": {}})),
        delete(&one),
    ]);
    calls
}

/// Whoever wants dkron-ha gone, or a namespace out of it, is never held up by it.
pub fn way_out(stage: &Stage) -> Vec<Call> {
    let admission = root("admissionregistration.k8s.io/v1");
    let mut calls = Vec::new();
    for plural in ["validatingadmissionpolicies", "validatingadmissionpolicybindings"] {
        let at = format!("{admission}/{plural}/{SERVER_ACCOUNT}");
        calls.push(merge(&at, json!({"metadata": {"annotations": {"team": "a"}}})));
        calls.push(delete(&at));
    }
    if stage.registered {
        let registration = format!("{admission}/mutatingwebhookconfigurations/{INSTALLATION}");
        calls.push(merge(&registration, json!({"metadata": {"annotations": {"team": "a"}}})));
        calls.push(merge(&registration, json!({"metadata": {"labels": {INJECT: "true"}}})));
        calls.push(merge(&registration, json!({"webhooks": []})));
        calls.push(delete(&registration));
    }
    let namespaces = format!("{}/namespaces", root("v1"));
    for namespace in [OPTED_IN, OPTED_OUT_AGAIN, PLAIN, INSTALLATION, "kube-system"] {
        let at = format!("{namespaces}/{namespace}");
        calls.push(merge(&at, json!({"metadata": {"labels": {INJECTION: null}}})));
        calls.push(merge(&at, json!({"metadata": {"labels": {INJECTION: INJECTION_ENABLED}}})));
        calls.push(merge(&at, json!({"metadata": {"annotations": {"dkron": "agent"}}})));
    }
    for namespace in [OPTED_IN, OPTED_OUT_AGAIN, PLAIN, INSTALLATION] {
        calls.push(delete(&format!("{namespaces}/{namespace}")));
    }
    for (name, labels) in [("new", json!({})), ("dkron", json!({INJECTION: INJECTION_ENABLED}))] {
        let metadata = json!({"name": format!("lockout-{name}"), "labels": labels});
        calls.push(create(&namespaces, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})));
    }
    calls
}
