//! `inject` and the webhook are one thing: what the command line prints equals the patch of the real HTTPS server, applied
//! by another implementation than our own.

use crate::manifests;
use crate::serving::serve;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dkron_ha::client::ClientError;
use dkron_ha::documents::{self, Document};
use dkron_ha::rehearsal::{Shared, Stage, play};
use serde_json::Value;
use std::process::Command;
use tokio::runtime::Runtime;

#[test]
fn the_command_line_prints_what_the_server_would_have_stored() {
    let runtime = Runtime::new().expect("a runtime");
    let clusters = Shared::default();
    let served = runtime.block_on(serve(clusters.clone()));
    let mut client = runtime.block_on(served.connect());
    let mut compared = 0;
    for file in manifests() {
        let documents = documents::read(&std::fs::read(&file).expect("reads")).expect("YAML or JSON");
        // Clusters of one file are no business of the next.
        clusters.clear();
        let stage = Stage { namespace: "default".into(), pods: true, clusters: clusters.clone() };
        let mut over_https = Vec::new();
        let mut ask = |review: &str| -> Result<Vec<u8>, ClientError> {
            let answer = runtime.block_on(client.review(review))?;
            over_https.push(applied_by_another(review, &answer));
            Ok(answer)
        };
        let played = play(&documents, &stage, &mut ask).expect("answers");
        let ours: Vec<Value> =
            played.iter().flat_map(|played| &played.acts).map(|act| value(&act.admitted.json)).collect();
        // The first round only learns of clusters, and previews no pods.
        let theirs = over_https.split_off(over_https.len() - ours.len());
        assert_eq!(ours, theirs, "{}", file.display());

        let stored: Vec<Value> = played
            .iter()
            .flat_map(|played| {
                let previews = played.acts.iter().filter(|act| act.preview && act.admitted.refusal.is_none());
                let document = played.document.iter().map(|document: &Document| value(&document.json));
                document.chain(previews.map(|act| value(&act.admitted.json))).collect::<Vec<_>>()
            })
            .collect();
        let command = Command::new(env!("CARGO_BIN_EXE_dkron-ha"))
            .args(["inject", "--pods", "-f"])
            .arg(&file)
            .output()
            .expect("dkron-ha runs");
        let printed = documents::read(&command.stdout).expect("its own output");
        let printed: Vec<Value> = printed.iter().map(|document| value(&document.json)).collect();
        assert_eq!(printed, stored, "{}", file.display());
        compared += stored.len();
    }
    drop(client);
    runtime.block_on(served.end());
    println!("{compared} objects are the same by command line and over HTTPS");
}

/// The reviewed object as the json-patch crate leaves it.
fn applied_by_another(review: &str, answer: &[u8]) -> Value {
    let mut object = value(review)["request"]["object"].take();
    let answer: Value = serde_json::from_slice(answer).expect("JSON");
    if let Some(patch) = answer["response"]["patch"].as_str() {
        let patch: json_patch::Patch =
            serde_json::from_slice(&STANDARD.decode(patch).expect("base64")).expect("RFC 6902");
        json_patch::patch(&mut object, &patch).expect("applies");
    }
    object
}

fn value(json: &str) -> Value {
    serde_json::from_str(json).expect("JSON")
}
