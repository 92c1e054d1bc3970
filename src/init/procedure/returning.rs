//! How a server is started where there is raft state and nobody leads.

use std::time::Duration;

use super::action::Prepare;
use super::facts::Facts;
use super::input::Generation;
use super::joining::{AGREEMENT, OF_ANOTHER_FOUNDING, founded_apart_beside};
use super::moment::Moment;
use super::peer::Peer;
use super::saying::Waiting;
use super::start::{
    Start, Tried, Why, is_alone, is_beyond, is_yet_to_be_looked_at, is_yet_to_be_seen, launch, launch_among, lowest,
    sights,
};
use super::state::{Disk, Name, Phase, Server, State, lists};
use super::{majority, stranded};

/// An empty server that returns to a set with raft state starts after this time although some servers are missing: its vote might
/// elect a server that lacks committed entries, but without it there may be no majority at all. Longer than those wait who hold state and
/// let others come first ([`NEWER`]), and elect.
const RETURN_OF_AN_EMPTY_DISK: Duration = Duration::from_secs(150);

/// Time for those with raft state to elect one of themselves, before a server with an empty disk gives them its vote.
const ELECTION: Duration = Duration::from_secs(10);

/// The same where their dkrons hang in their join loops: each try at an address from before may take 10 s.
const JOIN_LOOP: Duration = Duration::from_secs(45);

/// The same where one of them serves: what keeps the others from finding it is over, or was cured, after a minute and a half.
const JOIN_LOOP_BESIDE_ONE: Duration = Duration::from_secs(90);

/// The next one that they may wait for starts so much later: the one before may have been enough.
const JOIN_LOOP_OF_NEXT: Duration = Duration::from_secs(15);

/// Time for an election by those who do not need it, where others do: one of the two has an old configuration.
const AMBIGUOUS: Duration = Duration::from_secs(60);

/// A server with raft state waits this long for a peer that it can be sure of; then it starts with the names alone.
const COMPANY: Duration = Duration::from_secs(10);

/// Time for those who have removed this server to elect a leader: they may have to wait for their names to be free.
const NEWER: Duration = Duration::from_secs(120);

/// Raft state here, no leader anywhere.
pub fn elect(facts: &Facts, tried: &Tried, now: Moment) -> Start {
    let waited = now.since(tried.since);
    // Those of whom Kubernetes has pods are given more time by one who could not be elected without them.
    let minority = is_in_a_minority(facts, now);
    let patience = if minority && is_kept_from_others(facts, now) { AGREEMENT } else { COMPANY };
    let company = facts.peers.values().any(|peer| peer.sure(now).is_some());
    let awaited = || facts.peers.values().filter(|peer| !is_beyond(facts, peer, now));
    let others = awaited().next().is_some();
    let lonely = !company && waited < patience && others && !is_alone(facts, now);
    // Whoever was not looked at yet may know a leader, or be of another pool of gossip that this server makes one with its own; and
    // whoever was alone in its cluster starts alone, unless somebody holds another one.
    let yet = if facts.is_sole() { is_yet_to_be_seen } else { is_yet_to_be_looked_at };
    if facts.peers.values().any(|peer| yet(facts, peer, waited, now)) {
        return Start::Wait(Waiting::Company(sights(facts, now)));
    }
    // What somebody has led meanwhile is the cluster that there is, whatever it is called, as long as anybody may have it.
    let has_none = |peer: &Peer| {
        let gone = facts.is_surplus(now, &peer.name.pod) && peer.wrapper(now).is_none();
        gone || peer.holds_nothing(now) || is_beyond(facts, peer, now)
    };
    if facts.is_sole() && tried.led_apart && !facts.peers.values().all(has_none) {
        return Start::Wait(Waiting::DiskOfAnother(OF_ANOTHER_FOUNDING.into()));
    }
    // All of them would be one pool of gossip. Whoever is alone in its cluster starts alone, where the others only wait too, or are gone.
    let waits = |peer: &Peer| match peer.phase(now) {
        Some(phase) => phase == Phase::Waiting,
        None => !peer.is_up(now) && !peer.parted_lately(now),
    };
    // All first servers were empty when a cluster was founded: of two that were alone each the lowest of all holds the later cluster,
    // unless it has seen the other one led since.
    let is_first = lowest(facts, now) == Some(&facts.me.pod);
    let may_be_later = |peer: &Peer| {
        let told = peer.wrapper(now).filter(|state| !is_first && !state.apart).and_then(State::configuration);
        told.is_some_and(|raft| raft.iter().all(|server| server.id == *peer.node()))
    };
    let goes_on = |peer: &Peer| facts.is_sole() && waits(peer) && !may_be_later(peer);
    let apart = facts.are_founded_apart(now).find(|peer| !goes_on(peer));
    if let Some(other) = apart {
        return Start::Wait(founded_apart_beside(other));
    }
    // The same where the other one has yet to say which it is: whom its raft counts may be needed for that.
    let unsaid = |peer: &&Peer| {
        let state = peer.wrapper(now).filter(|_| !waits(peer) && !facts.may_go_on_with(peer));
        let raft = state.filter(|state| state.disk == Disk::State).and_then(State::configuration);
        raft.is_some_and(|raft| !facts.is_among(raft) || waited < AGREEMENT)
    };
    if facts.is_sole() && facts.peers.values().any(|peer| unsaid(&peer)) {
        return Start::Wait(Waiting::Company(sights(facts, now)));
    }
    // Where all others have said that they hold nothing, nobody is left who could.
    let others_may_lead = awaited().any(|peer| !peer.holds_nothing(now));
    let is_taken_out = tried.is_listed == Some(false) || is_removed(facts, now);
    let in_vain = tried.is_listed != Some(false) && have_elected_nobody(facts, tried, now);
    if is_taken_out && others_may_lead && waited < NEWER && hang_for(tried, now) < JOIN_LOOP && !in_vain {
        return Start::Wait(Waiting::Company(sights(facts, now)));
    }
    // The same where that is not known yet, and the own disk may well hold nothing: then its vote goes to anybody.
    let silent = |state: &State| state.disk == Disk::State && state.raft.is_none();
    let mut states = facts.peers.values().filter_map(|peer| peer.wrapper(now));
    if facts.disk == Disk::Unknown && waited < COMPANY && states.any(silent) {
        return Start::Wait(Waiting::Company(sights(facts, now)));
    }
    if stranded::is_stranded(facts, now) {
        // Without Kubernetes' word there may be servers that this one has never heard of.
        if facts.desired(now).is_none() && waited < COMPANY {
            return Start::Wait(Waiting::Company(sights(facts, now)));
        }
        return stranded::recover(facts, now);
    }
    if lonely {
        return Start::Wait(Waiting::Company(sights(facts, now)));
    }
    // Whoever starts with few others may be one pool of gossip with them, beside another one that the rest makes.
    if !is_alone(facts, now) && waited < patience && minority {
        return Start::Wait(Waiting::Company(sights(facts, now)));
    }
    let launch = launch_among(facts, now, Prepare::Keep);
    if launch.join.is_empty() && others && !is_alone(facts, now) {
        return Start::Wait(Waiting::Company(sights(facts, now)));
    }
    Start::Run(launch, Why::State)
}

