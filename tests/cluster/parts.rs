//! What the tier is built of, found by `tests/cluster/run`: programs and images.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::process::getuid;

/// Programs of the distribution that make a node.
const TOOLS: [(&str, &str); 6] = [
    ("containerd", "--version"),
    ("ctr", "--version"),
    ("runc", "--version"),
    ("iptables", "--version"),
    ("ip", "-V"),
    ("tar", "--version"),
];

/// Where Debian puts the CNI plugins.
pub const CNI: &str = "/usr/lib/cni";

/// Where Debian puts the static busybox.
pub const BUSYBOX: &str = "/bin/busybox";

/// Paths.
#[derive(Clone)]
pub struct Parts {
    kubernetes: PathBuf,
    /// `dkron-ha` as it is shipped, to be called from outside the cluster.
    pub dkron_ha: PathBuf,
    /// The image with it, OCI layout in a tar file.
    pub image: PathBuf,
    /// dkron: real, or the project's stand-in.
    pub dkron: PathBuf,
    /// Whether it is real.
    pub real: bool,
}

impl Parts {
    /// As `tests/cluster/run` says; an error names what it did not say.
    pub fn from_environment() -> Result<Self> {
        let path = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let said = |name| path(name).with_context(|| format!("{name} is not set: run tests/cluster/run"));
        let real = path("DKRON_BIN");
        Ok(Self {
            kubernetes: said("KUBE_ASSETS")?,
            dkron_ha: said("DKRON_HA_PROGRAM")?,
            image: said("DKRON_HA_IMAGE_TAR")?,
            real: real.is_some(),
            dkron: real.map_or_else(|| said("DKRON_STANDIN"), Ok)?,
        })
    }

    /// Whether a node can be made of them here.
    pub fn check(&self) -> Result<()> {
        ensure!(getuid().is_root(), "containers need root");
        for (tool, question) in TOOLS {
            let asked = Command::new(tool).arg(question).stdout(Stdio::null()).stderr(Stdio::null()).status();
            ensure!(asked.is_ok_and(|status| status.success()), "the program `{tool}` is missing");
        }
        for file in [&self.dkron_ha, &self.image, &self.dkron, Path::new(BUSYBOX), &Path::new(CNI).join("bridge")] {
            ensure!(file.is_file(), "{} is missing", file.display());
        }
        Ok(())
    }

    /// One of Kubernetes' own commands, etcd or `CoreDNS`.
    pub fn kubernetes(&self, name: &str) -> PathBuf {
        self.kubernetes.join(name)
    }

    /// What each says of itself, a line each: which real versions a run used.
    pub fn versions(&self) -> Vec<String> {
        let kubernetes =
            ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "etcd"];
        let asked = kubernetes.iter().map(|name| (self.kubernetes(name), "--version"));
        let asked = asked.chain([
            (self.kubernetes("coredns"), "-version"),
            (PathBuf::from("containerd"), "--version"),
            (PathBuf::from("runc"), "--version"),
            (self.dkron_ha.clone(), "--version"),
            (self.dkron.clone(), "version"),
        ]);
        asked.map(|(program, question)| version(&program, question)).collect()
    }
}

fn version(program: &Path, question: &str) -> String {
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match Command::new(program).arg(question).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let line =
                said.lines().find(|line| line.to_lowercase().contains("version")).or_else(|| said.lines().next());
            format!("{name}: {}", line.unwrap_or_default())
        }
        Err(error) => format!("{name}: {error}"),
    }
}
