//! What people read of the beginning and the end.

use super::exit::Exit;
use super::log::line;

/// Tells how something else than a server of a cluster is started.
pub fn starting_as(agent: bool) {
    line(if agent { "starting an agent" } else { "starting the command as it is written" });
}

/// Tells how dkron ended.
pub fn end(exit: Exit, orphans: u64) {
    match exit {
        Exit::Signal(signal) => line(format_args!("dkron was ended by signal {signal}; orphans reaped: {orphans}")),
        _ => line(format_args!("dkron ended with code {}; orphans reaped: {orphans}", exit.code())),
    }
}
