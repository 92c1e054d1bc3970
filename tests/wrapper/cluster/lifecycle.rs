//! What Kubernetes does to pods.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use dkron_ha::init::procedure::DesiredPod;
use rustix::process::Signal;

use super::log::Log;
use super::plan::{self, Manner, Places, host_name};
use super::pod::Pod;
use super::sandbox::Sandbox;
use super::wait::pause;
use super::{Cluster, Ordinal};

/// Between the end of a pod and the start of its successor: scheduling, volumes, containers.
pub const POD_GAP: Duration = Duration::from_secs(2);

/// How a pod went.
#[derive(Debug)]
pub struct Stop {
    /// From TERM until everything had ended.
    pub took: Duration,
    /// Exit code of the container.
    pub code: Option<i32>,
}

impl Cluster {
    /// Creates the pod, with an address that nobody had before.
    pub fn start(&self, ordinal: Ordinal) -> Result<()> {
        self.start_as(ordinal, self.plan.manner)
    }

    /// Creates the pod with or without the wrapper.
    pub fn start_as(&self, ordinal: Ordinal, manner: Manner) -> Result<()> {
        let pod = self.pod(ordinal)?;
        if !self.plan.persistent {
            pod.wipe()?;
        }
        let (sandbox, log) = self.place(pod)?;
        let address = sandbox.address();
        log.line(format_args!("--- {} at {address}, {manner:?}", pod.name()));
        let host = host_name(pod.name());
        self.hosts.add(&host, address)?;
        let program = self.folder.join("bin");
        let (life, folders) = pod.begin(sandbox, &log, |folders| {
            let places = Places {
                program: &program,
                data: folders.data.clone(),
                shared: folders.shared.clone(),
                run: folders.run.clone(),
            };
            plan::words(&self.plan, manner, pod.name(), address, &places)
        })?;
        let desired = DesiredPod {
            name: pod.name().into(),
            uid: life.as_str().into(),
            ip: Some(address.into()),
            deleting: false,
            formed: false,
        };
        self.desk.add(desired, &folders.shared);
        self.log.line(format_args!("{life} starts at {address}"));
        self.observer.watch(&life, address);
        Ok(())
    }

    /// A network for one life of the pod, and its log.
    pub(super) fn place(&self, pod: &Pod) -> Result<(Sandbox, Log)> {
        let sandbox = Sandbox::build(pod.name(), self.hosts.path(), &self.resolv_conf, &self.network)?;
        Ok((sandbox, Log::open(&self.folder.join(format!("{}.log", pod.name())), self.clock)?))
    }

    /// Deletes the pod: TERM, then KILL when the grace period is over.
    pub fn delete(&self, ordinal: Ordinal) -> Result<Stop> {
        let pod = self.pod(ordinal)?;
        let container = pod.container()?;
        self.log.line(format_args!("{} is deleted", pod.name()));
        pod.mark_deleting();
        self.desk.deleting(pod.name(), self.plan.grace);
        let begun = Instant::now();
        container.signal(Signal::TERM);
        let ended = container.wait(self.plan.grace);
        let took = begun.elapsed();
        self.log.line(format_args!("{} ended with {ended:?} after {:.2} s", pod.name(), took.as_secs_f64()));
        self.remove(ordinal)?;
        Ok(Stop { took, code: ended.and_then(|status| status.code()) })
    }

    /// Creates the successor of a pod that was deleted, as late as Kubernetes does.
    pub fn come_back(&self, ordinal: Ordinal) -> Result<()> {
        pause(POD_GAP)?;
        self.start(ordinal)
    }

    /// Deletes the pod and creates its successor; returns how it went.
    pub fn restart(&self, ordinal: Ordinal) -> Result<Stop> {
        let stop = self.delete(ordinal)?;
        self.come_back(ordinal)?;
        Ok(stop)
    }

    /// `kubectl delete --force --grace-period=0`: everything in the pod is killed, and its successor comes at once.
    pub fn force_delete(&self, ordinal: Ordinal) -> Result<()> {
        self.kill(ordinal)?;
        self.start(ordinal)
    }

    /// Everything in the pod is killed, and it is gone.
    pub fn kill(&self, ordinal: Ordinal) -> Result<()> {
        let pod = self.pod(ordinal)?;
        self.log.line(format_args!("{} is killed", pod.name()));
        pod.mark_deleting();
        pod.container()?.signal(Signal::KILL);
        self.remove(ordinal)
    }

    /// The container is killed; the kubelet starts it again in the same pod.
    pub fn kill_container(&self, ordinal: Ordinal) -> Result<()> {
        let pod = self.pod(ordinal)?;
        self.log.line(format_args!("the container of {} is killed", pod.name()));
        pod.forgive();
        pod.container()?.signal(Signal::KILL);
        Ok(())
    }

    /// dkron is killed and nothing else.
    pub fn kill_dkron(&self, ordinal: Ordinal) -> Result<()> {
        let pod = self.pod(ordinal)?;
        self.log.line(format_args!("dkron of {} is killed", pod.name()));
        if pod.container()?.kill_dkron() { Ok(()) } else { Err(anyhow!("{} runs no dkron", pod.name())) }
    }

    /// Takes the disk of a pod that does not run.
    pub fn lose_disk(&self, ordinal: Ordinal) -> Result<()> {
        self.log.line(format_args!("the disk of {ordinal} is lost"));
        self.pod(ordinal)?.wipe()
    }

    /// Tells the wrappers that the set wants so many pods; pods are started and stopped by whoever calls this.
    pub fn want(&self, replicas: u32) {
        self.log.line(format_args!("{replicas} replicas are wanted"));
        self.desk.want(replicas);
    }

    /// The label updaters write nothing any more.
    pub fn silence_desired(&self) {
        self.desk.fall_silent();
    }

    fn remove(&self, ordinal: Ordinal) -> Result<()> {
        let pod = self.pod(ordinal)?;
        let life = pod.life();
        self.hosts.remove(&host_name(pod.name()))?;
        self.desk.remove(pod.name());
        pod.end();
        if let Some((life, _)) = life {
            self.observer.forget(&life);
        }
        Ok(())
    }

    /// Starts all pods up to `replicas`, each after a random part of `spread`.
    pub fn start_all(&self, spread: Duration, dice: &mut Dice) -> Result<()> {
        let ordinals: Vec<Ordinal> = (0..self.plan.replicas).collect();
        let pauses: Vec<Duration> = ordinals.iter().map(|_| dice.part_of(spread)).collect();
        each(&ordinals, &pauses, |ordinal| self.start(ordinal)).map(drop)
    }
}

/// Does something to several pods at once, each after a pause of its own.
pub fn each<T: Send>(
    ordinals: &[Ordinal],
    pauses: &[Duration],
    act: impl Fn(Ordinal) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let act = &act;
    thread::scope(|scope| {
        let threads: Vec<_> = ordinals
            .iter()
            .enumerate()
            .map(|(number, ordinal)| {
                let before = pauses.get(number).copied().unwrap_or_default();
                scope.spawn(move || {
                    pause(before)?;
                    act(*ordinal)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?).collect()
    })
}

/// Chance that is the same in every run.
pub struct Dice(u64);

impl Dice {
    /// The dice of this number.
    pub fn new(number: u64) -> Self {
        Self(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A time from zero to this one.
    pub fn part_of(&mut self, most: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        most.mul_f64(f64::from(u32::try_from(self.0 >> 40).unwrap_or(0)) / f64::from(1_u32 << 24))
    }
}
