//! Memory for bodies: whoever wants to send a large one waits until there is room for all of it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::Limits;
use super::refusal::Refusal;

/// Room for bodies, one permit a byte.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Semaphore>);

/// Room for one body, given back when dropped.
#[derive(Debug)]
pub struct Room(Option<OwnedSemaphorePermit>);

impl Budget {
    /// Room for `bytes` in all.
    pub fn new(bytes: u32) -> Self {
        Self(Arc::new(Semaphore::new(usize::try_from(bytes).unwrap_or(usize::MAX))))
    }

    /// Waits for room for `bytes`, in the order of asking.
    ///
    /// # Errors
    /// [`Refusal::NoRoom`] when the deadline comes first.
    pub async fn take(&self, bytes: u32, deadline: Instant) -> Result<Room, Refusal> {
        if bytes == 0 {
            return Ok(Room(None));
        }
        match timeout_at(deadline, Arc::clone(&self.0).acquire_many_owned(bytes)).await {
            Ok(Ok(permit)) => Ok(Room(Some(permit))),
            Ok(Err(_)) | Err(_) => Err(Refusal::NoRoom),
        }
    }
}

impl Room {
    /// Gives back what a body of `bytes` does not need.
    pub fn shrink(&mut self, bytes: usize) {
        if let Room(Some(permit)) = self {
            let spare = permit.num_permits().saturating_sub(bytes);
            drop(permit.split(spare));
        }
    }
}

/// How much room a body takes before its first byte is read. One of unknown length takes the most that it may become:
/// growing later could leave all of them waiting for each other.
///
/// # Errors
/// [`Refusal::TooLarge`] where the announced length is beyond the limit.
pub fn wanted(announced: Option<u64>, limits: &Limits) -> Result<u32, Refusal> {
    let Some(length) = announced else { return Ok(limits.body) };
    match u32::try_from(length) {
        Ok(length) if length <= limits.small_body.min(limits.body) => Ok(0),
        Ok(length) if length <= limits.body => Ok(length),
        _ => Err(Refusal::TooLarge(limits.body)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn room_is_wanted_for_large_and_unknown_bodies_only() {
        let limits = Limits { body: 1_000, small_body: 10, ..Limits::default() };
        assert_eq!(wanted(Some(0), &limits), Ok(0));
        assert_eq!(wanted(Some(10), &limits), Ok(0));
        assert_eq!(wanted(Some(11), &limits), Ok(11));
        assert_eq!(wanted(Some(1_000), &limits), Ok(1_000));
        assert_eq!(wanted(None, &limits), Ok(1_000));
        for beyond in [1_001, u64::from(u32::MAX) + 1, u64::MAX] {
            assert_eq!(wanted(Some(beyond), &limits), Err(Refusal::TooLarge(1_000)));
        }
        let tiny = Limits { body: 5, small_body: 10, ..Limits::default() };
        assert_eq!(wanted(Some(6), &tiny), Err(Refusal::TooLarge(5)));
    }

    #[tokio::test]
    async fn who_finds_no_room_waits_for_the_deadline_and_no_longer() {
        let budget = Budget::new(100);
        let soon = || Instant::now() + Duration::from_millis(20);
        let mut first = budget.take(100, soon()).await.unwrap();
        assert_eq!(budget.take(1, soon()).await.unwrap_err(), Refusal::NoRoom);
        first.shrink(40);
        let second = budget.take(60, soon()).await.unwrap();
        assert_eq!(budget.take(1, soon()).await.unwrap_err(), Refusal::NoRoom);
        drop((first, second));
        assert!(budget.take(100, soon()).await.is_ok());
    }
}
