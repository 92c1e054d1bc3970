//! What serf knows: who is seen where, by the own dkron and by the others.

use std::net::IpAddr;
use std::time::Duration;

use super::facts::Facts;
use super::input::DkronView;
use super::moment::Moment;
use super::peer::Peer;
use super::state::{Member, Name, Status};

impl Facts {
    /// The own dkron sees this node alive.
    pub fn is_member(&self, node: &str) -> bool {
        let mut members = self.own.iter().flat_map(|own| &own.members);
        members.any(|member| *member.name == *node && member.status == Status::Alive)
    }

    /// The own dkron sees this peer alive where it is.
    pub fn shows(&self, peer: &Peer, now: Moment) -> bool {
        self.own.iter().flat_map(|own| &own.members).any(|member| peer.stands_as(member, now))
    }

    /// The own dkron sees this peer alive, and has seen it gone or elsewhere since its wrapper was heard last: who went without a leave is still
    /// shown for a while.
    pub fn has_rejoined(&self, peer: &Peer) -> bool {
        let joined = self.rejoined.get(peer.node());
        self.is_member(peer.node()) && joined.is_some_and(|joined| *joined > peer.told)
    }

    /// Takes in what the own dkron shows.
    pub fn look_at_own(&mut self, now: Moment, view: Option<DkronView>) {
        for member in view.iter().flat_map(|view| &view.members) {
            let before = self.seen.get(&member.name);
            if before.is_none_or(|(seen, _)| seen != member) {
                if before.is_some() && member.status == Status::Alive {
                    self.rejoined.insert(member.name.clone(), now);
                }
                self.seen.insert(member.name.clone(), (member.clone(), now));
            }
        }
        // Servers that were added, where nothing else tells of them.
        for member in view.iter().flat_map(|view| &view.members).filter(|member| member.status == Status::Alive) {
            if let Some(name) = self.name_of(&member.name) {
                self.meet(name);
            }
            if let Some(peer) = self.peers.values_mut().find(|peer| *peer.node() == member.name) {
                peer.met = now;
            }
        }
        if view.is_none() {
            self.seen.clear();
        }
        self.own = view;
    }

    /// The members of the own dkron, and for how long it has seen each so.
    pub fn members(&self, now: Moment) -> Vec<Member> {
        let members = self.own.iter().flat_map(|own| own.members.iter().cloned());
        let since = |name: &Name| self.seen.get(name).map(|(_, since)| super::millis(now.since(*since)));
        members.map(|member| Member { seen_for: since(&member.name), ..member }).collect()
    }

    /// Where the others still see the own node, if that keeps its name from being used here.
    pub fn name_is_taken_at(&self, now: Moment) -> Option<IpAddr> {
        let of_leader = self.sure_leader(now).filter(|peer| peer.member(now, &self.me.node).is_some());
        let counts = |peer: &&Peer| match of_leader {
            Some(leader) => peer.name == leader.name,
            None => self.is_seen(now, peer),
        };
        let elsewhere = |member: &Member| self.me.ip.is_some_and(|ip| ip != member.ip);
        let shown_for =
            |peer: &Peer, member: &Member| member.seen_for.map(Duration::from_millis).or_else(|| peer.shown_for(now));
        // Where that one does not say since when, the others may.
        let by_others = || {
            let shown = self.peers.values().filter_map(|peer| Some((peer, peer.member(now, &self.me.node)?)));
            let told = shown.filter_map(|(peer, member)| match member.status {
                Status::Alive | Status::Leaving if elsewhere(member) => Some(Duration::ZERO),
                Status::Failed => shown_for(peer, member),
                _ => None,
            });
            told.min()
        };
        let blocks = |peer: &Peer, member: &Member| match member.status {
            Status::Alive | Status::Leaving => true,
            // Somebody who died keeps its name for a while. Whoever starts meanwhile is refused, and not asked again for long.
            Status::Failed => {
                shown_for(peer, member).or_else(by_others).is_some_and(|time| time < self.name_of_the_dead())
            }
            Status::Left | Status::Unknown => false,
        };
        self.peers.values().filter(counts).find_map(|peer| {
            let member = peer.member(now, &self.me.node)?;
            (elsewhere(member) && blocks(peer, member)).then_some(member.ip)
        })
    }

    /// Some other peer sees this one where it is, or no other serves: a server that nobody sees shows what once was.
    pub fn is_seen(&self, now: Moment, peer: &Peer) -> bool {
        let mut others = self.peers.values().filter(|other| other.name != peer.name && other.is_up(now)).peekable();
        others.peek().is_none() || others.any(|other| other.finds(peer, now))
    }

    /// memberlist drops who is dead for 30 s, when it has probed everybody else once, one in a second.
    fn name_of_the_dead(&self) -> Duration {
        let others = u64::try_from(self.peers.len()).unwrap_or(u64::MAX);
        Duration::from_secs(30 + others.min(10) + 2)
    }

    /// Some peer sees the own node alive at the own address: it has joined.
    pub fn is_seen_alive(&self, now: Moment) -> bool {
        self.peers.values().filter_map(|peer| peer.member(now, &self.me.node)).any(|member| self.is_self(member))
    }

    /// The member is this server where it is now.
    pub fn is_self(&self, member: &Member) -> bool {
        member.status == Status::Alive && self.me.ip.is_none_or(|ip| ip == member.ip)
    }

    /// A peer that follows another leader does not see the own node alive where it is.
    pub fn is_missed(&self, now: Moment) -> bool {
        // Who believes to have a leader, and is seen by nobody, believes in what once was.
        let led = self.own_leader().is_some();
        let views = || {
            let believed = |peer: &&Peer| peer.leader(now).is_some_and(|leader| leader.name != self.me.node);
            self.peers.values().filter(move |peer| believed(peer) || led && peer.is_up(now))
        };
        let sees = |peer: &&Peer| peer.member(now, &self.me.node).is_some_and(|member| self.is_self(member));
        views().next().is_some() && !views().any(|peer| sees(&peer))
    }
}
