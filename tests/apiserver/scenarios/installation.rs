//! What `dkron-ha manifests` renders, on a real API server.

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

use crate::cluster::Cluster;

/// `kubectl apply` says so of it each time: a budget's selector is always replaced, never merged.
const ALWAYS_CONFIGURED: &str = "poddisruptionbudget.policy/dkron-ha configured";

/// What the API server itself writes.
const WRITTEN_BY_THE_SERVER: [&str; 4] = ["uid", "resourceVersion", "generation", "creationTimestamp"];

/// Applied again, nothing is reported as changed.
pub fn rendered_again_is_unchanged(cluster: &Cluster) -> Result<()> {
    let installation = cluster.installation();
    // Word for word as rendered; only the registration would change, since the live one calls elsewhere.
    let rendered = cluster.kubectl().apply(&installation.rendered, &["--dry-run=server"])?.ok()?;
    let mut lines = 0;
    for line in rendered.stdout.lines().filter_map(|line| line.strip_suffix(" (server dry run)")) {
        let expected = line.ends_with(" unchanged")
            || line == ALWAYS_CONFIGURED
            || line == "mutatingwebhookconfiguration.admissionregistration.k8s.io/dkron-ha configured";
        ensure!(expected, "{line}\nin {rendered}");
        lines += 1;
    }
    ensure!(lines == installation.objects.len() && lines > 0, "{lines} objects answered: {rendered}");

    let registration = installation.registration(cluster.webhook().port())?.to_string();
    let again = cluster.kubectl().apply(&registration, &[])?.ok()?;
    ensure!(again.stdout.ends_with(" unchanged\n"), "{again}");
    let diff = cluster.kubectl().run(&["diff", "-f=-"], Some(&registration))?.ok()?;
    ensure!(diff.stdout.is_empty(), "{diff}");
    Ok(())
}

/// The API server has filled in nothing: whoever compares the live registration with the rendered one sees no difference.
pub fn live_registration_is_what_was_rendered(cluster: &Cluster) -> Result<()> {
    let expected = cluster.installation().registration(cluster.webhook().port())?;
    let mut live = cluster.kubectl().get_json("mutatingwebhookconfiguration", "", "dkron-ha")?;
    let metadata = live["metadata"].as_object_mut().context("no metadata")?;
    metadata.retain(|field, _| !WRITTEN_BY_THE_SERVER.contains(&field.as_str()));
    let annotations = metadata.remove("annotations").unwrap_or_default();
    let keys: Vec<_> = annotations.as_object().map(Map::keys).into_iter().flatten().collect();
    ensure!(keys == ["kubectl.kubernetes.io/last-applied-configuration"], "annotations {keys:?}");
    ensure!(live == expected, "live:\n{live}\nrendered:\n{expected}");
    Ok(())
}

/// Every object of an opted-in namespace again, too.
pub fn accounts_again_are_unchanged(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("accounts")?;
    let rendered = crate::program::dkron_ha(&["manifests", "--for-namespace", &namespace.name], "")?.ok()?.stdout;
    let again = namespace.apply(&rendered)?;
    ensure!(
        again.stdout.lines().count() == 4 && again.stdout.lines().all(|line| line.ends_with(" unchanged")),
        "{again}"
    );
    let bindings: Vec<Value> = namespace.kubectl.list_json("rolebindings", &namespace.name)?;
    ensure!(bindings.len() == 2, "{bindings:?}");
    Ok(())
}
