//! A cluster of pods on this machine, and what Kubernetes does to it.
//!
//! | module | what it is |
//! | --- | --- |
//! | `plan`, `dkron` | what is to run |
//! | `network`, `hosts`, `name_server`, `sandbox` | addresses, names, namespaces |
//! | `container`, `pod` | processes, and the pods they belong to |
//! | `desired` | the label updater's file |
//! | `observer`, `timeline` | what is seen of it from outside |
//! | `agents` | agents beside the set |
//! | `jobs` | jobs and their executions |
//! | `lifecycle`, `watch` | what is done to pods; what is waited for |
//! | `log`, `record`, `folders` | what is kept of it |

mod agents;
mod container;
mod desired;
mod dkron;
pub mod folders;
mod hosts;
mod jobs;
mod lifecycle;
mod log;
mod name_server;
mod network;
mod observer;
mod plan;
mod pod;
mod record;
mod sandbox;
mod timeline;
mod wait;
mod watch;

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use dkron_ha::contract::port;

pub use dkron::{Dkron, Kind};
pub use lifecycle::{Dice, each};
pub use network::Gone;
pub use plan::{Manner, Plan, agent_name, pod_name};
pub use timeline::Timeline;
pub use wait::pause;

use crate::client;

use desired::Desk;
use hosts::Hosts;
use log::{Clock, Log};
use network::{Network, OWN, Router};
use observer::Observer;
use pod::Pod;

const HTTP: u16 = port::DKRON_HTTP;
const RPC: u16 = port::DKRON_RPC;
const WRAPPER: u16 = port::WRAPPER;

/// More servers than any scenario has.
const MOST: u32 = 5;

/// The same of agents.
const MOST_AGENTS: u32 = 20;

/// How often the kubelet looks after its containers.
const KUBELET: Duration = Duration::from_millis(20);

static ROUTER: LazyLock<Result<Router>> = LazyLock::new(Router::open);

/// Ordinal of a pod.
pub type Ordinal = u32;

/// A StatefulSet, its pods, and those who watch them.
pub struct Cluster {
    plan: Plan,
    folder: PathBuf,
    program: PathBuf,
    resolv_conf: PathBuf,
    clock: Clock,
    log: Log,
    hosts: Hosts,
    network: Network,
    desk: Desk,
    observer: Observer,
    pods: Vec<Pod>,
    agents: Vec<Pod>,
    over: AtomicBool,
}

impl Cluster {
    /// Runs `body` on a cluster that has no pod yet; everything but the logs is gone afterwards.
    pub fn with<T>(plan: Plan, name: &str, body: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let cluster = Self::open(plan, folders::create(name)?)?;
        let outcome = thread::scope(|scope| {
            let _over = Over(&cluster.over);
            scope.spawn(|| cluster.keep());
            let outcome = body(&cluster);
            if let Err(error) = &outcome {
                cluster.log.line(format_args!("failed: {error:#}"));
                cluster.record();
            }
            outcome
        });
        for pod in cluster.agents.iter().chain(&cluster.pods) {
            pod.end();
            pod.wipe()?;
        }
        outcome
    }

    fn open(plan: Plan, folder: PathBuf) -> Result<Self> {
        let router = ROUTER.as_ref().map_err(|error| anyhow!("the network of the pods: {error:#}"))?;
        let clock = Clock::start();
        let log = Log::open(&folder.join("story.log"), clock)?;
        let resolv_conf = folder.join("resolv.conf");
        fs::write(&resolv_conf, format!("nameserver {OWN}\n")).context("writing resolv.conf")?;
        let pod = |name: String| Pod::new(name.clone(), folder.join(name));
        Ok(Self {
            program: plan.dkron.install(&folder.join("bin"))?,
            hosts: Hosts::create(&folder.join("hosts"))?,
            desk: Desk::open("3c8a1f0e-0001-4000-8000-000000000001", plan.replicas, false)?,
            network: router.network(plan.gone)?,
            observer: Observer::new(clock, log.clone()),
            pods: (0..MOST).map(pod_name).map(pod).collect(),
            agents: (0..MOST_AGENTS).map(agent_name).map(pod).collect(),
            over: AtomicBool::new(false),
            plan,
            resolv_conf,
            clock,
            log,
            folder,
        })
    }

    fn pod(&self, ordinal: Ordinal) -> Result<&Pod> {
        self.pods.get(ordinal as usize).with_context(|| format!("there is no pod {ordinal}"))
    }

    /// Kubelet and label updaters, until the trial is over.
    fn keep(&self) {
        let mut formed = Vec::new();
        for round in 0_u32.. {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            for pod in self.pods.iter().chain(&self.agents) {
                match pod.keep() {
                    Ok(None) => {}
                    Ok(Some(done)) => self.log.line(format_args!("{}: {done}", pod.name())),
                    Err(error) => self.log.line(format_args!("{}: {error:#}", pod.name())),
                }
            }
            if round.is_multiple_of(25) {
                self.note_formed(&mut formed);
            }
            thread::sleep(KUBELET);
        }
    }

    fn note_formed(&self, formed: &mut Vec<String>) {
        for (pod, (life, address)) in self.pods.iter().filter_map(|pod| Some((pod, pod.life()?))) {
            if !formed.contains(&life) && client::leader(address, Duration::from_millis(300)).is_some() {
                self.desk.formed(pod.name());
                formed.push(life);
            }
        }
    }
}

/// Ends the threads of a cluster whatever ends its trial.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
