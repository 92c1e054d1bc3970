//! dkron servers without wrappers, handled by hand.

use crate::dkron::{Flags, Stage, Target};
use crate::faults::Fault;
use crate::kubernetes::{Kind, Set};
use crate::names::{Slot, place_of};
use crate::schedule::Schedule;
use crate::world::World;

/// A few servers of one set.
pub struct Laboratory {
    /// Where they are.
    pub world: World,
    size: usize,
    schedule: Schedule,
}

impl Laboratory {
    /// Pods for `size` servers in which nothing runs yet.
    pub fn new(seed: u64, size: usize, change: impl Fn(&mut Schedule)) -> Self {
        let mut schedule = Schedule::new(seed, Fault::None);
        schedule.operations.clear();
        let params = &mut schedule.params;
        (params.three, params.reconcile_interval, params.black_hole) = (false, 2_000, false);
        (params.jobs, params.ephemeral, params.reuse) = (false, false, false);
        (params.positive_ttl, params.negative_ttl) = (0, 0);
        change(&mut schedule);
        let sets = [Set::new(size, 0, false, 0), Set::new(0, 0, false, 0)];
        let mut world = World::new(seed, schedule.params.clone(), sets, 0);
        world.clocks_begin(false);
        world.sets[0].orphaned = true;
        let mut laboratory = Self { world, size, schedule };
        (0..size).for_each(|slot| laboratory.put(slot));
        laboratory
    }

    /// A pod with a new address at a place, known to DNS at once.
    pub fn put(&mut self, slot: Slot) {
        let uid = self.world.new_uid();
        self.world.put_pod(slot, uid);
        let now = self.world.now;
        if let Some(pod) = self.world.pods[slot].as_mut() {
            pod.kind = Kind::Plain;
            pod.named_at = now;
        }
    }

    /// The pod goes, and another one comes.
    pub fn replace(&mut self, slot: Slot) {
        self.lose(slot);
        self.put(slot);
    }

    /// The pod goes.
    pub fn lose(&mut self, slot: Slot) {
        if let Some(uid) = self.world.pods[slot].as_ref().map(|pod| pod.uid) {
            self.world.pod_goes(slot, uid);
        }
    }

    /// Starts dkron with all others to join, and itself where said.
    pub fn start(&mut self, slot: Slot, expect: u32, itself: bool) {
        let others = (0..self.size).filter(|other| *other != slot || itself);
        let join = others.map(Target::Name).collect();
        self.world.start_dkron(slot, Flags { join, expect });
    }

    /// So many milliseconds pass.
    pub fn pass(&mut self, time: u64) {
        let end = self.world.now + time;
        self.world.run_until(end, &self.schedule);
    }

    /// Waits for something, and says after how many milliseconds it came.
    pub fn wait(&mut self, at_most: u64, done: impl Fn(&Self) -> bool) -> Option<u64> {
        let begun = self.world.now;
        while self.world.now < begun + at_most {
            if done(self) {
                return Some(self.world.now - begun);
            }
            self.pass(20);
        }
        None
    }

    /// Its HTTP API answers.
    pub fn serves(&self, slot: Slot) -> bool {
        self.world.dkron[slot].as_ref().is_some_and(|process| process.stage >= Stage::Serving)
    }

    /// The server that leads and is known for it to all that serve.
    pub fn leader(&self) -> Option<Slot> {
        (0..self.size).find(|slot| self.world.dkron[*slot].as_ref().is_some_and(|process| process.raft.leads))
    }

    /// A leader, and all servers in its configuration.
    pub fn is_whole(&self) -> bool {
        self.leader().is_some() && (0..self.size).all(|slot| self.is_voter(slot))
    }

    /// In the leader's configuration, at its address.
    pub fn is_voter(&self, slot: Slot) -> bool {
        let servers = self.leader().map(|leader| self.world.volumes[leader].log.servers);
        let ip = self.world.pods[slot].as_ref().map(|pod| pod.ip);
        let place = place_of(slot);
        servers.is_some_and(|servers| servers.has(place) && Some(servers.ips[place]) == ip) && self.world.is_in(slot)
    }

    /// serf is shut down in a process that goes on.
    pub fn is_zombie(&self, slot: Slot) -> bool {
        self.world.dkron[slot].as_ref().is_some_and(|process| process.serf.zombie)
    }

    /// A whole cluster, started one after another.
    pub fn formed(seed: u64, size: usize, change: impl Fn(&mut Schedule)) -> Self {
        let mut laboratory = Self::new(seed, size, change);
        laboratory.start_in_order();
        laboratory.wait(120_000, Self::is_whole).expect("a cluster");
        laboratory.pass(3_000);
        laboratory
    }

    /// Starts all, each when the one before serves.
    pub fn start_in_order(&mut self) {
        for slot in 0..self.size {
            self.start(slot, self.size as u32, slot == 0);
            self.wait(30_000, |laboratory| laboratory.serves(slot)).expect("it serves");
        }
    }

    /// A server that does not lead.
    pub fn follower(&self) -> Slot {
        (0..self.size).find(|slot| Some(*slot) != self.leader()).expect("a follower")
    }
}
