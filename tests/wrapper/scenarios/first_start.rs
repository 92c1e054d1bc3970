//! The first start of a set: empty disks, nobody who leads.

use std::time::Duration;

use anyhow::Result;

use crate::cluster::{Cluster, Dice, Dkron, Ordinal, Plan};
use crate::figures::{Row, Times};

use super::{seconds, times};

/// A start that takes longer has stalled.
const STALLED: Duration = seconds(60);

pub fn of_three() -> Result<()> {
    starts("first start, 3 servers", 3, times(3, 50), Duration::ZERO)
}

pub fn of_five() -> Result<()> {
    starts("first start, 5 servers", 5, times(1, 10), Duration::ZERO)
}

pub fn of_two() -> Result<()> {
    starts("first start, 2 servers", 2, times(1, 10), Duration::ZERO)
}

pub fn of_one() -> Result<()> {
    starts("first start, 1 server", 1, times(1, 3), Duration::ZERO)
}

pub fn one_by_one() -> Result<()> {
    starts("first start, 3 servers, up to 3 s apart", 3, times(1, 10), seconds(3))
}

fn starts(scenario: &str, size: u32, runs: usize, spread: Duration) -> Result<()> {
    let dkron = Dkron::main()?;
    let ordinals: Vec<Ordinal> = (0..size).collect();
    let (mut took, mut stalled) = (Times::default(), Vec::new());
    for run in 0..runs {
        let outcome = Cluster::with(Plan::of(&dkron, size), "first-start", |cluster| {
            cluster.start_all(spread, &mut Dice::new(run as u64))?;
            cluster.settled(&ordinals, Duration::ZERO, STALLED)
        });
        match outcome {
            Ok(time) => took.push(time),
            Err(error) => stalled.push(format!("{error:#}")),
        }
    }
    // The containers' own delay is no time of ours.
    let limit = seconds(5) + spread;
    Row::new(scenario, &dkron, runs, "0 stalls; median to a leader and all voters <= 5 s")
        .shows("stalls", stalled.len())
        .shows("leader and all voters after", &took)
        .claim(stalled.is_empty(), &stalled.join("; "))
        .at_most(took.median(), limit, "the median start")
        .finish()
}
