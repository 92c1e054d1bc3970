//! What raft's log builds up in memory: jobs and their executions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::execution::Execution;
use super::job::Job;
use crate::standin::time;

/// dkron keeps so many executions of a job.
const KEPT: usize = 100;

/// A change, as it stands in the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Command {
    SetJob(Box<Job>),
    DeleteJob(String),
    SetExecution(Execution),
    ExecutionDone(Execution),
}

/// Jobs and executions by name.
#[derive(Default)]
pub struct Store {
    jobs: BTreeMap<String, Job>,
    executions: BTreeMap<String, Vec<Execution>>,
}

impl Store {
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    pub fn job(&self, name: &str) -> Option<&Job> {
        self.jobs.get(name)
    }

    /// The newest first.
    pub fn executions(&self, job: &str) -> Vec<Execution> {
        let mut executions = self.executions.get(job).cloned().unwrap_or_default();
        executions.sort_by_key(|execution| std::cmp::Reverse(execution.started));
        executions
    }

    pub fn is_running(&self, job: &str) -> bool {
        self.executions.get(job).is_some_and(|all| all.iter().any(|execution| execution.finished == 0))
    }

    pub fn apply(&mut self, command: &Command) {
        match command {
            Command::SetJob(job) => self.set_job(job),
            Command::DeleteJob(name) => {
                self.jobs.remove(name);
                self.executions.remove(name);
            }
            Command::SetExecution(execution) => self.set_execution(execution),
            Command::ExecutionDone(execution) => self.finish(execution),
        }
    }

    /// What was counted stays, whatever the new form says.
    fn set_job(&mut self, job: &Job) {
        let mut job = job.clone();
        job.id.clone_from(&job.name);
        job.processors.get_or_insert_default();
        if let Some(known) = self.jobs.get(&job.name) {
            (job.success_count, job.error_count) = (known.success_count, known.error_count);
            (job.last_success, job.last_error) = (known.last_success.clone(), known.last_error.clone());
            job.status.clone_from(&known.status);
        }
        self.jobs.insert(job.name.clone(), job);
    }

    fn set_execution(&mut self, execution: &Execution) {
        let all = self.executions.entry(execution.job.clone()).or_default();
        match all.iter_mut().find(|known| known.key() == execution.key()) {
            Some(known) => *known = execution.clone(),
            None => all.push(execution.clone()),
        }
        if all.len() > KEPT {
            all.sort_by_key(|execution| execution.started);
            all.drain(..all.len() - KEPT);
        }
    }

    fn finish(&mut self, execution: &Execution) {
        if !self.jobs.contains_key(&execution.job) {
            return;
        }
        self.set_execution(execution);
        let group = self.executions.get(&execution.job).into_iter().flatten();
        let group: Vec<&Execution> = group.filter(|known| known.group == execution.group).collect();
        let done = group.iter().filter(|known| known.finished != 0).count();
        let good = group.iter().filter(|known| known.success).count();
        let status = match (done == group.len(), good) {
            (false, _) => "running",
            (true, 0) => "failed",
            (true, good) if good == group.len() => "success",
            (true, _) => "partially_failed",
        };
        let Some(job) = self.jobs.get_mut(&execution.job) else { return };
        status.clone_into(&mut job.status);
        let when = Some(time::rfc3339(execution.finished));
        if execution.success {
            (job.success_count, job.last_success) = (job.success_count + 1, when);
        } else {
            (job.error_count, job.last_error) = (job.error_count + 1, when);
        }
    }
}
