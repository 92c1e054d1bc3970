//! `dkron-ha manifests`: everything to install.

use super::exit::Done;
use super::flags::SettingsFlags;
use crate::certs::files::{AUTHORITY_FILE, CHAIN_FILE, KEY_FILE};
use crate::documents::{self, Document, Format};
use crate::install::{self, Certificates, Install};
use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Prints everything that installs dkron-ha in a cluster, for `kubectl apply -f -`.
#[derive(Debug, Args)]
pub struct Manifests {
    /// Print the accounts and rights of the dkron pods of one namespace instead
    #[arg(long, value_name = "NAMESPACE", conflicts_with_all = ["cert_dir", "directory"])]
    for_namespace: Option<String>,
    /// Directory with ca.crt, tls.crt and tls.key: adds the Secret that the Deployment mounts, and the caBundle
    #[arg(long, value_name = "DIR")]
    cert_dir: Option<PathBuf>,
    /// Write a kustomize base into this directory instead of printing
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsFlags,
}

impl Manifests {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Done> {
        if let Some(namespace) = &self.for_namespace {
            return print(install::for_namespace(namespace));
        }
        let certificates = self.cert_dir.as_deref().map(certificates).transpose()?;
        let objects = install::installation(&Install { settings: self.settings.settings(), certificates });
        match &self.directory {
            Some(directory) => write_base(directory, &objects),
            None => print(objects),
        }
    }
}

/// Reads what the webhook serves and what the API server is to trust.
fn certificates(directory: &Path) -> anyhow::Result<Certificates> {
    let read = |name: &str| {
        let file = directory.join(name);
        fs::read_to_string(&file).with_context(|| file.display().to_string())
    };
    Ok(Certificates { authority: read(AUTHORITY_FILE)?, chain: read(CHAIN_FILE)?, key: read(KEY_FILE)? })
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
        fs::write(&file, text).with_context(|| file.display().to_string())?;
    }
    Ok(Done::Well)
}

fn document(object: &Value) -> Document {
    Document { json: object.to_string(), format: Format::Yaml, line: 1 }
}
