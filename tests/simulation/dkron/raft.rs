//! raft: who leads, what is replicated, who is elected.

use std::net::SocketAddr;

use dkron_ha::init::procedure::Server;

use crate::coverage::Seen;
use crate::invariants::Broken;
use crate::kubernetes::Kind;
use crate::names::{Slot, number, place_of, set_of, slot_of};
use crate::world::World;

use super::serf::Standing;
use super::{Servers, Step};

/// A leader that does not reach a majority for so long steps down, milliseconds.
const LEASE: u64 = 500;
/// A follower that hears nothing for so long has no leader.
const HEARTBEAT: u64 = 1_000;
/// A leader writes something this often: jobs run.
const WRITES: u64 = 1_000;

/// The raft of one process.
#[derive(Clone, Debug)]
pub struct Raft {
    /// It runs: set up, and not shut down.
    pub running: bool,
    /// It leads.
    pub leads: bool,
    /// The leader that it hears, or itself.
    pub leader: Option<Slot>,
    /// When it last heard the leader, or as a leader reached a majority.
    pub quiet_since: u64,
    /// It stands for election then; zero while it hears a leader.
    pub deadline: u64,
    /// As a leader it next looks through serf's members then.
    pub reconcile_at: u64,
    /// As a leader it next writes something then.
    pub write_at: u64,
}

impl Raft {
    /// Before it is set up.
    pub fn new() -> Self {
        Self { running: false, leads: false, leader: None, quiet_since: 0, deadline: 0, reconcile_at: 0, write_at: 0 }
    }
}

impl World {
    /// raft runs at `slot`.
    pub fn runs_raft(&self, slot: Slot) -> bool {
        self.dkron[slot].as_ref().is_some_and(|process| process.raft.running)
    }

    /// Where raft of `slot` finds the server `place`.
    pub fn contact(&self, slot: Slot, place: usize, servers: &Servers) -> Option<Slot> {
        if place == place_of(slot) {
            return Some(slot);
        }
        let process = self.dkron[slot].as_ref()?;
        let known = &process.serf.view[place];
        let by_name = !self.params.three && matches!(known.standing, Standing::Alive | Standing::Leaving);
        let ip = if by_name { known.ip } else { servers.ips[place] };
        // Raft of another set at such an address is left out: no wrapper has a hand in that.
        self.raft_at(ip, place).filter(|at| self.reaches(slot, *at) && set_of(*at) == set_of(slot))
    }

    /// A moment of all rafts.
    pub fn raft_pulse(&mut self) {
        for slot in 0..self.dkron.len() {
            let Some(raft) = self.dkron[slot].as_ref().map(|process| &process.raft) else { continue };
            if !raft.running {
                continue;
            }
            if raft.leads {
                self.lead(slot);
            } else {
                self.follow(slot);
            }
        }
    }

    fn lead(&mut self, slot: Slot) {
        let now = self.now;
        let reached = self.replicate(slot);
        let servers = self.volumes[slot].log.servers;
        if self.meets_a_later_term(slot) {
            return self.lose_leadership(slot);
        }
        let Some(process) = self.dkron[slot].as_mut() else { return };
        if reached >= servers.majority() {
            process.raft.quiet_since = now;
        } else if now.saturating_sub(process.raft.quiet_since) > LEASE {
            self.lose_leadership(slot);
            return;
        }
        let Some(process) = self.dkron[slot].as_mut().filter(|process| process.raft.leads) else { return };
        if process.raft.write_at <= now {
            process.raft.write_at = now + WRITES;
            self.volumes[slot].log.index += 1;
            self.replicate(slot);
        }
        let Some(process) = self.dkron[slot].as_mut().filter(|process| process.raft.leads) else { return };
        if process.raft.reconcile_at <= now {
            process.raft.reconcile_at = now + self.params.reconcile_interval;
            self.reconcile(slot);
        }
    }

    /// A voter has been in a later term, and answers so: a leader that hears of one is none.
    fn meets_a_later_term(&self, leader: Slot) -> bool {
        let log = &self.volumes[leader].log;
        let mut met = log.servers.places().filter_map(|place| self.contact(leader, place, &log.servers));
        met.any(|at| self.volumes[at].log.genesis == log.genesis && self.volumes[at].log.term > log.term)
    }

