//! serf: who knows whom at which address, how names are freed, and how a server that comes back too early loses its own.

use crate::coverage::Seen;
use crate::invariants::Broken;
use crate::kubernetes::Kind;
use crate::names::{Ip, PLACES, Slot, bit, place_of, set_of, slot_of};
use crate::world::World;

use super::{Process, Step};

/// Whoever has had an address for so short a while, milliseconds, no wrapper has seen there: it looks each 0.25 s, and where nobody
/// answered before it has waited 0.8 s for that.
pub const SEEN: u64 = 1_100;

/// serf's states of a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Never heard of.
    #[default]
    Unknown,
    /// Alive, or suspected.
    Alive,
    /// It says that it goes.
    Leaving,
    /// It has said so and gone.
    Left,
    /// Gone without a word.
    Failed,
}

/// What one process knows of one name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry {
    /// The member's address.
    pub ip: Ip,
    /// How it stands.
    pub standing: Standing,
    /// Its tags `port` and `rpc_addr` are there.
    pub tagged: bool,
    /// Its tag `expect`.
    pub expect: u32,
    /// When the member itself said this: memberlist's incarnation.
    pub stamp: u64,
    /// It is suspected from then on; zero if it answers.
    pub suspect_at: u64,
    /// It counts as failed from then on.
    pub fail_at: u64,
    /// Its name is free from then on, if it failed.
    pub free_at: u64,
    /// It was told to stand so, at this address, then.
    pub since: u64,
}

/// The gossip of one process.
#[derive(Clone, Debug)]
pub struct Serf {
    /// It runs.
    pub running: bool,
    /// It lost its name: serf is shut down in a process that goes on.
    pub zombie: bool,
    /// What it knows, by place.
    pub view: [Entry; PLACES],
    /// It knows something that the others may not know.
    pub has_news: bool,
    /// When it next exchanges everything with another one.
    pub exchange_at: u64,
    /// A vote on its name is under way.
    pub votes: bool,
    /// Join events came before the end of the start.
    pub events_wait: bool,
}

impl Serf {
    /// Before its start.
    pub fn new() -> Self {
        Self {
            running: false,
            zombie: false,
            view: [Entry::default(); PLACES],
            has_news: false,
            exchange_at: 0,
            votes: false,
            events_wait: false,
        }
    }
}

impl World {
    /// serf opens its port.
    pub fn serf_begins(&mut self, slot: Slot) {
        let exchange_at = self.now + self.random.between(10_000, 30_000);
        let now = self.now;
        let Some(process) = self.dkron[slot].as_mut() else { return };
        process.serf.running = true;
        process.serf.exchange_at = exchange_at;
        let (ip, expect) = (process.ip, process.flags.expect);
        process.serf.view[place_of(slot)] =
            Entry { ip, standing: Standing::Alive, expect, stamp: now, ..Entry::default() };
    }

    /// The tags are set: the others hear of an update.
    pub fn set_tags(&mut self, slot: Slot) {
        let now = self.now;
        let Some(process) = self.dkron[slot].as_mut() else { return };
        let own = &mut process.serf.view[place_of(slot)];
        own.tagged = true;
        own.stamp = now;
        process.serf.has_news = true;
        self.spread(slot);
    }

    /// Joins whoever answers serf at `ip`; says whether somebody did.
    pub fn join(&mut self, slot: Slot, ip: Ip) -> bool {
        let Some(other) = self.slot_at(ip).filter(|other| self.serf_at(*other).is_some()) else { return false };
        if other == slot {
            return true;
        }
        if !self.reaches(slot, other) {
            return false;
        }
        if set_of(other) == set_of(slot) {
            self.exchange(slot, other);
            return true;
        }
        let wrapped = self.pods[slot].as_ref().is_some_and(|pod| pod.kind != Kind::Plain);
        let unseen = self.pods[other].as_ref().is_some_and(|pod| self.now < pod.born + SEEN);
        if !wrapped || unseen || self.was_just_reached(slot, other) {
            // They would be merged, and nobody could have prevented it.
            if wrapped {
                self.seen.count(Seen::Unpreventable);
            }
            return false;
        }
        self.break_with(Broken::TwoClusters, || format!("server {slot} joins {other}, which is of another set"));
        true
    }

    /// What the dkron at `slot` knows of the one of the same set at `other`.
    pub fn shown_by(&self, slot: Slot, other: Slot) -> Option<Entry> {
        self.dkron[slot].as_ref().map(|process| process.serf.view[place_of(other)])
    }

