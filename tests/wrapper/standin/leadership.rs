//! What a leader does: it schedules, and brings raft's members in line with serf's, at once and then on a timer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::generation::Generation;
use super::member::{Member, Status};
use super::node::Node;
use super::raft::journal::Server;
use super::raft::{Raft, Role};

/// Watches for as long as raft runs.
pub fn watch(node: &Arc<Node>, raft: &Arc<Raft>) {
    let mut core = raft.core();
    while core.role() != Role::Down {
        if core.role() != Role::Leader {
            core = raft.wait(core, Duration::from_millis(500));
            continue;
        }
        let term = core.journal.term;
        drop(core);
        node.log.info("dkron: cluster leadership acquired", &[]);
        lead(node, raft, term);
        node.scheduler.stop();
        node.log.info("dkron: cluster leadership lost", &[]);
        core = raft.core();
        if node.faults.crash_on_handover && core.role() != Role::Down {
            node.log
                .fatal("agent: error applying SetExecutionType", &[("error", "leadership lost while committing log")]);
        }
    }
}

fn lead(node: &Arc<Node>, raft: &Arc<Raft>, term: u64) {
    // The own first entry must be committed before anything is done.
    let mut core = raft.core();
    while core.journal.term_at(core.commit()) != term {
        if !core.leads_in(term) {
            return;
        }
        core = raft.wait(core, Duration::from_millis(500));
    }
    let jobs = core.store.jobs().cloned().collect();
    drop(core);
    node.log.info("agent: Starting scheduler", &[]);
    node.scheduler.start(jobs);
    loop {
        if let Err(why) = node.serf.members().iter().try_for_each(|member| reconcile(node, raft, member)) {
            node.log.error("dkron: failed to reconcile", &[("error", &why)]);
        }
        let next = Instant::now() + node.settings.reconcile;
        let mut core = raft.core();
        loop {
            if !core.leads_in(term) {
                return;
            }
            let left = next.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            core = raft.wait(core, left);
        }
    }
}

/// Adds who is alive, removes who has left. Who failed stays a voter.
fn reconcile(node: &Node, raft: &Raft, member: &Member) -> Result<(), String> {
    if !member.is_server() || member.tag("region") != node.settings.region {
        return Ok(());
    }
    let own = member.name == node.settings.node_name;
    match member.status {
        Status::Alive => add(node, raft, member, own),
        Status::Left if own && node.generation == Generation::Four => Ok(()),
        Status::Left => {
            let listed = raft.core().servers().iter().any(|server| server.id == member.name);
            if listed { raft.remove_server(&member.name) } else { Ok(()) }
        }
        Status::Leaving | Status::Failed => Ok(()),
    }
}

fn add(node: &Node, raft: &Raft, member: &Member, own: bool) -> Result<(), String> {
    let servers = raft.core().servers();
    let rival = |other: &Member| other.is_server() && other.name != member.name && other.bootstraps();
    if member.bootstraps() && node.serf.members().iter().any(rival) {
        node.log.error("dkron: more than one node in bootstrap mode, not adding Raft peer.", &[("peer", &member.name)]);
        return Ok(());
    }
    if own && servers.len() < 3 {
        return Ok(());
    }
    let wanted = Server { id: member.name.clone(), address: member.raft_address() };
    if servers.contains(&wanted) {
        return Ok(());
    }
    for server in servers {
        let moved = server.id == wanted.id && node.generation == Generation::Three;
        if server.address == wanted.address || moved {
            raft.remove_server(&server.id)?;
        }
    }
    raft.add_voter(wanted)
}
