//! What the controller makes and keeps around dkron pods, and what it leaves alone.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use dkron_ha::contract::label::{INJECTION, INJECTION_ENABLED, MANAGED_BY};
use dkron_ha::contract::object::{AGENT_ACCOUNT, CONTROLLER, INSTALLATION, SERVER_ACCOUNT};
use serde_json::{Value, json};

use super::plain::{SERVERS, server_pod, servers_called};
use crate::cluster::{CONTROLLERS_ACT_WITHIN, Cluster};
use crate::look::is_injected;
use crate::namespace::Namespace;
use crate::wait::wait_until;
use crate::webhook::Webhook;

/// Everything that it makes for the plain set of servers, by kind and name.
const MADE: [(&str, &str); 7] = [
    ("serviceaccount", SERVER_ACCOUNT),
    ("rolebinding", SERVER_ACCOUNT),
    ("serviceaccount", AGENT_ACCOUNT),
    ("rolebinding", AGENT_ACCOUNT),
    ("service", "dkron-peers"),
    ("service", "dkron-leader"),
    ("poddisruptionbudget", "dkron"),
];

/// Long enough for what must not happen: the controller acts within less than a second.
const NOTHING_HAPPENS_FOR: Duration = Duration::from_secs(3);

/// A namespace with its label and plain servers in it, by one `kubectl apply` and nothing else: pods come, with their account, their
/// Services and a budget, and what was made is told on the set.
pub fn one_apply_is_enough(cluster: &Cluster) -> Result<()> {
    let name = "controller-one-apply";
    let begun = Instant::now();
    let labels = json!({ (INJECTION): INJECTION_ENABLED });
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
    let servers = SERVERS.replace("  name: dkron\n", &format!("  name: dkron\n  namespace: {name}\n"));
    cluster.kubectl().apply(&format!("{object}\n---{servers}"), &[])?.ok()?;
    let namespace = Namespace { kubectl: cluster.kubectl().in_namespace(name)?, name: name.to_owned() };
    let pods = namespace.pods("dkron", 3)?;
    let took = begun.elapsed();
    ensure!(pods.iter().all(is_injected), "not injected: {pods:?}");
    for pod in &pods {
        ensure!(pod["spec"]["serviceAccountName"] == SERVER_ACCOUNT, "{pod}");
    }
    all_there(&namespace)?;
    let uid = &namespace.get("statefulset", "dkron")?["metadata"]["uid"];
    for (kind, name) in &MADE[4..] {
        let made = namespace.get(kind, name)?;
        ensure!(&made["metadata"]["ownerReferences"][0]["uid"] == uid, "goes with the set: {made}");
    }
    wait_until("Events on the set", CONTROLLERS_ACT_WITHIN, || {
        let described = namespace.run(&["describe", "statefulset", "dkron"])?.stdout;
        Ok(described
            .contains("made what was missing: Service dkron-peers, Service dkron-leader, PodDisruptionBudget")
            .then_some(()))
    })?;
    cluster.note(format!(
        "one `kubectl apply` of a namespace and plain servers: three injected pods after {:.2} s",
        took.as_secs_f64()
    ));
    Ok(())
}

/// A bare pod in the same `kubectl apply` as its namespace: nobody tries again for it, so its review waits for its account.
pub fn a_bare_pod_waits_for_its_account(cluster: &Cluster) -> Result<()> {
    for attempt in 0..5 {
        let name = format!("controller-bare-{attempt}");
        let labels = json!({ (INJECTION): INJECTION_ENABLED });
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
        let pod = server_pod("x-0").replace("  name: x-0\n", &format!("  name: x-0\n  namespace: {name}\n"));
        let applied = cluster.kubectl().apply(&format!("{object}\n---{pod}"), &[])?;
        ensure!(applied.status.success(), "{applied}");
        let pod = cluster.kubectl().get_json("pod", &name, "x-0")?;
        ensure!(is_injected(&pod), "not injected: {pod}");
    }
    Ok(())
}

/// What somebody deletes comes back; what somebody changes is as it was.
pub fn what_is_made_is_kept(cluster: &Cluster) -> Result<()> {
    let namespace = labelled(cluster, "controller-kept")?;
    namespace.apply(SERVERS)?;
    all_there(&namespace)?;
    for (kind, name) in MADE {
        namespace.run(&["delete", kind, name, "--wait=false"])?;
    }
    all_there(&namespace)?;
    let patch = json!({"spec": {"publishNotReadyAddresses": false}}).to_string();
    namespace.run(&["patch", "service", "dkron-peers", "--type=merge", "-p", &patch])?;
    wait_until("the Service as it was", CONTROLLERS_ACT_WITHIN, || {
        let service = namespace.get("service", "dkron-peers")?;
        Ok((service["spec"]["publishNotReadyAddresses"] == true).then_some(()))
    })
}

/// Services and budgets of people stay as they are; a Service that cannot work is told on the set, with the reason.
pub fn what_people_made_is_left_alone(cluster: &Cluster) -> Result<()> {
    let namespace = labelled(cluster, "controller-theirs")?;
    namespace.apply(
        "apiVersion: v1\nkind: Service\nmetadata: {name: dkron-peers}\nspec: {selector: {app: other}, ports: [{port: 80}]}\n---\n\
         apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: theirs}\nspec: {minAvailable: 2, selector: {matchLabels: {app: dkron}}}\n",
    )?;
    let before = namespace.get("service", "dkron-peers")?;
    namespace.apply(SERVERS)?;
    namespace.pods("dkron", 3)?;
    there(&namespace, "service", "dkron-leader")?;
    let told = wait_until("a warning on the set", CONTROLLERS_ACT_WITHIN, || {
        let described = namespace.run(&["describe", "statefulset", "dkron"])?.stdout;
        Ok(described.contains("ServiceCannotWork").then_some(described))
    })?;
    for reason in ["not headless", "publishNotReadyAddresses: true", "asks for app=other"] {
        ensure!(told.contains(reason), "{reason} is not told: {told}");
    }
    ensure!(namespace.get("service", "dkron-peers")? == before, "somebody's Service was changed");
    ensure!(
        namespace.kubectl.find("poddisruptionbudget", &namespace.name, "dkron")?.is_none(),
        "two budgets for a pod"
    );
    Ok(())
}

