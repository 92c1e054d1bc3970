//! A job as the API takes and shows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::schedule::Schedule;
use crate::standin::generation::Generation;
use crate::standin::settings;

/// A job; what the stand-in does not do with a field it still keeps and shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Job {
    pub id: String,
    pub name: String,
    displayname: String,
    timezone: String,
    pub schedule: String,
    owner: String,
    owner_email: String,
    pub success_count: u64,
    pub error_count: u64,
    pub last_success: Option<String>,
    pub last_error: Option<String>,
    pub disabled: bool,
    pub tags: Option<BTreeMap<String, String>>,
    metadata: Option<BTreeMap<String, String>>,
    retries: u64,
    dependent_jobs: Option<Vec<String>>,
    #[serde(rename = "parent_job")]
    parent: String,
    pub processors: Option<Map<String, Value>>,
    concurrency: String,
    pub executor: String,
    pub executor_config: Option<BTreeMap<String, String>>,
    pub status: String,
    pub next: String,
    ephemeral: bool,
    starts_at: Option<String>,
    expires_at: Option<String>,
}

impl Job {
    /// Reads what a client sent.
    ///
    /// # Errors
    /// dkron's sentence about it.
    pub fn read(body: &[u8], generation: Generation) -> Result<Self, String> {
        let mut job: Self = serde_json::from_slice(body).map_err(|error| {
            let why = if error.is_eof() { "unexpected EOF".to_owned() } else { error.to_string() };
            format!("Unable to parse payload: {why}.")
        })?;
        if job.concurrency.is_empty() {
            "allow".clone_into(&mut job.concurrency);
        }
        if job.next.is_empty() {
            job.next = crate::standin::time::rfc3339(0);
        }
        let wrong = match generation {
            Generation::Three => "Job contains invalid value",
            Generation::Four => "Job validation failed",
        };
        job.validate().map_err(|why| format!("{wrong}: {why}."))?;
        Ok(job)
    }

    fn validate(&self) -> Result<(), String> {
        let slug = |letter: &char| letter.is_lowercase() || letter.is_ascii_digit() || "_-".contains(*letter);
        if self.name.is_empty() {
            return Err("name cannot be empty".to_owned());
        }
        if let Some(wrong) = self.name.chars().find(|letter| !slug(letter)) {
            return Err(format!("name contains illegal character '{wrong}'"));
        }
        if !self.schedule.is_empty() || self.parent.is_empty() {
            Schedule::read(&self.schedule).map_err(|why| format!("can't parse job schedule: {why}"))?;
        }
        if !["allow", "forbid"].contains(&self.concurrency.as_str()) {
            return Err("invalid concurrency policy value, use \"allow\" or \"forbid\"".to_owned());
        }
        let timeout = self.configured("timeout");
        if self.executor == "shell" && !timeout.is_empty() && settings::duration(timeout).is_none() {
            return Err("Error parsing job timeout value".to_owned());
        }
        Ok(())
    }

    /// A setting of its executor.
    pub fn configured(&self, key: &str) -> &str {
        self.executor_config.as_ref().and_then(|config| config.get(key)).map_or("", String::as_str)
    }

    pub fn forbids_overlap(&self) -> bool {
        self.concurrency == "forbid"
    }

    /// The tags that a node must have, and on how many such nodes it runs.
    pub fn target(&self) -> (BTreeMap<&str, &str>, usize) {
        let mut most = usize::MAX;
        let tags = self.tags.iter().flatten().map(|(key, value)| match value.split_once(':') {
            None => (key.as_str(), value.as_str()),
            Some((value, count)) => {
                most = most.min(count.parse().unwrap_or(0));
                (key.as_str(), value)
            }
        });
        let tags = tags.collect();
        (tags, most)
    }
}
