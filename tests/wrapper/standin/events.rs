//! What a node does about members that come and go: it keeps raft's address book and, once, bootstraps.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use super::generation::Generation;
use super::member::Member;
use super::node::Node;
use super::raft::Raft;
use super::raft::journal::Server;
use super::rpc::{self, Peer, Request};
use super::serf::Told;
use super::serf::table::Change;

/// How often a server is asked for its raft configuration before it counts as one without.
const ATTEMPTS: u32 = 6;

/// Handles events until serf is down.
pub fn run(node: &Arc<Node>, events: &Receiver<Told>) {
    node.log.info("agent: Listen for events", &[]);
    let mut expect = node.settings.bootstrap_expect;
    while !node.serf.is_down() {
        let Ok(told) = events.recv_timeout(Duration::from_millis(100)) else { continue };
        let kind = match told.change {
            Change::Join => "member-join",
            Change::Update => "member-update",
            Change::Leave => "member-leave",
            Change::Failed => "member-failed",
            Change::Reap => "member-reap",
        };
        node.log.info("agent: Received event", &[("event", kind)]);
        for member in told.members {
            match told.change {
                Change::Join => joined(node, &member, &mut expect),
                Change::Update if member.is_server() => know(node, &member),
                Change::Leave | Change::Failed if member.is_server() => {
                    node.log.info(&format!("removing server {}", member.name), &[]);
                    node.peers().remove(&member.name);
                    node.lookup.lock().expect("nobody panics with this lock").remove(&member.name);
                }
                _ => {}
            }
        }
    }
}

fn know(node: &Node, member: &Member) {
    node.log.info("Updating LAN server", &[("server", &member.name)]);
    let mut lookup = node.lookup.lock().expect("nobody panics with this lock");
    lookup.insert(member.name.clone(), member.raft_address());
}

fn joined(node: &Node, member: &Member, expect: &mut u64) {
    if !member.is_server() {
        node.log.warning("non-server in gossip pool", &[("member", &member.name)]);
        return;
    }
    node.log.info("Adding LAN adding server", &[("server", &member.name)]);
    let address = member.raft_address();
    node.lookup.lock().expect("nobody panics with this lock").insert(member.name.clone(), address);
    node.peers().insert(member.name.clone(), member.clone());
    if let Some(raft) = node.raft().filter(|_| *expect != 0) {
        bootstrap(node, raft, expect);
    }
}

/// Writes a first configuration of all servers that serf knows, in whatever state they are, when they are enough. It is
/// tried once; with a log it is not tried at all.
fn bootstrap(node: &Node, raft: &Raft, expect: &mut u64) {
    if raft.core().journal.last_index() != 0 {
        *expect = 0;
        return;
    }
    let mut servers = node.serf.members();
    servers.retain(|member| member.is_server() && member.tag("region") == node.settings.region);
    for server in &servers {
        if server.expects() != 0 && server.expects() != *expect {
            let message = "peer has a conflicting expect value. All nodes should expect the same number";
            node.log.error(message, &[("member", &server.name)]);
            return;
        }
        if server.bootstraps() {
            node.log.error("peer has bootstrap mode. Expect disabled", &[("member", &server.name)]);
            return;
        }
    }
    if (servers.len() as u64) < *expect {
        return;
    }
    *expect = 0;
    if node.generation == Generation::Four && servers.iter().any(|server| has_peers(node, server)) {
        return;
    }
    let first = |member: &Member| Server { id: member.name.clone(), address: member.raft_address() };
    let first: Vec<Server> = servers.iter().map(first).collect();
    node.log.info("agent: found expected number of peers, attempting to bootstrap cluster...", &[]);
    if !raft.bootstrap(first) {
        node.log.error("agent: failed to bootstrap cluster", &[]);
    }
}

/// Asks a server, for a minute if need be. One that never answers counts as one without peers.
fn has_peers(node: &Node, server: &Member) -> bool {
    for attempt in 0..ATTEMPTS {
        match rpc::grpc::<Vec<Peer>>(&server.raft_address(), &Request::Configuration) {
            Ok(peers) if peers.is_empty() => return false,
            Ok(_) => {
                let message = "Existing Raft peers reported by server, disabling bootstrap mode";
                node.log.info(message, &[("server", &server.name)]);
                return true;
            }
            Err(_) => {
                node.log.error("Failed to confirm peer status for server (will retry).", &[("server", &server.name)]);
                thread::sleep(Duration::from_secs(1 << attempt));
            }
        }
    }
    false
}
