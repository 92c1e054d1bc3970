//! The stage in which dkron runs: what is read of it, and the cures for what it does not mend itself.

use std::collections::VecDeque;
use std::mem;
use std::net::SocketAddr;
use std::time::Duration;

use super::action::{Action, Launch};
use super::cures::Cures;
use super::facts::Reading;
use super::input::{DkronView, Marker};
use super::launching::Launching;
use super::moment::{Moment, begins};
use super::ownership::tells_of_others;
use super::saying::Saying;
use super::state::{Disk, Leader, Name};
use super::{OWN_HURRY, Procedure, Stage};

/// A dkron that was told to end and does not is killed after this time.
pub const END: Duration = Duration::from_secs(5);

/// Nobody leads although there is raft state: worth a person's attention, and again after each such time.
const LEADERLESS: Duration = Duration::from_secs(120);

/// Nobody has led for so long that nothing is about to happen.
const LONG: Duration = Duration::from_secs(30);

/// Deaths within [`DEATHS_WITHIN`] that make the container give up.
const DEATHS: usize = 5;
const DEATHS_WITHIN: Duration = Duration::from_secs(60);

/// Pauses before the second and later restarts within [`DEATHS_WITHIN`].
const PAUSE: Duration = Duration::from_millis(500);

/// A server has been surplus and gone for so long before it is taken out.
const SURPLUS: Duration = Duration::from_secs(5);

/// Between two readings of the raft configuration: a call of dkron's CLI costs 20 to 30 ms of processor time.
const READ_SETTLED: Duration = Duration::from_secs(10);
const READ_LEADERLESS: Duration = Duration::from_secs(3);
const READ_JOINING: Duration = Duration::from_secs(1);

/// The running dkron.
#[derive(Debug, Default)]
pub struct Child {
    /// It was started and has not ended.
    pub started: Option<Moment>,
    /// When its start was asked for.
    begun: Moment,
    /// Its `--bootstrap-expect`.
    pub founds: Option<u32>,
    /// The size that all had agreed on.
    pub agreed: Option<u32>,
    /// It was started with new addresses for all.
    pub was_stranded: bool,
    /// Its raft has told a configuration without this server.
    was_unlisted: bool,
    /// The leader that it was started to follow.
    pub follows: Option<Name>,
    /// What it joins.
    pub join: Vec<Name>,
    pub up: bool,
    /// When it was looked at last.
    pub looked: Moment,
    leader: Option<Leader>,
    /// Since when it has named that leader, or none.
    pub leader_since: Moment,
}

impl Child {
    pub fn begin(&mut self, now: Moment, launch: &Launch, stranded: bool, agreed: Option<u32>) {
        *self = Self {
            begun: now,
            founds: launch.expect,
            agreed: agreed.filter(|size| launch.expect == Some(*size)),
            was_stranded: stranded,
            join: launch.join.clone(),
            ..Self::default()
        };
    }

    /// It joins nobody, so that nobody knows it.
    pub fn joins_nobody(&self) -> bool {
        self.join.is_empty()
    }
}

/// What is watched over the lives of several children.
#[derive(Debug, Default)]
pub struct Watch {
    deaths: VecDeque<Moment>,
    /// Some dkron of this life has served. One that never got out of its join loop has done nothing to the disk.
    pub served: bool,
    /// When the raft configuration was asked for last, since it may have changed.
    read: Option<Moment>,
    /// What is wrong, and what was done about it.
    pub cures: Cures,
    /// The server that is to be taken out next, and since when.
    surplus: Option<(Name, Moment)>,
    leaderless: Option<Moment>,
    /// Since when nobody at all has named a leader, while dkron runs.
    unled: Option<Moment>,
    warned: Option<Moment>,
    now: Moment,
}

impl Watch {
    pub fn begin(&mut self, now: Moment) {
        (self.read, self.unled) = (None, None);
        self.cures.begin();
        self.leaderless.get_or_insert(now);
    }

    pub fn raft_failed(&mut self, now: Moment) {
        self.read = Some(now);
    }

    pub fn raft_changed(&mut self) {
        self.read = None;
    }

    /// Nobody leads, and that is not going to change any moment.
    pub fn is_long_leaderless(&self) -> bool {
        self.is_leaderless_for(self.now, LONG)
    }

    /// All are being asked once more before a cure, and the own dkron last.
    pub fn asks_all(&self) -> bool {
        self.cures.are_asking(self.now)
    }

    /// Nobody has named a leader for so long.
    pub fn is_unled_for(&self, now: Moment, time: Duration) -> bool {
        self.unled.is_some_and(|since| now.since(since) >= time)
    }

