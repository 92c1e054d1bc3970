//! What the scenarios showed: a table of all at the end.

#[path = "../figures/mod.rs"]
mod shared;

use anyhow::Result;

use crate::installed::Cluster;

pub use shared::{Row, Times};

impl Row {
    /// What this scenario must show. With the stand-in, which CI runs on whatever machine, it may take twice as long.
    pub fn new(cluster: &Cluster, scenario: &str, must: &str) -> Self {
        let row = Self::of(vec![scenario.to_owned(), must.to_owned()]);
        if cluster.parts.real { row } else { Self { reservation: Some("not shown: stand-in"), slack: 2, ..row } }
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
