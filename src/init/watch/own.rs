//! Watches the own dkron: one thread, which looks, tells, and waits.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::dkron::own::OwnDkron;
use super::super::port::board::Board;
use super::super::procedure::Input;
use super::super::threads;
use super::Tell;
use super::pulse::Pulse;

/// How long a look may take: a busy machine answers late, and a wrong "no answer" makes a server unready.
const PATIENCE: Duration = Duration::from_secs(2);

/// Of more members none is kept to be asked for: whoever asks has to ask dkron.
const MOST_MEMBERS: usize = 10_000;

/// The watch over the own dkron, for as long as the program lives.
#[derive(Debug)]
pub struct Own {
    pulse: Arc<Pulse>,
}

impl Own {
    /// Begins to look, `pause` apart. `tell` hears of every look, by [`Input::Own`], and `board` gets every member of serf.
    ///
    /// # Errors
    /// What the system says of threads.
    pub fn start(dkron: Arc<OwnDkron>, pause: Duration, board: Arc<Board>, tell: Tell) -> io::Result<Self> {
        let pulse = Arc::new(Pulse::new(pause));
        let watch = {
            let pulse = Arc::clone(&pulse);
            move || loop {
                let (begun, seen) = (Instant::now(), pulse.kicks());
                let (mut everybody, mut number) = (Vec::new(), 0);
                let view = dkron.view(PATIENCE, &mut |member| {
                    number += 1;
                    if number <= MOST_MEMBERS {
                        everybody.push(member);
                    }
                });
                if view.is_some() {
                    board.show_members((number <= MOST_MEMBERS).then_some(everybody));
                }
                tell(Input::Own(view));
                pulse.wait(begun, seen);
            }
        };
        threads::begin("own", Box::new(watch))?;
        Ok(Self { pulse })
    }

    /// From now on looks begin so far apart.
    pub fn pace(&self, pause: Duration) {
        self.pulse.set(pause);
    }

    /// dkron is looked at at once.
    pub fn kick(&self) {
        self.pulse.kick();
    }
}
