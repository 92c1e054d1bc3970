//! What takes time and is asked of dkron for the procedure: each on a thread of its own, answered by an input.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::super::dkron::hand_over;
use super::super::dkron::own::OwnDkron;
use super::super::procedure::{Input, Name};
use super::super::threads;

/// dkron itself gives up 11 s after it began to leave; the procedure waits for 15.
const LEAVE: Duration = Duration::from_secs(15);

/// dkron asks every other server for its jobs before it answers.
const BUSY: Duration = Duration::from_secs(5);

/// The follower answers at once or not at all.
const HAND_OVER: Duration = Duration::from_secs(1);

/// Whom requests are sent to and who hears of the answers.
pub struct Requests {
    own: Arc<OwnDkron>,
    node: Name,
    tell: Arc<dyn Fn(Input) + Send + Sync>,
}

impl Requests {
    /// Requests to the own dkron, whose node name is `node`.
    pub fn new(own: Arc<OwnDkron>, node: Name, tell: Arc<dyn Fn(Input) + Send + Sync>) -> Self {
        Self { own, node, tell }
    }

    /// Asks the follower at `to` to lead.
    pub fn hand_over(&self, to: SocketAddr) {
        self.ask(
            move || Input::HandedOver(to, hand_over::hand_over(to, HAND_OVER)),
            |error| Input::HandedOver(to, Err(error)),
        );
    }

    /// Makes the own dkron leave its cluster.
    pub fn leave(&self) {
        let own = Arc::clone(&self.own);
        self.ask(move || Input::Left(own.leave(LEAVE)), |error| Input::Left(Err(error)));
    }

    /// Counts the jobs that run here.
    pub fn busy(&self) {
        let (own, node) = (Arc::clone(&self.own), Name::clone(&self.node));
        self.ask(move || Input::Busy(own.busy(&node, BUSY)), |error| Input::Busy(Err(error)));
    }

    fn ask(&self, question: impl FnOnce() -> Input + Send + 'static, failed: impl FnOnce(Name) -> Input) {
        let tell = Arc::clone(&self.tell);
        if let Err(error) = threads::begin("request", Box::new(move || tell(question()))) {
            (self.tell)(failed(error.to_string().into()));
        }
    }
}
