//! What going would mean for those who stay.

use std::cmp::Reverse;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::facts::HEARING;
use super::joining::stands_at;
use super::moment::Moment;
use super::peer::Peer;
use super::state::{Disk, Name, Phase, Server, State};
use super::{Procedure, Stage, majority, millis};

/// No leader for so long: going takes nothing from anybody.
const LEADERLESS: Duration = Duration::from_secs(60);

/// The same where enough voters are there for a leader to come yet: a name is free again within a minute.
const LEADERLESS_BUT_MANY: Duration = Duration::from_secs(90);

/// What the own raft was read to follow holds for so long: without a leader it is read each 3 s.
const FOLLOWS: Duration = Duration::from_secs(7);

/// Servers that were told to stop within this time were told so together: Kubernetes tells each node on its own.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Whoever comes back is a voter within this time, or something keeps it from that.
const JOINED: Duration = Duration::from_secs(10);

/// What going would mean.
pub enum Verdict {
    /// No server remains, or there never was another.
    Nobody,
    /// There is no cluster that could miss this server.
    NoCluster,
    Go,
    /// So many of so many voters would be alive.
    Hold(usize, usize),
}

impl Procedure {
    /// A peer that serves, votes, and lets this server go first if it is about to go too.
    pub(super) fn stays_for_us(&self, peer: &Peer, now: Moment) -> bool {
        let Some(state) = peer.wrapper(now) else {
            // Without a wrapper it cannot say; the own dkron sees it alive, and Kubernetes has not said since this server was told to
            // stop that it is to stop too.
            let Stage::Stopping(farewell) = &self.stage else { return false };
            let told = self.facts.desired_since(now).is_some_and(|written| written >= farewell.begun);
            let seen = told && self.facts.is_member(peer.node());
            return peer.plain(now).is_some() && peer.leader(now).is_some() && seen && !self.facts.goes(now, peer);
        };
        // Raft finds it where gossip shows it: whom this server alone sees is lost to the others without it.
        let votes = state.up && state.leader.is_some() && state.voter_for.is_some() && self.facts.is_seen(now, peer);
        let behind = self.facts.ordinal(&peer.name.pod) < self.facts.ordinal(&self.facts.me.pod);
        votes
            && match state.phase {
                Phase::Holding | Phase::Going => behind,
                phase => !phase.stops(),
            }
    }

    /// The same, and it is not about to go: what of two that see each other both believe.
    pub(super) fn stays_anyway(&self, peer: &Peer, now: Moment) -> bool {
        self.stays_for_us(peer, now) && peer.phase(now) != Some(Phase::Going)
    }

