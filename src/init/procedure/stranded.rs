//! dkron before version 4, whose raft keeps the addresses of its configuration: when all have moved, it gets the new ones.

use std::net::{IpAddr, SocketAddr};

use super::action::Prepare;
use super::facts::Facts;
use super::input::Generation;
use super::joining::stands_at_own_address;
use super::majority;
use super::moment::Moment;
use super::saying::Waiting;
use super::start::{Start, Why, launch, launch_among};
use super::state::{Disk, Name, Server, State, lists};

/// dkron before version 4 whose own address is not that of its configuration, or which cannot reach a majority at the addresses of its
/// configuration although all are there: others have moved, or wait with an empty disk.
pub fn is_stranded(facts: &Facts, now: Moment) -> bool {
    let last = last_configuration(facts, now);
    if facts.me.generation != Generation::Three || !facts.is_among(last) {
        return false;
    }
    if !stands_at_own_address(facts, last) {
        return true;
    }
    let others = || last.iter().filter(|server| !facts.is_own(server) && !is_gone(facts, &server.id, now));
    let ip = |server: &Server| facts.peer_of(&server.id).and_then(|peer| peer.sure(now));
    // Whose disk is empty and waits does not vote yet, wherever it is.
    let votes = |server: &Server| !facts.peer_of(&server.id).is_some_and(|peer| peer.waits_with_nothing(now));
    let stays = |server: &&Server| !has_moved(facts, server, now) && votes(server);
    let majority = majority(last.len());
    // Where too many are gone for good, new addresses help nobody: it starts as it is, and says that nobody leads.
    let all = 1 + others().count() >= majority && others().all(|server| ip(server).is_some());
    all && 1 + others().filter(stays).count() < majority
}

/// A server is there, and not where raft of this one looks for it, whatever address others have been given.
fn has_moved(facts: &Facts, server: &Server, now: Moment) -> bool {
    let known = facts.marker.iter().flat_map(|marker| &marker.members).find(|known| known.id == server.id);
    let address: Option<SocketAddr> = known.unwrap_or(server).address.parse().ok();
    let there = facts.peer_of(&server.id).and_then(|peer| peer.sure(now));
    there.zip(address).is_some_and(|(ip, address)| ip != address.ip())
}

/// Kubernetes no longer wants it, and it is not there: nobody brings it back.
pub fn is_gone(facts: &Facts, id: &Name, now: Moment) -> bool {
    facts.is_surplus(now, id) && facts.peer_of(id).is_none_or(|peer| peer.sure(now).is_none())
}

/// The last raft configuration that the own marker tells; where there is state and no marker, or another server has since seen a larger
/// one with this server in it, what that one tells. Not one that does not stand in it itself: it was taken out, and others went on.
fn last_configuration(facts: &Facts, now: Moment) -> &[Server] {
    let states = || facts.peers.values().filter(|peer| facts.may_go_on_with(peer)).filter_map(|peer| peer.wrapper(now));
    let told = || states().filter_map(|state| state.raft.as_deref().filter(|servers| lists(servers, &state.node)));
    let has_own = |servers: &&[Server]| facts.is_among(servers);
    // A dkron that runs goes by its own, and has to find those; so does one that is started again, whatever others have beside it.
    let runs = facts.raft.as_ref().filter(|_| facts.own.is_some()).map(|reading| &reading.servers);
    if let Some(own) = runs.or(facts.own_raft.as_ref()).filter(|servers| facts.is_among(servers)) {
        return own;
    }
    match (&facts.marker, facts.disk) {
        (Some(marker), _) => {
            let larger = told().filter(has_own).filter(|servers| servers.len() > marker.members.len());
            let larger = larger.max_by_key(|servers| servers.len()).filter(|_| facts.is_among(&marker.members));
            larger.unwrap_or(&marker.members)
        }
        (None, Disk::Unknown) => told().max_by_key(|servers| servers.len()).unwrap_or_default(),
        (None, _) => &[],
    }
}

/// It is stranded too, or its raft looks for this server where that is now, while the own raft was read to have addresses from before: it
/// has got the new ones already, and waits for the others to get them too. Not one that has turned out to hold nothing.
pub fn is_in_the_same_need(facts: &Facts, state: &State) -> bool {
    let has_recovered = || facts.own_raft.is_some() && stands_at_own_address(facts, state.raft.iter().flatten());
    state.disk != Disk::Empty && (state.stranded || has_recovered())
}

/// It has its disk, and tells of the same servers, wherever these are.
fn agrees(state: &State, servers: &[Server]) -> bool {
    state.disk == Disk::State && state.configuration().is_some_and(|told| are_the_same(told, servers))
}

fn are_the_same(one: &[Server], other: &[Server]) -> bool {
    one.len() == other.len() && one.iter().all(|server| lists(other, &server.id))
}

/// The others recover beside this server, whose disk is empty: all of them that have theirs are stranded, tell of the same servers, and are a
/// majority of these.
pub fn will_recover(facts: &Facts, now: Moment) -> bool {
    let states = facts.peers.values().filter_map(|peer| peer.wrapper(now));
    let holders: Vec<&State> = states.filter(|state| state.disk == Disk::State && !state.is_out()).collect();
    let Some(raft) = holders.first().and_then(|state| state.configuration()) else { return false };
    holders.iter().all(|state| state.stranded && agrees(state, raft)) && holders.len() >= majority(raft.len())
}

/// Raft gets the present addresses of its configuration, if all its members are in the same need; beside an empty disk only if all others have
/// theirs and tell of the same servers, since one of an older configuration might win.
pub fn recover(facts: &Facts, now: Moment) -> Start {
    let members = last_configuration(facts, now);
    let mut present = Vec::new();
    let mut missing = Vec::new();
    // Nobody brings these back. They stay in the configuration all the same: only a majority of all surely has what was committed.
    let mut surplus = Vec::new();
    // Neither is there what these had.
    let mut empty = Vec::new();
    let told = facts.told_raft();
    let mut agree = facts.disk == Disk::State && told.is_some_and(|told| are_the_same(told, members));
    for server in members {
        let moved = |ip: IpAddr| {
            let address = SocketAddr::new(ip, facts.me.rpc_port).to_string().into();
            Server { address, ..server.clone() }
        };
        let told = facts.peer_of(&server.id).and_then(|peer| Some((peer.sure(now)?, peer.wrapper(now)?)));
        match told {
            _ if facts.is_own(server) => present.extend(facts.me.ip.map(moved)),
            Some((ip, state)) if is_in_the_same_need(facts, state) => {
                present.push(moved(ip));
                agree &= agrees(state, members);
            }
            Some((ip, state)) if state.waits_with_nothing() => empty.push(moved(ip)),
            // Somebody kept its address, so that raft can reach it.
            Some(_) => return Start::Run(launch(facts, now, None, Prepare::Keep), Why::State),
            None if facts.is_surplus(now, &server.id) => surplus.push(server.clone()),
            None => missing.push(server.id.clone()),
        }
    }
    let few = present.len() < majority(present.len() + surplus.len() + empty.len());
    if !missing.is_empty() {
        return Start::Wait(Waiting::Members(missing));
    }
    if few || !empty.is_empty() && !agree {
        // Those that are left may yet have another configuration, or a person brings the others back.
        return Start::Run(launch(facts, now, None, Prepare::Keep), Why::State);
    }
    let servers = present.into_iter().chain(surplus).chain(empty).collect();
    Start::Run(launch_among(facts, now, Prepare::Recover(servers)), Why::Recovery)
}
