//! What people read of an agent: every line, in one place. `docs/wrapper.md` explains each.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::super::procedure::Name;

/// A line for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saying {
    /// Nothing says where servers are.
    NobodyToAsk,
    /// A server that knows a leader sees this agent; after this time, if it was missed.
    Seen(Option<Duration>),
    /// The servers have never heard of this agent.
    Unknown,
    /// The gossip of this agent and that of a server are brought together.
    Introducing(IpAddr),
    /// That failed.
    NotIntroduced(Name),
    /// dkron was started before its servers: it is restarted.
    Anew,
    /// Nothing helped: dkron is restarted.
    Lost,
    /// Nothing helped, and so many jobs run.
    HeldUp(usize),
    /// TERM came.
    Stopping,
    /// So many jobs run, for which dkron waits.
    Jobs(usize),
    /// dkron does not end: KILL.
    Killing,
}

impl fmt::Display for Saying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NobodyToAsk => {
                f.write_str("no servers are known to ask after this agent: if it loses them all, nobody will notice")
            }
            Self::Seen(None) => f.write_str("the servers see this agent"),
            Self::Seen(Some(after)) => write!(f, "the servers see this agent again, after {} s", after.as_secs()),
            Self::Unknown => f.write_str("the servers have never heard of this agent: leaving its joining to dkron"),
            Self::Introducing(server) => {
                write!(f, "the servers do not see this agent: introducing it to {server}")
            }
            Self::NotIntroduced(why) => write!(f, "introducing this agent failed: {why}"),
            Self::Anew => {
                f.write_str("the servers have come after this agent's dkron: restarting it, so that it joins at once")
            }
            Self::Lost => f.write_str("the servers still do not see this agent, and no job runs: restarting dkron"),
            Self::HeldUp(jobs) => {
                write!(f, "the servers still do not see this agent: not restarting it while {jobs} jobs run")
            }
            Self::Stopping => f.write_str("stopping"),
            Self::Jobs(jobs) => write!(f, "waiting for {jobs} running jobs"),
            Self::Killing => f.write_str("dkron does not end: killing it"),
        }
    }
}
