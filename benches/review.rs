//! What a review costs: bytes in, bytes out, without HTTP. `cargo bench --bench review`.
//!
//! For a count of instructions, which no neighbour on the machine disturbs:
//! `valgrind --tool=callgrind --toggle-collect='*review*' <the printed program> 20000 100`, divided by the number of reviews.

use dkron_ha::inject::{Engine, NoClusters};
use dkron_ha::review::{Outcome, Reviewer};
use dkron_ha::settings::Settings;
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A review of a StatefulSet's pod, about `size` bytes, half of them variables and half what nobody looks at.
fn review(size: usize) -> String {
    let variables: Vec<Value> =
        (0..size / 240).map(|n| json!({"name": format!("SETTING_{n:05}"), "value": "x".repeat(60)})).collect();
    let managed: Vec<Value> = (0..size / 240)
        .map(|n| json!({"manager": "kubectl", "operation": "Apply", "fieldsV1": {format!("f:field{n}"): {"f:x": {}}}}))
        .collect();
    json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "operation": "CREATE", "namespace": "billing", "name": "dkron-0",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "object": {
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {
                    "name": "dkron-0", "managedFields": managed,
                    "labels": {"app": "dkron", "dkron-ha.io/injected": "true", "dkron-ha.io/cluster": "dkron", "dkron-ha.io/server-of": "dkron"},
                    "annotations": {"dkron-ha.io/initial-cluster-size": "3", "dkron-ha.io/ordinals-start": "0", "dkron-ha.io/grace": "300"},
                    "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "dkron", "uid": "1", "controller": true}]
                },
                "spec": {
                    "serviceAccountName": "dkron-ha-server", "automountServiceAccountToken": false, "subdomain": "dkron",
                    "hostname": "dkron-0", "terminationGracePeriodSeconds": 300,
                    "containers": [{
                        "name": "dkron", "image": "dkron/dkron:4.0.9", "args": ["agent", "--server", "--data-dir=/data"], "env": variables,
                        "readinessProbe": {"httpGet": {"path": "/v1/leader", "port": 8080}},
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}]
                    }],
                    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data-dkron-0"}}]
                }
            }
        }
    })
    .to_string()
}

fn main() {
    let engine = Engine::new(Settings::default(), Box::new(NoClusters));
    let numbers: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let sizes = numbers.first().map_or_else(|| vec![4_000, 20_000, 180_000, 1_000_000], |size| vec![*size]);
    for size in sizes {
        let body = review(size);
        let count = numbers.get(1).copied().unwrap_or(20_000_000 / size);
        let mut best = f64::MAX;
        for _ in 0..5 {
            let began = Instant::now();
            for _ in 0..count {
                let reviewed = engine.review(black_box(body.as_bytes())).expect("an answer");
                assert_eq!(reviewed.tally.outcome, Outcome::Patched);
            }
            let each = began.elapsed().as_secs_f64() * 1e6 / f64::from(u32::try_from(count).unwrap_or(u32::MAX));
            best = best.min(each);
        }
        println!("{:>9} bytes: {best:8.1} µs a review (best of 5 rounds of {count})", body.len());
    }
}
