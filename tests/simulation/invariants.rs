//! What must never happen, whatever the schedule.

use std::fmt;

use dkron_ha::init::procedure::{Member, Status};

use crate::dkron::{Entry, Process, SEEN, Stage, Standing};
use crate::driver::clock;
use crate::kubernetes::NEWS;
use crate::names::{Ip, PLACES, Slot, address, bit, place_of, set_of, slot_of};
use crate::world::World;

/// What was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Broken {
    /// Two clusters of one set, or one of two sets.
    TwoClusters,
    /// A bootstrap while a disk of the set held a raft configuration.
    BootstrapOverState,
    /// A cluster lost its quorum by what a wrapper did.
    QuorumLost,
    /// A server was removed that is alive and wanted, or is not ours.
    WrongRemoval,
    /// Committed entries are gone although most disks are there.
    DataLost,
    /// Nobody does anything any more, and all is not well.
    NoProgress,
    /// Ready without reason.
    WronglyReady,
    /// The procedure does not come to rest.
    Loop,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TwoClusters => "two clusters",
            Self::BootstrapOverState => "bootstrapped over raft state",
            Self::QuorumLost => "quorum lost by a wrapper",
            Self::WrongRemoval => "wrong server removed",
            Self::DataLost => "committed entries lost",
            Self::NoProgress => "no progress",
            Self::WronglyReady => "ready without reason",
            Self::Loop => "endless loop",
        })
    }
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub what: Broken,
    /// How.
    pub why: String,
    /// When, milliseconds.
    pub at: u64,
}

/// The farewell's own budget at the end of the grace period, milliseconds, and some slack.
const FAREWELL: u64 = 32_000;
/// What happened so short a while ago a wrapper may not have seen.
pub const SURPRISE: u64 = 6_000;
/// A voter whose log ends so many entries before the committed end still counts as caught up.
const BEHIND: u32 = 3;
/// What the leader does so shortly before a leave the leaving server cannot know.
const RACE: u64 = 100;
/// A dkron that starts is looked at each 0.1 s: for so long its wrapper cannot know that it serves by now.
pub const LOOK: u64 = 105;
/// That somebody leaves whom nobody hears is known when gossip shows it, and that is read: after 0.12 s, 0.2 s and 0.1 s at the latest.
const GOSSIP: u64 = 450;
/// Raft's configuration is read each second by who is about to go: a younger change by the leader itself cannot be known.
const READ: u64 = 1_200;
/// Time to have a server taken out again that a leader took up while it left.
const UNDOING: u64 = 8000;
/// Word of a TERM reaches the others within a second, and counts as one of the same time within two.
const AT_ONCE: u64 = 3_000;
/// A readiness that is not true any more may be told for so long: raft is read every 10 s.
const READY_HOLDS: u64 = 16_000;
/// The same without a label updater: what Kubernetes wants counts for half a minute.
const READY_HOLDS_WITHOUT_NEWS: u64 = 32_000;
/// A label updater that is back writes after 10 s at the latest, and the wrapper reads that within a second.
const NEWS_AGAIN: u64 = 11_000;

impl World {
    /// The most voters of `log`'s cluster that are alive, caught up, and found by one of them that they would elect, when `but` is not
    /// counted. Raft of version 4 finds a voter where gossip shows it: servers whose gossip has fallen apart are no majority, although
    /// packets go between them.
    fn good_voters(&self, set: usize, genesis: u32, servers: &crate::dkron::Servers, but: Option<Slot>) -> u32 {
        let cluster = self.clusters[genesis as usize - 1];
        let mut good: [Slot; PLACES] = [0; PLACES];
        let mut count = 0;
        for place in servers.places() {
            let slot = slot_of(set, place);
            let log = &self.volumes[slot].log;
            let runs = self.runs_raft(slot);
            // dkron 3 looks for a voter only where the configuration has it; a leader keeps its own old address there.
            let stands = |process: &Process| process.ip == servers.ips[place] || process.raft.leads;
            let found = !self.params.three || self.dkron[slot].as_ref().is_some_and(stands);
            let caught_up = log.genesis == genesis && log.index + BEHIND >= cluster.committed.1;
            if Some(slot) != but && runs && found && (caught_up || log.is_empty() && !cluster.led) {
                good[count] = slot;
                count += 1;
            }
        }
        let good = &good[..count];
        let leads = |slot: Slot| self.dkron[slot].as_ref().is_some_and(|process| process.raft.leads);
        let follows = |one: Slot, other: Slot| {
            let (log, theirs) = (&self.volumes[one].log, &self.volumes[other].log);
            self.contact(one, place_of(other), servers) == Some(other)
                && theirs.end() <= log.end()
                && (leads(one) || theirs.knows(place_of(one), log))
        };
        let around = |one: &Slot| good.iter().filter(|other| follows(*one, **other)).count() as u32;
        good.iter().map(around).max().unwrap_or(0)
    }

