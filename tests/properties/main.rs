//! Properties of the engine over generated objects: the patch applies with two independent implementations, a second
//! review finds nothing to do, and nothing but what was declared has changed.
//!
//! `DKRON_HA_OBJECTS=1000000 cargo test --release --test properties` runs as many as that; the count and the
//! distribution of outcomes are printed.

mod disturb;
mod generate;
mod survive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dkron_ha::inject::{Engine, NoClusters};
use dkron_ha::json::{Node, Operation, Patch, Pointer, Shape};
use dkron_ha::review::{Outcome, ReviewError, Reviewer};
use dkron_ha::settings::Settings;
use generate::{Generator, Workload};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

fn engine() -> Engine {
    Engine::new(Settings::default(), Box::new(NoClusters))
}

fn review(workload: &Workload, object: &Value) -> String {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "generated", "operation": "CREATE", "namespace": "billing",
            "kind": {"group": workload.group(), "version": "v1", "kind": workload.kind()},
            "object": object
        }
    })
    .to_string()
}

/// What the engine makes of an object: outcome, warnings, and the patch as it travels.
fn asked(engine: &Engine, workload: &Workload, object: &Value) -> (Outcome, Value, Value) {
    let reviewed = engine.review(review(workload, object).as_bytes()).expect("an answer");
    let answer: Value = serde_json::from_slice(&reviewed.body).expect("JSON");
    let response = &answer["response"];
    assert_eq!(response["uid"], "generated");
    let patch = match response["patch"].as_str() {
        Some(text) => serde_json::from_slice(&STANDARD.decode(text).expect("base64")).expect("a patch"),
        None => json!([]),
    };
    for warning in response["warnings"].as_array().into_iter().flatten() {
        let length = warning.as_str().expect("text").chars().count();
        assert!(length <= 120, "a warning of {length} characters: {warning}");
    }
    (reviewed.tally.outcome, response.clone(), patch)
}

/// The patch carried out by the json-patch crate.
fn by_json_patch(object: &Value, patch: &Value) -> Value {
    let patch: json_patch::Patch = serde_json::from_value(patch.clone()).expect("RFC 6902");
    let mut object = object.clone();
    json_patch::patch(&mut object, &patch).expect("applies");
    object
}

/// The patch carried out by our own document.
fn by_our_own(object: &Value, patch: &Value) -> Value {
    let mut own = Patch::default();
    for operation in patch.as_array().expect("a list") {
        let path = Pointer::of(operation["path"].as_str().expect("a path"));
        let value = operation["value"].to_string();
        own.push(match operation["op"].as_str() {
            Some("add") => Operation::Add(path, value),
            Some("replace") => Operation::Replace(path, value),
            Some("remove") => Operation::Remove(path),
            other => panic!("{other:?}"),
        });
    }
    let text = object.to_string();
    let mut node = Node::parse(&text, &Shape::MAP).expect("JSON");
    own.apply(&mut node).expect("applies");
    serde_json::from_str(&node.to_json()).expect("JSON")
}

/// Paths below which a patch may write.
#[allow(clippy::match_same_arms, reason = "a line for each kind of place")]
fn is_declared(path: &str) -> bool {
    let path = path.strip_prefix("/spec/template").unwrap_or(path);
    let steps: Vec<&str> = path.split('/').skip(1).collect();
    match steps.as_slice() {
        ["metadata"] => true,
        ["metadata", "labels" | "annotations"] => true,
        ["metadata", "labels" | "annotations", key] => key.starts_with("dkron-ha.io~1"),
        ["spec", "containers" | "initContainers", _, rest @ ..] => match rest {
            [] => true,
            ["command" | "env" | "volumeMounts" | "lifecycle"] => true,
            ["env" | "volumeMounts", _] => true,
            ["lifecycle", "preStop"] => true,
            [probe, "httpGet" | "tcpSocket"] => probe.ends_with("Probe"),
            _ => false,
        },
        ["spec", "initContainers" | "volumes"] | ["spec", "volumes", _] => true,
        ["spec", field] => [
            "serviceAccountName",
            "serviceAccount",
            "automountServiceAccountToken",
            "terminationGracePeriodSeconds",
            "hostname",
            "subdomain",
            "topologySpreadConstraints",
            "podManagementPolicy",
            "serviceName",
            "updateStrategy",
        ]
        .contains(field),
        _ => false,
    }
}

