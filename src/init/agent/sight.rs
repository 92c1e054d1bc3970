//! How the servers see this agent, from what one after another says.

use std::net::IpAddr;
use std::time::Duration;

use super::super::procedure::{Moment, Outcome, Status};
use super::input::{Home, Me, Sighting};

/// An answer that came so long ago no longer speaks for the present: the servers were away in between.
const STALE: Duration = Duration::from_secs(45);

/// What a sighting means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing new.
    Nothing,
    /// It is seen; after this time, if it was missed.
    Found(Option<Duration>),
    /// It is not seen, and has not been since that moment.
    Missing(Moment),
}

/// How far the servers and this agent know each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Acquaintance {
    Strangers,
    /// A server of this cluster has heard of this agent: they belong together.
    Known,
    /// A server has seen it alive since dkron was started, so that its start is over.
    Joined,
}

/// What is known of it.
#[derive(Debug)]
pub struct Sight {
    ip: Option<IpAddr>,
    home: Option<Home>,
    acquaintance: Acquaintance,
    alive: bool,
    /// The first and the last answer that missed it, since it was seen last.
    missing: Option<(Moment, Moment)>,
    /// A wrapper of the own cluster that missed it, in the last answer.
    missed_by: Option<IpAddr>,
    by_wrapper: bool,
    /// The last question was answered by a server that knows a leader.
    answered: bool,
}

impl Sight {
    /// Nobody was asked yet.
    pub fn of(me: &Me) -> Self {
        Self {
            ip: me.ip,
            home: me.home.clone(),
            acquaintance: Acquaintance::Strangers,
            alive: false,
            missing: None,
            missed_by: None,
            by_wrapper: true,
            answered: false,
        }
    }

    /// A server that knows a leader saw it when it was last asked.
    pub fn is_alive(&self) -> bool {
        self.alive
    }

    /// dkron begins anew.
    pub fn start(&mut self) {
        self.acquaintance = self.acquaintance.min(Acquaintance::Known);
    }

    /// It was seen since then.
    pub fn has_joined(&self) -> bool {
        self.acquaintance == Acquaintance::Joined
    }

    /// A server of the same cluster has heard of it, in this life of the wrapper.
    pub fn is_known(&self) -> bool {
        self.acquaintance >= Acquaintance::Known
    }

    /// The servers are well, as far as was heard last, and see it.
    pub fn is_calm(&self) -> bool {
        self.alive && self.answered
    }

    /// The last answer was a wrapper's.
    pub fn by_wrapper(&self) -> bool {
        self.by_wrapper
    }

    /// A server of its own cluster, surely, has answered that it does not see it.
    pub fn is_missed_at_home(&self) -> bool {
        self.missed_by.is_some()
    }

    /// A server to which it can be introduced. It is surely of the same cluster: two clusters that have met once are one for ever. And
    /// the agent has joined before: one that still tries would be given jobs before it can take any.
    pub fn introducer(&self) -> Option<IpAddr> {
        self.missed_by.filter(|_| self.has_joined())
    }

    /// Takes in what the servers said.
    pub fn take_in(&mut self, now: Moment, seen: Outcome<Sighting>) -> Heard {
        self.missed_by = None;
        let Some(seen) = seen.ok().filter(|seen| !self.is_foreign(seen)) else { return self.unheard(now) };
        self.by_wrapper = seen.home.is_some();
        if seen.member.is_some() {
            self.acquaintance = self.acquaintance.max(Acquaintance::Known);
            if self.home.is_none() {
                self.home.clone_from(&seen.home);
            }
        }
        if !seen.led {
            // Whoever knows no leader may be cut off itself, and nothing would be better after a restart.
            return self.unheard(now);
        }
        self.answered = true;
        let here = |ip: IpAddr| self.ip.is_none_or(|own| own.to_canonical() == ip.to_canonical());
        if seen.member.as_ref().is_some_and(|member| member.status == Status::Alive && here(member.ip)) {
            let missed = self.missing.take().map(|(since, _)| now.since(since));
            let found = !std::mem::replace(&mut self.alive, true);
            self.acquaintance = Acquaintance::Joined;
            return if found { Heard::Found(missed) } else { Heard::Nothing };
        }
        self.alive = false;
        if seen.member.as_ref().is_some_and(|member| member.status == Status::Alive) {
            // serf may have another address than the pod, by a flag or another interface; and of the pod that had this name before
            // they hear within seconds that it is gone.
            return self.unheard(now);
        }
        self.missed_by = (seen.home.is_some() && seen.home == self.home).then_some(seen.server);
        let since = self.missing.filter(|(_, last)| now.since(*last) < STALE).map_or(now, |(since, _)| since);
        self.missing = Some((since, now));
        Heard::Missing(since)
    }

    fn is_foreign(&self, seen: &Sighting) -> bool {
        matches!((&self.home, &seen.home), (Some(own), Some(other)) if own != other)
    }

    /// Nobody said anything that counts. That is no reason for anything, but it is asked again sooner.
    fn unheard(&mut self, now: Moment) -> Heard {
        self.answered = false;
        if self.missing.is_some_and(|(_, last)| now.since(last) >= STALE) {
            self.missing = None;
        }
        Heard::Nothing
    }
}