    pub(super) fn verdict(&self, now: Moment, counts: impl Fn(&Peer) -> bool) -> Verdict {
        let facts = &self.facts;
        // That nobody is wanted is an old word where somebody has come back since it was written.
        let written = facts.desired_since(now);
        let is_back = |peer: &Peer| {
            peer.phase(now).is_some_and(|phase| !phase.stops()) && peer.came.is_some_and(|came| Some(came) > written)
        };
        let is_old = || facts.peers.values().any(is_back);
        if facts.desired(now).is_some_and(|desired| desired.replicas == 0) && !is_old() {
            return Verdict::Nobody;
        }
        let known: Vec<&Peer> = facts.peers.values().filter(|peer| self.is_known(peer, now)).collect();
        let all = |go: &dyn Fn(&Peer) -> bool| !known.is_empty() && known.iter().all(|peer| go(peer));
        if all(&|peer| facts.goes(now, peer)) || all(&|peer| self.went_with_us(peer, now)) {
            return Verdict::Nobody;
        }
        let Some((stay, alive)) = self.rest(now, &counts) else {
            let counted = facts.disk == Disk::State || self.is_counted_by_others(now);
            return if counted && !self.is_past_hope(now) { Verdict::Hold(0, 0) } else { Verdict::NoCluster };
        };
        let voters = facts.raft.as_ref().map_or(0, |reading| reading.servers.len());
        if voters == 0 {
            return if self.is_counted_by_others(now) { Verdict::Hold(0, 0) } else { Verdict::NoCluster };
        }
        if stay.is_empty() {
            // Nobody who is wanted is a voter yet: then this server is the cluster, wanted or not. Whom the own dkron sees is there.
            let wanted = |peer: &&Peer| {
                let seen = || facts.vouched(now, &peer.name.pod).is_some() || facts.is_member(peer.node());
                let there = peer.sure(now).is_some() || seen();
                // Who cannot be understood may well serve, and lead; whoever waits may have been made since Kubernetes wants it again.
                let waits = peer.phase(now) == Some(Phase::Waiting);
                let serves = serves(peer, now) || waits || peer.is_foreign(now) || facts.is_news(now, peer);
                // Where Kubernetes has it by its latest word it was not looked at yet.
                let news = facts.has_pod(now, &peer.name.pod) && peer.asked <= facts.news_since;
                let unheard = news && now.since(facts.news_since) < 2 * HEARING;
                there && (!facts.is_surplus(now, &peer.name.pod) || serves || unheard) && !facts.goes(now, peer)
            };
            let awaited = facts.is_surplus(now, &facts.me.node) || facts.peers.values().any(|peer| wanted(&peer));
            return if awaited { Verdict::Hold(0, 1) } else { Verdict::Nobody };
        }
        let serving = self.found_by_one(now, &self.serving_voters(&counts));
        let needed = majority(voters.saturating_sub(1));
        if self.found_by_one(now, &alive) >= majority(stay.len()) && serving >= needed {
            // The one that stays could not undo it if it took this server up again together with those who come.
            let alone = alive.len() == 1 && voters == 2;
            return if alone && self.is_about_to_be_joined(now) { Verdict::Hold(1, 2) } else { Verdict::Go };
        }
        if self.is_past_hope(now) {
            return Verdict::NoCluster;
        }
        Verdict::Hold(alive.len(), majority(stay.len()).max(needed))
    }

    /// It was told to stop when this server was, and is at most about to be back: all have been told to stop at once. Going together
    /// costs less than waiting for each other, since whoever stays keeps the names of those who went from being free.
    pub(super) fn went_with_us(&self, peer: &Peer, now: Moment) -> bool {
        let Stage::Stopping(farewell) = &self.stage else { return false };
        let back = |state: &State| !state.phase.stops() && state.up;
        let serves = match peer.wrapper(now) {
            Some(state) => back(state),
            // What cannot be understood may well lead.
            None => peer.is_up(now) && !self.facts.goes(now, peer),
        };
        let at_once =
            |stopped: Moment| stopped.since(farewell.begun) <= AT_ONCE && farewell.begun.since(stopped) <= AT_ONCE;
        !serves && peer.stopped.is_some_and(at_once)
    }

    /// Somebody has just come back, and is to be a voter in a moment.
    fn is_about_to_be_joined(&self, now: Moment) -> bool {
        let comes = |peer: &Peer, state: &State| {
            let lately = peer.came.is_some_and(|came| now.since(came) < JOINED);
            serves(peer, now)
                && lately
                && !self.facts.raft_has(&state.node)
                && !self.facts.is_surplus(now, &peer.name.pod)
        };
        self.facts.peers.values().any(|peer| peer.wrapper(now).is_some_and(|state| comes(peer, state)))
    }

    /// It was there once, or Kubernetes or gossip has it, or raft counts on it.
    pub(super) fn is_known(&self, peer: &Peer, now: Moment) -> bool {
        let votes = |server: &Server| self.facts.pod_of(&server.id) == &*peer.name.pod;
        let raft = self.facts.raft.iter().flat_map(|reading| &reading.servers);
        let there = peer.plain(now).is_some() || self.facts.vouched(now, &peer.name.pod).is_some();
        peer.state.is_some() || there || self.facts.is_member(peer.node()) || raft.into_iter().any(votes)
    }

    /// Somebody who knows a leader has this server in raft's configuration.
    fn is_counted_by_others(&self, now: Moment) -> bool {
        let states = self.facts.peers.values().filter_map(|peer| peer.wrapper(now));
        let mut servers = states.filter(|state| state.leader.is_some()).flat_map(|state| state.raft.iter().flatten());
        servers.any(|server| self.facts.is_own(server))
    }

