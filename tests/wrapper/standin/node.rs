//! One running node: its parts, and what they know together.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread;

use super::faults::Faults;
use super::generation::Generation;
use super::jobs::execution::Execution;
use super::jobs::plugin::Plugins;
use super::jobs::scheduler::Scheduler;
use super::log::Log;
use super::member::{Member, Status};
use super::raft::{Lookup, Raft};
use super::rpc::Peer;
use super::serf::Serf;
use super::settings::Settings;

/// What dkron says of a store that a leave has closed.
pub const CLOSED: &str = "database closed";

pub struct Node {
    pub settings: Settings,
    pub generation: Generation,
    pub faults: Faults,
    pub log: Log,
    pub serf: Arc<Serf>,
    /// Nothing on an agent, and before the start got so far.
    pub raft: OnceLock<Arc<Raft>>,
    pub lookup: Arc<Lookup>,
    /// Servers by join and leave events: what a leave answers.
    pub peers: Mutex<BTreeMap<String, Member>>,
    pub scheduler: Scheduler,
    pub plugins: Plugins,
    /// Commands that run here.
    pub running: AtomicUsize,
    /// Executions that this node follows.
    pub active: Mutex<BTreeMap<String, Execution>>,
    pub closed: AtomicBool,
}

impl Node {
    pub fn raft(&self) -> Option<&Arc<Raft>> {
        self.raft.get()
    }

    pub fn active(&self) -> MutexGuard<'_, BTreeMap<String, Execution>> {
        self.active.lock().expect("nobody panics with this lock")
    }

    pub fn peers(&self) -> MutexGuard<'_, BTreeMap<String, Member>> {
        self.peers.lock().expect("nobody panics with this lock")
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Servers of the own region that are alive.
    pub fn servers(&self) -> Vec<Member> {
        let mut members = self.serf.members();
        members.retain(|member| {
            member.is_server() && member.status == Status::Alive && member.tag("region") == self.settings.region
        });
        members
    }

    /// dkron compares raft's leader with everybody's tag. Without a leader both are empty for a member that is still in
    /// its start: that one is then taken for the leader.
    pub fn leader_member(&self) -> Option<Member> {
        let leader = self.raft()?.leader();
        self.serf.members().into_iter().find(|member| member.tag("rpc_addr") == leader)
    }

    /// What `raft list-peers` shows.
    pub fn peers_of_raft(&self) -> Vec<Peer> {
        let Some(raft) = self.raft() else { return Vec::new() };
        let (leader, servers) = (raft.leader(), raft.core().servers());
        let members = self.serf.members();
        let known =
            |address: &str| members.iter().find(|member| member.is_server() && member.raft_address() == address);
        let peer = |server: super::raft::journal::Server| Peer {
            node: known(&server.address).map_or_else(|| "(unknown)".to_owned(), |member| member.name.clone()),
            leader: server.address == leader,
            id: server.id,
            address: server.address,
        };
        servers.into_iter().map(peer).collect()
    }

    /// Leaves: waits for the starts of the scheduler, ends raft, closes the store, tells the others.
    ///
    /// # Errors
    /// The second time: the store is closed.
    pub fn stop(&self) -> Result<(), String> {
        self.log.info("agent: Called member stop, now stopping", &[]);
        if self.faults.hang_on_leave {
            loop {
                thread::park();
            }
        }
        if let Some(raft) = self.raft() {
            if self.scheduler.is_started() {
                self.scheduler.stop();
                self.scheduler.wait();
            }
            raft.shut_down();
        }
        if self.settings.server && self.closed.swap(true, Ordering::SeqCst) {
            return Err(CLOSED.to_owned());
        }
        self.serf.leave();
        Ok(())
    }
}
