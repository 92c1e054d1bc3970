//! The machine that the node believes it is on: network and directories of the namespaces that this program lives in. Nothing of
//! it is seen outside, and it goes with them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::addresses::{NODE_PREFIX, SERVICES};

/// In memory, and unseen from outside: what would be in the machine's `/run`, and everything that the node stores.
const RUN: &str = "/run";

/// Everything of the node.
const STATE: &str = "/run/tier";

/// Settings of the whole kernel that the kubelet wants so and would change: it is shown files instead.
const WANTED: [(&str, &str); 5] = [
    ("vm/overcommit_memory", "1"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// Makes it, and gives the directory of everything.
pub fn make() -> Result<PathBuf> {
    run("mount", &["-t", "tmpfs", "-o", "mode=0755,size=8G", "tmpfs", RUN])?;
    let state = PathBuf::from(STATE);
    for directory in ["sysctl", "files", "volumes", "kubelet", "etcd", "containerd", "cni", "home"] {
        fs::create_dir_all(state.join(directory)).with_context(|| format!("making {directory}"))?;
    }
    for (name, value) in WANTED {
        let file = state.join("sysctl").join(name.replace('/', "."));
        fs::write(&file, value).context("writing what stands for a setting of the kernel")?;
        run("mount", &["--bind", &file.to_string_lossy(), &format!("/proc/sys/{name}")])?;
    }
    network()?;
    Ok(state)
}

/// The node's address is on one end of a pair that leads nowhere: not every kernel has dummy interfaces.
fn network() -> Result<()> {
    for command in [
        "link set lo up",
        "link add node type veth peer name nowhere",
        &format!("address add {NODE_PREFIX} dev node"),
        "link set nowhere up",
        "link set node up",
        // A process of the node finds Services, whose addresses kube-proxy replaces on the way out.
        &format!("route add {SERVICES} dev node"),
    ] {
        run("ip", &command.split(' ').collect::<Vec<_>>())?;
    }
    for (name, value) in
        [("ipv4/ip_forward", "1"), ("bridge/bridge-nf-call-iptables", "1"), ("ipv4/conf/all/rp_filter", "0")]
    {
        let setting = Path::new("/proc/sys/net").join(name);
        fs::write(&setting, value).with_context(|| format!("writing {}", setting.display()))?;
    }
    Ok(())
}

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program).args(arguments).output().with_context(|| format!("running {program}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {}: {}", arguments.join(" "), told.trim());
    Ok(())
}