    /// The leader's log goes to all it reaches; returns how many voters have it, and commits it if they are a majority.
    pub fn replicate(&mut self, leader: Slot) -> u32 {
        let log = self.volumes[leader].log;
        let mut reached = 0;
        for place in log.servers.places() {
            reached += u32::from(self.replicate_to(leader, place, &log.servers));
        }
        if reached >= log.servers.majority() {
            let cluster = &mut self.clusters[log.genesis as usize - 1];
            cluster.committed = cluster.committed.max(log.end());
            cluster.servers = log.servers;
            cluster.led_at = self.now;
        }
        reached
    }

    /// The leader's log goes to this one of `servers`; says whether it got there.
    pub fn replicate_to(&mut self, leader: Slot, place: usize, servers: &Servers) -> bool {
        let Some(at) = self.contact(leader, place, servers) else { return false };
        if at == leader {
            return true;
        }
        let log = self.volumes[leader].log;
        let theirs = self.volumes[at].log;
        let begun = |genesis: u32| self.clusters[genesis as usize - 1].led;
        let follows = theirs.is_empty() || theirs.genesis == log.genesis || !begun(theirs.genesis);
        if !follows || theirs.term > log.term {
            return false;
        }
        let volume = &mut self.volumes[at];
        if theirs.end() != log.end() || theirs.servers != log.servers {
            volume.log = log;
            (volume.lost, volume.unwatched) = (false, false);
        }
        if self.dkron[at].as_ref().is_some_and(|other| other.raft.leads) {
            self.lose_leadership(at);
        }
        let now = self.now;
        let Some(other) = self.dkron[at].as_mut() else { return false };
        other.raft.leader = Some(leader);
        other.raft.quiet_since = now;
        other.raft.deadline = 0;
        true
    }

    fn follow(&mut self, slot: Slot) {
        let now = self.now;
        let timeout = self.random.between(20, 1_700);
        let log = self.volumes[slot].log;
        let Some(process) = self.dkron[slot].as_mut() else { return };
        if now.saturating_sub(process.raft.quiet_since) < HEARTBEAT && process.raft.deadline == 0 {
            return;
        }
        process.raft.leader = None;
        if process.raft.deadline == 0 {
            process.raft.deadline = now + timeout;
        } else if process.raft.deadline <= now {
            process.raft.deadline = now + HEARTBEAT + timeout;
            if log.servers.has(place_of(slot)) {
                self.stand_for_election(slot, false);
            }
        }
    }

    /// Asks for votes; `told` by the leader itself, so that nobody minds that there is one.
    pub fn stand_for_election(&mut self, slot: Slot, told: bool) {
        let log = self.volumes[slot].log;
        let own = place_of(slot);
        let (mut votes, mut term) = (0, log.term);
        for place in log.servers.places() {
            let Some(at) = self.contact(slot, place, &log.servers) else { continue };
            let theirs = &self.volumes[at].log;
            let Some(raft) = self.dkron[at].as_ref().map(|process| &process.raft) else { continue };
            let same = theirs.knows(own, &log);
            let content = raft.leads || raft.leader.is_some();
            // Who refuses tells its term too, and the next try goes beyond that.
            if same {
                term = term.max(theirs.term);
            }
            votes += u32::from(at == slot || same && theirs.end() <= log.end() && (told || !content));
        }
        // Two who stand at once may share the votes.
        if votes < log.servers.majority() || !told && log.servers.voters.count_ones() > 1 && self.random.one_in(20) {
            return;
        }
        self.become_leader(slot, term + 1);
    }

