//! One peer: what was seen at its addresses, and whose they are. Addresses of pods are used again and every namespace may have an
//! `a-0`, so an address counts as a peer only where its wrapper says so or Kubernetes does; anything else is ignored.

use std::net::IpAddr;
use std::time::Duration;

use super::input::{DkronView, Look, Me, Outcome, PeerName, Told};
use super::moment::Moment;
use super::state::{Disk, Leader, Member, Name, Owner, PROTOCOL, Phase, State};

/// What was seen longer ago counts as not seen: some looks of a second each.
const FRESH: Duration = Duration::from_secs(4);

/// A server that stopped this long ago is not coming back any moment.
const RETURN: Duration = Duration::from_secs(120);

/// Whose addresses a peer's name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was seen yet.
    Unseen,
    /// Its name has no address.
    NoAddress(Name),
    /// Its addresses are silent, or nobody vouches for what answers there.
    Silent,
    /// Somebody else's pod answers where the name leads.
    Stranger(Name),
    /// Its wrapper answers.
    Wrapped(IpAddr),
    /// Kubernetes vouches for the address, where dkron answers and no wrapper does.
    Plain(IpAddr),
    /// It is the peer, and what it says cannot be understood.
    Foreign(IpAddr),
}

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
    /// When its wrapper said first, the last time that it was told to stop, that it stops, or Kubernetes that its pod is deleted.
    pub stopped: Option<Moment>,
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
            strangers: Vec::new(),
            asked: Moment(0),
            seen: Moment(0),
            state: None,
            told: Moment(0),
            stopped: None,
            view: None,
        }
    }

    /// Takes in one look. `sets` and `vouched` are what Kubernetes says of the own set (its UID, and those that it had before) and of
    /// this peer's address.
    pub fn note(
        &mut self,
        (asked, at): (Moment, Moment),
        looks: Outcome<Vec<Look>>,
        me: &Me,
        sets: (Option<&Name>, &[Name]),
        vouched: Option<IpAddr>,
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
        for look in looks {
            let vouched = vouched == Some(look.ip);
            let judged = self.judge(&look, me, sets, vouched);
            if let Standing::Stranger(_) = judged {
                self.strangers.push(look.ip);
            }
            if rank(&judged) > rank(&self.standing) {
                self.standing = judged;
                self.take(look, at);
            }
        }
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

    /// Its name leads to this address and to nothing else.
    pub fn name_leads_to(&self, ip: IpAddr) -> bool {
        !self.named.is_empty() && self.named.iter().all(|named| *named == ip)
    }

    /// Its name may lead dkron to somebody else. `pods` tells whether Kubernetes has said which pods there are; `vouched` is the
    /// address that it gives this one.
    pub fn name_misleads(&self, now: Moment, pods: bool, vouched: Option<IpAddr>) -> bool {
        let right = [vouched, self.sure(now)];
        let elsewhere = self.named.iter().any(|named| !right.contains(&Some(*named)));
        self.named.iter().any(|named| self.is_strangers(*named)) || pods && elsewhere
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

    fn judge(&self, look: &Look, me: &Me, (set_uid, former): (Option<&Name>, &[Name]), vouched: bool) -> Standing {
        let dkron_answers = matches!(look.dkron, Told::Answer(_));
        match &look.wrapper {
            Told::Answer(state) => {
                let named = state.pod == self.name.pod || look.by_name && *self.name.host == *look.ip.to_string();
                let own = state.namespace == me.namespace && state.cluster == me.cluster && named;
                // Where one set has taken over the pods of another, or their volumes, not all hear of it at once.
                let succeeds = |its: &Name, ours: &Name| {
                    former.contains(its) || state.owner.iter().flat_map(Owner::lineage).any(|set| set == ours)
                };
                let other_set = matches!((&state.set_uid, set_uid), (Some(its), Some(ours))
                    if its != ours && !succeeds(its, ours));
                match own && !other_set {
                    true if state.protocol == PROTOCOL => Standing::Wrapped(look.ip),
                    true => Standing::Foreign(look.ip),
                    false => Standing::Stranger(format!("{}/{}", state.namespace, state.pod).into()),
                }
            }
            Told::Unreadable if vouched => Standing::Foreign(look.ip),
            Told::Nobody | Told::Silence if vouched && dkron_answers => Standing::Plain(look.ip),
            _ => Standing::Silent,
        }
    }

    fn take(&mut self, look: Look, at: Moment) {
        self.view = match (look.wrapper, look.dkron) {
            (Told::Answer(state), _) if matches!(self.standing, Standing::Wrapped(_)) => {
                let view =
                    DkronView { leader: state.leader.clone(), leads: state.leads, members: state.members.clone() };
                let up = state.up;
                if state.phase.stops() && !self.has_parted() {
                    self.stopped = Some(at);
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

    /// Its dkron serves.
    pub fn is_up(&self, now: Moment) -> bool {
        self.dkron(now).is_some()
    }

    /// The last thing that it ever said is that it stops.
    pub fn has_parted(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.phase.stops())
    }

    /// That was so short a time ago that it is to be expected back.
    pub fn parted_lately(&self, now: Moment) -> bool {
        now.since(self.told) <= RETURN
    }

    /// What it said last of what it does, while it is there.
    pub fn phase(&self, now: Moment) -> Option<Phase> {
        self.wrapper(now).map(|state| state.phase)
    }

    /// Its disk, or what it knows of raft, may hold a cluster.
    pub fn may_hold_a_cluster(&self, now: Moment) -> bool {
        match self.standing {
            _ if !self.is_fresh(now) => false,
            Standing::Foreign(_) => true,
            Standing::Wrapped(_) => self.wrapper(now).is_some_and(|state| {
                state.disk != Disk::Empty || state.raft.as_ref().is_some_and(|raft| !raft.is_empty())
            }),
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

/// The better of two looks counts.
fn rank(standing: &Standing) -> u8 {
    match standing {
        Standing::Unseen | Standing::NoAddress(_) | Standing::Silent => 0,
        Standing::Stranger(_) => 1,
        Standing::Foreign(_) => 2,
        Standing::Plain(_) => 3,
        Standing::Wrapped(_) => 4,
    }
}
