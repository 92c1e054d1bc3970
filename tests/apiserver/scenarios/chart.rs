//! The Helm chart: what it renders is what `dkron-ha manifests` prints.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::deployment::{let_everybody_pass, stored_objects, take_away};
use super::rendered::manifests;
use crate::cluster::Cluster;
use crate::helm::{CHART, Helm};
use crate::installed::{Objects, by_name, compare, live, normal};
use crate::program::dkron_ha;

const DKRON_HA: &str = "dkron-ha";

/// Namespace, values, and the flags that come to the same.
const SETTINGS: &[(&str, &[&str], &[&str])] = &[
    (DKRON_HA, &[], &[]),
    ("platform", &[], &["--namespace=platform"]),
    (DKRON_HA, &["--set=certificates=files"], &["--certificates=files"]),
    (DKRON_HA, &["--set=certificates=cert-manager"], &["--certificates=cert-manager"]),
    (
        "platform",
        &["--set=certificates=cert-manager,guard=warn"],
        &["--namespace=platform", "--certificates=cert-manager", "--guard=warn"],
    ),
    ("kube-public", &[], &["--namespace=kube-public"]),
    (DKRON_HA, &["--set=guard=warn"], &["--guard=warn"]),
    (DKRON_HA, &["--set=guard=off"], &["--guard=off"]),
    (DKRON_HA, &["--set=controller=never"], &["--controller=never"]),
    (
        "jobs",
        &["--set=controller=never,certificates=files"],
        &["--controller=never", "--certificates=files", "--namespace=jobs"],
    ),
    (DKRON_HA, &["--set=replicas=1"], &["--replicas=1"]),
    (
        DKRON_HA,
        &["--set=replicas=3,priorityClassName=system-cluster-critical"],
        &["--replicas=3", "--priority-class=system-cluster-critical"],
    ),
    (DKRON_HA, &["--set=networkPolicy.enabled=false"], &["--no-network-policy"]),
    (
        DKRON_HA,
        &["--set=networkPolicy.apiServerPorts={7443,443}"],
        &["--api-server-port=7443", "--api-server-port=443"],
    ),
    (
        DKRON_HA,
        &["--set=image.repository=registry.example:5000/dkron-ha,image.tag=1.2.3,image.pullPolicy=Always"],
        &["--image=registry.example:5000/dkron-ha:1.2.3", "--image-pull-policy=Always"],
    ),
    (
        DKRON_HA,
        &[
            "--set=settings.webhook-port=10443,settings.admin-port=10090,settings.grace=86400,settings.rollout=leader-last",
        ],
        &["--webhook-port=10443", "--admin-port=10090", "--grace=86400", "--rollout=leader-last"],
    ),
];

/// In every setting, object by object. Only the Namespace is left to Helm, whose releases live in one that is there before.
pub fn chart_is_what_manifests_prints(cluster: &Cluster) -> Result<()> {
    let helm = cluster.helm()?;
    for (namespace, values, flags) in SETTINGS {
        let found = compare(&chart(&helm, namespace, values)?, &printed(flags)?);
        ensure!(found.is_empty(), "{namespace} {values:?} against manifests {flags:?}:\n{}", found.join("\n"));
    }
    Ok(())
}

/// Whom the API server is to trust, where the certificate is somebody's own; the Secret itself is no business of a chart.
pub fn authority_of_files_is_told(cluster: &Cluster) -> Result<()> {
    let certificates = &cluster.installation().certificates;
    let authority = format!("--set-file=caBundle={}", certificates.join("ca.crt").display());
    let chart = chart(&cluster.helm()?, DKRON_HA, &["--set=certificates=files", &authority])?;
    let mut printed = printed(&["--cert-dir", &certificates.to_string_lossy()])?;
    printed.remove("Secret dkron-ha-tls");
    let found = compare(&chart, &printed);
    ensure!(found.is_empty(), "{}", found.join("\n"));
    ensure!(fs::read_to_string(certificates.join("ca.crt"))?.starts_with("-----BEGIN"), "no authority");
    Ok(())
}

/// A package holds what the chart shares with the rest of `deploy/`.
pub fn packaged_chart_is_the_same(cluster: &Cluster) -> Result<()> {
    let (helm, into) = (cluster.helm()?, tempfile::tempdir()?);
    let folder = into.path().to_string_lossy();
    helm.run(&["package", CHART, "--destination", &folder])?.ok()?;
    let package = format!("{folder}/{DKRON_HA}-{}.tgz", env!("CARGO_PKG_VERSION"));
    for values in ["certificates=self", "certificates=cert-manager"] {
        let rendered = |chart: &str| helm.run(&["template", DKRON_HA, chart, "-n", DKRON_HA, "--set", values])?.ok();
        ensure!(rendered(&package)?.stdout == rendered(CHART)?.stdout, "{values}: the package renders something else");
    }
    Ok(())
}

