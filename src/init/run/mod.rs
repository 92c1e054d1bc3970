//! The order of life: what the environment says, signals, and then the life of a server, or of anything else.
//!
//! | module | what it is |
//! | --- | --- |
//! | `situation` | everything that is known before anything is started |
//! | `events` | what the main loop waits for |
//! | `server` | a server: asks the procedure and carries out what it wants |
//! | `requests` | what takes time and is asked of dkron for the procedure |
//! | `agent` | an agent: asks its life and carries out what it wants |
//! | `follow` | anything else: passes signals on until the child ends |

mod agent;
mod events;
mod follow;
mod requests;
mod server;
mod situation;

use std::ffi::OsString;
use std::fmt::Display;
use std::sync::mpsc::Sender;

use super::child;
use super::exit::Exit;
use super::find;
use super::log::line;
use super::signals;

use events::{Event, Events};
use situation::Situation;

/// Why this program ends without a child's code.
pub struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    /// For `map_err`: the code, and the error's own words.
    fn with<E: Display>(exit: Exit) -> impl FnOnce(E) -> Self {
        move |error| Self { exit, message: error.to_string() }
    }
}

impl From<find::FindError> for Failure {
    fn from(error: find::FindError) -> Self {
        let exit = match error {
            find::FindError::NotExecutable(_) => Exit::NotExecutable,
            find::FindError::NotFound(_) | find::FindError::NoDkron(_) => Exit::NotFound,
        };
        Self { exit, message: error.to_string() }
    }
}

impl From<child::StartError> for Failure {
    fn from(error: child::StartError) -> Self {
        Self { exit: error.exit(), message: error.to_string() }
    }
}

/// Runs the command `words`, or dkron with the arguments `words`, until it ends.
pub fn run(find_dkron: bool, words: Vec<OsString>) -> Exit {
    live(find_dkron, words).unwrap_or_else(|failure| {
        line(failure.message);
        failure.exit
    })
}

fn live(find_dkron: bool, words: Vec<OsString>) -> Result<Exit, Failure> {
    let events = Events::new();
    catch_signals(events.sender()).map_err(Failure::with(Exit::System))?;
    let situation = Situation::survey(find_dkron, words)?;
    situation.tell();
    if situation.is_server_of_a_cluster() {
        server::run(&situation, events)
    } else if situation.is_agent() {
        agent::run(&situation, &events)
    } else {
        follow::run(&situation, &events)
    }
}

fn catch_signals(sender: Sender<Event>) -> std::io::Result<()> {
    // A receiver that is gone means that the program is ending.
    signals::listen(move |caught| drop(sender.send(Event::Signal(caught))))?;
    child::adopt_orphans()
}
