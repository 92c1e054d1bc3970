//! Agents: pods that are no part of the set, found by no name.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::Signal;

use super::Cluster;
use super::lifecycle::Stop;
use super::plan::{self, Places, agent_name};
use super::pod::Pod;
use super::wait::wait_until;

/// Between two looks at all members.
const LOOK: Duration = Duration::from_millis(100);

impl Cluster {
    /// Creates so many agents.
    pub fn start_agents(&self, number: u32) -> Result<()> {
        (0..number).try_for_each(|number| self.start_agent(number))
    }

    fn start_agent(&self, number: u32) -> Result<()> {
        let pod = self.agent(number)?;
        let (sandbox, log) = self.place(pod)?;
        let address = sandbox.address();
        log.line(format_args!("--- {} at {address}", pod.name()));
        let program = self.folder.join("bin");
        let (life, _) = pod.begin(sandbox, &log, |folders| {
            let places = Places {
                program: &program,
                data: folders.data.clone(),
                shared: folders.shared.clone(),
                run: folders.run.clone(),
            };
            plan::agent_words(&self.plan, pod.name(), address, &places)
        })?;
        self.note(&format!("{life} starts at {address}"));
        Ok(())
    }

    fn agent(&self, number: u32) -> Result<&Pod> {
        self.agents.get(number as usize).with_context(|| format!("there is no agent {number}"))
    }

    /// Waits until the leader sees so many agents alive where they are; returns when each was seen so, by its number, as time since
    /// `from`.
    pub fn await_agents(&self, number: u32, from: Duration, deadline: Duration) -> Result<BTreeMap<u32, Duration>> {
        let mut seen = BTreeMap::new();
        let look = || {
            let alive = self.alive_members().unwrap_or_default();
            for agent in 0..number {
                let here = self.agent(agent)?.life().map(|(_, address)| (agent_name(agent), address.to_string()));
                if here.is_some_and(|here| alive.contains(&here)) && !seen.contains_key(&agent) {
                    seen.insert(agent, self.since(from));
                    self.note(&format!("{} is seen", agent_name(agent)));
                }
            }
            Ok((seen.len() == number as usize).then_some(()))
        };
        let waited = wait_until("all agents", deadline.saturating_sub(self.since(from)), LOOK, look);
        waited.with_context(|| format!("seen were only {seen:?}"))?;
        Ok(seen)
    }

    /// Creates a job that runs on this agent two seconds later, once.
    pub fn run_on_agent(&self, number: u32, name: &str, command: &str) -> Result<()> {
        self.run_in(&agent_name(number), name, command)
    }

    /// Deletes the agent's pod.
    pub fn delete_agent(&self, number: u32) -> Result<Stop> {
        let pod = self.agent(number)?;
        let container = pod.container()?;
        self.note(&format!("{} is deleted", pod.name()));
        pod.mark_deleting();
        let begun = Instant::now();
        container.signal(Signal::TERM);
        let ended = container.wait(self.plan.grace);
        let took = begun.elapsed();
        pod.end();
        Ok(Stop { took, code: ended.and_then(|status| status.code()) })
    }

    /// How often the agent said this so far.
    pub fn agent_said(&self, number: u32, what: &str) -> Result<usize> {
        let path = self.folder.join(format!("{}.log", agent_name(number)));
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(text.lines().filter(|line| line.contains(what)).count())
    }

    /// A file that a job on this agent writes; whether it has.
    pub fn mark_of(&self, number: u32) -> (String, bool) {
        let path = self.folder.join(format!("{}.mark", agent_name(number)));
        (path.display().to_string(), path.exists())
    }
}
