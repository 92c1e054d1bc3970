//! Changes of raft's configuration: the leader's own, by serf's members, and those asked for by `raft remove-peer`.

use crate::coverage::Seen;
use crate::names::{Ip, SLOTS, Slot, place_of, set_of, slot_of};
use crate::world::World;

use super::Servers;
use super::serf::Standing;

/// Why `raft remove-peer` failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody answers there.
    Unreachable,
    /// It does not lead.
    NotLeader,
    /// The ID is not in the configuration.
    NotFound,
    /// The change is not committed.
    NotCommitted,
}

/// Who lacks more entries than these is not told that it was taken out.
const STRAGGLES: u32 = 3;

impl World {
    /// The leader looks through serf's members.
    pub fn reconcile(&mut self, leader: Slot) {
        let Some(view) = self.dkron[leader].as_ref().map(|process| process.serf.view) else { return };
        for (place, entry) in view.iter().enumerate() {
            let servers = self.volumes[leader].log.servers;
            if place == place_of(leader) || !self.dkron[leader].as_ref().is_some_and(|process| process.raft.leads) {
                continue;
            }
            let stands_so = servers.has(place) && servers.ips[place] == entry.ip;
            match entry.standing {
                Standing::Alive if entry.tagged && !stands_so => {
                    if self.params.three && servers.has(place) && !self.change(leader, servers.without(place)) {
                        return;
                    }
                    // No two others stand at one address.
                    let servers = self.volumes[leader].log.servers;
                    let others = |at: &usize| *at != place && *at != place_of(leader);
                    let mut same = servers.places().filter(|at| others(at) && servers.ips[*at] == entry.ip);
                    if let Some(other) = same.next() {
                        self.changed_by_leader(leader, other);
                        if !self.change(leader, servers.without(other)) {
                            return;
                        }
                    }
                    let servers = self.volumes[leader].log.servers;
                    self.seen.count(Seen::VoterAdded);
                    self.note(|| format!("leader {leader} adds voter {place}"));
                    self.changed_by_leader(leader, place);
                    let done = self.change(leader, servers.with(place, entry.ip));
                    self.check_adding(leader, place, entry.ip);
                    if !done {
                        return;
                    }
                }
                Standing::Left if servers.has(place) => {
                    self.seen.count(Seen::VoterRemoved);
                    self.note(|| format!("leader {leader} drops voter {place}"));
                    self.changed_by_leader(leader, place);
                    if !self.change(leader, servers.without(place)) {
                        return;
                    }
                }
                _ => {}
            }
        }
    }

    /// Whoever is about to go reads it a second later. Whom it is about, and who is about to go, is looked at by itself: the others
    /// know no more of that than of any other change.
    fn changed_by_leader(&mut self, leader: Slot, place: usize) {
        let about = slot_of(set_of(leader), place);
        let stops = self.wrappers[about].as_ref().is_some_and(|wrapper| wrapper.stopping);
        for slot in (0..SLOTS).filter(|slot| *slot != about || !stops) {
            self.reconciled_at[slot] = self.now;
        }
    }

    /// Writes a configuration; says whether it is committed. Raft begins none before the last one is committed.
    fn change(&mut self, leader: Slot, servers: Servers) -> bool {
        let log = self.volumes[leader].log;
        if self.clusters[log.genesis as usize - 1].servers != log.servers
            && self.replicate(leader) < log.servers.majority()
        {
            return false;
        }
        let log = &mut self.volumes[leader].log;
        let before = std::mem::replace(&mut log.servers, servers);
        log.index += 1;
        // Whom it took up while that one left it has taken out again.
        let undone = |(by, place, _): &mut (Slot, usize, u64)| set_of(*by) == set_of(leader) && !servers.has(*place);
        self.taken_up.take_if(undone);
        let committed = self.replicate(leader) >= servers.majority();
        // Whom it takes out it tells so, once: that reaches who has had all before, if it is there.
        for place in before.places().filter(|place| !servers.has(*place)) {
            let has_most = |at: Slot| self.volumes[at].log.index + STRAGGLES >= self.volumes[leader].log.index;
            if self.contact(leader, place, &before).is_some_and(has_most) && !self.random.one_in(20) {
                self.replicate_to(leader, place, &before);
            }
        }
        committed
    }

    /// `raft remove-peer` of `place` at `ip`, asked by `by`.
    pub fn remove_peer(&mut self, by: Slot, ip: Ip, place: usize) -> Result<(), Refusal> {
        let at = self.slot_at(ip).filter(|at| self.reaches(by, *at)).ok_or(Refusal::Unreachable)?;
        let process = self.dkron[at].as_ref().filter(|process| process.raft.running).ok_or(Refusal::Unreachable)?;
        if !process.raft.leads {
            return Err(Refusal::NotLeader);
        }
        let servers = self.volumes[at].log.servers;
        if !servers.has(place) {
            return Err(Refusal::NotFound);
        }
        let rest = servers.without(place);
        if rest.voters == 0 {
            return Err(Refusal::NotCommitted);
        }
        self.check_removal(by, at, place);
        self.seen.count(Seen::RemovePeer);
        self.note(|| format!("{by} has leader {at} remove {place}"));
        if place == place_of(at) {
            // It commits with the others, if they are a majority without it, and shuts its own raft down.
            if servers.voters.count_ones() > 2 {
                self.change(at, rest);
            }
            self.raft_stops(at);
            return Ok(());
        }
        if self.change(at, rest) { Ok(()) } else { Err(Refusal::NotCommitted) }
    }
}