/// Opted out, a namespace keeps everything while dkron lives there, and has nothing of ours afterwards.
pub fn nothing_is_left_behind(cluster: &Cluster) -> Result<()> {
    let namespace = labelled(cluster, "controller-left")?;
    namespace.apply(SERVERS)?;
    namespace.apply("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: theirs}\n")?;
    namespace.pods("dkron", 3)?;
    all_there(&namespace)?;
    namespace.opt_out()?;
    std::thread::sleep(NOTHING_HAPPENS_FOR);
    for (kind, name) in MADE {
        namespace.get(kind, name).context("while servers live there")?;
    }
    namespace.run(&["delete", "statefulset", "dkron"])?;
    let ours = format!("{MANAGED_BY}={CONTROLLER}");
    wait_until("everything of ours to go", CONTROLLERS_ACT_WITHIN, || {
        let kinds = "serviceaccounts,rolebindings,services,poddisruptionbudgets";
        let left = namespace.run(&["get", kinds, "-l", &ours, "-o", "name"])?.stdout;
        Ok(left.trim().is_empty().then_some(()))
    })?;
    namespace.get("serviceaccount", "theirs")?;
    Ok(())
}

/// Once, and until it is injected; nothing of it is touched.
pub fn a_set_from_before_is_told_how_it_is_injected(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.namespace("controller-before", &[])?;
    namespace.apply(SERVERS)?;
    namespace.apply(
        &servers_called("opted-out").replace("      labels: {app", "      labels: {dkron-ha.io/inject: 'false', app"),
    )?;
    namespace.opt_in()?;
    let told = wait_until("a warning on the set", CONTROLLERS_ACT_WITHIN, || {
        let events = namespace.run(&["get", "events", "--field-selector=reason=NotInjected", "-o", "json"])?.json()?;
        Ok(events["items"].as_array().filter(|events| !events.is_empty()).cloned())
    })?;
    namespace.run(&["annotate", "namespace", &namespace.name, "example.com/look=again"])?;
    std::thread::sleep(NOTHING_HAPPENS_FOR);
    let again = namespace.run(&["get", "events", "--field-selector=reason=NotInjected", "-o", "json"])?.json()?;
    ensure!(again["items"] == Value::Array(told.clone()) && told.len() == 1, "not told once: {again}");
    ensure!(
        told[0]["message"].as_str().is_some_and(|note| note.contains("rollout restart statefulset/dkron")),
        "{told:?}"
    );
    Ok(())
}

/// Two replicas: one holds the lease; when it goes the other acts at once, since the lease is given back.
pub fn one_replica_acts_at_a_time(cluster: &Cluster) -> Result<()> {
    let first = holder(cluster)?;
    let installation = cluster.installation();
    let second = Webhook::start(&installation.certificates, &installation.kubeconfig)?;
    std::thread::sleep(NOTHING_HAPPENS_FOR);
    ensure!(holder(cluster)? == first, "the lease was taken away");
    let took = cluster.webhook().while_down(|| {
        let gone = Instant::now();
        wait_until("the other replica to be the controller", CONTROLLERS_ACT_WITHIN, || {
            Ok((holder(cluster)? != first).then_some(()))
        })?;
        let namespace = cluster.namespace("controller-second", &[(INJECTION, INJECTION_ENABLED)])?;
        there(&namespace, "serviceaccount", SERVER_ACCOUNT)?;
        Ok(gone.elapsed())
    })?;
    drop(second);
    cluster.note(format!("another replica is the controller {:.2} s after the first has ended", took.as_secs_f64()));
    Ok(())
}

/// A namespace with its label and nothing else.
fn labelled(cluster: &Cluster, stem: &str) -> Result<Namespace> {
    let namespace = cluster.namespace(stem, &[(INJECTION, INJECTION_ENABLED)])?;
    there(&namespace, "serviceaccount", SERVER_ACCOUNT)?;
    namespace.wait_until_opted_in()?;
    Ok(namespace)
}

fn all_there(namespace: &Namespace) -> Result<()> {
    MADE.iter().try_for_each(|(kind, name)| there(namespace, kind, name).map(drop))
}

/// Waits until it is there, made by the controller, and not on its way out.
fn there(namespace: &Namespace, kind: &str, name: &str) -> Result<Value> {
    wait_until(&format!("{kind} {name}"), CONTROLLERS_ACT_WITHIN, || {
        let found = namespace.kubectl.find(kind, &namespace.name, name)?;
        let stays = |object: &Value| {
            let meta = &object["metadata"];
            meta["deletionTimestamp"].is_null() && meta["labels"][MANAGED_BY] == CONTROLLER
        };
        Ok(found.filter(stays))
    })
}

fn holder(cluster: &Cluster) -> Result<Value> {
    Ok(cluster.kubectl().get_json("lease", INSTALLATION, INSTALLATION)?["spec"]["holderIdentity"].clone())
}
