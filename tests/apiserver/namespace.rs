//! A fresh namespace: what a scenario does there, and looks at.

use anyhow::{Context, Result, bail};
use dkron_ha::contract::label::{INJECTION, INJECTION_ENABLED};
use serde_json::{Value, json};

use crate::cluster::CONTROLLERS_ACT_WITHIN;
use crate::command::Output;
use crate::kubectl::Kubectl;
use crate::look::is_injected;
use crate::wait::wait_until;

/// Has its `default` service account.
pub struct Namespace {
    pub name: String,
    /// An administrator's whose default namespace this is.
    pub kubectl: Kubectl,
}

impl Namespace {
    /// `kubectl` with these arguments, which has to end with 0.
    pub fn run(&self, arguments: &[&str]) -> Result<Output> {
        self.kubectl.run(arguments, None)?.ok()
    }

    /// `kubectl apply -f -`, which has to end with 0.
    pub fn apply(&self, manifest: &str) -> Result<Output> {
        self.kubectl.apply(manifest, &[])?.ok()
    }

    /// A stored object.
    pub fn get(&self, kind: &str, name: &str) -> Result<Value> {
        self.kubectl.get_json(kind, &self.name, name)
    }

    /// Waits until the namespace has exactly this many pods of the app, none of them on its way out.
    pub fn pods(&self, app: &str, count: usize) -> Result<Vec<Value>> {
        let mut last = Vec::new();
        let pods = wait_until(&format!("{count} pods of {app}"), CONTROLLERS_ACT_WITHIN, || {
            let mut pods = self.kubectl.list_json("pods", &self.name)?;
            pods.retain(|pod| pod["metadata"]["labels"]["app"] == app);
            let settled = pods.iter().all(|pod| pod["metadata"]["deletionTimestamp"].is_null());
            last = pods.iter().map(|pod| pod["metadata"]["name"].to_string()).collect();
            Ok((settled && pods.len() == count).then_some(pods))
        });
        pods.with_context(|| format!("the pods there are: {last:?}"))
    }

    /// The set once its controller has acted on all of it.
    pub fn observed_set(&self, name: &str) -> Result<Value> {
        wait_until("the controller to see the set", CONTROLLERS_ACT_WITHIN, || {
            let set = self.get("statefulset", name)?;
            Ok((set["status"]["observedGeneration"] == set["metadata"]["generation"]).then_some(set))
        })
    }

    /// How many templates the set has had. Its controller must have seen it: see [`Self::observed_set`].
    pub fn revisions(&self, set: &Value) -> Result<usize> {
        let uid = &set["metadata"]["uid"];
        let all = self.kubectl.list_json("controllerrevisions", &self.name)?;
        Ok(all.iter().filter(|revision| &revision["metadata"]["ownerReferences"][0]["uid"] == uid).count())
    }

    /// Labels the namespace for injection and waits until the API server knows.
    pub fn opt_in(&self) -> Result<()> {
        self.run(&["label", "namespace", &self.name, &format!("{INJECTION}={INJECTION_ENABLED}")])?;
        self.wait_until_opted_in()
    }

    /// Takes the label off and waits until the API server knows.
    pub fn opt_out(&self) -> Result<()> {
        self.run(&["label", "namespace", &self.name, &format!("{INJECTION}-")])?;
        self.wait_until_probe(false)
    }

    /// A namespace's labels and a registration come to the API server's webhooks by a watch.
    pub fn wait_until_opted_in(&self) -> Result<()> {
        self.wait_until_probe(true)
    }

    /// Waits until dkron pods are refused, with these words.
    pub fn wait_until_refused(&self, words: &str) -> Result<()> {
        wait_until(&format!("pods to be refused: {words}"), CONTROLLERS_ACT_WITHIN, || {
            let answer = self.probe()?;
            Ok((!answer.status.success() && answer.stderr.contains(words)).then_some(()))
        })
    }

    /// What the API server would do with a server.
    fn probe(&self) -> Result<Output> {
        let container = json!({"name": "dkron", "image": "dkron/dkron", "args": ["agent", "--server"]});
        let probe = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": {"containers": [container]}});
        self.kubectl.run(&["create", "--dry-run=server", "-o=json", "-f=-"], Some(&probe.to_string()))
    }

    fn wait_until_probe(&self, injected: bool) -> Result<()> {
        let mut last = String::new();
        let waited = wait_until("pods to be sent as the namespace says", CONTROLLERS_ACT_WITHIN, || {
            let answer = self.probe()?;
            if !answer.status.success() {
                last = answer.to_string();
                return Ok(None);
            }
            Ok((is_injected(&answer.json()?) == injected).then_some(()))
        });
        match waited {
            Err(error) if !last.is_empty() => bail!("{error}; last: {last}"),
            waited => waited,
        }
    }
}
