//! Installing and taking away, on a cluster where nothing was installed. No pod runs there: no replica is ever ready.

use anyhow::{Result, ensure};
use dkron_ha::contract::label::{INJECTION, INJECTION_ENABLED};
use dkron_ha::contract::object::{GUARD, INSTALLATION};
use serde_json::Value;

use super::plain::{SERVERS, WEB_SET, server_pod, web_pod};
use super::rendered::{DEPLOY, manifests};
use crate::api::Api;
use crate::cluster::{CONTROLLERS_ACT_WITHIN, Cluster};
use crate::command::Output;
use crate::installed::{Objects, by_name, compare, live, normal};
use crate::kubectl::Kubectl;
use crate::program::dkron_ha;
use crate::snapshot::everything;
use crate::wait::wait_until;

/// `dkron-ha manifests | kubectl apply -f -` and `kubectl apply -k` store the same objects; again, neither changes anything.
pub fn manifests_and_kustomize_store_the_same(cluster: &Cluster) -> Result<()> {
    let kubectl = cluster.bare()?.kubectl();
    let base = format!("{DEPLOY}/base");
    let ways: [(&[&str], Option<&str>); 2] = [(&["-f", "-"], Some(&printed()?)), (&["-k", &base], None)];
    let mut stored = Vec::new();
    for (source, stdin) in ways {
        let run = |verb: &[&str]| kubectl.run(&[verb, source].concat(), stdin);
        run(&["apply"])?.ok()?;
        let first = stored_objects(kubectl)?;
        run(&["apply"])?.ok()?;
        let changed = compare(&first, &stored_objects(kubectl)?);
        ensure!(changed.is_empty(), "the second apply {source:?} changed:\n{}", changed.join("\n"));
        let diff = run(&["diff"])?.ok()?;
        ensure!(diff.stdout.is_empty(), "{diff}");
        stored.push(first);
        take_away(kubectl)?;
    }
    let found = compare(&stored[0], &stored[1]);
    ensure!(found.is_empty(), "manifests against kustomize:\n{}", found.join("\n"));
    Ok(())
}

/// Installed with no replica ready, and taken away: the cluster stores what it stored before, to the version of each object.
/// The guard alone, when the rest is gone, stops nobody.
pub fn installing_and_removing_leaves_no_trace(cluster: &Cluster) -> Result<()> {
    let kubectl = &cluster.bare()?.kubectl().in_namespace("default")?;
    let label = format!("{INJECTION}={INJECTION_ENABLED}");
    kubectl.run(&["label", "namespace", "default", &label], None)?.ok()?;
    kubectl.apply(&format!("{SERVERS}---{WEB_SET}---{}", web_pod("alone")), &[])?.ok()?;
    let api = Api::of(kubectl)?;
    let before = wait_until("the cluster to come to rest", CONTROLLERS_ACT_WITHIN, || {
        let pods = kubectl.list_json("pods", "default")?.len();
        let seen = everything(&api)?;
        std::thread::sleep(std::time::Duration::from_secs(1));
        Ok((pods == 3 && everything(&api)? == seen).then_some(seen))
    })?;

    kubectl.apply(&printed()?, &[])?.ok()?;
    wait_until("dkron pods to wait for the webhook", CONTROLLERS_ACT_WITHIN, || {
        let said = dry(kubectl, &server_pod("x-0"))?;
        Ok(said.stderr.contains("no endpoints available for service").then_some(()))
    })?;
    for accepted in [web_pod("another"), WEB_SET.replace("name: web}", "name: web-too}")] {
        dry(kubectl, &accepted)?.ok()?;
    }

    kubectl.run(&["delete", "mutatingwebhookconfiguration", INSTALLATION], None)?.ok()?;
    wait_until("the guard to be all that is left", CONTROLLERS_ACT_WITHIN, || {
        Ok(dry(kubectl, &server_pod("x-0"))?.stderr.contains(GUARD).then_some(()))
    })?;
    kubectl.run(&["delete", "namespace", INSTALLATION, "--wait"], None)?.ok()?;
    wait_until("the guard to stop nobody", CONTROLLERS_ACT_WITHIN, || {
        Ok(dry(kubectl, &server_pod("x-0"))?.status.success().then_some(()))
    })?;
    take_away(kubectl)?;

    let after = everything(&api)?;
    let found = compare(&before, &after);
    ensure!(found.is_empty(), "traces:\n{}", found.join("\n"));
    cluster.note(format!("no trace: {} objects the same before and after, to their versions", after.len()));
    Ok(())
}

fn dry(kubectl: &Kubectl, manifest: &str) -> Result<Output> {
    kubectl.apply(manifest, &["--dry-run=server"])
}

fn printed() -> Result<String> {
    Ok(dkron_ha(&["manifests"], "")?.ok()?.stdout)
}

/// Everything that `manifests` prints, as it is stored.
pub fn stored_objects(kubectl: &Kubectl) -> Result<Objects> {
    let wanted = manifests(&[])?;
    let found: Vec<Value> = live(kubectl, &wanted)?.into_iter().map(normal).collect();
    ensure!(found.len() == wanted.len(), "{} of {} objects are there", found.len(), wanted.len());
    Ok(by_name(&found))
}

/// What `docs/install.md` has taken away first: nobody waits for the webhook any more.
pub fn let_everybody_pass(kubectl: &Kubectl) -> Result<()> {
    let bindings = [format!("{GUARD}-injection"), format!("{GUARD}-injected")];
    let delete = |what: &[&str]| kubectl.run(&[&["delete", "--ignore-not-found"], what].concat(), None)?.ok();
    delete(&["validatingadmissionpolicybinding", &bindings[0], &bindings[1]])?;
    delete(&["mutatingwebhookconfiguration", INSTALLATION])?;
    Ok(())
}

/// As `docs/install.md` says: guard and registration first, then the rest, and nothing is left.
pub fn take_away(kubectl: &Kubectl) -> Result<()> {
    let_everybody_pass(kubectl)?;
    let printed = printed()?;
    kubectl.run(&["delete", "--ignore-not-found", "-f", "-"], Some(&printed))?.ok()?;
    let left = live(kubectl, &manifests(&[])?)?;
    ensure!(left.is_empty(), "left: {left:?}");
    Ok(())
}
