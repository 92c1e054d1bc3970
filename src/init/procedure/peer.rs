//! One peer: what was seen at its addresses, and whose they are. Addresses of pods are used again and every namespace may have an
//! `a-0`, so an address counts as a peer only where its wrapper says so or Kubernetes does; anything else is ignored.

use std::net::IpAddr;
use std::time::Duration;

use super::input::{DesiredPod, DkronView, Look, Me, Outcome, PeerName, Told, address_of};
use super::moment::Moment;
use super::standing::{Standing, rank};
use super::state::{Disk, Leader, Member, Name, Phase, State, Status};

/// What was seen longer ago counts as not seen: some looks of a second each.
const FRESH: Duration = Duration::from_secs(4);

/// Gossip notices within this time that somebody is gone: 4 to 10 s.
const NOTICED: Duration = Duration::from_secs(12);

/// A name server may give an address from before for so long.
const NAMES_HOLD: Duration = Duration::from_secs(35);

/// A server that stopped this long ago is not coming back any moment.
const RETURN: Duration = Duration::from_secs(120);

/// A peer and the last look at it.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its names.
    pub name: PeerName,
    /// Whose its addresses are.
    pub standing: Standing,
    /// Where its name leads to.
    named: Vec<IpAddr>,
    /// Where it was looked for.
    tried: Vec<IpAddr>,
    /// Where its name led to last, and when that was told: a name server may be silent since.
    led_to: (Vec<IpAddr>, Moment),
    /// Kubernetes has it where its machine answers, and its wrapper's port swallows what is sent there.
    unheard: bool,
    /// Addresses that surely are somebody else's, whoever vouches for them.
    strangers: Vec<IpAddr>,
    /// When the last look began.
    pub asked: Moment,
    /// When it ended.
    pub seen: Moment,
    /// The last state that its wrapper told, however long ago.
    pub state: Option<State>,
    /// When that was.
    pub told: Moment,
    /// When its wrapper said first, the last time that it was told to stop, that it stops, or Kubernetes that its pod is deleted; as far as
    /// that is known.
    pub stopped: Option<Moment>,
    /// When it was heard first after it had stopped, or had been away.
    pub came: Option<Moment>,
    /// When the own dkron last showed it alive.
    pub met: Moment,
    /// How its dkron shows the node that looks, and since when, where its wrapper has told that or it has changed before its eyes.
    shown: Option<(IpAddr, Status, Option<Moment>)>,
    /// What its dkron said, at the last look.
    view: Option<DkronView>,
}

impl Peer {
    /// A peer of whom nothing is known.
    pub fn new(name: PeerName) -> Self {
        Self {
            name,
            standing: Standing::Unseen,
            named: Vec::new(),
            tried: Vec::new(),
            led_to: (Vec::new(), Moment(0)),
            unheard: false,
            strangers: Vec::new(),
            asked: Moment(0),
            seen: Moment(0),
            state: None,
            told: Moment(0),
            stopped: None,
            came: None,
            met: Moment(0),
            shown: None,
            view: None,
        }
    }

    /// Takes in one look. `sets` and `pods` are what Kubernetes says of the own set (its UID, and those that it had before) and of its
    /// pods.
    pub fn note(
        &mut self,
        (asked, at): (Moment, Moment),
        looks: Outcome<Vec<Look>>,
        me: &Me,
        sets: (Option<&Name>, &[Name]),
        pods: &[DesiredPod],
    ) {
        // An answer that was overtaken tells nothing.
        if asked < self.asked {
            return;
        }
        (self.asked, self.seen) = (asked, at);
        self.view = None;
        self.strangers.clear();
        self.named.clear();
        self.tried.clear();
        self.unheard = false;
        let looks = match looks {
            Ok(looks) => looks,
            Err(why) => {
                self.standing = Standing::NoAddress(why);
                return;
            }
        };
        self.standing = Standing::Silent;
        self.tried = looks.iter().map(|look| look.ip).collect();
        self.named = looks.iter().filter(|look| look.by_name).map(|look| look.ip).collect();
        if !self.named.is_empty() {
            self.led_to = (self.named.clone(), at);
        }
        let vouched = address_of(pods, &self.name.pod);
        let swallowed =
            |look: &Look| matches!((&look.wrapper, &look.dkron), (Told::Silence, Told::Nobody | Told::Answer(_)));
        self.unheard = looks.iter().any(|look| Some(look.ip) == vouched && swallowed(look));
        for look in looks {
            let judged = self.judge(&look, me, sets, pods);
            if let Standing::Stranger(_) = judged {
                self.strangers.push(look.ip);
            }
            if rank(&judged) > rank(&self.standing) {
                self.standing = judged;
                self.take(look, at);
            }
        }
        let shown = self.view.iter().flat_map(|view| &view.members).find(|member| member.name == me.node);
        if let Some(&Member { ip, status, seen_for, .. }) = shown {
            let told = seen_for.map(|millis| Moment(at.0.saturating_sub(millis)));
            let since = match self.shown {
                Some((before, was, since)) if (before, was) == (ip, status) => since,
                before => before.map(|_| at),
            };
            self.shown = Some((ip, status, told.or(since)));
        }
    }

