//! The cures for what dkron does not mend itself: each restarts it, in its place.

use std::time::Duration;

use super::Procedure;
use super::action::{Action, Prepare};
use super::input::Generation;
use super::moment::{Moment, begins};
use super::peer::Peer;
use super::saying::Saying;
use super::state::{Disk, Member, Name, Phase, State, Status};
use super::{start, stranded};

/// The leader has not seen this server for so long: not a late gossip any more.
const MISSED: Duration = Duration::from_secs(15);

/// The same while somebody is about to join: a name is free again within a minute, and those who come one after another wait for 70 s.
const MISSED_WHILE_OTHERS_JOIN: Duration = Duration::from_secs(80);

/// Whoever comes again and again makes no pool of two any more.
const MISSED_THOUGH_SOMEBODY_COMES: Duration = Duration::from_secs(240);

/// Whoever looks for others finds them within this time: a name server may be wrong for 30 s, and each try take 10.
const DEAF: Duration = Duration::from_secs(60);

/// Time for one server to restart and be seen again.
const CURE_OF_ONE: Duration = Duration::from_secs(5);

/// A name is free again 41 to 62 s after its bearer died: restarting more often would only renew the conflict.
const CURE_AGAIN: Duration = Duration::from_secs(75);

/// dkron hangs in its join loop, and addresses have changed since.
const BLOCKED: Duration = Duration::from_secs(20);

/// Nobody has led for so long, and raft has addresses from before.
const STRANDED: Duration = Duration::from_secs(10);

/// Time for those who have just lost their leader, or found each other, to elect another one.
const ELECTION: Duration = Duration::from_secs(5);

/// Cures that have failed before the container is given up.
const CURES: u32 = 3;

/// What the own dkron said longer ago than this is waited for once more before it is restarted.
const NEAR: Duration = Duration::from_millis(50);

/// What was heard when all were asked once more holds for so long.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// What is wrong, and what was done about it.
#[derive(Debug, Default)]
pub struct Cures {
    /// Since when all are up and none leads.
    pub stalled: Option<Moment>,
    /// How often dkron was restarted for that.
    pub stalls: u32,
    /// Time between the end of dkron and its next start.
    pub pause: Duration,
    /// Until then the others are called to end their dkrons too.
    pub calls_until: Option<Moment>,
    /// Since when the others do not see this server.
    missed: Option<Moment>,
    /// Since when the own dkron shows others where they no longer are.
    ghosts: Option<Moment>,
    /// Since when somebody has been looking for this server in vain.
    deaf: Option<Moment>,
    /// dkron was restarted for that, and nobody else has served since.
    was_deaf: bool,
    /// When dkron was restarted for one of these three.
    cured: Option<Moment>,
    /// How often in a row.
    tried: u32,
    /// The leader has taken the own entry out, or did not have it at the start, and nobody has seen it in the configuration since.
    pub out_of_raft: bool,
    /// When all were asked once more before a restart, whatever it is for.
    asked: Option<Moment>,
}

impl Cures {
    /// dkron is started anew.
    pub fn begin(&mut self) {
        (self.stalled, self.missed, self.ghosts, self.deaf, self.asked) = (None, None, None, None, None);
    }

    /// The others are to end their dkrons too: members from before are forgotten only where nobody runs any more.
    pub fn calls_all(&self, now: Moment) -> bool {
        self.calls_until.is_some_and(|until| now < until)
    }

    /// All are being asked once more, and the own dkron is to be asked last.
    pub fn are_asking(&self, now: Moment) -> bool {
        self.asked.is_some_and(|asked| now.since(asked) < LAST_LOOK)
    }

    /// Restarting dkron did not help.
    pub fn have_failed(&self, now: Moment) -> bool {
        self.tried >= CURES && self.missed.or(self.ghosts).is_some_and(|since| now.since(since) > MISSED)
    }
}

impl Procedure {
    /// When all, and the own dkron, were asked once more before a restart, if they have answered: somebody may lead since the look
    /// before, with this server's vote, or may be restarting just now.
    pub(super) fn last_look(&mut self, now: Moment) -> Option<Moment> {
        let Some(asked) = self.watch.cures.asked.filter(|asked| now.since(*asked) < LAST_LOOK) else {
            self.watch.cures.asked = Some(now);
            self.watch.raft_changed();
            self.read_raft(now);
            self.out.push(Action::Look);
            return None;
        };
        if !self.facts.all_heard(now, asked) || self.child.looked <= asked {
            return None;
        }
        // The slowest of the others may have answered long after the own dkron, which may know a leader since.
        (now.since(self.child.looked) <= NEAR).then_some(asked)
    }

