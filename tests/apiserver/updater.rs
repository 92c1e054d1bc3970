//! The real `dkron-ha label` of one pod: its variables, its mounted token, and the process.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use dkron_ha::contract::env;
use dkron_ha::contract::path::METRICS;

use crate::control_plane::LOGS;
use crate::http;
use crate::process::Process;
use crate::program;

/// A farewell takes 3 s at most.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// Clock ticks of `/proc`: 100 a second on every Linux that programs can see.
const TICKS: u64 = 100;

/// What a container of the pod is given.
pub struct Surroundings<'s> {
    pub pod: &'s str,
    pub namespace: &'s str,
    /// Where the API server is, on loopback.
    pub api_server: u16,
    pub dkron: u16,
    pub wrapper: u16,
    /// Holds `ca.crt` and `token`; `desired.json` comes there too.
    pub directory: &'s Path,
}

/// Killed when dropped.
pub struct Updater {
    process: Process,
    port: u16,
}

/// What `/proc` says of a process.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    pub cpu: Duration,
    /// KiB, now.
    pub resident: u32,
}

impl Updater {
    pub fn start(around: &Surroundings<'_>) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?.local_addr()?.port();
        let desired = desired_file(around.directory);
        let set: [(&str, OsString); 10] = [
            (env::POD_NAME, around.pod.into()),
            (env::STATEFULSET_NAMESPACE, around.namespace.into()),
            (env::KUBERNETES_HOST, Ipv4Addr::LOCALHOST.to_string().into()),
            (env::KUBERNETES_PORT, around.api_server.to_string().into()),
            (env::ACCOUNT, around.directory.into()),
            (env::DKRON_HTTP_PORT, around.dkron.to_string().into()),
            (env::WRAPPER_PORT, around.wrapper.to_string().into()),
            (env::LABEL_PORT, port.to_string().into()),
            (env::DESIRED, desired.into()),
            ("DKRON_HA_LOG", "info".into()),
        ];
        let set: Vec<(&str, &OsStr)> = set.iter().map(|(name, value)| (*name, value.as_os_str())).collect();
        let program = program::label_updater();
        let process = Process::start("dkron-ha-label", &program, &["label".to_owned()], &set, Path::new(LOGS))?;
        Ok(Self { process, port })
    }

    /// Status and body of a path of its own port.
    pub fn ask(&self, path: &str) -> Result<http::Answer> {
        http::get(self.port, path)
    }

    /// A counter of its metrics; 0 while it was never counted.
    pub fn counted(&self, name: &str) -> Result<f64> {
        let page = self.ask(METRICS)?.body;
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(Ok(0.0), |value| value.parse().with_context(|| format!("{name} is {value}")))
    }

    /// TERM, and its own end.
    pub fn terminate(self) -> Result<()> {
        let status = self.process.terminate(ENDS_WITHIN)?;
        ensure!(status.success(), "dkron-ha label ended with {status} after TERM");
        Ok(())
    }

    /// CPU since the start, and memory.
    pub fn usage(&self) -> Result<Usage> {
        let of =
            |file: &str| -> Result<String> { Ok(fs::read_to_string(format!("/proc/{}/{file}", self.process.id()))?) };
        let stat = of("stat")?;
        // The name of the program, in brackets, may hold spaces.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |field: usize| -> Result<u64> { Ok(fields.get(field).context("a short stat")?.parse()?) };
        let cpu = Duration::from_millis((ticks(11)? + ticks(12)?) * 1000 / TICKS);
        let status = of("status")?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let resident = resident.trim().trim_end_matches(" kB").parse()?;
        Ok(Usage { cpu, resident })
    }
}

/// What it tells the wrapper.
pub fn desired_file(directory: &Path) -> PathBuf {
    directory.join("desired.json")
}
