//! The corpus through the real API server and through `dkron-ha inject`: both must come to the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use dkron_ha::contract::object::{AGENT_ACCOUNT, SERVER_ACCOUNT};
use dkron_ha::rehearsal::pods_of;
use serde_json::{Value, json};

use super::same_object::normal;
use crate::cluster::Cluster;
use crate::command::Output;
use crate::corpus::{self, command_for, files, objects};
use crate::difference::differences;
use crate::kubectl::Kubectl;
use crate::namespace::Namespace;
use crate::program::dkron_ha;

/// Excluded from injection by name, whatever an object's labels say: what is sent there gets the API server's defaults, and
/// nothing from the webhook.
const NEVER_INJECTED: &str = "kube-public";

/// How the objects of one file, or the pods of one workload, fared on both ways.
struct Case {
    title: String,
    /// What the API server would have stored, in order; without what was refused.
    served: Vec<Value>,
    /// What `inject` printed for the same objects, in order; without what was refused.
    injected: Vec<Value>,
}

/// Sets and pods of every file, as the API server answers them with the webhook, are what `inject` prints, after the API
/// server's defaults; and so are the pods that controllers make of every workload in the corpus. Refusals and warnings have
/// the same codes, and the webhook was asked about everything that `inject` changes: the conditions of the registration
/// miss nothing.
pub fn webhook_and_inject_agree_on_the_corpus(cluster: &Cluster) -> Result<()> {
    let namespace = cluster.opted_in("corpus")?;
    let files = files()?;
    for name in corpus::namespaces(&files)? {
        opt_in(cluster, &name)?;
    }
    let sanctuary = cluster.ensure_namespace(NEVER_INJECTED)?;
    cluster.create_accounts(NEVER_INJECTED)?;

    let (mut cases, mut faults) = (Vec::new(), Vec::new());
    for file in &files {
        match compare_file(cluster, &namespace, file) {
            Ok(case) => cases.push(case),
            Err(error) => faults.push(format!("{}: {error:#}", name_of(file))),
        }
    }
    let workloads = workloads(&files, &cases)?;
    create_accounts_of(cluster, &namespace.name, &workloads)?;
    for Workload { title, pods } in workloads {
        match compare_pods(cluster, &namespace, &pods, &title) {
            Ok(case) => cases.push(case),
            Err(error) => faults.push(format!("{title}: {error:#}")),
        }
    }
    let compared: usize = cases.iter().map(|case| case.served.len()).sum();
    cluster.note(format!("corpus: {} files and workloads, {compared} stored sets and pods compared", cases.len()));
    faults.extend(disagreements(&sanctuary.kubectl, cases)?);
    ensure!(faults.is_empty(), "{} disagreements:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn opt_in(cluster: &Cluster, name: &str) -> Result<()> {
    let namespace = cluster.ensure_namespace(name)?;
    cluster.create_accounts(name)?;
    if name.starts_with("kube-") {
        return Ok(());
    }
    namespace.opt_in()
}

/// The file itself, word for word.
fn compare_file(cluster: &Cluster, namespace: &Namespace, file: &Path) -> Result<Case> {
    let validate = command_for(file).iter().find(|word| word.starts_with("--validate")).unwrap_or(&"--validate=strict");
    let path = format!("--filename={}", file.display());
    let served = || namespace.kubectl.run(&["create", "--dry-run=server", "-o=json", validate, &path], None);
    let injected = dkron_ha(&["inject", "-n", &namespace.name, &path], "")?;
    compare(cluster, &objects(&fs::read(file)?)?, served, &injected, name_of(file))
}

fn compare_pods(cluster: &Cluster, namespace: &Namespace, pods: &[Value], title: &str) -> Result<Case> {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": pods}).to_string();
    let served = || namespace.kubectl.run(&["create", "--dry-run=server", "-o=json", "-f=-"], Some(&list));
    let injected = dkron_ha(&["inject", "-n", &namespace.name, "-f", "-"], &list)?;
    compare(cluster, pods, served, &injected, title.to_owned())
}

fn compare(
    cluster: &Cluster,
    objects: &[Value],
    served: impl FnOnce() -> Result<Output>,
    injected: &Output,
    title: String,
) -> Result<Case> {
    let (served, counts) = cluster.webhook().counting(served)?;
    let (ours, theirs) = (codes(&injected.stderr), codes(&served.stderr));
    ensure!(ours == theirs, "inject says {ours:?}, the API server {theirs:?}:\n{injected}\n{served}");
    ensure!(injected.status.success() == served.status.success(), "{injected}\n{served}");

    let before: Vec<_> = objects.iter().filter(|object| is_reviewed(object)).collect();
    let mut after = corpus::objects(injected.stdout.as_bytes())?;
    after.retain(is_reviewed);
    let refused = before.len() - after.len();
    let changed = after.iter().filter(|object| !before.contains(object)).count();
    let sent = (counts.with(&[("outcome", "patched")]), counts.with(&[("outcome", "rejected")]));
    ensure!(sent == (changed as u64, refused as u64), "inject changes {changed}, refuses {refused}; sent: {counts}");

    let mut served = served.json_stream()?;
    served.retain(is_reviewed);
    ensure!(served.len() == after.len(), "{} stored, {} injected", served.len(), after.len());
    Ok(Case { title, served, injected: after })
}

/// Sends what `inject` printed where no webhook is asked, all at once, and compares the answers.
fn disagreements(kubectl: &Kubectl, cases: Vec<Case>) -> Result<Vec<String>> {
    let items = cases.iter().flat_map(|case| &case.injected).map(|object| {
        let mut object = object.clone();
        object["metadata"]["namespace"] = NEVER_INJECTED.into();
        object
    });
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items.collect::<Vec<_>>()}).to_string();
    let command = ["create", "--dry-run=server", "-o=json", "--validate=ignore", "-f=-"];
    let defaulted = kubectl.run(&command, Some(&list))?.ok().context("what inject prints")?;
    let mut defaulted = defaulted.json_stream()?.into_iter();
    let mut faults = Vec::new();
    for case in cases {
        for served in case.served {
            let injected = defaulted.next().context("an object is missing")?;
            let found = differences(&normal(served), &normal(injected));
            if !found.is_empty() {
                faults.push(format!("{}: webhook against inject:\n  {}", case.title, found.join("\n  ")));
            }
        }
    }
    Ok(faults)
}

