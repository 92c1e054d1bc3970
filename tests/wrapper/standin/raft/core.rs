//! Raft's state and rules: votes, the log, what is committed. Decides and writes the journal; sockets and threads are
//! elsewhere, and time is an argument.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::journal::{Entry, Journal, Payload, Server};
use super::message::{Append, Appended, Ask, Vote};
use crate::standin::jobs::store::Store;
use crate::standin::random;

/// Entries in one message.
const BATCH: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Follower,
    Candidate,
    Leader,
    /// Shut down, by a leave or because it was removed from its own configuration.
    Down,
}

/// Votes that were asked for.
struct Ballot {
    term: u64,
    pre: bool,
    granted: BTreeSet<String>,
}

/// How far a follower is, as the leader knows.
struct Progress {
    next: u64,
    matched: u64,
    contact: Instant,
}

/// raft's timers.
#[derive(Debug, Clone, Copy)]
pub struct Timers {
    /// Heartbeat and election timeout; a node waits once to twice as long.
    pub election: Duration,
    /// A leader that has not heard from a majority for so long steps down.
    pub lease: Duration,
}

/// One node's raft.
pub struct Core {
    id: String,
    address: String,
    asks_first: bool,
    timers: Timers,
    pub journal: Journal,
    pub store: Store,
    role: Role,
    leader: Option<Server>,
    commit: u64,
    applied: u64,
    heard: Instant,
    patience: Duration,
    ballot: Option<Ballot>,
    progress: BTreeMap<String, Progress>,
}

impl Core {
    pub fn new(own: Server, asks_first: bool, timers: Timers, journal: Journal, now: Instant) -> Self {
        Self {
            id: own.id,
            address: own.address,
            asks_first,
            timers,
            journal,
            store: Store::default(),
            role: Role::Follower,
            leader: None,
            commit: 0,
            applied: 0,
            heard: now,
            patience: random::up_to_twice(timers.election),
            ballot: None,
            progress: BTreeMap::new(),
        }
    }

    pub fn role(&self) -> Role {
        self.role
    }

    pub fn leader(&self) -> Option<&Server> {
        self.leader.as_ref()
    }

    pub fn applied(&self) -> u64 {
        self.applied
    }

    pub fn commit(&self) -> u64 {
        self.commit
    }

    pub fn leads_in(&self, term: u64) -> bool {
        self.role == Role::Leader && self.journal.term == term
    }

    pub fn servers(&self) -> Vec<Server> {
        self.journal.configuration().1.to_vec()
    }

    pub fn shut_down(&mut self) {
        (self.role, self.leader, self.ballot) = (Role::Down, None, None);
    }

    fn quorum(&self) -> usize {
        self.journal.configuration().1.len() / 2 + 1
    }

    fn is_voter(&self, id: &str) -> bool {
        self.journal.configuration().1.iter().any(|server| server.id == id)
    }

    fn follow(&mut self, term: u64, now: Instant) {
        if term > self.journal.term {
            self.journal.set_term(term, None).expect("the disk takes a line");
        }
        (self.role, self.ballot, self.heard) = (Role::Follower, None, now);
        self.patience = random::up_to_twice(self.timers.election);
    }

    /// What time alone changes: a follower loses patience, a leader its majority. The answer is whom to ask for votes.
    pub fn tick(&mut self, now: Instant) -> Option<Ask> {
        match self.role {
            Role::Down => None,
            Role::Leader => {
                let reached = |server: &&Server| {
                    let contact = self.progress.get(&server.id).map(|progress| progress.contact);
                    server.id == self.id || contact.is_some_and(|at| now.duration_since(at) < self.timers.lease)
                };
                if self.servers().iter().filter(reached).count() < self.quorum() {
                    self.leader = None;
                    self.follow(self.journal.term, now);
                }
                None
            }
            Role::Follower | Role::Candidate if now.duration_since(self.heard) < self.patience => None,
            Role::Follower | Role::Candidate => {
                self.leader = None;
                self.heard = now;
                self.patience = random::up_to_twice(self.timers.election);
                let stands = self.is_voter(&self.id);
                stands.then(|| self.stand(self.asks_first, false, now))
            }
        }
    }

