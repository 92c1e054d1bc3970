//! What a person reads whose manifest works, but not as it stands.

use anyhow::{Result, ensure};
use dkron_ha::code::{self, Code};
use dkron_ha::inject::WARNING_LENGTH;

use super::plain::{SERVERS, server_pod};
use crate::cluster::Cluster;
use crate::command::Output;
use crate::look::is_stamped;

/// The official chart writes one server less than there are.
pub fn size_below_the_replicas(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("warnings")?;
    let manifest = SERVERS.replace("--server", "--server, --bootstrap-expect=2");
    let tried = namespace.kubectl.apply(&manifest, &["--dry-run=server"])?.ok()?;
    warned(&tried, code::EXPECT_BELOW_REPLICAS)?;
    warned(&namespace.apply(&manifest)?, code::EXPECT_BELOW_REPLICAS)?;
    namespace.pods("dkron", 3)?;
    ensure!(is_stamped(&namespace.get("statefulset", "dkron")?), "not stamped");
    let again = namespace.apply(&manifest)?;
    ensure!(again.stderr.is_empty(), "said twice: {again}");
    Ok(())
}

/// A hook that would leave before leadership is handed over, on a pod that a person applies.
pub fn leaving_hook_of_a_bare_pod(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("warnings")?;
    let hook = "    lifecycle: {preStop: {exec: {command: [dkron, leave]}}}\n    args:";
    let applied = namespace.apply(&server_pod("x-0").replace("    args:", hook))?;
    warned(&applied, code::LEAVING_HOOK_REMOVED)?;
    let pod = namespace.get("pod", "x-0")?;
    ensure!(pod["spec"]["containers"][0]["lifecycle"].is_null(), "the hook is still there: {pod}");
    Ok(())
}

/// Kubernetes advises a length; what is longer may be cut.
fn warned(output: &Output, code: Code) -> Result<()> {
    let start = format!("Warning: {code}: ");
    let warning = output.stderr.lines().find(|line| line.starts_with(&start));
    ensure!(warning.is_some(), "no {start:?} in {output}");
    let longest = output.stderr.lines().map(|line| line.trim_start_matches("Warning: ").chars().count()).max();
    ensure!(longest <= Some(WARNING_LENGTH), "{output}");
    Ok(())
}