/// Of the last raft configuration fewer than a majority is there, so that nobody could be elected anyway; or some are missing, and it would be
/// the vote of one who has lost its disk that elects.
fn is_in_a_minority(facts: &Facts, now: Moment) -> bool {
    let Some(marker) = &facts.marker else { return false };
    let others =
        || marker.members.iter().filter(|server| !facts.is_own(server)).map(|server| facts.peer_of(&server.id));
    let is_there = |peer: &&Peer| peer.sure(now).is_some();
    let all = others().all(|peer| peer.as_ref().is_some_and(is_there));
    let there = others().flatten().filter(is_there).filter(|peer| all || !peer.holds_nothing(now)).count();
    there + usize::from(facts.is_among(&marker.members)) < majority(marker.members.len())
}

/// Kubernetes has the pod of somebody of the last raft configuration, who says nothing.
fn is_kept_from_others(facts: &Facts, now: Moment) -> bool {
    let members = facts.marker.iter().flat_map(|marker| &marker.members);
    let mut others = members.filter_map(|server| facts.peer_of(&server.id));
    others.any(|peer| facts.vouched(now, &peer.name.pod).is_some() && peer.sure(now).is_none())
}

/// Nothing here, raft state elsewhere, no leader.
pub fn return_empty(facts: &Facts, tried: &Tried, now: Moment) -> Start {
    let waited = now.since(tried.since);
    // Nobody can know whom of them the vote of this one would elect: a person has to decide first.
    if facts.run_apart(now) {
        return Start::Wait(Waiting::DiskOfAnother(OF_ANOTHER_FOUNDING.into()));
    }
    // Beside an empty disk the own version is not known; only version 3 is stranded. These need no vote, and raft might find this one first.
    if stranded::will_recover(facts, now) {
        return Start::Wait(Waiting::Voters(sights(facts, now)));
    }
    let need = need(facts, now);
    // Raft of version 3 may look for a majority where it no longer is: then a person has to help.
    let patience = match need {
        Need::All => Duration::ZERO,
        Need::Some => AMBIGUOUS,
        Need::None if facts.me.generation == Generation::Three => Duration::MAX,
        Need::None => 2 * RETURN_OF_AN_EMPTY_DISK,
    };
    // Of those that others hang for, one is enough.
    let waits_too =
        |peer: &&Peer| peer.waits_with_nothing(now) && facts.ordinal(&peer.name.pod) < facts.ordinal(&facts.me.pod);
    let turn = u32::try_from(facts.peers.values().filter(waits_too).count()).unwrap_or(u32::MAX);
    // Whoever hangs beside one that serves waits for its gossip, and has it within that time; both elect then, where they can.
    let serves = |peer: &Peer| peer.may_hold_a_cluster(now) && peer.is_up(now);
    let elect = matches!(need, Need::None) && facts.peers.values().any(serves);
    let first = if elect { JOIN_LOOP_BESIDE_ONE } else { JOIN_LOOP };
    let hang = hang_for(tried, now) >= first.saturating_add(JOIN_LOOP_OF_NEXT.saturating_mul(turn));
    if waited < patience && !hang {
        return Start::Wait(Waiting::Voters(sights(facts, now)));
    }
    // Those with state elect among themselves first, where they can.
    if tried.served_since.is_some_and(|since| now.since(since) >= ELECTION) || hang {
        return Start::Run(launch(facts, now, None, Prepare::Keep), Why::State);
    }
    if waited >= RETURN_OF_AN_EMPTY_DISK {
        return Start::Run(launch(facts, now, None, Prepare::Keep), Why::Vote);
    }
    Start::Wait(Waiting::Voters(sights(facts, now)))
}

