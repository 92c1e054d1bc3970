//! What the scenarios showed: a table of all at the end.

#[path = "../figures/mod.rs"]
mod shared;

use std::time::Duration;

use anyhow::Result;

use crate::client::jobs::Ticks;
use crate::installed::Cluster;
use crate::watcher::Seen;

pub use shared::{Row, Times};

impl Row {
    /// What this scenario must show. With the stand-in, which CI runs on whatever machine, it may take twice as long.
    pub fn new(cluster: &Cluster, scenario: &str, must: &str) -> Self {
        let row = Self::of(vec![scenario.to_owned(), must.to_owned()]);
        if cluster.parts.real { row } else { Self { reservation: Some("not shown: stand-in"), slack: 2, ..row } }
    }

    /// A time.
    #[must_use]
    pub fn took(self, what: &str, time: Duration) -> Self {
        self.shows(what, Times(vec![time]))
    }

    /// For how long nobody who leads answered.
    #[must_use]
    pub fn never_long_without_a_leader(self, seen: &Seen) -> Self {
        self.took("longest without an answer of the leader", seen.longest_gap).at_most(
            seen.longest_gap,
            Duration::from_secs(3),
            "a time without answer of a leader",
        )
    }

    /// What became of a job of each second.
    #[must_use]
    pub fn ticks(self, ticks: &Ticks) -> Self {
        self.shows("ticks missed", format!("{} of {}", ticks.missed, ticks.expected)).shows("run twice", ticks.doubled)
    }

    /// Prints it and keeps it for the table; an error names what does not hold.
    pub fn finish(self) -> Result<()> {
        println!("    {} | {} | {}", self.cells[0], self.shown.join("; "), self.verdict());
        self.keep()
    }
}

/// Prints all rows as a table in Markdown, and writes it to the file that `DKRON_HA_TABLE` names.
pub fn print_table() -> Result<()> {
    shared::print_table_of(&["scenario", "must show"])
}
