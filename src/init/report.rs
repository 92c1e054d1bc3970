//! What people read of a start.

use std::mem::{Discriminant, discriminant};
use std::time::{Duration, Instant};

use super::decide::{Facts, Launch, Sight, WaitFor};
use super::exit::Exit;
use super::log::line;

/// A wait is told again after this time.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// Tells how dkron is started, and why.
pub fn start(launch: &Launch, facts: &Facts) {
    let known = facts.peers.iter().find_map(|peer| match &peer.sight {
        Sight::Knows(leader) => Some((peer, leader)),
        _ => None,
    });
    match (launch, known) {
        (Launch::Server { expect: None, .. }, Some((peer, leader))) => {
            line(format_args!("{} says that {leader} leads: joining", peer.name));
        }
        (Launch::Server { join, expect: Some(size) }, _) => {
            line(format_args!("nobody leads: starting with --bootstrap-expect={size} and {} peers", join.len()));
        }
        (Launch::AsWritten, _) => line("starting the command as it is written"),
        (Launch::Server { .. }, None) => line("starting a server that joins its peers"),
        (Launch::Agent, _) => line("starting an agent"),
    }
}

/// Tells how dkron ended.
pub fn end(exit: Exit, orphans: u64) {
    match exit {
        Exit::Signal(signal) => line(format_args!("dkron was ended by signal {signal}; orphans reaped: {orphans}")),
        _ => line(format_args!("dkron ended with code {}; orphans reaped: {orphans}", exit.code())),
    }
}

/// Tells what is waited for: when it changes, and again from time to time.
#[derive(Debug, Default)]
pub struct WaitReport {
    last: Option<(Discriminant<WaitFor>, Instant)>,
}

impl WaitReport {
    /// Says it, unless it was said just now.
    pub fn tell(&mut self, what: &WaitFor, facts: &Facts) {
        let kind = discriminant(what);
        if self.last.is_some_and(|(last, at)| last == kind && at.elapsed() < TELL_AGAIN) {
            return;
        }
        self.last = Some((kind, Instant::now()));
        let others = facts.peers.iter().filter(|peer| !peer.own);
        let sights = others.map(|peer| format!("{} ({})", peer.name, peer.sight)).collect::<Vec<_>>().join(", ");
        match what {
            WaitFor::Names(names) => line(format_args!("waiting for the addresses of {} peers: {sights}", names.len())),
            WaitFor::Answers => line(format_args!("no leader so far, asking on: {sights}")),
            WaitFor::Leader => line(format_args!("not of the first servers, waiting for a leader: {sights}")),
        }
    }

    /// Time until it is to be said again.
    pub fn pause(&self) -> Duration {
        self.last.map_or(TELL_AGAIN, |(_, at)| TELL_AGAIN.saturating_sub(at.elapsed()))
    }
}