    /// The pod at `other` was made while the two were cut off, which ended a moment ago, and Kubernetes has not told of it since.
    fn was_just_reached(&self, slot: Slot, other: Slot) -> bool {
        let (cuts, mended) = &self.network.mended;
        let apart = cuts[slot] & bit(other) != 0 && self.now < mended + SEEN;
        let is_news = |born: u64| self.network.parted_at < born && born < *mended;
        apart && self.is_untold(slot, other) && self.pods[other].as_ref().is_some_and(|pod| is_news(pod.born))
    }

    /// Both tell each other all they know.
    pub fn exchange(&mut self, one: Slot, other: Slot) {
        self.tell_all(one, other);
        self.tell_all(other, one);
    }

    fn tell_all(&mut self, from: Slot, to: Slot) {
        let Some(view) = self.serf_at(from).map(|process| process.serf.view) else { return };
        for (place, entry) in view.iter().enumerate() {
            if entry.standing != Standing::Unknown {
                self.hear(to, place, *entry);
            }
        }
    }

    /// `slot` hears that the member `place` stands so.
    fn hear(&mut self, slot: Slot, place: usize, told: Entry) {
        let now = self.now;
        let Some(process) = self.dkron[slot].as_mut().filter(|process| process.serf.running) else { return };
        let known = &mut process.serf.view[place];
        // Who tells it suspects that it is dead.
        let suspected = told.suspect_at != 0 && told.suspect_at <= now;
        if place == place_of(slot) {
            if told.ip != process.ip && told.standing == Standing::Alive && !suspected {
                if !process.serf.votes {
                    process.serf.votes = true;
                    let time = self.random.between(2_900, 3_600);
                    self.dkron_in(time, slot, Step::NameVote);
                }
            } else if told.ip == process.ip && told.standing != Standing::Alive && !process.leaving {
                // It contradicts whoever holds it for dead.
                known.stamp = now;
                process.serf.has_news = true;
            }
            return;
        }
        let alive = told.standing == Standing::Alive;
        let free = match known.standing {
            Standing::Unknown | Standing::Left => true,
            Standing::Failed => known.free_at <= now,
            Standing::Alive | Standing::Leaving => false,
        };
        let same = known.standing == told.standing && known.ip == told.ip;
        let since = if same { known.since } else { now };
        let told_again = Entry { suspect_at: 0, fail_at: 0, free_at: 0, since, ..told };
        let joins;
        if known.standing == Standing::Unknown {
            // What is dead is not new, nor is what the other one suspects to be.
            let alive = alive && !suspected;
            joins = alive;
            if alive || told.standing == Standing::Left {
                *known = told_again;
            }
        } else if told.standing == Standing::Failed {
            // Whom somebody else holds for dead is suspected, hears of that, and contradicts.
            if known.standing == Standing::Alive && known.ip == told.ip && told.stamp >= known.stamp {
                self.contradict(slot, place, told.ip);
            }
            return;
        } else if told.stamp <= known.stamp {
            return;
        } else if known.ip == told.ip {
            joins = alive && known.standing != Standing::Alive;
            *known = told_again;
        } else if alive && free {
            joins = true;
            *known = told_again;
        } else {
            if alive {
                self.seen.count(Seen::NameTaken);
            }
            return;
        }
        process.serf.has_news = true;
        // Coalescing makes one lone update of a join and the tags that follow: only who is met with its tags is an event that
        // makes a bootstrap.
        if joins && told.tagged && process.flags.expect > 1 {
            let time = self.random.between(1_000, 1_200);
            self.dkron_in(time, slot, Step::Events);
        }
    }

    /// The member `place` hears from `slot` that somebody holds it for dead.
    fn contradict(&mut self, slot: Slot, place: usize, ip: Ip) {
        let (at, now) = (slot_of(set_of(slot), place), self.now);
        let reached = self.reaches(slot, at);
        let lives = |process: &&mut Process| process.serf.running && process.ip == ip && !process.leaving && reached;
        if let Some(process) = self.dkron[at].as_mut().filter(lives) {
            process.serf.view[place].stamp = now;
            process.serf.has_news = true;
        }
    }

    /// One round of gossip: failures are noticed, names become free, news spread.
    pub fn gossip(&mut self) {
        for slot in 0..self.dkron.len() {
            if self.serf_at(slot).is_none() {
                continue;
            }
            self.probe(slot);
            let Some(process) = self.dkron[slot].as_mut() else { continue };
            let news = std::mem::take(&mut process.serf.has_news);
            let exchange = process.serf.exchange_at <= self.now;
            if exchange {
                self.reconnect(slot);
            }
            if news {
                self.spread(slot);
            }
        }
    }

    /// Tells all that are alive all that is known.
    pub fn spread(&mut self, slot: Slot) {
        for place in 0..PLACES {
            self.tell_one(slot, place);
        }
    }