    /// `TimeoutNow`: stand at once, whoever leads.
    pub fn take_over(&mut self, now: Instant) -> Option<Ask> {
        (self.role != Role::Down && self.is_voter(&self.id)).then(|| {
            self.leader = None;
            self.stand(false, true, now)
        })
    }

    fn stand(&mut self, pre: bool, transfer: bool, now: Instant) -> Ask {
        let term = self.journal.term + 1;
        self.role = Role::Candidate;
        if !pre {
            self.journal.set_term(term, Some(self.id.clone())).expect("the disk takes a line");
        }
        self.ballot = Some(Ballot { term, pre, granted: BTreeSet::from([self.id.clone()]) });
        let last = self.journal.last_index();
        let ask = Ask { term, candidate: self.id.clone(), last, last_term: self.journal.term_at(last), pre, transfer };
        self.count(now).unwrap_or(ask)
    }

    /// Whether the votes are enough; a won rehearsal is followed by the election itself.
    fn count(&mut self, now: Instant) -> Option<Ask> {
        let ballot = self.ballot.as_ref()?;
        if ballot.granted.len() < self.quorum() {
            return None;
        }
        if ballot.pre {
            return Some(self.stand(false, false, now));
        }
        self.lead(now);
        None
    }

    fn lead(&mut self, now: Instant) {
        self.role = Role::Leader;
        self.ballot = None;
        self.leader = Some(Server { id: self.id.clone(), address: self.address.clone() });
        let next = self.journal.last_index() + 1;
        let fresh = |server: Server| (server.id, Progress { next, matched: 0, contact: now });
        self.progress = self.servers().into_iter().map(fresh).collect();
        // What peers.json said is told to those who got no such file.
        let recovered = self.journal.is_recovered().then(|| Payload::Configuration(self.servers()));
        self.append(recovered.unwrap_or(Payload::Noop), now);
    }

    /// The leader's own addition to the log; answers its place.
    pub fn append(&mut self, payload: Payload, now: Instant) -> u64 {
        let index = self.journal.last_index() + 1;
        self.journal.put(index, Entry { term: self.journal.term, payload }).expect("the disk takes a line");
        for server in self.servers() {
            self.progress.entry(server.id).or_insert(Progress { next: index, matched: 0, contact: now });
        }
        self.advance();
        index
    }

    /// Commits what a majority holds, and applies it.
    fn advance(&mut self) {
        let servers = self.servers();
        let mut held: Vec<u64> = servers.iter().map(|server| self.held_by(&server.id)).collect();
        held.sort_unstable_by(|a, b| b.cmp(a));
        let Some(majority) = held.get(servers.len() / 2).copied() else { return };
        if majority > self.commit && self.journal.term_at(majority) == self.journal.term {
            self.commit = majority;
        }
        self.apply();
        if self.journal.configuration().0 <= self.commit && !servers.iter().any(|server| server.id == self.id) {
            self.shut_down();
        }
    }

    fn held_by(&self, id: &str) -> u64 {
        if id == self.id {
            return self.journal.last_index();
        }
        self.progress.get(id).map_or(0, |progress| progress.matched)
    }

    fn apply(&mut self) {
        while self.applied < self.commit.min(self.journal.last_index()) {
            self.applied += 1;
            if let Some(Entry { payload: Payload::Command(command), .. }) = self.journal.entry(self.applied) {
                self.store.apply(command);
            }
        }
    }

    /// Whether `peer` lacks entries.
    pub fn has_news_for(&self, peer: &str) -> bool {
        self.progress.get(peer).is_some_and(|progress| progress.next <= self.journal.last_index())
    }

