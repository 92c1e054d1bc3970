//! A node, and the control plane on it.
//!
//! | module | what it is |
//! | --- | --- |
//! | `place`, `addresses` | the machine that it believes to be on |
//! | `traces` | what it leaves outside, and who removes that |
//! | `credentials`, `settings`, `components` | files and command lines |

pub mod addresses;
mod components;
mod credentials;
mod place;
mod settings;
mod traces;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};

use crate::images::{self, Image};
use crate::kubernetes::command;
use crate::kubernetes::kubectl::Kubectl;
use crate::kubernetes::process::Process;
use crate::kubernetes::stopwatch::Stopwatch;
use crate::kubernetes::wait::{Overdue, wait_until};
use crate::parts::Parts;

pub use traces::{Traces, VARIABLE as CGROUP_VARIABLE};

use addresses::{DNS_SERVICE, NODE};
use credentials::Credentials;
use settings::Settings;

/// What the node is called.
pub const NAME: &str = "node";

/// Storage of pods: directories of the node, made beforehand.
pub const STORAGE_CLASS: &str = "local";

/// More than all scenarios claim together.
const VOLUMES: usize = 100;

const READY_WITHIN: Duration = Duration::from_secs(120);

/// Long enough for any program here to end by itself.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// Logs stay there after a run, until the next one.
pub const LOGS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/cluster-logs");

/// Runs while it lives; whatever of it outlives its processes ends with the namespaces.
pub struct Node {
    processes: Mutex<BTreeMap<&'static str, Process>>,
    parts: Parts,
    state: PathBuf,
    credentials: Credentials,
    settings: Settings,
    kubectl: Kubectl,
    /// How long the start took, stage by stage.
    pub start_up: String,
}

impl Node {
    /// Afterwards pods with these images run in the namespace `default`.
    pub fn start(parts: &Parts, images: &[Image]) -> Result<Self> {
        let mut stopwatch = Stopwatch::start();
        empty_logs()?;
        let state = place::make().context("making a place for the node")?;
        let cgroup = std::env::var(CGROUP_VARIABLE).context("nobody made control groups")?;
        let credentials = Credentials::write(&state.join("files"))?;
        let settings = Settings::write(&state, &credentials, &cgroup)?;
        let kubectl = Kubectl::new(parts.kubernetes("kubectl"), credentials.kubeconfig("admin"), state.join("home"));
        let mut node = Self {
            processes: Mutex::default(),
            parts: parts.clone(),
            state,
            credentials,
            settings,
            kubectl,
            start_up: String::new(),
        };
        stopwatch.lap("place");
        for component in ["containerd", "etcd", "kube-apiserver"] {
            node.start_component(component)?;
        }
        node.wait_for_containerd()?;
        for image in [images::pause(&node.state)?].iter().chain(images) {
            node.ctr(&["images", "import", &image.tar.to_string_lossy()])?;
        }
        stopwatch.lap("images");
        node.wait_for_api_server()?;
        stopwatch.lap("control plane");
        for component in ["kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns"] {
            node.start_component(component)?;
        }
        node.kubectl.apply(&node.objects()?.to_string(), &[])?.ok()?;
        node.wait("the node to be ready", || node.is_ready())?;
        node.wait("the default service account", || {
            Ok(node.kubectl.find("serviceaccount", "default", "default")?.is_some())
        })?;
        node.wait("CoreDNS to be ready", || Ok(listens((Ipv4Addr::LOCALHOST, 8181))))?;
        stopwatch.lap("node");
        node.start_up = stopwatch.to_string();
        Ok(node)
    }

    /// An administrator's, in the namespace `default`.
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// Starts a component by name.
    pub fn start_component(&self, name: &'static str) -> Result<()> {
        let (program, arguments) = self.command_line(name)?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let process = Process::start(name, &program, &arguments, &[("PATH", OsStr::new(&path))], Path::new(LOGS))?;
        self.processes().insert(name, process);
        Ok(())
    }

    /// Ends one in good order.
    pub fn stop_component(&self, name: &'static str) -> Result<()> {
        let process = self.processes().remove(name).with_context(|| format!("no {name} runs"))?;
        process.terminate(ENDS_WITHIN)?;
        Ok(())
    }

    /// Ends one at once.
    pub fn kill_component(&self, name: &'static str) -> Result<()> {
        drop(self.processes().remove(name).with_context(|| format!("no {name} runs"))?);
        Ok(())
    }

    /// Kills every container of a namespace, at once.
    pub fn kill_pods(&self, namespace: &str) -> Result<()> {
        let of_namespace = format!("labels.\"io.kubernetes.pod.namespace\"=={namespace}");
        for container in self.ctr(&["containers", "ls", "--quiet", &of_namespace])?.split_whitespace() {
            // It may have ended by itself.
            let _ = self.ctr(&["tasks", "kill", "--all", "--signal=SIGKILL", container]);
        }
        Ok(())
    }

