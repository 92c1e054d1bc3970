//! What of a pod outlives its container: network, hostname, names.

use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::network::{Link, Network};

/// Prepares the namespaces and then holds them. $1 hostname, $2 hosts file, $3 resolv.conf.
const SCRIPT: &str = "set -e
printf %s \"$1\" > /proc/sys/kernel/hostname
mount --bind \"$2\" /etc/hosts
mount --bind \"$3\" /etc/resolv.conf
ip link set lo up
echo ready
exec sleep infinity";

/// A network, a mount and a UTS namespace, held by a process that sleeps; gone when dropped.
pub struct Sandbox {
    holder: Child,
    link: Option<Link>,
}

impl Sandbox {
    /// Builds one with an address of its own.
    pub fn build(hostname: &str, hosts: &Path, resolv_conf: &Path, network: &Network) -> Result<Self> {
        let mut holder = Command::new("unshare")
            .args(["--net", "--uts", "--mount", "--propagation", "private", "--", "sh", "-c", SCRIPT, "sh", hostname])
            .args([hosts, resolv_conf])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the sandbox of a pod")?;
        let output = holder.stdout.take().context("output of the sandbox")?;
        let mut sandbox = Self { holder, link: None };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).context("reading from the sandbox")?;
        ensure!(line == "ready\n", "the sandbox of {hostname} could not be prepared");
        sandbox.link = Some(network.plug(sandbox.pid())?);
        Ok(sandbox)
    }

    /// The process that holds the namespaces.
    pub fn pid(&self) -> u32 {
        self.holder.id()
    }

    /// Address of the pod.
    pub fn address(&self) -> Ipv4Addr {
        self.link.as_ref().map_or(Ipv4Addr::UNSPECIFIED, |link| link.address)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.link = None;
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
