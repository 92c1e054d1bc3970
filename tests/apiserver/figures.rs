//! What the scenarios of the label updater showed: a table of all at the end.

use std::fmt;
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::program;

static ROWS: Mutex<Vec<Row>> = Mutex::new(Vec::new());

/// Several measurements of one thing, displayed as the least, the one in the middle and the longest.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Adds one.
    pub fn push(&mut self, time: Duration) {
        self.0.push(time);
        self.0.sort();
    }

    /// The longest.
    pub fn longest(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |at: usize| self.0.get(at).copied().unwrap_or_default().as_secs_f64();
        let last = self.0.len().saturating_sub(1);
        write!(f, "{:.2} / {:.2} / {:.2} s", seconds(0), seconds(self.0.len() / 2), seconds(last))
    }
}

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    scenario: &'static str,
    must: &'static str,
    shown: Vec<String>,
    faults: Vec<String>,
    /// Something here counts for the program as it is shipped only, which this is not.
    unshipped: bool,
}

impl Row {
    /// What this scenario must show.
    pub fn new(scenario: &'static str, must: &'static str) -> Self {
        Self { scenario, must, shown: Vec::new(), faults: Vec::new(), unshipped: false }
    }

    /// A figure.
    #[must_use]
    pub fn shows(mut self, what: &str, figure: impl fmt::Display) -> Self {
        self.shown.push(format!("{what} {figure}"));
        self
    }

    /// Something that must hold.
    #[must_use]
    pub fn claim(mut self, holds: bool, what: &str) -> Self {
        if !holds {
            self.faults.push(what.to_owned());
        }
        self
    }

    /// Something that must hold of the program as it is shipped, see [`program::label_updater`].
    #[must_use]
    pub fn claim_of_the_shipped(mut self, holds: bool, what: &str) -> Self {
        self.unshipped = !program::is_shipped();
        if self.unshipped { self } else { self.claim(holds, what) }
    }

    /// A time that must not be longer than this.
    #[must_use]
    pub fn at_most(self, time: Duration, limit: Duration, what: &str) -> Self {
        let text = format!("{what} takes {:.2} s, more than {:.2} s", time.as_secs_f64(), limit.as_secs_f64());
        self.claim(time <= limit, &text)
    }

    /// Keeps it for the table; an error names what does not hold.
    pub fn finish(self) -> Result<()> {
        let faults = self.faults.join("; ");
        rows().push(self);
        if !faults.is_empty() {
            bail!("{faults}");
        }
        Ok(())
    }

    fn line(&self) -> String {
        let verdict = match (self.faults.is_empty(), self.unshipped) {
            (false, _) => "FAILED",
            (true, true) => "not shown: not the shipped program",
            (true, false) => "shown",
        };
        format!("| {} | {} | {} | {verdict} |\n", self.scenario, self.must, self.shown.join("; "))
    }
}

fn rows() -> MutexGuard<'static, Vec<Row>> {
    ROWS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All rows as a table in Markdown, written to the file that `DKRON_HA_TABLE` names too.
pub fn table() -> Result<Option<String>> {
    let rows = rows();
    if rows.is_empty() {
        return Ok(None);
    }
    let head = "| scenario | must show | measured (least / median / most) | verdict |\n| --- | --- | --- | --- |\n";
    let text: String = [head.to_owned()].into_iter().chain(rows.iter().map(Row::line)).collect();
    if let Some(path) = std::env::var_os("DKRON_HA_TABLE") {
        fs::write(&path, &text).context("writing the file that DKRON_HA_TABLE names")?;
    }
    Ok(Some(text))
}