    /// As if the power had failed for a moment: every container is gone, and the kubelet finds out.
    pub fn reboot(&self) -> Result<()> {
        self.stop_component("kubelet")?;
        for container in self.ctr(&["tasks", "ls", "--quiet"])?.split_whitespace() {
            // It may have ended by itself, when the one that held its namespaces did.
            let _ = self.ctr(&["tasks", "kill", "--all", "--signal=SIGKILL", container]);
        }
        self.stop_component("containerd")?;
        self.start_component("containerd")?;
        self.wait_for_containerd()?;
        self.start_component("kubelet")?;
        self.wait("the node to be ready", || self.is_ready())
    }

    /// Waits until the API server answers again.
    pub fn wait_for_api_server(&self) -> Result<()> {
        self.wait("kube-apiserver to be ready", || {
            Ok(self.kubectl.run(&["get", "--raw=/readyz"], None)?.status.success())
        })
    }

    fn wait_for_containerd(&self) -> Result<()> {
        self.wait("containerd to answer", || Ok(self.ctr(&["version"]).is_ok()))
    }

    /// Gives an image another name beside its own.
    pub fn tag(&self, image: &str, other: &str) -> Result<()> {
        let full = |name: &str| format!("docker.io/library/{name}");
        self.ctr(&["images", "tag", &full(image), &full(other)]).map(drop)
    }

    fn command_line(&self, name: &str) -> Result<(PathBuf, Vec<String>)> {
        let arguments = match name {
            "containerd" => return Ok((name.into(), components::containerd(&self.settings))),
            "etcd" => components::etcd(&self.state),
            "kube-apiserver" => components::api_server(&self.credentials),
            "kube-controller-manager" => components::controller_manager(&self.state, &self.credentials),
            "kube-scheduler" => components::scheduler(&self.credentials),
            "kubelet" => components::kubelet(&self.state, &self.settings, &self.credentials),
            "kube-proxy" => components::proxy(&self.settings),
            "coredns" => components::coredns(&self.settings),
            other => return Err(anyhow!("no component {other}")),
        };
        Ok((self.parts.kubernetes(name), arguments))
    }

    /// Name service, storage.
    fn objects(&self) -> Result<Value> {
        let ports =
            json!([{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]);
        let mut items = vec![
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kube-dns", "namespace": "kube-system"},
                "spec": {"clusterIP": DNS_SERVICE, "ports": ports}}),
            json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "ports": ports,
                "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": {"kubernetes.io/service-name": "kube-dns"}},
                "endpoints": [{"addresses": [NODE], "conditions": {"ready": true}}]}),
            json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "kubernetes.io/no-provisioner",
                "volumeBindingMode": "WaitForFirstConsumer",
                "metadata": {"name": STORAGE_CLASS, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}),
        ];
        for number in 0..VOLUMES {
            let path = self.state.join("volumes").join(number.to_string());
            fs::create_dir_all(&path).context("making a volume")?;
            let here = json!([{"key": "kubernetes.io/hostname", "operator": "In", "values": [NAME]}]);
            items.push(json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("volume-{number}")},
                "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": STORAGE_CLASS,
                    "local": {"path": path}, "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": here}]}}}}));
        }
        Ok(json!({"apiVersion": "v1", "kind": "List", "items": items}))
    }

    fn is_ready(&self) -> Result<bool> {
        let Some(node) = self.kubectl.find("node", "", NAME)? else { return Ok(false) };
        let conditions = node["status"]["conditions"].as_array().into_iter().flatten();
        let ready = conditions.into_iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
        Ok(ready && node["spec"]["taints"].is_null())
    }

    /// containerd's own client, in the namespace of the kubelet's containers.
    fn ctr(&self, arguments: &[&str]) -> Result<String> {
        let socket = self.settings.socket.to_string_lossy();
        let mut ctr = Command::new("ctr");
        ctr.args(["--address", &socket, "--namespace", "k8s.io"]).args(arguments);
        Ok(command::run(&mut ctr, "", format!("ctr {}", arguments.join(" ")))?.ok()?.stdout)
    }

    /// Waits as long as all processes live.
    fn wait(&self, what: &str, mut come: impl FnMut() -> Result<bool>) -> Result<()> {
        let waited = wait_until(what, READY_WITHIN, || {
            self.processes().values_mut().try_for_each(Process::check)?;
            Ok(come()?.then_some(()))
        });
        waited.map_err(|error| {
            if !error.is::<Overdue>() {
                return error;
            }
            let stories: String = self.processes().values().map(Process::story).collect();
            anyhow!("{error}\n{stories}")
        })
    }

    fn processes(&self) -> MutexGuard<'_, BTreeMap<&'static str, Process>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn empty_logs() -> Result<()> {
    match fs::remove_dir_all(LOGS) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(LOGS),
    }
    .with_context(|| format!("emptying {LOGS}"))
}

fn listens(at: impl Into<SocketAddr>) -> bool {
    TcpStream::connect_timeout(&at.into(), Duration::from_secs(1)).is_ok()
}
