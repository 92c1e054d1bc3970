//! `helm`, run as a person runs it, with the chart of this repository.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::command::{self, Output};
use crate::corpus;
use crate::kubectl::Kubectl;

pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/helm/dkron-ha");

/// One user's `helm`.
pub struct Helm {
    program: PathBuf,
    kubeconfig: PathBuf,
    home: PathBuf,
}

impl Helm {
    /// The same user as `kubectl`'s.
    pub fn new(program: PathBuf, kubectl: &Kubectl) -> Self {
        let home = kubectl.kubeconfig.with_file_name("helm");
        Self { program, kubeconfig: kubectl.kubeconfig.clone(), home }
    }

    /// Runs to the end; see [`Output::ok`].
    pub fn run(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new(&self.program);
        command.args(arguments).env_clear().env("HOME", &self.home).env("KUBECONFIG", &self.kubeconfig);
        command::run(&mut command, "", format!("helm {}", arguments.join(" ")))
    }

    /// The objects of `helm template` in this namespace.
    pub fn template(&self, namespace: &str, values: &[&str]) -> Result<Vec<Value>> {
        let rendered =
            self.run(&[&["template", "dkron-ha", CHART, "--namespace", namespace], values].concat())?.ok()?;
        let objects = corpus::objects(rendered.stdout.as_bytes())?;
        ensure!(!objects.is_empty(), "the chart renders nothing");
        Ok(objects)
    }
}
