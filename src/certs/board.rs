//! What was last seen of the cluster, put up for readiness and metrics.

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};

use super::{Sight, Validity};

/// Shared by who asks the API server and who answers the kubelet.
#[derive(Debug)]
pub struct Board {
    sight: ArcSwap<Sight>,
    authority: ArcSwapOption<Validity>,
}

impl Board {
    /// Nothing has been seen yet.
    pub fn new() -> Self {
        let unread = Sight::Unread("the API server has not answered yet".into());
        Self { sight: ArcSwap::from_pointee(unread), authority: ArcSwapOption::empty() }
    }

    /// The registration, as last seen.
    pub fn sight(&self) -> Arc<Sight> {
        self.sight.load_full()
    }

    /// This was seen. Not having seen it leaves what was seen before: an API server that is away does not change a registration.
    pub fn saw(&self, sight: Sight) {
        let is_news = !matches!(sight, Sight::Unread(_));
        if is_news || matches!(*self.sight(), Sight::Unread(_)) {
            self.sight.store(Arc::new(sight));
        }
    }

    /// From when to when the kept authority holds, if there is one.
    pub fn authority(&self) -> Option<Arc<Validity>> {
        self.authority.load_full()
    }

    /// The kept authority holds so long.
    pub fn keeps(&self, authority: Option<Validity>) {
        self.authority.store(authority.map(Arc::new));
    }
}

impl Default for Board {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_server_that_is_away_changes_nothing_that_was_seen() {
        let board = Board::new();
        board.saw(Sight::Unread("refused".into()));
        assert_eq!(*board.sight(), Sight::Unread("refused".into()));
        board.saw(Sight::Absent);
        board.saw(Sight::Unread("refused".into()));
        assert_eq!(*board.sight(), Sight::Absent);
    }
}
