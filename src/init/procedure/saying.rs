//! What people read of the procedure: every line, in one place. `docs/wrapper.md` explains each.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::code;

use super::moment::Moment;
use super::peer::Peer;
use super::standing::Standing;
use super::start::Why;
use super::state::{Disk, Name};

/// A line for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saying {
    /// dkron cannot be started yet.
    Waiting(Waiting),
    /// dkron is started.
    Starting(Why, Option<u32>),
    /// The own stale entry is taken out of the raft configuration.
    Removing(Name, SocketAddr),
    /// Something was asked of dkron and failed.
    Failed(&'static str, Name),
    /// dkron's API answers, after this time.
    Up(Duration),
    /// The leader that dkron names has changed.
    Leader(Option<Name>),
    /// This server is a voter that knows its leader, after this time.
    Voter(Duration),
    /// dkron ended without being asked to.
    Died(u8, Duration),
    /// dkron ended too often.
    DiesAlways(u8),
    /// Nobody leads, and nobody ever will: dkron is restarted.
    Stalled,
    /// dkron runs and its raft configurations are all empty: the disks held nothing.
    AllEmpty,
    /// The number of servers of the first bootstrap has changed.
    SizeChanged(u32, u32),
    /// The leader, or who just starts, does not see this server: dkron is restarted.
    Zombie(Duration),
    /// dkron has looked for others for so long at addresses that are out of date: it is restarted.
    Blocked(Duration),
    /// What dkron looks for may be somebody else's by now: it is restarted.
    Misled(Name),
    /// Raft of all members has addresses from before: dkron is restarted with the new ones.
    Stranded,
    /// dkron is restarted because the others, whom nobody leads, have a later configuration.
    LeftOut,
    /// dkron is restarted because the leader that it was to follow is lost, and it holds nothing.
    Lost,
    /// There is raft state, and no leader for this time.
    NoLeader(Duration),
    /// A server that is no longer wanted is taken out of the raft configuration.
    RemovingSurplus(Name),
    /// TERM came.
    Stopping,
    /// Going now would leave the others without a majority.
    Holding(usize, usize),
    /// The time to hold is used up.
    HoldOver,
    /// No server remains: dkron is ended without a leave.
    NobodyRemains,
    /// Somebody is asked to lead.
    HandingOver(SocketAddr),
    /// Somebody else leads now.
    HandedOver(Name, Duration),
    /// Jobs run here and are waited for.
    Jobs(usize),
    /// dkron leaves the cluster.
    Leaving,
    /// dkron has left, after this time.
    Left(Duration),
    /// The leader took this server up again before it had left.
    TakenUpAgain,
    /// dkron does not end: KILL.
    Killing,
}

impl fmt::Display for Saying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting(waiting) => waiting.fmt(f),
            Self::Starting(why, expect) => {
                match why {
                    Why::Leader(name) => write!(f, "{name} leads: starting dkron to join it")?,
                    Why::Bootstrap => {
                        f.write_str("all first servers are there and empty: starting dkron to found the cluster")?;
                    }
                    Why::State => f.write_str("there is raft state and no leader: starting dkron, the voters elect")?,
                    Why::Vote => write!(
                        f,
                        "{}: {}; starting dkron although this disk is empty",
                        code::EMPTY_DISK_VOTES,
                        code::EMPTY_DISK_VOTES.title()
                    )?,
                    Why::Recovery => f.write_str("raft has addresses from before: starting dkron with the new ones of all servers")?,
                }
                expect.map_or(Ok(()), |size| write!(f, " (--bootstrap-expect={size})"))
            }
            Self::Removing(id, at) => write!(f, "having the stale entry of {id} removed by the leader at {at}"),
            Self::Failed(what, why) => write!(f, "{what} failed: {why}"),
            Self::Up(after) => write!(f, "dkron serves after {} s", Seconds(*after)),
            Self::Leader(Some(name)) => write!(f, "leader: {name}"),
            Self::Leader(None) => f.write_str("dkron knows no leader"),
            Self::Voter(after) => write!(f, "this server is a voter after {} s", Seconds(*after)),
            Self::Died(code, again) if again.is_zero() => write!(f, "dkron died with code {code}: starting it again"),
            Self::Died(code, again) => {
                write!(f, "dkron died with code {code}: starting it again in {} s", Seconds(*again))
            }
            Self::DiesAlways(code) => write!(f, "dkron died with code {code}, too often within a minute: giving up"),
            Self::Stalled => {
                f.write_str("all servers are up, none leads and none has a raft configuration: restarting dkron")
            }
            Self::AllEmpty => {
                f.write_str("all servers are up and none has a raft configuration: the disks hold nothing")
            }
            Self::SizeChanged(old, new) => {
                write!(f, "the cluster is to be founded with {new} servers, not {old}: starting anew")
            }
            Self::Zombie(after) => {
                write!(f, "the others have not seen this server for {} s: restarting dkron", Seconds(*after))
            }
            Self::Blocked(after) => {
                write!(
                    f,
                    "dkron has looked for others for {} s, who are elsewhere by now: restarting it",
                    Seconds(*after)
                )
            }
            Self::Misled(target) => {
                write!(f, "{target} may no longer lead to this cluster: restarting dkron, which still looks for it")
            }
            Self::LeftOut => f.write_str(
                "nobody leads, and the others have a later raft configuration without this server: restarting dkron to come after them",
            ),
            Self::Lost => f.write_str(
                "others hold raft state, nobody leads, and dkron holds nothing to vote with: restarting it to come after them",
            ),
            Self::Stranded => {
                f.write_str("nobody leads, and raft finds no majority at the addresses from before: restarting dkron")
            }
            Self::NoLeader(since) => {
                write!(
                    f,
                    "{}: {} ({} s); see {}",
                    code::NO_LEADER,
                    code::NO_LEADER.title(),
                    since.as_secs(),
                    code::NO_LEADER.anchor()
                )
            }
            Self::RemovingSurplus(id) => {
                write!(f, "{id} is no longer wanted and its pod is gone: removing it from raft")
            }
            Self::Stopping => f.write_str("stopping"),
            Self::Holding(alive, needed) => write!(
                f,
                "{}: {}: {alive} of {needed} voters that the others need; serving on",
                code::HOLDING,
                code::HOLDING.title()
            ),
            Self::HoldOver => f.write_str(
                "the grace period is used up: ending dkron without a leave, since the others have no majority",
            ),
            Self::NobodyRemains => {
                f.write_str("no server remains: ending dkron without a leave, so that the cluster keeps its voters")
            }
            Self::HandingOver(to) => write!(f, "asking {to} to lead"),
            Self::HandedOver(name, after) => write!(f, "{name} leads after {} s", Seconds(*after)),
            Self::Jobs(number) => write!(f, "waiting for {number} running jobs"),
            Self::Leaving => f.write_str("dkron leaves the cluster"),
            Self::Left(after) => write!(f, "dkron has left after {} s", Seconds(*after)),
            Self::TakenUpAgain => f.write_str(
                "the leader took this server up again before it had left: starting dkron once more to leave",
            ),
            Self::Killing => f.write_str("dkron does not end: killing it"),
        }
    }
}

