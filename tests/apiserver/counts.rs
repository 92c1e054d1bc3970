//! How many reviews the webhook has answered, by kind, operation, outcome and code: what it says at its admin port.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};

const FAMILY: &str = "dkron_ha_admission_requests_total{";

/// Numbers of reviews. A PATCH that meets a concurrent change is sent again, so one request of a person may count twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<Labels, u64>);

/// Label values by label name.
type Labels = BTreeMap<String, String>;

impl Counts {
    /// Reads the exposition.
    pub fn read(metrics: &str) -> Result<Self> {
        let series = metrics.lines().filter_map(|line| line.strip_prefix(FAMILY));
        let counts: Result<_> =
            series.map(|rest| one(rest).with_context(|| format!("reading {FAMILY}{rest}"))).collect();
        Ok(Self(counts?))
    }

    /// What was added after `before`.
    pub fn since(&self, before: &Self) -> Self {
        let added = self.0.iter().map(|(labels, count)| {
            let earlier = before.0.get(labels).copied().unwrap_or_default();
            (labels.clone(), count.saturating_sub(earlier))
        });
        Self(added.filter(|(_, count)| *count > 0).collect())
    }

    /// Both together.
    pub fn and(mut self, more: &Self) -> Self {
        for (labels, count) in &more.0 {
            *self.0.entry(labels.clone()).or_default() += count;
        }
        self
    }

    /// All reviews.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Reviews whose labels have all these values.
    pub fn with(&self, wanted: &[(&str, &str)]) -> u64 {
        let has =
            |labels: &Labels| wanted.iter().all(|(name, value)| labels.get(*name).is_some_and(|found| found == value));
        self.0.iter().filter(|(labels, _)| has(labels)).map(|(_, count)| count).sum()
    }
}

fn one(rest: &str) -> Result<(Labels, u64)> {
    let (labels, count) = rest.split_once("} ").context("no value")?;
    let pairs = labels.split(',').map(|pair| {
        let (name, value) = pair.split_once('=').context("no label value")?;
        Ok((name.to_owned(), value.trim_matches('"').to_owned()))
    });
    Ok((pairs.collect::<Result<_>>()?, count.trim().parse()?))
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.0.iter().map(|(labels, count)| {
            let value = |name: &str| labels.get(name).map_or("?", String::as_str);
            let code = value("code");
            let code = if code.is_empty() { String::new() } else { format!(" {code}") };
            format!("{count} {} {} {}{code}", value("kind"), value("operation"), value("outcome"))
        });
        f.write_str(&all.collect::<Vec<_>>().join(", "))
    }
}
