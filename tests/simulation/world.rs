//! The simulated world: a clock in milliseconds, a queue of events, and everything that they happen to.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use dkron_ha::init::procedure::{Action, Input};

use crate::coverage::Coverage;
use crate::dkron::{Cluster, Process, Step, Volume};
use crate::driver::Wrapper;
use crate::faults::Fault;
use crate::invariants::{Broken, Violation};
use crate::kubernetes::{Pod, Set};
use crate::names::{Ip, Mask, Names, SLOTS, Slot};
use crate::network::Network;
use crate::random::Random;
use crate::schedule::Schedule;

/// What happens at a time.
#[derive(Debug)]
pub enum Event {
    /// All rafts.
    Raft,
    /// All gossip.
    Gossip,
    /// Invariants that are looked at now and then.
    Audit,
    /// The controller of a set looks.
    Controller(u8),
    /// An operation of the schedule.
    Operation(u16),
    /// A dkron process does something by itself.
    Dkron { slot: u8, run: u32, step: Step },
    /// A container is started.
    Container { slot: u8, uid: u32 },
    /// TERM reaches a container.
    Stop { slot: u8, uid: u32 },
    /// The grace period is over.
    Deadline { slot: u8, uid: u32 },
    /// The pod's containers are gone.
    PodGone { slot: u8, uid: u32 },
    /// The label updater writes `desired.json`.
    Desired { slot: u8, uid: u32, again: bool },
    /// The kubelet asks the liveness probe.
    Probe { slot: u8, uid: u32 },
    /// The wrapper's edges look at the peers.
    Peers { slot: u8, life: u32 },
    /// The wrapper's edges look at the own dkron.
    Own { slot: u8, life: u32, again: bool },
    /// A tick is due.
    Tick { slot: u8, life: u32 },
    /// The wrapper hears something.
    Heard { slot: u8, life: u32, input: Box<Input> },
    /// What the wrapper wanted is done.
    Done { slot: u8, life: u32, action: Box<Action> },
    /// The wrapper that is there is made to want something.
    Wanted { slot: u8, action: Box<Action> },
    /// The wrapper that is there is told that its removal is done.
    Removed { slot: u8 },
    /// The world heals.
    Heal,
}

#[derive(Debug)]
struct Scheduled {
    at: u64,
    number: u64,
    event: Event,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// How the world is made; does not change while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params {
    /// dkron of the generation before 4.
    pub three: bool,
    /// Time between two looks of the leader at serf's members.
    pub reconcile_interval: u64,
    /// `--retry-interval`.
    pub retry_interval: u64,
    /// What is sent to an address without a pod is lost, not refused.
    pub black_hole: bool,
    /// Jobs run, so that a leader that loses leadership may die of it.
    pub jobs: bool,
    /// Disks go with their pods.
    pub ephemeral: bool,
    /// An address is given to the next pod as soon as it is free.
    pub reuse: bool,
    /// How long DNS keeps an address.
    pub positive_ttl: u64,
    /// How long DNS keeps that there is none.
    pub negative_ttl: u64,
    /// The longest time from a pod's creation until its container starts.
    pub spread: u64,
    /// Seconds between TERM and KILL.
    pub grace: u64,
    /// The fault that is planted.
    pub fault: Fault,
}

/// Everything there is.
#[derive(Debug)]
pub struct World {
    /// Milliseconds since the beginning.
    pub now: u64,
    /// Chance.
    pub random: Random,
    /// How the world is made.
    pub params: Params,
    /// Texts.
    pub names: Names,
    /// Addresses, partitions, DNS.
    pub network: Network,
    /// The watched set and the strangers'.
    pub sets: [Set; 2],
    /// Pods by place.
    pub pods: [Option<Pod>; SLOTS],
    /// Disks by place.
    pub volumes: [Volume; SLOTS],
    /// dkron processes by place.
    pub dkron: [Option<Process>; SLOTS],
    /// Wrappers by place.
    pub wrappers: [Option<Wrapper>; SLOTS],
    /// Every bootstrap so far.
    pub clusters: Vec<Cluster>,
    /// Processes so far.
    pub runs: u32,
    /// Wrappers so far.
    pub lives: u32,
    /// What was covered.
    pub seen: Coverage,
    /// The invariant that was broken first.
    pub broken: Option<Violation>,
    /// A server that a leader has taken up while it left: leader, place, time.
    pub taken_up: Option<(Slot, usize, u64)>,
    /// The server that a leader has taken up last: leader, place, time.
    pub added: Option<(Slot, usize, u64)>,
    /// When a leader last changed the configuration by itself, by the places that could not know.
    pub reconciled_at: [u64; SLOTS],
    /// When something happened last that nobody can know before it has.
    pub surprised_at: u64,
    /// When a dkron without a wrapper was last told to end, by the sets.
    pub unannounced_at: [u64; 2],
    /// When each place left last although its state port was blocked and Kubernetes had not said that it stops.
    pub unheard_at: [u64; SLOTS],
    /// When each place was told to stop, or its pod was deleted, since it served; zero for never.
    pub stop_told: [u64; SLOTS],
    /// The same, and when it was told so last.
    pub stop_told_last: [u64; SLOTS],
    /// Whose last word to each wrapper does not say whether it has founded the cluster.
    pub unclear: [Mask; SLOTS],
    /// When somebody was elected last.
    pub elected_at: u64,
    /// When the world was healed.
    pub healed_at: Option<u64>,
    /// When some server held for others last.
    pub held_until: u64,
    /// Since when all is as it should be.
    pub settled_since: Option<u64>,
    /// The schedule is over.
    pub over: bool,
    /// What happened, for people; only where somebody reads it.
    pub timeline: Option<Vec<String>>,
    queue: BinaryHeap<Reverse<Scheduled>>,
    number: u64,
}