    /// The others have a leader that does not see this server, or the lowest of them does not while nobody leads.
    pub(super) fn is_zombie(&mut self, now: Moment) -> bool {
        let runs = self.facts.own.is_some();
        let unseen = runs && (self.facts.is_missed(now) || self.is_apart(now));
        let ghosts = runs && self.sees_ghosts(now);
        let cures = &mut self.watch.cures;
        // Each for its time: who comes back elsewhere is a ghost until gossip knows, however long this server was not seen before.
        begins(&mut cures.missed, unseen, now);
        begins(&mut cures.ghosts, ghosts, now);
        let Some(missed) = cures.missed.into_iter().chain(cures.ghosts).min() else {
            if self.facts.voter_since.is_some() {
                self.watch.cures.tried = 0;
            }
            return false;
        };
        // Its dkron has just met the leader, and that one has perhaps not said so yet.
        let met = self.facts.own_leader().map_or(missed, |_| self.child.leader_since);
        let lasts = now.since(missed.max(met));
        let again = self.watch.cures.cured.is_none_or(|cured| now.since(cured) >= CURE_AGAIN);
        // While its name is not free a restart would only be refused again; without a leader, who shows it for so long shows what once was.
        let shown = self.facts.leader(now).is_some() || lasts < start::NAME_OF_THE_DEAD;
        let is_taken = || shown && self.facts.name_is_taken_at(now).is_some();
        let may_pass = || self.may_be_met(now, missed) || self.may_be_elected(now, missed);
        if lasts < self.patience(now) || may_pass() || !again || is_taken() {
            return false;
        }
        if self.last_look(now).is_none() {
            return false;
        }
        self.watch.cures.cured = Some(now);
        self.watch.cures.tried += 1;
        self.restart(now, Saying::Zombie(lasts));
        true
    }

    /// Some other server has come since this one is missed, and may make one pool of two before it has been there for as long.
    fn may_be_met(&self, now: Moment, missed: Moment) -> bool {
        let facts = &self.facts;
        // Who leads and shows what once was takes up nobody who comes.
        if facts.leads() && self.is_frozen(now) {
            return false;
        }
        let came = facts.peers.values().filter(|peer| peer.wrapper(now).is_some()).filter_map(|peer| peer.came).max();
        let lately = came.is_some_and(|came| came > missed && now.since(came) < self.patience(now));
        (facts.is_seen_alive(now) || self.is_needed(now)) && lately && now.since(missed) < MISSED_THOUGH_SOMEBODY_COMES
    }

    /// Nobody leads, and its dkron has found a majority of the voters a short while ago: it may lead any moment. Raft before version 4
    /// does not go by what gossip finds.
    fn may_be_elected(&self, now: Moment, missed: Moment) -> bool {
        let facts = &self.facts;
        let lately = || facts.finds_majority_since(now).is_some_and(|since| now.since(since) < ELECTION);
        let waits = now.since(missed) < MISSED_THOUGH_SOMEBODY_COMES;
        let goes_by_gossip = facts.me.generation != Generation::Three;
        goes_by_gossip && waits && !facts.is_led(now) && facts.is_seen_alive(now) && lately()
    }

    /// raft may go on through this server although gossip does not, and have no majority without it.
    fn is_needed(&self, now: Moment) -> bool {
        self.facts.leads() || self.raft_lives_by(now, &self.facts.me.node, self.facts.me.ip)
    }

