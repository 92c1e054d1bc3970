//! Jobs, and what dkron has recorded of their executions.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::plan::NAME;
use super::{Cluster, HTTP, Ordinal, pod_name};
use crate::client;

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

impl Cluster {
    /// Creates a job that runs on any one server each second.
    pub fn job_each_second(&self, name: &str) -> Result<()> {
        self.create(name, "* * * * * *", "true", &json!({"any": format!("{NAME}:1")}))
    }

    /// Creates a job that runs on this server two seconds later, once. Not by dkron's "run now": that answers when the job ends.
    pub fn run_on(&self, ordinal: Ordinal, name: &str, command: &str) -> Result<()> {
        self.run_in(&pod_name(ordinal), name, command)
    }

    /// The same in the pod of this name.
    pub(super) fn run_in(&self, pod: &str, name: &str, command: &str) -> Result<()> {
        let due = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + 2;
        let schedule = format!("{} {} {} * * *", due % 60, due / 60 % 60, due / 3600 % 24);
        self.create(name, &schedule, command, &json!({"pod": format!("{pod}:1")}))
    }

    fn create(&self, name: &str, schedule: &str, command: &str, tags: &Value) -> Result<()> {
        let job = json!({
            "name": name, "schedule": schedule, "timezone": "UTC", "tags": tags, "executor": "shell",
            "executor_config": {"shell": "true", "command": command},
        });
        let answer = client::post((self.any()?, HTTP), "/v1/jobs", &job, PATIENCE);
        answer.and_then(|answer| answer.json()).with_context(|| format!("creating the job {name}")).map(drop)
    }

    /// Adds what dkron has recorded of the job's newest executions; it keeps 100.
    pub fn executions(&self, name: &str, known: &mut Executions) -> Result<()> {
        let answer = client::get((self.any()?, HTTP), &format!("/v1/jobs/{name}/executions"), PATIENCE);
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

    /// Whether the job has run once, to a good end, as dkron has it.
    pub fn is_recorded(&self, name: &str) -> Result<bool> {
        let mut executions = Executions::new();
        self.executions(name, &mut executions)?;
        self.note(&format!("{executions:?}"));
        Ok(executions.len() == 1 && executions.values().all(|execution| execution.finished && execution.success))
    }

    /// Address of the leader.
    fn any(&self) -> Result<Ipv4Addr> {
        Ok(self.observer.leader().context("nobody leads")?.1)
    }
}
