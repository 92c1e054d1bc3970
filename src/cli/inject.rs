//! `dkron-ha inject`: the webhook's engine on files.

use super::exit::Done;
use super::flags::PodFlags;
use crate::documents::{self, Document};
use crate::inject::Engine;
use crate::rehearsal::{Act, Played, Shared, Stage, play};
use crate::review::{ReviewError, Reviewer};
use anyhow::Context as _;
use clap::Args;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

/// Injects manifests from files. Reads YAML or JSON as kubectl reads it, asks the engine what the API server would ask it,
/// and writes what the cluster would store. Comments are lost; the order is kept. A refused object is left out, its
/// refusal goes to standard error, and the exit code is 1.
#[derive(Debug, Args)]
pub struct Inject {
    /// File to read, - for standard input; may be given several times
    #[arg(short, long = "filename", value_name = "FILE", required = true)]
    filename: Vec<PathBuf>,
    /// Namespace of objects that name none
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    namespace: String,
    /// Show the pods that controllers would make, too
    #[arg(long)]
    pods: bool,
    #[command(flatten)]
    settings: PodFlags,
}

impl Inject {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Done> {
        let documents = read(&self.filename)?;
        let clusters = Shared::default();
        let engine = Engine::new(self.settings.settings(), Box::new(clusters.clone()));
        let stage = Stage { namespace: self.namespace, pods: self.pods, clusters };
        let mut ask = |review: &str| -> Result<Vec<u8>, ReviewError> {
            engine.review(review.as_bytes()).map(|reviewed| reviewed.body)
        };
        let played = play(&documents, &stage, &mut ask)?;
        let done = report(played.iter().flat_map(|played| &played.acts))?;
        let stored: Vec<Document> = played.into_iter().flat_map(stored).collect();
        io::stdout().write_all(documents::write(&stored)?.as_bytes()).context("standard output")?;
        Ok(done)
    }
}

/// Reads all documents of the files, in order.
pub fn read(files: &[PathBuf]) -> anyhow::Result<Vec<Document>> {
    let mut documents = Vec::new();
    for file in files {
        let mut text = Vec::new();
        let name = if file.as_os_str() == "-" {
            io::stdin().read_to_end(&mut text).context("standard input")?;
            "standard input".to_owned()
        } else {
            text = std::fs::read(file).with_context(|| file.display().to_string())?;
            file.display().to_string()
        };
        documents.extend(documents::read(&text).context(name)?);
    }
    Ok(documents)
}

/// A document, and the pods that were previewed for it.
fn stored(played: Played) -> Vec<Document> {
    let previews = played.acts.into_iter().filter(|act| act.preview && act.admitted.refusal.is_none());
    let previews = previews.map(|act| Document { json: act.admitted.json, ..act.before });
    played.document.into_iter().chain(previews).collect()
}

/// Prints warnings and refusals to standard error, as kubectl would.
fn report<'a>(acts: impl Iterator<Item = &'a Act>) -> io::Result<Done> {
    let mut done = Done::Well;
    let mut out = io::stderr().lock();
    for act in acts {
        for warning in &act.admitted.warnings {
            writeln!(out, "Warning: {}: {warning}", act.title)?;
        }
        if let Some(refusal) = &act.admitted.refusal {
            done = Done::Refused;
            writeln!(out, "Error: line {}: {} is refused: {refusal}", act.line, act.title)?;
        }
    }
    Ok(done)
}
