//! What is learned of an agent.

use std::net::IpAddr;

use super::super::procedure::{Member, Name, Outcome};

/// What never changes while the wrapper lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// dkron's node name.
    pub node: Name,
    /// Address of the pod, where it is known.
    pub ip: Option<IpAddr>,
    /// There are names or addresses of servers to ask.
    pub asks: bool,
    /// They are surely those that it joins: by its own words, or since the webhook made it join them.
    pub sure: bool,
    /// Their cluster, where the webhook said it.
    pub home: Option<Home>,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub cluster: Name,
}

/// What a server says of this agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Address of the server.
    pub server: IpAddr,
    /// Its cluster, where a wrapper told it; a plain dkron does not know.
    pub home: Option<Home>,
    /// It knows a leader.
    pub led: bool,
    /// This agent as the server's serf has it; `None` if it has never heard of it.
    pub member: Option<Member>,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Time has passed.
    Tick,
    /// The servers were asked after this agent; `Err` where none answered.
    Seen(Outcome<Sighting>),
    /// Answer to [`Action::Introduce`](super::Action::Introduce).
    Introduced(Outcome<()>),
    /// Answer to [`Action::CountJobs`](super::Action::CountJobs): jobs that run here.
    Jobs(usize),
    /// dkron was started.
    Started,
    /// dkron ended with this exit code (128 + n after signal n).
    Ended(u8),
    /// TERM or INT came.
    Stop,
    /// The same, and dkron has it already.
    Stopped,
}
