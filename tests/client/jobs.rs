//! Jobs, and what dkron has recorded of their executions.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use dkron_ha::contract::port::DKRON_HTTP;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(5);

/// An execution as dkron tells it.
#[derive(Clone, Debug)]
pub struct Execution {
    /// The second in which its run was due, since 1970: dkron numbers runs by the nanosecond.
    pub due: u64,
    /// dkron writes the year 1 while it has not ended, as far as it knows.
    pub finished: bool,
    pub success: bool,
}

/// Executions by dkron's own names for them.
pub type Executions = BTreeMap<String, Execution>;

/// Each second, in the six fields of dkron.
pub const EACH_SECOND: &str = "* * * * * *";

/// Two seconds from now, once. Not by dkron's "run now": that answers when the job ends.
pub fn soon() -> Result<String> {
    let due = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + 2;
    Ok(format!("{} {} {} * * *", due % 60, due / 60 % 60, due / 3600 % 24))
}

/// Creates a job of the shell, by this server, for the members that have these tags.
pub fn create(at: Ipv4Addr, name: &str, schedule: &str, command: &str, tags: &Value) -> Result<()> {
    let job = json!({
        "name": name, "schedule": schedule, "timezone": "UTC", "tags": tags, "executor": "shell",
        "executor_config": {"shell": "true", "command": command},
    });
    let answer = super::post((at, DKRON_HTTP), "/v1/jobs", &job, PATIENCE);
    answer.and_then(|answer| answer.json()).with_context(|| format!("creating the job {name}")).map(drop)
}

/// Adds what dkron has recorded of the job's newest executions; it keeps 100.
pub fn executions(at: Ipv4Addr, name: &str, known: &mut Executions) -> Result<()> {
    let answer = super::get((at, DKRON_HTTP), &format!("/v1/jobs/{name}/executions"), PATIENCE);
    let list = answer.and_then(|answer| answer.json()).with_context(|| format!("executions of {name}"))?;
    for execution in list.as_array().into_iter().flatten() {
        let text = |field: &str| execution[field].as_str().unwrap_or_default().to_owned();
        let read = Execution {
            due: execution["group"].as_u64().context("an execution without a group")? / 1_000_000_000,
            finished: !text("finished_at").is_empty() && !text("finished_at").starts_with("0001"),
            success: execution["success"] == true,
        };
        known.insert(text("id"), read);
    }
    Ok(())
}

/// Whether these are one run that came to a good end.
pub fn are_one_success(executions: &Executions) -> bool {
    executions.len() == 1 && executions.values().all(|execution| execution.finished && execution.success)
}

/// Seconds in which a job of each second was due, and what became of them.
pub struct Ticks {
    pub expected: usize,
    pub missed: usize,
    pub doubled: usize,
}

impl Ticks {
    /// From the first that is known to the last.
    pub fn of(executions: &Executions) -> Result<Self> {
        let mut per_second: BTreeMap<u64, usize> = BTreeMap::new();
        for execution in executions.values() {
            *per_second.entry(execution.due).or_default() += 1;
        }
        let (first, _) = per_second.first_key_value().context("the job never ran")?;
        let (last, _) = per_second.last_key_value().context("the job never ran")?;
        let expected = usize::try_from(last - first + 1)?;
        let doubled = per_second.values().filter(|count| **count > 1).count();
        Ok(Self { expected, missed: expected - per_second.len(), doubled })
    }

    /// Whether at most so many of a hundred were missed. Of fewer than a hundred, so many may be more than the share.
    pub fn missed_at_most(&self, share: usize) -> bool {
        self.missed * 100 <= self.expected * share || self.expected < 100 && self.missed <= share
    }
}
