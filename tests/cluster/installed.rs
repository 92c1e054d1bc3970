//! The node with dkron-ha on it, installed as its README says.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use dkron_ha::contract::label::{INJECTION, INJECTION_ENABLED};
use dkron_ha::contract::object::INSTALLATION;
use serde_json::{Value, json};

use crate::images;
use crate::kubernetes::command::{self, Output};
use crate::kubernetes::kubectl::Kubectl;
use crate::kubernetes::wait::wait_until;
use crate::node::Node;
use crate::parts::Parts;

/// Longest until a Deployment of two replicas is what it should be, with an authority that is made only then.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// Kinds that change on a cluster where nobody does anything.
const IN_MOTION: [&str; 5] = ["events", "leases", "componentstatuses", "endpoints", "ipaddresses"];

/// One for all scenarios of a run; they keep apart by namespaces.
pub struct Cluster {
    pub node: Node,
    pub parts: Parts,
    /// From `kubectl apply` to the second ready replica.
    pub installed_in: Duration,
    /// What was there before it was installed.
    found: BTreeSet<String>,
    namespaces: AtomicUsize,
    /// Those of the scenarios that run, each in a thread of its own.
    open: Mutex<BTreeMap<String, ThreadId>>,
}

impl Cluster {
    /// Starts the node and installs.
    pub fn start(parts: &Parts) -> Result<Self> {
        let work = tempfile::Builder::new().prefix("dkron-ha-images-").tempdir()?;
        let node = Node::start(parts, &[images::dkron_ha(parts), images::dkron(parts, work.path())?])?;
        let mut cluster = Self {
            node,
            parts: parts.clone(),
            installed_in: Duration::ZERO,
            found: BTreeSet::new(),
            namespaces: AtomicUsize::default(),
            open: Mutex::default(),
        };
        cluster.node.tag(images::DKRON_HA, images::DKRON_HA_NEXT)?;
        cluster.found = cluster.objects()?;
        let begun = Instant::now();
        cluster.install(images::DKRON_HA).context("installing dkron-ha")?;
        cluster.installed_in = begun.elapsed();
        Ok(cluster)
    }

    /// `dkron-ha manifests --image IMAGE | kubectl apply -f -`, and waits until all of it is rolled out.
    pub fn install(&self, image: &str) -> Result<()> {
        self.kubectl().apply(&self.manifests(image)?, &[])?.ok()?;
        self.until_rolled_out()
    }

    /// What `dkron-ha manifests` prints.
    pub fn manifests(&self, image: &str) -> Result<String> {
        Ok(self.dkron_ha(&["manifests", "--image", image])?.stdout)
    }

    /// Waits until every replica of the webhook is of its newest revision and ready.
    pub fn until_rolled_out(&self) -> Result<()> {
        wait_until("the webhook to be rolled out", READY_WITHIN, || {
            let deployment = self.kubectl().get_json("deployment", INSTALLATION, INSTALLATION)?;
            let (status, wanted) = (&deployment["status"], &deployment["spec"]["replicas"]);
            let all = ["updatedReplicas", "readyReplicas", "replicas"].iter().all(|field| &status[*field] == wanted);
            Ok((all && status["observedGeneration"] == deployment["metadata"]["generation"]).then_some(()))
        })?;
        // kube-proxy hears of the first replica up to a second after it is ready.
        let service = self.kubectl().get_json("service", INSTALLATION, INSTALLATION)?;
        let address: Ipv4Addr = service["spec"]["clusterIP"].as_str().context("no address")?.parse()?;
        wait_until("the webhook's Service to lead somewhere", READY_WITHIN, || {
            Ok(TcpStream::connect_timeout(&(address, 443).into(), Duration::from_secs(1)).ok())
        })?;
        Ok(())
    }

    /// Ends replicas that are on their way out at once, and waits until they are gone. In good order that takes as long as API servers
    /// keep idle connections: a minute and a half.
    pub fn end_replicas(&self) -> Result<()> {
        let pods = || self.kubectl().list_json("pods", INSTALLATION);
        wait_until("the webhook to be on its way out", READY_WITHIN, || {
            Ok(pods()?.iter().all(|pod| !pod["metadata"]["deletionTimestamp"].is_null()).then_some(()))
        })?;
        self.node.kill_pods(INSTALLATION)?;
        wait_until("the webhook to be gone", READY_WITHIN, || Ok(pods()?.is_empty().then_some(())))
    }

