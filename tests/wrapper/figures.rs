//! What the scenarios showed: a line for each, and a table of all at the end.

use std::fmt;
use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cluster::{Dkron, Kind};

static ROWS: Mutex<Vec<Row>> = Mutex::new(Vec::new());

/// Several measurements of one thing.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Adds one.
    pub fn push(&mut self, time: Duration) {
        self.0.push(time);
        self.0.sort();
    }

    /// The one in the middle.
    pub fn median(&self) -> Duration {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }

    /// The longest.
    pub fn longest(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }

    /// How many are not longer than this.
    pub fn within(&self, limit: Duration) -> usize {
        self.0.iter().filter(|time| **time <= limit).count()
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |time: Duration| time.as_secs_f64();
        match self.0.as_slice() {
            [] => f.write_str("-"),
            [only] => write!(f, "{:.2} s", seconds(*only)),
            [first, .., last] => {
                write!(f, "{:.2} / {:.2} / {:.2} s", seconds(*first), seconds(self.median()), seconds(*last))
            }
        }
    }
}

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    scenario: String,
    dkron: String,
    runs: usize,
    must: String,
    shown: Vec<String>,
    faults: Vec<String>,
    kind: Kind,
}

impl Row {
    /// What this scenario showed on this dkron in so many runs, and what it must show.
    pub fn new(scenario: &str, dkron: &Dkron, runs: usize, must: &str) -> Self {
        Self {
            scenario: scenario.to_owned(),
            dkron: dkron.to_string(),
            runs,
            must: must.to_owned(),
            shown: Vec::new(),
            faults: Vec::new(),
            kind: dkron.kind(),
        }
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

    /// A time that must not be longer than this. On the stand-in, which CI runs on whatever machine, it may take twice as long.
    #[must_use]
    pub fn at_most(self, time: Duration, limit: Duration, what: &str) -> Self {
        let limit = if self.kind == Kind::StandIn { limit * 2 } else { limit };
        let text = format!("{what} takes {:.2} s, more than {:.2} s", time.as_secs_f64(), limit.as_secs_f64());
        self.claim(time <= limit, &text)
    }

    /// Prints it and keeps it for the table; an error names what does not hold.
    pub fn finish(self) -> Result<()> {
        println!("    {} | {} | {} | {}", self.scenario, self.dkron, self.shown.join("; "), self.verdict());
        let faults = self.faults.join("; ");
        rows().push(self);
        if !faults.is_empty() {
            bail!("{faults}");
        }
        Ok(())
    }

    /// A line of the table.
    fn line(&self) -> String {
        let Self { scenario, must, dkron, runs, shown, .. } = self;
        format!("| {scenario} | {must} | {dkron} | {runs} | {} | {} |\n", shown.join("; "), self.verdict())
    }

    fn verdict(&self) -> &'static str {
        match (self.faults.is_empty(), self.kind) {
            (false, _) => "FAILED",
            (true, Kind::StandIn) => "not shown: stand-in",
            (true, _) => "shown",
        }
    }
}

fn rows() -> std::sync::MutexGuard<'static, Vec<Row>> {
    ROWS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All rows as a table in Markdown, written to the file that `DKRON_HA_TABLE` names too.
pub fn table() -> Result<Option<String>> {
    let rows = rows();
    if rows.is_empty() {
        return Ok(None);
    }
    let head = "| scenario | must show | dkron | runs | measured (least / median / most) | verdict |\n\
                | --- | --- | --- | --- | --- | --- |\n";
    let text: String = [head.to_owned()].into_iter().chain(rows.iter().map(Row::line)).collect();
    if let Some(path) = std::env::var_os("DKRON_HA_TABLE") {
        fs::write(&path, &text).context("writing the file that DKRON_HA_TABLE names")?;
    }
    Ok(Some(text))
}
