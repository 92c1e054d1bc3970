//! Jobs of the cluster.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use serde_json::json;

use crate::client::jobs::{self, EACH_SECOND, Executions};

use super::plan::NAME;
use super::{Cluster, Ordinal, pod_name};

impl Cluster {
    /// Creates a job that runs on any one server each second.
    pub fn job_each_second(&self, name: &str) -> Result<()> {
        jobs::create(self.any()?, name, EACH_SECOND, "true", &json!({"any": format!("{NAME}:1")}))
    }

    /// Creates a job that runs on this server two seconds later, once.
    pub fn run_on(&self, ordinal: Ordinal, name: &str, command: &str) -> Result<()> {
        self.run_in(&pod_name(ordinal), name, command)
    }

    /// The same in the pod of this name.
    pub(super) fn run_in(&self, pod: &str, name: &str, command: &str) -> Result<()> {
        jobs::create(self.any()?, name, &jobs::soon()?, command, &json!({"pod": format!("{pod}:1")}))
    }

    /// Adds what dkron has recorded of the job's newest executions; it keeps 100.
    pub fn executions(&self, name: &str, known: &mut Executions) -> Result<()> {
        jobs::executions(self.any()?, name, known)
    }

    /// Whether the job has run once, to a good end, as dkron has it.
    pub fn is_recorded(&self, name: &str) -> Result<bool> {
        let mut executions = Executions::new();
        self.executions(name, &mut executions)?;
        self.note(&format!("{executions:?}"));
        Ok(jobs::are_one_success(&executions))
    }

    /// Address of the leader.
    fn any(&self) -> Result<Ipv4Addr> {
        Ok(self.observer.leader().context("nobody leads")?.1)
    }
}
