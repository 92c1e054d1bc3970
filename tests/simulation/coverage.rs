//! What the schedules have led to, so that it can be judged what a million of them is worth.

macro_rules! seen {
    ($($name:ident = $text:literal,)*) => {
        /// Something that happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Seen { $(#[doc = $text] $name,)* }

        const TEXTS: &[&str] = &[$($text,)*];
    };
}

seen! {
    Bootstrap = "bootstraps",
    Election = "elections won",
    LostLeadership = "leaderships lost",
    CrashOnLostLeadership = "crashes on lost leadership",
    HandOver = "hand-overs",
    HandOverMissed = "hand-overs that missed",
    Leave = "leaves",
    RemovePeer = "remove-peers",
    VoterAdded = "voters added by the leader",
    VoterRemoved = "voters dropped by the leader",
    NameTaken = "claims of a name that is not free",
    Zombie = "zombies",
    ZombieEnded = "zombies ended",
    DkronKilled = "dkron killed",
    WrapperKilled = "wrapper killed",
    ForceDelete = "pods force-deleted",
    Delete = "pods deleted",
    ContainerStopped = "containers stopped",
    Scale = "scalings",
    FullStop = "full stops",
    Roll = "rolling restarts",
    Reapply = "sets made anew",
    Orphan = "sets deleted without their pods",
    DiskLost = "disks lost",
    Partition = "partitions",
    StatePortCut = "state ports cut",
    UpdaterDead = "label updaters dead",
    DnsDown = "DNS outages",
    Down = "nodes down",
    Job = "long jobs",
    PlainPod = "pods without wrapper",
    ForeignPod = "pods of another protocol",
    LivenessKill = "liveness kills",
    Recovered = "raft configurations recovered from peers.json",
    GraceUsedUp = "grace periods used up",
    AddressReused = "addresses used again",
    Stranger = "looks that met a stranger",
    Unpreventable = "joins of another set that no wrapper could prevent",
    Undecidable = "elections by the vote of a lost disk, where nobody could win without it",
    Unread = "elections beside another cluster by one without a wrapper, of another protocol, or with a disk never looked at",
    Settled = "schedules that settled",
    Waived = "schedules that could not settle: a majority of the disks is gone",
}

/// Counts of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    counts: [u64; TEXTS.len()],
    /// Longest time until all was well again, milliseconds, and the seed.
    pub slowest: (u64, u64),
}

impl Default for Coverage {
    fn default() -> Self {
        Self { counts: [0; TEXTS.len()], slowest: (0, 0) }
    }
}

impl Coverage {
    /// It happened.
    pub fn count(&mut self, what: Seen) {
        self.counts[what as usize] += 1;
    }

    /// Adds those of other schedules.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.counts.iter_mut().zip(other.counts) {
            *sum += count;
        }
        self.slowest = self.slowest.max(other.slowest);
    }

    /// A line for each.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        TEXTS.iter().zip(self.counts).map(|(text, count)| format!("{count:>12}  {text}"))
    }
}
