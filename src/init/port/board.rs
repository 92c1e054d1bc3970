//! What the port tells: written by the main loop, read by the threads of the connections.

use std::sync::{Arc, Mutex, PoisonError};

use super::super::notices::Notices;
use super::super::procedure::{Health, Member, State};

/// Everything that the port tells, of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What the probes answer.
    pub health: Health,
    /// What other wrappers are told; `None` for an agent, which has nothing to tell them.
    pub state: Option<State>,
    /// What happened since this program began.
    pub counters: Counters,
}

/// What happened since this program began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// dkron was started.
    pub starts: u64,
    /// dkron ended without having been told to.
    pub deaths: u64,
    /// Orphans that were reaped.
    pub orphans: u64,
    /// dkron was restarted because nobody led and nothing was formed.
    pub stall_cures: u64,
    /// dkron was restarted because it had lost its name.
    pub zombie_restarts: u64,
    /// Leadership was given away: the follower took the message.
    pub hand_overs: u64,
    /// Leadership could not be given away.
    pub hand_overs_failed: u64,
    /// dkron left its cluster when it was told to.
    pub leaves: u64,
}

/// The present [`Snapshot`], and what people must know, which changes seldom.
#[derive(Debug)]
pub struct Board {
    shown: Mutex<Arc<Snapshot>>,
    noted: Mutex<Option<Arc<Notices>>>,
    members: Mutex<Option<Vec<Member>>>,
}

impl Board {
    /// Shows this from the beginning.
    pub fn new(snapshot: Snapshot) -> Self {
        Self { shown: Mutex::new(Arc::new(snapshot)), noted: Mutex::default(), members: Mutex::default() }
    }

    /// From now on shows this.
    pub fn show(&self, snapshot: Snapshot) {
        let snapshot = Arc::new(snapshot);
        let shown = &mut *self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        *shown = snapshot;
    }

    /// From now on people are told this.
    pub fn note(&self, notices: &Notices) {
        *self.noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(notices.clone()));
    }

    /// What people are told; `None` of an agent, which has nobody to tell it to.
    pub fn noted(&self) -> Option<Arc<Notices>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on the own dkron's serf has these members; `None` if that are not all.
    pub fn show_members(&self, members: Option<Vec<Member>>) {
        *self.members.lock().unwrap_or_else(PoisonError::into_inner) = members;
    }

    /// The member of this name as the own dkron's serf has it, if it has one; `None` if not all members are known.
    pub fn member(&self, name: &str) -> Option<Option<Member>> {
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        let members = members.as_ref()?;
        Some(members.iter().find(|member| *member.name == *name).cloned())
    }

    /// What is shown.
    pub fn shown(&self) -> Arc<Snapshot> {
        Arc::clone(&self.shown.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