    /// The own dkron has known no leader for so long.
    pub fn is_leaderless_for(&self, now: Moment, time: Duration) -> bool {
        self.leaderless.is_some_and(|since| now.since(since) >= time)
    }
}

impl Procedure {
    pub(super) fn look_at_own(&mut self, now: Moment, view: Option<DkronView>) {
        self.child.looked = now;
        if self.child.started.is_none() {
            // A last answer of a process that is gone.
            return self.facts.look_at_own(now, None);
        }
        if view.is_some() && !mem::replace(&mut self.child.up, view.is_some()) {
            self.tell(Saying::Up(now.since(self.child.begun)));
        }
        let leader = view.as_ref().and_then(|view| view.leader.clone());
        if leader != self.child.leader {
            self.watch.raft_changed();
            if let Stage::Running = self.stage {
                self.tell(Saying::Leader(leader.as_ref().map(|leader| leader.name.clone())));
            }
            self.child.leader.clone_from(&leader);
            self.child.leader_since = now;
        }
        self.watch.served |= view.is_some();
        self.facts.look_at_own(now, view);
        if leader.is_some() {
            self.facts.formed = true;
            let own = leader.as_ref().is_some_and(|leader| leader.name == self.facts.me.node);
            let founded = own && self.facts.to_be_founded.is_some();
            self.facts.founded.get_or_insert(founded);
            self.child.was_stranded = false;
            (self.watch.leaderless, self.watch.warned) = (None, None);
        } else {
            self.watch.leaderless.get_or_insert(now);
        }
        if self.facts.own.is_none() {
            self.facts.voter_since = None;
        }
    }

    pub(super) fn raft_was_read(&mut self, now: Moment, reading: Reading) {
        let facts = &mut self.facts;
        let listed = facts.votes_in(&reading.servers);
        if !reading.servers.is_empty() {
            facts.disk = Disk::State;
            facts.formed = true;
        }
        // Raft may follow somebody whom gossip does not show. The own one tells what it has from before, until a leader gives it more: this
        // server after a configuration without it is a leader's.
        self.child.was_unlisted |= !listed && !reading.of_leader;
        if listed && (reading.of_leader || facts.followed == Some(now) || self.child.was_unlisted) {
            self.watch.cures.out_of_raft = false;
        }
        facts.raft = Some(reading);
        if !listed || facts.own.is_none() {
            facts.voter_since = None;
        } else if facts.own_leader().is_some() && facts.voter_since.is_none() {
            facts.voter_since = Some(now);
            let after = now.since(self.child.begun);
            self.tell(Saying::Voter(after));
        }
        self.mark();
    }

    pub(super) fn mark(&mut self) {
        let of_leader = self.facts.raft.as_ref().is_some_and(|reading| reading.of_leader);
        if self.watch.cures.out_of_raft && !of_leader {
            // The own raft still has what was before.
            return;
        }
        self.note(self.facts.marker_to_be());
    }

    /// What the marker is to say from now on, if that is news.
    pub(super) fn note(&mut self, marker: Option<Marker>) {
        if let Some(marker) = marker {
            self.facts.held = true;
            self.facts.elsewhere.clone_from(&marker.elsewhere);
            self.facts.marker = Some(marker.clone()).filter(|marker| !tells_of_others(marker, &self.facts.me));
            self.out.push(Action::Mark(marker));
        }
    }

    /// dkron is gone.
    pub(super) fn ended(&mut self, now: Moment, code: u8) {
        self.child.started = None;
        self.facts.look_at_own(now, None);
        self.facts.voter_since = None;
        self.facts.raft = None;
        self.out.push(Action::EndPlugins);
        match &mut self.stage {
            Stage::Running => self.died(now, code),
            Stage::Restarting { .. } => {
                let pause = mem::take(&mut self.watch.cures.pause);
                self.stage = Stage::Launching(Launching::after(now + pause));
            }
            Stage::Stopping(_) => self.ended_while_stopping(now, code),
            Stage::Launching(_) | Stage::Over => {}
        }
    }

    fn died(&mut self, now: Moment, code: u8) {
        // What it wrote nobody has seen.
        if self.facts.disk == Disk::Empty {
            self.facts.disk = Disk::Unknown;
        }
        let deaths = &mut self.watch.deaths;
        deaths.push_back(now);
        while deaths.front().is_some_and(|first| now.since(*first) > DEATHS_WITHIN) {
            deaths.pop_front();
        }
        if deaths.len() >= DEATHS {
            self.stage = Stage::Over;
            self.tell(Saying::DiesAlways(code));
            return self.out.push(Action::Exit(code));
        }
        let pause = match deaths.len() {
            0 | 1 => Duration::ZERO,
            more => PAUSE * (1 << (more - 2)),
        };
        self.tell(Saying::Died(code, pause));
        self.stage = Stage::Launching(Launching::after(now + pause));
    }

