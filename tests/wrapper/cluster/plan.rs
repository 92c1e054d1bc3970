//! What a cluster of a trial is like, and the command and environment that the webhook gives its containers.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dkron_ha::contract::env;

use super::container::Words;
use super::dkron::Dkron;
use super::network::Gone;

/// Name of the StatefulSet, its Service and its cluster.
pub const NAME: &str = "dkron";

/// Name of the Kubernetes namespace.
pub const NAMESPACE: &str = "tier";

/// Domain of the Kubernetes cluster.
const DOMAIN: &str = "cluster.local";

/// Path of a `desired.json`, where it is not the usual one.
const DESIRED: &str = "DKRON_HA_DESIRED";

/// A folder that only the dkron container writes, where it is not the usual one.
const RUN: &str = "DKRON_HA_RUN";

/// Who starts dkron in a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The wrapper.
    Wrapped,
    /// Nobody: dkron is the first process, with joining and bootstrap as people write it.
    Plain,
    /// The wrapper before the command of [`Manner::Plain`].
    WrappedAfterPlain,
}

/// A cluster to be.
#[derive(Clone)]
pub struct Plan {
    /// What the servers run.
    pub dkron: Dkron,
    /// `INITIAL_CLUSTER_SIZE`.
    pub size: u32,
    /// `spec.replicas` at first.
    pub replicas: u32,
    /// The disk comes back with the pod.
    pub persistent: bool,
    /// Time between TERM and KILL.
    pub grace: Duration,
    /// What answers at addresses of pods that are gone.
    pub gone: Gone,
    /// Who starts dkron in pods, at first.
    pub manner: Manner,
    /// Gossip is encrypted.
    pub encrypted: bool,
}

/// What `dkron keygen` prints, for nothing but this tier.
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZg==";

impl Plan {
    /// Servers as the webhook makes them, with nothing special.
    pub fn of(dkron: &Dkron, size: u32) -> Self {
        Self {
            dkron: dkron.clone(),
            size,
            replicas: size,
            persistent: true,
            grace: Duration::from_secs(300),
            gone: Gone::Silent,
            manner: Manner::Wrapped,
            encrypted: false,
        }
    }
}

impl Plan {
    fn key(&self) -> Option<OsString> {
        self.encrypted.then(|| format!("--encrypt={KEY}").into())
    }
}

/// Name of a pod.
pub fn pod_name(ordinal: u32) -> String {
    format!("{NAME}-{ordinal}")
}

/// Name of an agent's pod.
pub fn agent_name(number: u32) -> String {
    format!("worker-{number}")
}

/// DNS name of a pod, without a last dot.
pub fn host_name(pod: &str) -> String {
    format!("{}.{DOMAIN}", service_name(pod))
}

fn service_name(pod: &str) -> String {
    format!("{pod}.{NAME}.{NAMESPACE}.svc")
}

/// Where one life of a pod finds things.
pub struct Places<'a> {
    /// Folder with `dkron` in it.
    pub program: &'a Path,
    /// The PVC.
    pub data: PathBuf,
    /// The shared volume.
    pub shared: PathBuf,
    /// The volume that only the dkron container writes.
    pub run: PathBuf,
}

/// What the dkron container of a pod executes.
pub fn words(plan: &Plan, manner: Manner, pod: &str, address: Ipv4Addr, places: &Places<'_>) -> Words {
    let peers: Vec<String> = (0..plan.size).map(pod_name).collect();
    let mut words: Vec<OsString> = Vec::new();
    if manner != Manner::Plain {
        words.extend([wrapper().into(), "run".into(), "--".into()]);
    }
    words.extend(["dkron", "agent", "--server", "--disable-usage-stats"].map(OsString::from));
    words.push(format!("--data-dir={}", places.data.display()).into());
    // By these tags jobs find any one server, or this one.
    words.extend([format!("--tag=any={NAME}").into(), format!("--tag=pod={pod}").into()]);
    words.extend(plan.key());
    if manner != Manner::Wrapped {
        words.push(format!("--bootstrap-expect={}", plan.size).into());
        // A set has one template, so that every pod joins itself too.
        words.extend(peers.iter().map(|peer| format!("--retry-join={}", host_name(peer)).into()));
        words.push("--retry-interval=1s".into());
    }
    let mut environment = environment(pod, places);
    if manner != Manner::Plain {
        let peers: Vec<String> = peers.iter().map(|peer| service_name(peer)).collect();
        let storage = if plan.persistent { "persistent" } else { "ephemeral" };
        let injected: [(&str, OsString); 13] = [
            (env::INITIAL_CLUSTER_SIZE, plan.size.to_string().into()),
            (env::POD_NAME, pod.into()),
            (env::POD_IP, address.to_string().into()),
            (env::STATEFULSET_NAME, NAME.into()),
            (env::STATEFULSET_NAMESPACE, NAMESPACE.into()),
            (env::PEERS, peers.join(",").into()),
            (env::CLUSTER, NAME.into()),
            (env::ROLE, "server".into()),
            (env::STORAGE, storage.into()),
            (env::GRACE, plan.grace.as_secs().to_string().into()),
            (env::CLUSTER_DOMAIN, DOMAIN.into()),
            (DESIRED, places.shared.join("desired.json").into()),
            (RUN, places.run.clone().into()),
        ];
        environment.extend(injected.map(|(name, value)| (name.to_owned(), value)));
    }
    Words { words, environment }
}

/// What the dkron container of an agent's pod executes: it joins by the names of the servers.
pub fn agent_words(plan: &Plan, pod: &str, address: Ipv4Addr, places: &Places<'_>) -> Words {
    let mut words: Vec<OsString> = vec![wrapper().into()];
    words.extend(["run", "--", "dkron", "agent"].map(OsString::from));
    words.push(format!("--data-dir={}", places.data.display()).into());
    words.push(format!("--tag=pod={pod}").into());
    words.extend(plan.key());
    words.extend((0..plan.size).map(|peer| format!("--retry-join={}", host_name(&pod_name(peer))).into()));
    let injected: [(&str, OsString); 6] = [
        (env::POD_NAME, pod.into()),
        (env::POD_IP, address.to_string().into()),
        (env::STATEFULSET_NAMESPACE, NAMESPACE.into()),
        (env::ROLE, "agent".into()),
        (env::GRACE, plan.grace.as_secs().to_string().into()),
        (env::CLUSTER_DOMAIN, DOMAIN.into()),
    ];
    let mut environment = environment(pod, places);
    environment.extend(injected.map(|(name, value)| (name.to_owned(), value)));
    Words { words, environment }
}

fn environment(pod: &str, places: &Places<'_>) -> Vec<(String, OsString)> {
    let path = format!("{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", places.program.display());
    vec![("PATH".into(), path.into()), ("HOSTNAME".into(), pod.into()), ("HOME".into(), "/".into())]
}

/// The program under test: `DKRON_HA_INIT`, else the one of this build.
pub fn wrapper() -> PathBuf {
    std::env::var_os("DKRON_HA_INIT").map_or_else(|| env!("CARGO_BIN_EXE_dkron-ha-init").into(), PathBuf::from)
}
