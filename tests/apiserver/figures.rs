//! What the scenarios of the label updater showed: a table of all at the end.

#[path = "../figures/mod.rs"]
mod shared;

use anyhow::Result;

use crate::program;

pub use shared::{Row, Times};

impl Row {
    /// What this scenario must show.
    pub fn new(scenario: &'static str, must: &'static str) -> Self {
        Self::of(vec![scenario.to_owned(), must.to_owned()])
    }

    /// Something that must hold of the program as it is shipped, see [`program::label_updater`].
    #[must_use]
    pub fn claim_of_the_shipped(mut self, holds: bool, what: &str) -> Self {
        if program::is_shipped() {
            return self.claim(holds, what);
        }
        self.reservation = Some("not shown: not the shipped program");
        self
    }

    /// Keeps it for the table; an error names what does not hold.
    pub fn finish(self) -> Result<()> {
        self.keep()
    }
}

/// Prints all rows as a table in Markdown, and writes it to the file that `DKRON_HA_TABLE` names.
pub fn print_table() -> Result<()> {
    shared::print_table_of(&["scenario", "must show"])
}