    /// How long this server waits before it restarts dkron because it is missed. Whom nobody sees is of no use as it is. Otherwise
    /// gossip has fallen apart while raft may go on through this server, so that only one restarts at a time: first those that
    /// know no leader, of them those that raft can do without, the highest first, and none while somebody else is about to join,
    /// which makes one pool of two.
    fn patience(&self, now: Moment) -> Duration {
        let facts = &self.facts;
        let states = || facts.peers.values().filter_map(|peer| peer.wrapper(now));
        let needed = self.is_needed(now);
        if !needed && !facts.is_seen_alive(now) {
            let restarts = states().any(|state| state.phase == Phase::Starting);
            return if restarts { MISSED + CURE_OF_ONE } else { MISSED };
        }
        let joins = states().any(|state| matches!(state.phase, Phase::Waiting | Phase::Starting));
        let own = facts.ordinal(&facts.me.pod);
        let led = facts.own_leader().is_some();
        let before = |state: &State| match self.raft_lives_by(now, &state.node, state.ip) {
            lives if lives == needed => facts.ordinal(&state.pod) > own,
            _ => needed,
        };
        // Whoever is just starting is about to join too.
        let starts = |state: &State| state.phase == Phase::Starting;
        let first = |state: &&State| starts(state) || state.up && state.leader.is_none() && (led || before(state));
        let turn = u32::try_from(states().filter(first).count()).unwrap_or(u32::MAX);
        let alone = if joins || needed { MISSED_WHILE_OTHERS_JOIN } else { MISSED };
        alone + CURE_OF_ONE * turn
    }

    /// Nobody else serves, and one that the own dkron shows has been looking for others in vain: its dkron was met, refused this one's name,
    /// and no longer answers whoever looks for it.
    pub(super) fn is_deaf(&mut self, now: Moment) -> bool {
        let facts = &self.facts;
        let looks_for_us = |peer: &Peer| facts.shows(peer, now) && peer.phase(now) == Some(Phase::Starting);
        let serves = facts.peers.values().any(|peer| peer.is_up(now));
        let alone = !facts.is_led(now) && !serves;
        let deaf = facts.own.is_some() && alone && facts.peers.values().any(looks_for_us);
        let cures = &mut self.watch.cures;
        cures.was_deaf &= alone;
        begins(&mut cures.deaf, deaf, now);
        let lasts = cures.deaf.map_or(Duration::ZERO, |since| now.since(since));
        let again = cures.cured.is_none_or(|cured| now.since(cured) >= CURE_AGAIN);
        // Once: what does not come up then has another reason.
        if lasts < DEAF || cures.was_deaf || !again || self.last_look(now).is_none() {
            return false;
        }
        (self.watch.cures.cured, self.watch.cures.was_deaf) = (Some(now), true);
        self.restart(now, Saying::Zombie(lasts));
        true
    }

    /// Nobody leads, and the lowest server that runs does not see this one, or one that is about to stop does not, which restarts no more:
    /// two pools of gossip. Or nobody sees it whom it shows itself.
    fn is_apart(&self, now: Moment) -> bool {
        let facts = &self.facts;
        let lowest =
            facts.peers.values().filter(|peer| peer.is_up(now)).filter_map(|peer| facts.ordinal(&peer.name.pod)).min();
        let asks_us = |peer: &&Peer| {
            let ordinal = facts.ordinal(&peer.name.pod);
            ordinal == lowest && ordinal < facts.ordinal(&facts.me.pod) || peer.phase(now).is_some_and(Phase::stops)
        };
        let sees = |peer: &Peer| peer.member(now, &facts.me.node).is_some_and(|member| facts.is_self(member));
        let mut waiting = facts.peers.values().filter(|peer| peer.is_up(now)).filter(asks_us);
        !facts.is_led(now) && (waiting.any(|peer| !sees(peer)) || self.is_frozen(now))
    }

    /// Gossip is mutual: whom nobody sees, and who shows somebody that serves, shows what once was.
    fn is_frozen(&self, now: Moment) -> bool {
        let facts = &self.facts;
        let shows = |peer: &Peer| peer.is_up(now) && facts.shows(peer, now);
        !facts.is_seen_alive(now) && facts.peers.values().any(shows)
    }

    /// Nobody leads, and the own dkron shows a peer alive where it no longer is: gossip that works would know within 10 s.
    fn sees_ghosts(&self, now: Moment) -> bool {
        let facts = &self.facts;
        let led = facts.is_led(now);
        let mut alive = facts.own.iter().flat_map(|own| &own.members).filter(|member| member.status == Status::Alive);
        let ip = |member: &Member| facts.peer_of(&member.name).and_then(|peer| peer.sure(now));
        !led && alive.any(|member| ip(member).is_some_and(|ip| ip != member.ip))
    }