    /// Names of everything that is stored, but for what is in motion by itself and what scenarios made.
    pub fn objects(&self) -> Result<BTreeSet<String>> {
        let kinds = self.kubectl().run(&["api-resources", "--verbs=list", "-o=name"], None)?.ok()?.stdout;
        let kinds: Vec<_> =
            kinds.lines().filter(|kind| !IN_MOTION.iter().any(|moving| kind.starts_with(moving))).collect();
        let columns = "-o=custom-columns=NAMESPACE:.metadata.namespace,KIND:.kind,NAME:.metadata.name";
        let all =
            self.kubectl().run(&["get", &kinds.join(","), "--all-namespaces", "--no-headers", columns], None)?.ok()?;
        let all = all.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        Ok(all.filter(|line| !is_of_a_scenario(line)).collect())
    }

    /// What [`Self::objects`] was before dkron-ha was installed.
    pub fn found(&self) -> &BTreeSet<String> {
        &self.found
    }

    /// Runs the program as it is shipped, outside the cluster.
    pub fn dkron_ha(&self, arguments: &[&str]) -> Result<Output> {
        let title = format!("dkron-ha {}", arguments.join(" "));
        command::run(Command::new(&self.parts.dkron_ha).args(arguments).env_clear(), "", title)?.ok()
    }

    pub fn kubectl(&self) -> &Kubectl {
        self.node.kubectl()
    }

    /// A name for a namespace that the scenario makes itself; it is deleted after it.
    pub fn name(&self, stem: &str) -> String {
        let name = format!("{stem}-{}", self.namespaces.fetch_add(1, Ordering::Relaxed));
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), thread::current().id());
        name
    }

    /// The manifest of a namespace that is opted in, with more labels.
    pub fn opted_in(name: &str, labels: &[(&str, &str)]) -> Value {
        let labels: BTreeMap<_, _> = [(INJECTION, INJECTION_ENABLED)].iter().chain(labels).copied().collect();
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    }

    /// Which image a server would get now, in a namespace that is new; a person asks until the answer is yes.
    pub fn installer(&self) -> Result<String> {
        let namespace = self.name("probe");
        let kubectl = self.kubectl().in_namespace(&namespace)?;
        // Kubernetes' own controllers make that account, at the same moment or, after an outage, a minute and more later.
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}});
        kubectl.apply(&format!("{}\n---\n{account}", Self::opted_in(&namespace, &[])), &["--server-side"])?.ok()?;
        let container = json!({"name": "dkron", "image": images::DKRON, "args": ["agent", "--server"]});
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": {"containers": [container]}});
        let answer = wait_until("a pod to be admitted", READY_WITHIN, || {
            let answer = kubectl.run(&["create", "--dry-run=server", "-o=json", "-f=-"], Some(&pod.to_string()))?;
            Ok(answer.status.success().then_some(answer))
        })?;
        let image = answer.json()?["spec"]["initContainers"][0]["image"].as_str().map(str::to_owned);
        image.context("a pod without an installer")
    }

    /// Names of the present scenario's namespaces.
    pub fn namespaces(&self) -> Vec<String> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let own = thread::current().id();
        open.iter().filter(|(_, thread)| **thread == own).map(|(name, _)| name.clone()).collect()
    }

    /// Takes away what the present scenario made, and waits for nothing.
    pub fn clear(&self) {
        for name in self.namespaces() {
            self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
            // What is left takes memory, and nothing else.
            let _ = self.kubectl().run(&["delete", "namespace", &name, "--wait=false", "--ignore-not-found"], None);
            let _ =
                self.kubectl().run(&["delete", "pods", "--all", "-n", &name, "--grace-period=1", "--wait=false"], None);
        }
    }
}

/// Namespaces of scenarios end in a number, and so do their volumes.
fn is_of_a_scenario(line: &str) -> bool {
    let numbered = |word: &str| word.rsplit_once('-').is_some_and(|(_, number)| number.parse::<usize>().is_ok());
    let words: Vec<&str> = line.split(' ').collect();
    let [namespace, kind, name] = words[..] else { return false };
    numbered(namespace) || ["Namespace", "PersistentVolume"].contains(&kind) && numbered(name)
}
