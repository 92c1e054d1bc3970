//! Raft between stand-ins: elections, replication, membership, the message `TimeoutNow`.

mod core;
pub mod journal;
pub mod message;
mod replicate;
pub mod timeout_now;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

pub use self::core::Role;
use self::core::{Core, Timers};
use journal::{Journal, Payload, Server};
use message::{Append, Appended, Ask, Vote};

use super::generation::Generation;
use super::jobs::store::Command;
use super::rpc::{self, Request};

/// Where serf knows the servers to be, by name.
pub type Lookup = Mutex<BTreeMap<String, String>>;

/// How often time is looked at.
const TICK: Duration = Duration::from_millis(15);

/// How a raft begins.
pub struct Start<'a> {
    pub own: Server,
    pub generation: Generation,
    /// dkron's `--raft-multiplier`.
    pub multiplier: u32,
    pub data: &'a Path,
    /// `--bootstrap-expect 1`: a configuration of this node alone, where there is no state yet.
    pub alone: bool,
    pub lookup: Arc<Lookup>,
}

/// A running raft.
pub struct Raft {
    own: Server,
    generation: Generation,
    core: Mutex<Core>,
    changed: Condvar,
    /// One membership change after the other.
    membership: Mutex<()>,
    lookup: Arc<Lookup>,
    replicating: Mutex<replicate::Feeds>,
}

impl Raft {
    /// # Errors
    /// What the disk or `peers.json` says.
    pub fn start(start: Start) -> io::Result<Arc<Self>> {
        let journal = Journal::open(start.data)?;
        let fresh = !journal.has_state();
        let election = Duration::from_secs(1) * start.multiplier;
        let timers = Timers { election, lease: election / 2 };
        let asks_first = start.generation == Generation::Four;
        let core = Core::new(start.own.clone(), asks_first, timers, journal, Instant::now());
        let raft = Arc::new(Self {
            own: start.own,
            generation: start.generation,
            core: Mutex::new(core),
            changed: Condvar::new(),
            membership: Mutex::new(()),
            lookup: start.lookup,
            replicating: Mutex::default(),
        });
        if start.alone && fresh {
            raft.bootstrap(vec![raft.own.clone()]);
        }
        let clock = Arc::clone(&raft);
        thread::spawn(move || clock.run());
        Ok(raft)
    }

