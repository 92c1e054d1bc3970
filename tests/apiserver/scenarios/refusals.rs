//! What a person reads who has made a mistake.

use anyhow::{Result, ensure};
use dkron_ha::code::{self, Code};

use super::plain::{SERVERS, server_pod};
use crate::cluster::Cluster;
use crate::namespace::Namespace;

/// A letter is missing: code, place, nearest name and where to read on, and nothing is stored. On a set, in its update, and
/// on a bare pod.
pub fn unknown_annotation_is_answered_with_the_nearest_name(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("refusals")?;
    let slip = ("dkron-ha.io/initial-cluster-siz", "3");
    let hints = ["did you mean dkron-ha.io/initial-cluster-size?", slip.0];
    refused(&namespace, &annotated_set(slip), code::UNKNOWN_ANNOTATION, &hints)?;
    refused(&namespace, &annotated_pod(slip), code::UNKNOWN_ANNOTATION, &hints)?;
    nothing_is_stored(&namespace)?;

    namespace.apply(SERVERS)?;
    namespace.pods("dkron", 3)?;
    let before = namespace.get("statefulset", "dkron")?["spec"].clone();
    refused(&namespace, &annotated_set(slip), code::UNKNOWN_ANNOTATION, &hints)?;
    ensure!(namespace.get("statefulset", "dkron")?["spec"] == before, "changed although refused");
    Ok(())
}

/// A value that cannot be read: what is allowed instead.
pub fn malformed_annotation_is_answered_with_what_is_allowed(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("refusals")?;
    let slip = ("dkron-ha.io/role", "leader");
    let hints = ["\"leader\" is not allowed", "allowed: server | agent", slip.0];
    refused(&namespace, &annotated_set(slip), code::MALFORMED_ANNOTATION, &hints)?;
    refused(&namespace, &annotated_pod(slip), code::MALFORMED_ANNOTATION, &hints)?;
    nothing_is_stored(&namespace)
}

fn annotated_set((name, value): (&str, &str)) -> String {
    SERVERS.replace("    metadata:\n", &format!("    metadata:\n      annotations: {{{name}: '{value}'}}\n"))
}

fn annotated_pod((name, value): (&str, &str)) -> String {
    server_pod("x-0").replace("metadata:\n", &format!("metadata:\n  annotations: {{{name}: '{value}'}}\n"))
}

fn refused(namespace: &Namespace, manifest: &str, code: Code, hints: &[&str]) -> Result<()> {
    for flags in [&[][..], &["--dry-run=server"]] {
        let said = namespace.kubectl.apply(manifest, flags)?.refused()?;
        for part in [&[&*code.to_string(), &*code.anchor()], hints].concat() {
            ensure!(said.contains(part), "no {part:?} in {said}");
        }
    }
    Ok(())
}

fn nothing_is_stored(namespace: &Namespace) -> Result<()> {
    for kind in ["statefulsets", "pods"] {
        ensure!(namespace.kubectl.list_json(kind, &namespace.name)?.is_empty(), "{kind} are stored although refused");
    }
    Ok(())
}
