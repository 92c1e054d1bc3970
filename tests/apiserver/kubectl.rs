//! `kubectl`, run as a person runs it, with nothing of the person's own configuration.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::interrupt;

/// No command of the tier takes long; one that does hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// One user's `kubectl`: program, configuration and home.
#[derive(Clone)]
pub struct Kubectl {
    program: PathBuf,
    /// Where the user's configuration lies: JSON, with one context.
    pub kubeconfig: PathBuf,
    home: PathBuf,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Output {
    command: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Kubectl {
    /// `home` holds caches only and may be shared.
    pub fn new(program: PathBuf, kubeconfig: PathBuf, home: PathBuf) -> Self {
        Self { program, kubeconfig, home }
    }

    /// The same user in another default namespace, as `kubectl config set-context --current --namespace` makes it:
    /// manifests that name a namespace of their own are still accepted, which they are not with `-n`.
    pub fn in_namespace(&self, namespace: &str) -> Result<Self> {
        let mut config: Value = serde_json::from_slice(&fs::read(&self.kubeconfig)?)?;
        config["contexts"][0]["context"]["namespace"] = namespace.into();
        let kubeconfig = self.home.join(format!("{namespace}.kubeconfig"));
        fs::write(&kubeconfig, config.to_string()).context("writing a kubeconfig")?;
        Ok(Self { kubeconfig, ..self.clone() })
    }

    /// Runs to the end; an error only if it could not be run or hung. See [`Output::ok`].
    pub fn run(&self, arguments: &[&str], stdin: Option<&str>) -> Result<Output> {
        let command = format!("kubectl {}", arguments.join(" "));
        self.wait(arguments, stdin.unwrap_or_default(), &command).with_context(|| format!("running {command}"))
    }

    fn wait(&self, arguments: &[&str], stdin: &str, command: &str) -> Result<Output> {
        let mut child = Command::new(&self.program)
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default()) // `kubectl diff` looks for diff
            .env("HOME", &self.home)
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (mut input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let begun = Instant::now();
        thread::scope(|scope| {
            // A command that reads no input closes it; that is no error of ours.
            scope.spawn(move || input.take().map(|mut input| input.write_all(stdin.as_bytes())));
            let output = scope.spawn(|| text(output));
            let errors = scope.spawn(|| text(errors));
            let status = loop {
                if let Some(status) = child.try_wait()? {
                    break Ok(status);
                }
                let stop = interrupt::check().err();
                if stop.is_some() || begun.elapsed() > DEADLINE {
                    child.kill()?;
                    child.wait()?;
                    break Err(stop.unwrap_or_else(|| anyhow::anyhow!("no end after {DEADLINE:?}")));
                }
                thread::sleep(Duration::from_millis(2));
            };
            let read = |reader: thread::ScopedJoinHandle<'_, _>| reader.join().unwrap_or_default();
            let (stdout, stderr) = (read(output), read(errors));
            Ok(Output { command: command.to_owned(), status: status?, stdout, stderr })
        })
    }

    /// `kubectl apply FLAGS -f -`, given YAML or JSON.
    pub fn apply(&self, manifest: &str, flags: &[&str]) -> Result<Output> {
        self.run(&[&["apply"], flags, &["-f", "-"]].concat(), Some(manifest))
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

impl Output {
    /// Itself if the command ended with 0, else an error that shows everything it said.
    pub fn ok(self) -> Result<Self> {
        if self.status.success() {
            return Ok(self);
        }
        bail!("{}: {}\n{}{}", self.command, self.status, self.stdout, self.stderr);
    }

    /// Its standard output as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("{} printed no JSON", self.command))
    }
}

fn text(stream: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    // Whatever was read before an error is still worth showing.
    let _ = stream.map(|mut stream| stream.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}
