//! What the label updater counts.

use std::sync::atomic::AtomicI64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::decision::Patch;
use super::ledger;

/// Content type of [`Metrics::text`].
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answer {
    answer: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// Everything that is counted.
pub(super) struct Metrics {
    registry: Registry,
    leader: Gauge<i64, AtomicI64>,
    polls: Family<Answer, Counter>,
    patches: Family<Outcome, Counter>,
    reads: Family<Outcome, Counter>,
    events: Family<Outcome, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("dkron_ha_label");
        let (leader, polls) = (Gauge::default(), Family::default());
        let (patches, reads, events) = (Family::default(), Family::default(), Family::default());
        registry.register("leader", "1 if the label was last written as true", leader.clone());
        registry.register("polls", "Questions to dkron by its answer", polls.clone());
        registry.register("patches", "Patches of the label by outcome", patches.clone());
        registry.register("reads", "Reads of the set and its pods by outcome", reads.clone());
        registry.register("events", "Writes of Events by outcome", events.clone());
        Self { registry, leader, polls, patches, reads, events }
    }
}

impl Metrics {
    /// dkron answered with this status, or not at all.
    pub(super) fn polled(&self, status: Option<u16>) {
        let answer = match status {
            Some(200) => "leader",
            Some(404) => "follower",
            Some(_) => "other",
            None => "none",
        };
        self.polls.get_or_create(&Answer { answer }).inc();
    }

    /// A patch was tried.
    pub(super) fn patched(&self, patch: Patch, accepted: bool) {
        let outcome = if accepted { "written" } else { "failed" };
        self.patches.get_or_create(&Outcome { outcome }).inc();
        if accepted {
            self.leader.set(patch.leader.into());
        }
    }

    /// The set and its pods were read, or could not be.
    pub(super) fn read(&self, done: bool) {
        self.reads.get_or_create(&Outcome { outcome: if done { "read" } else { "failed" } }).inc();
    }

    /// An Event was written, or could not be.
    pub(super) fn told(&self, outcome: ledger::Outcome) {
        let outcome = match outcome {
            ledger::Outcome::Written => "written",
            ledger::Outcome::Gone | ledger::Outcome::Failed => "failed",
            ledger::Outcome::Refused => "refused",
        };
        self.events.get_or_create(&Outcome { outcome }).inc();
    }

    /// All of it as `OpenMetrics` text.
    pub(super) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