    fn become_leader(&mut self, slot: Slot, term: u32) {
        let now = self.now;
        self.check_election(slot);
        for other in 0..self.dkron.len() {
            let same = self.volumes[other].log.genesis == self.volumes[slot].log.genesis;
            let leads = self.dkron[other].as_ref().is_some_and(|process| process.raft.leads);
            if other != slot && same && leads && self.reaches(slot, other) {
                self.lose_leadership(other);
            }
        }
        let first = self.random.between(50, 300);
        let log = &mut self.volumes[slot].log;
        (log.term, log.index) = (term, log.index + 1);
        let genesis = log.genesis as usize - 1;
        self.clusters[genesis].led = true;
        self.sets[set_of(slot)].ever_led = true;
        self.elected_at = self.now;
        let Some(process) = self.dkron[slot].as_mut() else { return };
        process.raft = Raft {
            leads: true,
            leader: Some(slot),
            quiet_since: now,
            deadline: 0,
            reconcile_at: now + first,
            write_at: now + WRITES,
            ..process.raft.clone()
        };
        self.seen.count(Seen::Election);
        self.note(|| format!("dkron {slot} leads, term {term}"));
        self.replicate(slot);
    }

    fn check_election(&mut self, slot: Slot) {
        let log = self.volumes[slot].log;
        let set = set_of(slot);
        let own = self.clusters[log.genesis as usize - 1];
        let begun = self.dkron[slot].as_ref().map_or(0, |process| process.begun);
        let other = Self::places(set).find(|at| {
            let theirs = self.volumes[*at].log.genesis;
            if theirs == 0 || theirs == log.genesis {
                return false;
            }
            let cluster = &self.clusters[theirs as usize - 1];
            // A cluster that was led since the other one was is the one that there is: what was wrong, if anything, was its first leader,
            // where those were known who hold the other one.
            let unknown = own.was_founded_unaware_of(place_of(*at)) && cluster.led_at <= own.founded_at;
            let is_news = if own.led { cluster.led_at > own.led_at } else { !unknown };
            // Where the other one was founded while nobody could know of this one, neither can this one know of that, if it does not reach it
            // or was started before anybody has looked at that disk.
            let unheard = !self.reaches(slot, *at) || self.volumes[*at].waits_since > begun;
            let is_apart = cluster.was_founded_unaware_of(place_of(slot)) && unheard;
            // What is on the disk of a server that nobody wants any more, and whose pod is gone, nobody can know.
            cluster.led && !cluster.dead && is_news && !is_apart && self.is_there(*at)
        });
        let unread = self.dkron[slot].as_ref().is_some_and(|process| process.unread);
        // What one without a wrapper does no wrapper can prevent; nor does one understand what another of another protocol calls its cluster.
        let kind = |at: Slot| self.pods[at].as_ref().map(|pod| pod.kind);
        let is_foreign = |at: Slot| kind(at) == Some(Kind::Foreign);
        let misunderstood = |at: Slot| kind(slot) == Some(Kind::Plain) || is_foreign(slot) != is_foreign(at);
        let unknown = |at: Slot| {
            let genesis = self.volumes[at].log.genesis;
            own.plain || self.clusters[genesis as usize - 1].was_founded_unaware_of(place_of(slot))
        };
        if other.is_some_and(|at| unread && unknown(at) || misunderstood(at)) {
            // What follows of it is not looked at.
            self.seen.count(Seen::Unread);
            self.over = true;
        } else if let Some(other) = other {
            self.break_with(Broken::TwoClusters, || {
                format!("server {slot} leads cluster {}, the disk of {other} holds another", log.genesis)
            });
        }
        let cluster = self.clusters[log.genesis as usize - 1];
        if cluster.set != set {
            self.break_with(Broken::TwoClusters, || format!("server {slot} leads a cluster of the other set"));
        }
        if log.end() < cluster.committed {
            // With a disk lost, what is left of it may be with servers that nobody wants any more.
            // While a set is deleted nobody is wanted, and those that run on have their disks.
            let counts = |at: &Slot| self.is_there(*at);
            let wanted = || Self::places(set).filter(counts).map(|at| &self.volumes[at]);
            let lost = wanted().any(|volume| volume.lost);
            let held =
                wanted().any(|volume| volume.log.genesis == log.genesis && volume.log.end() >= cluster.committed);
            let unwatched = wanted().any(|volume| volume.lost && volume.unwatched);
            // The same where those that made up the cluster at last are all servers that nobody wants any more.
            let all = || cluster.servers.places().map(|place| slot_of(set, place)).filter(|at| *at < self.pods.len());
            let unwanted = all().all(|at| !counts(&at));
            let undecidable = unwanted || lost && !self.somebody_whole_can_win(set, log.genesis);
            if undecidable && (held || unwanted) && !cluster.dead && !unwatched {
                self.seen.count(Seen::Undecidable);
            } else if !cluster.dead && !unwatched && (held || !lost) {
                self.break_with(Broken::DataLost, || {
                    format!("server {slot} leads with {:?}, {:?} was committed", log.end(), cluster.committed)
                });
            }
            self.clusters[log.genesis as usize - 1].committed = log.end();
        }
    }