/// The only kinds that are ever sent.
fn is_reviewed(object: &Value) -> bool {
    matches!(
        (object["apiVersion"].as_str(), object["kind"].as_str()),
        (Some("v1"), Some("Pod")) | (Some("apps/v1"), Some("StatefulSet"))
    )
}

/// Pods that a controller would make.
struct Workload {
    title: String,
    pods: Vec<Value>,
}

/// The workloads of the corpus: sets as the API server would have stored them, stamped where they were; others as they stand
/// in the files.
fn workloads(files: &[PathBuf], cases: &[Case]) -> Result<Vec<Workload>> {
    let mut workloads = Vec::new();
    let mut add = |title: &str, workload: &Value| {
        let pods = pods(workload);
        if !pods.is_empty() {
            let (kind, name) = (&workload["kind"], &workload["metadata"]["name"]);
            workloads.push(Workload { title: format!("pods of {kind} {name} of {title}"), pods });
        }
    };
    for case in cases {
        case.served.iter().for_each(|set| add(&case.title, set));
    }
    for file in files {
        objects(&fs::read(file)?)?
            .iter()
            .filter(|object| !is_reviewed(object))
            .for_each(|one| add(&name_of(file), one));
    }
    Ok(workloads)
}

/// The first and the last pod: those between differ by their number only.
fn pods(workload: &Value) -> Vec<Value> {
    let mut pods = pods_of(workload);
    if pods.len() > 2 {
        pods.drain(1..pods.len() - 1);
    }
    for pod in &mut pods {
        pod["metadata"]["ownerReferences"][0]["uid"] = "00000000-0000-4000-8000-000000000000".into();
    }
    pods
}

/// The accounts that pods name, where they are sent.
fn create_accounts_of(cluster: &Cluster, namespace: &str, workloads: &[Workload]) -> Result<()> {
    let mut accounts = BTreeSet::new();
    for pod in workloads.iter().flat_map(|workload| &workload.pods) {
        let Some(account) = pod["spec"]["serviceAccountName"].as_str() else { continue };
        if ![SERVER_ACCOUNT, AGENT_ACCOUNT, "default"].contains(&account) {
            accounts.insert((pod["metadata"]["namespace"].as_str().unwrap_or(namespace), account));
            accounts.insert((NEVER_INJECTED, account));
        }
    }
    let item = |(namespace, name): &(&str, &str)| json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}});
    let list = json!({"apiVersion": "v1", "kind": "List", "items": accounts.iter().map(item).collect::<Vec<_>>()});
    cluster.kubectl().apply(&list.to_string(), &[])?.ok()?;
    Ok(())
}

/// Every `DKHA-nnn` in a text.
fn codes(text: &str) -> BTreeSet<&str> {
    text.match_indices("DKHA-").filter_map(|(at, _)| text.get(at..at + "DKHA-nnn".len())).collect()
}