    /// The message that `peer` needs next.
    pub fn message_for(&self, peer: &str, address: String) -> Append {
        let next = self.progress.get(peer).map_or(1, |progress| progress.next).max(1);
        Append {
            term: self.journal.term,
            leader: self.id.clone(),
            address,
            previous: next - 1,
            previous_term: self.journal.term_at(next - 1),
            entries: self.journal.from(next, BATCH),
            commit: self.commit,
        }
    }

    pub fn on_appended(&mut self, peer: &str, sent: &Append, answer: &Appended, now: Instant) {
        if answer.term > self.journal.term {
            self.leader = None;
            self.follow(answer.term, now);
        }
        if !self.leads_in(sent.term) {
            return;
        }
        let Some(progress) = self.progress.get_mut(peer) else { return };
        progress.contact = now;
        if answer.success {
            progress.matched = progress.matched.max(sent.previous + sent.entries.len() as u64);
            progress.next = progress.matched + 1;
        } else {
            progress.next = progress.next.saturating_sub(1).min(answer.last + 1).max(1);
        }
        self.advance();
    }

    pub fn on_append(&mut self, append: &Append, now: Instant) -> Appended {
        let refuse =
            |core: &Self| Appended { term: core.journal.term, success: false, last: core.journal.last_index() };
        if append.term < self.journal.term {
            return refuse(self);
        }
        if append.term > self.journal.term || self.role != Role::Follower {
            self.follow(append.term, now);
        }
        self.leader = Some(Server { id: append.leader.clone(), address: append.address.clone() });
        self.heard = now;
        let known = append.previous == 0 || self.journal.term_at(append.previous) == append.previous_term;
        if !known || append.previous > self.journal.last_index() {
            return refuse(self);
        }
        for (index, entry) in (append.previous + 1..).zip(&append.entries) {
            if self.journal.term_at(index) != entry.term {
                self.journal.put(index, entry.clone()).expect("the disk takes a line");
            }
        }
        let covered = append.previous + append.entries.len() as u64;
        self.commit = self.commit.max(append.commit.min(covered));
        self.apply();
        Appended { term: self.journal.term, success: true, last: self.journal.last_index() }
    }

    pub fn on_ask(&mut self, ask: &Ask, now: Instant) -> Vote {
        let refuse = |core: &Self| Vote { term: core.journal.term, granted: false };
        let stranger = !self.servers().is_empty() && !self.is_voter(&ask.candidate);
        let led = self.leader.as_ref().is_some_and(|leader| leader.id != ask.candidate);
        if stranger || (led && !ask.transfer) || ask.term < self.journal.term {
            return refuse(self);
        }
        let last = self.journal.last_index();
        let behind = (ask.last_term, ask.last) < (self.journal.term_at(last), last);
        if ask.pre {
            return Vote { term: self.journal.term, granted: !behind };
        }
        if ask.term > self.journal.term {
            self.leader = None;
            self.follow(ask.term, now);
        }
        let taken = self.journal.vote.as_ref().is_some_and(|vote| *vote != ask.candidate);
        if taken || behind {
            return refuse(self);
        }
        self.journal.set_term(ask.term, Some(ask.candidate.clone())).expect("the disk takes a line");
        self.heard = now;
        Vote { term: ask.term, granted: true }
    }

    /// Another's vote; the answer is the election that follows a won rehearsal.
    pub fn on_vote(&mut self, from: &str, ask: &Ask, vote: &Vote, now: Instant) -> Option<Ask> {
        if self.role != Role::Candidate {
            return None;
        }
        if vote.term > self.journal.term && !(ask.pre && vote.granted) {
            self.follow(vote.term, now);
            return None;
        }
        let ballot = self.ballot.as_mut()?;
        if !vote.granted || ballot.term != ask.term || ballot.pre != ask.pre {
            return None;
        }
        ballot.granted.insert(from.to_owned());
        self.count(now)
    }
}
