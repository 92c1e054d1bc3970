//! The corpus is made of manifests that a real API server takes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use dkron_ha::contract::object::{AGENT_ACCOUNT, SERVER_ACCOUNT};

use crate::cluster::Cluster;
use crate::command::Output;
use crate::kubectl::Kubectl;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/manifests");

/// How a person sends a file.
type Command = &'static [&'static str];

const APPLY: Command = &["apply", "--dry-run=server"];

/// Files that `kubectl apply` as such refuses by their very subject, and what takes them.
const OTHERWISE: &[(&str, Command)] = &[
    // `apply` needs a name.
    ("reject-server-generate-name.yaml", &["create", "--dry-run=server"]),
    // Fields of a Kubernetes to come: only a lenient one drops them.
    ("server-unknown-future-fields.yaml", &["apply", "--dry-run=server", "--validate=warn"]),
];

/// Each file passes a server-side dry run in a fresh namespace, or in the namespaces that it names.
pub fn manifests_are_valid_kubernetes(cluster: &Cluster) -> Result<()> {
    let files = manifests()?;
    let kubectl = cluster.namespace("manifests", &[])?.kubectl;
    for name in namespaces_of(&files, &kubectl)? {
        prepare(cluster, &name)?;
    }
    for (name, _) in OTHERWISE {
        ensure!(files.iter().any(|file| file.ends_with(name)), "no {name} in {FOLDER}");
    }
    let (plain, mut doubtful): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| command_for(file) == APPLY);
    // All at once is quicker by far; one by one tells which were refused, whatever kubectl says.
    if !send(&kubectl, APPLY, &plain)?.status.success() {
        doubtful.extend(plain);
    }
    let mut refused = Vec::new();
    for file in &doubtful {
        let sent = send(&kubectl, command_for(file), &[file])?;
        if !sent.status.success() {
            refused.push(format!("{}: {}", file.display(), sent.stderr.trim()));
        }
    }
    ensure!(refused.is_empty(), "{} refused:\n{}", refused.len(), refused.join("\n"));
    Ok(())
}

fn command_for(file: &Path) -> Command {
    OTHERWISE.iter().find(|(name, _)| file.ends_with(name)).map_or(APPLY, |(_, command)| command)
}

fn manifests() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(FOLDER).with_context(|| format!("reading {FOLDER}"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "json") {
            files.push(path);
        }
    }
    ensure!(!files.is_empty(), "no manifest in {FOLDER}");
    files.sort();
    Ok(files)
}

/// The namespaces of all objects, as kubectl itself reads them. A file that it cannot read is left to the dry run.
fn namespaces_of(files: &[PathBuf], kubectl: &Kubectl) -> Result<BTreeSet<String>> {
    let read = send(kubectl, &["create", "--dry-run=client", "-o", r#"jsonpath={.metadata.namespace}{"\n"}"#], files)?;
    Ok(read.stdout.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// Makes the namespace, and in it the accounts that every opted-in namespace has: pods that name them are in the corpus.
fn prepare(cluster: &Cluster, namespace: &str) -> Result<()> {
    if cluster.kubectl().find("namespace", "", namespace)?.is_none() {
        cluster.create_namespace(namespace, &[])?;
    }
    for account in [SERVER_ACCOUNT, AGENT_ACCOUNT] {
        cluster.kubectl().run(&["create", "serviceaccount", account, "-n", namespace], None)?.ok()?;
    }
    Ok(())
}

fn send(kubectl: &Kubectl, command: &[&str], files: &[impl AsRef<Path>]) -> Result<Output> {
    let files: Vec<_> = files.iter().map(|file| file.as_ref().to_string_lossy()).collect();
    let mut arguments = command.to_vec();
    for file in &files {
        arguments.extend(["-f", file]);
    }
    kubectl.run(&arguments, None)
}
