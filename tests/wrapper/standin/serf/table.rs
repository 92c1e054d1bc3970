//! What a node knows of all members, and how news changes it. Decides only; time is an argument.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::standin::member::{Member, Status};

/// How long a dead name stays bound to its address.
const NAME_HELD: Duration = Duration::from_secs(30);

/// How sure somebody is of a member. The order decides between news of one incarnation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Belief {
    Alive,
    Suspect,
    Dead,
    Left,
}

/// What is told about one member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct News {
    pub name: String,
    pub address: IpAddr,
    pub port: u16,
    pub tags: BTreeMap<String, String>,
    pub incarnation: u64,
    pub belief: Belief,
    pub leaving: bool,
}

struct Entry {
    news: News,
    /// When the belief changed.
    since: Instant,
    /// Dead for so long that the name is free.
    released: bool,
}

/// What happened to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Join,
    Update,
    Leave,
    Failed,
    Reap,
}

/// What hearing something led to.
#[derive(Debug, Default)]
pub struct Heard {
    pub changes: Vec<(Change, Member)>,
    /// Somebody is alive under the own name elsewhere.
    pub contested: bool,
}

/// Everything known, by name.
pub struct Table {
    own: String,
    entries: BTreeMap<String, Entry>,
}

impl Table {
    pub fn new(own: News, now: Instant) -> Self {
        let name = own.name.clone();
        let entries = BTreeMap::from([(name.clone(), Entry { news: own, since: now, released: false })]);
        Self { own: name, entries }
    }

    pub fn own(&self) -> Member {
        self.members().into_iter().find(|member| member.name == self.own).expect("the own entry is never dropped")
    }

    pub fn members(&self) -> Vec<Member> {
        self.entries.values().map(|entry| member(&entry.news)).collect()
    }

    /// What is worth telling: names that are free are told by nobody.
    pub fn news(&self) -> Vec<News> {
        self.entries.values().filter(|entry| !entry.released).map(|entry| entry.news.clone()).collect()
    }

    pub fn everybody(&self) -> Vec<News> {
        self.entries.values().map(|entry| entry.news.clone()).collect()
    }

    pub fn held_by(&self, name: &str) -> Option<(IpAddr, u16)> {
        self.entries.get(name).map(|entry| (entry.news.address, entry.news.port))
    }

    /// Others that may be talked to.
    pub fn others(&self) -> Vec<News> {
        let talks = |entry: &&Entry| entry.news.name != self.own && entry.news.belief < Belief::Dead;
        self.entries.values().filter(talks).map(|entry| entry.news.clone()).collect()
    }

    /// Changes what is told about the node itself.
    pub fn change_own(&mut self, now: Instant, change: impl FnOnce(&mut News)) -> (Change, Member) {
        let entry = self.entries.get_mut(&self.own).expect("the own entry is never dropped");
        entry.news.incarnation += 1;
        change(&mut entry.news);
        entry.since = now;
        let kind = if entry.news.belief == Belief::Left { Change::Leave } else { Change::Update };
        (kind, member(&entry.news))
    }

    /// A probe of `name` was not answered, or `name` has been suspected for `patience`.
    pub fn doubt(&mut self, name: &str, belief: Belief, now: Instant) -> Heard {
        let Some(entry) = self.entries.get(name) else { return Heard::default() };
        let news = News { belief, ..entry.news.clone() };
        self.hear(&news, now)
    }

    /// Members that have been suspected for `patience`, and did not speak up.
    pub fn overdue(&self, patience: Duration, now: Instant) -> Vec<String> {
        let overdue =
            |entry: &&Entry| entry.news.belief == Belief::Suspect && now.duration_since(entry.since) >= patience;
        self.entries.values().filter(overdue).map(|entry| entry.news.name.clone()).collect()
    }