    /// Nobody has led for so long that waiting on helps nobody.
    fn is_past_hope(&self, now: Moment) -> bool {
        // Raft may follow somebody whom gossip does not show.
        let follows = self.facts.followed.is_some_and(|read| now.since(read) <= FOLLOWS);
        if follows || self.facts.is_led_elsewhere(now) {
            return false;
        }
        // Who is not wanted any more does not come back, and its vote would be missed for ever.
        let wanted = |peer: &&Peer| !self.facts.is_surplus(now, &peer.name.pod) && peer.sure(now).is_some();
        if self.facts.is_surplus(now, &self.facts.me.node) && self.facts.peers.values().any(|peer| wanted(&peer)) {
            return false;
        }
        let voters: Vec<_> = self.facts.raft.iter().flat_map(|reading| &reading.servers).collect();
        let there = |id: &Name| self.facts.peer_of(id).is_some_and(|peer| peer.sure(now).is_some());
        let others = voters.iter().filter(|server| !self.facts.is_own(server) && there(&server.id)).count();
        let hope = others + 1 >= majority(voters.len());
        let patience = if hope { LEADERLESS_BUT_MANY } else { LEADERLESS };
        // A leader that this server's dkron does not know leads all the same, and when it is lost the others elect.
        let led = match &self.stage {
            Stage::Stopping(farewell) => farewell.led,
            _ => None,
        };
        self.watch.is_leaderless_for(now, patience) && led.is_none_or(|led| now.since(led) >= patience)
    }

    /// The voters that stay, alive, the one that has been a voter longest first. Each where it surely is: raft's configuration may
    /// still have an address from before a restart.
    pub(super) fn heirs(&self, now: Moment) -> Vec<SocketAddr> {
        let Some((stay, alive)) = self.rest(now, |peer| self.stays_for_us(peer, now)) else { return Vec::new() };
        let enough = |id: &&Name| self.found_by(now, id, &alive) >= majority(stay.len());
        // Where nobody finds enough of the others, gossip has fallen apart, and time is over.
        let anybody = !alive.iter().any(|id| enough(&id));
        let heirs = alive.iter().filter(|id| anybody || enough(id));
        let mut heirs: Vec<&Peer> = heirs.filter_map(|id| self.facts.peer_of(id)).collect();
        heirs.sort_by_key(|peer| Reverse(peer.wrapper(now).and_then(|state| state.voter_for)));
        heirs.iter().filter_map(|peer| Some(SocketAddr::new(peer.sure(now)?, self.facts.me.rpc_port))).collect()
    }

    /// Whether the voters of raft's configuration, less this one, have a majority that hears the leader. Whoever has just left counts
    /// as a voter until the leader takes it out.
    pub(super) fn raft_goes_on_without(&self, now: Moment) -> bool {
        let Some(voters) = self.facts.voters(now) else { return true };
        let others: Vec<&Name> = voters.map(|server| &server.id).filter(|id| **id != self.facts.me.node).collect();
        let hear = |id: &&&Name| self.facts.peer_of(id).is_some_and(|peer| peer.leader(now).is_some());
        others.is_empty() || others.iter().filter(hear).count() >= majority(others.len())
    }

    /// A voter of the own leader's has just told a configuration that has it, and the last reading, from before that, does not.
    pub(super) fn somebody_became_a_voter(&self, now: Moment) -> bool {
        let Some(raft) = &self.facts.raft else { return false };
        let leader = self.facts.own_leader();
        let became = |peer: &Peer, state: &State| {
            let same = leader.is_some() && state.leader.as_ref() == leader && !state.is_out();
            let lately = state.voter_for.is_some_and(|time| time <= millis(peer.told.since(raft.at)));
            same && lately && !self.facts.raft_has(&state.node)
        };
        self.facts.peers.values().any(|peer| peer.wrapper(now).is_some_and(|state| became(peer, state)))
    }

    /// Those who name a leader are no majority of today's voters: it has one through others, whom it finds where the configuration has
    /// them, and the server there is one of these.
    pub(super) fn raft_lives_by(&self, now: Moment, node: &Name, ip: Option<IpAddr>) -> bool {
        // The own raft may have a configuration from before.
        let leads = |peer: &&Peer| peer.wrapper(now).is_some_and(|state| state.leads);
        let told = self.facts.sure_leader(now).filter(leads).and_then(|peer| peer.wrapper(now)?.configuration());
        let own = || self.facts.voters(now).map(Iterator::collect);
        let of_leader = told.map(|raft| raft.iter().filter(|server| server.voter).collect());
        let Some(voters): Option<Vec<&Server>> = of_leader.or_else(own) else { return false };
        let hear = |server: &&&Server| self.facts.peer_of(&server.id).is_some_and(|peer| peer.leader(now).is_some());
        let heard = voters.iter().filter(hear).count();
        let found = ip.is_some_and(|ip| stands_at(&self.facts, voters.iter().copied(), node, ip));
        self.facts.is_led(now) && found && heard < majority(voters.len())
    }

