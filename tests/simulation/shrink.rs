//! Makes a schedule that breaks an invariant shorter, as long as it breaks the same one.

use crate::invariants::Broken;
use crate::run::run;
use crate::schedule::Schedule;

/// The shortest schedule that was found.
pub fn shrink(schedule: &Schedule, what: Broken) -> Schedule {
    let mut best = schedule.clone();
    loop {
        let before = best.clone();
        for candidate in candidates(&before) {
            if run(&candidate, false).broken.is_some_and(|broken| broken.what == what) {
                best = candidate;
                break;
            }
        }
        if best == before {
            return best;
        }
    }
}

/// Schedules that are simpler by one thing.
fn candidates(from: &Schedule) -> Vec<Schedule> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Schedule)| {
        let mut simpler = from.clone();
        change(&mut simpler);
        if simpler != *from {
            all.push(simpler);
        }
    };
    for index in 0..from.operations.len() {
        with(&|s| {
            s.operations.remove(index);
        });
    }
    with(&|s| s.strangers = false);
    with(&|s| s.first = 0);
    with(&|s| s.ordered = false);
    with(&|s| s.params.three = false);
    with(&|s| s.params.black_hole = false);
    with(&|s| s.params.jobs = false);
    with(&|s| s.params.reuse = false);
    with(&|s| s.params.ephemeral = false);
    with(&|s| (s.params.positive_ttl, s.params.negative_ttl) = (0, 0));
    with(&|s| s.params.reconcile_interval = 2_000);
    with(&|s| s.params.spread = 400);
    with(&|s| s.params.grace = 300);
    with(&|s| s.size = s.size.min(3));
    with(&|s| s.heal_at = s.operations.last().map_or(15_000, |last| last.at + 1_000));
    all
}