    pub fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().expect("nobody panics with this lock")
    }

    /// Waits for a change, at most `limit`.
    pub fn wait<'a>(&self, core: MutexGuard<'a, Core>, limit: Duration) -> MutexGuard<'a, Core> {
        self.changed.wait_timeout(core, limit).expect("nobody panics with this lock").0
    }

    pub fn is_leader(&self) -> bool {
        self.core().role() == Role::Leader
    }

    /// The leader's address as raft knows it, empty without one.
    pub fn leader(&self) -> String {
        self.core().leader().map(|leader| leader.address.clone()).unwrap_or_default()
    }

    pub fn shut_down(&self) {
        self.core().shut_down();
        self.changed.notify_all();
    }

    /// Writes the first configuration. Raft refuses it where there is any state.
    pub fn bootstrap(&self, servers: Vec<Server>) -> bool {
        let mut core = self.core();
        if core.journal.has_state() {
            return false;
        }
        let entry = journal::Entry { term: 1, payload: Payload::Configuration(servers) };
        core.journal.set_term(1, None).and_then(|()| core.journal.put(1, entry)).expect("the disk takes a line");
        true
    }

    fn run(self: &Arc<Self>) {
        loop {
            thread::sleep(TICK);
            let mut core = self.core();
            if core.role() == Role::Down {
                return;
            }
            let before = core.role();
            let ask = core.tick(Instant::now());
            let changed = core.role() != before;
            drop(core);
            if changed {
                self.changed.notify_all();
            }
            if let Some(ask) = ask {
                self.ask_all(&ask);
            }
            self.replicate();
        }
    }

    fn ask_all(self: &Arc<Self>, ask: &Ask) {
        let servers = self.core().servers();
        for server in servers.into_iter().filter(|server| server.id != self.own.id) {
            let (raft, ask) = (Arc::clone(self), ask.clone());
            thread::spawn(move || raft.ask_one(&server, &ask));
        }
        self.changed.notify_all();
    }

    fn ask_one(self: &Arc<Self>, server: &Server, ask: &Ask) {
        let address = self.address_of(server);
        let Ok(vote) = rpc::call::<Vote>(&address, &Request::Vote(ask.clone()), replicate::NETWORK) else { return };
        let next = self.core().on_vote(&server.id, ask, &vote, Instant::now());
        self.changed.notify_all();
        if let Some(next) = next {
            self.ask_all(&next);
        }
    }

    /// Where to reach `server`: version 4 asks serf, and falls back on what raft was told; version 3 does only that.
    fn address_of(&self, server: &Server) -> String {
        let known = match self.generation {
            Generation::Three => None,
            Generation::Four => self.lookup.lock().expect("nobody panics with this lock").get(&server.id).cloned(),
        };
        known.unwrap_or_else(|| server.address.clone())
    }

    /// `None` from a raft that is shut down.
    pub fn on_append(&self, append: &Append) -> Option<Appended> {
        let mut core = self.core();
        let answer = (core.role() != Role::Down).then(|| core.on_append(append, Instant::now()));
        self.changed.notify_all();
        answer
    }

    /// `None` from a raft that is shut down.
    pub fn on_ask(&self, ask: &Ask) -> Option<Vote> {
        let mut core = self.core();
        let answer = (core.role() != Role::Down).then(|| core.on_ask(ask, Instant::now()));
        self.changed.notify_all();
        answer
    }

    /// `TimeoutNow`.
    pub fn take_over(self: &Arc<Self>) {
        let ask = self.core().take_over(Instant::now());
        if let Some(ask) = ask {
            self.ask_all(&ask);
        }
    }

    /// Appends `payload` and waits until it is committed and applied.
    ///
    /// # Errors
    /// Raft's sentences.
    pub fn propose(&self, payload: Payload) -> Result<(), String> {
        let mut core = self.core();
        match core.role() {
            Role::Down => return Err("raft is already shutdown".to_owned()),
            Role::Leader => {}
            Role::Follower | Role::Candidate => return Err("node is not the leader".to_owned()),
        }
        let term = core.journal.term;
        let index = core.append(payload, Instant::now());
        self.changed.notify_all();
        loop {
            if core.applied() >= index && core.journal.term_at(index) == term {
                self.changed.notify_all();
                return Ok(());
            }
            if !core.leads_in(term) {
                return Err("leadership lost while committing log".to_owned());
            }
            core = self.wait(core, Duration::from_millis(200));
        }
    }

    /// # Errors
    /// Raft's sentences.
    pub fn command(&self, command: Command) -> Result<(), String> {
        self.propose(Payload::Command(command))
    }

    /// Adds `server` as a voter, or changes its address in place.
    ///
    /// # Errors
    /// Raft's sentences.
    pub fn add_voter(&self, server: Server) -> Result<(), String> {
        self.change_membership(|servers| match servers.iter_mut().find(|known| known.id == server.id) {
            Some(known) => known.address = server.address,
            None => servers.push(server),
        })
    }

    /// # Errors
    /// Raft's sentences.
    pub fn remove_server(&self, id: &str) -> Result<(), String> {
        self.change_membership(|servers| servers.retain(|server| server.id != id))
    }

    fn change_membership(&self, change: impl FnOnce(&mut Vec<Server>)) -> Result<(), String> {
        let _one = self.membership.lock().expect("nobody panics with this lock");
        let mut servers = self.core().servers();
        change(&mut servers);
        if servers.is_empty() && self.is_leader() {
            return Err("need at least one voter in configuration: {[]}".to_owned());
        }
        self.propose(Payload::Configuration(servers))
    }
}
