//! The configuration files of what has no flags for it: containerd, CNI, kubelet, kube-proxy, `CoreDNS`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use crate::images::PAUSE;
use crate::parts::CNI;

use super::NAME;
use super::addresses::{DNS_SERVICE, NODE, PODS, PODS_GATEWAY};
use super::credentials::Credentials;

/// Files.
pub struct Settings {
    pub containerd: PathBuf,
    /// Where containerd listens.
    pub socket: PathBuf,
    pub kubelet: PathBuf,
    pub proxy: PathBuf,
    pub coredns: PathBuf,
}

impl Settings {
    /// `cgroup`: below which control group pods run.
    pub fn write(state: &Path, credentials: &Credentials, cgroup: &str) -> Result<Self> {
        let files = state.join("files");
        let written = |name: &str, text: String| {
            let path = files.join(name);
            fs::write(&path, text).with_context(|| format!("writing {name}"))?;
            anyhow::Ok(path)
        };
        let socket = state.join("containerd/containerd.sock");
        written("resolv.conf", format!("nameserver {NODE}\n"))?;
        fs::create_dir_all(files.join("cni")).context("making a directory")?;
        written("cni/10-tier.conflist", cni(state))?;
        Ok(Self {
            containerd: written("containerd.toml", containerd(state, &socket))?,
            kubelet: written("kubelet.json", kubelet(state, credentials, &socket, cgroup))?,
            proxy: written("proxy.json", proxy(credentials))?,
            coredns: written("Corefile", corefile(credentials))?,
            socket,
        })
    }
}

fn containerd(state: &Path, socket: &Path) -> String {
    let (state, socket) = (state.display(), socket.display());
    format!(
        r#"version = 2
root = "{state}/containerd/root"
state = "{state}/containerd/state"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing",
]
[grpc]
  address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{state}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  stream_server_address = "127.0.0.1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI}"
    conf_dir = "{state}/files/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"#
    )
}

fn cni(state: &Path) -> String {
    let range = json!([{"subnet": PODS, "gateway": PODS_GATEWAY}]);
    json!({"cniVersion": "0.4.0", "name": "tier", "plugins": [
        {"type": "bridge", "bridge": "pods", "isGateway": true, "hairpinMode": true, "ipMasq": false, "ipam": {
            "type": "host-local", "dataDir": state.join("cni"), "ranges": [range], "routes": [{"dst": "0.0.0.0/0"}],
        }},
        {"type": "portmap", "capabilities": {"portMappings": true}},
    ]})
    .to_string()
}

fn kubelet(state: &Path, credentials: &Credentials, socket: &Path, cgroup: &str) -> String {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": false}, "x509": {"clientCAFile": credentials.authority}},
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": credentials.kubelet.certificate,
        "tlsPrivateKeyFile": credentials.kubelet.key,
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": "cluster.local",
        "resolvConf": state.join("files/resolv.conf"),
        "containerRuntimeEndpoint": format!("unix://{}", socket.display()),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{cgroup}"),
        "failCgroupV1": false,
        "failSwapOn": false,
        "enforceNodeAllocatable": [],
        // The machine is not the node's own: a full disk of it is nobody's here.
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%", "nodefs.inodesFree": "1%"},
        "imageGCHighThresholdPercent": 100,
        "maxPods": 200,
        "serializeImagePulls": false,
        "podLogsDir": state.join("kubelet/logs"),
        "volumePluginDir": state.join("kubelet/volume-plugins"),
        "oomScoreAdj": 0,
    })
    .to_string()
}

fn proxy(credentials: &Credentials) -> String {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": credentials.kubeconfig("proxy")},
        "mode": "iptables",
        "clusterCIDR": PODS,
        "hostnameOverride": NAME,
        // Tables of connections are the whole machine's.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "oomScoreAdj": 0,
    })
    .to_string()
}

fn corefile(credentials: &Credentials) -> String {
    format!(
        ".:53 {{
  bind {NODE}
  errors
  health 127.0.0.1:8085
  ready 127.0.0.1:8181
  kubernetes cluster.local in-addr.arpa ip6.arpa {{
    kubeconfig {}
    pods insecure
    ttl 5
  }}
  loadbalance
}}
",
        credentials.kubeconfig("coredns").display()
    )
}
