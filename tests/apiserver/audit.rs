//! What the API server notes of requests by the accounts of pods: who really asked, and how often.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Reads and writes of one account, apart from watches, and those.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    pub others: u32,
    pub watches: u32,
}

/// The file that the API server writes.
#[derive(Clone)]
pub struct Audit {
    log: PathBuf,
}

impl Audit {
    /// Writes the policy into `directory`; see [`Self::arguments`].
    pub fn in_directory(directory: &Path) -> Result<Self> {
        let policy = json!({
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": [
                // The controllers.
                {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
                {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
                {"level": "None"},
            ],
        });
        fs::write(policy_file(directory), policy.to_string()).context("writing the policy of the audit")?;
        Ok(Self { log: log_file(directory) })
    }

    /// For kube-apiserver, given the same directory.
    pub fn arguments(directory: &Path) -> [String; 2] {
        [
            format!("--audit-policy-file={}", policy_file(directory).display()),
            format!("--audit-log-path={}", log_file(directory).display()),
        ]
    }

    /// Requests so far of one account.
    pub fn requests(&self, namespace: &str, account: &str) -> Result<Requests> {
        let user = format!("system:serviceaccount:{namespace}:{account}");
        let text = fs::read_to_string(&self.log).context("reading the audit")?;
        let mut requests = Requests::default();
        for line in text.lines() {
            // The last line may be half written.
            let Ok(entry) = serde_json::from_str::<Value>(line) else { continue };
            if entry["user"]["username"] != user.as_str() {
                continue;
            }
            // A watch is noted when it begins, everything else when it ends.
            match (entry["verb"] == "watch", entry["stage"] == "ResponseStarted") {
                (true, true) => requests.watches += 1,
                (false, false) => requests.others += 1,
                _ => {}
            }
        }
        Ok(requests)
    }
}

fn policy_file(directory: &Path) -> PathBuf {
    directory.join("audit-policy.json")
}

fn log_file(directory: &Path) -> PathBuf {
    directory.join("audit.log")
}
