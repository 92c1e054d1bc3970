//! The procedure: how a server is started, watched and stopped. A pure state machine: [`Input`]s and the time go in,
//! [`Action`]s come out. No socket, process, clock or random source is in here, so that a simulator can drive it.
//!
//! | module | what it is |
//! | --- | --- |
//! | `input`, `moment` | what is learned, and when |
//! | `peer`, `standing`, `facts`, `leadership`, `membership`, `configuration`, `ownership` | whom it concerns, who leads, whom serf shows, whom raft has, whose the disk is, and what follows from it |
//! | `start` | how dkron is to be started, decided anew with every fact: where nothing is held, it founds a cluster |
//! | `joining`, `returning`, `stranded` | the same where somebody leads, where there is raft state and no leader, where all have moved |
//! | `launching`, `watch`, `stop` | the stages of a life |
//! | `hold`, `hand_over`, `parting` (with `farewell`) | the steps of a stop |
//! | `cures`, `stalls` | what dkron does not mend itself, and the same where it holds nothing |
//! | `verdict` | what going would mean for those who stay |
//! | `ready` | what the probes answer |
//! | `action`, `saying` | what is wanted, and what people read |
//! | `state` | what wrappers tell each other |

mod action;
mod configuration;
mod cures;
mod facts;
mod farewell;
mod hand_over;
mod hold;
mod input;
mod joining;
mod launching;
mod leadership;
mod membership;
mod moment;
mod ownership;
mod parting;
mod peer;
mod ready;
mod returning;
mod saying;
mod stalls;
mod standing;
mod start;
mod state;
mod stop;
mod stranded;
mod verdict;
mod watch;

use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub use action::{Action, Launch, Prepare, TERMINATED};
pub use input::{
    Configuration, Desired, DesiredPod, DkronView, Generation, Input, Look, Marker, Me, Outcome, PeerName, Storage,
    Told,
};
pub use moment::{Moment, Now};
pub use ready::Health;
pub use saying::{Saying, Sight, Waiting};
pub use start::Why;
pub use state::{Disk, Leader, Member, Name, Owner, PROTOCOL, Phase, Server, State, Status};

use facts::{Facts, Reading};
use farewell::{Farewell, Step};
use launching::Launching;
use watch::{Child, Watch};

/// Time between two looks while something is about to change, and while nothing is.
const HURRY: Duration = Duration::from_millis(250);
const CALM: Duration = Duration::from_secs(1);

/// The own dkron is near, and its answers decide how long others wait.
const OWN_HURRY: Duration = Duration::from_millis(100);

/// While the leadership is handed over.
const OWN_RUSH: Duration = Duration::from_millis(30);

/// A request whose answer did not come within this time is asked again.
const ANSWER: Duration = Duration::from_secs(12);

/// How often the edges look, while nothing asks for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Time between two looks at a peer.
    pub peers: Duration,
    /// Time between two looks at the own dkron.
    pub own: Duration,
}

/// What a life goes through.
#[derive(Debug)]
enum Stage {
    /// dkron does not run.
    Launching(Launching),
    /// dkron runs, or was told to.
    Running,
    /// dkron was told to end, to be started again.
    Restarting {
        /// When.
        since: Moment,
        /// It was killed since.
        killed: bool,
    },
    /// TERM came.
    Stopping(Farewell),
    /// Nothing is left to do.
    Over,
}

/// The procedure of one server.
///
/// Drive it with [`step`](Self::step) for each input and with [`Input::Tick`] not later than at [`next`](Self::next), and do
/// what it returns, in order.
#[derive(Debug)]
pub struct Procedure {
    facts: Facts,
    stage: Stage,
    child: Child,
    watch: Watch,
    /// The one raft configuration that is being read, and since when.
    reading: Option<(SocketAddr, Moment)>,
    /// The one removal that is under way.
    removing: Option<(Name, Moment)>,
    out: Vec<Action>,
}

impl Procedure {
    /// The procedure of a server that has just begun.
    pub fn new(me: Me) -> Self {
        let mut facts = Facts::new(me);
        if facts.disk == Disk::Empty {
            facts.look_beyond();
        }
        Self {
            facts,
            stage: Stage::Launching(Launching::default()),
            child: Child::default(),
            watch: Watch::default(),
            reading: None,
            removing: None,
            out: Vec::new(),
        }
    }

    /// Takes in one fact and returns what is to be done.
    pub fn step(&mut self, now: Now, input: Input) -> Vec<Action> {
        self.learn(now.at, input);
        self.proceed(now);
        mem::take(&mut self.out)
    }

