//! What the engine decides for each manifest, operation by operation.

use crate::{is_refused, manifests, stem};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dkron_ha::documents;
use dkron_ha::inject::Engine;
use dkron_ha::rehearsal::{Act, Played, Shared, Stage, play};
use dkron_ha::review::{ReviewError, Reviewer};
use dkron_ha::settings::Settings;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

#[test]
fn verdicts_are_the_golden_ones() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut different = Vec::new();
    let mut expected: Vec<_> = Vec::new();
    for file in manifests() {
        let golden = folder.join(format!("{}.txt", stem(&file)));
        let text = verdicts(&file);
        assert_eq!(text.contains("\n  refused: "), is_refused(&file), "{}: by its name\n{text}", file.display());
        if update {
            std::fs::write(&golden, &text).expect("writes");
        }
        let kept = std::fs::read_to_string(&golden).unwrap_or_default();
        if kept != text {
            let change = similar::TextDiff::from_lines(&kept, &text).unified_diff().context_radius(1).to_string();
            different.push(format!("{}\n{change}", golden.display()));
        }
        expected.push(golden);
    }
    let stale: Vec<_> = std::fs::read_dir(&folder)
        .expect("tests/golden")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| !expected.contains(path))
        .collect();
    assert!(stale.is_empty(), "without a manifest: {stale:?}");
    assert!(different.is_empty(), "UPDATE_GOLDEN=1 rewrites these, to be reviewed:\n{}", different.join("\n"));
    println!("{} manifests, as expected", expected.len());
}

/// The verdict for every object of a file, and for the first pod of every workload.
fn verdicts(file: &Path) -> String {
    let documents = documents::read(&std::fs::read(file).expect("reads")).expect("YAML or JSON");
    let clusters = Shared::default();
    let engine = Engine::new(Settings::default(), Box::new(clusters.clone()));
    let stage = Stage { namespace: "default".into(), pods: true, clusters };
    let mut patches = BTreeMap::new();
    let mut ask = |review: &str| -> Result<Vec<u8>, ReviewError> {
        let body = engine.review(review.as_bytes())?.body;
        let answer: Value = serde_json::from_slice(&body).expect("JSON");
        let sent: Value = serde_json::from_str(review).expect("JSON");
        patches.insert(sent["request"]["object"].to_string(), answer["response"]["patch"].clone());
        Ok(body)
    };
    let played = play(&documents, &stage, &mut ask).expect("answers");
    let mut text = String::new();
    for Played { acts, .. } in &played {
        let mut first_of = Vec::new();
        for act in acts {
            let of = act.title.trim_end_matches(|c: char| c.is_ascii_digit());
            if act.preview && std::mem::replace(&mut first_of, vec![of.to_owned()]) == [of] {
                continue;
            }
            let sent: Value = serde_json::from_str(&act.before.json).expect("JSON");
            write(&mut text, act, &patches[&sent.to_string()]);
        }
    }
    if text.is_empty() {
        text.push_str("nothing is sent\n");
    }
    text
}

fn write(text: &mut String, act: &Act, patch: &Value) {
    let preview = if act.preview { " (as its controller makes it)" } else { "" };
    writeln!(text, "{}{preview}", act.title).expect("writes");
    if let Some(refusal) = &act.admitted.refusal {
        writeln!(text, "  refused: {refusal}").expect("writes");
    }
    for warning in &act.admitted.warnings {
        writeln!(text, "  warning: {warning}").expect("writes");
    }
    match patch.as_str() {
        None if act.admitted.refusal.is_none() => text.push_str("  unchanged\n"),
        None => {}
        Some(patch) => {
            let patch: Value = serde_json::from_slice(&STANDARD.decode(patch).expect("base64")).expect("JSON");
            for operation in patch.as_array().expect("a list") {
                let part = |name: &str| operation[name].as_str().unwrap_or_default();
                let value = operation.get("value").map(Value::to_string).unwrap_or_default();
                writeln!(text, "  {:7} {} {value}", part("op"), part("path")).expect("writes");
            }
        }
    }
}