/// Helm finds nothing to say, and what the chart does not know is refused before anything is sent.
pub fn values_are_checked(cluster: &Cluster) -> Result<()> {
    let helm = cluster.helm()?;
    let linted = helm.run(&["lint", "--strict", CHART])?.ok()?;
    ensure!(linted.stdout.contains("1 chart(s) linted, 0 chart(s) failed"), "{linted}");
    for wrong in [
        "guard=perhaps",
        "controller=perhaps",
        "certificates=helm",
        "replicas=0",
        "replica=2",
        "settings.graze=600",
        "settings.webhook-port=0",
        "networkPolicy.apiServerPorts=443",
        "image.digest=sha256:12",
        "caBundle=LS0tLS1",
    ] {
        let said = helm.run(&["template", DKRON_HA, CHART, "--set", wrong])?.refused()?;
        ensure!(said.contains("values don't meet the specifications of the schema"), "{wrong}: {said}");
    }
    Ok(())
}

/// What Helm stores is what `kubectl apply` of the manifests stores; an upgrade changes what its values say and leaves alone whom the
/// API server was told to trust; back again, and away without a trace.
pub fn release_is_installed_upgraded_and_taken_away(cluster: &Cluster) -> Result<()> {
    let (helm, kubectl) = (cluster.helm()?, cluster.bare()?.kubectl());
    kubectl.apply(&dkron_ha(&["manifests"], "")?.ok()?.stdout, &[])?.ok()?;
    let mut expected = stored_objects(kubectl)?;
    expected.remove("Namespace dkron-ha");
    take_away(kubectl)?;

    let release = |verb: &[&str], values: &[&str]| helm.run(&[verb, &["--namespace", DKRON_HA], values].concat())?.ok();
    let stored = |values: &[&str]| {
        let found = live(kubectl, &helm.template(DKRON_HA, values)?)?;
        anyhow::Ok(by_name(&found.into_iter().map(normal).collect::<Vec<_>>()))
    };
    release(&["install", DKRON_HA, CHART, "--create-namespace"], &[])?;
    let found = compare(&stored(&[])?, &expected);
    ensure!(found.is_empty(), "helm install against kubectl apply:\n{}", found.join("\n"));

    // As the webhook does it.
    let bundle = r#"[{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "eA=="}]"#;
    kubectl.run(&["patch", "mutatingwebhookconfiguration", DKRON_HA, "--type=json", "-p", bundle], None)?.ok()?;
    let trusting = stored(&[])?;
    release(&["upgrade", DKRON_HA, CHART], &[])?;
    let found = compare(&stored(&[])?, &trusting);
    ensure!(found.is_empty(), "an upgrade to the same changed:\n{}", found.join("\n"));

    let values = ["--set=guard=warn,replicas=3"];
    release(&["upgrade", DKRON_HA, CHART], &values)?;
    let places: BTreeSet<String> = compare(&stored(&values)?, &trusting).into_iter().collect();
    let changed = [
        "Deployment dkron-ha .spec.replicas: 3 against 2",
        r#"ValidatingAdmissionPolicyBinding dkron-ha-guard-injected .spec.validationActions: ["Warn","Audit"] against ["Deny"]"#,
        r#"ValidatingAdmissionPolicyBinding dkron-ha-guard-injection .spec.validationActions: ["Warn","Audit"] against ["Deny"]"#,
    ];
    ensure!(places.iter().map(|place| place.replace("\", \"", "\",\"")).eq(changed), "changed: {places:#?}");
    release(&["rollback", DKRON_HA, "1"], &[])?;
    let found = compare(&stored(&[])?, &trusting);
    ensure!(found.is_empty(), "back again, and yet:\n{}", found.join("\n"));

    let_everybody_pass(kubectl)?;
    release(&["uninstall", DKRON_HA, "--wait"], &[])?;
    let left = live(kubectl, &helm.template(DKRON_HA, &[])?)?;
    ensure!(left.is_empty(), "left: {left:?}");
    take_away(kubectl) // the namespace
}

fn chart(helm: &Helm, namespace: &str, values: &[&str]) -> Result<Objects> {
    Ok(by_name(&sorted(helm.template(namespace, values)?)))
}

fn printed(flags: &[&str]) -> Result<Objects> {
    let mut objects = by_name(&sorted(manifests(flags)?));
    objects.retain(|name, _| !name.starts_with("Namespace "));
    Ok(objects)
}

/// The order of flags says nothing.
fn sorted(mut objects: Vec<Value>) -> Vec<Value> {
    for object in objects.iter_mut().filter(|object| object["kind"] == "Deployment") {
        if let Some(args) = object["spec"]["template"]["spec"]["containers"][0]["args"].as_array_mut() {
            args.sort_by_key(Value::to_string);
        }
    }
    objects
}