    /// What `slot` does now costs the quorum, and it is not to blame: its grace period is used up, nobody remains, or something
    /// has just happened that it cannot have seen yet.
    fn is_excused(&self, slot: Slot) -> bool {
        let late = self.pods[slot].as_ref().and_then(|pod| pod.stop_by).is_some_and(|by| self.now + FAREWELL >= by);
        late || self.now < self.surprised_at + SURPRISE
            || self.all_stop(set_of(slot), slot)
            || self.has_no_heir(slot)
            || self.all_were_told_at_once(slot)
            || self.is_being_cured(slot)
            || self.is_irreplaceable(slot)
            || self.now < self.reconciled_at[slot] + READ
            || self.now < self.elected_at + RACE
            || self.now < self.unannounced_at[set_of(slot)] + NEWS
            || Self::places(set_of(slot)).any(|at| at != slot && self.now < self.unheard_at[at] + GOSSIP)
    }

    /// All servers of the set were told to stop at about the same time, wherever they are by now.
    fn all_were_told_at_once(&self, slot: Slot) -> bool {
        let told = |at: Slot| [self.stop_told[at], self.stop_told_last[at]].into_iter().filter(|told| *told != 0);
        let all = |own: u64| {
            let at_once = |at: Slot| told(at).any(|told| told.abs_diff(own) <= AT_ONCE);
            let counts = |at: &Slot| self.is_there(*at) && !(*at != slot && self.has_never_run(*at, slot));
            Self::places(set_of(slot)).filter(counts).all(at_once)
        };
        told(slot).any(all)
    }

    /// Its pod is new and has yet to run, nothing is on its disk, and no word of Kubernetes has told `but` of it.
    fn has_never_run(&self, slot: Slot, but: Slot) -> bool {
        let nothing = self.volumes[slot].log.is_empty() && self.wrappers[slot].is_none() && self.dkron[slot].is_none();
        let waits = self.pods[slot].as_ref().is_some_and(|pod| !pod.running);
        nothing && waits && self.is_untold(but, slot)
    }

    /// The only voter, and nobody runs whom it could reach.
    fn has_no_heir(&self, slot: Slot) -> bool {
        let sole = self.volumes[slot].log.servers.voters == bit(place_of(slot));
        // A server that was added so short a while ago is not known without a label updater.
        let is_new = |at: Slot| self.pods[at].as_ref().is_some_and(|pod| self.now < pod.born + SURPRISE);
        let runs = |at: Slot| self.runs_raft(at) && !is_new(at);
        sole && !Self::places(set_of(slot)).any(|at| at != slot && runs(at) && self.reaches(slot, at))
    }

    /// dkron 3 leads with an address from before in its configuration, and the others need its vote: none of them finds it to ask for that,
    /// so that nobody can take over, however long it stays.
    fn is_irreplaceable(&self, slot: Slot) -> bool {
        let servers = self.volumes[slot].log.servers;
        let leads = |process: &Process| process.raft.leads && process.ip != servers.ips[place_of(slot)];
        self.params.three && self.dkron[slot].as_ref().is_some_and(leads)
    }

    /// dkron is to be started again because the others do not see it, or because it still looks for others and does not say what it does.
    fn is_being_cured(&self, slot: Slot) -> bool {
        let now = self.now;
        let starts = |process: &Process| process.stage < Stage::Serving || now < process.serves_since + LOOK;
        if self.dkron[slot].as_ref().is_some_and(starts) {
            return true;
        }
        let stops = self.wrappers[slot].as_ref().is_some_and(|wrapper| wrapper.stopping);
        let ip = self.pods[slot].as_ref().map(|pod| pod.ip);
        // A wrapper tells what its dkron showed when it looked last: whom that has met since, nobody else can know. Where it tells nothing,
        // its dkron is asked after half a second in vain.
        let told = |other: Slot, entry: &Entry| {
            if self.network.are_mute(slot, other) {
                return self.now >= entry.since + SEEN;
            }
            let wrapper = self.wrappers[other].as_ref();
            wrapper.is_none_or(|wrapper| {
                let members = wrapper.procedure.state(clock(other, self.now)).members;
                let own = &self.names.nodes[place_of(slot)];
                let alive = |member: &Member| member.status == Status::Alive && Some(member.ip) == ip.map(address);
                members.iter().any(|member| member.name == *own && alive(member))
            })
        };
        let sees = |other: Slot| {
            let alive = |entry: &Entry| entry.standing == Standing::Alive && Some(entry.ip) == ip;
            self.shown_by(other, slot).is_some_and(|entry| alive(&entry) && told(other, &entry))
        };
        !stops && !Self::places(set_of(slot)).any(|other| other != slot && sees(other))
    }