    /// For how long its dkron has shown the node that looks as it does now, where that was told or seen to begin, and no wrapper tells it.
    pub fn shown_for(&self, now: Moment) -> Option<Duration> {
        let since = self.shown.and_then(|(_, _, since)| since).filter(|_| self.wrapper(now).is_none());
        since.map(|since| now.since(since))
    }

    /// Name of its dkron node: that of its pod, as long as it has not told another one.
    pub fn node(&self) -> &Name {
        self.state.as_ref().map_or(&self.name.pod, |state| &state.node)
    }

    /// The last look at it was one at this address too.
    pub fn was_tried_at(&self, ip: IpAddr) -> bool {
        self.tried.contains(&ip)
    }

    /// It is the peer, and what it says cannot be understood.
    pub fn is_foreign(&self, now: Moment) -> bool {
        matches!(self.standing, Standing::Foreign(_)) && self.is_fresh(now)
    }

    /// Kubernetes has it where its machine answers and its wrapper cannot be heard.
    pub fn is_unheard(&self, now: Moment) -> bool {
        self.unheard && self.is_fresh(now)
    }

    /// The same, and its dkron does not serve: it may be about to start with whatever it has.
    pub fn is_mute(&self, now: Moment) -> bool {
        self.is_unheard(now) && !self.is_up(now)
    }

    /// Its name leads to this address and to nothing else.
    pub fn name_leads_to(&self, ip: IpAddr) -> bool {
        !self.named.is_empty() && self.named.iter().all(|named| *named == ip)
    }

    /// Its name may lead dkron to somebody else. `pods` tells whether Kubernetes has said which pods there are; `vouched` is the
    /// address that it gives this one.
    pub fn name_misleads(&self, now: Moment, pods: bool, vouched: Option<IpAddr>) -> bool {
        let elsewhere = || self.is_elsewhere_than(&self.named, now, vouched);
        self.named.iter().any(|named| self.is_strangers(*named)) || pods && elsewhere()
    }

    /// Nobody tells where its name leads now, and where it led a short while ago it no longer is. `vouched` is the address that Kubernetes
    /// gives it.
    pub fn name_has_led_elsewhere(&self, now: Moment, vouched: Option<IpAddr>) -> bool {
        let (led_to, told) = &self.led_to;
        let known = vouched.or(self.sure(now)).is_some();
        let silent = self.named.is_empty() && now.since(*told) < NAMES_HOLD;
        silent && known && self.is_elsewhere_than(led_to, now, vouched)
    }

    /// One of these addresses is neither where Kubernetes has it (`vouched`) nor where it surely is.
    fn is_elsewhere_than(&self, named: &[IpAddr], now: Moment, vouched: Option<IpAddr>) -> bool {
        let right = [vouched, self.sure(now)];
        named.iter().any(|ip| !right.contains(&Some(*ip)))
    }

    /// Somebody else's wrapper has answered there.
    pub fn is_strangers(&self, ip: IpAddr) -> bool {
        self.strangers.contains(&ip)
    }

    fn address(&self) -> Option<IpAddr> {
        match self.standing {
            Standing::Wrapped(ip) | Standing::Plain(ip) | Standing::Foreign(ip) => Some(ip),
            _ => None,
        }
    }

    fn take(&mut self, look: Look, at: Moment) {
        self.view = match (look.wrapper, look.dkron) {
            (Told::Answer(state), _) if matches!(self.standing, Standing::Wrapped(_)) => {
                let view =
                    DkronView { leader: state.leader.clone(), leads: state.leads, members: state.members.clone() };
                let up = state.up;
                let goes = state.phase.stops();
                let was_silent = at.since(self.told) > FRESH;
                // Who was not heard just before has stopped at no known time.
                if goes && self.state.is_some() && !self.has_parted() && !was_silent {
                    self.stopped = Some(at);
                }
                let was_away = self.has_parted() || was_silent || state.phase == Phase::Waiting && self.has_run();
                if !goes && self.state.is_some() && was_away {
                    self.came = Some(at);
                }
                (self.state, self.told) = (Some(state), at);
                up.then_some(view)
            }
            (_, Told::Answer(view)) => Some(view),
            _ => None,
        };
    }

