//! Each planted fault has to be found.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::faults::Fault;
use crate::invariants::Violation;
use crate::run::run;
use crate::schedule::Schedule;
use crate::schedules::from_environment;

/// So many schedules are tried for each, from the one on that it says.
const TRIES: u64 = 20_000;

/// Looks for all of them on all processors, and prints where they were found.
pub fn all() -> Result<(), String> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    let work = || {
        while let Some(fault) = Fault::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            let seed = find(*fault);
            found.lock().expect("no thread panics").push((*fault, seed));
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let mut found = found.into_inner().expect("no thread panics");
    found.sort_by_key(|(fault, _)| *fault as usize);
    let mut missed = Vec::new();
    for (fault, seed) in found {
        let text = fault.text();
        match seed {
            Some((seed, tried, why)) => println!("{text:<90} seed {seed:>5}, {tried:>5} schedules: {}", why.what),
            None => missed.push(text),
        }
    }
    if missed.is_empty() { Ok(()) } else { Err(format!("not found in {TRIES} schedules: {missed:?}")) }
}

/// The first schedule that breaks one of the invariants that the fault threatens, and does not without it.
fn find(fault: Fault) -> Option<(u64, u64, Violation)> {
    let first = from_environment("DKRON_HA_FIRST").unwrap_or_else(|| fault.begins());
    (first..first + TRIES).find_map(|seed| {
        let violation = run(&Schedule::new(seed, fault), false).broken?;
        let threatens = fault.threatens().contains(&violation.what);
        let breaks_anyway = || run(&Schedule::new(seed, Fault::None), false).broken.is_some();
        (threatens && !breaks_anyway()).then_some((seed, seed - first + 1, violation))
    })
}
