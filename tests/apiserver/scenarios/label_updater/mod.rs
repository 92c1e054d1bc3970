//! Real label updaters of a real set, with real tokens, at a real API server: rights, policy and watches are those of a cluster. What
//! dkron says is played.

mod desired;
mod events;
mod idle;
mod mending;
mod moves;
mod outage;
mod stale;

use std::thread::{self, ScopedJoinHandle};

use anyhow::{Result, bail};

use crate::cluster::Cluster;

pub use desired::desired_json_follows_the_set;
pub use mending::edited_re_created_and_rotated_the_label_is_right_again;
pub use stale::stale_label_of_a_killed_leader_is_cleared;

/// Four sets at a time, since each takes a minute and more: one whose leadership moves, one that is cut off, one that idles, and one
/// whose wrapper has much to say.
pub fn moves_outage_idleness_and_events(cluster: &Cluster) -> Result<()> {
    type Part = fn(&Cluster) -> Result<()>;
    let parts: [(&str, Part); 4] = [
        ("moves", moves::a_hundred_moves_are_followed),
        ("outage", outage::an_outage_during_a_fail_over_is_made_up_for),
        ("idle", idle::an_idle_set_costs_little),
        ("events", events::what_people_must_know_becomes_events),
    ];
    thread::scope(|scope| {
        let running = parts.map(|(name, part)| (name, scope.spawn(move || part(cluster))));
        let faults: Vec<_> = running.into_iter().filter_map(|(name, part)| fault(name, part)).collect();
        if !faults.is_empty() {
            bail!("{}", faults.join("; "));
        }
        Ok(())
    })
}

fn fault(name: &str, part: ScopedJoinHandle<'_, Result<()>>) -> Option<String> {
    match part.join() {
        Ok(outcome) => outcome.err().map(|error| format!("{name}: {error:#}")),
        Err(_) => Some(format!("{name}: panicked")),
    }
}
