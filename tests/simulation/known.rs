//! Schedules that are known to break an invariant, so that any other one that does is news.

use crate::invariants::{Broken, Violation};

/// Each with what it breaks. One that breaks nothing any more fails the test, so that this list never says too much.
///
/// | schedule | why it is left |
/// | --- | --- |
/// | 4040 | Of three disks two are lost within 2.3 s, the second one 150 ms after the first had been filled again; the third was without the last entry. A voter that comes back without its disk may make a majority with such a one, and the wrapper knows nobody's log |
const KNOWN: [(u64, Broken); 1] = [(4_040, Broken::DataLost)];

/// Whether this was to be expected.
pub fn is_known(seed: u64, violation: &Violation) -> bool {
    KNOWN.contains(&(seed, violation.what))
}

/// Those that ought to have broken among the schedules from `first` that ran, and did not.
pub fn mended(first: u64, ran: u64, broken: &[u64]) -> Vec<u64> {
    let known = KNOWN.iter().map(|(seed, _)| *seed);
    known.filter(|seed| (first..first + ran).contains(seed) && !broken.contains(seed)).collect()
}
