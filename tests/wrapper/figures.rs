//! What the scenarios showed: a line for each, and a table of all at the end.

#[path = "../figures/mod.rs"]
mod shared;

use std::time::Duration;

use anyhow::Result;

use crate::cluster::{Dkron, Kind};

pub use shared::{Row, Times};

impl Times {
    /// How many are not longer than this.
    pub fn within(&self, limit: Duration) -> usize {
        self.0.iter().filter(|time| **time <= limit).count()
    }
}

impl Row {
    /// What this scenario showed on this dkron in so many runs, and what it must show. On the stand-in, which CI runs on whatever
    /// machine, it may take twice as long.
    pub fn new(scenario: &str, dkron: &Dkron, runs: usize, must: &str) -> Self {
        let cells = vec![scenario.to_owned(), must.to_owned(), dkron.to_string(), runs.to_string()];
        match dkron.kind() {
            Kind::Real => Self::of(cells),
            Kind::StandIn => Self { reservation: Some("not shown: stand-in"), slack: 2, ..Self::of(cells) },
        }
    }

    /// Prints it and keeps it for the table; an error names what does not hold.
    pub fn finish(self) -> Result<()> {
        if let [scenario, _, dkron, _] = &self.cells[..] {
            println!("    {scenario} | {dkron} | {} | {}", self.shown.join("; "), self.verdict());
        }
        self.keep()
    }
}

/// Prints all rows as a table in Markdown, and writes it to the file that `DKRON_HA_TABLE` names.
pub fn print_table() -> Result<()> {
    shared::print_table_of(&["scenario", "must show", "dkron", "runs"])
}