    fn tell_one(&mut self, slot: Slot, place: usize) {
        let Some(entry) = self.serf_at(slot).map(|process| process.serf.view[place]) else { return };
        if place == place_of(slot) || entry.standing != Standing::Alive {
            return;
        }
        let ours = |other: &Slot| set_of(*other) == set_of(slot) && self.reaches(slot, *other);
        if let Some(other) = self.slot_at(entry.ip).filter(ours) {
            self.tell_all(slot, other);
        }
    }

    /// Exchanges everything with one that is alive, and tries one that failed at the address that it had. An address that serves
    /// another set by now is left out: what serf does there by itself no wrapper can prevent.
    fn reconnect(&mut self, slot: Slot) {
        let next = self.now + self.random.between(10_000, 30_000);
        let Some(process) = self.dkron[slot].as_mut() else { return };
        process.serf.exchange_at = next;
        let view = process.serf.view;
        for wanted in [Standing::Alive, Standing::Failed] {
            let mut found = (0..PLACES).filter(|place| view[*place].standing == wanted && *place != place_of(slot));
            let count = found.clone().count();
            let nth = if count == 0 { 0 } else { self.random.index(count) };
            if let Some(place) = found.nth(nth) {
                let other = slot_of(set_of(slot), place);
                let there = self.serf_at(other).is_some_and(|process| process.ip == view[place].ip);
                if there && self.reaches(slot, other) {
                    self.exchange(slot, other);
                }
            }
        }
    }

    fn probe(&mut self, slot: Slot) {
        let Some(process) = &self.dkron[slot] else { return };
        let view = process.serf.view;
        for (place, entry) in view.iter().enumerate() {
            let waits = matches!(entry.standing, Standing::Alive | Standing::Leaving);
            if place == place_of(slot) || !waits {
                continue;
            }
            let answers = self.answers_probe(slot, place, entry.ip, &view);
            if answers && entry.fail_at == 0 || !answers && entry.fail_at > self.now {
                continue;
            }
            let now = self.now;
            let (suspect, fail) = (now + self.random.between(300, 2_200), now + self.random.between(4_000, 9_500));
            let free = now + self.random.between(30_000, 35_000);
            let Some(process) = self.dkron[slot].as_mut() else { return };
            let known = &mut process.serf.view[place];
            if answers {
                (known.suspect_at, known.fail_at) = (0, 0);
            } else if known.fail_at == 0 {
                (known.suspect_at, known.fail_at) = (suspect, fail);
            } else {
                known.standing = Standing::Failed;
                known.free_at = free;
            }
        }
    }

    /// A probe is answered, directly or through another member.
    fn answers_probe(&self, slot: Slot, place: usize, ip: Ip, view: &[Entry; PLACES]) -> bool {
        // Another set's server of that name would answer too: no wrapper has a hand in that either.
        let same = |at: &Slot| place_of(*at) == place && set_of(*at) == set_of(slot);
        let at = self.slot_at(ip).filter(|at| same(at) && self.serf_at(*at).is_some());
        let Some(target) = at else { return false };
        let through = |entry: &Entry| {
            entry.standing == Standing::Alive
                && self
                    .slot_at(entry.ip)
                    .is_some_and(|by| by != slot && by != target && self.reaches(slot, by) && self.reaches(by, target))
        };
        self.reaches(slot, target) || view.iter().any(through)
    }

    /// The members say which address they know for the name of `slot`; a minority shuts serf down.
    pub fn vote_on_name(&mut self, slot: Slot) {
        let Some(process) = self.serf_at(slot) else { return };
        let (place, ip, view) = (place_of(slot), process.ip, process.serf.view);
        let (mut answers, mut own) = (1, 1);
        for (other, entry) in view.iter().enumerate() {
            if other == place || entry.standing != Standing::Alive {
                continue;
            }
            let at = self.slot_at(entry.ip).filter(|at| set_of(*at) == set_of(slot) && self.reaches(slot, *at));
            let Some(known) = at.and_then(|at| self.serf_at(at)).map(|other| other.serf.view[place]) else { continue };
            if known.standing != Standing::Unknown {
                answers += 1;
                own += u32::from(known.ip == ip);
            }
        }
        let Some(process) = self.dkron[slot].as_mut() else { return };
        process.serf.votes = false;
        if own < answers / 2 + 1 {
            process.serf.running = false;
            process.serf.zombie = true;
            self.seen.count(Seen::Zombie);
            self.note(|| format!("dkron {slot} loses its name: zombie"));
        }
    }

    /// Something was learned of a server that came with its tags: perhaps it is time to bootstrap.
    pub fn events_arrive(&mut self, slot: Slot) {
        let Some(process) = self.dkron[slot].as_mut() else { return };
        if process.stage < super::Stage::Up {
            process.serf.events_wait = true;
        } else {
            self.maybe_bootstrap(slot);
        }
    }
}