    /// The other voters of raft's configuration, wanted or not, that count.
    fn serving_voters(&self, counts: &impl Fn(&Peer) -> bool) -> Vec<Name> {
        let voters = self.facts.raft.iter().flat_map(|reading| &reading.servers).filter(|server| server.voter);
        let counts = |id: &Name| self.facts.peer_of(id).is_some_and(counts);
        voters
            .filter(|server| !self.facts.is_own(server) && counts(&server.id))
            .map(|server| server.id.clone())
            .collect()
    }

    /// The most of these that one of them finds: raft follows names to where the gossip of the one who leads shows them.
    fn found_by_one(&self, now: Moment, servers: &[Name]) -> usize {
        servers.iter().map(|one| self.found_by(now, one, servers)).max().unwrap_or(0)
    }

    /// How many of these `one` finds, itself included.
    fn found_by(&self, now: Moment, one: &Name, servers: &[Name]) -> usize {
        let Some(finder) = self.facts.peer_of(one) else { return 0 };
        let others = servers.iter().filter_map(|other| self.facts.peer_of(other));
        others.filter(|other| finder.finds(other, now)).count()
    }

    /// The voters that are alive without this server would be no majority of today's.
    pub(super) fn too_few_are_left(&self, now: Moment) -> bool {
        let Some(reading) = &self.facts.raft else { return false };
        let all = reading.servers.iter().filter(|server| server.voter).count();
        self.found_by_one(now, &self.serving_voters(&|peer| self.stays_anyway(peer, now))) < majority(all)
    }

    /// Voters that are to stay when this server goes, and those of them that are alive and know their leader.
    fn rest(&self, now: Moment, counts: impl Fn(&Peer) -> bool) -> Option<(Vec<Name>, Vec<Name>)> {
        let facts = &self.facts;
        let voters: Vec<Name> = facts.voters(now)?.map(|server| server.id.clone()).collect();
        let mut stay: Vec<Name> = voters.clone();
        // Who has just gone to come back is missed as a voter is, although the leader has taken it out; so is who is back and no voter
        // yet. Its raft state may still say that it votes: too few others would let it win against what was committed since.
        let back =
            |peer: &Peer| peer.wrapper(now).is_some_and(|state| !state.phase.stops() && state.disk != Disk::Empty);
        let gone = |peer: &Peer| peer.has_parted() && peer.parted_lately(now) && !self.waits_for_us(peer, now);
        let returns = |peer: &&Peer| gone(peer) || back(peer);
        for peer in facts.peers.values().filter(returns) {
            let node = peer.state.as_ref().map(|state| state.node.clone());
            stay.extend(node.filter(|node| !voters.contains(node)));
        }
        let serves = |id: &Name| facts.peer_of(id).is_some_and(|peer| serves(peer, now));
        stay.retain(|id| *id != facts.me.node && (!facts.is_surplus(now, id) || serves(id)));
        let alive = stay.iter().filter(|id| voters.contains(id) && facts.peer_of(id).is_some_and(&counts));
        let alive = alive.cloned().collect();
        Some((stay, alive))
    }

    /// The set makes its pods one after another, and this one is not made again before the own pod is.
    fn waits_for_us(&self, peer: &Peer, now: Moment) -> bool {
        let ordinal = |pod: &str| self.facts.ordinal(pod);
        self.facts.desired(now).is_some_and(|desired| desired.ordered_ready)
            && ordinal(&peer.name.pod) > ordinal(&self.facts.me.pod)
    }
}

/// Who serves, or is just about to, although it is surplus has not been told to stop yet, or Kubernetes wants it again by now.
fn serves(peer: &Peer, now: Moment) -> bool {
    matches!(peer.phase(now), Some(Phase::Starting | Phase::Serving)) || peer.plain(now).is_some()
}