impl World {
    /// A world without pods.
    pub fn new(seed: u64, params: Params, sets: [Set; 2], first: usize) -> Self {
        Self {
            now: 0,
            random: Random::new(seed),
            names: Names::new(first),
            network: Network::new(params.reuse),
            params,
            sets,
            pods: [const { None }; SLOTS],
            volumes: std::array::from_fn(|_| Volume::default()),
            dkron: [const { None }; SLOTS],
            wrappers: [const { None }; SLOTS],
            clusters: Vec::with_capacity(4),
            runs: 0,
            lives: 0,
            seen: Coverage::default(),
            broken: None,
            surprised_at: 0,
            unannounced_at: [0; 2],
            unheard_at: [0; SLOTS],
            stop_told: [0; SLOTS],
            stop_told_last: [0; SLOTS],
            unclear: [0; SLOTS],
            elected_at: 0,
            taken_up: None,
            reconciled_at: [0; SLOTS],
            added: None,
            healed_at: None,
            held_until: 0,
            settled_since: None,
            over: false,
            timeline: None,
            queue: BinaryHeap::with_capacity(128),
            number: 0,
        }
    }

    /// Has an event happen in some milliseconds.
    pub fn after(&mut self, time: u64, event: Event) {
        self.number += 1;
        self.queue.push(Reverse(Scheduled { at: self.now + time, number: self.number, event }));
    }

    /// Lets everything that is due until `end` happen.
    pub fn run_until(&mut self, end: u64, schedule: &Schedule) {
        while !self.over && self.broken.is_none() {
            match self.queue.peek() {
                Some(Reverse(next)) if next.at <= end => {}
                _ => break,
            }
            let Some(Reverse(next)) = self.queue.pop() else { break };
            self.now = next.at;
            self.happen(next.event, schedule);
        }
        if !self.over && self.broken.is_none() {
            self.now = end;
        }
    }

    fn happen(&mut self, event: Event, schedule: &Schedule) {
        match event {
            Event::Raft => {
                self.raft_pulse();
                self.after(100, Event::Raft);
            }
            Event::Gossip => {
                self.gossip();
                self.after(200, Event::Gossip);
            }
            Event::Audit => {
                self.audit();
                self.after(500, Event::Audit);
            }
            Event::Controller(set) => {
                self.control(usize::from(set));
                let time = self.random.between(300, 900);
                self.after(time, Event::Controller(set));
            }
            Event::Operation(number) => {
                if let Some(operation) = schedule.operations.get(usize::from(number)) {
                    self.operate(&operation.what);
                }
            }
            Event::Dkron { slot, run, step } => self.dkron_steps(usize::from(slot), run, step),
            Event::Container { slot, uid } => self.container_starts(usize::from(slot), uid),
            Event::Stop { slot, uid } => self.container_is_stopped(usize::from(slot), uid),
            Event::Deadline { slot, uid } => self.deadline(usize::from(slot), uid),
            Event::PodGone { slot, uid } => self.pod_goes(usize::from(slot), uid),
            Event::Desired { slot, uid, again } => self.write_desired(usize::from(slot), uid, again),
            Event::Probe { slot, uid } => self.probe_liveness(usize::from(slot), uid),
            Event::Peers { slot, life } => self.look_at_peers(usize::from(slot), life, true),
            Event::Own { slot, life, again } => self.look_at_own(usize::from(slot), life, again),
            Event::Tick { slot, life } => self.tick(usize::from(slot), life),
            Event::Heard { slot, life, input } => self.hears(usize::from(slot), life, *input),
            Event::Done { slot, life, action } => self.carry_out(usize::from(slot), life, *action),
            Event::Wanted { slot, action } => self.is_made_to(usize::from(slot), *action),
            Event::Removed { slot } => {
                let id = self.names.nodes[crate::names::place_of(usize::from(slot))].clone();
                self.feed(usize::from(slot), Input::Removed(id, Ok(())));
            }
            Event::Heal => self.heal(),
        }
    }

    /// Writes a line for people, where somebody reads it.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(timeline) = &mut self.timeline {
            timeline.push(format!("{:>4}.{:03}  {}", now / 1000, now % 1000, line()));
        }
    }

    /// An invariant is broken: the first one counts.
    pub fn break_with(&mut self, what: Broken, why: impl FnOnce() -> String) {
        if self.broken.is_none() {
            let why = why();
            self.note(|| format!("BROKEN: {what}: {why}"));
            self.broken = Some(Violation { what, why, at: self.now });
        }
    }

    /// The place whose pod has this address.
    pub fn slot_at(&self, ip: Ip) -> Option<Slot> {
        self.network.owner(ip)
    }

    /// Whether packets go both ways.
    pub fn reaches(&self, one: Slot, other: Slot) -> bool {
        self.network.reaches(one, other)
    }
}
