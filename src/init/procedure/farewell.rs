//! How far a farewell is, and what is told of it.

use std::net::SocketAddr;
use std::time::Duration;

use super::moment::{Moment, Now};
use super::state::Phase;

/// Kept of the grace period for what comes after the wait for others and for jobs: hand-over 2 s, leave 15 s, TERM 5 s, margin.
const FAREWELL: Duration = Duration::from_secs(30);

/// Part of a second, in milliseconds, in which no job of dkron begins or has just begun.
pub const QUIET: std::ops::RangeInclusive<u16> = 600..=700;

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// dkron is just starting.
    ComeUp,
    /// Until all peers were heard, and for as long as the others need this server.
    Hold,
    /// About to go: the others are heard once more.
    Going,
    HandOver,
    /// No server remains: are there jobs that TERM has to wait for?
    Count,
    Jobs,
    Remove,
    Leave,
    /// dkron has left; raft must not have taken this server up again.
    Verify,
    /// It has: dkron ends, to be started once more.
    Again,
    /// dkron died and was started once more, to leave.
    Revive,
    /// dkron was to found the cluster, and was started once more to see whether it has.
    Inspect,
    /// The others are given the time to hear of it.
    Told,
    Term,
    Kill,
}

/// How far the farewell is.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is one fact of the way so far")]
pub struct Farewell {
    pub deadline: Moment,
    /// When Kubernetes kills what is left.
    pub killed_at: Moment,
    pub step: Step,
    /// When the step began.
    pub since: Moment,
    pub told_hold: bool,
    /// Servers that were asked to lead, and when the last of them was.
    pub asked: Vec<SocketAddr>,
    pub asked_at: Option<Moment>,
    /// Those that could lead when one was asked, the best first.
    pub heirs: Vec<SocketAddr>,
    /// When a server did not take the message.
    pub refused: Option<Moment>,
    pub begun: Moment,
    /// Jobs were asked for, at that time.
    pub counted: Option<Moment>,
    pub jobs: Option<usize>,
    pub unanswered: u32,
    pub removals: u32,
    pub removal_failed: Option<Moment>,
    /// dkron died while this server still held for others.
    pub held: bool,
    /// dkron was started so often since, to leave.
    pub revivals: u32,
    /// dkron was started once more to see what it has founded.
    pub inspected: bool,
    /// The leader that was asked to take the own entry out.
    pub parted_from: Option<SocketAddr>,
    /// Repetitions of that while dkron leaves.
    pub removed_again: usize,
    /// Since when the voters left have had no majority that hears the leader.
    pub unsafe_since: Option<Moment>,
    pub nobody_remains: bool,
    /// The own raft had no configuration when this server went to part from a leader: it has not asked who else goes.
    pub has_no_cluster: bool,
    /// When somebody else was last heard to follow a leader.
    pub led: Option<Moment>,
    /// The others have no majority without this server: it goes without a leave, so that it still counts when it is back.
    pub keeps_its_seat: bool,
    pub code: Option<u8>,
}

impl Farewell {
    pub fn new(now: Moment, step: Step, grace: Duration) -> Self {
        Self {
            deadline: now + grace.saturating_sub(FAREWELL),
            killed_at: now + grace,
            step,
            since: now,
            told_hold: false,
            asked: Vec::new(),
            asked_at: None,
            heirs: Vec::new(),
            refused: None,
            begun: now,
            counted: None,
            jobs: None,
            unanswered: 0,
            removals: 0,
            removal_failed: None,
            held: false,
            revivals: 0,
            inspected: false,
            parted_from: None,
            removed_again: 0,
            unsafe_since: None,
            nobody_remains: false,
            has_no_cluster: false,
            led: None,
            keeps_its_seat: false,
            code: None,
        }
    }

    /// What others are told.
    pub fn phase(&self) -> Phase {
        match self.step {
            Step::ComeUp | Step::Hold => Phase::Holding,
            Step::Going => Phase::Going,
            _ => Phase::Leaving,
        }
    }

    /// Somebody is asked to lead right now.
    pub fn hands_over(&self) -> bool {
        self.step == Step::HandOver
    }

    /// Time until the next look at it.
    pub fn pause(&self, now: Now) -> Duration {
        match self.step {
            Step::HandOver if self.asked_at.is_none() && !QUIET.contains(&now.in_second) => {
                let ahead = (1000 + *QUIET.start() + 30 - now.in_second) % 1000;
                Duration::from_millis(u64::from(ahead.clamp(5, 250)))
            }
            Step::HandOver => Duration::from_millis(30),
            _ => Duration::from_millis(100),
        }
    }

    /// The leader was asked to take the own entry out.
    pub fn removed(&mut self, now: Moment, done: bool) {
        if self.step != Step::Remove {
            return;
        }
        self.removals += 1;
        self.removal_failed = (!done).then_some(now);
    }

    pub fn go_to(&mut self, now: Moment, step: Step) {
        self.has_no_cluster &= step != Step::Hold;
        (self.step, self.since) = (step, now);
    }
}
