//! What the probes of the container answer.

use super::facts::Facts;
use super::input::Desired;
use super::moment::Moment;
use super::peer::Peer;
use super::standing::Standing;
use super::state::{Disk, Phase};

/// What the probes of the container answer; the text is the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// `/probe/live`, and `/probe/start`.
    pub live: Result<String, String>,
    /// `/probe/ready`.
    pub ready: Result<String, String>,
}

/// Judges.
pub fn health(facts: &Facts, phase: Phase, beyond_cure: bool, now: Moment) -> Health {
    let live = if beyond_cure {
        Err("the leader does not see this server, and restarting dkron has not helped".into())
    } else {
        Ok("alive".into())
    };
    Health { live, ready: ready(facts, phase, now) }
}

fn ready(facts: &Facts, phase: Phase, now: Moment) -> Result<String, String> {
    if phase.stops() {
        return Err("stopping".into());
    }
    if let Some(leader) = facts.own_leader() {
        return match facts.voter_since {
            Some(_) => Ok(format!("leader: {} at {}", leader.name, leader.rpc_addr)),
            None => Err(format!("{} leads, and this server is not in its raft configuration yet", leader.name)),
        };
    }
    let led = facts.is_led_elsewhere(now);
    if !led && is_the_next_to_exist(facts, now) {
        return Ok("no leader yet: the servers after this one do not exist before it is ready".into());
    }
    if !led && never_formed(facts, now) {
        return Ok("no server has ever known a leader: the cluster is still to be founded".into());
    }
    Err("no leader".into())
}

/// The set makes its pods one after another, and those behind this one that are not there wait for it.
fn is_the_next_to_exist(facts: &Facts, now: Moment) -> bool {
    // A set that is being deleted makes no pods.
    let makes = |desired: &&Desired| desired.ordered_ready && !desired.set_deleting;
    let Some(desired) = facts.desired(now).filter(makes) else { return false };
    let Some(own) = facts.ordinal(&facts.me.pod) else { return false };
    // One that does not answer, or is not understood, may lead.
    let mut others = desired.pods.iter().filter_map(|pod| facts.peers.get(&pod.name));
    if !others.all(|peer| peer.wrapper(now).is_some() || peer.plain(now).is_some()) {
        return false;
    }
    let mut behind = own + 1..desired.wanted().end;
    behind.any(|ordinal| desired.pods.iter().all(|pod| facts.ordinal(&pod.name) != Some(ordinal)))
}

/// Nobody has ever known a leader, and everybody's wrapper has said so: neither silence nor a dkron without a leader is an answer.
fn never_formed(facts: &Facts, now: Moment) -> bool {
    let annotated = facts.desired(now).is_some_and(|desired| desired.pods.iter().any(|pod| pod.formed));
    let is_first = |peer: &Peer| facts.me.peers.iter().any(|name| name.pod == peer.name.pod);
    let asked = |peer: &&Peer| match peer.standing {
        Standing::Unseen | Standing::NoAddress(_) => is_first(peer) && !facts.is_surplus(now, &peer.name.pod),
        // Those that Kubernetes has added since have an address too.
        _ => peer.state.is_some() || is_first(peer) || facts.vouched(now, &peer.name.pod).is_some(),
    };
    let all = facts.peers.values().filter(asked).all(|peer| peer.wrapper(now).is_some());
    // Who is not there to say what it holds may have it still.
    let holds = |peer: &Peer| peer.may_hold_a_cluster(now) || peer.wrapper(now).is_none() && peer.held_a_cluster();
    let held = facts.disk != Disk::Empty || facts.peers.values().any(holds);
    all && !held && !facts.was_founded() && !facts.formed_elsewhere && !annotated
}