/// What a start waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// All first servers, since any of them may hold the cluster.
    Peers(Vec<Sight>),
    /// The server before this one.
    Turn(Name),
    /// A leader: this server is none of the first, or has nobody to ask.
    Leader(Vec<Sight>),
    /// Any peer at all.
    Company(Vec<Sight>),
    /// The servers that hold state.
    Voters(Vec<Sight>),
    /// Members of the last raft configuration.
    Members(Vec<Name>),
    /// The own name, which is alive at another address.
    NameTaken(IpAddr),
    /// One number of servers: two are told.
    Sizes(u32, u32),
    /// The end of a server that is not among the first.
    Surplus(Name),
    /// A server that held raft state and is no longer wanted.
    Gone(Name),
    /// A person: the disk belongs to somebody else.
    DiskOfAnother(String),
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peers(sights) => {
                write!(f, "waiting for all first servers, any of which may hold the cluster: {}", List(sights))
            }
            Self::Turn(before) => write!(f, "waiting for {before}, which starts first"),
            Self::Leader(sights) => write!(f, "waiting for a leader: {}", List(sights)),
            Self::Company(sights) => write!(f, "waiting for another server: {}", List(sights)),
            Self::Voters(sights) => {
                write!(f, "others hold raft state and this disk is empty, waiting for all: {}", List(sights))
            }
            Self::Members(names) => {
                write!(
                    f,
                    "raft has addresses from before, waiting for {} to write the new ones together",
                    names.join(", ")
                )
            }
            Self::NameTaken(ip) => {
                write!(f, "the others still see this server alive at {ip}, waiting until its name is free")
            }
            Self::Sizes(one, other) => write!(
                f,
                "some servers want to found the cluster with {one} and some with {other}: waiting until they agree"
            ),
            Self::Surplus(name) => write!(f, "waiting until {name}, which is none of the first servers, has stopped"),
            Self::Gone(name) => write!(
                f,
                "{}: {}: {name} held it and is no longer wanted; see {}",
                code::NO_LEADER,
                code::NO_LEADER.title(),
                code::NO_LEADER.anchor()
            ),
            Self::DiskOfAnother(whose) => {
                write!(
                    f,
                    "{}: {}: {whose}; see {}",
                    code::DISK_OF_ANOTHER,
                    code::DISK_OF_ANOTHER.title(),
                    code::DISK_OF_ANOTHER.anchor()
                )
            }
        }
    }
}

/// What is seen of one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    name: Name,
    what: String,
}

impl Sight {
    /// In a few words.
    pub fn of(peer: &Peer, now: Moment) -> Self {
        let what = match &peer.standing {
            Standing::Unseen => "not looked at yet".into(),
            _ if !peer.is_fresh(now) => "no look at it has come back".into(),
            Standing::NoAddress(why) => format!("no address: {why}"),
            Standing::Silent => "no answer".into(),
            Standing::Stranger(who) => format!("its name leads to {who}"),
            Standing::Foreign(ip) => format!("{ip} speaks another version"),
            Standing::Plain(ip) => format!("{ip} has no wrapper"),
            Standing::Wrapped(ip) => match peer.wrapper(now) {
                Some(state) => {
                    let disk = match state.disk {
                        Disk::Empty => "empty",
                        Disk::State => "with raft state",
                        Disk::Unknown => "perhaps with raft state",
                    };
                    format!("{ip} {disk}, {:?}", state.phase).to_lowercase()
                }
                None => ip.to_string(),
            },
        };
        Self { name: peer.name.pod.clone(), what }
    }
}

struct List<'a>(&'a [Sight]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, sight) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(f, "{comma}{} ({})", sight.name, sight.what)?;
        }
        Ok(())
    }
}

struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0.as_secs(), self.0.subsec_millis() / 10)
    }
}
