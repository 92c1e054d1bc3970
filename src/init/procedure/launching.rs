//! The stage before dkron runs: what [`start`](super::start) decides is asked for, told, and carried out.

use std::time::Duration;

use super::action::{Action, Prepare};
use super::input::Marker;
use super::joining;
use super::moment::{Moment, begins};
use super::peer::Peer;
use super::saying::{Saying, Waiting};
use super::start::{self, Start, Tried, Why};
use super::state::{Disk, Name, Phase};
use super::stranded;
use super::{ANSWER, Procedure, Stage};

/// A wait is told again after this time.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// After this time a wait is not expected to end any moment.
const LONG: Duration = Duration::from_secs(15);

/// Time between two questions for the same thing.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// What is known of this start beside the facts.
#[derive(Debug, Default)]
pub struct Launching {
    tried: Tried,
    begun: bool,
    /// Nothing is started before this.
    not_before: Moment,
    /// What was said last, and when.
    told: Option<(std::mem::Discriminant<Waiting>, Moment)>,
    asked: Option<Moment>,
    now: Moment,
}

impl Launching {
    /// A start that is not to happen before a moment.
    pub fn after(not_before: Moment) -> Self {
        Self { not_before, ..Self::default() }
    }

    /// Whether it has lasted so long that there is no hurry.
    pub fn lasts(&self) -> bool {
        self.begun && self.now.since(self.tried.since) > LONG
    }

    /// The leader was asked to take the own entry out.
    pub fn removed(&mut self, done: bool) {
        self.tried.removed |= done;
        self.tried.removals += u32::from(!done);
        self.asked = None;
    }

    /// The question for a raft configuration was answered; whether the leader told it, and had this server in it.
    pub fn was_read(&mut self, is_listed: Option<bool>) {
        self.tried.reading_since = None;
        self.tried.is_listed = is_listed.or(self.tried.is_listed);
    }

    /// The others are told that this server comes.
    pub fn is_announced(&self) -> bool {
        self.tried.announced.is_some()
    }

    /// It waits beside a cluster of another founding, that somebody has led.
    pub fn is_apart(&self) -> bool {
        self.tried.led_apart
    }

    fn withdraw(&mut self, now: Moment) {
        if self.tried.announced.take().is_some() {
            self.tried.withdrew = Some(now);
        }
    }

    /// What was tried.
    #[cfg(test)]
    pub fn tried(&self) -> &Tried {
        &self.tried
    }

    fn begin(&mut self, now: Moment) {
        self.now = now;
        if !self.begun {
            self.begun = true;
            self.tried.since = now;
        }
    }

    fn may_ask(&mut self, now: Moment) -> bool {
        let may = self.asked.is_none_or(|asked| now.since(asked) >= ASK_AGAIN);
        if may {
            self.asked = Some(now);
        }
        may
    }

    fn may_tell(&mut self, now: Moment, waiting: &Waiting) -> bool {
        let kind = std::mem::discriminant(waiting);
        let may = self.told.is_none_or(|(told, at)| told != kind || now.since(at) >= TELL_AGAIN);
        if may {
            self.told = Some((kind, now));
        }
        may
    }
}

