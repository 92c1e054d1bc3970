//! What the accounts of dkron-ha may do, as the API server sees it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use dkron_ha::contract::object::{AGENT_ACCOUNT, INSTALLATION, SERVER_ACCOUNT};
use dkron_ha::contract::{annotation, injected, label, path};

use super::plain::{SERVERS, server_pod};
use crate::cluster::{CONTROLLERS_ACT_WITHIN, Cluster};
use crate::command::Output;
use crate::look::named;
use crate::namespace::Namespace;
use crate::wait::wait_until;

/// Verbs by resource.
type Rights = BTreeMap<String, BTreeSet<String>>;

/// Exactly the documented rights and no other, in an account's own namespace and in any other.
pub fn accounts_have_the_documented_rights_only(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("access")?;
    let own = &namespace.name;
    let servers: &[(&str, &str)] = &[
        ("pods", "get list watch patch"),
        ("statefulsets.apps", "get list watch"),
        ("events", "create patch"),
        ("events.events.k8s.io", "create patch"),
    ];
    let webhook = &of_the_webhook("get list watch");
    let at_home = &[&webhook[..], &[LEASES]].concat();
    for (account, home, looks_at, expected) in [
        (SERVER_ACCOUNT, &**own, &**own, servers),
        (SERVER_ACCOUNT, own, "default", &[]),
        (AGENT_ACCOUNT, own, own, &[("pods", "list")]),
        (AGENT_ACCOUNT, own, "default", &[]),
        (INSTALLATION, INSTALLATION, "default", webhook),
        (INSTALLATION, INSTALLATION, INSTALLATION, at_home),
    ] {
        ensure_rights(cluster, (home, account), looks_at, expected)?;
    }
    Ok(())
}

/// Which replica is the controller is written in the webhook's own namespace.
pub const LEASES: (&str, &str) = ("leases.coordination.k8s.io", "create get update");

/// What the webhook and its controller may do in every namespace, with these verbs for their registration.
pub fn of_the_webhook(registration: &'static str) -> [(&'static str, &'static str); 11] {
    let keeps = "get list watch create patch delete";
    [
        ("statefulsets.apps", "list watch"),
        ("mutatingwebhookconfigurations.admissionregistration.k8s.io", registration),
        ("namespaces", "list watch"),
        ("pods", "list watch delete"),
        ("statefulsets.apps/status", "patch"),
        ("serviceaccounts", keeps),
        ("services", keeps),
        ("poddisruptionbudgets.policy", keeps),
        ("rolebindings.rbac.authorization.k8s.io", keeps),
        ("clusterroles.rbac.authorization.k8s.io", "bind"),
        ("events.events.k8s.io", "create patch"),
    ]
}

/// An account, given with its namespace, may do exactly this in the namespace `looks_at`: verbs by resource.
pub fn ensure_rights(
    cluster: &Cluster,
    (home, account): (&str, &str),
    looks_at: &str,
    expected: &[(&str, &str)],
) -> Result<()> {
    let as_account = format!("--as={}", user(home, account));
    let listed = cluster.kubectl().run(&["auth", "can-i", "--list", "-n", looks_at, &as_account], None)?;
    let found = rights(&listed.ok()?);
    let expected: Rights = expected.iter().map(|(resource, verbs)| (resource.to_string(), set(verbs))).collect();
    ensure!(found == expected, "{account} may in {looks_at}: {found:?}, not {expected:?}");
    Ok(())
}

