//! What a tier's scenarios showed: figures, rows, and a table of all at the end. Each tier says in its own `figures` what its rows
//! begin with, and what a figure is worth there.

use std::fmt;
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};

static ROWS: Mutex<Vec<Row>> = Mutex::new(Vec::new());

/// Several measurements of one thing, displayed as the least, the one in the middle and the longest.
#[derive(Clone, Debug, Default)]
pub struct Times(pub Vec<Duration>);

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
    /// The scenario, what it must show, and whatever else comes before the figures.
    pub cells: Vec<String>,
    /// The figures.
    pub shown: Vec<String>,
    /// What does not hold.
    pub faults: Vec<String>,
    /// Why it counts for nothing although all holds.
    pub reservation: Option<&'static str>,
    /// Times may be so many times as long here.
    pub slack: u32,
}

impl Row {
    /// A row that begins so.
    pub fn of(cells: Vec<String>) -> Self {
        Self { cells, shown: Vec::new(), faults: Vec::new(), reservation: None, slack: 1 }
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

    /// A time that must not be longer than this.
    #[must_use]
    pub fn at_most(self, time: Duration, limit: Duration, what: &str) -> Self {
        let limit = limit * self.slack;
        let text = format!("{what} takes {:.2} s, more than {:.2} s", time.as_secs_f64(), limit.as_secs_f64());
        self.claim(time <= limit, &text)
    }

    /// Keeps it for the table; an error names what does not hold.
    pub fn keep(self) -> Result<()> {
        let faults = self.faults.join("; ");
        rows().push(self);
        if !faults.is_empty() {
            bail!("{faults}");
        }
        Ok(())
    }

    /// Whether it was shown.
    pub fn verdict(&self) -> &'static str {
        if self.faults.is_empty() { self.reservation.unwrap_or("shown") } else { "FAILED" }
    }

    fn line(&self) -> String {
        format!("| {} | {} | {} |\n", self.cells.join(" | "), self.shown.join("; "), self.verdict())
    }
}

fn rows() -> MutexGuard<'static, Vec<Row>> {
    ROWS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Prints all rows, if there are any, as a table in Markdown, below the names of what they begin with; it is written to the file that
/// `DKRON_HA_TABLE` names too.
pub fn print_table_of(cells: &[&str]) -> Result<()> {
    let rows = rows();
    if rows.is_empty() {
        return Ok(());
    }
    let names = cells.join(" | ");
    let line = "| --- ".repeat(cells.len() + 2);
    let head = format!("| {names} | measured (least / median / most) | verdict |\n{line}|\n");
    let text: String = [head].into_iter().chain(rows.iter().map(Row::line)).collect();
    if let Some(path) = std::env::var_os("DKRON_HA_TABLE") {
        fs::write(&path, &text).context("writing the file that DKRON_HA_TABLE names")?;
    }
    println!("{text}");
    Ok(())
}
