//! A model of dkron: how it starts, joins, leaves and ends. Facts and figures were measured with real dkron; the tests in
//! `facts.rs` hold the model to them.

mod api;
mod bootstrap;
mod leave;
mod log;
mod raft;
mod reconcile;
mod serf;

pub use log::{Cluster, Log, Servers, Volume};
pub use raft::Raft;
pub use serf::{Entry, SEEN, Serf, Standing};

use crate::coverage::Seen;
use crate::names::{Ip, Slot, place_of};
use crate::world::{Event, World};

/// Where a process is in its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Plugins are being started.
    Loading,
    /// serf runs; it tries to join.
    Joining,
    /// It has joined; the store, HTTP and raft are next.
    Joined,
    /// HTTP answers and raft runs; the tags are not set yet.
    Serving,
    /// The start is over.
    Up,
}

/// What happens to a process by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// serf is there.
    Serf,
    /// Another try to join.
    Join,
    /// HTTP and raft are there.
    Serve,
    /// The tags are set, events are handled.
    Tags,
    /// Join events were handed on.
    Events,
    /// The other servers were asked for their raft configuration, in vain.
    Asked,
    /// serf's vote on the own name is over.
    NameVote,
    /// The message by which serf leaves goes out.
    Intent,
    /// serf has left.
    Left,
    /// The request to leave is answered.
    LeaveAnswered,
    /// A `TimeoutNow` arrives.
    TakeOver,
    /// The process ends with this code.
    End(u8),
}

/// What a process was started with.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// What it joins.
    pub join: Vec<Target>,
    /// `--bootstrap-expect`; zero for none.
    pub expect: u32,
}

/// One entry of `--retry-join`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The name of this place.
    Name(Slot),
    /// An address.
    Address(Ip),
}

/// A dkron process.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its number: events of earlier processes are dropped by it.
    pub run: u32,
    /// Address that it is bound to.
    pub ip: Ip,
    /// How far its start is.
    pub stage: Stage,
    /// What it was started with; `expect` is cleared as dkron does.
    pub flags: Flags,
    /// Its gossip.
    pub serf: Serf,
    /// Its raft.
    pub raft: Raft,
    /// It was told to leave.
    pub leaving: bool,
    /// It was told to end.
    pub terminated: bool,
    /// A job runs here until then.
    pub busy_until: u64,
    /// It was started with raft state of which no wrapper had ever made a marker: nobody can tell whose that is before it runs.
    pub unread: bool,
    /// When it was started.
    pub begun: u64,
    /// Since when it serves.
    pub serves_since: u64,
}

impl World {
    /// Starts dkron in the pod at `slot`.
    pub fn start_dkron(&mut self, slot: Slot, flags: Flags) {
        let Some(pod) = self.pods[slot].as_ref() else { return };
        self.runs += 1;
        let volume = &self.volumes[slot];
        let unread = !volume.log.is_empty() && volume.marker.as_ref().is_none_or(|marker| marker.members.is_empty());
        let process = Process {
            run: self.runs,
            ip: pod.ip,
            stage: Stage::Loading,
            flags,
            serf: Serf::new(),
            raft: Raft::new(),
            leaving: false,
            terminated: false,
            busy_until: 0,
            unread,
            begun: self.now,
            serves_since: 0,
        };
        self.note(|| format!("dkron {} starts: {:?}", slot, process.flags));
        self.dkron[slot] = Some(process);
        let loading = self.random.between(100, 350);
        self.dkron_in(loading, slot, Step::Serf);
    }

    /// Has `step` happen to the present process in some milliseconds.
    pub fn dkron_in(&mut self, time: u64, slot: Slot, step: Step) {
        let Some(process) = &self.dkron[slot] else { return };
        let event = Event::Dkron { slot: slot as u8, run: process.run, step };
        self.after(time, event);
    }

