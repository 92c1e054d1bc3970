//! A moment by two clocks: one says what time it is, the other only runs.

use std::time::{Instant, SystemTime};

/// Read from both clocks at once.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// What time it is: certificates are judged by it. It may be wrong, and somebody may set it.
    pub wall: SystemTime,
    /// How long things take is measured by it: nobody sets it.
    pub steady: Instant,
}

impl Moment {
    /// This one.
    pub fn now() -> Self {
        Self { wall: SystemTime::now(), steady: Instant::now() }
    }
}
