//! The corpus is made of manifests that a real API server takes, and that dkron-ha reads as kubectl does.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::cluster::Cluster;
use crate::corpus::{self, command_for, files, send};
use crate::difference::differences;

/// Each file passes a server-side dry run in a fresh namespace, or in the namespaces that it names, where no webhook is
/// asked.
pub fn manifests_are_valid_kubernetes(cluster: &Cluster) -> Result<()> {
    let files = files()?;
    let kubectl = cluster.namespace("manifests", &[])?.kubectl;
    for name in corpus::namespaces(&files)? {
        cluster.ensure_namespace(&name)?;
        // Pods that name these accounts are in the corpus.
        cluster.create_accounts(&name)?;
    }
    let dry = |files: &[PathBuf]| send(&kubectl, &[command_for(&files[0]), &["--dry-run=server"]].concat(), files);
    let (plain, mut doubtful): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| command_for(file) == ["apply"]);
    // All at once is quicker by far; one by one tells which were refused, whatever kubectl says.
    if !dry(&plain)?.status.success() {
        doubtful.extend(plain);
    }
    let mut refused = Vec::new();
    for file in doubtful {
        let sent = dry(std::slice::from_ref(&file))?;
        if !sent.status.success() {
            refused.push(format!("{}: {}", file.display(), sent.stderr.trim()));
        }
    }
    ensure!(refused.is_empty(), "{} refused:\n{}", refused.len(), refused.join("\n"));
    Ok(())
}

/// Each object of each file is to dkron-ha what it is to kubectl.
pub fn manifests_are_read_as_kubectl_reads_them(cluster: &Cluster) -> Result<()> {
    let files = files()?;
    let as_kubectl =
        send(cluster.kubectl(), &["create", "--dry-run=client", "-o=json"], &files)?.ok()?.json_stream()?;
    let mut as_kubectl = as_kubectl.into_iter();
    let mut differing = Vec::new();
    for file in &files {
        let ours = corpus::objects(&fs::read(file)?).with_context(|| file.display().to_string())?;
        for object in ours {
            let mut theirs = as_kubectl.next().with_context(|| format!("kubectl sees less in {}", file.display()))?;
            // kubectl fills in the namespace that it would send the object to.
            if let (Some(metadata), None) = (theirs["metadata"].as_object_mut(), object["metadata"].get("namespace")) {
                metadata.shift_remove("namespace");
            }
            let found = differences(&theirs, &object);
            if !found.is_empty() {
                differing.push(format!("{}:\n  {}", file.display(), found.join("\n  ")));
            }
        }
    }
    ensure!(as_kubectl.next().is_none(), "kubectl sees more");
    ensure!(differing.is_empty(), "kubectl against dkron-ha:\n{}", differing.join("\n"));
    Ok(())
}
