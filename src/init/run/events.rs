//! What the main loop waits for, from whichever thread it comes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use rustix::process::Pid;

use super::super::agent;
use super::super::procedure::Input;
use super::super::signals::Caught;
use super::super::tools::Output;

/// One event.
#[derive(Debug)]
pub enum Event {
    /// A signal for this program, dkron, or the end of a process.
    Signal(Caught),
    /// A fact for the procedure.
    Input(Input),
    /// The same for the life of an agent.
    Agent(agent::Input),
    /// All that a call of dkron's command line wrote.
    Output(Pid, Output),
}

/// Where events come together.
#[derive(Debug)]
pub struct Events {
    sender: Sender<Event>,
    receiver: Receiver<Event>,
}

impl Events {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        let (sender, receiver) = channel();
        Self { sender, receiver }
    }

    /// For signals and outputs.
    pub fn sender(&self) -> Sender<Event> {
        self.sender.clone()
    }

    /// For those who tell the procedure something.
    pub fn teller(&self) -> Arc<dyn Fn(Input) + Send + Sync> {
        let sender = self.sender.clone();
        // A receiver that is gone means that the program is ending.
        Arc::new(move |input| drop(sender.send(Event::Input(input))))
    }

    /// The next event; `None` when the time is over.
    pub fn next(&self, within: Duration) -> Option<Event> {
        // It holds a sender itself, so that the only error is that the time is over.
        self.receiver.recv_timeout(within).ok()
    }
}
