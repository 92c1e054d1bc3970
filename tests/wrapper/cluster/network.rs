//! The network of the pods: this process' own network namespace is the router, and each pod hangs on a link of its own.
//!
//! Each cluster has a range of addresses, and no address is used twice. Packets to the address of a pod that is gone vanish without an answer, as with those
//! networks of Kubernetes that drop them; or they are refused, as with others.

use std::fs;
use std::io::Write;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Context, Result, ensure};

use super::name_server;

/// Address of this process; those of the pods begin with the same two numbers. The namespace is the tier's own, so that nobody
/// else can use them.
pub const OWN: Ipv4Addr = Ipv4Addr::new(10, 77, 255, 254);

/// Gateway of every pod; each link has it once.
const GATEWAY: &str = "169.254.1.1";

/// What answers at the address of a pod that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Nobody: packets are dropped.
    Silent,
    /// The node: connections are refused.
    Refused,
}

/// The router.
pub struct Router {
    clusters: AtomicU8,
}

impl Router {
    /// Makes this process' network namespace the router.
    pub fn open() -> Result<Self> {
        fs::write("/proc/sys/net/ipv4/ip_forward", "1").context("switching forwarding on")?;
        ip(&[], &format!("link set lo up\naddr add {OWN}/32 dev lo\n"))?;
        name_server::serve(OWN)?;
        Ok(Self { clusters: AtomicU8::new(0) })
    }

    /// A range of addresses for one more cluster.
    pub fn network(&self, gone: Gone) -> Result<Network> {
        let cluster = self.clusters.fetch_add(1, Ordering::Relaxed);
        ensure!(cluster < 255, "there were too many clusters");
        let route = match gone {
            Gone::Silent => format!("blackhole 10.77.{cluster}.0/24"),
            Gone::Refused => format!("local 10.77.{cluster}.0/24 dev lo table main"),
        };
        ip(&[], &format!("route add {route}\n"))?;
        Ok(Network { cluster, route, pods: AtomicU8::new(0) })
    }
}

/// The addresses of one cluster.
pub struct Network {
    cluster: u8,
    route: String,
    pods: AtomicU8,
}

impl Drop for Network {
    fn drop(&mut self) {
        // Failing means: the namespace goes anyway.
        let _ = ip(&[], &format!("route del {}\n", self.route));
    }
}

impl Network {
    /// Links the network namespace of process `pid` to the router, under an address that nobody had before.
    pub fn plug(&self, pid: u32) -> Result<Link> {
        let pod = self.pods.fetch_add(1, Ordering::Relaxed) + 1;
        ensure!(pod < 255, "the cluster had too many pods");
        let address = Ipv4Addr::new(10, 77, self.cluster, pod);
        let name = format!("pod{}-{pod}", self.cluster);
        ip(
            &[],
            &format!(
                "link add {name} type veth peer name eth0 netns {pid}\n\
                 addr add {GATEWAY}/32 dev {name}\n\
                 link set {name} up\n\
                 route add {address}/32 dev {name} src {OWN}\n"
            ),
        )?;
        let link = Link { name, address };
        let inside = ["nsenter", "--target", &pid.to_string(), "--net", "--"];
        ip(
            &inside,
            &format!(
                "addr add {address}/32 dev eth0\n\
                 link set eth0 up\n\
                 route add {GATEWAY}/32 dev eth0\n\
                 route add default via {GATEWAY} dev eth0 src {address}\n"
            ),
        )?;
        Ok(link)
    }
}

/// The link of one pod; cut when dropped.
pub struct Link {
    name: String,
    /// Address of the pod.
    pub address: Ipv4Addr,
}

impl Drop for Link {
    fn drop(&mut self) {
        // Failing means: it went with its namespace.
        let _ = ip(&[], &format!("link del {}\n", self.name));
    }
}

/// Runs `ip` with a list of its commands, behind the words of `inside`.
fn ip(inside: &[&str], commands: &str) -> Result<()> {
    let words: Vec<&str> = inside.iter().copied().chain(["ip", "-4", "-batch", "-"]).collect();
    let mut child = Command::new(words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting ip")?;
    child.stdin.take().context("input of ip")?.write_all(commands.as_bytes()).context("telling ip")?;
    let output = child.wait_with_output().context("waiting for ip")?;
    ensure!(output.status.success(), "ip: {}\n{commands}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