    /// A wrapper is about to take its dkron out of the cluster.
    pub fn check_going(&mut self, slot: Slot, how: &str) {
        let set = set_of(slot);
        let genesis = self.volumes[slot].log.genesis;
        let runs = self.runs_raft(slot);
        if genesis == 0 || !runs || set != self.clusters[genesis as usize - 1].set {
            return;
        }
        let servers = self.clusters[genesis as usize - 1].servers;
        if !servers.has(place_of(slot)) {
            return;
        }
        let had = self.good_voters(set, genesis, &servers, None);
        let has = self.good_voters(set, genesis, &servers, Some(slot));
        // raft goes by the last configuration in the newest log, committed or not: where that has no majority, or not this server, there is
        // nothing to lose. Where new addresses were written over one of two logs that end equally, the own one counts.
        let runs = |at: &Slot| self.runs_raft(*at);
        let logs = Self::places(set).filter(runs).map(|at| (at, self.volumes[at].log));
        let logs = logs.filter(|(_, log)| log.genesis == genesis);
        let last = logs.max_by_key(|(at, log)| (log.end(), *at == slot)).map_or(servers, |(_, log)| log.servers);
        // What has had no leader yet has nothing to lose.
        let led = self.clusters[genesis as usize - 1].led;
        let works = led && last.has(place_of(slot)) && self.good_voters(set, genesis, &last, None) >= last.majority();
        if works && had >= servers.majority() && has < servers.majority() && !self.is_excused(slot) {
            // The leader took it up between its removal and its leave: that has to be undone.
            let added = |(leader, place, at): &(Slot, usize, u64)| {
                (set_of(*leader), *place) == (set, place_of(slot)) && self.now < at + RACE
            };
            if how == "leave" && self.added.is_some_and(|last| added(&last)) {
                self.taken_up = self.added;
                return;
            }
            self.break_with(Broken::QuorumLost, || {
                format!("{how} of server {slot}: {had} voters of {:b} were well, {has} remain", servers.voters)
            });
        }
    }

    /// Wrapper `by` has the leader at `leader` remove `place`.
    pub fn check_removal(&mut self, by: Slot, leader: Slot, place: usize) {
        let set = set_of(by);
        if set_of(leader) != set {
            self.break_with(Broken::WrongRemoval, || format!("{by} removes server {place} of another set"));
            return;
        }
        if place == place_of(leader) {
            self.break_with(Broken::WrongRemoval, || format!("{by} has leader {leader} remove itself"));
            return;
        }
        let slot = slot_of(set, place);
        if slot >= self.dkron.len() {
            // The leader has a server that its set does not have: that was told when it came.
            return;
        }
        let runs = self.runs_raft(slot);
        // The entry of one that has just been made anew elsewhere, of which no word can have come: it would have that taken out itself.
        let moved = |ip: Ip| self.volumes[leader].log.servers.ips[place] != ip;
        let is_new = self.pods[slot].as_ref().is_some_and(|pod| moved(pod.ip) && self.now < pod.born + NEWS);
        if slot != by && runs && self.is_wanted(slot) && !is_new {
            self.break_with(Broken::WrongRemoval, || format!("{by} removes server {slot}, which runs and is wanted"));
        }
        let log = self.volumes[leader].log;
        let rest = log.servers.without(place);
        let had = self.good_voters(set, log.genesis, &log.servers, None) >= log.servers.majority();
        let has = self.good_voters(set, log.genesis, &rest, None);
        if had && has < rest.majority() && !self.is_excused(by) {
            self.break_with(Broken::QuorumLost, || {
                format!("{by} has server {place} removed: {has} voters of {:b} are well", rest.voters)
            });
        }
    }

    /// A leader has taken up `place`: one that has shut its raft down for a wrapper may cost the quorum.
    pub fn check_adding(&mut self, leader: Slot, place: usize, ip: Ip) {
        let set = set_of(leader);
        let slot = slot_of(set, place);
        let goes = self.dkron[slot].as_ref().is_some_and(|process| process.ip == ip && process.leaving);
        let log = self.volumes[leader].log;
        self.added = Some((leader, place, self.now));
        if !goes || self.is_excused(slot) {
            return;
        }
        let before = log.servers.without(place);
        let had = self.good_voters(set, log.genesis, &before, None) >= before.majority();
        if had && self.good_voters(set, log.genesis, &log.servers, None) < log.servers.majority() {
            self.taken_up = Some((leader, place, self.now));
        }
    }