impl Procedure {
    pub(super) fn launching(&mut self, now: Moment) {
        let leader = self.facts.leader(now).is_some();
        let Stage::Launching(launching) = &mut self.stage else { return };
        launching.begin(now);
        if now < launching.not_before {
            return;
        }
        begins(&mut launching.tried.leader_since, leader, now);
        let facts = &self.facts;
        if leader {
            launching.tried.stand_apart(joining::apart(facts, now), now);
        } else {
            launching.tried.reading_since = None;
        }
        let holders = || facts.peers.values().filter(|peer| peer.may_hold_a_cluster(now));
        let all = !leader && holders().next().is_some() && start::all_are_sure(facts, now);
        // Who is about to go comes back, and elects with its own log.
        let stay = all && !holders().any(|peer| peer.phase(now).is_some_and(Phase::stops));
        let starting = |peer: &Peer| peer.is_up(now) || peer.phase(now) == Some(Phase::Starting);
        // Those who do not find each other cannot elect, however long they serve; one without a wrapper may hold something too.
        let find_each_other = |plain: bool| {
            let votes = |peer: &&Peer| peer.may_hold_a_cluster(now) || plain && peer.plain(now).is_some();
            let all = || facts.peers.values().filter(votes);
            all().all(|one| all().all(|other| one.finds(other, now)))
        };
        let serve = holders().all(|peer| peer.is_up(now)) && find_each_other(false);
        begins(&mut launching.tried.served_since, stay && serve && find_each_other(true), now);
        begins(&mut launching.tried.hang_since, stay && !serve && holders().all(starting), now);
        launching.tried.led_apart = facts.stands_apart(now).unwrap_or(launching.tried.led_apart);
        let is_unlisted = launching.tried.is_listed == Some(false);
        match start::decide(&self.facts, &launching.tried, now) {
            Start::Wait(waiting) => {
                launching.withdraw(now);
                if launching.may_tell(now, &waiting) {
                    self.tell(Saying::Waiting(waiting));
                }
            }
            Start::Read(at) => {
                launching.tried.reads(at, now);
                if launching.may_ask(now) {
                    self.list_raft(now, at);
                }
            }
            Start::Remove(at) => {
                let id = self.facts.me.node.clone();
                if self.remove(now, at, id.clone()) {
                    self.tell(Saying::Removing(id, at));
                }
            }
            Start::Announce => {
                if launching.tried.announced.is_none() {
                    launching.tried.announced = Some(now);
                    self.out.push(Action::Look);
                }
            }
            // What the leader has not answered may still take out the entry that dkron is about to get.
            Start::Run(..) if self.is_being_removed(now) => {}
            Start::Run(launch, why) => {
                let leader = if let Why::Leader(leader) = &why { Some(leader.clone()) } else { None };
                if leader.is_some()
                    && is_unlisted
                    && self.facts.disk != Disk::Empty
                    && launch.disk != Prepare::MoveAside
                {
                    // Its own raft goes by what was before until the leader takes it up.
                    self.watch.cures.out_of_raft = true;
                }
                self.tell(Saying::Starting(why.clone(), launch.expect));
                if why == Why::Bootstrap {
                    self.facts.to_be_founded = start::name_to_found(&self.facts, now);
                } else if self.facts.disk == Disk::Empty {
                    // What it joins is others' cluster.
                    self.facts.to_be_founded = None;
                }
                if launch.disk == Prepare::MoveAside {
                    self.note_moved_aside(leader.as_ref());
                }
                self.start(now, launch);
                self.child.follows = leader;
            }
        }
    }

    /// What this disk held is moved aside, since others hold the cluster.
    fn note_moved_aside(&mut self, leader: Option<&Name>) {
        let owner = self.facts.marker.as_ref().map(|marker| marker.owner.clone());
        self.facts.holds_nothing();
        let elsewhere = leader.map(|leader| self.facts.pod_of(leader).into()).into_iter().collect();
        self.note(owner.map(|owner| Marker { owner, members: Vec::new(), elsewhere }));
    }

    fn is_being_removed(&self, now: Moment) -> bool {
        self.removing.as_ref().is_some_and(|(id, since)| *id == self.facts.me.node && now.since(*since) < ANSWER)
    }

    pub(super) fn start(&mut self, now: Moment, launch: super::Launch) {
        self.child.begin(now, &launch, stranded::is_stranded(&self.facts, now), start::told_size(&self.facts, now));
        self.watch.begin(now);
        self.facts.raft = None;
        (self.facts.own_raft, self.facts.followed) = (None, None);
        self.facts.readings.clear();
        self.out.push(Action::Start(launch));
        if let Stage::Launching(_) = self.stage {
            self.stage = Stage::Running;
        }
    }
}
