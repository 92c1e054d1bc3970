//! A namespace whose label goes while a cluster lives there.

use anyhow::{Result, ensure};
use dkron_ha::contract::label::INJECT;

use super::plain::{SERVERS, servers_called};
use crate::cluster::Cluster;
use crate::look::{is_injected, is_stamped, is_untouched};

/// A stamped set stays injected, through a restart and in new pods; what is new there is nobody's business.
pub fn stamped_set_stays_injected_without_the_label(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("opt-out")?;
    namespace.apply(SERVERS)?;
    namespace.pods("dkron", 3)?;
    namespace.opt_out()?;

    let (_, counts) = cluster.webhook().counting(|| namespace.run(&["rollout", "restart", "statefulset/dkron"]))?;
    ensure!(counts.with(&[("kind", "StatefulSet"), ("operation", "UPDATE")]) > 0, "{counts}");
    let set = namespace.observed_set("dkron")?;
    ensure!(is_stamped(&set) && namespace.revisions(&set)? == 2, "{set}");

    let ((), counts) = cluster.webhook().counting(|| {
        // The rollout has replaced one pod and waits for it to be ready, which it never is here.
        namespace.run(&["delete", "pods", "--selector=app=dkron"])?;
        namespace.run(&["scale", "statefulset/dkron", "--replicas=4"])?;
        for pod in namespace.pods("dkron", 4)? {
            ensure!(is_injected(&pod), "not injected: {pod}");
            let revision = &pod["metadata"]["labels"]["controller-revision-hash"];
            ensure!(*revision == set["status"]["updateRevision"], "a pod of the old revision: {pod}");
        }
        Ok(())
    })?;
    ensure!(counts.with(&[("kind", "Pod"), ("outcome", "patched")]) >= 4, "{counts}");

    let (_, counts) = cluster.webhook().counting(|| {
        namespace.apply(&servers_called("fresh"))?;
        namespace.pods("fresh", 1)
    })?;
    ensure!(counts.total() == 0, "{counts}");
    ensure!(is_untouched(&namespace.get("statefulset", "fresh")?), "a new set was stamped");

    // The way out is still open.
    let out = format!(r#"{{"spec":{{"template":{{"metadata":{{"labels":{{"{INJECT}":"false"}}}}}}}}}}"#);
    let ((), counts) = cluster.webhook().counting(|| {
        namespace.run(&["patch", "statefulset/dkron", "-p", &out])?;
        namespace.run(&["delete", "pods", "--selector=app=dkron"])?;
        for pod in namespace.pods("dkron", 4)? {
            ensure!(!is_injected(&pod), "still injected: {pod}");
        }
        Ok(())
    })?;
    ensure!(counts.total() == 0, "{counts}");
    Ok(())
}