    /// Whom a leader took up while it left has some seconds to undo that.
    fn check_taken_up(&mut self) {
        let Some((leader, place, at)) = self.taken_up.take_if(|(_, _, at)| self.now >= *at + UNDOING) else { return };
        let set = set_of(leader);
        let log = self.volumes[leader].log;
        let lost = || self.good_voters(set, log.genesis, &log.servers, None) < log.servers.majority();
        // A crash in the middle of it, or a leader that nobody sees, leaves it undone.
        let zombie = self.dkron[leader].as_ref().is_some_and(|process| process.serf.zombie);
        // Where that leader was told to stop since, all begin anew.
        let undone = self.runs_raft(slot_of(set, place)) || !self.runs_raft(leader);
        if log.genesis != 0 && !zombie && log.servers.has(place) && !undone && lost() && self.surprised_at < at {
            self.break_with(Broken::QuorumLost, || {
                format!("leader {leader} took server {place} up again, which had been removed and leaves")
            });
        }
    }

    /// Whether a wrapper that says ready has a reason.
    fn may_be_ready(&self, slot: Slot) -> bool {
        let set = &self.sets[set_of(slot)];
        let missing = Self::places(set_of(slot)).any(|at| at > slot && self.is_wanted(at) && self.pods[at].is_none());
        let led = World::places(set_of(slot)).any(|at| self.leader_named_by(at).is_some());
        // What is on the disk of a server that nobody wants and whose pod is gone, nobody can know who has never heard of it.
        let marked =
            |at: Slot| self.is_there(at) && (!self.volumes[at].log.is_empty() || self.volumes[at].marker.is_some());
        let heard = |at: Slot| self.wrappers[at].as_ref().is_some_and(|wrapper| wrapper.has_heard);
        let known = World::places(set_of(slot)).any(|at| marked(at) || heard(at));
        let holds = |at: Slot| !self.volumes[at].log.is_empty() && (known || self.is_there(at));
        let was_led = set.ever_led && World::places(set_of(slot)).any(holds);
        self.is_in(slot) || !was_led || set.ordered && !led && missing
    }

    /// What is looked at now and then.
    pub fn audit(&mut self) {
        let now = self.now;
        for slot in 0..self.wrappers.len() {
            let Some(ready) = self.wrappers[slot].as_ref().map(|wrapper| wrapper.is_ready(slot, now)) else { continue };
            let wrong = ready && !self.may_be_ready(slot);
            let deaf_until = self.pods[slot].as_ref().map_or(0, |pod| pod.updater_dead_until);
            let deaf = deaf_until != 0 && now < deaf_until + NEWS_AGAIN;
            // Nor does a pod that no set owns, or whose set has only just taken it over, hear what becomes of the others.
            let set = &self.sets[set_of(slot)];
            let deaf = deaf || set.orphaned || now < set.adopted_at + NEWS;
            let holds = if deaf { READY_HOLDS_WITHOUT_NEWS } else { READY_HOLDS };
            let Some(wrapper) = self.wrappers[slot].as_mut() else { continue };
            if !wrong {
                wrapper.wrongly_ready_since = None;
            } else if now - *wrapper.wrongly_ready_since.get_or_insert(now) > holds {
                self.break_with(Broken::WronglyReady, || format!("wrapper {slot} says ready and is no voter"));
            }
        }
        self.check_taken_up();
        self.watch_progress();
    }

    /// All is as Kubernetes wants it: one leader, and every wanted server a voter at its address, ready, and nobody else.
    pub fn is_settled(&self, set: usize) -> bool {
        let mut leader = None;
        let mut wanted = 0;
        for slot in Self::places(set) {
            let wants = self.is_wanted(slot);
            if wants != self.pods[slot].is_some() || wants && (!self.is_ready(slot) || !self.is_in(slot)) {
                return false;
            }
            if wants {
                wanted |= bit(place_of(slot));
            }
            let process = self.dkron[slot].as_ref();
            if process.is_some_and(|process| process.raft.leads) {
                if leader.is_some() {
                    return false;
                }
                leader = Some(slot);
            }
            if process.is_some_and(|process| process.serf.zombie) {
                return false;
            }
        }
        let Some(leader) = leader else { return false };
        let servers = self.volumes[leader].log.servers;
        // A leader never changes its own address.
        let at = |place: usize| self.pods[slot_of(set, place)].as_ref().map(|pod| pod.ip);
        let right = |place: usize| place == place_of(leader) || at(place) == Some(servers.ips[place]);
        servers.voters == wanted && servers.places().all(right)
    }
}
