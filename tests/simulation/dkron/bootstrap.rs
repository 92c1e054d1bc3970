//! How a first raft configuration comes about: `--bootstrap-expect`, with all that dkron leaves open.

use crate::coverage::Seen;
use crate::invariants::{Broken, SURPRISE};
use crate::kubernetes::Kind;
use crate::names::{Slot, bit, place_of, set_of, slot_of};
use crate::world::World;

use super::serf::Standing;
use super::{Cluster, Log, Servers, Stage, Step};

/// What dkron waits for a counted server that does not tell its raft configuration, milliseconds.
const UNREACHABLE: u64 = 63_000;

impl World {
    /// `--bootstrap-expect 1` makes a cluster at once, if there is none on the disk.
    pub fn bootstrap_alone(&mut self, slot: Slot) {
        let Some(process) = self.dkron[slot].as_ref() else { return };
        if process.flags.expect == 1 && self.volumes[slot].log.is_empty() {
            let servers = Servers::default().with(place_of(slot), process.ip);
            self.bootstrap(slot, servers);
        }
    }

    /// A server with its tags was met.
    pub fn maybe_bootstrap(&mut self, slot: Slot) {
        let Some(process) = self.dkron[slot].as_mut() else { return };
        process.serf.events_wait = false;
        if process.flags.expect < 2 || process.stage < Stage::Up || !process.raft.running {
            return;
        }
        if !self.volumes[slot].log.is_empty() {
            process.flags.expect = 0;
            return;
        }
        let Some(servers) = self.counted(slot) else { return };
        if self.params.three {
            self.bootstrap(slot, servers);
            return;
        }
        let mut silent = 0;
        for place in servers.places() {
            let there = self.raft_at(servers.ips[place], place).filter(|at| self.reaches(slot, *at));
            match there {
                Some(at) if !self.volumes[at].log.is_empty() => {
                    self.note(|| format!("dkron {slot} does not bootstrap: {at} has a raft configuration"));
                    if let Some(process) = self.dkron[slot].as_mut() {
                        process.flags.expect = 0;
                    }
                    return;
                }
                Some(_) => {}
                None => silent += 1,
            }
        }
        if silent == 0 {
            self.bootstrap(slot, servers);
        } else {
            self.dkron_in(UNREACHABLE * silent, slot, Step::Asked);
        }
    }

    /// The servers that a bootstrap would take, if they are as many as expected: of any standing, as dkron counts.
    fn counted(&self, slot: Slot) -> Option<Servers> {
        let process = self.dkron[slot].as_ref()?;
        let expect = process.flags.expect;
        let mut servers = Servers::default();
        for (place, entry) in process.serf.view.iter().enumerate() {
            if entry.standing == Standing::Unknown || !entry.tagged {
                continue;
            }
            if entry.expect != 0 && entry.expect != expect {
                return None;
            }
            servers = servers.with(place, entry.ip);
        }
        (servers.voters.count_ones() >= expect).then_some(servers)
    }

    /// Those who were asked did not answer: dkron goes on without their answer.
    pub fn bootstrap_by(&mut self, slot: Slot) {
        let runs = self.runs_raft(slot);
        let servers = self.counted(slot).filter(|_| runs);
        if let Some(servers) = servers.filter(|_| self.volumes[slot].log.is_empty()) {
            self.bootstrap(slot, servers);
        }
    }

    fn bootstrap(&mut self, slot: Slot, servers: Servers) {
        let now = self.now;
        let first = self.random.between(20, 900);
        let Some(process) = self.dkron[slot].as_mut() else { return };
        process.flags.expect = 0;
        process.raft.deadline = now + first;
        self.seen.count(Seen::Bootstrap);
        self.note(|| format!("dkron {slot} bootstraps with {:b}", servers.voters));
        let set = set_of(slot);
        let holds = |at: &Slot| {
            let genesis = self.volumes[*at].log.genesis;
            let cluster = genesis.checked_sub(1).map(|index| &self.clusters[index as usize]);
            cluster.is_some_and(|cluster| !cluster.dead)
        };
        let plain = self.pods[slot].as_ref().is_some_and(|pod| pod.kind == Kind::Plain && pod.running);
        // What is on the disk of a server that nobody wants any more, and whose pod is gone, nobody can know; neither of one whom
        // Kubernetes has only just wanted again, or of whose new pod no word has come. One without a wrapper asks nobody.
        let is_news = |at: &Slot| {
            let wanted = self.is_there(*at);
            let told = |born: u64| now >= born + SURPRISE || !self.is_untold(slot, *at);
            let runs = self.pods[*at].as_ref().is_some_and(|pod| pod.running && told(pod.born));
            !wanted || !plain && now < self.surprised_at + SURPRISE && !runs
        };
        let (unknown, known): (Vec<Slot>, Vec<Slot>) = Self::places(set).filter(holds).partition(is_news);
        let other = known.first().copied();
        // Two servers that bootstrap with the same servers write the same first entry. Raft goes by their IDs, and each votes once, so
        // that one who has moved between the two makes no other cluster of the second. dkron 4 looks for it where gossip shows it;
        // with dkron 3 nobody else may answer where it was.
        let nobodys = |ip, place| self.slot_at(ip).is_none_or(|at| at == slot_of(set, place));
        let found = |first: &Servers, place: usize| {
            first.ips[place] == servers.ips[place]
                || nobodys(first.ips[place], place) && nobodys(servers.ips[place], place)
        };
        let same = |cluster: &Cluster| {
            let first = &cluster.first;
            let all_found = || first.places().all(|place| found(first, place));
            *first == servers || !cluster.led && first.voters == servers.voters && (!self.params.three || all_found())
        };
        let twin = other.map(|at| self.volumes[at].log.genesis);
        let twin = twin.filter(|genesis| same(&self.clusters[*genesis as usize - 1]));
        // Once a leader has gone on without this server, nobody ever overwrites what it has begun.
        let goes_on_without = |genesis: &u32| {
            let cluster = &self.clusters[*genesis as usize - 1];
            cluster.led && !cluster.servers.has(place_of(slot))
        };
        let twin = twin.filter(|genesis| !plain || !goes_on_without(genesis));
        if plain {
            // Nothing that a wrapper did: what follows is not looked at.
            self.over |= other.is_some() && twin.is_none();
        } else if let Some(at) = other.filter(|_| twin.is_none()) {
            self.break_with(Broken::BootstrapOverState, || {
                format!("server {slot} bootstraps while the disk of {at} holds a raft configuration")
            });
        }
        let genesis = twin.unwrap_or_else(|| {
            let unknown = unknown.into_iter().fold(0, |places, at| places | bit(place_of(at)));
            self.clusters.push(Cluster {
                set,
                committed: (0, 0),
                first: servers,
                servers,
                plain,
                led: false,
                led_at: 0,
                founded_at: now,
                unknown,
                dead: false,
            });
            self.clusters.len() as u32
        });
        let log = Log { genesis, term: 1, index: 1, servers };
        self.volumes[slot].log = log;
    }
}
