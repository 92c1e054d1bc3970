//! A set of plain dkron servers whose bootstrap stalled gets the wrapper, pod by pod.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::cluster::{Cluster, Dkron, Kind, Manner, Plan, each, pause};
use crate::figures::{Row, Times};

use super::{seconds, times};

/// Plain sets stall in up to 7 of 10 starts, seldom on a fast machine.
const MOST_STARTS: usize = 30;

/// Threads that do nothing else than keep the processors from the servers.
const BUSY: usize = 8;

/// A plain set that has a leader has it by then.
const STALLED_AFTER: Duration = seconds(12);

pub fn stalled_set_gets_the_wrapper() -> Result<()> {
    let dkron = Dkron::main()?;
    let runs = times(1, 5);
    let mut leader = Times::default();
    let mut starts = 0;
    for _ in 0..runs {
        let plan = Plan { manner: Manner::Plain, grace: seconds(30), ..Plan::of(&dkron, 3) };
        Cluster::with(plan, "plain", |cluster| {
            starts += stall(cluster, dkron.kind())?;
            // As a rolling update does: the highest ordinal first, each awaited until it is ready.
            for one in [2, 1, 0] {
                cluster.delete(one)?;
                pause(seconds(2))?;
                cluster.start_as(one, Manner::WrappedAfterPlain)?;
                if one > 0 {
                    cluster.ready(one, seconds(90))?;
                }
            }
            let from = cluster.now();
            leader.push(cluster.await_leader(from, seconds(180))?);
            cluster.settled(&[0, 1, 2], from, seconds(180)).map(drop)
        })?;
    }
    Row::new("a plain set that has stalled gets the wrapper pod by pod", &dkron, runs, "leader <= 60 s after the last")
        .shows("leader after", &leader)
        .shows("plain starts until", format!("{runs} stalled: {starts}"))
        .at_most(leader.longest(), seconds(60), "the way to a leader")
        .finish()
}

pub fn mixed_start() -> Result<()> {
    let dkron = Dkron::main()?;
    let runs = times(1, 5);
    let mut whole = Times::default();
    for run in 0..runs {
        let plain = u32::try_from(run)? % 3;
        Cluster::with(Plan { grace: seconds(30), ..Plan::of(&dkron, 3) }, "mixed", |cluster| {
            each(&[0, 1, 2], &[], |one| {
                cluster.start_as(one, if one == plain { Manner::Plain } else { Manner::Wrapped })
            })?;
            whole.push(cluster.settled(&[0, 1, 2], Duration::ZERO, seconds(180))?);
            Ok(())
        })?;
    }
    Row::new("first start, one of three without the wrapper", &dkron, runs, "leader and all voters <= 60 s")
        .shows("after", &whole)
        .at_most(whole.longest(), seconds(60), "the start")
        .finish()
}

/// Starts the plain set anew until it stalls; returns how many starts that took. The processors are kept busy meanwhile, as by other
/// pods: what one server does between two looks of another one then takes long enough.
fn stall(cluster: &Cluster, kind: Kind) -> Result<usize> {
    // The stand-in stalls by itself.
    let busy = if kind == Kind::StandIn { 0 } else { BUSY };
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..busy {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let starts = (1..=MOST_STARTS).find_map(|start| match has_stalled(cluster) {
            Ok(false) => None,
            Ok(true) => Some(Ok(start)),
            Err(error) => Some(Err(error)),
        });
        over.store(true, Ordering::Relaxed);
        starts.unwrap_or_else(|| bail!("none of {MOST_STARTS} starts of the plain set stalled"))
    })
}

fn has_stalled(cluster: &Cluster) -> Result<bool> {
    each(&[0, 1, 2], &[], |one| cluster.start(one))?;
    let from = cluster.now();
    if cluster.await_leader(from, STALLED_AFTER).is_err() {
        cluster.note("the plain set has stalled");
        return Ok(true);
    }
    for one in [0, 1, 2] {
        cluster.kill(one)?;
        cluster.lose_disk(one)?;
    }
    Ok(false)
}
