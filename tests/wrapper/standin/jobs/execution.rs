//! One run of a job on one node.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::standin::time::{self, Nanos};

/// A run; a time of 0 is not yet.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Execution {
    pub job: String,
    pub started: Nanos,
    pub finished: Nanos,
    pub success: bool,
    pub output: String,
    pub node: String,
    /// The same for all nodes of one start.
    pub group: Nanos,
}

impl Execution {
    /// A run that nobody has begun.
    pub fn new(job: &str) -> Self {
        Self { job: job.to_owned(), group: time::now(), ..Self::default() }
    }

    pub fn key(&self) -> String {
        format!("{}-{}", self.started, self.node)
    }

    /// As `/v1/busy` shows it.
    pub fn json(&self) -> Value {
        let mut json = json!({"id": self.key(), "job_name": self.job, "started_at": time::rfc3339(self.started),
            "finished_at": time::rfc3339(self.finished), "success": self.success});
        if !self.output.is_empty() {
            json["output"] = self.output.as_str().into();
        }
        json["node_name"] = self.node.as_str().into();
        json["group"] = self.group.into();
        json["attempt"] = 1.into();
        json
    }

    /// As the list of a job's executions shows it.
    pub fn listed(&self) -> Value {
        let mut json = self.json();
        json["output_truncated"] = false.into();
        json
    }
}
