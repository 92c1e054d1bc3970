//! The registration is gone: what the guard does, and what the operator has it do.

use anyhow::{Context, Result, ensure};
use dkron_ha::code::SERVER_WITHOUT_WRAPPER;
use dkron_ha::contract::label::INJECT;
use serde_json::Value;

use super::plain::{SERVERS, server_pod};
use crate::cluster::{CONTROLLERS_ACT_WITHIN, Cluster};
use crate::look::{is_injected, is_untouched};
use crate::program::dkron_ha;
use crate::wait::wait_until;

/// A server that restarts meanwhile waits, with a reason that people find, and its peers go on; when the registration is back it
/// starts by itself, injected.
pub fn stamped_set_waits_until_the_registration_is_back(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("guarded")?;
    namespace.apply(SERVERS)?;
    namespace.pods("dkron", 3)?;
    cluster.while_unregistered(|| {
        namespace.run(&["delete", "pod/dkron-1"])?;
        let code = SERVER_WITHOUT_WRAPPER.to_string();
        wait_until("an Event that tells why the server does not start", CONTROLLERS_ACT_WITHIN, || {
            let events = namespace.kubectl.list_json("events", &namespace.name)?;
            let tells = |event: &Value| {
                event["involvedObject"]["name"] == "dkron"
                    && event["message"].as_str().is_some_and(|text| text.contains(&code))
            };
            Ok(events.iter().any(tells).then_some(()))
        })?;
        for pod in namespace.pods("dkron", 2)? {
            ensure!(is_injected(&pod), "not injected: {pod}");
        }
        Ok(())
    })?;
    for pod in namespace.pods("dkron", 3)? {
        ensure!(is_injected(&pod), "not injected: {pod}");
    }
    Ok(())
}

/// Refused, let in with a warning, or nobody looks; a label lets one in whatever was chosen.
pub fn operator_chooses_what_becomes_of_servers(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("guarded")?;
    let code = SERVER_WITHOUT_WRAPPER.to_string();
    let dry = |manifest: &str| namespace.kubectl.apply(manifest, &["--dry-run=server", "-o=json"]);
    let outcome = cluster.while_unregistered(|| {
        let refused = dry(&server_pod("x-0"))?.refused()?;
        ensure!(refused.contains(&SERVER_WITHOUT_WRAPPER.anchor()), "{refused}");
        let out = server_pod("x-0").replace("labels: {", &format!("labels: {{{INJECT}: 'false', "));
        let let_in = dry(&out)?.ok()?;
        ensure!(let_in.stderr.is_empty(), "{let_in}");

        guard(cluster, "warn", "apply")?;
        let warned = wait_until("the guard to warn", CONTROLLERS_ACT_WITHIN, || {
            let asked = dry(&server_pod("x-0"))?;
            Ok(asked.status.success().then_some(asked))
        })?;
        ensure!(warned.stderr.contains("Warning: ") && warned.stderr.contains(&code), "{warned}");
        ensure!(is_untouched(&warned.json()?["spec"]), "{warned}");

        ensure!(guard_objects("off")?.is_empty(), "off, and there is a guard");
        guard(cluster, "warn", "delete")?;
        wait_until("nobody to look", CONTROLLERS_ACT_WITHIN, || {
            let asked = dry(&server_pod("x-0"))?.ok()?;
            Ok(asked.stderr.is_empty().then_some(()))
        })
    });
    guard(cluster, "deny", "apply")?;
    outcome
}

fn guard(cluster: &Cluster, action: &str, verb: &str) -> Result<()> {
    let objects = guard_objects(action)?;
    ensure!(objects.len() == 3, "--guard {action}: {objects:?}");
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
    cluster.kubectl().run(&[verb, "-f=-"], Some(&list.to_string()))?.ok()?;
    Ok(())
}

fn guard_objects(action: &str) -> Result<Vec<Value>> {
    let rendered = dkron_ha(&["manifests", "--guard", action], "")?.ok()?.stdout;
    let objects = crate::corpus::objects(rendered.as_bytes()).context("what manifests printed")?;
    let is_guard =
        |object: &Value| object["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("dkron-ha-guard"));
    Ok(objects.into_iter().filter(is_guard).collect())
}
