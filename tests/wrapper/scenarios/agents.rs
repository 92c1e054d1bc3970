//! Agents, when all their servers are gone and come back elsewhere, and when they stop themselves.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::cluster::{Cluster, Dice, Dkron, Kind, Plan, each, pause};
use crate::figures::{Row, Times};

use super::{form, seconds, times};

/// What the wrapper of an agent says when it restarts dkron.
const RESTARTING: &str = "no job runs: restarting dkron";

/// Longer is no return.
const DEADLINE: Duration = seconds(180);

/// The agent on which the long job runs.
const BUSY: u32 = 0;

/// Seconds that the job takes: longer than until idle agents are restarted.
const LENGTH: u64 = 100;

/// What it says when that would cut a job.
const HELD_UP: &str = "not restarting it while";

/// What became of the agents and of the job.
#[derive(Default)]
struct Shown {
    again: Times,
    restarts: usize,
    /// The agent of the job came back only when that had ended, since it could not be restarted before.
    held_up: bool,
    /// `None` where no job could be run.
    job: Option<Job>,
}

/// What became of the long job.
struct Job {
    /// Its process came to its end.
    whole: bool,
    /// It is recorded as a success, once.
    recorded: bool,
}

pub fn after_all_servers_moved() -> Result<()> {
    let dkron = Dkron::main()?;
    let number = number();
    let shown = moved(Plan::of(&dkron, 3), number)?;
    row("agents after all servers moved", &dkron, number, &shown)
        .claim(shown.job.as_ref().is_some_and(|job| job.recorded), "the job is not recorded as a success")
        .finish()
}

pub fn after_all_servers_moved_of_version_three() -> Result<()> {
    let dkron = Dkron::three()?;
    let number = number();
    let shown = moved(Plan::of(&dkron, 3), number)?;
    row("agents after all servers moved", &dkron, number, &shown).finish()
}

/// Nobody who lacks the key can bring two members together: the agents have to be restarted.
pub fn with_encrypted_gossip() -> Result<()> {
    let dkron = Dkron::main()?;
    let number = number();
    let shown = moved(Plan { encrypted: true, ..Plan::of(&dkron, 3) }, number)?;
    row("agents after all servers moved, gossip encrypted", &dkron, number, &shown)
        .claim(shown.restarts > 0, "no agent was restarted")
        .finish()
}

fn number() -> u32 {
    u32::try_from(times(3, 20)).unwrap_or(u32::MAX)
}

fn row(scenario: &str, dkron: &Dkron, number: u32, shown: &Shown) -> Row {
    let fate = match &shown.job {
        None => "none",
        Some(Job { whole: false, .. }) => "cut",
        Some(Job { recorded: true, .. }) => "recorded as a success",
        Some(Job { recorded: false, .. }) => "came to its end, its result lost",
    };
    Row::new(scenario, dkron, 1, "alive again <= 90 s, no job cut")
        .shows("agents", number)
        .shows("alive again", &shown.again)
        .shows("restarts", shown.restarts)
        .shows("long job", fate)
        .shows("its agent", if shown.held_up { "back when it had ended" } else { "back with the others" })
        .at_most(shown.again.longest(), seconds(90), "the return of an agent")
        .claim(shown.job.as_ref().is_none_or(|job| job.whole), "the job was cut")
}

fn moved(plan: Plan, number: u32) -> Result<Shown> {
    // Version 3 has its executors in programs of their own, which may not lie beside it.
    let runs_jobs = plan.dkron.kind() == Kind::StandIn || plan.dkron.follows_names();
    Cluster::with(plan, "agents", |cluster| {
        let all = form(cluster, 3)?;
        let from = cluster.now();
        cluster.start_agents(number)?;
        cluster.await_agents(number, from, seconds(60))?;
        // Their wrappers ask each second at first; and a dkron of many that were started at once may die 5 s later, at the end of its start.
        pause(seconds(7))?;
        let mut shown = Shown::default();
        let (mark, _) = cluster.mark_of(BUSY);
        if runs_jobs {
            cluster.run_on_agent(BUSY, "long", &format!("sleep {LENGTH}; touch {mark}"))?;
            pause(seconds(4))?;
        }
        // As when all nodes fail: nobody says good-bye, and everything comes back elsewhere.
        each(&all, &[], |one| cluster.kill(one))?;
        pause(seconds(2))?;
        let from = cluster.now();
        cluster.start_all(Duration::ZERO, &mut Dice::new(1))?;
        let seen = cluster.await_agents(number, from, DEADLINE)?;
        let restarted = cluster.agent_said(BUSY, RESTARTING)? > 0;
        ensure!(!runs_jobs || !restarted || cluster.mark_of(BUSY).1, "an agent was restarted while its job ran");
        shown.held_up = cluster.agent_said(BUSY, HELD_UP)? > 0;
        for (agent, time) in seen {
            if agent != BUSY || !shown.held_up {
                shown.again.push(time);
            }
            shown.restarts += cluster.agent_said(agent, RESTARTING)?;
        }
        if runs_jobs {
            pause(seconds(LENGTH + 5).saturating_sub(cluster.since(from)))?;
            let (_, whole) = cluster.mark_of(BUSY);
            shown.job = Some(Job { whole, recorded: cluster.is_recorded("long")? });
        }
        Ok(shown)
    })
}

/// TERM comes while a job runs on an agent, and on another that is idle.
pub fn stopping() -> Result<()> {
    let dkron = Dkron::main()?;
    let runs = times(1, 5);
    let length = times(6, 30);
    let (mut busy, mut idle) = (Times::default(), Times::default());
    let mut recorded = 0;
    Cluster::with(Plan::of(&dkron, 3), "agents-stop", |cluster| {
        form(cluster, 3)?;
        for run in 0..runs {
            let from = cluster.now();
            cluster.start_agents(2)?;
            cluster.await_agents(2, from, seconds(120))?;
            let name = format!("long-{run}");
            cluster.run_on_agent(BUSY, &name, &format!("sleep {length}"))?;
            pause(seconds(3))?;
            for (agent, took) in [(1, &mut idle), (BUSY, &mut busy)] {
                let stop = cluster.delete_agent(agent)?;
                ensure!(stop.code == Some(0), "exit code {:?}", stop.code);
                took.push(stop.took);
            }
            pause(seconds(1))?;
            recorded += usize::from(cluster.is_recorded(&name)?);
        }
        Ok(())
    })?;
    Row::new("an agent stops while a job runs on it", &dkron, runs, "recorded as finished")
        .shows("recorded as finished", format!("{recorded} of {runs}"))
        .shows("job", format!("{length} s"))
        .shows("stop", &busy)
        .shows("stop of an idle agent", &idle)
        .claim(recorded == runs, "a job was not recorded as finished")
        .finish()
}