/// For how long those with raft state have hung in their join loops, and perhaps waited for this server.
fn hang_for(tried: &Tried, now: Moment) -> Duration {
    tried.hang_since.map_or(Duration::ZERO, |since| now.since(since))
}

/// This server was taken out when it stopped, or somebody of its configuration has a later one without it: others are to lead.
fn is_removed(facts: &Facts, now: Moment) -> bool {
    let members = facts.marker.as_ref().map(|marker| &*marker.members);
    if members.is_some_and(|members| !facts.is_among(members)) {
        return true;
    }
    let mut states =
        facts.peers.values().filter_map(|peer| peer.wrapper(now)).filter(|state| state.disk == Disk::State);
    states.any(|state| {
        // Without a marker the own one may be that of a first start which others went on with.
        let known = members.is_none_or(|members| lists(members, &state.node));
        known && state.configuration().is_some_and(|raft| !facts.is_among(raft))
    })
}

/// Each configuration of others that does not have this server has had its majority for the time of an election: it is not the later one.
fn have_elected_nobody(facts: &Facts, tried: &Tried, now: Moment) -> bool {
    let served = tried.served_since.is_some_and(|since| now.since(since) >= ELECTION);
    let is_own = facts.marker.as_ref().is_some_and(|marker| facts.is_among(&marker.members));
    let is_up = |server: &&Server| facts.peer_of(&server.id).is_some_and(|peer| peer.is_up(now));
    let has_majority = |raft: &[Server]| raft.iter().filter(is_up).count() >= majority(raft.len());
    let states = facts.peers.values().filter_map(|peer| peer.wrapper(now));
    let mut told = states.filter_map(State::configuration);
    served && is_own && told.all(|raft| facts.is_among(raft) || has_majority(raft))
}

/// Who of those with raft state needs the vote of a server that has none.
enum Need {
    All,
    Some,
    None,
}

/// Empty servers vote for anybody. As few as make a majority with all that have raft state: then only the most complete of these
/// can win.
fn need(facts: &Facts, now: Moment) -> Need {
    let states: Vec<&State> = facts.peers.values().filter_map(|peer| peer.wrapper(now)).collect();
    // Whoever was removed says so of itself.
    let candidates = || {
        let voters = states.iter().filter(|state| !state.is_out());
        voters.filter_map(|state| Some((&state.node, state.configuration()?)))
    };
    let own = facts.ordinal(&facts.me.pod);
    let comes = |state: &&&State| {
        if state.waits_with_nothing() { facts.ordinal(&state.pod) < own } else { !state.phase.stops() }
    };
    // Nobody votes for one that its own configuration does not have. Until it runs that is a marker, which may be older.
    let refuses = |state: &State, node: &Name| {
        state.up && state.node != *node && state.configuration().is_some_and(|raft| !lists(raft, node))
    };
    let is_short = |node: &Name, raft: &[Server]| {
        let votes = states.iter().filter(comes).filter(|state| lists(raft, &state.node) && !refuses(state, node));
        let plain =
            facts.peers.values().filter(|peer| peer.plain(now).is_some() && lists(raft, &peer.name.pod)).count();
        !lists(raft, &facts.me.node) || votes.count() + plain < majority(raft.len())
    };
    // Who was taken out may have more in its log than those who still count on its vote.
    let counts = |node: &Name| candidates().any(|(_, raft)| lists(raft, node));
    let contradict = states.iter().any(|state| state.is_out() && counts(&state.node));
    let short: Vec<bool> = candidates().map(|(node, raft)| is_short(node, raft)).collect();
    match short.iter().filter(|short| **short).count() {
        all if all == short.len() => Need::All,
        0 if contradict && facts.me.generation != Generation::Three => Need::Some,
        0 => Need::None,
        _ => Need::Some,
    }
}
