//! `kubectl`, run as a person runs it, with nothing of the person's own configuration.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::authority::PairFiles;
use super::command::{self, Output};

/// Configuration of a user of the API server `server`, with one context. JSON is YAML to `kubectl`.
pub fn kubeconfig(server: &str, authority: &Path, user: &str, pair: &PairFiles) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tier", "cluster": {"server": server, "certificate-authority": authority}}],
        "users": [{"name": user, "user": {"client-certificate": pair.certificate, "client-key": pair.key}}],
        "contexts": [{"name": user, "context": {"cluster": "tier", "user": user}}],
        "current-context": user,
    })
    .to_string()
}

/// One user's `kubectl`: program, configuration and home.
#[derive(Clone)]
pub struct Kubectl {
    program: PathBuf,
    /// Where the user's configuration lies: JSON, with one context.
    pub kubeconfig: PathBuf,
    home: PathBuf,
}

impl Kubectl {
    /// `home` holds caches only and may be shared.
    pub fn new(program: PathBuf, kubeconfig: PathBuf, home: PathBuf) -> Self {
        Self { program, kubeconfig, home }
    }

    /// The same user in another default namespace, as `kubectl config set-context --current --namespace` makes it:
    /// manifests that name a namespace of their own are still accepted, which they are not with `-n`.
    pub fn in_namespace(&self, namespace: &str) -> Result<Self> {
        let mut config = self.config()?;
        config["contexts"][0]["context"]["namespace"] = namespace.into();
        let kubeconfig = self.home.join(format!("{namespace}.kubeconfig"));
        fs::write(&kubeconfig, config.to_string()).context("writing a kubeconfig")?;
        Ok(Self { kubeconfig, ..self.clone() })
    }

    /// Whoever has this token, and nothing else to show; one token for each user.
    pub fn with_token(&self, token: &str) -> Result<Self> {
        let mut config = self.config()?;
        config["users"][0]["user"] = json!({"token": token.trim()});
        let kubeconfig = self.kubeconfig.with_extension("token.kubeconfig");
        fs::write(&kubeconfig, config.to_string()).context("writing a kubeconfig")?;
        Ok(Self { kubeconfig, ..self.clone() })
    }

    /// The user's configuration.
    pub fn config(&self) -> Result<Value> {
        Ok(serde_json::from_slice(&fs::read(&self.kubeconfig)?)?)
    }

    /// Runs to the end; an error only if it could not be run or hung. See [`Output::ok`].
    pub fn run(&self, arguments: &[&str], stdin: Option<&str>) -> Result<Output> {
        let title = format!("kubectl {}", arguments.join(" "));
        command::run(&mut self.command(arguments), stdin.unwrap_or_default(), title)
    }

    /// Starts one that goes on until somebody ends it; what it prints can be read.
    pub fn stream(&self, arguments: &[&str]) -> Result<Child> {
        let mut command = self.command(arguments);
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        started.with_context(|| format!("running kubectl {}", arguments.join(" ")))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default()) // `kubectl diff` looks for diff
            .env("HOME", &self.home)
            .env("KUBECONFIG", &self.kubeconfig);
        command
    }

    /// `kubectl apply FLAGS -f -`, given YAML or JSON.
    pub fn apply(&self, manifest: &str, flags: &[&str]) -> Result<Output> {
        self.run(&[&["apply"], flags, &["-f", "-"]].concat(), Some(manifest))
    }

    /// `kubectl edit WHAT` by a person whose editor is this command line, given the file's name behind it.
    pub fn edit(&self, what: &str, editor: &str) -> Result<Output> {
        let mut command = self.command(&["edit", what]);
        command::run(command.env("KUBE_EDITOR", editor), "", format!("kubectl edit {what}"))
    }

    /// The stored object, if there. Kinds without namespaces take no notice of `namespace`.
    pub fn find(&self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>> {
        let found = self.run(&["get", kind, name, "-n", namespace, "-o", "json", "--ignore-not-found"], None)?.ok()?;
        if found.stdout.is_empty() {
            return Ok(None);
        }
        Ok(Some(found.json()?))
    }

    /// The stored object, which must be there.
    pub fn get_json(&self, kind: &str, namespace: &str, name: &str) -> Result<Value> {
        match self.find(kind, namespace, name)? {
            Some(object) => Ok(object),
            None => bail!("no {kind} {name} in namespace {namespace}"),
        }
    }

    /// All objects of the kind in the namespace, by name.
    pub fn list_json(&self, kind: &str, namespace: &str) -> Result<Vec<Value>> {
        let mut list = self.run(&["get", kind, "-n", namespace, "-o", "json"], None)?.ok()?.json()?;
        match list["items"].take() {
            Value::Array(items) => Ok(items),
            other => bail!("kubectl get {kind} gave no list but {other}"),
        }
    }
}
