//! What was rotated, and why.

use std::ops::AddAssign;

/// Why a replica serves another leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// It is the first that anybody trusts: no rotation.
    First,
    /// Two thirds of the life of the one before are over.
    Aged,
    /// Another authority signs.
    Followed,
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Leaves that were due.
    pub aged_leaves: usize,
    /// Leaves that followed an authority.
    pub followed_leaves: usize,
    /// Authorities whose predecessor was due.
    pub aged_authorities: usize,
    /// Authorities whose predecessor was taken away by hand.
    pub forced_authorities: usize,
    pub handshakes: usize,
}

impl Tally {
    /// Whether that are so many leaves and a tenth as many authorities, half of each because of their age and some authorities not.
    pub fn reaches(&self, leaves: usize) -> bool {
        self.aged_leaves + self.followed_leaves >= leaves
            && self.aged_leaves >= leaves / 2
            && self.authorities() >= leaves / 10
            && self.aged_authorities >= leaves / 20
            && self.forced_authorities >= leaves / 40
    }

    pub fn authorities(&self) -> usize {
        self.aged_authorities + self.forced_authorities
    }

    pub fn count(&mut self, leaf: Leaf) {
        match leaf {
            Leaf::First => {}
            Leaf::Aged => self.aged_leaves += 1,
            Leaf::Followed => self.followed_leaves += 1,
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.aged_leaves += other.aged_leaves;
        self.followed_leaves += other.followed_leaves;
        self.aged_authorities += other.aged_authorities;
        self.forced_authorities += other.forced_authorities;
        self.handshakes += other.handshakes;
    }
}
