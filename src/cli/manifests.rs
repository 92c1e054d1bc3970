//! `dkron-ha manifests`: everything to install.

use super::exit::Done;
use super::flags::{Act, SettingsFlags};
use crate::certs::files::{AUTHORITY_FILE, CHAIN_FILE, KEY_FILE};
use crate::certs::trust::verify;
use crate::certs::{Pair, service_names};
use crate::contract::object;
use crate::documents::{self, Document, Format};
use crate::install::{self, API_SERVER_PORTS, Certificates, Guard, Install, Pem};
use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Prints everything that installs dkron-ha in a cluster, for `kubectl apply -f -`.
#[derive(Debug, Args)]
pub struct Manifests {
    /// Print the accounts and rights of the dkron pods of one namespace instead
    #[arg(long, value_name = "NAMESPACE", conflicts_with_all = ["certificates", "cert_dir", "directory"])]
    for_namespace: Option<String>,
    /// Where the webhook gets its certificate [default: files with --cert-dir, else self]
    #[arg(long, value_name = "SOURCE")]
    certificates: Option<Source>,
    /// Directory with ca.crt, tls.crt and tls.key: adds the Secret that the Deployment mounts, and the caBundle
    #[arg(long, value_name = "DIR")]
    cert_dir: Option<PathBuf>,
    /// What becomes of servers that nobody injects, should the registration be gone
    #[arg(long, value_name = "ACTION", value_enum, default_value_t = Action::Deny)]
    guard: Action,
    /// Whether the controller makes what dkron pods need; never leaves its rights out too
    #[arg(long, value_name = "WHETHER", value_enum, default_value_t = Act::Auto)]
    controller: Act,
    /// Replicas of the webhook; with 1 there is no disruption budget
    #[arg(long, value_name = "COUNT", default_value_t = install::REPLICAS, value_parser = clap::value_parser!(u32).range(1..))]
    replicas: u32,
    /// Priority class of the webhook's pods, such as system-cluster-critical
    #[arg(long, value_name = "NAME")]
    priority_class: Option<String>,
    /// Leave out the policy that narrows the network of its pods
    #[arg(long, conflicts_with = "api_server_port")]
    no_network_policy: bool,
    /// Port at which the webhook's pods may reach API servers; may be repeated [default: 443, 6443, 8443, 16443]
    #[arg(long, value_name = "PORT")]
    api_server_port: Vec<u16>,
    /// Write a kustomize base into this directory instead of printing
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsFlags,
}

/// What the webhook can be installed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Source {
    /// An authority that it keeps in a Secret of its own
    #[value(name = "self")]
    Own,
    /// A Secret that is mounted: made of --cert-dir, or somebody else's, such as cert-manager's
    Files,
    /// The same Secret, with what asks cert-manager for it
    CertManager,
}

/// What the guard does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Refuses them
    Deny,
    /// Lets them in with a warning and an entry of the audit
    Warn,
    /// There is no guard
    Off,
}

impl From<Action> for Guard {
    fn from(action: Action) -> Self {
        match action {
            Action::Deny => Self::Deny,
            Action::Warn => Self::Warn,
            Action::Off => Self::Off,
        }
    }
}

impl Manifests {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Done> {
        if let Some(namespace) = &self.for_namespace {
            return print(install::for_namespace(namespace));
        }
        let settings = self.settings.settings();
        let certificates = match (self.certificates, self.cert_dir.as_deref()) {
            (Some(Source::Own | Source::CertManager), Some(_)) => {
                bail!("--cert-dir is for --certificates=files; leave one of them out")
            }
            (Some(Source::CertManager), None) => Certificates::CertManager,
            (Some(Source::Own) | None, None) => Certificates::Own,
            (Some(Source::Files), None) => Certificates::Files(None),
            (Some(Source::Files) | None, Some(dir)) => Certificates::Files(Some(read(dir, &settings.namespace)?)),
        };
        let ports = if self.api_server_port.is_empty() { API_SERVER_PORTS.to_vec() } else { self.api_server_port };
        let objects = install::installation(&Install {
            settings,
            certificates,
            guard: self.guard.into(),
            controller: self.controller == Act::Auto,
            replicas: self.replicas,
            priority_class: self.priority_class,
            network_policy: (!self.no_network_policy).then_some(ports),
        });
        match &self.directory {
            Some(directory) => write_base(directory, &objects),
            None => print(objects),
        }
    }
}

/// Reads what the webhook serves and what the API server is to trust, and judges it as the API server will: what it would
/// turn away blocks every dkron pod.
fn read(directory: &Path, namespace: &str) -> anyhow::Result<Pem> {
    let text = |name: &str| {
        let file = directory.join(name);
        fs::read_to_string(&file).with_context(|| file.display().to_string())
    };
    let pem = Pem { authority: text(AUTHORITY_FILE)?, chain: text(CHAIN_FILE)?, key: text(KEY_FILE)? };
    let context = || format!("{}: an API server would not accept these", directory.display());
    let pair = Pair::from_pem(pem.chain.as_bytes(), pem.key.as_bytes()).with_context(context)?;
    let host = service_names(object::INSTALLATION, namespace).swap_remove(0);
    verify(&pair, pem.authority.as_bytes(), &host, SystemTime::now())
        .with_context(|| format!("{} for {host}", context()))?;
    Ok(pem)
}

fn print(objects: Vec<(&'static str, Value)>) -> anyhow::Result<Done> {
    let documents: Vec<_> = objects.into_iter().map(|(_, object)| document(&object)).collect();
    io::stdout().write_all(documents::write(&documents)?.as_bytes()).context("standard output")?;
    Ok(Done::Well)
}

/// One file an object, and the kustomization that lists them.
fn write_base(directory: &Path, objects: &[(&'static str, Value)]) -> anyhow::Result<Done> {
    fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    let resources: Vec<String> = objects.iter().map(|(stem, _)| format!("{stem}.yaml")).collect();
    let kustomization =
        json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources});
    for (stem, object) in
        objects.iter().map(|(stem, object)| (*stem, object)).chain([("kustomization", &kustomization)])
    {
        let file = directory.join(format!("{stem}.yaml"));
        let text = documents::write(&[document(object)])?;
        // One of them may be a Secret.
        let mode = if stem == "secret" { 0o600 } else { 0o644 };
        let open = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&file);
        let written = open.and_then(|mut open| open.write_all(text.as_bytes()));
        written.with_context(|| file.display().to_string())?;
    }
    Ok(Done::Well)
}

fn document(object: &Value) -> Document {
    Document { json: object.to_string(), format: Format::Yaml, line: 1 }
}