    /// When the next [`Input::Tick`] is due at the latest.
    pub fn next(&self, now: Now) -> Moment {
        let wait = match &self.stage {
            Stage::Stopping(farewell) => farewell.pause(now),
            Stage::Launching(_) | Stage::Restarting { .. } => HURRY,
            Stage::Running | Stage::Over => CALM,
        };
        now.at + wait
    }

    /// How often the edges are to look.
    pub fn pace(&self) -> Pace {
        let settled = self.facts.voter_since.is_some() && self.facts.own_leader().is_some();
        match &self.stage {
            Stage::Stopping(farewell) => {
                Pace { peers: HURRY, own: if farewell.hands_over() { OWN_RUSH } else { OWN_HURRY } }
            }
            Stage::Launching(launching) if launching.lasts() => Pace { peers: CALM, own: CALM },
            // While dkron looks for others, whose addresses may be somebody else's at any moment.
            Stage::Running if self.facts.own.is_none() && !self.child.joins_nobody() => {
                Pace { peers: HURRY, own: if self.watch.is_long_leaderless() { CALM } else { OWN_HURRY } }
            }
            Stage::Running if settled || self.watch.is_long_leaderless() => {
                Pace { peers: CALM, own: if self.watch.asks_all() { OWN_HURRY } else { CALM } }
            }
            _ => Pace { peers: HURRY, own: OWN_HURRY },
        }
    }

    /// What other wrappers are told.
    pub fn state(&self, now: Now) -> State {
        let me = &self.facts.me;
        let own = self.facts.own.as_ref();
        State {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").into(),
            namespace: me.namespace.clone(),
            cluster: me.cluster.clone(),
            set_uid: self.facts.set_uid().cloned(),
            pod: me.pod.clone(),
            node: me.node.clone(),
            ip: me.ip,
            phase: self.phase(),
            disk: self.facts.disk,
            owner: self.facts.marker.as_ref().map(|marker| marker.owner.clone()),
            formed: self.facts.was_founded(),
            size: if self.facts.formed { None } else { start::told_size(&self.facts, now.at) },
            founding: self.facts.name_for_others(self.child.founds.is_some()).cloned(),
            expecting: self.child.founds.is_some() && !self.facts.formed,
            stranded: self.child.was_stranded || stranded::is_stranded(&self.facts, now.at),
            anew: self.watch.cures.calls_all(now.at),
            comes: matches!(&self.stage, Stage::Launching(launching) if launching.is_announced()),
            apart: matches!(&self.stage, Stage::Launching(launching) if launching.is_apart()),
            up: own.is_some(),
            leader: self.facts.own_leader().cloned(),
            leads: self.facts.leads(),
            voter_for: self.facts.voter_since.map(|since| millis(now.at.since(since))),
            raft: self.facts.told_raft().cloned(),
            members: self.facts.members(now.at),
        }
    }

    fn phase(&self) -> Phase {
        match &self.stage {
            Stage::Launching(_) => Phase::Waiting,
            Stage::Running if self.facts.own.is_some() => Phase::Serving,
            Stage::Running | Stage::Restarting { .. } => Phase::Starting,
            Stage::Stopping(farewell) => farewell.phase(),
            Stage::Over => Phase::Leaving,
        }
    }

    /// What the probes answer.
    pub fn health(&self, now: Now) -> Health {
        ready::health(&self.facts, self.phase(), self.watch.cures.have_failed(now.at), now.at)
    }

    /// Other servers that are to be looked at, with the address that Kubernetes gives them, if it is known.
    pub fn peers(&self, now: Now) -> Vec<(PeerName, Option<IpAddr>)> {
        let peers = self.facts.peers.values();
        peers.map(|peer| (peer.name.clone(), self.facts.vouched(now.at, &peer.name.pod))).collect()
    }

    fn learn(&mut self, now: Moment, input: Input) {
        match input {
            Input::Tick => {}
            Input::Stop => self.stop(now),
            Input::Looked { pod, asked, looks } => {
                self.facts.look((asked, now), &pod, looks);
                let peer = self.facts.peers.get(&pod);
                self.note(peer.and_then(|peer| self.facts.marker_of_others(peer, now)));
            }
            Input::Own(view) => self.look_at_own(now, view),
            Input::Desired(desired, written) => self.facts.want(now, desired, written),
            Input::Generation(generation) => self.facts.me.generation = generation,
            Input::Started => self.child.started = Some(now),
            Input::Ended(code) => self.ended(now, code),
            Input::Raft(at, outcome) => self.read(now, at, outcome),
            Input::Removed(id, outcome) => self.removed(now, &id, outcome),
            Input::HandedOver(to, outcome) => self.handed_over(now, to, outcome),
            Input::Left(outcome) => self.left(now, outcome),
            Input::Busy(outcome) => self.busy(now, &outcome),
        }
    }