    /// Ends dkron, to start it anew.
    pub(super) fn restart(&mut self, now: Moment, why: Saying) {
        self.tell(why);
        self.out.push(Action::Term);
        self.stage = Stage::Restarting { since: now, killed: false };
    }

    pub(super) fn watch(&mut self, now: Moment) {
        self.watch.now = now;
        begins(&mut self.watch.unled, !self.facts.is_led(now), now);
        self.read_raft(now);
        if self.size_has_changed(now)
            || self.is_stalled(now)
            || self.is_zombie(now)
            || self.is_deaf(now)
            || self.is_misled(now)
            || self.is_blocked(now)
            || self.is_stranded(now)
            || self.is_left_out(now)
            || self.is_to_come_after_others(now)
        {
            return;
        }
        self.remove_surplus(now);
        self.warn_of_no_leader(now);
        if self.facts.disk == Disk::State {
            self.mark();
        }
    }

    pub(super) fn read_raft(&mut self, now: Moment) {
        if self.facts.own.is_none() {
            return;
        }
        let (at, pause) = match self.facts.own_leader() {
            Some(leader) => {
                let settled = self.facts.voter_since.is_some() && !matches!(self.stage, Stage::Stopping(_));
                // Whoever has just come or gone changes the configuration within seconds, and the marker has to tell of that.
                let news = self.facts.seen.values().any(|(_, since)| now.since(*since) < READ_SETTLED);
                let pause = match settled {
                    true if self.somebody_became_a_voter(now) => READ_JOINING,
                    true if news => READ_LEADERLESS,
                    true => READ_SETTLED,
                    false => READ_JOINING,
                };
                (leader.rpc_addr.parse::<SocketAddr>().ok(), pause)
            }
            None => (self.facts.own_rpc(), READ_LEADERLESS),
        };
        if let Some(at) = at.filter(|_| self.watch.read.is_none_or(|read| now.since(read) >= pause)) {
            self.watch.read = Some(now);
            self.list_raft(now, at);
        }
    }

    /// Raft is asked again, whatever the pause is, unless that was done just now.
    pub(super) fn read_anew(&mut self, now: Moment) {
        if self.watch.read.is_none_or(|read| now.since(read) >= OWN_HURRY) {
            self.watch.raft_changed();
            self.read_raft(now);
        }
    }

    /// The leader takes servers out of raft that Kubernetes no longer wants, whose pods are gone, and whom serf no longer takes for
    /// alive: dkron would take those up again at once.
    fn remove_surplus(&mut self, now: Moment) {
        let facts = &self.facts;
        if !facts.leads() || facts.voter_since.is_none() {
            return;
        }
        let Some(at) = facts.own_rpc().filter(|_| facts.desired(now).is_some()) else { return };
        let Some(voters) = facts.voters(now) else { return };
        let gone = |id: &Name| {
            *id != facts.me.node
                && facts.is_surplus(now, id)
                && !facts.has_pod(now, facts.pod_of(id))
                && facts.peer_of(id).is_none_or(|peer| peer.sure(now).is_none())
                && !facts.is_member(id)
        };
        let surplus = voters.map(|server| &server.id).find(|id| gone(id)).cloned();
        // What Kubernetes wants may be a second old, just as what serf knows.
        let since = match (&surplus, self.watch.surplus.take()) {
            (Some(id), Some((before, since))) if *id == before => since,
            _ => now,
        };
        self.watch.surplus = surplus.clone().map(|id| (id, since));
        // Only by a word of Kubernetes that came since: an older one may not know of a server that was added.
        let confirmed = facts.desired_since(now).is_some_and(|written| written >= since);
        if let Some(id) = surplus.filter(|_| confirmed && now.since(since) >= SURPLUS)
            && self.remove(now, at, id.clone())
        {
            self.tell(Saying::RemovingSurplus(id));
        }
    }

    fn warn_of_no_leader(&mut self, now: Moment) {
        let Some(since) = self.watch.leaderless.filter(|_| self.facts.formed) else { return };
        let lasts = now.since(since);
        let again = self.watch.warned.is_none_or(|warned| now.since(warned) >= LEADERLESS);
        if lasts >= LEADERLESS && again {
            self.watch.warned = Some(now);
            self.tell(Saying::NoLeader(lasts));
        }
    }
}
