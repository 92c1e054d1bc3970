//! What is waited for.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use dkron_ha::contract::path::PROBE_READY;
use serde_json::Value;

use super::pod::Pod;
use super::timeline::Story;
use super::wait::wait_until;
use super::{Cluster, HTTP, Ordinal, RPC, WRAPPER, pod_name};
use crate::client;
use crate::client::raft::{self, Server};

/// Between two questions of dkron's command line, which costs 20-30 ms of a processor.
const PAUSE: Duration = Duration::from_millis(200);

/// How long a single HTTP answer may take.
const PATIENCE: Duration = Duration::from_secs(1);

impl Cluster {
    /// Time of the trial.
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Time since then.
    pub fn since(&self, from: Duration) -> Duration {
        self.now().saturating_sub(from)
    }

    /// Adds a line to the story.
    pub fn note(&self, text: &str) {
        self.log.line(text);
    }

    /// The ordinal that led at the last look.
    pub fn leader(&self) -> Option<Ordinal> {
        let (life, _) = self.observer.leader()?;
        life.split('.').next()?.rsplit('-').next()?.parse().ok()
    }

    /// Waits for somebody who leads, seen leading after `from`; returns for how long nobody did since.
    pub fn await_leader(&self, from: Duration, deadline: Duration) -> Result<Duration> {
        let look = || Ok(self.observer.leader_since(from));
        let (at, _) = wait_until("a leader", deadline, Duration::from_millis(10), look)?;
        Ok(at.saturating_sub(from))
    }

    /// raft's configuration, as the server that leads tells it.
    pub fn raft(&self) -> Option<Vec<Server>> {
        let (_, address) = self.observer.leader()?;
        raft::list(&self.program, address).ok()
    }

    /// raft's configuration, as this server tells it.
    pub fn raft_of(&self, ordinal: Ordinal) -> Result<Vec<Server>> {
        let (_, address) = self.pod(ordinal)?.life().context("the pod does not run")?;
        raft::list(&self.program, address)
    }

    /// Waits until the leader's raft configuration is exactly these pods, all voters, all at their present addresses, and
    /// each of them hears a leader. Returns the time since `from`.
    pub fn settled(&self, ordinals: &[Ordinal], from: Duration, deadline: Duration) -> Result<Duration> {
        let mut seen = None;
        let look = || {
            let wanted = self.wanted(ordinals)?;
            seen = self.raft();
            let all = seen.as_ref() == Some(&wanted) && ordinals.iter().all(|ordinal| self.hears(*ordinal));
            Ok(all.then(|| self.now()))
        };
        let waited = wait_until("all voters", deadline.saturating_sub(self.since(from)), PAUSE, look);
        let (at, _) = waited.with_context(|| format!("raft's configuration is {seen:?}"))?;
        self.log.line(format_args!("settled with {ordinals:?}"));
        Ok(at.saturating_sub(from))
    }

    /// Waits until the leader's raft configuration has this pod as a voter at its present address, and it hears the leader.
    /// Returns the time since `from`.
    pub fn voter(&self, ordinal: Ordinal, from: Duration, deadline: Duration) -> Result<Duration> {
        let look = || {
            let [wanted] = self.wanted(&[ordinal])?.try_into().map_err(|_| anyhow::anyhow!("one server"))?;
            let votes = self.raft().is_some_and(|servers| servers.contains(&wanted));
            Ok((votes && self.hears(ordinal)).then(|| self.now()))
        };
        let left = deadline.saturating_sub(self.since(from));
        let (at, _) = wait_until(&format!("{ordinal} to vote again"), left, PAUSE, look)?;
        self.log.line(format_args!("{ordinal} is a voter"));
        Ok(at.saturating_sub(from))
    }

    fn wanted(&self, ordinals: &[Ordinal]) -> Result<Vec<Server>> {
        let server = |ordinal: &Ordinal| {
            let (_, address) = self.pod(*ordinal)?.life().with_context(|| format!("pod {ordinal} does not run"))?;
            Ok(Server { id: pod_name(*ordinal), address: format!("{address}:{RPC}"), voter: true })
        };
        let mut servers: Vec<Server> = ordinals.iter().map(server).collect::<Result<_>>()?;
        servers.sort();
        Ok(servers)
    }

    /// Waits until the pod's readiness probe succeeds.
    pub fn ready(&self, ordinal: Ordinal, deadline: Duration) -> Result<Duration> {
        let look = || {
            let (_, address) = self.pod(ordinal)?.life().context("the pod does not run")?;
            let answer = client::get((address, WRAPPER), PROBE_READY, PATIENCE);
            Ok(answer.is_ok_and(|answer| answer.status == 200).then_some(()))
        };
        wait_until(&format!("{ordinal} to be ready"), deadline, PAUSE, look).map(|((), took)| took)
    }

    /// Names and addresses of the members that are alive, as the leader sees them.
    pub fn alive_members(&self) -> Option<Vec<(String, String)>> {
        let (_, address) = self.observer.leader()?;
        let members = client::get((address, HTTP), "/v1/members", PATIENCE).ok()?.json().ok()?;
        let alive = members.as_array()?.iter().filter(|member| member["Status"] == 1);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut alive: Vec<_> = alive.map(|member| (text(&member["Name"]), text(&member["Addr"]))).collect();
        alive.sort();
        Some(alive)
    }

    /// Names and addresses of the pods that run.
    pub fn present_members(&self) -> Vec<(String, String)> {
        let pods = self.pods.iter().filter_map(|pod| Some((pod.name().to_owned(), pod.life()?.1.to_string())));
        pods.collect()
    }

    /// The longest time in which the pod's log did not name `what`, from its first line until now.
    pub fn longest_silence(&self, ordinal: Ordinal, what: &str) -> Result<Duration> {
        let path = self.folder.join(format!("{}.log", pod_name(ordinal)));
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let time = |line: &str| line.split_whitespace().next()?.parse().ok().map(Duration::from_secs_f64);
        let first = text.lines().next().and_then(time).context("an empty log")?;
        let said = text.lines().filter(|line| line.contains(what)).filter_map(time);
        let times: Vec<Duration> = [first].into_iter().chain(said).chain([self.now()]).collect();
        Ok(times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or_default())
    }

    /// Whether the pod's own dkron names a leader, read strictly.
    pub fn hears(&self, ordinal: Ordinal) -> bool {
        let address = self.pod(ordinal).ok().and_then(Pod::life).map(|(_, address)| address);
        address.is_some_and(|address| client::leader(address, PATIENCE).is_some())
    }

    /// Who led since.
    pub fn story_since(&self, from: Duration) -> Story {
        self.observer.story_since(from)
    }
}