    fn proceed(&mut self, now: Now) {
        // A stage may end at once, such as a wait with nothing to wait for.
        for _ in 0..8 {
            let before = self.place();
            match &self.stage {
                Stage::Launching(_) => self.launching(now.at),
                Stage::Running => self.watch(now.at),
                Stage::Restarting { since, killed } => {
                    if !killed && now.at.since(*since) >= watch::END {
                        self.stage = Stage::Restarting { since: *since, killed: true };
                        self.tell(Saying::Killing);
                        self.out.push(Action::Kill);
                    }
                }
                Stage::Stopping(_) => self.farewell(now),
                Stage::Over => {}
            }
            if self.place() == before {
                return;
            }
        }
    }

    /// Where in its life this server is.
    fn place(&self) -> (mem::Discriminant<Stage>, Option<Step>) {
        let step = match &self.stage {
            Stage::Stopping(farewell) => Some(farewell.step),
            _ => None,
        };
        (mem::discriminant(&self.stage), step)
    }

    fn tell(&mut self, saying: Saying) {
        self.out.push(Action::Say(saying));
    }

    /// Asks for a raft configuration, one at a time.
    fn list_raft(&mut self, now: Moment, at: SocketAddr) {
        if self.reading.is_some_and(|(_, since)| now.since(since) < ANSWER) {
            return;
        }
        self.reading = Some((at, now));
        self.out.push(Action::ListRaft(at));
    }

    /// A raft configuration was told, or was not.
    fn read(&mut self, now: Moment, at: SocketAddr, outcome: Outcome<Configuration>) {
        if self.reading.is_some_and(|(asked, _)| asked == at) {
            self.reading = None;
        }
        if self.verify(now, at, outcome.as_ref().ok().map(|told| &*told.servers)) {
            return;
        }
        let Configuration { servers, leader } = match outcome {
            Ok(told) => told,
            Err(why) => {
                self.watch.raft_failed(now);
                return self.tell(Saying::Failed("reading the raft configuration", why));
            }
        };
        let of_leader = self.facts.own_leader().is_some_and(|leader| leader.rpc_addr.parse() == Ok(at));
        let of_own = self.facts.own_rpc() == Some(at);
        let reading = Reading { servers, at: now, of_leader };
        if of_own {
            self.facts.followed = leader.filter(|leader| *leader != self.facts.me.node).map(|_| now);
        }
        if of_own || of_leader {
            self.facts.own_raft = (of_own && !self.facts.is_led(now)).then(|| reading.servers.clone());
            self.raft_was_read(now, reading.clone());
        }
        let leads = self.facts.leader(now).is_some_and(|(leader, sure)| sure && leader.rpc_addr.parse() == Ok(at));
        let is_listed = leads.then(|| self.facts.is_among(&reading.servers));
        self.facts.readings.insert(at, reading);
        if let Stage::Launching(launching) = &mut self.stage {
            launching.was_read(is_listed);
        }
    }

    /// Asks the leader to remove a server, one at a time.
    fn remove(&mut self, now: Moment, at: SocketAddr, id: Name) -> bool {
        if self.removing.as_ref().is_some_and(|(_, since)| now.since(*since) < ANSWER) {
            return false;
        }
        self.removing = Some((id.clone(), now));
        self.out.push(Action::RemovePeer { at, id });
        true
    }

    fn removed(&mut self, now: Moment, id: &Name, outcome: Outcome<()>) {
        if self.removing.as_ref().is_some_and(|(removing, _)| removing == id) {
            self.removing = None;
        }
        if outcome.is_ok() && *id == self.facts.me.node && matches!(self.stage, Stage::Launching(_)) {
            // Whoever is started again meanwhile has to know that the others have a later configuration.
            self.note(self.facts.marker_without_own());
            self.facts.own_raft = None;
            self.watch.cures.out_of_raft = true;
        }
        // Whatever was known of raft is old.
        self.facts.readings.clear();
        self.watch.raft_changed();
        let failed = outcome.is_err();
        match outcome {
            Ok(()) => {
                if let Some(reading) = &mut self.facts.raft {
                    reading.servers.retain(|server| server.id != *id);
                }
            }
            Err(why) => self.tell(Saying::Failed("removing a server from raft", why)),
        }
        if *id != self.facts.me.node {
            return;
        }
        if !failed && matches!(self.stage, Stage::Stopping(_)) {
            // Whoever still stands in it elects, and with version 3 writes its new addresses when all have moved.
            self.mark();
        }
        match &mut self.stage {
            Stage::Launching(launching) => launching.removed(!failed),
            Stage::Stopping(farewell) => farewell.removed(now, !failed),
            _ => {}
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn majority(voters: usize) -> usize {
    voters / 2 + 1
}

#[cfg(test)]
mod tests;
