//! What is printed.

use std::fmt::Write as _;
use std::time::Duration;

use crate::coverage::Coverage;
use crate::invariants::Violation;
use crate::run::run;
use crate::schedule::Schedule;
use crate::shrink::shrink;

/// A schedule that broke an invariant, made short, with what happened in it and how to see it again.
pub fn broken(schedule: &Schedule, violation: &Violation) -> String {
    let short = shrink(schedule, violation.what);
    let again = run(&short, true);
    let mut text = format!(
        "seed {}: {} after {} ms: {}\nreplay: DKRON_HA_SEED={} cargo test --test simulation schedules\n",
        schedule.seed, violation.what, violation.at, violation.why, schedule.seed
    );
    let _ = writeln!(text, "shortened:\n{}", outline(&short));
    for line in &again.timeline {
        text += line;
        text.push('\n');
    }
    text
}

/// A schedule as people read it.
pub fn outline(schedule: &Schedule) -> String {
    let mut text = format!(
        "  {} servers from {}, ordered {}, strangers {}\n  {:?}",
        schedule.size, schedule.first, schedule.ordered, schedule.strangers, schedule.params
    );
    for operation in &schedule.operations {
        let _ = write!(text, "\n  {:>7} ms  {:?}", operation.at, operation.what);
    }
    text + &format!("\n  {:>7} ms  the world heals", schedule.heal_at)
}

/// How many schedules ran, how fast, and what they covered.
pub fn covered(schedules: u64, simulated: u64, took: Duration, threads: usize, seen: &Coverage) -> String {
    let rate = schedules as f64 / took.as_secs_f64();
    let mut text = format!(
        "{schedules} schedules, {} s simulated each, in {:.1} s: {rate:.0} schedules per second on {threads} threads\n",
        simulated / schedules.max(1) / 1_000,
        took.as_secs_f64()
    );
    for line in seen.lines() {
        text += &line;
        text.push('\n');
    }
    text + &format!("slowest: all was well {} ms after the world had healed (seed {})", seen.slowest.0, seen.slowest.1)
}