    /// A wanted server with all committed entries has a majority without the vote of a disk that was lost. Where none has, that vote
    /// decides, and may elect one that lacks the last of them: raft counts on disks that stay, and no wrapper knows how far a log goes.
    fn somebody_whole_can_win(&self, set: usize, genesis: u32) -> bool {
        let committed = self.clusters[genesis as usize - 1].committed;
        let wins = |slot: Slot| {
            let log = self.volumes[slot].log;
            let votes = |place: &usize| {
                let at = slot_of(set, *place);
                let theirs = &self.volumes[at].log;
                let content =
                    theirs.genesis == genesis && theirs.servers.has(place_of(slot)) && theirs.end() <= log.end();
                self.is_wanted(at) && (at == slot || content)
            };
            let whole = log.genesis == genesis && log.end() >= committed && log.servers.has(place_of(slot));
            whole && log.servers.places().filter(votes).count() as u32 >= log.servers.majority()
        };
        Self::places(set).filter(|slot| self.is_wanted(*slot)).any(wins)
    }

    /// A leader leads no more; sometimes dkron dies of it.
    pub fn lose_leadership(&mut self, slot: Slot) {
        let timeout = self.random.between(1_000, 2_700);
        let dies = self.params.jobs && self.random.one_in(15);
        let now = self.now;
        let Some(process) = self.dkron[slot].as_mut().filter(|process| process.raft.leads) else { return };
        process.raft.leads = false;
        process.raft.leader = None;
        process.raft.deadline = now + timeout;
        let runs = process.raft.running;
        self.seen.count(Seen::LostLeadership);
        self.note(|| format!("dkron {slot} leads no more"));
        if dies && runs {
            self.seen.count(Seen::CrashOnLostLeadership);
            self.surprised_at = self.now;
            let time = self.random.between(5, 60);
            self.dkron_in(time, slot, Step::End(1));
        }
    }

    /// raft is shut down in a process that goes on.
    pub fn raft_stops(&mut self, slot: Slot) {
        let Some(process) = self.dkron[slot].as_mut() else { return };
        process.raft.running = false;
        process.raft.leads = false;
        process.raft.leader = None;
    }

    /// `TimeoutNow` arrives at a follower.
    pub fn take_over(&mut self, slot: Slot) {
        let Some(process) = self.dkron[slot].as_ref() else { return };
        let place = place_of(slot);
        if !process.raft.running || process.raft.leads || !self.volumes[slot].log.servers.has(place) {
            return;
        }
        let leader = process.raft.leader;
        if self.random.one_in(20) {
            // Its log lags: it raises the term and wins nothing, and the others elect.
            self.seen.count(Seen::HandOverMissed);
            if let Some(leader) = leader {
                self.lose_leadership(leader);
            }
            return;
        }
        self.seen.count(Seen::HandOver);
        self.stand_for_election(slot, true);
    }

    /// `peers.json`: raft takes these servers for its configuration, if there is raft state.
    pub fn recover(&mut self, slot: Slot, servers: &[Server]) {
        if self.volumes[slot].log.is_empty() {
            return;
        }
        let mut recovered = Servers::default();
        for server in servers {
            let ip = server.address.parse::<SocketAddr>().ok().and_then(|at| number(at.ip()));
            if let (Some(place), Some(ip)) = (self.names.place(&server.id), ip) {
                recovered = recovered.with(place, ip);
            }
        }
        self.seen.count(Seen::Recovered);
        self.volumes[slot].log.servers = recovered;
    }
}
