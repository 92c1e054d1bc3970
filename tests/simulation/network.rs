//! Addresses of pods, partitions, and DNS that is late.

use std::collections::VecDeque;

use crate::names::{ADDRESSES, Ip, Mask, SLOTS, Slot, bit};
use crate::world::World;

const NOBODY: u8 = u8::MAX;

/// The pod network.
#[derive(Debug)]
pub struct Network {
    owners: [u8; ADDRESSES],
    free: VecDeque<Ip>,
    used: [bool; ADDRESSES],
    reuse: bool,
    /// Whom each place cannot reach.
    pub cuts: [Mask; SLOTS],
    /// When that was last changed.
    pub parted_at: u64,
    /// What was cut until packets went again, and when that was.
    pub mended: ([Mask; SLOTS], u64),
    /// Places whose state port is blocked.
    pub state_cut: Mask,
    /// DNS does not answer until then.
    pub dns_down_until: u64,
    dns: [Cached; SLOTS],
}

/// What DNS keeps of a name.
#[derive(Clone, Copy, Debug, Default)]
struct Cached {
    until: u64,
    ip: Option<Ip>,
}

impl Network {
    /// All addresses free.
    pub fn new(reuse: bool) -> Self {
        Self {
            owners: [NOBODY; ADDRESSES],
            free: (1..ADDRESSES as Ip).collect(),
            used: [false; ADDRESSES],
            reuse,
            cuts: [0; SLOTS],
            parted_at: 0,
            mended: ([0; SLOTS], 0),
            state_cut: 0,
            dns_down_until: 0,
            dns: [Cached::default(); SLOTS],
        }
    }

    /// Gives a free address to a place, and says whether a pod had it before.
    pub fn take(&mut self, slot: Slot) -> (Ip, bool) {
        let next = if self.reuse { self.free.pop_back() } else { self.free.pop_front() };
        let ip = next.expect("addresses for all pods");
        self.owners[usize::from(ip)] = slot as u8;
        (ip, std::mem::replace(&mut self.used[usize::from(ip)], true))
    }

    /// The address is free again.
    pub fn give_back(&mut self, ip: Ip) {
        self.owners[usize::from(ip)] = NOBODY;
        self.free.push_back(ip);
    }

    /// The place whose pod has this address.
    pub fn owner(&self, ip: Ip) -> Option<Slot> {
        let owner = *self.owners.get(usize::from(ip))?;
        (owner != NOBODY).then_some(usize::from(owner))
    }

    /// Nobody has asked for the name of the place, or the last answer was that there is none.
    pub fn is_nameless(&self, slot: Slot) -> bool {
        self.dns[slot].ip.is_none()
    }

    /// The state port of one of the two swallows what the other one sends there.
    pub fn are_mute(&self, one: Slot, other: Slot) -> bool {
        self.state_cut & (bit(one) | bit(other)) != 0
    }

    /// Whether packets go both ways.
    pub fn reaches(&self, one: Slot, other: Slot) -> bool {
        self.cuts[one] & bit(other) == 0 && self.cuts[other] & bit(one) == 0
    }

    /// Cuts these places off from all others of these sets.
    pub fn part(&mut self, apart: Mask, now: u64) {
        self.parted_at = now;
        for slot in 0..SLOTS {
            self.cuts[slot] |= if apart & bit(slot) == 0 { apart } else { !apart & (bit(SLOTS) - 1) };
        }
    }

    /// Everybody reaches everybody.
    pub fn heal(&mut self, now: u64) {
        self.mended = (std::mem::take(&mut self.cuts), now);
        self.state_cut = 0;
        self.dns_down_until = 0;
    }
}

impl World {
    /// The address that DNS gives for the name of a place: what it kept, or what Kubernetes says by now.
    pub fn resolve(&mut self, slot: Slot) -> Option<Ip> {
        if self.now < self.network.dns_down_until {
            return None;
        }
        let kept = self.network.dns[slot];
        if self.now < kept.until {
            return kept.ip;
        }
        let known = self.pods[slot].as_ref().filter(|pod| pod.named_at <= self.now);
        let ip = known.map(|pod| pod.ip);
        let ttl = if ip.is_some() { self.params.positive_ttl } else { self.params.negative_ttl };
        self.network.dns[slot] = Cached { until: self.now + self.random.between(0, ttl), ip };
        ip
    }
}
