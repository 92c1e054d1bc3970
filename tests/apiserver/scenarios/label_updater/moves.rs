//! Leadership moves again and again.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::cluster::Cluster;
use crate::figures::{Row, Times};
use crate::servers::{COUNT, Servers};

const MOVES: usize = 100;

const WITHIN: Duration = Duration::from_millis(1500);

/// Much longer than the requirement: that one is late is a figure.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn a_hundred_moves_are_followed(cluster: &Cluster) -> Result<()> {
    let servers = Servers::start(cluster, "moves")?;
    servers.lead(Some(0));
    servers.until_labelled(Some(0), PATIENCE)?;
    let mut times = Times::default();
    for number in 1..=MOVES {
        let leader = (number + number / 7) % COUNT;
        if servers.labels.now() == crate::servers::expected(Some(leader)) {
            // Nowhere else: an election that the same server wins.
            servers.lead(None);
            servers.until_labelled(None, PATIENCE).with_context(|| format!("move {number}"))?;
        }
        // At every moment between two questions to dkron.
        thread::sleep(Duration::from_millis((number as u64 * 37) % 500));
        let moved = Instant::now();
        servers.lead(Some(leader));
        let right = servers.until_labelled(Some(leader), PATIENCE).with_context(|| format!("move {number}"))?;
        times.push(right.saturating_duration_since(moved));
    }
    let doubt = servers.labels.longest_doubt();
    Row::new("leadership moves 100 times", "the right label <= 1.5 s each; never two `true` for longer")
        .shows("right after", &times)
        .shows("two `true` at most for", format!("{:.2} s", doubt.as_secs_f64()))
        .at_most(times.longest(), WITHIN, "a move")
        .at_most(doubt, WITHIN, "doubt")
        .finish()
}
