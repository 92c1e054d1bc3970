//! A life without a procedure: a command that nothing is known of. Signals are passed on until the child ends.

use std::time::Duration;

use super::super::child::{self, Reaped};
use super::super::exit::Exit;
use super::super::port::board::{Board, Counters, Snapshot};
use super::super::procedure::Health;
use super::super::report;
use super::super::signals::{self, Caught};
use super::events::{Event, Events};
use super::situation::Situation;
use super::{Failure, server};

/// Nothing is due without an event.
const LONG: Duration = Duration::from_secs(3600);

/// Starts the command and waits for its end.
pub fn run(situation: &Situation, events: &Events) -> Result<Exit, Failure> {
    if situation.serves_probes() {
        // dkron's configuration file may make it a server, whose probes were pointed here.
        let health = Health { live: Ok("alive".into()), ready: Ok("not followed: its role is not known".into()) };
        let board = Board::new(Snapshot { health, state: None, counters: Counters::default() });
        server::serve_port(situation, std::sync::Arc::new(board));
    }
    report::starting_as(false);
    let child = child::start(&situation.program, &situation.prepared_as_it_is())?;
    let mut orphans = 0;
    loop {
        let Some(Event::Signal(caught)) = events.next(LONG) else { continue };
        match caught {
            Caught::Child => {
                for Reaped { pid, exit } in child::reap() {
                    if pid == child {
                        report::end(exit, orphans);
                        return Ok(exit);
                    }
                    orphans += 1;
                }
            }
            Caught::ForDkron(signal) => child::send(child, signal),
            Caught::FromTerminal(signal) => signals::stop_with_group(signal),
        }
    }
}
