//! What tools write on a set all day: its annotations, its labels, its status.

use anyhow::{Result, ensure};

use super::plain::SERVERS;
use crate::cluster::Cluster;

/// None of it is sent; a change of the spec is.
pub fn metadata_and_status_of_a_set_are_never_sent(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("annotating")?;
    namespace.apply(SERVERS)?;
    namespace.pods("dkron", 3)?;
    let generation = namespace.observed_set("dkron")?["metadata"]["generation"].clone();
    let labelled =
        SERVERS.replace("name: dkron\n  labels: {app: dkron}", "name: dkron\n  labels: {app: dkron, team: b}");
    let (_, counts) = cluster.webhook().counting(|| {
        namespace.run(&["annotate", "statefulset/dkron", "example.com/note=first"])?;
        namespace.run(&["annotate", "--overwrite", "statefulset/dkron", "example.com/note=second"])?;
        namespace.run(&["annotate", "statefulset/dkron", "example.com/note-"])?;
        namespace.run(&["label", "statefulset/dkron", "example.com/team=a"])?;
        namespace.apply(&labelled)?;
        let status = r#"{"status":{"collisionCount":1}}"#;
        namespace.run(&["patch", "statefulset/dkron", "--subresource=status", "--type=merge", "-p", status])?;
        namespace.run(&["label", "pod/dkron-0", "example.com/team=a"])
    })?;
    ensure!(counts.total() == 0, "sent: {counts}");
    let set = namespace.get("statefulset", "dkron")?;
    ensure!(set["metadata"]["labels"]["team"] == "b" && set["metadata"]["generation"] == generation, "{set}");

    let change = ["set", "image", "statefulset/dkron", "dkron=dkron/dkron:4.0.8", "--dry-run=server"];
    let (_, counts) = cluster.webhook().counting(|| namespace.run(&change))?;
    ensure!(counts.with(&[("kind", "StatefulSet"), ("operation", "UPDATE")]) > 0, "{counts}");
    Ok(())
}
