//! The tables of [`crate::forms`] against a real kubectl, 1.34, named by the variable `KUBECTL`.
//!
//! `kubectl annotate --local` reads a file as every command does and prints the objects, without any server.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::{Command, Stdio};

use dkron_ha::documents::{read, to_yaml};
use serde_json::Value;

use crate::forms::{DROPPED, FILES, KEYS, REFUSED, REFUSED_HERE, SCALARS, STRUCTURES};
use crate::{names, value, written_out};

/// A line past the harness's capture.
fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// The path of kubectl. Without it the test passes, and says so.
fn kubectl(test: &str) -> Option<OsString> {
    let path = std::env::var_os("KUBECTL");
    if path.is_none() {
        say(&format!("skipped: kubectl::{test}: KUBECTL names no kubectl"));
    }
    path
}

/// What kubectl prints of a file, or its message.
fn printed(kubectl: &OsString, file: &str) -> Result<String, String> {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("file");
    std::fs::write(&path, file).unwrap();
    let output = Command::new(kubectl)
        .args(["annotate", "--local", "--output=json", "compared=yes", "--filename"])
        .arg(&path)
        .env_clear()
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The object under a form: everything but the annotation and what [`with_head`] adds.
fn form(object: &Value) -> Value {
    let mut object = object.clone();
    for added in ["apiVersion", "kind", "metadata"] {
        object.as_object_mut().unwrap().remove(added);
    }
    settled(&object)
}

fn with_head(form: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\n{form}\n")
}

/// Numbers as kubectl holds them in the end: 64-bit signed integers, else floats.
fn settled(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            _ if number.is_i64() => value.clone(),
            Some(0.0) => 0.into(),
            Some(float) => float.into(),
            None => value.clone(),
        },
        Value::Array(items) => items.iter().map(settled).collect(),
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), settled(value))).collect(),
        other => other.clone(),
    }
}

fn accepted_forms() -> Vec<String> {
    let scalars = SCALARS.iter().map(|(scalar, _)| format!("v: {scalar}"));
    let keys = KEYS.iter().map(|(key, _)| format!("{key}{}", if key.starts_with('?') { "\n: 1" } else { ": 1" }));
    let structures = STRUCTURES.iter().map(|(yaml, _)| (*yaml).to_owned());
    scalars.chain(keys).chain(structures).collect()
}

#[test]
fn accepted_forms_mean_the_same_to_kubectl() {
    let Some(kubectl) = kubectl("accepted_forms_mean_the_same_to_kubectl") else { return };
    let forms = accepted_forms();
    let file = forms.iter().map(|form| with_head(form)).collect::<Vec<_>>().join("---\n");
    let theirs = read(printed(&kubectl, &file).unwrap().as_bytes()).unwrap();
    let ours = read(file.as_bytes()).unwrap();
    assert_eq!((theirs.len(), ours.len()), (forms.len(), forms.len()));
    for ((yaml, ours), theirs) in forms.iter().zip(&ours).zip(&theirs) {
        assert_eq!(form(&value(&ours.json)), form(&value(&theirs.json)), "{yaml:?}");
    }
    say(&format!("kubectl read {} forms as this reader does", forms.len()));
}

#[test]
fn what_is_written_means_the_same_to_kubectl() {
    let Some(kubectl) = kubectl("what_is_written_means_the_same_to_kubectl") else { return };
    let file = accepted_forms().iter().map(|form| with_head(form)).collect::<Vec<_>>().join("---\n");
    let ours = read(file.as_bytes()).unwrap();
    let written: Vec<_> = ours.iter().map(|document| to_yaml(&document.json).unwrap()).collect();
    let theirs = read(printed(&kubectl, &written.join("---\n")).unwrap().as_bytes()).unwrap();
    assert_eq!(theirs.len(), ours.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(form(&value(&ours.json)), form(&value(&theirs.json)));
    }
}

#[test]
fn refused_forms_are_refused_by_kubectl() {
    let Some(kubectl) = kubectl("refused_forms_are_refused_by_kubectl") else { return };
    for yaml in REFUSED {
        assert!(printed(&kubectl, &with_head(yaml)).is_err(), "{yaml:?}");
    }
    for yaml in REFUSED_HERE {
        assert!(printed(&kubectl, &with_head(yaml)).is_ok(), "{yaml:?}");
    }
}

#[test]
fn files_fall_apart_alike_for_kubectl() {
    let Some(kubectl) = kubectl("files_fall_apart_alike_for_kubectl") else { return };
    let dropped = DROPPED.iter().map(|(file, names)| (file, Some(*names)));
    for (file, expected) in FILES.iter().map(|(file, names)| (file, *names)).chain(dropped) {
        let theirs = match printed(&kubectl, &written_out(file)) {
            Ok(json) => Some(names(&read(json.as_bytes()).unwrap())),
            Err(message) if message.contains("no objects passed") => Some(String::new()),
            Err(_) => None,
        };
        assert_eq!(theirs.as_deref(), expected, "{file:?}");
    }
}