/// RBAC lets the label updater patch pods; the policy lets it write its two keys.
pub fn label_updater_writes_its_two_keys_only(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("access")?;
    namespace.apply(&server_pod("x-0"))?;
    let foreign = metadata("labels", "app", "\"other\"");
    wait_until("the policy to be in force", CONTROLLERS_ACT_WITHIN, || {
        let tried = patch(&namespace, SERVER_ACCOUNT, &foreign, &["--dry-run=server"])?;
        Ok((!tried.status.success()).then_some(()))
    })?;

    for allowed in [
        metadata("labels", label::LEADER, "\"true\""),
        metadata("labels", label::LEADER, "\"false\""),
        metadata("annotations", annotation::FORMED, "\"2\""),
        metadata("labels", label::LEADER, "null"),
        metadata("annotations", annotation::FORMED, "null"),
    ] {
        patch(&namespace, SERVER_ACCOUNT, &allowed, &[])?.ok()?;
    }
    for denied in [
        foreign,
        metadata("labels", label::INJECTED, "null"),
        metadata("labels", label::SERVER_OF, "\"other\""),
        metadata("annotations", annotation::STATUS, "\"{}\""),
        metadata("annotations", "example.com/note", "\"x\""),
        r#"{"metadata":{"finalizers":["example.com/stay"]}}"#.to_owned(),
        r#"{"spec":{"containers":[{"name":"dkron","image":"registry.example/evil:1"}]}}"#.to_owned(),
        r#"{"spec":{"activeDeadlineSeconds":1}}"#.to_owned(),
    ] {
        let said = patch(&namespace, SERVER_ACCOUNT, &denied, &[])?.refused()?;
        ensure!(said.contains("ValidatingAdmissionPolicy 'dkron-ha-server'"), "{denied}: {said}");
    }
    let said = patch(&namespace, AGENT_ACCOUNT, &metadata("labels", label::LEADER, "\"true\""), &[])?.refused()?;
    ensure!(said.contains("Forbidden"), "{said}");
    // Nobody else is narrowed.
    namespace.run(&["label", "--overwrite", "pod/x-0", "app=other"])?;
    Ok(())
}

/// What dkron's jobs could reach of the label updater, in the pod as it is stored: its token, and what it tells the wrapper.
pub fn dkron_container_has_no_token_and_writes_nothing_of_the_label_updater(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("access")?;
    namespace.apply(&format!("{SERVERS}---{}", server_pod("x-0")))?;
    let mut pods = namespace.pods("dkron", 4)?;
    pods.sort_by_key(|pod| pod["metadata"]["name"].to_string());
    for pod in &pods {
        let container = named(&pod["spec"]["containers"], "dkron");
        let mounts = &container["volumeMounts"];
        let name = &pod["metadata"]["name"];
        ensure!(named(mounts, injected::VOLUME)["readOnly"] == true, "{name}: desired.json can be written: {mounts}");
        ensure!(named(mounts, injected::TOKEN_VOLUME).is_null(), "{name}: the token is mounted: {mounts}");
        let projected = pod["spec"]["volumes"].as_array().into_iter().flatten();
        let tokens = projected.filter(|volume| volume["projected"].to_string().contains("serviceAccountToken"));
        for volume in tokens {
            ensure!(volume["name"] == injected::TOKEN_VOLUME, "{name}: another token: {volume}");
        }
        // Neither can be undone from within.
        ensure!(container["securityContext"]["privileged"] != true, "{name}: {container}");
        let updater = named(&pod["spec"]["initContainers"], injected::LABEL_UPDATER);
        let shared = named(&updater["volumeMounts"], injected::VOLUME);
        ensure!(shared["mountPath"] == path::SHARED && shared["readOnly"] != true, "{name}: {updater}");
    }
    Ok(())
}

fn metadata(part: &str, key: &str, value: &str) -> String {
    format!(r#"{{"metadata":{{"{part}":{{"{key}":{value}}}}}}}"#)
}

fn patch(namespace: &Namespace, account: &str, patch: &str, flags: &[&str]) -> Result<Output> {
    let user = format!("--as={}", user(&namespace.name, account));
    namespace.kubectl.run(&[&["patch", "pod/x-0", "-p", patch, &user], flags].concat(), None)
}

fn user(namespace: &str, account: &str) -> String {
    format!("system:serviceaccount:{namespace}:{account}")
}

/// The table that `kubectl auth can-i --list` prints, but for what every account may: asking about itself, and reading what
/// the API server is.
fn rights(listed: &Output) -> Rights {
    let mut rights = Rights::new();
    for line in listed.stdout.lines().skip(1).filter(|line| !line.starts_with(' ')) {
        let Some((resource, rest)) = line.split_once(' ') else { continue };
        if !resource.starts_with("self") {
            let verbs = rest.rsplit('[').next().unwrap_or_default();
            rights.entry(resource.to_owned()).or_default().extend(set(verbs.trim_end_matches(']')));
        }
    }
    rights
}

fn set(words: &str) -> BTreeSet<String> {
    words.split_whitespace().map(str::to_owned).collect()
}
