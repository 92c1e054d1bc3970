//! The reader and writer of YAML and JSON files, from outside.

mod bounds;
mod forms;
mod kubectl;
mod reading;
mod writing;

use dkron_ha::documents::{self, Document, ReadError};
use serde_json::Value;

fn read(text: &str) -> Result<Vec<Document>, ReadError> {
    documents::read(text.as_bytes())
}

/// The JSON text of the only object.
fn one(text: &str) -> String {
    match read(text).as_deref() {
        Ok([document]) => document.json.clone(),
        other => panic!("{text:?}: {other:?}"),
    }
}

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

const YAML: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: NAME";
const JSON: &str = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "NAME"}}"#;

/// What the tables of files abbreviate, written out.
fn written_out(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '@' => out += &YAML.replace("NAME", &characters.next().unwrap().to_string()),
            '$' => out += &JSON.replace("NAME", &characters.next().unwrap().to_string()),
            other => out.push(other),
        }
    }
    out
}

/// The names of the objects, one after the other.
fn names(documents: &[Document]) -> String {
    documents
        .iter()
        .map(|document| value(&document.json)["metadata"]["name"].as_str().expect("a name").to_owned())
        .collect()
}