#[test]
fn patches_apply_settle_and_touch_nothing_else() {
    let count: u64 = std::env::var("DKRON_HA_OBJECTS").ok().and_then(|n| n.parse().ok()).unwrap_or(4_000);
    let engine = engine();
    let mut outcomes = BTreeMap::<String, u64>::new();
    let mut patched = 0u64;
    let began = Instant::now();
    for seed in 0..count {
        let workload = Generator::new(seed).workload();
        let (outcome, response, patch) = asked(&engine, &workload, &workload.object);
        let name = match response["status"]["message"].as_str() {
            Some(message) => format!("{outcome:?} {}", message.split(':').next().unwrap_or_default()),
            None => format!("{outcome:?}"),
        };
        *outcomes.entry(format!("{} {name}", workload.kind())).or_default() += 1;
        if outcome != Outcome::Patched {
            assert_eq!(patch, json!([]), "seed {seed}");
            continue;
        }
        patched += 1;
        for operation in patch.as_array().expect("a list") {
            let path = operation["path"].as_str().expect("a path");
            assert!(is_declared(path), "seed {seed}: {operation}");
        }
        let after = by_json_patch(&workload.object, &patch);
        assert_eq!(after, by_our_own(&workload.object, &patch), "seed {seed}: two implementations disagree");
        survive::assert_unknown_survives(&workload.object, &after, seed);

        let (again, _, second) = asked(&engine, &workload, &after);
        assert_eq!((again, second), (Outcome::Unchanged, json!([])), "seed {seed}: a second review");

        // What other injectors do between two reviews must not set us off again, and must not be undone.
        let disturbed = Generator::new(!seed).disturb(after.clone());
        let (outcome, _, repair) = asked(&engine, &workload, &disturbed);
        assert_ne!(outcome, Outcome::Rejected, "seed {seed}: refused after another injector");
        for operation in repair.as_array().expect("a list") {
            let path = operation["path"].as_str().expect("a path");
            let undoes = path.contains("Probe") || path.ends_with("/command") || path.contains("labels");
            assert!(!undoes, "seed {seed}: after another injector: {operation}");
        }
        let settled = by_json_patch(&disturbed, &repair);
        let (_, _, rest) = asked(&engine, &workload, &settled);
        assert_eq!(rest, json!([]), "seed {seed}: does not settle");
    }
    let share = patched * 1000 / count;
    println!("{count} objects in {:.1} s, {}.{} % patched", began.elapsed().as_secs_f64(), share / 10, share % 10);
    for (name, n) in &outcomes {
        println!("{n:>9}  {name}");
    }
    assert!(patched * 100 >= count * 60, "only {patched} of {count} objects were patched");
}

#[test]
fn hostile_bodies_get_an_answer() {
    let engine = engine();
    let count: u64 = std::env::var("DKRON_HA_OBJECTS").ok().and_then(|n| n.parse().ok()).unwrap_or(4_000);
    let mut kinds = BTreeMap::<&str, u64>::new();
    for seed in 0..count {
        let mut generator = Generator::new(seed);
        let workload = generator.workload();
        let body = generator.hostile(review(&workload, &workload.object).into_bytes());
        let answered = match engine.review(&body) {
            Ok(reviewed) => {
                serde_json::from_slice::<Value>(&reviewed.body).expect("an answer is JSON");
                "answered"
            }
            Err(ReviewError::Malformed(_)) => "malformed",
            Err(ReviewError::Internal(fault)) => panic!("seed {seed}: {fault}"),
        };
        *kinds.entry(answered).or_default() += 1;
    }
    println!("{count} hostile bodies: {kinds:?}");
}
