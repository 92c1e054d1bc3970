//! A place for one value that another thread brings.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The place.
#[derive(Debug)]
pub struct Slot<T> {
    value: Mutex<Option<T>>,
    there: Condvar,
}

impl<T> Slot<T> {
    /// An empty place.
    pub fn new() -> Self {
        Self { value: Mutex::new(None), there: Condvar::new() }
    }

    /// Brings the value.
    pub fn put(&self, value: T) {
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        self.there.notify_all();
    }

    /// Takes the value, which may come `within` that time.
    pub fn take(&self, within: Duration) -> Option<T> {
        let value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.there.wait_timeout_while(value, within, |value| value.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.take()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_value_is_waited_for_and_taken_once() {
        let slot = Arc::new(Slot::new());
        let begun = Instant::now();
        assert_eq!(slot.take(Duration::from_millis(50)), None);
        assert!(begun.elapsed() >= Duration::from_millis(50));
        let brings = Arc::clone(&slot);
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            brings.put(7);
        });
        assert_eq!(slot.take(Duration::from_secs(20)), Some(7));
        assert_eq!(slot.take(Duration::ZERO), None);
        slot.put(8);
        assert_eq!(slot.take(Duration::ZERO), Some(8));
    }
}
