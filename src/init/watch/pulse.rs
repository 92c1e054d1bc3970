//! When watchers look again: after a pause that can be set at any time, or at once when somebody asks for it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Looks never follow each other faster, kicks aside: one that fails at once would be repeated without end.
const LEAST: Duration = Duration::from_millis(20);

/// What all watchers of a kind share.
#[derive(Debug)]
pub struct Pulse {
    beat: Mutex<Beat>,
    changed: Condvar,
}

#[derive(Debug)]
struct Beat {
    pause: Duration,
    kicks: u64,
}

impl Pulse {
    /// Looks begin `pause` apart, unless they take longer.
    pub fn new(pause: Duration) -> Self {
        Self { beat: Mutex::new(Beat { pause, kicks: 0 }), changed: Condvar::new() }
    }

    /// From now on looks begin `pause` apart.
    pub fn set(&self, pause: Duration) {
        let mut beat = self.lock();
        if beat.pause != pause {
            beat.pause = pause;
            self.changed.notify_all();
        }
    }

    /// Whoever waits stops waiting; whoever is looking looks again at once.
    pub fn kick(&self) {
        self.lock().kicks += 1;
        self.changed.notify_all();
    }

    /// Number of kicks so far; to be taken before a look.
    pub fn kicks(&self) -> u64 {
        self.lock().kicks
    }

    /// Waits after a look that began at `begun`, when `seen` kicks had been.
    pub fn wait(&self, begun: Instant, seen: u64) {
        let mut beat = self.lock();
        while beat.kicks == seen {
            let left = beat.pause.max(LEAST).saturating_sub(begun.elapsed());
            if left.is_zero() {
                return;
            }
            beat =
                self.changed.wait_timeout(beat, left).map_or_else(|poisoned| poisoned.into_inner().0, |(beat, _)| beat);
        }
    }

    /// Nobody panics while holding this, and the numbers are whole at every moment.
    fn lock(&self) -> MutexGuard<'_, Beat> {
        self.beat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    /// Waits with an hour's pause while `then` happens; returns how long it took.
    fn waited(then: impl FnOnce(&Pulse)) -> Duration {
        let pulse = Arc::new(Pulse::new(Duration::from_secs(3600)));
        let (begun, seen) = (Instant::now(), pulse.kicks());
        let waiter = thread::spawn({
            let pulse = Arc::clone(&pulse);
            move || {
                pulse.wait(begun, seen);
                begun.elapsed()
            }
        });
        thread::sleep(Duration::from_millis(50));
        then(&pulse);
        waiter.join().expect("the waiter")
    }

    #[test]
    fn a_kick_and_a_shorter_pause_end_a_wait_that_has_begun() {
        let soon = Duration::from_secs(20);
        assert!((Duration::from_millis(50)..soon).contains(&waited(Pulse::kick)));
        assert!((Duration::from_millis(50)..soon).contains(&waited(|pulse| pulse.set(Duration::ZERO))));
        let exact = waited(|pulse| pulse.set(Duration::from_millis(200)));
        assert!((Duration::from_millis(200)..soon).contains(&exact), "{exact:?}");
    }

    #[test]
    fn a_kick_during_a_look_is_not_lost_and_an_old_one_not_repeated() {
        let pulse = Pulse::new(Duration::from_millis(100));
        let (begun, seen) = (Instant::now(), pulse.kicks());
        pulse.kick();
        pulse.wait(begun, seen);
        assert!(begun.elapsed() < Duration::from_millis(90), "{:?}", begun.elapsed());
        let begun = Instant::now();
        pulse.wait(begun, pulse.kicks());
        assert!(begun.elapsed() >= Duration::from_millis(99), "{:?}", begun.elapsed());
        let begun = Instant::now();
        pulse.wait(begun.checked_sub(Duration::from_millis(100)).unwrap_or(begun), pulse.kicks());
        assert!(begun.elapsed() < Duration::from_millis(90), "a look that took longer than the pause: no pause");
    }
}
