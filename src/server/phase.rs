//! Where in its life the server is. It only ever moves forward.

use tokio::sync::watch;

/// Phases, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Everything is served.
    Serving,
    /// Not ready any more; everything is still served, each answer closes its connection.
    Draining,
    /// No new connections. Those that are there are still served, as before, and closed by their clients.
    Waiting,
    /// Connections that ask nothing are closed; requests that are under way are finished.
    Closing,
    /// Whatever is left is dropped.
    Cut,
}

/// The one that moves the server on.
#[derive(Debug)]
pub struct Life(watch::Sender<Phase>);

/// One that looks on.
#[derive(Clone, Debug)]
pub struct Watch(watch::Receiver<Phase>);

impl Life {
    /// A life that begins.
    pub fn new() -> Self {
        Self(watch::Sender::new(Phase::Serving))
    }

    /// Another that looks on.
    pub fn watch(&self) -> Watch {
        Watch(self.0.subscribe())
    }

    /// Moves on to `phase`; never back.
    pub fn advance(&self, phase: Phase) {
        self.0.send_if_modified(|present| {
            let forward = phase > *present;
            if forward {
                *present = phase;
            }
            forward
        });
    }
}

impl Default for Life {
    fn default() -> Self {
        Self::new()
    }
}

impl Watch {
    /// The present phase.
    pub fn now(&self) -> Phase {
        *self.0.borrow()
    }

    /// Waits for `phase` or a later one. A life that was dropped has reached every phase.
    pub async fn reached(&mut self, phase: Phase) {
        let _ = self.0.wait_for(|present| *present >= phase).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn life_moves_forward_only_and_wakes_those_who_wait_for_less() {
        let life = Life::new();
        let mut watch = life.watch();
        life.advance(Phase::Closing);
        life.advance(Phase::Draining);
        assert_eq!(watch.now(), Phase::Closing);
        watch.reached(Phase::Draining).await;
        drop(life);
        watch.reached(Phase::Cut).await;
    }
}
