//! The golden corpus, `tests/manifests`, as a real API server sees it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use dkron_ha::documents;
use serde_json::Value;

use crate::command::Output;
use crate::kubectl::Kubectl;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/manifests");

/// Files that `kubectl apply` as such refuses by their very subject, and the command that sends them.
const OTHERWISE: &[(&str, &[&str])] = &[
    // `apply` needs a name.
    ("reject-server-generate-name.yaml", &["create"]),
    // Fields of a Kubernetes to come: only a lenient one drops them.
    ("server-unknown-future-fields.yaml", &["apply", "--validate=warn"]),
];

/// How a person sends a file.
pub fn command_for(file: &Path) -> &'static [&'static str] {
    OTHERWISE.iter().find(|(name, _)| file.ends_with(name)).map_or(&["apply"], |(_, command)| command)
}

/// Every file, by name.
pub fn files() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(FOLDER).with_context(|| format!("reading {FOLDER}"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    for (name, _) in OTHERWISE {
        ensure!(files.iter().any(|file| file.ends_with(name)), "no {name} in {FOLDER}");
    }
    Ok(files)
}

/// The objects of a text, those of a List one by one, as dkron-ha reads them.
pub fn objects(text: &[u8]) -> Result<Vec<Value>> {
    let mut objects = Vec::new();
    for document in documents::read(text)? {
        flatten(serde_json::from_str(&document.json)?, &mut objects)?;
    }
    Ok(objects)
}

fn flatten(mut object: Value, objects: &mut Vec<Value>) -> Result<()> {
    if !object["kind"].as_str().is_some_and(|kind| kind.ends_with("List")) {
        objects.push(object);
        return Ok(());
    }
    match object["items"].take() {
        Value::Array(items) => items.into_iter().try_for_each(|item| flatten(item, objects)),
        Value::Null => Ok(()),
        other => bail!("a List of {other}"),
    }
}

/// Sends files with this command.
pub fn send(kubectl: &Kubectl, command: &[&str], files: &[impl AsRef<Path>]) -> Result<Output> {
    let files: Vec<_> = files.iter().map(|file| format!("--filename={}", file.as_ref().display())).collect();
    let arguments: Vec<_> = command.iter().copied().chain(files.iter().map(String::as_str)).collect();
    kubectl.run(&arguments, None)
}

/// Namespaces that the files name, as dkron-ha reads them.
pub fn namespaces(files: &[PathBuf]) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for file in files {
        let objects = objects(&fs::read(file)?).with_context(|| file.display().to_string())?;
        names.extend(objects.iter().filter_map(|object| object["metadata"]["namespace"].as_str().map(str::to_owned)));
    }
    Ok(names)
}