    /// Whether it was seen a short while ago.
    pub fn is_fresh(&self, now: Moment) -> bool {
        self.standing != Standing::Unseen && now.since(self.seen) <= FRESH
    }

    /// Its address, where it is surely the peer's and answered a short while ago.
    pub fn sure(&self, now: Moment) -> Option<IpAddr> {
        self.address().filter(|_| self.is_fresh(now))
    }

    /// Whether dkron finds it by this name or address.
    pub fn is_joined_by(&self, host: &str) -> bool {
        *self.name.host == *host || self.address().is_some_and(|ip| host.parse() == Ok(ip))
    }

    /// What its wrapper said a short while ago.
    pub fn wrapper(&self, now: Moment) -> Option<&State> {
        self.state.as_ref().filter(|_| matches!(self.standing, Standing::Wrapped(_)) && self.is_fresh(now))
    }

    /// What its dkron said a short while ago.
    pub fn dkron(&self, now: Moment) -> Option<&DkronView> {
        self.view.as_ref().filter(|_| self.sure(now).is_some())
    }

    /// The address of its plain dkron, which answers without a wrapper.
    pub fn plain(&self, now: Moment) -> Option<IpAddr> {
        match self.standing {
            Standing::Plain(ip) if self.is_fresh(now) => Some(ip),
            _ => None,
        }
    }

    /// The leader that it names.
    pub fn leader(&self, now: Moment) -> Option<&Leader> {
        self.dkron(now)?.leader.as_ref()
    }

    /// How its serf sees the member `node`.
    pub fn member(&self, now: Moment, node: &str) -> Option<&Member> {
        self.dkron(now)?.members.iter().find(|member| &*member.name == node)
    }

    /// Its gossip shows the other one alive where that is; itself it always finds.
    pub fn finds(&self, other: &Self, now: Moment) -> bool {
        self.name == other.name || self.member(now, other.node()).is_some_and(|member| other.stands_as(member, now))
    }

    /// Gossip shows it alive, as this member, where it is.
    pub fn stands_as(&self, member: &Member, now: Moment) -> bool {
        member.name == *self.node() && member.status == Status::Alive && Some(member.ip) == self.sure(now)
    }

    /// Its dkron serves.
    pub fn is_up(&self, now: Moment) -> bool {
        self.dkron(now).is_some()
    }

    /// The last thing that it ever said is that its dkron runs.
    fn has_run(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.phase != Phase::Waiting)
    }

    /// The last thing that it ever said is that it stops.
    pub fn has_parted(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.phase.stops())
    }

    /// The own dkron has shown it alive since its wrapper was heard last, for longer than gossip shows who is gone.
    pub fn was_met_since(&self) -> bool {
        self.met > self.told + NOTICED
    }

    /// That was so short a time ago that it is to be expected back.
    pub fn parted_lately(&self, now: Moment) -> bool {
        now.since(self.told) <= RETURN
    }

    /// What it said last of what it does, while it is there.
    pub fn phase(&self, now: Moment) -> Option<Phase> {
        self.wrapper(now).map(|state| state.phase)
    }

    /// Its wrapper has just said that its disk holds nothing.
    pub fn holds_nothing(&self, now: Moment) -> bool {
        self.wrapper(now).is_some_and(|state| state.disk == Disk::Empty)
    }

    /// The same, and it waits for others.
    pub fn waits_with_nothing(&self, now: Moment) -> bool {
        self.wrapper(now).is_some_and(State::waits_with_nothing)
    }

    /// Its disk, or what it knows of raft, may hold a cluster.
    pub fn may_hold_a_cluster(&self, now: Moment) -> bool {
        match self.standing {
            _ if !self.is_fresh(now) => false,
            Standing::Foreign(_) => true,
            Standing::Wrapped(_) => {
                self.wrapper(now).is_some_and(|state| state.disk != Disk::Empty || state.configuration().is_some())
            }
            _ => false,
        }
    }

    /// The last thing that it ever said does not rule out that it holds a cluster, or was just founding one.
    pub fn held_a_cluster(&self) -> bool {
        let held = |state: &State| match &state.raft {
            // A dkron that has not come up has founded nothing.
            _ if state.expecting && state.up || state.disk == Disk::State => true,
            Some(raft) => !raft.is_empty(),
            None => state.disk != Disk::Empty,
        };
        self.state.as_ref().is_some_and(held)
    }
}
