//! Many schedules, on all processors.

use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crate::coverage::Coverage;
use crate::faults::Fault;
use crate::report;
use crate::run::run;
use crate::schedule::Schedule;

/// Schedules of a run in which nobody said how many: about ten seconds without optimisation.
const FEW: u64 = 1_500;

/// No more broken schedules than this are listed.
const MANY: usize = 400;

/// A number from the environment.
pub fn from_environment(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

/// Runs them all, or the one that was asked for.
pub fn all() -> Result<(), String> {
    if let Some(seed) = from_environment("DKRON_HA_SEED") {
        return one(seed);
    }
    let count = from_environment("DKRON_HA_SCHEDULES").unwrap_or(FEW);
    let first = from_environment("DKRON_HA_FIRST").unwrap_or(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let begun = Instant::now();
    let next = AtomicU64::new(first);
    let stop = AtomicBool::new(false);
    let simulated = AtomicU64::new(0);
    let sum = Mutex::new((Coverage::default(), Vec::new()));
    let work = || {
        let mut seen = Coverage::default();
        let mut broken = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                break;
            }
            let schedule = Schedule::new(seed, Fault::None);
            let ran = run(&schedule, false);
            seen.add(&ran.seen);
            simulated.fetch_add(ran.time, Ordering::Relaxed);
            if let Some(violation) = ran.broken {
                // At once: a run of a million lasts half an hour.
                eprintln!("broken: seed {seed}: {}", violation.what);
                broken.push((schedule, violation));
                if from_environment("DKRON_HA_GO_ON").is_none() {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        }
        let mut sum = sum.lock().expect("no thread panics");
        sum.0.add(&seen);
        sum.1.extend(broken);
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let (seen, mut broken) = sum.into_inner().expect("no thread panics");
    let ran = next.load(Ordering::Relaxed).min(first + count) - first;
    println!("{}", report::covered(ran, simulated.load(Ordering::Relaxed), begun.elapsed(), threads, &seen));
    broken.sort_by_key(|(schedule, _)| schedule.seed);
    for (schedule, violation) in broken.iter().skip(1).take(MANY) {
        println!("also seed {}: {}: {}", schedule.seed, violation.what, violation.why);
    }
    broken.first().map_or(Ok(()), |(schedule, violation)| Err(report::broken(schedule, violation)))
}

fn one(seed: u64) -> Result<(), String> {
    let schedule = Schedule::new(seed, Fault::None);
    println!("{}", report::outline(&schedule));
    let ran = run(&schedule, true);
    for line in &ran.timeline {
        println!("{line}");
    }
    ran.broken.map_or(Ok(()), |violation| Err(report::broken(&schedule, &violation)))
}