    /// Frees names of the long dead, and forgets members that failed longer than `reconnect` ago.
    pub fn age(&mut self, reconnect: Duration, now: Instant) -> Vec<(Change, Member)> {
        for entry in self.entries.values_mut() {
            let gone = entry.news.belief >= Belief::Dead && entry.news.name != self.own;
            entry.released |= gone && now.duration_since(entry.since) >= NAME_HELD;
        }
        let (mut reaped, own) = (Vec::new(), &self.own);
        self.entries.retain(|name, entry| {
            let failed = entry.news.belief == Belief::Dead && name != own;
            let keep = !(failed && now.duration_since(entry.since) >= reconnect);
            if !keep {
                reaped.push((Change::Reap, member(&entry.news)));
            }
            keep
        });
        reaped
    }

    /// Takes in what somebody told.
    pub fn hear(&mut self, news: &News, now: Instant) -> Heard {
        if news.name == self.own {
            return self.hear_of_self(news, now);
        }
        let Some(entry) = self.entries.get_mut(&news.name) else {
            return if news.belief == Belief::Alive { self.accept(news, Change::Join, now) } else { Heard::default() };
        };
        let moved = (entry.news.address, entry.news.port) != (news.address, news.port);
        let free = entry.released || entry.news.belief == Belief::Left;
        if moved && !(news.belief == Belief::Alive && free) {
            return Heard::default();
        }
        let newer = (news.incarnation, news.belief) > (entry.news.incarnation, entry.news.belief);
        let returns = entry.released && news.belief == Belief::Alive;
        if !(newer || moved || returns) {
            return Heard::default();
        }
        let (was, is) = (entry.news.belief, news.belief);
        let change = match (was, is) {
            (Belief::Dead | Belief::Left, Belief::Alive) => Some(Change::Join),
            (_, Belief::Left) if was != Belief::Left => Some(Change::Leave),
            (_, Belief::Dead) if was < Belief::Dead && entry.news.leaving => Some(Change::Leave),
            (_, Belief::Dead) if was < Belief::Dead => Some(Change::Failed),
            (_, Belief::Alive) if entry.news.tags != news.tags => Some(Change::Update),
            _ => None,
        };
        if was != is {
            entry.since = now;
        }
        entry.news = news.clone();
        entry.released = false;
        if was < Belief::Dead && is == Belief::Dead && entry.news.leaving {
            entry.news.belief = Belief::Left;
        }
        let member = member(&entry.news);
        Heard { changes: change.map(|change| (change, member)).into_iter().collect(), contested: false }
    }

    fn accept(&mut self, news: &News, change: Change, now: Instant) -> Heard {
        let entry = Entry { news: news.clone(), since: now, released: false };
        self.entries.insert(news.name.clone(), entry);
        Heard { changes: vec![(change, member(news))], contested: false }
    }

    /// Speaks up against whoever holds the node for anything but alive, unless it has left.
    fn hear_of_self(&mut self, news: &News, now: Instant) -> Heard {
        let own = &mut self.entries.get_mut(&self.own).expect("the own entry is never dropped").news;
        let elsewhere = (own.address, own.port) != (news.address, news.port);
        if elsewhere && news.belief == Belief::Alive {
            return Heard { changes: Vec::new(), contested: true };
        }
        let doubted = news.belief != Belief::Alive || news.leaving;
        let newer = news.incarnation > own.incarnation || (news.incarnation == own.incarnation && doubted);
        if newer && own.belief != Belief::Left && !own.leaving {
            own.incarnation = news.incarnation + 1;
            self.entries.get_mut(&self.own).expect("the own entry is never dropped").since = now;
        }
        Heard::default()
    }
}

fn member(news: &News) -> Member {
    let status = match news.belief {
        Belief::Alive | Belief::Suspect if news.leaving => Status::Leaving,
        Belief::Alive | Belief::Suspect => Status::Alive,
        Belief::Dead => Status::Failed,
        Belief::Left => Status::Left,
    };
    Member { name: news.name.clone(), address: news.address, port: news.port, tags: news.tags.clone(), status }
}
