//! A real control plane for one run of the tier: etcd, kube-apiserver and kube-controller-manager on loopback.
//!
//! Pods are stored and controllers act on them, but nothing schedules or runs a pod.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use tempfile::TempDir;

use crate::assets::Assets;
use crate::audit::Audit;
use crate::components::{self, Files, Ports};
use crate::kubectl::Kubectl;
use crate::process::{Ended, Process};
use crate::stopwatch::Stopwatch;
use crate::wait::{Overdue, wait_until};

const READY_WITHIN: Duration = Duration::from_secs(120);

/// Each start chooses new ports.
const STARTS: usize = 3;

/// Logs stay there after a run, until the next one.
pub const LOGS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/apiserver-logs");

/// Runs while it lives; dropping it ends all processes and removes what they stored.
pub struct ControlPlane {
    processes: Vec<Process>, // before the directory, which they use
    kubectl: Kubectl,
    audit: Audit,
    versions: Vec<String>,
    start_up: String,
    directory: TempDir,
}

impl ControlPlane {
    /// Starts the commands of the directory `assets`. Afterwards pods can be created in the namespace `default`.
    pub fn start(assets: &Path) -> Result<Self> {
        empty_logs().with_context(|| format!("emptying {LOGS}"))?;
        Self::start_with(&Assets::in_directory(assets)?, Path::new(LOGS))
    }

    /// The same beside one that runs; its logs are in a folder of this name.
    pub fn start_beside(assets: &Path, name: &str) -> Result<Self> {
        let logs = Path::new(LOGS).join(name);
        fs::create_dir_all(&logs).with_context(|| logs.display().to_string())?;
        Self::start_with(&Assets::in_directory(assets)?, &logs)
    }

    fn start_with(assets: &Assets, logs: &Path) -> Result<Self> {
        for _ in 1..STARTS {
            match Self::start_once(assets, logs) {
                Err(error) if error.downcast_ref().is_some_and(Ended::for_a_taken_port) => {}
                result => return result,
            }
        }
        Self::start_once(assets, logs)
    }

    fn start_once(assets: &Assets, logs: &Path) -> Result<Self> {
        let mut stopwatch = Stopwatch::start();
        let directory = tempfile::Builder::new().prefix("dkron-ha-apiserver-").tempdir()?;
        let ports = Ports::choose()?;
        let files = Files::write(directory.path(), &ports)?;
        let audit = Audit::in_directory(directory.path())?;
        let home = directory.path().join("home");
        fs::create_dir(&home).context("making a home for kubectl")?;
        let kubectl = Kubectl::new(assets.kubectl.clone(), files.admin_kubeconfig.clone(), home);
        stopwatch.lap("files");

        let mut processes = vec![Process::start("etcd", &assets.etcd, &components::etcd(&ports, &files), &[], logs)?];
        wait_for(&mut processes, "etcd to listen", || Ok(listens(ports.etcd)))?;
        stopwatch.lap("etcd");

        let arguments = components::api_server(&ports, &files);
        processes.push(Process::start("kube-apiserver", &assets.api_server, &arguments, &[], logs)?);
        wait_for(&mut processes, "kube-apiserver to listen", || Ok(listens(ports.api_server)))?;
        wait_for(&mut processes, "kube-apiserver to be ready", || {
            Ok(kubectl.run(&["get", "--raw=/readyz"], None)?.status.success())
        })?;
        stopwatch.lap("kube-apiserver");

        let arguments = components::controller_manager(&files);
        processes.push(Process::start("kube-controller-manager", &assets.controller_manager, &arguments, &[], logs)?);
        wait_for(&mut processes, "the default service account", || {
            Ok(kubectl.find("serviceaccount", "default", "default")?.is_some())
        })?;
        stopwatch.lap("kube-controller-manager");

        let versions = assets.versions()?;
        Ok(Self { processes, kubectl, audit, versions, start_up: stopwatch.to_string(), directory })
    }

    /// An administrator's, in the namespace `default`.
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// What the API server noted of requests.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Which real versions run, a line each.
    pub fn versions(&self) -> &[String] {
        &self.versions
    }

    /// How long the start took, stage by stage.
    pub fn start_up(&self) -> &str {
        &self.start_up
    }

    /// Ends everything and removes what it stored; gives the time that took.
    pub fn stop(self) -> Result<Duration> {
        let begun = Instant::now();
        let Self { processes, directory, .. } = self;
        drop(processes);
        directory.close().context("removing the data of the control plane")?;
        Ok(begun.elapsed())
    }
}

fn empty_logs() -> io::Result<()> {
    match fs::remove_dir_all(LOGS) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(LOGS),
    }
}

/// Waits as long as all processes live: a port may answer although the process that should hold it found it taken.
fn wait_for(processes: &mut [Process], what: &str, mut come: impl FnMut() -> Result<bool>) -> Result<()> {
    let waited = wait_until(what, READY_WITHIN, || {
        processes.iter_mut().try_for_each(Process::check)?;
        Ok(come()?.then_some(()))
    });
    waited.map_err(|error| {
        if !error.is::<Overdue>() {
            return error;
        }
        let stories: String = processes.iter().map(Process::story).collect();
        anyhow!("{error}\n{stories}")
    })
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}
