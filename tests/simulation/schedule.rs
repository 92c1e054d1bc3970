//! A schedule: how a world is made and what befalls it, all from one number.

use crate::faults::Fault;
use crate::kubernetes::Kind;
use crate::names::{Mask, PLACES, STRANGERS, Slot, bit};
use crate::random::Random;
use crate::world::Params;

/// Something that befalls the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// dkron is killed.
    KillDkron(Slot),
    /// The wrapper is killed, and with it its container.
    KillWrapper(Slot),
    /// The pod is gone at once; its disk too, where said.
    ForceDelete(Slot, bool),
    /// The pods are deleted with their grace period.
    Delete(Mask),
    /// The pod is deleted, and its disk with it.
    DeleteWithDisk(Slot),
    /// The container is stopped in a pod that stays.
    StopContainer(Slot),
    /// `spec.replicas`.
    Scale(usize),
    /// A rolling restart.
    Roll,
    /// The set is deleted and made anew with its volumes, after this time.
    Reapply(u64),
    /// The set is deleted without its pods.
    Orphan,
    /// It is made again, and takes its pods over.
    Adopt,
    /// These places are cut off.
    Part(Mask),
    /// The state ports of these places are blocked.
    CutState(Mask),
    /// The network is whole again.
    Join,
    /// The label updaters of these places are dead for so long.
    UpdaterDead(Mask, u64),
    /// DNS does not answer for so long.
    DnsDown(u64),
    /// The node is down for so long.
    Down(Slot, u64),
    /// A job runs on the server for so long.
    Job(Slot, u64),
    /// New pods at these places run this.
    Kinds(Mask, Kind),
}

/// Something, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Milliseconds since the beginning.
    pub at: u64,
    /// What.
    pub what: What,
}

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Its number.
    pub seed: u64,
    /// How the world is made.
    pub params: Params,
    /// Servers of the set.
    pub size: usize,
    /// First ordinal.
    pub first: usize,
    /// `OrderedReady`.
    pub ordered: bool,
    /// Another set with equal pod names is there.
    pub strangers: bool,
    /// What befalls the world.
    pub operations: Vec<Operation>,
    /// When the world heals.
    pub heal_at: u64,
}

/// More operations than this are of no use: each is likely to hide the last.
const OPERATIONS: u64 = 8;

impl Schedule {
    /// The schedule of this number.
    pub fn new(seed: u64, fault: Fault) -> Self {
        let random = &mut Random::new(seed);
        let size = *random.pick(&[3, 3, 3, 3, 3, 3, 2, 2, 5, 5, 1, 4]);
        let strangers = random.one_in(8);
        let params = Params {
            three: random.one_in(7),
            reconcile_interval: if random.one_in(6) { 60_000 } else { 2_000 },
            retry_interval: 1_000,
            black_hole: random.one_in(3),
            jobs: random.one_in(2),
            ephemeral: random.one_in(6),
            reuse: strangers || random.one_in(3),
            positive_ttl: *random.pick(if strangers { &[5_000, 30_000] } else { &[0, 5_000, 5_000, 30_000] }),
            negative_ttl: *random.pick(&[0, 5_000, 5_000, 30_000]),
            spread: *random.pick(&[400, 1_000, 3_000, 3_000, 10_000]),
            grace: *random.pick(&[300, 300, 300, 60, 30]),
            fault,
        };
        let mut schedule = Self {
            seed,
            params,
            size,
            first: if random.one_in(8) { 5 } else { 0 },
            ordered: random.one_in(4),
            strangers,
            operations: Vec::new(),
            heal_at: 0,
        };
        schedule.befall(random);
        schedule
    }

    fn befall(&mut self, random: &mut Random) {
        // Half of them hit the first bootstrap.
        let mut at = if random.one_in(2) { random.below(6_000) } else { random.between(8_000, 25_000) };
        if random.one_in(16) {
            let mask = if random.one_in(2) { bit(PLACES) - 1 } else { random.below(1 << self.size) as Mask };
            let kind = if random.one_in(2) { Kind::Plain } else { Kind::Foreign };
            self.add(0, What::Kinds(mask, kind));
            if random.one_in(2) {
                let later = random.between(5_000, 30_000);
                self.add(later, What::Kinds(mask, Kind::Wrapped));
                self.add(later + 1, What::Roll);
            }
        }
        for _ in 0..random.below(OPERATIONS + 1) {
            let more = self.pick(random, at);
            at += more + *random.pick(&[0, random.clone().below(300), random.clone().below(3_000), 5_000, 20_000]);
        }
        self.operations.sort_by_key(|operation| operation.at);
        let last = self.operations.last().map_or(0, |last| last.at);
        self.heal_at = last.max(at) + random.below(20_000);
    }

    fn add(&mut self, at: u64, what: What) {
        self.operations.push(Operation { at, what });
    }

    /// One operation at `at`, with what ends it; returns the time that it should be given.
    fn pick(&mut self, random: &mut Random, at: u64) -> u64 {
        let slot = random.index(self.size);
        let many = (random.below(1 << self.size) as Mask) | bit(slot);
        let long = *random.pick(&[500, 2_000, 8_000, 20_000, 45_000]);
        if self.strangers && random.one_in(2) {
            // Both sets lose pods at the same time, so that addresses change hands.
            let theirs = PLACES + random.index(STRANGERS);
            let what = if random.one_in(2) { What::ForceDelete(theirs, false) } else { What::Delete(bit(theirs)) };
            self.add(at + random.below(800), what);
        }
        let one = match random.below(30) {
            0 | 1 => What::KillDkron(slot),
            2 | 3 => What::KillWrapper(slot),
            4 | 5 => What::ForceDelete(slot, false),
            6 => What::ForceDelete(slot, true),
            7..=9 => What::Delete(bit(slot)),
            10 | 11 => What::Delete(many),
            12 => What::DeleteWithDisk(slot),
            13 => What::StopContainer(slot),
            14..=16 => What::Scale(1 + random.index(PLACES.min(self.size + 2))),
            17 => {
                self.add(at, What::Scale(0));
                self.add(at + long, What::Scale(self.size));
                return long;
            }
            18 | 19 => {
                self.add(at, What::Roll);
                return long;
            }
            20 => What::Reapply(long),
            21 => {
                self.add(at, What::Orphan);
                self.add(at + long, What::Adopt);
                return 0;
            }
            22..=24 => {
                let cut = random.one_in(3);
                self.add(at, if cut { What::CutState(many) } else { What::Part(many) });
                self.add(at + long, What::Join);
                return 0;
            }
            25 => {
                let mask = if random.one_in(2) { bit(PLACES) - 1 } else { many };
                if random.one_in(2) {
                    let (first, second) = (1 + random.index(self.size), self.size + random.index(2));
                    self.add(at.saturating_sub(4_000), What::Scale(first));
                    self.add(at + long / 2, What::Scale(second));
                }
                What::UpdaterDead(mask, long * 3)
            }
            26 => What::DnsDown(long),
            27 => What::Down(slot, long),
            28 => What::Job(slot, long),
            _ => {
                self.add(at, What::Kinds(bit(slot), if random.one_in(3) { Kind::Plain } else { Kind::Foreign }));
                What::Delete(bit(slot))
            }
        };
        self.add(at, one);
        0
    }
}
