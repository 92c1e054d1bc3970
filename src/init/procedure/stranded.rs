//! dkron before version 4, whose raft keeps the addresses of its configuration: when all have moved, it gets the new ones.

use std::net::SocketAddr;

use super::action::Prepare;
use super::facts::Facts;
use super::input::Generation;
use super::joining::stands_at_own_address;
use super::majority;
use super::moment::Moment;
use super::saying::Waiting;
use super::start::{Start, Why, launch, launch_among};
use super::state::{Disk, Server};

/// dkron before version 4 whose own address is not that of its configuration, or which cannot reach a majority at the addresses of its
/// configuration although all are there.
pub fn is_stranded(facts: &Facts, now: Moment) -> bool {
    let last = last_configuration(facts, now);
    if facts.me.generation != Generation::Three || !last.iter().any(|server| facts.is_own(server)) {
        return false;
    }
    if !stands_at_own_address(facts, last) {
        return true;
    }
    let others = || last.iter().filter(|server| !facts.is_own(server));
    let ip = |server: &Server| facts.peer_of(&server.id).and_then(|peer| peer.sure(now));
    let moved = |server: &&Server| {
        server.address.parse::<SocketAddr>().is_ok_and(|address| ip(server).is_some_and(|ip| ip != address.ip()))
    };
    let stay = last.len() - others().filter(moved).count();
    others().all(|server| ip(server).is_some()) && stay < majority(last.len())
}

/// The last raft configuration that the own marker tells; where there is state and no marker, or another server has since seen a larger
/// one with this server in it, what that one tells.
fn last_configuration(facts: &Facts, now: Moment) -> &[Server] {
    let told = || facts.peers.values().filter_map(|peer| peer.wrapper(now)?.raft.as_deref());
    let has_own = |servers: &&[Server]| servers.iter().any(|server| facts.is_own(server));
    match (&facts.marker, facts.disk) {
        (Some(marker), _) => {
            let larger = told().filter(has_own).filter(|servers| servers.len() > marker.members.len());
            let larger = larger.max_by_key(|servers| servers.len()).filter(|_| has_own(&&*marker.members));
            larger.unwrap_or(&marker.members)
        }
        (None, Disk::Unknown) => told().max_by_key(|servers| servers.len()).unwrap_or_default(),
        (None, _) => &[],
    }
}

/// Raft gets the present addresses of its configuration, if all its members are in the same need.
pub fn recover(facts: &Facts, now: Moment) -> Start {
    let members = last_configuration(facts, now).to_vec();
    let mut present = Vec::new();
    let mut missing = Vec::new();
    // Nobody brings these back. They stay in the configuration all the same: only a majority of all surely has what was committed.
    let mut surplus = Vec::new();
    for server in members {
        let told = facts.peer_of(&server.id).and_then(|peer| Some((peer.sure(now)?, peer.wrapper(now)?)));
        match told {
            _ if facts.is_own(&server) => present.extend(facts.own_rpc().map(|at| (server, at))),
            Some((ip, state)) if state.stranded => present.push((server, SocketAddr::new(ip, facts.me.rpc_port))),
            // Somebody kept its address, so that raft can reach it.
            Some(_) => return Start::Run(launch(facts, now, None, Prepare::Keep), Why::State),
            None if facts.is_surplus(now, &server.id) => surplus.push(server),
            None => missing.push(server.id),
        }
    }
    let few = present.len() < majority(present.len() + surplus.len());
    if !missing.is_empty() || few {
        missing.extend(surplus.into_iter().filter(|_| few).map(|server| server.id));
        return Start::Wait(Waiting::Members(missing));
    }
    let moved = |(server, at): (Server, SocketAddr)| Server { address: at.to_string().into(), ..server };
    let servers = present.into_iter().map(moved).chain(surplus).collect();
    Start::Run(launch_among(facts, now, Prepare::Recover(servers)), Why::Recovery)
}