    /// A step of process number `run`.
    pub fn dkron_steps(&mut self, slot: Slot, run: u32, step: Step) {
        let Some(process) = self.dkron[slot].as_mut().filter(|process| process.run == run) else { return };
        match step {
            Step::Serf => {
                process.stage = Stage::Joining;
                self.serf_begins(slot);
                self.dkron_steps(slot, run, Step::Join);
            }
            Step::Join => self.try_to_join(slot),
            Step::Serve => {
                process.stage = Stage::Serving;
                process.serves_since = self.now;
                process.raft.running = true;
                process.raft.quiet_since = self.now;
                self.volumes[slot].database = true;
                self.bootstrap_alone(slot);
                let tags = self.random.between(5, 25);
                self.dkron_in(tags, slot, Step::Tags);
            }
            Step::Tags => {
                process.stage = Stage::Up;
                self.set_tags(slot);
                if self.dkron[slot].as_ref().is_some_and(|process| process.serf.events_wait) {
                    self.maybe_bootstrap(slot);
                }
            }
            Step::Events => self.events_arrive(slot),
            Step::Asked => self.bootstrap_by(slot),
            Step::NameVote => self.vote_on_name(slot),
            Step::Intent => self.say_leaving(slot),
            Step::Left => self.serf_leaves(slot),
            Step::LeaveAnswered => self.leave_ends(slot),
            Step::TakeOver => self.take_over(slot),
            Step::End(code) => self.dkron_ends(slot, code),
        }
    }

    fn try_to_join(&mut self, slot: Slot) {
        let Some(process) = self.dkron[slot].as_mut() else { return };
        if process.stage != Stage::Joining {
            return;
        }
        let targets = std::mem::take(&mut process.flags.join);
        // Without a list there is nothing to wait for.
        let mut joined = targets.is_empty();
        let mut waited = 0;
        for target in &targets {
            let found = match target {
                Target::Address(ip) => Some(*ip),
                Target::Name(name) => self.resolve(*name),
            };
            let Some(ip) = found else { continue };
            joined |= self.join(slot, ip);
            if self.params.black_hole && self.slot_at(ip).is_none() {
                waited += 10_000;
            }
        }
        if let Some(process) = self.dkron[slot].as_mut() {
            process.flags.join = targets;
            if joined {
                process.stage = Stage::Joined;
            }
        }
        if joined {
            let setup = self.random.between(40, 120);
            self.dkron_in(setup + waited, slot, Step::Serve);
        } else {
            self.dkron_in(self.params.retry_interval + waited, slot, Step::Join);
        }
    }

    /// TERM to dkron.
    pub fn term_dkron(&mut self, slot: Slot) {
        let Some(process) = self.dkron[slot].as_mut() else { return };
        let again = std::mem::replace(&mut process.terminated, true);
        if process.stage < Stage::Up {
            // Signals are handled only after the start.
            self.dkron_in(5, slot, Step::End(143));
        } else if process.leaving {
            let hang = self.params.three && self.random.one_in(10) && !again;
            let time = if hang { 60_000 } else { 100 };
            self.dkron_in(time, slot, Step::End(0));
        } else if process.busy_until > self.now {
            // It leaves, and stays until its jobs are over.
            let rest = process.busy_until - self.now;
            self.begin_leave(slot);
            self.dkron_in(rest, slot, Step::End(0));
        } else {
            // The leave that it begins is nearly always cut off.
            self.raft_stops(slot);
            let time = self.random.between(10, 100);
            self.dkron_in(time, slot, Step::End(0));
        }
    }

    /// The process is gone, whatever ended it.
    pub fn dkron_ends(&mut self, slot: Slot, code: u8) {
        let Some(process) = self.dkron[slot].take() else { return };
        self.note(|| format!("dkron {slot} ends with {code}"));
        if process.serf.zombie {
            self.seen.count(Seen::ZombieEnded);
        }
        self.wrapper_hears_end(slot, code);
    }

    /// KILL to dkron.
    pub fn kill_dkron(&mut self, slot: Slot) {
        self.dkron_ends(slot, 137);
    }

    /// The process at `slot`, if serf runs in it.
    pub fn serf_at(&self, slot: Slot) -> Option<&Process> {
        self.dkron[slot].as_ref().filter(|process| process.serf.running)
    }

    /// The process that runs raft at `ip` under the name of `place`.
    pub fn raft_at(&self, ip: Ip, place: usize) -> Option<Slot> {
        let slot = self.slot_at(ip)?;
        let process = self.dkron[slot].as_ref()?;
        (process.raft.running && place_of(slot) == place).then_some(slot)
    }
}
