//! How serf merges what happens to one member: after a second of silence, or three in all, the last event of each
//! member is told. A peer that is first seen before it has its tags, and gets them within that second, is so told as
//! an update only: dkron's bootstrap then never hears of a join. That is the stalled first start.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::table::Change;
use crate::standin::member::Member;

const QUIET: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(3);

/// Events of one kind, told together.
#[derive(Debug)]
pub struct Told {
    pub change: Change,
    pub members: Vec<Member>,
}

/// Events that wait.
#[derive(Default)]
pub struct Coalescer {
    waiting: BTreeMap<String, (Change, Member)>,
    told: BTreeMap<String, Change>,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Coalescer {
    pub fn push(&mut self, change: Change, member: Member, now: Instant) {
        self.waiting.insert(member.name.clone(), (change, member));
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    /// What is due: an event like the one told last about a member is dropped, unless it is an update.
    pub fn due(&mut self, now: Instant) -> Vec<Told> {
        let (Some(first), Some(last)) = (self.first, self.last) else { return Vec::new() };
        if now.duration_since(last) < QUIET && now.duration_since(first) < LONGEST {
            return Vec::new();
        }
        (self.first, self.last) = (None, None);
        let mut told: Vec<Told> = Vec::new();
        for (name, (change, member)) in std::mem::take(&mut self.waiting) {
            if self.told.insert(name, change) == Some(change) && change != Change::Update {
                continue;
            }
            match told.iter_mut().find(|told| told.change == change) {
                Some(told) => told.members.push(member),
                None => told.push(Told { change, members: vec![member] }),
            }
        }
        told
    }
}
