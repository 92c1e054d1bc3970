//! What the scenarios showed: a line for each, and a table of all at the end.

#[path = "../figures/mod.rs"]
mod shared;

use anyhow::Result;

pub use shared::{Row, Times};

impl Row {
    /// What this scenario showed, and what it must show.
    pub fn new(scenario: &str, must: &str) -> Self {
        Self::of(vec![scenario.to_owned(), must.to_owned()])
    }

    /// Prints it and keeps it for the table; an error names what does not hold.
    pub fn finish(self) -> Result<()> {
        if let [scenario, _] = &self.cells[..] {
            println!("    {scenario} | {} | {}", self.shown.join("; "), self.verdict());
        }
        self.keep()
    }
}

/// Prints all rows as a table in Markdown, and writes it to the file that `DKRON_HA_TABLE` names.
pub fn print_table() -> Result<()> {
    shared::print_table_of(&["scenario", "must show"])
}