    /// dkron before version 4 was started without a marker, or with one that tells less, and raft finds no majority at addresses from
    /// before: only a start with the new ones brings a leader.
    pub(super) fn is_stranded(&mut self, now: Moment) -> bool {
        let facts = &self.facts;
        let stuck = facts.own.is_some()
            && stranded::is_stranded(facts, now)
            && self.watch.is_leaderless_for(now, STRANDED)
            && self.child.started.is_some_and(|started| now.since(started) >= STRANDED)
            && facts.young_raft(now).is_some_and(|reading| reading.servers.len() > 1);
        let members = facts.marker.iter().flat_map(|marker| &marker.members);
        let mut others = members.filter(|server| !facts.is_own(server) && !stranded::is_gone(facts, &server.id, now));
        let is_ready = |state: &State| state.leader.is_none() && stranded::is_in_the_same_need(facts, state);
        let is_there = |peer: &Peer| peer.waits_with_nothing(now) || peer.wrapper(now).is_some_and(is_ready);
        if !stuck || !others.all(|server| facts.peer_of(&server.id).is_some_and(is_there)) {
            return false;
        }
        // Whoever kept its address may be reached by those who look for it.
        if !matches!(stranded::recover(facts, now), start::Start::Run(_, start::Why::Recovery)) {
            return false;
        }
        if self.last_look(now).is_none() {
            return false;
        }
        self.restart(now, Saying::Stranded);
        true
    }

    /// Nobody leads, and this server was taken out of raft, or did not stand in it, and has not been taken up: the others are to lead, and
    /// have a later configuration than it has itself.
    pub(super) fn is_left_out(&mut self, now: Moment) -> bool {
        let facts = &self.facts;
        let runs = facts.own.is_some() && self.child.started.is_some_and(|started| now.since(started) >= MISSED);
        let stuck = runs && self.watch.is_unled_for(now, ELECTION) && self.watch.is_leaderless_for(now, MISSED);
        // Of those whom it is to come after somebody has to be there.
        let members = || self.facts.marker.iter().flat_map(|marker| &marker.members);
        let is_heard = |id: &Name| self.facts.peer_of(id).is_some_and(|peer| peer.sure(now).is_some());
        let others = self.facts.marker.is_none() || members().any(|server| is_heard(&server.id));
        if !stuck || !others || !self.watch.cures.out_of_raft || self.last_look(now).is_none() {
            return false;
        }
        // Once: if they do not elect anybody, this server may be needed.
        self.watch.cures.out_of_raft = false;
        self.restart(now, Saying::LeftOut);
        true
    }

    /// What dkron was told to join and still looks for, where that may have become somebody else's.
    pub(super) fn misled_by(&self, now: Moment) -> Option<&Name> {
        let looks = self.facts.own.is_none() && !self.child.up;
        let mut looked_for = self.child.join.iter().filter(|_| looks);
        looked_for.find(|target| self.facts.misleads(now, target))
    }

    /// dkron still looks for others, and what it was told to join may have become somebody else's: two clusters that meet once are
    /// one for ever.
    pub(super) fn is_misled(&mut self, now: Moment) -> bool {
        let Some(target) = self.misled_by(now).filter(|_| self.child.started.is_some()).cloned() else {
            return false;
        };
        if self.child.founds.is_some() && self.facts.disk == Disk::Empty {
            // It may found the cluster until it has ended.
            self.facts.disk = Disk::Unknown;
        }
        self.restart(now, Saying::Misled(target));
        true
    }

    /// dkron looks for others at addresses that are out of date.
    pub(super) fn is_blocked(&mut self, now: Moment) -> bool {
        let blocked =
            self.facts.own.is_none() && self.child.started.is_some_and(|started| now.since(started) >= BLOCKED);
        if !blocked || self.child.founds.is_some() {
            return false;
        }
        let join = start::launch_among(&self.facts, now, Prepare::Keep).join;
        let company = self.facts.peers.values().any(|peer| peer.sure(now).is_some());
        let others = company && join.iter().any(|name| !self.child.join.contains(name));
        let nobody = join.is_empty() && !self.child.joins_nobody();
        // Those with raft state for which it was started have lost it; the others wait for this server, to found the cluster.
        let fresh = self.facts.disk == Disk::Empty && start::is_to_be_founded(&self.facts, now);
        if !others && !nobody && !fresh {
            return false;
        }
        self.restart(now, Saying::Blocked(BLOCKED));
        true
    }
}
