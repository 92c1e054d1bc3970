//! Runs a schedule in a world of its own.

use crate::coverage::Coverage;
use crate::invariants::Violation;
use crate::kubernetes::Set;
use crate::names::STRANGERS;
use crate::schedule::Schedule;
use crate::world::{Event, World};

/// How a schedule went.
#[derive(Debug)]
pub struct Ran {
    /// The invariant that was broken.
    pub broken: Option<Violation>,
    /// What was covered.
    pub seen: Coverage,
    /// What happened, where that was asked for.
    pub timeline: Vec<String>,
    /// Simulated milliseconds.
    pub time: u64,
}

/// No schedule takes longer, milliseconds.
const END: u64 = 2_000_000;

/// Runs it.
pub fn run(schedule: &Schedule, told: bool) -> Ran {
    let theirs = if schedule.strangers { STRANGERS } else { 0 };
    let sets =
        [Set::new(schedule.size, schedule.first, schedule.ordered, 0), Set::new(theirs, schedule.first, false, 0)];
    let mut world = World::new(schedule.seed, schedule.params.clone(), sets, schedule.first);
    world.timeline = told.then(Vec::new);
    world.clocks_begin(schedule.strangers);
    for (number, operation) in schedule.operations.iter().enumerate() {
        world.after(operation.at, Event::Operation(number as u16));
    }
    world.after(schedule.heal_at, Event::Heal);
    world.run_until(END, schedule);
    world.seen.slowest.1 = schedule.seed;
    Ran { broken: world.broken, seen: world.seen, timeline: world.timeline.unwrap_or_default(), time: world.now }
}

impl World {
    /// The clocks of the world begin.
    pub fn clocks_begin(&mut self, strangers: bool) {
        for set in 0..=u8::from(strangers) {
            let uid = self.new_uid();
            self.sets[usize::from(set)].uid = uid;
            self.after(10, Event::Controller(set));
        }
        self.after(100, Event::Raft);
        self.after(150, Event::Gossip);
        self.after(500, Event::Audit);
    }
}
